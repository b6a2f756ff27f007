/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streaming decompression by zlib and libzstd, behind one step function each. */
#include "stream/unpack.h"

#include "base/dl.h"
#include "base/sys.h"

#define ZLIB_CONST
#include <limits.h>
#include <zlib.h>
#include <zstd.h>

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#ifndef TCORE_SONAME_ZLIB
#define TCORE_SONAME_ZLIB "libz.so.1"
#endif
#ifndef TCORE_SONAME_ZSTD
#define TCORE_SONAME_ZSTD "libzstd.so.1"
#endif

enum { ZSTD_FRAME_BEGIN = 5 }; /* bytes that tell how long a frame's header is */

struct zlib_table {
    int (*init)(z_streamp, int, const char *, int);
    int (*inflate)(z_streamp, int);
    int (*reset)(z_streamp);
    int (*end)(z_streamp);
};

struct zstd_table {
    ZSTD_DStream *(*create)(void);
    size_t (*free)(ZSTD_DStream *);
    size_t (*decompress)(ZSTD_DStream *, ZSTD_outBuffer *, ZSTD_inBuffer *);
    unsigned (*is_error)(size_t);
    const char *(*error_name)(size_t);
};

#define SYMBOL(table, member, name)                                                                \
    {                                                                                              \
        name, offsetof(struct table, member)                                                       \
    }

static const struct tcore_dl_symbol zlib_symbols[] = {
    SYMBOL(zlib_table, init, "inflateInit2_"),
    SYMBOL(zlib_table, inflate, "inflate"),
    SYMBOL(zlib_table, reset, "inflateReset"),
    SYMBOL(zlib_table, end, "inflateEnd"),
};

static const struct tcore_dl_symbol zstd_symbols[] = {
    SYMBOL(zstd_table, create, "ZSTD_createDStream"),
    SYMBOL(zstd_table, free, "ZSTD_freeDStream"),
    SYMBOL(zstd_table, decompress, "ZSTD_decompressStream"),
    SYMBOL(zstd_table, is_error, "ZSTD_isError"),
    SYMBOL(zstd_table, error_name, "ZSTD_getErrorName"),
};

struct tcore_unpack {
    enum tcore_packing packing;
    tcore_unpack_feed *feed;
    void *context;
    const char *in; /* fed, not yet unpacked */
    size_t in_length;
    bool between; /* behind a whole member or frame */
    bool full;    /* the last step filled its buffer: it may have more without more input */
    bool fed;     /* there is nothing more to be fed */
    struct zlib_table zlib;
    z_stream gzip;
    bool gzip_open;
    struct zstd_table libzstd;
    ZSTD_DStream *zstd;
    size_t zstd_wants;
    struct tcore_error problem; /* told after what came with it */
};

static enum tcore_status open_gzip(struct tcore_unpack *u, struct tcore_error *err)
{
    enum tcore_status status =
        tcore_dl_open(TCORE_SONAME_ZLIB, "zlib1g", zlib_symbols,
                      sizeof zlib_symbols / sizeof *zlib_symbols, &u->zlib, err);
    if (status)
        return status;
    int with_gzip_header = MAX_WBITS + 16;
    if (u->zlib.init(&u->gzip, with_gzip_header, ZLIB_VERSION, sizeof u->gzip) != Z_OK)
        return tcore_error_nomem(err);
    u->gzip_open = true;
    return TCORE_OK;
}

static enum tcore_status open_zstd(struct tcore_unpack *u, struct tcore_error *err)
{
    enum tcore_status status =
        tcore_dl_open(TCORE_SONAME_ZSTD, "libzstd1", zstd_symbols,
                      sizeof zstd_symbols / sizeof *zstd_symbols, &u->libzstd, err);
    if (status)
        return status;
    u->zstd = u->libzstd.create();
    return u->zstd ? TCORE_OK : tcore_error_nomem(err);
}

enum tcore_status tcore_unpack_open(struct tcore_unpack **unpack, enum tcore_packing packing,
                                    tcore_unpack_feed *feed, void *context, struct tcore_error *err)
{
    *unpack = NULL;
    struct tcore_unpack *u = tcore_calloc(1, sizeof *u);
    if (!u)
        return tcore_error_nomem(err);
    u->packing = packing;
    u->feed = feed;
    u->context = context;
    enum tcore_status status =
        packing == TCORE_PACKING_GZIP ? open_gzip(u, err) : open_zstd(u, err);
    if (status) {
        tcore_unpack_close(u);
        return status;
    }
    *unpack = u;
    return TCORE_OK;
}

void tcore_unpack_close(struct tcore_unpack *u)
{
    if (!u)
        return;
    if (u->gzip_open)
        u->zlib.end(&u->gzip);
    if (u->zstd)
        u->libzstd.free(u->zstd);
    tcore_free(u);
}

static void take(struct tcore_unpack *u, size_t bytes)
{
    u->in += bytes;
    u->in_length -= bytes;
}

static enum tcore_status damaged(const char *reason, struct tcore_error *err)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "cannot decompress: %s", reason);
}

static enum tcore_status step_gzip(struct tcore_unpack *u, void *buffer, size_t bytes, size_t *got,
                                   struct tcore_error *err)
{
    z_stream *z = &u->gzip;
    while (u->between && u->in_length && !*u->in)
        take(u, 1); /* tapes are padded with zeros */
    if (u->between && !u->in_length)
        return TCORE_OK;
    if (u->between && u->zlib.reset(z) != Z_OK)
        return tcore_error_nomem(err);
    u->between = false;
    size_t limit = INT_MAX;
    unsigned in = (unsigned)(u->in_length < limit ? u->in_length : limit);
    unsigned out = (unsigned)(bytes < limit ? bytes : limit);
    z->next_in = (const Bytef *)u->in;
    z->avail_in = in;
    z->next_out = buffer;
    z->avail_out = out;
    int result = u->zlib.inflate(z, Z_NO_FLUSH);
    take(u, in - z->avail_in);
    *got = out - z->avail_out;
    u->full = !z->avail_out;
    u->between = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return tcore_error_nomem(err);
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
        return TCORE_OK;
    return damaged(z->msg ? z->msg : "it is damaged", err);
}

static enum tcore_status step_zstd(struct tcore_unpack *u, void *buffer, size_t bytes, size_t *got,
                                   struct tcore_error *err)
{
    /* No more than it asks for, which is up to the end of a block: a call that fails gives nothing
     * of what it has unpacked before. */
    size_t wanted = u->zstd_wants ? u->zstd_wants : ZSTD_FRAME_BEGIN;
    ZSTD_inBuffer in = {u->in, u->in_length < wanted ? u->in_length : wanted, 0};
    ZSTD_outBuffer out = {buffer, bytes, 0};
    if (u->between && !u->in_length)
        return TCORE_OK;
    size_t result = u->libzstd.decompress(u->zstd, &out, &in);
    take(u, in.pos);
    *got = out.pos;
    u->full = out.pos == out.size;
    u->between = result == 0;
    u->zstd_wants = result;
    return u->libzstd.is_error(result) ? damaged(u->libzstd.error_name(result), err) : TCORE_OK;
}

enum tcore_status tcore_unpack_read(struct tcore_unpack *u, void *buffer, size_t bytes, size_t *got,
                                    struct tcore_error *err)
{
    *got = 0;
    if (u->problem.status) {
        if (err)
            *err = u->problem;
        return u->problem.status;
    }
    for (;;) {
        if (!u->in_length && !u->full && !u->fed) {
            const void *data = NULL;
            ssize_t n = u->feed(u->context, &data);
            if (n < 0)
                return TCORE_EOF;
            u->in = data;
            u->in_length = (size_t)n;
            u->fed = n == 0;
        }
        if (!u->in_length && !u->full)
            return u->between ? TCORE_OK : damaged("it is cut short", err);
        u->full = false;
        enum tcore_status status = u->packing == TCORE_PACKING_GZIP
                                       ? step_gzip(u, buffer, bytes, got, err)
                                       : step_zstd(u, buffer, bytes, got, err);
        if (status && *got)
            u->problem = *err;
        if (*got)
            return TCORE_OK;
        if (status)
            return status;
    }
}
