/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans by trace until a decision about the trace, and the decision from then on. Spans of traces
 * that are decided at the end may be in a file meanwhile, in the order in which they came. Private
 * to sample_traces.c, sample_end.c, sample_table.c, sample_log.c, sample_shape.c and
 * sample_write.c.
 */
#ifndef SPAN_SAMPLE_TRACES_H
#define SPAN_SAMPLE_TRACES_H

#include "span/sample.h"
#include "span/sort_runs.h"

/* Where shapes are looked at: hashes of ids, and of service and name. */
struct held_call {
    uint64_t id, parent_id, operation;
};

struct held_span {
    struct held_span *next;
    uint64_t threshold; /* of head sampling, and before */
    struct held_call call;
    uint32_t text_length, state_length;
    uint32_t trace; /* in the file: its number */
    bool set;       /* the threshold is not what its state says */
    char data[];    /* text, state */
};

struct held_trace {
    struct held_trace *next;          /* in its slot of the table */
    struct held_trace *newer, *older; /* of those that are undecided, or decided */
    struct held_span *first, **last;  /* in order of arrival */
    char id[32];                      /* without NUL */
    int64_t mark_ns;                  /* event time when its last span came */
    uint64_t threshold;               /* of head sampling, its first span's */
    struct sample_facts facts;
    struct sample_decision decision;
    uint64_t hash;
    size_t bytes;    /* of its spans */
    uint32_t number; /* from 0, by first spans, as long as no trace is removed */
    bool decided, kept;
    bool queued; /* it is written at the end, in its turn */
};

struct held_list {
    struct held_trace *oldest, *newest;
    size_t count;
};

struct held_table {
    struct held_trace **slot;
    size_t slots, count;
    uint64_t seed[2];
    struct held_list undecided, decided;
    size_t bytes;      /* of traces and spans */
    size_t span_bytes; /* of spans alone */
};

/* Spans in a temporary file. */
struct held_log {
    int fd;         /* -1: there are none */
    uint64_t bytes; /* written */
    struct tcore_buf out;
    /* while it is read */
    uint64_t at; /* of what was read last */
    char *in;    /* owned */
    size_t begin, filled, capacity;
};

/* --- sample_table.c */

/* TCORE_FATAL: no memory or randomness. */
enum tcore_status held_table_open(struct held_table *table, struct tcore_error *err);
void held_table_close(struct held_table *table);
/* The trace, new if need be. NULL: no memory. */
struct held_trace *held_find(struct held_table *table, const char id[32]);
/* The trace is the newest one of the undecided. */
void held_touch(struct held_table *table, struct held_trace *trace);
void held_forget_spans(struct held_table *table, struct held_trace *trace);
/* It is the newest one of the decided. */
void held_remember(struct held_table *table, struct held_trace *trace);
/* Takes one of the decided away. */
void held_remove(struct held_table *table, struct held_trace *trace);
/* Takes it out of the undecided; it is in no list then. */
void held_take(struct held_table *table, struct held_trace *trace);

/* --- sample_log.c */

void held_log_open(struct held_log *log);
void held_log_close(struct held_log *log);
/* Puts the spans of all undecided traces into the file. TCORE_FATAL: it cannot be written. */
enum tcore_status held_log_take(struct held_log *log, struct held_table *table,
                                struct tcore_error *err);
/* Reads from the beginning: the next span, until the next call; TCORE_EOF. */
enum tcore_status held_log_rewind(struct held_log *log, struct tcore_error *err);
enum tcore_status held_log_next(struct held_log *log, const struct held_span **span,
                                struct tcore_error *err);

/* --- sample_traces.c: the run */

struct sampler {
    struct sample_plan *plan;
    struct held_table table;
    struct sample_rules *rules;
    struct tcore_expr_state *where[CLI_SAMPLING_WHERES]; /* owned */
    struct sample_annotator annotator;
    struct tcore_buf reason; /* of the trace that is being written */
    struct tcore_buf *out;
    uint64_t *mask;         /* of the rows of a batch; owned */
    uint32_t *spans, *rows; /* of a batch; owned */
    size_t row_capacity;
    int64_t watermark_ns, future_ns;
    size_t memory_bytes;
    struct held_log log;
    /* at the end */
    struct held_trace **order; /* owned */
    size_t ordered, next;
    struct sort_runs lines; /* of spans in the file, by their traces' places */
    bool sorted;            /* it has them */
    /* what is told */
    uint64_t traces, kept_traces, all_spans, kept_spans, late, early, inconsistent, failed;
    enum tcore_status status; /* of writing, within a call */
    struct tcore_error *err;
};

/* Asks the rules; with pending rates the trace is settled later. */
enum tcore_status held_decide(struct sampler *s, struct held_trace *trace);
/* Puts the memory that is too little into s->err. */
enum tcore_status held_say_memory(const struct sampler *s);

/* --- sample_end.c */

/* The callback of struct cli_operator: decides and writes what is left. */
enum tcore_status held_end(void *sampler, struct tcore_buf *out, struct tcore_error *err);

/* --- sample_write.c; failures are in s->status */

/* The trace is decided: writes what is to be written of it, and lets its spans go. */
void held_finish(struct sampler *s, struct held_trace *trace);
/* A span that came behind the others. */
void held_write_span(struct sampler *s, const struct held_trace *trace,
                     const struct held_span *span);

/* --- sample_shape.c */

/* A number for the tree of operations that the trace is: which operation calls which, however often
 * and in whatever order. False: no memory. */
bool held_shape(const struct held_call *calls, size_t count, uint64_t *shape);
/* The same of a trace whose spans are in memory. */
bool held_shape_of(const struct held_trace *trace, uint64_t *shape);

#endif
