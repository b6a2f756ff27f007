/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a cell says: its statistics as members of an aggregate record, or its whole state as bytes.
 */
#include "stats/cell_extra.h"

#include "model/symbol.h"
#include "base/sys.h"
#include "model/json.h"
#include "stats/encode.h"

#include <math.h>

struct tcore_value tcore_cell_extreme(const struct tcore_cell *cell, bool largest)
{
    struct tcore_value integer = tcore_value_int(largest ? cell->max_int : cell->min_int);
    struct tcore_value floating =
        tcore_value_of_double(largest ? cell->max_double : cell->min_double);
    if (!cell->has_double)
        return cell->has_int ? integer : (struct tcore_value){0};
    if (!cell->has_int)
        return floating;
    double i = (double)integer.i;
    return (largest ? i > floating.d : i < floating.d) ? integer : floating;
}

static double extreme_double(const struct tcore_cell *cell, bool largest)
{
    struct tcore_value value = tcore_cell_extreme(cell, largest);
    return value.kind == TCORE_ABSENT ? NAN : tcore_value_double(&value);
}

/* Whether there are histograms of explicit bounds. */
static bool is_bounded(const struct tcore_cell *cell)
{
    return cell->extra && cell->extra->bounded.total;
}

static double quantile(const struct tcore_cell *cell, double q)
{
    double low = extreme_double(cell, false), high = extreme_double(cell, true);
    if (is_bounded(cell)) /* beside values of which more is known there is no telling */
        return tcore_histogram_total(&cell->histogram)
                   ? NAN
                   : tcore_bounded_histogram_quantile(&cell->extra->bounded, q, low, high);
    return tcore_histogram_quantile(&cell->histogram, q, low, high);
}

static void write_name(const struct tcore_stat *stat, struct tcore_buf *out)
{
    tcore_buf_putc(out, ',');
    tcore_json_write_string(out, stat->name, strlen(stat->name));
    tcore_buf_putc(out, ':');
}

static void write_double(const struct tcore_stat *stat, double d, struct tcore_buf *out)
{
    if (isnan(d) && stat->kind != TCORE_STAT_SUM && stat->kind != TCORE_STAT_MEAN &&
        stat->kind != TCORE_STAT_FIELD_SUM)
        return; /* there is none */
    struct tcore_value value = tcore_value_of_double(d);
    write_name(stat, out);
    tcore_json_write_value(out, &value);
}

static void write_sum(const struct tcore_exact_sum *sum, const struct tcore_stat *stat,
                      struct tcore_buf *out)
{
    char text[TCORE_EXACT_TEXT_BYTES];
    size_t length = tcore_exact_sum_integer_text(sum, text);
    if (!length) {
        write_double(stat, tcore_exact_sum_value(sum), out);
        return;
    }
    write_name(stat, out);
    tcore_buf_append(out, text, length);
}

/* A count in units, as an integer if it is one: weights may make fractions. */
static struct tcore_value count_of(uint64_t units)
{
    return units % TCORE_WEIGHT_ONE ? tcore_value_of_double(tcore_units_to_count(units))
                                    : tcore_value_int((int64_t)(units / TCORE_WEIGHT_ONE));
}

static void write_count(const struct tcore_stat *stat, uint64_t units, struct tcore_buf *out)
{
    struct tcore_value value = count_of(units);
    write_name(stat, out);
    tcore_json_write_value(out, &value);
}

static enum tcore_status write_topk(const struct tcore_stat *stat, const struct tcore_topk *topk,
                                    struct tcore_buf *out)
{
    struct tcore_topk_item *items = tcore_calloc(stat->limit, sizeof *items);
    size_t found = 0;
    enum tcore_status status =
        items ? tcore_topk_list(topk, stat->limit, items, &found) : TCORE_FATAL;
    if (!status) {
        write_name(stat, out);
        tcore_buf_putc(out, '[');
        for (size_t i = 0; i < found; i++) {
            tcore_buf_puts(out, i ? ",{\"value\":" : "{\"value\":");
            tcore_symbol_write(items[i].data, items[i].length, out);
            struct tcore_value count = count_of(items[i].units);
            tcore_buf_puts(out, ",\"count\":");
            tcore_json_write_value(out, &count);
            tcore_buf_puts(out, tcore_topk_is_exact(topk) ? "}" : ",\"exact\":false}");
        }
        tcore_buf_putc(out, ']');
    }
    tcore_free(items);
    return status;
}

static enum tcore_status write_increase(const struct tcore_increase *increase,
                                        const struct tcore_stat *stat, double seconds,
                                        struct tcore_buf *out)
{
    struct tcore_exact_sum sum = {0};
    bool any;
    enum tcore_status status = tcore_increase_sum(increase, &sum, &any);
    if (!status && any && stat->kind == TCORE_STAT_INCREASE)
        write_sum(&sum, stat, out);
    else if (!status && any && seconds > 0)
        write_double(stat, tcore_exact_sum_value(&sum) / seconds, out);
    tcore_exact_sum_free(&sum);
    return status;
}

static enum tcore_status write_extra(const struct tcore_cell *cell, const struct tcore_stat *stat,
                                     double seconds, struct tcore_buf *out)
{
    static const union tcore_cell_extra_state none;
    const union tcore_cell_extra_state *state =
        cell->extra ? &cell->extra->state[stat->extra] : &none;
    switch (stat->kind) {
    case TCORE_STAT_DISTINCT:
        write_count(stat, tcore_distinct_count(&state->distinct) * TCORE_WEIGHT_ONE, out);
        break;
    case TCORE_STAT_APDEX:
        write_double(stat, tcore_apdex_value(&state->apdex), out);
        break;
    case TCORE_STAT_FIELD_SUM:
        if (state->field.any)
            write_sum(&state->field.sum, stat, out);
        break;
    case TCORE_STAT_EXEMPLARS:
        if (state->exemplars.count) {
            tcore_buf_puts(out, ",\"exemplars\":");
            tcore_exemplars_write(&state->exemplars, out);
        }
        break;
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        return write_increase(&state->increase, stat, seconds, out);
    default:
        return write_topk(stat, &state->topk, out);
    }
    return TCORE_OK;
}

static enum tcore_status write_stat(const struct tcore_cell *cell, const struct tcore_stat *stat,
                                    double seconds, struct tcore_buf *out)
{
    static const struct tcore_exact_sum nothing;
    struct tcore_value value;
    switch (stat->kind) {
    case TCORE_STAT_COUNT:
        write_count(stat, cell->count, out);
        break;
    case TCORE_STAT_ERRORS:
        write_count(stat, cell->errors, out);
        break;
    case TCORE_STAT_RATE:
        write_double(stat, seconds > 0 ? tcore_units_to_count(cell->count) / seconds : NAN, out);
        break;
    case TCORE_STAT_ERROR_RATE:
        write_double(stat, (double)cell->errors / (double)cell->count, out);
        break;
    case TCORE_STAT_SUM:
        if (cell->values)
            write_sum(&cell->sum, stat, out);
        break;
    case TCORE_STAT_MEAN:
        if (cell->values)
            write_double(stat, tcore_exact_mean(&cell->sum, cell->values), out);
        break;
    case TCORE_STAT_STDDEV:
        write_double(stat,
                     tcore_exact_stddev(&cell->sum, cell->extra ? &cell->extra->squares : &nothing,
                                        cell->values),
                     out);
        break;
    case TCORE_STAT_MIN:
    case TCORE_STAT_MAX:
        value = tcore_cell_extreme(cell, stat->kind == TCORE_STAT_MAX);
        if (value.kind != TCORE_ABSENT) {
            write_name(stat, out);
            tcore_json_write_value(out, &value);
        }
        break;
    case TCORE_STAT_QUANTILE:
        write_double(stat, quantile(cell, stat->quantile), out);
        break;
    case TCORE_STAT_HISTOGRAM:
        return tcore_cell_write_histogram(cell, stat->limit, out);
    default:
        return write_extra(cell, stat, seconds, out);
    }
    return TCORE_OK;
}

static bool is_estimated(const struct tcore_cell *cell, const struct tcore_stat *stat)
{
    if (stat->kind == TCORE_STAT_QUANTILE)
        return is_bounded(cell) && !isnan(quantile(cell, stat->quantile));
    if (stat->kind == TCORE_STAT_INCREASE || stat->kind == TCORE_STAT_INCREASE_RATE)
        return cell->extra && tcore_increase_is_doubtful(&cell->extra->state[stat->extra].increase);
    return stat->kind == TCORE_STAT_DISTINCT && cell->extra &&
           !tcore_distinct_is_exact(&cell->extra->state[stat->extra].distinct);
}

/* The names of those whose value is neither exact nor within a bound of its own. */
static void write_estimated(const struct tcore_cell *cell, const struct tcore_stats *stats,
                            struct tcore_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < stats->count; i++) {
        if (!is_estimated(cell, &stats->stat[i]))
            continue;
        tcore_buf_puts(out, any ? "," : ",\"estimated\":[");
        tcore_json_write_string(out, stats->stat[i].name, strlen(stats->stat[i].name));
        any = true;
    }
    tcore_buf_puts(out, any ? "]" : "");
}

enum tcore_status tcore_cell_write(const struct tcore_cell *cell, const struct tcore_stats *stats,
                                   double seconds, struct tcore_buf *out)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < stats->count && !status; i++)
        status = write_stat(cell, &stats->stat[i], seconds, out);
    write_estimated(cell, stats, out);
    return status;
}

/*
 * The state: what there is, counts, the extremes, the sum, the histogram, then a part for what is
 * rarer. Counts are of whole records, or in units when any is not whole. The sizes of the parts are
 * known to their own decoders (stats/encode.h).
 */
enum tcore_status tcore_cell_encode(const struct tcore_cell *cell, const struct tcore_stats *stats,
                                    struct tcore_buf *out)
{
    bool in_units = (cell->count | cell->errors | cell->values) % TCORE_WEIGHT_ONE;
    uint64_t unit = in_units ? 1 : TCORE_WEIGHT_ONE;
    tcore_encode_uint64(out, (uint64_t)cell->has_int | (uint64_t)cell->has_double << 1 |
                                 (uint64_t)(cell->extra != NULL) << 2 | (uint64_t)in_units << 3);
    tcore_encode_uint64(out, cell->count / unit);
    tcore_encode_uint64(out, cell->errors / unit);
    tcore_encode_uint64(out, cell->values / unit);
    if (cell->has_int) {
        tcore_encode_int64(out, cell->min_int);
        tcore_encode_int64(out, cell->max_int);
    }
    if (cell->has_double) {
        tcore_encode_double(out, cell->min_double);
        tcore_encode_double(out, cell->max_double);
    }
    tcore_exact_sum_encode(&cell->sum, out);
    tcore_histogram_encode(&cell->histogram, out);
    if (!cell->extra)
        return TCORE_OK;
    return tcore_cell_extra_encode(cell->extra, stats, out);
}

static bool decode_count(struct tcore_state_reader *in, uint64_t unit, uint64_t *units)
{
    return tcore_decode_uint64(in, units) && *units <= TCORE_CELL_UNITS_MAX / unit &&
           !__builtin_mul_overflow(*units, unit, units);
}

enum tcore_status tcore_cell_decode(struct tcore_cell *cell, const struct tcore_stats *stats,
                                    const void *data, size_t length, struct tcore_error *err)
{
    struct tcore_state_reader in = tcore_state_reader(data, length);
    uint64_t flags = 0;
    bool ok = tcore_decode_uint64(&in, &flags) && flags < 16;
    uint64_t unit = flags & 8 ? 1 : TCORE_WEIGHT_ONE;
    ok = ok && decode_count(&in, unit, &cell->count) && decode_count(&in, unit, &cell->errors) &&
         decode_count(&in, unit, &cell->values) && cell->errors <= cell->count;
    cell->has_int = flags & 1;
    cell->has_double = flags >> 1 & 1;
    if (ok && cell->has_int)
        ok = tcore_decode_int64(&in, &cell->min_int) && tcore_decode_int64(&in, &cell->max_int);
    if (ok && cell->has_double)
        ok = tcore_decode_double(&in, &cell->min_double) &&
             tcore_decode_double(&in, &cell->max_double);
    if (!ok)
        return tcore_error_set(err, TCORE_BAD_INPUT, "damaged state of an aggregate");
    enum tcore_status status = tcore_exact_sum_decode(&cell->sum, &in, err);
    if (!status)
        status = tcore_histogram_decode(&cell->histogram, &in, err);
    if (!status && flags & 4)
        status = tcore_cell_extra_decode(cell, stats, &in, err);
    if (!status && tcore_state_reader_left(&in))
        return tcore_error_set(err, TCORE_BAD_INPUT, "damaged state of an aggregate");
    return status;
}
