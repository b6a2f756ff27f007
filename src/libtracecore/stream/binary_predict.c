/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking a record's text apart along a way that is known, without parsing it in general. The
 * literals between the values were canonical when they were learnt, so a text that has the same
 * literals, and between them values that are canonical for their class, is canonical; anything that
 * is not certain is left to the parser.
 */
#include "model/canonical.h"
#include "stream/binary_codec.h"
#include "stream/binary_shape.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline uint64_t word_at(const char *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

static inline bool begins(const char *p, const char *end, const char *literal, size_t length)
{
    if ((size_t)(end - p) < length)
        return false;
    if (length < 8)
        return !memcmp(p, literal, length);
    for (size_t i = 0; i < length - 8; i += 8)
        if (word_at(p + i) != word_at(literal + i))
            return false;
    return word_at(p + length - 8) == word_at(literal + length - 8);
}

/*
 * The closing quote of a string whose content begins at p, or the first backslash in it; NULL if
 * there is a control character or no end. *multibyte: some byte before that is not ASCII.
 */
static const char *plain_string(const char *p, const char *end, bool *multibyte)
{
    unsigned high = 0;
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                  control = _mm_set1_epi8(' ' - 1);
    for (; end - p >= 16; p += 16) {
        __m128i text = _mm_loadu_si128((const __m128i *)p);
        __m128i special =
            _mm_or_si128(_mm_cmpeq_epi8(text, quote), _mm_cmpeq_epi8(text, backslash));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(_mm_min_epu8(text, control), text));
        unsigned found = (unsigned)_mm_movemask_epi8(special);
        unsigned highs = (unsigned)_mm_movemask_epi8(text);
        if (found) {
            unsigned at = (unsigned)__builtin_ctz(found);
            *multibyte = high | (highs & ((1u << at) - 1));
            return (unsigned char)p[at] < ' ' ? NULL : p + at;
        }
        high |= highs;
    }
#endif
    for (; p < end && (unsigned char)*p >= ' '; p++) {
        if (*p == '"' || *p == '\\') {
            *multibyte = high != 0;
            return p;
        }
        high |= (unsigned char)*p & 0x80u;
    }
    return NULL;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= bytes[i];
    return !any;
}

/* Behind the closing quote of the string whose content begins at p. */
static const char *skip_string(const char *p, const char *end)
{
    for (; p < end && *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p < end ? p + 1 : NULL;
}

/* Whether the value at p, parsed, is canonical for the edge. */
static bool is_canonical(struct shape_tree *tree, const struct shape_edge *edge, const char *p,
                         size_t length)
{
    if (tcore_json_parse(&tree->json, p, length, NULL) != TCORE_OK)
        return false;
    tcore_buf_clear(&tree->made);
    if (edge->check != CHECK_FIELDS)
        tcore_json_write_tree(&tree->made, &tree->json, 0);
    else if (tcore_record_canonical_value(&tree->json, 0, tree->path[edge->path].field, &tree->made,
                                          NULL) != TCORE_OK)
        return false;
    return !tree->made.failed && tree->made.length == length && !memcmp(tree->made.data, p, length);
}

/* A string with escapes, whose opening quote is at p. */
static const char *take_escaped(struct shape_tree *tree, const struct shape_edge *edge,
                                const char *p, const char *end, struct shape_value *value)
{
    const char *close = skip_string(p + 1, end);
    /* Room for all strings of the record, so that none moves another. */
    if (!tree->decoded.length && !tcore_buf_reserve(&tree->decoded, (size_t)(end - p)))
        tcore_buf_clear(&tree->decoded);
    if (!close || !is_canonical(tree, edge, p, (size_t)(close - p)))
        return NULL;
    const struct tcore_value *v = &tree->json.node[0].value;
    if (!tree->decoded.data || tree->decoded.capacity - tree->decoded.length < v->len)
        return NULL;
    value->s = tree->decoded.data + tree->decoded.length;
    value->length = v->len;
    tcore_buf_append(&tree->decoded, v->s, v->len);
    return close;
}

/* A string of hexadecimal digits whose content begins at text. */
static const char *take_hex(const struct shape_edge *edge, const char *text, const char *end,
                            struct shape_value *value)
{
    size_t room = (size_t)(end - text), length = 0;
    if (room > 32 && text[32] == '"' && edge->check != CHECK_SPAN_ID)
        length = 32;
    else if (room > 16 && text[16] == '"' && edge->check != CHECK_TRACE_ID)
        length = 16;
    if (!length || !tcore_binary_hex_decode(value->bytes, text, length / 2) ||
        (edge->check != CHECK_NONE && is_zero(value->bytes, length / 2)))
        return NULL;
    value->length = (uint32_t)length / 2;
    return text + length + 1;
}

/* A string of decimal digits. */
static const char *take_decimal(const char *text, const char *end, struct shape_value *value)
{
    const char *p = text;
    while (p < end && ((*p >= '0' && *p <= '9') || *p == '-'))
        p++;
    return p < end && *p == '"' && tcore_binary_is_decimal(text, (size_t)(p - text), &value->i)
               ? p + 1
               : NULL;
}

/* A string in quotes at p, of the edge's class; returns what is behind it, or NULL. */
static const char *take_string(struct shape_tree *tree, const struct shape_edge *edge,
                               const char *p, const char *end, struct shape_value *value)
{
    bool multibyte;
    if (p >= end || *p != '"')
        return NULL;
    const char *start = p + 1;
    if (edge->class == CLASS_HEX)
        return take_hex(edge, start, end, value);
    if (edge->class == CLASS_DECIMAL)
        return take_decimal(start, end, value);
    const char *close = plain_string(start, end, &multibyte);
    if (!close)
        return NULL;
    size_t length = (size_t)(close - start);
    if (*close != '"')
        return take_escaped(tree, edge, p, end, value);
    if (multibyte && !tcore_binary_is_text(start, length, false))
        return NULL;
    value->s = start;
    value->length = (uint32_t)length;
    return close + 1;
}

static const char *take_number(const struct shape_edge *edge, const char *p, const char *end,
                               struct shape_value *value)
{
    const char *start = p;
    double d;
    while (p < end && ((*p >= '0' && *p <= '9') || *p == '-' || *p == '.' || *p == 'e' ||
                       *p == 'E' || *p == '+'))
        p++;
    size_t length = (size_t)(p - start);
    if (edge->class == CLASS_INT)
        return tcore_binary_is_decimal(start, length, &value->i) ? p : NULL;
    if (!length || !tcore_binary_is_number(start, length) ||
        tcore_binary_is_decimal(start, length, &value->i))
        return NULL;
    if (edge->class == CLASS_DOUBLE) {
        if (!tcore_binary_is_double(start, length, &d))
            return NULL;
        memcpy(&value->i, &d, sizeof d);
        return p;
    }
    value->s = start;
    value->length = (uint32_t)length;
    return p;
}

static const char *take_literal(const struct shape_edge *edge, const char *p, const char *end,
                                struct shape_value *value)
{
    static const char *const words[] = {"null", "false", "true"};
    for (int i = edge->check == CHECK_FILLED; i < 3; i++) {
        size_t length = strlen(words[i]);
        if (begins(p, end, words[i], length)) {
            value->i = i;
            return p + length;
        }
    }
    return NULL;
}

/* Behind the closing bracket of the container at p, if its brackets and quotes match at all. */
static const char *skip_container(const char *p, const char *end)
{
    size_t depth = 0;
    while (p && p < end) {
        char c = *p++;
        if (c == '"')
            p = skip_string(p, end);
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return p;
    }
    return NULL;
}

/* An array or object at p. One that the dictionary has needs no second look. */
static const char *take_json(struct shape_tree *tree, const struct shape_edge *edge, const char *p,
                             const char *end, struct shape_value *value)
{
    if (p >= end || (*p != '[' && *p != '{'))
        return NULL;
    const char *close = skip_container(p, end);
    if (!close)
        return NULL;
    size_t length = (size_t)(close - p);
    if (edge->check != CHECK_NONE && length == 2)
        return NULL;
    if (!tcore_binary_column_find(&tree->column[edge->column], p, length) &&
        !is_canonical(tree, edge, p, length))
        return NULL;
    value->s = p;
    value->length = (uint32_t)length;
    return close;
}

static inline const char *take(struct shape_tree *tree, const struct shape_edge *edge,
                               const char *p, const char *end, struct shape_value *value)
{
    switch (edge->class) {
    case CLASS_STRING:
    case CLASS_HEX:
    case CLASS_DECIMAL:
        return take_string(tree, edge, p, end, value);
    case CLASS_INT:
    case CLASS_DOUBLE:
    case CLASS_NUMBER:
        return take_number(edge, p, end, value);
    case CLASS_LITERAL:
        return take_literal(edge, p, end, value);
    default:
        return take_json(tree, edge, p, end, value);
    }
}

/* One step from *node; returns what is behind it, or NULL. The way is known, so there is room for
 * its values. */
static const char *predict_step(struct shape_tree *tree, uint32_t *node, const char *p,
                                const char *end)
{
    uint32_t before = 0;
    for (uint32_t e = tree->node[*node].edges; e; before = e, e = tree->edge[e].next) {
        const struct shape_edge *edge = &tree->edge[e];
        if (edge->check == CHECK_ALWAYS || !begins(p, end, edge->literal, edge->literal_length))
            continue;
        const char *behind = p + edge->literal_length;
        if (edge->class != CLASS_OBJECT) {
            struct shape_value *value = &tree->value[tree->values];
            value->column = edge->column;
            value->class = edge->class;
            value->coded = false;
            behind = take(tree, edge, behind, end, value);
            if (!behind)
                continue;
            tree->values++;
        }
        tcore_shape_prefer(tree, *node, e, before);
        *node = edge->node;
        return behind;
    }
    return NULL;
}

bool tcore_shape_predict(struct shape_tree *tree, const char *text, const char *end, uint32_t *node)
{
    const char *p = text;
    uint32_t at = 0;
    tree->values = 0;
    tcore_buf_clear(&tree->decoded);
    while (p && p < end) {
        if (*p != '}') {
            if (tree->values == tree->value_capacity)
                return false;
            p = predict_step(tree, &at, p, end);
            continue;
        }
        p++;
        if (tree->node[at].object == BINARY_NONE) {
            /* Not where a record never ended: it may lack what a record of its type needs. */
            *node = at;
            return p == end && tree->node[at].block;
        }
        at = tree->node[at].leave;
        if (!at)
            return false;
    }
    return false;
}
