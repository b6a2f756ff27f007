/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sums that do not round. Values are added exactly, in whatever order and partition; the result is
 * rounded once, when it is read. So 1e308 + 1 - 1e308 is 1, and partial sums of any split of the
 * data give the same bits as one pass.
 *
 * Integers go into 128 bits. What does not fit there (fractions, large doubles, overflow) goes into
 * a fixed-point accumulator over the whole range of doubles, of which only the 64-bit limbs in use
 * exist: usually 2 to 4. It is allocated when first needed. Idea: U. Kulisch, "Computer Arithmetic
 * and Validity" (2008), the long accumulator.
 *
 * NaN and the infinities are counted apart and give what IEEE 754 addition would: NaN if there was
 * a NaN or both infinities, else the infinity. A finite sum beyond the largest double reads as
 * infinity. The sum of nothing, and of zeros of either sign, is +0.
 *
 * The same struct holds sums of squares. Weights are in units of 1/65,536 (stats/weight.h), and a
 * weighted value counts as value * weight, exactly. A zeroed struct is the sum of nothing; it owns
 * its memory (tcore_exact_sum_free). Not thread-safe.
 *
 * Every function that returns a status: TCORE_OK; TCORE_FATAL without memory, nothing added.
 */
#ifndef TRACECORE_STATS_EXACT_SUM_H
#define TRACECORE_STATS_EXACT_SUM_H

#include "base/buf.h"
#include "base/error.h"
#include "stats/weight.h"

struct tcore_exact_rest;

struct tcore_exact_sum {
    uint64_t low, high;            /* two's complement, 128 bits; kept within +-2^126 */
    struct tcore_exact_rest *rest; /* owned; all else; NULL until needed */
    bool floating;                 /* a double was added, be it an integral one */
};

void tcore_exact_sum_free(struct tcore_exact_sum *sum);          /* and zeroes it */
size_t tcore_exact_sum_bytes(const struct tcore_exact_sum *sum); /* held apart from the struct */

/* Cannot fail: 2^62 of the largest values are needed to leave 128 bits from 126. */
static inline void tcore_exact_sum_add_int64(struct tcore_exact_sum *sum, int64_t value)
{
    uint64_t low = sum->low + (uint64_t)value;
    sum->high += (value < 0 ? UINT64_MAX : 0) + (low < sum->low);
    sum->low = low;
}

enum tcore_status tcore_exact_sum_add_double(struct tcore_exact_sum *sum, double value);
enum tcore_status tcore_exact_sum_add_weighted_int64(struct tcore_exact_sum *sum, int64_t value,
                                                     uint64_t weight);
enum tcore_status tcore_exact_sum_add_weighted_double(struct tcore_exact_sum *sum, double value,
                                                      uint64_t weight);
/* Adds value * value * weight; a weight of TCORE_WEIGHT_ONE for a plain record. */
enum tcore_status tcore_exact_sum_add_square_int64(struct tcore_exact_sum *sum, int64_t value,
                                                   uint64_t weight);
enum tcore_status tcore_exact_sum_add_square_double(struct tcore_exact_sum *sum, double value,
                                                    uint64_t weight);
/* into += from. Also TCORE_BAD_INPUT, nothing added: only made-up states are that large. After
 * TCORE_FATAL into may hold a part of from: free it. */
enum tcore_status tcore_exact_sum_merge(struct tcore_exact_sum *into,
                                        const struct tcore_exact_sum *from);

/* The sum, rounded to nearest, ties to even. */
double tcore_exact_sum_value(const struct tcore_exact_sum *sum);
/* The sum itself if only integers were added and it is one (fractional weights may make a fraction)
 * below 2^127 in magnitude. */
bool tcore_exact_sum_integer(const struct tcore_exact_sum *sum, __int128 *integer);
/* Enough for 128 bits, a sign and a NUL. */
#define TCORE_EXACT_TEXT_BYTES 48
/*
 * The sum digit for digit, if only integers were added, and it is one (fractional weights may make
 * a fraction) within 128 bits: the length without the NUL; else 0, and out is untouched.
 */
size_t tcore_exact_sum_integer_text(const struct tcore_exact_sum *sum,
                                    char out[TCORE_EXACT_TEXT_BYTES]);

/*
 * The mean of so many units, rounded once; NaN of none. tcore_exact_stddev: the sample standard
 * deviation, sqrt((n * sum of squares - sum^2) / (n * (n - 1))), with n - 1 as SQL's STDDEV has it
 * and n the sum of the weights; numerator and quotient are exact, the root is rounded once. NaN
 * when n is not above 1, a value was not finite, or no data has these sums.
 */
double tcore_exact_mean(const struct tcore_exact_sum *sum, uint64_t units);
double tcore_exact_stddev(const struct tcore_exact_sum *sum, const struct tcore_exact_sum *squares,
                          uint64_t units);

/* The state as bytes and back: see stats/encode.h. Equal states give equal bytes. */
struct tcore_state_reader;
void tcore_exact_sum_encode(const struct tcore_exact_sum *sum, struct tcore_buf *out);
/* Into an empty sum. TCORE_OK, TCORE_BAD_INPUT (left empty) or TCORE_FATAL. */
enum tcore_status tcore_exact_sum_decode(struct tcore_exact_sum *sum, struct tcore_state_reader *in,
                                         struct tcore_error *err);

#endif
