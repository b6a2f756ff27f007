/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --token-file: who may post. */
#ifndef RECORD_LISTEN_TOKENS_H
#define RECORD_LISTEN_TOKENS_H

#include "base/error.h"
#include "base/sha256.h"

#include <pthread.h>
#include <stdbool.h>

/* Of tokens only digests are kept. */
struct listen_tokens {
    pthread_mutex_t lock;
    uint8_t (*digest)[TCORE_SHA256_BYTES]; /* owned */
    size_t count;
};

void listen_tokens_open(struct listen_tokens *tokens);
void listen_tokens_close(struct listen_tokens *tokens);
/*
 * Takes the tokens of a file in place of those before: one a line, empty lines and such that begin
 * with # left out. TCORE_BAD_INPUT: others may read the file, or it has no token; those before
 * stay.
 */
enum tcore_status listen_tokens_load(struct listen_tokens *tokens, const char *path,
                                     struct tcore_error *err);
/* Whether the value of a field Authorization is "Bearer" and one of the tokens. How long that takes
 * says nothing about the tokens but how many there are. NULL is fine. */
bool listen_tokens_admit(struct listen_tokens *tokens, const char *authorization);

#endif
