/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of the critical path is wasted, and what would save time. All of it follows from the tree,
 * kinds, names and statuses: attributes are looked at by analyze.
 */
#include <config.h>

#include "span/trace_parts.h"

#include "base/sys.h"

#include <stdlib.h>

enum { CHANCES = 5, EVIDENCE = 8 };

/* A call on the critical path. */
struct path_call {
    uint32_t parent, service, name, span;
    int64_t ns; /* of the path, in it and below */
};

enum chance_type { REPEATED, SERIAL, FAILED, NETWORK, OPERATION };

struct chance {
    enum chance_type type;
    uint32_t span;       /* that it is about: the operation, or who calls */
    uint32_t begin, end; /* of the calls */
    int64_t saving_ns;
};

/* --- Memory */

static bool reserve(struct analysis *a, uint32_t count)
{
    if (count <= a->capacity)
        return true;
    tcore_free(a->below_ns);
    tcore_free(a->wasted);
    tcore_free(a->factor);
    tcore_free(a->calls);
    a->below_ns = tcore_reallocarray(NULL, count, sizeof *a->below_ns);
    a->wasted = tcore_reallocarray(NULL, count, sizeof *a->wasted);
    a->factor = tcore_reallocarray(NULL, count, sizeof *a->factor);
    a->calls = tcore_reallocarray(NULL, count, sizeof *a->calls);
    a->capacity = a->below_ns && a->wasted && a->factor && a->calls ? count : 0;
    return a->capacity;
}

void analysis_free(struct analysis *a)
{
    if (!a)
        return;
    tcore_free(a->below_ns);
    tcore_free(a->wasted);
    tcore_free(a->factor);
    tcore_free(a->calls);
    tcore_schedule_free(&a->schedule);
    tcore_free(a);
}

/* --- Calls on the path */

static int compare_calls(const void *left, const void *right)
{
    const struct path_call *a = left, *b = right;
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    if (a->service != b->service)
        return a->service < b->service ? -1 : 1;
    if (a->name != b->name)
        return a->name < b->name ? -1 : 1;
    return a->span < b->span ? -1 : a->span > b->span;
}

static bool same_operation(const struct path_call *a, const struct path_call *b)
{
    return a->service == b->service && a->name == b->name;
}

/* Whether the span is a call of its parent: a client, or of another service. */
static bool is_call(const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_span *is = &build->spans[span];
    uint32_t parent = build->tree.parent[span];
    return parent != TCORE_SPAN_NONE &&
           (is->kind == TCORE_SPAN_CLIENT || (is->service != build->spans[parent].service &&
                                              build->spans[parent].kind != TCORE_SPAN_CLIENT));
}

/* What the path has in each span and below, and the calls on it. */
static void list_calls(struct analysis *a, const struct trace_build *build)
{
    const struct tcore_trace_tree *tree = &build->tree;
    a->call_count = 0;
    for (uint32_t i = 0; i < tree->count; i++)
        a->below_ns[i] = build->self_ns[i];
    for (uint32_t at = tree->count; at-- > 0;) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        if (!a->below_ns[span] || parent == TCORE_SPAN_NONE)
            continue;
        a->below_ns[parent] += a->below_ns[span];
        if (is_call(build, span))
            a->calls[a->call_count++] = (struct path_call){.parent = parent,
                                                           .service = build->spans[span].service,
                                                           .name = build->rows[span]->name,
                                                           .span = span,
                                                           .ns = a->below_ns[span]};
    }
    if (a->call_count > 1)
        qsort(a->calls, a->call_count, sizeof *a->calls, compare_calls);
}

/* Behind the calls of one operation of one parent that begin there. */
static uint32_t end_of_group(const struct analysis *a, uint32_t begin)
{
    uint32_t end = begin + 1;
    while (end < a->call_count && a->calls[end].parent == a->calls[begin].parent &&
           same_operation(&a->calls[end], &a->calls[begin]))
        end++;
    return end;
}

/* The one of the calls that the path spends most time in. */
static uint32_t longest_of(const struct analysis *a, uint32_t begin, uint32_t end)
{
    uint32_t longest = begin;
    for (uint32_t i = begin + 1; i < end; i++)
        if (a->calls[i].ns > a->calls[longest].ns)
            longest = i;
    return longest;
}

static bool has_failed(const struct trace_build *build, uint32_t span)
{
    return build->spans[span].flags & TCORE_SPAN_ERROR;
}

bool find_waste(struct analysis *a, const struct trace_build *build)
{
    const struct tcore_trace_tree *tree = &build->tree;
    if (!reserve(a, tree->count))
        return false;
    list_calls(a, build);
    for (uint32_t i = 0; i < tree->count; i++)
        a->wasted[i] = has_failed(build, i);
    for (uint32_t begin = 0, end; begin < a->call_count; begin = end) {
        end = end_of_group(a, begin);
        uint32_t longest = longest_of(a, begin, end);
        for (uint32_t i = begin; i < end; i++)
            if (i != longest)
                a->wasted[a->calls[i].span] = true;
    }
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        if (parent != TCORE_SPAN_NONE)
            a->wasted[span] |= a->wasted[parent];
    }
    return true;
}

int64_t useful_ns(const struct analysis *a, const struct trace_build *build)
{
    const struct tcore_critical_path *path = &build->path;
    int64_t sum = 0;
    for (uint32_t i = 0; i < path->span_count; i++)
        if (!a->wasted[path->spans[i]] && !trace_build_is_call(build, path->spans[i]))
            sum += build->self_ns[path->spans[i]];
    return sum;
}

/* --- Chances: first by what the path has there, which is no less than what would be saved */

struct chances {
    struct chance list[CHANCES]; /* the greatest first */
    uint32_t count;
};

static void add(struct chances *chances, const struct trace_build *build,
                const struct chance *chance)
{
    uint32_t at = chances->count < CHANCES ? chances->count : CHANCES;
    if (!chance->saving_ns || chance->saving_ns < build->path.duration_ns / WORTH_A_WORD)
        return;
    for (; at && chance->saving_ns > chances->list[at - 1].saving_ns; at--)
        if (at < CHANCES)
            chances->list[at] = chances->list[at - 1];
    if (at < CHANCES)
        chances->list[at] = *chance;
    chances->count += chances->count < CHANCES;
}

/* Calls of one parent: those of one operation that are repeated, and that operations follow each
 * other; of each operation the longest call counts for that. */
static void add_calls(const struct analysis *a, const struct trace_build *build, uint32_t begin,
                      uint32_t end, struct chances *chances)
{
    int64_t all_ns = 0, most_ns = 0;
    uint32_t groups = 0;
    for (uint32_t first = begin, behind; first < end; first = behind) {
        behind = end_of_group(a, first);
        int64_t longest_ns = a->calls[longest_of(a, first, behind)].ns, sum_ns = 0;
        for (uint32_t i = first; i < behind; i++)
            sum_ns += a->calls[i].ns;
        add(chances, build,
            &(struct chance){REPEATED, a->calls[first].span, first, behind, sum_ns - longest_ns});
        all_ns += longest_ns;
        most_ns = longest_ns > most_ns ? longest_ns : most_ns;
        groups++;
    }
    if (groups > 1)
        add(chances, build,
            &(struct chance){SERIAL, a->calls[begin].parent, begin, end, all_ns - most_ns});
}

static void find_chances(const struct analysis *a, const struct trace_build *build,
                         struct chances *chances)
{
    const struct tcore_critical_path *path = &build->path;
    for (uint32_t begin = 0, end; begin < a->call_count; begin = end) {
        for (end = begin + 1;
             end < a->call_count && a->calls[end].parent == a->calls[begin].parent;)
            end++;
        add_calls(a, build, begin, end, chances);
    }
    for (uint32_t i = 0; i < path->span_count; i++) {
        uint32_t span = path->spans[i], parent = build->tree.parent[span];
        struct chance chance = {OPERATION, span, 0, 0, build->self_ns[span]};
        if (trace_build_is_call(build, span))
            chance.type = NETWORK;
        add(chances, build, &chance);
        if (span == build->tree.root || !has_failed(build, span) || has_failed(build, parent))
            continue;
        add(chances, build, &(struct chance){FAILED, span, 0, 0, a->below_ns[span]});
    }
}

/* --- What would be saved */

/* Spans that the chance would spare have the factor 0, and so has what is below them; except for
 * own work, which has it alone. */
static void set_factors(struct analysis *a, const struct trace_build *build,
                        const struct chance *chance)
{
    const struct tcore_trace_tree *tree = &build->tree;
    uint32_t kept = longest_of(a, chance->begin, chance->end);
    for (uint32_t i = 0; i < tree->count; i++)
        a->factor[i] = 1;
    for (uint32_t first = chance->begin, end; first < chance->end; first = end) {
        end = chance->type == SERIAL ? end_of_group(a, first) : chance->end;
        uint32_t longest = longest_of(a, first, end);
        for (uint32_t i = first; i < end; i++)
            if (i != kept && (chance->type == REPEATED || i == longest))
                a->factor[a->calls[i].span] = 0;
    }
    if (chance->begin == chance->end)
        a->factor[chance->span] = 0;
    if (chance->type == NETWORK || chance->type == OPERATION)
        return;
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        if (parent != TCORE_SPAN_NONE && !a->factor[parent])
            a->factor[span] = 0;
    }
}

/* Savings by the schedule, and the order by these. */
static void estimate(struct analysis *a, const struct trace_build *build, struct chances *chances)
{
    struct chances exact = {.count = 0};
    for (uint32_t i = 0; i < chances->count; i++) {
        struct chance chance = chances->list[i];
        set_factors(a, build, &chance);
        int64_t took = tcore_schedule_what_if(&a->schedule, &build->tree, &build->path, a->factor);
        int64_t saved = took < build->path.duration_ns ? build->path.duration_ns - took : 0;
        if (saved < chance.saving_ns)
            chance.saving_ns = saved;
        add(&exact, build, &chance);
    }
    *chances = exact;
}

/* --- Text */

static void put_spans(const struct analysis *a, const struct trace_build *build,
                      const struct chance *chance, struct tcore_buf *out)
{
    uint32_t count = chance->end - chance->begin;
    tcore_buf_puts(out, ",\"spanIds\":[");
    for (uint32_t i = 0; i < count && i < EVIDENCE; i++) {
        tcore_buf_puts(out, i ? "," : "");
        put_id(out, build->spans[a->calls[chance->begin + i].span].span_id);
    }
    if (!count)
        put_id(out, build->spans[chance->span].span_id);
    tcore_buf_putc(out, ']');
    if (!count)
        return;
    put_key(out, "count", false);
    put_int(out, count);
}

enum tcore_status put_chances(struct analysis *a, const struct trace_build *build,
                              struct tcore_buf *out, struct tcore_error *err)
{
    static const char *const types[] = {[REPEATED] = "repeated_calls",
                                        [SERIAL] = "serial_calls",
                                        [FAILED] = "failed_work",
                                        [NETWORK] = "network",
                                        [OPERATION] = "operation"};
    struct chances chances = {.count = 0};
    find_chances(a, build, &chances);
    if (!chances.count)
        return TCORE_OK;
    enum tcore_status status = tcore_schedule_work(&a->schedule, &build->tree, &build->path, err);
    if (status != TCORE_OK)
        return status;
    estimate(a, build, &chances);
    for (uint32_t i = 0; i < chances.count; i++) {
        const struct chance *chance = &chances.list[i];
        tcore_buf_puts(out, i ? ",{\"type\":\"" : ",\"optimizationOpportunities\":[{\"type\":\"");
        tcore_buf_puts(out, types[chance->type]);
        tcore_buf_putc(out, '"');
        put_text_member(out, "serviceName", trace_build_service(build, chance->span));
        put_text_member(out, "operationName", trace_build_name(build, chance->span));
        put_spans(a, build, chance, out);
        put_key(out, "saving", false);
        put_int(out, chance->saving_ns);
        put_ratio(out, "share", (double)chance->saving_ns / (double)build->path.duration_ns);
        tcore_buf_putc(out, '}');
    }
    tcore_buf_puts(out, chances.count ? "]" : "");
    return TCORE_OK;
}
