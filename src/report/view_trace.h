/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One trace as its page shows it: the tree in the order of its rows, the critical path, services
 * in the order of their colours. Of a trace with too many spans some are left out: kept are the
 * root, spans on the critical path, with errors, and then the longest, each with its ancestors.
 */
#ifndef REPORT_VIEW_TRACE_H
#define REPORT_VIEW_TRACE_H

#include "base/buf.h"
#include "base/map.h"
#include "model/json.h"
#include "report/trace_spans.h"
#include "trace/critical_path.h"

struct trace_service {
    uint32_t text; /* in texts */
    uint64_t spans, errors;
    int64_t self_ns;
};

struct trace_row {
    uint32_t span;   /* in the tree */
    uint32_t parent; /* row; TCORE_SPAN_NONE of a root */
    uint32_t depth;
    uint32_t service;  /* in services */
    uint32_t name;     /* in texts */
    uint32_t left_out; /* descendants that have no row */
    bool on_path;
};

struct view_trace {
    const struct tcore_stored_trace *trace;
    struct tcore_trace_span *spans; /* as the tree wants them */
    struct tcore_trace_tree tree;
    struct tcore_critical_path path;
    int64_t *self_ns; /* of each span */
    struct tcore_map texts;
    uint32_t *service_of, *name_of; /* of each span: services, texts */
    struct trace_service *services;
    size_t service_count;
    struct trace_row *rows; /* a parent right before its descendants */
    size_t row_count;
    uint32_t *row_of;   /* of each span; TCORE_SPAN_NONE: left out */
    uint32_t *priority; /* spans, the most interesting first */
};

/* Sorts the trace, which is one of all. TCORE_FATAL: out of memory; free it in any case. max_rows
 * is at least 1. */
enum tcore_status view_trace_open(struct view_trace *view, const struct trace_spans *all,
                                  struct tcore_stored_trace *trace, size_t max_rows,
                                  struct tcore_error *err);
void view_trace_free(struct view_trace *view);

#endif
