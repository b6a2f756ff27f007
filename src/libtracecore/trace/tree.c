/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Building a trace's tree in five passes over plain arrays: who has which id (sorted pairs), who is
 * whose parent, which circles must be opened, the lists of children (a counting sort, so that they
 * stay in the order of the spans), and the walk from the roots.
 */
#include "trace/tree.h"

#include "base/sys.h"

#include <string.h>

/* An id and who has it. */
struct holder {
    uint64_t id;
    uint32_t span;
};

/* Of one call of build. */
struct build {
    struct tcore_trace_tree *tree;
    struct holder *holders; /* ascending by id, then by span */
    struct holder *scratch;
    uint32_t *work;
};

#define SHORT_RUN   12
#define SAME_ID_MAX 16 /* so many spans of one id are looked at, however many have it */

/* --- Spans */

enum tcore_span_kind tcore_span_kind_find(const char *name, size_t length)
{
    if (length == 6)
        return !memcmp(name, "client", 6)   ? TCORE_SPAN_CLIENT
               : !memcmp(name, "server", 6) ? TCORE_SPAN_SERVER
                                            : TCORE_SPAN_UNSPECIFIED;
    if (length == 8)
        return !memcmp(name, "internal", 8)   ? TCORE_SPAN_INTERNAL
               : !memcmp(name, "producer", 8) ? TCORE_SPAN_PRODUCER
               : !memcmp(name, "consumer", 8) ? TCORE_SPAN_CONSUMER
                                              : TCORE_SPAN_UNSPECIFIED;
    return TCORE_SPAN_UNSPECIFIED;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Earlier first; those without the time last. */
static int compare_times(int64_t a, bool has_a, int64_t b, bool has_b)
{
    if (!has_a || !has_b)
        return has_a ? -1 : has_b;
    return a < b ? -1 : a > b;
}

int tcore_trace_span_compare(const struct tcore_trace_span *a, const struct tcore_trace_span *b)
{
    int order = compare_times(a->start_ns, a->flags & TCORE_SPAN_HAS_START, b->start_ns,
                              b->flags & TCORE_SPAN_HAS_START);
    if (!order)
        order = -compare_times(a->end_ns, a->flags & TCORE_SPAN_HAS_END, b->end_ns,
                               b->flags & TCORE_SPAN_HAS_END);
    if (!order)
        order = compare_u64(a->span_id, b->span_id);
    if (!order)
        order = compare_u64(a->parent_id, b->parent_id);
    if (!order)
        order = (int)a->kind - (int)b->kind;
    if (!order)
        order = (int)a->flags - (int)b->flags;
    return order ? order : compare_u64(a->service, b->service);
}

static bool is_caller(const struct tcore_trace_span *span)
{
    return span->kind == TCORE_SPAN_CLIENT || span->kind == TCORE_SPAN_PRODUCER;
}

static bool is_callee(const struct tcore_trace_span *span)
{
    return span->kind == TCORE_SPAN_SERVER || span->kind == TCORE_SPAN_CONSUMER;
}

/* --- Memory: one block for all arrays, the widest elements first */

static enum tcore_status reserve(struct build *build, uint32_t count, struct tcore_error *err)
{
    struct tcore_trace_tree *tree = build->tree;
    if (count > tree->capacity) {
        size_t n = count < 64 ? 64 : count;
        size_t bytes = sizeof(struct tcore_interval) + 2 * sizeof(struct holder) +
                       7 * sizeof(uint32_t) + sizeof(uint8_t);
        tcore_free(tree->memory);
        tree->capacity = 0;
        tree->memory = tcore_calloc(n + 1, bytes);
        if (!tree->memory)
            return tcore_error_nomem(err);
        tree->capacity = (uint32_t)n;
    }
    size_t n = (size_t)tree->capacity + 1;
    tree->interval = tree->memory;
    build->holders = (struct holder *)(tree->interval + n);
    build->scratch = build->holders + n;
    tree->roots = (uint32_t *)(build->scratch + n);
    tree->parent = tree->roots + n;
    tree->first = tree->parent + n;
    tree->children = tree->first + n;
    tree->order = tree->children + n;
    tree->depth = tree->order + n;
    build->work = tree->depth + n;
    tree->notes = (uint8_t *)(build->work + n);
    tree->count = count;
    tree->root_count = 0;
    return TCORE_OK;
}

void tcore_trace_tree_free(struct tcore_trace_tree *tree)
{
    tcore_free(tree->memory);
    *tree = (struct tcore_trace_tree){0};
}

/* --- Who has which id */

static void sort_short_run(struct holder *run, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct holder holder = run[i];
        size_t at = i;
        for (; at && run[at - 1].id > holder.id; at--)
            run[at] = run[at - 1];
        run[at] = holder;
    }
}

static void merge(struct holder *to, const struct holder *a, const struct holder *a_end,
                  const struct holder *b, const struct holder *b_end)
{
    while (a < a_end && b < b_end)
        *to++ = b->id < a->id ? *b++ : *a++;
    while (a < a_end)
        *to++ = *a++;
    while (b < b_end)
        *to++ = *b++;
}

/* A merge sort, since it keeps spans of one id in their order. */
static void sort_holders(struct build *build)
{
    size_t count = build->tree->count;
    for (size_t at = 0; at < count; at += SHORT_RUN)
        sort_short_run(build->holders + at, count - at < SHORT_RUN ? count - at : SHORT_RUN);
    for (size_t width = SHORT_RUN; width < count; width *= 2) {
        struct holder *from = build->holders, *to = build->scratch;
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t middle = count - at < width ? count : at + width;
            size_t end = count - at < 2 * width ? count : at + 2 * width;
            merge(to + at, from + at, from + middle, from + middle, from + end);
        }
        build->holders = to;
        build->scratch = from;
    }
}

static void list_holders(struct build *build)
{
    const struct tcore_trace_tree *tree = build->tree;
    for (uint32_t i = 0; i < tree->count; i++)
        build->holders[i] = (struct holder){.id = tree->spans[i].span_id, .span = i};
    sort_holders(build);
}

/* The first holder of the id, or the first one of a larger id, or behind the last. */
static const struct holder *find_holder(const struct build *build, uint64_t id)
{
    const struct holder *base = build->holders;
    for (size_t count = build->tree->count; count;) {
        size_t half = count / 2;
        if (base[half].id < id) {
            base += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return base;
}

/* Behind the last holder of the id of group that is looked at. */
static const struct holder *end_of_group(const struct build *build, const struct holder *group)
{
    const struct holder *end = build->holders + build->tree->count;
    const struct holder *at = group;
    while (at < end && at->id == group->id && at - group < SAME_ID_MAX)
        at++;
    return at;
}

/* --- Who is whose parent */

/* The client or producer whose other half span i is, or NONE. group: the holders of its id. */
static uint32_t find_caller_half(const struct build *build, uint32_t i, const struct holder *group)
{
    const struct tcore_trace_span *spans = build->tree->spans, *span = &spans[i];
    const struct holder *end = end_of_group(build, group);
    if (!is_callee(span))
        return TCORE_SPAN_NONE;
    for (; group < end; group++) {
        const struct tcore_trace_span *other = &spans[group->span];
        bool same_parent = !span->parent_id || span->parent_id == span->span_id ||
                           span->parent_id == other->parent_id;
        if (is_caller(other) && same_parent)
            return group->span;
    }
    return TCORE_SPAN_NONE;
}

/* The span of that id that span i hangs below; NONE if there is none. */
static uint32_t find_parent(const struct build *build, uint32_t i)
{
    const struct tcore_trace_span *spans = build->tree->spans, *span = &spans[i];
    const struct holder *holder = find_holder(build, span->parent_id);
    const struct holder *behind = build->holders + build->tree->count;
    if (holder == behind || holder->id != span->parent_id)
        return TCORE_SPAN_NONE;
    const struct holder *end = end_of_group(build, holder);
    uint32_t best = holder->span;
    int best_fit = -1;
    for (; holder < end; holder++) {
        const struct tcore_trace_span *other = &spans[holder->span];
        int fit = 2 * (other->service == span->service) + is_callee(other);
        if (fit > best_fit) {
            best = holder->span;
            best_fit = fit;
        }
    }
    return best;
}

/* Whether the two of one id are the halves of one call; what is said of b is known already. */
static bool are_halves(const struct tcore_trace_tree *tree, uint32_t a, uint32_t b)
{
    const struct tcore_trace_span *x = &tree->spans[a], *y = &tree->spans[b];
    return (tree->notes[a] & TCORE_NOTE_SHARED && is_caller(y)) ||
           (tree->notes[b] & TCORE_NOTE_SHARED && is_caller(x));
}

/* Whether an earlier span has the id and is no other half of this one. */
static bool is_duplicate(const struct build *build, uint32_t i, const struct holder *group)
{
    const struct holder *end = end_of_group(build, group);
    for (; group < end && group->span != i; group++)
        if (!are_halves(build->tree, i, group->span))
            return true;
    return group == end;
}

/* Finds the parent of span i. group: the holders of its id; alone: it is the only one. */
static void place(struct build *build, uint32_t i, const struct holder *group, bool alone)
{
    struct tcore_trace_tree *tree = build->tree;
    const struct tcore_trace_span *span = &tree->spans[i];
    uint32_t parent = alone ? TCORE_SPAN_NONE : find_caller_half(build, i, group);
    tree->notes[i] = 0;
    if (parent != TCORE_SPAN_NONE) {
        tree->notes[i] = TCORE_NOTE_SHARED;
    } else if (span->parent_id == span->span_id) {
        tree->notes[i] = TCORE_NOTE_SELF_PARENT;
    } else if (span->parent_id) {
        parent = find_parent(build, i);
        if (parent == TCORE_SPAN_NONE)
            tree->notes[i] = TCORE_NOTE_ORPHAN;
    }
    tree->parent[i] = parent;
    if (!alone && is_duplicate(build, i, group))
        tree->notes[i] |= TCORE_NOTE_DUPLICATE;
}

static void find_parents(struct build *build)
{
    struct tcore_trace_tree *tree = build->tree;
    const struct holder *end = build->holders + tree->count;
    for (const struct holder *group = build->holders; group < end;) {
        const struct holder *holder = group;
        bool alone = holder + 1 == end || holder[1].id != group->id;
        for (; holder < end && holder->id == group->id; holder++)
            place(build, holder->span, group, alone);
        group = holder;
    }
}

/* --- Circles: walk up from every span, marking whom the walk passed; whoever is met again in the
 * same walk is on a circle. */

static void open_circle(struct tcore_trace_tree *tree, uint32_t on_it)
{
    uint32_t first = on_it;
    for (uint32_t i = tree->parent[on_it]; i != on_it; i = tree->parent[i])
        if (i < first)
            first = i;
    tree->parent[first] = TCORE_SPAN_NONE;
    tree->notes[first] |= TCORE_NOTE_CYCLE;
}

static void open_circles(struct build *build)
{
    struct tcore_trace_tree *tree = build->tree;
    uint32_t *walk = build->work; /* number of the walk that passed it, 0: none did */
    memset(walk, 0, tree->count * sizeof *walk);
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t at = i;
        for (; at != TCORE_SPAN_NONE && !walk[at]; at = tree->parent[at])
            walk[at] = i + 1;
        if (at != TCORE_SPAN_NONE && walk[at] == i + 1)
            open_circle(tree, at);
    }
}

/* --- Children, order and depth */

static void list_children(struct build *build)
{
    struct tcore_trace_tree *tree = build->tree;
    uint32_t *next = build->work;
    memset(tree->first, 0, ((size_t)tree->count + 1) * sizeof *tree->first);
    for (uint32_t i = 0; i < tree->count; i++) {
        if (tree->parent[i] == TCORE_SPAN_NONE)
            tree->roots[tree->root_count++] = i;
        else
            tree->first[tree->parent[i] + 1]++;
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        next[i] = tree->first[i];
        tree->first[i + 1] += tree->first[i];
    }
    for (uint32_t i = 0; i < tree->count; i++)
        if (tree->parent[i] != TCORE_SPAN_NONE)
            tree->children[next[tree->parent[i]]++] = i;
}

static void walk_down(struct build *build)
{
    struct tcore_trace_tree *tree = build->tree;
    uint32_t *stack = build->work; /* holds a span at most once, so it has room */
    uint32_t height = 0, at = 0;
    for (uint32_t r = tree->root_count; r-- > 0;) {
        stack[height++] = tree->roots[r];
        tree->depth[tree->roots[r]] = 0;
    }
    while (height) {
        uint32_t i = stack[--height];
        tree->order[at++] = i;
        for (uint32_t c = tree->first[i + 1]; c-- > tree->first[i];) {
            tree->depth[tree->children[c]] = tree->depth[i] + 1;
            stack[height++] = tree->children[c];
        }
    }
}

static void choose_root(struct tcore_trace_tree *tree)
{
    tree->root = tree->roots[0];
    for (uint32_t r = 0; r < tree->root_count; r++)
        if (!tree->spans[tree->roots[r]].parent_id) {
            tree->root = tree->roots[r];
            return;
        }
}

/* --- Time */

static struct tcore_interval own_interval(const struct tcore_trace_span *span)
{
    struct tcore_interval own = {INT64_MAX, INT64_MIN};
    if (span->flags & TCORE_SPAN_HAS_START)
        own.start_ns = span->start_ns;
    if (span->flags & TCORE_SPAN_HAS_END &&
        (!(span->flags & TCORE_SPAN_HAS_START) || span->end_ns >= span->start_ns))
        own.end_ns = span->end_ns;
    return own;
}

static void widen(struct tcore_interval *interval, const struct tcore_interval *by)
{
    if (by->start_ns < interval->start_ns)
        interval->start_ns = by->start_ns;
    if (by->end_ns > interval->end_ns)
        interval->end_ns = by->end_ns;
}

/* The interval of a span from its own times and those of its children, which are known. */
static struct tcore_interval interval_of(const struct tcore_trace_tree *tree, uint32_t i)
{
    struct tcore_interval own = own_interval(&tree->spans[i]);
    bool has_start = own.start_ns != INT64_MAX, has_end = own.end_ns != INT64_MIN;
    struct tcore_interval below = {INT64_MAX, INT64_MIN};
    if (has_start && has_end)
        return own;
    for (uint32_t c = tree->first[i]; c < tree->first[i + 1]; c++) {
        const struct tcore_interval *child = &tree->interval[tree->children[c]];
        if (tcore_interval_is_known(child))
            widen(&below, child);
    }
    if (has_start)
        own.end_ns = below.end_ns > own.start_ns ? below.end_ns : own.start_ns;
    else if (has_end)
        own.start_ns = below.start_ns < own.end_ns ? below.start_ns : own.end_ns;
    else
        own = below;
    return own;
}

static void find_intervals(struct tcore_trace_tree *tree)
{
    tree->whole = (struct tcore_interval){INT64_MAX, INT64_MIN};
    for (uint32_t at = tree->count; at-- > 0;) {
        uint32_t i = tree->order[at];
        tree->interval[i] = interval_of(tree, i);
        if (tcore_interval_is_known(&tree->interval[i]))
            widen(&tree->whole, &tree->interval[i]);
    }
}

static void note_times(struct tcore_trace_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct tcore_trace_span *span = &tree->spans[i];
        if (!tcore_span_is_timed(span)) {
            tree->notes[i] |= TCORE_NOTE_UNTIMED;
            continue;
        }
        if (tree->parent[i] == TCORE_SPAN_NONE)
            continue;
        const struct tcore_trace_span *parent = &tree->spans[tree->parent[i]];
        if (!tcore_span_is_timed(parent))
            continue;
        if (span->start_ns < parent->start_ns)
            tree->notes[i] |= TCORE_NOTE_BEFORE_PARENT;
        if (span->end_ns > parent->end_ns)
            tree->notes[i] |= TCORE_NOTE_AFTER_PARENT;
    }
}

enum tcore_status tcore_trace_tree_build(struct tcore_trace_tree *tree,
                                         const struct tcore_trace_span *spans, size_t count,
                                         struct tcore_error *err)
{
    struct build build = {.tree = tree};
    if (!count || count > INT32_MAX)
        return tcore_error_set(err, TCORE_FATAL, "a trace of %zu spans is more than a tree holds",
                               count);
    enum tcore_status status = reserve(&build, (uint32_t)count, err);
    if (status != TCORE_OK)
        return status;
    tree->spans = spans;
    list_holders(&build);
    find_parents(&build);
    open_circles(&build);
    list_children(&build);
    walk_down(&build);
    choose_root(tree);
    find_intervals(tree);
    note_times(tree);
    return TCORE_OK;
}

/* --- Self times */

void tcore_trace_self_times(const struct tcore_trace_tree *tree, int64_t *self_ns)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        struct tcore_interval own = tree->interval[i];
        if (!tcore_interval_is_known(&own)) {
            self_ns[i] = 0;
            continue;
        }
        int64_t covered_to = own.start_ns;
        self_ns[i] = 0;
        for (uint32_t c = tree->first[i]; c < tree->first[i + 1]; c++) {
            const struct tcore_interval *child = &tree->interval[tree->children[c]];
            if (!tcore_interval_is_known(child) || child->start_ns >= own.end_ns)
                continue;
            if (child->start_ns > covered_to)
                self_ns[i] += child->start_ns - covered_to;
            if (child->end_ns > covered_to)
                covered_to = child->end_ns;
        }
        if (covered_to < own.end_ns)
            self_ns[i] += own.end_ns - covered_to;
    }
}
