/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The statistic histogram: a cell's buckets as metrics have them, so that what quantiles are read
 * from can leave as it is. Its counts are of values that have a bucket, which NaN and infinities
 * have not, and of whole values: weights may make fractions, and then every cumulative count is
 * rounded, so that the sum of the buckets is the count.
 */
#include "stats/cell_extra.h"

#include "base/sys.h"
#include "model/json.h"

#include <inttypes.h>
#include <math.h>

static void write_counts(const uint64_t *counts, uint32_t length, struct tcore_buf *out)
{
    tcore_buf_puts(out, "\"bucketCounts\":[");
    for (uint32_t i = 0; i < length; i++)
        tcore_buf_printf(out, i ? ",%" PRIu64 : "%" PRIu64, counts[i]);
    tcore_buf_putc(out, ']');
}

static uint64_t sum_of(const uint64_t *counts, uint32_t length)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += counts[i];
    return sum;
}

static void write_finite(const char *label, const struct tcore_value *value, struct tcore_buf *out)
{
    if (value->kind == TCORE_ABSENT || !isfinite(tcore_value_double(value)))
        return;
    tcore_buf_puts(out, label);
    tcore_json_write_value(out, value);
}

/* Count, sum and extremes. */
static void write_head(const struct tcore_cell *cell, uint64_t count, struct tcore_buf *out)
{
    char text[TCORE_EXACT_TEXT_BYTES];
    size_t length = tcore_exact_sum_integer_text(&cell->sum, text);
    struct tcore_value sum = tcore_value_of_double(tcore_exact_sum_value(&cell->sum)),
                       min = tcore_cell_extreme(cell, false), max = tcore_cell_extreme(cell, true);
    tcore_buf_printf(out, "{\"count\":%" PRIu64, count);
    if (length) {
        tcore_buf_puts(out, ",\"sum\":");
        tcore_buf_append(out, text, length);
    } else {
        write_finite(",\"sum\":", &sum, out);
    }
    write_finite(",\"min\":", &min, out);
    write_finite(",\"max\":", &max, out);
}

static void write_side(const char *label, const struct tcore_exponential_side *side,
                       struct tcore_buf *out)
{
    if (!side->length)
        return;
    tcore_buf_printf(out, ",\"%s\":{\"offset\":%" PRId32 ",", label, side->offset);
    write_counts(side->counts, side->length, out);
    tcore_buf_putc(out, '}');
}

static enum tcore_status write_exponential(const struct tcore_cell *cell, uint32_t max_buckets,
                                           struct tcore_buf *out)
{
    struct tcore_exponential point;
    enum tcore_status status =
        tcore_histogram_export(&cell->histogram, TCORE_HISTOGRAM_SCALE, max_buckets, &point, NULL);
    if (status)
        return status;
    write_head(cell,
               point.zero_count + sum_of(point.positive.counts, point.positive.length) +
                   sum_of(point.negative.counts, point.negative.length),
               out);
    tcore_buf_printf(out, ",\"scale\":%" PRId32 ",\"zeroCount\":%" PRIu64, point.scale,
                     point.zero_count);
    write_side("positive", &point.positive, out);
    write_side("negative", &point.negative, out);
    tcore_buf_putc(out, '}');
    tcore_exponential_free(&point);
    return TCORE_OK;
}

/* The difference of cumulative counts that are rounded. */
static void round_counts(const uint64_t *units, uint64_t *counts, uint32_t length)
{
    uint64_t cumulative = 0, before = 0;
    for (uint32_t i = 0; i < length; i++) {
        cumulative += units[i];
        uint64_t rounded = (cumulative + TCORE_WEIGHT_ONE / 2) / TCORE_WEIGHT_ONE;
        counts[i] = rounded - before;
        before = rounded;
    }
}

static enum tcore_status write_bounded(const struct tcore_cell *cell, struct tcore_buf *out)
{
    const struct tcore_bounded_histogram *bounded = &cell->extra->bounded;
    uint64_t *counts = tcore_calloc(bounded->length + 1, sizeof *counts);
    if (!counts)
        return TCORE_FATAL;
    round_counts(bounded->units, counts, bounded->length + 1);
    write_head(cell, sum_of(counts, bounded->length + 1), out);
    tcore_buf_puts(out, ",\"bounds\":[");
    for (uint32_t i = 0; i < bounded->length; i++) {
        struct tcore_value bound = tcore_value_of_double(bounded->bounds[i]);
        tcore_buf_puts(out, i ? "," : "");
        tcore_json_write_value(out, &bound);
    }
    tcore_buf_puts(out, "],");
    write_counts(counts, bounded->length + 1, out);
    tcore_buf_putc(out, '}');
    tcore_free(counts);
    return TCORE_OK;
}

enum tcore_status tcore_cell_write_histogram(const struct tcore_cell *cell, uint32_t max_buckets,
                                             struct tcore_buf *out)
{
    bool exponential = tcore_histogram_total(&cell->histogram) != 0;
    if (!exponential && !(cell->extra && cell->extra->bounded.units))
        return TCORE_OK;
    tcore_buf_puts(out, ",\"histogram\":");
    return exponential ? write_exponential(cell, max_buckets, out) : write_bounded(cell, out);
}
