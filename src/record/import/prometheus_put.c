/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Series of Prometheus text: gathered from their samples, and written. */
#include <config.h>

#include "record/import/prometheus_put.h"

#include "base/sys.h"
#include "model/id.h"
#include "record/import/json.h"

#include <math.h>
#include <stdlib.h>

static bool fail(struct prometheus_family *f)
{
    f->job->failed = true;
    return import_bad(f->job, "out of memory");
}

/* --- gathering --- */

/* The label that tells a series' parts apart, which is none of its dimensions. */
static const char *inner_label(const struct prometheus_family *f, enum prometheus_part part)
{
    if (part != PROMETHEUS_BUCKET)
        return NULL;
    return f->type == PROMETHEUS_SUMMARY ? "quantile" : "le";
}

static int compare_labels(const void *a, const void *b)
{
    const struct prometheus_label *left = *(const struct prometheus_label *const *)a;
    const struct prometheus_label *right = *(const struct prometheus_label *const *)b;
    size_t shorter =
        left->name.length < right->name.length ? left->name.length : right->name.length;
    int order = memcmp(left->name.data, right->name.data, shorter);
    return order ? order
                 : (left->name.length > right->name.length) -
                       (left->name.length < right->name.length);
}

static void put_labels(struct tcore_buf *out, const struct prometheus_label *const *labels,
                       unsigned count)
{
    tcore_buf_putc(out, '{');
    for (unsigned i = 0; i < count; i++) {
        if (i)
            tcore_buf_putc(out, ',');
        tcore_json_write_string(out, labels[i]->name.data, labels[i]->name.length);
        tcore_buf_putc(out, ':');
        tcore_json_write_string(out, labels[i]->value.data, labels[i]->value.length);
    }
    tcore_buf_putc(out, '}');
}

/* Labels without that one; returns how many. */
static unsigned pick(const struct prometheus_labels *labels, const struct prometheus_label *without,
                     const struct prometheus_label **picked)
{
    unsigned count = 0;
    for (unsigned i = 0; i < labels->count; i++)
        if (&labels->label[i] != without)
            picked[count++] = &labels->label[i];
    return count;
}

static struct prometheus_series *new_series(struct prometheus_family *f)
{
    if (f->series_count == f->series_capacity) {
        uint32_t capacity = f->series_capacity ? 2 * f->series_capacity : 16;
        void *series = tcore_reallocarray(f->series, capacity, sizeof(*f->series));
        if (!series)
            return NULL;
        f->series = series;
        f->series_capacity = capacity;
    }
    struct prometheus_series *s = &f->series[f->series_count++];
    *s = (struct prometheus_series){.has = 0};
    return s;
}

/* The series of the sample: of the same labels, in any order, and time. */
static uint32_t find_series(struct prometheus_family *f, const struct prometheus_sample *sample,
                            const struct prometheus_label *inner, struct tcore_slice line)
{
    const struct prometheus_label *picked[PROMETHEUS_LABELS_MAX];
    unsigned count = pick(&sample->labels, inner, picked);
    bool added;
    size_t begin = f->text.length;
    put_labels(&f->text, picked, count);
    size_t length = f->text.length - begin;
    qsort(picked, count, sizeof(*picked), compare_labels);
    size_t key = f->text.length;
    put_labels(&f->text, picked, count);
    if (sample->timed)
        tcore_buf_printf(&f->text, "%lld", (long long)sample->time_ns);
    if (f->text.failed)
        return TCORE_MAP_NONE;
    uint32_t number =
        tcore_map_intern(&f->job->keys, f->text.data + key, f->text.length - key, &added);
    f->text.length = begin + (added ? length : 0);
    if (number == TCORE_MAP_NONE || !added)
        return number;
    struct prometheus_series *s = new_series(f);
    if (!s)
        return TCORE_MAP_NONE;
    s->dimensions = begin;
    s->dimensions_length = count ? length : 0;
    s->line = line;
    s->time_ns = sample->time_ns;
    s->timed = sample->timed;
    return number;
}

static bool add_bucket(struct prometheus_family *f, uint32_t series, double at, double value)
{
    if (f->bucket_count == f->bucket_capacity) {
        size_t capacity = f->bucket_capacity ? 2 * f->bucket_capacity : 64;
        void *bucket = tcore_reallocarray(f->bucket, capacity, sizeof(*f->bucket));
        if (!bucket)
            return fail(f);
        f->bucket = bucket;
        f->bucket_capacity = capacity;
    }
    f->bucket[f->bucket_count++] = (struct prometheus_bucket){series, at, value};
    return true;
}

static void put_double(struct tcore_buf *out, double value)
{
    struct tcore_value v = tcore_value_of_double(value);
    tcore_json_write_value(out, &v);
}

static void put_time(struct tcore_buf *out, const char *label, int64_t time_ns)
{
    tcore_buf_printf(out, "%s\"%lld\"", label, (long long)time_ns);
}

/* An id among an exemplar's labels, unless it is none: NULL. */
static const struct prometheus_label *put_exemplar_id(struct tcore_buf *out, const char *label,
                                                      enum tcore_id_class class,
                                                      const struct prometheus_labels *labels,
                                                      const char *name)
{
    char id[TCORE_TRACE_ID];
    const struct prometheus_label *found = prometheus_find(labels, name);
    if (!found ||
        tcore_id_normalise(class, found->value.data, found->value.length, id) != TCORE_ID_OK)
        return NULL;
    tcore_buf_printf(out, "%s\"%.*s\"", label, (int)class, id);
    return found;
}

static void put_exemplar(struct tcore_buf *out, const struct prometheus_sample *sample)
{
    const struct prometheus_label *picked[PROMETHEUS_LABELS_MAX];
    size_t open = out->length;
    if (sample->exemplar_timed)
        put_time(out, ",\"timeUnixNano\":", sample->exemplar_ns);
    const struct prometheus_label *trace =
        put_exemplar_id(out, ",\"traceId\":", TCORE_TRACE_ID, &sample->exemplar, "trace_id");
    const struct prometheus_label *span =
        put_exemplar_id(out, ",\"spanId\":", TCORE_SPAN_ID, &sample->exemplar, "span_id");
    unsigned count = 0;
    for (unsigned i = 0; i < sample->exemplar.count; i++)
        if (&sample->exemplar.label[i] != trace && &sample->exemplar.label[i] != span)
            picked[count++] = &sample->exemplar.label[i];
    if (count) {
        PUT(out, ",\"filteredAttributes\":");
        put_labels(out, picked, count);
    }
    PUT(out, ",\"asDouble\":");
    put_double(out, sample->exemplar_value);
    tcore_buf_putc(out, '}');
    if (!out->failed)
        out->data[open] = '{'; /* the first comma */
}

static bool add_exemplar(struct prometheus_family *f, uint32_t series,
                         const struct prometheus_sample *sample)
{
    if (f->exemplar_count == f->exemplar_capacity) {
        size_t capacity = f->exemplar_capacity ? 2 * f->exemplar_capacity : 16;
        void *exemplar = tcore_reallocarray(f->exemplar, capacity, sizeof(*f->exemplar));
        if (!exemplar)
            return fail(f);
        f->exemplar = exemplar;
        f->exemplar_capacity = capacity;
    }
    size_t begin = f->text.length;
    put_exemplar(&f->text, sample);
    f->exemplar[f->exemplar_count++] =
        (struct prometheus_exemplar){series, begin, f->text.length - begin};
    return true;
}

/* The bound or quantile of the sample. */
static bool read_inner(struct prometheus_family *f, const struct prometheus_label *inner,
                       const char *name, double *at)
{
    if (!inner)
        return import_bad(f->job, "a sample without the label %s", name);
    return (prometheus_number(inner->value, at) && *at == *at) ||
           import_bad(f->job, "a label %s that is no number", name);
}

bool prometheus_add(struct prometheus_family *f, const struct prometheus_sample *sample,
                    enum prometheus_part part, struct tcore_slice line)
{
    const char *name = inner_label(f, part);
    const struct prometheus_label *inner = name ? prometheus_find(&sample->labels, name) : NULL;
    double at = 0;
    int64_t created_ns = 0;
    if (name && !read_inner(f, inner, name, &at))
        return false;
    if (part == PROMETHEUS_CREATED && !prometheus_seconds(sample->value_text, &created_ns))
        return import_bad(f->job, "a time of creation that is none");
    uint32_t number = find_series(f, sample, inner, line);
    if (number == TCORE_MAP_NONE)
        return fail(f);
    struct prometheus_series *s = &f->series[number];
    if (part != PROMETHEUS_BUCKET && s->has & part)
        return import_bad(f->job, "a series that was there already");
    if (part == PROMETHEUS_BUCKET && !add_bucket(f, number, at, sample->value))
        return false;
    if (part == PROMETHEUS_VALUE) {
        s->name = sample->name;
        s->value = sample->value;
    } else if (part == PROMETHEUS_CREATED) {
        s->created_ns = created_ns;
    } else if (part == PROMETHEUS_SUM) {
        s->sum = sample->value;
    } else if (part == PROMETHEUS_OBSERVATIONS) {
        s->observations = sample->value;
    }
    s->has |= part;
    return !sample->has_exemplar || add_exemplar(f, number, sample);
}

/* --- writing --- */

static int compare_buckets(const void *a, const void *b)
{
    const struct prometheus_bucket *left = a, *right = b;
    if (left->series != right->series)
        return left->series < right->series ? -1 : 1;
    return (left->at > right->at) - (left->at < right->at);
}

static int compare_exemplars(const void *a, const void *b)
{
    const struct prometheus_exemplar *left = a, *right = b;
    if (left->series != right->series)
        return left->series < right->series ? -1 : 1;
    return (left->text > right->text) - (left->text < right->text);
}

void prometheus_finish(struct prometheus_family *f)
{
    if (f->bucket_count)
        qsort(f->bucket, f->bucket_count, sizeof(*f->bucket), compare_buckets);
    if (f->exemplar_count)
        qsort(f->exemplar, f->exemplar_count, sizeof(*f->exemplar), compare_exemplars);
    f->bucket_at = f->exemplar_at = 0;
}

/* A number of observations: usually an integer. */
static void put_count(struct tcore_buf *out, double count)
{
    if (fabs(count) < 0x1p53 && count == floor(count))
        import_put_int64(out, (int64_t)count);
    else
        put_double(out, count);
}

/* Counts up to bounds become counts between them. */
static bool put_buckets(struct prometheus_family *f, const struct prometheus_series *s,
                        const struct prometheus_bucket *bucket, size_t count)
{
    struct tcore_buf *out = &f->job->result->out;
    size_t finite = count && bucket[count - 1].at == (double)INFINITY ? count - 1 : count;
    double before = 0;
    if (!count)
        return true;
    if (finite == count && !(s->has & PROMETHEUS_OBSERVATIONS))
        return import_bad(f->job, "a histogram without a bucket +Inf and without a count");
    for (size_t i = 0; i < finite; i++) {
        tcore_buf_puts(out, i ? "," : ",\"bounds\":[");
        put_double(out, bucket[i].at);
    }
    tcore_buf_puts(out, finite ? "],\"bucketCounts\":[" : ",\"bucketCounts\":[");
    for (size_t i = 0; i <= finite; i++) {
        double up_to = i < count ? bucket[i].value : s->observations;
        if (i)
            tcore_buf_putc(out, ',');
        if (!(up_to >= before))
            return import_bad(f->job, "a histogram's buckets that do not add up");
        put_count(out, up_to - before);
        before = up_to;
    }
    tcore_buf_putc(out, ']');
    return true;
}

static bool put_histogram(struct prometheus_family *f, const struct prometheus_series *s,
                          const struct prometheus_bucket *bucket, size_t count)
{
    struct tcore_buf *out = &f->job->result->out;
    bool counted = s->has & PROMETHEUS_OBSERVATIONS;
    double observations = counted ? s->observations : count ? bucket[count - 1].value : 0;
    PUT(out, ",\"histogram\":{\"count\":");
    put_count(out, observations);
    if (s->has & PROMETHEUS_SUM) {
        PUT(out, ",\"sum\":");
        put_double(out, s->sum);
    }
    bool good = put_buckets(f, s, bucket, count);
    tcore_buf_putc(out, '}');
    return good;
}

static void put_summary(struct tcore_buf *out, const struct prometheus_series *s,
                        const struct prometheus_bucket *quantile, size_t count)
{
    PUT(out, ",\"summary\":{\"count\":");
    put_count(out, s->has & PROMETHEUS_OBSERVATIONS ? s->observations : 0);
    if (s->has & PROMETHEUS_SUM) {
        PUT(out, ",\"sum\":");
        put_double(out, s->sum);
    }
    for (size_t i = 0; i < count; i++) {
        tcore_buf_puts(out, i ? ",{\"quantile\":" : ",\"quantiles\":[{\"quantile\":");
        put_double(out, quantile[i].at);
        PUT(out, ",\"value\":");
        put_double(out, quantile[i].value);
        tcore_buf_putc(out, '}');
    }
    tcore_buf_puts(out, count ? "]}" : "}");
}

/* A help text has escapes of its own: a backslash, a newline and, in OpenMetrics, a quote. */
static void put_help(struct tcore_buf *out, struct tcore_slice help)
{
    struct tcore_buf text = {0};
    for (size_t i = 0; i < help.length; i++) {
        char next = i + 1 < help.length ? help.data[i + 1] : '\0';
        if (help.data[i] == '\\' && (next == 'n' || next == '\\' || next == '"')) {
            tcore_buf_putc(&text, next == 'n' ? '\n' : next);
            i++;
        } else {
            tcore_buf_putc(&text, help.data[i]);
        }
    }
    if (text.length) {
        PUT(out, ",\"description\":");
        tcore_json_write_string(out, text.data, text.length);
    }
    out->failed |= text.failed;
    tcore_buf_free(&text);
}

static void put_head(struct prometheus_family *f, const struct prometheus_series *s)
{
    static const char *const words[] = {[PROMETHEUS_GAUGE] = "gauge",
                                        [PROMETHEUS_COUNTER] = "counter",
                                        [PROMETHEUS_HISTOGRAM] = "histogram",
                                        [PROMETHEUS_GAUGE_HISTOGRAM] = "histogram",
                                        [PROMETHEUS_SUMMARY] = "custom"};
    struct tcore_buf *out = &f->job->result->out;
    struct tcore_slice name = s->has & PROMETHEUS_VALUE ? s->name : f->name;
    PUT(out, "{\"type\":\"metric\",\"metricName\":");
    tcore_json_write_string(out, name.data, name.length);
    tcore_buf_printf(out, ",\"metricType\":\"%s\"", words[f->type]);
    if (s->has & PROMETHEUS_VALUE) {
        PUT(out, ",\"value\":");
        put_double(out, s->value);
    }
    if (f->unit.length) {
        PUT(out, ",\"unit\":");
        tcore_json_write_string(out, f->unit.data, f->unit.length);
    }
    int64_t time_ns = s->timed ? s->time_ns : f->job->settings->at_ns;
    if (time_ns)
        put_time(out, ",\"timeUnixNano\":", time_ns);
    if (s->dimensions_length) {
        PUT(out, ",\"dimensions\":");
        tcore_buf_append(out, f->text.data + s->dimensions, s->dimensions_length);
    }
    if (f->type == PROMETHEUS_COUNTER || f->type == PROMETHEUS_HISTOGRAM)
        PUT(out, ",\"temporality\":\"cumulative\"");
}

static bool put_distribution(struct prometheus_family *f, const struct prometheus_series *s,
                             const struct prometheus_bucket *bucket, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (bucket[i].at == bucket[i - 1].at)
            return import_bad(f->job, "a bucket or quantile that is there twice");
    if (f->type != PROMETHEUS_SUMMARY)
        return put_histogram(f, s, bucket, count);
    put_summary(&f->job->result->out, s, bucket, count);
    return true;
}

static void put_exemplars(struct prometheus_family *f, const struct prometheus_exemplar *exemplar,
                          size_t count)
{
    struct tcore_buf *out = &f->job->result->out;
    for (size_t i = 0; i < count; i++) {
        tcore_buf_puts(out, i ? "," : ",\"exemplars\":[");
        tcore_buf_append(out, f->text.data + exemplar[i].text, exemplar[i].length);
    }
    if (count)
        tcore_buf_putc(out, ']');
}

bool prometheus_put(struct prometheus_family *f, uint32_t series)
{
    const struct prometheus_series *s = &f->series[series];
    struct tcore_buf *out = &f->job->result->out;
    size_t bucket = f->bucket_at, exemplar = f->exemplar_at;
    while (f->bucket_at < f->bucket_count && f->bucket[f->bucket_at].series == series)
        f->bucket_at++;
    while (f->exemplar_at < f->exemplar_count && f->exemplar[f->exemplar_at].series == series)
        f->exemplar_at++;
    if (s->has == PROMETHEUS_CREATED)
        return import_bad(f->job, "a time of creation of no series");
    put_head(f, s);
    if (f->type >= PROMETHEUS_HISTOGRAM &&
        !put_distribution(f, s, f->bucket ? f->bucket + bucket : NULL, f->bucket_at - bucket))
        return false;
    if (f->type == PROMETHEUS_COUNTER)
        PUT(out, ",\"isMonotonic\":true");
    if (s->created_ns)
        put_time(out, ",\"startTimeUnixNano\":", s->created_ns);
    if (f->exemplar_at > exemplar)
        put_exemplars(f, f->exemplar + exemplar, f->exemplar_at - exemplar);
    put_help(out, f->help);
    PUT(out, "}\n");
    return true;
}
