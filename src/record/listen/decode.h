/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A decoder: the helper process that has one thread's bodies decoded (src/decode-helper). */
#ifndef RECORD_LISTEN_DECODE_H
#define RECORD_LISTEN_DECODE_H

#include "base/helper.h"
#include "record/listen/request.h"

#define LISTEN_DECODE_NS INT64_C(20000000000) /* what a body may take */

struct listen_decoder {
    struct tcore_helper helper;
    size_t body_bytes;
    int64_t watchdog_ns;
    unsigned layers; /* of the sandbox that are in force */
};

/* Starts it. TCORE_FATAL: it cannot be started. To be closed in any case. */
enum tcore_status listen_decoder_open(struct listen_decoder *decoder, size_t body_bytes,
                                      struct tcore_error *err);
void listen_decoder_close(struct listen_decoder *decoder);
/*
 * Decodes the body of a request into its records, or refuses it; sets rejected, and the reason of
 * the first. A body that ends the decoder, or takes too long, is refused; another decoder takes its
 * place, and died, a sentence, is not empty. TCORE_FATAL: there is no decoder any more.
 */
enum tcore_status listen_decode(struct listen_decoder *decoder, struct listen_request *request,
                                char died[LISTEN_REASON_BYTES], struct tcore_error *err);

#endif
