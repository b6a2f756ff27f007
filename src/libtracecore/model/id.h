/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trace and span ids, W3C Trace Context: 32 and 16 lower-case hexadecimal digits, not all zero.
 * What arrives in other forms is brought to that one here.
 */
#ifndef TRACECORE_MODEL_ID_H
#define TRACECORE_MODEL_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcore_id_class { TCORE_TRACE_ID = 32, TCORE_SPAN_ID = 16 }; /* digits */

enum tcore_id_result {
    TCORE_ID_OK,     /* hexadecimal: lower-cased, left-padded with zeros; a trace id longer than 32
                        or span id longer than 16 digits counts as no hexadecimal */
    TCORE_ID_ZERO,   /* empty or all zero: invalid as an id, absent as a parent */
    TCORE_ID_BASE64, /* standard or URL base64, padded, of exactly 16 or 8 bytes, decoded; or of an
                        id's 32 or 16 hexadecimal digits */
    TCORE_ID_HASHED  /* anything else: a hash of it (XXH3, seed 0, never zero), stable over runs */
};

/* Writes class digits into out (no NUL) except for TCORE_ID_ZERO. Hexadecimal is tried first. */
enum tcore_id_result tcore_id_normalise(enum tcore_id_class id, const char *text, size_t length,
                                        char *out);
/* Whether text already is the canonical form (right length, lower-case hexadecimal). */
bool tcore_id_is_canonical(enum tcore_id_class id, const char *text, size_t length);

/* The bytes, half as many as digits, that a canonical id stands for. */
void tcore_id_bytes(const char *id, uint8_t *out, size_t bytes);

/* A new id of random digits, not all zero, and a NUL. 0, or -1 and errno: there is no randomness. */
int tcore_id_draw(enum tcore_id_class id, char *out);

/* Flags of a trace context. */
enum {
    TCORE_FLAG_SAMPLED = 1,
    TCORE_FLAG_RANDOM = 2 /* the last 7 bytes of the trace id are random (Trace Context 2) */
};

/* traceparent: version-traceid-spanid-flags. Accepts version 00 exactly and higher versions with
 * more after the flags; refuses version ff, upper case and zero ids (W3C Trace Context 2, 3.2). */
struct tcore_traceparent {
    char trace_id[33], span_id[17]; /* NUL-terminated */
    unsigned flags;
};
bool tcore_traceparent_parse(const char *text, size_t length, struct tcore_traceparent *tp);
/* out has 56 bytes: 55 and a NUL. */
void tcore_traceparent_format(const struct tcore_traceparent *tp, char *out);

#endif
