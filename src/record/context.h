/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who we are in a trace: ids of our own below a parent's, or of a new trace. */
#ifndef RECORD_CONTEXT_H
#define RECORD_CONTEXT_H

#include "base/error.h"
#include "model/id.h"

struct context {
    struct tcore_traceparent own;
    char parent_span_id[17]; /* "" for the root of a new trace */
    const char *tracestate;  /* of the parent, NULL if there is none; from the environment */
};

/*
 * A new span. parent: a traceparent, or NULL for $TRACEPARENT; where that is absent or invalid a
 * trace of its own begins. TCORE_BAD_INPUT: the given parent is no traceparent. TCORE_FATAL: there
 * is no randomness.
 */
enum tcore_status context_new(struct context *context, const char *parent, struct tcore_error *err);

#endif
