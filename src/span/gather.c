/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From batches to the store of spans by trace. */
#include <config.h>

#include "span/gather.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/pieces.h"

#include <inttypes.h>

bool gather_open(struct gather *gather, struct cli *cli, bool names, bool text)
{
    struct tcore_error err;
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    struct tcore_trace_store_options options = {
        .names = names, .text = text, .memory_bytes = (size_t)memory};
    gather->cli = cli;
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

enum tcore_status gather_failure(const struct gather *gather, enum tcore_status status,
                                 struct tcore_error *err)
{
    int64_t memory = gather->cli->io.memory_bytes ? gather->cli->io.memory_bytes : GATHER_MEMORY;
    if (status == TCORE_OK || !tcore_trace_store_is_full(gather->store))
        return status;
    bool small = memory < 1 << 20;
    return tcore_error_set(err, TCORE_FATAL,
                           "the spans of all traces do not fit in %" PRId64
                           " %s: give more with --memory=SIZE",
                           memory >> (small ? 10 : 20), small ? "KiB" : "MiB");
}

enum tcore_status gather_columns(void *state, struct tcore_projection *projection,
                                 struct tcore_error *err)
{
    struct gather *gather = state;
    return tcore_trace_store_project(gather->store, projection, err);
}

enum tcore_status gather_worker(void *state, void **worker, struct tcore_error *err)
{
    struct gather *gather = state;
    struct tcore_trace_intake *intake = NULL;
    enum tcore_status status = tcore_trace_intake_new(&intake, gather->store, err);
    *worker = intake;
    return status;
}

enum tcore_status gather_batch(void *state, void *worker, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err)
{
    struct gather *gather = state;
    (void)out;
    if (batch->negative_durations)
        __atomic_fetch_add(&gather->negative, batch->negative_durations, __ATOMIC_RELAXED);
    return gather_failure(gather, tcore_trace_intake_add(worker, batch, rows, count, err), err);
}

enum tcore_status gather_seal(struct gather *gather, struct tcore_error *err)
{
    return gather_failure(gather, tcore_trace_store_seal(gather->store, err), err);
}

void gather_notes(const struct gather *gather)
{
    uint64_t untimed = tcore_trace_store_untimed(gather->store);
    if (gather->negative)
        cli_note(gather->cli, "%" PRIu64 " span%s before %s", gather->negative,
                 gather->negative == 1 ? " ends" : "s end",
                 gather->negative == 1 ? "it starts" : "they start");
    if (untimed)
        cli_note(gather->cli, "%" PRIu64 " span%s without start or end", untimed,
                 untimed == 1 ? " is" : "s are");
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
