/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records of all inputs as batches of OTLP, in input order, whatever the number of threads: workers
 * encode, and in its turn each puts what it has into the batch. The callbacks are those of struct
 * cli_operator, for a verb whose state begins with a struct otlp_stream.
 */
#ifndef RECORD_EXPORT_OTLP_STREAM_H
#define RECORD_EXPORT_OTLP_STREAM_H

#include "cli/filter.h"
#include "record/export/otlp_batch.h"

/* A batch that is complete. */
struct otlp_message {
    enum otlp_signal signal;
    uint64_t records;
    struct tcore_buf data;
    struct tcore_buf lines; /* the records themselves, if they are kept */
};

struct otlp_stream {
    /* set by the verb */
    bool protobuf;
    bool keep_lines;
    uint64_t most_records;
    size_t most_bytes;   /* about, but for a record that has more by itself */
    int64_t most_age_ns; /* 0: any */
    /* Takes a message, which stays the stream's. */
    enum tcore_status (*emit)(void *state, const struct otlp_message *message,
                              struct tcore_buf *out, struct tcore_error *err);
    /* the rest is for export/otlp_stream.c */
    struct otlp_batch batch;
    struct otlp_message message[OTLP_SIGNALS];
    int64_t since_ns[OTLP_SIGNALS]; /* monotonic, of the first record in the batch */
    struct export_losses losses;
};

#define OTLP_STREAM_IDLE_NS ((int64_t)200 * 1000 * 1000)

/* False after a report. */
bool otlp_stream_open(struct otlp_stream *stream, struct cli *cli);
void otlp_stream_free(struct otlp_stream *stream);
/* The operator with these callbacks: spans, metrics, logs, aggregates as the metrics that they are,
 * and clocks when input waits. */
extern const struct cli_operator otlp_stream_operator;
/* What was left out of all records. */
void otlp_stream_note(struct otlp_stream *stream, struct cli *cli);
/* Sends what is gathered, of each signal. */
enum tcore_status otlp_stream_flush(struct otlp_stream *stream, struct tcore_buf *out,
                                    struct tcore_error *err);

/* The same for some records at hand, without an operator. */
enum tcore_status otlp_stream_lines(struct otlp_stream *stream, const struct tcore_buf *lines,
                                    struct tcore_buf *out, struct tcore_error *err);

#endif
