/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two maps: the first is from what a record has, byte for byte, so that most records cost one
 * look-up; the second is by identity, in which fields are sorted and written canonically, so that
 * the order in which a producer writes dimensions makes no difference.
 */
#include <config.h>

#include "detect/series.h"

#include "base/sys.h"
#include "detect/series_parts.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

static enum tcore_status add_path(struct tcore_projection *projection, const char *name,
                                  size_t *column, struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};

    return tcore_projection_add_path(projection, &key, 1, column, err);
}

/* The fields of --by; without it service and name, of which no note is made when they are absent.
 */
static enum tcore_status open_by(struct series_table *table, struct tcore_projection *projection,
                                 struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    table->by_count = table->by.count ? table->by.count : 2;
    table->by_columns = tcore_calloc(table->by_count, sizeof *table->by_columns);
    if (!table->by_columns)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < table->by.count && status == TCORE_OK; i++)
        status =
            tcore_projection_add_field(projection, table->by.item[i], &table->by_columns[i], err);
    if (table->by.count)
        return status;
    status = add_path(projection, "service", &table->by_columns[0], err);
    return status == TCORE_OK ? add_path(projection, "name", &table->by_columns[1], err) : status;
}

enum tcore_status series_init(struct series_table *table, struct tcore_error *err)
{
    *table = (struct series_table){0};
    if (tcore_map_init(&table->raw) || tcore_map_init(&table->known) ||
        tcore_map_init(&table->kin_known))
        return tcore_error_set(err, TCORE_FATAL, "no randomness");
    return TCORE_OK;
}

enum tcore_status series_open(struct series_table *table, struct tcore_projection *projection,
                              struct tcore_error *err)
{
    const struct {
        const char *name;
        size_t *column;
    } columns[] = {{"recordType", &table->record_type},
                   {"metricName", &table->metric_name},
                   {"group", &table->group},
                   {"dimensions", &table->dimensions},
                   {"resource", &table->resource},
                   {"service", &table->service}};
    enum tcore_status status = open_by(table, projection, err);

    for (size_t i = 0; i < sizeof columns / sizeof *columns && status == TCORE_OK; i++)
        status = add_path(projection, columns[i].name, columns[i].column, err);
    return status;
}

void series_free(struct series_table *table)
{
    tcore_map_free(&table->raw);
    tcore_map_free(&table->known);
    tcore_map_free(&table->kin_known);
    tcore_free(table->kin);
    tcore_free(table->by_columns);
    tcore_free(table->of_raw);
    tcore_free(table->name);
    tcore_arena_free(&table->text);
    tcore_buf_free(&table->key);
    tcore_buf_free(&table->built);
    tcore_json_free(&table->json);
}

static struct tcore_value get(const struct tcore_batch *batch, size_t column, size_t row)
{
    return tcore_column_get(&batch->columns[column], row);
}

static const char *by_name(const struct series_table *table, size_t i)
{
    static const char *const usual[] = {"service", "name"};

    return table->by.count ? table->by.item[i] : usual[i];
}

/* Whether the fields of --by make the group, or what the record itself has. */
static bool is_grouped_by(const struct series_table *table, enum tcore_record_type type)
{
    return type == TCORE_RECORD_SPAN || (table->by.count && type == TCORE_RECORD_METRIC);
}

/* Numbers of equal value are one group: 1 and 1.0. */
static void put_value(struct tcore_buf *out, struct tcore_value value)
{
    int64_t i;

    if (value.kind == TCORE_JSON) {
        tcore_json_write_key(out, value.s, value.len);
        return;
    }
    if (tcore_value_int64(&value, &i))
        value = tcore_value_int(i);
    else if (tcore_value_is_number(&value))
        value = tcore_value_of_double(tcore_value_double(&value));
    tcore_json_write_value(out, &value);
}

static void put_raw(struct tcore_buf *out, struct tcore_value value)
{
    tcore_buf_putc(out, (char)value.kind);
    if (value.kind != TCORE_ABSENT)
        tcore_json_write_value(out, &value);
}

static void make_raw_key(struct series_table *table, const struct tcore_batch *batch, size_t row,
                         const char *stat)
{
    enum tcore_record_type type = batch->types[row];
    struct tcore_buf *key = &table->key;

    tcore_buf_clear(key);
    tcore_buf_putc(key, (char)type);
    tcore_buf_append(key, stat, strlen(stat) + 1);
    if (type != TCORE_RECORD_SPAN)
        put_raw(key, get(batch, table->metric_name, row));
    if (type == TCORE_RECORD_AGGREGATE)
        put_raw(key, get(batch, table->record_type, row));
    if (is_grouped_by(table, type)) {
        for (size_t i = 0; i < table->by_count; i++)
            put_raw(key, get(batch, table->by_columns[i], row));
    } else if (type == TCORE_RECORD_AGGREGATE) {
        put_raw(key, get(batch, table->group, row));
    } else {
        put_raw(key, get(batch, table->dimensions, row));
        put_raw(key, get(batch, table->service, row));
        if (!table->without_resource)
            put_raw(key, get(batch, table->resource, row));
    }
}

/* --- A new series */

static bool has_member(const struct series_table *table, const struct members *members,
                       const char *key, size_t length)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct member *m = &members->item[i];

        if (m->key_length == length && !memcmp(table->built.data + m->key, key, length))
            return true;
    }
    return false;
}

static enum tcore_status add_member(struct series_table *table, struct members *members,
                                    const char *key, size_t length, struct tcore_value value,
                                    bool of_resource, struct tcore_error *err)
{
    bool left_out = table->left_out && strlen(table->left_out) == length &&
                    !memcmp(table->left_out, key, length);

    if (value.kind == TCORE_ABSENT || left_out || has_member(table, members, key, length))
        return TCORE_OK;
    if (members->count == members->capacity) {
        size_t capacity = members->capacity ? members->capacity * 2 : 16;
        struct member *item = tcore_reallocarray(members->item, capacity, sizeof *item);

        if (!item)
            return tcore_error_nomem(err);
        members->item = item;
        members->capacity = capacity;
    }
    struct member *m = &members->item[members->count++];

    m->key = table->built.length;
    tcore_buf_append(&table->built, key, length);
    m->key_length = length;
    m->of_resource = of_resource;
    m->value = table->built.length;
    put_value(&table->built, value);
    m->value_length = table->built.length - m->value;
    return tcore_buf_status(&table->built, err);
}

/* What tells apart who measured, not what measured it. */
static bool is_of_the_sdk(const char *key, size_t length)
{
    static const char prefix[] = "telemetry.";

    return length >= sizeof prefix - 1 && !memcmp(key, prefix, sizeof prefix - 1);
}

/* The members of an object; of a resource without what service and the SDK are. */
static enum tcore_status add_object(struct series_table *table, struct members *members,
                                    struct tcore_value object, bool resource,
                                    struct tcore_error *err)
{
    static const char service_name[] = "service.name";
    struct tcore_json *json = &table->json;
    enum tcore_status status;

    if (object.kind != TCORE_JSON)
        return TCORE_OK;
    status = tcore_json_parse(json, object.s, object.len, err);
    if (status != TCORE_OK || !tcore_json_is_object(json->node))
        return status;
    for (uint32_t k = 1; k < json->node[0].next && status == TCORE_OK; k = json->node[k + 1].next) {
        struct tcore_value key = json->node[k].value;

        if (resource && (is_of_the_sdk(key.s, key.len) || (key.len == sizeof service_name - 1 &&
                                                           !memcmp(key.s, service_name, key.len))))
            continue;
        status = add_member(table, members, key.s, key.len, json->node[k + 1].value, resource, err);
    }
    return status;
}

static enum tcore_status add_row(struct series_table *table, struct members *members,
                                 const struct tcore_batch *batch, size_t row,
                                 struct tcore_error *err)
{
    enum tcore_record_type type = batch->types[row];
    enum tcore_status status = TCORE_OK;

    if (is_grouped_by(table, type)) {
        for (size_t i = 0; i < table->by_count && status == TCORE_OK; i++)
            status = add_member(table, members, by_name(table, i), strlen(by_name(table, i)),
                                get(batch, table->by_columns[i], row), false, err);
        return status;
    }
    if (type == TCORE_RECORD_AGGREGATE)
        return add_object(table, members, get(batch, table->group, row), false, err);
    status = add_member(table, members, "service", 7, get(batch, table->service, row), false, err);
    if (status == TCORE_OK)
        status = add_object(table, members, get(batch, table->dimensions, row), false, err);
    if (status == TCORE_OK && !table->without_resource)
        status = add_object(table, members, get(batch, table->resource, row), true, err);
    return status;
}

/* resource: with the members of the resource. */
static void put_group(struct tcore_buf *out, const struct series_table *table,
                      const struct members *members, bool resource)
{
    bool first = true;

    tcore_buf_putc(out, '{');
    for (size_t i = 0; i < members->count; i++) {
        const struct member *m = &members->item[i];

        if (m->of_resource && !resource)
            continue;
        if (!first)
            tcore_buf_putc(out, ',');
        first = false;
        tcore_json_write_string(out, table->built.data + m->key, m->key_length);
        tcore_buf_putc(out, ':');
        tcore_buf_append(out, table->built.data + m->value, m->value_length);
    }
    tcore_buf_putc(out, '}');
}

static int compare_members(const void *a, const void *b, void *data)
{
    const struct series_table *table = data;
    const struct member *x = a, *y = b;
    size_t shorter = x->key_length < y->key_length ? x->key_length : y->key_length;
    int order = memcmp(table->built.data + x->key, table->built.data + y->key, shorter);

    return order ? order : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

static enum tcore_status have_room(struct series_table *table, struct tcore_error *err)
{
    if (table->known.count < table->capacity)
        return TCORE_OK;
    size_t capacity = table->capacity ? table->capacity * 2 : 64;
    struct series_name *name = tcore_reallocarray(table->name, capacity, sizeof *name);

    if (!name)
        return tcore_error_nomem(err);
    table->name = name;
    table->capacity = capacity;
    return TCORE_OK;
}

/* --- Known and new series */

/* The series with these members, known or new; sorts them. */
static enum tcore_status intern(struct series_table *table, struct members *members,
                                struct series_name name, size_t limit, uint32_t *series,
                                struct tcore_error *err)
{
    struct tcore_buf group = {0}, label = {0}, identity = {0}, kin = {0};
    enum tcore_status status = have_room(table, err);

    put_group(&group, table, members, true);
    series_put_short_label(&label, table, members, name.metric_name, name.stat);
    if (members->count > 1)
        qsort_r(members->item, members->count, sizeof *members->item, compare_members, table);
    tcore_buf_printf(&identity, "%s %s %s ", name.record_type, name.metric_name, name.stat);
    tcore_buf_append(&kin, identity.data, identity.length);
    put_group(&identity, table, members, true);
    put_group(&kin, table, members, false);
    if (status == TCORE_OK && (group.failed || label.failed || identity.failed || kin.failed))
        status = tcore_error_nomem(err);
    *series = SERIES_NONE;
    if (status == TCORE_OK)
        *series = tcore_map_find(&table->known, identity.data, identity.length);
    if (status == TCORE_OK && *series == TCORE_MAP_NONE && table->known.count < limit) {
        *series = tcore_map_intern(&table->known, identity.data, identity.length, NULL);
        if (*series == TCORE_MAP_NONE ||
            !series_keep(table, members, &group, &label, &kin, &name)) {
            status = tcore_error_nomem(err);
        } else {
            name.identity = table->known.keys[*series].data;
            name.identity_length = identity.length;
            table->name[*series] = name;
        }
    }
    tcore_buf_free(&group);
    tcore_buf_free(&label);
    tcore_buf_free(&identity);
    tcore_buf_free(&kin);
    return status;
}

/* A copy of a string field, or what stands for it. NULL: out of memory. */
static const char *text_of(struct series_table *table, const struct tcore_batch *batch,
                           size_t column, size_t row, const char *otherwise)
{
    struct tcore_value value = get(batch, column, row);

    return value.kind == TCORE_STRING ? tcore_arena_copy(&table->text, value.s, value.len)
                                      : otherwise;
}

static enum tcore_status make_series(struct series_table *table, const struct tcore_batch *batch,
                                     size_t row, const char *stat, size_t limit, uint32_t *series,
                                     struct tcore_error *err)
{
    struct members members = {0};
    struct series_name name = {.record_type = tcore_record_type_name(batch->types[row]),
                               .metric_name = "durationNano",
                               .stat = stat};

    if (batch->types[row] != TCORE_RECORD_SPAN)
        name.metric_name = text_of(table, batch, table->metric_name, row, "");
    if (batch->types[row] == TCORE_RECORD_AGGREGATE)
        name.record_type = text_of(table, batch, table->record_type, row, name.record_type);
    if (!name.metric_name || !name.record_type)
        return tcore_error_nomem(err);
    tcore_buf_clear(&table->built);
    enum tcore_status status = add_row(table, &members, batch, row, err);

    if (status == TCORE_OK)
        status = intern(table, &members, name, limit, series, err);
    tcore_free(members.item);
    return status;
}

enum tcore_status series_of_row(struct series_table *table, const struct tcore_batch *batch,
                                size_t row, const char *stat, size_t limit, uint32_t *series,
                                struct tcore_error *err)
{
    make_raw_key(table, batch, row, stat);
    if (table->key.failed)
        return tcore_error_nomem(err);
    uint32_t raw = tcore_map_find(&table->raw, table->key.data, table->key.length);

    if (raw != TCORE_MAP_NONE) {
        *series = table->of_raw[raw];
        return TCORE_OK;
    }
    enum tcore_status status = make_series(table, batch, row, stat, limit, series, err);

    if (status != TCORE_OK || *series == SERIES_NONE)
        return status;
    if (table->raw.count == table->raw_capacity) {
        size_t capacity = table->raw_capacity ? table->raw_capacity * 2 : 64;
        uint32_t *of_raw = tcore_reallocarray(table->of_raw, capacity, sizeof *of_raw);

        if (!of_raw)
            return tcore_error_nomem(err);
        table->of_raw = of_raw;
        table->raw_capacity = capacity;
    }
    raw = tcore_map_intern(&table->raw, table->key.data, table->key.length, NULL);
    if (raw == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    table->of_raw[raw] = *series;
    return TCORE_OK;
}

enum tcore_status series_of_parts(struct series_table *table, const char *record_type,
                                  const char *metric_name, const char *stat, const char *group,
                                  size_t group_length, size_t origin_count, uint32_t *series,
                                  struct tcore_error *err)
{
    struct members members = {0};
    struct series_name name = {
        .record_type = record_type, .metric_name = metric_name, .stat = stat};
    struct tcore_value object = {.kind = TCORE_JSON, .len = (uint32_t)group_length, .s = group};

    tcore_buf_clear(&table->built);
    enum tcore_status status = add_object(table, &members, object, false, err);

    for (size_t i = members.count; i > 0 && members.count - i < origin_count; i--)
        members.item[i - 1].of_resource = true;
    if (status == TCORE_OK)
        status = intern(table, &members, name, SIZE_MAX, series, err);
    tcore_free(members.item);
    return status;
}
