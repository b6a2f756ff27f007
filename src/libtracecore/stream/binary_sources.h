/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where in a block the values of a path are: mostly one column, but keys of several classes have
 * several, and any row may have the value inside a JSON text instead.
 */
#ifndef TRACECORE_STREAM_BINARY_SOURCES_H
#define TRACECORE_STREAM_BINARY_SOURCES_H

#include "model/batch.h"
#include "model/projection.h"
#include "stream/binary_block.h"

#pragma GCC visibility push(hidden)

enum source_kind {
    SOURCE_COLUMN,  /* the column itself */
    SOURCE_INSIDE,  /* keys[key...] inside the JSON texts of the column */
    SOURCE_MEMBERS, /* the same, of a MEMBERS column */
    SOURCE_OBJECT   /* the object itself, put together */
};

struct binary_source {
    uint8_t kind; /* enum source_kind */
    bool time;    /* digits in a string are an integer */
    uint16_t column;
    uint32_t key;
    const struct tcore_path *path;
};

struct binary_sources {
    struct binary_source *source; /* in order of precedence; owned */
    uint32_t count, capacity;
};

/* Appends the sources of a path. False: out of memory. */
bool tcore_binary_find_sources(struct binary_sources *sources, const struct binary_block *block,
                               const struct tcore_path *path);
/*
 * The column of a batch from the sources: of each row the first that has a value. Everything in it
 * belongs to the reader until its next block. Sources that are sealed and
 * cannot be opened are taken away.
 */
enum tcore_status tcore_binary_merge(struct binary_reader *reader, struct binary_sources *sources,
                                     struct tcore_column *column, struct tcore_error *err);

#pragma GCC visibility pop

#endif
