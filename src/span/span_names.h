/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Span names by their templates, as aggregate records: of each service and template how many spans
 * there are, how long, how many failed, and how many names it stands for. */
#ifndef SPAN_SPAN_NAMES_H
#define SPAN_SPAN_NAMES_H

#include "span/shape.h"
#include "stats/cell.h"

/* One thread's; it begins zeroed. */
struct span_names {
    struct shape_labels labels;
    struct tcore_cell *cell; /* of each label; owned */
    uint32_t capacity;
};

enum tcore_status span_names_open(struct span_names *names, struct tcore_error *err);
void span_names_close(struct span_names *names);
enum tcore_status span_names_take(struct span_names *names, const struct trace_build *build,
                                  struct tcore_error *err);
/* into += from, of the same store. */
enum tcore_status span_names_merge(struct span_names *into, const struct span_names *from,
                                   const struct tcore_trace_store *store, struct tcore_error *err);
/* Appends a record a template, those of most spans first. */
enum tcore_status span_names_write(const struct span_names *names,
                                   const struct tcore_trace_store *store, struct tcore_buf *out,
                                   struct tcore_error *err);

#endif
