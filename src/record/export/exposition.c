/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, labels and plain samples of OpenMetrics. */
#include <config.h>

#include "record/export/exposition.h"

#include "c-ctype.h"
#include "model/number.h"

#include <math.h>
#include <string.h>

#define EXEMPLAR_LETTERS 128 /* of names and values in an exemplar, at most */

/* Units as UCUM writes them, and as Prometheus does. */
static const char *const units[][2] = {
    {"s", "seconds"},      {"ms", "milliseconds"}, {"us", "microseconds"}, {"ns", "nanoseconds"},
    {"min", "minutes"},    {"h", "hours"},         {"d", "days"},          {"By", "bytes"},
    {"KiBy", "kibibytes"}, {"MiBy", "mebibytes"},  {"GiBy", "gibibytes"},  {"TiBy", "tebibytes"},
    {"kBy", "kilobytes"},  {"KBy", "kilobytes"},   {"MBy", "megabytes"},   {"GBy", "gigabytes"},
    {"TBy", "terabytes"},  {"m", "meters"},        {"V", "volts"},         {"A", "amperes"},
    {"J", "joules"},       {"W", "watts"},         {"g", "grams"},         {"Cel", "celsius"},
    {"Hz", "hertz"},       {"%", "percent"}};

/* --- texts --- */

static bool is_name_letter(char c, bool first, bool colon)
{
    return c_isalpha(c) || c == '_' || (colon && c == ':') || (!first && c_isdigit(c));
}

/* Other letters become one underscore each; a digit at the beginning gets one before it. */
static void put_name(struct export_record *record, struct tcore_buf *out, const char *text,
                     size_t length, bool colon)
{
    bool good = length && is_name_letter(text[0], true, colon);
    if (!length || c_isdigit(text[0]))
        tcore_buf_putc(out, '_');
    for (size_t i = 0; i < length; i++) {
        bool letter = is_name_letter(text[i], false, colon);
        good &= letter;
        if (((unsigned char)text[i] & 0xc0) != 0x80) /* of a character the first byte */
            tcore_buf_putc(out, letter ? text[i] : '_');
    }
    if (!good)
        export_lost(record, "letters of names (now _)");
}

/* Backslashes, quotes and newlines are escaped. */
static void put_escaped(struct tcore_buf *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            tcore_buf_puts(out, "\\n");
        else if (text[i] == '"' || text[i] == '\\')
            tcore_buf_append(out, (const char[]){'\\', text[i]}, 2);
        else
            tcore_buf_putc(out, text[i]);
    }
}

static void put_label_value(struct export_record *record, struct tcore_buf *out,
                            const struct tcore_value *v)
{
    struct tcore_buf *text = &record->scratch;
    tcore_buf_putc(out, '"');
    if (v->kind == TCORE_STRING) {
        put_escaped(out, v->s, v->len);
    } else {
        export_lost(record, "types of labels (now texts)");
        tcore_buf_clear(text);
        tcore_json_write_value(text, v);
        put_escaped(out, text->data, text->length);
        out->failed |= text->failed;
    }
    tcore_buf_putc(out, '"');
}

/* A number as OpenMetrics has it. */
static void put_number(struct tcore_buf *out, const struct tcore_value *v)
{
    if (v->kind == TCORE_STRING)
        tcore_buf_puts(out, v->s[0] == 'N' ? "NaN" : v->s[0] == '-' ? "-Inf" : "+Inf");
    else if (v->kind == TCORE_DOUBLE && !isfinite(v->d))
        tcore_buf_puts(out, isnan(v->d) ? "NaN" : v->d < 0 ? "-Inf" : "+Inf");
    else
        tcore_json_write_value(out, v);
}

static void put_seconds(struct tcore_buf *out, int64_t ns)
{
    tcore_buf_printf(out, "%lld", (long long)(ns / 1000000000));
    if (ns % 1000000000)
        tcore_buf_printf(out, ".%09lld", (long long)(ns % 1000000000));
    while (ns % 1000000000 && !out->failed && out->data[out->length - 1] == '0')
        out->length--;
}

/* --- labels --- */

/* Whether a label of that name is there. */
static bool has_label(const struct tcore_buf *labels, const char *name, size_t length)
{
    const char *at = labels->data, *end = labels->data + labels->length;
    while (at && at < end) {
        const char *equals = memchr(at, '=', (size_t)(end - at));
        if (!equals)
            return false;
        if ((size_t)(equals - at) == length && !memcmp(at, name, length))
            return true;
        for (at = equals + 2; at < end && *at != '"'; at++)
            at += *at == '\\';
        at += 2;
    }
    return false;
}

/* le and quantile are names that OpenMetrics gives itself. */
static void put_label(struct exposition *e, struct export_record *record, const char *key,
                      size_t length, const struct tcore_value *v, const char *whose)
{
    struct tcore_buf name = {0};
    bool ours =
        (length == 2 && !memcmp(key, "le", 2)) || (length == 8 && !memcmp(key, "quantile", 8));
    if (v->kind == TCORE_NULL) {
        export_lost(record, whose);
        return;
    }
    if (ours && e->type >= EXPOSITION_HISTOGRAM)
        tcore_buf_puts(&name, "exported_");
    put_name(record, &name, key, length, false);
    if (!name.failed && has_label(&e->labels, name.data, name.length)) {
        export_lost(record, whose);
    } else {
        tcore_buf_puts(&e->labels, e->labels.length ? "," : "");
        tcore_buf_append(&e->labels, name.data, name.length);
        tcore_buf_putc(&e->labels, '=');
        put_label_value(record, &e->labels, v);
    }
    e->labels.failed |= name.failed;
    tcore_buf_free(&name);
}

static void put_labels(struct exposition *e, struct export_record *record, const uint32_t *at)
{
    const struct tcore_json_node *tape = record->json.node;
    const uint32_t maps[] = {at[METRIC_DIMENSIONS], at[METRIC_RESOURCE]};
    static const char *const whose[] = {"dimensions", "resource"};
    for (int m = 0; m < 2; m++)
        for (uint32_t k = maps[m] + 1; maps[m] && k < tape[maps[m]].next; k = tape[k + 1].next)
            put_label(e, record, tape[k].value.s, tape[k].value.len, &tape[k + 1].value, whose[m]);
    if (at[METRIC_RESOURCE])
        export_lost(record, "resource (now labels)");
    bool said =
        at[METRIC_RESOURCE] && tcore_json_find(&record->json, at[METRIC_RESOURCE], "service.name");
    if (!at[METRIC_SERVICE] || said)
        return;
    export_lost(record, "service (now a label)");
    put_label(e, record, "service", strlen("service"), export_value(record, at[METRIC_SERVICE]),
              "service");
}

/* --- families --- */

static bool ends_in(const struct tcore_buf *text, const char *end, size_t length)
{
    return text->length > length && !memcmp(text->data + text->length - length, end, length);
}

static void put_unit(struct exposition *e, struct export_record *record, uint32_t node)
{
    const struct tcore_value *v = export_value(record, node);
    struct tcore_buf *unit = &e->unit;
    if (!export_is_text(record, node))
        return;
    if (export_text_is(record, node, "1") || v->s[0] == '{') { /* it counts things */
        export_lost(record, "unit");
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units && !unit->length; i++)
        if (export_text_is(record, node, units[i][0]))
            tcore_buf_puts(unit, units[i][1]);
    for (uint32_t i = 0; i < v->len && !unit->length; i++)
        if (!is_name_letter(v->s[i], i == 0, false)) {
            export_lost(record, "unit");
            return;
        }
    if (!unit->length)
        tcore_buf_append(unit, v->s, v->len);
    if (ends_in(&e->family, unit->data, unit->length) &&
        e->family.data[e->family.length - unit->length - 1] == '_')
        return;
    tcore_buf_putc(&e->family, '_');
    tcore_buf_append(&e->family, unit->data, unit->length);
}

static void put_family(struct exposition *e, struct export_record *record, const uint32_t *at)
{
    const struct tcore_value *name = export_value(record, at[METRIC_NAME]);
    put_name(record, &e->family, name->s, name->len, true);
    if (e->type == EXPOSITION_COUNTER && ends_in(&e->family, "_total", 6))
        e->family.length -= 6;
    put_unit(e, record, at[METRIC_UNIT]);
    if (export_is_text(record, at[METRIC_DESCRIPTION])) {
        const struct tcore_value *v = export_value(record, at[METRIC_DESCRIPTION]);
        put_escaped(&e->help, v->s, v->len);
    }
}

static enum exposition_type type_of(struct export_record *record, const uint32_t *at)
{
    bool delta = export_text_is(record, at[METRIC_TEMPORALITY], "delta");
    bool counter = export_text_is(record, at[METRIC_KIND], "counter") ||
                   export_value(record, at[METRIC_MONOTONIC])->kind == TCORE_TRUE;
    if (at[METRIC_SUMMARY])
        return EXPOSITION_SUMMARY;
    if (at[METRIC_HISTOGRAM])
        return delta ? EXPOSITION_GAUGE_HISTOGRAM : EXPOSITION_HISTOGRAM;
    if (counter && delta)
        export_lost(record, "temporality");
    if (counter)
        return delta ? EXPOSITION_GAUGE : EXPOSITION_COUNTER;
    if (export_text_is(record, at[METRIC_KIND], "gauge"))
        return EXPOSITION_GAUGE;
    if (at[METRIC_KIND] && !export_text_is(record, at[METRIC_KIND], "custom"))
        export_lost(record, "metricType");
    return EXPOSITION_UNKNOWN;
}

/* --- samples --- */

void exposition_sample(struct exposition *e, const char *suffix, const char *label,
                       const struct tcore_value *at, const struct tcore_value *value)
{
    struct tcore_buf *out = &e->lines;
    tcore_buf_append(out, e->family.data, e->family.length);
    tcore_buf_puts(out, suffix);
    if (e->labels.length || label)
        tcore_buf_putc(out, '{');
    tcore_buf_append(out, e->labels.data, e->labels.length);
    if (label) {
        tcore_buf_puts(out, e->labels.length ? "," : "");
        tcore_buf_puts(out, label);
        tcore_buf_puts(out, "=\"");
        put_number(out, at);
        tcore_buf_putc(out, '"');
    }
    tcore_buf_puts(out, e->labels.length || label ? "} " : " ");
    put_number(out, value);
    if (e->timed) {
        tcore_buf_putc(out, ' ');
        put_seconds(out, e->time_ns);
    }
}

/* Characters of a text in UTF-8. */
static size_t count_letters(const char *text, size_t length)
{
    size_t letters = 0;
    for (size_t i = 0; i < length; i++)
        letters += ((unsigned char)text[i] & 0xc0) != 0x80;
    return letters;
}

/* Gives the letters of its name and value. */
static size_t put_exemplar_label(struct tcore_buf *out, struct export_record *record,
                                 const char *name, size_t length, const struct tcore_value *v)
{
    if (out->length && out->data[out->length - 1] != '{')
        tcore_buf_putc(out, ',');
    size_t begin = out->length;
    put_name(record, out, name, length, false);
    tcore_buf_putc(out, '=');
    put_label_value(record, out, v);
    return out->failed ? 0 : count_letters(out->data + begin, out->length - begin) - 3; /* ="" */
}

struct tcore_value exposition_exemplar_value(const struct export_record *record, uint32_t node)
{
    static const char *const names[] = {"asInt", "asDouble", "value"};
    for (int i = 0; i < 3; i++) {
        uint32_t value = tcore_json_find(&record->json, node, names[i]);
        if (value && (tcore_value_is_number(export_value(record, value))))
            return *export_value(record, value);
    }
    return (struct tcore_value){0};
}

static void put_exemplar(struct exposition *e, struct export_record *record, uint32_t node)
{
    struct tcore_buf *out = &e->lines;
    struct tcore_value value = exposition_exemplar_value(record, node);
    const struct tcore_json_node *tape = record->json.node;
    uint32_t at[EXEMPLAR_FIELDS];
    int64_t ns;
    export_collect(record, &export_exemplar_keys, node, "exemplars", at);
    size_t letters = 0, begin = out->length;
    tcore_buf_puts(out, " # {");
    if (at[EXEMPLAR_TRACE])
        letters += put_exemplar_label(out, record, "trace_id", 8,
                                      export_value(record, at[EXEMPLAR_TRACE]));
    if (at[EXEMPLAR_SPAN])
        letters +=
            put_exemplar_label(out, record, "span_id", 7, export_value(record, at[EXEMPLAR_SPAN]));
    uint32_t map = at[EXEMPLAR_FILTERED] ? at[EXEMPLAR_FILTERED] : at[EXEMPLAR_ATTRIBUTES];
    if (map && tcore_json_is_object(&tape[map]))
        for (uint32_t k = map + 1; k < tape[map].next; k = tape[k + 1].next) {
            size_t before = out->length;
            letters += put_exemplar_label(out, record, tape[k].value.s, tape[k].value.len,
                                          &tape[k + 1].value);
            if (letters <= EXEMPLAR_LETTERS)
                continue;
            out->length = before;
            export_lost(record, "exemplars.filteredAttributes");
            break;
        }
    tcore_buf_puts(out, "} ");
    put_number(out, &value);
    if (export_time(record, at[EXEMPLAR_TIME], "exemplars.timeUnixNano", &ns)) {
        tcore_buf_putc(out, ' ');
        put_seconds(out, ns);
    }
    if (value.kind == TCORE_ABSENT)
        out->length = begin;
}

void exposition_end_line(struct exposition *e, struct export_record *record, uint32_t exemplar)
{
    if (exemplar)
        put_exemplar(e, record, exemplar);
    tcore_buf_putc(&e->lines, '\n');
}

static void put_created(struct exposition *e, struct export_record *record, uint32_t node)
{
    int64_t ns;
    if (!export_time(record, node, "startTimeUnixNano", &ns))
        return;
    if (e->type < EXPOSITION_COUNTER || e->type == EXPOSITION_GAUGE_HISTOGRAM) {
        export_lost(record, "startTimeUnixNano");
        return;
    }
    char text[40];
    struct tcore_buf seconds = {0};
    put_seconds(&seconds, ns);
    size_t length = seconds.length < sizeof text ? seconds.length : 0;
    memcpy(text, seconds.data ? seconds.data : "", length);
    e->lines.failed |= seconds.failed;
    tcore_buf_free(&seconds);
    struct tcore_value v = {.kind = TCORE_NUMBER, .len = (uint32_t)length, .s = text};
    exposition_sample(e, "_created", NULL, NULL, &v);
    exposition_end_line(e, record, 0);
}

/* Only counters and buckets have exemplars, and a sample has one. */
static bool put_value(struct exposition *e, struct export_record *record, const uint32_t *at)
{
    const struct tcore_value *v = export_value(record, at[METRIC_VALUE]);
    double d;
    uint32_t list = at[METRIC_EXEMPLARS];
    bool counter = e->type == EXPOSITION_COUNTER;
    if (!export_number(record, at[METRIC_VALUE], &d)) {
        export_lost_record(record, "its value is no number");
        return false;
    }
    exposition_sample(e, counter ? "_total" : "", NULL, NULL, v);
    exposition_end_line(e, record, counter && list ? list + 1 : 0);
    if (list && (!counter || record->json.node[list].count > 1))
        export_lost(record, "exemplars");
    return true;
}

static void clear(struct exposition *e)
{
    struct tcore_buf *const all[] = {&e->family, &e->unit, &e->help, &e->labels, &e->lines};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tcore_buf_clear(all[i]);
}

/* What no sample has, and what only those have that grow. */
static void lose_fields(const struct exposition *e, struct export_record *record,
                        const uint32_t *at)
{
    static const uint8_t lost[] = {METRIC_SCOPE, METRIC_METADATA, METRIC_FLAGS, METRIC_SCHEMA};
    static const uint8_t growing[] = {METRIC_TEMPORALITY, METRIC_MONOTONIC};
    EXPORT_LOSE_MEMBERS(record, &export_metric_keys, at, lost);
    if (e->type < EXPOSITION_COUNTER || e->type == EXPOSITION_GAUGE_HISTOGRAM)
        EXPORT_LOSE_MEMBERS(record, &export_metric_keys, at, growing);
}

bool exposition_put(struct exposition *e, struct export_record *record)
{
    uint32_t at[METRIC_COUNT];
    clear(e);
    export_collect(record, &export_metric_keys, 0, NULL, at);
    if (!export_is_text(record, at[METRIC_NAME])) {
        export_lost_record(record, "it has no name");
        return false;
    }
    e->type = type_of(record, at);
    e->timed = export_time(record, at[METRIC_TIME], "timeUnixNano", &e->time_ns);
    put_family(e, record, at);
    put_labels(e, record, at);
    bool good = e->type == EXPOSITION_SUMMARY  ? exposition_summary(e, record, at)
                : e->type > EXPOSITION_COUNTER ? exposition_histogram(e, record, at)
                                               : put_value(e, record, at);
    if (!good)
        return false;
    put_created(e, record, at[METRIC_START]);
    lose_fields(e, record, at);
    return true;
}

void exposition_free(struct exposition *e)
{
    struct tcore_buf *const all[] = {&e->family, &e->unit, &e->help, &e->labels, &e->lines};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tcore_buf_free(all[i]);
}
