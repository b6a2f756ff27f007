/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which bytes of JSON text are escaped, 64 at a time. */
#ifndef RECORD_IMPORT_ESCAPE_H
#define RECORD_IMPORT_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

/* The bytes that a backslash before them escapes; *carry: the first byte is, and the next block's
 * first byte will be. */
static inline uint64_t import_escaped_bytes(uint64_t backslash, bool *carry)
{
    if (!backslash) {
        uint64_t first = *carry;
        *carry = false;
        return first;
    }
    const uint64_t even = 0x5555555555555555u;
    uint64_t before = *carry;
    backslash &= ~before;
    uint64_t follows = backslash << 1 | before;
    uint64_t odd_starts = backslash & ~even & ~follows;
    uint64_t even_ends;
    *carry = __builtin_add_overflow(odd_starts, backslash, &even_ends);
    return (even ^ even_ends << 1) & follows;
}

#endif
