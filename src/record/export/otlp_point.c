/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in OTLP's data points: numbers, buckets, quantiles, exemplars. */
#include <config.h>

#include "record/export/fields.h"
#include "record/export/otlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers --- */

static void put_double(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                       const char *name)
{
    double d;
    if (export_number(&o->record, node, &d))
        export_otlp_double(o, field, export_value(&o->record, node));
    else if (node)
        export_lost(&o->record, name);
}

/* A count of 64 bits; 0 of what is none, which is lost. */
static uint64_t count_of(struct export_otlp *o, uint32_t node, const char *name)
{
    const struct tcore_value *v = export_value(&o->record, node);
    int64_t i;
    char digits[24];
    if (!node)
        return 0;
    if (export_int64(&o->record, node, &i) && i >= 0)
        return (uint64_t)i;
    if (v->kind == TCORE_NUMBER && v->len < sizeof digits && v->s[0] != '-') {
        memcpy(digits, v->s, v->len);
        digits[v->len] = '\0';
        errno = 0;
        uint64_t count = strtoull(digits, NULL, 10);
        if (!errno && strspn(digits, "0123456789") == v->len)
            return count;
    }
    export_lost(&o->record, name);
    return 0;
}

static void put_count(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                      const char *name)
{
    uint64_t count = count_of(o, node, name);
    if (count)
        otlp_fixed64(&o->w, field, count);
}

/* An int32 that is not 0. */
static void put_sint32(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                       const char *name)
{
    int64_t i;
    if (!node)
        return;
    if (!export_int64(&o->record, node, &i) || i < INT32_MIN || i > INT32_MAX)
        export_lost(&o->record, name);
    else if (i)
        otlp_sint32(&o->w, field, i);
}

/* The array at node if it is one that has something in it, else 0. */
static uint32_t list_of(struct export_otlp *o, uint32_t node, const char *name)
{
    const struct tcore_json_node *n = &o->record.json.node[node];
    if (node && !tcore_json_is_array(n))
        export_lost(&o->record, name);
    return node && tcore_json_is_array(n) && n->count ? node : 0;
}

/* varint: the form that counts have in protobuf. */
static void put_counts(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                       bool varint)
{
    const struct tcore_json_node *tape = o->record.json.node;
    uint32_t list = list_of(o, node, "bucketCounts");
    if (!list)
        return;
    size_t mark = otlp_open_numbers(&o->w, field);
    for (uint32_t e = list + 1; e < tape[list].next; e = tape[e].next) {
        uint64_t count = count_of(o, e, "bucketCounts");
        if (varint)
            otlp_add_uint64(&o->w, count);
        else
            otlp_add_fixed64(&o->w, count);
    }
    otlp_close_numbers(&o->w, mark);
}

static void put_bounds(struct export_otlp *o, uint32_t node)
{
    const struct tcore_json_node *tape = o->record.json.node;
    const struct tcore_value zero = tcore_value_int(0);
    uint32_t list = list_of(o, node, "bounds");
    if (!list)
        return;
    size_t mark = otlp_open_numbers(&o->w, OTLP_FIELD("explicitBounds", 7));
    for (uint32_t e = list + 1; e < tape[list].next; e = tape[e].next) {
        double d;
        bool number = export_number(&o->record, e, &d);
        if (!number)
            export_lost(&o->record, "bounds");
        otlp_add_double(&o->w, number ? &tape[e].value : &zero);
    }
    otlp_close_numbers(&o->w, mark);
}

/* --- data points --- */

static void put_buckets(struct export_otlp *o, const struct otlp_field *field, uint32_t node)
{
    uint32_t at[BUCKETS_FIELDS];
    if (!node)
        return;
    export_collect(&o->record, &export_buckets_keys, node, "histogram", at);
    size_t mark = otlp_open(&o->w, field);
    put_sint32(o, OTLP_FIELD("offset", 1), at[BUCKETS_OFFSET], "offset");
    put_counts(o, OTLP_FIELD("bucketCounts", 2), at[BUCKETS_COUNTS], true);
    otlp_close(&o->w, mark);
}

static void put_explicit(struct export_otlp *o, const uint32_t *at)
{
    put_count(o, OTLP_FIELD("count", 4), at[HISTOGRAM_COUNT], "count");
    put_double(o, OTLP_FIELD("sum", 5), at[HISTOGRAM_SUM], "sum");
    put_counts(o, OTLP_FIELD("bucketCounts", 6), at[HISTOGRAM_BUCKETS], false);
    put_bounds(o, at[HISTOGRAM_BOUNDS]);
    put_double(o, OTLP_FIELD("min", 11), at[HISTOGRAM_MIN], "min");
    put_double(o, OTLP_FIELD("max", 12), at[HISTOGRAM_MAX], "max");
}

static void put_exponential(struct export_otlp *o, const uint32_t *at)
{
    put_count(o, OTLP_FIELD("count", 4), at[HISTOGRAM_COUNT], "count");
    put_double(o, OTLP_FIELD("sum", 5), at[HISTOGRAM_SUM], "sum");
    put_sint32(o, OTLP_FIELD("scale", 6), at[HISTOGRAM_SCALE], "scale");
    put_count(o, OTLP_FIELD("zeroCount", 7), at[HISTOGRAM_ZERO], "zeroCount");
    put_buckets(o, OTLP_FIELD("positive", 8), at[HISTOGRAM_POSITIVE]);
    put_buckets(o, OTLP_FIELD("negative", 9), at[HISTOGRAM_NEGATIVE]);
    put_double(o, OTLP_FIELD("min", 12), at[HISTOGRAM_MIN], "min");
    put_double(o, OTLP_FIELD("max", 13), at[HISTOGRAM_MAX], "max");
    put_double(o, OTLP_FIELD("zeroThreshold", 14), at[HISTOGRAM_THRESHOLD], "zeroThreshold");
}

/* With scale, or what goes with it. */
bool export_otlp_is_exponential(const struct export_otlp *o, uint32_t node)
{
    const struct tcore_json *json = &o->record.json;
    return tcore_json_find(json, node, "scale") || tcore_json_find(json, node, "zeroCount") ||
           tcore_json_find(json, node, "positive") || tcore_json_find(json, node, "negative");
}

void export_otlp_histogram(struct export_otlp *o, uint32_t node)
{
    uint32_t at[HISTOGRAM_FIELDS];
    export_collect(&o->record, &export_histogram_keys, node, "histogram", at);
    if (!export_otlp_is_exponential(o, node)) {
        put_explicit(o, at);
        if (at[HISTOGRAM_THRESHOLD])
            export_lost(&o->record, "histogram.zeroThreshold");
        return;
    }
    put_exponential(o, at);
    if (at[HISTOGRAM_BOUNDS] || at[HISTOGRAM_BUCKETS])
        export_lost(&o->record, "histogram.bounds");
}

void export_otlp_summary(struct export_otlp *o, uint32_t node)
{
    const struct tcore_json_node *tape = o->record.json.node;
    uint32_t at[SUMMARY_FIELDS];
    export_collect(&o->record, &export_summary_keys, node, "summary", at);
    uint32_t list = list_of(o, at[SUMMARY_QUANTILES], "quantiles");
    put_count(o, OTLP_FIELD("count", 4), at[SUMMARY_COUNT], "count");
    put_double(o, OTLP_FIELD("sum", 5), at[SUMMARY_SUM], "sum");
    if (!list)
        return;
    otlp_open_list(&o->w, OTLP_FIELD("quantileValues", 6));
    for (uint32_t e = list + 1; e < tape[list].next; e = tape[e].next) {
        uint32_t quantile[QUANTILE_FIELDS] = {0};
        if (tcore_json_is_object(&tape[e]))
            export_collect(&o->record, &export_quantile_keys, e, "quantiles", quantile);
        else
            export_lost(&o->record, "quantiles");
        size_t mark = otlp_open_item(&o->w, OTLP_FIELD("quantileValues", 6));
        put_double(o, OTLP_FIELD("quantile", 1), quantile[QUANTILE_QUANTILE], "quantiles.quantile");
        put_double(o, OTLP_FIELD("value", 2), quantile[QUANTILE_VALUE], "quantiles.value");
        otlp_close(&o->w, mark);
    }
    otlp_close_list(&o->w);
}

void export_otlp_number(struct export_otlp *o, const struct otlp_field *as_double, uint32_t node,
                        const char *name)
{
    const struct tcore_value *v = export_value(&o->record, node);
    if (node && v->kind == TCORE_INT)
        otlp_sfixed64(&o->w, OTLP_FIELD("asInt", 6), v->i);
    else
        put_double(o, as_double, node, name);
}

/* import makes a number of a record's value and has OTLP's names for one of an exemplar. */
static uint32_t exemplar_value(struct export_otlp *o, const uint32_t *at)
{
    uint32_t node = at[EXEMPLAR_INT]      ? at[EXEMPLAR_INT]
                    : at[EXEMPLAR_DOUBLE] ? at[EXEMPLAR_DOUBLE]
                                          : at[EXEMPLAR_VALUE];
    if (at[EXEMPLAR_VALUE] && at[EXEMPLAR_VALUE] != node)
        export_lost(&o->record, "exemplars.value");
    return node;
}

static void put_exemplar(struct export_otlp *o, uint32_t node)
{
    uint32_t at[EXEMPLAR_FIELDS];
    export_collect(&o->record, &export_exemplar_keys, node, "exemplars", at);
    if (at[EXEMPLAR_ATTRIBUTES] && at[EXEMPLAR_FILTERED])
        export_lost(&o->record, "exemplars.attributes");
    uint32_t attributes = at[EXEMPLAR_FILTERED] ? at[EXEMPLAR_FILTERED] : at[EXEMPLAR_ATTRIBUTES];
    if (attributes && !tcore_json_is_object(&o->record.json.node[attributes])) {
        export_lost(&o->record, "exemplars.filteredAttributes");
        attributes = 0;
    }
    export_otlp_time(o, OTLP_FIELD("timeUnixNano", 2), at[EXEMPLAR_TIME], "exemplars.timeUnixNano");
    export_otlp_number(o, OTLP_FIELD("asDouble", 3), exemplar_value(o, at), "exemplars.value");
    export_otlp_id(o, OTLP_FIELD("spanId", 4), at[EXEMPLAR_SPAN]);
    export_otlp_id(o, OTLP_FIELD("traceId", 5), at[EXEMPLAR_TRACE]);
    export_otlp_map(o, OTLP_FIELD("filteredAttributes", 7), attributes, NULL);
}

void export_otlp_exemplars(struct export_otlp *o, const struct otlp_field *field, uint32_t list)
{
    export_otlp_list(o, field, list, put_exemplar);
}
