/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An open segment from inside. */
#ifndef TRACECORE_STORE_SEGMENT_PRIVATE_H
#define TRACECORE_STORE_SEGMENT_PRIVATE_H

#include "store/seal.h"
#include "store/segment_read.h"

#define SEGMENT_CONTENT_LIMIT ((size_t)1 << 30) /* of a frame */

struct frame_place {
    uint64_t at;
    uint32_t packed, content; /* 0: it is lost */
};

struct tcore_segment {
    int fd;
    uint64_t file_bytes;
    uint64_t opening_bytes; /* that were read to open it */
    uint64_t footer_at;
    struct frame_place *frame; /* of the members and the archive's end; owned */
    uint32_t frames, frame_capacity;
    uint32_t members;
    uint8_t footer[FOOTER_BYTES];
    struct tcore_manifest manifest;
    struct tcore_segment_key **key; /* of the labels that can be read; owned, each and all */
    size_t key_count;
    bool
        salvaged; /* blocks may be missing, so that others have greater numbers than their places */
};

#pragma GCC visibility push(hidden)

/* A segment of which nothing is known but its file; to be closed in any case. */
enum tcore_status tcore_segment_begin(struct tcore_segment **segment, int fd,
                                      struct tcore_error *err);

/* The next piece of memory, with room for bytes and padding; NULL: there is none. */
char *tcore_block_reader_memory(struct tcore_block_reader *reader, size_t bytes);
/* Writes the segment to a file, with these wrapped keys in place of its own. */
enum tcore_status tcore_segment_copy(int fd, const struct tcore_segment *segment,
                                     const struct tcore_wrapped_keys *keys,
                                     struct tcore_error *err);
/* The wrapped keys, into an empty list. TCORE_BAD_INPUT: they are damaged. */
enum tcore_status tcore_segment_wrapped(const struct tcore_segment *segment,
                                        struct tcore_wrapped_keys *keys, struct tcore_error *err);

#pragma GCC visibility pop

#endif
