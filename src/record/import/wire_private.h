/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tape under construction, for import/wire.c and the values of import/wire_any.c. */
#ifndef RECORD_IMPORT_WIRE_PRIVATE_H
#define RECORD_IMPORT_WIRE_PRIVATE_H

#include "record/import/wire.h"

enum {
    ROOM = 8,         /* nodes that one field may need, besides those of the message in it */
    OUTER_DEPTH = 6,  /* of a record in a document of OTLP/JSON */
    SEEN_FIELDS = 64, /* lists have numbers below this */
};

struct tape {
    struct import_job *job;
    struct tcore_json *json;
    const char *where, *reason;
    bool collect;   /* lists from all over their message */
    bool scattered; /* a list is in several pieces: collect */
    bool broken;    /* the wire is, and not what is on it */
    bool ends;      /* the wire of the outermost message itself */
    unsigned depth;
};

bool import_wire_make_room(struct tape *t);

static inline bool has_room(struct tape *t)
{
    /* there are at least as many nodes as places */
    return t->job->place_capacity - t->json->count >= ROOM || import_wire_make_room(t);
}

static inline struct tcore_value *add(struct tape *t)
{
    struct tcore_json_node *node = &t->json->node[t->json->count++];
    node->next = t->json->count;
    node->count = 0;
    return &node->value;
}

/* Over what was added from that node on. */
static inline void take_back(struct tape *t, uint32_t node)
{
    t->json->count = node;
}

static inline uint32_t open_container(struct tape *t, const char *bracket)
{
    uint32_t node = t->json->count;
    tcore_value_put(add(t), TCORE_JSON, 1, (uint64_t)(uintptr_t)bracket);
    return node;
}

static inline void close_container(struct tape *t, uint32_t node)
{
    t->json->node[node].next = t->json->count;
}

static inline bool fail(struct tape *t, const char *where, const char *reason)
{
    t->where = where;
    t->reason = reason;
    return false;
}

static inline bool breaks(struct tape *t, const char *where, const char *reason)
{
    t->broken = true;
    t->ends = t->depth == OUTER_DEPTH + 1;
    return fail(t, where, reason);
}

/* One more level; false: too many. */
static inline bool enter(struct tape *t, const char *where)
{
    unsigned limit = t->json->depth_limit ? t->json->depth_limit : TCORE_JSON_DEPTH;
    return ++t->depth <= limit || fail(t, where, NULL);
}

/* Memory in the tape's arena, or NULL after a failure. */
char *import_wire_allocate(struct tape *t, size_t bytes);
/* A text, UTF-8 or it fails. */
bool import_wire_put_text(struct tape *t, const char *text, size_t length);
/* The base64 of bytes, between two other texts, as one node of that kind. */
bool import_wire_put_base64(struct tape *t, enum tcore_kind kind, const char *before,
                            struct tcore_slice bytes, const char *behind);
/* Counts a field that KeyValue does not have, if it has something in it. */
void import_wire_count_unknown(struct tape *t, const struct tcore_wire_record *r);

/* --- import/wire_any.c */

/* OTLP's AnyValue; a list of its KeyValues, of which one is an element. */
bool import_wire_put_any(struct tape *t, struct tcore_slice data);
bool import_wire_put_pair(struct tape *t, struct tcore_slice data);

#endif
