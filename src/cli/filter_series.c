/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --where on roll-ups: an expression that looks at nothing but what series are of is asked once a
 * series, as if that were a record with these fields.
 */
#include <config.h>

#include "cli/filter_private.h"

#include "base/sys.h"
#include "store/rollup.h"

#include <string.h>

/* What a column of --where is in a series. */
enum part { PART_SERVICE, PART_NAME, PART_METRIC, PART_TYPE, PART_NONE };

static enum part part_of(const struct tcore_projection_column *column)
{
    const struct tcore_path *path = &column->paths[0];
    if (path->count != 1)
        return PART_NONE;
    const char *name = path->keys[0].name;
    size_t length = path->keys[0].length;
    for (int i = 0; i < TCORE_SERIES_FIELDS; i++)
        if (strlen(tcore_series_field_names[i]) == length &&
            !memcmp(tcore_series_field_names[i], name, length))
            return (enum part)i;
    return length == 4 && !memcmp(name, "type", 4) ? PART_TYPE : PART_NONE;
}

bool where_is_of_series(const struct run *run, unsigned *fields)
{
    *fields = 0;
    if (!run->select.where)
        return true;
    if (!tcore_expr_is_native(run->select.where))
        return false;
    for (size_t c = run->select.where_columns[0]; c < run->select.where_columns[1]; c++) {
        enum part part = part_of(&run->columns->projection.columns[c]);
        if (part == PART_NONE)
            return false;
        if (part != PART_TYPE)
            *fields |= 1u << part;
    }
    return true;
}

/* The series as rows of a batch with the columns of --where. */
struct rows {
    struct tcore_rollup_series *series; /* owned */
    size_t count;
    uint8_t *types;              /* owned */
    struct tcore_column *column; /* of the whole projection; owned */
    struct tcore_value *value;   /* by column of --where, then row; owned */
    uint32_t *row;               /* owned */
};

static void free_rows(struct rows *r)
{
    tcore_free(r->series);
    tcore_free(r->types);
    tcore_free(r->column);
    tcore_free(r->value);
    tcore_free(r->row);
}

/* A symbol's value. False: it says less than the value did, as of numbers. */
static bool value_of(const struct tcore_slice *symbol, struct tcore_value *value)
{
    switch (symbol->length ? symbol->data[0] : '\0') {
    case '\0':
        *value = (struct tcore_value){0};
        return true;
    case 's':
        *value = tcore_value_string(symbol->data + 1, symbol->length - 1);
        return true;
    case 't':
    case 'f':
        *value = tcore_value_bool(symbol->data[0] == 't');
        return true;
    case '0':
        *value = (struct tcore_value){.kind = TCORE_NULL};
        return true;
    default:
        return false;
    }
}

static bool part_value(const struct tcore_rollup_series *series, enum part part,
                       struct tcore_value *value)
{
    static const struct tcore_slice absent;
    const char *type = tcore_record_type_name(series->type);
    switch (part) {
    case PART_SERVICE:
        return value_of(&series->service, value);
    case PART_NAME:
        return value_of(&series->name, value);
    case PART_METRIC: /* that of a span is what was measured, and no field */
        return value_of(series->type == TCORE_RECORD_SPAN ? &absent : &series->metric, value);
    default:
        *value = tcore_value_string(type, strlen(type));
        return true;
    }
}

/* TCORE_SKIP: some series has a value that cannot be had back. */
static enum tcore_status fill_rows(const struct run *run, unsigned types, struct rows *r,
                                   struct tcore_error *err)
{
    const struct tcore_projection *projection = &run->columns->projection;
    static const struct tcore_value absent;
    size_t first = run->select.where_columns[0], last = run->select.where_columns[1];
    r->types = tcore_calloc(r->count, sizeof *r->types);
    r->column = tcore_calloc(projection->count, sizeof *r->column);
    r->value = tcore_calloc(r->count, (last - first) * sizeof *r->value);
    r->row = tcore_calloc(r->count, sizeof *r->row);
    if (!r->types || !r->column || !r->value || !r->row)
        return tcore_error_nomem(err);
    for (size_t c = 0; c < projection->count; c++)
        r->column[c] = (struct tcore_column){
            .form = TCORE_COLUMN_CONSTANT, .values = &absent, .value_count = 1};
    for (size_t c = first; c < last; c++) {
        struct tcore_value *value = r->value + (c - first) * r->count;
        enum part part = part_of(&projection->columns[c]);
        for (size_t i = 0; i < r->count; i++)
            if (types >> r->series[i].type & 1 && !part_value(&r->series[i], part, &value[i]))
                return TCORE_SKIP;
        r->column[c] = (struct tcore_column){
            .form = TCORE_COLUMN_VALUES, .values = value, .value_count = (uint32_t)r->count};
    }
    for (size_t i = 0; i < r->count; i++)
        r->types[i] = (uint8_t)r->series[i].type;
    return TCORE_OK;
}

/* TCORE_SKIP: it gave an error for some, and the records that it gives one for are to be counted.
 */
static enum tcore_status ask(struct worker *worker, unsigned types, struct rows *r, bool *wanted,
                             struct tcore_error *err)
{
    const struct tcore_batch batch = {.rows = r->count,
                                      .types = r->types,
                                      .columns = r->column,
                                      .column_count = worker->run->columns->projection.count};
    size_t count = 0;
    uint64_t failed = 0;
    for (size_t i = 0; i < r->count; i++)
        if (types >> r->types[i] & 1)
            r->row[count++] = (uint32_t)i;
    enum tcore_status status =
        tcore_expr_select(worker->where, &batch, r->row, &count, &failed, err);
    if (status != TCORE_OK || failed)
        return status != TCORE_OK ? status : TCORE_SKIP;
    for (size_t i = 0; i < count; i++)
        wanted[r->row[i]] = true;
    return TCORE_OK;
}

enum tcore_status select_series(struct worker *worker, const struct tcore_slice *rollup,
                                unsigned types, bool **wanted, struct tcore_error *err)
{
    struct tcore_rollup_reader *reader;
    struct rows rows = {0};
    *wanted = NULL;
    if (!worker->where)
        return TCORE_OK;
    enum tcore_status status =
        tcore_rollup_reader_open(&reader, rollup->data, rollup->length, false, err);
    if (status == TCORE_OK)
        status = tcore_rollup_reader_keys(reader, &rows.series, &rows.count, err);
    if (status == TCORE_OK)
        status = fill_rows(worker->run, types, &rows, err);
    if (status == TCORE_OK) {
        *wanted = tcore_calloc(rows.count, sizeof **wanted);
        status = *wanted ? ask(worker, types, &rows, *wanted, err) : tcore_error_nomem(err);
    }
    if (status != TCORE_OK) {
        tcore_free(*wanted);
        *wanted = NULL;
    }
    free_rows(&rows);
    tcore_rollup_reader_free(reader);
    return status;
}
