/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fixed-point numbers wide enough for every sum of doubles and of their squares. Private to the
 * exact sums.
 *
 * struct tcore_wide is the accumulator: two's complement in 64-bit limbs, of which only the window
 * in use is kept, so that values of like size cost a few limbs. Limb k weighs 2^(64k). The squares
 * of doubles need bits 2^-2148 to 2^2048, weights 2^-16 below that, counts 2^48 above: limbs -34 to
 * 32. The limits leave room for adding 2^128 states up.
 *
 * struct tcore_natural is a number >= 0 at rest, on the stack, for the arithmetic at the end: it is
 * exact throughout, and rounded once.
 */
#ifndef TRACECORE_STATS_WIDE_H
#define TRACECORE_STATS_WIDE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCORE_WIDE_LOWEST  (-36) /* limb */
#define TCORE_WIDE_HIGHEST 38    /* limb, the one of the sign included */

struct tcore_wide {
    uint64_t *limbs; /* owned; lowest first; the last one is all sign bits */
    int32_t first;   /* limb number of limbs[0] */
    uint32_t used, capacity;
};

void tcore_wide_free(struct tcore_wide *wide);

/*
 * Adds +-(magnitude * 2^position), magnitude being so many limbs, at most 4. TCORE_OK; TCORE_FATAL
 * (no memory), TCORE_BAD_INPUT (beyond the limits, which sums of doubles never are): unchanged.
 */
enum tcore_status tcore_wide_add(struct tcore_wide *wide, bool negative, const uint64_t *magnitude,
                                 uint32_t limbs, int32_t position);
enum tcore_status tcore_wide_merge(struct tcore_wide *into, const struct tcore_wide *from);

/* Squares of the longest sum, extended for a division, fit. */
#define TCORE_NATURAL_LIMBS 168

struct tcore_natural {
    int32_t first;
    uint32_t used; /* 0 for zero; else neither end is zero after tcore_natural_trim() */
    uint64_t limbs[TCORE_NATURAL_LIMBS];
};

/* |wide + low + high * 2^64| (low, high: a 128-bit two's complement integer), trimmed. */
void tcore_natural_of(struct tcore_natural *out, bool *negative, const struct tcore_wide *wide,
                      uint64_t low, uint64_t high);
void tcore_natural_trim(struct tcore_natural *number);
void tcore_natural_multiply(struct tcore_natural *number, uint64_t factor);
void tcore_natural_square(struct tcore_natural *out, const struct tcore_natural *number);
/* a -= b; false, and a is of no use, when b > a. */
bool tcore_natural_subtract(struct tcore_natural *a, const struct tcore_natural *b);
/* Divides with 128 more fraction bits than there were; true when there was a remainder. */
bool tcore_natural_divide(struct tcore_natural *number, uint64_t divisor);

/* Both round to nearest, ties to even, as if more digits followed when inexact is set; beyond the
 * largest double comes infinity. */
double tcore_natural_to_double(const struct tcore_natural *number, bool inexact);
/* The square root; the number should have at least 2 limbs of precision. */
double tcore_natural_root(const struct tcore_natural *number, bool inexact);

#endif
