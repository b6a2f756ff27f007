/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/brief.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "span/brief_fields.h"
#include "span/gather.h"
#include "span/totals_order.h"

#include <string.h>

#define AHEAD 8 /* totals that are fetched before they are written */

struct brief {
    struct cli *cli;
    struct brief_fields fields;
    struct tcore_trace_totals *totals;
    uint64_t negative; /* spans that end before they start */
    /* after the last batch */
    bool begun, rows;
    struct ordered_totals ordered;
    struct cli_pieces *pieces; /* one a stretch */
};

bool brief_suffices(const struct cli_io_options *io)
{
    struct brief_fields fields;
    return !io->binary && brief_fields_find(&fields, io);
}

struct brief *brief_open(struct cli *cli)
{
    struct tcore_error err;
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    struct brief *brief = tcore_calloc(1, sizeof *brief);
    enum tcore_status status = brief ? TCORE_OK : tcore_error_nomem(&err);
    if (status == TCORE_OK) {
        brief->cli = cli;
        brief_fields_find(&brief->fields, &cli->io);
        status = tcore_trace_totals_new(&brief->totals, (size_t)memory, &err);
    }
    if (status == TCORE_OK)
        return brief;
    cli_report(cli, &err);
    tcore_free(brief);
    return NULL;
}

void brief_close(struct brief *brief)
{
    cli_pieces_end(brief->pieces);
    ordered_totals_free(&brief->ordered);
    tcore_trace_totals_free(brief->totals);
    tcore_free(brief);
}

/* --- Taking in */

enum tcore_status brief_columns(void *state, struct tcore_projection *projection,
                                struct tcore_error *err)
{
    struct brief *brief = state;
    return tcore_trace_totals_project(brief->totals, brief->fields.errors, projection, err);
}

enum tcore_status brief_worker(void *state, void **worker, struct tcore_error *err)
{
    struct brief *brief = state;
    struct tcore_totals_intake *intake;
    enum tcore_status status = tcore_totals_intake_new(&intake, brief->totals, err);
    *worker = intake;
    return status;
}

/* Says in terms of --memory what was refused. */
static enum tcore_status failure(const struct brief *brief, enum tcore_status status,
                                 struct tcore_error *err)
{
    bool full = status != TCORE_OK && tcore_trace_totals_is_full(brief->totals);
    return full ? say_memory(brief->cli, err) : status;
}

enum tcore_status brief_batch(void *state, void *worker, const struct tcore_batch *batch,
                              const uint32_t *rows, size_t count, struct tcore_buf *out,
                              struct tcore_error *err)
{
    struct brief *brief = state;
    (void)out;
    if (batch->negative_durations)
        __atomic_fetch_add(&brief->negative, batch->negative_durations, __ATOMIC_RELAXED);
    return failure(brief, tcore_totals_intake_add(worker, batch, rows, count, err), err);
}

enum tcore_status brief_sums(void *state, void *worker, const struct tcore_trace_sums *sums,
                             struct tcore_error *err)
{
    return failure(state, tcore_totals_intake_add_sums(worker, sums, err), err);
}

/* --- Lines */

static enum tcore_status write_stretch(void *state, unsigned thread, uint64_t piece,
                                       struct tcore_buf *out, struct tcore_error *err)
{
    struct brief *brief = state;
    struct ordered_totals *ordered = &brief->ordered;
    (void)thread;
    if (!order_stretch(ordered, (unsigned)piece))
        return tcore_error_nomem(err);
    for (size_t i = ordered->start[piece], end = ordered->start[piece + 1]; i < end; i++) {
        char *to = tcore_buf_reserve(out, BRIEF_LINE_BYTES), *start = to;
        if (!to)
            break;
        if (i + AHEAD < end)
            __builtin_prefetch(ordered->refs[i + AHEAD].total);
        to = brief->rows ? brief_put_row(to, &brief->fields, ordered->refs[i].total)
                         : brief_put_record(to, ordered->refs[i].total, brief->fields.errors);
        out->length += (size_t)(to - start);
    }
    return TCORE_OK;
}

/* A table has columns to be measured, and a field that no record has is told by who looks for it:
 * both are left to the output, which is given records. */
static bool makes_rows(const struct brief *brief)
{
    bool table = strcmp(brief->cli->io.format, "table") == 0;
    return !table && (brief->ordered.timed || !brief->fields.times);
}

static enum tcore_status begin(struct brief *brief, struct tcore_error *err)
{
    unsigned threads = cli_threads(brief->cli);
    brief->begun = true;
    enum tcore_status status = order_totals(&brief->ordered, brief->totals, threads, err);
    if (status != TCORE_OK)
        return failure(brief, status, err);
    brief->rows = makes_rows(brief);
    return cli_pieces_start(&brief->pieces, threads, brief->ordered.stretches, write_stretch, brief,
                            err);
}

enum tcore_status brief_finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct brief *brief = state;
    struct tcore_buf *lines;
    enum tcore_status status = brief->begun ? TCORE_OK : begin(brief, err);
    if (status == TCORE_OK)
        status = cli_pieces_next(brief->pieces, &lines, err);
    if (status == TCORE_EOF) {
        note_times(brief->cli, brief->negative, tcore_trace_totals_untimed(brief->totals));
        return TCORE_OK;
    }
    if (status != TCORE_OK)
        return status;
    struct tcore_buf empty = *out; /* swapped, not copied */
    *out = *lines;
    *lines = empty;
    return TCORE_SKIP;
}

bool brief_gives_rows(void *state)
{
    const struct brief *brief = state;
    return brief->rows;
}
