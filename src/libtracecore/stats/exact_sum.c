/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exact sums: 128 bits for integers, a wide accumulator for the rest. A product of value, value and
 * weight is at most 190 bits, so it is formed as three limbs and added at its place.
 */
#include "stats/exact_sum.h"
#include "stats/encode.h"
#include "stats/wide.h"
#include "base/sys.h"

#include <math.h>
#include <string.h>

typedef unsigned __int128 uint128;
typedef __int128 int128;

/* What a sum of integers does not need. */
struct tcore_exact_rest {
    struct tcore_wide wide;
    uint64_t nans, infinities, negative_infinities; /* how many */
};

enum { FLOATING = 1, NEGATIVE = 2, HAS_SPECIALS = 4, BYTES_SHIFT = 3 };
enum { WEIGHT_BITS = 16 }; /* TCORE_WEIGHT_ONE is 2^16 */
static const char sum_name[] = "sum";

void tcore_exact_sum_free(struct tcore_exact_sum *sum)
{
    if (sum->rest)
        tcore_wide_free(&sum->rest->wide);
    tcore_free(sum->rest);
    *sum = (struct tcore_exact_sum){0};
}

size_t tcore_exact_sum_bytes(const struct tcore_exact_sum *sum)
{
    return sum->rest ? sizeof *sum->rest + sum->rest->wide.capacity * sizeof(uint64_t) : 0;
}

static int128 integer_of(const struct tcore_exact_sum *sum)
{
    return (int128)((uint128)sum->high << 64 | sum->low);
}

static void set_integer(struct tcore_exact_sum *sum, int128 integer)
{
    sum->low = (uint64_t)integer;
    sum->high = (uint64_t)((uint128)integer >> 64);
}

static enum tcore_status need_rest(struct tcore_exact_sum *sum)
{
    if (!sum->rest)
        sum->rest = tcore_calloc(1, sizeof *sum->rest);
    return sum->rest ? TCORE_OK : TCORE_FATAL;
}

static bool is_small(int128 integer)
{
    const int128 limit = (int128)1 << 126;
    return integer < limit && integer > -limit;
}

/* Adds an integer below 2^127 in magnitude; the sum spills over when it becomes too large. */
static enum tcore_status add_integer(struct tcore_exact_sum *sum, int128 integer)
{
    int128 result;
    if (!__builtin_add_overflow(integer_of(sum), integer, &result) && is_small(result)) {
        set_integer(sum, result);
        return TCORE_OK;
    }
    bool negative = integer < 0;
    uint128 magnitude = negative ? -(uint128)integer : (uint128)integer;
    uint64_t limbs[2] = {(uint64_t)magnitude, (uint64_t)(magnitude >> 64)};
    if (need_rest(sum) != TCORE_OK)
        return TCORE_FATAL;
    return tcore_wide_add(&sum->rest->wide, negative, limbs, 2, 0);
}

static enum tcore_status count_special(struct tcore_exact_sum *sum, double value)
{
    if (need_rest(sum) != TCORE_OK)
        return TCORE_FATAL;
    sum->floating = true;
    uint64_t *counter = isnan(value) ? &sum->rest->nans
                        : value > 0  ? &sum->rest->infinities
                                     : &sum->rest->negative_infinities;
    *counter += *counter != UINT64_MAX;
    return TCORE_OK;
}

/* value = mantissa * 2^exponent, finite */
static uint64_t split(double value, int32_t *exponent)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int32_t biased = (int32_t)(bits >> 52 & 2047);
    *exponent = (biased ? biased : 1) - 1075;
    return biased ? fraction | UINT64_C(1) << 52 : fraction;
}

static bool is_int64(double value)
{
    return value >= -0x1p63 && value < 0x1p63 && value == (double)(int64_t)value;
}

/* Adds +-(a * b * c * 2^position), where b * c is below 2^128. */
static enum tcore_status add_product(struct tcore_exact_sum *sum, bool negative, uint64_t a,
                                     uint64_t b, uint64_t c, int32_t position)
{
    uint128 bc = (uint128)b * c;
    uint128 low = (uint128)a * (uint64_t)bc;
    uint128 high = (uint128)a * (uint64_t)(bc >> 64) + (uint64_t)(low >> 64);
    uint64_t limbs[3] = {(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64)};
    if (need_rest(sum) != TCORE_OK)
        return TCORE_FATAL;
    return tcore_wide_add(&sum->rest->wide, negative, limbs, 3, position);
}

enum tcore_status tcore_exact_sum_add_double(struct tcore_exact_sum *sum, double value)
{
    return tcore_exact_sum_add_weighted_double(sum, value, TCORE_WEIGHT_ONE);
}

enum tcore_status tcore_exact_sum_add_weighted_int64(struct tcore_exact_sum *sum, int64_t value,
                                                     uint64_t weight)
{
    if (weight % TCORE_WEIGHT_ONE == 0)
        return add_integer(sum, (int128)value * (int64_t)(weight / TCORE_WEIGHT_ONE));
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return add_product(sum, value < 0, 1, magnitude, weight, -WEIGHT_BITS);
}

enum tcore_status tcore_exact_sum_add_weighted_double(struct tcore_exact_sum *sum, double value,
                                                      uint64_t weight)
{
    enum tcore_status status;
    if (!weight)
        return TCORE_OK;
    if (!isfinite(value))
        return count_special(sum, value);
    if (is_int64(value)) {
        status = tcore_exact_sum_add_weighted_int64(sum, (int64_t)value, weight);
    } else {
        int32_t exponent;
        uint64_t mantissa = split(value, &exponent);
        if (weight != TCORE_WEIGHT_ONE)
            status = add_product(sum, value < 0, 1, mantissa, weight, exponent - WEIGHT_BITS);
        else if ((status = need_rest(sum)) == TCORE_OK)
            status = tcore_wide_add(&sum->rest->wide, value < 0, &mantissa, 1, exponent);
    }
    sum->floating |= status == TCORE_OK;
    return status;
}

enum tcore_status tcore_exact_sum_add_square_int64(struct tcore_exact_sum *sum, int64_t value,
                                                   uint64_t weight)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint128 square = (uint128)magnitude * magnitude; /* at most 2^126 */
    if (weight == TCORE_WEIGHT_ONE)
        return add_integer(sum, (int128)square);
    return add_product(sum, false, weight, magnitude, magnitude, -WEIGHT_BITS);
}

enum tcore_status tcore_exact_sum_add_square_double(struct tcore_exact_sum *sum, double value,
                                                    uint64_t weight)
{
    enum tcore_status status;
    if (!weight)
        return TCORE_OK;
    if (!isfinite(value))
        return count_special(sum, value * value);
    if (is_int64(value)) {
        status = tcore_exact_sum_add_square_int64(sum, (int64_t)value, weight);
    } else {
        int32_t exponent;
        uint64_t mantissa = split(value, &exponent);
        status = add_product(sum, false, weight, mantissa, mantissa, 2 * exponent - WEIGHT_BITS);
    }
    sum->floating |= status == TCORE_OK;
    return status;
}

static bool add_counter(uint64_t *counter, uint64_t more)
{
    if (__builtin_add_overflow(*counter, more, counter))
        *counter = UINT64_MAX;
    return *counter != 0;
}

enum tcore_status tcore_exact_sum_merge(struct tcore_exact_sum *into,
                                        const struct tcore_exact_sum *from)
{
    if (from->rest) {
        if (need_rest(into) != TCORE_OK)
            return TCORE_FATAL;
        enum tcore_status status = tcore_wide_merge(&into->rest->wide, &from->rest->wide);
        if (status != TCORE_OK)
            return status;
        add_counter(&into->rest->nans, from->rest->nans);
        add_counter(&into->rest->infinities, from->rest->infinities);
        add_counter(&into->rest->negative_infinities, from->rest->negative_infinities);
    }
    into->floating |= from->floating;
    return add_integer(into, integer_of(from));
}

static void natural_of(const struct tcore_exact_sum *sum, struct tcore_natural *out, bool *negative)
{
    tcore_natural_of(out, negative, sum->rest ? &sum->rest->wide : NULL, sum->low, sum->high);
}

/* Whether something was not finite, and what the sum then is. */
static bool special(const struct tcore_exact_sum *sum, double *value)
{
    const struct tcore_exact_rest *rest = sum->rest;
    if (!rest || !(rest->nans || rest->infinities || rest->negative_infinities))
        return false;
    if (rest->nans || (rest->infinities && rest->negative_infinities))
        *value = NAN;
    else
        *value = rest->infinities ? INFINITY : -INFINITY;
    return true;
}

double tcore_exact_sum_value(const struct tcore_exact_sum *sum)
{
    double value;
    if (special(sum, &value))
        return value;
    struct tcore_natural magnitude;
    bool negative;
    natural_of(sum, &magnitude, &negative);
    value = tcore_natural_to_double(&magnitude, false);
    return negative ? -value : value;
}

bool tcore_exact_sum_integer(const struct tcore_exact_sum *sum, __int128 *integer)
{
    struct tcore_natural number;
    bool negative;
    if (sum->floating)
        return false;
    natural_of(sum, &number, &negative);
    if (number.first < 0 || number.first + (int32_t)number.used > 2)
        return false;
    uint128 magnitude = 0;
    for (uint32_t i = 0; i < number.used; i++)
        magnitude |= (uint128)number.limbs[i] << (64 * (number.first + (int32_t)i));
    if (magnitude >> 127)
        return false;
    *integer = negative ? -(int128)magnitude : (int128)magnitude;
    return true;
}

size_t tcore_exact_sum_integer_text(const struct tcore_exact_sum *sum,
                                    char out[TCORE_EXACT_TEXT_BYTES])
{
    struct tcore_natural number;
    bool negative;
    if (sum->floating)
        return 0;
    natural_of(sum, &number, &negative);
    if (number.first < 0 || number.first + (int32_t)number.used > 2)
        return 0;
    uint128 magnitude = 0;
    for (uint32_t i = 0; i < number.used; i++)
        magnitude |= (uint128)number.limbs[i] << (64 * (number.first + (int32_t)i));
    char digits[TCORE_EXACT_TEXT_BYTES];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    } while (magnitude);
    if (negative)
        digits[--at] = '-';
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at - 1;
}

double tcore_exact_mean(const struct tcore_exact_sum *sum, uint64_t units)
{
    double value;
    if (!units)
        return NAN;
    if (special(sum, &value))
        return value;
    struct tcore_natural number;
    bool negative;
    natural_of(sum, &number, &negative);
    tcore_natural_multiply(&number, TCORE_WEIGHT_ONE);
    bool inexact = tcore_natural_divide(&number, units);
    value = tcore_natural_to_double(&number, inexact);
    return negative ? -value : value;
}

/*
 * With n = units / 2^16 the variance is
 *     2^16 * (units * squares - 2^16 * sum^2) / (units * (units - 2^16)).
 */
double tcore_exact_stddev(const struct tcore_exact_sum *sum, const struct tcore_exact_sum *squares,
                          uint64_t units)
{
    double value;
    if (units <= TCORE_WEIGHT_ONE || special(sum, &value) || special(squares, &value))
        return NAN;
    struct tcore_natural number, numerator, square;
    bool negative;
    natural_of(sum, &number, &negative);
    tcore_natural_square(&square, &number);
    tcore_natural_multiply(&square, TCORE_WEIGHT_ONE);
    natural_of(squares, &numerator, &negative);
    tcore_natural_multiply(&numerator, units);
    if (negative || !tcore_natural_subtract(&numerator, &square))
        return NAN;
    tcore_natural_multiply(&numerator, TCORE_WEIGHT_ONE);
    bool inexact = tcore_natural_divide(&numerator, units);
    inexact |= tcore_natural_divide(&numerator, units - TCORE_WEIGHT_ONE);
    return tcore_natural_root(&numerator, inexact);
}

void tcore_exact_sum_encode(const struct tcore_exact_sum *sum, struct tcore_buf *out)
{
    struct tcore_natural number;
    bool negative;
    double value;
    natural_of(sum, &number, &negative);
    bool specials = special(sum, &value);

    unsigned char bytes[sizeof number.limbs];
    size_t length = 0, zeros = 0;
    for (uint32_t i = 0; i < number.used; i++)
        for (int shift = 0; shift < 64; shift += 8)
            bytes[length++] = (unsigned char)(number.limbs[i] >> shift);
    while (length && !bytes[length - 1])
        length--;
    while (zeros < length && !bytes[zeros])
        zeros++;

    tcore_encode_uint64(out, (uint64_t)(length - zeros) << BYTES_SHIFT |
                                 (specials ? HAS_SPECIALS : 0) | (negative ? NEGATIVE : 0) |
                                 (sum->floating ? FLOATING : 0));
    if (length) {
        tcore_encode_int64(out, (int64_t)number.first * 8 + (int64_t)zeros);
        tcore_buf_append(out, bytes + zeros, length - zeros);
    }
    if (specials) {
        tcore_encode_uint64(out, sum->rest->nans);
        tcore_encode_uint64(out, sum->rest->infinities);
        tcore_encode_uint64(out, sum->rest->negative_infinities);
    }
}

/* Limits of what is accepted: two limbs of headroom for adding states up. */
enum { LOWEST_BYTE = 8 * (TCORE_WIDE_LOWEST + 1), HIGHEST_BYTE = 8 * (TCORE_WIDE_HIGHEST - 3) };

/* Adds +-(bytes * 256^exponent) to the empty sum, a limb at a time. */
static enum tcore_status add_bytes(struct tcore_exact_sum *sum, const unsigned char *bytes,
                                   size_t length, bool negative, int32_t exponent)
{
    bool is_integer = exponent >= 0 && (size_t)exponent + length <= 15;
    if (is_integer) {
        uint128 magnitude = 0;
        for (size_t i = 0; i < length; i++)
            magnitude |= (uint128)bytes[i] << (8 * (i + (size_t)exponent));
        return add_integer(sum, negative ? -(int128)magnitude : (int128)magnitude);
    }
    if (need_rest(sum) != TCORE_OK)
        return TCORE_FATAL;
    for (size_t i = 0; i < length; i += 8) {
        uint64_t limb = 0;
        for (size_t j = i; j < length && j < i + 8; j++)
            limb |= (uint64_t)bytes[j] << (8 * (j - i));
        enum tcore_status status =
            tcore_wide_add(&sum->rest->wide, negative, &limb, 1, (exponent + (int32_t)i) * 8);
        if (status != TCORE_OK)
            return status;
    }
    return TCORE_OK;
}

static bool decode_specials(struct tcore_state_reader *in, struct tcore_exact_rest *rest)
{
    return tcore_decode_uint64(in, &rest->nans) && tcore_decode_uint64(in, &rest->infinities) &&
           tcore_decode_uint64(in, &rest->negative_infinities) &&
           (rest->nans || rest->infinities || rest->negative_infinities);
}

enum tcore_status tcore_exact_sum_decode(struct tcore_exact_sum *sum, struct tcore_state_reader *in,
                                         struct tcore_error *err)
{
    uint64_t head;
    int64_t exponent = 0;
    struct tcore_exact_rest specials = {0};
    *sum = (struct tcore_exact_sum){0};
    if (!tcore_decode_uint64(in, &head))
        return tcore_decode_failed(err, sum_name, "bad head");
    uint64_t length = head >> BYTES_SHIFT;
    if (length && !tcore_decode_int64(in, &exponent))
        return tcore_decode_failed(err, sum_name, "bad exponent");
    if (length > tcore_state_reader_left(in) || length > HIGHEST_BYTE - LOWEST_BYTE ||
        exponent < LOWEST_BYTE || exponent > HIGHEST_BYTE - (int64_t)length)
        return tcore_decode_failed(err, sum_name, "too many digits");
    const unsigned char *bytes = in->at;
    in->at += length;
    if (length ? !bytes[0] || !bytes[length - 1] : (head & NEGATIVE) != 0)
        return tcore_decode_failed(err, sum_name, "not in its one form");
    if ((head & HAS_SPECIALS) && (!(head & FLOATING) || !decode_specials(in, &specials)))
        return tcore_decode_failed(err, sum_name, "bad count of infinities");

    enum tcore_status status =
        add_bytes(sum, bytes, (size_t)length, head & NEGATIVE, (int32_t)exponent);
    if (status == TCORE_OK && (head & HAS_SPECIALS))
        status = need_rest(sum);
    if (status != TCORE_OK) {
        tcore_exact_sum_free(sum);
        return tcore_error_nomem(err);
    }
    if (head & HAS_SPECIALS) {
        specials.wide = sum->rest->wide;
        *sum->rest = specials;
    }
    sum->floating = head & FLOATING;
    return TCORE_OK;
}
