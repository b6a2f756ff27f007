/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/gather_lines.h"

#include "base/sys.h"
#include "cli/pieces.h"
#include "span/sort_runs.h"

#include <endian.h>
#include <string.h>

#define OUT_BYTES ((size_t)256 << 10) /* of sorted lines at a time, about */

struct gather_lines {
    struct gather *gather;
    gather_write *write;
    void *state;
    size_t longest;
    /* in memory: a piece is a trace */
    struct gathered traces;
    struct cli_pieces *pieces;
    /* on disk */
    bool sorted;
    struct sort_runs runs;
};

/* --- In memory */

static enum tcore_status write_trace(void *state, unsigned thread, uint64_t piece,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct gather_lines *lines = state;
    return lines->write(lines->state, thread, gathered_trace(&lines->traces, piece), out, err);
}

static enum tcore_status order_in_memory(struct gather_lines *lines, struct tcore_error *err)
{
    enum tcore_status status = gather_traces(lines->gather, &lines->traces, err);
    if (status != TCORE_OK)
        return status;
    return cli_pieces_start(&lines->pieces, cli_threads(lines->gather->cli), lines->traces.count,
                            write_trace, lines, err);
}

/* --- On disk */

/* What is before the lines of a trace in the output of a piece. */
struct mark {
    uint64_t key[3]; /* start and id, big-endian: their bytes are in their order */
    uint64_t length;
};

static enum tcore_status write_marked(struct gather_lines *lines, unsigned thread,
                                      struct tcore_stored_trace *trace, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    const uint64_t *id = trace->spans[0]->trace_id;
    struct mark mark = {{htobe64(key_of_start(&trace->whole)), htobe64(id[0]), htobe64(id[1])}, 0};
    size_t at = out->length;
    tcore_buf_append(out, &mark, sizeof mark);
    enum tcore_status status = lines->write(lines->state, thread, trace, out, err);
    if (status != TCORE_OK || out->failed)
        return status;
    mark.length = out->length - at - sizeof mark;
    memcpy(out->data + at, &mark, sizeof mark);
    return TCORE_OK;
}

static enum tcore_status write_piece(void *state, unsigned thread, uint64_t piece,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct gather_lines *lines = state;
    struct tcore_trace_store *store = lines->gather->store;
    struct tcore_trace_group group;
    enum tcore_status status = tcore_trace_store_group(store, (unsigned)piece, &group, err);
    for (uint32_t t = 0; t < group.trace_count && status == TCORE_OK; t++)
        status = write_marked(lines, thread, &group.traces[t], out, err);
    tcore_trace_store_release(store, (unsigned)piece);
    return status;
}

static enum tcore_status add_marked(struct gather_lines *lines, const struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct mark mark;
    enum tcore_status status = TCORE_OK;
    for (size_t at = 0; at < out->length && status == TCORE_OK; at += mark.length) {
        memcpy(&mark, out->data + at, sizeof mark);
        struct tcore_slice key = {out->data + at, sizeof mark.key};
        at += sizeof mark;
        struct tcore_slice text = {out->data + at, (size_t)mark.length};
        if (text.length > lines->longest)
            lines->longest = text.length;
        if (text.length)
            status = sort_runs_add(&lines->runs, key, text, err);
    }
    return status;
}

static enum tcore_status sort_all(struct gather_lines *lines, struct tcore_error *err)
{
    struct gather *gather = lines->gather;
    struct cli_pieces *pieces;
    struct tcore_buf *out;
    enum tcore_status status =
        cli_pieces_start(&pieces, cli_threads(gather->cli), tcore_trace_store_pieces(gather->store),
                         write_piece, lines, err);
    while (status == TCORE_OK) {
        status = cli_pieces_next(pieces, &out, err);
        if (status == TCORE_OK)
            status = add_marked(lines, out, err);
    }
    cli_pieces_end(pieces);
    if (status != TCORE_EOF)
        return gather_failure(gather, status, err);
    return sort_runs_finish(&lines->runs, err);
}

static enum tcore_status next_sorted(struct gather_lines *lines, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    struct tcore_slice text;
    enum tcore_status status = TCORE_OK;
    tcore_buf_clear(out);
    while (out->length < OUT_BYTES && !out->failed) {
        status = sort_runs_next(&lines->runs, &text, err);
        if (status != TCORE_OK)
            break;
        tcore_buf_append(out, text.data, text.length);
    }
    return status == TCORE_EOF && out->length ? TCORE_OK : status;
}

/* --- Both */

static enum tcore_status make(struct gather_lines **lines, struct gather *gather,
                              gather_write *write, void *state, bool sorted,
                              struct tcore_error *err)
{
    struct gather_lines *made = *lines = tcore_calloc(1, sizeof *made);
    if (!made)
        return tcore_error_nomem(err);
    made->gather = gather;
    made->write = write;
    made->state = state;
    made->sorted = sorted;
    int64_t memory = gather->cli->io.memory_bytes;
    sort_runs_open(&made->runs, (size_t)(memory ? memory : GATHER_MEMORY) / 2);
    return sorted ? sort_all(made, err) : order_in_memory(made, err);
}

enum tcore_status gather_lines_new(struct gather_lines **lines, struct gather *gather,
                                   gather_write *write, void *state, struct tcore_error *err)
{
    return make(lines, gather, write, state, tcore_trace_store_has_spilled(gather->store), err);
}

enum tcore_status gather_lines_sorted(struct gather_lines **lines, struct gather *gather,
                                      gather_write *write, void *state, struct tcore_error *err)
{
    return make(lines, gather, write, state, true, err);
}

enum tcore_status gather_lines_next(struct gather_lines *lines, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct tcore_buf *written;
    if (lines->sorted)
        return next_sorted(lines, out, err);
    enum tcore_status status = cli_pieces_next(lines->pieces, &written, err);
    if (status != TCORE_OK)
        return status;
    if (written->length > lines->longest)
        lines->longest = written->length;
    struct tcore_buf empty = *out; /* swapped, not copied */
    *out = *written;
    *written = empty;
    return TCORE_OK;
}

size_t gather_lines_longest(const struct gather_lines *lines)
{
    return lines->longest;
}

void gather_lines_free(struct gather_lines *lines)
{
    if (!lines)
        return;
    cli_pieces_end(lines->pieces);
    sort_runs_close(&lines->runs);
    gathered_free(&lines->traces);
    tcore_free(lines);
}
