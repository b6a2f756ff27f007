/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structure of a trace record. Each span's text is parsed once, for everything that is in it.
 */
#include <config.h>

#include "span/trace_parts.h"

#include "model/canonical.h"
#include "model/id.h"
#include "span/skew/skew.h"

#include <string.h>

/* --- Spans */

/* A link's id at a node, as digits; false: there is none. */
static bool read_link_id(const struct tcore_json *json, uint32_t link, const char *key,
                         enum tcore_id_class id, char *digits)
{
    uint32_t at = tcore_json_find(json, link, key);
    if (!at || json->node[at].value.kind != TCORE_STRING)
        return false;
    const struct tcore_value *text = &json->node[at].value;
    return tcore_id_normalise(id, text->s, text->len, digits) != TCORE_ID_ZERO;
}

/* The links of the span in writer->json as relationships. */
static void add_links(struct trace_writer *writer, uint32_t span)
{
    const struct tcore_json *json = &writer->json;
    struct tcore_buf *out = &writer->links;
    uint32_t links = tcore_json_find(json, 0, "links");
    char own[TCORE_TRACE_ID], trace_id[TCORE_TRACE_ID], span_id[TCORE_SPAN_ID];
    if (!links || !tcore_json_is_array(&json->node[links]))
        return;
    tcore_trace_id_digits(writer->build.rows[span]->stored.trace_id, own);
    for (uint32_t e = links + 1; e < json->node[links].next; e = json->node[e].next) {
        if (!tcore_json_is_object(&json->node[e]) ||
            !read_link_id(json, e, "spanId", TCORE_SPAN_ID, span_id))
            continue;
        tcore_buf_puts(out, ",{\"type\":\"follows_from\",\"spanId\":");
        put_id(out, writer->build.spans[span].span_id);
        if (read_link_id(json, e, "traceId", TCORE_TRACE_ID, trace_id) &&
            memcmp(trace_id, own, sizeof own) != 0) {
            put_key(out, "linkedTraceId", false);
            put_text(out, (struct tcore_slice){trace_id, sizeof trace_id});
        }
        put_key(out, "linkedSpanId", false);
        put_text(out, (struct tcore_slice){span_id, sizeof span_id});
        tcore_buf_putc(out, '}');
    }
}

/* One span: its canonical text, links and error. *first: no span was written yet. */
static enum tcore_status add_span(struct trace_writer *writer, uint32_t span, struct tcore_buf *out,
                                  bool *first, struct tcore_error *err)
{
    const struct tcore_stored_text *row = writer->build.rows[span];
    size_t before = out->length;
    enum tcore_status status = skew_parse(row, &writer->moved, &writer->json, err);
    if (status == TCORE_OK) {
        tcore_buf_puts(out, *first ? "" : ",");
        status = tcore_record_canonical(&writer->json, true, out, NULL, err);
    }
    if (status == TCORE_SKIP) {
        out->length = before;
        if (!writer->refused++)
            writer->refusal = *err;
        return TCORE_OK;
    }
    if (status != TCORE_OK)
        return status;
    *first = false;
    add_links(writer, span);
    if (row->stored.span.flags & TCORE_SPAN_ERROR)
        add_error_detail(writer, span);
    if (span == writer->build.tree.root)
        take_root(writer);
    return TCORE_OK;
}

static enum tcore_status put_spans(struct trace_writer *writer, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    bool first = true;
    enum tcore_status status = TCORE_OK;
    tcore_buf_puts(out, ",\"spans\":[");
    for (uint32_t i = 0; i < writer->build.tree.count && status == TCORE_OK; i++)
        status = add_span(writer, i, out, &first, err);
    tcore_buf_putc(out, ']');
    return status;
}

/* --- How they hang together */

static void put_relationships(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct tcore_trace_tree *tree = &writer->build.tree;
    bool first = true;
    if (tree->root_count == tree->count && !writer->links.length)
        return;
    tcore_buf_puts(out, ",\"spanRelationships\":[");
    for (uint32_t i = 0; i < tree->count; i++) {
        if (tree->parent[i] == TCORE_SPAN_NONE)
            continue;
        tcore_buf_puts(out, first ? "" : ",");
        tcore_buf_puts(out, "{\"type\":\"child_of\",\"spanId\":");
        put_id(out, tree->spans[i].span_id);
        put_key(out, "parentSpanId", false);
        put_id(out, tree->spans[tree->parent[i]].span_id);
        tcore_buf_putc(out, '}');
        first = false;
    }
    if (writer->links.length)
        tcore_buf_append(out, writer->links.data + first, writer->links.length - first);
    tcore_buf_putc(out, ']');
}

static void put_critical_path(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct trace_build *build = &writer->build;
    if (!build->path.span_count)
        return;
    tcore_buf_puts(out, ",\"criticalPath\":[");
    for (uint32_t i = 0; i < build->path.span_count; i++) {
        tcore_buf_puts(out, i ? "," : "");
        put_id(out, build->spans[build->path.spans[i]].span_id);
    }
    tcore_buf_putc(out, ']');
}

/* --- What ran at the same time: runs of siblings, by start, each of which begins before those
 * before it are over */

struct parallel {
    uint32_t parent;
    uint32_t begin, end; /* in tree->children */
    struct tcore_interval covered;
};

/* The largest number of the intervals of the run that hold a moment in common. ends: a heap of the
 * ends of those that are still open, smallest first. */
static uint32_t count_at_once(const struct tcore_trace_tree *tree, const struct parallel *run,
                              struct tcore_buf *heap)
{
    uint32_t open = 0, most = 0;
    size_t room = (size_t)(run->end - run->begin) * sizeof(int64_t);
    tcore_buf_clear(heap);
    int64_t *ends = (int64_t *)(void *)tcore_buf_reserve(heap, room);
    if (!ends)
        return 0;
    for (uint32_t c = run->begin; c < run->end; c++) {
        const struct tcore_interval *interval = &tree->interval[tree->children[c]];
        if (interval->start_ns >= interval->end_ns)
            continue;
        while (open && ends[0] <= interval->start_ns) {
            int64_t last = ends[--open];
            uint32_t at = 0;
            for (uint32_t child; (child = 2 * at + 1) < open; at = child) {
                child += child + 1 < open && ends[child + 1] < ends[child];
                if (ends[child] >= last)
                    break;
                ends[at] = ends[child];
            }
            ends[at] = last;
        }
        uint32_t at = open++;
        for (; at && ends[(at - 1) / 2] > interval->end_ns; at = (at - 1) / 2)
            ends[at] = ends[(at - 1) / 2];
        ends[at] = interval->end_ns;
        most = open > most ? open : most;
    }
    return most;
}

static void put_run(struct trace_writer *writer, const struct parallel *run, bool first,
                    struct tcore_buf *out)
{
    const struct tcore_trace_tree *tree = &writer->build.tree;
    tcore_buf_puts(out, first ? "{\"parentSpanId\":" : ",{\"parentSpanId\":");
    put_id(out, tree->spans[run->parent].span_id);
    tcore_buf_puts(out, ",\"spanIds\":[");
    bool first_id = true;
    for (uint32_t c = run->begin; c < run->end; c++) {
        const struct tcore_interval *interval = &tree->interval[tree->children[c]];
        if (interval->start_ns >= interval->end_ns)
            continue;
        tcore_buf_puts(out, first_id ? "" : ",");
        put_id(out, tree->spans[tree->children[c]].span_id);
        first_id = false;
    }
    tcore_buf_puts(out, "],\"startTime\":");
    put_time(out, run->covered.start_ns);
    put_key(out, "duration", false);
    put_int(out, run->covered.end_ns - run->covered.start_ns);
    put_key(out, "concurrency", false);
    put_int(out, count_at_once(tree, run, &writer->scratch));
    tcore_buf_putc(out, '}');
    out->failed |= writer->scratch.failed;
}

static void put_runs_below(struct trace_writer *writer, uint32_t parent, bool *first,
                           struct tcore_buf *out)
{
    const struct tcore_trace_tree *tree = &writer->build.tree;
    struct parallel run = {.parent = parent};
    uint32_t members = 0, end = tree->first[parent + 1];
    for (uint32_t c = tree->first[parent]; c <= end; c++) {
        const struct tcore_interval *interval = c < end ? &tree->interval[tree->children[c]] : NULL;
        if (interval && interval->start_ns >= interval->end_ns)
            continue; /* took no time, or it is not known when */
        if (interval && members && interval->start_ns < run.covered.end_ns) {
            members++;
            if (interval->end_ns > run.covered.end_ns)
                run.covered.end_ns = interval->end_ns;
            continue;
        }
        run.end = c;
        if (members > 1) {
            tcore_buf_puts(out, *first ? ",\"parallelPaths\":[" : "");
            put_run(writer, &run, *first, out);
            *first = false;
        }
        if (interval) {
            run.begin = c;
            run.covered = *interval;
            members = 1;
        }
    }
}

static void put_parallel_paths(struct trace_writer *writer, struct tcore_buf *out)
{
    const struct tcore_trace_tree *tree = &writer->build.tree;
    bool first = true;
    for (uint32_t i = 0; i < tree->count; i++)
        if (tree->first[i + 1] - tree->first[i] > 1)
            put_runs_below(writer, i, &first, out);
    tcore_buf_puts(out, first ? "" : "]");
}

enum tcore_status put_structure(struct trace_writer *writer, struct tcore_buf *out,
                                struct tcore_error *err)
{
    tcore_buf_clear(&writer->links);
    tcore_buf_clear(&writer->details);
    tcore_buf_clear(&writer->sampling);
    tcore_buf_clear(&writer->tags);
    tcore_buf_puts(out, ",\"structure\":{\"spanCount\":");
    put_int(out, writer->build.tree.count);
    enum tcore_status status = put_spans(writer, out, err);
    put_relationships(writer, out);
    put_critical_path(writer, out);
    put_parallel_paths(writer, out);
    tcore_buf_putc(out, '}');
    out->failed |= writer->links.failed || writer->details.failed;
    return status;
}
