/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The structure of a trace for structural operators. Spans go by their position in a walk that
 * comes to a parent before its children: what is below the span at p is p + 1 to before end[p].
 * (That is the nested set model of J. Celko, "Trees and Hierarchies in SQL", with one number where
 * the other follows.) Spansets are ascending lists of positions, so that an operator takes time in
 * proportion to its operands.
 */
#ifndef SPAN_TRACEQL_STRUCTURE_H
#define SPAN_TRACEQL_STRUCTURE_H

#include "span/traceql/traceql.h"
#include "trace/tree.h"

struct traceql_structure {
    uint32_t count;
    uint32_t *span;   /* its number in the tree */
    uint32_t *parent; /* position; TRACEQL_NONE of a root */
    uint32_t *end;
    uint32_t *depth;
    uint32_t *children; /* how many */
    uint32_t *mark;     /* all 0 between operators */
    uint32_t capacity;
    uint32_t *memory;
};

/* A zeroed struct is ready for use and is used again from call to call. TCORE_FATAL: no memory. */
enum tcore_status traceql_structure_build(struct traceql_structure *structure,
                                          const struct tcore_trace_tree *tree,
                                          struct tcore_error *err);
void traceql_structure_free(struct traceql_structure *structure);

/* The numbers of the nested set model, as Tempo has them: from 1 up, one at each end of each span;
 * the parent's left, -1 of a root. */
int64_t traceql_structure_left(const struct traceql_structure *structure, uint32_t position);
int64_t traceql_structure_right(const struct traceql_structure *structure, uint32_t position);
int64_t traceql_structure_set_parent(const struct traceql_structure *structure, uint32_t position);

/* Some spans of the trace. */
struct traceql_spans {
    uint32_t *at; /* positions, ascending */
    uint32_t count;
};

/* Appends to out, which has room for b.count, those of b that are descendants (ancestors, children,
 * ...) of one of a; negated: of none. */
void traceql_relate(struct traceql_structure *structure, enum traceql_relation relation,
                    bool negated, struct traceql_spans a, struct traceql_spans b,
                    struct traceql_spans *out);
/* Those that are in either, once; out has room for both. */
void traceql_unite(struct traceql_spans a, struct traceql_spans b, struct traceql_spans *out);
/* The relation that b has to a where a has the given one to b. */
enum traceql_relation traceql_inverse(enum traceql_relation relation);

#endif
