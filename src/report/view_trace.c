/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tree and path come from the library. Here spans get service and name, an order of interest, and
 * rows: taken in that order, each with the ancestors that it needs, as long as there is room.
 */
#include <config.h>

#include "report/view_trace.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

#define MISFITS 1000 /* spans whose ancestors do not fit any more, before all else is left out */

void view_trace_free(struct view_trace *view)
{
    tcore_trace_tree_free(&view->tree);
    tcore_critical_path_free(&view->path);
    if (view->texts.seed[0] || view->texts.seed[1])
        tcore_map_free(&view->texts);
    tcore_free(view->spans);
    tcore_free(view->self_ns);
    tcore_free(view->service_of);
    tcore_free(view->name_of);
    tcore_free(view->services);
    tcore_free(view->rows);
    tcore_free(view->row_of);
    tcore_free(view->priority);
    *view = (struct view_trace){0};
}

/* --- Services */

static uint32_t intern(struct view_trace *view, struct tcore_slice text)
{
    return tcore_map_intern(&view->texts, text.data, text.length, NULL);
}

/* service_of is a number in texts on the way. */
static enum tcore_status take_spans(struct view_trace *view, const struct trace_spans *all,
                                    struct tcore_error *err)
{
    for (uint32_t i = 0; i < view->trace->count; i++) {
        const struct tcore_stored_text *span = trace_span(view->trace, i);
        view->spans[i] = span->stored.span;
        view->service_of[i] = intern(view, span_service(all, span));
        view->name_of[i] = intern(view, span_name(all, span));
        if (view->service_of[i] == TCORE_MAP_NONE || view->name_of[i] == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

static int compare_services(const void *a, const void *b, void *map)
{
    const struct trace_service *x = a, *y = b;
    const struct tcore_map *texts = map;
    if (x->self_ns != y->self_ns)
        return x->self_ns > y->self_ns ? -1 : 1;
    const struct tcore_map_key *p = &texts->keys[x->text], *q = &texts->keys[y->text];
    int order = memcmp(p->data, q->data, p->length < q->length ? p->length : q->length);
    return order ? order : p->length < q->length ? -1 : p->length > q->length;
}

/* Those that took the most time themselves come first, and get the colours that differ most. */
static enum tcore_status count_services(struct view_trace *view, struct tcore_error *err)
{
    uint32_t *number = tcore_calloc(view->texts.count + 1, sizeof *number);
    view->services = tcore_calloc(view->texts.count + 1, sizeof *view->services);
    if (!number || !view->services) {
        tcore_free(number);
        return tcore_error_nomem(err);
    }
    for (uint32_t i = 0; i < view->tree.count; i++) {
        uint32_t text = view->service_of[i];
        if (!number[text]) {
            view->services[view->service_count].text = text;
            number[text] = (uint32_t)++view->service_count;
        }
        struct trace_service *service = &view->services[number[text] - 1];
        service->spans++;
        service->errors += (view->spans[i].flags & TCORE_SPAN_ERROR) != 0;
        if (__builtin_add_overflow(service->self_ns, view->self_ns[i], &service->self_ns))
            service->self_ns = INT64_MAX;
    }
    qsort_r(view->services, view->service_count, sizeof *view->services, compare_services,
            &view->texts);
    for (uint32_t i = 0; i < view->service_count; i++)
        number[view->services[i].text] = i;
    for (uint32_t i = 0; i < view->tree.count; i++)
        view->service_of[i] = number[view->service_of[i]];
    tcore_free(number);
    return TCORE_OK;
}

/* --- Rows */

struct interest {
    const struct view_trace *view;
    const uint8_t *class; /* of each span: 0 root, 1 on the path, 2 error, 3 others */
};

static int64_t length_of(const struct view_trace *view, uint32_t span)
{
    const struct tcore_interval *interval = &view->tree.interval[span];
    return tcore_interval_is_known(interval) ? interval->end_ns - interval->start_ns : -1;
}

static int compare_interest(const void *a, const void *b, void *data)
{
    const struct interest *interest = data;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (interest->class[x] != interest->class[y])
        return interest->class[x] < interest->class[y] ? -1 : 1;
    int64_t p = length_of(interest->view, x), q = length_of(interest->view, y);
    if (p != q)
        return p > q ? -1 : 1;
    return x < y ? -1 : x > y;
}

static enum tcore_status rank_spans(struct view_trace *view, struct tcore_error *err)
{
    uint8_t *class = tcore_malloc(view->tree.count);
    if (!class)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < view->tree.count; i++) {
        class[i] = view->spans[i].flags & TCORE_SPAN_ERROR ? 2 : 3;
        view->priority[i] = i;
    }
    for (uint32_t i = 0; i < view->path.span_count; i++)
        class[view->path.spans[i]] = 1;
    class[view->tree.root] = 0;
    struct interest interest = {view, class};
    qsort_r(view->priority, view->tree.count, sizeof *view->priority, compare_interest, &interest);
    tcore_free(class);
    return TCORE_OK;
}

/* Marks in row_of (0) who gets a row. */
static size_t choose_rows(struct view_trace *view, size_t max_rows)
{
    size_t chosen = 0, misfits = 0;
    for (uint32_t i = 0; i < view->tree.count; i++)
        view->row_of[i] = TCORE_SPAN_NONE;
    for (uint32_t i = 0; i < view->tree.count && chosen < max_rows && misfits < MISFITS; i++) {
        size_t needed = 0;
        uint32_t span = view->priority[i];
        for (uint32_t at = span; at != TCORE_SPAN_NONE && view->row_of[at] == TCORE_SPAN_NONE;
             at = view->tree.parent[at])
            needed++;
        if (chosen + needed > max_rows) {
            misfits++;
            continue;
        }
        for (uint32_t at = span; at != TCORE_SPAN_NONE && view->row_of[at] == TCORE_SPAN_NONE;
             at = view->tree.parent[at])
            view->row_of[at] = 0;
        chosen += needed;
    }
    return chosen;
}

static enum tcore_status make_rows(struct view_trace *view, size_t max_rows,
                                   struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &view->tree;
    size_t chosen = choose_rows(view, max_rows);
    view->rows = tcore_calloc(chosen + 1, sizeof *view->rows);
    if (!view->rows)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t span = tree->order[i], parent = tree->parent[span];
        if (view->row_of[span] == TCORE_SPAN_NONE) {
            uint32_t at = parent;
            while (at != TCORE_SPAN_NONE && view->row_of[at] == TCORE_SPAN_NONE)
                at = tree->parent[at];
            if (at != TCORE_SPAN_NONE)
                view->rows[view->row_of[at]].left_out++;
            continue;
        }
        view->row_of[span] = (uint32_t)view->row_count;
        view->rows[view->row_count++] = (struct trace_row){
            .span = span,
            .parent = parent == TCORE_SPAN_NONE ? TCORE_SPAN_NONE : view->row_of[parent],
            .depth = tree->depth[span],
            .service = view->service_of[span],
            .name = view->name_of[span],
        };
    }
    for (uint32_t i = 0; i < view->path.span_count; i++) {
        uint32_t row = view->row_of[view->path.spans[i]];
        if (row != TCORE_SPAN_NONE)
            view->rows[row].on_path = true;
    }
    return TCORE_OK;
}

enum tcore_status view_trace_open(struct view_trace *view, const struct trace_spans *all,
                                  struct tcore_stored_trace *trace, size_t max_rows,
                                  struct tcore_error *err)
{
    *view = (struct view_trace){.trace = trace};
    if (tcore_map_init(&view->texts) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash table");
    view->spans = tcore_calloc(trace->count, sizeof *view->spans);
    view->self_ns = tcore_calloc(trace->count, sizeof *view->self_ns);
    view->service_of = tcore_calloc(trace->count, sizeof *view->service_of);
    view->name_of = tcore_calloc(trace->count, sizeof *view->name_of);
    view->row_of = tcore_calloc(trace->count, sizeof *view->row_of);
    view->priority = tcore_calloc(trace->count, sizeof *view->priority);
    if (!view->spans || !view->self_ns || !view->service_of || !view->name_of || !view->row_of ||
        !view->priority)
        return tcore_error_nomem(err);
    qsort(trace->spans, trace->count, sizeof(struct tcore_stored_span *),
          tcore_stored_text_compare);
    enum tcore_status status = take_spans(view, all, err);
    if (!status)
        status = tcore_trace_tree_build(&view->tree, view->spans, trace->count, err);
    if (!status)
        status = tcore_critical_path_find(&view->path, &view->tree, view->tree.root, err);
    if (status)
        return status;
    tcore_trace_self_times(&view->tree, view->self_ns);
    status = count_services(view, err);
    if (!status)
        status = rank_spans(view, err);
    return status ? status : make_rows(view, max_rows, err);
}
