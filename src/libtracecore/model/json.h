/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A parsed JSON text as a flat tape of nodes in the order of the text. An object is followed by
 * key, value, key, value, ...; an array by its elements. The tape points into the text, which must
 * outlive it; strings with escapes are decoded into the tape's arena.
 *
 * The parser is strict RFC 8259 and UTF-8, with a nesting limit; a byte-order mark is refused.
 * Lone surrogate escapes are accepted and kept as their three-byte form. Duplicate keys are kept
 * here: tcore_json_find gives the last, a walk leaves out the others and
 * tcore_json_duplicates counts them.
 */
#ifndef TRACECORE_MODEL_JSON_H
#define TRACECORE_MODEL_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/value.h"

#define TCORE_JSON_DEPTH 512 /* default nesting limit */

struct tcore_json_node {
    /* kind of scalars as in model/value.h; TCORE_JSON for containers, told apart by text[0] */
    struct tcore_value value; /* of a container: .s, .len its text */
    uint32_t next;            /* index of the node behind this one and all below it */
    uint32_t count;           /* container: members or elements */
};

struct tcore_json_taker;

/*
 * p is at the opening brace of an element, in which so many levels may be open at a time. Returns
 * what is behind the object, if it is one and all in it is valid; NULL: it is to be parsed. *number
 * is kept with the node.
 */
typedef const char *tcore_json_take_function(struct tcore_json_taker *taker, const char *p,
                                             unsigned depth, uint32_t *number);

/* Who may know elements of a list by sight, so that nothing in them needs a node. */
struct tcore_json_taker {
    const char *key; /* of the member whose value the list is */
    tcore_json_take_function *take;
};

struct tcore_json {
    struct tcore_json_node *node; /* node[0] is the value; owned */
    uint32_t count, capacity;
    struct tcore_arena arena;       /* decoded strings */
    unsigned depth_limit;           /* 0 means TCORE_JSON_DEPTH */
    struct tcore_json_taker *taker; /* or NULL */
    uint32_t taken;                 /* elements of this text that it took */
};

/*
 * Parses the one value that text holds (blanks around it allowed). A zeroed struct is ready for use
 * and reused from call to call. TCORE_SKIP: not valid JSON; err->byte is the 1-based column of the
 * first bad byte and err->text the reason. TCORE_FATAL: out of memory.
 */
enum tcore_status tcore_json_parse(struct tcore_json *json, const char *text, size_t length,
                                   struct tcore_error *err);
void tcore_json_free(struct tcore_json *json);

static inline bool tcore_json_is_object(const struct tcore_json_node *n)
{
    return n->value.kind == TCORE_JSON && n->value.s[0] == '{';
}

/* Whether the taker took it: its text is known and its count is the taker's number, but what is in
 * it has no nodes. */
static inline bool tcore_json_is_taken(const struct tcore_json_node *n)
{
    return n->value.unused[0];
}

static inline bool tcore_json_is_array(const struct tcore_json_node *n)
{
    return n->value.kind == TCORE_JSON && n->value.s[0] == '[';
}

/*
 * Walking the members of the object (elements of the array) at index i:
 *     for (uint32_t k = i + 1; k < json->node[i].next; k = json->node[k + 1].next)
 *         key is node[k].value, value is node[k + 1]
 *     for (uint32_t e = i + 1; e < json->node[i].next; e = json->node[e].next)
 */
/* Index of the value of the last member with that key of the object at index i; 0 if there is none
 * or i is no object (0 is the root and never a member). */
uint32_t tcore_json_find(const struct tcore_json *json, uint32_t i, const char *key);
uint32_t tcore_json_find_n(const struct tcore_json *json, uint32_t i, const char *key,
                           size_t length);

/* A member of an object by the indices of its key and its value. */
struct tcore_json_member {
    uint32_t key, value;
};

/* A walk over what is in a container. */
struct tcore_json_walk {
    uint32_t at, end;               /* in the tape, */
    struct tcore_json_member *list; /* or in here, if some keys are there twice; owned */
    bool object;
};

/*
 * Begins a walk over the members of the object, or the elements of the array, at index i. Of
 * duplicate keys the last value comes at the first's place. To be ended by
 * tcore_json_walk_close. TCORE_FATAL: out of memory, nothing to close.
 */
enum tcore_status tcore_json_walk_open(struct tcore_json_walk *walk, const struct tcore_json *json,
                                       uint32_t i);
void tcore_json_walk_close(struct tcore_json_walk *walk);

/* The next member by the indices of its key (0 in an array) and value; false at the end. */
static inline bool tcore_json_walk_next(struct tcore_json_walk *walk, const struct tcore_json *json,
                                        struct tcore_json_member *member)
{
    if (walk->at >= walk->end)
        return false;
    if (walk->list) {
        *member = walk->list[walk->at++];
        return true;
    }
    member->key = walk->object ? walk->at++ : 0;
    member->value = walk->at;
    walk->at = json->node[walk->at].next;
    return true;
}

/* How many members of all objects a later one of the same name replaces. TCORE_FATAL: out of
 * memory. */
enum tcore_status tcore_json_duplicates(const struct tcore_json *json, uint64_t *duplicates);

/* Appends s as a JSON string with its quotes: the shortest escapes, control characters and lone
 * surrogates as \\u00xx, everything else as UTF-8. s must be what TCORE_STRING holds. */
void tcore_json_write_string(struct tcore_buf *buf, const char *s, size_t length);
/* Appends v canonically: NaN and infinities as strings, JSON text as it is. ABSENT appends null. */
void tcore_json_write_value(struct tcore_buf *buf, const struct tcore_value *v);
/* Appends the tree at index i without blanks; of duplicate keys the last stays, at the first's
 * place. */
void tcore_json_write_tree(struct tcore_buf *buf, const struct tcore_json *json, uint32_t i);
/* Appends the JSON text in the one form in which equal values are equal bytes, to group by: without
 * blanks, members in the order of their keys' bytes, numbers of one value (1, 1.0, 1e0) alike. What
 * is no JSON is appended as it is. */
void tcore_json_write_key(struct tcore_buf *buf, const char *text, size_t length);

#endif
