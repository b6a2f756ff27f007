/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The integers and doubles that encoded states are made of; decoding trusts nothing. */
#include "stats/encode.h"

#include <string.h>

void tcore_encode_uint64(struct tcore_buf *out, uint64_t value)
{
    unsigned char bytes[10];
    size_t length = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[length++] = (unsigned char)(value | 0x80);
    bytes[length++] = (unsigned char)value;
    tcore_buf_append(out, bytes, length);
}

void tcore_encode_int64(struct tcore_buf *out, int64_t value)
{
    tcore_encode_uint64(out, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

void tcore_encode_double(struct tcore_buf *out, double value)
{
    uint64_t bits;
    unsigned char bytes[8];
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(bits >> (8 * i));
    tcore_buf_append(out, bytes, sizeof bytes);
}

bool tcore_decode_long_uint64(struct tcore_state_reader *in, uint64_t *value)
{
    uint64_t result = 0;
    for (unsigned shift = 0; in->at < in->end && shift < 64; shift += 7) {
        unsigned char byte = *in->at++;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            bool longer_than_needed = !byte && shift;
            bool too_large = shift == 63 && byte > 1;
            *value = result;
            return !longer_than_needed && !too_large;
        }
    }
    return false;
}

bool tcore_decode_int64(struct tcore_state_reader *in, int64_t *value)
{
    uint64_t zigzag;
    if (!tcore_decode_uint64(in, &zigzag))
        return false;
    *value = (int64_t)((zigzag >> 1) ^ (zigzag & 1 ? UINT64_MAX : 0));
    return true;
}

bool tcore_decode_double(struct tcore_state_reader *in, double *value)
{
    if (tcore_state_reader_left(in) < 8)
        return false;
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)in->at[i] << (8 * i);
    in->at += 8;
    memcpy(value, &bits, sizeof bits);
    return true;
}

enum tcore_status tcore_decode_failed(struct tcore_error *err, const char *what, const char *why)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged state of a %s: %s", what, why);
}
