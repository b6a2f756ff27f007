/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A roll-up as bytes: series in the order of their keys, their cells in the order of windows, each
 * kind of number in a column of its own. So like stands beside like for the compression that is put
 * around it: cells of one series have similar counts and buckets.
 */
#include "store/rollup_private.h"

#include "base/sys.h"
#include "stats/cell_extra.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <endian.h>
#include <stdlib.h>
#include <string.h>

struct encoded_series {
    struct tcore_rollup_key key;
    uint32_t number;                     /* in the builder */
    uint32_t string[TCORE_ROLLUP_PARTS]; /* numbers of the key's parts */
};

struct encoded_cell {
    uint32_t series; /* place in the order */
    uint32_t cell;
    int64_t window;
};

struct encoder {
    const struct tcore_rollup_builder *builder;
    struct encoded_series *series;
    struct tcore_slice *strings;
    struct encoded_cell *cells;
    uint32_t *place; /* of series by the builder's number; UINT32_MAX: left out */
    size_t series_count, string_count, cell_count;
    struct tcore_buf column[TCORE_ROLLUP_COLUMNS];
};

static int compare_slices(const void *left, const void *right)
{
    const struct tcore_slice *a = left, *b = right;
    size_t shared = a->length < b->length ? a->length : b->length;
    int order = shared ? memcmp(a->data, b->data, shared) : 0;
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare_series(const void *left, const void *right)
{
    const struct tcore_rollup_key *a = &((const struct encoded_series *)left)->key,
                                  *b = &((const struct encoded_series *)right)->key;
    int order = (a->type > b->type) - (a->type < b->type);
    for (int i = 0; i < TCORE_ROLLUP_PARTS && !order; i++)
        order = compare_slices(&a->part[i], &b->part[i]);
    return order;
}

static int compare_cells(const void *left, const void *right)
{
    const struct encoded_cell *a = left, *b = right;
    if (a->series != b->series)
        return a->series < b->series ? -1 : 1;
    return (a->window > b->window) - (a->window < b->window);
}

static bool allocate(struct encoder *e)
{
    size_t series = e->builder->keys.count, cells = e->builder->cell_count;
    e->series = tcore_calloc(series, sizeof *e->series);
    e->strings = tcore_calloc(series, TCORE_ROLLUP_PARTS * sizeof *e->strings);
    e->place = tcore_calloc(series, sizeof *e->place);
    e->cells = tcore_calloc(cells, sizeof *e->cells);
    return e->series && e->strings && e->place && e->cells;
}

/* Series, strings and cells in their orders; types that are given up are left out. */
static void order_all(struct encoder *e)
{
    const struct tcore_rollup_builder *b = e->builder;
    for (uint32_t i = 0; i < b->keys.count; i++) {
        struct tcore_rollup_key key = tcore_rollup_key_parts(&b->keys.keys[i]);
        e->place[i] = UINT32_MAX;
        if (b->totals[key.type].given_up)
            continue;
        for (int k = 0; k < TCORE_ROLLUP_PARTS; k++)
            e->strings[e->string_count++] = key.part[k];
        e->series[e->series_count++] = (struct encoded_series){.key = key, .number = i};
    }
    qsort(e->series, e->series_count, sizeof *e->series, compare_series);
    qsort(e->strings, e->string_count, sizeof *e->strings, compare_slices);
    size_t distinct = 0;
    for (size_t i = 0; i < e->string_count; i++)
        if (!i || compare_slices(&e->strings[i], &e->strings[distinct - 1]))
            e->strings[distinct++] = e->strings[i];
    e->string_count = distinct;
    for (uint32_t i = 0; i < e->series_count; i++) {
        struct encoded_series *s = &e->series[i];
        e->place[s->number] = i;
        for (int k = 0; k < TCORE_ROLLUP_PARTS; k++) {
            const struct tcore_slice *found =
                bsearch(&s->key.part[k], e->strings, distinct, sizeof *e->strings, compare_slices);
            s->string[k] = (uint32_t)(found - e->strings);
        }
    }
    for (uint32_t i = 0; i < b->cell_count; i++) {
        uint32_t place = e->place[b->cells[i].series];
        if (place != UINT32_MAX)
            e->cells[e->cell_count++] = (struct encoded_cell){place, i, b->windows[i]};
    }
    qsort(e->cells, e->cell_count, sizeof *e->cells, compare_cells);
}

static void encode_strings(struct encoder *e)
{
    struct tcore_buf *out = &e->column[TCORE_ROLLUP_STRINGS];
    struct tcore_slice previous = {NULL, 0};
    for (size_t i = 0; i < e->string_count; i++) {
        struct tcore_slice s = e->strings[i];
        size_t shared = 0;
        while (shared < s.length && shared < previous.length &&
               s.data[shared] == previous.data[shared])
            shared++;
        tcore_encode_uint64(out, shared);
        tcore_encode_uint64(out, s.length - shared);
        tcore_buf_append(out, s.data + shared, s.length - shared);
        previous = s;
    }
}

/* A series: its key, its windows (cells first to last of e->cells) and times. */
static void encode_series(struct encoder *e, size_t number, size_t first, size_t last)
{
    const struct encoded_series *s = &e->series[number];
    const struct tcore_rollup_builder_series *times = &e->builder->series[s->number];
    struct tcore_buf *out = &e->column[TCORE_ROLLUP_SERIES];
    tcore_encode_uint64(out, s->key.type);
    for (int k = 0; k < TCORE_ROLLUP_PARTS; k++)
        tcore_encode_int64(out, (int64_t)s->string[k] -
                                    (number ? (int64_t)e->series[number - 1].string[k] : 0));
    out = &e->column[TCORE_ROLLUP_WINDOWS];
    int64_t window = e->cells[first].window, end = e->cells[last].window;
    /* no two windows are further apart than all of int64, so this does not overflow */
    int64_t before = first ? e->cells[first - 1].window : 0;
    tcore_encode_uint64(out, last - first + 1);
    tcore_encode_int64(out, (int64_t)((uint64_t)window - (uint64_t)before));
    for (size_t i = first + 1; i <= last; i++)
        tcore_encode_uint64(out,
                            (uint64_t)e->cells[i].window - (uint64_t)e->cells[i - 1].window - 1);
    out = &e->column[TCORE_ROLLUP_TIMES];
    uint64_t length = (uint64_t)e->builder->window_ns;
    tcore_encode_uint64(out, (uint64_t)times->first_ns - (uint64_t)window * length);
    tcore_encode_uint64(out, (uint64_t)times->last_ns - (uint64_t)end * length);
}

static void encode_128(struct tcore_buf *out, unsigned __int128 value)
{
    for (; value >= 0x80; value >>= 7)
        tcore_buf_putc(out, (char)(value | 0x80));
    tcore_buf_putc(out, (char)value);
}

/* Whether the histogram is one of integers from min to max, in whole records at scale 6. */
static bool plain_histogram(const struct tcore_cell *cell, uint64_t *divisor)
{
    const struct tcore_histogram *h = &cell->histogram;
    int32_t first = 0, last = 0;
    uint64_t bits = h->zero;
    *divisor = h->in_units ? TCORE_WEIGHT_ONE : 1;
    if (h->coarser || tcore_histogram_total(h) != cell->values ||
        (h->negative && tcore_bucket_store_range(h->negative, &first, &last)) ||
        (h->zero != 0) != (cell->min_int == 0))
        return false;
    tcore_bucket_store_survey(&h->positive, &bits);
    if (bits % *divisor)
        return false;
    if (!tcore_bucket_store_range(&h->positive, &first, &last))
        return cell->max_int == 0;
    return cell->max_int > 0 && last == tcore_histogram_index_int64(cell->max_int) &&
           (cell->min_int == 0 || first == tcore_histogram_index_int64(cell->min_int));
}

/* *sum is set for TCORE_ROLLUP_PLAIN: what is above values * min. */
static enum tcore_rollup_kind kind_of(const struct tcore_cell *cell, uint64_t *divisor,
                                      unsigned __int128 *sum)
{
    __int128 integer;
    bool whole = !((cell->count | cell->errors | cell->values) % TCORE_WEIGHT_ONE);
    if (!whole || cell->values > cell->count || cell->has_double ||
        (cell->extra && cell->extra->bounded.units) ||
        !tcore_exact_sum_integer(&cell->sum, &integer))
        return TCORE_ROLLUP_OTHER;
    uint64_t values = cell->values / TCORE_WEIGHT_ONE;
    if (!values)
        return cell->has_int || integer || tcore_histogram_total(&cell->histogram) ||
                       cell->histogram.coarser
                   ? TCORE_ROLLUP_OTHER
                   : TCORE_ROLLUP_EMPTY;
    if (!cell->has_int || cell->min_int < 0 || !plain_histogram(cell, divisor))
        return TCORE_ROLLUP_OTHER;
    integer -= (__int128)values * cell->min_int;
    if (integer < 0 || integer > (__int128)values * (cell->max_int - cell->min_int))
        return TCORE_ROLLUP_OTHER; /* made up */
    *sum = (unsigned __int128)integer;
    return TCORE_ROLLUP_PLAIN;
}

/* The first bucket is known from min and the last from max, so neither is written. */
static void encode_buckets(struct encoder *e, const struct tcore_cell *cell, uint64_t divisor)
{
    struct tcore_buf *out = &e->column[TCORE_ROLLUP_BUCKETS];
    struct tcore_bucket_cursor up = tcore_bucket_cursor_up(&cell->histogram.positive);
    int32_t previous = -2, index; /* the integer 1 is in bucket -1 */
    uint64_t count;
    if (cell->min_int == 0)
        tcore_encode_uint64(out, cell->histogram.zero / divisor);
    else
        previous = tcore_histogram_index_int64(cell->min_int) - 1;
    while (tcore_bucket_cursor_next(&up, &index, &count)) {
        count /= divisor;
        tcore_encode_uint64(out, (uint64_t)(index - previous - 1) << 1 | (count > 1));
        if (count > 1)
            tcore_encode_uint64(&e->column[TCORE_ROLLUP_TALLIES], count - 2);
        previous = index;
    }
}

static enum tcore_status encode_other(struct encoder *e, const struct tcore_cell *cell)
{
    struct tcore_buf state = {0};
    struct tcore_cell copy = *cell;
    if (copy.extra && !copy.extra->bounded.units)
        copy.extra = NULL; /* whether an empty one was made depends on the order */
    enum tcore_status status = tcore_cell_encode(&copy, &tcore_rollup_stats, &state);
    tcore_encode_uint64(&e->column[TCORE_ROLLUP_OTHERS], state.length);
    tcore_buf_append(&e->column[TCORE_ROLLUP_OTHERS], state.data, state.length);
    status = state.failed ? TCORE_FATAL : status;
    tcore_buf_free(&state);
    return status;
}

static enum tcore_status encode_cell(struct encoder *e, const struct tcore_cell *cell)
{
    uint64_t divisor = 1;
    unsigned __int128 sum = 0;
    enum tcore_rollup_kind kind = kind_of(cell, &divisor, &sum);
    tcore_buf_putc(&e->column[TCORE_ROLLUP_KINDS], (char)kind);
    if (kind == TCORE_ROLLUP_OTHER)
        return encode_other(e, cell);
    tcore_encode_uint64(&e->column[TCORE_ROLLUP_COUNTS], cell->count / TCORE_WEIGHT_ONE);
    tcore_encode_uint64(&e->column[TCORE_ROLLUP_ERRORS], cell->errors / TCORE_WEIGHT_ONE);
    if (kind == TCORE_ROLLUP_EMPTY)
        return TCORE_OK;
    tcore_encode_uint64(&e->column[TCORE_ROLLUP_MISSING],
                        (cell->count - cell->values) / TCORE_WEIGHT_ONE);
    tcore_encode_uint64(&e->column[TCORE_ROLLUP_EXTREMES], (uint64_t)cell->min_int);
    tcore_encode_uint64(&e->column[TCORE_ROLLUP_EXTREMES],
                        (uint64_t)(cell->max_int - cell->min_int));
    encode_128(&e->column[TCORE_ROLLUP_SUMS], sum);
    encode_buckets(e, cell, divisor);
    return TCORE_OK;
}

static enum tcore_status encode_columns(struct encoder *e)
{
    encode_strings(e);
    for (size_t first = 0, last; first < e->cell_count; first = last + 1) {
        uint32_t series = e->cells[first].series;
        for (last = first; last + 1 < e->cell_count && e->cells[last + 1].series == series; last++)
            ;
        encode_series(e, series, first, last);
    }
    for (size_t i = 0; i < e->cell_count; i++)
        if (encode_cell(e, &e->builder->cells[e->cells[i].cell]))
            return TCORE_FATAL;
    return TCORE_OK;
}

static bool is_empty(const struct tcore_rollup_totals *t)
{
    return !(t->placed | t->unplaced | t->negative | t->bad_histograms | t->bad_rates |
             t->cumulative) &&
           !t->given_up;
}

static void encode_totals(const struct tcore_rollup_builder *builder, struct tcore_buf *out)
{
    uint64_t count = 0;
    for (unsigned type = 0; type < TCORE_RECORD_TYPES; type++)
        count += !is_empty(&builder->totals[type]);
    tcore_encode_uint64(out, count);
    for (unsigned type = 0; type < TCORE_RECORD_TYPES; type++) {
        struct tcore_rollup_totals t = builder->totals[type];
        if (is_empty(&t))
            continue;
        if (t.given_up) /* what else was counted depends on when that was */
            t = (struct tcore_rollup_totals){.unplaced = t.unplaced + t.placed, .given_up = true};
        tcore_encode_uint64(out, type);
        tcore_encode_uint64(out, t.given_up);
        tcore_encode_uint64(out, t.placed);
        tcore_encode_uint64(out, t.unplaced);
        tcore_encode_uint64(out, t.negative);
        tcore_encode_uint64(out, t.bad_histograms);
        tcore_encode_uint64(out, t.bad_rates);
        tcore_encode_uint64(out, t.cumulative);
    }
}

static void join_columns(const struct encoder *e, struct tcore_buf *out)
{
    size_t start = out->length;
    tcore_buf_puts(out, TCORE_ROLLUP_MAGIC);
    tcore_encode_uint64(out, TCORE_ROLLUP_VERSION);
    tcore_encode_uint64(out, (uint64_t)e->builder->window_ns);
    encode_totals(e->builder, out);
    tcore_encode_uint64(out, e->string_count);
    tcore_encode_uint64(out, e->series_count);
    tcore_encode_uint64(out, e->cell_count);
    for (int i = 0; i < TCORE_ROLLUP_COLUMNS; i++)
        tcore_encode_uint64(out, e->column[i].length);
    for (int i = 0; i < TCORE_ROLLUP_COLUMNS; i++) {
        tcore_buf_append(out, e->column[i].data, e->column[i].length);
        out->failed |= e->column[i].failed;
    }
    if (out->failed)
        return;
    uint64_t checksum = htole64(XXH3_64bits(out->data + start, out->length - start));
    tcore_buf_append(out, &checksum, sizeof checksum);
}

enum tcore_status tcore_rollup_encode(const struct tcore_rollup_builder *builder,
                                      struct tcore_buf *out, struct tcore_error *err)
{
    struct encoder e = {.builder = builder};
    enum tcore_status status = TCORE_FATAL;
    if (allocate(&e)) {
        order_all(&e);
        status = encode_columns(&e);
    }
    if (!status)
        join_columns(&e, out);
    for (int i = 0; i < TCORE_ROLLUP_COLUMNS; i++)
        tcore_buf_free(&e.column[i]);
    tcore_free(e.series);
    tcore_free(e.strings);
    tcore_free(e.place);
    tcore_free(e.cells);
    return status || out->failed ? tcore_error_nomem(err) : TCORE_OK;
}
