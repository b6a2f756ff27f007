/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The builder of roll-ups: its table of series and cells, and bringing several together. */
#include "store/rollup_private.h"

#include "base/sys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

const struct tcore_stats tcore_rollup_stats = {.sum = true, .histogram = true};

const char *const tcore_series_field_names[TCORE_SERIES_FIELDS] = {"service", "name", "metricName"};

enum { FIRST_CELLS = 256 };

enum tcore_status tcore_rollup_builder_new(struct tcore_rollup_builder **builder, int64_t window_ns,
                                           struct tcore_error *err)
{
    struct tcore_rollup_builder *b = *builder = tcore_calloc(1, sizeof *b);
    if (!b)
        return tcore_error_nomem(err);
    b->window_ns = window_ns;
    if (tcore_map_init(&b->keys) != 0 || tcore_sys()->random(&b->seed, sizeof b->seed) != 0) {
        tcore_rollup_builder_free(b);
        *builder = NULL;
        return tcore_error_set(err, TCORE_FATAL, "no random numbers to be had from the system");
    }
    b->recent = tcore_calloc(TCORE_ROLLUP_CACHE, sizeof *b->recent);
    if (b->recent)
        return TCORE_OK;
    tcore_rollup_builder_free(b);
    *builder = NULL;
    return tcore_error_nomem(err);
}

void tcore_rollup_builder_free(struct tcore_rollup_builder *builder)
{
    if (!builder)
        return;
    for (uint32_t i = 0; i < builder->cell_count; i++)
        tcore_cell_free(&builder->cells[i], &tcore_rollup_stats);
    tcore_map_free(&builder->keys);
    tcore_free(builder->series);
    tcore_free(builder->cells);
    tcore_free(builder->windows);
    tcore_free(builder->slots);
    tcore_free(builder->recent);
    tcore_buf_free(&builder->key);
    tcore_free(builder);
}

size_t tcore_rollup_builder_bytes(const struct tcore_rollup_builder *builder)
{
    size_t bytes = sizeof *builder + tcore_map_bytes(&builder->keys) +
                   builder->series_capacity * sizeof *builder->series +
                   builder->cell_capacity * (sizeof *builder->cells + sizeof *builder->windows) +
                   TCORE_ROLLUP_CACHE * sizeof *builder->recent;
    for (uint32_t i = 0; i < builder->cell_count; i++)
        bytes += tcore_histogram_bytes(&builder->cells[i].histogram) +
                 tcore_exact_sum_bytes(&builder->cells[i].sum);
    return builder->slots ? bytes + (builder->slot_mask + 1) * sizeof *builder->slots : bytes;
}

void tcore_rollup_key_begin(struct tcore_buf *key, enum tcore_record_type type)
{
    tcore_buf_clear(key);
    tcore_buf_putc(key, (char)type);
}

void tcore_rollup_key_part(struct tcore_buf *key, const char *symbol, size_t length)
{
    uint32_t bytes = (uint32_t)length;
    tcore_buf_append(key, &bytes, sizeof bytes);
    tcore_buf_append(key, symbol, length);
}

struct tcore_rollup_key tcore_rollup_key_parts(const struct tcore_map_key *key)
{
    struct tcore_rollup_key parts = {.type = (enum tcore_record_type)(unsigned char)*key->data};
    const char *at = key->data + 1;
    for (int i = 0; i < TCORE_ROLLUP_PARTS; i++) {
        uint32_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        parts.part[i] = (struct tcore_slice){at + sizeof bytes, bytes};
        at += sizeof bytes + bytes;
    }
    return parts;
}

enum tcore_record_type tcore_rollup_type_of(const struct tcore_rollup_builder *builder,
                                            uint32_t series)
{
    return (enum tcore_record_type)(unsigned char)*builder->keys.keys[series].data;
}

static bool reserve_series(struct tcore_rollup_builder *builder)
{
    if (builder->keys.count < builder->series_capacity)
        return true;
    uint32_t capacity = builder->series_capacity ? builder->series_capacity * 2 : 64;
    struct tcore_rollup_builder_series *series =
        tcore_reallocarray(builder->series, capacity, sizeof *series);
    if (!series)
        return false;
    builder->series = series;
    builder->series_capacity = capacity;
    return true;
}

uint32_t tcore_rollup_series_of(struct tcore_rollup_builder *builder, const struct tcore_buf *key)
{
    bool added;
    if (key->failed || !reserve_series(builder))
        return TCORE_MAP_NONE;
    unsigned type = (unsigned char)*key->data;
    uint32_t series = tcore_map_find(&builder->keys, key->data, key->length);
    if (series != TCORE_MAP_NONE)
        return series;
    if (builder->type_key_bytes[type] + key->length > TCORE_ROLLUP_MAX_KEY_BYTES) {
        builder->totals[type].given_up = true;
        return TCORE_MAP_NONE;
    }
    series = tcore_map_intern(&builder->keys, key->data, key->length, &added);
    if (series == TCORE_MAP_NONE)
        return series;
    builder->type_key_bytes[type] += key->length;
    builder->series[series] =
        (struct tcore_rollup_builder_series){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
    return series;
}

void tcore_rollup_widen(struct tcore_rollup_builder *builder, uint32_t series, int64_t first_ns,
                        int64_t last_ns)
{
    struct tcore_rollup_builder_series *s = &builder->series[series];
    s->first_ns = first_ns < s->first_ns ? first_ns : s->first_ns;
    s->last_ns = last_ns > s->last_ns ? last_ns : s->last_ns;
}

/* Event times are data, so the hash has a seed. */
static uint32_t hash_of(const struct tcore_rollup_builder *builder, uint32_t series, int64_t window)
{
    const uint64_t key[2] = {series, (uint64_t)window};
    return (uint32_t)XXH3_64bits_withSeed(key, sizeof key, builder->seed);
}

static void put_slot(struct tcore_rollup_builder *builder, uint32_t *slots, uint32_t mask,
                     uint32_t cell)
{
    uint32_t at = hash_of(builder, builder->cells[cell].series, builder->windows[cell]) & mask;
    while (slots[at])
        at = (at + 1) & mask;
    slots[at] = cell + 1;
}

/* Room for one more cell. */
static bool reserve_cell(struct tcore_rollup_builder *builder)
{
    if (builder->cell_count < builder->cell_capacity)
        return true;
    uint32_t capacity = builder->cell_capacity ? builder->cell_capacity * 2 : FIRST_CELLS;
    struct tcore_cell *cells = tcore_reallocarray(builder->cells, capacity, sizeof *cells);
    if (!cells)
        return false;
    builder->cells = cells;
    int64_t *windows = tcore_reallocarray(builder->windows, capacity, sizeof *windows);
    if (!windows)
        return false;
    builder->windows = windows;
    uint32_t mask = capacity * 2 - 1;
    uint32_t *slots = tcore_calloc(capacity * (size_t)2, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < builder->cell_count; i++)
        put_slot(builder, slots, mask, i);
    tcore_free(builder->slots);
    builder->slots = slots;
    builder->slot_mask = mask;
    builder->cell_capacity = capacity;
    return true;
}

/* The cell's number + 1, or 0. */
static uint32_t find_cell(const struct tcore_rollup_builder *builder, uint32_t series,
                          int64_t window)
{
    if (!builder->slots)
        return 0;
    uint32_t at = hash_of(builder, series, window) & builder->slot_mask;
    for (; builder->slots[at]; at = (at + 1) & builder->slot_mask) {
        uint32_t cell = builder->slots[at] - 1;
        if (builder->cells[cell].series == series && builder->windows[cell] == window)
            return cell + 1;
    }
    return 0;
}

static uint32_t new_cell(struct tcore_rollup_builder *builder, uint32_t series, int64_t window)
{
    enum tcore_record_type type = tcore_rollup_type_of(builder, series);
    if (builder->type_cells[type] == TCORE_ROLLUP_MAX_CELLS) {
        builder->totals[type].given_up = true;
        return 0;
    }
    if (!reserve_cell(builder))
        return 0;
    uint32_t cell = builder->cell_count++;
    builder->type_cells[type]++;
    builder->cells[cell] = (struct tcore_cell){.series = series};
    builder->windows[cell] = window;
    put_slot(builder, builder->slots, builder->slot_mask, cell);
    return cell + 1;
}

struct tcore_cell *tcore_rollup_cell_of(struct tcore_rollup_builder *builder, uint32_t series,
                                        int64_t window)
{
    struct tcore_rollup_builder_series *s = &builder->series[series];
    if (!s->recent_cell || s->recent_window != window) {
        uint32_t cell = find_cell(builder, series, window);
        if (!cell)
            cell = new_cell(builder, series, window);
        if (!cell)
            return NULL;
        s->recent_cell = cell;
        s->recent_window = window;
    }
    return &builder->cells[s->recent_cell - 1];
}

void tcore_rollup_add_negative(struct tcore_rollup_builder *builder, uint64_t spans)
{
    builder->totals[TCORE_RECORD_SPAN].negative += spans;
}

static void add_saturating(uint64_t *to, uint64_t more)
{
    if (__builtin_add_overflow(*to, more, to))
        *to = UINT64_MAX;
}

static void add_totals(struct tcore_rollup_totals *into, const struct tcore_rollup_totals *from)
{
    add_saturating(&into->placed, from->placed);
    add_saturating(&into->unplaced, from->unplaced);
    add_saturating(&into->negative, from->negative);
    add_saturating(&into->bad_histograms, from->bad_histograms);
    add_saturating(&into->bad_rates, from->bad_rates);
    add_saturating(&into->cumulative, from->cumulative);
    into->given_up |= from->given_up;
}

/* Adds a cell of the series whose key is in builder->key. */
static enum tcore_status add_cell(struct tcore_rollup_builder *builder, uint32_t series,
                                  int64_t window, const struct tcore_cell *from)
{
    enum tcore_record_type type = (enum tcore_record_type)(unsigned char)*builder->key.data;
    struct tcore_cell *cell = NULL;
    if (series != TCORE_MAP_NONE)
        cell = tcore_rollup_cell_of(builder, series, window);
    enum tcore_status status =
        cell ? tcore_cell_merge(cell, from, &tcore_rollup_stats) : TCORE_FATAL;
    if (status == TCORE_BAD_INPUT)
        builder->totals[type].given_up = true;
    return builder->totals[type].given_up ? TCORE_OK : status;
}

enum tcore_status tcore_rollup_join(struct tcore_rollup_builder *into,
                                    const struct tcore_rollup_builder *from,
                                    struct tcore_error *err)
{
    for (unsigned t = 0; t < TCORE_RECORD_TYPES; t++)
        add_totals(&into->totals[t], &from->totals[t]);
    for (uint32_t i = 0; i < from->cell_count; i++) {
        const struct tcore_cell *cell = &from->cells[i];
        const struct tcore_map_key *key = &from->keys.keys[cell->series];
        const struct tcore_rollup_builder_series *s = &from->series[cell->series];
        if (into->totals[(unsigned char)*key->data].given_up)
            continue;
        tcore_buf_clear(&into->key);
        tcore_buf_append(&into->key, key->data, key->length);
        uint32_t series = tcore_rollup_series_of(into, &into->key);
        if (series != TCORE_MAP_NONE)
            tcore_rollup_widen(into, series, s->first_ns, s->last_ns);
        if (into->key.failed || add_cell(into, series, from->windows[i], cell))
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

bool tcore_rollup_has_windows(const struct tcore_rollup_builder *builder)
{
    return builder->keys.count && builder->cell_count / 2 >= builder->keys.count;
}

static enum tcore_status merge_series(struct tcore_rollup_builder *builder,
                                      struct tcore_rollup_reader *reader,
                                      const struct tcore_rollup_series *series,
                                      struct tcore_error *err)
{
    int64_t ratio = builder->window_ns / tcore_rollup_reader_window(reader), window;
    const struct tcore_cell *cell;
    enum tcore_status status;
    if (builder->totals[series->type].given_up)
        return TCORE_OK;
    tcore_rollup_key_begin(&builder->key, series->type);
    tcore_rollup_key_part(&builder->key, series->metric.data, series->metric.length);
    tcore_rollup_key_part(&builder->key, series->service.data, series->service.length);
    tcore_rollup_key_part(&builder->key, series->name.data, series->name.length);
    if (builder->key.failed)
        return tcore_error_nomem(err);
    uint32_t number = tcore_rollup_series_of(builder, &builder->key);
    if (number != TCORE_MAP_NONE)
        tcore_rollup_widen(builder, number, series->first_ns, series->last_ns);
    while (!(status = tcore_rollup_next_cell(reader, &window, &cell, err))) {
        if (add_cell(builder, number, tcore_rollup_window(window, ratio), cell))
            return tcore_error_nomem(err);
    }
    return status == TCORE_EOF ? TCORE_OK : status;
}

enum tcore_status tcore_rollup_merge(struct tcore_rollup_builder *builder, const void *data,
                                     size_t length, struct tcore_error *err)
{
    struct tcore_rollup_reader *reader;
    struct tcore_rollup_series series;
    enum tcore_status status = tcore_rollup_reader_open(&reader, data, length, true, err);
    if (status)
        return status;
    if (builder->window_ns % tcore_rollup_reader_window(reader)) {
        tcore_rollup_reader_free(reader);
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a roll-up's windows do not divide those that are wanted");
    }
    for (unsigned t = 0; t < TCORE_RECORD_TYPES; t++)
        add_totals(&builder->totals[t],
                   tcore_rollup_reader_totals(reader, (enum tcore_record_type)t));
    while (!(status = tcore_rollup_next_series(reader, &series, err)) &&
           !(status = merge_series(builder, reader, &series, err)))
        ;
    tcore_rollup_reader_free(reader);
    return status == TCORE_EOF ? TCORE_OK : status;
}
