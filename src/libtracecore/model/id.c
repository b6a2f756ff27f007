/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace and span ids in the forms they arrive in, and the traceparent header. */
#include "model/id.h"

#include "base/sys.h"

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(TCORE_JSON_PORTABLE)
#include <emmintrin.h>
#endif

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char digits[] = "0123456789abcdef";

/* What each character is as a hexadecimal digit: its value + 1, capitals with CAPITAL; 0: none. */
enum { CAPITAL = 32, VALUE = 31 };
static const unsigned char hex_table[256] = {
    ['0'] = 1,
    ['1'] = 2,
    ['2'] = 3,
    ['3'] = 4,
    ['4'] = 5,
    ['5'] = 6,
    ['6'] = 7,
    ['7'] = 8,
    ['8'] = 9,
    ['9'] = 10,
    ['a'] = 11,
    ['b'] = 12,
    ['c'] = 13,
    ['d'] = 14,
    ['e'] = 15,
    ['f'] = 16,
    ['A'] = 11 | CAPITAL,
    ['B'] = 12 | CAPITAL,
    ['C'] = 13 | CAPITAL,
    ['D'] = 14 | CAPITAL,
    ['E'] = 15 | CAPITAL,
    ['F'] = 16 | CAPITAL,
};

/* The value of a hexadecimal digit, -1 of anything else. */
static int hex_digit(char c)
{
    return (hex_table[(unsigned char)c] & VALUE) - 1;
}

static bool is_lower_hex(char c)
{
    unsigned char entry = hex_table[(unsigned char)c];
    return entry && !(entry & CAPITAL);
}

bool tcore_id_is_canonical(enum tcore_id_class id, const char *text, size_t length)
{
    if (length != (size_t)id)
        return false;
#if defined(__SSE2__) && !defined(TCORE_JSON_PORTABLE)
    for (size_t i = 0; i < length; i += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8('0' - 1)),
                                      _mm_cmplt_epi8(c, _mm_set1_epi8('9' + 1)));
        __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8('a' - 1)),
                                       _mm_cmplt_epi8(c, _mm_set1_epi8('f' + 1)));
        if (_mm_movemask_epi8(_mm_or_si128(digit, letter)) != 0xffff)
            return false;
    }
#else
    for (size_t i = 0; i < length; i++)
        if (!is_lower_hex(text[i]))
            return false;
#endif
    return true;
}

static bool all_zero(const char *id, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (id[i] != '0')
            return false;
    return true;
}

static bool from_hex(enum tcore_id_class id, const char *text, size_t length, char *out)
{
    if (length > (size_t)id)
        return false;
    for (size_t i = 0; i < length; i++)
        if (hex_digit(text[i]) < 0)
            return false;
    size_t padding = (size_t)id - length;
    memset(out, '0', padding);
    for (size_t i = 0; i < length; i++)
        out[padding + i] = digits[hex_digit(text[i])];
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Standard or URL base64 of at most room bytes; how many, 0 if it is none. The lengths of ids all
 * call for padding, and to insist on it keeps words that happen to have a fitting length out. */
static size_t from_base64(const char *text, size_t length, unsigned char *bytes, size_t room)
{
    if (length < 4 || length % 4 != 0 || text[length - 1] != '=')
        return 0;
    length -= text[length - 2] == '=' ? 2 : 1;
    size_t count = length * 3 / 4;
    if (count > room)
        return 0;
    uint32_t held = 0;
    unsigned bits = 0;
    for (size_t i = 0, at = 0; i < length; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return 0;
        held = held << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[at++] = (unsigned char)(held >> bits);
        }
    }
    return held & ((1u << bits) - 1) ? 0 : count; /* the bits left over are zero in base64 */
}

/* The bytes of an id, or, as JSON writers that take hexadecimal for bytes make it, of its text. */
static bool from_base64_id(enum tcore_id_class id, const char *text, size_t length, char *out)
{
    unsigned char bytes[TCORE_TRACE_ID];
    size_t count = from_base64(text, length, bytes, (size_t)id);
    if (count == (size_t)id)
        return from_hex(id, (const char *)bytes, count, out);
    if (count != (size_t)id / 2)
        return false;
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    return true;
}

static void write_hex(char *out, uint64_t value)
{
    for (int i = 15; i >= 0; i--, value >>= 4)
        out[i] = digits[value & 15];
}

static void from_hash(enum tcore_id_class id, const char *text, size_t length, char *out)
{
    if (id == TCORE_SPAN_ID) {
        XXH64_hash_t hash = XXH3_64bits(text, length);
        write_hex(out, hash ? hash : 1);
    } else {
        XXH128_hash_t hash = XXH3_128bits(text, length);
        write_hex(out, hash.high64);
        write_hex(out + 16, hash.high64 | hash.low64 ? hash.low64 : 1);
    }
}

enum tcore_id_result tcore_id_normalise(enum tcore_id_class id, const char *text, size_t length,
                                        char *out)
{
    char made[TCORE_TRACE_ID];
    enum tcore_id_result result = TCORE_ID_OK;
    if (length == 0)
        return TCORE_ID_ZERO;
    if (tcore_id_is_canonical(id, text, length) && !all_zero(text, length)) {
        memcpy(out, text, length);
        return TCORE_ID_OK;
    }
    if (from_hex(id, text, length, made)) {
        result = TCORE_ID_OK;
    } else if (from_base64_id(id, text, length, made)) {
        result = TCORE_ID_BASE64;
    } else if (all_zero(text, length)) {
        return TCORE_ID_ZERO;
    } else {
        from_hash(id, text, length, made);
        result = TCORE_ID_HASHED;
    }
    if (all_zero(made, (size_t)id))
        return TCORE_ID_ZERO;
    memcpy(out, made, (size_t)id);
    return result;
}

int tcore_id_draw(enum tcore_id_class id, char *out)
{
    unsigned char bytes[TCORE_TRACE_ID / 2];
    do {
        if (tcore_sys()->random(bytes, (size_t)id / 2) != 0)
            return -1;
        for (size_t i = 0; i < (size_t)id; i++)
            out[i] = digits[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
    } while (all_zero(out, (size_t)id));
    out[id] = '\0';
    return 0;
}

bool tcore_traceparent_parse(const char *text, size_t length, struct tcore_traceparent *tp)
{
    /* 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 */
    enum { LENGTH = 55, SPAN = 36, FLAGS = 53 };
    if (length < LENGTH || text[2] != '-' || text[SPAN - 1] != '-' || text[FLAGS - 1] != '-')
        return false;
    for (size_t i = 0; i < LENGTH; i++) {
        if (i == 2 || i == SPAN - 1 || i == FLAGS - 1)
            continue;
        if (!is_lower_hex(text[i]))
            return false;
    }
    bool first_version = text[0] == '0' && text[1] == '0';
    if (text[0] == 'f' && text[1] == 'f')
        return false;
    if (length > LENGTH && (first_version || text[LENGTH] != '-'))
        return false;
    if (all_zero(text + 3, TCORE_TRACE_ID) || all_zero(text + SPAN, TCORE_SPAN_ID))
        return false;
    memcpy(tp->trace_id, text + 3, TCORE_TRACE_ID);
    tp->trace_id[TCORE_TRACE_ID] = '\0';
    memcpy(tp->span_id, text + SPAN, TCORE_SPAN_ID);
    tp->span_id[TCORE_SPAN_ID] = '\0';
    tp->flags = (unsigned)hex_digit(text[FLAGS]) << 4 | (unsigned)hex_digit(text[FLAGS + 1]);
    return true;
}

void tcore_traceparent_format(const struct tcore_traceparent *tp, char *out)
{
    memcpy(out, "00-", 3);
    memcpy(out + 3, tp->trace_id, TCORE_TRACE_ID);
    out[35] = '-';
    memcpy(out + 36, tp->span_id, TCORE_SPAN_ID);
    out[52] = '-';
    out[53] = digits[tp->flags >> 4 & 15];
    out[54] = digits[tp->flags & 15];
    out[55] = '\0';
}

void tcore_id_bytes(const char *id, uint8_t *out, size_t bytes)
{
    for (size_t i = 0; i < 2 * bytes; i++) {
        unsigned digit = (unsigned char)id[i];
        unsigned value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] << 4 | value : value);
    }
}
