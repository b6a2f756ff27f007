/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Remembering short texts of a column. */
#include "stream/binary_memo.h"

#include "base/sys.h"

#define EACH(byte) byte, byte, byte, byte, byte, byte, byte, byte

const uint8_t tcore_binary_memo_mask[2 * BINARY_MEMO_BYTES] = {
    EACH(0xff), EACH(0xff), EACH(0xff), EACH(0xff), EACH(0), EACH(0), EACH(0), EACH(0)};

bool tcore_binary_memo_miss(struct binary_column *column, const char *text, size_t length)
{
    if (!binary_column_add_text(column, text, length))
        return false;
    if (!column->dictionary || length - 1 >= BINARY_MEMO_BYTES)
        return true;
    if (!column->memo && !(column->memo = tcore_calloc(1, sizeof *column->memo)))
        return true; /* it is only slower without */
    struct binary_memo_text new = {.length = (uint32_t)length,
                                   .code = column->codes[column->values - 1]};
    memcpy(new.word, text, length);
    column->memo->place[binary_memo_place(new.word)] = new;
    return true;
}
