/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parsing one record of a line into slots and roles. The parser is a recursive descent over the
 * learnt shape, the same source compiled for three instruction sets (ndjson_parse_impl.h); all of
 * them validate everything they pass, wanted or not, and give the same results.
 *
 * Private to stream/.
 */
#ifndef TRACECORE_STREAM_NDJSON_PARSE_H
#define TRACECORE_STREAM_NDJSON_PARSE_H

#include "base/arena.h"
#include "model/id.h"
#include "model/value.h"
#include "stream/ndjson_plan.h"
#include "stream/ndjson_shape.h"
#include "stream/ndjson_window.h"

#include <string.h>

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

struct ndjson_parse {
    struct ndjson_shape *shape;
    struct ndjson_plan *plan;
    struct ndjson_forms *forms;
    struct tcore_arena *arena; /* decoded strings, reset chunk by chunk */
    unsigned depth_limit;
    struct ndjson_worth by_key; /* of taking records key by key, where no form and no plan helps */
    /* results of the record */
    struct tcore_value *values; /* by slot; all ABSENT before the call */
    unsigned
        context; /* of the predictions: the record's strings so far, but those of a fixed length */
    uint64_t roles; /* bit 1 << role for each that the record has (other bits: other keys) */
    struct tcore_value role[ROLE_VALUES]; /* a time written in a string stays that string */
    uint32_t time_checked;                /* bit 1 << role: its value is known to be an int64 */
    uint64_t duplicate_keys;              /* counted up */
    uint64_t objects;                     /* met so far */
    /* of a failed call */
    const char *error_at;
    const char *reason; /* NULL with a failed call: out of memory */
};

/*
 * p is at the first byte of a record, which may be line `number` of a window (NULL: it is of none).
 * The data must end with a newline somewhere behind it, and 64 more bytes must be readable behind
 * that. Returns the byte behind the value, or NULL with error_at and reason. What follows the value
 * is the caller's business.
 */
typedef const char *ndjson_parse_function(struct ndjson_parse *parse, const char *p,
                                          const struct ndjson_window *window, unsigned number);

/*
 * Lines of a window, from the given one on, as rows of the columns. Returns how many: up to one of
 * which it cannot tell, or that is no plain span. A row behind the last may have been written to.
 */
typedef unsigned ndjson_rows_function(struct ndjson_forms *forms,
                                      const struct ndjson_window *window, unsigned number,
                                      struct tcore_value *const *columns, size_t row);

ndjson_parse_function tcore_ndjson_parse_portable;
#if defined __x86_64__
ndjson_parse_function tcore_ndjson_parse_avx2;
ndjson_parse_function tcore_ndjson_parse_avx512;
ndjson_rows_function tcore_ndjson_rows_avx2;
ndjson_rows_function tcore_ndjson_rows_avx512;
#endif

/* Whether it is an id as they usually are, by its first bytes: surely not all zero. */
static inline bool is_plain_id(const char *text, size_t length)
{
    return length >= 8 && memcmp(text, "00000000", 8);
}

/* Makes all values absent. */
static inline void tcore_ndjson_clear(struct ndjson_parse *parse)
{
    for (size_t i = 0; i < parse->shape->slots; i++)
        parse->values[i] = (struct tcore_value){0};
}

/* Shared by the three: scalar code for what is rare. */

/* The rest of a string from p, which is behind its opening quote or at any character boundary in
 * it. Returns the closing quote, or NULL (error_at, reason). *escaped: it has escapes. */
const char *tcore_ndjson_string_slow(struct ndjson_parse *parse, const char *p, bool *escaped);
/* Length of the sequence of UTF-8 at p that is more than one byte, 0 if there is none. Never looks
 * behind a newline, since that is no continuation byte. */
unsigned tcore_ndjson_utf8_length(const char *p);
/* Decodes the escapes of a valid string into the arena; NULL if memory is short. */
const char *tcore_ndjson_unescape(struct tcore_arena *arena, const char *s, size_t length,
                                  size_t *decoded_length);
/* A number whose digits go on with a fraction or exponent, or are many. Returns its end or NULL. */
const char *tcore_ndjson_number_slow(struct ndjson_parse *parse, const char *p);
/* Forgets what an earlier member of the same name stored, its nested members too. */
void tcore_ndjson_forget(struct ndjson_parse *parse, struct shape_key *key);
const char *tcore_ndjson_fail(struct ndjson_parse *parse, const char *at, const char *reason);

#endif
