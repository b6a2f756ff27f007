/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing JSON: strings with the shortest escapes, scalars canonically, trees without blanks. */
#include "base/sys.h"
#include "model/json.h"
#include "model/number.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(TCORE_JSON_PORTABLE)
#include <emmintrin.h>
#endif

#if defined(__SSE2__) && !defined(TCORE_JSON_PORTABLE)
/* Bit i: byte i may not stand as it is. */
static inline unsigned special_bytes(__m128i bytes)
{
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f), surrogate = _mm_set1_epi8((char)0xed);
    __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes),
                                  _mm_cmpeq_epi8(bytes, surrogate)));
    return (unsigned)_mm_movemask_epi8(special);
}

/* Copies 4 to 15 bytes by their first and last 8 or 4, which overlap, if all may stand as they are:
 * most strings are names and keys of that length. */
static inline bool copy_short(char *to, const char *s, size_t length)
{
    size_t part = length >= 8 ? 8 : 4;
    uint64_t first = 0, last = 0;
    if (length < 4)
        return false;
    if (part == 8) {
        memcpy(&first, s, 8);
        memcpy(&last, s + length - 8, 8);
    } else {
        uint32_t half;
        memcpy(&half, s, 4);
        first = half | (uint64_t)half << 32;
        memcpy(&half, s + length - 4, 4);
        last = half | (uint64_t)half << 32;
    }
    if (special_bytes(_mm_set_epi64x((long long)last, (long long)first)))
        return false;
    memcpy(to, s, part);
    memcpy(to + length - part, s + length - part, part);
    return true;
}
#endif

/* Copies s to to, where there is room for 15 bytes more, up to the first byte that may not stand as
 * it is: a quote, a backslash, a control character, or 0xed, which begins lone surrogates (and the
 * harmless U+D000 to U+D7FF). Returns how many it copied. */
static size_t copy_plain(char *to, const char *s, size_t length)
{
    size_t at = 0;
#if defined(__SSE2__) && !defined(TCORE_JSON_PORTABLE)
    for (; length - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(s + at));
        unsigned mask = special_bytes(bytes);
        _mm_storeu_si128((__m128i *)(void *)(to + at), bytes);
        if (mask)
            return at + (unsigned)__builtin_ctz(mask);
    }
    if (copy_short(to + at, s + at, length - at))
        return length;
#endif
    for (; at < length; at++) {
        unsigned char c = (unsigned char)s[at];
        if (c <= 0x1f || c == '"' || c == '\\' || c == 0xed)
            break;
        to[at] = (char)c;
    }
    return at;
}

static void write_unicode_escape(struct tcore_buf *buf, unsigned code)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\',
                    'u',
                    digits[code >> 12 & 15],
                    digits[code >> 8 & 15],
                    digits[code >> 4 & 15],
                    digits[code & 15]};
    tcore_buf_append(buf, text, sizeof text);
}

/* Writes the special character at s and gives its length in s. */
static size_t write_special(struct tcore_buf *buf, const char *s, size_t length)
{
    static const char plain[] = "\"\\bfnrt", meant[] = "\"\\\b\f\n\r\t";
    unsigned char c = (unsigned char)*s;
    if (c == 0xed) {
        if (length < 3 || (unsigned char)s[1] < 0xa0) {
            tcore_buf_putc(buf, *s);
            return 1;
        }
        write_unicode_escape(buf, 0xd000u | ((unsigned)s[1] & 0x3f) << 6 | ((unsigned)s[2] & 0x3f));
        return 3;
    }
    const char *known = c ? strchr(meant, c) : NULL;
    if (known) {
        char text[2] = {'\\', plain[known - meant]};
        tcore_buf_append(buf, text, sizeof text);
    } else {
        write_unicode_escape(buf, c);
    }
    return 1;
}

void tcore_json_write_string(struct tcore_buf *buf, const char *s, size_t length)
{
    /* Room for both quotes and for what copy_plain stores too much. */
    char *to = tcore_buf_reserve(buf, length + 18);
    if (!to)
        return;
    *to = '"';
    size_t at = copy_plain(to + 1, s, length);
    if (at == length) {
        to[1 + length] = '"';
        buf->length += length + 2;
        return;
    }
    buf->length += at + 1;
    while (at < length) {
        at += write_special(buf, s + at, length - at);
        to = tcore_buf_reserve(buf, length - at + 16);
        if (!to)
            return;
        size_t plain = copy_plain(to, s + at, length - at);
        buf->length += plain;
        at += plain;
    }
    tcore_buf_putc(buf, '"');
}

static void write_double(struct tcore_buf *buf, double d)
{
    char text[TCORE_NUMBER_BYTES];
    size_t length = tcore_format_double(text, d);
    if (d - d != 0) /* NaN or an infinity */
        tcore_json_write_string(buf, text, length);
    else
        tcore_buf_append(buf, text, length);
}

void tcore_json_write_value(struct tcore_buf *buf, const struct tcore_value *v)
{
    char text[TCORE_NUMBER_BYTES];
    switch ((enum tcore_kind)v->kind) {
    case TCORE_ABSENT:
    case TCORE_NULL:
        tcore_buf_append(buf, "null", 4);
        break;
    case TCORE_FALSE:
        tcore_buf_append(buf, "false", 5);
        break;
    case TCORE_TRUE:
        tcore_buf_append(buf, "true", 4);
        break;
    case TCORE_INT:
        tcore_buf_append(buf, text, tcore_format_int64(text, v->i));
        break;
    case TCORE_DOUBLE:
        write_double(buf, v->d);
        break;
    case TCORE_STRING:
        tcore_json_write_string(buf, v->s, v->len);
        break;
    case TCORE_NUMBER:
    case TCORE_JSON:
        tcore_buf_append(buf, v->s, v->len);
        break;
    }
}

/* A container that is being written. */
struct frame {
    struct tcore_json_walk walk;
    bool first;
};

struct frames {
    struct frame *frame;
    size_t count, capacity;
    struct frame fixed[16];
};

static bool open_frame(struct frames *stack, struct tcore_buf *buf, const struct tcore_json *json,
                       uint32_t i)
{
    if (stack->count == stack->capacity) {
        struct frame *old = stack->frame == stack->fixed ? NULL : stack->frame;
        struct frame *frame = tcore_reallocarray(old, stack->capacity, 2 * sizeof *frame);
        if (!frame)
            return false;
        if (!old)
            memcpy(frame, stack->fixed, sizeof stack->fixed);
        stack->frame = frame;
        stack->capacity *= 2;
    }
    struct frame *f = &stack->frame[stack->count];
    if (tcore_json_walk_open(&f->walk, json, i) != TCORE_OK)
        return false;
    f->first = true;
    stack->count++;
    tcore_buf_putc(buf, f->walk.object ? '{' : '[');
    return true;
}

void tcore_json_write_tree(struct tcore_buf *buf, const struct tcore_json *json, uint32_t i)
{
    if (json->node[i].value.kind != TCORE_JSON) {
        tcore_json_write_value(buf, &json->node[i].value);
        return;
    }
    struct frames stack; /* not initialised as a whole: most trees are shallow */
    stack.frame = stack.fixed;
    stack.count = 0;
    stack.capacity = sizeof stack.fixed / sizeof *stack.fixed;
    bool good = open_frame(&stack, buf, json, i);
    while (good && stack.count) {
        struct frame *f = &stack.frame[stack.count - 1];
        struct tcore_json_member member;
        if (!tcore_json_walk_next(&f->walk, json, &member)) {
            tcore_buf_putc(buf, f->walk.object ? '}' : ']');
            tcore_json_walk_close(&f->walk);
            stack.count--;
            continue;
        }
        if (!f->first)
            tcore_buf_putc(buf, ',');
        f->first = false;
        if (f->walk.object) {
            const struct tcore_value *key = &json->node[member.key].value;
            tcore_json_write_string(buf, key->s, key->len);
            tcore_buf_putc(buf, ':');
        }
        const struct tcore_value *value = &json->node[member.value].value;
        if (value->kind == TCORE_JSON)
            good = open_frame(&stack, buf, json, member.value);
        else
            tcore_json_write_value(buf, value);
    }
    while (stack.count)
        tcore_json_walk_close(&stack.frame[--stack.count].walk);
    if (stack.frame != stack.fixed)
        tcore_free(stack.frame);
    if (!good)
        buf->failed = true;
}
