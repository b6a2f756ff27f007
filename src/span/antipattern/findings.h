/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was found, gathered: one finding for each anti-pattern and place (who calls, from where,
 * what), however many traces have it, with its worst occurrence. What comes out does not depend on
 * the order of traces.
 */
#ifndef SPAN_ANTIPATTERN_FINDINGS_H
#define SPAN_ANTIPATTERN_FINDINGS_H

#include "base/buf.h"
#include "base/map.h"
#include "model/batch.h"
#include "span/antipattern/limits.h"

#define EVIDENCE_MOST 8 /* spans of the worst occurrence */

/* One occurrence in one trace. */
struct occurrence {
    enum pattern pattern;
    struct tcore_slice service, name, operation; /* where; data NULL: does not apply */
    uint64_t trace_id[2];
    int64_t trace_ns; /* how long the trace took */
    int64_t start_ns;
    int64_t saving_ns; /* at most */
    int64_t value;     /* what the threshold is about: calls, nanoseconds, bytes ... */
    int64_t limit;     /* the threshold */
    int64_t took_ns;   /* by all of it */
    double confidence; /* 0 to 1 */
    uint64_t evidence[EVIDENCE_MOST]; /* spans */
    uint32_t evidence_count;
};

struct finding {
    struct occurrence worst; /* texts in the map's key */
    uint64_t occurrences, traces;
    int64_t saving_ns, traces_ns; /* of all; of these traces, how long they took */
    int64_t trace_saving_ns;      /* of the last trace */
    uint64_t last_trace[2];
};

/* One thread's. */
struct findings {
    bool per_trace; /* a finding is of one trace */
    struct tcore_map keys;
    struct finding *finding; /* by number; owned */
    uint32_t capacity;
    struct tcore_buf key;
};

enum tcore_status findings_open(struct findings *findings, bool per_trace, struct tcore_error *err);
void findings_close(struct findings *findings);
/* Occurrences of one trace come one after another. TCORE_FATAL: no memory. */
enum tcore_status findings_add(struct findings *findings, const struct occurrence *occurrence,
                               struct tcore_error *err);
enum tcore_status findings_merge(struct findings *into, const struct findings *from,
                                 struct tcore_error *err);

/* --- findings_write.c */

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };

/* Appends those that are at least so severe as records, by what they would save; *count: how many.
 */
enum tcore_status findings_write(const struct findings *findings, enum severity least,
                                 struct tcore_buf *out, uint64_t *count, struct tcore_error *err);

/* --- message.c */

/* One line for people about the finding's worst occurrence. */
void finding_say(struct tcore_buf *out, const struct finding *finding, bool per_trace);
/* What value is, as the name of a metric. */
const char *finding_metric(enum pattern pattern);

#endif
