/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/rules.h"

#include "base/sys.h"
#include "cli/message.h"

#include <string.h>

static int read_rules(struct listen_rules *rules, struct cli *cli,
                      const struct listen_rules_options *o)
{
    int result = CLI_DONE;
    policy_defaults(&rules->repository.policy);
    if (o->repository)
        result = protection_open(&rules->repository, cli, o->repository);
    if (result == CLI_DONE && o->redact)
        result = protection_open_file(&rules->redaction, cli, o->redact);
    rules->sample = o->sample;
    /* Whoever samples by traces' ids samples the same ones: the smaller share is part of the other.
     */
    if (rules->repository.policy.sampling.head > o->sample)
        rules->repository.policy.sampling.head = o->sample;
    return result;
}

int listen_rules_read(struct listen_rules **rules, struct cli *cli,
                      const struct listen_rules_options *options)
{
    struct listen_rules *made = *rules = tcore_calloc(1, sizeof *made);
    if (!made) {
        cli_error(cli, "out of memory");
        return CLI_FAILED;
    }
    made->users = 1;
    int result = read_rules(made, cli, options);
    if (result != CLI_DONE) {
        listen_rules_drop(made);
        *rules = NULL;
    }
    return result;
}

struct listen_rules *listen_rules_use(struct listen_rules *rules)
{
    __atomic_fetch_add(&rules->users, 1, __ATOMIC_RELAXED);
    return rules;
}

void listen_rules_drop(struct listen_rules *rules)
{
    if (!rules || __atomic_sub_fetch(&rules->users, 1, __ATOMIC_ACQ_REL))
        return;
    protection_close(&rules->repository);
    protection_close(&rules->redaction);
    tcore_free(rules);
}

/* ---- a thread ---- */

static void free_tools(struct listen_applier *a)
{
    a->before = listen_applier_counts(a);
    line_collector_free(a->collector);
    for (int i = 0; i < 2; i++) {
        redactor_free(a->redactor[i]);
        a->redactor[i] = NULL;
    }
    a->collector = NULL;
    listen_rules_drop(a->rules);
    a->rules = NULL;
}

enum tcore_status listen_applier_take(struct listen_applier *a, struct listen_rules *rules,
                                      struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    free_tools(a);
    a->rules = rules;
    if (collection_is_needed(&rules->repository.policy))
        status = line_collector_new(&a->collector, &rules->repository.policy, err);
    if (status == TCORE_OK)
        status = protection_redactor(&rules->redaction, &a->redactor[0], err);
    if (status == TCORE_OK)
        status = protection_redactor(&rules->repository, &a->redactor[1], err);
    return status;
}

void listen_applier_close(struct listen_applier *a)
{
    free_tools(a);
    tcore_json_free(&a->json);
}

struct collect_counts listen_applier_counts(const struct listen_applier *a)
{
    struct collect_counts counts = a->before;
    if (a->collector) {
        const struct collect_counts *now = line_collector_counts(a->collector);
        counts.dropped += now->dropped;
        counts.unsampled += now->unsampled;
        counts.failed += now->failed;
    }
    return counts;
}

/* What a step made takes the place of what it was made of. */
static enum tcore_status exchange(struct tcore_buf *records, struct tcore_buf *made,
                                  enum tcore_status status)
{
    if (status == TCORE_OK) {
        struct tcore_buf before = *records;
        *records = *made;
        *made = before;
    }
    tcore_buf_free(made);
    return status;
}

static uint64_t count_lines(const struct tcore_buf *lines)
{
    uint64_t count = 0;
    const char *end = lines->data + lines->length;
    for (const char *at = lines->data; at < end; count++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    return count;
}

static enum tcore_status apply_to(struct listen_applier *a, struct tcore_buf *records,
                                  struct tcore_error *err)
{
    struct tcore_buf made = {0};
    enum tcore_status status = TCORE_OK;
    if (a->rules->sample < 1)
        status = exchange(records, &made,
                          listen_sample(a->rules->sample, &a->json, records, &made, err));
    if (status == TCORE_OK && a->collector && records->length)
        status = exchange(records, &made, line_collector_apply(a->collector, records, &made, err));
    for (int i = 0; i < 2 && status == TCORE_OK; i++)
        if (a->redactor[i] && records->length)
            status = exchange(
                records, &made,
                redactor_lines(a->redactor[i], records->data, records->length, &made, err));
    return status;
}

enum tcore_status listen_apply(struct listen_applier *a, struct listen_request *request,
                               struct tcore_error *err)
{
    const struct tcore_labels *labels = policy_labels_get(&a->rules->repository.labels);
    struct tcore_buf *records = &request->records;
    unsigned label = 0;
    enum tcore_status status = records->length ? apply_to(a, records, err) : TCORE_OK;
    if (status == TCORE_OK && labels && records->length)
        status = tcore_label_of_lines(labels, records->data, records->length, &label, err);
    request->labelled = label != 0;
    request->record_count = status == TCORE_OK && records->length ? count_lines(records) : 0;
    return status;
}
