/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where records go that are made one by one. */
#include <config.h>

#include "record/destination.h"

#include "base/sys.h"
#include "cli/append.h"
#include "cli/message.h"
#include "record/repository/collect.h"
#include "record/export/delivery.h"
#include "record/repository/keeper.h"
#include "record/repository/protection.h"
#include "store/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct destination destination_of(const char *to, const char *durability)
{
    const char *path = to ? to : getenv("TRACE_TO");
    return (struct destination){
        .path = path && (to || *path) ? path : "trace.ndjson",
        .record = durability && !strcmp(durability, "record"),
    };
}

static enum tcore_status failed(const char *path, int errnum, const char *what,
                                struct tcore_error *err)
{
    tcore_error_errno(err, TCORE_FATAL, errnum, "%s", what);
    err->input = path;
    return TCORE_FATAL;
}

static enum tcore_status append_to_file(const char *path, const struct tcore_buf *lines,
                                        struct tcore_error *err)
{
    int fd = cli_append_open(path, 0666);
    if (fd < 0)
        return failed(path, errno, "cannot open", err);
    int errnum = cli_append(fd, lines->data, lines->length);
    if (tcore_sys()->close(fd) < 0 && !errnum)
        errnum = errno;
    return errnum ? failed(path, errnum, "cannot append", err) : TCORE_OK;
}

/* ---- repositories ---- */

struct teller {
    struct cli *cli;
    const char *path;
};

static void tell(void *context, bool failed, const char *text)
{
    (void)failed; /* what was to be recorded is */
    const struct teller *teller = context;
    cli_note(teller->cli, "%s: %s", teller->path, text);
}

/* Somebody has to put full and abandoned logs into segments. If that fails they stay, can be read,
 * and are for the next one: what was to be recorded is. */
static void seal_logs(struct cli *cli, const char *path, const struct protection *protection)
{
    struct teller teller = {cli, path};
    struct keeper keeper;
    struct tcore_error err;
    enum tcore_status status = keeper_open(&keeper, path, &err);
    keeper.tell = tell;
    keeper.tell_context = &teller;
    if (status == TCORE_OK) {
        keeper_use(&keeper, &protection->policy, policy_labels_get(&protection->labels));
        status = keeper_take_logs(&keeper, &err);
    }
    if (status == TCORE_OK)
        status = keeper_finish(&keeper, &err);
    if (status != TCORE_OK)
        cli_note(cli, "%s: its logs are not sealed: %s", path, err.text);
    keeper_close(&keeper);
}

static enum tcore_status append_to_log(int open_dir, bool record, const struct tcore_buf *lines,
                                       uint64_t *sequence, struct tcore_error *err)
{
    const struct tcore_log_limits limits = {.bytes = keeper_default_limits.text_bytes,
                                            .age_ns = keeper_default_limits.age_ns};
    struct tcore_log *log;
    enum tcore_status status = tcore_log_open_shared(&log, open_dir, &limits, err);
    if (status != TCORE_OK)
        return status;
    status = tcore_log_append(log, TCORE_LOG_RECORDS, lines->data, lines->length, sequence, err);
    if (status == TCORE_OK && record)
        status = tcore_log_commit(log, *sequence, err);
    enum tcore_status closed = tcore_log_close(log, status == TCORE_OK ? err : NULL);
    return status == TCORE_OK ? closed : status;
}

/* Puts the lines into a segment of their own, which is on disk then. */
static enum tcore_status append_to_segment(const char *path, const struct protection *protection,
                                           const struct tcore_buf *lines, struct tcore_error *err)
{
    struct keeper keeper;
    enum tcore_status status = keeper_open(&keeper, path, err);
    if (status == TCORE_OK)
        keeper_use(&keeper, &protection->policy, policy_labels_get(&protection->labels));
    keeper.durability = KEEPER_SEGMENT;
    for (size_t at = 0, bytes; at < lines->length && status == TCORE_OK; at += bytes + 1) {
        const char *newline = memchr(lines->data + at, '\n', lines->length - at);
        bytes = newline ? (size_t)(newline - (lines->data + at)) : lines->length - at;
        const struct tcore_slice line = {lines->data + at, bytes};
        status = keeper_add(&keeper, &line, err);
    }
    if (status == TCORE_OK)
        status = keeper_finish(&keeper, err);
    keeper_close(&keeper);
    return status;
}

static enum tcore_status append_protected(struct cli *cli, const struct destination *to,
                                          const struct protection *protection,
                                          const struct tcore_buf *lines, struct tcore_error *err)
{
    struct tcore_repository *repository;
    const struct tcore_labels *labels = policy_labels_get(&protection->labels);
    uint64_t sequence = 0;
    unsigned label = 0;
    int open_dir;
    enum tcore_status status = TCORE_OK;
    if (labels) /* what has one cannot wait in a log, which is not sealed */
        status = tcore_label_of_lines(labels, lines->data, lines->length, &label, err);
    if (status != TCORE_OK || label)
        return status == TCORE_OK ? append_to_segment(to->path, protection, lines, err) : status;
    status = tcore_repository_open(&repository, to->path, err);
    if (status != TCORE_OK)
        return status;
    status = tcore_repository_folder(repository, "open", true, &open_dir, err);
    tcore_repository_close(repository);
    if (status != TCORE_OK)
        return status;
    status = append_to_log(open_dir, to->record, lines, &sequence, err);
    tcore_sys()->close(open_dir);
    if (status == TCORE_OK && sequence == 1) /* the log before it was full, old or torn */
        seal_logs(cli, to->path, protection);
    return status;
}

/* What the policy drops, does not sample or redacts never comes into a log. */
static enum tcore_status append_by_policy(struct cli *cli, const struct destination *to,
                                          const struct protection *protection,
                                          const struct tcore_buf *lines, struct tcore_error *err)
{
    struct collect_counts counts = {0};
    struct redactor *redactor = NULL;
    struct tcore_buf collected = {0}, redacted = {0};
    enum tcore_status status = protection_redactor(protection, &redactor, err);
    if (status == TCORE_OK && collection_is_needed(&protection->policy)) {
        status = collect_lines(&protection->policy, lines, &collected, &counts, err);
        lines = &collected;
    }
    if (status == TCORE_OK && redactor) {
        status = redactor_lines(redactor, lines->data, lines->length, &redacted, err);
        lines = &redacted;
    }
    if (status == TCORE_OK && lines->length)
        status = append_protected(cli, to, protection, lines, err);
    if (status == TCORE_OK)
        collect_note(cli, to->path, &counts);
    redactor_free(redactor);
    tcore_buf_free(&collected);
    tcore_buf_free(&redacted);
    return status;
}

static enum tcore_status append_to_repository(struct cli *cli, const struct destination *to,
                                              const struct tcore_buf *lines,
                                              struct tcore_error *err)
{
    struct protection protection;
    enum tcore_status status = TCORE_OK;
    if (protection_open(&protection, cli, to->path) != CLI_DONE)
        status = tcore_error_set(err, TCORE_FATAL, "nothing is recorded against its policy");
    if (status == TCORE_OK)
        status = append_by_policy(cli, to, &protection, lines, err);
    protection_close(&protection);
    return status;
}

enum tcore_status destination_append(struct cli *cli, const struct destination *to,
                                     const struct tcore_buf *lines, struct tcore_error *err)
{
    const char *path = to->path;
    if (lines->failed)
        return tcore_error_nomem(err);
    if (!lines->length)
        return TCORE_OK;
    if (delivery_is_url(path))
        return delivery_lines(cli, path, lines, true, err);
    if (!tcore_is_directory(path))
        return append_to_file(path, lines, err);
    if (append_to_repository(cli, to, lines, err) == TCORE_OK)
        return TCORE_OK;
    err->input = path;
    return TCORE_FATAL;
}
