/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zipkin's spans of both versions. A v1 span is one or two of v2: it may have both sides of a call
 * in it, told by whose annotations there are.
 */
#ifndef RECORD_IMPORT_ZIPKIN_H
#define RECORD_IMPORT_ZIPKIN_H

#include "record/import/span.h"

enum {
    ZIPKIN_TRACE,
    ZIPKIN_ID,
    ZIPKIN_PARENT,
    ZIPKIN_NAME,
    ZIPKIN_KIND,
    ZIPKIN_TIME,
    ZIPKIN_DURATION,
    ZIPKIN_LOCAL,
    ZIPKIN_REMOTE,
    ZIPKIN_ANNOTATIONS,
    ZIPKIN_TAGS,
    ZIPKIN_DEBUG,
    ZIPKIN_SHARED,
    ZIPKIN_BINARY, /* v1 */
    ZIPKIN_COUNT
};

struct zipkin {
    struct import_job *job;
    struct import_span span;
    uint32_t local; /* endpoint that job->resource is of; 0: of none */
    uint32_t name;  /* of its service */
};

static inline const struct tcore_json_node *zipkin_node(const struct zipkin *z, uint32_t node)
{
    return &z->job->json.node[node];
}

/* Each is for the span in hand: its start anew, where it ran, whom it spoke to (node 0: nobody
 * knows). False: the endpoint is none. */
void zipkin_begin(struct zipkin *z, const uint32_t *at);
bool zipkin_set_local(struct zipkin *z, uint32_t endpoint);
bool zipkin_set_remote(struct zipkin *z, uint32_t endpoint);
/* Appends an annotation as an event to the list, which the first one opens. */
bool zipkin_put_annotation(struct zipkin *z, uint32_t time, uint32_t value, bool first);

/* --- import/zipkin_v1.c */

/* Whether a span has what only those of v1 have. */
bool zipkin_is_v1(const struct zipkin *z, const uint32_t *at);
bool zipkin_put_v1(struct zipkin *z, const uint32_t *at);

#endif
