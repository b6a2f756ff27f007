/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the store. Rows live in blocks, a chain of them for each intake and partition, so that
 * threads share nothing while they take in. Private to trace/.
 */
#ifndef TRACECORE_TRACE_STORE_PRIVATE_H
#define TRACECORE_TRACE_STORE_PRIVATE_H

#include "base/arena.h"
#include "trace/id_hash.h"
#include "trace/store.h"
#include "trace/store_names.h"
#include "trace/store_slab.h"
#include "trace/store_spill.h"

struct block {
    struct block *next;
    size_t bytes;
    bool in_slab;
    char rows[] __attribute__((aligned(8)));
};

/* The rows of an intake in one partition. */
struct chain {
    struct block *blocks; /* newest first */
    char *at, *end;       /* free room in the newest */
};

struct tcore_trace_intake {
    struct tcore_trace_intake *next;
    struct tcore_trace_store *store;
    struct chain chain[TCORE_TRACE_PARTITIONS];
    struct slab *slabs; /* owned */
    struct names services, names;
    struct tcore_arena text;
    uint64_t text_bytes;  /* of all texts held */
    size_t held;          /* bytes of rows and texts */
    struct spill *spills; /* newest first; owned */
    uint64_t untimed;     /* spans without one of the times */
};

/* What a piece has while it is grouped; a partition is one as long as all is in memory. */
struct piece {
    struct loaded loaded;            /* from the file */
    struct tcore_stored_span **rows; /* by trace */
    struct tcore_stored_trace *traces;
    uint32_t trace_count;
    size_t bytes;
};

struct columns {
    size_t trace_id, span_id, parent_id, start, end, duration, status, kind, service, name;
};

struct tcore_trace_store {
    struct tcore_trace_store_options options;
    size_t row_bytes;
    uint64_t seed[2];
    struct columns columns;
    struct tcore_trace_intake *intakes;
    size_t bytes; /* atomic */
    bool full;
    struct names_total services, names;
    struct piece *piece; /* owned */
    struct spill_file file;
};

/* Counts bytes that are about to be taken; false: they are beyond the limit. */
bool tcore_store_count_bytes(struct tcore_trace_store *store, size_t bytes);
void tcore_store_uncount_bytes(struct tcore_trace_store *store, size_t bytes);

static inline uint64_t hash_id(const struct tcore_trace_store *store, const uint64_t id[2])
{
    return hash_trace_id(store->seed, id);
}

static inline unsigned partition_of(uint64_t hash)
{
    return hash >> 56;
}

/* The piece of a partition that has the traces of that hash, once there are pieces in the file. */
static inline unsigned piece_in_partition(const struct tcore_trace_store *store, uint64_t hash)
{
    return (unsigned)(hash << 8 >> 8 >> (56 - store->file.bits));
}

/* How many rows a chain has. */
size_t tcore_store_chain_rows(const struct chain *chain, size_t row_bytes);
/* Frees an intake's rows and texts. */
void tcore_store_drop_rows(struct tcore_trace_intake *intake);

#endif
