/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys of all levels of a shape by their names, for who looks up many names before it knows in
 * which object each is. A name has one place, behind which there is a list of the keys that have
 * it, one a level; the places are arranged so that other names hardly ever share one.
 *
 * Private to stream/.
 */
#ifndef TRACECORE_STREAM_NDJSON_NAMES_H
#define TRACECORE_STREAM_NDJSON_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shape_key;

struct ndjson_names {
    struct shape_key **places; /* owned; NULL: there are none, as memory is short */
    struct shape_key *newest;  /* of all keys, a list by ->older */
    uint64_t factor;
    unsigned count, bits, shift, tries;
};

/* Of both ends of a name: its first and last 8 bytes, of a shorter one all of it with zeros behind
 * it, twice. */
static inline size_t tcore_ndjson_names_place(const struct ndjson_names *names, uint64_t head,
                                              uint64_t tail)
{
    return (head ^ (tail << 29 | tail >> 35)) * names->factor >> names->shift;
}

/* Adds a key, whose name and level are set. seed: any random number. Where memory is short, or very
 * many levels have the name, it is not there. */
void tcore_ndjson_names_add(struct ndjson_names *names, uint64_t seed, struct shape_key *key);
void tcore_ndjson_names_free(struct ndjson_names *names);

#endif
