/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream/ndjson_names.h"

#include "base/sys.h"
#include "stream/ndjson_shape.h"

#include <string.h>

/* Sizes are tried from the smallest on, each with several factors, until no two of the first KEYS
 * names share a place. What has been tried is not tried again, so that all of it costs little.
 * NAMESAKES: keys that have one name, or share a place otherwise. */
enum { BITS_MIN = 9, BITS_MAX = 13, TRIES = 16, KEYS = 512, NAMESAKES = 16 };

static size_t place_of(const struct ndjson_names *names, const struct shape_key *key)
{
    size_t few = key->name_length < 8 ? key->name_length : 8;
    uint64_t head = 0, tail = 0;
    memcpy(&head, key->name, few);
    memcpy(&tail, key->name + key->name_length - few, few);
    return tcore_ndjson_names_place(names, head, tail);
}

static bool same_name(const struct shape_key *a, const struct shape_key *b)
{
    return a->name_length == b->name_length && !memcmp(a->name, b->name, a->name_length);
}

/* Puts the key first at its place, if there are not too many. False: another name was there. */
static bool put(const struct ndjson_names *names, struct shape_key *key)
{
    struct shape_key **place = &names->places[place_of(names, key)];
    unsigned count = 0;
    for (const struct shape_key *other = *place; other; other = other->other)
        count++;
    if (count == NAMESAKES)
        return true;
    key->other = *place;
    *place = key;
    return !count || same_name(key, key->other);
}

/* Goes on to the next arrangement. False: there is none, or no memory. */
static bool rearrange(struct ndjson_names *names)
{
    names->factor = names->factor * 6364136223846793005u + 1442695040888963407u * 2;
    if (names->places && ++names->tries < TRIES) {
        memset(names->places, 0, sizeof *names->places << names->bits);
        return true;
    }
    if (names->bits == BITS_MAX)
        return false;
    unsigned bits = names->bits ? names->bits + 1 : BITS_MIN;
    tcore_free(names->places);
    names->places = tcore_calloc((size_t)1 << bits, sizeof(struct shape_key *));
    names->bits = bits;
    names->shift = 64 - bits;
    names->tries = 0;
    return names->places != NULL;
}

/* False: names share a place. */
static bool put_all(const struct ndjson_names *names)
{
    bool alone = true;
    for (struct shape_key *key = names->newest; key; key = key->older)
        alone &= put(names, key);
    return alone;
}

void tcore_ndjson_names_add(struct ndjson_names *names, uint64_t seed, struct shape_key *key)
{
    key->older = names->newest;
    names->newest = key;
    names->count++;
    if (!names->bits) {
        names->factor = seed | 1;
        (void)rearrange(names);
    }
    if (!names->places || put(names, key) || names->count > KEYS)
        return;
    while (rearrange(names) && !put_all(names))
        ;
}

void tcore_ndjson_names_free(struct ndjson_names *names)
{
    tcore_free(names->places);
    *names = (struct ndjson_names){0};
}
