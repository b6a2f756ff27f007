/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-report table: records as one table for people. Without --fields: what an aggregate's reader
 * looks for first (its window, group and statistics), or the scalar fields of the first record.
 */
#include <config.h>

#include "cli/fields.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "report/render.h"
#include "report/verbs.h"

#include "base/sys.h"
#include "model/number.h"

#include <stddef.h>
#include <string.h>

#define ROWS_DEFAULT 10000

struct table_options {
    const char *format;
    struct cli_strings fields;
    int64_t limit;
};

struct table_run {
    struct cli *cli;
    const struct table_options *options;
    struct cli_fields fields;
    struct tcore_json json;
    struct document document;
    struct table *table;
    struct page page;
    uint64_t left_out, partials;
};

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    (void)state;
    (void)err;
    projection->text = true;
    return TCORE_OK;
}

static bool ends_with(const struct cli_field *field, const char *end)
{
    size_t length = strlen(end);
    return field->name_length >= length &&
           memcmp(field->name + field->name_length - length, end, length) == 0;
}

static bool is_named(const struct cli_field *field, const char *name)
{
    return field->name_length == strlen(name) && memcmp(field->name, name, field->name_length) == 0;
}

/* --- Columns */

/* Fields that say the same in every row of an aggregate, or are of no use to people. */
static bool is_dull(const struct cli_field *field)
{
    static const char *const names[] = {"type",        "recordType", "windowNano",
                                        "fingerprint", "traceState", "flags"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!field->object && is_named(field, names[i]))
            return true;
    return false;
}

/* Of the group or the dimensions, so part of a name. */
static bool is_of_group(const struct cli_field *field)
{
    return field->object &&
           (strcmp(field->object, "group") == 0 || strcmp(field->object, "dimensions") == 0);
}

/* Group and dimensions first, then times, then the rest in its order. */
static unsigned place_of(const struct cli_field *field)
{
    if (is_of_group(field))
        return 0;
    return ends_with(field, "StartUnixNano") || is_named(field, "timeUnixNano") ? 1 : 2;
}

static void arrange(struct cli_fields *fields)
{
    size_t kept = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (!is_dull(&fields->field[i]))
            fields->field[kept++] = fields->field[i];
    fields->count = kept;
    for (size_t i = 1; i < kept; i++) /* few, and it keeps their order */
        for (size_t k = i; k && place_of(&fields->field[k]) < place_of(&fields->field[k - 1]);
             k--) {
            struct cli_field moved = fields->field[k];
            fields->field[k] = fields->field[k - 1];
            fields->field[k - 1] = moved;
        }
}

/* What each type of record is looked at for, the most important first. Of the columns that nobody
 * asked for by name those that are not listed go first where there is no room, then the list from
 * its end. A name of ":" stands for all of group and dimensions. */
static const char *const *wanted_of(enum tcore_record_type type)
{
    static const char *const aggregate[] = {":",     "metricName", "windowStartUnixNano",
                                            "count", "p99",        "errorRate",
                                            "p95",   "p50",        "mean",
                                            "max",   "rate",       NULL};
    static const char *const metric[] = {"metricName",   "value", ":",    "service",
                                         "timeUnixNano", "unit",  "stat", NULL};
    static const char *const finding[] = {"message",    "severity", "timeUnixNano", "kind",
                                          "metricName", ":",        "stat",         "value",
                                          "expected",   "pValue",   "score",        NULL};
    static const char *const log[] = {"body",    "severity", "timeUnixNano",
                                      "service", "traceId",  NULL};
    static const char *const alert[] = {"alertName", "state", "timeUnixNano", "value", NULL};
    static const char *const trace[] = {"traceId",    "totalDuration", "serviceName", "spanCount",
                                        "errorCount", "startTime",     "rootSpanId",  NULL};
    static const char *const other[] = {
        "name",   "service", "serviceName", "durationNano", "startTimeUnixNano", "timeUnixNano",
        "status", "kind",    "traceId",     "spanId",       "parentSpanId",      NULL};
    switch (type) {
    case TCORE_RECORD_AGGREGATE:
        return aggregate;
    case TCORE_RECORD_METRIC:
        return metric;
    case TCORE_RECORD_FINDING:
        return finding;
    case TCORE_RECORD_LOG:
        return log;
    case TCORE_RECORD_ALERT:
        return alert;
    case TCORE_RECORD_TRACE:
        return trace;
    default:
        return other;
    }
}

static uint8_t spare_of(const struct cli_field *field, enum tcore_record_type type)
{
    const char *const *wanted = wanted_of(type);
    uint8_t i = 0;
    for (; wanted[i]; i++)
        if (is_of_group(field) ? strcmp(wanted[i], ":") == 0 : is_named(field, wanted[i]))
            break;
    bool sentences = type == TCORE_RECORD_FINDING || type == TCORE_RECORD_LOG;
    return sentences && i < 3 ? 0 : i; /* how grave and when stay beside what */
}

/* A sentence says more than the columns that have to go for it. */
static bool is_sentence(const struct cli_field *field)
{
    return !field->object && (is_named(field, "message") || is_named(field, "body"));
}

static bool text_is(const struct tcore_json *json, const char *field, const char *text)
{
    uint32_t at = tcore_json_find(json, 0, field);
    return at && tcore_value_is_text(&json->node[at].value, text);
}

static const char *title_of(const struct cli_field *field)
{
    return is_named(field, "windowStartUnixNano") ? "window" : field->name;
}

static bool begin(struct table_run *run, enum tcore_record_type type)
{
    struct cli_fields *fields = &run->fields;
    if (!fields->asked && !cli_fields_choose(fields, &run->json))
        return false;
    if (!fields->asked)
        arrange(fields);
    struct column *columns = tcore_calloc(fields->count + 1, sizeof *columns);
    if (!columns)
        return false;
    for (size_t i = 0; i < fields->count; i++) {
        struct cli_field *field = &fields->field[i];
        struct tcore_value value = cli_fields_get(field, &run->json);
        columns[i].title = title_of(field);
        columns[i].right = tcore_value_is_number(&value);
        columns[i].shrinks = !columns[i].right && !ends_with(field, "UnixNano");
        columns[i].spare = fields->asked ? 0 : spare_of(field, type);
        if (!fields->asked && is_sentence(field))
            columns[i].shrinks = COLUMN_CUT_LAST;
    }
    run->table = document_table(&run->document, columns, fields->count);
    tcore_free(columns);
    return run->table;
}

/* --- Rows */

static struct cell make_cell(struct table_run *run, const struct cli_field *field,
                             const struct tcore_value *value)
{
    struct document *document = &run->document;
    int64_t integer;
    struct tcore_buf text = {0};
    if (value->kind == TCORE_ABSENT)
        return (struct cell){0};
    bool is_time = ends_with(field, "UnixNano");
    if (is_time && value->kind == TCORE_STRING && tcore_parse_int64(value->s, value->len, &integer))
        return cell_time(integer);
    if (is_time && tcore_value_int64(value, &integer))
        return cell_time(integer);
    if (value->kind == TCORE_STRING)
        return cell_text(document, value->s, value->len);
    if (tcore_value_is_number(value)) {
        bool duration = cli_fields_is_duration(field, &run->json);
        if (is_named(field, "errorRate") && text_is(&run->json, "recordType", "metric"))
            return (struct cell){0}; /* a metric has no errors, and so none that are 0 */
        if (is_named(field, "errorRate"))
            return cell_number(CELL_SHARE, tcore_value_double(value));
        return cell_number(duration ? CELL_DURATION : CELL_NUMBER, tcore_value_double(value));
    }
    tcore_json_write_value(&text, value);
    struct cell cell = cell_text(document, text.data ? text.data : "", text.length);
    document->failed |= text.failed;
    tcore_buf_free(&text);
    return cell;
}

static bool add_record(struct table_run *run, enum tcore_record_type type)
{
    if (!run->table && !begin(run, type))
        return false;
    struct cell *cells = document_row(&run->document, run->table);
    if (!cells)
        return false;
    for (size_t i = 0; i < run->fields.count; i++) {
        struct tcore_value value = cli_fields_get(&run->fields.field[i], &run->json);
        cells[i] = make_cell(run, &run->fields.field[i], &value);
    }
    cli_fields_learn(&run->fields, &run->json);
    return !run->document.failed;
}

static enum tcore_status add_batch(void *state, void *worker, const struct tcore_batch *batch,
                                   const uint32_t *rows, size_t count, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    struct table_run *run = state;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count; i++) {
        const struct tcore_slice *text = &batch->text[rows[i]];
        if (run->table && run->table->row_count >= (size_t)run->options->limit) {
            run->left_out++;
            continue;
        }
        enum tcore_status status = tcore_json_parse(&run->json, text->data, text->length, err);
        if (status == TCORE_FATAL)
            return status;
        if (status == TCORE_OK && tcore_json_find(&run->json, 0, "partial"))
            run->partials++;
        else if (status == TCORE_OK &&
                 !add_record(run, (enum tcore_record_type)batch->types[rows[i]]))
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct table_run *run = state;
    enum tcore_status status = document_status(&run->document, err);
    if (run->left_out)
        document_paragraph(&run->document, TONE_FAINT, "and %llu more (--limit)",
                           (unsigned long long)run->left_out);
    if (!status)
        renderer_find(run->options->format)->render(&run->document, &run->page, out);
    if (run->partials)
        cli_note(run->cli,
                 "%llu record%s of partial aggregates left out: trace-agg --merge makes them whole",
                 (unsigned long long)run->partials, run->partials == 1 ? "" : "s");
    for (size_t i = 0; i < run->fields.count && run->table && run->fields.asked; i++)
        if (!run->fields.field[i].seen)
            cli_note_absent_field(run->cli, run->fields.field[i].name, &run->fields.names, false);
    return status ? status : tcore_buf_status(out, err);
}

static int run_verb(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = (1u << TCORE_RECORD_TYPES) - 1 - (1u << TCORE_RECORD_CLOCK),
        .ordered = true,
        .open = open_columns,
        .batch = add_batch,
        .finish = finish,
    };
    struct table_run run = {.cli = cli, .options = verb_options};
    int exit_status;
    page_detect(cli, &run.page);
    if (run.options->fields.count && !cli_fields_ask(&run.fields, &run.options->fields)) {
        cli_error(cli, "out of memory");
        exit_status = cli_exit_status(cli, false);
    } else {
        exit_status = cli_filter(cli, &op, &run, argc, argv);
    }
    document_free(&run.document);
    tcore_json_free(&run.json);
    cli_fields_free(&run.fields);
    return exit_status;
}

static const struct cli_option options[] = {
    {0, "format", CLI_CHOICE, offsetof(struct table_options, format), "FORMAT", "show the table as",
     "text|md"},
    {0, "fields", CLI_LIST, offsetof(struct table_options, fields), "LIST",
     "columns: fields, also of attributes, dimensions, groups and resources", NULL},
    {0, "limit", CLI_INT, offsetof(struct table_options, limit), "N",
     "show at most N records (default 10000)", NULL},
};

static const struct table_options defaults = {.format = "text", .limit = ROWS_DEFAULT};

const struct cli_verb report_table = {
    .name = "table",
    .summary = "Show records as a table.",
    .operands = "[INPUT]...",
    .description =
        "Times are shown as RFC 3339, durations and shares with their units. Without --fields the "
        "columns are those of the first record, an aggregate's group first. Text fits the "
        "terminal, or COLUMNS.\n"
        "\n"
        "Examples:\n"
        "  trace-agg --by=service spans.ndjson | trace-report table\n"
        "  trace-report table --type=span --fields=startTimeUnixNano,service,name \\\n"
        "      --limit=20 spans.ndjson\n"
        "  trace-agg --by=service --window=10s spans.ndjson |\n"
        "      trace-report table --format=md\n",
    .groups = CLI_READS | CLI_OUTPUT,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct table_options),
    .defaults = &defaults,
    .run = run_verb,
};
