/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces made up for tests, span by span, through a store. */
#ifndef TRACECORE_TESTS_CORE_MADE_TRACES_H
#define TRACECORE_TESTS_CORE_MADE_TRACES_H

#include "trace/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct made_span {
    int parent; /* number; -1: none; -2: one that is not there */
    const char *service;
    char name[32];
    int64_t start_ns, end_ns;
    enum tcore_span_kind kind;
    bool error;
    const char *type; /* NULL: none */
    char message[128];
};

struct made_store {
    struct tcore_trace_store *store;
    struct tcore_trace_intake *intake;
    struct tcore_error err;
    unsigned bad; /* failures of functions */
};

static inline void made_open(struct made_store *made)
{
    struct tcore_trace_store_options options = {.text = true};
    *made = (struct made_store){0};
    made->bad += tcore_trace_store_new(&made->store, &options, &made->err) != TCORE_OK;
    made->bad += tcore_trace_intake_new(&made->intake, made->store, &made->err) != TCORE_OK;
}

/* Span number i has the id i + 1; trace is not 0. */
static inline void made_give(struct made_store *made, unsigned trace, const struct made_span *spans,
                             unsigned i)
{
    const struct made_span *span = &spans[i];
    char trace_id[33], span_id[17], parent_id[17], text[512], type[64] = "";
    snprintf(trace_id, sizeof trace_id, "%032x", trace);
    snprintf(span_id, sizeof span_id, "%016x", i + 1);
    snprintf(parent_id, sizeof parent_id, "%016x", span->parent < 0 ? 0xffff : span->parent + 1);
    if (span->type)
        snprintf(type, sizeof type, ",\"attributes\":{\"error.type\":\"%s\"}", span->type);
    snprintf(text, sizeof text, "{\"span\":%u%s%s%s%s}", i,
             span->message[0] ? ",\"statusMessage\":\"" : "", span->message,
             span->message[0] ? "\"" : "", type);
    struct tcore_span_given given = {
        .trace_id = trace_id,
        .span_id = span_id,
        .parent_id = span->parent == -1 ? NULL : parent_id,
        .start = tcore_value_int(span->start_ns),
        .end = tcore_value_int(span->end_ns),
        .error = span->error,
        .kind = span->kind,
        .service = {span->service, strlen(span->service)},
        .name = {span->name, strlen(span->name)},
        .text = {text, strlen(text)},
    };
    made->bad += tcore_trace_intake_give(made->intake, &given, &made->err) != TCORE_OK;
}

/* Calls a function with each trace of the store and frees that; the trace's number is the last
 * part of its id. */
static inline void made_visit(struct made_store *made,
                              void (*visit)(void *state, const struct made_store *made,
                                            struct tcore_stored_trace *trace),
                              void *state)
{
    made->bad += tcore_trace_store_seal(made->store, &made->err) != TCORE_OK;
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++) {
        struct tcore_trace_group group;
        made->bad += tcore_trace_store_group(made->store, p, &group, &made->err) != TCORE_OK;
        for (uint32_t t = 0; t < group.trace_count; t++)
            visit(state, made, &group.traces[t]);
    }
}

#endif
