/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 against the vectors of FIPS 180-4's examples, and every length around a block's end. */
#include "base/sha256.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hex_of(const void *data, size_t length, char hex[65])
{
    uint8_t digest[TCORE_SHA256_BYTES];
    tcore_sha256(data, length, digest);
    for (unsigned i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static void test_vectors(void)
{
    char hex[65];
    hex_of("", 0, hex);
    is_str(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "nothing");
    hex_of("abc", 3, hex);
    is_str(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    hex_of(two, strlen(two), hex);
    is_str(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "two blocks");
    char *million = malloc(1000000);
    if (!million)
        abort();
    memset(million, 'a', 1000000);
    hex_of(million, 1000000, hex);
    is_str(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "a million");
    free(million);
}

/* A chain over messages of every length from 0 to 200: each is hashed behind the digest before it.
 * The result is what another implementation gives. */
static void test_lengths(void)
{
    uint8_t message[TCORE_SHA256_BYTES + 200], digest[TCORE_SHA256_BYTES];
    char hex[65];
    for (unsigned n = 0; n <= 200; n++) {
        size_t before = n ? TCORE_SHA256_BYTES : 0;
        if (before)
            memcpy(message, digest, before);
        for (unsigned i = 0; i < n; i++)
            message[before + i] = (uint8_t)(i * 7 + n);
        tcore_sha256(message, before + n, digest);
    }
    for (unsigned i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    is_str(hex, "27c87fbc72c8d7593dc3329be00767cf479d2803dde4313050f1237c5c0cd761", "every length");
}

int main(void)
{
    test_vectors();
    test_lengths();
    return done_testing();
}
