/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Joint roll-ups: what up to 64 segments add up to, in windows of an hour and of a day, so that a
 * question about months need not open thousands of segments. One is a file as a segment is, in
 * REPO/rollups, with roll-ups and no blocks; its manifest names the segments that it is of. It
 * counts as long as all of them are there, and may be deleted at any time.
 */
#ifndef TRACECORE_STORE_JOINT_H
#define TRACECORE_STORE_JOINT_H

#include "store/repository.h"

#define TCORE_JOINT_SEGMENTS 64u

#pragma GCC visibility push(hidden)

/* Joint roll-ups that are open, and which segments of a list they are of. */
struct tcore_joints {
    struct tcore_segment **joint; /* owned */
    size_t count, capacity;
    uint32_t *of_segment; /* by number in the list: number of its joint + 1, 0: none; owned */
};

/* Opens those whose segments are all in the list, which is sorted; damaged ones and others are
 * passed over. TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_joints_open(struct tcore_joints *joints, struct tcore_repository *r,
                                    const struct tcore_segment_list *list, struct tcore_error *err);
void tcore_joints_close(struct tcore_joints *joints);

/*
 * Makes what joints are missing for full groups of segments in the order of the list, and removes
 * those whose segments are gone. *made and *removed count them. TCORE_BAD_INPUT: a segment is
 * damaged: err says which; TCORE_FATAL.
 */
enum tcore_status tcore_joints_update(struct tcore_repository *r, size_t *made, size_t *removed,
                                      struct tcore_error *err);

#pragma GCC visibility pop

#endif
