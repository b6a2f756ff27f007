/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/traceql/traceql_structure.h"

#include "base/sys.h"

#define ARRAYS 6

static bool reserve(struct traceql_structure *structure, uint32_t count)
{
    if (count <= structure->capacity)
        return true;
    uint32_t room = count < 32 ? 32 : count;
    tcore_free(structure->memory);
    structure->memory = tcore_calloc(room, ARRAYS * sizeof *structure->memory);
    structure->capacity = structure->memory ? room : 0;
    structure->span = structure->memory;
    structure->parent = structure->memory + room;
    structure->end = structure->memory + 2 * (size_t)room;
    structure->depth = structure->memory + 3 * (size_t)room;
    structure->children = structure->memory + 4 * (size_t)room;
    structure->mark = structure->memory + 5 * (size_t)room;
    return structure->memory != NULL;
}

enum tcore_status traceql_structure_build(struct traceql_structure *structure,
                                          const struct tcore_trace_tree *tree,
                                          struct tcore_error *err)
{
    uint32_t count = tree->count;
    if (!reserve(structure, count))
        return tcore_error_nomem(err);
    structure->count = count;
    uint32_t *position = structure->mark; /* by span, for now */
    for (uint32_t p = 0; p < count; p++)
        position[tree->order[p]] = p;
    for (uint32_t p = 0; p < count; p++) {
        uint32_t span = tree->order[p], parent = tree->parent[span];
        structure->span[p] = span;
        structure->parent[p] = parent == TCORE_SPAN_NONE ? TRACEQL_NONE : position[parent];
        structure->depth[p] = tree->depth[span];
        structure->children[p] = tree->first[span + 1] - tree->first[span];
        structure->end[p] = p + 1;
    }
    for (uint32_t p = count; p-- > 0;) { /* children first */
        uint32_t parent = structure->parent[p];
        if (parent != TRACEQL_NONE && structure->end[parent] < structure->end[p])
            structure->end[parent] = structure->end[p];
    }
    for (uint32_t p = 0; p < count; p++)
        structure->mark[p] = 0;
    return TCORE_OK;
}

void traceql_structure_free(struct traceql_structure *structure)
{
    tcore_free(structure->memory);
    *structure = (struct traceql_structure){0};
}

/* In front of a span's left end are the left ends of all that came before it, and the right ends of
 * those among them that are not its ancestors. */
int64_t traceql_structure_left(const struct traceql_structure *structure, uint32_t position)
{
    return 2 * (int64_t)position - structure->depth[position] + 1;
}

int64_t traceql_structure_right(const struct traceql_structure *structure, uint32_t position)
{
    int64_t spans = (int64_t)structure->end[position] - position;
    return traceql_structure_left(structure, position) + 2 * spans - 1;
}

int64_t traceql_structure_set_parent(const struct traceql_structure *structure, uint32_t position)
{
    uint32_t parent = structure->parent[position];
    return parent == TRACEQL_NONE ? -1 : traceql_structure_left(structure, parent);
}

/* --- Operators */

static void keep(struct traceql_spans *out, uint32_t position, bool related, bool negated)
{
    if (related != negated)
        out->at[out->count++] = position;
}

/* Subtrees lie within each other or apart: the one that reaches furthest, of those that begin in
 * front of a span, holds the span if any does. */
static void find_descendants(const struct traceql_structure *structure, bool negated,
                             struct traceql_spans a, struct traceql_spans b,
                             struct traceql_spans *out)
{
    uint32_t next = 0, reach = 0;
    for (uint32_t i = 0; i < b.count; i++) {
        for (; next < a.count && a.at[next] < b.at[i]; next++)
            if (structure->end[a.at[next]] > reach)
                reach = structure->end[a.at[next]];
        keep(out, b.at[i], reach > b.at[i], negated);
    }
}

/* If any is below a span, then the first one behind it is. */
static void find_ancestors(const struct traceql_structure *structure, bool negated,
                           struct traceql_spans a, struct traceql_spans b,
                           struct traceql_spans *out)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < b.count; i++) {
        while (next < a.count && a.at[next] <= b.at[i])
            next++;
        keep(out, b.at[i], next < a.count && a.at[next] < structure->end[b.at[i]], negated);
    }
}

static void find_children(struct traceql_structure *structure, bool negated, struct traceql_spans a,
                          struct traceql_spans b, struct traceql_spans *out)
{
    for (uint32_t i = 0; i < a.count; i++)
        structure->mark[a.at[i]] = 1;
    for (uint32_t i = 0; i < b.count; i++) {
        uint32_t parent = structure->parent[b.at[i]];
        keep(out, b.at[i], parent != TRACEQL_NONE && structure->mark[parent], negated);
    }
    for (uint32_t i = 0; i < a.count; i++)
        structure->mark[a.at[i]] = 0;
}

/* Counts a's spans by parent; by 0: forgets that. */
static void mark_parents(struct traceql_structure *structure, struct traceql_spans a, uint32_t by)
{
    for (uint32_t i = 0; i < a.count; i++) {
        uint32_t parent = structure->parent[a.at[i]];
        if (parent != TRACEQL_NONE)
            structure->mark[parent] = by ? structure->mark[parent] + by : 0;
    }
}

static void find_parents(struct traceql_structure *structure, bool negated, struct traceql_spans a,
                         struct traceql_spans b, struct traceql_spans *out)
{
    mark_parents(structure, a, 1);
    for (uint32_t i = 0; i < b.count; i++)
        keep(out, b.at[i], structure->mark[b.at[i]], negated);
    mark_parents(structure, a, 0);
}

/* Roots have no siblings, and nobody is its own. */
static void find_siblings(struct traceql_structure *structure, bool negated, struct traceql_spans a,
                          struct traceql_spans b, struct traceql_spans *out)
{
    uint32_t next = 0;
    mark_parents(structure, a, 1);
    for (uint32_t i = 0; i < b.count; i++) {
        uint32_t parent = structure->parent[b.at[i]];
        while (next < a.count && a.at[next] < b.at[i])
            next++;
        bool itself = next < a.count && a.at[next] == b.at[i];
        keep(out, b.at[i], parent != TRACEQL_NONE && structure->mark[parent] > itself, negated);
    }
    mark_parents(structure, a, 0);
}

void traceql_relate(struct traceql_structure *structure, enum traceql_relation relation,
                    bool negated, struct traceql_spans a, struct traceql_spans b,
                    struct traceql_spans *out)
{
    if (relation == TRACEQL_DESCENDANT)
        find_descendants(structure, negated, a, b, out);
    else if (relation == TRACEQL_ANCESTOR)
        find_ancestors(structure, negated, a, b, out);
    else if (relation == TRACEQL_CHILD)
        find_children(structure, negated, a, b, out);
    else if (relation == TRACEQL_PARENT)
        find_parents(structure, negated, a, b, out);
    else
        find_siblings(structure, negated, a, b, out);
}

void traceql_unite(struct traceql_spans a, struct traceql_spans b, struct traceql_spans *out)
{
    uint32_t i = 0, j = 0;
    while (i < a.count || j < b.count) {
        bool from_a = j == b.count || (i < a.count && a.at[i] <= b.at[j]);
        uint32_t position = from_a ? a.at[i] : b.at[j];
        i += i < a.count && a.at[i] == position;
        j += j < b.count && b.at[j] == position;
        out->at[out->count++] = position;
    }
}

enum traceql_relation traceql_inverse(enum traceql_relation relation)
{
    switch (relation) {
    case TRACEQL_DESCENDANT:
        return TRACEQL_ANCESTOR;
    case TRACEQL_ANCESTOR:
        return TRACEQL_DESCENDANT;
    case TRACEQL_CHILD:
        return TRACEQL_PARENT;
    case TRACEQL_PARENT:
        return TRACEQL_CHILD;
    default:
        return relation;
    }
}
