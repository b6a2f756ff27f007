/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One trace before the detectors: its spans, what they call, and which of them a finding explains
 * already, so that one cause is found once. A thread has one and uses it for trace after trace.
 *
 * A call is a span of a client or producer, one whose attributes say what it calls, or one of
 * another service whose parent is neither. A span that leads to calls is another span of the
 * service with calls below it. Calls within a call, of the same service and class, are part of it.
 */
#ifndef SPAN_ANTIPATTERN_TRIAL_H
#define SPAN_ANTIPATTERN_TRIAL_H

#include "span/antipattern/facts.h"
#include "span/antipattern/findings.h"
#include "span/trace_build.h"
#include "trace/schedule.h"

/* So much work is done for the findings of one trace, besides a few walks through it. */
#define TRIAL_WORK_MOST (UINT64_C(1) << 26)

/* What is known of a span. */
struct trial_span {
    struct span_facts facts;
    uint32_t calls; /* of its service, below it and not below another call */
    bool is_call;
    bool explained; /* by a finding, as part of a group */
};

/* A span of a group that is looked at. */
struct member {
    uint64_t operation, call; /* hashes */
    int64_t start_ns, end_ns;
    uint32_t service;
    uint32_t span;
};

/* Attempts of one logical call. */
struct retry_group {
    uint32_t parent;
    uint32_t first, count; /* in attempts */
    int64_t total;         /* attempts at the lowest layer */
    uint32_t next;         /* of the parent; UINT32_MAX: none */
};

struct trial {
    const struct limits *limits;
    struct findings *findings;
    const struct trace_build *build;
    struct trial_span *span;
    int64_t trace_ns; /* of the root; 0: not known */
    /* working memory */
    struct facts_reader reader;
    struct tcore_json json;
    struct tcore_schedule schedule;
    bool scheduled;
    uint64_t work; /* done for single findings, in spans */
    struct member *member;
    uint32_t *chosen;
    bool *inside;
    double *factor;
    int64_t *total;
    uint32_t *group_of;
    uint32_t capacity;
    struct retry_group *group;
    uint32_t group_count, group_capacity;
    uint32_t *attempt;
    uint32_t attempt_count;
    struct tcore_buf name, operation, name_buffer;
    struct {
        uint32_t name; /* number + 1 */
        bool pool;     /* it is of a wait for a connection */
        uint64_t hash;
    } known_name[1024];
};

/* Looks for everything in the trace. TCORE_FATAL: no memory. */
enum tcore_status trial_hold(struct trial *trial, const struct trace_build *build,
                             struct tcore_error *err);
void trial_free(struct trial *trial);

/* --- trial.c: for detectors */

/* Of a span: how long it was, 0 if that is not known; whether it has failed. */
int64_t trial_duration(const struct trial *trial, uint32_t span);
bool trial_failed(const struct trial *trial, uint32_t span);
/* Hash of what the span does. */
uint64_t trial_operation(struct trial *trial, uint32_t span);
/* Whether its name says that it waits for a connection of a pool. */
bool trial_is_pool_wait(struct trial *trial, uint32_t span);
/* The children of the span that are calls or lead to some and have times, in no order, as members;
 * without those that are explained. */
uint32_t trial_children(struct trial *trial, uint32_t parent);
/* Of members[0..count) the most that do not overlap, by their ends; brought to the front. */
uint32_t trial_sequence(struct member *members, uint32_t count);
int64_t trial_sum(const struct member *members, uint32_t count);
/* The place of the longest. */
uint32_t trial_longest(const struct member *members, uint32_t count);
/* Marks members and what leads from them to calls. */
void trial_explain(struct trial *trial, const struct member *members, uint32_t count);
/* After some were explained: so is what is below them and no other call's. */
void trial_inherit(struct trial *trial);

/* --- saving.c */

/* How much sooner the root had ended if the members but the one at place kept (count: none), and
 * all below them, had taken no time. An upper bound: what was waited for may have been needed. */
enum tcore_status trial_saving(struct trial *trial, const struct member *members, uint32_t count,
                               uint32_t kept, int64_t *saving_ns, struct tcore_error *err);
/* The same if each had taken at most so long. */
enum tcore_status trial_saving_at_most(struct trial *trial, const struct member *members,
                                       uint32_t count, int64_t most_ns, int64_t *saving_ns,
                                       struct tcore_error *err);
/* Of one span alone: its drag. */
enum tcore_status trial_drag(struct trial *trial, uint32_t span, int64_t *saving_ns,
                             struct tcore_error *err);

/* --- report.c */

/* Fills in what all occurrences have and adds it. at: the span where it is found, whose service and
 * name say where; called: the span that is what is done, or TCORE_SPAN_NONE. */
enum tcore_status trial_report(struct trial *trial, struct occurrence *occurrence, uint32_t at,
                               uint32_t called, struct tcore_error *err);
/* The same with the members as evidence, in the order of time; they have been summed up. */
enum tcore_status trial_report_members(struct trial *trial, struct occurrence *occurrence,
                                       uint32_t at, uint32_t called, struct member *members,
                                       uint32_t count, struct tcore_error *err);

/* --- The detectors, in the order in which they are to be called */

enum tcore_status detect_retries(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_n_plus_one(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_redundant(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_serial(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_pool_waits(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_fan_out(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_chatty(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_single(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_timeouts(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_gaps(struct trial *trial, struct tcore_error *err);
enum tcore_status detect_skew(struct trial *trial, struct tcore_error *err);

#endif
