/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans by trace until a decision about the trace, and the decision from then on. Private to
 * sample_traces.c, sample_table.c, sample_shape.c and sample_write.c.
 */
#ifndef SPAN_SAMPLE_TRACES_H
#define SPAN_SAMPLE_TRACES_H

#include "span/sample.h"

struct held_span {
    struct held_span *next;
    uint64_t threshold;                /* of head sampling, and before */
    bool set;                          /* that is not what its state says */
    uint64_t id, parent_id, operation; /* where shapes are looked at */
    uint32_t text_length, state_length;
    char data[]; /* text, state */
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
    size_t bytes; /* of its spans */
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
    size_t bytes; /* of traces and spans */
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
    /* at the end */
    struct held_trace **order; /* owned */
    size_t ordered, next;
    /* what is told */
    uint64_t traces, kept_traces, all_spans, kept_spans, late, early, inconsistent, failed;
    enum tcore_status status; /* of writing, within a call */
    struct tcore_error *err;
};

/* --- sample_write.c; failures are in s->status */

/* The trace is decided: writes what is to be written of it, and lets its spans go. */
void held_finish(struct sampler *s, struct held_trace *trace);
/* A span that came behind the others. */
void held_write_span(struct sampler *s, const struct held_trace *trace,
                     const struct held_span *span);

/* --- sample_shape.c */

/* A number for the tree of operations that the trace is: which operation calls which, however often
 * and in whatever order. False: no memory. */
bool held_shape(const struct held_trace *trace, uint64_t *shape);

#endif
