/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single values: their order, arithmetic and text. */
#include <config.h>

#include "span/traceql/traceql_eval.h"

#include "model/json.h"
#include "model/number.h"
#include "trace/tree.h"

#include <math.h>
#include <string.h>

double traceql_real(const struct traceql_value *value)
{
    return value->type == TRACEQL_FLOAT ? value->real : (double)value->integer;
}

static bool is_exact(const struct traceql_value *a, const struct traceql_value *b)
{
    return a->type != TRACEQL_FLOAT && b->type != TRACEQL_FLOAT;
}

/* --- Order */

static bool decide(enum traceql_operator op, int order)
{
    switch (op) {
    case TRACEQL_EQUAL:
        return order == 0;
    case TRACEQL_NOT_EQUAL:
        return order != 0;
    case TRACEQL_LESS:
        return order < 0;
    case TRACEQL_LESS_EQUAL:
        return order <= 0;
    case TRACEQL_GREATER:
        return order > 0;
    default:
        return order >= 0; /* TRACEQL_GREATER_EQUAL */
    }
}

static bool compare_numbers(enum traceql_operator op, const struct traceql_value *a,
                            const struct traceql_value *b)
{
    if (is_exact(a, b))
        return decide(op, (a->integer > b->integer) - (a->integer < b->integer));
    double x = traceql_real(a), y = traceql_real(b);
    if (isnan(x) || isnan(y))
        return op == TRACEQL_NOT_EQUAL;
    return decide(op, (x > y) - (x < y));
}

static int compare_texts(const struct tcore_slice *a, const struct tcore_slice *b)
{
    size_t common = a->length < b->length ? a->length : b->length;
    int order = common ? memcmp(a->data, b->data, common) : 0;
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

bool traceql_compare(enum traceql_operator op, const struct traceql_value *a,
                     const struct traceql_value *b, bool *comparable)
{
    bool equality = op == TRACEQL_EQUAL || op == TRACEQL_NOT_EQUAL;
    *comparable = true;
    if (traceql_is_numeric(a) && traceql_is_numeric(b))
        return compare_numbers(op, a, b);
    if (a->type == b->type && a->type == TRACEQL_STRING)
        return decide(op, compare_texts(&a->text, &b->text));
    if (a->type == b->type && equality && a->type == TRACEQL_BOOLEAN)
        return decide(op, a->truth != b->truth);
    if (a->type == b->type && equality && (a->type == TRACEQL_STATUS || a->type == TRACEQL_KIND))
        return decide(op, a->integer != b->integer);
    *comparable = false;
    return false;
}

/* --- Arithmetic */

static struct traceql_value of_real(double real)
{
    return (struct traceql_value){.type = TRACEQL_FLOAT, .real = real};
}

/* + - * % of integers; false: it is none, or does not fit. */
static bool calculate_exactly(enum traceql_operator op, int64_t a, int64_t b, int64_t *result)
{
    switch (op) {
    case TRACEQL_ADD:
        return !__builtin_add_overflow(a, b, result);
    case TRACEQL_SUBTRACT:
        return !__builtin_sub_overflow(a, b, result);
    case TRACEQL_MULTIPLY:
        return !__builtin_mul_overflow(a, b, result);
    case TRACEQL_REMAINDER:
        if (b != 0)
            *result = b == -1 ? 0 : a % b;
        return b != 0;
    default:
        return false;
    }
}

static double calculate_real(enum traceql_operator op, double a, double b)
{
    switch (op) {
    case TRACEQL_ADD:
        return a + b;
    case TRACEQL_SUBTRACT:
        return a - b;
    case TRACEQL_MULTIPLY:
        return a * b;
    case TRACEQL_DIVIDE:
        return a / b;
    case TRACEQL_REMAINDER:
        return fmod(a, b);
    default:
        return pow(a, b); /* TRACEQL_POWER */
    }
}

/* Dividing by zero is for numbers of IEEE 754 to answer, not an error. */
__attribute__((no_sanitize("float-divide-by-zero"))) struct traceql_value
traceql_calculate(enum traceql_operator op, const struct traceql_value *a,
                  const struct traceql_value *b)
{
    bool of_time = a->type == TRACEQL_DURATION || b->type == TRACEQL_DURATION;
    struct traceql_value result = {.type = of_time ? TRACEQL_DURATION : TRACEQL_INTEGER};
    if (!traceql_is_numeric(a) || !traceql_is_numeric(b))
        return (struct traceql_value){.type = TRACEQL_NIL};
    if (is_exact(a, b) && calculate_exactly(op, a->integer, b->integer, &result.integer))
        return result;
    return of_real(calculate_real(op, traceql_real(a), traceql_real(b)));
}

struct traceql_value traceql_negate(const struct traceql_value *value)
{
    struct traceql_value zero = {.type = value->type, .integer = 0};
    if (value->type == TRACEQL_FLOAT)
        return of_real(-value->real);
    return traceql_calculate(TRACEQL_SUBTRACT, &zero, value);
}

/* --- Text */

static const char *name_of(const struct traceql_value *value)
{
    static const char *const statuses[] = {"unset", "ok", "error"};
    static const char *const kinds[] = {
        [TCORE_SPAN_UNSPECIFIED] = "unspecified", [TCORE_SPAN_INTERNAL] = "internal",
        [TCORE_SPAN_SERVER] = "server",           [TCORE_SPAN_CLIENT] = "client",
        [TCORE_SPAN_PRODUCER] = "producer",       [TCORE_SPAN_CONSUMER] = "consumer",
    };
    return value->type == TRACEQL_STATUS ? statuses[value->integer] : kinds[value->integer];
}

static void write_single(struct tcore_buf *out, const struct traceql_value *value)
{
    struct tcore_value real = tcore_value_of_double(value->real);
    char digits[TCORE_NUMBER_BYTES];
    switch (value->type) {
    case TRACEQL_BOOLEAN:
        tcore_buf_puts(out, value->truth ? "true" : "false");
        return;
    case TRACEQL_INTEGER:
    case TRACEQL_DURATION:
        tcore_buf_append(out, digits, tcore_format_int64(digits, value->integer));
        return;
    case TRACEQL_FLOAT:
        tcore_json_write_value(out, &real);
        return;
    case TRACEQL_STRING:
        tcore_json_write_string(out, value->text.data, value->text.length);
        return;
    case TRACEQL_STATUS:
    case TRACEQL_KIND:
        tcore_buf_printf(out, "\"%s\"", name_of(value));
        return;
    case TRACEQL_OBJECT:
        tcore_buf_append(out, value->text.data, value->text.length);
        return;
    case TRACEQL_NIL:
    case TRACEQL_LIST:
    case TRACEQL_ANY:
        break;
    }
    tcore_buf_puts(out, "null");
}

void traceql_write(struct tcore_buf *out, const struct traceql_value *value)
{
    if (value->type != TRACEQL_LIST) {
        write_single(out, value);
        return;
    }
    for (uint32_t i = 0; i < value->count; i++) {
        tcore_buf_putc(out, i ? ',' : '[');
        write_single(out, &value->items[i]);
    }
    tcore_buf_puts(out, value->count ? "]" : "[]");
}
