/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sampling complete traces. Batches come in input order, so that the result does not depend on
 * threads. Without --wait traces are complete at the end of input, and are decided by start and id
 * (sample_end.c); with it, when event time has moved on so much since their last span, and spans
 * that come later go by what was decided.
 */
#include <config.h>

#include "span/sample_traces.h"

#include "base/map.h"
#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "model/number.h"
#include "model/time.h"

#include <inttypes.h>
#include <string.h>

#define MEMORY     ((int64_t)1 << 30)           /* --memory, if it is not given */
#define FUTURE_NS  (INT64_C(3600) * 1000000000) /* a span beyond this does not move event time */
#define TIME_LIMIT ((int64_t)1 << 62)

/* --- Decisions */

/* A trace whose rates are all known now. At the end it waits for its turn. */
static void settled(void *state, void *owner)
{
    struct sampler *s = state;
    struct held_trace *trace = owner;
    if (trace->queued || s->status != TCORE_OK)
        return;
    held_finish(s, trace);
    held_remember(&s->table, trace);
}

enum tcore_status held_decide(struct sampler *s, struct held_trace *trace)
{
    /* what head sampling leaves out is nothing to the rules */
    if (trace->facts.randomness < trace->threshold) {
        trace->decision = (struct sample_decision){.rule = SAMPLE_NO_RULE};
        return TCORE_OK;
    }
    return sample_rules_decide(s->rules, &trace->facts, &trace->decision, trace, s->err);
}

static enum tcore_status decide_now(struct sampler *s, struct held_trace *trace)
{
    held_take(&s->table, trace);
    trace->decided = true;
    if (s->plan->shapes && !held_shape_of(trace, &trace->facts.shape))
        return tcore_error_nomem(s->err);
    enum tcore_status status = held_decide(s, trace);
    if (status == TCORE_OK && !trace->decision.pending) {
        held_finish(s, trace);
        held_remember(&s->table, trace);
        status = s->status;
    }
    return status;
}

enum tcore_status held_say_memory(const struct sampler *s)
{
    bool small = s->memory_bytes < 1 << 20;
    return tcore_error_set(s->err, TCORE_FATAL,
                           "what is to be decided about %zu traces does not fit in %zu %s: give "
                           "more with --memory=SIZE%s",
                           s->table.undecided.count, s->memory_bytes >> (small ? 10 : 20),
                           small ? "KiB" : "MiB",
                           s->plan->wait_ns < 0 ? ", or decide earlier with --wait=DUR" : "");
}

/* Without --wait spans go to a file. What is known of traces stays, and leaves them a quarter of
 * the memory, or each would be written alone. */
static enum tcore_status make_room(struct sampler *s)
{
    struct held_table *table = &s->table;
    if (table->bytes <= s->memory_bytes)
        return TCORE_OK;
    if (table->bytes - table->span_bytes > s->memory_bytes / 4 * 3)
        return held_say_memory(s);
    return held_log_take(&s->log, table, s->err);
}

/* Spans of undecided traces have three quarters of the memory, decisions the rest. */
static enum tcore_status keep_within_memory(struct sampler *s)
{
    struct held_table *table = &s->table;
    enum tcore_status status = TCORE_OK;
    if (s->plan->wait_ns < 0)
        return make_room(s);
    while (table->decided.count &&
           table->decided.count * sizeof(struct held_trace) > s->memory_bytes / 4)
        held_remove(table, table->decided.oldest);
    while (table->bytes > s->memory_bytes && table->undecided.oldest && status == TCORE_OK) {
        s->early++;
        status = decide_now(s, table->undecided.oldest);
    }
    return status == TCORE_OK && table->bytes > s->memory_bytes ? held_say_memory(s) : status;
}

/* Event time has come to ns. */
static enum tcore_status move_on(struct sampler *s, int64_t ns)
{
    enum tcore_status status = TCORE_OK;
    if (s->plan->wait_ns < 0 || ns <= s->watermark_ns)
        return TCORE_OK;
    if (ns > s->future_ns)
        s->future_ns = tcore_sys()->wall_ns() + FUTURE_NS;
    if (ns > s->future_ns)
        return TCORE_OK;
    s->watermark_ns = ns;
    while (s->table.undecided.oldest && status == TCORE_OK &&
           ns - s->plan->wait_ns >= s->table.undecided.oldest->mark_ns)
        status = decide_now(s, s->table.undecided.oldest);
    /* whoever starts at the end of a window is decided a while later */
    if (status == TCORE_OK)
        sample_rules_close(s->rules, ns - 2 * s->plan->wait_ns);
    return status == TCORE_OK ? s->status : status;
}

/* --- Spans */

static int64_t time_at(const struct tcore_batch *batch, size_t column, uint32_t row)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    int64_t ns;
    return tcore_value_int64(&value, &ns) && ns > -TIME_LIMIT && ns < TIME_LIMIT ? ns : INT64_MIN;
}

static void learn(struct sampler *s, struct held_trace *trace, const struct tcore_batch *batch,
                  uint32_t row)
{
    struct sample_facts *facts = &trace->facts;
    struct tcore_value status = tcore_column_get(&batch->columns[s->plan->status], row);
    int64_t start = time_at(batch, s->plan->start, row),
            duration = time_at(batch, s->plan->duration, row);
    facts->errors += tcore_value_is_text(&status, "error");
    facts->where |= s->mask[row];
    facts->spans++;
    if (start == INT64_MIN)
        return;
    int64_t end = start + (duration > 0 ? duration : 0);
    facts->start_ns = start < facts->start_ns ? start : facts->start_ns;
    facts->end_ns = end > facts->end_ns ? end : facts->end_ns;
}

static uint64_t hash_at(const struct sampler *s, const struct tcore_batch *batch, size_t column,
                        uint32_t row, uint64_t before)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    if (value.kind != TCORE_STRING)
        return before;
    const uint64_t seed[2] = {s->table.seed[0] ^ before, s->table.seed[1]};
    return tcore_siphash(seed, value.s, value.len);
}

/* Keeps the span's text, or with --decisions its call alone. NULL: no memory. */
static struct held_span *hold(struct sampler *s, struct held_trace *trace,
                              const struct tcore_batch *batch, uint32_t row,
                              const struct sample_span *read)
{
    struct tcore_slice text = batch->text[row], state = read->state;
    if (s->plan->decisions) /* nothing is written of its spans */
        text.length = state.length = 0;
    size_t bytes = sizeof(struct held_span) + text.length + state.length;
    struct held_span *span = tcore_malloc(bytes);
    if (!span)
        return NULL;
    uint64_t threshold = sample_head_threshold(s->plan, read);
    *span = (struct held_span){.threshold = threshold,
                               .set = threshold &&
                                      (!read->has_threshold || threshold != read->threshold),
                               .trace = trace->number,
                               .text_length = (uint32_t)text.length,
                               .state_length = (uint32_t)state.length};
    memcpy(span->data, text.data, text.length);
    memcpy(span->data + text.length, state.data, state.length);
    if (s->plan->shapes) {
        const struct sample_plan *plan = s->plan;
        uint64_t service = hash_at(s, batch, plan->service, row, 1);
        span->call = (struct held_call){.id = hash_at(s, batch, plan->span_id, row, 0),
                                        .parent_id = hash_at(s, batch, plan->parent_id, row, 0),
                                        .operation = hash_at(s, batch, plan->name, row, service)};
    }
    *trace->last = span;
    trace->last = &span->next;
    trace->bytes += bytes + 16;
    s->table.bytes += bytes + 16;
    s->table.span_bytes += bytes + 16;
    return span;
}

/* Whether anything of a trace's spans is needed once they have been looked at. */
static bool holds_spans(const struct sampler *s)
{
    return !s->plan->decisions || s->plan->shapes;
}

/* A span of a trace that is decided. */
static enum tcore_status follow(struct sampler *s, struct held_trace *trace,
                                const struct tcore_batch *batch, uint32_t row,
                                const struct sample_span *read)
{
    bool pending = trace->decision.pending;
    s->late++;
    if (s->plan->decisions)
        return TCORE_OK;
    struct held_span *span = hold(s, trace, batch, row, read);
    if (!span)
        return tcore_error_nomem(s->err);
    if (pending) /* it goes out, or not, with the others */
        return TCORE_OK;
    if (trace->kept && read->randomness >= span->threshold)
        held_write_span(s, trace, span);
    held_forget_spans(&s->table, trace);
    return s->status;
}

static enum tcore_status take_span(struct sampler *s, const struct tcore_batch *batch, uint32_t row)
{
    struct sample_span read;
    char id[32] = {0};
    sample_span_read(&read, s->plan, batch, row);
    s->all_spans++;
    s->inconsistent += read.inconsistent;
    uint64_t head = sample_head_threshold(s->plan, &read);
    if (read.randomness < head && !s->plan->decisions)
        return TCORE_OK;
    memcpy(id, read.trace_id.data, read.trace_id.length < 32 ? read.trace_id.length : 32);
    struct held_trace *trace = held_find(&s->table, id);
    if (!trace)
        return tcore_error_nomem(s->err);
    if (trace->decided)
        return follow(s, trace, batch, row, &read);
    held_touch(&s->table, trace);
    if (!trace->facts.spans) {
        trace->facts.randomness = read.randomness;
        trace->threshold = head;
    }
    learn(s, trace, batch, row);
    if (holds_spans(s) && !hold(s, trace, batch, row, &read))
        return tcore_error_nomem(s->err);
    trace->mark_ns = INT64_MAX; /* it is not its turn yet */
    enum tcore_status status = move_on(s, time_at(batch, s->plan->start, row));
    trace->mark_ns = s->watermark_ns;
    return status == TCORE_OK ? keep_within_memory(s) : status;
}

/* --- The loop */

static bool reserve_rows(struct sampler *s, size_t rows)
{
    if (rows <= s->row_capacity)
        return true;
    tcore_free(s->mask);
    tcore_free(s->spans);
    tcore_free(s->rows);
    s->mask = tcore_calloc(rows, sizeof *s->mask);
    s->spans = tcore_reallocarray(NULL, rows, sizeof *s->spans);
    s->rows = tcore_reallocarray(NULL, rows, sizeof *s->rows);
    s->row_capacity = s->mask && s->spans && s->rows ? rows : 0;
    return s->row_capacity;
}

/* Which expressions are true of which spans. */
static enum tcore_status ask_expressions(struct sampler *s, const struct tcore_batch *batch,
                                         const uint32_t *rows, size_t count)
{
    size_t spans = 0;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < count; i++) {
        s->mask[rows[i]] = 0;
        if (batch->types[rows[i]] == TCORE_RECORD_SPAN)
            s->spans[spans++] = rows[i];
    }
    for (unsigned w = 0; w < s->plan->sampling.where_count && status == TCORE_OK; w++) {
        size_t met = spans;
        memcpy(s->rows, s->spans, spans * sizeof *s->rows);
        status = tcore_expr_select(s->where[w], batch, s->rows, &met, &s->failed, s->err);
        for (size_t i = 0; i < met && status == TCORE_OK; i++)
            s->mask[s->rows[i]] |= UINT64_C(1) << w;
    }
    return status;
}

static enum tcore_status batch(void *state, void *worker, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err)
{
    struct sampler *s = state;
    (void)worker;
    s->out = out;
    s->err = err;
    if (!reserve_rows(s, batch->rows))
        return tcore_error_nomem(err);
    enum tcore_status status = ask_expressions(s, batch, rows, count);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        if (batch->types[rows[i]] != TCORE_RECORD_CLOCK) {
            status = take_span(s, batch, rows[i]);
            continue;
        }
        status = move_on(s, time_at(batch, s->plan->time, rows[i]));
        tcore_buf_append(out, batch->text[rows[i]].data, batch->text[rows[i]].length);
        tcore_buf_putc(out, '\n');
    }
    return status;
}

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct sampler *s = state;
    struct sample_plan *plan = s->plan;
    enum tcore_status status = sample_columns(plan, projection, err);
    for (unsigned w = 0; w < plan->sampling.where_count && status == TCORE_OK; w++)
        status = tcore_expr_state_new(&s->where[w], plan->where[w], err);
    return status;
}

static enum tcore_status open_sampler(struct sampler *s, struct sample_plan *plan,
                                      struct tcore_error *err)
{
    int64_t memory = plan->cli->io.memory_bytes ? plan->cli->io.memory_bytes : MEMORY;
    *s = (struct sampler){.plan = plan,
                          .watermark_ns = INT64_MIN,
                          .future_ns = INT64_MIN,
                          .memory_bytes = (size_t)memory};
    held_log_open(&s->log);
    sort_runs_open(&s->lines, (size_t)memory / 4);
    enum tcore_status status = held_table_open(&s->table, err);
    return status == TCORE_OK ? sample_rules_new(&s->rules, &plan->sampling, settled, s, err)
                              : status;
}

static void close_sampler(struct sampler *s)
{
    for (unsigned w = 0; w < s->plan->sampling.where_count; w++)
        tcore_expr_state_free(s->where[w]);
    sample_rules_free(s->rules);
    held_table_close(&s->table);
    held_log_close(&s->log);
    sort_runs_close(&s->lines);
    sample_annotator_free(&s->annotator);
    tcore_buf_free(&s->reason);
    tcore_free(s->mask);
    tcore_free(s->spans);
    tcore_free(s->rows);
    tcore_free(s->order);
}

static void note(const struct sampler *s)
{
    struct cli *cli = s->plan->cli;
    if (s->plan->decisions)
        cli_note(cli, "%" PRIu64 " of %" PRIu64 " traces would be kept", s->kept_traces, s->traces);
    else
        cli_note(cli, "kept %" PRIu64 " of %" PRIu64 " traces, %" PRIu64 " of %" PRIu64 " spans",
                 s->kept_traces, s->traces, s->kept_spans, s->all_spans);
    if (s->late)
        cli_note(cli, "%" PRIu64 " span%s later than the decision about %s trace, and went by it",
                 s->late, s->late == 1 ? " came" : "s came", s->late == 1 ? "its" : "their");
    if (s->early)
        cli_note(cli, "%" PRIu64 " trace%s decided before --wait for want of memory", s->early,
                 s->early == 1 ? " was" : "s were");
    if (s->failed)
        cli_note(cli,
                 "%" PRIu64 " time%s an expression of the policy gave an error, and was not met",
                 s->failed, s->failed == 1 ? "" : "s");
    sample_note_inconsistent(cli, s->inconsistent);
}

int sample_traces(struct sample_plan *plan, int argc, char **argv)
{
    struct cli_operator sampling = {
        .types = 1u << TCORE_RECORD_SPAN,
        .ordered = true,
        .open = open_columns,
        .batch = batch,
        .finish = held_end,
    };
    struct sampler sampler;
    struct tcore_error err;
    if (plan->wait_ns >= 0)
        sampling.types |= 1u << TCORE_RECORD_CLOCK;
    if (open_sampler(&sampler, plan, &err) != TCORE_OK) {
        cli_report(plan->cli, &err);
        close_sampler(&sampler);
        return CLI_FAILED;
    }
    int status = cli_filter(plan->cli, &sampling, &sampler, argc, argv);
    if (status != CLI_USAGE && !plan->cli->failed)
        note(&sampler);
    close_sampler(&sampler);
    return status;
}
