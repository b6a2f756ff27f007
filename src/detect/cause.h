/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect cause: what of a system was different after a time, ranked by how likely it is that
 * the rest follows from it.
 *
 * Every measurement belongs to one entity, and is made so that what an entity merely passes on does
 * not count as its own: of a span its self time, of a call what its client saw less what the server
 * took, of errors those without a failed child, of calls how many an execution of the caller makes.
 * A difference that is more than chance is a part: strength (natural logarithm of a ratio, or on
 * that scale) of evidence. An entity's score is the sum of its parts.
 *
 *     cause.c        what comes in          cause_spans.c   traces into measurements
 *     cause_table.c  entities, measurements cause_judge.c   measurements into parts and scores
 *     cause_series.c metrics and logs       cause_write.c   findings
 */
#ifndef DETECT_CAUSE_H
#define DETECT_CAUSE_H

#include "base/arena.h"
#include "base/map.h"
#include "cli/verb.h"
#include "detect/intake.h"
#include "trace/store.h"

#include <math.h>

enum cause_side { CAUSE_BASE, CAUSE_CAND, CAUSE_SIDES };

struct cause_options {
    struct cli_time at;
    bool exit_code;
};

#define CAUSE_NONE UINT32_MAX

enum cause_entity_type { CAUSE_SERVICE, CAUSE_INSTANCE, CAUSE_OPERATION, CAUSE_EDGE };

/* Something that may be to blame. Names live as long as the table. */
struct cause_entity {
    enum cause_entity_type type;
    const char *service; /* of an edge its caller */
    const char *name;    /* instance, operation, or the edge's target; "" of a service */
    uint32_t owner;      /* the service's entity; of an edge its caller's; of a service itself */
    uint32_t target;     /* of an edge: the entity of the service that is called */
    bool peer;           /* has no spans of its own: known only by what others say of it */
    uint32_t pods;       /* instances of a service that were seen */
    double score;
    double metric_squares; /* of metrics' parts; the root is added to the score */
    uint32_t best;         /* its strongest part; CAUSE_NONE: none */
    uint32_t parts;
};

enum cause_measure_kind {
    CAUSE_SELF,    /* of an operation: self time of its spans, and errors that began there */
    CAUSE_NETWORK, /* of an edge: the client's time less the servers', and errors in between */
    CAUSE_CALLS,   /* of an operation, by the one that calls it: how often that does */
    CAUSE_POD      /* of an instance, by operation: self time */
};

/* Sums of multiples of 2^-20 and of nanoseconds are exact, so that the order in which traces come
 * does not show. */
struct cause_sums {
    uint64_t count, errors;
    double logs, squares; /* of log(time + floor) */
    double ns;
};

static inline double cause_exact(double value)
{
    return nearbyint(value * 0x1p20) * 0x1p-20;
}

struct cause_example {
    uint64_t trace_id[2], span_id;
    double size;
};

struct cause_measure {
    enum cause_measure_kind kind;
    uint32_t entity;
    uint32_t by; /* CALLS: the caller's operation; POD: the operation; else CAUSE_NONE */
    struct cause_sums side[CAUSE_SIDES];
    struct cause_example slowest, failed; /* of the candidate; size 0: none */
};

/* Points of a metric. */
struct cause_point {
    double value;
    int64_t ns;
    uint8_t input;
};

struct cause_series {
    struct intake_series in; /* first: what get() gives */
    struct cause_point *point;
    size_t count, capacity;
    uint32_t entity;
    bool load; /* counts what arrives: what calls it decides that */
};

/* One log record, by its template. */
struct cause_log {
    uint32_t template;
    uint8_t input;
    bool severe; /* warn or worse */
    int64_t ns;
    uint64_t trace_id[2];
};

enum cause_evidence {
    CAUSE_SLOWER,
    CAUSE_FASTER,
    CAUSE_SLOW_EDGE,
    CAUSE_FAILS,
    CAUSE_EDGE_FAILS,
    CAUSE_FEWER_CALLS,
    CAUSE_MORE_CALLS,
    CAUSE_METRIC,
    CAUSE_NEW_LOG,
    CAUSE_LOST_LOG
};

/* One piece of evidence. */
struct cause_part {
    enum cause_evidence evidence;
    uint32_t entity;    /* that was measured */
    uint32_t other;     /* calls: the operation that is called */
    uint32_t series;    /* of a metric, or the template of a log */
    double weight;      /* its strength */
    double before, now; /* in the unit of the evidence: ns, fraction, calls, value, records */
    double p_value;     /* NaN: none */
    double effect_ns;   /* more time a trace takes; NaN: unknown */
    struct cause_example example;
};

struct cause {
    struct cli *cli;
    const struct cause_options *options;
    bool two_inputs;
    uint8_t input; /* of the batch in hand */
    int64_t at_ns;
    bool at_known;
    int64_t found_ns; /* the earliest time that a finding of the input names; INT64_MAX: none */
    /* entities and measurements */
    struct tcore_map entity_keys, measure_keys;
    struct cause_entity *entity; /* by number; owned */
    struct cause_measure *measure;
    uint32_t entity_capacity, measure_capacity;
    struct tcore_buf key;
    /* spans */
    struct tcore_trace_store *store[CAUSE_SIDES];
    struct tcore_trace_intake *spans[CAUSE_SIDES];
    double floor_ns; /* what is less than this of a trace does not matter */
    uint64_t traces[CAUSE_SIDES];
    /* metrics and logs */
    struct intake intake;
    struct series_table table;
    struct cause_series *series; /* by number; owned */
    size_t series_capacity;
    uint32_t metric_entity; /* of the row in hand */
    struct tcore_map templates;
    uint32_t *template_entity; /* by number; owned */
    uint32_t template_capacity;
    struct cause_log *log;
    size_t logs, log_capacity;
    /* what came out */
    struct cause_part *part;
    uint32_t parts, part_capacity;
    uint32_t causes;
    bool finished;
    uint64_t without_time, without_entity;
    size_t kept, kept_limit; /* points and logs */
    /* columns */
    size_t trace_id, span_id, parent_id, name, kind, start, end, duration, status, service;
    size_t pod[6], time, metric_type, body, severity;
    size_t group_source, group_target, missing, finding_kind;
};

/* --- cause_table.c */

bool cause_tables_init(struct cause *c);
void cause_tables_free(struct cause *c);
/* CAUSE_NONE: no memory. */
uint32_t cause_entity(struct cause *c, enum cause_entity_type type, struct tcore_slice service,
                      struct tcore_slice name);
struct cause_measure *cause_measure(struct cause *c, enum cause_measure_kind kind, uint32_t entity,
                                    uint32_t by);
struct cause_measure *cause_measure_find(const struct cause *c, enum cause_measure_kind kind,
                                         uint32_t entity, uint32_t by);
/* Makes room for one more of count items; false: no memory. */
bool cause_grow(void **items, uint32_t count, uint32_t *capacity, size_t size);
/* Appends; false: no memory. */
bool cause_add_part(struct cause *c, const struct cause_part *part);

/* --- cause_spans.c */

enum tcore_status cause_take_span(struct cause *c, const struct tcore_batch *batch, size_t row,
                                  struct tcore_error *err);
enum tcore_status cause_measure_spans(struct cause *c, struct tcore_error *err);

/* --- cause_series.c */

struct intake_series *cause_get_series(void *cause, uint32_t series);
enum tcore_status cause_keep_point(void *cause, const struct tcore_batch *batch, size_t row,
                                   uint32_t series, const struct intake_point *point,
                                   struct tcore_buf *out, struct tcore_error *err);
enum tcore_status cause_take_log(struct cause *c, const struct tcore_batch *batch, size_t row,
                                 struct tcore_error *err);
enum tcore_status cause_judge_metrics(struct cause *c, struct tcore_error *err);
enum tcore_status cause_judge_logs(struct cause *c, struct tcore_error *err);
void cause_series_free(struct cause *c);
/* The service or instance that a row is of; CAUSE_NONE with *nothing: it names none. */
uint32_t cause_entity_of_row(struct cause *c, const struct tcore_batch *batch, size_t row,
                             bool *nothing);
/* Which side a time of an input is on. */
enum cause_side cause_side_of(const struct cause *c, uint8_t input, int64_t ns);

/* --- cause_judge.c, cause_write.c */

enum tcore_status cause_judge_spans(struct cause *c, struct tcore_error *err);
/* Scores of entities from all parts. */
void cause_score(struct cause *c);
enum tcore_status cause_write(struct cause *c, struct tcore_buf *out, struct tcore_error *err);

#endif
