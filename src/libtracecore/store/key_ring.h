/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The private keys that a reader has, and what it could not read for want of one. Once filled it
 * may be shared by threads.
 */
#ifndef TRACECORE_STORE_KEY_RING_H
#define TRACECORE_STORE_KEY_RING_H

#include "base/error.h"
#include "store/key.h"

struct tcore_key_ring;

enum tcore_status tcore_key_ring_new(struct tcore_key_ring **ring, struct tcore_error *err);
void tcore_key_ring_free(struct tcore_key_ring *ring); /* and wipes the keys */
/* Adds a private key that is for reading, from a file or a descriptor; statuses of
 * tcore_private_key_read(). */
enum tcore_status tcore_key_ring_add_file(struct tcore_key_ring *ring, int dirfd, const char *path,
                                          struct tcore_error *err);
enum tcore_status tcore_key_ring_add_fd(struct tcore_key_ring *ring, int fd, const char *name,
                                        struct tcore_error *err);
/* Adds one that becomes the ring's, in any case. */
enum tcore_status tcore_key_ring_add(struct tcore_key_ring *ring, struct tcore_private_key *key,
                                     struct tcore_error *err);
size_t tcore_key_ring_count(const struct tcore_key_ring *ring);
const struct tcore_private_key *tcore_key_ring_get(const struct tcore_key_ring *ring, size_t i);

/* Remembers that a column of that label could not be read; columns of one name count once. Out of
 * memory it is forgotten. */
void tcore_key_ring_miss(struct tcore_key_ring *ring, const char *label, const char *column,
                         size_t length);
/* The label that comes i-th of those, and how many columns of it were not read. False: no more. */
bool tcore_key_ring_missed(struct tcore_key_ring *ring, size_t i, const char **label,
                           size_t *columns);

#endif
