/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A window on the lines of a chunk: where their quotes and newlines are, found for many lines
 * before anything else is done with them. So no line waits for the end of the one before, and a
 * record parser knows where each string ends.
 *
 * Private to stream/.
 */
#ifndef TRACECORE_STREAM_NDJSON_WINDOW_H
#define TRACECORE_STREAM_NDJSON_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_BYTES 8192

struct ndjson_window {
    const char *base; /* the byte before the first line */
    unsigned lines;   /* that end in the window */
    bool special;     /* some byte of it needs a closer look: a backslash, a control, not ASCII */
    /* Line i is from behind point ends[i] to ends[i + 1]. */
    uint16_t ends[1 + WINDOW_BYTES + 1];
    /* How far from base the first line's beginning (0), all quotes and all newlines are. */
    uint16_t points[1 + WINDOW_BYTES + 64];
};

/* Looks at what is from there to end, or as much as a window holds. The last byte before end is a
 * newline, and 64 bytes behind it can be read. No line ends in it if the first is too long. */
typedef void ndjson_window_function(struct ndjson_window *window, const char *from,
                                    const char *end);

#if defined __x86_64__
ndjson_window_function tcore_ndjson_window_avx2;
ndjson_window_function tcore_ndjson_window_avx512;
#endif

#endif
