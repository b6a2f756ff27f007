/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text that is put together where there is room for all of it: each returns the place behind. */
#ifndef SPAN_PUT_H
#define SPAN_PUT_H

#include "model/number.h"

#include <string.h>

static inline char *put(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}

#define PUT(to, text) put(to, text, sizeof(text) - 1)

static inline char *put_number(char *to, int64_t number)
{
    return to + tcore_format_int64(to, number);
}

#endif
