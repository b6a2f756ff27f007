/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What trace-span diff keeps, in steps: diff_side.c adds up each of two sets of traces, diff_join.c
 * puts both side by side, diff_test.c tests what changed, diff_judge.c decides what of that counts
 * and what follows from what, diff_write.c tells of it. diff_pair.c is for one trace against one.
 *
 * Spans of one trace depend on each other, so that the unit of repetition is the trace: it gives
 * one number for each subject and measure.
 */
#ifndef SPAN_DIFF_H
#define SPAN_DIFF_H

#include "cli/screen.h"
#include "span/trace_sums.h"
#include "span/span_group.h"
#include "stats/rank.h"

enum { DIFF_BASE, DIFF_CAND, DIFF_SIDES };

#define DIFF_NONE UINT32_MAX

struct diff_options {
    struct cli_strings by;
    double min_effect, alpha, fdr;
    bool exit_code;
};

/* --- One side: diff_side.c */

struct diff_trace {
    uint64_t id[2];
    int64_t start_ns; /* INT64_MAX: not known */
};

/* What the spans of one subject add up to in one trace. */
struct diff_entry {
    int64_t duration_ns, self_ns; /* of the timed ones */
    uint32_t trace;               /* a number of the side's */
    uint32_t calls, timed, errors;
    uint32_t forks;      /* spans with two timed children or more */
    uint32_t concurrent; /* those of them whose children run at the same time */
};

/* An operation, or the calls from one operation into another. */
struct diff_subject {
    uint32_t parent;          /* the operation that calls; DIFF_NONE: whatever calls */
    uint32_t child;           /* the operation */
    struct diff_entry *entry; /* one a trace that has it, in no order; owned */
    uint32_t count, capacity;
    bool met; /* in the trace at hand, whose entry is the one at [count] */
};

struct diff_side_slot;

/* Of one thread, and at last of all. */
struct diff_side {
    struct span_groups keys;      /* operations */
    struct tcore_map subjects;    /* by parent and child */
    struct diff_subject *subject; /* by number; owned */
    uint32_t subject_capacity;
    struct diff_trace *trace; /* by number; owned */
    uint32_t trace_count, trace_capacity;
    /* working memory */
    struct diff_side_slot *slot; /* of each operation */
    uint32_t slot_count, slot_capacity;
    uint32_t *of_span; /* operation of each span of the trace at hand */
    uint32_t span_capacity;
    uint32_t *met; /* subjects of the trace at hand */
    uint32_t met_count, met_capacity;
    size_t *bytes, limit; /* what all threads of both sides hold, and may; limit 0: no end */
};

/* by and bytes outlive it. */
enum tcore_status diff_side_open(struct diff_side *side, const struct cli_strings *by,
                                 unsigned depth_limit, size_t *bytes, size_t limit,
                                 struct tcore_error *err);
void diff_side_close(struct diff_side *side);
/* Adds a trace. TCORE_SKIP: it does not fit into the limit; TCORE_FATAL: no memory. */
enum tcore_status diff_side_take(struct diff_side *side, const struct trace_build *build,
                                 struct tcore_error *err);
/* Whether the children of a span run at the same time: -1: it has no two that are timed. */
int diff_concurrency(const struct trace_build *build, uint32_t span);
/* into += from, which is of the same store; as above. */
enum tcore_status diff_side_merge(struct diff_side *into, const struct diff_side *from,
                                  struct tcore_error *err);

/* --- Both sides: diff_join.c */

struct diff_operation {
    struct tcore_slice group; /* a JSON object */
    char *label;              /* its values, for people; owned */
};

/* All entries of a subject. */
struct diff_total {
    uint64_t calls, timed, errors;
    double duration_ns, self_ns;
};

struct diff_joint {
    uint32_t parent, child;                      /* operations; parent DIFF_NONE: whatever calls */
    const struct diff_subject *side[DIFF_SIDES]; /* NULL: it is not there */
    struct diff_total total[DIFF_SIDES];
};

struct diff_both {
    const struct diff_side *side[DIFF_SIDES];
    uint32_t *number[DIFF_SIDES];     /* the operation of each of a side's; owned */
    struct tcore_map texts;           /* of groups */
    struct diff_operation *operation; /* by the bytes of their groups; owned */
    uint32_t operation_count;
    struct diff_joint
        *joint; /* first operations, by number, then calls by child and parent; owned */
    uint32_t joint_count;
};

/* The stores are needed until this returns. TCORE_FATAL: no memory. */
enum tcore_status diff_join(struct diff_both *both, const struct diff_side *base,
                            const struct tcore_trace_store *base_store,
                            const struct diff_side *cand,
                            const struct tcore_trace_store *cand_store, struct tcore_error *err);
void diff_both_free(struct diff_both *both);
/* The joint of an operation is the one of its number.
 * The calls into an operation: joints first to before the result. */
uint32_t diff_callers(const struct diff_both *both, uint32_t child, uint32_t *first);

/* --- Tests: diff_test.c */

enum diff_measure {
    DIFF_SHARE,      /* of traces that have it */
    DIFF_CALLS,      /* spans a trace, of traces that have it */
    DIFF_SELF,       /* self time of a span, its mean a trace */
    DIFF_DURATION,   /* of a span, its mean a trace */
    DIFF_ERRORS,     /* share of those traces in which one of its spans failed */
    DIFF_CONCURRENCY /* share of traces, of those in which it calls twice, in which it calls at the
                        same time */
};

struct diff_test {
    uint32_t joint;
    enum diff_measure measure;
    size_t count[DIFF_SIDES];  /* traces that were compared */
    size_t hits[DIFF_SIDES];   /* of a share: of these */
    double centre[DIFF_SIDES]; /* median of times; mean of calls; or share */
    double p, smallest_p;      /* what was seen, and the smallest that the same values could give */
    double adjusted;
    /* of those that are significant, as diff_estimate() has it */
    double ratio;        /* of the candidate to the base; infinite if that is 0 */
    double lower, upper; /* interval of the candidate's centre; infinite: none */
    double effect_ns;    /* how much longer a trace takes by it; NaN: it is no matter of time */
    bool more;           /* slower, more often, and so on */
    /* once judged */
    bool significant; /* it is unlikely to be chance */
    bool counts;      /* it is significant and large enough */
    bool folded;      /* another one tells of it */
    bool partly;      /* of an operation: calls from some others do not have it */
    uint32_t because; /* the test that it follows from; DIFF_NONE */
};

/* Time series that depends on itself. */
struct diff_serial {
    double correlation; /* NaN: none */
    uint32_t operation;
    int side;
};

struct diff_tests {
    const struct diff_both *both;
    const struct diff_options *options;
    struct diff_test *test; /* by joint, then measure; owned */
    uint32_t count, capacity;
    uint32_t eligible; /* those that could be significant */
    uint32_t *found;   /* tests to be told of, the most important first; owned */
    uint32_t found_count;
    struct diff_serial serial; /* the worst of what was found */
    struct tcore_rank_null null;
    double *value[DIFF_SIDES]; /* working memory */
};

/* Makes all tests, without adjusting them. TCORE_FATAL: no memory. */
enum tcore_status diff_test_all(struct diff_tests *tests, const struct diff_both *both,
                                const struct diff_options *options, struct tcore_error *err);
void diff_tests_free(struct diff_tests *tests);
/* Works out ratio, interval, effect and more. TCORE_FATAL: no memory. */
enum tcore_status diff_estimate(struct diff_tests *tests, struct diff_test *test,
                                struct tcore_error *err);
/* The values of a measure on one side, into tests->value; how many. */
size_t diff_values(const struct diff_subject *subject, enum diff_measure measure, double *value);
/* The value of one entry; false: it has none. */
bool diff_value(const struct diff_entry *entry, enum diff_measure measure, double *value);
/* How many of its spans a trace has. */
double diff_calls_a_trace(const struct diff_both *both, uint32_t joint, int side);

/* --- What counts: diff_judge.c */

/* Adjusts all tests and fills found. TCORE_FATAL: no memory. */
enum tcore_status diff_judge(struct diff_tests *tests, struct tcore_error *err);

/* --- diff_write.c */

/* Appends a finding record for each that was found. */
enum tcore_status diff_write(const struct diff_tests *tests, struct tcore_buf *out,
                             struct tcore_error *err);
/* Writes the group of an operation, or of calls: with that of the caller behind it, each name with
 * "parent." in front. parent: DIFF_NONE without. With a NUL. */
void diff_put_group(struct tcore_buf *out, struct tcore_json *json, const struct diff_both *both,
                    uint32_t child, uint32_t parent);

/* --- diff_pair.c */

/* Two traces, each the only one of its side, span by span: appends a finding record for each span
 * that differs, the largest difference first; with a screen, instead, both as one tree, of at most
 * so many rows. *found: how many differences. The sides have just taken the traces. TCORE_FATAL: no
 * memory. */
enum tcore_status diff_pair(const struct diff_both *both,
                            const struct trace_build build[DIFF_SIDES],
                            const struct diff_options *options, const struct cli_screen *screen,
                            uint32_t most, struct tcore_buf *out, size_t *found,
                            struct tcore_error *err);

#endif
