/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the wire to the tape, in one pass: fields that are repeated stand one behind the other in
 * all that encoders write, so they become an array at once. Where others stand between them, which
 * protobuf allows, the message is done again, every list being collected from all over its message.
 */
#include <config.h>

#include "record/import/wire_private.h"

#include "base/base64.h"
#include "base/sys.h"
#include "model/number.h"
#include "stream/binary_codec.h"

#include <stdio.h>

/* Twice as many nodes; or places for those that there are, as documents of JSON, which have no
 * places, may have made more. */
bool import_wire_make_room(struct tape *t)
{
    struct tcore_json *json = t->json;
    size_t *placed = &t->job->place_capacity;
    uint32_t capacity = json->capacity ? 2 * json->capacity : 1024;
    void *node = json->node, *places = NULL;
    if (json->capacity - json->count >= ROOM)
        capacity = json->capacity;
    else if (capacity > json->capacity)
        node = tcore_reallocarray(json->node, capacity, sizeof(*json->node));
    else
        node = NULL;
    if (node) {
        json->node = node;
        json->capacity = capacity;
        places = tcore_reallocarray(t->job->places, capacity, sizeof(*t->job->places));
    }
    if (places) {
        t->job->places = places;
        *placed = json->capacity;
        return true;
    }
    t->job->failed = true;
    t->reason = "out of memory";
    return false;
}

char *import_wire_allocate(struct tape *t, size_t bytes)
{
    char *text = tcore_arena_alloc(&t->json->arena, bytes);
    if (!text) {
        t->job->failed = true;
        fail(t, NULL, "out of memory");
    }
    return text;
}

/* --- scalars --- */

bool import_wire_put_text(struct tape *t, const char *text, size_t length)
{
    bool plain = binary_is_plain(text, length);
    if (!plain && !tcore_binary_is_text(text, length, false))
        return fail(t, text, "a text that is not UTF-8");
    struct tcore_json_node *node = &t->json->node[t->json->count];
    tcore_value_put_string(add(t), text, length);
    node->count = plain;
    return true;
}

/* The eight hexadecimal digits of four bytes, all at once. */
static uint64_t hexadecimal(uint32_t bytes)
{
    uint64_t x = bytes;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x >> 4 & UINT64_C(0x000f000f000f000f)) | (x & UINT64_C(0x000f000f000f000f)) << 8;
    uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    return x + UINT64_C(0x3030303030303030) + letters * ('a' - '9' - 1);
}

static bool put_id(struct tape *t, const struct tcore_wire_record *r)
{
    static const char digits[] = "0123456789abcdef";
    char *text = import_wire_allocate(t, 2 * r->length + 1);
    size_t at = 0;
    if (!text)
        return false;
    for (; r->length - at >= 4; at += 4) {
        uint64_t word = hexadecimal(binary_get32(r->data + at));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        memcpy(text + 2 * at, &word, sizeof(word));
    }
    for (; at < r->length; at++) {
        text[2 * at] = digits[(unsigned char)r->data[at] >> 4];
        text[2 * at + 1] = digits[(unsigned char)r->data[at] & 15];
    }
    tcore_value_put_string(add(t), text, 2 * r->length);
    return true;
}

bool import_wire_put_base64(struct tape *t, enum tcore_kind kind, const char *before,
                            struct tcore_slice bytes, const char *behind)
{
    struct tcore_buf buf = {0};
    tcore_buf_puts(&buf, before);
    tcore_base64_encode(bytes.data, bytes.length, &buf);
    tcore_buf_puts(&buf, behind);
    char *text = buf.failed ? NULL : import_wire_allocate(t, buf.length + 1);
    if (text) {
        memcpy(text, buf.data ? buf.data : "", buf.length);
        tcore_value_put(add(t), kind, buf.length, (uint64_t)(uintptr_t)text);
    }
    t->job->failed |= buf.failed;
    tcore_buf_free(&buf);
    return text;
}

static bool put_unsigned(struct tape *t, uint64_t value)
{
    if (value <= INT64_MAX) {
        tcore_value_put_int(add(t), (int64_t)value);
        return true;
    }
    char *text = import_wire_allocate(t, TCORE_NUMBER_BYTES);
    if (!text)
        return false;
    int length = snprintf(text, TCORE_NUMBER_BYTES, "%llu", (unsigned long long)value);
    tcore_value_put(add(t), TCORE_NUMBER, (size_t)length, (uint64_t)(uintptr_t)text);
    return true;
}

static bool put_number(struct tape *t, unsigned kind, uint64_t value)
{
    switch (kind) {
    case WIRE_BOOL:
        tcore_value_put(add(t), value ? TCORE_TRUE : TCORE_FALSE, 0, 0);
        return true;
    case WIRE_DOUBLE:
        tcore_value_put(add(t), TCORE_DOUBLE, 0, value);
        return true;
    case WIRE_SIGNED:
        tcore_value_put_int(add(t), tcore_wire_signed(value));
        return true;
    case WIRE_INT:
    case WIRE_SFIXED64:
        tcore_value_put_int(add(t), (int64_t)value);
        return true;
    default:
        return put_unsigned(t, value);
    }
}

static inline unsigned wire_type(unsigned kind)
{
    static const uint8_t types[] = {
        [WIRE_TEXT] = TCORE_WIRE_BYTES,      [WIRE_ID] = TCORE_WIRE_BYTES,
        [WIRE_INT] = TCORE_WIRE_VARINT,      [WIRE_UINT] = TCORE_WIRE_VARINT,
        [WIRE_SIGNED] = TCORE_WIRE_VARINT,   [WIRE_BOOL] = TCORE_WIRE_VARINT,
        [WIRE_FIXED64] = TCORE_WIRE_FIXED64, [WIRE_SFIXED64] = TCORE_WIRE_FIXED64,
        [WIRE_FIXED32] = TCORE_WIRE_FIXED32, [WIRE_DOUBLE] = TCORE_WIRE_FIXED64,
        [WIRE_MESSAGE] = TCORE_WIRE_BYTES,   [WIRE_ELSEWHERE] = TCORE_WIRE_BYTES,
        [WIRE_ANY] = TCORE_WIRE_BYTES,       [WIRE_PAIR] = TCORE_WIRE_BYTES,
    };
    return types[kind];
}

/* Numbers of a list that are packed into one record. */
static bool put_packed(struct tape *t, unsigned kind, const struct tcore_wire_record *r,
                       uint32_t list)
{
    const char *at = r->data, *end = at + r->length;
    while (at < end) {
        uint64_t value = 0;
        if (!has_room(t))
            return false;
        if (wire_type(kind) == TCORE_WIRE_VARINT) {
            if (!tcore_wire_varint(&at, end, &value))
                return breaks(t, at, "a number that does not end");
        } else {
            if (end - at < 8)
                return breaks(t, at, "eight bytes that are not there");
            value = binary_get64(at);
            at += 8;
        }
        if (!put_number(t, kind, value))
            return false;
        t->json->node[list].count++;
    }
    return true;
}

/* --- messages --- */

static bool put_object(struct tape *t, const struct import_wire_message *message, const char *data,
                       size_t length, uint32_t *node);

static bool put_value(struct tape *t, const struct import_wire_field *f,
                      const struct tcore_wire_record *r)
{
    uint32_t node;
    switch (f->kind) {
    case WIRE_TEXT:
        return import_wire_put_text(t, r->data, r->length);
    case WIRE_ID:
        return put_id(t, r);
    case WIRE_ANY:
        return import_wire_put_any(t, (struct tcore_slice){r->data, r->length});
    case WIRE_PAIR:
        return import_wire_put_pair(t, (struct tcore_slice){r->data, r->length});
    case WIRE_MESSAGE:
        return put_object(t, f->message, r->data, r->length, &node);
    default:
        return put_number(t, f->kind, r->value);
    }
}

static inline bool is_packed(const struct import_wire_field *f, const struct tcore_wire_record *r)
{
    return f->repeated && r->type == TCORE_WIRE_BYTES && wire_type(f->kind) != TCORE_WIRE_BYTES;
}

static inline bool is_known(const struct import_wire_field *f, const struct tcore_wire_record *r)
{
    return f->kind != WIRE_NONE && (r->type == wire_type(f->kind) || is_packed(f, r));
}

bool import_wire_is_known(const struct import_wire_field *field,
                          const struct tcore_wire_record *record)
{
    return is_known(field, record);
}

static bool put_element(struct tape *t, const struct import_wire_field *f,
                        const struct tcore_wire_record *r, uint32_t list)
{
    if (is_packed(f, r))
        return put_packed(t, f->kind, r, list);
    t->json->node[list].count++;
    return put_value(t, f, r);
}

/* The list that begins with *r, which becomes the first record behind those that belong to it and
 * stand beside it; *more: there is one. When collecting, what follows elsewhere comes as well. */
static bool put_list(struct tape *t, const struct import_wire_field *f, const char **at,
                     const char *end, struct tcore_wire_record *r)
{
    uint32_t number = r->number, list = open_container(t, "[");
    bool beside = true;
    const char *p = *at;
    for (;;) {
        const char *reason;
        if (!put_element(t, f, r, list))
            return false;
        do {
            if (beside)
                *at = p;
            if (!has_room(t))
                return false;
            if (p == end || !tcore_wire_next(&p, end, r, &reason)) {
                close_container(t, list);
                return true;
            }
            beside &= r->number == number && is_known(f, r);
        } while (t->collect && !(r->number == number && is_known(f, r)));
        if (!beside && !t->collect) {
            close_container(t, list);
            return true;
        }
    }
}

void import_wire_count_unknown(struct tape *t, const struct tcore_wire_record *r)
{
    char name[24];
    int length = snprintf(name, sizeof(name), "field %u", r->number);
    if (r->data ? r->length : r->value)
        import_ignored(t->job, name, (size_t)length);
}

/* A field that the format does not define becomes such a member. */
static bool put_unknown(struct tape *t, const struct tcore_wire_record *r)
{
    char *name = import_wire_allocate(t, 24);
    if (!name)
        return false;
    int length = snprintf(name, 24, "field %u", r->number);
    tcore_value_put_string(add(t), name, (size_t)length);
    bool empty = r->data ? !r->length : !r->value;
    tcore_value_put(add(t), empty ? TCORE_NULL : TCORE_TRUE, 0, 0);
    return true;
}

/* Fields up to the end; *at: how far it came. */
static bool put_fields(struct tape *t, const struct import_wire_message *message, const char **at,
                       const char *end, uint32_t node)
{
    uint64_t seen = 0;
    struct tcore_wire_record r = {0};
    while (*at < end) {
        static const struct import_wire_field none;
        const char *reason;
        if (!has_room(t))
            return false;
        if (!tcore_wire_next(at, end, &r, &reason))
            return breaks(t, *at, reason);
        const struct import_wire_field *f =
            r.number < message->count ? &message->field[r.number] : &none;
        if (r.type == TCORE_WIRE_BYTES &&
            (f->kind == WIRE_ELSEWHERE || r.number == message->elsewhere))
            continue;
        if (!is_known(f, &r)) {
            t->json->node[node].count++;
            if (!put_unknown(t, &r))
                return false;
            continue;
        }
        uint64_t bit = f->repeated ? UINT64_C(1) << r.number % SEEN_FIELDS : 0;
        if (seen & bit) {
            if (t->collect)
                continue;
            t->scattered = true;
            return fail(t, *at, "");
        }
        seen |= bit;
        t->json->node[node].count++;
        tcore_value_put_string(add(t), f->name, f->length);
        if (!(f->repeated ? put_list(t, f, at, end, &r) : put_value(t, f, &r)))
            return false;
    }
    return true;
}

static bool put_object(struct tape *t, const struct import_wire_message *message, const char *data,
                       size_t length, uint32_t *node)
{
    if (!has_room(t))
        return false;
    *node = open_container(t, "{");
    t->job->places[*node] = (struct tcore_slice){data, length};
    if (!enter(t, data))
        return false;
    const char *at = data;
    bool good = put_fields(t, message, &at, data + length, *node);
    t->depth--;
    close_container(t, *node);
    return good;
}

enum import_wire_status import_wire_put(struct import_job *job,
                                        const struct import_wire_message *message,
                                        struct tcore_slice data, uint32_t *node, const char **where)
{
    struct tape t = {.job = job, .json = &job->json, .depth = OUTER_DEPTH};
    uint32_t from = job->json.count;
    struct import_counts counts = job->result->counts;
    bool good = put_object(&t, message, data.data, data.length, node);
    if (!good && t.scattered) {
        job->json.count = from;
        job->result->counts = counts;
        t.collect = true;
        t.where = t.reason = NULL;
        t.depth = OUTER_DEPTH;
        good = put_object(&t, message, data.data, data.length, node);
    }
    if (good)
        return IMPORT_WIRE_GOOD;
    *where = t.where ? t.where : data.data;
    if (t.broken)
        import_bad(job, "broken protobuf: %s", t.reason);
    else if (t.reason)
        import_bad(job, "%s", t.reason);
    else
        import_bad(job, "nested deeper than %u",
                   job->json.depth_limit ? job->json.depth_limit : TCORE_JSON_DEPTH);
    return t.ends ? IMPORT_WIRE_ENDS : IMPORT_WIRE_BAD;
}
