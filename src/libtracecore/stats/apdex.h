/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Apdex of a threshold T: (satisfied + tolerating / 2) / total, where satisfied is up to T,
 * tolerating above T up to 4T, and the rest frustrated. All counts are in units of 1/65,536
 * (stats/weight.h) and exact. Source: Apdex Alliance, "Application Performance Index, Technical
 * Specification", version 1.1.
 *
 * A zeroed struct is empty and owns nothing.
 */
#ifndef TRACECORE_STATS_APDEX_H
#define TRACECORE_STATS_APDEX_H

#include "base/buf.h"
#include "base/error.h"
#include "stats/weight.h"

struct tcore_apdex {
    uint64_t satisfied, tolerating, total;
};

/* Adds a value in the unit of the threshold. TCORE_OK; TCORE_SKIP for NaN; TCORE_BAD_INPUT beyond
 * TCORE_UNITS_MAX; nothing is added then. */
enum tcore_status tcore_apdex_add_int64(struct tcore_apdex *apdex, int64_t value, int64_t threshold,
                                        uint64_t weight);
enum tcore_status tcore_apdex_add_double(struct tcore_apdex *apdex, double value, double threshold,
                                         uint64_t weight);
/* Adds one that counts as frustrated whatever it took, as failed requests do. */
enum tcore_status tcore_apdex_add_frustrated(struct tcore_apdex *apdex, uint64_t weight);
/* TCORE_OK, or TCORE_BAD_INPUT: too many, nothing added. */
enum tcore_status tcore_apdex_merge(struct tcore_apdex *into, const struct tcore_apdex *from);
/* From 0 to 1; NaN when empty. */
double tcore_apdex_value(const struct tcore_apdex *apdex);

/* The state as bytes and back: see stats/encode.h. */
struct tcore_state_reader;
void tcore_apdex_encode(const struct tcore_apdex *apdex, struct tcore_buf *out);
/* TCORE_OK, or TCORE_BAD_INPUT, left empty. */
enum tcore_status tcore_apdex_decode(struct tcore_apdex *apdex, struct tcore_state_reader *in,
                                     struct tcore_error *err);

#endif
