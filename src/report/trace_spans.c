/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of the library's store of spans a report needs: some rows in, its traces in order out. */
#include <config.h>

#include "report/trace_spans.h"

#include "base/sys.h"
#include "cli/pieces.h"

#include <stdlib.h>
#include <string.h>

enum tcore_status trace_spans_open(struct trace_spans *spans, size_t memory_bytes,
                                   struct tcore_error *err)
{
    const struct tcore_trace_store_options options = {.text = true, .memory_bytes = memory_bytes};
    return tcore_trace_store_new(&spans->store, &options, err);
}

void trace_spans_free(struct trace_spans *spans)
{
    tcore_trace_store_free(spans->store);
    tcore_free(spans->traces);
    *spans = (struct trace_spans){0};
}

enum tcore_status trace_spans_project(struct trace_spans *spans,
                                      struct tcore_projection *projection, struct tcore_error *err)
{
    const struct tcore_path_key key = {"traceId", 7};
    enum tcore_status status = tcore_trace_store_project(spans->store, projection, err);
    if (status || !*spans->only)
        return status;
    return tcore_projection_add_path(projection, &key, 1, &spans->trace_column, err);
}

/* Leaves in taker->rows those of the one trace. */
static bool keep_wanted(const struct trace_spans *spans, struct trace_taker *taker,
                        const struct tcore_batch *batch, const uint32_t *rows, size_t *count)
{
    const struct tcore_column *column = &batch->columns[spans->trace_column];
    size_t kept = 0;
    if (*count > taker->capacity) {
        tcore_free(taker->rows);
        taker->rows = tcore_reallocarray(NULL, *count, sizeof *taker->rows);
        taker->capacity = taker->rows ? *count : 0;
        if (!taker->rows)
            return false;
    }
    for (size_t i = 0; i < *count; i++) {
        struct tcore_value id = tcore_column_get(column, rows[i]);
        if (id.kind == TCORE_STRING && id.len == 32 && memcmp(id.s, spans->only, 32) == 0)
            taker->rows[kept++] = rows[i];
    }
    *count = kept;
    return true;
}

enum tcore_status trace_spans_take(const struct trace_spans *spans, struct trace_taker *taker,
                                   const struct tcore_batch *batch, const uint32_t *rows,
                                   size_t count, struct tcore_error *err)
{
    if (*spans->only) {
        if (!keep_wanted(spans, taker, batch, rows, &count))
            return tcore_error_nomem(err);
        rows = taker->rows;
    }
    return tcore_trace_intake_add(taker->intake, batch, rows, count, err);
}

/* --- Traces */

static uint64_t length_of(const struct tcore_interval *whole)
{
    return tcore_interval_is_known(whole) ? (uint64_t)whole->end_ns - (uint64_t)whole->start_ns : 0;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_traces(const void *a, const void *b)
{
    const struct tcore_stored_trace *x = *(struct tcore_stored_trace *const *)a,
                                    *y = *(struct tcore_stored_trace *const *)b;
    const uint64_t *p = x->spans[0]->trace_id, *q = y->spans[0]->trace_id;
    int order = compare_u64(length_of(&y->whole), length_of(&x->whole));
    if (!order)
        order = compare_u64(p[0], q[0]);
    return order ? order : compare_u64(p[1], q[1]);
}

struct grouping {
    struct tcore_trace_store *store;
    struct tcore_trace_group group[TCORE_TRACE_PARTITIONS];
};

static enum tcore_status group_one(void *state, unsigned thread, uint64_t piece,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    struct grouping *g = state;
    (void)thread;
    (void)out;
    return tcore_trace_store_group(g->store, (unsigned)piece, &g->group[piece], err);
}

enum tcore_status trace_spans_group(struct trace_spans *spans, unsigned threads,
                                    struct tcore_error *err)
{
    struct grouping g = {.store = spans->store};
    size_t count = 0;
    enum tcore_status status = tcore_trace_store_seal(spans->store, err);
    if (!status)
        status = cli_pieces_do(threads, TCORE_TRACE_PARTITIONS, group_one, &g, err);
    if (status)
        return status;
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        count += g.group[p].trace_count;
    spans->traces = tcore_reallocarray(NULL, count + 1, sizeof(struct tcore_stored_trace *));
    if (!spans->traces)
        return tcore_error_nomem(err);
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        for (uint32_t t = 0; t < g.group[p].trace_count; t++)
            spans->traces[spans->count++] = &g.group[p].traces[t];
    qsort(spans->traces, spans->count, sizeof(struct tcore_stored_trace *), compare_traces);
    return TCORE_OK;
}

/* --- Spans */

static struct tcore_slice or_empty(struct tcore_slice text)
{
    return text.data ? text : (struct tcore_slice){"", 0};
}

struct tcore_slice span_service(const struct trace_spans *spans,
                                const struct tcore_stored_text *span)
{
    return or_empty(tcore_trace_store_service(spans->store, span->stored.span.service));
}

struct tcore_slice span_name(const struct trace_spans *spans, const struct tcore_stored_text *span)
{
    return or_empty(tcore_trace_store_name(spans->store, span->name));
}

/* Whether a comes before b among those that may stand for their trace. */
static bool stands_before(const struct tcore_stored_text *a, const struct tcore_stored_text *b)
{
    bool a_is_root = !a->stored.span.parent_id, b_is_root = !b->stored.span.parent_id;
    return a_is_root != b_is_root ? a_is_root : tcore_stored_text_compare(&a, &b) < 0;
}

const struct tcore_stored_text *trace_stand_in(const struct tcore_stored_trace *trace)
{
    const struct tcore_stored_text *found = trace_span(trace, 0);
    for (size_t i = 1; i < trace->count; i++)
        if (stands_before(trace_span(trace, i), found))
            found = trace_span(trace, i);
    return found;
}
