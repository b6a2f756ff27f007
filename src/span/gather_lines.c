/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/gather_lines.h"

#include "base/sys.h"
#include "cli/pieces.h"
#include "span/line_sort.h"

struct gather_lines {
    struct gather *gather;
    gather_write *write;
    void *state;
    size_t longest;
    /* in memory: a piece is a trace */
    struct tcore_trace_group group[TCORE_TRACE_PARTITIONS];
    struct trace_ref *refs; /* by start and id; owned */
    size_t count;
    struct cli_pieces *pieces;
    /* on disk */
    bool sorted;
    struct line_sort sort;
};

/* --- In memory */

static enum tcore_status group_one(void *state, unsigned thread, uint64_t piece,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    struct gather_lines *lines = state;
    (void)out;
    return gather_group(lines->gather, thread, (unsigned)piece, &lines->group[piece], err);
}

static bool refer(struct gather_lines *lines)
{
    size_t count = 0;
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        count += lines->group[p].trace_count;
    lines->refs = tcore_reallocarray(NULL, count, sizeof *lines->refs);
    if (!lines->refs)
        return false;
    for (uint32_t p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        for (uint32_t t = 0; t < lines->group[p].trace_count; t++) {
            const struct tcore_stored_trace *trace = &lines->group[p].traces[t];
            lines->refs[lines->count++] = (struct trace_ref){
                .key = key_of_start(&trace->whole),
                .trace_id = {trace->spans[0]->trace_id[0], trace->spans[0]->trace_id[1]},
                .part = p,
                .item = t};
        }
    return order_traces(lines->refs, lines->count);
}

static enum tcore_status write_trace(void *state, unsigned thread, uint64_t piece,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct gather_lines *lines = state;
    const struct trace_ref *ref = &lines->refs[piece];
    return lines->write(lines->state, thread, &lines->group[ref->part].traces[ref->item], out, err);
}

static enum tcore_status order_in_memory(struct gather_lines *lines, struct tcore_error *err)
{
    unsigned threads = cli_threads(lines->gather->cli);
    lines->gather->keeps_notes = true;
    enum tcore_status status =
        cli_pieces_do(threads, TCORE_TRACE_PARTITIONS, group_one, lines, err);
    if (status != TCORE_OK)
        return status;
    if (!refer(lines))
        return tcore_error_nomem(err);
    return cli_pieces_start(&lines->pieces, threads, lines->count, write_trace, lines, err);
}

/* --- On disk */

static enum tcore_status write_piece(void *state, unsigned thread, uint64_t piece,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct gather_lines *lines = state;
    struct tcore_trace_group group;
    enum tcore_status status = gather_group(lines->gather, thread, (unsigned)piece, &group, err);
    for (uint32_t t = 0; t < group.trace_count && status == TCORE_OK; t++) {
        struct tcore_stored_trace *trace = &group.traces[t];
        size_t mark = line_sort_begin(out, trace->spans[0]->trace_id, &trace->whole);
        status = lines->write(lines->state, thread, trace, out, err);
        line_sort_end(out, mark);
    }
    gather_release(lines->gather, (unsigned)piece);
    return status;
}

static enum tcore_status sort_all(struct gather_lines *lines, struct tcore_error *err)
{
    struct gather *gather = lines->gather;
    struct cli_pieces *pieces = NULL;
    enum tcore_status status =
        cli_pieces_start(&pieces, cli_threads(gather->cli), tcore_trace_store_pieces(gather->store),
                         write_piece, lines, err);
    if (status == TCORE_OK)
        status = line_sort_take(&lines->sort, pieces, err);
    cli_pieces_end(pieces);
    lines->longest = lines->sort.longest;
    return status;
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
    line_sort_open(&made->sort, gather->cli);
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
        return line_sort_next(&lines->sort, out, err);
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
    line_sort_close(&lines->sort);
    tcore_free(lines->refs);
    tcore_free(lines);
}
