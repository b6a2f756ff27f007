/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of input: all traces that are left are decided, and written, by start and id. If their
 * spans are in a file, this is read from beginning to end, and the lines of those that are kept are
 * sorted by their traces' places; spans of a trace stay in the order in which they came.
 */
#include <config.h>

#include "span/sample_traces.h"

#include "base/sys.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN ((size_t)1 << 20) /* bytes of output at a time */

/* --- Decisions */

static int by_start(const void *left, const void *right)
{
    const struct held_trace *const *a = left, *const *b = right;
    const struct sample_facts *first = &(*a)->facts, *second = &(*b)->facts;
    if (first->start_ns != second->start_ns)
        return first->start_ns < second->start_ns ? -1 : 1;
    return memcmp((*a)->id, (*b)->id, sizeof(*a)->id);
}

static enum tcore_status put_in_order(struct sampler *s)
{
    struct held_table *table = &s->table;
    s->order = tcore_reallocarray(NULL, table->undecided.count + 1, sizeof *s->order);
    if (!s->order)
        return tcore_error_nomem(s->err);
    for (struct held_trace *trace = table->undecided.oldest; trace; trace = trace->newer) {
        trace->queued = true;
        s->order[s->ordered++] = trace;
    }
    if (s->ordered)
        qsort(s->order, s->ordered, sizeof *s->order, by_start);
    return TCORE_OK;
}

/* Places by the numbers that spans in the file have. NULL: no memory. */
static uint32_t *places_of_numbers(struct sampler *s)
{
    uint32_t *places = tcore_reallocarray(NULL, s->ordered + 1, sizeof *places);
    for (size_t i = 0; places && i < s->ordered; i++)
        places[s->order[i]->number] = (uint32_t)i;
    return places;
}

/* --- Shapes of traces whose spans are in the file */

/* A span's call on its way through the sort, behind its trace's place. */
struct sorted_call {
    uint64_t place;
    struct held_call call;
};

static enum tcore_status add(struct sampler *s, uint32_t place, struct tcore_slice text)
{
    uint32_t key = htobe32(place);
    return sort_runs_add(&s->lines, (struct tcore_slice){(const char *)&key, sizeof key}, text,
                         s->err);
}

static enum tcore_status sort_calls(struct sampler *s, const uint32_t *places)
{
    const struct held_span *span;
    enum tcore_status status = held_log_rewind(&s->log, s->err);
    while (status == TCORE_OK && (status = held_log_next(&s->log, &span, s->err)) == TCORE_OK) {
        struct sorted_call sorted = {.place = places[span->trace], .call = span->call};
        status =
            add(s, places[span->trace], (struct tcore_slice){(const char *)&sorted, sizeof sorted});
    }
    return status == TCORE_EOF ? sort_runs_finish(&s->lines, s->err) : status;
}

/* The calls of one trace. */
struct trace_calls {
    struct held_call *call; /* owned */
    size_t count, capacity;
};

static enum tcore_status add_call(struct sampler *s, struct trace_calls *calls,
                                  const struct sorted_call *sorted)
{
    struct held_trace *trace = s->order[sorted->place];
    if (trace->facts.spans > calls->capacity) {
        tcore_free(calls->call);
        calls->call = tcore_reallocarray(NULL, trace->facts.spans, sizeof *calls->call);
        calls->capacity = calls->call ? trace->facts.spans : 0;
        if (!calls->call)
            return tcore_error_nomem(s->err);
    }
    calls->call[calls->count++] = sorted->call;
    if (calls->count < trace->facts.spans)
        return TCORE_OK;
    bool good = held_shape(calls->call, calls->count, &trace->facts.shape);
    calls->count = 0;
    return good ? TCORE_OK : tcore_error_nomem(s->err);
}

static enum tcore_status find_shapes(struct sampler *s, const uint32_t *places)
{
    struct trace_calls calls = {0};
    struct tcore_slice text;
    enum tcore_status status = sort_calls(s, places);
    while (status == TCORE_OK && (status = sort_runs_next(&s->lines, &text, s->err)) == TCORE_OK) {
        struct sorted_call sorted;
        memcpy(&sorted, text.data, sizeof sorted);
        status = add_call(s, &calls, &sorted);
    }
    tcore_free(calls.call);
    size_t memory = s->lines.memory_bytes;
    sort_runs_close(&s->lines);
    sort_runs_open(&s->lines, memory);
    return status == TCORE_EOF ? TCORE_OK : status;
}

/* --- All of it */

static enum tcore_status decide_all(struct sampler *s)
{
    bool in_file = s->log.fd >= 0;
    enum tcore_status status = in_file ? held_log_take(&s->log, &s->table, s->err) : TCORE_OK;
    if (status == TCORE_OK)
        status = put_in_order(s);
    if (status == TCORE_OK && in_file && s->plan->shapes) {
        uint32_t *places = places_of_numbers(s);
        status = places ? find_shapes(s, places) : tcore_error_nomem(s->err);
        tcore_free(places);
    }
    for (size_t i = 0; i < s->ordered && status == TCORE_OK; i++) {
        struct held_trace *trace = s->order[i];
        if (!in_file && s->plan->shapes && !held_shape_of(trace, &trace->facts.shape))
            return tcore_error_nomem(s->err);
        status = held_decide(s, trace);
    }
    if (status == TCORE_OK)
        sample_rules_close(s->rules, INT64_MAX);
    return status == TCORE_OK ? s->status : status;
}

/* --- Spans from the file */

static enum tcore_status sort_lines(struct sampler *s, const uint32_t *places)
{
    struct tcore_buf line = {0}, *out = s->out;
    const struct held_span *span;
    enum tcore_status status = held_log_rewind(&s->log, s->err);
    s->out = &line;
    while (status == TCORE_OK && (status = held_log_next(&s->log, &span, s->err)) == TCORE_OK) {
        const struct held_trace *trace = s->order[places[span->trace]];
        if (!trace->kept)
            continue;
        tcore_buf_clear(&line);
        held_write_span(s, trace, span);
        status = s->status;
        if (status == TCORE_OK)
            status = add(s, places[span->trace], (struct tcore_slice){line.data, line.length});
    }
    s->out = out;
    tcore_buf_free(&line);
    return status == TCORE_EOF ? sort_runs_finish(&s->lines, s->err) : status;
}

/* The next of the lines; TCORE_SKIP: there are more. */
static enum tcore_status write_lines(struct sampler *s)
{
    struct tcore_slice text;
    enum tcore_status status = TCORE_OK;
    if (!s->sorted) {
        uint32_t *places = places_of_numbers(s);
        status = places ? sort_lines(s, places) : tcore_error_nomem(s->err);
        tcore_free(places);
        s->sorted = true;
    }
    while (status == TCORE_OK && s->out->length < DRAIN) {
        status = sort_runs_next(&s->lines, &text, s->err);
        if (status == TCORE_OK)
            tcore_buf_append(s->out, text.data, text.length);
    }
    return status == TCORE_OK ? TCORE_SKIP : status == TCORE_EOF ? TCORE_OK : status;
}

enum tcore_status held_end(void *sampler, struct tcore_buf *out, struct tcore_error *err)
{
    struct sampler *s = sampler;
    s->out = out;
    s->err = err;
    enum tcore_status status = s->order ? TCORE_OK : decide_all(s);
    while (status == TCORE_OK && s->next < s->ordered && out->length < DRAIN) {
        held_finish(s, s->order[s->next++]);
        status = s->status;
    }
    if (status != TCORE_OK)
        return status;
    if (s->next < s->ordered)
        return TCORE_SKIP;
    return s->log.fd >= 0 && !s->plan->decisions ? write_lines(s) : TCORE_OK;
}
