/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filling and merging cells. */
#include "stats/cell_extra.h"

#include "base/sys.h"

#include <math.h>

void tcore_cell_free(struct tcore_cell *cell, const struct tcore_stats *stats)
{
    tcore_exact_sum_free(&cell->sum);
    tcore_histogram_free(&cell->histogram);
    tcore_cell_extra_free(cell->extra, stats);
    cell->extra = NULL;
}

/* -0 is taken to be below 0, or the order of values would show. */
void tcore_cell_widen_double(struct tcore_cell *cell, double low, double high)
{
    if (!cell->has_double) {
        cell->has_double = true;
        cell->min_double = low;
        cell->max_double = high;
        return;
    }
    if (low < cell->min_double || (low == cell->min_double && signbit(low)))
        cell->min_double = low;
    if (high > cell->max_double || (high == cell->max_double && !signbit(high)))
        cell->max_double = high;
}

enum tcore_status tcore_cell_add_square_int(struct tcore_cell *cell,
                                            const struct tcore_stats *stats, int64_t value,
                                            uint64_t weight)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    return extra ? tcore_exact_sum_add_square_int64(&extra->squares, value, weight) : TCORE_FATAL;
}

enum tcore_status tcore_cell_add_ints(struct tcore_cell *cell, const struct tcore_stats *stats,
                                      const int64_t *values, uint32_t count)
{
    int64_t min = values[0], max = values[0];
    struct tcore_exact_sum sum = cell->sum;
    for (uint32_t i = 0; i < count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
        tcore_exact_sum_add_int64(&sum, values[i]);
    }
    cell->values += count * TCORE_WEIGHT_ONE;
    tcore_cell_widen_int(cell, min);
    tcore_cell_widen_int(cell, max);
    if (stats->sum)
        cell->sum = sum;
    for (uint32_t i = 0; stats->squares && i < count; i++) {
        enum tcore_status status =
            tcore_cell_add_square_int(cell, stats, values[i], TCORE_WEIGHT_ONE);
        if (status)
            return status;
    }
    return stats->histogram ? tcore_histogram_insert_int64s(&cell->histogram, values, count)
                            : TCORE_OK;
}

/* *units += more, within what a cell holds. */
static enum tcore_status add_units(uint64_t *units, uint64_t more)
{
    if (more > TCORE_CELL_UNITS_MAX || *units > TCORE_CELL_UNITS_MAX - more)
        return TCORE_BAD_INPUT;
    *units += more;
    return TCORE_OK;
}

enum tcore_status tcore_cell_count_weighted(struct tcore_cell *cell, uint64_t weight, bool error)
{
    enum tcore_status status = add_units(&cell->count, weight);
    return status || !error ? status : add_units(&cell->errors, weight);
}

enum tcore_status tcore_cell_add_weighted_int(struct tcore_cell *cell,
                                              const struct tcore_stats *stats, int64_t value,
                                              uint64_t weight)
{
    enum tcore_status status = add_units(&cell->values, weight);
    tcore_cell_widen_int(cell, value);
    if (!status && stats->sum)
        status = tcore_exact_sum_add_weighted_int64(&cell->sum, value, weight);
    if (!status && stats->squares)
        status = tcore_cell_add_square_int(cell, stats, value, weight);
    if (!status && stats->histogram)
        status = tcore_histogram_insert_weighted_int64(&cell->histogram, value, weight);
    return status;
}

enum tcore_status tcore_cell_add_double(struct tcore_cell *cell, const struct tcore_stats *stats,
                                        double value, uint64_t weight)
{
    enum tcore_status status = add_units(&cell->values, weight);
    if (!isnan(value))
        tcore_cell_widen_double(cell, value, value);
    if (!status && stats->sum)
        status = weight == TCORE_WEIGHT_ONE
                     ? tcore_exact_sum_add_double(&cell->sum, value)
                     : tcore_exact_sum_add_weighted_double(&cell->sum, value, weight);
    if (!status && stats->squares) {
        struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
        status =
            extra ? tcore_exact_sum_add_square_double(&extra->squares, value, weight) : TCORE_FATAL;
    }
    if (!status && stats->histogram)
        status = weight == TCORE_WEIGHT_ONE
                     ? tcore_histogram_insert_double(&cell->histogram, value)
                     : tcore_histogram_insert_weighted_double(&cell->histogram, value, weight);
    return status == TCORE_SKIP ? TCORE_OK : status; /* NaN and infinities have no bucket */
}

enum tcore_status tcore_cell_add_bytes(struct tcore_cell *cell, const struct tcore_stats *stats,
                                       const struct tcore_stat *stat, const char *data,
                                       size_t length, uint64_t weight)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    if (!extra)
        return TCORE_FATAL;
    if (stat->kind == TCORE_STAT_DISTINCT)
        return tcore_distinct_add(&extra->state[stat->extra].distinct, data, length);
    return tcore_topk_add(&extra->state[stat->extra].topk, data, length, weight);
}

enum tcore_status tcore_cell_add_field(struct tcore_cell *cell, const struct tcore_stats *stats,
                                       const struct tcore_stat *stat,
                                       const struct tcore_value *value, uint64_t weight)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    if (!extra)
        return TCORE_FATAL;
    struct tcore_cell_field *field = &extra->state[stat->extra].field;
    field->any = true;
    return value->kind == TCORE_INT
               ? tcore_exact_sum_add_weighted_int64(&field->sum, value->i, weight)
               : tcore_exact_sum_add_weighted_double(&field->sum, tcore_value_double(value),
                                                     weight);
}

enum tcore_status tcore_cell_add_exemplar(struct tcore_cell *cell, const struct tcore_stats *stats,
                                          const struct tcore_stat *stat,
                                          const struct tcore_exemplar *exemplar)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    return extra ? tcore_exemplars_add(&extra->state[stat->extra].exemplars, stat->limit, exemplar)
                 : TCORE_FATAL;
}

enum tcore_status tcore_cell_add_counter(struct tcore_cell *cell, const struct tcore_stats *stats,
                                         const struct tcore_stat *stat, const void *name,
                                         size_t length, const struct tcore_counter_point *point)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    return extra ? tcore_increase_add(&extra->state[stat->extra].increase, name, length, point)
                 : TCORE_FATAL;
}

enum tcore_status tcore_cell_add_increase(struct tcore_cell *cell, const struct tcore_stats *stats,
                                          const struct tcore_stat *stat,
                                          const struct tcore_value *value, uint64_t weight)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    return extra ? tcore_increase_add_delta(&extra->state[stat->extra].increase, value, weight)
                 : TCORE_FATAL;
}

enum tcore_status tcore_cell_link_counters(struct tcore_cell *cell, const struct tcore_stat *stat,
                                           struct tcore_increase *newest, int64_t origin_ns)
{
    return cell->extra
               ? tcore_increase_link(&cell->extra->state[stat->extra].increase, newest, origin_ns)
               : TCORE_OK;
}

enum tcore_status tcore_cell_add_apdex(struct tcore_cell *cell, const struct tcore_stats *stats,
                                       const struct tcore_stat *stat, double value, bool error,
                                       uint64_t weight)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    if (!extra)
        return TCORE_FATAL;
    struct tcore_apdex *apdex = &extra->state[stat->extra].apdex;
    enum tcore_status status = error
                                   ? tcore_apdex_add_frustrated(apdex, weight)
                                   : tcore_apdex_add_double(apdex, value, stat->threshold, weight);
    return status == TCORE_SKIP ? TCORE_OK : status;
}

enum tcore_status tcore_cell_merge(struct tcore_cell *into, const struct tcore_cell *from,
                                   const struct tcore_stats *stats)
{
    if (from->has_int && !into->has_int) {
        into->has_int = true;
        into->min_int = from->min_int;
        into->max_int = from->max_int;
    } else if (from->has_int) {
        into->min_int = from->min_int < into->min_int ? from->min_int : into->min_int;
        into->max_int = from->max_int > into->max_int ? from->max_int : into->max_int;
    }
    if (from->has_double)
        tcore_cell_widen_double(into, from->min_double, from->max_double);
    enum tcore_status status = add_units(&into->count, from->count);
    if (!status)
        status = add_units(&into->errors, from->errors);
    if (!status)
        status = add_units(&into->values, from->values);
    if (!status)
        status = tcore_exact_sum_merge(&into->sum, &from->sum);
    if (!status)
        status = tcore_histogram_merge(&into->histogram, &from->histogram);
    if (!status && from->extra)
        status = tcore_cell_extra_merge(into, from->extra, stats);
    return status;
}
