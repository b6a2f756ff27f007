/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making series, windows and cells, and merging tables. */
#include "agg/table.h"

#include "base/sys.h"
#include "cli/pieces.h"

#include <string.h>

#define FEWEST_CELLS 4

enum tcore_status table_init(struct agg_table *table, const struct tcore_stats *stats,
                             size_t by_count, uint64_t max_groups, struct tcore_error *err)
{
    *table = (struct agg_table){.stats = stats, .by_count = by_count, .max_groups = max_groups};
    enum tcore_status status = symbols_init(&table->symbols, err);
    if (status)
        return status;
    table->levels = tcore_calloc(by_count + 1, sizeof *table->levels);
    table->series = tcore_calloc(8, sizeof *table->series);
    if (!table->levels || !table->series) {
        table_free(table);
        return tcore_error_nomem(err);
    }
    table->series_capacity = 8;
    table->series_count = 1;
    return TCORE_OK;
}

void table_free_window(struct agg_window *window, const struct tcore_stats *stats)
{
    if (!window)
        return;
    for (uint32_t i = 0; i < window->count; i++)
        tcore_cell_free(&window->cells[i], stats);
    tcore_free(window->cells);
    tcore_free(window->direct);
    tcore_free(window->others);
    pair_free(&window->cell_of);
    tcore_free(window);
}

void table_drop_windows(struct agg_table *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        table_free_window(table->windows[i], table->stats);
    if (n)
        memmove(table->windows, table->windows + n,
                (table->window_count - n) * sizeof *table->windows);
    table->window_count -= n;
    table->last_window = NULL;
}

void table_free(struct agg_table *table)
{
    table_drop_windows(table, table->window_count);
    for (size_t i = 0; table->levels && i <= table->by_count; i++)
        pair_free(&table->levels[i]);
    symbols_free(&table->symbols);
    tcore_free(table->levels);
    tcore_free(table->series);
    tcore_free(table->series_of);
    tcore_free(table->by_symbols);
    tcore_free(table->windows);
    *table = (struct agg_table){0};
}

static bool reserve_by(struct agg_table *table)
{
    size_t need = table->by_symbols_length + table->by_count;
    if (need <= table->by_symbols_capacity)
        return true;
    size_t capacity = table->by_symbols_capacity ? table->by_symbols_capacity * 2 : 64;
    while (capacity < need)
        capacity *= 2;
    uint32_t *memory = tcore_reallocarray(table->by_symbols, capacity, sizeof *memory);
    if (!memory)
        return false;
    table->by_symbols = memory;
    table->by_symbols_capacity = capacity;
    return true;
}

static bool reserve_series(struct agg_table *table, uint32_t last)
{
    if (table->series_count == table->series_capacity) {
        uint32_t capacity = table->series_capacity * 2;
        struct agg_series *series = tcore_reallocarray(table->series, capacity, sizeof *series);
        if (!series)
            return false;
        table->series = series;
        table->series_capacity = capacity;
    }
    if (last >= table->series_of_capacity) {
        uint32_t capacity = table->series_of_capacity ? table->series_of_capacity : 64;
        while (capacity <= last)
            capacity = capacity > UINT32_MAX / 2 ? UINT32_MAX : capacity * 2;
        uint32_t *of = tcore_reallocarray(table->series_of, capacity, sizeof *of);
        if (!of)
            return false;
        memset(of + table->series_of_capacity, 0,
               (capacity - table->series_of_capacity) * sizeof *of);
        table->series_of = of;
        table->series_of_capacity = capacity;
    }
    return true;
}

uint32_t table_new_series(struct agg_table *table, uint32_t last, enum tcore_record_type type,
                          uint32_t metric, const uint32_t *by)
{
    if (!reserve_by(table) || !reserve_series(table, last))
        return PAIR_NONE;
    if (table->series_count > table->max_groups) {
        table->overflowed = true;
        table->series_of[last] = AGG_OVERFLOW + 1;
        return AGG_OVERFLOW;
    }
    uint32_t number = table->series_count++;
    table->series[number] = (struct agg_series){type, metric, (uint32_t)table->by_symbols_length};
    if (table->by_count)
        memcpy(table->by_symbols + table->by_symbols_length, by, table->by_count * sizeof *by);
    table->by_symbols_length += table->by_count;
    table->series_of[last] = number + 1;
    return number;
}

uint32_t table_series(struct agg_table *table, enum tcore_record_type type, uint32_t metric,
                      const uint32_t *by)
{
    uint32_t last = pair_id(&table->levels[0], (uint32_t)type, metric);
    for (size_t i = 0; i < table->by_count && last != PAIR_NONE; i++)
        last = pair_id(&table->levels[i + 1], last, by[i]);
    if (last == PAIR_NONE)
        return PAIR_NONE;
    if (last < table->series_of_capacity && table->series_of[last])
        return table->series_of[last] - 1;
    return table_new_series(table, last, type, metric, by);
}

struct agg_window *table_window(struct agg_table *table, int64_t index)
{
    if (table->last_window && table->last_window->index == index)
        return table->last_window;
    size_t low = 0, high = table->window_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table->windows[middle]->index < index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < table->window_count && table->windows[low]->index == index)
        return table->last_window = table->windows[low];
    if (table->window_count == table->window_capacity) {
        size_t capacity = table->window_capacity ? table->window_capacity * 2 : 16;
        struct agg_window **windows = tcore_reallocarray(table->windows, capacity, sizeof *windows);
        if (!windows)
            return NULL;
        table->windows = windows;
        table->window_capacity = capacity;
    }
    struct agg_window *window = tcore_calloc(1, sizeof *window);
    if (!window)
        return NULL;
    window->index = index;
    if (low)
        window->expected = table->windows[low - 1]->count + 1;
    memmove(table->windows + low + 1, table->windows + low,
            (table->window_count - low) * sizeof *table->windows);
    table->windows[low] = window;
    table->window_count++;
    return table->last_window = window;
}

static struct tcore_cell *new_cell(struct agg_window *window, uint32_t series)
{
    if (window->count == window->capacity) {
        uint32_t capacity = window->capacity + window->capacity / 2;
        if (!capacity)
            capacity = window->expected > FEWEST_CELLS ? window->expected : FEWEST_CELLS;
        struct tcore_cell *cells = tcore_reallocarray(window->cells, capacity, sizeof *cells);
        if (!cells)
            return NULL;
        window->cells = cells;
        window->capacity = capacity;
    }
    window->cells[window->count] = (struct tcore_cell){.series = series};
    return &window->cells[window->count++];
}

/* Makes the array cover the series, if the window has enough cells to be worth it. */
static bool cover(struct agg_window *window, uint32_t series)
{
    if (series < window->direct_length)
        return true;
    if (series >= 256 && series / 8 > window->count)
        return false;
    uint32_t length = window->direct_length ? window->direct_length : 64;
    while (length <= series)
        length *= 2;
    uint32_t *direct = tcore_reallocarray(window->direct, length, sizeof *direct);
    if (!direct)
        return false; /* the hash table will do */
    memset(direct + window->direct_length, 0, (length - window->direct_length) * sizeof *direct);
    window->direct = direct;
    window->direct_length = length;
    return true;
}

struct tcore_cell *table_far_cell(struct agg_window *window, uint32_t series)
{
    /* a series that got its cell while it was far is found there for good */
    uint32_t known = window->cell_of.count;
    if (known || !cover(window, series)) {
        uint32_t id = pair_id(&window->cell_of, series, 0);
        if (id == PAIR_NONE)
            return NULL;
        if (id < known)
            return &window->cells[window->others[id]];
        if (id >= window->others_capacity) {
            uint32_t capacity = window->others_capacity ? window->others_capacity * 2 : 16;
            uint32_t *others = tcore_reallocarray(window->others, capacity, sizeof *others);
            if (!others)
                return NULL;
            window->others = others;
            window->others_capacity = capacity;
        }
        struct tcore_cell *cell = new_cell(window, series);
        window->others[id] = cell ? window->count - 1 : 0;
        return cell;
    }
    struct tcore_cell *cell = new_cell(window, series);
    if (cell)
        window->direct[series] = window->count;
    return cell;
}

size_t table_window_bytes(const struct agg_window *window, const struct tcore_stats *stats)
{
    enum { HISTOGRAM_BYTES = 200 };
    return sizeof *window + window->direct_length * sizeof *window->direct +
           window->capacity * sizeof *window->cells + window->extra_bytes +
           (stats->histogram ? (size_t)window->count * HISTOGRAM_BYTES : 0);
}

size_t table_bytes(const struct agg_table *table)
{
    size_t bytes = tcore_map_bytes(&table->symbols.map) +
                   table->series_capacity * sizeof *table->series +
                   table->by_symbols_capacity * sizeof *table->by_symbols;
    for (size_t i = 0; i <= table->by_count; i++)
        bytes += table->levels[i].count * 3 * sizeof(struct pair_slot);
    for (size_t i = 0; i < table->window_count; i++)
        bytes += table_window_bytes(table->windows[i], table->stats);
    return bytes;
}

/* The number in into of each symbol of from. */
static uint32_t *translate_symbols(struct agg_table *into, const struct agg_table *from)
{
    const struct tcore_map *map = &from->symbols.map;
    uint32_t *number = tcore_reallocarray(NULL, map->count, sizeof *number);
    for (uint32_t i = 0; number && i < map->count; i++) {
        number[i] =
            tcore_map_intern(&into->symbols.map, map->keys[i].data, map->keys[i].length, NULL);
        if (number[i] == TCORE_MAP_NONE) {
            tcore_free(number);
            return NULL;
        }
    }
    return number;
}

static uint32_t *translate_series(struct agg_table *into, const struct agg_table *from,
                                  const uint32_t *symbol)
{
    uint32_t *number = tcore_reallocarray(NULL, from->series_count, sizeof *number);
    uint32_t *by = tcore_reallocarray(NULL, from->by_count, sizeof *by);
    bool ok = number && by;
    if (ok)
        number[AGG_OVERFLOW] = AGG_OVERFLOW;
    for (uint32_t i = 1; ok && i < from->series_count; i++) {
        const struct agg_series *series = &from->series[i];
        for (size_t k = 0; k < from->by_count; k++)
            by[k] = symbol[from->by_symbols[series->by_offset + k]];
        number[i] = table_series(into, series->type, symbol[series->metric], by);
        ok = number[i] != PAIR_NONE;
    }
    tcore_free(by);
    if (!ok) {
        tcore_free(number);
        return NULL;
    }
    return number;
}

enum tcore_status table_merge_window(struct agg_window *into, const struct agg_window *from,
                                     const uint32_t *series, const struct tcore_stats *stats)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct tcore_cell *source = &from->cells[i];
        struct tcore_cell *cell =
            table_cell(into, series ? series[source->series] : source->series);
        if (!cell)
            return TCORE_FATAL;
        size_t before = tcore_cell_extra_bytes(cell, stats);
        enum tcore_status status = tcore_cell_merge(cell, source, stats);
        if (status)
            return status;
        into->extra_bytes += tcore_cell_extra_bytes(cell, stats) - before;
    }
    return TCORE_OK;
}

/* Windows of two tables that have the same index. */
struct merging {
    struct agg_window *into;
    const struct agg_window *from;
    const uint32_t *series;
    const struct tcore_stats *stats;
};

static enum tcore_status merge_one(void *state, unsigned thread, uint64_t piece,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    const struct merging *m = (const struct merging *)state + piece;
    (void)thread;
    (void)out;
    enum tcore_status status = table_merge_window(m->into, m->from, m->series, m->stats);
    if (status == TCORE_BAD_INPUT)
        return tcore_error_set(err, status, "more than 2^47 records in one group");
    return status ? tcore_error_nomem(err) : TCORE_OK;
}

static enum tcore_status merge_windows(struct agg_table *into, const struct agg_table *from,
                                       const uint32_t *series, unsigned threads,
                                       struct tcore_error *err)
{
    struct merging *merging = tcore_reallocarray(NULL, from->window_count, sizeof *merging);
    if (!merging)
        return tcore_error_nomem(err);
    for (size_t w = 0; w < from->window_count; w++) {
        struct agg_window *target = table_window(into, from->windows[w]->index);
        if (!target) {
            tcore_free(merging);
            return tcore_error_nomem(err);
        }
        if (!target->count)
            target->expected = from->windows[w]->count;
        merging[w] = (struct merging){target, from->windows[w], series, into->stats};
    }
    enum tcore_status status = cli_pieces_do(threads, from->window_count, merge_one, merging, err);
    tcore_free(merging);
    return status;
}

/* Whether it is made alike, and nothing is in it but symbols that the other one has at the same
 * places. */
static bool is_beginning_of(const struct agg_table *table, const struct agg_table *other)
{
    const struct tcore_map *map = &table->symbols.map, *others = &other->symbols.map;
    bool begins = !table->window_count && table->series_count == 1 && map->count <= others->count &&
                  table->stats == other->stats && table->max_groups == other->max_groups;
    for (uint32_t i = 0; i < map->count && begins; i++)
        begins = map->keys[i].length == others->keys[i].length &&
                 !memcmp(map->keys[i].data, others->keys[i].data, map->keys[i].length);
    return begins;
}

enum tcore_status table_merge(struct agg_table *into, struct agg_table *from, unsigned threads,
                              struct tcore_error *err)
{
    if (is_beginning_of(into, from)) {
        struct agg_table empty = *into;
        *into = *from;
        *from = empty;
        table_free(from);
        return TCORE_OK;
    }
    uint32_t *symbol = translate_symbols(into, from);
    uint32_t *series = symbol ? translate_series(into, from, symbol) : NULL;
    enum tcore_status status =
        series ? merge_windows(into, from, series, threads, err) : tcore_error_nomem(err);
    into->overflowed |= from->overflowed;
    tcore_free(symbol);
    tcore_free(series);
    table_free(from);
    return status;
}
