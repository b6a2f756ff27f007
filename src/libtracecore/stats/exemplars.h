/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Examples of what was aggregated: traces of the largest values, each trace once. Of two that are
 * as large the one with the smaller id comes first, so that the list depends on the set of what was
 * added alone: any order of additions and merges gives the same one. A record without a number is
 * below any number.
 *
 * A zeroed struct is empty. It owns its memory: room for as many entries as it may have, made when
 * the first one comes. Not thread-safe.
 */
#ifndef TRACECORE_STATS_EXEMPLARS_H
#define TRACECORE_STATS_EXEMPLARS_H

#include "base/buf.h"
#include "base/error.h"
#include "model/value.h"

#include <stddef.h>
#include <stdint.h>

#define TCORE_EXEMPLARS_MAX 1000

struct tcore_exemplar {
    uint8_t kind; /* TCORE_ABSENT, TCORE_INT, TCORE_DOUBLE */
    uint8_t trace_id[16];
    uint8_t span_id[8]; /* all zero: none */
    int64_t integer;
    double floating; /* of an integer: the nearest one */
};

struct tcore_exemplars {
    struct tcore_exemplar *list; /* owned; the largest one first */
    uint32_t count;
};

void tcore_exemplars_free(struct tcore_exemplars *exemplars); /* and zeroes it */

/* Of a value, which may be none, and ids: span_id may be NULL. */
struct tcore_exemplar tcore_exemplar_of(const struct tcore_value *value, const uint8_t trace_id[16],
                                        const uint8_t *span_id);
/* Adds one; limit entries are kept, at most TCORE_EXEMPLARS_MAX, the same in each call. TCORE_OK,
 * also for NaN, which is not added; TCORE_FATAL: no memory. */
enum tcore_status tcore_exemplars_add(struct tcore_exemplars *exemplars, uint32_t limit,
                                      const struct tcore_exemplar *exemplar);
enum tcore_status tcore_exemplars_merge(struct tcore_exemplars *into, uint32_t limit,
                                        const struct tcore_exemplars *from);
/* Appends a JSON array of objects: traceId, spanId and value, of which the last two may be missing.
 */
void tcore_exemplars_write(const struct tcore_exemplars *exemplars, struct tcore_buf *out);

/* The state as bytes and back: see stats/encode.h. Equal states give equal bytes. */
struct tcore_state_reader;
void tcore_exemplars_encode(const struct tcore_exemplars *exemplars, struct tcore_buf *out);
/* Into an empty state. TCORE_OK, TCORE_BAD_INPUT (left empty) or TCORE_FATAL. */
enum tcore_status tcore_exemplars_decode(struct tcore_exemplars *exemplars, uint32_t limit,
                                         struct tcore_state_reader *in, struct tcore_error *err);

#endif
