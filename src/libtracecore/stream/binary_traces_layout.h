/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the arrays of encoding 8 are, for those who write and who read them. */
#ifndef TRACECORE_STREAM_BINARY_TRACES_LAYOUT_H
#define TRACECORE_STREAM_BINARY_TRACES_LAYOUT_H

#include "stream/binary_bits.h"
#include "stream/binary_traces.h"

/* The base is at most this, so that no end is beyond the limit. */
#define TRACES_BASE_MOST (TRACES_MOST_NS - ((int64_t)1 << (BITS_MOST + 2)))

struct traces_layout {
    size_t at[TRACES_ARRAYS];
    size_t bytes; /* of all */
};

static inline struct traces_layout traces_layout(uint32_t rows, uint32_t traces,
                                                 const struct traces_widths *widths)
{
    struct traces_layout layout;
    size_t at = (size_t)traces * TRACES_ID_BYTES;
    for (unsigned array = TRACES_CODES; array < TRACES_ARRAYS; array++) {
        uint64_t count = array == TRACES_CODES ? rows : traces;
        layout.at[array] = at;
        at += bits_bytes(count * widths->of[array]);
    }
    layout.bytes = at + BITS_SPARE;
    return layout;
}

#endif
