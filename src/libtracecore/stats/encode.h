/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the states of stats/ become bytes. Each module has its own _encode and _decode; this is what
 * they share. The bytes depend on the state alone, never on the order in which it came about, and
 * are part of the format of partials: tracecore-record(5) and the roll-ups of a segment carry them.
 *
 * An integer is a little-endian base-128 varint of up to 64 bits in its shortest form; a signed one
 * is zigzagged first (0, -1, 1, -2 ... are 0, 1, 2, 3 ...); a double is the 8 bytes of its IEEE 754
 * form, little-endian. There is no length or tag in front: the frame around it has them.
 *
 *   histogram   head = coarser * 8 + 4 has negative side + 2 has zero + 1 in units
 *               [zero count] positive side [negative side]
 *     side      number of buckets; for each, ascending: (index - previous index - 1, of the first
 *               zigzag(index)) * 2 + (count > 1), then count - 2 if so
 *               counts are whole records, or units when any is not whole
 *   exact sum   head = bytes * 8 + 4 has specials + 2 negative + 1 saw a double
 *               [zigzag(exponent) magnitude] [NaNs, +Infinities, -Infinities]
 *               the magnitude is so many little-endian bytes, neither end zero, of 256^exponent
 *   bounds      head = number of bounds * 4 + 2 coarsened + 1 in units, +1 over all: 0 is empty
 *               bounds as doubles, then a count more than there are bounds
 *   distinct    number of values + 1, then their 128-bit hashes in ascending order, 16 bytes each;
 *               or 0 and the 16,384 registers of 6 bits, packed from the lowest bit
 *   top-k       entries * 2 + (not exact) [error, total in units]; for each in the order of bytes:
 *               length, bytes, units
 *   apdex       satisfied, tolerating, total, in units
 *   exemplars   number of entries; for each: 1 an integer value or 2 a double + 4 has a span id, 16
 *               bytes of the trace id [8 of the span id] [value, zigzagged or as a double]
 *   counter     number of runs * 2 + doubtful; for each: 1 if it has two points, its points
 *     point     1 a double + 2 has a start, zigzag(time) [zigzag(start)] value, zigzagged or as a
 *               double
 *   increase    number of series * 2 + has deltas; for each in the order of its 128-bit hash: that,
 *               16 bytes, and its counter; [exact sum of the deltas]
 */
#ifndef TRACECORE_STATS_ENCODE_H
#define TRACECORE_STATS_ENCODE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes being decoded; borrowed. A state's decoder leaves at behind what it took. */
struct tcore_state_reader {
    const unsigned char *at, *end;
};

static inline struct tcore_state_reader tcore_state_reader(const void *data, size_t length)
{
    return (struct tcore_state_reader){data, length ? (const unsigned char *)data + length : data};
}

static inline size_t tcore_state_reader_left(const struct tcore_state_reader *in)
{
    return (size_t)(in->end - in->at);
}

void tcore_encode_uint64(struct tcore_buf *out, uint64_t value);
void tcore_encode_int64(struct tcore_buf *out, int64_t value);
void tcore_encode_double(struct tcore_buf *out, double value);

/* Each returns false at the end of the bytes, or for a varint that is too large or too long. */
bool tcore_decode_long_uint64(struct tcore_state_reader *in, uint64_t *value);
static inline bool tcore_decode_uint64(struct tcore_state_reader *in, uint64_t *value)
{
    const unsigned char *at = in->at;
    if (at < in->end && *at < 0x80) { /* most are of one byte, many of the rest of two */
        *value = *at;
        in->at = at + 1;
        return true;
    }
    if (in->end - at > 1 && at[1] < 0x80 && at[1]) {
        *value = (uint64_t)at[1] << 7 | (*at & 0x7f);
        in->at = at + 2;
        return true;
    }
    return tcore_decode_long_uint64(in, value);
}
bool tcore_decode_int64(struct tcore_state_reader *in, int64_t *value);
bool tcore_decode_double(struct tcore_state_reader *in, double *value);

/* TCORE_BAD_INPUT: "damaged state of a histogram: too short or not in its shortest form". */
enum tcore_status tcore_decode_failed(struct tcore_error *err, const char *what, const char *why);

#endif
