/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text formats by their lines. A line may be anybody's log, behind which records come; so a format
 * is only believed if all lines that are there are of it, or if the first one is what no log has.
 */
#include "stream/sniff_text.h"

#include "stream/sniff.h"

#include <ctype.h>
#include <string.h>

struct line {
    const char *at, *end; /* without its newline */
};

static bool begins(struct line l, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(l.end - l.at) >= n && memcmp(l.at, text, n) == 0;
}

static bool has(struct line l, const char *text)
{
    return memmem(l.at, (size_t)(l.end - l.at), text, strlen(text)) != NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct line word_of(struct line *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t'))
        l->at++;
    struct line word = {l->at, l->at};
    while (word.end < l->end && *word.end != ' ' && *word.end != '\t')
        word.end++;
    l->at = word.end;
    return word;
}

/* A decimal number, perhaps with an exponent. */
static bool is_number(struct line l)
{
    bool digits = false;
    if (l.at < l.end && (*l.at == '-' || *l.at == '+'))
        l.at++;
    for (; l.at < l.end && (is_digit(*l.at) || *l.at == '.'); l.at++)
        digits |= is_digit(*l.at);
    if (digits && l.at + 1 < l.end && (*l.at | 32) == 'e') {
        l.at += 1 + (l.at[1] == '-' || l.at[1] == '+');
        digits = l.at < l.end;
        while (l.at < l.end && is_digit(*l.at))
            l.at++;
    }
    return digits && l.at == l.end;
}

/* --- Prometheus text and OpenMetrics --- */

static bool is_heading(struct line l)
{
    return begins(l, "# HELP ") || begins(l, "# TYPE ") || begins(l, "# UNIT ");
}

/* name{label="... */
static bool is_labelled(struct line l)
{
    const char *p = l.at;
    while (p < l.end && (isalnum((unsigned char)*p) || *p == '_' || *p == ':'))
        p++;
    if (p == l.at || is_digit(*l.at) || p == l.end || *p++ != '{')
        return false;
    while (p < l.end && (isalnum((unsigned char)*p) || *p == '_'))
        p++;
    return l.end - p > 1 && p[0] == '=' && p[1] == '"';
}

/* Whether a timestamp is in seconds: it has a fraction, or would be in 1973 as milliseconds. */
static bool has_seconds(struct line l)
{
    const char *behind = memrchr(l.at, '}', (size_t)(l.end - l.at));
    struct line rest = {behind ? behind + 1 : l.at, l.end};
    if (!behind)
        word_of(&rest);
    word_of(&rest);
    struct line time = word_of(&rest);
    if (!is_number(time) || !is_digit(*time.at))
        return false;
    return memchr(time.at, '.', (size_t)(time.end - time.at)) || time.end - time.at < 12;
}

/* What only OpenMetrics has. */
static bool is_openmetrics(struct line l)
{
    static const char *const types[] = {" unknown", " info", " stateset", " gaugehistogram"};
    if (begins(l, "# EOF"))
        return true;
    if (begins(l, "# TYPE ")) {
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            size_t n = strlen(types[i]);
            if ((size_t)(l.end - l.at) > n && memcmp(l.end - n, types[i], n) == 0)
                return true;
        }
        return false;
    }
    return *l.at != '#' && (has(l, "# {") || has_seconds(l));
}

/* --- others --- */

/* name:value|type, or an event or service check of DogStatsD. */
static bool is_statsd(struct line l)
{
    if (begins(l, "_e{") || begins(l, "_sc|"))
        return true;
    const char *bar = memchr(l.at, '|', (size_t)(l.end - l.at));
    const char *colon = bar ? memchr(l.at, ':', (size_t)(bar - l.at)) : NULL;
    if (!colon || colon == l.at || bar == colon + 1 || bar + 1 == l.end)
        return false;
    for (const char *p = l.at; p < colon; p++)
        if (isspace((unsigned char)*p))
            return false;
    size_t type = 1;
    while (bar + 1 + type < l.end && !strchr("|@#\r", bar[1 + type]))
        type++;
    return (type == 1 && strchr("cghmds", bar[1])) || (type == 2 && bar[1] == 'm' && bar[2] == 's');
}

static bool is_go_benchmark(struct line l)
{
    if (begins(l, "goos: ") || begins(l, "goarch: ") || begins(l, "pkg: "))
        return true;
    struct line rest = l;
    struct line name = word_of(&rest), count = word_of(&rest), value = word_of(&rest);
    return begins(name, "Benchmark") && is_number(count) && is_number(value);
}

/* A heading in which a column is called as a field of records is that nothing else has. */
static enum tcore_text_format heading_of(struct line l)
{
    static const char *const names[] = {"traceId",           "spanId",      "metricName",
                                        "startTimeUnixNano", "executionId", "timeUnixNano",
                                        "durationNano"};
    const char *tab = memchr(l.at, '\t', (size_t)(l.end - l.at));
    char separator = tab ? '\t' : ',';
    bool several = false, known = false;
    while (l.at <= l.end) {
        const char *end = memchr(l.at, separator, (size_t)(l.end - l.at));
        struct line name = {l.at, end ? end : l.end};
        several |= end != NULL;
        l.at = name.end + 1;
        if (name.end - name.at > 1 && *name.at == '"' && name.end[-1] == '"') {
            name.at++;
            name.end--;
        }
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known |= (size_t)(name.end - name.at) == strlen(names[i]) && begins(name, names[i]);
    }
    return !several || !known ? TCORE_TEXT_NONE : tab ? TCORE_TEXT_TSV : TCORE_TEXT_CSV;
}

struct lines {
    unsigned count;
    bool numbers;     /* all of them are */
    bool openmetrics; /* one of them is */
};

static void look_at(struct lines *all, struct line l)
{
    struct line rest = l;
    struct line word = word_of(&rest);
    all->count++;
    all->numbers &= is_number(word) && word_of(&rest).at == l.end;
    all->openmetrics |= is_openmetrics(l);
}

static enum tcore_text_format format_of(struct line first, const struct lines *all)
{
    if (is_heading(first) || is_labelled(first))
        return all->openmetrics ? TCORE_TEXT_OPENMETRICS : TCORE_TEXT_PROMETHEUS;
    if (begins(first, "# EOF"))
        return TCORE_TEXT_OPENMETRICS;
    if (is_go_benchmark(first))
        return TCORE_TEXT_GO_BENCHMARK;
    if (is_statsd(first))
        return TCORE_TEXT_STATSD;
    if (all->numbers)
        return TCORE_TEXT_NUMBERS;
    return heading_of(first);
}

enum tcore_text_format tcore_sniff_text(const char *data, size_t length, bool whole, bool *more)
{
    if (length > TCORE_SNIFF_BYTES)
        length = TCORE_SNIFF_BYTES;
    struct line first = {NULL, NULL};
    struct lines all = {0, true, false};
    const char *at = data, *end = data + length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline && (!whole || (length == TCORE_SNIFF_BYTES && all.count)))
            break;
        struct line l = {at, newline ? newline : end};
        at = newline ? newline + 1 : end;
        if (l.end > l.at && l.end[-1] == '\r')
            l.end--;
        if (l.at == l.end)
            continue;
        if (!all.count)
            first = l;
        look_at(&all, l);
    }
    enum tcore_text_format format = all.count ? format_of(first, &all) : TCORE_TEXT_NONE;
    /* more lines may tell of another one of these, or that it is none */
    bool open = !all.count || format == TCORE_TEXT_PROMETHEUS || format == TCORE_TEXT_NUMBERS;
    *more = !whole && open;
    return *more ? TCORE_TEXT_NONE : format;
}
