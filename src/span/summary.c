/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The root of a trace is mostly plain: the first span that names no parent. Where it is not (no
 * such span, or an id that it shares) the tree is built and asked.
 */
#include <config.h>

#include "span/summary.h"

#include "base/large.h"
#include "base/sys.h"
#include "cli/pieces.h"
#include "model/json.h"
#include "model/time.h"
#include "span/gather_lines.h"
#include "span/put.h"

#include <stdlib.h>
#include <string.h>

#define LINES_PER_PIECE 1024

struct service_count {
    uint32_t service, spans, errors;
};

struct summary {
    uint64_t trace_id[2];
    struct tcore_interval whole;
    uint64_t root_id;
    int64_t path_ns; /* of the critical path; -1: not known */
    uint32_t root_service;
    uint32_t spans, errors;
    uint32_t first_service, services; /* in the partition's list */
    uint32_t moved;                   /* spans whose clock was adjusted */
};

/* What a partition gives. */
struct part {
    struct summary *summaries;
    uint32_t count;
    struct service_count *services;
    uint32_t service_count, service_capacity;
};

/* A thread's working memory. */
struct bench {
    uint32_t *place; /* of each service among those of the trace + 1; 0: not there */
    struct tcore_trace_span *spans;
    uint32_t capacity;
    struct tcore_trace_tree tree;
    struct part part; /* the summary of one trace, where they are sorted on disk */
};

struct summaries {
    struct gather *gather;
    unsigned threads;
    struct bench *benches;
    struct part part[TCORE_TRACE_PARTITIONS];
    struct trace_ref *refs; /* of all, by start and id */
    size_t count;
    struct tcore_buf names; /* services as JSON strings */
    size_t *name_at;        /* offset of each in names, and the end behind the last */
    struct cli_pieces *pieces;
    struct gather_lines *sorted; /* instead of parts and refs */
};

/* --- One trace */

static bool rebuild(struct bench *bench, const struct tcore_stored_trace *trace,
                    struct tcore_error *err)
{
    if (trace->count > bench->capacity) {
        tcore_free(bench->spans);
        bench->spans = tcore_reallocarray(NULL, trace->count, sizeof *bench->spans);
        bench->capacity = bench->spans ? trace->count : 0;
        if (!bench->spans)
            return tcore_error_nomem(err), false;
    }
    qsort(trace->spans, trace->count, sizeof *trace->spans, tcore_stored_span_compare);
    for (uint32_t i = 0; i < trace->count; i++)
        bench->spans[i] = trace->spans[i]->span;
    return tcore_trace_tree_build(&bench->tree, bench->spans, trace->count, err) == TCORE_OK;
}

/* The first of those that name no parent, if it is plain that it is the root. */
static const struct tcore_trace_span *find_plain_root(const struct tcore_stored_trace *trace)
{
    const struct tcore_trace_span *root = NULL;
    for (uint32_t i = 0; i < trace->count; i++) {
        const struct tcore_trace_span *span = &trace->spans[i]->span;
        if (!span->parent_id && (!root || tcore_trace_span_compare(span, root) < 0))
            root = span;
    }
    if (!root || !tcore_span_is_timed(root))
        return NULL;
    for (uint32_t i = 0; i < trace->count; i++)
        if (trace->spans[i]->span.span_id == root->span_id && &trace->spans[i]->span != root)
            return NULL;
    return root;
}

static bool find_root(struct bench *bench, const struct tcore_stored_trace *trace,
                      struct summary *summary, struct tcore_error *err)
{
    const struct tcore_trace_span *root = find_plain_root(trace);
    struct tcore_interval interval;
    if (root) {
        interval = (struct tcore_interval){root->start_ns, root->end_ns};
    } else {
        if (!rebuild(bench, trace, err))
            return false;
        root = &bench->spans[bench->tree.root];
        interval = bench->tree.interval[bench->tree.root];
    }
    summary->root_id = root->span_id;
    summary->root_service = root->service;
    summary->path_ns =
        tcore_interval_is_known(&interval) ? interval.end_ns - interval.start_ns : -1;
    return true;
}

static bool has_room_for_services(struct part *part, size_t more)
{
    size_t wanted = part->service_count + more;
    if (wanted <= part->service_capacity)
        return true;
    size_t n = wanted < 256 ? 256 : wanted * 2;
    void *services =
        n > UINT32_MAX ? NULL : tcore_reallocarray(part->services, n, sizeof *part->services);
    if (!services)
        return false;
    part->services = services;
    part->service_capacity = (uint32_t)n;
    return true;
}

static int compare_services(const void *a, const void *b)
{
    const struct service_count *x = a, *y = b;
    return x->service < y->service ? -1 : x->service > y->service;
}

static void sort_services(struct service_count *services, uint32_t count)
{
    if (count > 24) {
        qsort(services, count, sizeof *services, compare_services);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct service_count moving = services[i];
        uint32_t at = i;
        for (; at && services[at - 1].service > moving.service; at--)
            services[at] = services[at - 1];
        services[at] = moving;
    }
}

static bool count_services(struct bench *bench, const struct tcore_stored_trace *trace,
                           struct part *part, struct summary *summary)
{
    if (!has_room_for_services(part, trace->count))
        return false;
    struct service_count *services = part->services + part->service_count;
    uint32_t count = 0;
    for (uint32_t i = 0; i < trace->count; i++) {
        const struct tcore_trace_span *span = &trace->spans[i]->span;
        uint32_t *place = &bench->place[span->service];
        if (!span->service)
            continue;
        if (!*place) {
            services[count] = (struct service_count){.service = span->service};
            *place = ++count;
        }
        services[*place - 1].spans++;
        services[*place - 1].errors += (span->flags & TCORE_SPAN_ERROR) != 0;
    }
    for (uint32_t i = 0; i < count; i++)
        bench->place[services[i].service] = 0;
    sort_services(services, count);
    summary->first_service = part->service_count;
    summary->services = count;
    part->service_count += count;
    return true;
}

static enum tcore_status summarise_trace(struct bench *bench,
                                         const struct tcore_stored_trace *trace, struct part *part,
                                         struct summary *summary, struct tcore_error *err)
{
    const struct skew_notes *notes = trace->notes;
    *summary =
        (struct summary){.trace_id = {trace->spans[0]->trace_id[0], trace->spans[0]->trace_id[1]},
                         .whole = trace->whole,
                         .spans = trace->count,
                         .errors = trace->errors,
                         .moved = notes ? notes->moved : 0};
    if (!find_root(bench, trace, summary, err))
        return TCORE_FATAL;
    return count_services(bench, trace, part, summary) ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status summarise(void *state, unsigned thread, uint64_t piece,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    struct summaries *s = state;
    struct bench *bench = &s->benches[thread];
    struct part *part = &s->part[piece];
    struct tcore_trace_group group;
    (void)out;
    enum tcore_status status = gather_group(s->gather, thread, (unsigned)piece, &group, err);
    if (status != TCORE_OK)
        return status;
    part->summaries = tcore_reallocarray(NULL, group.trace_count, sizeof *part->summaries);
    if (!part->summaries)
        return tcore_error_nomem(err);
    for (uint32_t t = 0; t < group.trace_count && status == TCORE_OK; t++)
        status =
            summarise_trace(bench, &group.traces[t], part, &part->summaries[part->count++], err);
    gather_release(s->gather, (unsigned)piece);
    return status;
}

/* --- All of them in order */

static bool put_in_order(struct summaries *s)
{
    size_t count = 0;
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        count += s->part[p].count;
    s->refs = tcore_large_alloc(count, sizeof *s->refs);
    if (!s->refs)
        return false;
    for (uint32_t p = 0; p < TCORE_TRACE_PARTITIONS; p++)
        for (uint32_t i = 0; i < s->part[p].count; i++) {
            const struct summary *summary = &s->part[p].summaries[i];
            s->refs[s->count++] =
                (struct trace_ref){.key = key_of_start(&summary->whole),
                                   .trace_id = {summary->trace_id[0], summary->trace_id[1]},
                                   .part = p,
                                   .item = i};
        }
    return order_traces(s->refs, s->count);
}

/* --- Text */

static bool write_names(struct summaries *s)
{
    const struct tcore_trace_store *store = s->gather->store;
    uint32_t count = tcore_trace_store_services(store);
    s->name_at = tcore_reallocarray(NULL, (size_t)count + 1, sizeof *s->name_at);
    if (!s->name_at)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct tcore_slice name = tcore_trace_store_service(store, i);
        s->name_at[i] = s->names.length;
        if (name.data)
            tcore_json_write_string(&s->names, name.data, name.length);
    }
    s->name_at[count] = s->names.length;
    return !s->names.failed;
}

static char *put_name(const struct summaries *s, char *to, uint32_t service)
{
    size_t at = s->name_at[service];
    return put(to, s->names.data + at, s->name_at[service + 1] - at);
}

static char *put_timeline(char *to, const struct summary *summary)
{
    const struct tcore_interval *whole = &summary->whole;
    if (!tcore_interval_is_known(whole))
        return to;
    to = PUT(to, ",\"timeline\":{\"startTime\":\"");
    to += tcore_format_time(to, whole->start_ns);
    to = PUT(to, "\",\"endTime\":\"");
    to += tcore_format_time(to, whole->end_ns);
    to = PUT(to, "\",\"totalDuration\":");
    to = put_number(to, whole->end_ns - whole->start_ns);
    if (summary->path_ns >= 0) {
        to = PUT(to, ",\"criticalPathDuration\":");
        to = put_number(to, summary->path_ns);
    }
    return PUT(to, "}");
}

static char *put_services(const struct summaries *s, char *to, const struct service_count *services,
                          uint32_t count)
{
    if (!count)
        return to;
    to = PUT(to, ",\"services\":{\"involvedServices\":[");
    for (uint32_t i = 0; i < count; i++) {
        to = i ? PUT(to, ",{\"serviceName\":") : PUT(to, "{\"serviceName\":");
        to = put_name(s, to, services[i].service);
        to = PUT(to, ",\"spanCount\":");
        to = put_number(to, services[i].spans);
        to = PUT(to, ",\"errorCount\":");
        to = put_number(to, services[i].errors);
        to = PUT(to, "}");
    }
    return PUT(to, "]}");
}

static size_t length_of_names(const struct summaries *s, const struct summary *summary,
                              const struct service_count *services)
{
    size_t length = s->name_at[summary->root_service + 1] - s->name_at[summary->root_service];
    for (uint32_t i = 0; i < summary->services; i++)
        length += s->name_at[services[i].service + 1] - s->name_at[services[i].service];
    return length;
}

static void write_line(const struct summaries *s, const struct part *part,
                       const struct summary *summary, struct tcore_buf *out)
{
    const struct service_count *services = part->services + summary->first_service;
    /* all that is fixed, numbers and times included, takes less than this */
    size_t most = 720 + 100 * (size_t)summary->services + length_of_names(s, summary, services);
    char *to = tcore_buf_reserve(out, most);
    if (!to)
        return;
    const char *start = to;
    to = PUT(to, "{\"type\":\"trace\",\"traceId\":\"");
    tcore_trace_id_digits(summary->trace_id, to);
    to = PUT(to + 32, "\",\"rootSpanId\":\"");
    tcore_span_id_digits(summary->root_id, to);
    to = PUT(to + 16, "\"");
    if (summary->root_service) {
        to = PUT(to, ",\"serviceName\":");
        to = put_name(s, to, summary->root_service);
    }
    to = PUT(to, ",\"structure\":{\"spanCount\":");
    to = put_number(to, summary->spans);
    to = PUT(to, "}");
    to = put_timeline(to, summary);
    to = put_services(s, to, services, summary->services);
    to = PUT(to, ",\"errors\":{\"errorCount\":");
    to = put_number(to, summary->errors);
    if (summary->moved) {
        to = PUT(to, "},\"metadata\":{\"customData\":{\"adjustedSpans\":");
        to = put_number(to, summary->moved);
        to = PUT(to, "}");
    }
    to = PUT(to, "}}\n");
    out->length += (size_t)(to - start);
}

static enum tcore_status write_lines(void *state, unsigned thread, uint64_t piece,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct summaries *s = state;
    size_t from = piece * LINES_PER_PIECE, to = from + LINES_PER_PIECE;
    (void)thread;
    (void)err;
    for (size_t i = from; i < to && i < s->count; i++) {
        const struct part *part = &s->part[s->refs[i].part];
        write_line(s, part, &part->summaries[s->refs[i].item], out);
    }
    return TCORE_OK;
}

static enum tcore_status write_trace(void *state, unsigned thread, struct tcore_stored_trace *trace,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct summaries *s = state;
    struct bench *bench = &s->benches[thread];
    struct summary summary;
    bench->part.service_count = 0;
    enum tcore_status status = summarise_trace(bench, trace, &bench->part, &summary, err);
    if (status == TCORE_OK)
        write_line(s, &bench->part, &summary, out);
    return status;
}

/* --- From the store to lines */

static bool make_benches(struct summaries *s)
{
    s->benches = tcore_calloc(s->threads, sizeof *s->benches);
    for (unsigned t = 0; s->benches && t < s->threads; t++) {
        s->benches[t].place =
            tcore_calloc(tcore_trace_store_services(s->gather->store), sizeof *s->benches[t].place);
        if (!s->benches[t].place)
            return false;
    }
    return s->benches;
}

/* Traces of few spans take more memory as summaries, with what orders them, than as spans. */
static bool is_better_on_disk(const struct summaries *s)
{
    return tcore_trace_store_has_spilled(s->gather->store) ||
           tcore_trace_store_bytes(s->gather->store) > gather_memory(s->gather->cli) / 3;
}

static enum tcore_status prepare(struct summaries *s, struct tcore_error *err)
{
    if (!make_benches(s))
        return tcore_error_nomem(err);
    if (is_better_on_disk(s))
        return write_names(s) ? gather_lines_sorted(&s->sorted, s->gather, write_trace, s, err)
                              : tcore_error_nomem(err);
    enum tcore_status status = cli_pieces_do(s->threads, TCORE_TRACE_PARTITIONS, summarise, s, err);
    if (status != TCORE_OK)
        return status;
    if (!write_names(s) || !put_in_order(s))
        return tcore_error_nomem(err);
    return cli_pieces_start(&s->pieces, s->threads,
                            (s->count + LINES_PER_PIECE - 1) / LINES_PER_PIECE, write_lines, s,
                            err);
}

enum tcore_status summaries_new(struct summaries **summaries, struct gather *gather,
                                struct tcore_error *err)
{
    struct summaries *s = *summaries = tcore_calloc(1, sizeof *s);
    if (!s)
        return tcore_error_nomem(err);
    s->gather = gather;
    s->threads = cli_threads(gather->cli);
    enum tcore_status status = prepare(s, err);
    if (status == TCORE_OK)
        return TCORE_OK;
    summaries_free(s);
    *summaries = NULL;
    return status;
}

void summaries_free(struct summaries *s)
{
    if (!s)
        return;
    cli_pieces_end(s->pieces);
    gather_lines_free(s->sorted);
    for (unsigned t = 0; s->benches && t < s->threads; t++) {
        tcore_free(s->benches[t].place);
        tcore_free(s->benches[t].spans);
        tcore_trace_tree_free(&s->benches[t].tree);
        tcore_free(s->benches[t].part.services);
    }
    tcore_free(s->benches);
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++) {
        tcore_free(s->part[p].summaries);
        tcore_free(s->part[p].services);
    }
    tcore_large_free(s->refs);
    tcore_free(s->name_at);
    tcore_buf_free(&s->names);
    tcore_free(s);
}

enum tcore_status summaries_next(struct summaries *s, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    struct tcore_buf *lines;
    if (s->sorted) {
        enum tcore_status sorted = gather_lines_next(s->sorted, out, err);
        return sorted == TCORE_OK ? TCORE_SKIP : sorted == TCORE_EOF ? TCORE_OK : sorted;
    }
    enum tcore_status status = cli_pieces_next(s->pieces, &lines, err);
    if (status != TCORE_OK)
        return status == TCORE_EOF ? TCORE_OK : status;
    struct tcore_buf empty = *out; /* swapped, not copied */
    *out = *lines;
    *lines = empty;
    return TCORE_SKIP;
}
