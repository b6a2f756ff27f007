/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The labels of a policy, as segments are written by them. */
#ifndef RECORD_REPOSITORY_POLICY_LABELS_H
#define RECORD_REPOSITORY_POLICY_LABELS_H

#include "record/repository/policy.h"
#include "store/labels.h"

struct policy_labels {
    struct tcore_labels labels;
    struct tcore_public_key *key; /* of all recipients; owned */
};

/*
 * Reads the keys of those who may read what the policy labels; their paths are relative to dirfd.
 * The policy is borrowed. TCORE_BAD_INPUT: a key cannot be read, or a label is in use that nobody
 * could read. To be freed in any case.
 */
enum tcore_status policy_labels_open(struct policy_labels *labels, const struct policy *policy,
                                     int dirfd, struct tcore_error *err);
void policy_labels_free(struct policy_labels *labels);
/* NULL: nothing has a label. */
const struct tcore_labels *policy_labels_get(const struct policy_labels *labels);

#endif
