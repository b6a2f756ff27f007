/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zstandard frames of a segment: each is one piece of known size with a checksum of its content.
 * libzstd is opened on first use. Source: RFC 8878.
 */
#ifndef TRACECORE_STORE_FRAME_H
#define TRACECORE_STORE_FRAME_H

#include "base/buf.h"
#include "base/error.h"

#pragma GCC visibility push(hidden)

#define TCORE_FRAME_LIMIT ((size_t)1 << 30) /* bytes of content */

/* For one thread at a time. */
struct tcore_packer;
/* TCORE_FATAL: no memory, or no libzstd. */
enum tcore_status tcore_packer_new(struct tcore_packer **packer, struct tcore_error *err);
void tcore_packer_free(struct tcore_packer *packer);
/* Appends a frame with data to out. TCORE_FATAL: out is as it was. */
enum tcore_status tcore_packer_pack(struct tcore_packer *packer, const void *data, size_t length,
                                    int level, struct tcore_buf *out, struct tcore_error *err);

/* For one thread at a time. */
struct tcore_unpacker;
enum tcore_status tcore_unpacker_new(struct tcore_unpacker **unpacker, struct tcore_error *err);
void tcore_unpacker_free(struct tcore_unpacker *unpacker);
/* Fills out from one whole frame whose content must have exactly so many bytes. TCORE_BAD_INPUT:
 * damaged, or of another size. */
enum tcore_status tcore_unpacker_unpack(struct tcore_unpacker *unpacker, const void *frame,
                                        size_t length, void *out, size_t bytes,
                                        struct tcore_error *err);

/* Of what may be a frame: the size of its content as its header tells it; false: there is none. */
bool tcore_frame_content(const struct tcore_unpacker *unpacker, const void *data, size_t length,
                         size_t *content);
/* How long a frame with so much content can be. */
size_t tcore_frame_bound(const struct tcore_unpacker *unpacker, size_t content);
/* How long the frame is, 0 if it is none or cut short. */
size_t tcore_frame_length(const struct tcore_unpacker *unpacker, const void *data, size_t length);

#pragma GCC visibility pop

#endif
