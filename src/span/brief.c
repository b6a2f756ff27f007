/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/brief.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "cli/temporary.h"
#include "span/brief_fields.h"
#include "span/line_sort.h"
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
    struct ordered_totals ordered; /* in memory */
    struct cli_pieces *pieces;     /* one a stretch */
    struct line_sort sort;         /* on disk */
};

bool brief_suffices(const struct cli_io_options *io)
{
    struct brief_fields fields;
    return !io->binary && brief_fields_find(&fields, io);
}

struct brief *brief_open(struct cli *cli)
{
    struct tcore_error err;
    struct tcore_trace_totals_options options = {.memory_bytes = gather_memory(cli),
                                                 .temporary = cli_temporary_open,
                                                 .threads = cli_threads(cli)};
    struct brief *brief = tcore_calloc(1, sizeof *brief);
    enum tcore_status status = brief ? TCORE_OK : tcore_error_nomem(&err);
    if (status == TCORE_OK) {
        brief->cli = cli;
        brief_fields_find(&brief->fields, &cli->io);
        line_sort_open(&brief->sort, cli);
        status = tcore_trace_totals_new(&brief->totals, &options, &err);
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
    line_sort_close(&brief->sort);
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

enum tcore_status brief_batch(void *state, void *worker, const struct tcore_batch *batch,
                              const uint32_t *rows, size_t count, struct tcore_buf *out,
                              struct tcore_error *err)
{
    struct brief *brief = state;
    (void)out;
    if (batch->negative_durations)
        __atomic_fetch_add(&brief->negative, batch->negative_durations, __ATOMIC_RELAXED);
    return tcore_totals_intake_add(worker, batch, rows, count, err);
}

enum tcore_status brief_sums(void *state, void *worker, const struct tcore_trace_sums *sums,
                             struct tcore_error *err)
{
    (void)state;
    return tcore_totals_intake_add_sums(worker, sums, err);
}

/* --- Lines */

static void write_line(const struct brief *brief, const struct tcore_trace_total *total,
                       struct tcore_buf *out)
{
    char *to = tcore_buf_reserve(out, BRIEF_LINE_BYTES), *start = to;
    if (!to)
        return;
    to = brief->rows ? brief_put_row(to, &brief->fields, total)
                     : brief_put_record(to, total, brief->fields.errors);
    out->length += (size_t)(to - start);
}

static enum tcore_status write_stretch(void *state, unsigned thread, uint64_t piece,
                                       struct tcore_buf *out, struct tcore_error *err)
{
    struct brief *brief = state;
    struct ordered_totals *ordered = &brief->ordered;
    (void)thread;
    if (!order_stretch(ordered, (unsigned)piece))
        return tcore_error_nomem(err);
    for (size_t i = ordered->start[piece], end = ordered->start[piece + 1]; i < end && !out->failed;
         i++) {
        if (i + AHEAD < end)
            __builtin_prefetch(ordered->refs[i + AHEAD].total);
        write_line(brief, ordered->refs[i].total, out);
    }
    return TCORE_OK;
}

/* Of totals in the file, to be sorted. */
static enum tcore_status write_piece(void *state, unsigned thread, uint64_t piece,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct brief *brief = state;
    struct tcore_totals_run *run;
    (void)thread;
    enum tcore_status status = tcore_trace_totals_load(brief->totals, (unsigned)piece, &run, err);
    for (uint32_t i = 0; status == TCORE_OK && i < run->count && !out->failed; i++) {
        const struct tcore_trace_total *total = &run->totals[i];
        size_t mark = line_sort_begin(out, total->trace_id, &total->whole);
        write_line(brief, total, out);
        line_sort_end(out, mark);
    }
    tcore_trace_totals_unload(run);
    return status;
}

/* A table has columns to be measured, and a field that no record has is told by who looks for it:
 * both are left to the output, which is given records. */
static bool makes_rows(const struct brief *brief, bool timed)
{
    bool table = strcmp(brief->cli->io.format, "table") == 0;
    return !table && (timed || !brief->fields.times);
}

static enum tcore_status begin_in_memory(struct brief *brief, struct tcore_error *err)
{
    unsigned threads = cli_threads(brief->cli);
    enum tcore_status status = order_totals(&brief->ordered, brief->totals, threads, err);
    if (status != TCORE_OK)
        return status;
    brief->rows = makes_rows(brief, brief->ordered.timed);
    return cli_pieces_start(&brief->pieces, threads, brief->ordered.stretches, write_stretch, brief,
                            err);
}

static enum tcore_status begin_on_disk(struct brief *brief, struct tcore_error *err)
{
    struct cli_pieces *pieces = NULL;
    brief->rows = makes_rows(brief, tcore_trace_totals_is_timed(brief->totals));
    enum tcore_status status = cli_pieces_start(&pieces, cli_threads(brief->cli),
                                                TCORE_TOTALS_PIECES, write_piece, brief, err);
    if (status == TCORE_OK)
        status = line_sort_take(&brief->sort, pieces, err);
    cli_pieces_end(pieces);
    return status;
}

static enum tcore_status begin(struct brief *brief, struct tcore_error *err)
{
    brief->begun = true;
    enum tcore_status status = tcore_trace_totals_seal(brief->totals, err);
    if (status != TCORE_OK)
        return status;
    return tcore_trace_totals_has_spilled(brief->totals) ? begin_on_disk(brief, err)
                                                         : begin_in_memory(brief, err);
}

/* The next lines; TCORE_EOF: there are no more. */
static enum tcore_status next(struct brief *brief, struct tcore_buf *out, struct tcore_error *err)
{
    struct tcore_buf *lines;
    if (!brief->pieces)
        return line_sort_next(&brief->sort, out, err);
    enum tcore_status status = cli_pieces_next(brief->pieces, &lines, err);
    if (status != TCORE_OK)
        return status;
    struct tcore_buf empty = *out; /* swapped, not copied */
    *out = *lines;
    *lines = empty;
    return TCORE_OK;
}

enum tcore_status brief_finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct brief *brief = state;
    enum tcore_status status = brief->begun ? TCORE_OK : begin(brief, err);
    if (status == TCORE_OK)
        status = next(brief, out, err);
    if (status == TCORE_OK)
        return TCORE_SKIP;
    if (status != TCORE_EOF)
        return status;
    note_times(brief->cli, brief->negative, tcore_trace_totals_untimed(brief->totals));
    return TCORE_OK;
}

bool brief_gives_rows(void *state)
{
    const struct brief *brief = state;
    return brief->rows;
}
