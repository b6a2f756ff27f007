/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoding a chunk of NDJSON lines into a batch. Private to stream/. */
#ifndef TRACECORE_STREAM_NDJSON_DECODE_H
#define TRACECORE_STREAM_NDJSON_DECODE_H

#include "stream/input.h"

struct ndjson_decoder;

enum tcore_status tcore_ndjson_decoder_new(struct ndjson_decoder **decoder,
                                           const struct tcore_projection *projection,
                                           unsigned depth_limit, size_t line_limit,
                                           struct tcore_error *err);
void tcore_ndjson_decoder_free(struct ndjson_decoder *decoder);
/* As tcore_decoder_decode; fails only for want of memory. */
enum tcore_status tcore_ndjson_decode(struct ndjson_decoder *decoder,
                                      const struct tcore_chunk *chunk, struct tcore_batch *batch,
                                      struct tcore_error *err);

#endif
