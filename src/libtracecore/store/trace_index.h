/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trace index of a segment: for each trace id, the numbers of the blocks that hold spans of it.
 *
 * An id is known by its last 8 bytes, its key: all there is of a 64-bit id, and random in others
 * (W3C Trace Context). Whoever finds blocks looks for the whole id there.
 *
 * Keys stand in ascending order, each without what it shares with the one before, in pages of about
 * 4 KiB; the first keys of all pages stand in front, so that a look-up searches these and then
 * reads one page. The front and each page have a checksum; a page's is compared when it is touched.
 * tracecore-repository(5) has the bytes.
 *
 * A builder holds 20 bytes a span at most, twice that while it sorts. Equal sets of (id, block)
 * give equal bytes, in whatever order they were added. Not thread-safe; threads fill a builder each
 * and join them.
 */
#ifndef TRACECORE_STORE_TRACE_INDEX_H
#define TRACECORE_STORE_TRACE_INDEX_H

#include "store/trace_filter.h"

#define TCORE_TRACE_KEY_BYTES 8

struct tcore_trace_index_entry {
    uint8_t id[TCORE_TRACE_ID_BYTES];
    uint32_t block;
};

/* Zeroed is empty; tcore_trace_index_builder_free(). Its fields are its own. */
struct tcore_trace_index_builder {
    struct tcore_trace_index_entry *entries; /* owned */
    struct tcore_trace_index_entry
        *recent; /* lately added, to pass over most repeated ones; owned */
    size_t count, capacity;
    size_t sorted; /* entries that are in order, each once */
};

void tcore_trace_index_builder_free(struct tcore_trace_index_builder *builder);
size_t tcore_trace_index_builder_bytes(const struct tcore_trace_index_builder *builder);
/* Block number block (below UINT32_MAX) has a span of that trace. TCORE_OK, TCORE_FATAL. */
enum tcore_status tcore_trace_index_add(struct tcore_trace_index_builder *builder,
                                        const uint8_t id[TCORE_TRACE_ID_BYTES], uint32_t block,
                                        struct tcore_error *err);
/* into += from. TCORE_OK, TCORE_FATAL. */
enum tcore_status tcore_trace_index_join(struct tcore_trace_index_builder *into,
                                         const struct tcore_trace_index_builder *from,
                                         struct tcore_error *err);
/* How many distinct traces there are (of ids with one key, one a block at least). */
uint64_t tcore_trace_index_traces(struct tcore_trace_index_builder *builder);
/* Adds each of them to a filter, once. */
void tcore_trace_index_fill(struct tcore_trace_index_builder *builder,
                            struct tcore_trace_filter *filter);
/* Appends the index's bytes. TCORE_OK, TCORE_FATAL (no memory, or beyond 4 GiB of pages). */
enum tcore_status tcore_trace_index_encode(struct tcore_trace_index_builder *builder,
                                           struct tcore_buf *out, struct tcore_error *err);

/* An index as bytes, which must outlive it. Owns nothing. */
struct tcore_trace_index {
    const unsigned char *top, *pages; /* entries of the top, and where the pages begin */
    uint32_t page_count, page_bytes;
    uint64_t traces;
    uint32_t blocks; /* all block numbers are below this */
};

/* Blocks of a trace, ascending. Zeroed is empty; block is owned (tcore_free). */
struct tcore_trace_blocks {
    uint32_t *block;
    size_t count, capacity;
};

/* TCORE_OK, or TCORE_BAD_INPUT: damaged front. Allocates nothing. */
enum tcore_status tcore_trace_index_open(struct tcore_trace_index *index, const void *data,
                                         size_t length, struct tcore_error *err);
/* The blocks of a trace; none if it has no such trace. TCORE_OK, TCORE_BAD_INPUT: the page that
 * would have it is damaged; TCORE_FATAL. */
enum tcore_status tcore_trace_index_find(const struct tcore_trace_index *index,
                                         const uint8_t id[TCORE_TRACE_ID_BYTES],
                                         struct tcore_trace_blocks *blocks,
                                         struct tcore_error *err);

/* Walks all traces in ascending order of their keys. Zeroed but for index it stands before the
 * first. */
struct tcore_trace_index_cursor {
    const struct tcore_trace_index *index;
    uint32_t page; /* the next one */
    const unsigned char *at, *end;
    uint8_t key[TCORE_TRACE_KEY_BYTES];
};
/* The next trace's key (cursor->key) and blocks. TCORE_OK, TCORE_EOF, TCORE_BAD_INPUT: a damaged
 * page, behind which the next call goes on; TCORE_FATAL. */
enum tcore_status tcore_trace_index_next(struct tcore_trace_index_cursor *cursor,
                                         struct tcore_trace_blocks *blocks,
                                         struct tcore_error *err);

#endif
