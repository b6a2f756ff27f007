/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a decoder has learnt of the shape of a stream: a tree of the keys that it met, each with the
 * key that came next last time. Predicting the next key and comparing its bytes is most of the
 * parser: a hit costs one vector compare and needs no scan, hash or look-up. Keys that the
 * projection asks for are in the tree from the start, so every key that matters is always found.
 *
 * Private to stream/.
 */
#ifndef TRACECORE_STREAM_NDJSON_SHAPE_H
#define TRACECORE_STREAM_NDJSON_SHAPE_H

#include "base/arena.h"
#include "base/error.h"
#include "model/projection.h"
#include "stream/ndjson_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Top-level fields that decide whether a record is valid, whatever the projection. The root level
 * learns them first and in this order, so that the bits of its seen-mask are these numbers.
 */
enum ndjson_role {
    ROLE_TYPE,
    ROLE_TRACE_ID,
    ROLE_SPAN_ID,
    ROLE_START,
    ROLE_END,
    ROLE_TIME,     /* timeUnixNano */
    ROLE_OBSERVED, /* observedTimeUnixNano */
    ROLE_WINDOW,   /* windowStartUnixNano */
    ROLE_STARTED,  /* startedUnixNano */
    ROLE_VALUES,   /* the values of those above are kept; of those below only that they are there */
    ROLE_METRIC_NAME = ROLE_VALUES, /* these four and spanId decide the type when none is named */
    ROLE_EXECUTION_ID,
    ROLE_BODY,
    ROLE_SEVERITY,
    ROLE_KNOWN, /* from here on: make a record of no type one that is passed over, not rejected */
    ROLE_COUNT = ROLE_KNOWN + 8
};

#define SHAPE_LITERAL 64
#define SHAPE_WANTED  64
/*
 * Predictions are kept apart by context. What an object begins with is told by the strings before
 * it: records of one operation have one shape, those of another a different one. What comes next in
 * it is told by the keys before it in the same object.
 */
#define SHAPE_FIRST_WAYS 256
#define SHAPE_NEXT_WAYS  16

struct shape_level;

/* What a string tells of the record that it is in. */
enum shape_hint {
    HINT_NONE,
    HINT_RECORD, /* records that agree in it have the same fields: a name, a kind */
    HINT_NEXT    /* it tells what comes next, as a status does of a message */
};

/* Where a member's value goes. */
struct shape_target {
    int32_t slot; /* -1: into none */
    uint8_t role; /* enum ndjson_role of a key of the record; ROLE_COUNT for all others */
    bool time;    /* a *UnixNano key: digits in a string become an integer */
    bool wanted;  /* it goes to a slot or a role */
};

struct shape_key {
    /* What stood from the separator before the key to its value when it was last parsed: usually
     * ,"key":" with the opening quote of a string. Validated text, zero padded. */
    _Alignas(64) char literal[SHAPE_LITERAL];
    uint64_t mask; /* as many low bits as the literal has bytes; 0: there is none */
    uint8_t literal_length;
    uint8_t lead;    /* how far the name is behind the separator in it */
    uint8_t behind;  /* and its end behind the name */
    uint8_t order;   /* number within the level, for finding duplicates; 255: beyond the first 64 */
    uint8_t place;   /* among the wanted ones; 0: it is not wanted */
    bool quoted;     /* the literal ends with the quote of a string */
    uint64_t role;   /* bit 1 << order of a key of the record; 0: it is of another level */
    uint64_t found;  /* bit 1 << place */
    uint64_t object; /* the last one that had it, by struct ndjson_parse's count; not always kept */
    struct shape_level *level;    /* that it is of */
    struct shape_level *children; /* of the object that it holds; made on first use */
    struct shape_key *other;      /* of its place in struct ndjson_names, or NULL */
    struct shape_target target;
    uint32_t name_length;
    uint32_t hash;
    struct shape_key *next[SHAPE_NEXT_WAYS]; /* the sibling that followed last time, or NULL */
    struct shape_level *elements;            /* of the objects in the array that it holds */
    uint32_t fixed_length; /* of its string value the last times; UINT32_MAX: it varies */
    uint8_t fixed_hits;
    uint8_t hint; /* enum shape_hint of its string */
    bool mixed;   /* its values are strings and others: the literal never has the quote */
    const char *name;
    struct shape_key *older; /* in struct ndjson_names */
};

struct shape_level {
    struct shape_level *around;                /* the level of the key whose objects it is of */
    unsigned depth;                            /* open objects and arrays; 1: the record alone */
    struct shape_key *first[SHAPE_FIRST_WAYS]; /* what an object began with last time, or NULL */
    struct shape_key **table;                  /* open addressing */
    uint32_t count, mask;
};

struct ndjson_shape {
    struct shape_level *root;
    struct shape_key record; /* as if records were its values; of a level that has nothing else */
    struct ndjson_names names;
    struct tcore_arena arena; /* keys and levels */
    unsigned deepest;         /* of the levels */
    uint32_t keys;            /* learnt in all */
    uint64_t seed;
    size_t slots;
    struct shape_key *wanted[SHAPE_WANTED]; /* by place, from 1 on */
    unsigned wanted_count;                  /* and place 0; 0: they are too many */
};

/*
 * Of the length and both ends of a name: cheap, since what it finds is compared anyway and a level
 * stops growing when too many names collide.
 */
static inline uint32_t tcore_ndjson_hash_ends(uint64_t seed, uint64_t head, uint64_t tail,
                                              size_t length)
{
    uint64_t hash = (head ^ seed) * 0xff51afd7ed558ccdu + (tail ^ length) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash ^ hash >> 32);
}

static inline uint32_t tcore_ndjson_hash(uint64_t seed, const char *name, size_t length)
{
    uint64_t head = 0, tail = 0;
    memcpy(&head, name, length < 8 ? length : 8);
    if (length >= 8)
        memcpy(&tail, name + length - 8, 8);
    return tcore_ndjson_hash_ends(seed, head, tail, length);
}

/* The same of a name behind which so much can be read that 8 bytes from its beginning can. */
static inline uint32_t tcore_ndjson_hash_readable(uint64_t seed, const char *name, size_t length)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    return tcore_ndjson_hash(seed, name, length);
#else
    size_t few = length < 8 ? length : 8;
    uint64_t head, tail;
    memcpy(&head, name, sizeof head);
    memcpy(&tail, name + length - few, sizeof tail);
    head &= few ? ~(uint64_t)0 >> (64 - 8 * few) : 0;
    tail = length < 8 ? 0 : tail;
    return tcore_ndjson_hash_ends(seed, head, tail, length);
#endif
}

/* Builds the tree of the roles and of the projection's paths. slot_of[column][path] numbers are
 * given out in order of first use; *slots is their count. */
enum tcore_status tcore_ndjson_shape_init(struct ndjson_shape *shape, struct tcore_error *err);
void tcore_ndjson_shape_free(struct ndjson_shape *shape);
/* The slot of a path, giving it one if it has none. -1 when memory is short. */
int tcore_ndjson_shape_slot(struct ndjson_shape *shape, const struct tcore_path *path);
/* The key of that (decoded) name in the level; learns it if there is room. NULL: not known and not
 * learnt. */
struct shape_key *tcore_ndjson_shape_find(struct ndjson_shape *shape, struct shape_level *level,
                                          const char *name, size_t length);
/* The level below a key, of its object or of its array's objects, made on first use; NULL when
 * memory or the limit is reached. Slots are below objects only: a path does not lead into an array.
 */
struct shape_level *tcore_ndjson_shape_below(struct ndjson_shape *shape, struct shape_key *key,
                                             bool array);

#endif
