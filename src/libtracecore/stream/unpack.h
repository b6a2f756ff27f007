/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gzip and zstd without loss: what could be unpacked before damage or a cut is given before the
 * error (libarchive discards it). zlib and libzstd are opened on first use. Private to stream/.
 */
#ifndef TRACECORE_STREAM_UNPACK_H
#define TRACECORE_STREAM_UNPACK_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tcore_unpack;

enum tcore_packing { TCORE_PACKING_GZIP, TCORE_PACKING_ZSTD };

/* Gives the next packed bytes, at *data until the next call; 0: there are no more, -1: a failure
 * that the caller of tcore_unpack_read knows of. */
typedef ssize_t tcore_unpack_feed(void *context, const void **data);

enum tcore_status tcore_unpack_open(struct tcore_unpack **unpack, enum tcore_packing packing,
                                    tcore_unpack_feed *feed, void *context,
                                    struct tcore_error *err);
void tcore_unpack_close(struct tcore_unpack *unpack);

/* Unpacks at most bytes; *got is 0 at the end only. TCORE_BAD_INPUT: damaged or cut short,
 * TCORE_EOF: the feed failed; either only after all that came before it was given. */
enum tcore_status tcore_unpack_read(struct tcore_unpack *unpack, void *buffer, size_t bytes,
                                    size_t *got, struct tcore_error *err);

#endif
