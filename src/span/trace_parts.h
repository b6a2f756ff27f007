/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a trace record, each appending one member of it with a comma before, or nothing. */
#ifndef SPAN_TRACE_PARTS_H
#define SPAN_TRACE_PARTS_H

#include "span/trace_record.h"
#include "trace/schedule.h"

/* Of one service in one trace. */
struct service_use {
    uint32_t spans, errors;
    int64_t self_ns;
};

/* A call from one service into another. */
struct cross_call {
    uint32_t source_service, target_service;
    uint32_t source, target; /* spans */
};

/* --- trace_parts.c: values */

void put_id(struct tcore_buf *out, uint64_t span_id); /* quoted */
void put_int(struct tcore_buf *out, int64_t number);
void put_text(struct tcore_buf *out, struct tcore_slice text); /* quoted; "" without */
void put_time(struct tcore_buf *out, int64_t ns);              /* quoted */
/* ,"key": in front of the next value; first: without the comma. */
void put_key(struct tcore_buf *out, const char *key, bool first);
/* ,"key":"text", or nothing without text. */
void put_text_member(struct tcore_buf *out, const char *key, struct tcore_slice text);
void put_ratio(struct tcore_buf *out, const char *key, double number); /* ,"key":number */

/* --- trace_structure.c */

/* Reads every span's text: spans into out; links, error details and what the root says of sampling
 * into the writer. */
enum tcore_status put_structure(struct trace_writer *writer, struct tcore_buf *out,
                                struct tcore_error *err);

/* --- trace_services.c */

enum tcore_status put_services(struct trace_writer *writer, struct tcore_buf *out,
                               struct tcore_error *err);
/* After put_services, which takes stock; put_errors too. */
void put_performance(const struct trace_writer *writer, struct tcore_buf *out);

/* --- trace_errors.c */

/* Appends what is known of the failed span whose text is in writer->json. */
void add_error_detail(struct trace_writer *writer, uint32_t span);
void put_errors(const struct trace_writer *writer, struct tcore_buf *out);

/* --- trace_sampling.c */

/* Takes what the root's text, in writer->json, says of sampling, and its tags. */
void take_root(struct trace_writer *writer);

/* --- trace_analysis.c */

/* Behind all parts that look at self times, which it takes for its own use. */
enum tcore_status put_analysis(struct trace_writer *writer, struct tcore_buf *out,
                               struct tcore_error *err);

/* --- trace_chances.c: what would save time */

/* Spans that the path spends so much of its time in, or more, are worth a word. */
#define WORTH_A_WORD 10 /* 1 / 10 */

/* Working memory of one thread; of each span of the trace at hand unless it says otherwise. */
struct analysis {
    int64_t *below_ns; /* of the critical path, in it and all below it */
    bool *wasted;      /* it, and so all below it: in vain, or once more */
    double *factor;
    struct path_call *calls; /* call_count of them */
    uint32_t call_count, capacity;
    struct tcore_schedule schedule;
};

/* Finds calls on the path, by parent and operation, and what is wasted. build->self_ns is the
 * path's time in each span. False: no memory. */
bool find_waste(struct analysis *analysis, const struct trace_build *build);
/* Time of the path that is not wasted. */
int64_t useful_ns(const struct analysis *analysis, const struct trace_build *build);
/* After find_waste. TCORE_FATAL: no memory. */
enum tcore_status put_chances(struct analysis *analysis, const struct trace_build *build,
                              struct tcore_buf *out, struct tcore_error *err);
void analysis_free(struct analysis *analysis);

/* --- trace_anomalies.c */

void put_anomalies(const struct trace_writer *writer, struct tcore_buf *out);

/* --- trace_metadata.c */

void put_metadata(const struct trace_writer *writer, struct tcore_buf *out);

#endif
