/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One value of a record: a scalar, or the text of a nested one. 16 bytes, no
 * ownership: strings point into the chunk, batch or arena that they came from
 * and live as long as that does.
 */
#ifndef TRACECORE_MODEL_VALUE_H
#define TRACECORE_MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum tcore_kind {
    TCORE_ABSENT = 0, /* the record has no such field */
    TCORE_NULL,
    TCORE_FALSE,
    TCORE_TRUE,
    TCORE_INT,    /* .i */
    TCORE_DOUBLE, /* .d; may be NaN or infinite */
    TCORE_NUMBER, /* .s, .len: the literal of a JSON number that is not a canonical int64: a
                     fraction, an exponent, -0, or too large; tcore_value_double() gives its value
                   */
    TCORE_STRING, /* .s, .len: decoded UTF-8, may hold NUL; a lone surrogate is its three-byte form
                   */
    TCORE_JSON    /* .s, .len: valid JSON text of an object or array */
};

struct tcore_value {
    uint8_t kind;
    uint8_t unused[3];
    uint32_t len;
    union {
        int64_t i;
        double d;
        const char *s;
    };
};

static inline struct tcore_value tcore_value_int(int64_t i)
{
    return (struct tcore_value){.kind = TCORE_INT, .i = i};
}

static inline struct tcore_value tcore_value_of_double(double d)
{
    return (struct tcore_value){.kind = TCORE_DOUBLE, .d = d};
}

static inline struct tcore_value tcore_value_bool(bool b)
{
    return (struct tcore_value){.kind = b ? TCORE_TRUE : TCORE_FALSE};
}

static inline struct tcore_value tcore_value_string(const char *s, size_t len)
{
    return (struct tcore_value){.kind = TCORE_STRING, .len = (uint32_t)len, .s = s};
}

/*
 * The same as storing a value, in two whole words. A struct that is put together in memory and
 * then copied as one is read back before its parts have got there, which costs a dozen cycles; in a
 * loop over fields that is most of the time.
 */
static inline void tcore_value_put(struct tcore_value *to, enum tcore_kind kind, size_t len,
                                   uint64_t body)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t head = (uint64_t)kind | (uint64_t)len << 32;
#else
    uint64_t head = (uint64_t)kind << 56 | (uint32_t)len;
#endif
    memcpy(to, &head, sizeof head);
    memcpy((char *)to + sizeof head, &body, sizeof body);
}

static inline void tcore_value_put_string(struct tcore_value *to, const char *s, size_t len)
{
    tcore_value_put(to, TCORE_STRING, len, (uint64_t)(uintptr_t)s);
}

static inline void tcore_value_put_int(struct tcore_value *to, int64_t i)
{
    tcore_value_put(to, TCORE_INT, 0, (uint64_t)i);
}

/* Copies a value that was just put. */
static inline void tcore_value_move(struct tcore_value *to, const struct tcore_value *from)
{
    uint64_t head, body;
    memcpy(&head, from, sizeof head);
    memcpy(&body, (const char *)from + sizeof head, sizeof body);
    __asm__("" : "+r"(head), "+r"(body)); /* or the two are joined again */
    memcpy(to, &head, sizeof head);
    memcpy((char *)to + sizeof head, &body, sizeof body);
}

static inline bool tcore_value_is_number(const struct tcore_value *v)
{
    return v->kind == TCORE_INT || v->kind == TCORE_DOUBLE || v->kind == TCORE_NUMBER;
}

/* Whether v is the string text, which has no NUL in it. */
static inline bool tcore_value_is_text(const struct tcore_value *v, const char *text)
{
    return v->kind == TCORE_STRING && v->len == strlen(text) && memcmp(v->s, text, v->len) == 0;
}

/* The numeric value of INT, DOUBLE or NUMBER, correctly rounded; NaN for anything else. */
double tcore_value_double(const struct tcore_value *v);
/* Whether v is a number with an integral value in int64 (2.0 and 1e3 are); then *i. */
bool tcore_value_int64(const struct tcore_value *v, int64_t *i);

#endif
