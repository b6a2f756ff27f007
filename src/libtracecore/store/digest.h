/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BLAKE2b with 256 bits (RFC 7693), by libsodium, which is opened on first use. */
#ifndef TRACECORE_STORE_DIGEST_H
#define TRACECORE_STORE_DIGEST_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define TCORE_DIGEST_BYTES 32

/* A digest that is being computed. */
struct tcore_digest {
    _Alignas(64) unsigned char state[384];
};

/* TCORE_FATAL: no libsodium. */
enum tcore_status tcore_digest_begin(struct tcore_digest *digest, struct tcore_error *err);
void tcore_digest_add(struct tcore_digest *digest, const void *data, size_t length);
void tcore_digest_end(struct tcore_digest *digest, uint8_t result[TCORE_DIGEST_BYTES]);

#pragma GCC visibility pop

#endif
