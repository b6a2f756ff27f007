/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One input of import: bytes from a file or pipe, cut into chunks of whole documents that can be
 * converted independently of each other.
 */
#ifndef RECORD_IMPORT_SOURCE_H
#define RECORD_IMPORT_SOURCE_H

#include "base/buf.h"
#include "model/batch.h"
#include "record/import/split.h"

struct import_format;

/* Some documents, in input order. A zeroed struct is empty; memory is reused from call to call. */
struct import_chunk {
    struct tcore_buf text;
    struct import_unit *units; /* offsets are into text */
    struct tcore_buf heading;  /* of the input, if it has one */
    size_t count, capacity;
    size_t limit;                       /* bytes of one document */
    const struct import_format *format; /* of all units; NULL: they are JSON, each may be another */
    bool live;  /* what follows is not there yet: show the result of this at once */
    bool clock; /* no documents: nothing came for so long, at clock_ns */
    int64_t clock_ns;
};

void import_chunk_free(struct import_chunk *chunk);
/* Cuts all of chunk->text, as one whole input, into units of at most limit bytes. */
enum tcore_status import_chunk_cut(struct import_chunk *chunk, import_cut *cut, size_t limit,
                                   struct tcore_error *err);

struct import_source;

struct import_source_options {
    size_t limit; /* bytes of one document; 0: 32 MiB, or the size of a file of at most 256 MiB */
    int64_t idle_ns;      /* after so long without input a chunk with clock set; 0: never */
    bool whole_documents; /* none comes in parts, and a unit is never more than one */
    size_t chunk_bytes;   /* of documents in a chunk, if so many are there; 0: enough to make the
                             hand-over cheap */
    int stop_fd; /* once it is readable, the input ends behind its last whole document; 0: none */
};

/* Opens path, "-" being standard input; compressed or not. TCORE_BAD_INPUT or TCORE_FATAL: err. */
enum tcore_status import_source_open(struct import_source **source, const char *path,
                                     const struct import_source_options *options,
                                     struct tcore_error *err);
void import_source_free(struct import_source *source);
/* Bytes read so far and in all (0: not known), as they are in the file. */
void import_source_position(const struct import_source *source, uint64_t *done, uint64_t *total);
/*
 * Before the first chunk: what the input begins with, one read more from call to call; *whole: that
 * is all of it. Then the format may be set, if it is none of JSON documents, and how it is cut.
 */
enum tcore_status import_source_peek(struct import_source *source, struct tcore_slice *head,
                                     bool *whole, struct tcore_error *err);
void import_source_set_format(struct import_source *source, const struct import_format *format,
                              import_cut *cut);
/* TCORE_OK: the chunk has at least one unit, or clock set. TCORE_EOF; TCORE_BAD_INPUT or
 * TCORE_FATAL: err. */
enum tcore_status import_source_next(struct import_source *source, struct import_chunk *chunk,
                                     struct tcore_error *err);

#endif
