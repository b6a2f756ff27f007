/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wide fixed-point numbers: accumulating in two's complement, then exact arithmetic, one rounding.
 */
#include "stats/wide.h"
#include "base/sys.h"

#include <math.h>
#include <string.h>

typedef unsigned __int128 uint128;

/* The limb that holds a bit. */
static inline int32_t limb_of(int32_t position)
{
    return position >= 0 ? position / 64 : -((63 - position) / 64);
}

void tcore_wide_free(struct tcore_wide *wide)
{
    tcore_free(wide->limbs);
    *wide = (struct tcore_wide){0};
}

static inline uint64_t sign_limb(const struct tcore_wide *wide)
{
    return wide->used ? wide->limbs[wide->used - 1] : 0; /* all sign bits */
}

/* Makes the window cover limbs from low to high (included); what is new has the sign above and
 * zeros below. */
static enum tcore_status cover(struct tcore_wide *wide, int32_t low, int32_t high)
{
    if (wide->used) {
        int32_t last = wide->first + (int32_t)wide->used - 1;
        low = low < wide->first ? low : wide->first;
        high = high > last ? high : last;
        if (low == wide->first && high == last)
            return TCORE_OK;
    }
    uint32_t needed = (uint32_t)(high - low) + 1;
    if (needed > wide->capacity) {
        uint64_t *limbs = tcore_reallocarray(wide->limbs, needed + 1, sizeof *limbs);
        if (!limbs)
            return TCORE_FATAL;
        wide->limbs = limbs;
        wide->capacity = needed + 1;
    }
    uint32_t below = wide->used ? (uint32_t)(wide->first - low) : 0;
    uint64_t sign = sign_limb(wide);
    if (wide->used)
        memmove(wide->limbs + below, wide->limbs, wide->used * sizeof *wide->limbs);
    for (uint32_t i = 0; i < below; i++)
        wide->limbs[i] = 0;
    for (uint32_t i = below + wide->used; i < needed; i++)
        wide->limbs[i] = sign;
    wide->first = low;
    wide->used = needed;
    return TCORE_OK;
}

/* Adds the limbs, which lie in the window below its last limb; further ones are all extension. */
static void add_limbs(struct tcore_wide *wide, uint32_t at, const uint64_t *limbs, uint32_t count,
                      uint64_t extension)
{
    unsigned carry = 0;
    for (uint32_t i = 0; at + i < wide->used; i++) {
        if (i >= count && (extension ? carry : !carry))
            return; /* adding -1 + 1 or 0 + 0: nothing changes from here on */
        uint64_t *limb = &wide->limbs[at + i];
        uint64_t sum, other = i < count ? limbs[i] : extension;
        unsigned first = __builtin_add_overflow(*limb, other, &sum);
        carry = first | __builtin_add_overflow(sum, (uint64_t)carry, limb);
    }
}

/* After an addition the last limb may have become a digit: then one more is the sign. There is
 * room for it, since cover() asked for it before. */
static void settle_sign(struct tcore_wide *wide)
{
    uint64_t top = wide->limbs[wide->used - 1];
    if (top != 0 && top != UINT64_MAX)
        wide->limbs[wide->used++] = top >> 63 ? UINT64_MAX : 0;
}

/* The window for an operand of limbs low to high, room for the sum's sign included. */
static enum tcore_status prepare(struct tcore_wide *wide, int32_t low, int32_t high)
{
    if (low < TCORE_WIDE_LOWEST || high > TCORE_WIDE_HIGHEST)
        return TCORE_BAD_INPUT;
    enum tcore_status status = cover(wide, low, high + 1);
    if (status != TCORE_OK || wide->used < wide->capacity)
        return status;
    uint64_t *limbs = tcore_reallocarray(wide->limbs, wide->capacity + 1, sizeof *limbs);
    if (!limbs)
        return TCORE_FATAL;
    wide->limbs = limbs;
    wide->capacity++;
    return TCORE_OK;
}

enum tcore_status tcore_wide_add(struct tcore_wide *wide, bool negative, const uint64_t *magnitude,
                                 uint32_t limbs, int32_t position)
{
    int32_t low = limb_of(position);
    unsigned shift = (unsigned)(position - low * 64);
    uint64_t shifted[5] = {0};
    for (uint32_t i = 0; i < limbs; i++) {
        shifted[i] |= magnitude[i] << shift;
        if (shift)
            shifted[i + 1] = magnitude[i] >> (64 - shift);
    }
    uint32_t count = limbs + 1;
    while (count && !shifted[count - 1])
        count--;
    if (!count)
        return TCORE_OK;
    if (negative) {
        unsigned carry = 1;
        for (uint32_t i = 0; i < count; i++)
            carry = __builtin_add_overflow(~shifted[i], (uint64_t)carry, &shifted[i]);
    }
    enum tcore_status status = prepare(wide, low, low + (int32_t)count - 1);
    if (status != TCORE_OK)
        return status;
    add_limbs(wide, (uint32_t)(low - wide->first), shifted, count, negative ? UINT64_MAX : 0);
    settle_sign(wide);
    return TCORE_OK;
}

enum tcore_status tcore_wide_merge(struct tcore_wide *into, const struct tcore_wide *from)
{
    uint64_t sign = sign_limb(from);
    uint32_t digits = from->used; /* limbs, above which all is sign */
    while (digits && from->limbs[digits - 1] == sign)
        digits--;
    if (!digits && !sign)
        return TCORE_OK;
    enum tcore_status status = prepare(into, from->first, from->first + (int32_t)digits - 1);
    if (status != TCORE_OK)
        return status;
    add_limbs(into, (uint32_t)(from->first - into->first), from->limbs, digits, sign);
    settle_sign(into);
    return TCORE_OK;
}

void tcore_natural_trim(struct tcore_natural *number)
{
    while (number->used && !number->limbs[number->used - 1])
        number->used--;
    uint32_t zeros = 0;
    while (zeros < number->used && !number->limbs[zeros])
        zeros++;
    number->used -= zeros;
    number->first = number->used ? number->first + (int32_t)zeros : 0;
    memmove(number->limbs, number->limbs + zeros, number->used * sizeof *number->limbs);
}

void tcore_natural_of(struct tcore_natural *out, bool *negative, const struct tcore_wide *wide,
                      uint64_t low, uint64_t high)
{
    struct tcore_wide sum = {.limbs = out->limbs, .capacity = TCORE_NATURAL_LIMBS};
    uint64_t integer[2] = {low, high}, sign = high >> 63 ? UINT64_MAX : 0;
    /* no allocation: the limbs of out are more than any window has */
    cover(&sum, 0, 2);
    add_limbs(&sum, 0, integer, 2, sign);
    if (wide && wide->used) {
        cover(&sum, wide->first, wide->first + (int32_t)wide->used);
        add_limbs(&sum, (uint32_t)(wide->first - sum.first), wide->limbs, wide->used,
                  sign_limb(wide));
    }
    *negative = sum.limbs[sum.used - 1] >> 63;
    if (*negative) {
        unsigned carry = 1;
        for (uint32_t i = 0; i < sum.used; i++)
            carry = __builtin_add_overflow(~sum.limbs[i], (uint64_t)carry, &sum.limbs[i]);
    }
    out->first = sum.first;
    out->used = sum.used;
    tcore_natural_trim(out);
}

void tcore_natural_multiply(struct tcore_natural *number, uint64_t factor)
{
    uint64_t carry = 0;
    for (uint32_t i = 0; i < number->used; i++) {
        uint128 product = (uint128)number->limbs[i] * factor + carry;
        number->limbs[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    if (carry)
        number->limbs[number->used++] = carry;
    tcore_natural_trim(number);
}

void tcore_natural_square(struct tcore_natural *out, const struct tcore_natural *number)
{
    out->first = number->first * 2;
    out->used = number->used * 2;
    memset(out->limbs, 0, out->used * sizeof *out->limbs);
    for (uint32_t i = 0; i < number->used; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < number->used; j++) {
            uint128 sum = (uint128)number->limbs[i] * number->limbs[j] + out->limbs[i + j] + carry;
            out->limbs[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        out->limbs[i + number->used] = carry;
    }
    tcore_natural_trim(out);
}

/* Puts zeros below until the number starts at limb first. */
static void extend_down(struct tcore_natural *number, int32_t first)
{
    if (!number->used || number->first <= first)
        return;
    uint32_t zeros = (uint32_t)(number->first - first);
    memmove(number->limbs + zeros, number->limbs, number->used * sizeof *number->limbs);
    memset(number->limbs, 0, zeros * sizeof *number->limbs);
    number->used += zeros;
    number->first = first;
}

bool tcore_natural_subtract(struct tcore_natural *a, const struct tcore_natural *b)
{
    if (!b->used)
        return true;
    if (!a->used || a->first + (int32_t)a->used < b->first + (int32_t)b->used)
        return false;
    extend_down(a, b->first);
    unsigned borrow = 0;
    for (uint32_t i = (uint32_t)(b->first - a->first), j = 0; i < a->used; i++, j++) {
        uint64_t subtrahend = j < b->used ? b->limbs[j] : 0, difference;
        unsigned first = __builtin_sub_overflow(a->limbs[i], subtrahend, &difference);
        borrow = first | __builtin_sub_overflow(difference, (uint64_t)borrow, &a->limbs[i]);
    }
    tcore_natural_trim(a);
    return !borrow;
}

bool tcore_natural_divide(struct tcore_natural *number, uint64_t divisor)
{
    uint64_t remainder = 0;
    extend_down(number, number->first - 2);
    for (uint32_t i = number->used; i-- > 0;) {
        uint128 dividend = (uint128)remainder << 64 | number->limbs[i];
        number->limbs[i] = (uint64_t)(dividend / divisor);
        remainder = (uint64_t)(dividend % divisor);
    }
    tcore_natural_trim(number);
    return remainder != 0;
}

/* The bit position behind the highest bit: the number is in [2^(top - 1), 2^top). */
static int32_t top_of(const struct tcore_natural *number)
{
    uint64_t highest = number->limbs[number->used - 1];
    return (number->first + (int32_t)number->used) * 64 - __builtin_clzll(highest);
}

static uint64_t limb_at(const struct tcore_natural *number, int32_t limb)
{
    int32_t i = limb - number->first;
    return i >= 0 && i < (int32_t)number->used ? number->limbs[i] : 0;
}

/* 64 bits from a bit position on. */
static uint64_t bits_from(const struct tcore_natural *number, int32_t position)
{
    int32_t limb = limb_of(position);
    unsigned shift = (unsigned)(position - limb * 64);
    uint64_t bits = limb_at(number, limb) >> shift;
    return shift ? bits | limb_at(number, limb + 1) << (64 - shift) : bits;
}

/* Whether any bit below the position is set. */
static bool any_below(const struct tcore_natural *number, int32_t position)
{
    for (uint32_t i = 0; i < number->used; i++) {
        int32_t base = (number->first + (int32_t)i) * 64;
        if (base >= position)
            return false;
        uint64_t limb = number->limbs[i];
        if (position - base < 64)
            limb &= (UINT64_C(1) << (position - base)) - 1;
        if (limb)
            return true;
    }
    return false;
}

double tcore_natural_to_double(const struct tcore_natural *number, bool inexact)
{
    if (!number->used)
        return 0;
    int32_t top = top_of(number);
    int32_t last = top - 53 > -1074 ? top - 53 : -1074; /* position of the last bit of a double */
    uint64_t mantissa = top > last ? bits_from(number, last) : 0;
    bool half = bits_from(number, last - 1) & 1;
    bool more = inexact || any_below(number, last - 1);
    if (half && (more || (mantissa & 1)))
        mantissa++;
    return ldexp((double)mantissa, last);
}

static uint64_t root_of_128_bits(uint128 square)
{
    uint64_t root = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t candidate = root | UINT64_C(1) << bit;
        if ((uint128)candidate * candidate <= square)
            root = candidate;
    }
    return root;
}

double tcore_natural_root(const struct tcore_natural *number, bool inexact)
{
    if (!number->used)
        return 0;
    /* the highest 127 or 128 bits, from an even position on: their root has 64 bits */
    int32_t position = top_of(number) - 128;
    position += position & 1;
    uint128 square = (uint128)bits_from(number, position + 64) << 64 | bits_from(number, position);
    uint64_t root = root_of_128_bits(square);
    bool more = inexact || any_below(number, position) || (uint128)root * root != square;

    int32_t half = position / 2, limb = limb_of(half); /* of the root's last bit */
    unsigned shift = (unsigned)(half - limb * 64);
    struct tcore_natural out = {.first = limb, .used = 1, .limbs = {root << shift}};
    if (shift && root >> (64 - shift))
        out.limbs[out.used++] = root >> (64 - shift);
    return tcore_natural_to_double(&out, more);
}
