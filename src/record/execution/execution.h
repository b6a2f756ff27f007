/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Executions as records: each event of an execution's life is one, and its end makes a span. A
 * member that is NULL or empty is left out; members named _json hold JSON text (of maps: members
 * without braces).
 */
#ifndef RECORD_EXECUTION_EXECUTION_H
#define RECORD_EXECUTION_EXECUTION_H

#include "base/buf.h"

#include <stdint.h>

/* The text of a buffer that ends with a NUL; "" if memory was short. */
static inline const char *execution_text(const struct tcore_buf *buf)
{
    return buf->failed || !buf->data ? "" : buf->data;
}

struct execution_event {
    const char *event; /* started updated checkpoint completed failed cancelled timeout */
    const char *execution_id, *trace_id, *parent_span_id;
    const char *context_id, *correlation_id, *causation_id;
    const char *operation_name, *execution_type, *executor_id, *executor_type;
    const char *environment_json; /* map */
    int64_t time_ns;
    const char *name; /* of a checkpoint */
    const char *result_json, *error_json;
    const char *attributes_json; /* map */
    const char *service;
    const char *resource_json; /* map */
};

struct execution_span {
    const char *trace_id, *span_id, *parent_span_id, *name;
    int64_t start_ns, end_ns;
    const char *status, *status_message;
    const char *service, *attributes_json, *resource_json; /* maps */
    const char *events_json;                               /* elements without brackets */
    const char *trace_state;
    unsigned flags; /* 0: not known */
};

/* Each appends one line. */
void execution_put_event(struct tcore_buf *out, const struct execution_event *event);
void execution_put_span(struct tcore_buf *out, const struct execution_span *span);

/* Appends "service.name":...,"host.name":... */
void execution_put_resource(struct tcore_buf *out, const char *service);
/* This host's name; at most 255 bytes and a NUL go to name. */
void execution_host_name(char name[256]);

/* ,"NAME":"text" unless text is NULL or empty; ,"NAME":json; ,"NAME":{json}; ,"NAME":"time" */
void execution_put_text(struct tcore_buf *out, const char *name, const char *text);
void execution_put_json(struct tcore_buf *out, const char *name, const char *json);
void execution_put_map(struct tcore_buf *out, const char *name, const char *members);
void execution_put_time(struct tcore_buf *out, const char *name, int64_t time_ns);

#endif
