/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prometheus text and OpenMetrics: a family's samples, gathered by their labels, are a metric
 * record each. Names are those that Prometheus knows a series by: with _total, without _bucket.
 */
#include <config.h>

#include "record/import/cut.h"
#include "record/import/prometheus.h"
#include "record/import/prometheus_put.h"

#include "base/sys.h"
#include "stream/binary_codec.h"

static const struct {
    const char *name;
    enum prometheus_type type;
} types[] = {{"counter", PROMETHEUS_COUNTER},     {"gauge", PROMETHEUS_GAUGE},
             {"histogram", PROMETHEUS_HISTOGRAM}, {"gaugehistogram", PROMETHEUS_GAUGE_HISTOGRAM},
             {"summary", PROMETHEUS_SUMMARY},     {"info", PROMETHEUS_GAUGE},
             {"stateset", PROMETHEUS_GAUGE},      {"unknown", PROMETHEUS_GAUGE},
             {"untyped", PROMETHEUS_GAUGE}};

/* What a sample of each type is by the end of its name. */
static const struct {
    enum prometheus_type type;
    const char *suffix;
    enum prometheus_part part;
} parts[] = {{PROMETHEUS_COUNTER, "", PROMETHEUS_VALUE},
             {PROMETHEUS_COUNTER, "_total", PROMETHEUS_VALUE},
             {PROMETHEUS_COUNTER, "_created", PROMETHEUS_CREATED},
             {PROMETHEUS_GAUGE, "", PROMETHEUS_VALUE},
             {PROMETHEUS_GAUGE, "_info", PROMETHEUS_VALUE},
             {PROMETHEUS_HISTOGRAM, "_bucket", PROMETHEUS_BUCKET},
             {PROMETHEUS_HISTOGRAM, "_count", PROMETHEUS_OBSERVATIONS},
             {PROMETHEUS_HISTOGRAM, "_sum", PROMETHEUS_SUM},
             {PROMETHEUS_HISTOGRAM, "_created", PROMETHEUS_CREATED},
             {PROMETHEUS_GAUGE_HISTOGRAM, "_bucket", PROMETHEUS_BUCKET},
             {PROMETHEUS_GAUGE_HISTOGRAM, "_gcount", PROMETHEUS_OBSERVATIONS},
             {PROMETHEUS_GAUGE_HISTOGRAM, "_gsum", PROMETHEUS_SUM},
             {PROMETHEUS_SUMMARY, "", PROMETHEUS_BUCKET},
             {PROMETHEUS_SUMMARY, "_count", PROMETHEUS_OBSERVATIONS},
             {PROMETHEUS_SUMMARY, "_sum", PROMETHEUS_SUM},
             {PROMETHEUS_SUMMARY, "_created", PROMETHEUS_CREATED}};

static bool same(struct tcore_slice a, struct tcore_slice b)
{
    return a.length == b.length && (!a.length || memcmp(a.data, b.data, a.length) == 0);
}

static bool is(struct tcore_slice a, const char *b)
{
    return same(a, (struct tcore_slice){b, strlen(b)});
}

/* --- families --- */

/* Rejects the line; where NULL: as a whole. */
static void reject(struct prometheus_family *f, struct tcore_slice line, const char *where)
{
    import_reject_bytes(f->job, line, where);
}

static void end_family(struct prometheus_family *f)
{
    prometheus_finish(f);
    for (uint32_t i = 0; i < f->series_count && !f->job->failed; i++) {
        struct tcore_buf *out = &f->job->result->out;
        size_t mark = out->length;
        if (!prometheus_put(f, i)) {
            out->length = mark;
            reject(f, f->series[i].line, NULL);
        }
    }
    f->series_count = 0;
    f->bucket_count = f->exemplar_count = 0;
    f->name = f->help = f->unit = (struct tcore_slice){NULL, 0};
    f->type = PROMETHEUS_GAUGE;
    f->typed = false;
    tcore_buf_clear(&f->text);
    tcore_map_clear(&f->job->keys);
    tcore_arena_reset(&f->job->json.arena);
}

static void begin_family(struct prometheus_family *f, struct tcore_slice name)
{
    if (!same(f->name, name)) {
        end_family(f);
        f->name = name;
    }
}

static struct tcore_slice take_word(struct tcore_slice *rest)
{
    const char *end = memchr(rest->data, ' ', rest->length);
    struct tcore_slice word = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
    size_t used = word.length + (end != NULL);
    *rest = (struct tcore_slice){rest->data + used, rest->length - used};
    return word;
}

/* # HELP name text, # TYPE name type, # UNIT name unit; other comments say nothing. */
static void read_comment(struct prometheus_family *f, struct tcore_slice line)
{
    struct tcore_slice rest = line;
    take_word(&rest);
    struct tcore_slice what = take_word(&rest), name = take_word(&rest);
    f->job->result->documents += is(what, "EOF");
    if ((!is(what, "HELP") && !is(what, "TYPE") && !is(what, "UNIT")) || !name.length)
        return;
    if (!tcore_binary_is_text(line.data, line.length, false)) {
        import_bad(f->job, "a text that is not UTF-8");
        reject(f, line, NULL);
        return;
    }
    if (name.length > 1 && name.data[0] == '"') /* a name of any characters */
        name = (struct tcore_slice){name.data + 1, name.length - 2};
    begin_family(f, name);
    f->job->result->documents++;
    if (is(what, "HELP")) {
        f->help = rest;
    } else if (is(what, "UNIT")) {
        f->unit = rest;
    } else if (f->typed || f->series_count) {
        import_bad(f->job, "a type that comes %s",
                   f->typed ? "for the second time" : "behind the samples");
        reject(f, line, NULL);
    } else {
        size_t i = 0;
        while (i < sizeof(types) / sizeof(*types) && !is(rest, types[i].name))
            i++;
        f->typed = i < sizeof(types) / sizeof(*types);
        if (f->typed)
            f->type = types[i].type;
        else
            reject(f, line, import_bad(f->job, "a type that is not known") ? NULL : rest.data);
    }
}

/* What the sample is in the family; false: it is of another one. */
static bool find_part(const struct prometheus_family *f, const struct prometheus_sample *sample,
                      enum prometheus_part *part)
{
    if (sample->name.length < f->name.length ||
        !same((struct tcore_slice){sample->name.data, f->name.length}, f->name))
        return false;
    struct tcore_slice suffix = {sample->name.data + f->name.length,
                                 sample->name.length - f->name.length};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (parts[i].type == f->type && is(suffix, parts[i].suffix)) {
            *part = parts[i].part;
            return true;
        }
    return false;
}

static bool add_sample(struct prometheus_family *f, const struct prometheus_sample *sample,
                       struct tcore_slice line)
{
    enum prometheus_part part;
    if (!f->name.length || !find_part(f, sample, &part)) {
        end_family(f);
        f->name = sample->name;
        part = PROMETHEUS_VALUE;
    }
    return prometheus_add(f, sample, part, line);
}

static void read_line(struct import_job *job, struct tcore_slice line)
{
    struct prometheus_family *f = job->state;
    const char *where;
    if (*line.data == '#') {
        read_comment(f, line);
    } else if (!prometheus_parse(job, line, f->seconds, &f->sample, &where)) {
        reject(f, line, where);
    } else {
        job->result->documents++;
        if (!add_sample(f, &f->sample, line))
            reject(f, line, NULL);
    }
}

static void convert(struct import_job *job, bool seconds)
{
    struct prometheus_family *f = tcore_calloc(1, sizeof(*f));
    if (!f) {
        job->failed = true;
        return;
    }
    f->job = job;
    f->seconds = seconds;
    end_family(f);
    job->state = f;
    import_each_line(job, read_line);
    end_family(f);
    job->failed |= f->text.failed;
    job->result->counts.unfinished += seconds && job->cut;
    tcore_buf_free(&f->text);
    tcore_free(f->series);
    tcore_free(f->bucket);
    tcore_free(f->exemplar);
    tcore_free(f);
}

static void convert_milliseconds(struct import_job *job)
{
    convert(job, false);
}

static void convert_seconds(struct import_job *job)
{
    convert(job, true);
}

const struct import_format import_prometheus = {
    .name = "prometheus",
    .summary = "Prometheus text",
    .input = IMPORT_TEXT,
    .cut = import_cut_families,
    .convert = convert_milliseconds,
};

const struct import_format import_openmetrics = {
    .name = "openmetrics",
    .summary = "OpenMetrics",
    .input = IMPORT_TEXT,
    .cut = import_cut_families,
    .convert = convert_seconds,
};
