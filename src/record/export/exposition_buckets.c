/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histograms and summaries of OpenMetrics: counts up to bounds. */
#include <config.h>

#include "record/export/exposition.h"

#include <math.h>
#include <string.h>

/* The buckets of a point on their way: those below were written. */
struct buckets {
    struct exposition *e;
    struct export_record *record;
    uint32_t exemplars; /* list; 0: none */
    double below;       /* the bound before */
    double count;       /* up to it */
    double written;     /* the last bound written; -Inf: none */
    bool lost;          /* an exemplar that is not the first of its bucket */
    bool negative;      /* there is a bound below 0 */
};

static double number_at(const struct export_record *record, uint32_t node)
{
    double d;
    return export_number(record, node, &d) ? d : 0;
}

/* The first exemplar with a value between the bounds. */
static uint32_t find_exemplar(struct buckets *b, double low, double high)
{
    const struct tcore_json_node *tape = b->record->json.node;
    uint32_t found = 0;
    for (uint32_t e = b->exemplars + 1; b->exemplars && e < tape[b->exemplars].next;
         e = tape[e].next) {
        struct tcore_value v = exposition_exemplar_value(b->record, e);
        double d = tcore_value_double(&v);
        if (!(d > low && d <= high))
            continue;
        b->lost |= found != 0;
        found = found ? found : e;
    }
    return found;
}

static void put_count(struct buckets *b, const char *suffix, const char *label, double bound)
{
    const struct tcore_value at = tcore_value_of_double(bound);
    b->negative |= bound < 0;
    struct tcore_value count = tcore_value_of_double(b->count);
    if (b->count >= 0 && b->count < 0x1p53 && b->count == floor(b->count))
        count = tcore_value_int((int64_t)b->count);
    exposition_sample(b->e, suffix, label, &at, &count);
    exposition_end_line(b->e, b->record, label ? find_exemplar(b, b->written, bound) : 0);
    b->written = bound;
}

static uint32_t list_at(const struct export_record *record, uint32_t node)
{
    return node && tcore_json_is_array(&record->json.node[node]) ? node : 0;
}

/* Explicit buckets, each bound above the one before; one that is infinite is there without being
 * said. False: they do not fit their bounds. */
static bool put_explicit(struct buckets *b, const uint32_t *at)
{
    const struct tcore_json_node *tape = b->record->json.node;
    uint32_t bounds = list_at(b->record, at[HISTOGRAM_BOUNDS]);
    uint32_t counts = list_at(b->record, at[HISTOGRAM_BUCKETS]);
    uint32_t bound_count = bounds ? tape[bounds].count : 0;
    if (!counts)
        return true;
    if (tape[counts].count != bound_count + 1)
        return false;
    for (uint32_t c = counts + 1, e = bounds + 1; c < tape[counts].next; c = tape[c].next) {
        b->count += number_at(b->record, c);
        if (!bounds || e >= tape[bounds].next)
            break;
        double bound = number_at(b->record, e);
        if (!(bound > b->written))
            return false;
        if (isfinite(bound))
            put_count(b, "_bucket", "le", bound);
        else
            export_lost(b->record, "histogram.bounds");
        e = tape[e].next;
    }
    return true;
}

/* --- exponential buckets: those that are empty are left out, but for the bound below others */

struct scaled {
    double scale;
    int64_t offset;
    uint32_t counts; /* list; 0: none */
};

static struct scaled read_scaled(const struct export_record *record, const uint32_t *at,
                                 uint32_t node)
{
    struct scaled s = {.scale = number_at(record, at[HISTOGRAM_SCALE])};
    if (!node)
        return s;
    export_int64(record, tcore_json_find(&record->json, node, "offset"), &s.offset);
    s.counts = list_at(record, tcore_json_find(&record->json, node, "bucketCounts"));
    return s;
}

/* The lower bound of the bucket with that index: base^index (OpenTelemetry's data model). */
static double bound_of(const struct scaled *s, int64_t index)
{
    return exp2((double)index * exp2(-s->scale));
}

/* Where buckets overlap, which they should not, a count goes up to the next bound. */
static void put_between(struct buckets *b, double low, double high, double count)
{
    if (!(count > 0))
        return;
    if (low > b->written && isfinite(low))
        put_count(b, "_bucket", "le", low);
    b->count += count;
    if (high > b->written && isfinite(high))
        put_count(b, "_bucket", "le", high);
}

static void put_negative(struct buckets *b, const struct scaled *s)
{
    const struct tcore_json_node *tape = b->record->json.node;
    uint32_t count = s->counts ? tape[s->counts].count : 0;
    for (uint32_t i = count; i-- > 0;) { /* elements are numbers, one node each */
        int64_t index = s->offset + i;
        put_between(b, -bound_of(s, index + 1), -bound_of(s, index),
                    number_at(b->record, s->counts + 1 + i));
    }
}

static void put_positive(struct buckets *b, const struct scaled *s)
{
    const struct tcore_json_node *tape = b->record->json.node;
    uint32_t count = s->counts ? tape[s->counts].count : 0;
    for (uint32_t i = 0; i < count; i++)
        put_between(b, bound_of(s, s->offset + i), bound_of(s, s->offset + i + 1),
                    number_at(b->record, s->counts + 1 + i));
}

static void put_exponential(struct buckets *b, const uint32_t *at)
{
    struct scaled negative = read_scaled(b->record, at, at[HISTOGRAM_NEGATIVE]);
    struct scaled positive = read_scaled(b->record, at, at[HISTOGRAM_POSITIVE]);
    double zero = number_at(b->record, at[HISTOGRAM_THRESHOLD]);
    export_lost(b->record, "exponential buckets (now classic)");
    put_negative(b, &negative);
    put_between(b, b->written, zero > b->written ? zero : b->written,
                number_at(b->record, at[HISTOGRAM_ZERO]));
    put_positive(b, &positive);
}

/* --- points --- */

static void put_sum(struct exposition *e, struct export_record *record, const char *suffix,
                    uint32_t node)
{
    double d;
    if (!export_number(record, node, &d))
        return;
    exposition_sample(e, suffix, NULL, NULL, export_value(record, node));
    exposition_end_line(e, record, 0);
}

/* Whether there is a sum that may be there: but for gauges it is to grow like a count, so it is
 * neither NaN nor negative, and not beside buckets for negative values. */
static bool has_sum(const struct buckets *b, bool gauge, uint32_t node)
{
    double d;
    bool number = export_number(b->record, node, &d);
    bool good = number && (gauge || (d >= 0 && !b->negative));
    if (node && !good)
        export_lost(b->record, "histogram.sum");
    return good;
}

static bool lose_point(struct export_record *record)
{
    export_lost_record(record, "its buckets do not fit its bounds");
    return false;
}

bool exposition_histogram(struct exposition *e, struct export_record *record, const uint32_t *at)
{
    uint32_t in[HISTOGRAM_FIELDS];
    bool gauge = e->type == EXPOSITION_GAUGE_HISTOGRAM;
    struct buckets b = {
        .e = e, .record = record, .exemplars = at[METRIC_EXEMPLARS], .written = -INFINITY};
    export_collect(record, &export_histogram_keys, at[METRIC_HISTOGRAM], "histogram", in);
    if (in[HISTOGRAM_SCALE] || in[HISTOGRAM_POSITIVE] || in[HISTOGRAM_NEGATIVE] ||
        in[HISTOGRAM_ZERO])
        put_exponential(&b, in);
    else if (!put_explicit(&b, in))
        return lose_point(record);
    double all = number_at(record, in[HISTOGRAM_COUNT]);
    if (b.count < all || !in[HISTOGRAM_COUNT])
        b.count = in[HISTOGRAM_COUNT] ? all : b.count;
    put_count(&b, "_bucket", "le", INFINITY);
    if (has_sum(&b, gauge,
                in[HISTOGRAM_SUM])) { /* without it there is no count, but the last bucket */
        put_count(&b, gauge ? "_gcount" : "_count", NULL, 0);
        put_sum(e, record, gauge ? "_gsum" : "_sum", in[HISTOGRAM_SUM]);
    }
    if (in[HISTOGRAM_MIN] || in[HISTOGRAM_MAX])
        export_lost(record, "histogram.min and max");
    if (b.lost)
        export_lost(record, "exemplars");
    return true;
}

bool exposition_summary(struct exposition *e, struct export_record *record, const uint32_t *at)
{
    const struct tcore_json_node *tape = record->json.node;
    uint32_t in[SUMMARY_FIELDS], quantile[QUANTILE_FIELDS];
    export_collect(record, &export_summary_keys, at[METRIC_SUMMARY], "summary", in);
    uint32_t list = list_at(record, in[SUMMARY_QUANTILES]);
    for (uint32_t q = list + 1; list && q < tape[list].next; q = tape[q].next) {
        if (!tcore_json_is_object(&tape[q]))
            continue;
        export_collect(record, &export_quantile_keys, q, "quantiles", quantile);
        if (!quantile[QUANTILE_QUANTILE] || !quantile[QUANTILE_VALUE])
            continue;
        double value;
        if (export_number(record, quantile[QUANTILE_VALUE], &value) && value < 0) {
            export_lost(record, "quantiles below 0");
            continue;
        }
        exposition_sample(e, "", "quantile", export_value(record, quantile[QUANTILE_QUANTILE]),
                          export_value(record, quantile[QUANTILE_VALUE]));
        exposition_end_line(e, record, 0);
    }
    put_sum(e, record, "_count", in[SUMMARY_COUNT]);
    put_sum(e, record, "_sum", in[SUMMARY_SUM]);
    if (at[METRIC_EXEMPLARS])
        export_lost(record, "exemplars");
    return true;
}
