/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key pairs and their files. A sealing pair (X25519) is for reading what was encrypted to it; a
 * signing pair (Ed25519) is for checkpoints of the audit log. The files are one line of text each:
 *
 *     tracecore secret key 1 BASE64           private, mode 0600: 32 bytes, X25519
 *     tracecore public key 1 NAME BASE64      its public half
 *     tracecore signing key 1 BASE64          private, mode 0600: 32 bytes, the seed of Ed25519
 *     tracecore verifying key 1 NAME BASE64   its public half
 *
 * A private key is read from a file or a descriptor, lives in memory that is neither swapped nor
 * dumped where the system allows that, and is wiped when it is freed. No error text holds any of
 * its bytes, nor anything else from a file that should hold one.
 *
 * Every function that returns a status may return TCORE_FATAL: libsodium is missing (err says what
 * to install), memory is short, or a system call failed (err->errnum).
 */
#ifndef TRACECORE_STORE_KEY_H
#define TRACECORE_STORE_KEY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define TCORE_KEY_BYTES         32
#define TCORE_KEY_NAME_BYTES    64 /* the longest name, without its NUL */
#define TCORE_FINGERPRINT_BYTES 33 /* 32 hexadecimal digits and a NUL */

enum tcore_key_kind { TCORE_KEY_SEALING, TCORE_KEY_SIGNING };

struct tcore_public_key {
    enum tcore_key_kind kind;
    unsigned char bytes[TCORE_KEY_BYTES];
    char name[TCORE_KEY_NAME_BYTES + 1];
    /* BLAKE2b with 16 bytes of output over the words in front of the file's name ("tracecore public
     * key 1") and the 32 bytes */
    char fingerprint[TCORE_FINGERPRINT_BYTES];
};

/* A private key. Immutable; may be shared by threads. */
struct tcore_private_key;

/* Makes one from the system's randomness. */
enum tcore_status tcore_private_key_new(struct tcore_private_key **key, enum tcore_key_kind kind,
                                        struct tcore_error *err);
/* Wipes it. NULL is fine. */
void tcore_private_key_free(struct tcore_private_key *key);

/*
 * Reads one of the kind from a file. TCORE_BAD_INPUT: there is none, it is no regular file (or a
 * symbolic link), it belongs to someone else than this process or root, group or others may read
 * or write it, or it holds something else.
 */
enum tcore_status tcore_private_key_read(struct tcore_private_key **key, enum tcore_key_kind kind,
                                         int dirfd, const char *path, struct tcore_error *err);
/* The same from a descriptor, to its end, as a pipe of a program that keeps secrets; name is what
 * errors call it. A regular file behind it is held to the same. */
enum tcore_status tcore_private_key_read_fd(struct tcore_private_key **key,
                                            enum tcore_key_kind kind, int fd, const char *name,
                                            struct tcore_error *err);
/* Writes a file that was not there, of mode 0600 from its creation on, and syncs it.
 * TCORE_BAD_INPUT: it is there. On any failure the file is taken away again. */
enum tcore_status tcore_private_key_write(const struct tcore_private_key *key, int dirfd,
                                          const char *path, struct tcore_error *err);

/* The public half, under a name (see tcore_key_name_is_valid). TCORE_BAD_INPUT: no such name. */
enum tcore_status tcore_private_key_public(const struct tcore_private_key *key, const char *name,
                                           struct tcore_public_key *public_key,
                                           struct tcore_error *err);

/* 1 to 64 letters, digits and . _ @ + - of ASCII. */
bool tcore_key_name_is_valid(const char *name, size_t length);
/* Reads a public key of the kind. TCORE_BAD_INPUT: there is no such file, or no such key in it. */
enum tcore_status tcore_public_key_read(struct tcore_public_key *key, enum tcore_key_kind kind,
                                        int dirfd, const char *path, struct tcore_error *err);
enum tcore_status tcore_public_key_parse(struct tcore_public_key *key, enum tcore_key_kind kind,
                                         const char *text, size_t length, struct tcore_error *err);
/* Writes a file that was not there, of mode 0644, and syncs it. TCORE_BAD_INPUT: it is there. */
enum tcore_status tcore_public_key_write(const struct tcore_public_key *key, int dirfd,
                                         const char *path, struct tcore_error *err);

#endif
