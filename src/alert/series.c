/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which rules a record is a matter of. What a record has is looked up byte for byte, so that all
 * but the first of a series cost one look-up, however many rules there are. A first one looks at
 * the rules of its kind and name that have one of its labels, or none: each rule is in the index
 * once, under the equality of its that the fewest other rules have.
 */
#include <config.h>

#include "alert/engine.h"
#include "alert/merge.h"
#include "alert/template.h"

#include "base/sys.h"
#include "cli/options.h"
#include "model/json.h"
#include "model/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RAW_LIMIT 1000000             /* what is remembered of records; then it is learnt anew */
#define RAW_BYTES ((size_t)256 << 20) /* and in memory */

/* A label of the series that is looked at: offsets in the text. */
struct label {
    size_t key, key_length, value, value_length;
    bool is_identity; /* a label of the alert too */
};

struct labels {
    struct label *item;
    size_t count, capacity;
    struct tcore_buf text;
};

/* --- The index of rules */

static void put_index_key(struct tcore_buf *out, enum rule_source source, const char *name,
                          size_t name_length, const char *label, size_t label_length,
                          const char *value, size_t value_length)
{
    tcore_buf_clear(out);
    tcore_buf_putc(out, (char)('0' + source));
    tcore_buf_append(out, name, name_length);
    tcore_buf_putc(out, '\0');
    tcore_buf_append(out, label, label_length);
    tcore_buf_putc(out, '\0');
    tcore_buf_append(out, value, value_length);
}

static bool is_equality(const struct rule_matcher *m)
{
    return !m->pattern && !m->negated && *m->value && strcmp(m->label, "horizon") != 0;
}

/* The number of the matcher in a map of all. */
static uint32_t matcher_number(struct engine *e, struct tcore_map *map, const struct rule *rule,
                               const struct rule_matcher *m)
{
    put_index_key(&e->key, rule->source, rule->metric, strlen(rule->metric), m ? m->label : "",
                  m ? strlen(m->label) : 0, m ? m->value : "", m ? strlen(m->value) : 0);
    return e->key.failed ? TCORE_MAP_NONE : tcore_map_intern(map, e->key.data, e->key.length, NULL);
}

static bool count_matchers(struct engine *e, struct tcore_map *map, uint32_t *counts)
{
    for (size_t r = 0; r < e->rules->count; r++) {
        const struct rule *rule = &e->rules->rule[r];

        for (size_t m = 0; m < rule->matcher_count; m++) {
            uint32_t number;

            if (!is_equality(&rule->matcher[m]))
                continue;
            number = matcher_number(e, map, rule, &rule->matcher[m]);
            if (number == TCORE_MAP_NONE)
                return false;
            counts[number]++;
        }
    }
    return true;
}

static const struct rule_matcher *rarest(struct engine *e, struct tcore_map *map,
                                         const uint32_t *counts, const struct rule *rule)
{
    const struct rule_matcher *best = NULL;
    uint32_t fewest = UINT32_MAX;

    for (size_t m = 0; m < rule->matcher_count; m++) {
        if (!is_equality(&rule->matcher[m]))
            continue;
        uint32_t number = matcher_number(e, map, rule, &rule->matcher[m]);

        if (number != TCORE_MAP_NONE && counts[number] < fewest) {
            fewest = counts[number];
            best = &rule->matcher[m];
        }
    }
    return best;
}

static bool put_in_index(struct engine *e, uint32_t rule, const struct rule_matcher *matcher)
{
    uint32_t number = matcher_number(e, &e->index, &e->rules->rule[rule], matcher);

    if (number == TCORE_MAP_NONE)
        return false;
    uint32_t count = e->index_counts[number];

    if (!(count & (count - 1))) { /* full at each power of two */
        uint32_t *list =
            tcore_reallocarray(e->index_rules[number], count ? count * 2 : 1, sizeof *list);

        if (!list)
            return false;
        e->index_rules[number] = list;
    }
    e->index_rules[number][e->index_counts[number]++] = rule;
    return true;
}

enum tcore_status series_index(struct engine *e, struct tcore_error *err)
{
    size_t matchers = 0;
    struct tcore_map map;
    bool made;

    for (size_t r = 0; r < e->rules->count; r++)
        matchers += e->rules->rule[r].matcher_count;
    if (tcore_map_init(&map))
        return tcore_error_set(err, TCORE_FATAL, "no randomness");
    uint32_t *counts = tcore_calloc(matchers + 1, sizeof *counts);

    e->index_rules = tcore_calloc(e->rules->count + 1, sizeof *e->index_rules);
    e->index_counts = tcore_calloc(e->rules->count + 1, sizeof *e->index_counts);
    made = counts && e->index_rules && e->index_counts && count_matchers(e, &map, counts);
    for (uint32_t r = 0; made && r < e->rules->count; r++)
        made = put_in_index(e, r, rarest(e, &map, counts, &e->rules->rule[r]));
    tcore_free(counts);
    tcore_map_free(&map);
    return made ? TCORE_OK : tcore_error_nomem(err);
}

/* --- Fields */

static struct tcore_value get(const struct tcore_batch *batch, size_t column, size_t row)
{
    return tcore_column_get(&batch->columns[column], row);
}

static struct tcore_value get_label(const struct engine *e, const struct tcore_batch *batch,
                                    size_t label, size_t row)
{
    struct tcore_value value = {0};

    for (size_t p = 0; p < LABEL_PATHS && value.kind == TCORE_ABSENT; p++)
        value = get(batch, e->columns.labels[label][p], row);
    return value;
}

static bool get_ns(const struct tcore_batch *batch, size_t column, size_t row, int64_t *ns)
{
    struct tcore_value value = get(batch, column, row);

    if (value.kind == TCORE_STRING)
        return tcore_parse_int64(value.s, value.len, ns);
    return tcore_value_int64(&value, ns);
}

static double get_double(const struct tcore_batch *batch, size_t column, size_t row)
{
    struct tcore_value value = get(batch, column, row);

    return tcore_value_double(&value);
}

/* --- Labels */

static void put_text(struct tcore_buf *out, struct tcore_value value)
{
    int64_t i;

    if (value.kind == TCORE_STRING) {
        tcore_buf_append(out, value.s, value.len);
    } else if (value.kind == TCORE_JSON) {
        tcore_json_write_key(out, value.s, value.len);
    } else if (tcore_value_int64(&value, &i)) {
        tcore_buf_printf(out, "%lld", (long long)i);
    } else if (tcore_value_is_number(&value)) {
        char text[TCORE_NUMBER_BYTES];

        tcore_buf_append(out, text, tcore_format_double(text, tcore_value_double(&value)));
    } else if (value.kind == TCORE_TRUE || value.kind == TCORE_FALSE) {
        tcore_buf_puts(out, value.kind == TCORE_TRUE ? "true" : "false");
    }
}

static struct label *find_label(const struct labels *labels, const char *key, size_t length)
{
    for (size_t i = 0; i < labels->count; i++) {
        struct label *l = &labels->item[i];

        if (l->key_length == length && !memcmp(labels->text.data + l->key, key, length))
            return l;
    }
    return NULL;
}

static struct label *new_label(struct labels *labels, const char *key, size_t length)
{
    if (labels->count == labels->capacity) {
        size_t capacity = labels->capacity ? labels->capacity * 2 : 16;
        struct label *item = tcore_reallocarray(labels->item, capacity, sizeof *item);

        if (!item) {
            labels->text.failed = true;
            return NULL;
        }
        labels->item = item;
        labels->capacity = capacity;
    }
    struct label *l = &labels->item[labels->count++];

    *l = (struct label){.key = labels->text.length, .key_length = length};
    tcore_buf_append(&labels->text, key, length);
    return l;
}

/* What is there already stays. */
static void add_label(struct labels *labels, const char *key, size_t length,
                      struct tcore_value value, bool is_identity)
{
    if (value.kind == TCORE_ABSENT || value.kind == TCORE_NULL || labels->text.failed)
        return;
    struct label *l = find_label(labels, key, length);

    if (l) {
        l->is_identity |= is_identity;
        return;
    }
    l = new_label(labels, key, length);
    if (!l)
        return;
    l->is_identity = is_identity;
    l->value = labels->text.length;
    put_text(&labels->text, value);
    l->value_length = labels->text.length - l->value;
}

/* Replaces what is there. */
static void set_label(struct labels *labels, const char *key, const char *value, size_t length)
{
    struct label *l = labels->text.failed ? NULL : find_label(labels, key, strlen(key));

    if (!l && !labels->text.failed)
        l = new_label(labels, key, strlen(key));
    if (!l)
        return;
    l->is_identity = true;
    l->value = labels->text.length;
    l->value_length = length;
    tcore_buf_append(&labels->text, value, length);
}

/* Resource attributes but service.name, which is the service, and those of the SDK. */
static bool is_left_out(const char *key, size_t length)
{
    return (length == 12 && !memcmp(key, "service.name", 12)) ||
           (length >= 10 && !memcmp(key, "telemetry.", 10));
}

static enum tcore_status add_members(struct engine *e, struct labels *labels,
                                     struct tcore_value object, bool resource,
                                     struct tcore_error *err)
{
    enum tcore_status status;

    if (object.kind != TCORE_JSON)
        return TCORE_OK;
    status = tcore_json_parse(&e->json, object.s, object.len, err);
    if (status != TCORE_OK || !tcore_json_is_object(e->json.node))
        return status == TCORE_FATAL ? status : TCORE_OK;
    for (uint32_t k = 1; k < e->json.node[0].next; k = e->json.node[k + 1].next) {
        struct tcore_value key = e->json.node[k].value;

        if (!resource || !is_left_out(key.s, key.len))
            add_label(labels, key.s, key.len, e->json.node[k + 1].value, true);
    }
    return TCORE_OK;
}

static enum tcore_status read_labels(struct engine *e, const struct tcore_batch *batch, size_t row,
                                     enum rule_source source, struct labels *labels,
                                     struct tcore_error *err)
{
    const struct column_set *c = &e->columns;
    enum tcore_status status = TCORE_OK;

    if (source != RULE_METRIC)
        for (size_t n = 0; n < c->label_count; n++)
            add_label(labels, c->label_name[n], strlen(c->label_name[n]),
                      get_label(e, batch, n, row), false);
    if (source == RULE_SPANS)
        return tcore_buf_status(&labels->text, err);
    add_label(labels, "metricName", 10, get(batch, c->metric_name, row), true);
    add_label(labels, "service", 7, get(batch, c->service, row), true);
    if (source == RULE_FINDING)
        add_label(labels, "stat", 4, get(batch, c->stat, row), true);
    if (batch->types[row] == TCORE_RECORD_METRIC) {
        status = add_members(e, labels, get(batch, c->dimensions, row), false, err);
        if (status == TCORE_OK)
            status = add_members(e, labels, get(batch, c->resource, row), true, err);
    } else {
        status = add_members(e, labels, get(batch, c->group, row), false, err);
    }
    return status == TCORE_OK ? tcore_buf_status(&labels->text, err) : status;
}

/* --- Matching */

static enum tcore_status matches(struct engine *e, const struct rule_matcher *m,
                                 const struct labels *labels, bool *held, struct tcore_error *err)
{
    const struct label *l = find_label(labels, m->label, strlen(m->label));
    const char *value = l && l->value_length ? labels->text.data + l->value : "";
    size_t length = l ? l->value_length : 0;
    const char *reason;
    int64_t wanted, got;

    if (m->pattern) {
        enum tcore_status status =
            tcore_pattern_match(m->pattern, e->matcher, value, length, 0, held, NULL, err);

        if (status == TCORE_SKIP)
            *held = false; /* too much work for this text: it is not what was meant */
        if (status != TCORE_OK && status != TCORE_SKIP)
            return status;
    } else if (!strcmp(m->label, "horizon") && cli_parse_duration(m->value, &wanted, &reason)) {
        *held = tcore_parse_int64(value, length, &got) && got == wanted;
    } else {
        *held = strlen(m->value) == length && !memcmp(m->value, value, length);
    }
    *held ^= m->negated;
    return TCORE_OK;
}

/* For templates of labels. */
static void put_label_value(const void *data, const char *name, size_t length,
                            struct tcore_buf *out)
{
    const struct labels *labels = data;
    const struct label *l = find_label(labels, name, length);

    if (l)
        tcore_buf_append(out, labels->text.data + l->value, l->value_length);
}

static int compare_labels(const void *a, const void *b, void *data)
{
    const struct labels *labels = data;
    const struct label *x = a, *y = b;
    size_t shorter = x->key_length < y->key_length ? x->key_length : y->key_length;
    int order = memcmp(labels->text.data + x->key, labels->text.data + y->key, shorter);

    return order ? order : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

static void put_labels(struct labels *labels, struct tcore_buf *out)
{
    bool any = false;

    if (labels->text.failed) {
        out->failed = true;
        return;
    }
    if (labels->count > 1)
        qsort_r(labels->item, labels->count, sizeof *labels->item, compare_labels, labels);
    tcore_buf_putc(out, '{');
    for (size_t i = 0; i < labels->count; i++) {
        const struct label *l = &labels->item[i];

        if (!l->is_identity)
            continue;
        if (any)
            tcore_buf_putc(out, ',');
        any = true;
        tcore_json_write_string(out, labels->text.data + l->key, l->key_length);
        tcore_buf_putc(out, ':');
        tcore_json_write_string(out, labels->text.data + l->value, l->value_length);
    }
    tcore_buf_putc(out, '}');
}

/* The labels of the alert: those of the series, what the rule asks for, what it adds. */
static void put_alert_labels(const struct rule *rule, const struct labels *series,
                             struct tcore_buf *out)
{
    struct labels labels = {0};
    struct tcore_buf value = {0};

    for (size_t i = 0; series && i < series->count; i++) {
        const struct label *l = &series->item[i];
        const char *text = series->text.data;

        if (l->is_identity)
            add_label(&labels, text + l->key, l->key_length,
                      tcore_value_string(text + l->value, l->value_length), true);
    }
    for (size_t m = 0; m < rule->matcher_count; m++) {
        const struct rule_matcher *matcher = &rule->matcher[m];

        if (!matcher->pattern && !matcher->negated && *matcher->value)
            add_label(&labels, matcher->label, strlen(matcher->label),
                      tcore_value_string(matcher->value, strlen(matcher->value)), true);
    }
    for (size_t i = 0; i < rule->labels.count; i++) {
        tcore_buf_clear(&value);
        template_expand(rule->labels.item[i].value, put_label_value, &labels, &value);
        set_label(&labels, rule->labels.item[i].key, value.length ? value.data : "", value.length);
    }
    put_labels(&labels, out);
    out->failed |= value.failed;
    tcore_buf_free(&value);
    tcore_buf_free(&labels.text);
    tcore_free(labels.item);
}

void series_rule_labels(const struct rule *rule, struct tcore_buf *out)
{
    put_alert_labels(rule, NULL, out);
}

struct found {
    struct match *item;
    size_t count, capacity;
};

static enum tcore_status try_rule(struct engine *e, uint32_t number, const struct labels *labels,
                                  struct found *found, struct tcore_error *err)
{
    const struct rule *rule = &e->rules->rule[number];
    bool held = true, one = rule->source == RULE_SPANS || rule->form == RULE_ABSENT;
    struct tcore_buf text = {0};

    for (size_t m = 0; m < rule->matcher_count && held; m++) {
        enum tcore_status status = matches(e, &rule->matcher[m], labels, &held, err);

        if (status != TCORE_OK)
            return status;
    }
    if (!held)
        return TCORE_OK;
    if (found->count == found->capacity) {
        size_t capacity = found->capacity ? found->capacity * 2 : 8;
        struct match *item = tcore_reallocarray(found->item, capacity, sizeof *item);

        if (!item)
            return tcore_error_nomem(err);
        found->item = item;
        found->capacity = capacity;
    }
    put_alert_labels(rule, one ? NULL : labels, &text);
    uint32_t key = text.failed ? TCORE_MAP_NONE : engine_key(e, number, text.data, text.length);

    tcore_buf_free(&text);
    if (key == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    found->item[found->count++] = (struct match){number, key};
    return TCORE_OK;
}

static enum tcore_status try_index(struct engine *e, enum rule_source source,
                                   struct tcore_value name, const struct label *l,
                                   const struct labels *labels, struct found *found,
                                   struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    put_index_key(&e->key, source, name.s, name.len, l ? labels->text.data + l->key : "",
                  l ? l->key_length : 0, l ? labels->text.data + l->value : "",
                  l ? l->value_length : 0);
    if (e->key.failed)
        return tcore_error_nomem(err);
    uint32_t number = tcore_map_find(&e->index, e->key.data, e->key.length);

    if (number == TCORE_MAP_NONE)
        return TCORE_OK;
    for (uint32_t i = 0; i < e->index_counts[number] && status == TCORE_OK; i++)
        status = try_rule(e, e->index_rules[number][i], labels, found, err);
    return status;
}

/* Those that look at the name. */
static enum tcore_status try_name(struct engine *e, enum rule_source source,
                                  struct tcore_value name, const struct labels *labels,
                                  struct found *found, struct tcore_error *err)
{
    enum tcore_status status = try_index(e, source, name, NULL, labels, found, err);

    for (size_t i = 0; i < labels->count && status == TCORE_OK; i++)
        status = try_index(e, source, name, &labels->item[i], labels, found, err);
    return status;
}

static int compare_matches(const void *a, const void *b)
{
    const struct match *x = a, *y = b;

    return (x->rule > y->rule) - (x->rule < y->rule);
}

static enum tcore_status find_matches(struct engine *e, const struct tcore_batch *batch, size_t row,
                                      enum rule_source source, struct tcore_value name,
                                      struct matches *matches_found, struct tcore_error *err)
{
    struct labels labels = {0};
    struct found found = {0};
    enum tcore_status status = read_labels(e, batch, row, source, &labels, err);

    if (status == TCORE_OK)
        status = try_name(e, source, name, &labels, &found, err);
    if (status == TCORE_OK && name.len) /* and those of any name */
        status = try_name(e, source, tcore_value_string("", 0), &labels, &found, err);
    if (found.count > 1) /* in the order of the file */
        qsort(found.item, found.count, sizeof *found.item, compare_matches);
    *matches_found = (struct matches){NULL, (uint32_t)found.count};
    if (status == TCORE_OK && found.count) {
        matches_found->item = tcore_arena_alloc(&e->matched, found.count * sizeof *found.item);
        if (matches_found->item)
            memcpy(matches_found->item, found.item, found.count * sizeof *found.item);
        else
            status = tcore_error_nomem(err);
    }
    tcore_free(found.item);
    tcore_free(labels.item);
    tcore_buf_free(&labels.text);
    return status;
}

/* --- Rows */

static void put_raw(struct tcore_buf *out, struct tcore_value value)
{
    tcore_buf_putc(out, (char)('A' + value.kind));
    if (value.kind != TCORE_ABSENT)
        tcore_json_write_value(out, &value);
}

static void put_raw_key(struct engine *e, const struct tcore_batch *batch, size_t row,
                        enum rule_source source)
{
    const struct column_set *c = &e->columns;

    tcore_buf_clear(&e->key);
    tcore_buf_putc(&e->key, (char)('0' + batch->types[row]));
    if (source != RULE_METRIC)
        for (size_t n = 0; n < c->label_count; n++)
            put_raw(&e->key, get_label(e, batch, n, row));
    if (source == RULE_SPANS)
        return;
    put_raw(&e->key, get(batch, c->metric_name, row));
    put_raw(&e->key, get(batch, c->service, row));
    if (batch->types[row] == TCORE_RECORD_METRIC) {
        put_raw(&e->key, get(batch, c->dimensions, row));
        put_raw(&e->key, get(batch, c->resource, row));
    } else {
        put_raw(&e->key, get(batch, c->group, row));
    }
    if (source == RULE_FINDING) {
        put_raw(&e->key, get(batch, c->kind, row));
        put_raw(&e->key, get(batch, c->stat, row));
    }
}

/* What tells the record from others of its series, but for its time and value. */
static uint64_t identify(struct engine *e, const struct tcore_batch *batch, size_t row)
{
    const struct column_set *c = &e->columns;
    size_t length = e->key.length;
    uint64_t hash;

    if (batch->types[row] == TCORE_RECORD_SPAN) {
        put_raw(&e->key, get(batch, c->trace_id, row));
        put_raw(&e->key, get(batch, c->span_id, row));
    } else if (batch->types[row] == TCORE_RECORD_FINDING) {
        put_raw(&e->key, get(batch, c->message, row));
    }
    hash = e->key.length ? engine_hash(e->key.data, e->key.length) : 0;
    e->key.length = length;
    return hash;
}

void series_forget(struct engine *e)
{
    tcore_map_clear(&e->raw);
    tcore_arena_reset(&e->matched);
}

static enum tcore_status find_series(struct engine *e, const struct tcore_batch *batch, size_t row,
                                     enum rule_source source, struct tcore_value name,
                                     struct matches *found, uint64_t *hash, struct tcore_error *err)
{
    bool added = false;
    uint32_t raw;

    put_raw_key(e, batch, row, source);
    if (e->remembers)
        *hash = identify(e, batch, row);
    if (e->raw.count >= RAW_LIMIT || e->raw.arena.bytes + e->matched.bytes >= RAW_BYTES)
        series_forget(e);
    raw = e->key.failed ? TCORE_MAP_NONE
                        : tcore_map_intern(&e->raw, e->key.data, e->key.length, &added);
    if (raw == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (raw >= e->of_raw_capacity) {
        size_t capacity = e->of_raw_capacity ? e->of_raw_capacity * 2 : 64;
        struct matches *of_raw = tcore_reallocarray(e->of_raw, capacity, sizeof *of_raw);

        if (!of_raw)
            return tcore_error_nomem(err);
        e->of_raw = of_raw;
        e->of_raw_capacity = capacity;
    }
    if (added) {
        enum tcore_status status = find_matches(e, batch, row, source, name, &e->of_raw[raw], err);

        if (status != TCORE_OK)
            return status;
    }
    *found = e->of_raw[raw];
    return TCORE_OK;
}

/* When the record was; an aggregate's window has an end. False: it has no time. */
static bool time_of(const struct engine *e, const struct tcore_batch *batch, size_t row,
                    int64_t *ns, int64_t *step)
{
    const struct column_set *c = &e->columns;

    *step = 0;
    switch (batch->types[row]) {
    case TCORE_RECORD_SPAN:
        return get_ns(batch, c->start, row, ns);
    case TCORE_RECORD_AGGREGATE:
        if (!get_ns(batch, c->window_start, row, ns))
            return false;
        return !get_ns(batch, c->window, row, step) || *step < 0 ||
               !__builtin_add_overflow(*ns, *step, ns);
    default:
        return get_ns(batch, c->time, row, ns);
    }
}

static double value_of(const struct engine *e, const struct tcore_batch *batch, size_t row,
                       uint32_t rule)
{
    if (batch->types[row] == TCORE_RECORD_SPAN)
        return NAN;
    if (batch->types[row] == TCORE_RECORD_AGGREGATE)
        return get_double(batch, e->columns.stats[rule], row);
    return get_double(batch, e->columns.value, row);
}

/* What each match takes from the record, in e->values. */
static bool read_values(struct engine *e, const struct tcore_batch *batch, size_t row,
                        const struct matches *found)
{
    if (found->count > e->value_capacity) {
        double *values = tcore_reallocarray(e->values, found->count, sizeof *values);

        if (!values)
            return false;
        e->values = values;
        e->value_capacity = found->count;
    }
    for (uint32_t m = 0; m < found->count; m++) {
        e->values[m] = value_of(e, batch, row, found->item[m].rule);
        e->seen[found->item[m].rule].matched = true;
    }
    return true;
}

/* When the record was, or was come upon. False: nobody knows. */
static bool find_time(struct engine *e, const struct tcore_batch *batch, size_t row,
                      struct event *event)
{
    bool timed = time_of(e, batch, row, &event->ns, &event->step_ns);

    if (e->merge && merge_time(e->merge, timed, &event->ns))
        return true;
    if (timed || !e->has_now)
        return timed;
    event->ns = e->now_ns;
    return !e->merge || merge_time(e->merge, true, &event->ns);
}

enum tcore_status series_row(struct engine *e, const struct tcore_batch *batch, size_t row,
                             struct tcore_buf *out, struct tcore_error *err)
{
    static const enum rule_source sources[TCORE_RECORD_TYPES] = {
        [TCORE_RECORD_METRIC] = RULE_METRIC,
        [TCORE_RECORD_AGGREGATE] = RULE_METRIC,
        [TCORE_RECORD_SPAN] = RULE_SPANS,
        [TCORE_RECORD_FINDING] = RULE_FINDING,
    };
    struct event event = {.type = batch->types[row]};
    enum rule_source source = sources[event.type];
    struct tcore_value name = tcore_value_string("", 0);
    struct matches found = {0};
    enum tcore_status status = TCORE_OK;

    e->any |= event.type != TCORE_RECORD_CLOCK;
    if (!find_time(e, batch, row, &event)) {
        e->untimed++;
        return TCORE_OK;
    }
    if (!e->merge)
        status = engine_advance(e, event.ns, event.type == TCORE_RECORD_CLOCK, out, err);
    if (status != TCORE_OK)
        return status;
    if (event.type == TCORE_RECORD_CLOCK) {
        if (e->merge)
            return merge_add(e->merge, &event, &found, NULL, err);
        engine_put_clock(e, out);
        return TCORE_OK;
    }
    if (source != RULE_SPANS)
        name = get(batch, source == RULE_METRIC ? e->columns.metric_name : e->columns.kind, row);
    if (name.kind != TCORE_STRING)
        return TCORE_OK;
    status = find_series(e, batch, row, source, name, &found, &event.hash, err);
    if (status != TCORE_OK)
        return status;
    if (event.type == TCORE_RECORD_FINDING)
        event.message = get(batch, e->columns.message, row);
    if (!read_values(e, batch, row, &found))
        return tcore_error_nomem(err);
    return e->merge ? merge_add(e->merge, &event, &found, e->values, err)
                    : engine_event(e, &event, &found, e->values, out, err);
}

void series_free(struct engine *e)
{
    for (size_t n = 0; n < e->index.count && e->index_rules; n++)
        tcore_free(e->index_rules[n]);
    tcore_free(e->index_rules);
    tcore_free(e->index_counts);
    for (size_t n = 0; n < e->columns.label_count && e->columns.label_name; n++)
        tcore_free(e->columns.label_name[n]);
    tcore_free(e->columns.label_name);
    tcore_free(e->columns.labels);
    tcore_free(e->columns.stats);
    tcore_free(e->of_raw);
    tcore_map_free(&e->raw);
    tcore_map_free(&e->index);
    tcore_arena_free(&e->matched);
    tcore_matcher_free(e->matcher);
}
