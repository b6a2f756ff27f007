/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The compiled form of a native expression: a tree of operations over columns, in which jq's "." is
 * resolved away. It is immutable and shared by threads; what evaluating needs is in a struct
 * tcore_expr_machine.
 */
#ifndef TRACECORE_QUERY_EXPR_PROGRAM_H
#define TRACECORE_QUERY_EXPR_PROGRAM_H

#include "base/arena.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/known.h"
#include "model/projection.h"
#include "query/expr_parse.h"
#include "query/expr_value.h"
#include "query/text.h"

enum tcore_expr_op_kind {
    TCORE_OP_CONST, /* value */
    TCORE_OP_PATH,  /* a column of the record, see struct tcore_expr_prefix */
    TCORE_OP_INDEX, /* child[0][value], value a string */
    /* Those below to TRY give true or false only, where they give a value. */
    TCORE_OP_AND, /* any number of children, from left to right */
    TCORE_OP_OR,
    TCORE_OP_NOT,
    TCORE_OP_EQ,
    TCORE_OP_NE,
    TCORE_OP_LT,
    TCORE_OP_LE,
    TCORE_OP_GT,
    TCORE_OP_GE,
    TCORE_OP_PRESENT, /* has("key") of an object: whether the column of PATH is not ABSENT */
    TCORE_OP_HAS,     /* child[0] | has(child[1]) */
    TCORE_OP_AMONG,   /* child[0] | IN(set) */
    TCORE_OP_KEY,     /* child[0] | in(object): the set is the keys of an object */
    TCORE_OP_TEST,    /* child[0] | test(pattern) */
    TCORE_OP_STARTSWITH,
    TCORE_OP_ENDSWITH,
    TCORE_OP_CONTAINS,
    TCORE_OP_TRY,         /* child[0]? */
    TCORE_OP_ALTERNATIVE, /* child[0] // child[1] */
    TCORE_OP_THEN,        /* child[1], unless child[0] is an error or nothing */
    TCORE_OP_ADD,
    TCORE_OP_SUBTRACT,
    TCORE_OP_MULTIPLY,
    TCORE_OP_DIVIDE,
    TCORE_OP_REMAINDER,
    TCORE_OP_NEGATE,
    TCORE_OP_LENGTH
};

/*
 * .a.b is one column, and null where that is ABSENT; but jq wants .a to be an object or null.
 * Whether it is shows in the column of .a, which is read for rows where the other is ABSENT.
 */
struct tcore_expr_prefix {
    size_t column;
    bool optional; /* .a.b? : nothing instead of an error */
};

#define TCORE_EXPR_NO_COLUMN    (SIZE_MAX - 1)
#define TCORE_EXPR_MANY_COLUMNS SIZE_MAX

struct tcore_expr_op {
    enum tcore_expr_op_kind kind;
    uint32_t at;        /* byte in the text */
    uint32_t number;    /* of this operation in the program */
    uint32_t weight;    /* operations in the tree below, shared ones as often as they are run */
    bool fallible;      /* may give an error or nothing */
    size_t only_column; /* the one column that everything below depends on */
    struct tcore_expr_op **children;
    size_t child_count;
    struct tcore_value value;
    /* PATH and PRESENT */
    size_t column;
    const struct tcore_path_key *keys;
    const bool *optional; /* by key */
    size_t key_count;
    const struct tcore_expr_prefix *prefixes;
    size_t prefix_count;
    /* AMONG and KEY: sorted as jq sorts */
    const struct tcore_value *set;
    size_t set_count;
    const struct tcore_pattern *pattern;
};

/* Where operations are made. */
struct tcore_expr_builder {
    struct tcore_arena *arena;             /* everything lives here */
    struct tcore_pattern_cache **patterns; /* made when the first pattern is met */
    struct tcore_projection *projection;
    struct tcore_expr_scratch scratch; /* for constants; its arena is not reset */
    struct tcore_error *err;
    enum tcore_status status; /* not TCORE_OK: unwinding */
    uint32_t count;           /* operations made */
};

/*
 * Compiles the tree (expr_compile.c). TCORE_SKIP: it is beyond the native part;
 * TCORE_BAD_INPUT: a bad pattern or modifier. The result lives in the builder's arena and in the
 * arena of its scratch.
 */
enum tcore_status tcore_expr_build(struct tcore_expr_builder *builder,
                                   const struct tcore_syntax *tree, struct tcore_expr_op **op);

/* The rest of this part is expr_build.c, for expr_compile.c. Each returns NULL when
 * builder->status is or becomes other than TCORE_OK. */

/* Stops: what stands there is not native. */
void tcore_expr_beyond(struct tcore_expr_builder *builder, size_t at, const char *what);
/* Constant children are computed at once where the operation allows it. */
struct tcore_expr_op *tcore_expr_op_new(struct tcore_expr_builder *builder,
                                        enum tcore_expr_op_kind kind, size_t at, size_t child_count,
                                        struct tcore_expr_op *const *children);
struct tcore_expr_op *tcore_expr_op_constant(struct tcore_expr_builder *builder, size_t at,
                                             const struct tcore_value *value);
/* The field key of input (NULL: of the record); optional: nothing instead of an error. */
struct tcore_expr_op *tcore_expr_op_field(struct tcore_expr_builder *builder,
                                          struct tcore_expr_op *input, size_t at,
                                          const struct tcore_value *key, bool optional);
/* Whether the record (op NULL) or the PATH op is an object wherever it is at all. */
bool tcore_expr_op_is_object(const struct tcore_expr_op *op);
/* Whether an error of input, or its giving nothing, always shows in the result of op. */
bool tcore_expr_op_strict(const struct tcore_expr_op *op, const struct tcore_expr_op *input);
/* Adds the columns of all paths below to the projection, and finds what depends on one only. */
enum tcore_status tcore_expr_op_link(struct tcore_expr_builder *builder, struct tcore_expr_op *op);

/* --- Evaluation (expr_eval.c) */

struct tcore_expr_machine;
/* count: operations of the program. NULL: out of memory. */
struct tcore_expr_machine *tcore_expr_machine_new(uint32_t count);
void tcore_expr_machine_free(struct tcore_expr_machine *machine);
/*
 * As tcore_expr_select(): keeps the rows for which op is true. fault (an error value, kind 0 if
 * none) is of the first row that failed. TCORE_FATAL: out of memory, or PCRE2 is missing.
 */
enum tcore_status tcore_expr_machine_select(struct tcore_expr_machine *machine,
                                            const struct tcore_expr_op *op,
                                            const struct tcore_batch *batch, uint32_t *rows,
                                            size_t *count, uint64_t *failed,
                                            struct tcore_value *fault, struct tcore_error *err);
/* As tcore_expr_may_select() (expr_known.c). */
enum tcore_status tcore_expr_machine_may(struct tcore_expr_machine *machine,
                                         const struct tcore_expr_op *op,
                                         const struct tcore_known_field *known, size_t count,
                                         bool *may, struct tcore_error *err);

#endif
