/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traces into measurements. A trace is on the side that it started on. A span whose children are
 * all of other services is the client's half of a call: what it took beyond them is the edge's, and
 * who calls is the span above it.
 */
#include <config.h>

#include "detect/cause.h"

#include "base/sys.h"
#include "cli/message.h"
#include "detect/columns.h"

#include <stdlib.h>

/* Of what a trace takes, a change of so much is nothing. */
#define FLOOR_SHARE 0.01

static struct tcore_slice text_of(const struct tcore_batch *batch, size_t column, size_t row)
{
    struct tcore_value value = column_value(batch, column, row);

    return value.kind == TCORE_STRING ? (struct tcore_slice){value.s, value.len}
                                      : (struct tcore_slice){"", 0};
}

static struct tcore_slice pod_of(const struct cause *c, const struct tcore_batch *batch, size_t row)
{
    struct tcore_slice pod = {"", 0};

    for (size_t i = 0; i < sizeof c->pod / sizeof *c->pod && !pod.length; i++)
        pod = text_of(batch, c->pod[i], row);
    return pod;
}

uint32_t cause_entity_of_row(struct cause *c, const struct tcore_batch *batch, size_t row,
                             bool *nothing)
{
    struct tcore_slice service = text_of(batch, c->service, row), pod = pod_of(c, batch, row);

    *nothing = !service.length && !pod.length;
    if (*nothing)
        return CAUSE_NONE;
    return cause_entity(c, pod.length ? CAUSE_INSTANCE : CAUSE_SERVICE, service, pod);
}

/* The store's service is ours and the instance, with a NUL between them. */
enum tcore_status cause_take_span(struct cause *c, const struct tcore_batch *batch, size_t row,
                                  struct tcore_error *err)
{
    char trace_id[TCORE_TRACE_ID + 1], span_id[TCORE_SPAN_ID + 1], parent_id[TCORE_SPAN_ID + 1];
    struct tcore_slice service = text_of(batch, c->service, row), pod = pod_of(c, batch, row);
    struct tcore_slice kind = text_of(batch, c->kind, row);
    struct tcore_span_given given = {
        .trace_id = trace_id,
        .span_id = span_id,
        .error = column_is(batch, c->status, row, "error"),
        .kind = tcore_span_kind_find(kind.data, kind.length),
        .name = text_of(batch, c->name, row),
    };
    int64_t start, end;
    double duration = column_double(batch, c->duration, row);

    column_id(batch, c->trace_id, row, TCORE_TRACE_ID, trace_id);
    column_id(batch, c->span_id, row, TCORE_SPAN_ID, span_id);
    column_id(batch, c->parent_id, row, TCORE_SPAN_ID, parent_id);
    if (!*trace_id || !*span_id)
        return TCORE_OK; /* the decoder has refused such */
    given.parent_id = *parent_id ? parent_id : NULL;
    if (column_ns(batch, c->start, row, &start)) {
        given.start = tcore_value_int(start);
        if (column_ns(batch, c->end, row, &end))
            given.end = tcore_value_int(end);
        else if (duration >= 0 && duration < 0x1p62 && start >= 0 && start < INT64_MAX / 2)
            given.end = tcore_value_int(start + (int64_t)duration);
    }
    tcore_buf_clear(&c->key);
    tcore_buf_append(&c->key, service.data, service.length);
    tcore_buf_putc(&c->key, '\0');
    tcore_buf_append(&c->key, pod.data, pod.length);
    if (c->key.failed)
        return tcore_error_nomem(err);
    given.service = (struct tcore_slice){c->key.data, c->key.length};
    return tcore_trace_intake_give(c->spans[c->input], &given, err);
}

/* --- One trace */

/* Working memory of a trace. */
struct work {
    struct tcore_trace_tree tree;
    struct tcore_trace_span *spans;
    int64_t *self_ns;
    uint32_t *operation; /* of each span */
    bool *client;
    uint32_t capacity;
    uint32_t *service_of, *pod_of; /* by number of the store's service */
};

static bool reserve(struct work *w, uint32_t count)
{
    if (count <= w->capacity)
        return true;
    tcore_free(w->spans);
    tcore_free(w->self_ns);
    tcore_free(w->operation);
    tcore_free(w->client);
    w->spans = tcore_reallocarray(NULL, count, sizeof *w->spans);
    w->self_ns = tcore_reallocarray(NULL, count, sizeof *w->self_ns);
    w->operation = tcore_reallocarray(NULL, count, sizeof *w->operation);
    w->client = tcore_reallocarray(NULL, count, sizeof *w->client);
    w->capacity = w->spans && w->self_ns && w->operation && w->client ? count : 0;
    return w->capacity;
}

static void free_work(struct work *w)
{
    tcore_trace_tree_free(&w->tree);
    tcore_free(w->spans);
    tcore_free(w->self_ns);
    tcore_free(w->operation);
    tcore_free(w->client);
    tcore_free(w->service_of);
    tcore_free(w->pod_of);
}

static uint32_t service_of(const struct work *w, uint32_t span)
{
    return w->service_of[w->spans[span].service];
}

/* Whether all its children are of other services, and there is one. */
static bool is_client(const struct work *w, uint32_t span)
{
    const struct tcore_trace_tree *t = &w->tree;

    for (uint32_t i = t->first[span]; i < t->first[span + 1]; i++)
        if (service_of(w, t->children[i]) == service_of(w, span))
            return false;
    return t->first[span] < t->first[span + 1];
}

/* Whether it failed, and none of those below it did. */
static bool failed_itself(const struct work *w, uint32_t span)
{
    const struct tcore_trace_tree *t = &w->tree;

    for (uint32_t i = t->first[span]; i < t->first[span + 1]; i++)
        if (w->spans[t->children[i]].flags & TCORE_SPAN_ERROR)
            return false;
    return w->spans[span].flags & TCORE_SPAN_ERROR;
}

/* The client's time less the servers'; clocks do not matter to it. */
static int64_t beyond_servers(const struct work *w, uint32_t span)
{
    const struct tcore_trace_tree *t = &w->tree;
    int64_t ns = w->spans[span].end_ns - w->spans[span].start_ns;

    for (uint32_t i = t->first[span]; i < t->first[span + 1]; i++) {
        const struct tcore_trace_span *child = &w->spans[t->children[i]];

        if (tcore_span_is_timed(child))
            ns -= child->end_ns - child->start_ns;
    }
    return ns > 0 ? ns : 0;
}

static bool is_before(const struct tcore_stored_span *span, const struct cause_example *example)
{
    for (int i = 0; i < 2; i++)
        if (span->trace_id[i] != example->trace_id[i])
            return span->trace_id[i] < example->trace_id[i];
    return span->span.span_id < example->span_id;
}

static void note_example(struct cause_example *example, const struct tcore_stored_span *span,
                         double size)
{
    if (size < example->size || (size == example->size && !is_before(span, example)))
        return;
    *example = (struct cause_example){.trace_id = {span->trace_id[0], span->trace_id[1]},
                                      .span_id = span->span.span_id,
                                      .size = size};
}

static bool measure(struct cause *c, enum cause_measure_kind kind, uint32_t entity, uint32_t by,
                    enum cause_side side, const struct work *w, uint32_t span, int64_t ns,
                    const struct tcore_stored_span *row)
{
    struct cause_measure *m = cause_measure(c, kind, entity, by);

    if (!m)
        return false;
    struct cause_sums *sums = &m->side[side];
    double log_ns = log((double)ns + c->floor_ns);
    bool failed = kind != CAUSE_CALLS && failed_itself(w, span);

    sums->count++;
    sums->errors += failed;
    sums->logs += cause_exact(log_ns);
    sums->squares += cause_exact(log_ns * log_ns);
    sums->ns += (double)ns;
    if (side == CAUSE_CAND) {
        note_example(&m->slowest, row, (double)ns + 1);
        if (failed)
            note_example(&m->failed, row, (double)ns + 1);
    }
    return true;
}

/* The operation that calls a span: the next one above it that is no client's half of a call. */
static uint32_t caller_of(const struct work *w, uint32_t span)
{
    uint32_t above = w->tree.parent[span];

    if (above != TCORE_SPAN_NONE && w->client[above] && w->tree.parent[above] != TCORE_SPAN_NONE)
        above = w->tree.parent[above];
    return above == TCORE_SPAN_NONE ? CAUSE_NONE : w->operation[above];
}

static bool measure_span(struct cause *c, const struct work *w, enum cause_side side, uint32_t span,
                         const struct tcore_stored_span *row)
{
    const struct tcore_trace_tree *t = &w->tree;
    uint32_t operation = w->operation[span], caller = caller_of(w, span);
    uint32_t pod = w->pod_of[w->spans[span].service];

    if (w->client[span]) {
        uint32_t callee = service_of(w, t->children[t->first[span]]);
        struct tcore_slice from = {c->entity[service_of(w, span)].service, 0};
        struct tcore_slice to = {c->entity[callee].service, 0};

        from.length = strlen(from.data);
        to.length = strlen(to.data);
        uint32_t edge = cause_entity(c, CAUSE_EDGE, from, to);

        return edge != CAUSE_NONE && measure(c, CAUSE_NETWORK, edge, CAUSE_NONE, side, w, span,
                                             beyond_servers(w, span), row);
    }
    if (!measure(c, CAUSE_SELF, operation, CAUSE_NONE, side, w, span, w->self_ns[span], row))
        return false;
    if (pod != CAUSE_NONE &&
        !measure(c, CAUSE_POD, pod, operation, side, w, span, w->self_ns[span], row))
        return false;
    return caller == CAUSE_NONE || caller == operation ||
           measure(c, CAUSE_CALLS, operation, caller, side, w, span, 0, row);
}

static enum tcore_status measure_trace(struct cause *c, struct work *w, enum cause_side side,
                                       const struct tcore_trace_store *store,
                                       const struct tcore_stored_trace *trace,
                                       struct tcore_error *err)
{
    for (uint32_t i = 0; i < trace->count; i++) {
        const struct tcore_stored_text *row = (const struct tcore_stored_text *)trace->spans[i];
        struct tcore_slice name = tcore_trace_store_name(store, row->name);
        uint32_t service = service_of(w, i);
        struct tcore_slice of = {c->entity[service].service, 0};

        if (!name.data)
            name = (struct tcore_slice){"", 0};
        of.length = strlen(of.data);
        w->operation[i] = cause_entity(c, CAUSE_OPERATION, of, name);
        if (w->operation[i] == CAUSE_NONE)
            return tcore_error_nomem(err);
        w->client[i] = is_client(w, i);
    }
    for (uint32_t i = 0; i < trace->count; i++)
        if (tcore_span_is_timed(&w->spans[i]) && !measure_span(c, w, side, i, trace->spans[i]))
            return tcore_error_nomem(err);
    c->traces[side]++;
    return TCORE_OK;
}

/* --- All traces */

/* The entities of the store's services. */
static bool number_services(struct cause *c, struct work *w, const struct tcore_trace_store *store)
{
    uint32_t count = tcore_trace_store_services(store);

    w->service_of = tcore_calloc(count, sizeof *w->service_of);
    w->pod_of = tcore_calloc(count, sizeof *w->pod_of);
    for (uint32_t i = 0; w->service_of && w->pod_of && i < count; i++) {
        struct tcore_slice both = tcore_trace_store_service(store, i), service = {"", 0};
        const char *end = both.data ? memchr(both.data, '\0', both.length) : NULL;
        struct tcore_slice pod = {"", 0};

        if (end) {
            service = (struct tcore_slice){both.data, (size_t)(end - both.data)};
            pod = (struct tcore_slice){end + 1, both.length - service.length - 1};
        }
        w->service_of[i] = cause_entity(c, CAUSE_SERVICE, service, (struct tcore_slice){"", 0});
        w->pod_of[i] = pod.length ? cause_entity(c, CAUSE_INSTANCE, service, pod) : CAUSE_NONE;
        if (w->service_of[i] == CAUSE_NONE || (pod.length && w->pod_of[i] == CAUSE_NONE))
            return false;
    }
    return w->service_of && w->pod_of;
}

/* What the traces of the base take, for the floor. */
struct lengths {
    double ns;
    uint64_t count;
};

/* One trace of an input, on its side. */
typedef enum tcore_status visit_trace(void *visitor, struct cause *c, enum cause_side side,
                                      const struct tcore_trace_store *store,
                                      struct tcore_stored_trace *trace, struct tcore_error *err);

static enum tcore_status add_length(void *visitor, struct cause *c, enum cause_side side,
                                    const struct tcore_trace_store *store,
                                    struct tcore_stored_trace *trace, struct tcore_error *err)
{
    struct lengths *lengths = visitor;

    (void)c;
    (void)store;
    (void)err;
    if (side == CAUSE_BASE) {
        lengths->ns += (double)trace->whole.end_ns - (double)trace->whole.start_ns;
        lengths->count++;
    }
    return TCORE_OK;
}

static enum tcore_status build_and_measure(void *visitor, struct cause *c, enum cause_side side,
                                           const struct tcore_trace_store *store,
                                           struct tcore_stored_trace *trace,
                                           struct tcore_error *err)
{
    struct work *w = visitor;

    if (!reserve(w, trace->count))
        return tcore_error_nomem(err);
    qsort(trace->spans, trace->count, sizeof *trace->spans, tcore_stored_span_compare);
    for (uint32_t i = 0; i < trace->count; i++)
        w->spans[i] = trace->spans[i]->span;
    enum tcore_status status = tcore_trace_tree_build(&w->tree, w->spans, trace->count, err);

    if (status != TCORE_OK)
        return status;
    tcore_trace_self_times(&w->tree, w->self_ns);
    return measure_trace(c, w, side, store, trace, err);
}

/* Traces without a time are passed over. */
static enum tcore_status visit(struct cause *c, uint8_t input, visit_trace *each, void *visitor,
                               bool last, struct tcore_error *err)
{
    struct tcore_trace_store *store = c->store[input];
    enum tcore_status status = TCORE_OK;

    for (unsigned p = 0; p < tcore_trace_store_pieces(store) && status == TCORE_OK; p++) {
        struct tcore_trace_group group;

        status = tcore_trace_store_group(store, p, &group, err);
        for (uint32_t i = 0; status == TCORE_OK && i < group.trace_count; i++) {
            struct tcore_stored_trace *trace = &group.traces[i];

            if (tcore_interval_is_known(&trace->whole))
                status = each(visitor, c, cause_side_of(c, input, trace->whole.start_ns), store,
                              trace, err);
        }
        if (last)
            tcore_trace_store_release(store, p);
    }
    return status;
}

enum tcore_status cause_measure_spans(struct cause *c, struct tcore_error *err)
{
    struct lengths lengths = {0};
    enum tcore_status status = TCORE_OK;

    for (uint8_t i = 0; i < CAUSE_SIDES && status == TCORE_OK; i++) {
        status = tcore_trace_store_seal(c->store[i], err);
        if (status == TCORE_OK)
            status = visit(c, i, add_length, &lengths, false, err);
    }
    c->floor_ns = lengths.count ? FLOOR_SHARE * lengths.ns / (double)lengths.count : 0;
    c->floor_ns = c->floor_ns >= 1000 ? c->floor_ns : 1000;
    for (uint8_t i = 0; i < CAUSE_SIDES && status == TCORE_OK; i++) {
        struct work w = {0};

        status = number_services(c, &w, c->store[i]) ? visit(c, i, build_and_measure, &w, true, err)
                                                     : tcore_error_nomem(err);
        free_work(&w);
    }
    return status;
}
