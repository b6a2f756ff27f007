/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/policy_labels.h"

#include "base/sys.h"

_Static_assert(POLICY_LABELS <= LABELS_MOST, "room for the labels");

static unsigned label_of(const void *context, const char *key, size_t length)
{
    return policy_label_of(context, key, length);
}

/* The keys of one label's recipients, behind those before. */
static enum tcore_status read_keys(struct policy_labels *l, const struct policy *policy,
                                   enum policy_label label, int dirfd, size_t *used,
                                   struct tcore_error *err)
{
    struct tcore_label *out = &l->labels.label[label];
    const struct policy_role *role;
    enum tcore_status status = TCORE_OK;
    size_t at = 0;
    out->readers = l->key + *used;
    while (status == TCORE_OK && (role = policy_next_recipient(policy, label, &at))) {
        status = tcore_public_key_read(&l->key[*used], TCORE_KEY_SEALING, dirfd, role->key, err);
        *used += status == TCORE_OK;
        out->reader_count += status == TCORE_OK;
    }
    if (status == TCORE_OK && !out->reader_count && policy_uses_label(policy, label))
        return tcore_error_set(
            err, TCORE_BAD_INPUT,
            "what has the label %s could never be read: the policy has no role with a key for it",
            out->name);
    return status;
}

enum tcore_status policy_labels_open(struct policy_labels *l, const struct policy *policy,
                                     int dirfd, struct tcore_error *err)
{
    *l = (struct policy_labels){.labels = {.of = label_of, .context = policy}};
    bool any = false;
    size_t used = 0;
    for (int label = POLICY_PUBLIC + 1; label < POLICY_LABELS; label++)
        any |= policy_uses_label(policy, (enum policy_label)label);
    if (!any)
        return TCORE_OK;
    l->labels.count = POLICY_LABELS;
    l->key = tcore_calloc(policy->role_count * POLICY_LABELS + 1, sizeof *l->key);
    if (!l->key)
        return tcore_error_nomem(err);
    enum tcore_status status = TCORE_OK;
    for (int label = POLICY_PUBLIC; label < POLICY_LABELS && status == TCORE_OK; label++) {
        l->labels.label[label].name = policy_label_names[label];
        if (label != POLICY_PUBLIC && policy_uses_label(policy, (enum policy_label)label))
            status = read_keys(l, policy, (enum policy_label)label, dirfd, &used, err);
    }
    return status;
}

void policy_labels_free(struct policy_labels *l)
{
    tcore_free(l->key);
    *l = (struct policy_labels){0};
}

const struct tcore_labels *policy_labels_get(const struct policy_labels *l)
{
    return l->labels.count ? &l->labels : NULL;
}
