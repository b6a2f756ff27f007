/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growable byte buffer. Appending never moves what was appended before
 * relative to data; the data pointer itself may change with any append.
 * Out of memory is sticky: after a failed append the buffer keeps what it had,
 * ignores further appends and failed is set, so that a writer can append
 * freely and check once at the end.
 */
#ifndef TRACECORE_BASE_BUF_H
#define TRACECORE_BASE_BUF_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct tcore_buf {
    char *data; /* owned; NULL while empty */
    size_t length;
    size_t capacity;
    bool failed;
};

void tcore_buf_free(struct tcore_buf *buf);  /* and zeroes it, ready for use again */
void tcore_buf_clear(struct tcore_buf *buf); /* keeps the memory, clears failed */
/* Room for so many more bytes; returns where they go, or NULL (and failed). */
char *tcore_buf_reserve(struct tcore_buf *buf, size_t bytes);
void tcore_buf_append_slow(struct tcore_buf *buf, const void *data, size_t bytes);
void tcore_buf_printf(struct tcore_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* TCORE_OK, or TCORE_FATAL (out of memory) if any append failed. */
enum tcore_status tcore_buf_status(const struct tcore_buf *buf, struct tcore_error *err);

static inline void tcore_buf_append(struct tcore_buf *buf, const void *data, size_t bytes)
{
    if (bytes && buf->capacity - buf->length >= bytes && !buf->failed) {
        memcpy(buf->data + buf->length, data, bytes);
        buf->length += bytes;
    } else if (bytes) {
        tcore_buf_append_slow(buf, data, bytes);
    }
}

static inline void tcore_buf_putc(struct tcore_buf *buf, char c)
{
    tcore_buf_append(buf, &c, 1);
}

static inline void tcore_buf_puts(struct tcore_buf *buf, const char *text)
{
    tcore_buf_append(buf, text, strlen(text));
}

#endif
