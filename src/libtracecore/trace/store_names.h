/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names (of services, of spans) as small numbers: first of one thread, then of the whole store.
 * Number 0 stands for no name. Private to trace/.
 */
#ifndef TRACECORE_TRACE_STORE_NAMES_H
#define TRACECORE_TRACE_STORE_NAMES_H

#include "base/map.h"
#include "base/error.h"
#include "model/batch.h"

#define NAMES_CACHE 1024

struct names_cache_entry {
    const char *text; /* in the map */
    uint32_t length, number;
};

struct names {
    struct tcore_map map;
    struct names_cache_entry *cache; /* met lately; owned */
    uint32_t *total;                 /* the store's number of each; owned */
};

struct names_total {
    struct tcore_map map;
    uint32_t *rank;    /* of each number, once ranked; owned */
    uint32_t *of_rank; /* and back; owned */
};

enum tcore_status tcore_names_init(struct names *names, struct tcore_error *err);
void tcore_names_free(struct names *names);
/* The number of a name; TCORE_MAP_NONE: no memory. */
uint32_t tcore_names_intern(struct names *names, const char *text, size_t length);

enum tcore_status tcore_names_total_init(struct names_total *total, struct tcore_error *err);
void tcore_names_total_free(struct names_total *total);
/* Adds a thread's names and gives it its total. */
enum tcore_status tcore_names_total_add(struct names_total *total, struct names *names,
                                        struct tcore_error *err);
/* Numbers the names by their bytes; then threads' numbers are to be brought to that. */
enum tcore_status tcore_names_total_rank(struct names_total *total, struct tcore_error *err);
void tcore_names_apply_rank(const struct names_total *total, struct names *names);
struct tcore_slice tcore_names_get(const struct names_total *total, uint32_t number);
struct tcore_slice tcore_names_ranked(const struct names_total *total, uint32_t rank);

#endif
