/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A span with what is around it: trace-span get --details. As a record it is the span's own line
 * with a member details; as text a page for people.
 *
 *   details     {"depth", "selfNano", "critical", "criticalNano" (what of the critical path is its
 *               own), "offsetNano" (after the trace's start), "parent", "children", "siblings",
 *               "childCount", "siblingCount", "logs", "trace"}
 *   parent, children, siblings
 *               {"spanId","service","name","kind","offsetNano" (after the span's own start),
 *               "durationNano","status"}; no more than 100 of each, by start
 *   logs        the log records of this trace and span, by time
 *   trace       {"durationNano","spanCount","errorCount"}
 */
#ifndef SPAN_GET_DETAILS_H
#define SPAN_GET_DETAILS_H

#include "cli/verb.h"
#include "model/json.h"
#include "span/trace_build.h"

#define DETAILS_MOST 100 /* children, siblings */

/* A log record of the span. */
struct detail_log {
    uint64_t trace_id[2];
    int64_t time_ns;
    bool timed;
    struct tcore_slice text;
};

/* What the two writers need. */
struct details {
    const struct trace_build *build;
    uint32_t span;
    const struct detail_log *logs; /* of the trace and span, by time */
    size_t log_count;
    struct tcore_json *json; /* working memory */
    bool ascii;
};

/* Reads the inputs and writes the span, ids of traces being the first operands. text: for people,
 * where the terminal is. The exit status. */
int get_details(struct cli *cli, const char *span_id, int ids, int argc, char **argv, bool text);

/* Whether the critical path comes to the span, and how much of it is the span's own. */
bool details_is_critical(const struct details *details);
int64_t details_critical_ns(const struct details *details);
/* Of a list of spans around it the next one, TCORE_SPAN_NONE at the end; *at begins at 0. Siblings:
 * the other children of the parent. */
uint32_t details_next_child(const struct details *details, uint32_t *at);
uint32_t details_next_sibling(const struct details *details, uint32_t *at);

/* --- get_details_write.c */

/* TCORE_FATAL: no memory. */
enum tcore_status details_put_record(const struct details *details, struct tcore_buf *out,
                                     struct tcore_error *err);
/* --- get_details_text.c */
enum tcore_status details_put_text(const struct details *details, struct tcore_buf *out,
                                   struct tcore_error *err);

#endif
