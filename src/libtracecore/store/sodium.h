/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libsodium as store/ uses it, opened on first use, and memory for secrets. Private to store/.
 *
 * Keys are made from tcore_sys()->random, so that a test decides what they are. Only the one-time
 * key within a sealed box is drawn by libsodium itself.
 */
#ifndef TRACECORE_STORE_SODIUM_H
#define TRACECORE_STORE_SODIUM_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SODIUM_HASH_BYTES = 32,     /* BLAKE2b as it is used here */
    SODIUM_BOX_SEAL_BYTES = 48, /* what a sealed box adds */
    SODIUM_AEAD_BYTES = 16,     /* what XChaCha20-Poly1305 adds */
    SODIUM_AEAD_NONCE_BYTES = 24,
    SODIUM_SIGNATURE_BYTES = 64,
    SODIUM_SIGN_SECRET_BYTES = 64, /* seed and public key */
    SODIUM_BASE64 = 1              /* the standard alphabet, with padding */
};

/* Each as libsodium documents the function of its name. */
struct tcore_sodium {
    int (*init)(void);
    void (*memzero)(void *, size_t);
    int (*mlock)(void *, size_t);
    int (*munlock)(void *, size_t);
    char *(*bin2base64)(char *, size_t, const unsigned char *, size_t, int);
    int (*base642bin)(unsigned char *, size_t, const char *, size_t, const char *, size_t *,
                      const char **, int);
    int (*hash)(unsigned char *, size_t, const unsigned char *, unsigned long long,
                const unsigned char *, size_t);
    int (*box_public)(unsigned char *, const unsigned char *);
    int (*box_seal)(unsigned char *, const unsigned char *, unsigned long long,
                    const unsigned char *);
    int (*box_open)(unsigned char *, const unsigned char *, unsigned long long,
                    const unsigned char *, const unsigned char *);
    int (*encrypt)(unsigned char *, unsigned long long *, const unsigned char *, unsigned long long,
                   const unsigned char *, unsigned long long, const unsigned char *,
                   const unsigned char *, const unsigned char *);
    int (*decrypt)(unsigned char *, unsigned long long *, unsigned char *, const unsigned char *,
                   unsigned long long, const unsigned char *, unsigned long long,
                   const unsigned char *, const unsigned char *);
    int (*sign_keys)(unsigned char *, unsigned char *, const unsigned char *);
    int (*sign)(unsigned char *, unsigned long long *, const unsigned char *, unsigned long long,
                const unsigned char *);
    int (*verify)(const unsigned char *, const unsigned char *, unsigned long long,
                  const unsigned char *);
};

#pragma GCC visibility push(hidden)

/* The table, or NULL and TCORE_FATAL in err: libsodium is missing. May be called by any thread;
 * what it gives lives until the process ends. */
const struct tcore_sodium *tcore_sodium_open(struct tcore_error *err);

/*
 * Zeroed memory for a secret: whole pages of its own, kept out of swap and core dumps where the
 * system allows that. Wiped by tcore_secret_free (NULL is fine). NULL: out of memory.
 */
void *tcore_secret_alloc(const struct tcore_sodium *sodium, size_t bytes);
void tcore_secret_free(const struct tcore_sodium *sodium, void *secret);

/* BLAKE2b-256 of the data as 64 lower-case hexadecimal digits and a NUL. */
void tcore_hash_hex(const struct tcore_sodium *sodium, const void *data, size_t length,
                    char hex[2 * SODIUM_HASH_BYTES + 1]);

/* Writes bytes as lower-case hexadecimal digits and a NUL. */
void tcore_put_hex(char *hex, const unsigned char *bytes, size_t count);

#pragma GCC visibility pop

#endif
