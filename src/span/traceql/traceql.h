/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TraceQL, Grafana Tempo's query language, as a program.
 *
 * A query is a pipeline of stages. The first gets one spanset, all spans of a trace; each gives
 * spansets to the next, and what the last one gives is the match. All of it is arrays in which what
 * is needed comes first: a field expression is the nodes first ... root, a spanset expression the
 * operations first ... last, so that evaluation is a loop and no query is too deep for it.
 *
 * As Tempo has it: && and || are of one precedence and associate to the left; comparisons and
 * structural operators come before them; ! and - bind as their place in the table of the parser
 * says. A comparison of what is missing, or of types that cannot be compared, is false, != and !~
 * too; only nil tells of absence. On several values (an array, an attribute of several events) =
 * and =~, < and the like ask for one that holds, != and !~ for all.
 *
 * Other than there: && and || of fields that are no booleans are not errors but false; parent.
 * works, and spans without a parent in the trace are roots (nestedSetParent is -1); attributes of
 * parents that go round in a circle are cut as trace/tree.h says.
 */
#ifndef SPAN_TRACEQL_TRACEQL_H
#define SPAN_TRACEQL_TRACEQL_H

#include "base/arena.h"
#include "base/error.h"
#include "model/batch.h"
#include "query/text.h"

#define TRACEQL_LENGTH_LIMIT 65536 /* bytes of a query */
#define TRACEQL_DEPTH_LIMIT  128   /* brackets within each other */
#define TRACEQL_FIELD_LIMIT  1000  /* different fields */
#define TRACEQL_NONE         UINT32_MAX

enum traceql_type {
    TRACEQL_NIL,
    TRACEQL_BOOLEAN,
    TRACEQL_INTEGER,
    TRACEQL_FLOAT,
    TRACEQL_DURATION, /* nanoseconds, in integer */
    TRACEQL_STRING,
    TRACEQL_STATUS, /* enum traceql_status, in integer */
    TRACEQL_KIND,   /* enum tcore_span_kind, in integer */
    TRACEQL_LIST,   /* several values, none of which is a list */
    TRACEQL_OBJECT, /* its JSON text; it is there, and equals nothing */
    TRACEQL_ANY     /* in checks only: an attribute's, which data decide */
};

enum traceql_status { TRACEQL_UNSET, TRACEQL_OK, TRACEQL_ERROR };

/* Text and items are borrowed. */
struct traceql_value {
    enum traceql_type type;
    uint32_t count; /* of items */
    union {
        bool truth;
        int64_t integer;
        double real;
        struct tcore_slice text; /* of a string or object */
        const struct traceql_value *items;
    };
};

/* --- Fields */

enum traceql_source {
    /* attributes, by name */
    TRACEQL_ANYWHERE, /* of the span, else resource, events, links, scope */
    TRACEQL_SPAN,
    TRACEQL_RESOURCE,
    TRACEQL_EVENT,
    TRACEQL_LINK,
    TRACEQL_INSTRUMENTATION,
    /* intrinsics of the span alone */
    TRACEQL_SPAN_NAME,
    TRACEQL_SPAN_STATUS,
    TRACEQL_SPAN_STATUS_MESSAGE,
    TRACEQL_SPAN_KIND,
    TRACEQL_SPAN_DURATION,
    TRACEQL_SPAN_ID,
    TRACEQL_SPAN_PARENT_ID,
    TRACEQL_TRACE_ID,
    TRACEQL_EVENT_NAME,
    TRACEQL_EVENT_TIME, /* since the span's start */
    TRACEQL_LINK_TRACE_ID,
    TRACEQL_LINK_SPAN_ID,
    TRACEQL_INSTRUMENTATION_NAME,
    TRACEQL_INSTRUMENTATION_VERSION,
    /* those that the whole trace decides */
    TRACEQL_FIRST_OF_TRACE,
    TRACEQL_TRACE_DURATION = TRACEQL_FIRST_OF_TRACE,
    TRACEQL_ROOT_NAME,
    TRACEQL_ROOT_SERVICE,
    TRACEQL_SET_LEFT,
    TRACEQL_SET_RIGHT,
    TRACEQL_SET_PARENT,
    TRACEQL_CHILD_COUNT
};

struct traceql_field {
    enum traceql_source source;
    bool of_parent;           /* the parent span's */
    struct tcore_slice name;  /* of an attribute */
    struct tcore_slice label; /* as people write it: resource.service.name, duration */
};

/* The type of its values; TRACEQL_ANY of attributes. */
enum traceql_type traceql_field_type(const struct traceql_field *field);
/* Whether a span alone does not say it. */
bool traceql_field_needs_trace(const struct traceql_field *field);
/* The intrinsic of that name in a scope (span, trace, event, link, instrumentation; "": without
 * one); false: there is none. */
bool traceql_intrinsic_find(const char *scope, struct tcore_slice name,
                            enum traceql_source *source);

/* --- Field expressions */

enum traceql_operator {
    TRACEQL_LITERAL, /* value */
    TRACEQL_FIELD,   /* left: its number */
    TRACEQL_NOT,
    TRACEQL_NEGATE,
    TRACEQL_ADD,
    TRACEQL_SUBTRACT,
    TRACEQL_MULTIPLY,
    TRACEQL_DIVIDE,
    TRACEQL_REMAINDER,
    TRACEQL_POWER,
    TRACEQL_EQUAL,
    TRACEQL_NOT_EQUAL,
    TRACEQL_LESS,
    TRACEQL_LESS_EQUAL,
    TRACEQL_GREATER,
    TRACEQL_GREATER_EQUAL,
    TRACEQL_MATCHES,     /* pattern */
    TRACEQL_NOT_MATCHES, /* pattern */
    TRACEQL_AND,
    TRACEQL_OR,
    TRACEQL_SKIP, /* in front of what need not be evaluated, or not here: on to the node right, if
                     left decides that one (&& or ||); without a left in any case (an aggregate) */
    /* in scalar expressions: over a spanset, of the expression left */
    TRACEQL_COUNT,
    TRACEQL_AVERAGE,
    TRACEQL_MINIMUM,
    TRACEQL_MAXIMUM,
    TRACEQL_SUM
};

struct traceql_node {
    enum traceql_operator op;
    uint32_t left, right; /* operands, which come before it */
    uint32_t first;       /* of the nodes that its value needs */
    uint32_t column;      /* 1-based byte in the query, for messages */
    enum traceql_type type;
    struct traceql_value value;
    struct tcore_pattern *pattern; /* owned by the query */
};

/* --- Spansets and stages */

enum traceql_relation {
    TRACEQL_FILTER,   /* { expression }: root, TRACEQL_NONE for {} */
    TRACEQL_PIPELINE, /* ( stages ): left is the first */
    TRACEQL_BOTH,     /* && */
    TRACEQL_EITHER,   /* || */
    TRACEQL_DESCENDANT,
    TRACEQL_ANCESTOR,
    TRACEQL_CHILD,
    TRACEQL_PARENT,
    TRACEQL_SIBLING
};

struct traceql_spanset {
    enum traceql_relation relation;
    bool negated, united; /* !>> and &>> */
    uint32_t left, right; /* operations before it */
    uint32_t root;
    uint32_t level; /* how many pipelines it is within: that of its stage */
};

enum traceql_stage_kind {
    TRACEQL_SPANSETS, /* operations first ... last of its level */
    TRACEQL_SCALAR,   /* keeps spansets for which root is true */
    TRACEQL_BY,       /* root */
    TRACEQL_COALESCE,
    TRACEQL_SELECT /* fields: selected[first] and so on, count of them */
};

struct traceql_stage {
    enum traceql_stage_kind kind;
    uint32_t first, last, root, level;
    uint32_t next;            /* TRACEQL_NONE behind the last one of a pipeline */
    struct tcore_slice label; /* of by() and a scalar: how it was written */
};

struct traceql_query {
    const char *text; /* a copy, in the arena; slices point into it or the arena */
    size_t length;
    struct traceql_node *node;
    struct traceql_spanset *spanset;
    struct traceql_stage *stage; /* the query is stage[main] and those behind it */
    struct traceql_field *field;
    uint32_t *selected; /* fields */
    uint32_t nodes, spansets, stages, fields, selections, main;
    uint32_t node_room, spanset_room, stage_room, field_room, selection_room;
    struct tcore_arena arena; /* strings of the query */
};

/*
 * Parses and checks a query. TCORE_BAD_INPUT: it is wrong; err->byte is the column and err->text
 * says why. TCORE_FATAL: out of memory, or no PCRE2. The query can be freed in any case.
 */
enum tcore_status traceql_parse(struct traceql_query *query, const char *text, size_t length,
                                struct tcore_error *err);
void traceql_free(struct traceql_query *query);

/* --- traceql_span.c */

/* Whether each span is decided by itself, so that no trace has to be put together. */
bool traceql_is_of_spans(const struct traceql_query *query);
/* Whether spans get members besides their own: select() or by(). */
bool traceql_adds_members(const struct traceql_query *query);

/* --- traceql_check.c */

/* Gives nodes[first...root] types, compiles patterns. Statuses as of traceql_parse. */
enum tcore_status traceql_check_expression(struct traceql_query *query, uint32_t root,
                                           struct tcore_error *err);
/* What a value of the type is called in messages, with its article. */
const char *traceql_type_name(enum traceql_type type);

#endif
