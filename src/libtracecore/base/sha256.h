/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SHA-256 (FIPS 180-4, section 6.2), for what others compute, too: the hashes of a page's content
 * security policy. Plain C; for a few kilobytes, not for streams of gigabytes.
 */
#ifndef TRACECORE_BASE_SHA256_H
#define TRACECORE_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define TCORE_SHA256_BYTES 32

/* The digest of data[0..length). */
void tcore_sha256(const void *data, size_t length, uint8_t digest[TCORE_SHA256_BYTES]);

#endif
