/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Propagators: how a trace context is written into the fields of a carrier, and read from them.
 *   w3c      traceparent, tracestate (Trace Context Level 2), baggage (W3C Baggage)
 *   b3       b3, and x-b3-traceid ... when it reads (openzipkin/b3-propagation)
 *   jaeger   uber-trace-id, uberctx-KEY
 */
#ifndef SPAN_PROPAGATOR_H
#define SPAN_PROPAGATOR_H

#include "model/id.h"
#include "span/carrier.h"

/* A context. Texts live in the carrier that they were read from. */
struct trace_context {
    bool has_ids;
    struct tcore_traceparent ids; /* flags: sampled and random */
    char parent_id[17];           /* "": not said */
    bool decided;                 /* whether the flags say something of sampling (b3 may not) */
    bool debug;
    struct tcore_slice state;   /* valid; data NULL: none */
    struct tcore_slice baggage; /* W3C's form, valid members only; data NULL: none */
};

struct propagator {
    const char *name;
    /* Reads what the carrier holds. TCORE_OK: even if it holds nothing (has_ids is false then).
     * TCORE_BAD_INPUT: what it holds is invalid; err says what, and the receiver's rule is to begin
     * a new trace. Notes on what was left out (tracestate, members of baggage) go to notes, one a
     * line. */
    enum tcore_status (*extract)(struct carrier *carrier, struct trace_context *context,
                                 struct tcore_buf *notes, struct tcore_error *err);
    /* Adds the fields of the context. False: no memory. */
    bool (*inject)(const struct trace_context *context, struct carrier *carrier);
};

extern const struct propagator propagator_w3c, propagator_b3, propagator_jaeger;

/* --- baggage.c */

/* The valid members of a baggage text, without blanks between them; data NULL: there are none. Those
 * beyond what W3C Baggage has everybody hand on (64 members, 8,192 bytes) are left out, too. */
struct tcore_slice baggage_normalise(struct carrier *carrier, struct tcore_slice text,
                                     struct tcore_buf *notes);
/* Whether it is a key of baggage. */
bool baggage_is_key(struct tcore_slice key);
/* Notes how many members were invalid, if any. */
void baggage_note_bad(size_t count, struct tcore_buf *notes);
/* {"key":"value",...}, decoded; of members with one key the last. */
void baggage_write_json(struct tcore_slice baggage, struct tcore_buf *out);
/* The same of the members' properties, for those that have some; nothing if none has. key: with
 * ,"key": before it. */
void baggage_write_properties(struct tcore_slice baggage, const char *key, struct tcore_buf *out);

/* A member of baggage, as it is written. */
struct baggage_member {
    struct tcore_slice key, value, properties; /* properties: without the first ; */
};
/* The next member of a normalised text, which is taken off it; false at the end. */
bool baggage_next(struct tcore_slice *baggage, struct baggage_member *member);
/* Appends text with what baggage cannot hold as %XX. */
void baggage_encode(struct tcore_slice text, struct tcore_buf *out);
/* Appends text with %XX decoded; bytes that make no UTF-8 become U+FFFD. */
void baggage_decode(struct tcore_slice text, struct tcore_buf *out);

#endif
