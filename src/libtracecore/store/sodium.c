/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening libsodium, and the pages that secrets live in. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "store/sodium.h"

#include "base/dl.h"
#include "base/sys.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_SODIUM
#include <sodium.h>
_Static_assert(SODIUM_BOX_SEAL_BYTES == crypto_box_SEALBYTES, "a sealed box");
_Static_assert(SODIUM_AEAD_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "a tag");
_Static_assert(SODIUM_AEAD_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "a nonce");
_Static_assert(SODIUM_SIGNATURE_BYTES == crypto_sign_BYTES, "a signature");
_Static_assert(SODIUM_SIGN_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "a signing key");
_Static_assert(SODIUM_BASE64 == sodium_base64_VARIANT_ORIGINAL, "base64");
#endif

#define SYMBOL(member, name)                                                                       \
    {                                                                                              \
        name, offsetof(struct tcore_sodium, member)                                                \
    }

static const struct tcore_dl_symbol symbols[] = {
    SYMBOL(init, "sodium_init"),
    SYMBOL(memzero, "sodium_memzero"),
    SYMBOL(mlock, "sodium_mlock"),
    SYMBOL(munlock, "sodium_munlock"),
    SYMBOL(bin2base64, "sodium_bin2base64"),
    SYMBOL(base642bin, "sodium_base642bin"),
    SYMBOL(hash, "crypto_generichash"),
    SYMBOL(box_public, "crypto_scalarmult_base"),
    SYMBOL(box_seal, "crypto_box_seal"),
    SYMBOL(box_open, "crypto_box_seal_open"),
    SYMBOL(encrypt, "crypto_aead_xchacha20poly1305_ietf_encrypt"),
    SYMBOL(decrypt, "crypto_aead_xchacha20poly1305_ietf_decrypt"),
    SYMBOL(sign_keys, "crypto_sign_seed_keypair"),
    SYMBOL(sign, "crypto_sign_detached"),
    SYMBOL(verify, "crypto_sign_verify_detached"),
};

static enum tcore_status open_library(struct tcore_sodium *table, struct tcore_error *err)
{
#ifdef TCORE_SONAME_SODIUM
    const char *soname = TCORE_SONAME_SODIUM;
#else
    const char *soname = NULL;
#endif
    if (!soname)
        return tcore_error_set(err, TCORE_FATAL,
                               "this tracecore was built without libsodium, which encrypts, signs "
                               "and chains the audit log");
    enum tcore_status status =
        tcore_dl_open(soname, "libsodium23", symbols, sizeof symbols / sizeof *symbols, table, err);
    if (status == TCORE_OK && table->init() < 0)
        status = tcore_error_set(err, TCORE_FATAL, "libsodium cannot be initialised");
    return status;
}

const struct tcore_sodium *tcore_sodium_open(struct tcore_error *err)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static struct tcore_sodium table;
    static bool is_open;

    pthread_mutex_lock(&mutex);
    if (!is_open)
        is_open = open_library(&table, err) == TCORE_OK;
    bool opened = is_open;
    pthread_mutex_unlock(&mutex);
    return opened ? &table : NULL;
}

/* In front of a secret, within its pages. */
struct pages {
    void *block; /* what was allocated */
    size_t bytes;
};

enum { PAGES_HEADER_BYTES = 64 };

/* Locking and keeping out of dumps work on whole pages, so that a secret shares none. */
void *tcore_secret_alloc(const struct tcore_sodium *sodium, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t rounded = (bytes + PAGES_HEADER_BYTES + page - 1) / page * page;
    char *block = rounded < bytes ? NULL : tcore_malloc(rounded + page - 1);
    if (!block)
        return NULL;
    char *at = block + (page - (uintptr_t)block % page) % page;
    memset(at, 0, rounded);
    (void)sodium->mlock(at, rounded); /* a limit of locked memory is no reason to fail */
    *(struct pages *)(void *)at = (struct pages){block, rounded};
    return at + PAGES_HEADER_BYTES;
}

void tcore_secret_free(const struct tcore_sodium *sodium, void *secret)
{
    if (!secret)
        return;
    struct pages *pages = (struct pages *)(void *)((char *)secret - PAGES_HEADER_BYTES);
    void *block = pages->block;
    (void)sodium->munlock(pages, pages->bytes); /* wipes them, too */
    tcore_free(block);
}

void tcore_put_hex(char *hex, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *hex++ = digits[bytes[i] >> 4];
        *hex++ = digits[bytes[i] & 15];
    }
    *hex = '\0';
}

void tcore_hash_hex(const struct tcore_sodium *sodium, const void *data, size_t length,
                    char hex[2 * SODIUM_HASH_BYTES + 1])
{
    unsigned char hash[SODIUM_HASH_BYTES];
    sodium->hash(hash, sizeof hash, data, length, NULL, 0);
    tcore_put_hex(hex, hash, sizeof hash);
}
