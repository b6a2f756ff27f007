/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packing for requests: fast rather than small. */
#include <config.h>

#include "record/gzip.h"

#include "base/dl.h"

#include <zlib.h>

#ifndef TCORE_SONAME_ZLIB
#define TCORE_SONAME_ZLIB "libz.so.1"
#endif

#define LEVEL      1
#define MEMORY     8 /* zlib's default */
#define WITH_GZIP  (MAX_WBITS + 16)
#define ROOM_BYTES ((size_t)64 * 1024)

struct zlib {
    int (*init)(z_stream *, int, int, int, int, int, const char *, int);
    int (*deflate)(z_stream *, int);
    int (*end)(z_stream *);
};

static const struct tcore_dl_symbol symbols[] = {
    {"deflateInit2_", offsetof(struct zlib, init)},
    {"deflate", offsetof(struct zlib, deflate)},
    {"deflateEnd", offsetof(struct zlib, end)},
};

/* Bytes to and from a stream are counted in int there. */
static uInt at_most(size_t length)
{
    return length > UINT32_MAX / 2 ? (uInt)(UINT32_MAX / 2) : (uInt)length;
}

static int pack(const struct zlib *zlib, z_stream *stream, const char *data, size_t length,
                struct tcore_buf *out)
{
    int result = Z_OK;
    while (result == Z_OK) {
        char *room = tcore_buf_reserve(out, ROOM_BYTES);
        if (!room)
            return Z_MEM_ERROR;
        uInt in = at_most(length);
        stream->next_in = (Bytef *)(uintptr_t)data;
        stream->avail_in = in;
        stream->next_out = (Bytef *)room;
        stream->avail_out = (uInt)ROOM_BYTES;
        result = zlib->deflate(stream, in == length ? Z_FINISH : Z_NO_FLUSH);
        data += in - stream->avail_in;
        length -= in - stream->avail_in;
        out->length += ROOM_BYTES - stream->avail_out;
    }
    return result;
}

enum tcore_status gzip_pack(const char *data, size_t length, struct tcore_buf *out,
                            struct tcore_error *err)
{
    struct zlib zlib;
    z_stream stream = {0};
    enum tcore_status status = tcore_dl_open(TCORE_SONAME_ZLIB, "zlib1g", symbols,
                                             sizeof symbols / sizeof *symbols, &zlib, err);
    if (status != TCORE_OK)
        return status;
    if (zlib.init(&stream, LEVEL, Z_DEFLATED, WITH_GZIP, MEMORY, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                  (int)sizeof stream) != Z_OK)
        return tcore_error_nomem(err);
    int result = pack(&zlib, &stream, data, length, out);
    zlib.end(&stream);
    return result == Z_STREAM_END ? TCORE_OK : tcore_error_nomem(err);
}
