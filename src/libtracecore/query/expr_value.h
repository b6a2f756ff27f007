/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What jq's operators and functions give for single values: the order over all types, arithmetic,
 * length, has, contains. Beside the kinds of model/value.h two outcomes exist here: an error, and
 * nothing at all (jq's empty, from the postfix ?).
 *
 * Integers are exact as long as they fit int64, and beyond that they still compare exactly; a
 * result that does not fit is a double as in jq. ABSENT is null.
 */
#ifndef TRACECORE_QUERY_EXPR_VALUE_H
#define TRACECORE_QUERY_EXPR_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/json.h"
#include "model/value.h"

enum { TCORE_EXPR_ERROR = 64, TCORE_EXPR_EMPTY = 65 }; /* in tcore_value.kind */

/* jq's types in jq's order. */
enum tcore_expr_type {
    TCORE_EXPR_NULL,
    TCORE_EXPR_FALSE,
    TCORE_EXPR_TRUE,
    TCORE_EXPR_NUMBER,
    TCORE_EXPR_STRING,
    TCORE_EXPR_ARRAY,
    TCORE_EXPR_OBJECT
};

enum tcore_expr_fault {
    TCORE_FAULT_NONE,
    TCORE_FAULT_INDEX, /* %s cannot be indexed with a string */
    TCORE_FAULT_ADD,
    TCORE_FAULT_SUBTRACT,
    TCORE_FAULT_MULTIPLY,
    TCORE_FAULT_DIVIDE,
    TCORE_FAULT_ZERO,
    TCORE_FAULT_NEGATE,
    TCORE_FAULT_LENGTH,
    TCORE_FAULT_HAS,
    TCORE_FAULT_CONTAINS,
    TCORE_FAULT_STARTSWITH,
    TCORE_FAULT_ENDSWITH,
    TCORE_FAULT_TEST,
    TCORE_FAULT_PATTERN, /* the match limit */
    TCORE_FAULT_LARGE,   /* beyond TCORE_EXPR_ROOM or TCORE_EXPR_PAIRS */
    TCORE_FAULT_NESTED
};

/* Bytes of all strings, arrays and objects that are computed for one record. */
#define TCORE_EXPR_ROOM (64u << 20)
/* Pairs of parts of two arrays or objects that one operation may look at. */
#define TCORE_EXPR_PAIRS 100000000u

/*
 * Room for intermediate results; zeroed is ready. One thread's. What is computed is charged to the
 * room: where it does not suffice, the result is an error and exhausted is set, so that a caller
 * who evaluates many records at once can try fewer.
 */
struct tcore_expr_scratch {
    struct tcore_arena arena; /* computed strings, until reset */
    size_t used;              /* of the room */
    bool exhausted;
    struct tcore_json left, right;
    struct tcore_buf buf;
    uint32_t at; /* byte in the expression that errors made now are charged to */
    bool failed; /* out of memory; results since then mean nothing */
};

void tcore_expr_scratch_free(struct tcore_expr_scratch *scratch);
/* Forgets all results. */
void tcore_expr_scratch_reset(struct tcore_expr_scratch *scratch);
/* Memory for a result, or NULL: exhausted or failed is set. */
char *tcore_expr_room(struct tcore_expr_scratch *scratch, uint64_t bytes);

static inline enum tcore_expr_type tcore_expr_type(const struct tcore_value *v)
{
    static const uint8_t types[] = {
        [TCORE_ABSENT] = TCORE_EXPR_NULL,   [TCORE_NULL] = TCORE_EXPR_NULL,
        [TCORE_FALSE] = TCORE_EXPR_FALSE,   [TCORE_TRUE] = TCORE_EXPR_TRUE,
        [TCORE_INT] = TCORE_EXPR_NUMBER,    [TCORE_DOUBLE] = TCORE_EXPR_NUMBER,
        [TCORE_NUMBER] = TCORE_EXPR_NUMBER, [TCORE_STRING] = TCORE_EXPR_STRING,
    };
    if (v->kind == TCORE_JSON)
        return v->s[0] == '[' ? TCORE_EXPR_ARRAY : TCORE_EXPR_OBJECT;
    return types[v->kind];
}

/* Neither null nor false; an error or nothing counts as neither. */
static inline bool tcore_expr_truthy(const struct tcore_value *v)
{
    return v->kind > TCORE_FALSE && v->kind <= TCORE_JSON;
}

/* An error over one or two operands (b may be NULL). */
struct tcore_value tcore_expr_error(const struct tcore_expr_scratch *scratch,
                                    enum tcore_expr_fault fault, const struct tcore_value *a,
                                    const struct tcore_value *b);
/* One sentence for an error value. Returns text. */
const char *tcore_expr_error_text(const struct tcore_value *error, char *text, size_t size);

/* A NUMBER literal as INT where it is integral and fits, as DOUBLE where it has a fraction or
 * exponent; the rest (integers beyond int64) stays. Anything else is returned as it is. */
struct tcore_value tcore_expr_normalise(const struct tcore_value *v);

/* Negative, zero, positive, as jq orders a and b. NaN is less than every number, itself included.
 */
int tcore_expr_compare(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                       const struct tcore_value *b);

struct tcore_value tcore_expr_add(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                  const struct tcore_value *b);
struct tcore_value tcore_expr_subtract(struct tcore_expr_scratch *scratch,
                                       const struct tcore_value *a, const struct tcore_value *b);
struct tcore_value tcore_expr_multiply(struct tcore_expr_scratch *scratch,
                                       const struct tcore_value *a, const struct tcore_value *b);
struct tcore_value tcore_expr_divide(struct tcore_expr_scratch *scratch,
                                     const struct tcore_value *a, const struct tcore_value *b);
struct tcore_value tcore_expr_remainder(struct tcore_expr_scratch *scratch,
                                        const struct tcore_value *a, const struct tcore_value *b);
struct tcore_value tcore_expr_negate(struct tcore_expr_scratch *scratch,
                                     const struct tcore_value *a);
struct tcore_value tcore_expr_length(struct tcore_expr_scratch *scratch,
                                     const struct tcore_value *a);
/* a["key"] and whether a has the key (an index if a is an array). */
struct tcore_value tcore_expr_index(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                    const struct tcore_value *key);
struct tcore_value tcore_expr_has(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                  const struct tcore_value *key);
struct tcore_value tcore_expr_contains(struct tcore_expr_scratch *scratch,
                                       const struct tcore_value *a, const struct tcore_value *b);
struct tcore_value tcore_expr_startswith(struct tcore_expr_scratch *scratch,
                                         const struct tcore_value *a, const struct tcore_value *b);
struct tcore_value tcore_expr_endswith(struct tcore_expr_scratch *scratch,
                                       const struct tcore_value *a, const struct tcore_value *b);

/* The parts of the above that concern arrays and objects (expr_nested.c). */
int tcore_expr_compare_nested(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                              const struct tcore_value *b);
struct tcore_value tcore_expr_contains_nested(struct tcore_expr_scratch *scratch,
                                              const struct tcore_value *a,
                                              const struct tcore_value *b);
/* Both of one type: [] + [], {} + {}, [] - [], {} * {}. */
struct tcore_value tcore_expr_add_nested(struct tcore_expr_scratch *scratch,
                                         const struct tcore_value *a, const struct tcore_value *b);
struct tcore_value tcore_expr_subtract_nested(struct tcore_expr_scratch *scratch,
                                              const struct tcore_value *a,
                                              const struct tcore_value *b);
struct tcore_value tcore_expr_merge_nested(struct tcore_expr_scratch *scratch,
                                           const struct tcore_value *a,
                                           const struct tcore_value *b);
/* "a,b" / "," */
struct tcore_value tcore_expr_split(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                    const struct tcore_value *b);
/* The members or elements of a (of duplicate keys the last); -1: nested too deeply. */
int64_t tcore_expr_count_nested(struct tcore_expr_scratch *scratch, const struct tcore_value *a);
/* The member of an object; ABSENT if it has none; an error if it is nested too deeply. */
struct tcore_value tcore_expr_member(struct tcore_expr_scratch *scratch,
                                     const struct tcore_value *a, const struct tcore_value *key);

#endif
