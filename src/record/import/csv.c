/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CSV (RFC 4180) and TSV, as this package writes them or with columns that are called as fields
 * are. A row is put together as a record's JSON text, by the schema of its type, and goes the way
 * of native records. Columns that the type does not have are attributes, dimensions or the group.
 */
#include <config.h>

#include "record/import/csv.h"
#include "record/import/cut.h"
#include "record/import/json.h"

#include "base/sys.h"
#include "c-ctype.h"
#include "model/canonical.h"
#include "model/time.h"
#include "stream/binary_codec.h"

/* Objects whose members may be columns. */
static const char *const parts[] = {"attributes", "dimensions", "resource", "group",
                                    "scope",      "context",    "quality",  "metadata"};
enum { PARTS = sizeof(parts) / sizeof(*parts) };

struct row {
    struct import_job *job;
    struct csv_table table;
    enum tcore_record_type type;
    const struct tcore_fields *fields;
    struct tcore_buf text;        /* of the record */
    struct tcore_buf part[PARTS]; /* members of each, with commas */
    struct tcore_json probe;      /* of single cells */
};

static bool is(struct tcore_slice text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

/* --- what a column is --- */

/* The type that the row says it has, or its columns decide. */
static enum tcore_record_type type_of(const struct row *r)
{
    static const struct {
        const char *field;
        enum tcore_record_type type;
    } deciding[] = {{"metricName", TCORE_RECORD_METRIC},
                    {"executionId", TCORE_RECORD_EXECUTION},
                    {"body", TCORE_RECORD_LOG},
                    {"severity", TCORE_RECORD_LOG},
                    {"spanId", TCORE_RECORD_SPAN}};
    const struct csv_table *t = &r->table;
    for (size_t c = 0; c < t->columns; c++)
        if (is(t->name[c], "type") && t->cell[c].length)
            return tcore_record_type_find(t->cell[c].data, t->cell[c].length);
    for (size_t i = 0; i < sizeof(deciding) / sizeof(*deciding); i++)
        for (size_t c = 0; c < t->columns; c++)
            if (is(t->name[c], deciding[i].field) && t->cell[c].length)
                return deciding[i].type;
    return TCORE_RECORD_NONE;
}

static int part_of(const char *name, size_t length)
{
    for (int i = 0; i < PARTS; i++)
        if (strlen(parts[i]) == length && memcmp(parts[i], name, length) == 0)
            return i;
    return -1;
}

/* Where fields go that the type does not have. */
static int free_part(enum tcore_record_type type)
{
    switch (type) {
    case TCORE_RECORD_METRIC:
        return part_of("dimensions", 10);
    case TCORE_RECORD_AGGREGATE:
    case TCORE_RECORD_FINDING:
        return part_of("group", 5);
    default:
        return part_of("attributes", 10);
    }
}

/* --- what a cell is --- */

static bool is_json(struct row *r, struct tcore_slice cell)
{
    struct tcore_error err;
    enum tcore_status status = tcore_json_parse(&r->probe, cell.data, cell.length, &err);
    r->job->failed |= status == TCORE_FATAL;
    return status == TCORE_OK;
}

/* Numbers, words and objects as they are, texts in quotes: all else is a text. */
static void put_any(struct row *r, struct tcore_buf *out, struct tcore_slice cell)
{
    char c = *cell.data;
    bool json = (c == '-' || c == '{' || c == '[' || c_isdigit(c) || is(cell, "true") ||
                 is(cell, "false") || is(cell, "null")) &&
                is_json(r, cell);
    if (json)
        tcore_buf_append(out, cell.data, cell.length);
    else
        tcore_json_write_string(out, cell.data, cell.length);
}

/* A time may be written as people do. */
static void put_time(struct tcore_buf *out, struct tcore_slice cell)
{
    int64_t ns;
    tcore_buf_putc(out, '"');
    if (tcore_parse_time(cell.data, cell.length, &ns))
        import_put_int64(out, ns);
    else
        for (size_t i = 0; i < cell.length; i++)
            tcore_buf_putc(out, strchr("\"\\", cell.data[i]) || (unsigned char)cell.data[i] < ' '
                                    ? '?'
                                    : cell.data[i]);
    tcore_buf_putc(out, '"');
}

static void put_cell(struct row *r, struct tcore_buf *out, const struct tcore_field *field,
                     struct tcore_slice cell)
{
    switch (field ? field->field_class : TCORE_FIELD_ANY) {
    case TCORE_FIELD_TIME:
        put_time(out, cell);
        break;
    case TCORE_FIELD_STRING:
    case TCORE_FIELD_TRACE_ID:
    case TCORE_FIELD_SPAN_ID:
        tcore_json_write_string(out, cell.data, cell.length);
        break;
    default:
        put_any(r, out, cell);
        break;
    }
}

/* --- rows --- */

static void put_key(struct tcore_buf *out, const char *name, size_t length)
{
    if (out->length)
        tcore_buf_putc(out, ',');
    tcore_json_write_string(out, name, length);
    tcore_buf_putc(out, ':');
}

static void put_in_part(struct row *r, int part, struct tcore_slice name,
                        const struct tcore_field *field, struct tcore_slice cell)
{
    put_key(&r->part[part], name.data, name.length);
    put_cell(r, &r->part[part], field, cell);
}

/* A whole object is one of the parts: others may add to it. */
static bool put_part(struct row *r, int part, struct tcore_slice cell)
{
    if (cell.data[0] != '{' || !is_json(r, cell))
        return import_bad(r->job, "%s that are no JSON object", parts[part]);
    struct tcore_slice inner = {cell.data + 1, cell.length - 2};
    while (inner.length && strchr(" \t\r\n", inner.data[0]))
        inner = (struct tcore_slice){inner.data + 1, inner.length - 1};
    if (inner.length && r->part[part].length)
        tcore_buf_putc(&r->part[part], ',');
    tcore_buf_append(&r->part[part], inner.data, inner.length);
    return true;
}

/* One cell that is not empty. */
static bool put_column(struct row *r, struct tcore_slice name, struct tcore_slice cell)
{
    const struct tcore_field *field = tcore_fields_find(r->fields, name.data, name.length);
    int part = part_of(name.data, name.length);
    if (field && part >= 0)
        return put_part(r, part, cell);
    if (field) {
        put_key(&r->text, name.data, name.length);
        put_cell(r, &r->text, field, cell);
        return true;
    }
    const char *dot = memchr(name.data, '.', name.length);
    size_t before = dot ? (size_t)(dot - name.data) : 0;
    part = dot ? part_of(name.data, before) : -1;
    field = part >= 0 ? tcore_fields_find(r->fields, name.data, before) : NULL;
    if (field) {
        struct tcore_slice member = {dot + 1, name.length - before - 1};
        const struct tcore_field *inner =
            field->fields ? tcore_fields_find(field->fields, member.data, member.length) : NULL;
        put_in_part(r, part, member, inner, cell);
    } else if (is(name, "service.name")) {
        put_in_part(r, part_of("resource", 8), name, NULL, cell);
    } else {
        put_in_part(r, free_part(r->type), name, NULL, cell);
    }
    return true;
}

static bool put_row(struct row *r)
{
    struct csv_table *t = &r->table;
    r->type = type_of(r);
    r->fields = tcore_record_fields(r->type);
    tcore_buf_clear(&r->text);
    for (int i = 0; i < PARTS; i++)
        tcore_buf_clear(&r->part[i]);
    for (size_t c = 0; c < t->columns; c++) {
        if (t->cell[c].length && !tcore_binary_is_text(t->cell[c].data, t->cell[c].length, false))
            return import_bad(r->job, "a text that is not UTF-8 in column %zu", c + 1);
        if (t->cell[c].length && t->name[c].length && !put_column(r, t->name[c], t->cell[c]))
            return false;
    }
    for (int i = 0; i < PARTS; i++)
        if (r->part[i].length) {
            put_key(&r->text, parts[i], strlen(parts[i]));
            tcore_buf_putc(&r->text, '{');
            tcore_buf_append(&r->text, r->part[i].data, r->part[i].length);
            tcore_buf_putc(&r->text, '}');
            r->job->failed |= r->part[i].failed;
        }
    return true;
}

/* The row's text becomes a record, as a line of NDJSON would. */
static bool put_record(struct row *r)
{
    struct tcore_error err;
    enum tcore_record_type type;
    struct tcore_buf object = {0};
    tcore_buf_putc(&object, '{');
    tcore_buf_append(&object, r->text.data, r->text.length);
    tcore_buf_putc(&object, '}');
    enum tcore_status status = object.failed || r->text.failed ? TCORE_FATAL : TCORE_OK;
    if (status == TCORE_OK)
        status = tcore_json_parse(&r->probe, object.data, object.length, &err);
    if (status == TCORE_OK)
        status = tcore_record_canonical(&r->probe, true, &r->job->result->out, &type, &err);
    r->job->failed |= status == TCORE_FATAL;
    if (status == TCORE_OK && (type == TCORE_RECORD_NONE || type == TCORE_RECORD_OTHER))
        status = tcore_error_set(&err, TCORE_SKIP,
                                 "a row of no type of record: it has neither a "
                                 "type nor a metricName, spanId, ...");
    if (status == TCORE_OK)
        tcore_buf_putc(&r->job->result->out, '\n');
    tcore_buf_free(&object);
    return status == TCORE_OK || (status == TCORE_SKIP && import_bad(r->job, "%s", err.text));
}

static void read_rows(struct row *r)
{
    struct import_job *job = r->job;
    struct tcore_slice rest = {job->text, job->length}, text;
    while (csv_next(&r->table, &rest, &text) && !job->failed) {
        size_t mark = job->result->out.length;
        if (csv_is_blank(&r->table))
            continue;
        if (csv_check(job, &r->table) && put_row(r) && put_record(r)) {
            job->result->documents++;
            continue;
        }
        job->result->out.length = mark;
        import_reject_bytes(job, text, NULL);
    }
}

static void convert(struct import_job *job, char separator)
{
    struct row *r = tcore_calloc(1, sizeof(*r));
    if (!r) {
        job->failed = true;
        return;
    }
    r->job = job;
    r->probe.depth_limit = job->json.depth_limit;
    if (csv_open(&r->table, job, separator))
        read_rows(r);
    csv_close(&r->table);
    for (int i = 0; i < PARTS; i++)
        tcore_buf_free(&r->part[i]);
    tcore_buf_free(&r->text);
    tcore_json_free(&r->probe);
    tcore_free(r);
}

static void convert_csv(struct import_job *job)
{
    convert(job, ',');
}

static void convert_tsv(struct import_job *job)
{
    convert(job, '\t');
}

#define HINT                                                                                       \
    "no column says what record a row is (type, metricName, spanId, ...): --columns names "        \
    "columns, --map makes records of rows"

const struct import_format import_csv = {
    .name = "csv",
    .summary = "CSV of records",
    .hint = HINT,
    .input = IMPORT_TEXT,
    .cut = import_cut_rows,
    .bare_cut = import_cut_bare_rows,
    .convert = convert_csv,
};

const struct import_format import_tsv = {
    .name = "tsv",
    .summary = "TSV of records",
    .hint = HINT,
    .input = IMPORT_TEXT,
    .cut = import_cut_headed_lines,
    .bare_cut = import_cut_lines,
    .convert = convert_tsv,
};
