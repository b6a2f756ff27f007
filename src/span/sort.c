/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span sort: records in the order of some fields, however many there are. */
#include <config.h>

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "span/sort_key.h"
#include "span/sort_runs.h"
#include "span/verbs.h"

#include <string.h>

#define MEMORY       ((int64_t)256 << 20) /* --memory, if it is not given */
#define OUTPUT_BYTES ((size_t)1 << 20)

struct sort_options {
    struct cli_strings by;
};

struct sort_field {
    char *name; /* owned */
    bool descending, time;
    size_t column;
};

struct sort {
    struct cli *cli;
    struct sort_field *field; /* owned */
    size_t count;
    struct sort_runs runs;
    bool finished;
};

/* --- Which fields */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static char *copy_text(const char *text, size_t length)
{
    char *copy = tcore_realloc(NULL, length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static bool choose_fields(struct sort *sort, const struct cli_strings *by)
{
    static const char *by_time[] = {"startTimeUnixNano"};
    struct cli_strings fields = by->count ? *by : (struct cli_strings){by_time, 1};
    sort->field = tcore_calloc(fields.count, sizeof *sort->field);
    for (; sort->field && sort->count < fields.count; sort->count++) {
        struct sort_field *field = &sort->field[sort->count];
        const char *text = fields.item[sort->count];
        size_t length = strlen(text);
        field->descending = ends_with(text, ":desc");
        if (field->descending || ends_with(text, ":asc"))
            length -= field->descending ? 5 : 4;
        field->name = copy_text(text, length);
        if (!field->name)
            return false;
        field->time = ends_with(field->name, "UnixNano");
    }
    return sort->field;
}

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct sort *sort = state;
    enum tcore_status status = TCORE_OK;
    projection->text = true;
    for (size_t i = 0; i < sort->count && status == TCORE_OK; i++)
        status = tcore_projection_add_field(projection, sort->field[i].name, &sort->field[i].column,
                                            err);
    return status;
}

/* --- A thread's part: keys */

struct worker {
    struct sort *sort;
    struct tcore_buf keys;
    size_t *key_end; /* of each of the rows */
    const struct tcore_batch *batch;
    const uint32_t *rows;
    size_t count, capacity;
};

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    struct worker *w = *worker = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    w->sort = state;
    return TCORE_OK;
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct worker *w = worker;
    (void)state;
    (void)err;
    if (w) {
        tcore_buf_free(&w->keys);
        tcore_free(w->key_end);
    }
    tcore_free(w);
    return TCORE_OK;
}

static enum tcore_status make_keys(void *state, void *worker, const struct tcore_batch *batch,
                                   const uint32_t *rows, size_t count, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    const struct sort *sort = state;
    struct worker *w = worker;
    (void)out;
    if (count > w->capacity) {
        tcore_free(w->key_end);
        w->key_end = tcore_reallocarray(NULL, count, sizeof *w->key_end);
        w->capacity = w->key_end ? count : 0;
        if (!w->key_end)
            return tcore_error_nomem(err);
    }
    tcore_buf_clear(&w->keys);
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; f < sort->count; f++) {
            const struct sort_field *field = &sort->field[f];
            struct tcore_value value = tcore_column_get(&batch->columns[field->column], rows[i]);
            sort_key_put(&w->keys, &value, field->time, field->descending);
        }
        w->key_end[i] = w->keys.length;
    }
    w->batch = batch;
    w->rows = rows;
    w->count = count;
    return tcore_buf_status(&w->keys, err);
}

static enum tcore_status take_records(void *state, void *worker, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    struct sort *sort = state;
    struct worker *w = worker;
    enum tcore_status status = TCORE_OK;
    (void)out;
    for (size_t i = 0, at = 0; i < w->count && status == TCORE_OK; at = w->key_end[i++])
        status =
            sort_runs_add(&sort->runs, (struct tcore_slice){w->keys.data + at, w->key_end[i] - at},
                          w->batch->text[w->rows[i]], err);
    w->count = 0;
    return status;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct sort *sort = state;
    struct tcore_slice text;
    enum tcore_status status = sort->finished ? TCORE_OK : sort_runs_finish(&sort->runs, err);
    sort->finished = true;
    while (status == TCORE_OK && out->length < OUTPUT_BYTES) {
        status = sort_runs_next(&sort->runs, &text, err);
        if (status == TCORE_OK) {
            tcore_buf_append(out, text.data, text.length);
            tcore_buf_putc(out, '\n');
        }
    }
    if (status == TCORE_EOF)
        return tcore_buf_status(out, err);
    return status == TCORE_OK ? TCORE_SKIP : status;
}

/* --- The verb */

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const struct cli_operator sorting = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .open = open_columns,
        .worker_open = open_worker,
        .batch = make_keys,
        .in_turn = take_records,
        .worker_close = close_worker,
        .finish = finish,
    };
    const struct sort_options *options = verb_options;
    struct sort sort = {.cli = cli};
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : MEMORY;
    int status = CLI_FAILED;
    sort_runs_open(&sort.runs, (size_t)memory);
    if (choose_fields(&sort, &options->by))
        status = cli_filter(cli, &sorting, &sort, argc, argv);
    else
        cli_error(cli, "out of memory");
    sort_runs_close(&sort.runs);
    for (size_t i = 0; sort.field && i < sort.count; i++)
        tcore_free(sort.field[i].name);
    tcore_free(sort.field);
    return status;
}

static const struct cli_option options[] = {
    {0, "by", CLI_LIST, offsetof(struct sort_options, by), "FIELD[:desc],...",
     "sort by these fields (default: startTimeUnixNano)", NULL},
};

const struct cli_verb span_sort = {
    .name = "sort",
    .summary = "Sort records by fields.",
    .operands = "[INPUT]...",
    .description =
        "Values are in the order of jq: null, false, true, numbers, strings by their bytes; times "
        "are numbers. :desc turns it round; records without the field come last in any case. "
        "Those with equal fields stay in the order in which they came.\n"
        "\n"
        "Spans and traces are sorted, or records of the types that --type names. What does not "
        "fit into --memory is kept in a temporary file without a name, in TMPDIR or else /tmp.\n"
        "\n"
        "Examples:\n"
        "  trace-span sort spans.ndjson\n"
        "  trace-span sort --by=durationNano:desc --limit=10 spans.ndjson\n"
        "  trace-span sort --by=service,startTimeUnixNano spans.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "write what is more to a temporary file (default 256M)",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct sort_options),
    .run = run,
};
