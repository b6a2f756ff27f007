/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Series and cells. A series is a record type, a metric name and the values of the --by fields; a
 * cell is a series in a window. Each worker fills a table of its own; at the end they are merged.
 */
#ifndef AGG_TABLE_H
#define AGG_TABLE_H

#include "stats/cell.h"
#include "agg/pair.h"
#include "agg/symbol.h"
#include "model/record.h"

#define AGG_OVERFLOW 0 /* the series that takes what is beyond --max-groups */

struct agg_series {
    enum tcore_record_type type;
    uint32_t metric;    /* symbol */
    uint32_t by_offset; /* of its by symbols in table->by_symbols */
};

struct agg_window {
    int64_t index;    /* start / window length, rounded down; 0 without windows */
    uint32_t *direct; /* cell + 1 of the first series, 0: none; owned */
    uint32_t direct_length;
    struct pair_table cell_of; /* of the others: (series, 0) to a number of others */
    uint32_t *others;          /* cell by that number; owned */
    uint32_t others_capacity;
    struct tcore_cell *cells; /* owned */
    uint32_t count, capacity;
    uint32_t expected; /* about how many cells it will have; 0: nothing is known of that */
    size_t extra_bytes; /* that cells hold for distinct, topk and apdex */
};

struct agg_table {
    const struct tcore_stats *stats;
    size_t by_count;
    uint64_t max_groups;
    struct symbols symbols;
    struct pair_table *levels; /* by_count + 1: (type, metric), then with each by value */
    struct agg_series *series; /* by number; 0 is the overflow series */
    uint32_t series_count, series_capacity;
    uint32_t *series_of; /* by number of the last level, + 1; 0: not yet */
    uint32_t series_of_capacity;
    uint32_t *by_symbols;
    size_t by_symbols_length, by_symbols_capacity;
    struct agg_window **windows; /* ascending by index */
    size_t window_count, window_capacity;
    struct agg_window *last_window;
    bool overflowed;
};

enum tcore_status table_init(struct agg_table *table, const struct tcore_stats *stats,
                             size_t by_count, uint64_t max_groups, struct tcore_error *err);
void table_free(struct agg_table *table);
/* The series of a type, metric symbol and by symbols; AGG_OVERFLOW beyond the limit, PAIR_NONE if
 * memory is short. */
uint32_t table_series(struct agg_table *table, enum tcore_record_type type, uint32_t metric,
                      const uint32_t *by);
/* The same for a number of the last level that was reached through table->levels. */
uint32_t table_new_series(struct agg_table *table, uint32_t last, enum tcore_record_type type,
                          uint32_t metric, const uint32_t *by);
/* The window of that index, made if there is none. NULL: out of memory. */
struct agg_window *table_window(struct agg_table *table, int64_t index);
/* A window that is in no table: freed with its cells. NULL is fine. */
void table_free_window(struct agg_window *window, const struct tcore_stats *stats);
/* into += from, whose series have the numbers series[number]; NULL: the same ones. */
enum tcore_status table_merge_window(struct agg_window *into, const struct agg_window *from,
                                     const uint32_t *series, const struct tcore_stats *stats);
/* Memory that a window holds, roughly: histograms are taken at what they usually need. */
size_t table_window_bytes(const struct agg_window *window, const struct tcore_stats *stats);
/* Frees the first n windows. */
void table_drop_windows(struct agg_table *table, size_t n);
/* The cell of a series, made if there is none. NULL: out of memory. table_cell() is the fast form.
 */
struct tcore_cell *table_far_cell(struct agg_window *window, uint32_t series);
/* Memory held, roughly. */
size_t table_bytes(const struct agg_table *table);
/* into += from, which is freed; on that many threads. */
enum tcore_status table_merge(struct agg_table *into, struct agg_table *from, unsigned threads,
                              struct tcore_error *err);

/* Series that a window has many of are found by an array, the rest by a hash table. */
static inline struct tcore_cell *table_cell(struct agg_window *window, uint32_t series)
{
    if (__builtin_expect(series < window->direct_length && window->direct[series], 1))
        return &window->cells[window->direct[series] - 1];
    return table_far_cell(window, series);
}

#endif
