/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * StatsD, and DogStatsD's additions to it: a metric record for each value, a log record for an
 * event. A signed gauge is a difference in StatsD and a value in DogStatsD, which a line with tags
 * behind a hash certainly is. Names with tags as InfluxDB or Graphite have them are taken apart.
 */
#include <config.h>

#include "record/import/cut.h"
#include "record/import/json.h"

#include "model/number.h"
#include "stream/binary_codec.h"

enum {
    TAGS_MAX = 256,
    LINE_RECORD_BYTES = 8 << 20 /* of one line: each of thousands of values has all of its tags */
};

struct tag {
    struct tcore_slice name, value; /* value.data NULL: it has none */
};

struct statsd {
    struct import_job *job;
    size_t mark;          /* where the records of the line begin */
    const char *at, *end; /* of the line, what is not yet read */
    struct tcore_slice name, type, rate, host, container, key, priority, source, alert, message;
    struct tag tag[TAGS_MAX];
    unsigned tags;
    bool hashed; /* tags as DogStatsD has them */
    int64_t time_ns;
};

/* --- reading --- */

static bool is_empty(struct tcore_slice text)
{
    return !text.length;
}

static bool is(struct tcore_slice text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

/* Up to one of these characters, or the end. */
static struct tcore_slice take(struct statsd *s, const char *until)
{
    const char *from = s->at;
    while (s->at < s->end && !strchr(until, *s->at))
        s->at++;
    return (struct tcore_slice){from, (size_t)(s->at - from)};
}

static bool skip(struct statsd *s, char c)
{
    bool there = s->at < s->end && *s->at == c;
    s->at += there;
    return there;
}

static bool add_tag(struct statsd *s, struct tcore_slice text, char between)
{
    const char *split = memchr(text.data, between, text.length);
    struct tag tag = {text, {NULL, 0}};
    if (split)
        tag = (struct tag){{text.data, (size_t)(split - text.data)},
                           {split + 1, text.length - (size_t)(split - text.data) - 1}};
    if (is_empty(tag.name))
        return !text.length || import_bad(s->job, "a tag without a name");
    for (unsigned i = 0; i < s->tags; i++)
        if (s->tag[i].name.length == tag.name.length &&
            memcmp(s->tag[i].name.data, tag.name.data, tag.name.length) == 0) {
            s->tag[i] = tag;
            s->job->result->counts.replaced++;
            return true;
        }
    if (s->tags == TAGS_MAX)
        return import_bad(s->job, "more than %d tags", TAGS_MAX);
    s->tag[s->tags++] = tag;
    return true;
}

static bool take_tags(struct statsd *s)
{
    s->hashed = true;
    for (;;) {
        if (!add_tag(s, take(s, ",|"), ':'))
            return false;
        if (!skip(s, ','))
            return true;
    }
}

static bool take_seconds(struct statsd *s, int64_t *ns)
{
    struct tcore_slice text = take(s, "|");
    return (tcore_parse_int64(text.data, text.length, ns) &&
            !__builtin_mul_overflow(*ns, 1000000000, ns)) ||
           import_bad(s->job, "a time that is no number of seconds");
}

/* What begins so, if it does. */
static bool take_labelled(struct statsd *s, const char *label, struct tcore_slice *text)
{
    size_t n = strlen(label);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, label, n) != 0)
        return false;
    s->at += n;
    *text = take(s, "|");
    return true;
}

/* What may follow behind the type of a metric, each with a bar before it. */
static bool take_sections(struct statsd *s)
{
    while (skip(s, '|')) {
        if (skip(s, '@'))
            s->rate = take(s, "|:");
        else if (skip(s, '#')) {
            if (!take_tags(s))
                return false;
        } else if (skip(s, 'T')) {
            if (!take_seconds(s, &s->time_ns))
                return false;
        } else if (!take_labelled(s, "c:", &s->container)) {
            struct tcore_slice other = take(s, "|");
            import_ignored(s->job, other.data, other.length);
        }
    }
    return true;
}

/* What may follow in an event or a service check. */
static bool take_details(struct statsd *s)
{
    while (skip(s, '|')) {
        if (s->end - s->at > 1 && s->at[0] == 'd' && s->at[1] == ':') {
            s->at += 2;
            if (!take_seconds(s, &s->time_ns))
                return false;
        } else if (skip(s, '#')) {
            if (!take_tags(s))
                return false;
        } else if (s->end - s->at > 1 && s->at[0] == 'm' && s->at[1] == ':') {
            s->message = (struct tcore_slice){s->at + 2, (size_t)(s->end - s->at) - 2};
            s->at = s->end; /* a message comes last, and may have bars */
        } else if (!take_labelled(s, "h:", &s->host) && !take_labelled(s, "k:", &s->key) &&
                   !take_labelled(s, "p:", &s->priority) && !take_labelled(s, "s:", &s->source) &&
                   !take_labelled(s, "t:", &s->alert) && !take_labelled(s, "c:", &s->container)) {
            struct tcore_slice other = take(s, "|");
            import_ignored(s->job, other.data, other.length);
        }
    }
    return true;
}

/* name,tag=value,... or name;tag=value;...: if all of it is like that. */
static bool split_name(struct statsd *s)
{
    char separator = memchr(s->name.data, ';', s->name.length) ? ';' : ',';
    const char *end = s->name.data + s->name.length;
    const char *first = memchr(s->name.data, separator, s->name.length);
    if (!first || first == s->name.data)
        return true;
    for (const char *at = first; at < end;) {
        const char *next = memchr(at + 1, separator, (size_t)(end - at) - 1);
        const char *equals = memchr(at + 1, '=', (size_t)((next ? next : end) - at) - 1);
        if (!equals || equals == at + 1)
            return true;
        at = next ? next : end;
    }
    s->name.length = (size_t)(first - s->name.data);
    for (const char *at = first + 1; at < end;) {
        const char *next = memchr(at, separator, (size_t)(end - at));
        if (!add_tag(s, (struct tcore_slice){at, (size_t)((next ? next : end) - at)}, '='))
            return false;
        at = next ? next + 1 : end;
    }
    return true;
}

/* --- writing --- */

static void put_text(struct tcore_buf *out, struct tcore_slice text)
{
    tcore_json_write_string(out, text.data, text.length);
}

/* A number; of integers all digits stay. */
static bool put_number(struct tcore_buf *out, struct tcore_slice text)
{
    size_t plus = text.length > 1 && text.data[0] == '+';
    int64_t i;
    double d;
    if (tcore_parse_int64(text.data + plus, text.length - plus, &i)) {
        import_put_int64(out, i);
        return true;
    }
    if (!tcore_parse_double(text.data + plus, text.length - plus, &d) || d - d != 0)
        return false;
    struct tcore_value v = tcore_value_of_double(d);
    tcore_json_write_value(out, &v);
    return true;
}

/* Members of an object that is written from begin on, each with a comma before it. */
static void close_object(struct tcore_buf *out, size_t label, size_t begin)
{
    if (out->length == begin) {
        out->length = label;
    } else if (!out->failed) {
        out->data[begin] = '{';
        tcore_buf_putc(out, '}');
    }
}

static void put_member(struct tcore_buf *out, const char *label, struct tcore_slice text)
{
    if (is_empty(text))
        return;
    tcore_buf_puts(out, label);
    put_text(out, text);
}

static void put_tags(const struct statsd *s, struct tcore_buf *out)
{
    for (unsigned i = 0; i < s->tags; i++) {
        tcore_buf_putc(out, ',');
        put_text(out, s->tag[i].name);
        tcore_buf_putc(out, ':');
        if (s->tag[i].value.data)
            put_text(out, s->tag[i].value);
        else
            PUT(out, "true");
    }
}

static void put_time(const struct statsd *s, struct tcore_buf *out)
{
    int64_t time_ns = s->time_ns ? s->time_ns : s->job->settings->at_ns;
    if (!time_ns)
        return;
    PUT(out, ",\"timeUnixNano\":\"");
    import_put_int64(out, time_ns);
    tcore_buf_putc(out, '"');
}

static void put_dimensions(const struct statsd *s, struct tcore_buf *out, const char *label)
{
    size_t at = out->length;
    tcore_buf_puts(out, label);
    size_t begin = out->length;
    put_tags(s, out);
    close_object(out, at, begin);
}

static void put_resource(const struct statsd *s, struct tcore_buf *out)
{
    size_t at = out->length;
    PUT(out, ",\"resource\":");
    size_t begin = out->length;
    put_member(out, ",\"host.name\":", s->host);
    put_member(out, ",\"container.id\":", s->container);
    close_object(out, at, begin);
}

static bool put_rate(const struct statsd *s, struct tcore_buf *out)
{
    double rate;
    if (is_empty(s->rate))
        return true;
    if (!tcore_parse_double(s->rate.data, s->rate.length, &rate) || !(rate > 0 && rate <= 1))
        return import_bad(s->job, "a sample rate that is none");
    PUT(out, ",\"quality\":{\"sampleRate\":");
    struct tcore_value v = tcore_value_of_double(rate);
    tcore_json_write_value(out, &v);
    tcore_buf_putc(out, '}');
    return true;
}

static const struct {
    const char *letters, *type, *rest;
} types[] = {{"c", "counter", ""},   {"g", "gauge", ""},     {"ms", "timer", ",\"unit\":\"ms\""},
             {"h", "histogram", ""}, {"d", "histogram", ""}, {"s", "custom", ""}};

static bool put_value(struct statsd *s, struct tcore_slice value, unsigned type)
{
    struct tcore_buf *out = &s->job->result->out;
    bool set = types[type].letters[0] == 's';
    bool sign = value.length && (value.data[0] == '-' || value.data[0] == '+');
    bool delta = types[type].letters[0] == 'c' || (types[type].letters[0] == 'g' && sign &&
                                                   !s->hashed && !s->job->settings->dogstatsd);
    PUT(out, "{\"type\":\"metric\",\"metricName\":");
    put_text(out, s->name);
    tcore_buf_printf(out, ",\"metricType\":\"%s\",\"value\":", types[type].type);
    if (set)
        put_text(out, value);
    else if (!put_number(out, value))
        return import_bad(s->job,
                          is_empty(value) ? "a value is missing" : "a value that is no number");
    tcore_buf_puts(out, types[type].rest);
    put_time(s, out);
    put_dimensions(s, out, ",\"dimensions\":");
    if (delta)
        PUT(out, ",\"temporality\":\"delta\"");
    put_resource(s, out);
    if (!put_rate(s, out))
        return false;
    PUT(out, "}\n");
    return true;
}

/* Values with a colon between them; a set's may have colons itself. */
static bool put_values(struct statsd *s, struct tcore_slice values)
{
    unsigned type = 0;
    while (type < sizeof(types) / sizeof(*types) && !is(s->type, types[type].letters))
        type++;
    if (type == sizeof(types) / sizeof(*types))
        return import_bad(s->job, "a type that is none of c, g, ms, h, d and s");
    const char *at = values.data, *end = at + values.length;
    for (;;) {
        const char *next = is(s->type, "s") ? NULL : memchr(at, ':', (size_t)(end - at));
        struct tcore_slice value = {at, (size_t)((next ? next : end) - at)};
        if (!put_value(s, value, type))
            return false;
        if (s->job->result->out.length - s->mark > LINE_RECORD_BYTES)
            return import_bad(s->job, "a line whose values would be more than 8 MiB of records");
        if (!next)
            return true;
        at = next + 1;
    }
}

/* name:value|type..., or with more values of other types: name:1|c:2|ms */
static bool read_metric(struct statsd *s)
{
    s->name = take(s, ":|");
    if (is_empty(s->name))
        return import_bad(s->job, "a line without a name");
    if (!split_name(s))
        return false;
    if (!skip(s, ':'))
        return import_bad(s->job, "no value behind the name");
    do {
        struct tcore_slice values = take(s, "|");
        if (!skip(s, '|'))
            return import_bad(s->job, "no type behind the value");
        s->type = take(s, "|:");
        s->rate = (struct tcore_slice){NULL, 0};
        if (!take_sections(s) || !put_values(s, values))
            return false;
    } while (skip(s, ':'));
    return true;
}

/* --- events and service checks --- */

/* A text in which newlines are escaped. */
static void put_lines(struct tcore_buf *out, struct tcore_slice text)
{
    struct tcore_buf lines = {0};
    for (size_t i = 0; i < text.length; i++) {
        bool newline = i + 1 < text.length && text.data[i] == '\\' && text.data[i + 1] == 'n';
        tcore_buf_putc(&lines, newline ? '\n' : text.data[i]);
        i += newline;
    }
    tcore_json_write_string(out, lines.data ? lines.data : "", lines.length);
    out->failed |= lines.failed;
    tcore_buf_free(&lines);
}

static bool take_length(struct statsd *s, size_t *length)
{
    struct tcore_slice text = take(s, ",}");
    int64_t i;
    if (!tcore_parse_int64(text.data, text.length, &i) || i < 0)
        return false;
    *length = (size_t)i;
    return true;
}

static bool take_counted(struct statsd *s, size_t length, struct tcore_slice *text)
{
    if ((size_t)(s->end - s->at) < length)
        return false;
    *text = (struct tcore_slice){s->at, length};
    s->at += length;
    return true;
}

static const char *severity_of(struct tcore_slice alert)
{
    return is(alert, "error") ? "error" : is(alert, "warning") ? "warn" : "info";
}

/* _e{5,4}:title|text|d:...|t:...|#... */
static bool read_event(struct statsd *s)
{
    struct tcore_buf *out = &s->job->result->out;
    struct tcore_slice title, text;
    size_t title_length, text_length;
    s->at += 3;
    if (!take_length(s, &title_length) || !skip(s, ',') || !take_length(s, &text_length) ||
        !skip(s, '}') || !skip(s, ':') || !take_counted(s, title_length, &title) || !skip(s, '|') ||
        !take_counted(s, text_length, &text) || (s->at < s->end && *s->at != '|'))
        return import_bad(s->job, "an event whose lengths are not those of its texts");
    if (!take_details(s))
        return false;
    PUT(out, "{\"type\":\"log\"");
    put_time(s, out);
    tcore_buf_printf(out, ",\"severity\":\"%s\",\"body\":", severity_of(s->alert));
    put_lines(out, text);
    size_t at = out->length;
    PUT(out, ",\"attributes\":");
    size_t begin = out->length;
    put_tags(s, out);
    put_member(out, ",\"dogstatsd.aggregation_key\":", s->key);
    put_member(out, ",\"dogstatsd.priority\":", s->priority);
    put_member(out, ",\"dogstatsd.source_type\":", s->source);
    put_member(out, ",\"dogstatsd.alert_type\":", s->alert);
    close_object(out, at, begin);
    put_resource(s, out);
    if (title.length) {
        PUT(out, ",\"eventName\":");
        put_lines(out, title);
    }
    PUT(out, "}\n");
    return true;
}

/* _sc|name|status|d:...|h:...|#...|m:... */
static bool read_check(struct statsd *s)
{
    struct tcore_buf *out = &s->job->result->out;
    s->at += 4;
    s->name = take(s, "|");
    if (is_empty(s->name) || !skip(s, '|'))
        return import_bad(s->job, "a service check without a name or status");
    struct tcore_slice status = take(s, "|");
    if (status.length != 1 || status.data[0] < '0' || status.data[0] > '3')
        return import_bad(s->job, "a status that is none of 0, 1, 2 and 3");
    if (!take_details(s))
        return false;
    PUT(out, "{\"type\":\"metric\",\"metricName\":");
    put_text(out, s->name);
    tcore_buf_printf(out, ",\"metricType\":\"gauge\",\"value\":%c", status.data[0]);
    put_time(s, out);
    put_dimensions(s, out, ",\"dimensions\":");
    put_resource(s, out);
    if (s->message.length) {
        PUT(out, ",\"metadata\":{\"tags\":{\"message\":");
        put_lines(out, s->message);
        PUT(out, "}}");
    }
    PUT(out, "}\n");
    return true;
}

/* --- lines --- */

static bool begins(const struct statsd *s, const char *with)
{
    size_t n = strlen(with);
    return (size_t)(s->end - s->at) >= n && memcmp(s->at, with, n) == 0;
}

static void read_line(struct import_job *job, struct tcore_slice line)
{
    struct tcore_buf *out = &job->result->out;
    struct statsd s = {
        .job = job, .mark = out->length, .at = line.data, .end = line.data + line.length};
    bool good = tcore_binary_is_text(line.data, line.length, false) ||
                import_bad(job, "a text that is not UTF-8");
    if (good)
        good = begins(&s, "_e{")    ? read_event(&s)
               : begins(&s, "_sc|") ? read_check(&s)
                                    : read_metric(&s);
    job->result->documents += good;
    if (!good) {
        out->length = s.mark;
        import_reject_bytes(job, line, NULL);
    }
}

static void convert(struct import_job *job)
{
    import_each_line(job, read_line);
}

const struct import_format import_statsd = {
    .name = "statsd",
    .summary = "StatsD",
    .input = IMPORT_TEXT,
    .cut = import_cut_lines,
    .convert = convert,
};
