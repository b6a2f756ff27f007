/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a policy: it is refused with a place within the text, or what it says is within the
 * bounds of the language, and every question about it has an answer.
 */
#include "record/repository/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void check_values(const struct policy *p)
{
    require(p->host_interval_ns >= 0 && p->sampling.head >= 0 && p->sampling.head <= 1);
    require(p->segment_records > 0 && p->segment_bytes > 0 && p->segment_age_ns > 0);
    require(!p->checkpoint || *p->checkpoint == '/');
    for (size_t i = 0; i < p->sampling.count; i++) {
        const struct cli_sampling_rule *rule = &p->sampling.rule[i];
        bool timed = rule->action == CLI_SAMPLING_RATE || rule->action == CLI_SAMPLING_SHAPES;

        require(rule->name && rule->when.kind == CLI_SAMPLING_ALL);
        require(!timed || (rule->count > 0 && rule->per_ns > 0));
    }
    for (size_t i = 0; i < p->role_count; i++)
        require(*p->role[i].name && (p->role[i].read == 1 || p->role[i].key) &&
                p->role[i].read >> POLICY_LABELS == 0);
    for (size_t i = 0; i < p->redaction_count; i++) {
        const struct policy_redaction *r = &p->redaction[i];

        require(r->fields.count > 0);
        require(r->kind == POLICY_MASK ? r->pattern && r->with : !r->pattern);
    }
    require(p->retention_bytes >= 0);
    for (int label = 0; label < POLICY_LABELS; label++)
        require(p->label_keep_ns[label] >= 0);
    for (size_t i = 0; i < p->retention_count; i++)
        require(p->retention[i].keep_ns > 0 && p->retention[i].type < TCORE_RECORD_CLOCK);
}

/* About the start of the text, as if it were a name. */
static void ask(const struct policy *p, const char *text, size_t length)
{
    size_t at = 0;

    require(policy_label_of(p, text, length) < POLICY_LABELS);
    for (size_t n = 0; policy_next_redaction(p, text, length, &at); n++)
        require(n < p->redaction_count);
    require(policy_keep_ns(p, TCORE_RECORD_SPAN, text, length) >= -1);
    for (enum policy_label label = POLICY_PUBLIC; label < POLICY_LABELS; label++) {
        at = 0;
        for (size_t n = 0; policy_next_recipient(p, label, &at); n++)
            require(n < p->role_count);
    }
    policy_may(p, POLICY_ERASE, "x", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy policy = {0};
    struct tcore_error err = {0};
    /* expressions that need it are refused for want of the helper, which is fatal */
    enum tcore_status status =
        policy_parse(&policy, "p", (const char *)data, size, "/nonexistent", &err);

    require((status == TCORE_BAD_INPUT) == (policy.errors > 0) || status == TCORE_FATAL);
    require(policy.errors == 0 ||
            (policy.problems.length && !strncmp(policy.problems.data, "p:", 2)));
    if (status == TCORE_OK) {
        check_values(&policy);
        for (size_t length = 0; length <= size && length <= 64; length += 8)
            ask(&policy, (const char *)data, length);
    }
    policy_free(&policy);
    return 0;
}
