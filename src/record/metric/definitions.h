/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What trace-record define says of metrics at a destination. A definition is a log record there; a
 * file beside it, or in it if it is a repository, has a copy, so that one metric need not look for
 * it in all that was recorded. That copy is believed where a type or unit is missing; before a
 * metric is refused because of it, the record itself is looked for.
 */
#ifndef RECORD_METRIC_DEFINITIONS_H
#define RECORD_METRIC_DEFINITIONS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"

#include <stdbool.h>

struct definition {
    const char *type, *unit, *description; /* "" if there is none */
};

struct definitions {
    const char *destination; /* borrowed */
    struct tcore_map names;
    struct definition *list; /* by number in names */
    size_t capacity;
    struct tcore_arena arena;
    bool any;
};

/* TCORE_FATAL: the copy is there and cannot be read, or memory is short. To be freed in any case.
 */
enum tcore_status definitions_load(struct definitions *definitions, const char *destination,
                                   struct tcore_error *err);
void definitions_free(struct definitions *definitions);
/* NULL: there is none. */
const struct definition *definitions_find(const struct definitions *definitions, const char *name,
                                          size_t length);
/*
 * Whether a metric of that type may be recorded. TCORE_SKIP: it is defined as another one, as the
 * error says. TCORE_FATAL: the record cannot be looked for.
 */
enum tcore_status definitions_check(const struct definitions *definitions, const char *name,
                                    size_t length, const char *type, size_t type_length,
                                    struct tcore_error *err);
/* Whether its record is at the destination. TCORE_OK: it is; TCORE_EOF: not; TCORE_FATAL. */
enum tcore_status definitions_look_for(const struct definitions *definitions, const char *name,
                                       size_t length, const struct definition *definition,
                                       struct tcore_error *err);
/* Appends the record of a definition. */
void definitions_put(struct tcore_buf *lines, const char *name,
                     const struct definition *definition);
/* Adds the lines to the copy. TCORE_FATAL. */
enum tcore_status definitions_keep(const struct definitions *definitions,
                                   const struct tcore_buf *lines, struct tcore_error *err);

#endif
