/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a policy says about one attribute, field, record or person. */
#include <config.h>

#include "record/repository/policy.h"

#include <string.h>

#define SECOND_NS INT64_C(1000000000)

const char *const policy_label_names[] = {"public", "internal", "pii", "secret", NULL};

void policy_defaults(struct policy *policy)
{
    *policy = (struct policy){
        .sampling.head = 1,
        .durability = POLICY_DURABLE_SEGMENT,
        .segment_records = 1000000,
        .segment_bytes = INT64_C(256) << 20,
        .segment_age_ns = 15 * 60 * SECOND_NS,
    };
}

void policy_free(struct policy *policy)
{
    for (size_t i = 0; i < policy->redaction_count; i++)
        tcore_pattern_free(policy->redaction[i].pattern);
    tcore_arena_free(&policy->arena);
    tcore_buf_free(&policy->problems);
    *policy = (struct policy){0};
}

/* Whether text is what the glob says. After a mismatch only the last asterisk has to take one more:
 * what an earlier one could take, that one can, too. */
static bool matches_glob(const char *glob, const char *text, size_t length)
{
    const char *end = text + length, *star = NULL, *from = NULL;

    while (text < end) {
        if (*glob == '*') {
            star = glob++;
            from = text;
        } else if (*glob && *glob == *text) {
            glob++;
            text++;
        } else if (star) {
            glob = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

static bool matches(const struct policy_name *name, const char *text, size_t length)
{
    if (name->is_glob)
        return matches_glob(name->text, text, length);
    return strlen(name->text) == length && memcmp(name->text, text, length) == 0;
}

enum policy_label policy_label_of(const struct policy *policy, const char *key, size_t length)
{
    enum policy_label label = POLICY_PUBLIC;

    for (size_t i = 0; i < policy->label_count; i++) {
        const struct policy_label_rule *rule = &policy->label[i];

        if (!matches(&rule->name, key, length))
            continue;
        if (!rule->name.is_glob)
            return rule->label;
        if (rule->label > label)
            label = rule->label;
    }
    return label;
}

bool policy_uses_label(const struct policy *policy, enum policy_label label)
{
    for (size_t i = 0; i < policy->label_count; i++)
        if (policy->label[i].label == label)
            return true;
    return false;
}

const struct policy_role *policy_next_recipient(const struct policy *policy,
                                                enum policy_label label, size_t *at)
{
    while (*at < policy->role_count) {
        const struct policy_role *role = &policy->role[(*at)++];

        if (role->key && role->read >> label & 1)
            return role;
    }
    return NULL;
}

bool policy_redacts(const struct policy_redaction *redaction, const char *field, size_t length)
{
    for (size_t i = 0; i < redaction->fields.count; i++)
        if (matches(&redaction->fields.item[i], field, length))
            return true;
    return false;
}

const struct policy_redaction *policy_next_redaction(const struct policy *policy, const char *field,
                                                     size_t length, size_t *at)
{
    while (*at < policy->redaction_count) {
        const struct policy_redaction *redaction = &policy->redaction[(*at)++];

        if (policy_redacts(redaction, field, length)) {
            if (redaction->kind != POLICY_MASK)
                *at = policy->redaction_count;
            return redaction;
        }
    }
    return NULL;
}

int64_t policy_keep_ns(const struct policy *policy, enum tcore_record_type type,
                       const char *service, size_t service_length)
{
    for (size_t i = policy->retention_count; i > 0; i--) {
        const struct policy_retention *rule = &policy->retention[i - 1];

        if (rule->type != TCORE_RECORD_NONE && rule->type != type)
            continue;
        if (rule->service && (strlen(rule->service) != service_length ||
                              memcmp(rule->service, service, service_length) != 0))
            continue;
        return rule->keep_ns;
    }
    return -1;
}

static bool has_role(const struct policy_role *role, const char *user)
{
    for (size_t i = 0; user && i < role->users.count; i++)
        if (strcmp(role->users.item[i], user) == 0)
            return true;
    return false;
}

bool policy_may(const struct policy *policy, enum policy_action action, const char *user,
                const bool *has)
{
    bool restricted = false;

    for (size_t i = 0; i < policy->role_count; i++) {
        const struct policy_role *role = &policy->role[i];

        if (!(role->may & action))
            continue;
        if (has_role(role, user) || (has && has[i]))
            return true;
        restricted = true;
    }
    return !restricted;
}
