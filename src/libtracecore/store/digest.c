/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/digest.h"

#include "base/dl.h"

#include <pthread.h>
#include <stdbool.h>

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#ifndef TCORE_SONAME_SODIUM
#define TCORE_SONAME_SODIUM "libsodium.so.23"
#endif

/* As sodium/crypto_generichash_blake2b.h has them; its header need not be there to build. */
struct sodium_table {
    int (*init)(void);
    size_t (*state_bytes)(void);
    int (*begin)(void *state, const unsigned char *key, size_t key_length, size_t out_length);
    int (*add)(void *state, const unsigned char *in, unsigned long long length);
    int (*end)(void *state, unsigned char *out, size_t out_length);
};

#define SYMBOL(member, name)                                                                       \
    {                                                                                              \
        name, offsetof(struct sodium_table, member)                                                \
    }

static const struct tcore_dl_symbol symbols[] = {
    SYMBOL(init, "sodium_init"),
    SYMBOL(state_bytes, "crypto_generichash_blake2b_statebytes"),
    SYMBOL(begin, "crypto_generichash_blake2b_init"),
    SYMBOL(add, "crypto_generichash_blake2b_update"),
    SYMBOL(end, "crypto_generichash_blake2b_final"),
};

static struct sodium_table sodium;

static enum tcore_status open_sodium(struct tcore_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool opened;
    enum tcore_status status = TCORE_OK;
    pthread_mutex_lock(&lock);
    if (!opened) {
        status = tcore_dl_open(TCORE_SONAME_SODIUM, "libsodium23", symbols,
                               sizeof symbols / sizeof *symbols, &sodium, err);
        if (status == TCORE_OK &&
            (sodium.init() < 0 || sodium.state_bytes() > sizeof((struct tcore_digest *)0)->state))
            status = tcore_error_set(err, TCORE_FATAL, "libsodium does not start");
    }
    opened |= status == TCORE_OK;
    pthread_mutex_unlock(&lock);
    return status;
}

enum tcore_status tcore_digest_begin(struct tcore_digest *digest, struct tcore_error *err)
{
    enum tcore_status status = open_sodium(err);
    if (status == TCORE_OK)
        sodium.begin(digest->state, NULL, 0, TCORE_DIGEST_BYTES);
    return status;
}

void tcore_digest_add(struct tcore_digest *digest, const void *data, size_t length)
{
    sodium.add(digest->state, data, length);
}

void tcore_digest_end(struct tcore_digest *digest, uint8_t result[TCORE_DIGEST_BYTES])
{
    sodium.end(digest->state, result, TCORE_DIGEST_BYTES);
}
