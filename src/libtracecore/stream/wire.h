/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Protobuf's wire format, read without copying: a message is a run of records, each of them a
 * field's number and a value. Private to stream/; the foreign importers that are protobuf read
 * through it too.
 */
#ifndef TRACECORE_STREAM_WIRE_H
#define TRACECORE_STREAM_WIRE_H

#include "stream/binary_bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcore_wire_type {
    TCORE_WIRE_VARINT = 0,
    TCORE_WIRE_FIXED64 = 1,
    TCORE_WIRE_BYTES = 2, /* text, bytes, a message or packed numbers */
    TCORE_WIRE_GROUP = 3,
    TCORE_WIRE_FIXED32 = 5
};

struct tcore_wire_record {
    uint32_t number;
    uint8_t type;     /* enum tcore_wire_type */
    uint64_t value;   /* VARINT, FIXED32, FIXED64 */
    const char *data; /* BYTES, GROUP: what is in it */
    uint64_t length;  /* of that; may go beyond the end if the record is cut off */
};

/* The varint at *at, which moves behind it; false: it goes on beyond end or 64 bits. */
static inline bool tcore_wire_varint(const char **at, const char *end, uint64_t *value)
{
    const char *p = *at;
    uint64_t v = 0;
    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        uint64_t byte = (unsigned char)*p++;
        if (shift == 63 && byte > 1)
            return false;
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = p;
            *value = v;
            return true;
        }
    }
    return false;
}

/* What sint32 and sint64 hold: 0, -1, 1, -2, ... */
static inline int64_t tcore_wire_signed(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

bool tcore_wire_next_slow(const char **at, const char *end, struct tcore_wire_record *record,
                          const char **reason);

/*
 * Reads the record at *at, before end, and moves *at behind it. False: it is broken; *at stays,
 * *reason says why, and if it is a length that goes beyond the end, record says so (its data and
 * length), else record->data is NULL.
 */
static inline bool tcore_wire_next(const char **at, const char *end,
                                   struct tcore_wire_record *record, const char **reason)
{
    const unsigned char *p = (const unsigned char *)*at;
    size_t left = (size_t)(end - *at);
    *record = (struct tcore_wire_record){0};
    /* nearly all are short, and of numbers below 16 */
    if (left >= 2 && p[0] >= 8 && p[0] < 0x80) {
        record->number = p[0] >> 3;
        record->type = p[0] & 7;
        if (record->type == TCORE_WIRE_BYTES && p[1] < 0x80 && p[1] <= left - 2) {
            record->data = *at + 2;
            record->length = p[1];
            *at += 2 + p[1];
            return true;
        }
        if (record->type == TCORE_WIRE_VARINT && p[1] < 0x80) {
            record->value = p[1];
            *at += 2;
            return true;
        }
        if (record->type == TCORE_WIRE_FIXED64 && left >= 9) {
            record->value = binary_get64(p + 1);
            *at += 9;
            return true;
        }
    }
    /* by copies, so that those of the caller need not be in memory */
    const char *from = *at, *why;
    struct tcore_wire_record slow = {0};
    bool good = tcore_wire_next_slow(&from, end, &slow, &why);
    *record = slow;
    *reason = why;
    *at = from;
    return good;
}

/* How messages of OTLP follow each other in a stream. */
enum tcore_wire_framing {
    TCORE_WIRE_NONE,      /* it is no OTLP */
    TCORE_WIRE_OPEN,      /* it may be: more is needed */
    TCORE_WIRE_PLAIN,     /* no frames: one message, as concatenated messages are one */
    TCORE_WIRE_LENGTH,    /* four bytes of length before each, big-endian */
    TCORE_WIRE_DELIMITED, /* a varint of length before each */
};
/* That of a stream which begins with data; whole: nothing follows, or no more is to be looked at,
 * so that the answer is not OPEN. What is broken behind the first record does not matter. */
enum tcore_wire_framing tcore_wire_framing(const char *data, size_t length, bool whole);

#endif
