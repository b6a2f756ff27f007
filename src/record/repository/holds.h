/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The holds of a repository: files in REPO/holds that say which records nobody may remove. */
#ifndef RECORD_REPOSITORY_HOLDS_H
#define RECORD_REPOSITORY_HOLDS_H

#include "base/buf.h"
#include "record/repository/matcher.h"

#define HOLDS_FOLDER     "holds"
#define HOLD_NAME_BYTES  65
#define HOLD_LIMIT_BYTES 65536 /* of a file */

struct hold {
    char name[HOLD_NAME_BYTES];
    struct tcore_buf text;          /* of the file: a JSON object */
    struct matcher_options options; /* what it covers; strings are the hold's */
    struct tcore_buf strings;
    struct matcher matcher;
    uint64_t held; /* records that were asked about */
};

struct holds {
    struct hold **hold; /* in the order of their names; owned */
    size_t count;
    uint32_t *rows; /* owned */
    uint8_t *is_held;
    size_t row_capacity;
};

/* Letters, digits, . _ @ + and -, none of . and - first; up to 64. */
bool hold_is_name(const char *name);
/* Reads all of them. CLI_DONE, or the exit status after a report: with a hold that cannot be read
 * nothing can be removed. To be freed in any case. */
int holds_read(struct holds *holds, struct cli *cli, int repository, const char *name);
/* Prepares holds_rows(). CLI_DONE, or the exit status after a report. */
int holds_open(struct holds *holds, struct cli *cli, struct tcore_projection *projection);
void holds_free(struct holds *holds);
/* Leaves of the rows those that no hold covers, and counts the others in their holds. */
enum tcore_status holds_rows(struct holds *holds, const struct tcore_batch *batch, uint32_t *rows,
                             size_t *count, struct tcore_error *err);

#endif
