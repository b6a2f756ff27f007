/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jq's operators on scalars, and the way to expr_nested.c for arrays and objects. */
#include "query/expr_value.h"

#include "model/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *one, *two; /* with the names of one or two types */
} fault_texts[] = {
    [TCORE_FAULT_NONE] = {"", NULL},
    [TCORE_FAULT_INDEX] = {"%s cannot be indexed with a field name", NULL},
    [TCORE_FAULT_ADD] = {NULL, "%s and %s cannot be added"},
    [TCORE_FAULT_SUBTRACT] = {NULL, "%s and %s cannot be subtracted"},
    [TCORE_FAULT_MULTIPLY] = {NULL, "%s and %s cannot be multiplied"},
    [TCORE_FAULT_DIVIDE] = {NULL, "%s and %s cannot be divided"},
    [TCORE_FAULT_ZERO] = {NULL, "%s and %s cannot be divided because the divisor is zero"},
    [TCORE_FAULT_NEGATE] = {"%s cannot be negated", NULL},
    [TCORE_FAULT_LENGTH] = {"%s has no length", NULL},
    [TCORE_FAULT_HAS] = {NULL, "%s cannot be asked whether it has a %s as key"},
    [TCORE_FAULT_CONTAINS] = {NULL, "%s and %s cannot have their containment checked"},
    [TCORE_FAULT_STARTSWITH] = {NULL, "startswith needs strings, not %s and %s"},
    [TCORE_FAULT_ENDSWITH] = {NULL, "endswith needs strings, not %s and %s"},
    [TCORE_FAULT_TEST] = {"%s cannot be matched, as it is no string", NULL},
    [TCORE_FAULT_PATTERN] = {"the pattern needs too much work for this %s", NULL},
    [TCORE_FAULT_LARGE] = {NULL, "%s and %s would give a result that is too large"},
    [TCORE_FAULT_NESTED] = {"%s is nested too deeply", NULL},
};

static const char *const type_names[] = {"null",   "boolean", "boolean", "number",
                                         "string", "array",   "object"};

void tcore_expr_scratch_free(struct tcore_expr_scratch *scratch)
{
    tcore_arena_free(&scratch->arena);
    tcore_json_free(&scratch->left);
    tcore_json_free(&scratch->right);
    tcore_buf_free(&scratch->buf);
}

void tcore_expr_scratch_reset(struct tcore_expr_scratch *scratch)
{
    tcore_arena_reset(&scratch->arena);
    scratch->used = 0;
    scratch->exhausted = false;
}

char *tcore_expr_room(struct tcore_expr_scratch *scratch, uint64_t bytes)
{
    if (bytes > TCORE_EXPR_ROOM - scratch->used) {
        scratch->exhausted = true;
        return NULL;
    }
    char *room = tcore_arena_alloc(&scratch->arena, bytes ? (size_t)bytes : 1);
    if (!room)
        scratch->failed = true;
    else
        scratch->used += (size_t)bytes;
    return room;
}

struct tcore_value tcore_expr_error(const struct tcore_expr_scratch *scratch,
                                    enum tcore_expr_fault fault, const struct tcore_value *a,
                                    const struct tcore_value *b)
{
    return (struct tcore_value){.kind = TCORE_EXPR_ERROR,
                                .len = (uint32_t)fault | tcore_expr_type(a) << 8 |
                                       (b ? tcore_expr_type(b) : 0u) << 16,
                                .i = scratch->at};
}

const char *tcore_expr_error_text(const struct tcore_value *error, char *text, size_t size)
{
    size_t fault = error->len & 0xff;
    const char *a = type_names[error->len >> 8 & 7], *b = type_names[error->len >> 16 & 7];
    int length = fault_texts[fault].one ? snprintf(text, size, fault_texts[fault].one, a)
                                        : snprintf(text, size, fault_texts[fault].two, a, b);
    if (length > 0 && (size_t)length < size)
        snprintf(text + length, size - (size_t)length, " (column %lld of the expression)",
                 (long long)error->i + 1);
    return text;
}

/* --- Numbers */

struct tcore_value tcore_expr_normalise(const struct tcore_value *v)
{
    int64_t i;
    if (v->kind != TCORE_NUMBER)
        return *v;
    if (tcore_value_int64(v, &i))
        return tcore_value_int(i);
    for (uint32_t k = 0; k < v->len; k++)
        if (v->s[k] == '.' || v->s[k] == 'e' || v->s[k] == 'E')
            return tcore_value_of_double(tcore_value_double(v));
    return *v;
}

static int sign_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Exact: the double is not rounded to an integer nor the other way round. d is no NaN. */
static int compare_int_double(int64_t i, double d)
{
    if (d >= 0x1p63)
        return -1;
    if (d < -0x1p63)
        return 1;
    int64_t whole = (int64_t)d;
    if (i != whole)
        return sign_of(i, whole);
    double rest = d - (double)whole;
    return (rest < 0) - (rest > 0);
}

/* Integers beyond int64, by sign, digits and text (JSON has no leading zeros). */
static int compare_literals(const struct tcore_value *a, const struct tcore_value *b)
{
    bool negative = a->s[0] == '-';
    if (negative != (b->s[0] == '-'))
        return negative ? -1 : 1;
    int order =
        a->len != b->len ? (a->len > b->len) - (a->len < b->len) : memcmp(a->s, b->s, a->len);
    return negative ? -order : order;
}

static int compare_numbers(const struct tcore_value *left, const struct tcore_value *right)
{
    struct tcore_value a = tcore_expr_normalise(left), b = tcore_expr_normalise(right);
    if (a.kind == TCORE_INT && b.kind == TCORE_INT)
        return sign_of(a.i, b.i);
    if (a.kind == TCORE_DOUBLE && isnan(a.d))
        return -1;
    if (b.kind == TCORE_DOUBLE && isnan(b.d))
        return 1;
    if (a.kind == TCORE_INT && b.kind == TCORE_DOUBLE)
        return compare_int_double(a.i, b.d);
    if (a.kind == TCORE_DOUBLE && b.kind == TCORE_INT)
        return -compare_int_double(b.i, a.d);
    if (a.kind == TCORE_NUMBER && b.kind == TCORE_NUMBER)
        return compare_literals(&a, &b);
    if (a.kind == TCORE_NUMBER && b.kind == TCORE_INT)
        return a.s[0] == '-' ? -1 : 1;
    if (a.kind == TCORE_INT && b.kind == TCORE_NUMBER)
        return b.s[0] == '-' ? 1 : -1;
    double x = tcore_value_double(&a), y = tcore_value_double(&b);
    return (x > y) - (x < y);
}

int tcore_expr_compare(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                       const struct tcore_value *b)
{
    enum tcore_expr_type ta = tcore_expr_type(a), tb = tcore_expr_type(b);
    if (ta != tb)
        return ta < tb ? -1 : 1;
    if (ta == TCORE_EXPR_NUMBER)
        return a->kind == TCORE_INT && b->kind == TCORE_INT ? sign_of(a->i, b->i)
                                                            : compare_numbers(a, b);
    if (ta == TCORE_EXPR_STRING) {
        int order = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
        return order ? order : (a->len > b->len) - (a->len < b->len);
    }
    if (ta >= TCORE_EXPR_ARRAY)
        return tcore_expr_compare_nested(scratch, a, b);
    return 0;
}

static bool numbers(const struct tcore_value *a, const struct tcore_value *b)
{
    return tcore_value_is_number(a) && tcore_value_is_number(b);
}

/* Both as int64 if they are integers that fit. */
static bool integers(const struct tcore_value *a, const struct tcore_value *b, int64_t *x,
                     int64_t *y)
{
    *x = a->i;
    *y = b->i;
    return (a->kind == TCORE_INT || tcore_value_int64(a, x)) &&
           (b->kind == TCORE_INT || tcore_value_int64(b, y));
}

/* --- Arithmetic */

/* Room for a computed string, NULL with *result set if there is none. */
static char *result_room(struct tcore_expr_scratch *scratch, uint64_t bytes,
                         const struct tcore_value *a, const struct tcore_value *b,
                         struct tcore_value *result)
{
    char *room = tcore_expr_room(scratch, bytes);
    *result = room ? tcore_value_string(room, (size_t)bytes)
                   : tcore_expr_error(scratch, TCORE_FAULT_LARGE, a, b);
    return room;
}

static struct tcore_value concatenate(struct tcore_expr_scratch *scratch,
                                      const struct tcore_value *a, const struct tcore_value *b)
{
    struct tcore_value result;
    char *room = result_room(scratch, (uint64_t)a->len + b->len, a, b, &result);
    if (room) {
        memcpy(room, a->s, a->len);
        memcpy(room + a->len, b->s, b->len);
    }
    return result;
}

struct tcore_value tcore_expr_add(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                  const struct tcore_value *b)
{
    enum tcore_expr_type ta = tcore_expr_type(a), tb = tcore_expr_type(b);
    if (ta == TCORE_EXPR_NULL)
        return *b;
    if (tb == TCORE_EXPR_NULL)
        return *a;
    if (numbers(a, b)) {
        int64_t x, y, sum;
        if (integers(a, b, &x, &y) && !__builtin_add_overflow(x, y, &sum))
            return tcore_value_int(sum);
        return tcore_value_of_double(tcore_value_double(a) + tcore_value_double(b));
    }
    if (ta == tb && ta == TCORE_EXPR_STRING)
        return concatenate(scratch, a, b);
    if (ta == tb && ta >= TCORE_EXPR_ARRAY)
        return tcore_expr_add_nested(scratch, a, b);
    return tcore_expr_error(scratch, TCORE_FAULT_ADD, a, b);
}

struct tcore_value tcore_expr_subtract(struct tcore_expr_scratch *scratch,
                                       const struct tcore_value *a, const struct tcore_value *b)
{
    if (numbers(a, b)) {
        int64_t x, y, difference;
        if (integers(a, b, &x, &y) && !__builtin_sub_overflow(x, y, &difference))
            return tcore_value_int(difference);
        return tcore_value_of_double(tcore_value_double(a) - tcore_value_double(b));
    }
    if (tcore_expr_type(a) == TCORE_EXPR_ARRAY && tcore_expr_type(b) == TCORE_EXPR_ARRAY)
        return tcore_expr_subtract_nested(scratch, a, b);
    return tcore_expr_error(scratch, TCORE_FAULT_SUBTRACT, a, b);
}

/* "ab" * 3; what is left of the count after one copy is cut to an integer, less than none is null.
 */
static struct tcore_value repeat(struct tcore_expr_scratch *scratch, const struct tcore_value *text,
                                 const struct tcore_value *count)
{
    double more = tcore_value_double(count) - 1;
    if (!(more > -1))
        return (struct tcore_value){.kind = TCORE_NULL};
    struct tcore_value result;
    if (text->len && more > TCORE_EXPR_ROOM)
        return tcore_expr_error(scratch, TCORE_FAULT_LARGE, text, count);
    if (!text->len)
        return *text;
    uint64_t copies = (uint64_t)(more < 0 ? 0 : more) + 1;
    char *room = result_room(scratch, copies * text->len, text, count, &result);
    if (!room)
        return result;
    memcpy(room, text->s, text->len);
    for (size_t done = text->len; done < result.len;) { /* what is there, again and again */
        size_t next = done < result.len - done ? done : result.len - done;
        memcpy(room + done, room, next);
        done += next;
    }
    return result;
}

struct tcore_value tcore_expr_multiply(struct tcore_expr_scratch *scratch,
                                       const struct tcore_value *a, const struct tcore_value *b)
{
    if (numbers(a, b)) {
        int64_t x, y, product;
        if (integers(a, b, &x, &y) && !__builtin_mul_overflow(x, y, &product))
            return tcore_value_int(product);
        return tcore_value_of_double(tcore_value_double(a) * tcore_value_double(b));
    }
    if (a->kind == TCORE_STRING && tcore_value_is_number(b))
        return repeat(scratch, a, b);
    if (b->kind == TCORE_STRING && tcore_value_is_number(a))
        return repeat(scratch, b, a);
    if (tcore_expr_type(a) == TCORE_EXPR_OBJECT && tcore_expr_type(b) == TCORE_EXPR_OBJECT)
        return tcore_expr_merge_nested(scratch, a, b);
    return tcore_expr_error(scratch, TCORE_FAULT_MULTIPLY, a, b);
}

struct tcore_value tcore_expr_divide(struct tcore_expr_scratch *scratch,
                                     const struct tcore_value *a, const struct tcore_value *b)
{
    if (numbers(a, b)) {
        int64_t x, y;
        bool whole = integers(a, b, &x, &y) && y != 0 && y != -1;
        if (whole && x % y == 0)
            return tcore_value_int(x / y);
        double divisor = tcore_value_double(b);
        if (divisor == 0)
            return tcore_expr_error(scratch, TCORE_FAULT_ZERO, a, b);
        return tcore_value_of_double(tcore_value_double(a) / divisor);
    }
    if (a->kind == TCORE_STRING && b->kind == TCORE_STRING)
        return tcore_expr_split(scratch, a, b);
    return tcore_expr_error(scratch, TCORE_FAULT_DIVIDE, a, b);
}

/* As jq cuts a number to an integer; what does not fit is the smallest one. */
static int64_t cut(const struct tcore_value *v)
{
    int64_t i;
    if (tcore_value_int64(v, &i))
        return i;
    double d = tcore_value_double(v);
    return d >= -0x1p63 && d < 0x1p63 ? (int64_t)d : INT64_MIN;
}

struct tcore_value tcore_expr_remainder(struct tcore_expr_scratch *scratch,
                                        const struct tcore_value *a, const struct tcore_value *b)
{
    if (!numbers(a, b))
        return tcore_expr_error(scratch, TCORE_FAULT_DIVIDE, a, b);
    int64_t x = cut(a), y = cut(b);
    if (y == 0)
        return tcore_expr_error(scratch, TCORE_FAULT_ZERO, a, b);
    return tcore_value_int(y == -1 ? 0 : x % y);
}

struct tcore_value tcore_expr_negate(struct tcore_expr_scratch *scratch,
                                     const struct tcore_value *a)
{
    int64_t i;
    if (!tcore_value_is_number(a))
        return tcore_expr_error(scratch, TCORE_FAULT_NEGATE, a, NULL);
    if (tcore_value_int64(a, &i) && i != INT64_MIN)
        return tcore_value_int(-i);
    return tcore_value_of_double(-tcore_value_double(a));
}

/* --- Functions */

/* All bytes but those that continue a character (10xxxxxx), eight at a time. */
static int64_t count_characters(const struct tcore_value *v)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint32_t i = 0, continued = 0;
    for (uint64_t eight; v->len - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, v->s + i, sizeof eight);
        continued += (uint32_t)__builtin_popcountll(eight >> 7 & ~eight >> 6 & ones);
    }
    for (; i < v->len; i++)
        continued += (v->s[i] & 0xc0) == 0x80;
    return (int64_t)v->len - continued;
}

struct tcore_value tcore_expr_length(struct tcore_expr_scratch *scratch,
                                     const struct tcore_value *a)
{
    int64_t i;
    switch (tcore_expr_type(a)) {
    case TCORE_EXPR_NULL:
        return tcore_value_int(0);
    case TCORE_EXPR_NUMBER:
        if (tcore_value_int64(a, &i) && i != INT64_MIN)
            return tcore_value_int(i < 0 ? -i : i);
        return tcore_value_of_double(fabs(tcore_value_double(a)));
    case TCORE_EXPR_STRING:
        return tcore_value_int(count_characters(a));
    case TCORE_EXPR_ARRAY:
    case TCORE_EXPR_OBJECT:
        i = tcore_expr_count_nested(scratch, a);
        return i < 0 ? tcore_expr_error(scratch, TCORE_FAULT_NESTED, a, NULL) : tcore_value_int(i);
    case TCORE_EXPR_FALSE:
    case TCORE_EXPR_TRUE:
        break;
    }
    return tcore_expr_error(scratch, TCORE_FAULT_LENGTH, a, NULL);
}

struct tcore_value tcore_expr_index(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                    const struct tcore_value *key)
{
    enum tcore_expr_type type = tcore_expr_type(a);
    if (type == TCORE_EXPR_OBJECT)
        return tcore_expr_member(scratch, a, key);
    if (type == TCORE_EXPR_NULL)
        return (struct tcore_value){.kind = TCORE_NULL};
    return tcore_expr_error(scratch, TCORE_FAULT_INDEX, a, NULL);
}

struct tcore_value tcore_expr_has(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                  const struct tcore_value *key)
{
    enum tcore_expr_type type = tcore_expr_type(a);
    if (type == TCORE_EXPR_NULL)
        return tcore_value_bool(false);
    if (type == TCORE_EXPR_OBJECT && key->kind == TCORE_STRING) {
        struct tcore_value member = tcore_expr_member(scratch, a, key);
        return member.kind == TCORE_EXPR_ERROR ? member
                                               : tcore_value_bool(member.kind != TCORE_ABSENT);
    }
    if (type == TCORE_EXPR_ARRAY && tcore_value_is_number(key)) {
        double index = trunc(tcore_value_double(key));
        int64_t count = tcore_expr_count_nested(scratch, a);
        if (count < 0)
            return tcore_expr_error(scratch, TCORE_FAULT_NESTED, a, NULL);
        return tcore_value_bool(index >= 0 && index < (double)count);
    }
    return tcore_expr_error(scratch, TCORE_FAULT_HAS, a, key);
}

struct tcore_value tcore_expr_contains(struct tcore_expr_scratch *scratch,
                                       const struct tcore_value *a, const struct tcore_value *b)
{
    enum tcore_expr_type type = tcore_expr_type(a);
    if (type != tcore_expr_type(b))
        return tcore_expr_error(scratch, TCORE_FAULT_CONTAINS, a, b);
    if (type == TCORE_EXPR_STRING)
        return tcore_value_bool(memmem(a->s, a->len, b->s, b->len) != NULL);
    if (type >= TCORE_EXPR_ARRAY)
        return tcore_expr_contains_nested(scratch, a, b);
    return tcore_value_bool(tcore_expr_compare(scratch, a, b) == 0);
}

struct tcore_value tcore_expr_startswith(struct tcore_expr_scratch *scratch,
                                         const struct tcore_value *a, const struct tcore_value *b)
{
    if (a->kind != TCORE_STRING || b->kind != TCORE_STRING)
        return tcore_expr_error(scratch, TCORE_FAULT_STARTSWITH, a, b);
    return tcore_value_bool(a->len >= b->len && memcmp(a->s, b->s, b->len) == 0);
}

struct tcore_value tcore_expr_endswith(struct tcore_expr_scratch *scratch,
                                       const struct tcore_value *a, const struct tcore_value *b)
{
    if (a->kind != TCORE_STRING || b->kind != TCORE_STRING)
        return tcore_expr_error(scratch, TCORE_FAULT_ENDSWITH, a, b);
    return tcore_value_bool(a->len >= b->len && memcmp(a->s + a->len - b->len, b->s, b->len) == 0);
}
