/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The spans of one trace as a tree, whatever they say of each other: parents that are missing, that
 * are the span itself or go round in a circle, ids that occur twice, both halves of a call under
 * one id (Zipkin), several roots, no times. Nothing recurses: depth and shape are free.
 *
 * Who is the parent of a span, in this order:
 *   1. a server or consumer whose id a client or producer shares, and that names the same parent,
 *      none, or itself: that other half;
 *   2. no parent id: nobody, it is a root;
 *   3. its own id: nobody (SELF_PARENT);
 *   4. an id that nobody has: nobody (ORPHAN);
 *   5. of several spans of that id: one of its own service, else the server or consumer among them,
 *      else the first;
 *   6. where that closes a circle, its first span loses its parent (CYCLE).
 * Of more than 16 spans of one id the others are not looked at in 1 and 5.
 * All this depends on the spans only, not on the order in which they arrived.
 */
#ifndef TRACECORE_TRACE_TREE_H
#define TRACECORE_TRACE_TREE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCORE_SPAN_NONE UINT32_MAX

enum tcore_span_kind {
    TCORE_SPAN_UNSPECIFIED,
    TCORE_SPAN_INTERNAL,
    TCORE_SPAN_SERVER,
    TCORE_SPAN_CLIENT,
    TCORE_SPAN_PRODUCER,
    TCORE_SPAN_CONSUMER
};

enum {
    TCORE_SPAN_HAS_START = 1,
    TCORE_SPAN_HAS_END = 2,
    TCORE_SPAN_ERROR = 4, /* its status is error */
    TCORE_SPAN_MOVED =
        8 /* its times are not those of its record: somebody has adjusted its clock */
};

/* What the tree needs to know of a span. */
struct tcore_trace_span {
    uint64_t span_id;         /* not 0 */
    uint64_t parent_id;       /* 0: none */
    int64_t start_ns, end_ns; /* between -2^62 and 2^62 where the flag says that it has them */
    uint32_t service;         /* a number that is the same for the same service */
    uint8_t kind;             /* enum tcore_span_kind */
    uint8_t flags;
    uint16_t unused;
};

/* The kind of that name ("server"); unspecified for any other text. */
enum tcore_span_kind tcore_span_kind_find(const char *name, size_t length);
/* Whether it has both times, in their order. */
static inline bool tcore_span_is_timed(const struct tcore_trace_span *span)
{
    return (span->flags & 3) == 3 && span->start_ns <= span->end_ns;
}
/* The order of spans in a trace: by start (without one: last), the longer first, then by the other
 * members. 0 only if all are equal. */
int tcore_trace_span_compare(const struct tcore_trace_span *a, const struct tcore_trace_span *b);

/* What is peculiar about a span. */
enum {
    TCORE_NOTE_ORPHAN = 1,         /* its parent is not there */
    TCORE_NOTE_SELF_PARENT = 2,    /* it names itself as its parent */
    TCORE_NOTE_CYCLE = 4,          /* it was cut off its parent to open a circle */
    TCORE_NOTE_DUPLICATE = 8,      /* an earlier span has its id (and is no other half of it) */
    TCORE_NOTE_SHARED = 16,        /* the server or consumer half of a shared id */
    TCORE_NOTE_UNTIMED = 32,       /* it has no start, no end, or ends before it starts */
    TCORE_NOTE_BEFORE_PARENT = 64, /* it starts before its parent */
    TCORE_NOTE_AFTER_PARENT = 128  /* it ends after its parent */
};

/* When a span was. Of an untimed span: from its own start or that of its first child, to its own
 * end or that of its last child. start > end: not even that is known. */
struct tcore_interval {
    int64_t start_ns, end_ns;
};

static inline bool tcore_interval_is_known(const struct tcore_interval *interval)
{
    return interval->start_ns <= interval->end_ns;
}

/* Spans go by their number in the array that was given. Everything but spans is owned. */
struct tcore_trace_tree {
    const struct tcore_trace_span *spans; /* borrowed */
    uint32_t count;
    uint32_t root;                   /* the one that stands for the trace: the first of the roots
                                        that name no parent, else the first of all roots */
    uint32_t *roots;                 /* ascending */
    uint32_t root_count;             /* at least 1 */
    uint32_t *parent;                /* TCORE_SPAN_NONE of a root */
    uint32_t *first;                 /* the children of i: children[first[i]] to before */
    uint32_t *children;              /* children[first[i + 1]], ascending */
    uint32_t *order;                 /* every span once, a parent right before its descendants */
    uint32_t *depth;                 /* 0 of a root */
    uint8_t *notes;                  /* of each span, bits as above */
    struct tcore_interval *interval; /* of each span */
    struct tcore_interval whole;     /* from the first start to the last end of all spans */
    uint32_t capacity;
    void *memory;
};

/*
 * Builds the tree of spans[0..count), which must be in the order of tcore_trace_span_compare; count
 * is 1 to 2^31 - 1. A zeroed struct is ready for use, and its memory is used again from call to
 * call. O(n log n). TCORE_FATAL: out of memory.
 */
enum tcore_status tcore_trace_tree_build(struct tcore_trace_tree *tree,
                                         const struct tcore_trace_span *spans, size_t count,
                                         struct tcore_error *err);
void tcore_trace_tree_free(struct tcore_trace_tree *tree);

/* Self times: of each span's interval, what none of its children's intervals covers; 0 where it is
 * not known. self_ns has room for tree->count. */
void tcore_trace_self_times(const struct tcore_trace_tree *tree, int64_t *self_ns);

#endif
