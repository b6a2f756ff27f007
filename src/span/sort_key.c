/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/sort_key.h"

#include "model/number.h"

#include <math.h>
#include <string.h>

enum rank { RANK_NULL = 1, RANK_FALSE, RANK_TRUE, RANK_NUMBER, RANK_STRING, RANK_JSON };

#define RANK_ABSENT 0xff /* never turned round */

/* Bytes of eight in an order, the greatest first. */
static void put_bytes(struct tcore_buf *key, uint64_t bits, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;)
        tcore_buf_putc(key, (char)(bits >> 8 * i));
}

/* The nearest double, then how far the integer is from it: below 2^10 of 64 bits. */
static void put_number(struct tcore_buf *key, double number, int64_t beyond)
{
    uint64_t bits;
    number += 0.0; /* of two zeros one */
    memcpy(&bits, &number, sizeof bits);
    if (isnan(number))
        bits = 0; /* below all others, as jq has it */
    else
        bits = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    put_bytes(key, bits, 8);
    put_bytes(key, (uint64_t)(beyond + (1 << 15)), 2);
}

static void put_int(struct tcore_buf *key, int64_t number)
{
    double nearest = (double)number;
    put_number(key, nearest, (int64_t)((__int128)number - (__int128)nearest));
}

/* Ends with a zero that no string has: zeros in it are followed by a byte that is none. */
static void put_string(struct tcore_buf *key, const char *text, size_t length)
{
    for (const char *end = text + length; text < end;) {
        const char *zero = memchr(text, 0, (size_t)(end - text));
        const char *stop = zero ? zero + 1 : end;
        tcore_buf_append(key, text, (size_t)(stop - text));
        if (zero)
            tcore_buf_putc(key, '\xff');
        text = stop;
    }
    tcore_buf_append(key, "\0", 2);
}

void sort_key_put(struct tcore_buf *key, const struct tcore_value *value, bool time,
                  bool descending)
{
    int64_t number;
    size_t begin = key->length;
    if (value->kind == TCORE_ABSENT) {
        put_bytes(key, RANK_ABSENT, 1);
        return;
    }
    if (time && value->kind == TCORE_STRING && tcore_parse_int64(value->s, value->len, &number)) {
        put_bytes(key, RANK_NUMBER, 1);
        put_int(key, number);
    } else if (tcore_value_is_number(value)) {
        put_bytes(key, RANK_NUMBER, 1);
        if (tcore_value_int64(value, &number))
            put_int(key, number);
        else
            put_number(key, tcore_value_double(value), 0);
    } else if (value->kind == TCORE_STRING || value->kind == TCORE_JSON) {
        put_bytes(key, value->kind == TCORE_STRING ? RANK_STRING : RANK_JSON, 1);
        put_string(key, value->s, value->len);
    } else {
        put_bytes(key,
                  value->kind == TCORE_NULL    ? RANK_NULL
                  : value->kind == TCORE_FALSE ? RANK_FALSE
                                               : RANK_TRUE,
                  1);
    }
    for (size_t i = begin; descending && i < key->length; i++)
        key->data[i] = (char)~key->data[i];
}
