/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of a store. An intake's rows are written piece by piece, each piece's rows and then its
 * texts side by side, so that a piece is read back by one read a spill. A piece is all traces whose
 * hashes begin with the same bits: those of a partition, and some more. Private to trace/.
 */
#ifndef TRACECORE_TRACE_STORE_SPILL_H
#define TRACECORE_TRACE_STORE_SPILL_H

#include "base/arena.h"
#include "trace/store.h"

struct tcore_trace_intake;

struct spill_file {
    size_t share;  /* bytes that an intake holds at most; 0: there is no file */
    unsigned bits; /* a partition is 2^bits pieces */
    int fd;        /* atomic; -1: not made yet */
    uint64_t end;  /* atomic */
    bool pieces;   /* sealed with rows in the file: pieces are finer than partitions */
};

/* Of one piece. */
struct extent {
    uint64_t text_bytes;
    uint32_t rows;
};

/* What an intake held once. */
struct spill {
    struct spill *next;
    uint64_t at[TCORE_TRACE_PARTITIONS]; /* in the file: the first piece of each partition */
    struct extent extent[];              /* of each piece */
};

/* Rows that were read back. */
struct loaded {
    char *rows; /* owned */
    size_t count;
    char *texts; /* owned */
};

/* Settles the shares. */
void tcore_store_file_init(struct tcore_trace_store *store);
void tcore_store_file_close(struct tcore_trace_store *store);
/* Writes all rows of the intake; it is empty then. TCORE_FATAL. */
enum tcore_status tcore_store_spill(struct tcore_trace_intake *intake, struct tcore_error *err);
/* The same of all intakes, if one has spilled; after the last span. */
enum tcore_status tcore_store_spill_rest(struct tcore_trace_store *store, struct tcore_error *err);
/* Reads a piece, with the store's numbers of services and names. */
enum tcore_status tcore_store_load(const struct tcore_trace_store *store, unsigned piece,
                                   struct loaded *loaded, struct tcore_error *err);
void tcore_store_unload(struct loaded *loaded);
void tcore_store_free_spills(struct spill *spills);

#endif
