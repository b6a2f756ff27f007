/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From batches to the store of spans by trace. */
#include <config.h>

#include "span/gather.h"

#include "base/heap.h"
#include "base/sys.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "cli/temporary.h"
#include "model/id.h"

#include <inttypes.h>
#include <string.h>

/* More than what grouping a piece takes, as what it frees serves for the next one; and less than a
 * slab of rows. */
enum { KEPT_BYTES = 16 << 20, OWN_BYTES = 4 << 20 };

bool gather_open(struct gather *gather, struct cli *cli, enum gather_keep keep)
{
    struct tcore_error err;
    tcore_heap_keep(KEPT_BYTES, OWN_BYTES);
    unsigned stores = gather->stores ? gather->stores : 1;
    keep = gather->adjust_skew ? GATHER_TEXT : keep;
    struct tcore_trace_store_options options = {.names = keep >= GATHER_NAMES,
                                                .text = keep >= GATHER_ERRORS,
                                                .errors_only = keep == GATHER_ERRORS,
                                                .memory_bytes = gather_memory(cli) / 2 / stores + 1,
                                                .temporary = cli_temporary_open,
                                                .threads = cli_threads(cli)};
    gather->cli = cli;
    if (gather->adjust_skew) {
        gather->skew = tcore_calloc(cli_threads(cli), sizeof *gather->skew);
        if (!gather->skew) {
            cli_error(cli, "out of memory");
            return false;
        }
        for (unsigned t = 0; t < cli_threads(cli); t++)
            gather->skew[t].processes.json.depth_limit = (unsigned)cli->io.depth_limit;
    }
    if (tcore_trace_store_new(&gather->store, &options, &err) == TCORE_OK)
        return true;
    cli_report(cli, &err);
    gather_close(gather);
    return false;
}

void gather_close(struct gather *gather)
{
    tcore_trace_store_free(gather->store);
    gather->store = NULL;
    tcore_free(gather->found);
    gather->found = NULL;
    for (unsigned t = 0; gather->skew && t < cli_threads(gather->cli); t++)
        skew_free(&gather->skew[t]);
    tcore_free(gather->skew);
    gather->skew = NULL;
}

size_t gather_memory(const struct cli *cli)
{
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    return (size_t)memory;
}

enum tcore_status say_memory(const struct cli *cli, const char *what, struct tcore_error *err)
{
    size_t memory = gather_memory(cli);
    bool small = memory < 1 << 20;
    return tcore_error_set(err, TCORE_FATAL,
                           "the %s do not fit in %zu %s: give more with --memory=SIZE", what,
                           memory >> (small ? 10 : 20), small ? "KiB" : "MiB");
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
    return take(w, batch, rows, count, err);
}

/* --- Everything that was taken */

enum tcore_status gather_seal(struct gather *gather, struct tcore_error *err)
{
    enum tcore_status status = tcore_trace_store_seal(gather->store, err);
    if (status == TCORE_OK && gather->wanted) {
        gather->found = tcore_calloc((size_t)gather->wanted->count + 1, sizeof *gather->found);
        status = gather->found ? TCORE_OK : tcore_error_nomem(err);
    }
    if (tcore_trace_store_has_spilled(gather->store))
        tcore_heap_trim(); /* what rows took is needed elsewhere, in pieces of other sizes */
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

void note_oddities(struct cli *cli, const struct oddities *odd, unsigned which)
{
    struct tcore_buf text = {0};
    oddities_describe(odd, which, &text);
    if (text.length && !text.failed)
        cli_note(cli, "among the spans there are: %.*s", (int)text.length, text.data);
    tcore_buf_free(&text);
}

static void note_skew(const struct gather *gather)
{
    struct skew all = {0};
    for (unsigned t = 0; t < cli_threads(gather->cli); t++) {
        all.traces += gather->skew[t].traces;
        all.moved_traces += gather->skew[t].moved_traces;
        all.moved_spans += gather->skew[t].moved_spans;
        all.contradictory_traces += gather->skew[t].contradictory_traces;
    }
    if (all.moved_spans)
        cli_note(gather->cli,
                 "adjusted the clocks of %" PRIu64 " span%s in %" PRIu64 " of %" PRIu64 " trace%s",
                 all.moved_spans, all.moved_spans == 1 ? "" : "s", all.moved_traces, all.traces,
                 all.traces == 1 ? "" : "s");
    if (all.contradictory_traces)
        cli_note(gather->cli,
                 "%" PRIu64 " trace%s calls that contradict each other about a clock, "
                 "which is left as it is",
                 all.contradictory_traces, all.contradictory_traces == 1 ? " has" : "s have");
}

void gather_notes(const struct gather *gather)
{
    note_times(gather->cli, gather->negative, tcore_trace_store_untimed(gather->store));
    if (gather->skew)
        note_skew(gather);
}

/* --- Piece by piece */

/* Notes which of the wanted traces are there. */
static void note_found(const struct gather *gather, const struct tcore_trace_group *group)
{
    for (uint32_t t = 0; t < group->trace_count; t++) {
        char id[TCORE_TRACE_ID];
        tcore_trace_id_digits(group->traces[t].spans[0]->trace_id, id);
        uint32_t number = tcore_map_find(gather->wanted, id, sizeof id);
        if (number != TCORE_MAP_NONE)
            gather->found[number] = true;
    }
}

static enum tcore_status adjust(struct gather *gather, struct skew *skew,
                                const struct tcore_trace_group *group, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (!gather->keeps_notes)
        tcore_arena_reset(&skew->notes);
    for (uint32_t t = 0; t < group->trace_count && status == TCORE_OK; t++)
        status = skew_adjust(skew, gather->store, &group->traces[t], err);
    return status;
}

enum tcore_status gather_group(struct gather *gather, unsigned thread, unsigned piece,
                               struct tcore_trace_group *group, struct tcore_error *err)
{
    enum tcore_status status = tcore_trace_store_group(gather->store, piece, group, err);
    if (status == TCORE_OK && gather->skew)
        status = adjust(gather, &gather->skew[thread], group, err);
    if (status != TCORE_OK)
        return status;
    __atomic_fetch_add(&gather->traces, group->trace_count, __ATOMIC_RELAXED);
    if (gather->wanted)
        note_found(gather, group);
    return TCORE_OK;
}

void gather_release(const struct gather *gather, unsigned piece)
{
    if (!gather->looks_again || tcore_trace_store_has_spilled(gather->store))
        tcore_trace_store_release(gather->store, piece);
}

struct visiting {
    struct gather *gather;
    gather_visit *visit;
    void *state;
};

static enum tcore_status visit_piece(void *state, unsigned thread, uint64_t piece,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct visiting *visiting = state;
    struct tcore_trace_group group;
    (void)out;
    enum tcore_status status = gather_group(visiting->gather, thread, (unsigned)piece, &group, err);
    for (uint32_t t = 0; t < group.trace_count && status == TCORE_OK; t++)
        status = visiting->visit(visiting->state, thread, &group.traces[t], err);
    gather_release(visiting->gather, (unsigned)piece);
    return status;
}

enum tcore_status gather_each(struct gather *gather, gather_visit *visit, void *state,
                              struct tcore_error *err)
{
    struct visiting visiting = {gather, visit, state};
    gather->traces = 0;
    return cli_pieces_do(cli_threads(gather->cli), tcore_trace_store_pieces(gather->store),
                         visit_piece, &visiting, err);
}

enum tcore_status gather_again(struct gather *gather, const uint64_t trace_id[2],
                               gather_visit *visit, void *state, struct tcore_error *err)
{
    unsigned piece = tcore_trace_store_piece_of(gather->store, trace_id);
    struct tcore_trace_group group;
    enum tcore_status status = tcore_trace_store_group(gather->store, piece, &group, err);
    for (uint32_t t = 0; t < group.trace_count && status == TCORE_OK; t++) {
        const uint64_t *id = group.traces[t].spans[0]->trace_id;
        if (id[0] == trace_id[0] && id[1] == trace_id[1]) {
            if (gather->skew)
                status = skew_adjust_again(gather->skew, gather->store, &group.traces[t], err);
            if (status == TCORE_OK)
                status = visit(state, 0, &group.traces[t], err);
            break;
        }
    }
    gather_release(gather, piece);
    return status;
}

enum tcore_status gather_few(struct gather *gather, size_t most, uint64_t (*ids)[2], size_t *count,
                             struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    *count = 0;
    for (unsigned p = 0; p < tcore_trace_store_pieces(gather->store) && *count < most; p++) {
        struct tcore_trace_group group;
        status = gather_group(gather, 0, p, &group, err);
        for (uint32_t t = 0; t < group.trace_count && status == TCORE_OK && *count < most; t++)
            memcpy(ids[(*count)++], group.traces[t].spans[0]->trace_id, sizeof *ids);
        gather_release(gather, p);
        if (status != TCORE_OK)
            break;
    }
    return status;
}
