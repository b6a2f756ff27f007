/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/tokens.h"

#include "base/sys.h"
#include "record/listen/file.h"

#include <string.h>
#include <strings.h>

void listen_tokens_open(struct listen_tokens *t)
{
    *t = (struct listen_tokens){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void listen_tokens_close(struct listen_tokens *t)
{
    tcore_free(t->digest);
    pthread_mutex_destroy(&t->lock);
}

static enum tcore_status add_lines(struct listen_tokens *t, const struct tcore_buf *text,
                                   const char *path, struct tcore_error *err)
{
    const char *at = text->data, *end = at + text->length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line = at;
        size_t length = (size_t)((newline ? newline : end) - at);
        at += length + (newline != NULL);
        while (length && strchr(" \t\r", line[length - 1]))
            length--;
        if (!length || *line == '#')
            continue;
        void *more = tcore_reallocarray(t->digest, t->count + 1, sizeof *t->digest);
        if (!more)
            return tcore_error_nomem(err);
        t->digest = more;
        tcore_sha256(line, length, t->digest[t->count++]);
    }
    return t->count ? TCORE_OK
                    : tcore_error_set(err, TCORE_BAD_INPUT, "%s: there is no token in it", path);
}

enum tcore_status listen_tokens_load(struct listen_tokens *t, const char *path,
                                     struct tcore_error *err)
{
    struct listen_tokens made = {.count = 0};
    struct tcore_buf text = {0};
    enum tcore_status status = listen_read_file(path, 077, &text, err);
    if (status == TCORE_OK)
        status = add_lines(&made, &text, path, err);
    listen_wipe(&text);
    if (status == TCORE_OK) {
        pthread_mutex_lock(&t->lock);
        void *before = t->digest;
        t->digest = made.digest;
        t->count = made.count;
        pthread_mutex_unlock(&t->lock);
        made.digest = before;
    }
    tcore_free(made.digest);
    return status;
}

bool listen_tokens_admit(struct listen_tokens *t, const char *authorization)
{
    uint8_t digest[TCORE_SHA256_BYTES];
    unsigned matches = 0;
    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
        return false;
    authorization += 7;
    authorization += strspn(authorization, " ");
    tcore_sha256(authorization, strlen(authorization), digest);
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->count; i++) {
        unsigned difference = 0;
        for (size_t k = 0; k < sizeof digest; k++)
            difference |= (unsigned)(digest[k] ^ t->digest[i][k]);
        matches |= difference - 1; /* its highest bit: there was none */
    }
    pthread_mutex_unlock(&t->lock);
    return matches >> 31;
}
