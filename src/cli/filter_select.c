/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rows of a batch are worked on, which go through as they are, and which are counted. */
#include <config.h>

#include "cli/filter_private.h"

#include "base/sys.h"

#include <inttypes.h>
#include <stdio.h>

static bool has_room(struct worker *worker, size_t rows)
{
    if (rows <= worker->row_capacity)
        return true;
    tcore_free(worker->rows);
    tcore_free(worker->forwarded);
    worker->rows = tcore_reallocarray(NULL, rows, sizeof *worker->rows);
    worker->forwarded = tcore_reallocarray(NULL, rows, sizeof *worker->forwarded);
    worker->row_capacity = worker->rows && worker->forwarded ? rows : 0;
    return worker->row_capacity;
}

/* By type. */
static void sort_rows(struct worker *worker)
{
    const struct run *run = worker->run;
    const struct tcore_batch *batch = worker->batch;
    bool pass = run->pass;
    size_t selected = 0, forwarded = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        uint8_t type = batch->types[row];
        if (run->consumed >> type & 1)
            worker->rows[selected++] = (uint32_t)row;
        else if (type == TCORE_RECORD_CLOCK ? run->forward_clock : pass)
            worker->forwarded[forwarded++] = (uint32_t)row;
        else if (!(run->op->types >> type & 1) && type != TCORE_RECORD_CLOCK)
            worker->counts.passed_over[type]++;
    }
    worker->row_count = selected;
    worker->forward_count = forwarded;
}

/* --strict: nothing of what comes after the first reject. */
static void cut_at_reject(struct worker *worker)
{
    const struct tcore_batch *batch = worker->batch;
    if (!batch->reject_count || !batch->lines)
        return;
    uint64_t line = batch->rejects[0].line;
    while (worker->row_count && batch->lines[worker->rows[worker->row_count - 1]] > line)
        worker->row_count--;
    while (worker->forward_count &&
           batch->lines[worker->forwarded[worker->forward_count - 1]] > line)
        worker->forward_count--;
}

/* Columns that some record has; each is looked at until one is found. */
static void see_columns(struct worker *worker)
{
    const struct tcore_batch *batch = worker->batch;
    for (size_t c = 0; c < batch->column_count; c++) {
        const struct tcore_column *column = &batch->columns[c];
        size_t rows = column->form == TCORE_COLUMN_CONSTANT ? batch->rows > 0 : batch->rows;
        for (size_t row = 0; row < rows && !worker->seen[c]; row++)
            worker->seen[c] = tcore_column_get(column, row).kind != TCORE_ABSENT;
    }
}

/* What is left to look at: of a block whose records are all in the time that is asked for, not the
 * time of each. */
static struct cli_select selection_of(const struct worker *worker)
{
    struct cli_select select = worker->run->select;
    const struct cli_io_options *io = select.io;
    const struct tcore_binary_info *info = &worker->chunk.info;
    bool inside = worker->chunk.apart && info->rows && info->all_timed &&
                  info->type != TCORE_RECORD_CLOCK &&
                  (!io->since.set || info->min_ns >= io->since.unix_ns) &&
                  (!io->until.set || info->max_ns < io->until.unix_ns);
    select.timed = select.timed && !inside;
    return select;
}

bool wants_sums(const struct worker *worker)
{
    const struct run *run = worker->run;
    const struct cli_select select = selection_of(worker);
    return run->op->sums && !run->op->ordered && !run->op->select && worker->chunk.apart &&
           !select.where && !select.timed && run->consumed >> worker->chunk.info.type & 1;
}

void select_rows(struct worker *worker)
{
    const struct cli_select select = selection_of(worker);
    if (!has_room(worker, worker->batch->rows)) {
        worker->status = tcore_error_nomem(&worker->err);
        return;
    }
    see_columns(worker);
    sort_rows(worker);
    if (worker->run->cli->io.strict)
        cut_at_reject(worker);
    worker->status = cli_select_rows(&select, worker->where, worker->batch, worker->rows,
                                     &worker->row_count, &worker->counts.left_out, &worker->err);
    if (worker->status == TCORE_OK && worker->run->op->select)
        worker->run->op->select(worker->run->state, worker->batch, worker->rows,
                                &worker->row_count);
    if (worker->counts.left_out.failed && !worker->has_failed) {
        worker->has_failed = true;
        worker->first_failed = worker->number;
    }
}

/* --- The operator */

/* The lines of rows; neighbours in the chunk are copied in one piece. */
static void append_lines(struct worker *worker, const uint32_t *rows, size_t count)
{
    const struct tcore_slice *text = worker->batch->text;
    for (size_t i = 0; i < count;) {
        const char *start = text[rows[i]].data;
        const char *end = start + text[rows[i]].length;
        for (i++; i < count && text[rows[i]].data == end + 1 && *end == '\n'; i++)
            end = text[rows[i]].data + text[rows[i]].length;
        tcore_buf_append(&worker->out, start, (size_t)(end - start));
        tcore_buf_putc(&worker->out, '\n');
    }
}

static enum tcore_status append_clock(struct worker *worker, uint32_t row, struct tcore_error *err)
{
    int64_t ns;
    if (worker->batch->text)
        append_lines(worker, &row, 1);
    else if (cli_select_time_of(&worker->run->select, worker->batch, row, &ns))
        tcore_buf_printf(&worker->out, "{\"type\":\"clock\",\"timeUnixNano\":\"%" PRId64 "\"}\n",
                         ns);
    return tcore_buf_status(&worker->out, err);
}

static enum tcore_status forward(struct worker *worker, uint32_t row, struct tcore_error *err)
{
    if (worker->batch->types[row] == TCORE_RECORD_CLOCK)
        return append_clock(worker, row, err);
    append_lines(worker, &row, 1);
    return tcore_buf_status(&worker->out, err);
}

static enum tcore_status operate_on(struct worker *worker, void *operator_worker,
                                    const uint32_t *rows, size_t count, struct tcore_error *err)
{
    const struct cli_operator *op = worker->run->op;
    if (!count)
        return TCORE_OK;
    if (op->passes_text)
        append_lines(worker, rows, count);
    if (!op->batch)
        return tcore_buf_status(&worker->out, err);
    if (op->from_input)
        op->from_input(worker->run->state, operator_worker,
                       (size_t)(worker->source - worker->run->sources));
    enum tcore_status status = op->batch(worker->run->state, operator_worker, worker->batch, rows,
                                         count, &worker->out, err);
    return status == TCORE_OK ? tcore_buf_status(&worker->out, err) : status;
}

/* The text of what goes on, where it has to be made. */
static enum tcore_status make_text(struct worker *worker, struct tcore_error *err)
{
    size_t rows = worker->batch->rows;
    if (worker->batch->text || !worker->columns->projection.text_late ||
        !(worker->row_count + worker->forward_count))
        return TCORE_OK;
    bool *wanted = tcore_calloc(rows, sizeof *wanted);
    if (!wanted)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < worker->row_count; i++)
        wanted[worker->rows[i]] = true;
    for (size_t i = 0; i < worker->forward_count; i++)
        wanted[worker->forwarded[i]] = true;
    bool all = worker->row_count == rows;
    enum tcore_status status =
        tcore_decoder_text(worker->decoder, all ? NULL : wanted, worker->batch, err);
    worker->bad_block = status == TCORE_BAD_INPUT;
    tcore_free(wanted);
    return status;
}

enum tcore_status operate(struct worker *worker, void *operator_worker, struct tcore_error *err)
{
    enum tcore_status status = make_text(worker, err);
    size_t done = 0;
    for (size_t i = 0; i < worker->forward_count && status == TCORE_OK; i++) {
        size_t before = done;
        while (done < worker->row_count && worker->rows[done] < worker->forwarded[i])
            done++;
        status = operate_on(worker, operator_worker, worker->rows + before, done - before, err);
        if (status == TCORE_OK)
            status = forward(worker, worker->forwarded[i], err);
    }
    if (status == TCORE_OK)
        status =
            operate_on(worker, operator_worker, worker->rows + done, worker->row_count - done, err);
    return status;
}
