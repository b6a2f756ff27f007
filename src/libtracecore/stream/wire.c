/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Protobuf's wire format: records, and by them what OTLP looks like from outside. */
#include "stream/wire.h"

enum {
    GROUPS_MAX = 64, /* open inside each other */
    HEAD_BYTES = 4,
    FRAME_MAX = 1 << 30, /* of a frame that is believed */
    ENOUGH_BYTES = 256   /* like OTLP so far are not so by chance */
};

static bool read_value(const char **at, const char *end, struct tcore_wire_record *r,
                       const char **reason)
{
    switch (r->type) {
    case TCORE_WIRE_VARINT:
        *reason = "a number that does not end";
        return tcore_wire_varint(at, end, &r->value);
    case TCORE_WIRE_FIXED64:
        *reason = "eight bytes that are not there";
        if (end - *at < 8)
            return false;
        r->value = binary_get64(*at);
        *at += 8;
        return true;
    case TCORE_WIRE_FIXED32:
        *reason = "four bytes that are not there";
        if (end - *at < 4)
            return false;
        r->value = binary_get32(*at);
        *at += 4;
        return true;
    case TCORE_WIRE_BYTES:
        *reason = "a length that does not end";
        if (!tcore_wire_varint(at, end, &r->length))
            return false;
        r->data = *at;
        *reason = "a length that goes beyond what is there";
        if (r->length > (uint64_t)(end - *at))
            return false;
        *at += r->length;
        return true;
    default:
        *reason = "a field of no type";
        return false;
    }
}

static bool read_tag(const char **at, const char *end, uint32_t *number, uint8_t *type)
{
    uint64_t tag;
    if (!tcore_wire_varint(at, end, &tag) || tag >> 32 || tag < 8)
        return false;
    *number = (uint32_t)tag >> 3;
    *type = tag & 7;
    return true;
}

/* Over a group, which ends with a tag of its own number. */
static bool skip_group(const char **at, const char *end, struct tcore_wire_record *r,
                       const char **reason)
{
    enum { GROUP_END = 4 };
    uint32_t open[GROUPS_MAX];
    unsigned depth = 0;
    const char *from = *at;
    open[depth++] = r->number;
    while (depth) {
        struct tcore_wire_record inner = {0};
        const char *before = *at;
        *reason = "a group that does not end";
        if (!read_tag(at, end, &inner.number, &inner.type))
            return false;
        if (inner.type == GROUP_END) {
            *reason = "a group that ends as another one";
            if (open[--depth] != inner.number)
                return false;
            r->length = (uint64_t)(before - from);
        } else if (inner.type == TCORE_WIRE_GROUP) {
            *reason = "groups in groups without end";
            if (depth == GROUPS_MAX)
                return false;
            open[depth++] = inner.number;
        } else if (!read_value(at, end, &inner, reason)) {
            return false;
        }
    }
    r->data = from;
    return true;
}

bool tcore_wire_next_slow(const char **at, const char *end, struct tcore_wire_record *record,
                          const char **reason)
{
    const char *p = *at;
    const unsigned char *head = (const unsigned char *)p;
    record->data = NULL;
    /* most that come here are messages of some hundred bytes */
    if (end - p >= 3 && (head[0] & 0x87) == TCORE_WIRE_BYTES && head[0] >= 8 && head[1] >= 0x80 &&
        head[2] < 0x80) {
        size_t length = (head[1] & 0x7fu) | (size_t)head[2] << 7;
        if (length <= (size_t)(end - p - 3)) {
            record->number = head[0] >> 3;
            record->type = TCORE_WIRE_BYTES;
            record->data = p + 3;
            record->length = length;
            *at = p + 3 + length;
            return true;
        }
    }
    *reason = "what is no field";
    if (!read_tag(&p, end, &record->number, &record->type))
        return false;
    bool good = record->type == TCORE_WIRE_GROUP ? skip_group(&p, end, record, reason)
                                                 : read_value(&p, end, record, reason);
    if (good)
        *at = p;
    return good;
}

/* --- OTLP --- */

/* Levels of messages whose fields are all known: requests, resources, scopes. In each the field
 * that leads one level down, and bits of those that there are. */
static const struct {
    uint32_t inner, old_inner; /* old: until 2022, of instrumentation libraries */
    unsigned fields;
} levels[] = {{1, 1, 2}, {2, 1000, 2 | 4 | 8}, {2, 2, 2 | 4 | 8}};
enum { LEVELS = sizeof levels / sizeof *levels };

enum likeness {
    UNLIKE,
    OPEN, /* as far as it goes, which is not its end */
    LIKE, /* all of it, but there is no record in it */
    SURE  /* all the way down to a record */
};

/* Whether data ends in the middle of the tag or length at `at`. */
static bool ends_early(const char *at, const char *end, const struct tcore_wire_record *r)
{
    const char *p = at;
    while (p < end && (unsigned char)*p >= 0x80)
        p++;
    if (p == end)
        return true;
    for (p++; p < end && (unsigned char)*p >= 0x80;)
        p++;
    return p == end && r->type == TCORE_WIRE_BYTES;
}

/* What a resource, a scope or a record has is not looked at, except how it begins. */
static enum likeness like_inside(const char *at, const char *end, bool whole)
{
    struct tcore_wire_record r = {0};
    const char *reason;
    if (at == end)
        return whole ? LIKE : OPEN;
    if (tcore_wire_next(&at, end, &r, &reason))
        return SURE;
    return !whole && (r.data || ends_early(at, end, &r)) ? OPEN : UNLIKE;
}

/* whole: the message ends at end, and not only what there is of it. */
static enum likeness like_level(const char *at, const char *end, bool whole, unsigned level)
{
    if (level == LEVELS)
        return like_inside(at, end, whole);
    while (at < end) {
        struct tcore_wire_record r = {0};
        const char *reason;
        bool cut = !tcore_wire_next(&at, end, &r, &reason);
        if (cut && (whole || !r.data))
            return !whole && ends_early(at, end, &r) ? OPEN : UNLIKE;
        bool inner = r.number == levels[level].inner || r.number == levels[level].old_inner;
        if (r.type != TCORE_WIRE_BYTES ||
            !(inner || (r.number < 32 && levels[level].fields >> r.number & 1)))
            return UNLIKE;
        const char *inner_end = cut ? end : r.data + r.length;
        enum likeness like = inner           ? like_level(r.data, inner_end, !cut, level + 1)
                             : r.number == 1 ? like_inside(r.data, inner_end, !cut)
                                             : LIKE;
        if (like == UNLIKE || (inner && like == SURE))
            return like;
        if (cut)
            return OPEN;
    }
    return whole ? LIKE : OPEN;
}

/* Frames one after the other, each of them OTLP; empty ones say nothing. */
static enum likeness like_frames(const char *at, const char *end, bool whole, bool delimited)
{
    enum likeness all = whole ? UNLIKE : OPEN;
    while (at < end) {
        uint64_t bytes = 0;
        if (delimited && !tcore_wire_varint(&at, end, &bytes))
            return !whole && end - at < 10 ? OPEN : UNLIKE;
        if (!delimited && end - at < HEAD_BYTES)
            return whole ? UNLIKE : OPEN;
        for (unsigned i = 0; !delimited && i < HEAD_BYTES; i++)
            bytes = bytes << 8 | (unsigned char)*at++;
        if (!bytes)
            continue;
        uint64_t left = (uint64_t)(end - at), there = bytes < left ? bytes : left;
        all = bytes > FRAME_MAX ? UNLIKE : like_level(at, at + there, bytes <= left, 0);
        if (all == UNLIKE || all == SURE)
            return all;
        at += there;
    }
    return all;
}

enum tcore_wire_framing tcore_wire_framing(const char *data, size_t length, bool whole)
{
    const char *end = data + length;
    enum tcore_wire_framing framing = TCORE_WIRE_LENGTH;
    enum likeness like = UNLIKE;
    if (!length)
        return TCORE_WIRE_OPEN;
    if (!data[0]) { /* no field has the number 0 */
        like = like_frames(data, end, whole, false);
    } else {
        framing = TCORE_WIRE_PLAIN;
        like = like_level(data, end, false, 0);
        if (like == UNLIKE) {
            framing = TCORE_WIRE_DELIMITED;
            like = like_frames(data, end, whole, true);
        }
    }
    if (like == SURE)
        return framing;
    if (like != UNLIKE && !whole)
        return TCORE_WIRE_OPEN;
    /* a message of resources only, or what there is of one */
    bool enough = length >= ENOUGH_BYTES || (framing == TCORE_WIRE_PLAIN && like == OPEN &&
                                             like_level(data, end, true, 0) == LIKE);
    return like == LIKE || (like == OPEN && enough) ? framing : TCORE_WIRE_NONE;
}
