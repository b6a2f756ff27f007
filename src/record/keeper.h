/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Putting records into a repository: packed blocks go into the segment at hand, which is sealed
 * when it is full or old. Records that come in small numbers are gathered to blocks here. For one
 * thread at a time.
 */
#ifndef RECORD_KEEPER_H
#define RECORD_KEEPER_H

#include "store/repository.h"

/* When a segment is sealed. */
struct keeper_limits {
    uint64_t records;
    uint64_t text_bytes;
    int64_t age_ns; /* since its first record came */
};

extern const struct keeper_limits keeper_default_limits;

struct keeper {
    struct tcore_repository *repository; /* owned */
    struct keeper_limits limits;
    struct tcore_sealing sealing;
    bool open; /* there is a segment at hand */
    int64_t opened_ns;
    struct tcore_binary_writer *writer; /* of records that are gathered */
    struct tcore_buf gathered;          /* its blocks */
    uint64_t held;                      /* records in it */
    int64_t held_since_ns;
    struct tcore_block_packer *packer;
    uint64_t taken;   /* records, so far */
    uint64_t durable; /* of them, those in sealed segments */
    uint64_t segments;
};

/* Opens the repository, or makes one with defaults. What is in keeper is freed by keeper_close() in
 * any case. */
enum tcore_status keeper_open(struct keeper *keeper, const char *path, struct tcore_error *err);
/* Adds a record's text to what is gathered. */
enum tcore_status keeper_add(struct keeper *keeper, const struct tcore_slice *text,
                             struct tcore_error *err);
/* Adds a packed block, behind what was gathered before. */
enum tcore_status keeper_add_block(struct keeper *keeper, const struct tcore_packed_block *block,
                                   struct tcore_error *err);
/* Seals the segment at hand if it is full or old. */
enum tcore_status keeper_tend(struct keeper *keeper, struct tcore_error *err);
/* Seals what is left. */
enum tcore_status keeper_finish(struct keeper *keeper, struct tcore_error *err);
void keeper_close(struct keeper *keeper);

/* Packs all blocks in the writer's output, handing each to use(). */
enum tcore_status keeper_pack(struct tcore_block_packer *packer, struct tcore_buf *blocks,
                              enum tcore_status (*use)(void *context,
                                                       struct tcore_packed_block *packed,
                                                       struct tcore_error *err),
                              void *context, struct tcore_error *err);

#endif
