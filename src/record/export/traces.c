/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From batches to the store of spans by trace, and out of it. */
#include <config.h>

#include "record/export/traces.h"

#include "base/sys.h"
#include "cli/message.h"
#include "record/export/export.h"

#include <inttypes.h>
#include <stdlib.h>

struct export_trace_place {
    int64_t start_ns;
    uint64_t trace_id[2];
    uint32_t partition, trace;
};

struct worker {
    struct export_record record;
    struct tcore_trace_intake *intake; /* of the store */
    struct tcore_buf span, others;
};

bool export_traces_open(struct export_traces *traces)
{
    struct tcore_error err;
    struct tcore_trace_store_options options = {.text = true,
                                                .memory_bytes = (size_t)export_memory(traces->cli)};
    if (tcore_trace_store_new(&traces->store, &options, &err) == TCORE_OK)
        return true;
    cli_report(traces->cli, &err);
    return false;
}

void export_traces_close(struct export_traces *traces)
{
    tcore_trace_store_free(traces->store);
    tcore_free(traces->place);
    export_losses_free(&traces->losses);
}

static enum tcore_status failure(const struct export_traces *traces, enum tcore_status status,
                                 struct tcore_error *err)
{
    if (status == TCORE_OK || !tcore_trace_store_is_full(traces->store))
        return status;
    return tcore_error_set(err, TCORE_FATAL,
                           "the spans of all traces do not fit in %" PRId64
                           " KiB: give more with --memory=SIZE",
                           export_memory(traces->cli) >> 10);
}

/* --- taking in --- */

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    struct export_traces *traces = state;
    struct worker *w = *worker = tcore_calloc(1, sizeof *w);
    return w ? tcore_trace_intake_new(&w->intake, traces->store, err) : tcore_error_nomem(err);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct export_traces *traces = state;
    struct worker *w = worker;
    (void)err;
    if (!w)
        return TCORE_OK;
    export_losses_add(&traces->losses, &w->record.losses);
    export_record_free(&w->record);
    tcore_buf_free(&w->span);
    tcore_buf_free(&w->others);
    tcore_free(w);
    return TCORE_OK;
}

static struct tcore_slice text_at(const struct export_record *record, uint32_t node)
{
    const struct tcore_value *v = export_value(record, node);
    bool text = node && v->kind == TCORE_STRING;
    return text ? (struct tcore_slice){v->s, v->len} : (struct tcore_slice){0};
}

static struct tcore_value time_at(const struct export_record *record, uint32_t node)
{
    int64_t ns;
    return export_int64(record, node, &ns) ? tcore_value_int(ns) : (struct tcore_value){0};
}

static enum tcore_status take_span(struct export_traces *traces, struct worker *w,
                                   struct tcore_error *err)
{
    struct export_record *record = &w->record;
    uint32_t at[SPAN_COUNT];
    export_collect(record, &export_span_keys, 0, NULL, at);
    tcore_buf_clear(&w->span);
    traces->encode(record, at, &w->span);
    int kind = export_word(record, at[SPAN_KIND], export_span_kinds, 6);
    uint32_t service = at[SPAN_SERVICE];
    if (!service && at[SPAN_RESOURCE])
        service = tcore_json_find(&record->json, at[SPAN_RESOURCE], "service.name");
    struct tcore_span_given given = {
        .trace_id = export_value(record, at[SPAN_TRACE])->s,
        .span_id = export_value(record, at[SPAN_SPAN])->s,
        .parent_id = at[SPAN_PARENT] ? export_value(record, at[SPAN_PARENT])->s : NULL,
        .start = time_at(record, at[SPAN_START]),
        .end = time_at(record, at[SPAN_END]),
        .error = export_text_is(record, at[SPAN_STATUS], "error"),
        .kind = kind < 0 ? TCORE_SPAN_UNSPECIFIED : (enum tcore_span_kind)kind,
        .service = text_at(record, service),
        .name = text_at(record, at[SPAN_NAME]),
        .text = {w->span.data, w->span.length},
    };
    enum tcore_status status = tcore_buf_status(&w->span, err);
    if (status == TCORE_OK)
        status = failure(traces, tcore_trace_intake_give(w->intake, &given, err), err);
    return status;
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct export_traces *traces = state;
    struct worker *w = worker;
    enum tcore_status status = TCORE_OK;
    (void)out;
    tcore_buf_clear(&w->others);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        status = export_record_parse(&w->record, &batch->text[rows[i]], err);
        if (status == TCORE_OK && w->record.type == TCORE_RECORD_SPAN)
            status = take_span(traces, w, err);
        else if (status == TCORE_OK)
            traces->other(&w->record, &w->others);
    }
    return status == TCORE_OK ? tcore_buf_status(&w->others, err) : status;
}

static enum tcore_status take_others(void *state, void *worker, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    struct export_traces *traces = state;
    struct worker *w = worker;
    if (!w->others.length)
        return TCORE_OK;
    enum tcore_status status = traces->take(state, &w->others, out, err);
    tcore_buf_clear(&w->others);
    return status;
}

/* --- giving out --- */

static int compare_places(const void *a, const void *b)
{
    const struct export_trace_place *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    for (int i = 0; i < 2; i++)
        if (x->trace_id[i] != y->trace_id[i])
            return x->trace_id[i] < y->trace_id[i] ? -1 : 1;
    return 0;
}

static enum tcore_status list_traces(struct export_traces *traces, struct tcore_error *err)
{
    traces->place = tcore_reallocarray(NULL, traces->places + 1, sizeof *traces->place);
    if (!traces->place)
        return tcore_error_nomem(err);
    traces->places = 0;
    for (uint32_t p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        for (uint32_t t = 0; t < traces->group[p].trace_count; t++) {
            const struct tcore_stored_trace *trace = &traces->group[p].traces[t];
            bool known = tcore_interval_is_known(&trace->whole);
            const uint64_t *id = trace->spans[0]->trace_id;
            traces->place[traces->places++] = (struct export_trace_place){
                known ? trace->whole.start_ns : INT64_MAX, {id[0], id[1]}, p, t};
        }
    qsort(traces->place, traces->places, sizeof *traces->place, compare_places);
    return TCORE_OK;
}

static enum tcore_status group_traces(struct export_traces *traces, struct tcore_error *err)
{
    enum tcore_status status = tcore_trace_store_seal(traces->store, err);
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS && status == TCORE_OK; p++) {
        status = tcore_trace_store_group(traces->store, p, &traces->group[p], err);
        traces->places += status == TCORE_OK ? traces->group[p].trace_count : 0;
    }
    traces->grouped = status == TCORE_OK;
    status = failure(traces, status, err);
    return status == TCORE_OK ? list_traces(traces, err) : status;
}

static enum tcore_status give_traces(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct export_traces *traces = state;
    enum tcore_status status = traces->grouped ? TCORE_OK : group_traces(traces, err);
    while (status == TCORE_OK && traces->written < traces->places) {
        const struct export_trace_place *place = &traces->place[traces->written++];
        struct tcore_stored_trace *trace = &traces->group[place->partition].traces[place->trace];
        qsort(trace->spans, trace->count, sizeof(struct tcore_stored_span *),
              tcore_stored_text_compare);
        status = traces->trace(state, trace, out, err);
        if (status == TCORE_OK && out->length >= EXPORT_PIECE_BYTES)
            return TCORE_SKIP;
    }
    if (status == TCORE_OK)
        traces->end(state, out);
    return status;
}

const struct cli_operator export_traces_operator = {
    .open = cli_want_text,
    .worker_open = open_worker,
    .batch = take_batch,
    .in_turn = take_others,
    .worker_close = close_worker,
    .finish = give_traces,
};
