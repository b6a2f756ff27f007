/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One sample of Prometheus text or OpenMetrics:
 *     name{label="value",...} value [timestamp] [# {label="value",...} value [timestamp]]
 * or, with a name that is none of the usual ones, {"name",label="value",...} value ...
 */
#include <config.h>

#include "record/import/prometheus.h"

#include "c-ctype.h"
#include "model/number.h"
#include "stream/binary_codec.h"

#include <math.h>
#include <strings.h>

struct scan {
    struct import_job *job;
    const char *at, *end;
    bool seconds;
};

static bool bad(struct scan *s, const char *reason)
{
    return import_bad(s->job, "%s", reason);
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_name(unsigned char c, bool first)
{
    return c_isalpha(c) || c == '_' || c == ':' || (!first && c_isdigit(c));
}

static struct tcore_slice take_name(struct scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && is_name((unsigned char)*s->at, s->at == from))
        s->at++;
    return (struct tcore_slice){from, (size_t)(s->at - from)};
}

static struct tcore_slice take_word(struct scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at != ' ' && *s->at != '\t')
        s->at++;
    return (struct tcore_slice){from, (size_t)(s->at - from)};
}

/* --- texts --- */

/* What the escapes mean: a backslash, a quote, a newline; others stand for themselves. */
static bool unescape(struct scan *s, struct tcore_slice *text)
{
    char *out = tcore_arena_alloc(&s->job->json.arena, text->length + 1);
    size_t length = 0;
    if (!out) {
        s->job->failed = true;
        return bad(s, "out of memory");
    }
    for (size_t i = 0; i < text->length; i++) {
        char c = text->data[i], next = i + 1 < text->length ? text->data[i + 1] : '\0';
        if (c == '\\' && (next == '\\' || next == '"' || next == 'n')) {
            c = next == 'n' ? '\n' : next;
            i++;
        }
        out[length++] = c;
    }
    *text = (struct tcore_slice){out, length};
    return true;
}

static bool take_quoted(struct scan *s, struct tcore_slice *text)
{
    bool escapes = false;
    if (!take(s, '"'))
        return bad(s, "a quote is missing");
    const char *from = s->at;
    for (; s->at < s->end && *s->at != '"'; s->at++)
        if (*s->at == '\\') {
            escapes = true;
            s->at++;
        }
    if (s->at >= s->end) {
        s->at = s->end;
        return bad(s, "a text without its closing quote");
    }
    *text = (struct tcore_slice){from, (size_t)(s->at++ - from)};
    if (!tcore_binary_is_text(text->data, text->length, false)) {
        s->at = from;
        return bad(s, "a text that is not UTF-8");
    }
    return !escapes || unescape(s, text);
}

/* --- labels --- */

const struct prometheus_label *prometheus_find(const struct prometheus_labels *labels,
                                               const char *name)
{
    size_t length = strlen(name);
    for (unsigned i = 0; i < labels->count; i++)
        if (labels->label[i].name.length == length &&
            memcmp(labels->label[i].name.data, name, length) == 0)
            return &labels->label[i];
    return NULL;
}

static bool add_label(struct scan *s, struct prometheus_labels *labels, struct tcore_slice name,
                      struct tcore_slice value)
{
    for (unsigned i = 0; i < labels->count; i++)
        if (labels->label[i].name.length == name.length &&
            memcmp(labels->label[i].name.data, name.data, name.length) == 0)
            return bad(s, "a label that is there twice");
    if (labels->count == PROMETHEUS_LABELS_MAX)
        return import_bad(s->job, "more than %d labels", PROMETHEUS_LABELS_MAX);
    labels->label[labels->count++] = (struct prometheus_label){name, value};
    return true;
}

/* One label, or with name set a quoted metric name. */
static bool take_label(struct scan *s, struct prometheus_labels *labels, struct tcore_slice *name)
{
    struct tcore_slice label, value;
    bool quoted = s->at < s->end && *s->at == '"';
    const char *from = s->at;
    if (quoted && !take_quoted(s, &label))
        return false;
    if (!quoted && !(label = take_name(s)).length)
        return bad(s, "a label's name is missing");
    skip_blanks(s);
    if (!take(s, '=')) {
        if (!quoted || !name || name->length || labels->count)
            return bad(s, "an equals sign is missing");
        *name = label;
        return label.length || bad(s, "a name that is empty");
    }
    skip_blanks(s);
    if (!take_quoted(s, &value))
        return false;
    const char *behind = s->at;
    s->at = from;
    if (!add_label(s, labels, label, value))
        return false;
    s->at = behind;
    return true;
}

/* Behind the opening brace. */
static bool take_labels(struct scan *s, struct prometheus_labels *labels, struct tcore_slice *name)
{
    labels->count = 0;
    skip_blanks(s);
    while (!take(s, '}')) {
        if (!take_label(s, labels, name))
            return false;
        skip_blanks(s);
        if (!take(s, ',') && (s->at == s->end || *s->at != '}'))
            return bad(s, "a comma or brace is missing behind a label");
        skip_blanks(s);
    }
    return true;
}

/* --- numbers --- */

bool prometheus_number(struct tcore_slice text, double *value)
{
    static const char *const words[] = {"inf", "infinity", "nan"};
    char number[128];
    size_t at = 0, i = 0;
    bool negative = text.length && text.data[0] == '-';
    if (negative || (text.length && text.data[0] == '+'))
        i++;
    for (unsigned w = 0; w < 3; w++)
        if (text.length - i == strlen(words[w]) &&
            strncasecmp(text.data + i, words[w], text.length - i) == 0) {
            *value = w == 2 ? (double)NAN : negative ? -(double)INFINITY : (double)INFINITY;
            return true;
        }
    if (text.length == i || text.length > sizeof(number) - 4)
        return false;
    if (negative)
        number[at++] = '-';
    while (i + 1 < text.length && text.data[i] == '0' && c_isdigit(text.data[i + 1]))
        i++;
    if (text.data[i] == '.')
        number[at++] = '0';
    for (; i < text.length; i++) {
        if (text.data[i] == '.' && (i + 1 == text.length || !c_isdigit(text.data[i + 1]))) {
            if (i == 0 || !c_isdigit(text.data[i - 1]))
                return false;
            continue; /* 5. is 5 */
        }
        number[at++] = text.data[i];
    }
    return tcore_parse_double(number, at, value);
}

/* Exact as far as there are digits for nanoseconds. */
bool prometheus_seconds(struct tcore_slice text, int64_t *ns)
{
    char number[128];
    double value;
    if (!text.length || text.length > 100)
        return false;
    const char *e = memchr(text.data, 'e', text.length);
    if (!e)
        e = memchr(text.data, 'E', text.length);
    size_t mantissa = e ? (size_t)(e - text.data) : text.length;
    int64_t exponent = 0;
    size_t sign = e && mantissa + 1 < text.length && e[1] == '+';
    if (e && !tcore_parse_int64(e + 1 + sign, text.length - mantissa - 1 - sign, &exponent))
        return false;
    if (exponent > 400 || exponent < -400 || !prometheus_number(text, &value) || value != value)
        return false;
    memcpy(number, text.data, mantissa);
    memcpy(number + mantissa, "e", 1);
    size_t length = mantissa + 1 + tcore_format_int64(number + mantissa + 1, exponent + 9);
    if (tcore_parse_integral(number, length, ns))
        return true;
    value *= 1e9;
    if (!(value >= -0x1p63 && value < 0x1p63))
        return false;
    *ns = (int64_t)llround(value);
    return true;
}

static bool take_time(struct scan *s, int64_t *ns)
{
    const char *from = s->at;
    struct tcore_slice text = take_word(s);
    if (s->seconds ? prometheus_seconds(text, ns)
                   : tcore_parse_int64(text.data, text.length, ns) &&
                         !__builtin_mul_overflow(*ns, 1000000, ns))
        return true;
    s->at = from;
    if (!s->seconds && prometheus_seconds(text, ns))
        return bad(s, "a timestamp that is no number of milliseconds (of OpenMetrics it would be "
                      "seconds: --from=openmetrics)");
    return bad(s, "a timestamp that is no number");
}

static bool take_value(struct scan *s, double *value, struct tcore_slice *text)
{
    const char *from = s->at;
    *text = take_word(s);
    if (text->length && prometheus_number(*text, value))
        return true;
    s->at = from;
    return bad(s, text->length ? "a value that is no number" : "a value is missing");
}

static bool at_end(struct scan *s)
{
    skip_blanks(s);
    return s->at == s->end;
}

static bool take_exemplar(struct scan *s, struct prometheus_sample *sample)
{
    struct tcore_slice text;
    s->at++;
    skip_blanks(s);
    if (!take(s, '{') || !take_labels(s, &sample->exemplar, NULL))
        return s->job->reason[0] ? false : bad(s, "an exemplar without labels");
    skip_blanks(s);
    if (!take_value(s, &sample->exemplar_value, &text))
        return false;
    sample->has_exemplar = true;
    sample->exemplar_timed = !at_end(s);
    s->seconds = true; /* only OpenMetrics has exemplars */
    return !sample->exemplar_timed || take_time(s, &sample->exemplar_ns);
}

static bool take_sample(struct scan *s, struct prometheus_sample *sample)
{
    sample->labels.count = 0;
    sample->timed = sample->has_exemplar = sample->exemplar_timed = false;
    sample->name = take_name(s);
    skip_blanks(s);
    if (take(s, '{') && !take_labels(s, &sample->labels, &sample->name))
        return false;
    if (!sample->name.length)
        return bad(s, "a line that begins with no name");
    skip_blanks(s);
    if (!take_value(s, &sample->value, &sample->value_text))
        return false;
    if (!at_end(s) && *s->at != '#') {
        sample->timed = true;
        if (!take_time(s, &sample->time_ns))
            return false;
    }
    if (!at_end(s) && *s->at == '#' && !take_exemplar(s, sample))
        return false;
    return at_end(s) || bad(s, "something behind the end of the sample");
}

bool prometheus_parse(struct import_job *job, struct tcore_slice line, bool seconds,
                      struct prometheus_sample *sample, const char **where)
{
    struct scan s = {job, line.data, line.data + line.length, seconds};
    job->reason[0] = '\0';
    bool good = take_sample(&s, sample);
    *where = s.at;
    return good;
}
