/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/key_ring.h"

#include "base/map.h"
#include "base/sys.h"
#include "store/seal.h"

#include <pthread.h>
#include <string.h>

struct missed {
    char label[TCORE_LABEL_BYTES + 1];
    size_t columns;
};

struct tcore_key_ring {
    struct tcore_private_key **key; /* owned, each and all */
    size_t count;
    pthread_mutex_t lock;  /* of what follows */
    struct tcore_map seen; /* LABEL NUL COLUMN */
    struct missed missed[TCORE_LABELS];
    size_t missed_count;
};

enum tcore_status tcore_key_ring_new(struct tcore_key_ring **ring, struct tcore_error *err)
{
    *ring = NULL;
    struct tcore_key_ring *r = tcore_calloc(1, sizeof *r);
    if (!r)
        return tcore_error_nomem(err);
    if (tcore_map_init(&r->seen) < 0) {
        tcore_free(r);
        return tcore_error_set(err, TCORE_FATAL, "out of memory, or no randomness");
    }
    pthread_mutex_init(&r->lock, NULL);
    *ring = r;
    return TCORE_OK;
}

void tcore_key_ring_free(struct tcore_key_ring *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        tcore_private_key_free(r->key[i]);
    tcore_free(r->key);
    tcore_map_free(&r->seen);
    pthread_mutex_destroy(&r->lock);
    tcore_free(r);
}

enum tcore_status tcore_key_ring_add(struct tcore_key_ring *r, struct tcore_private_key *key,
                                     struct tcore_error *err)
{
    struct tcore_private_key **memory = tcore_reallocarray(r->key, r->count + 1, sizeof *memory);
    if (!memory) {
        tcore_private_key_free(key);
        return tcore_error_nomem(err);
    }
    r->key = memory;
    memory[r->count++] = key;
    return TCORE_OK;
}

enum tcore_status tcore_key_ring_add_file(struct tcore_key_ring *ring, int dirfd, const char *path,
                                          struct tcore_error *err)
{
    struct tcore_private_key *key;
    enum tcore_status status = tcore_private_key_read(&key, TCORE_KEY_SEALING, dirfd, path, err);
    return status == TCORE_OK ? tcore_key_ring_add(ring, key, err) : status;
}

enum tcore_status tcore_key_ring_add_fd(struct tcore_key_ring *ring, int fd, const char *name,
                                        struct tcore_error *err)
{
    struct tcore_private_key *key;
    enum tcore_status status = tcore_private_key_read_fd(&key, TCORE_KEY_SEALING, fd, name, err);
    return status == TCORE_OK ? tcore_key_ring_add(ring, key, err) : status;
}

size_t tcore_key_ring_count(const struct tcore_key_ring *ring)
{
    return ring ? ring->count : 0;
}

const struct tcore_private_key *tcore_key_ring_get(const struct tcore_key_ring *ring, size_t i)
{
    return ring->key[i];
}

static struct missed *find(struct tcore_key_ring *r, const char *label)
{
    for (size_t i = 0; i < r->missed_count; i++)
        if (!strcmp(r->missed[i].label, label))
            return &r->missed[i];
    if (r->missed_count == TCORE_LABELS)
        return NULL;
    struct missed *missed = &r->missed[r->missed_count++];
    strncpy(missed->label, label, sizeof missed->label - 1);
    return missed;
}

void tcore_key_ring_miss(struct tcore_key_ring *r, const char *label, const char *column,
                         size_t length)
{
    char key[TCORE_LABEL_BYTES + 1 + 1024];
    size_t used = strlen(label) + 1;
    bool added = false;
    if (!r || used > TCORE_LABEL_BYTES + 1)
        return;
    length = length < sizeof key - used ? length : sizeof key - used;
    memcpy(key, label, used);
    memcpy(key + used, column, length);
    pthread_mutex_lock(&r->lock);
    if (tcore_map_intern(&r->seen, key, used + length, &added) != TCORE_MAP_NONE && added) {
        struct missed *missed = find(r, label);
        if (missed)
            missed->columns++;
    }
    pthread_mutex_unlock(&r->lock);
}

bool tcore_key_ring_missed(struct tcore_key_ring *r, size_t i, const char **label, size_t *columns)
{
    if (!r || i >= r->missed_count)
        return false;
    *label = r->missed[i].label;
    *columns = r->missed[i].columns;
    return true;
}
