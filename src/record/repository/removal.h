/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Removing records from a repository, by erase and retain: first all segments are gone through and
 * what would go is counted, then those that have something of it are written anew without.
 */
#ifndef RECORD_REPOSITORY_REMOVAL_H
#define RECORD_REPOSITORY_REMOVAL_H

#include "record/repository/holds.h"
#include "record/repository/upkeep.h"
#include "store/rewrite.h"

/* Of a segment. */
struct removal_plan {
    uint64_t records; /* in it */
    uint64_t removed[TCORE_RECORD_TYPES];
    uint64_t all_removed;
};

struct removal {
    struct upkeep *upkeep;
    struct tcore_projection projection;
    /* Leaves of all rows of a batch those that are to go. */
    tcore_row_filter *select;
    /* Whether that needs to look into a segment at all; NULL: always. */
    bool (*concerns)(void *context, const struct tcore_manifest *manifest);
    void *context;
    struct holds holds;
    struct tcore_segment_reader *reader;
    struct removal_plan *plan; /* by segment; owned */
    size_t at;
    uint32_t *rows; /* owned */
    size_t row_capacity;
    /* in all */
    uint64_t removed[TCORE_RECORD_TYPES], all_removed, held;
    size_t segments; /* that something is removed from */
};

/* Reads the holds, and asks for their columns; others are the caller's to ask for. CLI_DONE, or the
 * exit status after a report. To be freed in any case. */
int removal_open(struct removal *removal, struct upkeep *upkeep);
void removal_free(struct removal *removal);
/* Counts. TCORE_BAD_INPUT: a segment is damaged; where that is the reason, nothing is removed. */
enum tcore_status removal_plan(struct removal *removal);
/* A whole segment goes, too, whatever of it was counted before. */
void removal_add_segment(struct removal *removal, size_t segment,
                         const struct tcore_manifest *manifest);
/* Whether a hold covers a record of the segment. */
enum tcore_status removal_is_held(struct removal *removal, const char *path, bool *held);
/* A line for each segment and type. */
void removal_print(struct removal *removal);
/* Appends "records":N,"segments":N,"TYPEs":N... */
void removal_describe(const struct removal *removal, struct tcore_buf *out);
/* Does it, and then what rollup does. */
enum tcore_status removal_carry_out(struct removal *removal, bool waits);

#endif
