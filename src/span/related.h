/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What trace-span related is made of. A tie is something that a trace names: a trace it is linked
 * to, a parent, a cause, a value of a field. Two traces are related by the ties that they share, or
 * where a tie of one names the other.
 *
 * How strong one relation is, 0 to 1:
 *   link, parent, child   1
 *   cause, effect         0.9
 *   sibling               0.6     the same parent or cause; a link to the same trace
 *   shared                0.8 / log2(n)    n traces have the value, 2 or more
 *   similar               0.3 * (1 - gap / within), half of it for another shape
 * Several make 1 - product of (1 - strength).
 */
#ifndef SPAN_RELATED_H
#define SPAN_RELATED_H

#include "cli/filter.h"
#include "model/json.h"
#include "span/trace_facts.h"

enum tie_kind { TIE_LINK, TIE_PARENT, TIE_CAUSE, TIE_EXECUTION, TIE_FIELD };

struct related_options {
    struct cli_strings by;
    int64_t within_ns, similar;
};

/* A trace that has a tie. */
struct tied {
    uint32_t tie, trace;
    uint64_t span; /* of the span or execution that says so; 0: unknown */
};

struct related {
    struct cli *cli;
    const struct related_options *options;
    size_t memory_bytes;
    char id[TCORE_TRACE_ID + 1];
    uint32_t trace; /* the number of id */
    struct trace_facts facts;
    struct trace_fact *known; /* of the first traces, as looked up by their ids; owned */
    uint32_t known_count;
    bool closed; /* ties of the trace are known: no others are wanted */
    struct tcore_map
        tie; /* keys: kind as a character, then a trace's or other id, or "field\0value" */
    struct tied *tied; /* owned */
    size_t count, capacity;
    struct {
        size_t links, execution, parent, cause;
        size_t *by; /* owned */
    } column;
    struct tcore_json json; /* links */
    struct tcore_buf text;
};

/* --- related_take.c */

enum tcore_status related_columns(void *state, struct tcore_projection *projection,
                                  struct tcore_error *err);
enum tcore_status related_take(void *state, void *worker, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err);
/* The number of a tie; it may be new unless the list is closed. TCORE_MAP_NONE: it is not wanted,
 * or there is no memory: *err tells. */
enum tcore_status related_tie(struct related *related, enum tie_kind kind, const char *text,
                              size_t length, uint32_t *tie, struct tcore_error *err);

/* --- related_rank.c */

/* Writes the related traces, the strongest first. */
enum tcore_status related_write(struct related *related, struct tcore_buf *out,
                                struct tcore_error *err);

#endif
