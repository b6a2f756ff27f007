/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A native metric record as a data point of OTLP. Which kind of data: a histogram or summary is one
 * of that; of plain values counters, and whatever has isMonotonic or a temporality, are sums, and
 * the others gauges.
 */
#include <config.h>

#include "record/export/fields.h"
#include "record/export/otlp.h"

/* The numbers of Metric's data. */
enum data { GAUGE = 5, SUM = 7, HISTOGRAM = 9, EXPONENTIAL = 10, SUMMARY = 11 };

/* --- the point --- */

static bool has_type(const struct export_otlp *o, const uint32_t *at, const char *type)
{
    return !at[METRIC_KIND] || export_text_is(&o->record, at[METRIC_KIND], type);
}

/* Which kind of data it is; types that come back as another are lost. */
static enum data data_of(struct export_otlp *o, const uint32_t *at)
{
    enum data data = GAUGE;
    const char *type = "gauge";
    bool counter = export_text_is(&o->record, at[METRIC_KIND], "counter");
    if (at[METRIC_SUMMARY]) {
        data = SUMMARY;
        type = "custom";
    } else if (at[METRIC_HISTOGRAM]) {
        data = export_otlp_is_exponential(o, at[METRIC_HISTOGRAM]) ? EXPONENTIAL : HISTOGRAM;
        type = "histogram";
    } else if (counter || at[METRIC_MONOTONIC] || at[METRIC_TEMPORALITY]) {
        data = SUM;
        type = export_value(&o->record, at[METRIC_MONOTONIC])->kind == TCORE_TRUE ||
                       (counter && !at[METRIC_MONOTONIC])
                   ? "counter"
                   : "gauge";
    }
    if (!has_type(o, at, type))
        export_lost(&o->record, "metricType");
    return data;
}

/* Of value, histogram and summary one is in a point. */
static void lose_other_data(struct export_otlp *o, const uint32_t *at, enum data data)
{
    if (at[METRIC_VALUE] && data > SUM)
        export_lost(&o->record, "value");
    if (at[METRIC_HISTOGRAM] && data == SUMMARY)
        export_lost(&o->record, "histogram");
    if (at[METRIC_EXEMPLARS] && data == SUMMARY)
        export_lost(&o->record, "exemplars");
    if (at[METRIC_MONOTONIC] && data != SUM)
        export_lost(&o->record, "isMonotonic");
    if (at[METRIC_TEMPORALITY] && data == SUMMARY)
        export_lost(&o->record, "temporality");
}

static void put_times(struct export_otlp *o, const uint32_t *at)
{
    export_otlp_time(o, OTLP_FIELD("startTimeUnixNano", 2), at[METRIC_START], "startTimeUnixNano");
    export_otlp_time(o, OTLP_FIELD("timeUnixNano", 3), at[METRIC_TIME], "timeUnixNano");
}

static void put_number_point(struct export_otlp *o, const uint32_t *at)
{
    export_otlp_map(o, OTLP_FIELD("attributes", 7), at[METRIC_DIMENSIONS], NULL);
    put_times(o, at);
    export_otlp_number(o, OTLP_FIELD("asDouble", 4), at[METRIC_VALUE], "value");
    export_otlp_exemplars(o, OTLP_FIELD("exemplars", 5), at[METRIC_EXEMPLARS]);
    export_otlp_count(o, OTLP_FIELD("flags", 8), at[METRIC_FLAGS], "flags");
}

static void put_point(struct export_otlp *o, const uint32_t *at, enum data data)
{
    if (data <= SUM) {
        put_number_point(o, at);
        return;
    }
    export_otlp_map(o,
                    data == HISTOGRAM     ? OTLP_FIELD("attributes", 9)
                    : data == EXPONENTIAL ? OTLP_FIELD("attributes", 1)
                                          : OTLP_FIELD("attributes", 7),
                    at[METRIC_DIMENSIONS], NULL);
    put_times(o, at);
    if (data == SUMMARY) {
        export_otlp_summary(o, at[METRIC_SUMMARY]);
        export_otlp_count(o, OTLP_FIELD("flags", 8), at[METRIC_FLAGS], "flags");
        return;
    }
    export_otlp_histogram(o, at[METRIC_HISTOGRAM]);
    export_otlp_exemplars(
        o, data == HISTOGRAM ? OTLP_FIELD("exemplars", 8) : OTLP_FIELD("exemplars", 11),
        at[METRIC_EXEMPLARS]);
    export_otlp_count(o, OTLP_FIELD("flags", 10), at[METRIC_FLAGS], "flags");
}

/* --- what its points share --- */

/* The level is a metric with the members that say the same of all points. */
static void put_shared_text(struct export_otlp *o, const char *label, uint32_t node)
{
    if (!node)
        return;
    tcore_buf_puts(&o->level, label);
    tcore_json_write_value(&o->level, export_value(&o->record, node));
}

static uint32_t tags_of(struct export_otlp *o, uint32_t metadata)
{
    uint32_t at[METADATA_FIELDS];
    if (!metadata)
        return 0;
    export_collect(&o->record, &export_metadata_keys, metadata, "metadata", at);
    return at[METADATA_TAGS];
}

/* UNSPECIFIED 0, DELTA 1, CUMULATIVE 2. */
static int temporality_of(struct export_otlp *o, uint32_t node)
{
    static const char *const names[] = {"unspecified", "delta", "cumulative"};
    int number = node ? export_word(&o->record, node, names, 3) : 0;
    if (number < 0)
        export_lost(&o->record, "temporality");
    return number < 0 ? 0 : number;
}

static void put_metric_level(struct export_otlp *o, const uint32_t *at, enum data data)
{
    bool monotonic = at[METRIC_MONOTONIC]
                         ? export_value(&o->record, at[METRIC_MONOTONIC])->kind == TCORE_TRUE
                         : export_text_is(&o->record, at[METRIC_KIND], "counter");
    export_otlp_levels(o, at[METRIC_RESOURCE], at[METRIC_SERVICE], at[METRIC_SCHEMA],
                       at[METRIC_SCOPE]);
    put_shared_text(o, "{\"name\":", at[METRIC_NAME]);
    put_shared_text(o, ",\"description\":", at[METRIC_DESCRIPTION]);
    put_shared_text(o, ",\"unit\":", at[METRIC_UNIT]);
    put_shared_text(o, ",\"metadata\":", tags_of(o, at[METRIC_METADATA]));
    tcore_buf_printf(&o->level, ",\"data\":%d,\"temporality\":%d,\"isMonotonic\":%s}", (int)data,
                     data == GAUGE || data == SUMMARY ? 0
                                                      : temporality_of(o, at[METRIC_TEMPORALITY]),
                     data == SUM && monotonic ? "true" : "false");
    o->level_end[OTLP_METRIC] = o->level.length;
}

/* A definition of a metric has none; a point that says so by its flags (NO_RECORDED_VALUE) has its
 * place. */
static bool has_data(const struct export_otlp *o)
{
    const struct tcore_json *json = &o->record.json;
    int64_t flags;
    return tcore_json_find(json, 0, "value") || tcore_json_find(json, 0, "histogram") ||
           tcore_json_find(json, 0, "summary") ||
           (export_int64(&o->record, tcore_json_find(json, 0, "flags"), &flags) && flags & 1);
}

void export_otlp_metric(struct export_otlp *o)
{
    uint32_t at[METRIC_COUNT], value = tcore_json_find(&o->record.json, 0, "value");
    double d;
    o->signal = OTLP_METRICS;
    if (value && !export_number(&o->record, value, &d)) {
        o->left_out = "its value is no number";
        return;
    }
    if (!export_is_text(&o->record, tcore_json_find(&o->record.json, 0, "metricName"))) {
        o->left_out = "it has no name";
        return;
    }
    if (!has_data(o)) {
        o->left_out = "it has no value";
        return;
    }
    export_collect(&o->record, &export_metric_keys, 0, NULL, at);
    enum data data = data_of(o, at);
    lose_other_data(o, at, data);
    put_point(o, at, data);
    put_metric_level(o, at, data);
}

enum {
    HEAD_NAME,
    HEAD_DESCRIPTION,
    HEAD_UNIT,
    HEAD_METADATA,
    HEAD_DATA,
    HEAD_TEMPORALITY,
    HEAD_MONOTONIC,
    HEAD_COUNT
};
static const struct export_key head_names[HEAD_COUNT] = {
    EXPORT_KEY("name"), EXPORT_KEY("description"), EXPORT_KEY("unit"),       EXPORT_KEY("metadata"),
    EXPORT_KEY("data"), EXPORT_KEY("temporality"), EXPORT_KEY("isMonotonic")};
static const struct export_keys head_keys = {head_names, HEAD_COUNT};

static const struct otlp_field *data_field(int64_t data)
{
    static const struct otlp_field gauge = OTLP_FIELD_INIT("gauge", GAUGE),
                                   sum = OTLP_FIELD_INIT("sum", SUM),
                                   histogram = OTLP_FIELD_INIT("histogram", HISTOGRAM),
                                   exponential =
                                       OTLP_FIELD_INIT("exponentialHistogram", EXPONENTIAL),
                                   summary = OTLP_FIELD_INIT("summary", SUMMARY);
    switch (data) {
    case GAUGE:
        return &gauge;
    case SUM:
        return &sum;
    case HISTOGRAM:
        return &histogram;
    case EXPONENTIAL:
        return &exponential;
    default:
        return &summary;
    }
}

void export_otlp_metric_head(struct export_otlp *o, size_t *data)
{
    uint32_t at[HEAD_COUNT];
    export_collect(&o->record, &head_keys, 0, NULL, at);
    export_otlp_text(o, OTLP_FIELD("name", 1), at[HEAD_NAME], "metricName");
    export_otlp_text(o, OTLP_FIELD("description", 2), at[HEAD_DESCRIPTION], "description");
    export_otlp_text(o, OTLP_FIELD("unit", 3), at[HEAD_UNIT], "unit");
    export_otlp_map(o, OTLP_FIELD("metadata", 12), at[HEAD_METADATA], NULL);
    *data = otlp_open(&o->w, data_field(export_value(&o->record, at[HEAD_DATA])->i));
    int64_t temporality = export_value(&o->record, at[HEAD_TEMPORALITY])->i;
    if (temporality)
        otlp_small(&o->w, OTLP_FIELD("aggregationTemporality", 2), temporality);
    if (export_value(&o->record, at[HEAD_MONOTONIC])->kind == TCORE_TRUE)
        otlp_bool(&o->w, OTLP_FIELD("isMonotonic", 3), true);
}
