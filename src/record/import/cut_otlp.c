/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cutting OTLP protobuf. Frames, where there are any, have lengths, and so have the outermost
 * fields without frames: nothing has to be searched for, and what is too long is passed over to
 * what follows it. What is neither, the rest of the input, is one unit that the format rejects.
 */
#include <config.h>

#include "record/import/cut.h"

#include "stream/sniff.h"
#include "stream/wire.h"

enum { FRAME_HEAD_BYTES = 4, HEAD_BYTES_MAX = 20 /* of a tag and a length */ };

/* A unit that begins so many bytes behind split->start; the next one begins at end. */
static bool give(struct import_split *s, size_t head, size_t end, bool cut,
                 struct import_unit *unit)
{
    *unit = (struct import_unit){.offset = s->start + head,
                                 .length = end - s->start - head,
                                 .byte = s->start_byte + head,
                                 .cut = cut};
    s->at = end;
    s->state = SPLIT_BETWEEN;
    return true;
}

static bool pass_over(struct import_split *s, uint64_t bytes, struct import_unit *unit)
{
    *unit = (struct import_unit){.offset = s->start, .byte = s->start_byte, .too_long = true};
    s->skip = bytes;
    s->at = s->start;
    s->state = SPLIT_SKIPPING;
    return true;
}

/* What cannot be cut, up to the end of the input. */
static bool rest(struct import_split *s, size_t length, bool final, struct import_unit *unit)
{
    s->state = SPLIT_JUNK;
    if (length - s->start > s->limit)
        return pass_over(s, UINT64_MAX, unit);
    s->at = length;
    return final && give(s, 0, length, true, unit);
}

/* The unit at split->start is so long, of which head bytes are before what is in it. */
static bool measured(struct import_split *s, size_t head, uint64_t bytes, size_t length, bool final,
                     struct import_unit *unit)
{
    if (bytes > s->limit)
        return pass_over(s, head + bytes, unit);
    if (bytes <= length - s->start - head)
        return give(s, head, s->start + head + (size_t)bytes, false, unit);
    return final && give(s, head, length, true, unit);
}

static bool next_field(struct import_split *s, const char *data, size_t length, bool final,
                       struct import_unit *unit)
{
    const char *start = data + s->start, *at = start, *end = data + length, *reason;
    struct tcore_wire_record r = {0};
    if (tcore_wire_next(&at, end, &r, &reason))
        return measured(s, 0, (uint64_t)(at - start), length, final, unit);
    if (r.data)
        return measured(s, 0, (uint64_t)(r.data - start) + r.length, length, final, unit);
    return (final || end - start >= HEAD_BYTES_MAX) && rest(s, length, final, unit);
}

static bool next_frame(struct import_split *s, const char *data, size_t length, bool final,
                       struct import_unit *unit)
{
    const char *start = data + s->start, *at = start, *end = data + length;
    uint64_t bytes = 0;
    if (s->form == TCORE_WIRE_DELIMITED) {
        if (!tcore_wire_varint(&at, end, &bytes))
            return (final || end - start >= HEAD_BYTES_MAX) && rest(s, length, final, unit);
    } else {
        if (end - start < FRAME_HEAD_BYTES)
            return final && rest(s, length, final, unit);
        for (unsigned i = 0; i < FRAME_HEAD_BYTES; i++)
            bytes = bytes << 8 | (unsigned char)*at++;
    }
    return measured(s, (size_t)(at - start), bytes, length, final, unit);
}

/* False: the end of the data comes first. */
static bool skip(struct import_split *s, size_t length)
{
    uint64_t there = length - s->at;
    s->at += (size_t)(s->skip < there ? s->skip : there);
    s->skip -= s->skip < there ? s->skip : there;
    return !s->skip;
}

bool import_cut_otlp(struct import_split *s, const char *data, size_t length, bool final,
                     struct import_unit *unit)
{
    if (!s->form) {
        bool whole = final || length >= TCORE_SNIFF_BYTES;
        s->form = tcore_wire_framing(data, length, whole);
        if (s->form == TCORE_WIRE_OPEN && !whole) {
            s->form = 0;
            return false;
        }
        if (s->form < TCORE_WIRE_PLAIN)
            s->form = TCORE_WIRE_PLAIN; /* what is wrong is told on the way */
    }
    if (s->state == SPLIT_SKIPPING) {
        if (!skip(s, length))
            return false;
        s->state = SPLIT_BETWEEN;
    }
    if (s->state == SPLIT_BETWEEN) {
        if (s->at == length)
            return false;
        s->state = SPLIT_INSIDE;
        s->start = s->at;
        s->start_byte = (uint64_t)((int64_t)s->at - s->line_start) + 1;
    }
    if (s->state == SPLIT_JUNK)
        return rest(s, length, final, unit);
    return s->form == TCORE_WIRE_PLAIN ? next_field(s, data, length, final, unit)
                                       : next_frame(s, data, length, final, unit);
}
