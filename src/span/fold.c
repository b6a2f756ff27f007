/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every span gets a rank within its group of siblings once; then the walk down the tree is counted
 * for ever fewer members a group, and at last done. */
#include <config.h>

#include "span/fold.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

/* A sibling that is to be ranked. */
struct member {
    uint32_t service, name;
    uint32_t span;
    bool critical, failed;
    int64_t ns;
};

static bool reserve(struct fold *fold, uint32_t spans)
{
    if (spans <= fold->span_capacity)
        return true;
    size_t n = spans < 64 ? 64 : spans;
    uint32_t **arrays[] = {&fold->rank, &fold->leader, &fold->row_of, &fold->behind};
    bool good = true;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        tcore_free(*arrays[i]);
        *arrays[i] = tcore_reallocarray(NULL, n, sizeof(uint32_t));
        good = good && *arrays[i];
    }
    tcore_free(fold->critical);
    tcore_free(fold->failed);
    tcore_free(fold->members);
    fold->critical = tcore_calloc(n, 1);
    fold->failed = tcore_calloc(n, 1);
    fold->members = tcore_reallocarray(NULL, n, sizeof(struct member));
    good = good && fold->critical && fold->failed && fold->members;
    fold->span_capacity = good ? (uint32_t)n : 0;
    return good;
}

void fold_free(struct fold *fold)
{
    tcore_free(fold->rows);
    tcore_free(fold->critical);
    tcore_free(fold->failed);
    tcore_free(fold->rank);
    tcore_free(fold->leader);
    tcore_free(fold->row_of);
    tcore_free(fold->behind);
    tcore_free(fold->members);
    *fold = (struct fold){0};
}

/* --- Ranks */

/* Groups together; in each, what is worth most first. */
static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    if (x->critical != y->critical)
        return x->critical ? -1 : 1;
    if (x->failed != y->failed)
        return x->failed ? -1 : 1;
    if (x->ns != y->ns)
        return x->ns > y->ns ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

/* Ranks the spans siblings[0..count). */
static void rank_siblings(struct fold *fold, const struct trace_build *build,
                          const uint32_t *siblings, uint32_t count)
{
    struct member *members = fold->members;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t span = siblings[i];
        members[i] = (struct member){
            .service = build->tree.spans[span].service,
            .name = build->rows[span]->name,
            .span = span,
            .critical = fold->critical[span],
            .failed = fold->failed[span],
        };
        if (!trace_build_duration(build, span, &members[i].ns))
            members[i].ns = -1;
    }
    if (count > 1)
        qsort(members, count, sizeof *members, compare_members);
    uint32_t begin = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (members[i].service != members[begin].service || members[i].name != members[begin].name)
            begin = i;
        fold->rank[members[i].span] = i - begin;
        fold->leader[members[i].span] = members[begin].span;
    }
}

static void mark(struct fold *fold, const struct trace_build *build)
{
    const struct tcore_trace_tree *tree = &build->tree;
    memset(fold->critical, 0, tree->count);
    memset(fold->failed, 0, tree->count);
    for (uint32_t i = 0; i < build->path.span_count; i++)
        fold->critical[build->path.spans[i]] = 1;
    for (uint32_t at = tree->count; at-- > 0;) {
        uint32_t span = tree->order[at];
        fold->failed[span] |= (tree->spans[span].flags & TCORE_SPAN_ERROR) != 0;
        if (fold->failed[span] && tree->parent[span] != TCORE_SPAN_NONE)
            fold->failed[tree->parent[span]] = 1;
    }
}

static void rank_all(struct fold *fold, const struct trace_build *build)
{
    const struct tcore_trace_tree *tree = &build->tree;
    rank_siblings(fold, build, tree->roots, tree->root_count);
    for (uint32_t i = 0; i < tree->count; i++)
        if (tree->first[i + 1] > tree->first[i])
            rank_siblings(fold, build, tree->children + tree->first[i],
                          tree->first[i + 1] - tree->first[i]);
}

/* Where the walk goes on when it leaves out what is below a place. */
static void find_behind(struct fold *fold, const struct tcore_trace_tree *tree)
{
    uint32_t *open = fold->members; /* the places that the walk is below; not used otherwise now */
    uint32_t height = 0;
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t depth = tree->depth[tree->order[at]];
        while (height > depth)
            fold->behind[open[--height]] = at;
        open[height++] = at;
    }
    while (height)
        fold->behind[open[--height]] = tree->count;
}

/* --- Rows */

/* How many rows there are with keep members a group, as far as limit. */
static uint32_t count_rows(struct fold *fold, const struct tcore_trace_tree *tree, uint32_t keep,
                           uint32_t limit)
{
    uint32_t rows = 0;
    for (uint32_t at = 0; at < tree->count && rows <= limit;) {
        uint32_t span = tree->order[at];
        bool hidden = fold->rank[span] >= keep;
        rows += !hidden || fold->rank[span] == keep; /* one for all that are hidden */
        at = hidden ? fold->behind[at] : at + 1;
    }
    return rows;
}

static struct fold_row *add_row(struct fold *fold)
{
    if (fold->count == fold->row_capacity) {
        size_t n = fold->row_capacity ? (size_t)fold->row_capacity * 2 : 64;
        void *rows = tcore_reallocarray(fold->rows, n, sizeof *fold->rows);
        if (!rows)
            return NULL;
        fold->rows = rows;
        fold->row_capacity = (uint32_t)n;
    }
    struct fold_row *row = &fold->rows[fold->count++];
    *row = (struct fold_row){.interval = {INT64_MAX, INT64_MIN}, .longest_ns = -1};
    return row;
}

static bool has_failed(const struct trace_build *build, uint32_t span)
{
    return build->tree.spans[span].flags & TCORE_SPAN_ERROR;
}

/* Adds a span's times to what its row says. */
static void count_in(const struct fold *fold, const struct trace_build *build, struct fold_row *row,
                     uint32_t span)
{
    const struct tcore_interval *interval = &build->tree.interval[span];
    int64_t ns;
    row->critical |= fold->critical[span];
    if (!trace_build_duration(build, span, &ns))
        return;
    row->longest_ns = ns > row->longest_ns ? ns : row->longest_ns;
    if (interval->start_ns < row->interval.start_ns)
        row->interval.start_ns = interval->start_ns;
    if (interval->end_ns > row->interval.end_ns)
        row->interval.end_ns = interval->end_ns;
}

/* The row of the hidden members of the span's group, a new one if it is the first of them. */
static struct fold_row *row_of_group(struct fold *fold, const struct trace_build *build,
                                     uint32_t span)
{
    uint32_t leader = fold->leader[span];
    if (fold->row_of[leader] != TCORE_SPAN_NONE)
        return &fold->rows[fold->row_of[leader]];
    struct fold_row *row = add_row(fold);
    if (row) {
        row->span = span;
        row->depth = build->tree.depth[span];
        fold->row_of[leader] = fold->count - 1;
    }
    return row;
}

/* All that the order has from place at on, in one last row. */
static bool add_rest(struct fold *fold, const struct trace_build *build, uint32_t at)
{
    struct fold_row *row = add_row(fold);
    if (!row)
        return false;
    row->span = TCORE_SPAN_NONE;
    for (; at < build->tree.count; at++) {
        count_in(fold, build, row, build->tree.order[at]);
        row->failed |= has_failed(build, build->tree.order[at]);
        row->hidden++;
    }
    row->below = row->hidden;
    return true;
}

/* limit: how many rows there may be before the one that counts the rest. */
static bool make_rows(struct fold *fold, const struct trace_build *build, uint32_t keep,
                      uint32_t limit)
{
    const struct tcore_trace_tree *tree = &build->tree;
    memset(fold->row_of, 0xff, tree->count * sizeof *fold->row_of);
    for (uint32_t at = 0; at < tree->count;) {
        uint32_t span = tree->order[at];
        bool hidden = fold->rank[span] >= keep;
        bool new_row = !hidden || fold->row_of[fold->leader[span]] == TCORE_SPAN_NONE;
        if (new_row && fold->count == limit)
            return add_rest(fold, build, at);
        struct fold_row *row = hidden ? row_of_group(fold, build, span) : add_row(fold);
        if (!row)
            return false;
        count_in(fold, build, row, span);
        row->failed |= hidden ? fold->failed[span] : has_failed(build, span);
        if (!hidden) {
            row->span = span;
            row->depth = tree->depth[span];
            at++;
            continue;
        }
        row->hidden++;
        row->below += fold->behind[at] - at;
        at = fold->behind[at];
    }
    return true;
}

enum tcore_status fold_trace(struct fold *fold, const struct trace_build *build, uint32_t most,
                             struct tcore_error *err)
{
    uint32_t keep = UINT32_MAX;
    fold->count = 0;
    if (!reserve(fold, build->tree.count))
        return tcore_error_nomem(err);
    mark(fold, build);
    rank_all(fold, build);
    find_behind(fold, &build->tree);
    if (build->tree.count > most)
        for (keep = 64; keep > 1 && count_rows(fold, &build->tree, keep, most) > most;)
            keep /= 2;
    bool all = count_rows(fold, &build->tree, keep, most) <= most;
    return make_rows(fold, build, keep, all ? most : most - 1) ? TCORE_OK : tcore_error_nomem(err);
}
