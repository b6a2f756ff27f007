/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The strict JSON parser. One pass over the text by a state machine; open containers are linked
 * through the tape itself (an open container's next is its parent), so nesting costs no stack.
 * Plain string content is skipped 16 bytes at a time.
 */
#include "base/sys.h"
#include "model/json.h"
#include "model/json_text.h"

#include <string.h>

#if defined(__SSE2__) && !defined(TCORE_JSON_PORTABLE)
#include <emmintrin.h>
#endif

#define NO_PARENT UINT32_MAX
#define NO_LIST   (UINT32_MAX - 1)

struct parser {
    struct tcore_json *json;
    const char *text, *end;
    uint32_t open;  /* innermost open container, or NO_PARENT */
    uint32_t list;  /* the open one whose elements may be taken, or NO_LIST */
    unsigned depth; /* how many are open */
    unsigned depth_limit;
    const char *bad;    /* first bad byte */
    const char *reason; /* NULL: out of memory */
};

static const char too_deep[] = "nested too deep";

static const char *fail(struct parser *ps, const char *bad, const char *reason)
{
    ps->bad = bad;
    ps->reason = reason;
    return NULL;
}

static inline unsigned char byte_at(const char *p, const char *end)
{
    return p < end ? (unsigned char)*p : 0;
}

static inline bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank((unsigned char)*p))
        p++;
    return p;
}

static bool grow(struct tcore_json *json)
{
    uint64_t capacity = json->capacity ? (uint64_t)json->capacity * 2 : 64;
    if (capacity > UINT32_MAX)
        capacity = UINT32_MAX;
    if (json->count >= capacity)
        return false;
    struct tcore_json_node *node = tcore_reallocarray(json->node, capacity, sizeof *node);
    if (!node)
        return false;
    json->node = node;
    json->capacity = (uint32_t)capacity;
    return true;
}

static inline struct tcore_json_node *push(struct parser *ps, enum tcore_kind kind)
{
    struct tcore_json *json = ps->json;
    if (__builtin_expect(json->count == json->capacity, 0) && !grow(json))
        return NULL;
    struct tcore_json_node *node = &json->node[json->count++];
    node->value = (struct tcore_value){.kind = (uint8_t)kind};
    node->next = json->count;
    node->count = 0;
    return node;
}

/* First byte from p that is not plain string content: a quote, a backslash, a control character or
 * part of a multi-byte character. */
static inline const char *skip_plain(const char *p, const char *end)
{
#if defined(__SSE2__) && !defined(TCORE_JSON_PORTABLE)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i blank = _mm_set1_epi8(' ');
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* As signed bytes both control characters and those from 0x80 on are below a blank. */
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(bytes, blank),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask)
            return p + __builtin_ctz(mask);
    }
#else
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    for (; end - p >= 8; p += 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        uint64_t quote = w ^ ones * '"', backslash = w ^ ones * '\\';
        if (((quote - ones) | (backslash - ones) | (w - ones * ' ') | w) & highs)
            break;
    }
#endif
    while (p < end && (unsigned char)*p >= ' ' && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

/* Checks the escape at p; returns what is behind it. */
static const char *check_escape(struct parser *ps, const char *p)
{
    unsigned good, length = tcore_json_escape_length(p, ps->end, &good);
    if (length)
        return p + length;
    if (good > 1)
        return fail(ps, p + good, "\\u without four hexadecimal digits");
    if (p + 1 >= ps->end)
        return fail(ps, ps->end, "the text ends within a string");
    return fail(ps, p + 1, "an escape that JSON does not know");
}

/* The rest of a string whose first special byte, at p, is not its closing quote. */
static const char *parse_string_rest(struct parser *ps, struct tcore_json_node *node,
                                     const char *start, const char *p)
{
    bool escaped = false;
    for (;; p = skip_plain(p, ps->end)) {
        if (p >= ps->end)
            return fail(ps, ps->end, "the text ends within a string");
        unsigned char c = (unsigned char)*p;
        if (c == '"')
            break;
        if (c == '\\') {
            escaped = true;
            p = check_escape(ps, p);
            if (!p)
                return NULL;
        } else if (c < ' ') {
            return fail(ps, p, "a control character in a string");
        } else {
            while (p < ps->end && (unsigned char)*p >= 0x80) {
                unsigned length = tcore_json_utf8_length(p, ps->end);
                if (!length)
                    return fail(ps, p, "invalid UTF-8");
                p += length;
            }
        }
    }
    node->value.s = start;
    node->value.len = (uint32_t)(p - start);
    if (escaped) {
        char *decoded = tcore_arena_alloc(&ps->json->arena, (size_t)(p - start));
        if (!decoded)
            return fail(ps, p, NULL);
        node->value.len = (uint32_t)tcore_json_unescape(start, p, decoded);
        node->value.s = decoded;
    }
    return p + 1;
}

/* The string whose opening quote is at p. */
static inline const char *parse_string(struct parser *ps, const char *p)
{
    struct tcore_json_node *node = push(ps, TCORE_STRING);
    if (!node)
        return fail(ps, p, NULL);
    const char *start = p + 1;
    p = skip_plain(start, ps->end);
    if (__builtin_expect(byte_at(p, ps->end) != '"', 0))
        return parse_string_rest(ps, node, start, p);
    node->value.s = start;
    node->value.len = (uint32_t)(p - start);
    return p + 1;
}

static bool begins(const char *p, const char *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - p) >= length && !memcmp(p, word, length);
}

static const char *fail_number(struct parser *ps, const char *p, enum tcore_json_number what)
{
    switch (what) {
    case TCORE_JSON_LEADING_ZERO:
        return fail(ps, p, "a number with a leading zero");
    case TCORE_JSON_NO_FRACTION:
        return fail(ps, p, "a number without a digit behind its point");
    case TCORE_JSON_NO_EXPONENT:
        return fail(ps, p, "a number without a digit in its exponent");
    default:
        return fail(ps, p,
                    begins(p, ps->end, "Infinity") ? "Infinity is no JSON number"
                                                   : "a minus without a number");
    }
}

/* Most numbers are integers: those are computed on the way, anything else is looked at again. */
static const char *parse_number(struct parser *ps, const char *p)
{
    struct tcore_json_node *node = push(ps, TCORE_INT);
    if (!node)
        return fail(ps, p, NULL);
    const char *start = p, *digits = p += *p == '-';
    uint64_t value = 0;
    unsigned char c;
    for (; is_digit(c = byte_at(p, ps->end)); p++)
        value = value * 10 + (c - '0');
    size_t count = (size_t)(p - digits);
    bool negative = digits != start, whole = count && c != '.' && (c | 0x20) != 'e';
    bool plain = whole && (*digits != '0' || (count == 1 && !negative));
    if (plain && count <= 19 && value <= (uint64_t)INT64_MAX + negative) {
        node->value.i = negative ? (int64_t)(0 - value) : (int64_t)value;
        return p;
    }
    enum tcore_json_number what;
    p = tcore_json_number_end(start, ps->end, &what);
    if (what != TCORE_JSON_NUMBER)
        return fail_number(ps, p, what);
    node->value.kind = TCORE_NUMBER;
    node->value.s = start;
    node->value.len = (uint32_t)(p - start);
    return p;
}

/* Why no value can begin at p. */
static const char *fail_value(struct parser *ps, const char *p)
{
    if (p >= ps->end)
        return fail(ps, ps->end,
                    ps->open == NO_PARENT ? "no value" : "the text ends where a value is missing");
    const char *before = p;
    while (before > ps->text && is_blank((unsigned char)before[-1]))
        before--;
    unsigned char last = before > ps->text ? (unsigned char)before[-1] : 0;
    switch (*p) {
    case ']':
    case '}':
        return fail(ps, p, last == ',' ? "a trailing comma" : "a value is missing");
    case ',':
        return fail(ps, p, "a comma where a value is missing");
    case ':':
        return fail(ps, p, "a colon where a value is missing");
    case '\'':
        return fail(ps, p, "a string in single quotes");
    case '/':
    case '#':
        return fail(ps, p, "a comment");
    case '+':
        return fail(ps, p, "a number with a plus");
    case '.':
        return fail(ps, p, "a number without a digit before its point");
    case '\0':
        return fail(ps, p, "a NUL byte outside a string");
    default:
        break;
    }
    if (begins(p, ps->end, "NaN") || begins(p, ps->end, "nan"))
        return fail(ps, p, "NaN is no JSON number");
    if (begins(p, ps->end, "Infinity"))
        return fail(ps, p, "Infinity is no JSON number");
    if (begins(p, ps->end, "\xef\xbb\xbf"))
        return fail(ps, p, "a byte-order mark");
    return fail(ps, p, "not a JSON value");
}

static const char *parse_word(struct parser *ps, const char *p)
{
    static const struct {
        const char *word;
        enum tcore_kind kind;
    } words[] = {{"true", TCORE_TRUE}, {"false", TCORE_FALSE}, {"null", TCORE_NULL}};
    for (size_t i = 0; i < 3; i++) {
        const char *word = words[i].word;
        if (byte_at(p, ps->end) != (unsigned char)word[0])
            continue;
        size_t same = 1;
        while (word[same] && byte_at(p + same, ps->end) == (unsigned char)word[same])
            same++;
        if (!word[same])
            return push(ps, words[i].kind) ? p + same : fail(ps, p, NULL);
        if (same > 1)
            return fail(ps, p + same, "a word that is not true, false or null");
    }
    return fail_value(ps, p);
}

/* Whether the list that was just opened is the taker's; one at a time is. */
static bool is_taken_from(const struct parser *ps, uint32_t list)
{
    const struct tcore_json_node *node = ps->json->node;
    uint32_t parent = node[list].next;
    return ps->json->taker && ps->list == NO_LIST && parent != NO_PARENT &&
           *node[parent].value.s == '{' &&
           tcore_value_is_text(&node[list - 1].value, ps->json->taker->key);
}

/* The object at p if the taker knows it: returns what is behind it. *p is that, or as it was. */
static bool take(struct parser *ps, const char **p)
{
    struct tcore_json_taker *taker = ps->json->taker;
    uint32_t number;
    const char *behind = taker->take(taker, *p, ps->depth_limit - ps->depth, &number);
    if (!behind)
        return false;
    struct tcore_json_node *node = push(ps, TCORE_JSON);
    if (!node) /* so will the next one be */
        return false;
    node->value.s = *p;
    node->value.len = (uint32_t)(behind - *p);
    node->value.unused[0] = true;
    node->count = number;
    ps->json->taken++;
    *p = behind;
    return true;
}

static const char *open_container(struct parser *ps, const char *p)
{
    if (ps->depth == ps->depth_limit)
        return fail(ps, p, too_deep);
    struct tcore_json_node *node = push(ps, TCORE_JSON);
    if (!node)
        return fail(ps, p, NULL);
    node->value.s = p;
    node->next = ps->open;
    ps->open = ps->json->count - 1;
    ps->depth++;
    if (*p == '[' && is_taken_from(ps, ps->open))
        ps->list = ps->open;
    return p + 1;
}

/* p is at the closing bracket. */
static inline const char *close_container(struct parser *ps, const char *p)
{
    struct tcore_json_node *node = &ps->json->node[ps->open];
    if (ps->open == ps->list)
        ps->list = NO_LIST;
    ps->open = node->next;
    ps->depth--;
    node->next = ps->json->count;
    node->value.len = (uint32_t)(p + 1 - node->value.s);
    return p + 1;
}

/* A key with its colon. */
static inline const char *parse_key(struct parser *ps, const char *p)
{
    unsigned char c = byte_at(p, ps->end);
    if (__builtin_expect(c != '"', 0)) {
        if (p >= ps->end)
            return fail(ps, p, "the text ends where a key is missing");
        if (c == '}')
            return fail(ps, p, "a trailing comma");
        if (c == '\'')
            return fail(ps, p, "a string in single quotes");
        return fail(ps, p, c == ',' ? "a comma where a key is missing" : "a key without quotes");
    }
    p = parse_string(ps, p);
    if (!p)
        return NULL;
    p = skip_blanks(p, ps->end);
    if (byte_at(p, ps->end) != ':')
        return fail(ps, p, p < ps->end ? "no colon behind a key" : "the text ends behind a key");
    return p + 1;
}

/* Why neither a comma nor the right bracket is at p. */
static const char *fail_end(struct parser *ps, const char *p)
{
    bool object = *ps->json->node[ps->open].value.s == '{';
    if (p >= ps->end)
        return fail(ps, p,
                    object ? "the text ends within an object" : "the text ends within an array");
    if (*p == ']' || *p == '}')
        return fail(ps, p, object ? "] where } belongs" : "} where ] belongs");
    return fail(ps, p,
                object ? "neither a comma nor } behind a member"
                       : "neither a comma nor ] behind an element");
}

/* From p, where a value begins, to behind it. */
static const char *parse_text(struct parser *ps, const char *p)
{
    for (;;) {
        p = skip_blanks(p, ps->end);
        unsigned char c = byte_at(p, ps->end);
        if (c == '"') {
            p = parse_string(ps, p);
        } else if (c == '{' && ps->open == ps->list && take(ps, &p)) {
            ; /* p is behind it */
        } else if (c == '{' || c == '[') {
            p = open_container(ps, p);
            if (!p)
                return NULL;
            p = skip_blanks(p, ps->end);
            if (byte_at(p, ps->end) != c + 2) { /* not empty; '}' is '{' + 2, ']' is '[' + 2 */
                if (c == '{' && !(p = parse_key(ps, p)))
                    return NULL;
                continue;
            }
            p = close_container(ps, p);
        } else if (c == '-' || is_digit(c)) {
            p = parse_number(ps, p);
        } else {
            p = parse_word(ps, p);
        }
        /* A value has ended: go up as far as brackets close here. */
        for (;;) {
            if (!p || ps->open == NO_PARENT)
                return p;
            struct tcore_json_node *parent = &ps->json->node[ps->open];
            parent->count++;
            p = skip_blanks(p, ps->end);
            char bracket = *parent->value.s;
            c = byte_at(p, ps->end);
            if (c == ',') {
                p++;
                if (bracket == '{' && !(p = parse_key(ps, skip_blanks(p, ps->end))))
                    return NULL;
                break;
            }
            if (c != bracket + 2)
                return fail_end(ps, p);
            p = close_container(ps, p);
        }
    }
}

static enum tcore_status failed(const struct parser *ps, struct tcore_error *err)
{
    if (!ps->reason)
        return tcore_error_nomem(err);
    if (ps->reason == too_deep)
        tcore_error_set(err, TCORE_SKIP, "nested deeper than %u", ps->depth_limit);
    else
        tcore_error_set(err, TCORE_SKIP, "%s", ps->reason);
    if (err)
        err->byte = (uint64_t)(ps->bad - ps->text) + 1;
    return TCORE_SKIP;
}

enum tcore_status tcore_json_parse(struct tcore_json *json, const char *text, size_t length,
                                   struct tcore_error *err)
{
    json->count = json->taken = 0;
    tcore_arena_reset(&json->arena);
    if (length >= UINT32_MAX)
        return tcore_error_set(err, TCORE_SKIP, "a text of 4 GiB or more");
    struct parser ps = {
        .json = json, .text = text, .end = text + length, .open = NO_PARENT, .list = NO_LIST};
    ps.depth_limit = json->depth_limit ? json->depth_limit : TCORE_JSON_DEPTH;
    const char *p = parse_text(&ps, text);
    if (p) {
        p = skip_blanks(p, ps.end);
        if (p < ps.end)
            p = fail(&ps, p, "more text behind the value");
    }
    if (!p) {
        json->count = 0;
        return failed(&ps, err);
    }
    return TCORE_OK;
}
