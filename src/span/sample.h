/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of trace-span sample share. Everything that is decided about a trace is a
 * threshold T on its randomness R (model/trace_state.h): it is kept if R >= T, and stands for 2^56
 * / (2^56 - T) traces then. The probability of a policy is such a threshold, the smallest of its
 * rules'; head sampling and what was done before are others, of which the greatest counts, as they
 * are tests of the same R.
 */
#ifndef SPAN_SAMPLE_H
#define SPAN_SAMPLE_H

#include "cli/sampling.h"
#include "cli/verb.h"
#include "model/json.h"
#include "model/trace_state.h"
#include "query/expr.h"

#define SAMPLE_REASON "tracecore.sampling_reason" /* the attribute */

struct sample_plan {
    struct cli *cli;
    struct cli_sampling sampling;
    bool proportional; /* head multiplies what was done before */
    bool decisions;    /* a record of each trace instead of spans */
    int64_t wait_ns;   /* event time without a span after which a trace is complete; -1: never */
    /* columns of the projection */
    size_t trace_id, trace_state, start, duration, status;
    size_t span_id, parent_id, service, name; /* where shapes are looked at */
    size_t time;                              /* of clocks */
    bool shapes;
    bool complete;                                 /* traces are looked at as a whole */
    struct tcore_expr *where[CLI_SAMPLING_WHERES]; /* owned */
};

/* The state of a span: its R, and the T that it has passed already. */
struct sample_span {
    uint64_t randomness;
    uint64_t threshold;
    bool has_threshold;
    bool inconsistent; /* it says a T that its R does not pass: that is taken for none */
    struct tcore_slice trace_id, state;
};

void sample_span_read(struct sample_span *span, const struct sample_plan *plan,
                      const struct tcore_batch *batch, uint32_t row);
/* The T of head sampling for it, no smaller than its own. */
uint64_t sample_head_threshold(const struct sample_plan *plan, const struct sample_span *span);

/* Adds the columns that are looked at, and compiles the expressions for them. */
enum tcore_status sample_columns(struct sample_plan *plan, struct tcore_projection *projection,
                                 struct tcore_error *err);
void sample_note_inconsistent(struct cli *cli, uint64_t count);

/* --- sample_annotate.c */

struct sample_annotator {
    struct tcore_json json;
    struct tcore_buf state, value, text;
};

void sample_annotator_free(struct sample_annotator *a);
/* Appends the record's line, with this threshold in its state and this reason, a JSON string (NULL:
 * none), whose place is in the attributes. TCORE_FATAL: no memory. */
enum tcore_status sample_annotate(struct sample_annotator *a, struct tcore_slice record,
                                  struct tcore_slice state, bool set_threshold, uint64_t threshold,
                                  const char *reason, struct tcore_buf *out,
                                  struct tcore_error *err);

/* --- sample_rules.c */

/* A trace as rules see it. */
struct sample_facts {
    uint64_t randomness;
    int64_t start_ns, end_ns; /* start > end: it has no times */
    uint64_t errors, spans;
    uint64_t where; /* bits of the expressions that are true of a span */
    uint64_t shape;
};

/* What is decided of it: by rule (place in the policy), or by none. */
struct sample_decision {
    uint64_t threshold; /* of the rules */
    uint32_t rule;
    uint32_t pending; /* rates whose threshold is not known yet */
};
#define SAMPLE_NO_RULE UINT32_MAX

struct sample_rules;

/* owner: handed to settled() when the last rate of a trace is known. */
enum tcore_status sample_rules_new(struct sample_rules **rules, const struct cli_sampling *sampling,
                                   void (*settled)(void *state, void *owner), void *state,
                                   struct tcore_error *err);
void sample_rules_free(struct sample_rules *rules);
/* Decides. With decision->pending the rest of it comes later. */
enum tcore_status sample_rules_decide(struct sample_rules *rules, const struct sample_facts *facts,
                                      struct sample_decision *decision, void *owner,
                                      struct tcore_error *err);
/* Event time has reached watermark_ns (INT64_MAX: all of it): windows of rates that end before are
 * closed. settled() is called in the order of windows. */
void sample_rules_close(struct sample_rules *rules, int64_t watermark_ns);

/* --- sample_traces.c: sampling complete traces */

int sample_traces(struct sample_plan *plan, int argc, char **argv);

#endif
