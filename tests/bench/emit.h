/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the generator writes with: randomness that is the same everywhere, a large output buffer,
 * and JSON objects whose fields can change places once they are written.
 */
#ifndef TRACECORE_BENCH_EMIT_H
#define TRACECORE_BENCH_EMIT_H

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_FIELDS = 24,
    RECORD_ROOM = 4096, /* more than any record takes */
    OUTPUT_BYTES = 1 << 20,
};

struct output {
    char *buffer, *at; /* at: where the next byte goes */
    bool shuffle_keys;
    bool otlp; /* attributes as OTLP/JSON has them */
    uint64_t shuffle_random;
};

/* An object under construction: where its fields start, so that they can change places. */
struct object {
    int fields;
    char *field[MAX_FIELDS];
};

static inline _Noreturn void die(const char *what)
{
    fprintf(stderr, "generate: %s: %s\n", what, strerror(errno));
    exit(4);
}

/* --- Randomness: splitmix64 */

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline double uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

static inline uint32_t below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(((next_random(state) >> 32) * limit) >> 32);
}

static inline double normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(1 - uniform(state)));
    return radius * cos(2 * 3.14159265358979323846 * uniform(state));
}

/* --- Output */

static inline void flush(struct output *out)
{
    const char *from = out->buffer;
    while (from < out->at) {
        ssize_t written = write(STDOUT_FILENO, from, (size_t)(out->at - from));
        if (written < 0 && errno != EINTR)
            die("standard output");
        from += written > 0 ? written : 0;
    }
    out->at = out->buffer;
}

static inline void reserve(struct output *out, size_t bytes)
{
    if ((size_t)(out->buffer + OUTPUT_BYTES - out->at) < bytes)
        flush(out);
}

static inline void put(struct output *out, const char *text, size_t length)
{
    memcpy(out->at, text, length);
    out->at += length;
}
#define PUT(out, literal) put(out, literal, sizeof(literal) - 1)

static inline void put_text(struct output *out, const char *text)
{
    put(out, text, strlen(text));
}

static inline void put_number(struct output *out, uint64_t value)
{
    char digits[20];
    int from = 20;
    do {
        digits[--from] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    put(out, digits + from, (size_t)(20 - from));
}

static inline void put_hex(struct output *out, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *out->at++ = "0123456789abcdef"[value >> shift & 15];
}

/* Thousandths as the shortest double: 1500 is 1.5 and 2000 is 2.0. */
static inline void put_thousandths(struct output *out, uint64_t value)
{
    put_number(out, value / 1000);
    *out->at++ = '.';
    uint32_t rest = (uint32_t)(value % 1000);
    do {
        *out->at++ = (char)('0' + rest / 100);
        rest = rest % 100 * 10;
    } while (rest);
}

static inline void object_open(struct output *out, struct object *object)
{
    *out->at++ = '{';
    object->fields = 0;
}

static inline void object_key(struct output *out, struct object *object, const char *quoted,
                              size_t length)
{
    if (object->fields)
        *out->at++ = ',';
    object->field[object->fields++] = out->at;
    put(out, quoted, length);
}
#define KEY(out, object, name) object_key(out, object, "\"" name "\":", sizeof("\"" name "\":") - 1)

static inline void shuffle_fields(struct output *out, struct object *object)
{
    char copy[RECORD_ROOM], *start = object->field[0];
    size_t bytes = (size_t)(out->at - start);
    memcpy(copy, start, bytes);
    int order[MAX_FIELDS];
    for (int i = 0; i < object->fields; i++) {
        int other = (int)below(&out->shuffle_random, (uint32_t)i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    out->at = start;
    for (int i = 0; i < object->fields; i++) {
        int field = order[i];
        char *end = field + 1 < object->fields ? object->field[field + 1] - 1 : start + bytes;
        if (i)
            *out->at++ = ',';
        put(out, copy + (object->field[field] - start), (size_t)(end - object->field[field]));
    }
}

static inline void object_close(struct output *out, struct object *object)
{
    if (out->shuffle_keys && object->fields > 1)
        shuffle_fields(out, object);
    *out->at++ = '}';
}

static inline void put_quoted(struct output *out, const char *text)
{
    *out->at++ = '"';
    put_text(out, text);
    *out->at++ = '"';
}

/* --- Attributes, in the native form and in OTLP's */

static inline void attribute_start(struct output *out, struct object *object, const char *key,
                                   const char *otlp_type)
{
    if (object->fields)
        *out->at++ = ',';
    object->field[object->fields++] = out->at;
    if (out->otlp)
        PUT(out, "{\"key\":");
    *out->at++ = '"';
    put_text(out, key);
    *out->at++ = '"';
    if (out->otlp) {
        PUT(out, ",\"value\":{\"");
        put_text(out, otlp_type);
        *out->at++ = '"';
    }
    *out->at++ = ':';
}

static inline void attribute_end(struct output *out)
{
    if (out->otlp)
        PUT(out, "}}");
}

static inline void text_attribute(struct output *out, struct object *object, const char *key,
                                  const char *value)
{
    attribute_start(out, object, key, "stringValue");
    *out->at++ = '"';
    put_text(out, value);
    *out->at++ = '"';
    attribute_end(out);
}

static inline void number_attribute(struct output *out, struct object *object, const char *key,
                                    uint64_t value)
{
    attribute_start(out, object, key, "intValue");
    if (out->otlp)
        *out->at++ = '"';
    put_number(out, value);
    if (out->otlp)
        *out->at++ = '"';
    attribute_end(out);
}

#endif
