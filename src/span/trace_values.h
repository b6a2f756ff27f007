/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which values occur on which traces: of each span its service, name, kind, scalar attributes and
 * those of its resource. A value is known by the text of a JSON member, "http.route":"/pay". What
 * tells how a request ended (error.type, status codes, exceptions) is only taken by name.
 */
#ifndef SPAN_TRACE_VALUES_H
#define SPAN_TRACE_VALUES_H

#include "base/buf.h"
#include "base/map.h"
#include "cli/options.h"
#include "model/json.h"

struct trace_values {
    const struct cli_strings *only; /* keys; empty: all but those above */
    struct tcore_json json;         /* the caller may set its depth_limit */
    struct tcore_map members;       /* by number of value */
    uint32_t *last;                 /* of each value the trace it was last seen on */
    uint32_t last_capacity;
    struct trace_value_pair {
        uint32_t value, trace;
    } * pair;
    size_t count, capacity;
    struct tcore_buf text;
    uint64_t long_values; /* that were passed over */
};

/* only must outlive it. TCORE_FATAL: no randomness. trace_values_free() in any case. */
enum tcore_status trace_values_open(struct trace_values *values, const struct cli_strings *only,
                                    struct tcore_error *err);
void trace_values_free(struct trace_values *values);
size_t trace_values_bytes(const struct trace_values *values);

/* The values of a span by its text. TCORE_FATAL: no memory; also of the next. */
enum tcore_status trace_values_add(struct trace_values *values, uint32_t trace, const char *text,
                                   size_t length, struct tcore_error *err);

/* Orders pairs by value and leaves each of them there once. *first[v] to before *first[v + 1] are
 * those of value v; owned by the caller. traces: how many there are. */
enum tcore_status trace_values_index(struct trace_values *values, uint32_t traces, size_t **first,
                                     struct tcore_error *err);

#endif
