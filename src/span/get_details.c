/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span get --details: which records it needs, and the spans that it is about. */
#include <config.h>

#include "span/get_details.h"

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/parse.h"
#include "cli/screen.h"
#include "span/gather.h"
#include "span/trace_pick.h"
#include "trace/span_values.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct detailing {
    struct gather gather; /* its callbacks want it first */
    struct tcore_map wanted;
    const char *span_id; /* 16 digits */
    uint64_t span;
    bool text;
    size_t span_column, trace_column, time_column;
    pthread_mutex_t lock; /* of the logs, then of pick */
    struct tcore_arena arena;
    struct detail_log *logs; /* owned */
    size_t log_count, log_capacity;
    uint8_t (*ids)[16];     /* of wanted; owned */
    bool finds;             /* a look for the span's traces alone */
    struct trace_pick pick; /* traces that have the span, under the lock */
    struct trace_build build;
    struct tcore_json json;
    size_t found;
};

/* --- Taking in */

static enum tcore_status add_path(struct tcore_projection *projection, const char *name,
                                  size_t *column, enum tcore_status status, struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};
    return status ? status : tcore_projection_add_path(projection, &key, 1, column, err);
}

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct detailing *d = state;
    enum tcore_status status = d->finds ? TCORE_OK : gather_columns(&d->gather, projection, err);
    projection->text |= !d->finds;
    status = add_path(projection, "traceId", &d->trace_column, status, err);
    status = add_path(projection, "spanId", &d->span_column, status, err);
    return d->finds ? status : add_path(projection, "timeUnixNano", &d->time_column, status, err);
}

static bool read_id(const struct tcore_batch *batch, size_t column, uint32_t row,
                    enum tcore_id_class id, char *digits)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    return value.kind == TCORE_STRING &&
           tcore_id_normalise(id, value.s, value.len, digits) != TCORE_ID_ZERO;
}

static bool is_of_span(const struct detailing *d, const struct tcore_batch *batch, uint32_t row,
                       char trace[TCORE_TRACE_ID])
{
    char span[TCORE_SPAN_ID];
    return read_id(batch, d->span_column, row, TCORE_SPAN_ID, span) &&
           !memcmp(span, d->span_id, sizeof span) &&
           read_id(batch, d->trace_column, row, TCORE_TRACE_ID, trace);
}

static bool keep_log(struct detailing *d, const struct tcore_batch *batch, uint32_t row,
                     const char trace[TCORE_TRACE_ID])
{
    struct tcore_value time = tcore_column_get(&batch->columns[d->time_column], row);
    if (d->log_count == d->log_capacity) {
        size_t capacity = d->log_capacity ? 2 * d->log_capacity : 16;
        struct detail_log *moved = tcore_reallocarray(d->logs, capacity, sizeof *moved);
        if (!moved)
            return false;
        d->logs = moved;
        d->log_capacity = capacity;
    }
    struct detail_log *log = &d->logs[d->log_count];
    *log = (struct detail_log){0};
    log->timed = read_time(&time, &log->time_ns);
    tcore_trace_id_numbers(trace, log->trace_id);
    log->text.length = batch->text[row].length;
    log->text.data = tcore_arena_copy(&d->arena, batch->text[row].data, log->text.length);
    d->log_count += log->text.data != NULL;
    return log->text.data;
}

/* Spans and traces go to the store, logs of the span into the list. */
static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct detailing *d = state;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0, end; i < count && status == TCORE_OK; i = end) {
        char trace[TCORE_TRACE_ID];
        for (end = i; end < count && batch->types[rows[end]] != TCORE_RECORD_LOG; end++) {
        }
        if (end > i) {
            status = gather_batch(&d->gather, worker, batch, rows + i, end - i, out, err);
            continue;
        }
        if (!is_of_span(d, batch, rows[end++], trace))
            continue;
        pthread_mutex_lock(&d->lock);
        bool kept = keep_log(d, batch, rows[i], trace);
        pthread_mutex_unlock(&d->lock);
        status = kept ? TCORE_OK : tcore_error_nomem(err);
    }
    return status;
}

/* --- Of repositories, first: which traces have the span */

static enum tcore_status find_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct detailing *d = state;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count; i++) {
        char trace[TCORE_TRACE_ID];
        if (is_of_span(d, batch, rows[i], trace) &&
            tcore_map_intern(&d->wanted, trace, sizeof trace, NULL) == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

static bool are_repositories(int count, char **inputs)
{
    struct stat file;
    for (int i = 0; i < count; i++)
        if (stat(inputs[i], &file) != 0 || !S_ISDIR(file.st_mode))
            return false;
    return count > 0;
}

static int find_traces(struct detailing *d, int count, char **inputs)
{
    static const struct cli_operator finding = {
        .types = 1u << TCORE_RECORD_SPAN,
        .sifts = true,
        .silent = true,
        .ordered = true,
        .open = open_columns,
        .batch = find_batch,
    };
    if (d->gather.wanted || !are_repositories(count, inputs))
        return CLI_DONE;
    d->finds = true;
    int status = cli_filter(d->gather.cli, &finding, d, count, inputs);
    d->finds = false;
    if (d->wanted.count)
        d->gather.wanted = &d->wanted;
    return status;
}

static const uint8_t (*trace_ids(void *state, size_t *count))[16]
{
    const struct detailing *d = state;
    *count = d->gather.wanted ? d->wanted.count : 0;
    return (const uint8_t(*)[16])d->ids;
}

static bool list_ids(struct detailing *d)
{
    d->ids = tcore_calloc((size_t)d->wanted.count + 1, sizeof *d->ids);
    for (uint32_t i = 0; d->ids && i < d->wanted.count; i++)
        tcore_id_bytes(d->wanted.keys[i].data, d->ids[i], sizeof d->ids[i]);
    return d->ids;
}

/* --- The spans */

static int compare_logs(const void *left, const void *right)
{
    const struct detail_log *a = left, *b = right;
    int order = memcmp(a->trace_id, b->trace_id, sizeof a->trace_id);
    if (order)
        return order;
    if (a->timed != b->timed || (a->timed && a->time_ns != b->time_ns))
        return a->timed != b->timed ? (a->timed ? -1 : 1) : a->time_ns < b->time_ns ? -1 : 1;
    size_t shared = a->text.length < b->text.length ? a->text.length : b->text.length;
    order = memcmp(a->text.data, b->text.data, shared);
    return order ? order : (a->text.length > b->text.length) - (a->text.length < b->text.length);
}

static void find_logs(const struct detailing *d, struct details *details)
{
    const uint64_t *trace = d->build.rows[0]->stored.trace_id;
    size_t first = 0, end;
    while (first < d->log_count && memcmp(d->logs[first].trace_id, trace, 16) != 0)
        first++;
    for (end = first; end < d->log_count && !memcmp(d->logs[end].trace_id, trace, 16); end++) {
    }
    details->logs = d->logs + first;
    details->log_count = end - first;
}

/* The output, and whose. */
struct putting {
    struct detailing *d;
    struct tcore_buf *out;
};

static enum tcore_status put_spans(void *state, unsigned thread, struct tcore_stored_trace *trace,
                                   struct tcore_error *err)
{
    const struct putting *putting = state;
    struct detailing *d = putting->d;
    struct tcore_buf *out = putting->out;
    (void)thread;
    enum tcore_status status = trace_build(&d->build, d->gather.store, trace, err);
    for (uint32_t i = 0; i < trace->count && status == TCORE_OK; i++) {
        struct details details = {.build = &d->build, .span = i, .json = &d->json};
        struct cli_screen screen;
        if (d->build.spans[i].span_id != d->span)
            continue;
        cli_screen_look(&screen, d->gather.cli);
        details.ascii = !screen.unicode;
        find_logs(d, &details);
        if (d->text && d->found)
            tcore_buf_putc(out, '\n');
        d->found++;
        status =
            d->text ? details_put_text(&details, out, err) : details_put_record(&details, out, err);
    }
    return status;
}

static enum tcore_status look_for_span(void *state, unsigned thread,
                                       struct tcore_stored_trace *trace, struct tcore_error *err)
{
    struct detailing *d = state;
    bool has = false;
    (void)thread;
    for (uint32_t i = 0; i < trace->count && !has; i++)
        has = trace->spans[i]->span.span_id == d->span;
    if (!has)
        return TCORE_OK;
    pthread_mutex_lock(&d->lock);
    enum tcore_status status = trace_pick_offer(&d->pick, key_of_start(&trace->whole),
                                                trace->spans[0]->trace_id, SIZE_MAX, err);
    pthread_mutex_unlock(&d->lock);
    return status;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct detailing *d = state;
    struct putting putting = {d, out};
    enum tcore_status status = gather_seal(&d->gather, err);
    if (status == TCORE_OK)
        status = gather_each(&d->gather, look_for_span, d, err);
    if (status == TCORE_OK)
        status = trace_pick_join(&d->pick, 1, SIZE_MAX, err);
    if (d->log_count)
        qsort(d->logs, d->log_count, sizeof *d->logs, compare_logs);
    for (size_t i = 0; i < d->pick.count && status == TCORE_OK; i++)
        status = gather_again(&d->gather, d->pick.refs[i].trace_id, put_spans, &putting, err);
    return status;
}

static bool gives_rows(void *state)
{
    return ((const struct detailing *)state)->text;
}

/* --- The run */

static int detail(struct detailing *d, int count, char **inputs)
{
    static const struct cli_operator detailing = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE | 1u << TCORE_RECORD_LOG,
        .sifts = true,
        .open = open_columns,
        .worker_open = gather_worker,
        .batch = take_batch,
        .worker_close = gather_worker_close,
        .finish = finish,
        .gives_rows = gives_rows,
        .trace_ids = trace_ids,
    };
    int status = find_traces(d, count, inputs);
    if (status != CLI_DONE && status != CLI_REJECTED)
        return status;
    if (!list_ids(d)) {
        cli_error(d->gather.cli, "out of memory");
        return CLI_FAILED;
    }
    status = cli_filter(d->gather.cli, &detailing, d, count, inputs);
    if (d->found || (status != CLI_DONE && status != CLI_REJECTED))
        return status;
    if (!d->gather.cli->reader_gone)
        cli_note(d->gather.cli, "no span %s is in the input", d->span_id);
    return CLI_FOUND;
}

int get_details(struct cli *cli, const char *span_id, int ids, int argc, char **argv, bool text)
{
    struct detailing d = {.gather = {.cli = cli, .from_traces = true, .looks_again = true},
                          .span_id = span_id,
                          .span = strtoull(span_id, NULL, 16),
                          .text = text,
                          .lock = PTHREAD_MUTEX_INITIALIZER};
    int status = CLI_FAILED;
    if (text) { /* which is no rows */
        cli->io.format = cli_io_defaults.format;
        cli->io.limit = -1;
    }
    d.json.depth_limit = (unsigned)cli->io.depth_limit;
    if (!gather_want(&d.gather, &d.wanted, ids, argv))
        cli_error(cli, "out of memory");
    else if (gather_open(&d.gather, cli, GATHER_TEXT))
        status = detail(&d, argc - ids, argv + ids);
    trace_build_free(&d.build);
    tcore_json_free(&d.json);
    trace_pick_free(&d.pick);
    gather_close(&d.gather);
    tcore_map_free(&d.wanted);
    tcore_arena_free(&d.arena);
    tcore_free(d.logs);
    tcore_free(d.ids);
    return status;
}

/* --- What is around it */

bool details_is_critical(const struct details *details)
{
    const struct tcore_critical_path *path = &details->build->path;
    for (uint32_t i = 0; i < path->span_count; i++)
        if (path->spans[i] == details->span)
            return true;
    return false;
}

int64_t details_critical_ns(const struct details *details)
{
    const struct tcore_critical_path *path = &details->build->path;
    int64_t sum = 0;
    for (size_t i = 0; i < path->segment_count; i++)
        if (path->segments[i].span == details->span)
            sum += path->segments[i].end_ns - path->segments[i].start_ns;
    return sum;
}

static uint32_t next_below(const struct details *details, uint32_t parent, uint32_t *at)
{
    const struct tcore_trace_tree *tree = &details->build->tree;
    uint32_t child = tree->first[parent] + *at;
    if (child >= tree->first[parent + 1])
        return TCORE_SPAN_NONE;
    ++*at;
    return tree->children[child];
}

uint32_t details_next_child(const struct details *details, uint32_t *at)
{
    return next_below(details, details->span, at);
}

uint32_t details_next_sibling(const struct details *details, uint32_t *at)
{
    uint32_t parent = details->build->tree.parent[details->span];
    if (parent == TCORE_SPAN_NONE)
        return TCORE_SPAN_NONE;
    uint32_t next = next_below(details, parent, at);
    return next == details->span ? next_below(details, parent, at) : next;
}
