/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growable byte buffer: doubling, with a sticky failure. */
#include "base/buf.h"
#include "base/sys.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

void tcore_buf_free(struct tcore_buf *buf)
{
    tcore_free(buf->data);
    *buf = (struct tcore_buf){0};
}

void tcore_buf_clear(struct tcore_buf *buf)
{
    buf->length = 0;
    buf->failed = false;
}

char *tcore_buf_reserve(struct tcore_buf *buf, size_t bytes)
{
    if (buf->failed)
        return NULL;
    if (buf->capacity - buf->length >= bytes && buf->data)
        return buf->data + buf->length;
    size_t need;
    if (__builtin_add_overflow(buf->length, bytes, &need) || need > SIZE_MAX / 2) {
        buf->failed = true;
        return NULL;
    }
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    char *data = tcore_realloc(buf->data, capacity);
    if (!data) {
        buf->failed = true;
        return NULL;
    }
    buf->data = data;
    buf->capacity = capacity;
    return data + buf->length;
}

void tcore_buf_append_slow(struct tcore_buf *buf, const void *data, size_t bytes)
{
    char *at = tcore_buf_reserve(buf, bytes);
    if (!at)
        return;
    memcpy(at, data, bytes);
    buf->length += bytes;
}

void tcore_buf_printf(struct tcore_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return;
    char *at = tcore_buf_reserve(buf, (size_t)length + 1);
    if (!at)
        return;
    va_start(args, format);
    vsnprintf(at, (size_t)length + 1, format, args);
    va_end(args);
    buf->length += (size_t)length;
}

enum tcore_status tcore_buf_status(const struct tcore_buf *buf, struct tcore_error *err)
{
    return buf->failed ? tcore_error_nomem(err) : TCORE_OK;
}
