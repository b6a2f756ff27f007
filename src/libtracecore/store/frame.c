/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/frame.h"

#include "base/dl.h"
#include "base/sys.h"

#include <pthread.h>
#include <zstd.h>

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#ifndef TCORE_SONAME_ZSTD
#define TCORE_SONAME_ZSTD "libzstd.so.1"
#endif

struct zstd_table {
    ZSTD_CCtx *(*new_packer)(void);
    size_t (*free_packer)(ZSTD_CCtx *);
    size_t (*set)(ZSTD_CCtx *, ZSTD_cParameter, int);
    size_t (*bound)(size_t);
    size_t (*pack)(ZSTD_CCtx *, void *, size_t, const void *, size_t);
    ZSTD_DCtx *(*new_unpacker)(void);
    size_t (*free_unpacker)(ZSTD_DCtx *);
    size_t (*unpack)(ZSTD_DCtx *, void *, size_t, const void *, size_t);
    unsigned long long (*content_size)(const void *, size_t);
    size_t (*frame_size)(const void *, size_t);
    unsigned (*is_error)(size_t);
    const char *(*error_name)(size_t);
};

#define SYMBOL(member, name)                                                                       \
    {                                                                                              \
        name, offsetof(struct zstd_table, member)                                                  \
    }

static const struct tcore_dl_symbol symbols[] = {
    SYMBOL(new_packer, "ZSTD_createCCtx"),
    SYMBOL(free_packer, "ZSTD_freeCCtx"),
    SYMBOL(set, "ZSTD_CCtx_setParameter"),
    SYMBOL(bound, "ZSTD_compressBound"),
    SYMBOL(pack, "ZSTD_compress2"),
    SYMBOL(new_unpacker, "ZSTD_createDCtx"),
    SYMBOL(free_unpacker, "ZSTD_freeDCtx"),
    SYMBOL(unpack, "ZSTD_decompressDCtx"),
    SYMBOL(content_size, "ZSTD_getFrameContentSize"),
    SYMBOL(frame_size, "ZSTD_findFrameCompressedSize"),
    SYMBOL(is_error, "ZSTD_isError"),
    SYMBOL(error_name, "ZSTD_getErrorName"),
};

static struct zstd_table zstd;

/* Threads may come here together. */
static enum tcore_status open_zstd(struct tcore_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool opened;
    enum tcore_status status = TCORE_OK;
    pthread_mutex_lock(&lock);
    if (!opened)
        status = tcore_dl_open(TCORE_SONAME_ZSTD, "libzstd1", symbols,
                               sizeof symbols / sizeof *symbols, &zstd, err);
    opened |= status == TCORE_OK;
    pthread_mutex_unlock(&lock);
    return status;
}

struct tcore_packer {
    ZSTD_CCtx *context;
    int level;
};

enum tcore_status tcore_packer_new(struct tcore_packer **packer, struct tcore_error *err)
{
    *packer = NULL;
    enum tcore_status status = open_zstd(err);
    if (status != TCORE_OK)
        return status;
    struct tcore_packer *p = tcore_calloc(1, sizeof *p);
    if (!p)
        return tcore_error_nomem(err);
    p->context = zstd.new_packer();
    if (!p->context || zstd.is_error(zstd.set(p->context, ZSTD_c_checksumFlag, 1)) ||
        zstd.is_error(zstd.set(p->context, ZSTD_c_contentSizeFlag, 1))) {
        tcore_packer_free(p);
        return tcore_error_nomem(err);
    }
    *packer = p;
    return TCORE_OK;
}

void tcore_packer_free(struct tcore_packer *packer)
{
    if (!packer)
        return;
    if (packer->context)
        zstd.free_packer(packer->context);
    tcore_free(packer);
}

enum tcore_status tcore_packer_pack(struct tcore_packer *packer, const void *data, size_t length,
                                    int level, struct tcore_buf *out, struct tcore_error *err)
{
    if (level != packer->level) {
        size_t result = zstd.set(packer->context, ZSTD_c_compressionLevel, level);
        if (zstd.is_error(result))
            return tcore_error_set(err, TCORE_FATAL, "libzstd: %s", zstd.error_name(result));
        packer->level = level;
    }
    size_t bound = zstd.bound(length);
    char *to = tcore_buf_reserve(out, bound);
    if (!to)
        return tcore_error_nomem(err);
    size_t bytes = zstd.pack(packer->context, to, bound, data, length);
    if (zstd.is_error(bytes))
        return tcore_error_set(err, TCORE_FATAL, "libzstd: %s", zstd.error_name(bytes));
    out->length += bytes;
    return TCORE_OK;
}

struct tcore_unpacker {
    ZSTD_DCtx *context;
};

enum tcore_status tcore_unpacker_new(struct tcore_unpacker **unpacker, struct tcore_error *err)
{
    *unpacker = NULL;
    enum tcore_status status = open_zstd(err);
    if (status != TCORE_OK)
        return status;
    struct tcore_unpacker *u = tcore_calloc(1, sizeof *u);
    if (!u)
        return tcore_error_nomem(err);
    u->context = zstd.new_unpacker();
    if (!u->context) {
        tcore_free(u);
        return tcore_error_nomem(err);
    }
    *unpacker = u;
    return TCORE_OK;
}

void tcore_unpacker_free(struct tcore_unpacker *unpacker)
{
    if (!unpacker)
        return;
    zstd.free_unpacker(unpacker->context);
    tcore_free(unpacker);
}

enum tcore_status tcore_unpacker_unpack(struct tcore_unpacker *unpacker, const void *frame,
                                        size_t length, void *out, size_t bytes,
                                        struct tcore_error *err)
{
    /* One frame and no more: the content is told before it is unpacked, and nothing follows. */
    if (zstd.content_size(frame, length) != bytes || zstd.frame_size(frame, length) != length)
        return tcore_error_set(err, TCORE_BAD_INPUT, "a frame of another size");
    size_t got = zstd.unpack(unpacker->context, out, bytes, frame, length);
    if (zstd.is_error(got))
        return tcore_error_set(err, TCORE_BAD_INPUT, "a damaged frame: %s", zstd.error_name(got));
    if (got != bytes)
        return tcore_error_set(err, TCORE_BAD_INPUT, "a frame of another size");
    return TCORE_OK;
}

bool tcore_frame_content(const struct tcore_unpacker *unpacker, const void *data, size_t length,
                         size_t *content)
{
    (void)unpacker; /* proves that the library is open */
    unsigned long long size = zstd.content_size(data, length);
    *content = (size_t)size;
    return size < ZSTD_CONTENTSIZE_ERROR && size <= TCORE_FRAME_LIMIT;
}

size_t tcore_frame_bound(const struct tcore_unpacker *unpacker, size_t content)
{
    (void)unpacker;
    return zstd.bound(content);
}

size_t tcore_frame_length(const struct tcore_unpacker *unpacker, const void *data, size_t length)
{
    (void)unpacker;
    size_t bytes = zstd.frame_size(data, length);
    return zstd.is_error(bytes) ? 0 : bytes;
}
