/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a trace record, each appending one member of it with a comma before, or nothing. */
#ifndef SPAN_TRACE_PARTS_H
#define SPAN_TRACE_PARTS_H

#include "span/trace_record.h"

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

/* --- trace_structure.c */

/* Reads every span's text: spans into out, links and error details into the writer. */
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
/* The last part: it takes self times for its own use. */
void put_analysis(struct trace_writer *writer, struct tcore_buf *out);

/* --- trace_metadata.c */

void put_metadata(const struct trace_writer *writer, struct tcore_buf *out);

#endif
