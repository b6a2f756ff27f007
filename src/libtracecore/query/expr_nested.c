/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jq's operators on arrays and objects. Values are JSON texts, so each operation parses its
 * operands (rare in filters) and writes a new text. Recursion is bounded by the parser's nesting
 * limit.
 */
#include "query/expr_value.h"

#include "base/sys.h"
#include "query/view.h"

#include <stdlib.h>
#include <string.h>

/* A node of a parsed text. */
struct place {
    const struct tcore_json *json;
    uint32_t i;
};

static const struct tcore_json_node *node_of(struct place p)
{
    return &p.json->node[p.i];
}

static struct place at(struct place p, uint32_t i)
{
    return (struct place){p.json, i};
}

/* Parses both; false if memory is short (scratch->failed) or one is nested too deeply. */
static bool parse(struct tcore_expr_scratch *scratch, struct tcore_json *json,
                  const struct tcore_value *v)
{
    enum tcore_status status = tcore_json_parse(json, v->s, v->len, NULL);
    if (status == TCORE_FATAL)
        scratch->failed = true;
    if (status == TCORE_OK)
        tcore_view_times(json);
    return status == TCORE_OK;
}

static bool parse_both(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                       const struct tcore_value *b, struct place *left, struct place *right)
{
    *left = (struct place){&scratch->left, 0};
    *right = (struct place){&scratch->right, 0};
    return parse(scratch, &scratch->left, a) && parse(scratch, &scratch->right, b);
}

/* --- Order */

struct member {
    const char *key;
    uint32_t length, value; /* value: its node */
};

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int order = memcmp(a->key, b->key, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* The members of an object in the order of their keys, of duplicates the last; NULL: no memory.
 * The caller frees them. */
static struct member *sorted_members(struct tcore_expr_scratch *scratch, struct place object,
                                     uint32_t *count)
{
    const struct tcore_json_node *node = object.json->node;
    struct tcore_json_walk walk;
    struct tcore_json_member m;
    struct member *members = tcore_reallocarray(NULL, node[object.i].count + 1u, sizeof *members);
    if (!members || tcore_json_walk_open(&walk, object.json, object.i) != TCORE_OK) {
        scratch->failed = true;
        tcore_free(members);
        return NULL;
    }
    uint32_t n = 0;
    while (tcore_json_walk_next(&walk, object.json, &m))
        members[n++] = (struct member){node[m.key].value.s, node[m.key].value.len, m.value};
    tcore_json_walk_close(&walk);
    if (n)
        qsort(members, n, sizeof *members, compare_members);
    *count = n;
    return members;
}

static int compare_places(struct tcore_expr_scratch *scratch, struct place a, struct place b);

static int compare_arrays(struct tcore_expr_scratch *scratch, struct place a, struct place b)
{
    uint32_t i = a.i + 1, k = b.i + 1, end_a = node_of(a)->next, end_b = node_of(b)->next;
    while (i < end_a && k < end_b) {
        int order = compare_places(scratch, at(a, i), at(b, k));
        if (order)
            return order;
        i = a.json->node[i].next;
        k = b.json->node[k].next;
    }
    return (i < end_a) - (k < end_b);
}

/* First by the sorted keys as an array, then by the values in the order of the keys. */
static int compare_objects(struct tcore_expr_scratch *scratch, struct place a, struct place b)
{
    uint32_t count_a, count_b = 0, i;
    int order = 0;
    struct member *x = sorted_members(scratch, a, &count_a);
    struct member *y = x ? sorted_members(scratch, b, &count_b) : NULL;
    if (y) {
        for (i = 0; !order && i < count_a && i < count_b; i++)
            order = compare_members(&x[i], &y[i]);
        if (!order)
            order = (count_a > count_b) - (count_a < count_b);
        for (i = 0; !order && i < count_a; i++)
            order = compare_places(scratch, at(a, x[i].value), at(b, y[i].value));
    }
    tcore_free(x);
    tcore_free(y);
    return order;
}

static int compare_places(struct tcore_expr_scratch *scratch, struct place a, struct place b)
{
    const struct tcore_value *x = &node_of(a)->value, *y = &node_of(b)->value;
    enum tcore_expr_type type = tcore_expr_type(x);
    if (type != tcore_expr_type(y) || type < TCORE_EXPR_ARRAY)
        return tcore_expr_compare(scratch, x, y);
    return type == TCORE_EXPR_ARRAY ? compare_arrays(scratch, a, b)
                                    : compare_objects(scratch, a, b);
}

int tcore_expr_compare_nested(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                              const struct tcore_value *b)
{
    struct place left, right;
    if (a->len == b->len && memcmp(a->s, b->s, a->len) == 0)
        return 0;
    return parse_both(scratch, a, b, &left, &right) ? compare_places(scratch, left, right) : 1;
}

/* --- Containment */

static bool contains_place(struct tcore_expr_scratch *scratch, struct place a, struct place b);

static bool array_contains(struct tcore_expr_scratch *scratch, struct place a, struct place b)
{
    for (uint32_t k = b.i + 1; k < node_of(b)->next; k = b.json->node[k].next) {
        bool found = false;
        for (uint32_t i = a.i + 1; !found && i < node_of(a)->next; i = a.json->node[i].next)
            found = contains_place(scratch, at(a, i), at(b, k));
        if (!found)
            return false;
    }
    return true;
}

static bool object_contains(struct tcore_expr_scratch *scratch, struct place a, struct place b)
{
    for (uint32_t k = b.i + 1; k < node_of(b)->next; k = b.json->node[k + 1].next) {
        const struct tcore_value *key = &b.json->node[k].value;
        uint32_t value = tcore_json_find_n(b.json, b.i, key->s, key->len); /* the last of the key */
        uint32_t found = tcore_json_find_n(a.json, a.i, key->s, key->len);
        if (!found || !contains_place(scratch, at(a, found), at(b, value)))
            return false;
    }
    return true;
}

static bool contains_place(struct tcore_expr_scratch *scratch, struct place a, struct place b)
{
    const struct tcore_value *x = &node_of(a)->value, *y = &node_of(b)->value;
    enum tcore_expr_type type = tcore_expr_type(x);
    if (type != tcore_expr_type(y))
        return false;
    if (type == TCORE_EXPR_ARRAY)
        return array_contains(scratch, a, b);
    if (type == TCORE_EXPR_OBJECT)
        return object_contains(scratch, a, b);
    if (type == TCORE_EXPR_STRING)
        return memmem(x->s, x->len, y->s, y->len) != NULL;
    return tcore_expr_compare(scratch, x, y) == 0;
}

/* Parses both for an operation that compares each part of a with each of b; false with *fault. */
static bool parse_pairs(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                        const struct tcore_value *b, struct place *left, struct place *right,
                        struct tcore_value *fault)
{
    if (!parse_both(scratch, a, b, left, right)) {
        *fault = tcore_expr_error(scratch, TCORE_FAULT_NESTED, a, NULL);
        return false;
    }
    if ((uint64_t)scratch->left.count * scratch->right.count > TCORE_EXPR_PAIRS) {
        *fault = tcore_expr_error(scratch, TCORE_FAULT_LARGE, a, b);
        return false;
    }
    return true;
}

struct tcore_value tcore_expr_contains_nested(struct tcore_expr_scratch *scratch,
                                              const struct tcore_value *a,
                                              const struct tcore_value *b)
{
    struct place left, right;
    struct tcore_value fault;
    if (!parse_pairs(scratch, a, b, &left, &right, &fault))
        return fault;
    return tcore_value_bool(contains_place(scratch, left, right));
}

/* --- New arrays and objects */

/* What scratch->buf holds as a value, or an error if it is too large. */
static struct tcore_value finish(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                 const struct tcore_value *b)
{
    struct tcore_buf *buf = &scratch->buf;
    if (buf->failed)
        scratch->failed = true;
    char *copy = buf->failed ? NULL : tcore_expr_room(scratch, buf->length);
    if (!copy)
        return tcore_expr_error(scratch, TCORE_FAULT_LARGE, a, b);
    memcpy(copy, buf->data, buf->length);
    return (struct tcore_value){.kind = TCORE_JSON, .len = (uint32_t)buf->length, .s = copy};
}

/* A comma, unless buf ends with the bracket that opened the list. */
static void separate(struct tcore_buf *buf)
{
    char last = buf->length ? buf->data[buf->length - 1] : '\0';
    if (last != '[' && last != '{')
        tcore_buf_putc(buf, ',');
}

/* One list behind the other. Of members with one key the last counts, which is jq's {} + {}. */
struct tcore_value tcore_expr_add_nested(struct tcore_expr_scratch *scratch,
                                         const struct tcore_value *a, const struct tcore_value *b)
{
    struct place left, right;
    if (!parse_both(scratch, a, b, &left, &right))
        return tcore_expr_error(scratch, TCORE_FAULT_NESTED, a, NULL);
    if (node_of(left)->count == 0)
        return *b;
    if (node_of(right)->count == 0)
        return *a;
    tcore_buf_clear(&scratch->buf);
    tcore_buf_append(&scratch->buf, a->s, a->len - 1);
    tcore_buf_putc(&scratch->buf, ',');
    tcore_buf_append(&scratch->buf, b->s + 1, b->len - 1);
    return finish(scratch, a, b);
}

struct tcore_value tcore_expr_subtract_nested(struct tcore_expr_scratch *scratch,
                                              const struct tcore_value *a,
                                              const struct tcore_value *b)
{
    struct place left, right;
    struct tcore_value fault;
    if (!parse_pairs(scratch, a, b, &left, &right, &fault))
        return fault;
    tcore_buf_clear(&scratch->buf);
    tcore_buf_putc(&scratch->buf, '[');
    for (uint32_t i = 1; i < left.json->count; i = left.json->node[i].next) {
        bool found = false;
        for (uint32_t k = 1; !found && k < right.json->count; k = right.json->node[k].next)
            found = compare_places(scratch, at(left, i), at(right, k)) == 0;
        if (!found) {
            separate(&scratch->buf);
            tcore_json_write_tree(&scratch->buf, left.json, i);
        }
    }
    tcore_buf_putc(&scratch->buf, ']');
    return finish(scratch, a, b);
}

static void write_member(struct tcore_buf *buf, const struct tcore_value *key)
{
    separate(buf);
    tcore_json_write_string(buf, key->s, key->len);
    tcore_buf_putc(buf, ':');
}

static void write_merged(struct tcore_expr_scratch *scratch, struct place a, struct place b);

/* The members of a, or of b those that a has not. Objects in both are merged. */
static void write_side(struct tcore_expr_scratch *scratch, struct place a, struct place b,
                       bool right)
{
    struct place from = right ? b : a, other = right ? a : b;
    struct tcore_json_walk walk;
    struct tcore_json_member m;
    if (tcore_json_walk_open(&walk, from.json, from.i) != TCORE_OK) {
        scratch->failed = true;
        return;
    }
    while (tcore_json_walk_next(&walk, from.json, &m)) {
        const struct tcore_value *key = &from.json->node[m.key].value;
        uint32_t found = tcore_json_find_n(other.json, other.i, key->s, key->len);
        if (right && found)
            continue;
        write_member(&scratch->buf, key);
        if (found && tcore_json_is_object(node_of(at(from, m.value))) &&
            tcore_json_is_object(node_of(at(other, found))))
            write_merged(scratch, at(from, m.value), at(other, found));
        else
            tcore_json_write_tree(&scratch->buf, found ? other.json : from.json,
                                  found ? found : m.value);
    }
    tcore_json_walk_close(&walk);
}

static void write_merged(struct tcore_expr_scratch *scratch, struct place a, struct place b)
{
    tcore_buf_putc(&scratch->buf, '{');
    write_side(scratch, a, b, false);
    write_side(scratch, a, b, true);
    tcore_buf_putc(&scratch->buf, '}');
}

struct tcore_value tcore_expr_merge_nested(struct tcore_expr_scratch *scratch,
                                           const struct tcore_value *a, const struct tcore_value *b)
{
    struct place left, right;
    struct tcore_value fault;
    if (!parse_pairs(scratch, a, b, &left, &right, &fault))
        return fault;
    tcore_buf_clear(&scratch->buf);
    write_merged(scratch, left, right);
    return finish(scratch, a, b);
}

/* Bytes of the character at text. */
static size_t character_length(const char *text, size_t length)
{
    size_t n = 1;
    while (n < length && (text[n] & 0xc0) == 0x80)
        n++;
    return n;
}

struct tcore_value tcore_expr_split(struct tcore_expr_scratch *scratch, const struct tcore_value *a,
                                    const struct tcore_value *b)
{
    const char *from = a->s, *end = a->s + a->len;
    tcore_buf_clear(&scratch->buf);
    tcore_buf_putc(&scratch->buf, '[');
    while (from < end) {
        size_t rest = (size_t)(end - from);
        const char *to = b->len ? memmem(from, rest, b->s, b->len) : NULL;
        if (!b->len)
            to = from + character_length(from, rest);
        else if (!to)
            to = end;
        separate(&scratch->buf);
        tcore_json_write_string(&scratch->buf, from, (size_t)(to - from));
        from = to + b->len;
        if (from == end && b->len)
            tcore_buf_puts(&scratch->buf, ",\"\""); /* a separator at the very end */
    }
    tcore_buf_putc(&scratch->buf, ']');
    return finish(scratch, a, b);
}

/* --- Looking into one */

int64_t tcore_expr_count_nested(struct tcore_expr_scratch *scratch, const struct tcore_value *a)
{
    struct tcore_json_walk walk;
    struct tcore_json_member m;
    int64_t count = 0;
    if (!parse(scratch, &scratch->left, a))
        return -1;
    if (tcore_json_walk_open(&walk, &scratch->left, 0) != TCORE_OK) {
        scratch->failed = true;
        return -1;
    }
    while (tcore_json_walk_next(&walk, &scratch->left, &m))
        count++;
    tcore_json_walk_close(&walk);
    return count;
}

struct tcore_value tcore_expr_member(struct tcore_expr_scratch *scratch,
                                     const struct tcore_value *a, const struct tcore_value *key)
{
    if (!parse(scratch, &scratch->left, a))
        return tcore_expr_error(scratch, TCORE_FAULT_NESTED, a, NULL);
    uint32_t found = tcore_json_find_n(&scratch->left, 0, key->s, key->len);
    if (!found)
        return (struct tcore_value){.kind = TCORE_ABSENT};
    struct tcore_value v = scratch->left.node[found].value;
    if (v.kind == TCORE_STRING) { /* decoded strings live in the tape, which is reused */
        char *copy = tcore_expr_room(scratch, v.len);
        if (!copy)
            return tcore_expr_error(scratch, TCORE_FAULT_LARGE, a, key);
        memcpy(copy, v.s, v.len);
        v.s = copy;
    }
    return v;
}
