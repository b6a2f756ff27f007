/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The header of a partial, as a merge reads it: what was aggregated. */
#ifndef AGG_HEADER_H
#define AGG_HEADER_H

#include "agg/agg.h"
#include "model/json.h"

/* The strings of a header: groups, then statistics. */
struct agg_header {
    char **name; /* owned, and each of them */
    size_t count;
};

/* The member of an object if it is of that kind, else NULL. */
const struct tcore_value *agg_member(const struct tcore_json *json, uint32_t object,
                                     const char *name, enum tcore_kind kind);
/* Sets groups, statistics and windows of the plan, which borrows the header's strings. header has
 * to be empty. TCORE_BAD_INPUT: it is damaged, or of another version; TCORE_FATAL. */
enum tcore_status agg_header_read(struct agg_header *header, const struct tcore_json *json,
                                  uint32_t object, struct agg_plan *plan, struct tcore_error *err);
void agg_header_free(struct agg_header *header);
/* Whether a header says what the plan does. */
bool agg_header_fits(const struct tcore_json *json, uint32_t object, const struct agg_plan *plan);

#endif
