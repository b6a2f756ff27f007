/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What retain does besides removing records that are too old: the oldest segments go while there is
 * too much of them, and values of a label by destroying its key in segments that are old enough.
 * Both are found out first, when removal_plan() has counted, and nothing changes meanwhile.
 */
#ifndef RECORD_REPOSITORY_RETAIN_H
#define RECORD_REPOSITORY_RETAIN_H

#include "record/repository/removal.h"

/* Adds the oldest segments, so that the rest has no more bytes than the policy lets it have. *held:
 * bytes too many that stay, since what is older is held. */
enum tcore_status retain_size(struct removal *removal, uint64_t *held);

struct retain_labels {
    struct removal *removal;
    int64_t now_ns;
    unsigned *labels;                 /* of each segment, a bit for each whose key goes; owned */
    uint64_t segments[POLICY_LABELS]; /* in which it does */
    bool any;
    /* while a segment is looked at */
    unsigned found;
    bool destroys;
};

/* Finds them. To be freed in any case. */
enum tcore_status retain_labels_plan(struct retain_labels *labels, struct removal *removal,
                                     int64_t now_ns);
void retain_labels_free(struct retain_labels *labels);
/* A line for each segment and label. */
void retain_labels_print(const struct retain_labels *labels);
/* Appends "keysDestroyed":{"LABEL":SEGMENTS...} behind a comma, if there are any. */
void retain_labels_describe(const struct retain_labels *labels, struct tcore_buf *out);
/* Does it. A segment that is damaged is reported, and the others are done. */
enum tcore_status retain_labels_carry_out(struct retain_labels *labels);

#endif
