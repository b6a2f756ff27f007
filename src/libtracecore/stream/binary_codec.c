/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integers, hexadecimal and text checks of the binary stream, in loops without branches. */
#include "model/number.h"
#include "stream/binary_codec.h"
#include "stream/binary_format.h"

#include <math.h>
#include <string.h>

/* The default -O2 of GCC 12 leaves loops of unknown length scalar: these are the ones where the
 * vector form was measured to be two to six times as fast. */
#if defined(__GNUC__) && !defined(__clang__)
#define VECTORISED __attribute__((optimize("O3")))
#else
#define VECTORISED
#endif

unsigned tcore_binary_width(uint64_t range)
{
    return range ? (unsigned)(64 - __builtin_clzll(range) + 7) / 8 : 0;
}

VECTORISED void tcore_binary_range(const int64_t *values, size_t count, int64_t *min, int64_t *max)
{
    int64_t low = values[0], high = values[0];
    for (size_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    *min = low;
    *max = high;
}

VECTORISED void tcore_binary_pack(uint8_t *out, const int64_t *values, size_t count, uint64_t base,
                                  unsigned width)
{
    switch (width) {
    case 0:
        return;
    case 1:
        for (size_t i = 0; i < count; i++)
            out[i] = (uint8_t)((uint64_t)values[i] - base);
        return;
    case 2:
        for (size_t i = 0; i < count; i++)
            binary_put16(out + i * 2, (uint16_t)((uint64_t)values[i] - base));
        return;
    case 4:
        for (size_t i = 0; i < count; i++)
            binary_put32(out + i * 4, (uint32_t)((uint64_t)values[i] - base));
        return;
    case 8:
        for (size_t i = 0; i < count; i++)
            binary_put64(out + i * 8, (uint64_t)values[i] - base);
        return;
    default:
        break;
    }
    /* Each store of eight bytes overwrites what the one before it wrote too much. */
    size_t whole = count > 8 ? count - 8 : 0;
    for (size_t i = 0; i < whole; i++)
        binary_put64(out + i * width, (uint64_t)values[i] - base);
    for (size_t i = whole; i < count; i++) {
        uint8_t bytes[8];
        binary_put64(bytes, (uint64_t)values[i] - base);
        memcpy(out + i * width, bytes, width);
    }
}

VECTORISED void tcore_binary_pack_codes(uint8_t *out, const uint16_t *codes, size_t count,
                                        unsigned width)
{
    if (width == 1) {
        for (size_t i = 0; i < count; i++)
            out[i] = (uint8_t)codes[i];
    } else if (width == 2) {
        for (size_t i = 0; i < count; i++)
            binary_put16(out + i * 2, codes[i]);
    }
}

VECTORISED void tcore_binary_pack_lengths(uint8_t *out, const uint32_t *lengths, size_t count,
                                          uint32_t base, unsigned width)
{
    if (width == 1) {
        for (size_t i = 0; i < count; i++)
            out[i] = (uint8_t)(lengths[i] - base);
    } else if (width == 2) {
        for (size_t i = 0; i < count; i++)
            binary_put16(out + i * 2, (uint16_t)(lengths[i] - base));
    } else if (width == 4) {
        for (size_t i = 0; i < count; i++)
            binary_put32(out + i * 4, lengths[i] - base);
    }
}

static inline uint64_t low_bytes(unsigned width)
{
    return width < 8 ? ((uint64_t)1 << 8 * width) - 1 : UINT64_MAX;
}

/* The offset number i of 3, 5, 6 or 7 bytes, without a look behind the data. */
static inline uint64_t odd_offset(const uint8_t *data, size_t i, unsigned width)
{
    uint8_t bytes[8] = {0};
    memcpy(bytes, data + i * width, width);
    return binary_get64(bytes);
}

/* How many offsets can be read by eight bytes each. */
static inline size_t whole_loads(size_t count, unsigned width)
{
    size_t bytes = count * width;
    return bytes < 8 ? 0 : (bytes - 8) / width + 1;
}

VECTORISED void tcore_binary_unpack(int64_t *restrict values, const uint8_t *restrict data,
                                    size_t count, uint64_t base, unsigned width)
{
    switch (width) {
    case 0:
        for (size_t i = 0; i < count; i++)
            values[i] = (int64_t)base;
        return;
    case 1:
        for (size_t i = 0; i < count; i++)
            values[i] = (int64_t)(base + data[i]);
        return;
    case 2:
        for (size_t i = 0; i < count; i++)
            values[i] = (int64_t)(base + binary_get16(data + i * 2));
        return;
    case 4:
        for (size_t i = 0; i < count; i++)
            values[i] = (int64_t)(base + binary_get32(data + i * 4));
        return;
    case 8:
        for (size_t i = 0; i < count; i++)
            values[i] = (int64_t)(base + binary_get64(data + i * 8));
        return;
    default:
        break;
    }
    uint64_t mask = low_bytes(width);
    size_t whole = whole_loads(count, width);
    for (size_t i = 0; i < whole; i++)
        values[i] = (int64_t)(base + (binary_get64(data + i * width) & mask));
    for (size_t i = whole; i < count; i++)
        values[i] = (int64_t)(base + odd_offset(data, i, width));
}

/* Offsets of up to eight bytes each, added up as they are read. */
static uint64_t add_up(int64_t *values, const uint8_t *data, size_t count, uint64_t base,
                       uint64_t step, unsigned width)
{
    uint64_t at = base, mask = low_bytes(width);
    for (size_t i = 0; i < count; i++) {
        at += step + (binary_get64(data + i * width) & mask);
        values[i] = (int64_t)at;
    }
    return at;
}

void tcore_binary_unpack_delta(int64_t *values, const uint8_t *data, size_t count, uint64_t base,
                               uint64_t step, unsigned width)
{
    size_t whole = width ? whole_loads(count, width) : 0;
    uint64_t at = add_up(values, data, whole, base, step, width);
    for (size_t i = whole; i < count; i++) {
        at += step + odd_offset(data, i, width);
        values[i] = (int64_t)at;
    }
}

VECTORISED uint32_t tcore_binary_unpack_codes(uint32_t *restrict codes,
                                              const uint8_t *restrict data, size_t count,
                                              uint32_t base, unsigned width)
{
    uint32_t most = 0;
    switch (width) {
    case 1: {
        uint8_t high = 0;
        for (size_t i = 0; i < count; i++)
            high = data[i] > high ? data[i] : high;
        for (size_t i = 0; i < count; i++)
            codes[i] = base + data[i];
        return high;
    }
    case 2:
        for (size_t i = 0; i < count; i++) {
            uint32_t code = binary_get16(data + i * 2);
            most = code > most ? code : most;
            codes[i] = base + code;
        }
        return most;
    case 4:
        for (size_t i = 0; i < count; i++) {
            uint32_t code = binary_get32(data + i * 4);
            most = code > most ? code : most;
            codes[i] = base + code;
        }
        return most;
    default:
        for (size_t i = 0; i < count; i++)
            codes[i] = base;
        return 0;
    }
}

VECTORISED void tcore_binary_add(int64_t *restrict values, const int64_t *restrict more,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (int64_t)((uint64_t)values[i] + (uint64_t)more[i]);
}

VECTORISED void tcore_binary_sum(int64_t *restrict values, const int64_t *restrict a,
                                 const int64_t *restrict b, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (int64_t)(base + (uint64_t)a[i] + (uint64_t)b[i]);
}

#define EACH_BYTE 0x0101010101010101u

/*
 * Eight digits at once, in the bytes of a word: those of the high half-byte 3 are 0 to 9 and those
 * of 6 are a to f, where bit 6 tells the two apart. *bad gets a bit for each byte that is neither.
 */
static inline uint32_t hex_decode8(uint64_t digits, uint64_t *bad)
{
    uint64_t letter = digits >> 6 & EACH_BYTE, low = digits & EACH_BYTE * 15;
    uint64_t value = low + letter * 9;
    *bad |= (digits & EACH_BYTE * 0xf0) ^ (EACH_BYTE * 0x30 + letter * 0x30);
    *bad |= (value + (EACH_BYTE - letter) * 6) & EACH_BYTE * 16; /* above 9, or above f */
    *bad |= letter & ~((low + EACH_BYTE * 15) >> 4);             /* the byte before a */
    uint64_t bytes = (value << 4 | value >> 8) & 0x00ff00ff00ff00ff;
    bytes = (bytes | bytes >> 8) & 0x0000ffff0000ffff;
    return (uint32_t)(bytes | bytes >> 16);
}

bool tcore_binary_hex_decode(uint8_t *out, const char *text, size_t bytes)
{
    uint64_t bad = 0;
    size_t i = 0;
    for (; bytes - i >= 4; i += 4)
        binary_put32(out + i, hex_decode8(binary_get64(text + 2 * i), &bad));
    for (; i < bytes; i++) {
        uint64_t pair = EACH_BYTE * '0';
        pair = (pair & ~(uint64_t)0xffff) | binary_get16(text + 2 * i);
        out[i] = (uint8_t)hex_decode8(pair, &bad);
    }
    return !bad;
}

/* Four bytes as the eight digits in the bytes of a word. */
static inline uint64_t hex_encode4(uint32_t bytes)
{
    uint64_t spread = ((uint64_t)bytes << 16 | bytes) & 0x0000ffff0000ffff;
    spread = (spread << 8 | spread) & 0x00ff00ff00ff00ff;
    uint64_t value = (spread >> 4 | spread << 8) & EACH_BYTE * 15;
    uint64_t letter = (value + EACH_BYTE * 6) >> 4 & EACH_BYTE;
    return value + EACH_BYTE * '0' + letter * ('a' - '0' - 10);
}

void tcore_binary_hex_encode(char *out, const uint8_t *data, size_t bytes)
{
    size_t i = 0;
    for (; bytes - i >= 4; i += 4)
        binary_put64(out + 2 * i, hex_encode4(binary_get32(data + i)));
    for (; i < bytes; i++)
        binary_put16(out + 2 * i, (uint16_t)hex_encode4(data[i]));
}

bool tcore_binary_is_ascii(const char *text, size_t length)
{
    uint64_t any = 0, word;
    size_t i = 0;
    for (; length - i >= 8; i += 8) {
        memcpy(&word, text + i, 8);
        any |= word;
    }
    for (; i < length; i++)
        any |= (uint64_t)(unsigned char)text[i] << 56 | (unsigned char)text[i];
    return !(any & 0x8080808080808080);
}

/* Length of the multi-byte character at p (Unicode table 3-7, and surrogates); 0 if it is none. */
static size_t character_length(const unsigned char *p, size_t left)
{
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < length)
        return 0;
    unsigned low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool tcore_binary_is_text(const char *text, size_t length, bool surrogates)
{
    if (tcore_binary_is_ascii(text, length))
        return true;
    const unsigned char *p = (const unsigned char *)text, *end = p + length;
    bool after_high = false; /* the character before was a high surrogate */
    while (p < end) {
        if (*p < 0x80) {
            p++;
            after_high = false;
            continue;
        }
        size_t bytes = character_length(p, (size_t)(end - p));
        bool surrogate = bytes == 3 && p[0] == 0xed && p[1] >= 0xa0;
        bool low = surrogate && p[1] >= 0xb0;
        if (!bytes || (surrogate && !surrogates) || (low && after_high))
            return false;
        after_high = surrogate && !low;
        p += bytes;
    }
    return true;
}

static size_t digits_at(const char *text, size_t length, size_t i)
{
    size_t start = i;
    while (i < length && text[i] >= '0' && text[i] <= '9')
        i++;
    return i - start;
}

bool tcore_binary_is_number(const char *text, size_t length)
{
    size_t i = length && text[0] == '-';
    size_t digits = digits_at(text, length, i);
    if (!digits || (digits > 1 && text[i] == '0'))
        return false;
    i += digits;
    if (i < length && text[i] == '.') {
        digits = digits_at(text, length, i + 1);
        if (!digits)
            return false;
        i += 1 + digits;
    }
    if (i < length && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        i += i < length && (text[i] == '+' || text[i] == '-');
        digits = digits_at(text, length, i);
        if (!digits)
            return false;
        i += digits;
    }
    return i == length;
}

/*
 * A decimal of at most 15 significant digits is the only such one that reads as its double (IEEE
 * 754: 15 digits survive), so if it has no superfluous zero it is the shortest; and with at most 22
 * digits behind the point one correctly rounded division reads it (Clinger 1990).
 */
static bool short_double(const char *text, size_t length, double *d)
{
    static const double powers[] = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                    1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    size_t sign = text[0] == '-', whole = digits_at(text, length, sign);
    size_t point = sign + whole;
    if (length > 18 || whole < 1 || point + 2 > length || text[point] != '.')
        return false;
    size_t fraction = digits_at(text, length, point + 1);
    if (point + 1 + fraction != length || whole + fraction > 15 || fraction > 12 || !fraction ||
        (whole > 1 && text[sign] == '0'))
        return false;
    if (text[length - 1] == '0' && fraction > 1)
        return false;
    uint64_t digits = 0;
    for (size_t i = sign; i < length; i++)
        if (i != point)
            digits = digits * 10 + (uint64_t)(text[i] - '0');
    *d = (double)digits / powers[fraction];
    if (*d != 0 && *d < 1e-6)
        return false; /* printed with an exponent */
    if (sign)
        *d = -*d;
    return true;
}

bool tcore_binary_is_double(const char *text, size_t length, double *d)
{
    if (short_double(text, length, d))
        return true;
    char printed[TCORE_NUMBER_BYTES];
    if (length > sizeof printed || !tcore_parse_double(text, length, d) || !isfinite(*d))
        return false;
    size_t bytes = tcore_format_double(printed, *d);
    return bytes == length && !memcmp(printed, text, length);
}

/*
 * The value of eight decimal digits in the bytes of a word, the first digit lowest: pairs, then
 * fours, then all are joined by multiplications. *bad is not 0 if some byte is no digit.
 */
static inline uint64_t decimal8(uint64_t digits, uint64_t *bad)
{
    uint64_t value = digits - EACH_BYTE * '0';
    *bad |= (digits & EACH_BYTE * 0xf0) ^ EACH_BYTE * 0x30;
    *bad |= (value + EACH_BYTE * 6) & EACH_BYTE * 0xf0;
    value = value * 10 + (value >> 8);
    value = (value & 0x00ff00ff00ff00ff) * 100 + ((value >> 16) & 0x00ff00ff00ff00ff);
    return (value & 0x0000ffff0000ffff) * 10000 % ((uint64_t)1 << 32) +
           ((value >> 32) & 0x0000ffff);
}

bool tcore_binary_is_decimal(const char *text, size_t length, int64_t *i)
{
    size_t sign = length && text[0] == '-', digits = length - sign;
    if (digits < 1 || digits > 19 || (text[sign] == '0' && (digits > 1 || sign)))
        return false;
    uint64_t value = 0, bad = 0;
    size_t at = sign;
    for (; length - at >= 8; at += 8)
        value = value * 100000000 + decimal8(binary_get64(text + at), &bad);
    for (; at < length; at++) {
        unsigned digit = (unsigned char)text[at] - (unsigned)'0';
        bad |= digit > 9;
        value = value * 10 + digit;
    }
    if (bad || value > (uint64_t)INT64_MAX + sign)
        return false;
    *i = (int64_t)(sign ? 0 - value : value);
    return true;
}

bool tcore_binary_is_time(const char *text, size_t length, int64_t *ns)
{
    size_t sign = length && text[0] == '-';
    return length - sign <= 19 && tcore_parse_int64(text, length, ns);
}
