/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Series met lately, by the bytes of their --by values: what most rows need instead of a symbol a
 * column and a look-up a level. It holds short strings only, of spans, and compares them whole, so
 * that it is never wrong; what it does not know takes the long way and is kept here.
 */
#ifndef AGG_RECENT_H
#define AGG_RECENT_H

#include "model/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct recent {
    uint16_t *index;   /* entry by hash, 0: none; owned; NULL: of no use here, or no memory */
    uint64_t *entries; /* owned */
    uint32_t count;    /* of entries, from 1 on */
    size_t columns;
    size_t entry_words;
    unsigned rest; /* so many batches go without, because too few rows were known */
};

/* For so many --by columns. Fails silently. */
void recent_init(struct recent *recent, size_t columns);
void recent_free(struct recent *recent);
/* Whether it can be of use for the rows of this batch, whose --by columns are by[]. */
bool recent_suits(struct recent *recent, const struct tcore_batch *batch, const size_t *by);
/*
 * The series of the rows rows[0..count) into series[]. Of those that it does not know the numbers i
 * go to missed[]; returns how many.
 */
size_t recent_find(struct recent *recent, const struct tcore_batch *batch, const size_t *by,
                   const uint32_t *rows, size_t count, uint32_t *series, uint32_t *missed);
/* Keeps the series of a row. */
void recent_keep(struct recent *recent, const struct tcore_batch *batch, const size_t *by,
                 uint32_t row, uint32_t series);

#endif
