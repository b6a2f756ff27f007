/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The evaluation of rules in event time. What comes out is a function of what came in, record by
 * record: nothing looks at a clock, at the size of batches or at where the input ends. So a state
 * that is saved and read again goes on as if nothing had happened, and a replay gives the same
 * bytes.
 *
 * Each series that a rule matches has an instance of its own. A record evaluates the instances of
 * its series at once; what depends on time that passes (for, keep_firing_for, windows that empty,
 * data that is missing) is evaluated at multiples of the group's `every`, when event time has gone
 * beyond them. Those are deadlines in one heap, so that time costs nothing where nothing is due.
 */
#ifndef ALERT_ENGINE_H
#define ALERT_ENGINE_H

#include "alert/rules.h"
#include "alert/seen.h"
#include "alert/window.h"
#include "base/map.h"
#include "cli/verb.h"
#include "model/batch.h"
#include "model/json.h"
#include "model/projection.h"

#define NEVER INT64_MAX

enum alert_state { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING, ALERT_NODATA };

struct instance {
    uint32_t rule;
    uint32_t key;   /* in engine.keys: the rule and the labels */
    uint64_t order; /* of its making: ties of time are decided by it */
    enum alert_state state;
    bool missing;    /* no data */
    bool suppressed; /* by dedup */
    bool has_value;
    double value;
    char *message;       /* of the finding; owned or NULL */
    int64_t since_ns;    /* the condition holds */
    int64_t clear_ns;    /* it does not hold any more, but keep_firing_for; NEVER: it holds */
    int64_t last_ns;     /* the newest record */
    int64_t seen_ns;     /* event time then */
    int64_t interval_ns; /* between the last two records; 0: there was one */
    int64_t step_ns;     /* windowNano of the aggregate */
    struct window window;
    struct buckets buckets;
    struct seen seen;
    int64_t deadline; /* to be looked at; NEVER */
    int64_t queued;   /* where it is in the heap; NEVER */
    size_t place;     /* in engine.instance */
    uint32_t entries; /* in the heap */
    bool dead;        /* and only there */
};

struct due {
    int64_t ns;
    uint64_t order;
    struct instance *instance;
};

/* A rule that a series matches, and the instance it has there. */
struct match {
    uint32_t rule, key;
};

struct matches {
    struct match *item; /* in the arena of series */
    uint32_t count;
};

/* A record, but for the values that rules take from it. */
struct event {
    enum tcore_record_type type;
    int64_t ns;                 /* when it was */
    int64_t step_ns;            /* windowNano of an aggregate */
    uint64_t hash;              /* of what it is, but for its time and value */
    struct tcore_value message; /* of a finding */
};

#define LABEL_PATHS 3 /* a field is at top level, or in attributes, or in resource */

struct column_set {
    size_t metric_name, value, time, start, window_start, window, dimensions, group, resource;
    size_t service, kind, stat, message;
    size_t trace_id, span_id;      /* only if records are remembered */
    size_t *stats;                 /* by rule: the field of an aggregate; owned */
    size_t (*labels)[LABEL_PATHS]; /* of label_name, in spans and findings; owned */
    char **label_name;
    size_t label_count;
};

struct notifier;
struct merge;

/* What a rule has seen. */
struct rule_seen {
    int64_t floor_ns, before_ns; /* as of struct seen, of its series that are gone */
    bool matched;                /* some record; or in a run before */
    bool lacks_stat;             /* raw samples, which do not have its stat */
};

struct engine {
    struct cli *cli;
    const struct rules *rules;
    struct notifier *notifier;
    bool has_now;
    bool begun; /* what absent() waits for is waited for */
    int64_t now_ns;
    uint64_t next_order;
    struct instance **instance; /* in the order of their making; NULL: gone */
    size_t count, capacity, gone;
    struct tcore_map keys; /* rule (4 bytes) and labels (JSON text) */
    struct instance **of_key;
    size_t of_key_capacity;
    struct due *heap;
    size_t due_count, due_capacity;
    bool remembers;         /* which records it has seen, for a state */
    struct rule_seen *seen; /* by rule; owned */
    bool record_known, record_late;
    size_t firing; /* instances that fire or would if they had data */
    /* series */
    struct column_set columns;
    struct tcore_map raw; /* what records have, byte for byte */
    struct matches *of_raw;
    size_t of_raw_capacity;
    struct tcore_arena matched;
    struct tcore_map index; /* kind, name, label, value: which rules to look at */
    uint32_t **index_rules;
    uint32_t *index_counts;
    size_t index_capacity;
    struct tcore_matcher *matcher;
    struct merge *merge; /* where records go first; NULL: they are evaluated as they come */
    double *values;      /* of a record, for each of its matches; owned */
    size_t value_capacity;
    struct tcore_buf key;
    struct tcore_json json;
    bool any; /* records came */
    uint64_t untimed, unordered, without_number, known, late;
};

/* --- engine.c */

enum tcore_status engine_open(struct engine *engine, struct cli *cli, const struct rules *rules,
                              struct notifier *notifier, bool remembers, struct tcore_error *err);
void engine_free(struct engine *engine);
/* Event time has reached ns: what was due before it is done, and appended to out. inclusive: what
 * is due at ns too. */
enum tcore_status engine_advance(struct engine *engine, int64_t ns, bool inclusive,
                                 struct tcore_buf *out, struct tcore_error *err);
/* A record, held against the rules that match it; values are what they compare (NaN: none). */
enum tcore_status engine_event(struct engine *engine, const struct event *event,
                               const struct matches *matches, const double *values,
                               struct tcore_buf *out, struct tcore_error *err);
/* A clock record: event time is what it is now. */
void engine_put_clock(const struct engine *engine, struct tcore_buf *out);
/* The number of the key of a rule and its labels; TCORE_MAP_NONE: out of memory. */
uint32_t engine_key(struct engine *engine, uint32_t rule, const char *labels, size_t length);
/* A new instance, or NULL: out of memory. */
struct instance *engine_new_instance(struct engine *engine, uint32_t key);
/* Sets when it is to be looked at next, no earlier than from. False: out of memory. */
bool engine_schedule(struct engine *engine, struct instance *instance, int64_t from);
/* Puts an instance of a saved state, which has its deadline, in its place. False: out of memory. */
bool engine_resume(struct engine *engine, struct instance *instance);
/* The same in every run. */
static inline uint64_t engine_hash(const void *data, size_t length)
{
    return tcore_siphash((const uint64_t[2]){0, 0}, data, length);
}
static inline const char *instance_labels(const struct engine *engine, const struct instance *i)
{
    return engine->keys.keys[i->key].data + sizeof(uint32_t);
}

/* --- series.c */

enum tcore_status series_index(struct engine *engine, struct tcore_error *err);
/* series_columns.c */
enum tcore_status series_columns(struct engine *engine, struct tcore_projection *projection,
                                 struct tcore_error *err);
/* Evaluates the rules that match the row. */
enum tcore_status series_row(struct engine *engine, const struct tcore_batch *batch, size_t row,
                             struct tcore_buf *out, struct tcore_error *err);
/* Forgets which series match what (keys have new numbers). */
void series_forget(struct engine *engine);
void series_free(struct engine *engine);
/* The labels of an instance that no series stands for, as JSON. */
void series_rule_labels(const struct rule *rule, struct tcore_buf *out);

/* --- notify.c */

/* A transition to "pending", "firing", "resolved" or "nodata": its alert record, and the messages
 * with a notification record each. was_sent: it had been fired before. */
enum tcore_status notify_transition(struct engine *engine, struct instance *instance,
                                    const char *state, int64_t ns, bool was_sent,
                                    struct tcore_buf *out, struct tcore_error *err);

#endif
