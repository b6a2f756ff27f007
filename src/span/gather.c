/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From batches to the store of spans by trace. */
#include <config.h>

#include "span/gather.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "cli/temporary.h"

#include <inttypes.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

bool gather_open(struct gather *gather, struct cli *cli, enum gather_keep keep)
{
    struct tcore_error err;
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    struct tcore_trace_store_options options = {.names = keep >= GATHER_NAMES,
                                                .text = keep >= GATHER_ERRORS,
                                                .errors_only = keep == GATHER_ERRORS,
                                                .memory_bytes = (size_t)memory};
    gather->cli = cli;
    if (gather->spills) { /* the other half is for what is made of the spans */
        options.memory_bytes /= 2;
        options.temporary = cli_temporary_open;
        options.threads = cli_threads(cli);
    }
    if (tcore_trace_store_new(&gather->store, &options, &err) == TCORE_OK)
        return true;
    cli_report(cli, &err);
    return false;
}

void gather_close(struct gather *gather)
{
    tcore_trace_store_free(gather->store);
    gather->store = NULL;
}

enum tcore_status say_memory(const struct cli *cli, struct tcore_error *err)
{
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    bool small = memory < 1 << 20;
    return tcore_error_set(err, TCORE_FATAL,
                           "the spans of all traces do not fit in %" PRId64
                           " %s: give more with --memory=SIZE",
                           memory >> (small ? 10 : 20), small ? "KiB" : "MiB");
}

enum tcore_status gather_failure(const struct gather *gather, enum tcore_status status,
                                 struct tcore_error *err)
{
    if (status == TCORE_OK || !tcore_trace_store_is_full(gather->store))
        return status;
    return say_memory(gather->cli, err);
}

enum tcore_status gather_columns(void *state, struct tcore_projection *projection,
                                 struct tcore_error *err)
{
    struct gather *gather = state;
    struct tcore_path_key key = {"traceId", 7};
    projection->text |= gather->from_traces;
    enum tcore_status status = tcore_trace_store_project(gather->store, projection, err);
    if (status != TCORE_OK)
        return status;
    return tcore_projection_add_path(projection, &key, 1, &gather->trace_column, err);
}

/* --- A thread's part */

struct worker {
    struct tcore_trace_intake *intake; /* of the store */
    struct tcore_json json;            /* a trace record */
    uint32_t *rows;                    /* those that are wanted */
    size_t row_capacity;
};

enum tcore_status gather_worker(void *state, void **worker, struct tcore_error *err)
{
    struct gather *gather = state;
    struct worker *w = *worker = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    w->json.depth_limit = (unsigned)gather->cli->io.depth_limit;
    return tcore_trace_intake_new(&w->intake, gather->store, err);
}

enum tcore_status gather_worker_close(void *state, void *worker, struct tcore_error *err)
{
    struct worker *w = worker;
    (void)state;
    (void)err;
    if (w) {
        tcore_json_free(&w->json);
        tcore_free(w->rows);
    }
    tcore_free(w);
    return TCORE_OK;
}

/* Keeps of rows[0..*count) those of wanted traces, in w->rows. */
static bool keep_wanted(const struct gather *gather, struct worker *w,
                        const struct tcore_batch *batch, const uint32_t *rows, size_t *count)
{
    size_t kept = 0;
    if (*count > w->row_capacity) {
        tcore_free(w->rows);
        w->rows = tcore_reallocarray(NULL, *count, sizeof *w->rows);
        w->row_capacity = w->rows ? *count : 0;
        if (!w->rows)
            return false;
    }
    for (size_t i = 0; i < *count; i++) {
        struct tcore_value id = tcore_column_get(&batch->columns[gather->trace_column], rows[i]);
        if (id.kind == TCORE_STRING &&
            tcore_map_find(gather->wanted, id.s, id.len) != TCORE_MAP_NONE)
            w->rows[kept++] = rows[i];
    }
    *count = kept;
    return true;
}

/* Spans in runs, trace records one by one. */
static enum tcore_status take(struct worker *w, const struct tcore_batch *batch,
                              const uint32_t *rows, size_t count, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0, end; i < count && status == TCORE_OK; i = end) {
        for (end = i; end < count && batch->types[rows[end]] == TCORE_RECORD_SPAN; end++) {
        }
        if (end > i)
            status = tcore_trace_intake_add(w->intake, batch, rows + i, end - i, err);
        else
            status = take_spans_of_trace(w->intake, &w->json, batch->text[rows[end++]], err);
    }
    return status;
}

enum tcore_status gather_batch(void *state, void *worker, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err)
{
    struct gather *gather = state;
    struct worker *w = worker;
    (void)out;
    if (batch->negative_durations)
        __atomic_fetch_add(&gather->negative, batch->negative_durations, __ATOMIC_RELAXED);
    if (gather->wanted) {
        if (!keep_wanted(gather, w, batch, rows, &count))
            return tcore_error_nomem(err);
        rows = w->rows;
    }
    return gather_failure(gather, take(w, batch, rows, count, err), err);
}

/* --- Everything that was taken */

/* What the rows took is needed elsewhere, in pieces of other sizes. */
static void trim_heap(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

enum tcore_status gather_seal(struct gather *gather, struct tcore_error *err)
{
    enum tcore_status status =
        gather_failure(gather, tcore_trace_store_seal(gather->store, err), err);
    if (tcore_trace_store_has_spilled(gather->store))
        trim_heap();
    return status;
}

void note_times(struct cli *cli, uint64_t negative, uint64_t untimed)
{
    if (negative)
        cli_note(cli, "%" PRIu64 " span%s before %s", negative, negative == 1 ? " ends" : "s end",
                 negative == 1 ? "it starts" : "they start");
    if (untimed)
        cli_note(cli, "%" PRIu64 " span%s without start or end", untimed,
                 untimed == 1 ? " is" : "s are");
}

void gather_notes(const struct gather *gather)
{
    note_times(gather->cli, gather->negative, tcore_trace_store_untimed(gather->store));
}

/* --- One by one */

struct visiting {
    const struct gather *gather;
    gather_visit *visit;
    void *state;
};

static enum tcore_status visit_piece(void *state, unsigned thread, uint64_t piece,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct visiting *visiting = state;
    struct tcore_trace_store *store = visiting->gather->store;
    struct tcore_trace_group group;
    (void)out;
    enum tcore_status status = tcore_trace_store_group(store, (unsigned)piece, &group, err);
    for (uint32_t t = 0; t < group.trace_count && status == TCORE_OK; t++)
        status = visiting->visit(visiting->state, thread, &group.traces[t], err);
    tcore_trace_store_release(store, (unsigned)piece);
    return status;
}

enum tcore_status gather_each(const struct gather *gather, gather_visit *visit, void *state,
                              struct tcore_error *err)
{
    struct visiting visiting = {gather, visit, state};
    enum tcore_status status =
        cli_pieces_do(cli_threads(gather->cli), tcore_trace_store_pieces(gather->store),
                      visit_piece, &visiting, err);
    return gather_failure(gather, status, err);
}

/* --- All traces */

struct grouping {
    struct gather *gather;
    struct gathered *gathered;
};

static enum tcore_status group_one(void *state, unsigned thread, uint64_t piece,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    struct grouping *g = state;
    (void)thread;
    (void)out;
    return tcore_trace_store_group(g->gather->store, (unsigned)piece, &g->gathered->group[piece],
                                   err);
}

static bool refer(struct gathered *gathered)
{
    size_t count = 0;
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        count += gathered->group[p].trace_count;
    gathered->refs = tcore_reallocarray(NULL, count, sizeof *gathered->refs);
    if (!gathered->refs)
        return false;
    for (uint32_t p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        for (uint32_t t = 0; t < gathered->group[p].trace_count; t++) {
            const struct tcore_stored_trace *trace = &gathered->group[p].traces[t];
            gathered->refs[gathered->count++] = (struct trace_ref){
                .key = key_of_start(&trace->whole),
                .trace_id = {trace->spans[0]->trace_id[0], trace->spans[0]->trace_id[1]},
                .part = p,
                .item = t};
        }
    return order_traces(gathered->refs, gathered->count);
}

enum tcore_status gather_traces(struct gather *gather, struct gathered *gathered,
                                struct tcore_error *err)
{
    struct grouping grouping = {gather, gathered};
    *gathered = (struct gathered){0};
    enum tcore_status status =
        cli_pieces_do(cli_threads(gather->cli), TCORE_TRACE_PARTITIONS, group_one, &grouping, err);
    if (status != TCORE_OK)
        return gather_failure(gather, status, err);
    return refer(gathered) ? TCORE_OK : tcore_error_nomem(err);
}

struct tcore_stored_trace *gathered_trace(const struct gathered *gathered, size_t i)
{
    return &gathered->group[gathered->refs[i].part].traces[gathered->refs[i].item];
}

void gathered_free(struct gathered *gathered)
{
    tcore_free(gathered->refs);
    gathered->refs = NULL;
}
