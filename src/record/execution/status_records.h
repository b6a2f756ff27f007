/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The records of a trace, and which of them belong to one execution and what runs within it. */
#ifndef RECORD_EXECUTION_STATUS_RECORDS_H
#define RECORD_EXECUTION_STATUS_RECORDS_H

#include "model/batch.h"
#include "model/id.h"
#include "record/execution/trace.h"
#include "record/execution/executions.h"

struct status_records {
    char trace_id[TCORE_TRACE_ID + 1], span_id[TCORE_SPAN_ID + 1]; /* "": not known */
    struct executions executions;
    struct tcore_map ids; /* of spans and executions */
    uint32_t *parents;    /* by number in ids; TCORE_MAP_NONE: none */
    size_t parent_count, parent_capacity;
    struct tcore_buf spans, metrics; /* lines */
    struct tcore_json json;          /* of the record at hand */
};

/* The types of record that are of use. */
#define STATUS_TYPES                                                                               \
    (1u << TCORE_RECORD_EXECUTION | 1u << TCORE_RECORD_LOG | 1u << TCORE_RECORD_METRIC |           \
     1u << TCORE_RECORD_SPAN)

/* TCORE_FATAL: there is no randomness. To be freed in any case. */
enum tcore_status status_records_init(struct status_records *records, struct tcore_error *err);
void status_records_free(struct status_records *records);
/* Keeps what is of the trace, or names the execution. TCORE_FATAL: out of memory. */
enum tcore_status status_records_add(struct status_records *records, enum tcore_record_type type,
                                     const struct tcore_slice *text, struct tcore_error *err);
/* Without a span_id: makes it the execution of the trace that began first. False: there is none. */
bool status_records_choose(struct status_records *records);

/* Appends the metrics of the execution as they are, or its ExecutionTrace. TCORE_SKIP: it was not
 * started. */
enum tcore_status status_put_metrics(struct status_records *records, struct tcore_buf *out,
                                     struct tcore_error *err);
enum tcore_status status_put_trace(struct status_records *records, struct tcore_buf *out,
                                   struct tcore_error *err);

#endif
