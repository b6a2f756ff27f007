/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An OTLP metric as native metric records, one a data point: monotonic sums are counters, gauges
 * and other sums gauges, both histograms histogram, summaries custom.
 */
#include <config.h>

#include "record/import/otlp.h"

enum {
    METRIC_NAME,
    METRIC_DESCRIPTION,
    METRIC_UNIT,
    METRIC_GAUGE,
    METRIC_SUM,
    METRIC_HISTOGRAM,
    METRIC_EXPONENTIAL,
    METRIC_SUMMARY,
    METRIC_METADATA,
    METRIC_COUNT
};
static const struct import_key metric_names[METRIC_COUNT] = {IMPORT_KEY("name"),
                                                             IMPORT_KEY("description"),
                                                             IMPORT_KEY("unit"),
                                                             IMPORT_KEY("gauge"),
                                                             IMPORT_KEY("sum"),
                                                             IMPORT_KEY("histogram"),
                                                             IMPORT_KEY("exponentialHistogram"),
                                                             IMPORT_KEY("summary"),
                                                             IMPORT_KEY("metadata")};
static const struct import_keys metric_keys = {metric_names, METRIC_COUNT};

enum { DATA_POINTS, DATA_TEMPORALITY, DATA_MONOTONIC, DATA_COUNT };
static const struct import_key data_names[DATA_COUNT] = {
    IMPORT_KEY("dataPoints"), IMPORT_KEY("aggregationTemporality"), IMPORT_KEY("isMonotonic")};
static const struct import_keys data_keys = {data_names, DATA_COUNT};

enum {
    POINT_ATTRIBUTES,
    POINT_START,
    POINT_TIME,
    POINT_AS_INT,
    POINT_AS_DOUBLE,
    POINT_OBSERVATIONS,
    POINT_SUM,
    POINT_BUCKETS,
    POINT_BOUNDS,
    POINT_SCALE,
    POINT_ZERO_COUNT,
    POINT_POSITIVE,
    POINT_NEGATIVE,
    POINT_FLAGS,
    POINT_EXEMPLARS,
    POINT_MIN,
    POINT_MAX,
    POINT_ZERO_THRESHOLD,
    POINT_QUANTILES,
    POINT_COUNT
};
static const struct import_key point_names[POINT_COUNT] = {IMPORT_KEY("attributes"),
                                                           IMPORT_KEY("startTimeUnixNano"),
                                                           IMPORT_KEY("timeUnixNano"),
                                                           IMPORT_KEY("asInt"),
                                                           IMPORT_KEY("asDouble"),
                                                           IMPORT_KEY("count"),
                                                           IMPORT_KEY("sum"),
                                                           IMPORT_KEY("bucketCounts"),
                                                           IMPORT_KEY("explicitBounds"),
                                                           IMPORT_KEY("scale"),
                                                           IMPORT_KEY("zeroCount"),
                                                           IMPORT_KEY("positive"),
                                                           IMPORT_KEY("negative"),
                                                           IMPORT_KEY("flags"),
                                                           IMPORT_KEY("exemplars"),
                                                           IMPORT_KEY("min"),
                                                           IMPORT_KEY("max"),
                                                           IMPORT_KEY("zeroThreshold"),
                                                           IMPORT_KEY("quantileValues")};
static const struct import_keys point_keys = {point_names, POINT_COUNT};

enum { BUCKETS_OFFSET, BUCKETS_COUNTS, BUCKETS_COUNT };
static const struct import_key buckets_names[BUCKETS_COUNT] = {IMPORT_KEY("offset"),
                                                               IMPORT_KEY("bucketCounts")};
static const struct import_keys buckets_keys = {buckets_names, BUCKETS_COUNT};

enum { QUANTILE_QUANTILE, QUANTILE_VALUE, QUANTILE_COUNT };
static const struct import_key quantile_names[QUANTILE_COUNT] = {IMPORT_KEY("quantile"),
                                                                 IMPORT_KEY("value")};
static const struct import_keys quantile_keys = {quantile_names, QUANTILE_COUNT};

enum {
    EXEMPLAR_ATTRIBUTES,
    EXEMPLAR_TIME,
    EXEMPLAR_AS_INT,
    EXEMPLAR_AS_DOUBLE,
    EXEMPLAR_SPAN,
    EXEMPLAR_TRACE,
    EXEMPLAR_COUNT
};
static const struct import_key exemplar_names[EXEMPLAR_COUNT] = {
    IMPORT_KEY("filteredAttributes"), IMPORT_KEY("timeUnixNano"), IMPORT_KEY("asInt"),
    IMPORT_KEY("asDouble"),           IMPORT_KEY("spanId"),       IMPORT_KEY("traceId")};
static const struct import_keys exemplar_keys = {exemplar_names, EXEMPLAR_COUNT};

struct metric {
    const uint32_t *at; /* METRIC_ */
    unsigned kind;      /* METRIC_GAUGE to METRIC_SUMMARY */
    int64_t temporality;
    bool monotonic;
};

static bool put_number(struct otlp *o, const char *label, uint32_t node)
{
    if (!node)
        return true;
    tcore_buf_puts(o->out, label);
    return import_put_double(o->job, o->out, node, NULL) ||
           import_bad(o->job, "no number where one belongs (%s)", label + 1);
}

static bool put_value(struct otlp *o, const char *label, uint32_t as_int, uint32_t as_double)
{
    if (!as_int)
        return put_number(o, label, as_double);
    tcore_buf_puts(o->out, label);
    return import_put_integer(o->job, o->out, as_int) || import_bad(o->job, "asInt is no integer");
}

/* An object's fields were written from begin on with a comma before each: makes it an object. */
static void close_object(struct tcore_buf *out, size_t begin)
{
    if (out->length == begin)
        tcore_buf_putc(out, '{');
    else
        out->data[begin] = '{';
    tcore_buf_putc(out, '}');
}

static bool put_integers(struct otlp *o, const char *label, uint32_t node)
{
    const struct tcore_json_node *tape = o->job->json.node;
    if (!otlp_is_list(o, node, "bucketCounts"))
        return false;
    if (!node || !tape[node].count)
        return true;
    tcore_buf_puts(o->out, label);
    tcore_buf_putc(o->out, '[');
    for (uint32_t e = node + 1; e < tape[node].next; e = tape[e].next) {
        if (e > node + 1)
            tcore_buf_putc(o->out, ',');
        if (!import_put_integer(o->job, o->out, e))
            return import_bad(o->job, "a bucket count that is no integer");
    }
    tcore_buf_putc(o->out, ']');
    return true;
}

static bool put_bounds(struct otlp *o, uint32_t node)
{
    const struct tcore_json_node *tape = o->job->json.node;
    if (!otlp_is_list(o, node, "explicitBounds"))
        return false;
    if (!node || !tape[node].count)
        return true;
    PUT(o->out, ",\"bounds\":[");
    for (uint32_t e = node + 1; e < tape[node].next; e = tape[e].next) {
        if (e > node + 1)
            tcore_buf_putc(o->out, ',');
        if (!import_put_double(o->job, o->out, e, NULL))
            return import_bad(o->job, "a bucket bound that is no number");
    }
    tcore_buf_putc(o->out, ']');
    return true;
}

static bool put_integer(struct otlp *o, const char *label, uint32_t node)
{
    tcore_buf_puts(o->out, label);
    if (!node) {
        tcore_buf_putc(o->out, '0');
        return true;
    }
    return import_put_integer(o->job, o->out, node) ||
           import_bad(o->job, "no integer where one belongs (%s)", label + 1);
}

static bool put_buckets(struct otlp *o, const char *label, uint32_t node)
{
    uint32_t at[BUCKETS_COUNT];
    if (!node)
        return true;
    if (!tcore_json_is_object(&o->job->json.node[node]))
        return import_bad(o->job, "buckets that are no object");
    import_collect(o->job, &buckets_keys, node, at);
    if (!at[BUCKETS_COUNTS] || !o->job->json.node[at[BUCKETS_COUNTS]].count)
        return otlp_is_list(o, at[BUCKETS_COUNTS], "bucketCounts");
    tcore_buf_puts(o->out, label);
    bool good = put_integer(o, "{\"offset\":", at[BUCKETS_OFFSET]) &&
                put_integers(o, ",\"bucketCounts\":", at[BUCKETS_COUNTS]);
    tcore_buf_putc(o->out, '}');
    return good;
}

static bool put_histogram(struct otlp *o, const struct metric *m, const uint32_t *at)
{
    PUT(o->out, ",\"histogram\":");
    bool good = put_integer(o, "{\"count\":", at[POINT_OBSERVATIONS]) &&
                put_number(o, ",\"sum\":", at[POINT_SUM]) &&
                put_number(o, ",\"min\":", at[POINT_MIN]) &&
                put_number(o, ",\"max\":", at[POINT_MAX]);
    if (good && m->kind == METRIC_HISTOGRAM)
        good = put_bounds(o, at[POINT_BOUNDS]) &&
               put_integers(o, ",\"bucketCounts\":", at[POINT_BUCKETS]);
    else if (good)
        good = put_integer(o, ",\"scale\":", at[POINT_SCALE]) &&
               put_integer(o, ",\"zeroCount\":", at[POINT_ZERO_COUNT]) &&
               put_number(o, ",\"zeroThreshold\":", at[POINT_ZERO_THRESHOLD]) &&
               put_buckets(o, ",\"positive\":", at[POINT_POSITIVE]) &&
               put_buckets(o, ",\"negative\":", at[POINT_NEGATIVE]);
    tcore_buf_putc(o->out, '}');
    return good;
}

static bool put_zero_or_number(struct otlp *o, const char *label, uint32_t node)
{
    if (node)
        return put_number(o, label, node);
    tcore_buf_puts(o->out, label);
    PUT(o->out, "0.0");
    return true;
}

static bool put_summary(struct otlp *o, const uint32_t *at)
{
    const struct tcore_json_node *tape = o->job->json.node;
    uint32_t list = at[POINT_QUANTILES];
    if (!otlp_is_list(o, list, "quantileValues"))
        return false;
    PUT(o->out, ",\"summary\":");
    if (!put_integer(o, "{\"count\":", at[POINT_OBSERVATIONS]) ||
        !put_number(o, ",\"sum\":", at[POINT_SUM]))
        return false;
    if (!list || !tape[list].count) {
        tcore_buf_putc(o->out, '}');
        return true;
    }
    PUT(o->out, ",\"quantiles\":[");
    for (uint32_t e = list + 1; e < tape[list].next; e = tape[e].next) {
        uint32_t quantile[QUANTILE_COUNT];
        if (!tcore_json_is_object(&tape[e]))
            return import_bad(o->job, "a quantile that is no object");
        import_collect(o->job, &quantile_keys, e, quantile);
        if (e > list + 1)
            tcore_buf_putc(o->out, ',');
        if (!put_zero_or_number(o, "{\"quantile\":", quantile[QUANTILE_QUANTILE]) ||
            !put_zero_or_number(o, ",\"value\":", quantile[QUANTILE_VALUE]))
            return false;
        tcore_buf_putc(o->out, '}');
    }
    PUT(o->out, "]}");
    return true;
}

static bool put_exemplar(struct otlp *o, uint32_t node)
{
    uint32_t at[EXEMPLAR_COUNT];
    int64_t time_ns;
    bool present;
    if (!tcore_json_is_object(&o->job->json.node[node]))
        return import_bad(o->job, "an exemplar that is no object");
    import_collect(o->job, &exemplar_keys, node, at);
    size_t begin = o->out->length;
    bool good =
        otlp_time(o, at[EXEMPLAR_TIME], "timeUnixNano of an exemplar", &time_ns) &&
        otlp_put_time_field(o, o->out, ",\"timeUnixNano\":", time_ns) &&
        otlp_put_trace_id(o, at[EXEMPLAR_TRACE], &present) &&
        otlp_put_span_id(o, at[EXEMPLAR_SPAN], &present) && otlp_put_attributes(o, 0) &&
        otlp_put_map_field(o, o->out, ",\"filteredAttributes\":", at[EXEMPLAR_ATTRIBUTES]) &&
        put_value(o, at[EXEMPLAR_AS_INT] ? ",\"asInt\":" : ",\"asDouble\":", at[EXEMPLAR_AS_INT],
                  at[EXEMPLAR_AS_DOUBLE]);
    close_object(o->out, begin);
    return good;
}

static bool put_exemplars(struct otlp *o, uint32_t node)
{
    const struct tcore_json_node *tape = o->job->json.node;
    if (!otlp_is_list(o, node, "exemplars"))
        return false;
    if (!node || !tape[node].count)
        return true;
    PUT(o->out, ",\"exemplars\":");
    for (uint32_t e = node + 1; e < tape[node].next; e = tape[e].next) {
        tcore_buf_putc(o->out, e == node + 1 ? '[' : ',');
        if (!put_exemplar(o, e))
            return false;
    }
    tcore_buf_putc(o->out, ']');
    return true;
}

/* asDouble null is NaN, which import_collect takes for absent. */
static void find_null_value(struct otlp *o, uint32_t node, uint32_t *at)
{
    const struct tcore_json_node *tape = o->job->json.node;
    unsigned hint = 0;
    for (uint32_t k = node + 1; k < tape[node].next; k = tape[k + 1].next)
        if (tape[k + 1].value.kind == TCORE_NULL &&
            import_find_key(&point_keys, &tape[k].value, &hint) == POINT_AS_DOUBLE)
            at[POINT_AS_DOUBLE] = k + 1;
}

static const char *type_of(const struct metric *m)
{
    switch (m->kind) {
    case METRIC_SUM:
        return m->monotonic ? "counter" : "gauge";
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_SUMMARY:
        return "custom";
    default:
        return "histogram";
    }
}

/* OTLP's metadata are free keys; ours has them under tags. */
static bool put_metadata(struct otlp *o, uint32_t node)
{
    size_t begin = o->out->length;
    if (!otlp_put_map_field(o, o->out, ",\"metadata\":{\"tags\":", node))
        return false;
    if (o->out->length > begin)
        tcore_buf_putc(o->out, '}');
    return true;
}

static bool put_point(struct otlp *o, const struct metric *m, uint32_t node)
{
    static const char *const temporalities[] = {"", ",\"temporality\":\"delta\"",
                                                ",\"temporality\":\"cumulative\""};
    uint32_t at[POINT_COUNT];
    int64_t start_ns, time_ns;
    struct tcore_buf *out = o->out;
    if (!tcore_json_is_object(&o->job->json.node[node]))
        return import_bad(o->job, "a data point that is no object");
    import_collect(o->job, &point_keys, node, at);
    if (m->kind <= METRIC_SUM && !at[POINT_AS_INT] && !at[POINT_AS_DOUBLE])
        find_null_value(o, node, at);
    if (!otlp_time(o, at[POINT_TIME], "timeUnixNano", &time_ns) ||
        !otlp_time(o, at[POINT_START], "startTimeUnixNano", &start_ns))
        return false;
    PUT(out, "{\"type\":\"metric\",\"metricName\":");
    import_put_string(o->job, out, import_value(o->job, m->at[METRIC_NAME]));
    PUT(out, ",\"metricType\":\"");
    tcore_buf_puts(out, type_of(m));
    tcore_buf_putc(out, '"');
    if (!put_value(o, ",\"value\":", at[POINT_AS_INT], at[POINT_AS_DOUBLE]) ||
        !otlp_put_text_field(o, out, ",\"unit\":", m->at[METRIC_UNIT]) ||
        !otlp_put_time_field(o, out, ",\"timeUnixNano\":", time_ns) ||
        !otlp_put_map_field(o, out, ",\"dimensions\":", at[POINT_ATTRIBUTES]))
        return false;
    tcore_buf_puts(out, temporalities[m->temporality]);
    otlp_put_service(o);
    tcore_buf_append(out, o->job->resource.data, o->job->resource.length);
    tcore_buf_append(out, o->job->scope.data, o->job->scope.length);
    if (!put_metadata(o, m->at[METRIC_METADATA]) ||
        ((m->kind == METRIC_HISTOGRAM || m->kind == METRIC_EXPONENTIAL) &&
         !put_histogram(o, m, at)) ||
        (m->kind == METRIC_SUMMARY && !put_summary(o, at)))
        return false;
    if (m->kind == METRIC_SUM)
        tcore_buf_puts(out, m->monotonic ? ",\"isMonotonic\":true" : ",\"isMonotonic\":false");
    return otlp_put_time_field(o, out, ",\"startTimeUnixNano\":", start_ns) &&
           put_exemplars(o, at[POINT_EXEMPLARS]) &&
           otlp_put_count_field(o, out, ",\"flags\":", at[POINT_FLAGS]) &&
           otlp_put_text_field(o, out, ",\"description\":", m->at[METRIC_DESCRIPTION]) &&
           otlp_put_end(o);
}

static bool read_data(struct otlp *o, struct metric *m, uint32_t data, uint32_t *points)
{
    static const char *const names[] = {"unspecified", "delta", "cumulative"};
    static const struct import_enum temporality = {"AGGREGATION_TEMPORALITY_", names, 3,
                                                   "temporality"};
    uint32_t at[DATA_COUNT];
    if (!tcore_json_is_object(&o->job->json.node[data]))
        return import_bad(o->job, "metric data that is no object");
    import_collect(o->job, &data_keys, data, at);
    if (!import_enum(o->job, at[DATA_TEMPORALITY], &temporality, &m->temporality))
        return import_bad(o->job, "an aggregationTemporality that OTLP does not know");
    m->monotonic =
        at[DATA_MONOTONIC] && import_value(o->job, at[DATA_MONOTONIC])->kind == TCORE_TRUE;
    *points = at[DATA_POINTS];
    return otlp_is_list(o, *points, "dataPoints");
}

bool otlp_put_metric(struct otlp *o, uint32_t node)
{
    const struct tcore_json_node *tape = o->job->json.node;
    uint32_t at[METRIC_COUNT], points = 0;
    struct import_counts *counts = &o->job->result->counts;
    uint64_t ignored = counts->ignored;
    import_collect(o->job, &metric_keys, node, at);
    if (!import_is_text(o->job, at[METRIC_NAME]))
        return import_bad(o->job, "a metric without a name");
    struct metric m = {.at = at, .kind = METRIC_GAUGE};
    while (m.kind <= METRIC_SUMMARY && !at[m.kind])
        m.kind++;
    if (m.kind > METRIC_SUMMARY && counts->ignored > ignored)
        return import_bad(o->job, "a metric without data of a kind that OTLP knows");
    if (m.kind > METRIC_SUMMARY) {
        counts->empty_metrics++;
        return true;
    }
    if (!read_data(o, &m, at[m.kind], &points))
        return false;
    counts->empty_metrics += !points || !tape[points].count;
    for (uint32_t e = points + 1; points && e < tape[points].next; e = tape[e].next) {
        size_t mark = o->out->length;
        if (!put_point(o, &m, e)) {
            o->out->length = mark;
            import_reject(o->job, e);
        }
    }
    return true;
}
