/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One execution, folded from the records of its life. Nothing is kept of it anywhere else, so that
 * whoever is killed while an execution runs loses nothing of what was recorded.
 */
#ifndef RECORD_EXECUTION_FOLD_H
#define RECORD_EXECUTION_FOLD_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "model/json.h"

#include <stdbool.h>
#include <stdint.h>

struct execution_attribute {
    const char *key, *value_json;
};

/* A checkpoint, or an event. */
struct execution_moment {
    int64_t time_ns;
    const char *name_json, *attributes_json; /* of the latter "" if there are none */
    bool checkpoint;
};

/* Texts are NUL-terminated and belong to the arena; "" where the events say nothing. Those named
 * _json are JSON; resource and environment are members without braces. */
struct execution {
    bool started, ended;
    const char *trace_id, *parent_span_id, *operation_name, *service, *resource_json;
    const char *parent_trace_id, *context_id, *correlation_id, *causation_id;
    const char *execution_type, *executor_id, *executor_type, *environment_json;
    const char *end_event; /* completed failed cancelled timeout */
    const char *result_json, *error_json;
    int64_t start_ns, end_ns;
    struct execution_attribute *attributes; /* the last value of each, in order of appearance */
    size_t attribute_count, attribute_capacity;
    struct tcore_map keys; /* of the attributes, with their places */
    struct execution_moment *moments;
    size_t moment_count, moment_capacity;
    struct tcore_arena arena;
};

/* TCORE_FATAL: there is no randomness. To be freed in any case. */
enum tcore_status execution_init(struct execution *execution, struct tcore_error *err);
void execution_free(struct execution *execution);
/*
 * Folds a parsed record if it is an event of the execution with that id (16 digits), or a log
 * record with a name within it. Of several starts the first counts, and of several ends. An
 * execution record without an event tells a state, as trace-record status prints it, and is passed
 * over.
 */
enum tcore_status execution_fold(struct execution *execution, const char *id,
                                 const struct tcore_json *json, struct tcore_error *err);
/* Adds or replaces an attribute; both texts are copied. */
enum tcore_status execution_set(struct execution *execution, const char *key, size_t key_length,
                                const char *value_json, size_t length, struct tcore_error *err);

/* Parses a line. TCORE_SKIP: it is no JSON object, and is passed over; TCORE_FATAL: no memory. */
enum tcore_status execution_parse(struct tcore_json *json, const char *line, size_t length,
                                  struct tcore_error *err);
/* The value of a member of a record, or one that is absent. */
const struct tcore_value *execution_member(const struct tcore_json *json, const char *name);
/* The event that ends an execution, by its name in an event's member; NULL: it ends none. */
const char *execution_end_of(const struct tcore_value *event);
/* The time in timeUnixNano, 0 if there is none. */
int64_t execution_time_of(const struct tcore_json *json);

#endif
