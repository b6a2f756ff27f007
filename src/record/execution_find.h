/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One execution, put together from its events in a file. */
#ifndef RECORD_EXECUTION_FIND_H
#define RECORD_EXECUTION_FIND_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>

struct execution_attribute {
    const char *key, *value_json;
};

/* Texts are NUL-terminated and belong to the arena; "" where the events say nothing. */
struct execution {
    bool started, ended;
    const char *trace_id, *parent_span_id, *operation_name, *service, *resource_json;
    const char *end_event; /* completed failed cancelled timeout */
    int64_t start_ns;
    struct execution_attribute *attributes; /* the last value of each, in order of appearance */
    size_t attribute_count, attribute_capacity;
    struct tcore_map keys;        /* of the attributes, with their places */
    struct tcore_buf events_json; /* checkpoints and events as elements of a span's events */
    struct tcore_arena arena;
};

/*
 * Folds all events of the execution with that id (16 digits) in the file. TCORE_OK: look at
 * started. Otherwise the file cannot be read, or memory is short; err says so.
 */
enum tcore_status execution_find(struct execution *execution, const char *path, const char *id,
                                 struct tcore_error *err);
void execution_free(struct execution *execution);
/* Adds or replaces one; both texts are copied. */
enum tcore_status execution_set(struct execution *execution, const char *key, size_t key_length,
                                const char *value_json, size_t length, struct tcore_error *err);

#endif
