/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Short texts that a column has met lately, with their codes, in front of its dictionary: texts of
 * any length up to 32 are hashed and compared as four words, without a branch on how long they are,
 * which is what a look-up in the dictionary mostly waits for. Which texts are here changes no code.
 */
#ifndef TRACECORE_STREAM_BINARY_MEMO_H
#define TRACECORE_STREAM_BINARY_MEMO_H

#include "stream/binary_column.h"

#pragma GCC visibility push(hidden)

#define BINARY_MEMO_BYTES  32 /* of the longest text that is remembered */
#define BINARY_MEMO_PLACES 256

struct binary_memo_text {
    uint64_t word[BINARY_MEMO_BYTES / 8]; /* zero behind the text */
    uint32_t length;                      /* 0: there is none */
    uint32_t code;
};

struct binary_memo {
    struct binary_memo_text place[BINARY_MEMO_PLACES];
};

/* From byte 32 - n on: 32 bytes of which the first n are 0xff, the others 0. */
extern const uint8_t tcore_binary_memo_mask[2 * BINARY_MEMO_BYTES];

/* As tcore_binary_column_add_text(), for a text that the memo does not have. */
bool tcore_binary_memo_miss(struct binary_column *column, const char *text, size_t length);

static inline unsigned binary_memo_place(const uint64_t word[BINARY_MEMO_BYTES / 8])
{
    uint64_t mixed = word[0] ^ (word[1] << 17 | word[1] >> 47) ^ (word[2] << 34 | word[2] >> 30) ^
                     (word[3] << 51 | word[3] >> 13);
    return (unsigned)(mixed * 0x9e3779b97f4a7c15u >> 32) % BINARY_MEMO_PLACES;
}

/* As tcore_binary_column_add_text(), where BINARY_MEMO_BYTES can be read from the text on. */
static inline bool binary_column_add_near(struct binary_column *column, const char *text,
                                          size_t length)
{
    struct binary_memo_text *place;
    uint64_t word[BINARY_MEMO_BYTES / 8], differ = 0;
    if (!column->memo || length - 1 >= BINARY_MEMO_BYTES)
        return tcore_binary_memo_miss(column, text, length);
    for (unsigned i = 0; i < BINARY_MEMO_BYTES / 8; i++) {
        uint64_t mask;
        memcpy(&mask, tcore_binary_memo_mask + BINARY_MEMO_BYTES - length + 8 * i, 8);
        memcpy(&word[i], text + 8 * i, 8);
        word[i] &= mask;
    }
    place = &column->memo->place[binary_memo_place(word)];
    for (unsigned i = 0; i < BINARY_MEMO_BYTES / 8; i++)
        differ |= word[i] ^ place->word[i];
    if (!(differ | (place->length ^ length)) && binary_column_add_code(column, place->code, length))
        return true;
    return tcore_binary_memo_miss(column, text, length);
}

#pragma GCC visibility pop

#endif
