/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers and their text. A decimal literal is taken apart into digits and an exponent; where 128
 * bits hold the exact product or quotient with a power of five, the result is rounded from that,
 * which is exact. The C library's strtod and printf serve the rest, fed and read without a decimal
 * point, so that no locale can matter.
 */
#include "model/number.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

enum {
    MOST_DIGITS = 800,   /* of a literal: more cannot change a double but by being there at all */
    POWERS = 28,         /* 5^0 ... 5^27 fit 64 bits */
    FIRST_POSITION = -6, /* decimal exponents of doubles that are written without one: from here */
    LAST_POSITION = 20   /* ... to here, as ECMAScript does */
};

static const uint64_t power_of_5[POWERS] = {1,
                                            5,
                                            25,
                                            125,
                                            625,
                                            3125,
                                            15625,
                                            78125,
                                            390625,
                                            1953125,
                                            9765625,
                                            48828125,
                                            244140625,
                                            1220703125,
                                            6103515625,
                                            30517578125,
                                            152587890625,
                                            762939453125,
                                            3814697265625,
                                            19073486328125,
                                            95367431640625,
                                            476837158203125,
                                            2384185791015625,
                                            11920928955078125,
                                            59604644775390625,
                                            298023223876953125,
                                            1490116119384765625,
                                            7450580596923828125};

static unsigned count_digits(uint64_t number)
{
    static const uint64_t powers[] = {0,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000,
                                      10000000000000000,
                                      100000000000000000,
                                      1000000000000000000,
                                      10000000000000000000u};
    /* log10 from log2, which may be one too many */
    unsigned guess = (unsigned)(64 - __builtin_clzll(number | 1)) * 1233 >> 12;
    return guess + (number >= powers[guess]);
}

static inline uint64_t magnitude(int64_t i)
{
    return i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
}

size_t tcore_int64_length(int64_t i)
{
    return (i < 0) + (i ? count_digits(magnitude(i)) : 1);
}

size_t tcore_format_int64(char *out, int64_t i)
{
    uint64_t left = magnitude(i);
    size_t length = tcore_int64_length(i), at = length;
    *out = '-';
    while (left >= 100) { /* two a division: the divisions are what takes time */
        unsigned pair = (unsigned)(left % 100);
        left /= 100;
        out[--at] = (char)('0' + pair % 10);
        out[--at] = (char)('0' + pair / 10);
    }
    if (left >= 10) {
        out[--at] = (char)('0' + left % 10);
        left /= 10;
    }
    out[--at] = (char)('0' + left);
    return length;
}

/* The number of eight digits at once, in the bytes of a word; false: these are something else. */
static inline bool parse_eight(const char *text, uint64_t *number)
{
    uint64_t v, high = UINT64_C(0xf0f0f0f0f0f0f0f0), zeros = UINT64_C(0x3030303030303030);
    memcpy(&v, text, sizeof v);
    v = le64toh(v);
    if ((v & high) != zeros || ((v + UINT64_C(0x0606060606060606)) & high) != zeros)
        return false;
    v -= zeros;
    v = v * 10 + (v >> 8); /* pairs, in every other byte; then all four of them */
    *number = ((v & UINT64_C(0x000000ff000000ff)) * (100 + (UINT64_C(1000000) << 32)) +
               (v >> 16 & UINT64_C(0x000000ff000000ff)) * (1 + (UINT64_C(10000) << 32))) >>
              32;
    return true;
}

bool tcore_parse_int64(const char *text, size_t length, int64_t *i)
{
    size_t at = length && text[0] == '-';
    bool negative = at;
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative, eight;
    if (at == length)
        return false;
    for (int n = 0; n < 2 && length - at >= 8 && parse_eight(text + at, &eight); n++, at += 8)
        value = value * 100000000 + eight; /* of so few digits it is not too large */
    for (; at < length; at++) {
        unsigned digit = (unsigned char)text[at] - (unsigned)'0';
        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *i = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* A literal taken apart: 0.d1d2d3... * 10^point with d1 not 0; count is 0 for zero. */
struct decimal {
    bool negative;
    const char *digits; /* from the first to the last that is not 0, perhaps with a point between */
    size_t length;      /* of that text */
    size_t count;       /* digits in it */
    int64_t point;
};

static inline bool is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

/* The exponent behind e; false if it is none. Huge ones stay huge. */
static bool parse_exponent(const char *p, const char *end, int64_t *exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (!is_digit(p, end))
        return false;
    int64_t value = 0;
    for (; is_digit(p, end); p++)
        if (value < INT64_MAX / 20)
            value = value * 10 + (*p - '0');
    *exponent = negative ? -value : value;
    return p == end;
}

/* All of text as a JSON number, taken apart. */
static bool take_apart(const char *text, size_t length, struct decimal *d)
{
    const char *p = text, *end = text + length, *first = NULL, *last = NULL, *point = NULL;
    *d = (struct decimal){.negative = p < end && *p == '-'};
    p += d->negative;
    if (!is_digit(p, end) || (*p == '0' && is_digit(p + 1, end)))
        return false;
    for (; p < end && (is_digit(p, end) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = p;
        } else if (*p != '0') {
            first = first ? first : p;
            last = p;
        }
    }
    if (point && p == point + 1)
        return false;
    const char *units = point ? point : p; /* behind the digit of 10^0 */
    int64_t exponent = 0;
    if (p < end && ((*p != 'e' && *p != 'E') || !parse_exponent(p + 1, end, &exponent)))
        return false;
    if (!first)
        return true;
    d->digits = first;
    d->length = (size_t)(last + 1 - first);
    d->count = d->length - (point && first < point && point < last);
    d->point = exponent + (first < units ? units - first : units + 1 - first);
    return true;
}

/* The digits as an integer; there are at most 19. */
static uint64_t digits_value(const struct decimal *d)
{
    uint64_t value = 0;
    for (size_t i = 0; i < d->length; i++)
        if (d->digits[i] != '.')
            value = value * 10 + (uint64_t)(d->digits[i] - '0');
    return value;
}

bool tcore_parse_integral(const char *text, size_t length, int64_t *i)
{
    struct decimal d;
    if (!take_apart(text, length, &d))
        return false;
    if (d.count == 0) {
        *i = 0;
        return true;
    }
    if (d.point > 19 || d.point < (int64_t)d.count)
        return false;
    uint64_t value = digits_value(&d);
    for (int64_t zeros = d.point - (int64_t)d.count; zeros > 0; zeros--)
        value *= 10; /* 19 digits always fit */
    if (value > (uint64_t)INT64_MAX + d.negative)
        return false;
    *i = d.negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* value * 2^exponent, rounded to nearest, ties to even; inexact: a little more than value. The
 * result is a normal number. */
static double round_scaled(uint128 value, bool inexact, int exponent)
{
    uint64_t high = (uint64_t)(value >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)value);
    int drop = bits - 53;
    if (drop <= 0)
        return ldexp((double)(uint64_t)value, exponent);
    uint64_t kept = (uint64_t)(value >> drop);
    uint128 rest = value & (((uint128)1 << drop) - 1), half = (uint128)1 << (drop - 1);
    if (rest > half || (rest == half && (inexact || kept & 1)))
        kept++;
    return ldexp((double)kept, exponent + drop);
}

/* value * 10^exponent for exponents whose power of five fits 64 bits: exact, then rounded once. */
static double scale_decimal(uint64_t value, int exponent)
{
    if (value <= (uint64_t)1 << 53 && exponent >= -22 && exponent <= 22) {
        /* Both are doubles, so one operation rounds once (Clinger 1990). */
        static const double power_of_10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
        return exponent < 0 ? (double)value / power_of_10[-exponent]
                            : (double)value * power_of_10[exponent];
    }
    if (exponent >= 0)
        return round_scaled((uint128)value * power_of_5[exponent], false, exponent);
    uint128 dividend = (uint128)value << 64;
    dividend <<= __builtin_clzll(value);
    uint128 quotient = dividend / power_of_5[-exponent];
    bool inexact = quotient * power_of_5[-exponent] != dividend;
    return round_scaled(quotient, inexact, exponent - 64 - __builtin_clzll(value));
}

/* Any decimal by strtod, given as digits and an exponent. */
static double scale_any(const struct decimal *d)
{
    char text[MOST_DIGITS + 32];
    size_t count = 0;
    for (size_t i = 0; i < d->length && count < MOST_DIGITS; i++)
        if (d->digits[i] != '.')
            text[count++] = d->digits[i];
    int64_t exponent = d->point - (int64_t)count;
    if (count < d->count) { /* what is cut off is more than nothing */
        text[count++] = '1';
        exponent--;
    }
    text[count++] = 'e';
    count += tcore_format_int64(text + count, exponent);
    text[count] = '\0';
    int saved = errno;
    double value = strtod(text, NULL);
    errno = saved;
    return value;
}

bool tcore_parse_double(const char *text, size_t length, double *d)
{
    struct decimal decimal;
    if (!take_apart(text, length, &decimal))
        return false;
    double value = 0;
    if (decimal.count) {
        int64_t exponent = decimal.point - (int64_t)decimal.count;
        if (decimal.count <= 19 && exponent > -POWERS && exponent < POWERS)
            value = scale_decimal(digits_value(&decimal), (int)exponent);
        else if (decimal.point > 400)
            value = INFINITY;
        else if (decimal.point > -400)
            value = scale_any(&decimal);
    }
    *d = decimal.negative ? -value : value;
    return true;
}

/* The digits of the shortest decimal: digits * 10^exponent, digits not divisible by 10. */
struct shortest {
    uint64_t digits;
    int exponent;
};

static void strip_zeros(struct shortest *s)
{
    while (s->digits && s->digits % 10 == 0) {
        s->digits /= 10;
        s->exponent++;
    }
}

/*
 * The multiple of the highest power of ten between low and high that is nearest to value plus a
 * fraction of half_sign (-1: under a half, 0: a half, 1: above, -2: none); all in units of
 * 10^exponent.
 */
static struct shortest pick_shortest(uint64_t low, uint64_t high, uint64_t value, int half_sign,
                                     int exponent)
{
    uint64_t power = 1;
    int removed = 0;
    while (high / (power * 10) * (power * 10) >= low) {
        power *= 10;
        removed++;
    }
    uint64_t under = value / power * power, rest = value - under, over = under + power;
    int beyond_half; /* where value lies between under and over */
    if (power == 1)
        beyond_half = half_sign == -2 ? -1 : half_sign;
    else if (rest * 2 == power)
        beyond_half = half_sign == -2 ? 0 : 1;
    else
        beyond_half = rest * 2 > power ? 1 : -1;
    bool up = beyond_half > 0 || (beyond_half == 0 && under / power % 2);
    if (up ? over > high : under < low)
        up = !up;
    return (struct shortest){(up ? over : under) / power, exponent + removed};
}

/*
 * For doubles m * 2^e between about 1e-15 and 1e17: scaled by a power of ten to 17 or 18 digits
 * before the point, exactly in 128 bits, together with the bounds of what rounds to the double.
 * False outside that range.
 */
static bool shortest_exact(uint64_t m, int e, struct shortest *s)
{
    int magnitude = (int)floor((e + 52) * 0.30102999566398120); /* of log10, or one less */
    int k = 16 - magnitude;
    if (k < 0 || k > 31)
        return false;
    uint128 scale =
        k < POWERS ? power_of_5[k] : (uint128)power_of_5[POWERS - 1] * power_of_5[k - POWERS + 1];
    bool boundary = m == (uint64_t)1 << 52; /* the next lower double is half as far away */
    uint128 value = scale * (4 * m), low = scale * (4 * m - (boundary ? 1 : 2)),
            high = scale * (4 * m + 2);
    int shift = -(e - 2 + k);
    if (shift <= 0) {
        value <<= -shift;
        low <<= -shift;
        high <<= -shift;
        shift = 0;
    }
    uint128 mask = ((uint128)1 << shift) - 1;
    bool even = m % 2 == 0; /* the bounds themselves round to an even m */
    uint64_t least = (uint64_t)(low >> shift), most = (uint64_t)(high >> shift);
    if ((low & mask) != 0 || !even)
        least++;
    if ((high & mask) == 0 && !even)
        most--;
    uint128 fraction = value & mask;
    int half_sign = -2;
    if (fraction) {
        uint128 half = (uint128)1 << (shift - 1);
        half_sign = fraction > half ? 1 : fraction < half ? -1 : 0;
    }
    *s = pick_shortest(least, most, (uint64_t)(value >> shift), half_sign, -k);
    return true;
}

static double shortest_value(const struct shortest *s)
{
    char text[TCORE_NUMBER_BYTES];
    double d = 0;
    size_t length = tcore_format_int64(text, (int64_t)s->digits);
    text[length++] = 'e';
    length += tcore_format_int64(text + length, s->exponent);
    tcore_parse_double(text, length, &d);
    return d;
}

/* Any double, by printing more and more digits until they read back. */
static struct shortest shortest_printed(double d, bool subnormal)
{
    struct shortest s = {0};
    /* Fifteen digits survive any normal double; subnormal ones have less precision. */
    for (int digits = subnormal ? 1 : 15; digits <= 17; digits++) {
        char text[48];
        snprintf(text, sizeof text, "%.*e", digits - 1, d);
        s = (struct shortest){0};
        const char *p = text;
        for (; *p && *p != 'e'; p++)
            if (*p >= '0' && *p <= '9')
                s.digits = s.digits * 10 + (uint64_t)(*p - '0');
        s.exponent = (int)strtol(p + 1, NULL, 10) - (digits - 1);
        if (shortest_value(&s) == d)
            break;
        /* Above a power of two the doubles lie wider than below: the nearest decimal may fail
         * below where the next one above does not. */
        s.digits++;
        if (digits == 16 && shortest_value(&s) == d)
            break;
    }
    return s;
}

static char *write_zeros(char *to, int count)
{
    memset(to, '0', (size_t)count);
    return to + count;
}

/* digits with the point behind the first of them (as many as fit) and an exponent, or in place. */
static size_t lay_out(char *out, const struct shortest *s)
{
    char digits[20], *to = out;
    int count = (int)tcore_format_int64(digits, (int64_t)s->digits);
    int exponent = s->exponent + count - 1; /* of the first digit */
    int before = exponent + 1;              /* digits before the point */
    bool positional = exponent >= FIRST_POSITION && exponent <= LAST_POSITION;
    if (!positional)
        before = 1;
    if (before <= 0) {
        *to++ = '0';
        *to++ = '.';
        to = write_zeros(to, -before);
        before = 0;
    }
    for (int i = 0; i < count; i++) {
        if (i == before && i)
            *to++ = '.';
        *to++ = digits[i];
    }
    if (positional && before >= count) {
        to = write_zeros(to, before - count);
        *to++ = '.';
        *to++ = '0';
    }
    if (!positional) {
        *to++ = 'e';
        if (exponent > 0)
            *to++ = '+';
        to += tcore_format_int64(to, exponent);
    }
    return (size_t)(to - out);
}

static size_t write_word(char *out, const char *word)
{
    size_t length = strlen(word);
    memcpy(out, word, length);
    return length;
}

size_t tcore_format_double(char *out, double d)
{
    if (isnan(d))
        return write_word(out, "NaN");
    if (isinf(d))
        return write_word(out, d > 0 ? "Infinity" : "-Infinity");
    size_t sign = signbit(d) != 0;
    if (sign)
        *out++ = '-';
    d = fabs(d);
    if (d < 0x1p53 && d == (double)(int64_t)d) {
        size_t length = tcore_format_int64(out, (int64_t)d);
        return sign + length + write_word(out + length, ".0");
    }
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    uint64_t m = bits & (((uint64_t)1 << 52) - 1);
    int biased = (int)(bits >> 52);
    struct shortest s;
    if (biased == 0 || !shortest_exact(m | (uint64_t)1 << 52, biased - 1075, &s))
        s = shortest_printed(d, biased == 0);
    strip_zeros(&s);
    return sign + lay_out(out, &s);
}
