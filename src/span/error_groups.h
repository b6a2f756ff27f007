/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors of many traces by group, as aggregate records. A group is of --by, of which these are
 * worked out (error_detail.h), all others fields of the record:
 *   service, name  of the span; the name's template (template.h)
 *   errorType, statusCode
 *   message        the template of its first line
 *   stack          the fingerprint of the stack trace
 * metricName is lostNano: sum is the time of the failed work that the group was the first cause of,
 * which is that of the topmost failed spans above it. Besides
 *   count          errors: failed spans, exceptions and error logs of spans that did not fail
 *   traces, share  that have some, and as a part of all traces
 *   failedTraces   whose root failed, with the group for the first cause
 *   causes         chains of failed spans that began with it (error_cause.h)
 *   propagated, further, recovered  its other failed spans by their role
 *   handled        errors of spans that did not fail
 *   logs           log records that tell of them
 *   firstUnixNano, lastUnixNano
 *   causedBy       service and name of the first causes of what propagated, with counts
 *   rootOperations what its chains reached, where these end in a root
 *   swallowedBy    whose children failed because of it without that they failed
 *   stacks         fingerprints, with the innermost frame
 *   example        the message of the first of evidence
 *   evidence       up to three traces, first causes and early ones first
 */
#ifndef SPAN_ERROR_GROUPS_H
#define SPAN_ERROR_GROUPS_H

#include "base/map.h"
#include "cli/fields.h"
#include "model/json.h"
#include "span/error_cause.h"
#include "span/error_detail.h"
#include "span/error_logs.h"

#define ERROR_EXAMPLES 3

struct error_example {
    uint64_t trace_id[2], span_id;
    int64_t time_ns;
    bool caused;
    struct tcore_slice message; /* in the arena */
};

struct error_group {
    uint64_t count, traces, failed_traces, causes, propagated, further, recovered, handled, logs;
    int64_t lost_ns, first_ns, last_ns; /* first > last: no time is known */
    uint64_t mark;                      /* the trace that was counted last */
    unsigned example_count;
    struct error_example example[ERROR_EXAMPLES]; /* the best first, of a trace each */
};

/* Lists of what a group has to do with, each a text with a count. */
enum error_list { ERROR_CAUSED_BY, ERROR_ROOTS, ERROR_SWALLOWED_BY, ERROR_STACKS };

/* An error of the trace at hand. */
struct error_found {
    uint32_t span; /* TCORE_SPAN_NONE: a log of no span that is there */
    uint32_t group;
    uint64_t span_id, logs;
    int64_t time_ns;
    size_t message, message_length; /* in messages */
    size_t type_length;             /* behind it */
};

/* One thread's. */
struct error_groups {
    const struct cli_strings *by;
    struct tcore_map map;      /* texts of groups, JSON objects */
    struct error_group *group; /* by number; owned */
    uint32_t capacity;
    struct tcore_map list_map; /* of lists: group, which list, text */
    uint64_t *list_count;      /* by number; owned */
    uint32_t list_capacity;
    struct tcore_arena arena;
    struct cli_fields fields;
    uint64_t serial; /* of the trace at hand */
    uint64_t traces; /* all that were taken */
    /* working memory */
    struct error_causes causes;
    struct tcore_json json, log_json;
    struct tcore_buf text, key, messages;
    struct error_found *found;
    size_t found_count, found_capacity;
    uint32_t *group_of; /* of failed spans */
    uint32_t span_capacity;
};

/* by must outlive it. TCORE_FATAL: no memory or randomness. */
enum tcore_status error_groups_open(struct error_groups *groups, const struct cli_strings *by,
                                    unsigned depth_limit, struct tcore_error *err);
void error_groups_close(struct error_groups *groups);
/* The number of the group with that text; a new one is empty. TCORE_FATAL: no memory. */
enum tcore_status error_groups_find(struct error_groups *groups, struct tcore_slice text,
                                    uint32_t *number, struct tcore_error *err);
/* Counts a text, a JSON object, in a list of a group. */
enum tcore_status error_groups_list(struct error_groups *groups, uint32_t group,
                                    enum error_list list, struct tcore_slice text, uint64_t count,
                                    struct tcore_error *err);
/* Keeps the example if it is one of the best; its message is copied. */
enum tcore_status error_groups_offer(struct error_groups *groups, struct error_group *group,
                                     const struct error_example *example, struct tcore_error *err);
/* into += from. */
enum tcore_status error_groups_merge(struct error_groups *into, const struct error_groups *from,
                                     struct tcore_error *err);

/* --- error_key.c */

/* What an error's group is made of. */
struct error_source {
    const struct tcore_json *record; /* NULL: there is none */
    const struct error_detail *detail;
    struct tcore_slice service, name;
};

/* Writes the text of the group to groups->text. */
enum tcore_status error_key_write(struct error_groups *groups, const struct error_source *source,
                                  struct tcore_error *err);
/* Appends {"service":...,"name":...} with the template of the name. */
void error_key_put_operation(struct tcore_buf *out, struct tcore_slice service,
                             struct tcore_slice name);

/* --- error_take.c */

/* Adds the errors of a trace; logs that are about it are marked as taken. */
enum tcore_status error_groups_take(struct error_groups *groups, const struct trace_build *build,
                                    const struct error_logs *logs, struct tcore_error *err);
/* Adds logs that no trace has taken. */
enum tcore_status error_groups_take_strays(struct error_groups *groups,
                                           const struct error_logs *logs, struct tcore_error *err);

/* --- error_write.c */

/* Appends a record a group: those that made most traces fail, began most chains, and are most, come
 * first. */
enum tcore_status error_groups_write(const struct error_groups *groups, struct tcore_buf *out,
                                     struct tcore_error *err);

#endif
