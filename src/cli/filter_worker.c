/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a chunk to what is seen of it. */
#include <config.h>

#include "cli/filter_private.h"
#include "cli/message.h"
#include "cli/signals.h"

#include "base/sys.h"

#include <inttypes.h>
#include <string.h>

#define LONG_CHUNK_BYTES ((size_t)128 * 1024) /* one of these, and more threads are worth it */
#define LONG_RUN_CHUNKS  32

static enum tcore_status open_decoder(struct worker *worker, struct columns *columns,
                                      struct tcore_error *err)
{
    size_t count = columns->projection.count;
    tcore_decoder_free(worker->decoder);
    tcore_free(worker->seen);
    worker->decoder = NULL;
    worker->columns = columns;
    worker->seen = tcore_calloc(count + 1, sizeof *worker->seen);
    if (!worker->seen)
        return tcore_error_nomem(err);
    if (count)
        memcpy(worker->seen, columns->seen, count * sizeof *worker->seen);
    return tcore_decoder_new(&worker->decoder, &columns->projection, &worker->run->input_options,
                             err);
}

enum tcore_status open_worker(struct worker *worker, struct run *run, struct tcore_error *err)
{
    worker->run = run;
    enum tcore_status status = open_decoder(worker, run->columns, err);
    if (status == TCORE_OK && run->select.where)
        status = tcore_expr_state_new(&worker->where, run->select.where, err);
    if (status == TCORE_OK && run->op->worker_open && !run->op->ordered) {
        status = run->op->worker_open(run->state, &worker->state, err);
        worker->opened = status == TCORE_OK;
    }
    return status;
}

void free_worker(struct worker *worker)
{
    tcore_decoder_free(worker->decoder);
    if (worker->where)
        tcore_expr_state_free(worker->where);
    tcore_chunk_free(&worker->chunk);
    tcore_buf_free(&worker->out);
    tcore_free(worker->rows);
    tcore_free(worker->forwarded);
    tcore_free(worker->seen);
}

/* --- Without anybody's leave */

static void take_sample(struct worker *worker)
{
    struct run *run = worker->run;
    size_t length = worker->chunk.length;
    if (worker->number || worker->source->format != TCORE_FORMAT_NDJSON)
        return;
    run->sample_length = length < sizeof run->sample ? length : sizeof run->sample;
    memcpy(run->sample, worker->chunk.data, run->sample_length);
}

/* Of a block that tells what is in it: whether nothing of that is wanted. Records of other types
 * are counted as if they had been read. */
static bool is_unwanted(struct worker *worker)
{
    const struct tcore_binary_info *info = &worker->chunk.info;
    const struct run *run = worker->run;
    const struct cli_io_options *io = &run->cli->io;
    if (!worker->chunk.apart || !info->rows)
        return false;
    if (!(run->consumed >> info->type & 1) && !run->pass && info->type != TCORE_RECORD_CLOCK) {
        worker->counts.records += info->rows;
        if (!(run->op->types >> info->type & 1))
            worker->counts.passed_over[info->type] += info->rows;
        return true;
    }
    if (info->all_timed && ((io->since.set && info->max_ns < io->since.unix_ns) ||
                            (io->until.set && info->min_ns >= io->until.unix_ns)))
        return true;
    if (!worker->chunk.unmatched)
        return false;
    worker->counts.records += info->rows;
    worker->counts.unread += info->rows;
    return true;
}

static void decode(struct worker *worker)
{
    worker->chunk.by_trace = wants_sums(worker);
    worker->status = tcore_decoder_decode(worker->decoder, worker->source->format, &worker->chunk,
                                          &worker->batch, &worker->err);
    worker->bad_block = worker->status != TCORE_OK;
    worker->counts.bytes += worker->chunk.length;
    if (worker->bad_block) {
        worker->batch = NULL;
        return;
    }
    worker->counts.records += worker->batch->rows;
    worker->counts.duplicate_keys += worker->batch->duplicate_keys;
}

/* Lines that the operator takes as they are. False: they have to be decoded. */
static bool take_lines(struct worker *worker)
{
    const struct run *run = worker->run;
    const struct tcore_chunk *chunk = &worker->chunk;
    const struct cli_io_options *io = &run->cli->io;
    bool all = run->op->lines && !io->where && !io->since.set && !io->until.set && !io->types.count;
    if (!all || worker->source->format != TCORE_FORMAT_NDJSON || chunk->overlong || chunk->clock)
        return false;
    enum tcore_status status = run->op->lines(run->state, worker->state, chunk->data, chunk->length,
                                              &worker->taken, &worker->err);
    if (status == TCORE_SKIP) {
        worker->taken = (struct cli_lines_taken){0};
        return false;
    }
    worker->status = status;
    worker->counts.bytes += chunk->length;
    worker->counts.records += worker->taken.records;
    worker->counts.duplicate_keys += worker->taken.duplicate_keys;
    return true;
}

/* From the records of the chunk to what the operator makes of them. */
static void decode_and_operate(struct worker *worker)
{
    if (is_unwanted(worker) || take_lines(worker))
        return;
    decode(worker);
    if (worker->batch && worker->batch->sums) {
        const struct run *run = worker->run;
        worker->status =
            run->op->sums(run->state, worker->state, worker->batch->sums, &worker->err);
        return;
    }
    if (worker->batch)
        select_rows(worker);
    if (worker->batch && worker->status == TCORE_OK && !worker->run->op->ordered)
        worker->status = operate(worker, worker->state, &worker->err);
}

/* TCORE_SKIP and TCORE_BAD_INPUT: nothing of it was taken. */
static enum tcore_status add_rollup(struct worker *worker, unsigned types)
{
    struct tcore_chunk *chunk = &worker->chunk;
    struct tcore_slice rollup;
    bool *wanted = NULL;
    enum tcore_status status = chunk->columns->open(chunk->columns, &rollup, &worker->err);
    if (status == TCORE_OK)
        status = select_series(worker, &rollup, types, &wanted, &worker->err);
    if (status == TCORE_OK)
        status = worker->run->op->rollup(worker->run->state, worker->state, &rollup, types, wanted,
                                         worker->seen, &worker->err);
    tcore_free(wanted);
    return status;
}

/* A roll-up instead of records. If it is of no use the records are taken; that it is damaged is
 * told. */
static void take_rollup(struct worker *worker)
{
    struct tcore_chunk *chunk = &worker->chunk;
    enum tcore_status status = add_rollup(worker, chunk->rolled_up);
    chunk->rolled_up = 0;
    worker->status = status;
    if (status != TCORE_BAD_INPUT && status != TCORE_SKIP)
        return;
    struct tcore_error damage = worker->err;
    worker->status = TCORE_OK;
    while (worker->status == TCORE_OK && chunk->columns->instead(chunk->columns, &chunk->info)) {
        decode_and_operate(worker);
        if (!worker->bad_block || worker->status != TCORE_BAD_INPUT)
            continue;
        worker->status = TCORE_OK; /* that block is lost, and others are there */
        if (!worker->lost++)
            worker->first_lost = worker->err;
    }
    worker->batch = NULL;
    if (worker->status == TCORE_OK && status == TCORE_BAD_INPUT) {
        worker->err = damage;
        worker->status = status;
        worker->bad_block = true;
    } else if (worker->status == TCORE_OK && worker->lost) { /* its roll-up was good */
        worker->err = worker->first_lost;
        worker->status = TCORE_BAD_INPUT;
        worker->bad_block = true;
        worker->lost--;
    }
}

static void prepare(struct worker *worker)
{
    tcore_buf_clear(&worker->out);
    worker->batch = NULL;
    worker->status = TCORE_OK;
    worker->row_count = worker->forward_count = 0;
    worker->bad_block = false;
    worker->lost = 0;
    worker->taken = (struct cli_lines_taken){0};
    if (worker->is_problem)
        return;
    struct columns *columns = __atomic_load_n(&worker->run->columns, __ATOMIC_ACQUIRE);
    if (worker->columns != columns)
        worker->status = open_decoder(worker, columns, &worker->err);
    if (worker->status != TCORE_OK)
        return;
    take_sample(worker);
    if (worker->chunk.rolled_up)
        take_rollup(worker);
    else
        decode_and_operate(worker);
}

/* --- In its turn */

static bool flush_is_due(const struct run *run)
{
    int64_t since = __atomic_load_n(&run->unflushed_ns, __ATOMIC_RELAXED);
    return since && tcore_sys()->monotonic_ns() - since >= run->cli->io.flush_after_ns;
}

static bool has_something_to_show(const struct worker *worker)
{
    return worker->is_problem || worker->out.length || worker->chunk.live ||
           worker->status != TCORE_OK || worker->run->op->ordered || worker->run->op->in_turn ||
           worker->run->op->refused || (worker->batch && worker->batch->reject_count) ||
           flush_is_due(worker->run);
}

static void write_output(struct worker *worker)
{
    struct run *run = worker->run;
    bool wanted = true;
    if (run->op->silent)
        return;
    if (worker->out.length) {
        wanted = cli_output_lines(run->output, worker->out.data, worker->out.length);
        if (!run->unflushed_ns)
            __atomic_store_n(&run->unflushed_ns, tcore_sys()->monotonic_ns(), __ATOMIC_RELAXED);
    }
    bool live = !worker->is_problem && worker->chunk.live;
    if (wanted && run->unflushed_ns && (live || flush_is_due(run))) {
        wanted = cli_output_flush(run->output);
        __atomic_store_n(&run->unflushed_ns, 0, __ATOMIC_RELAXED);
    }
    if (!wanted)
        stop_run(run, true);
}

static void keep_reject(struct run *run, const struct tcore_reject *reject)
{
    if (!run->cli->io.rejects)
        return;
    if (!cli_sink_write(&run->rejects, reject->text.data, reject->text.length) ||
        !cli_sink_write(&run->rejects, "\n", 1))
        stop_run(run, true);
}

void keep_undelivered(struct run *run)
{
    struct tcore_buf *lines = run->op->undelivered ? run->op->undelivered(run->state) : NULL;
    if (!lines || !lines->length)
        return;
    if (run->cli->io.rejects && !cli_sink_write(&run->rejects, lines->data, lines->length))
        stop_run(run, true);
    tcore_buf_clear(lines);
}

static void show_reject(struct worker *worker, const struct tcore_reject *reject)
{
    struct run *run = worker->run;
    uint64_t base = run->line_source == worker->source ? run->line_base : 0;
    uint64_t line = reject->line && !worker->chunk.lines ? base + reject->line : 0;
    cli_reject(run->cli, worker->source->name, line, reject->byte, reject->reason);
    keep_reject(run, reject);
}

/* What the operator refused, as a reject of the decoder. */
static struct tcore_reject reject_of(const struct tcore_batch *batch,
                                     const struct cli_refusal *refusal)
{
    return (struct tcore_reject){.line = batch->lines ? batch->lines[refusal->row] : 0,
                                 .text = batch->text[refusal->row],
                                 .reason = refusal->reason};
}

/* Those of the decoder and of the operator, by line. */
static void show_rejects(struct worker *worker)
{
    struct run *run = worker->run;
    const struct tcore_batch *batch = worker->batch;
    bool strict = run->cli->io.strict;
    size_t refused = 0;
    const struct cli_refusal *refusals = NULL;
    if (run->op->refused && worker->row_count)
        refusals = run->op->refused(run->state, worker->state, &refused);
    size_t count = batch->reject_count + refused;
    if (count && strict && run->output)
        cli_output_flush(run->output); /* what came before it comes before the message */
    for (size_t i = 0, k = 0; i + k < (strict && count ? 1 : count);) {
        struct tcore_reject reject = {0};
        if (k < refused)
            reject = reject_of(batch, &refusals[k]);
        bool of_decoder =
            k == refused || (i < batch->reject_count && batch->rejects[i].line <= reject.line);
        show_reject(worker, of_decoder ? &batch->rejects[i] : &reject);
        i += of_decoder;
        k += !of_decoder;
    }
    if (count && strict) {
        run->cli->failed = true;
        stop_run(run, true);
    }
}

static void show_lost(struct worker *worker)
{
    struct tcore_error err = worker->first_lost;
    tcore_error_set(&err, TCORE_BAD_INPUT, "%s; lost with it: %" PRIu64 " block%s",
                    worker->first_lost.text, worker->lost, worker->lost == 1 ? "" : "s");
    err.input = worker->source->name;
    cli_report(worker->run->cli, &err);
}

/* A problem of an input ends that input; one of the operator ends the run. */
static void show_problem(struct worker *worker)
{
    struct run *run = worker->run;
    struct tcore_error err = worker->is_problem ? worker->source->problem : worker->err;
    bool of_input = worker->is_problem || worker->bad_block;
    err.status = worker->is_problem ? err.status : worker->status;
    if (of_input)
        err.input = worker->source->name; /* the input's own copy of it may be gone */
    cli_report(run->cli, &err);
    if (worker->lost)
        show_lost(worker);
    if (!of_input || run->cli->io.strict || (worker->bad_block && worker->status == TCORE_FATAL))
        stop_run(run, true);
}

/* HUP came, now or since the chunk was decoded. */
static void reload(struct worker *worker)
{
    struct run *run = worker->run;
    struct tcore_buf out = {0};
    if (cli_take_reload_request()) {
        enum tcore_status status = reload_columns(run, &out, &worker->err);
        if (status != TCORE_OK)
            worker->status = status;
    }
    if (worker->columns != run->columns && worker->status == TCORE_OK) {
        worker->counts = (struct counts){0};
        prepare(worker);
    }
    tcore_buf_append(&worker->out, out.data, out.length);
    tcore_buf_free(&out);
}

static void show(struct worker *worker)
{
    struct run *run = worker->run;
    if (run->op->reload && worker->batch && worker->status == TCORE_OK)
        reload(worker);
    if (run->op->ordered && worker->batch && worker->status == TCORE_OK)
        worker->status = operate(worker, NULL, &worker->err);
    bool worked = (worker->batch && worker->row_count) || worker->taken.records;
    if (run->op->in_turn && worked && worker->status == TCORE_OK)
        worker->status = run->op->in_turn(run->state, worker->state, &worker->out, &worker->err);
    keep_undelivered(run);
    write_output(worker);
    if (worker->batch) /* even if nobody takes the output any more: nobody reads these again */
        show_rejects(worker);
    if (run->stop)
        return;
    if (worker->is_problem || (worker->status != TCORE_OK && worker->status != TCORE_EOF))
        show_problem(worker);
    else if (worker->status == TCORE_EOF)
        stop_run(run, false);
}

void work(struct worker *worker)
{
    struct run *run = worker->run;
    while (claim_chunk(worker)) {
        bool is_long = !worker->is_problem &&
                       (worker->chunk.apart || worker->chunk.length >= LONG_CHUNK_BYTES ||
                        worker->number >= LONG_RUN_CHUNKS);
        if (!worker->started && is_long && !worker->chunk.live)
            spawn_workers(run);
        prepare(worker);
        if (has_something_to_show(worker)) {
            if (!take_turn(worker))
                break;
            show(worker);
        }
        end_turn(worker);
    }
}
