/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A look at JSON text by its quotes, brackets and commas alone; what they hold is parsed later. */
#include <config.h>

#include "record/import/list.h"

#include <string.h>

static const struct import_list_name names[] = {
    {"", false, NULL},
    {"traceEvents", false, NULL},
    {"data", true, NULL},
    {"batches", true, "otlp"},
    {"resourceSpans", false, "otlp"},
    {"resourceMetrics", false, "otlp"},
    {"resourceLogs", false, "otlp"},
    {"resource_spans", false, "otlp"},
    {"resource_metrics", false, "otlp"},
    {"resource_logs", false, "otlp"},
};

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

/* Behind the string that begins at `at`; NULL: it does not end, or not on its line. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"' && *at != '\n'; at++)
        if (*at == '\\' && at + 1 < end && at[1] != '\n')
            at++;
    return at < end && *at == '"' ? at + 1 : NULL;
}

/* Behind the value that begins at `at`; NULL: it does not end. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    if (at < end && *at != '{' && *at != '[' && *at != '"') {
        while (at < end && !memchr(",]} \t\r\n", *at, 7))
            at++;
        return at < end ? at : NULL;
    }
    do {
        if (at == end)
            return NULL;
        if (*at == '"') {
            if (!(at = skip_string(at, end)))
                return NULL;
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    } while (depth);
    return at;
}

static const struct import_list_name *find_name(const char *key, size_t length, bool first)
{
    for (size_t i = 1; i < sizeof(names) / sizeof(*names); i++)
        if (strlen(names[i].name) == length && memcmp(names[i].name, key, length) == 0 &&
            (first || !names[i].first))
            return &names[i];
    return NULL;
}

/* Records of ours may have a member of any name. */
static bool is_type(const char *key, size_t length)
{
    return length == 4 && memcmp(key, "type", 4) == 0;
}

bool import_list_find(const char *text, size_t length, struct import_list *list)
{
    const char *end = text + length, *before = text;
    if (length && *text == '[') {
        *list = (struct import_list){&names[0], 0, 0};
        return true;
    }
    for (const char *at = text; at && at < end && (*at == ',' || at == text);) {
        before = at;
        const char *key = skip_blanks(at + 1, end);
        if (key == end || *key != '"' || !(at = skip_string(key, end)))
            return false;
        size_t key_length = (size_t)(at - key) - 2;
        const struct import_list_name *name = find_name(key + 1, key_length, before == text);
        at = skip_blanks(at, end);
        if (at == end || *at != ':' || is_type(key + 1, key_length))
            return false;
        at = skip_blanks(at + 1, end);
        if (name && at < end && *at == '[') {
            *list = (struct import_list){name, (size_t)(at - text), (size_t)(before - text)};
            return true;
        }
        if ((at = skip_value(at, end)))
            at = skip_blanks(at, end);
    }
    return false;
}

/* To the next line that begins with a brace: where an element begins again behind a string without
 * an end. */
static const char *find_line(const char *at, const char *end)
{
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
        at = skip_blanks(at, end);
        if (at < end && *at == '{')
            return at;
    }
    return end;
}

/* Whether an element may end there. */
static bool is_between(const char *at, const char *end)
{
    at = skip_blanks(at, end);
    return at == end || *at == ',' || *at == ']' || *at == '}' || *at == '{';
}

bool import_elements_next(struct import_elements *elements, const char **element, size_t *length)
{
    const char *end = elements->end, *at = skip_blanks(elements->at, end);
    unsigned commas = 0;
    for (; at < end && *at == ','; at = skip_blanks(at + 1, end))
        commas++;
    elements->closed = at < end && (*at == ']' || *at == '}');
    if (elements->closed || at == end) {
        elements->clean &= commas <= (elements->closed ? 0 : elements->any);
        elements->at = at;
        return false;
    }
    elements->clean &= commas == elements->any;
    elements->any = true;
    *element = at;
    elements->at = skip_value(at, end);
    if (!elements->at || !is_between(elements->at, end)) {
        elements->clean = false;
        elements->at = find_line(at, end);
    }
    const char *last = elements->at;
    while (last > at && memchr(", \t\r\n", last[-1], 5))
        last--;
    *length = (size_t)(last - at);
    return true;
}
