/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a segment says of itself: which blocks it has and where, how many records of which types,
 * when they were, and which services, operations and metrics they are of. Readers choose segments
 * and blocks by it. It is the member manifest.json, one JSON object.
 */
#ifndef TRACECORE_STORE_MANIFEST_H
#define TRACECORE_STORE_MANIFEST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "model/json.h"
#include "model/record.h"
#include "store/log_read.h"
#include "store/segment_format.h"

#include <stdbool.h>
#include <stdint.h>

/* Distinct strings, up to a limit; incomplete: there are more, or values that are no strings. */
struct tcore_name_set {
    struct tcore_map map;
    bool made; /* the map was initialised */
    bool incomplete;
};

#define TCORE_NAME_SET_COUNT 4096u
#define TCORE_NAME_SET_BYTES 1024u /* of one string; a longer one makes the set incomplete */

enum tcore_name_kind {
    TCORE_NAMES_SERVICES,   /* service, of any record */
    TCORE_NAMES_OPERATIONS, /* name, of spans */
    TCORE_NAMES_METRICS,    /* metricName, of metrics and aggregates */
    TCORE_NAME_KINDS
};

struct tcore_manifest_block {
    enum tcore_record_type type;
    uint32_t rows;
    uint32_t frame; /* of its directory; those of its columns follow */
    uint32_t frames;
    bool timed, all_timed; /* some record, every record has a time */
    int64_t min_ns, max_ns;
};

/* A roll-up of the segment (store/rollup.h). */
struct tcore_manifest_rollup {
    uint32_t frame;
    unsigned types;    /* bits (1 << type) of types of which it has every record */
    int64_t window_ns; /* of its cells */
};

#define TCORE_MANIFEST_ROLLUPS 4u

struct tcore_manifest {
    uint8_t id[SEGMENT_ID_BYTES];
    int64_t created_ns;
    uint64_t records[TCORE_RECORD_TYPES];
    uint64_t text_bytes;   /* of all records as canonical lines, without newlines */
    bool timed, all_timed; /* as of blocks; the extremes of all */
    int64_t min_ns, max_ns;
    struct tcore_manifest_block *block; /* owned */
    uint32_t block_count, block_capacity;
    struct tcore_name_set names[TCORE_NAME_KINDS];
    struct tcore_manifest_rollup rollup[TCORE_MANIFEST_ROLLUPS]; /* from fine to coarse */
    uint32_t rollup_count;
    /* by type: which fields (enum tcore_series_field) all records have as their series has them */
    unsigned series_fields[TCORE_RECORD_TYPES];
    uint32_t keys;                      /* the frame of the wrapped keys; 0: nothing is sealed */
    uint32_t trace_index, trace_filter; /* frames; 0: there is none (frame 0 is a block's) */
    char **source; /* paths of the segments that it is a joint roll-up of, each and all owned */
    uint32_t source_count, source_capacity;
    struct tcore_log_seal *seal; /* of logs whose entries are in it; owned */
    uint32_t seal_count, seal_capacity;
};

#pragma GCC visibility push(hidden)

void tcore_manifest_free(struct tcore_manifest *manifest); /* and zeroes it */
/* Takes a block into account. False: out of memory. */
bool tcore_manifest_add_block(struct tcore_manifest *manifest,
                              const struct tcore_manifest_block *block);
/* Says which fields more records of a type have as their series has them: before they are counted.
 */
void tcore_manifest_add_series(struct tcore_manifest *manifest, enum tcore_record_type type,
                               unsigned fields);
/* Takes a segment into account that it is a joint roll-up of. False: out of memory. */
bool tcore_manifest_add_source(struct tcore_manifest *manifest, const char *path,
                               const struct tcore_manifest *source);
/* The text. */
enum tcore_status tcore_manifest_write(const struct tcore_manifest *manifest, struct tcore_buf *out,
                                       struct tcore_error *err);
/* From the text, into a zeroed struct; frames: how many the segment has. TCORE_BAD_INPUT: it is no
 * manifest of a version that this program knows, or says what cannot be. */
enum tcore_status tcore_manifest_read(struct tcore_manifest *manifest, const char *text,
                                      size_t length, uint32_t frames, struct tcore_error *err);

/* Says that a log's entries up to a sequence (1 to INT64_MAX) are in it. False: out of memory. */
bool tcore_manifest_add_seal(struct tcore_manifest *manifest, const struct tcore_log_seal *seal);
/* The member "logs": its text, if there are any; and from the text's nodes. */
void tcore_manifest_write_seals(const struct tcore_manifest *manifest, struct tcore_buf *out);
enum tcore_status tcore_manifest_read_seals(struct tcore_manifest *manifest,
                                            const struct tcore_json *json, struct tcore_error *err);
/* Binary ids from lower-case digits. False: they are none. */
bool tcore_manifest_parse_id(const struct tcore_value *text, uint8_t *id, size_t bytes);

/* Adds a string. False: out of memory. */
bool tcore_name_set_add(struct tcore_name_set *set, const char *name, size_t length);
bool tcore_name_set_merge(struct tcore_name_set *into, const struct tcore_name_set *from);
void tcore_name_set_free(struct tcore_name_set *set);

#pragma GCC visibility pop

#endif
