/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in a private key, for what works with it. Private to store/. */
#ifndef TRACECORE_STORE_KEY_PRIVATE_H
#define TRACECORE_STORE_KEY_PRIVATE_H

#include "store/key.h"
#include "store/sodium.h"

/* In memory of tcore_secret_alloc. */
struct tcore_private_key {
    enum tcore_key_kind kind;
    unsigned char secret[TCORE_KEY_BYTES];           /* as in its file */
    unsigned char signing[SODIUM_SIGN_SECRET_BYTES]; /* of a signing key: what signs */
    unsigned char public_bytes[TCORE_KEY_BYTES];
    char fingerprint[TCORE_FINGERPRINT_BYTES];
};

#endif
