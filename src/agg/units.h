/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The units of a merge: which came, which of them were counted, and which there should be. A result
 * is of each of them once, or there is none.
 */
#ifndef AGG_UNITS_H
#define AGG_UNITS_H

#include "base/error.h"
#include "base/map.h"
#include "cli/verb.h"

#include <stdbool.h>
#include <stdint.h>

struct agg_units {
    const struct cli_strings *expect; /* none: whatever comes is all; borrowed */
    struct tcore_map came;            /* those of which any record came */
    struct tcore_map counted;
    uint64_t *checksum; /* of what was counted, by number in counted; owned */
    size_t checksum_capacity;
    uint64_t repeated; /* whole attempts at units that had been counted */
};

/* 0, or -1: there is no randomness. */
int agg_units_open(struct agg_units *units, const struct cli_strings *expect);
void agg_units_free(struct agg_units *units);
/* A record of the unit is there. TCORE_OK or TCORE_FATAL: out of memory. */
enum tcore_status agg_units_came(struct agg_units *units, const char *unit,
                                 struct tcore_error *err);
/* A whole attempt at the unit is there, which came before; checksum is that of its contents.
 * *first: it counts. *other: it does not, and what counts has other contents. Status as above. */
enum tcore_status agg_units_count(struct agg_units *units, const char *unit, uint64_t checksum,
                                  bool *first, bool *other, struct tcore_error *err);
/* Whether all that came was counted, and is what was expected. Reports each unit that is cut short
 * or damaged, missing, or not expected. */
bool agg_units_are_whole(const struct agg_units *units, struct cli *cli);

#endif
