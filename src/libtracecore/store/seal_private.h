/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in the key of a segment and label. Private to store/. */
#ifndef TRACECORE_STORE_SEAL_PRIVATE_H
#define TRACECORE_STORE_SEAL_PRIVATE_H

#include "store/key_private.h"
#include "store/seal.h"

/* In memory of tcore_secret_alloc. */
struct tcore_segment_key {
    unsigned char secret[TCORE_KEY_BYTES];
    unsigned char segment_id[TCORE_SEGMENT_ID_BYTES];
    char label[TCORE_LABEL_BYTES + 1];
    bool may_seal;
};

#pragma GCC visibility push(hidden)

/* A key with everything but the secret; NULL: out of memory. */
struct tcore_segment_key *tcore_segment_key_alloc(const struct tcore_sodium *sodium,
                                                  const unsigned char *segment_id,
                                                  const char *label);

#pragma GCC visibility pop

#endif
