/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A span of Jaeger or Zipkin on its way to a native one. The format finds out where in the document
 * things are; here they are written in the schema's order. What OpenTelemetry puts into tags for
 * want of a field (kind, status, scope, trace state, counts of what was dropped) comes out of them
 * again, see "Mapping to non-OTLP formats" of its specification.
 */
#ifndef RECORD_IMPORT_SPAN_H
#define RECORD_IMPORT_SPAN_H

#include "model/id.h"
#include "record/import/attributes.h"

/* Tags that are fields; the order of the table in import/span.c. */
enum import_span_tag {
    TAG_KIND,
    TAG_ERROR,
    TAG_STATUS_CODE,
    TAG_STATUS_TEXT,
    TAG_SCOPE_NAME,
    TAG_SCOPE_VERSION,
    TAG_LIBRARY_NAME, /* of the scope, in earlier versions */
    TAG_LIBRARY_VERSION,
    TAG_TRACE_STATE,
    TAG_DROPPED_ATTRIBUTES,
    TAG_DROPPED_EVENTS,
    TAG_DROPPED_LINKS,
    TAG_COUNT
};

enum import_id { IMPORT_TRACE_ID, IMPORT_SPAN_ID, IMPORT_PARENT_ID };

/* Ids that were no hexadecimal: a hash stands for them, and attributes have what they were. */
struct import_originals {
    const char *name[3];
    uint32_t node[3];
    unsigned count;
};

/* Nodes are 0 for what is absent. */
struct import_span {
    uint32_t trace_id, span_id, parent_id, name, service;
    int64_t kind, status; /* numbers of import_span_kind and import_status_code */
    bool has_start, has_duration, sampled;
    int64_t start_ns, duration_ns;
    uint32_t message; /* of the status */
    uint32_t tag[TAG_COUNT];
    struct tcore_slice resource; /* the whole member with a comma before it, or nothing */
    struct import_originals originals;
};

/* Microseconds, whole or not, in nanoseconds; false: job->reason says what is wrong with that
 * member. node must not be 0. */
bool import_micros(struct import_job *job, uint32_t node, const char *what, int64_t *ns);

/* Begins anew, with no attributes. */
void import_span_clear(struct import_job *job, struct import_span *span);
/* A tag: an attribute, unless it is a field. */
void import_span_add_tag(struct import_job *job, struct import_span *span, struct tcore_slice key,
                         uint32_t node, enum import_form form);
/* Kind, status and the others from the tags; those that turn out to be no fields are attributes. */
void import_span_settle(struct import_job *job, struct import_span *span);

/* Appends everything up to what the format writes itself, events and links. False: job->reason. */
bool import_span_begin(struct import_job *job, struct import_span *span);
/* The rest of the record. */
void import_span_end(struct import_job *job, struct import_span *span);

/* Appends the member with a comma, unless node is 0 or the id all zero. False: it is no string. */
bool import_put_id(struct import_job *job, struct import_originals *originals, enum import_id which,
                   uint32_t node);
void import_add_originals(struct import_job *job, const struct import_originals *originals);
/* Appends label and the string at node, if that is one and not empty. */
void import_put_text(struct import_job *job, const char *label, uint32_t node);
/* Appends label, which opens the quotes, and a time. */
void import_put_time(struct tcore_buf *out, const char *label, int64_t time_ns);
/* Members were appended from begin on, each with a comma before it: makes them an object. */
void import_close_object(struct tcore_buf *out, size_t begin);

#endif
