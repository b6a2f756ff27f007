/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an operator wants to see of each record: a list of columns, named by an exact path or by a
 * field name under the lookup rules. Decoders skip (but still validate) everything else.
 */
#ifndef TRACECORE_MODEL_PROJECTION_H
#define TRACECORE_MODEL_PROJECTION_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcore_path_key {
    const char *name; /* owned by the projection once added */
    size_t length;
};

struct tcore_path {
    struct tcore_path_key *keys; /* at least one */
    size_t count;
};

/* One column: candidate paths, the first that the record has wins. */
struct tcore_projection_column {
    char *name; /* as asked for: a field name, or a path in jq's notation; for messages */
    struct tcore_path *paths;
    size_t path_count;
    bool optional; /* it goes without saying that records may be without it: no note then */
};

struct tcore_projection {
    struct tcore_projection_column *columns;
    size_t count;
    bool text;      /* the batch also carries each record as JSON text */
    bool text_late; /* with text: a decoder that would have to make it waits for
                       tcore_decoder_text(), which says of which records */
};

void tcore_projection_free(struct tcore_projection *p); /* a zeroed struct is an empty one */

/*
 * Adds an exact path (keys are copied) and gives the column's number; the same path twice is one
 * column. Single-key paths "service" and "durationNano" include their derivation: service has
 * resource["service.name"] as its last path, and for a column whose first path is durationNano the
 * decoders give a span's end - start where it has none of the paths. TCORE_FATAL: out of memory;
 * the projection is as it was.
 */
enum tcore_status tcore_projection_add_path(struct tcore_projection *p,
                                            const struct tcore_path_key *keys, size_t count,
                                            size_t *column, struct tcore_error *err);
/* Adds a column of the first that the record has of several keys of one object, as of attributes
 * that were renamed. */
enum tcore_status tcore_projection_add_any(struct tcore_projection *p, const char *object,
                                           const char *const *keys, size_t count, size_t *column,
                                           struct tcore_error *err);
/*
 * Adds a field by name: one whole key looked for at top level, then in attributes, dimensions,
 * group (of an aggregate or finding), resource. "attributes.x" (also resource. scope. dimensions.
 * context. structure. timeline. group. histogram. quality. metadata. services. performance. errors.
 * sampling. analysis.) steps into that object, the rest being one key. Derivations as above. The
 * same name twice is one column.
 */
enum tcore_status tcore_projection_add_field(struct tcore_projection *p, const char *name,
                                             size_t *column, struct tcore_error *err);

#endif
