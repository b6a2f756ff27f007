/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an execution used and measured, summed up from its metrics. */
#ifndef RECORD_EXECUTION_USAGE_H
#define RECORD_EXECUTION_USAGE_H

#include "base/map.h"
#include "model/json.h"
#include "record/execution/trace.h"

/* Of the values of one series, as they came. */
struct usage_series {
    const char *name_json, *dimensions_json, *unit_json, *type_json; /* "" if there is none */
    uint64_t count;                                                  /* points */
    uint64_t numbers;                                                /* of them, with a number */
    double sum, min, max, last;
    int64_t last_ns;
};

struct execution_usage {
    struct usage_series cpu, memory;   /* of samples; no texts */
    double cpu_seconds, peak_bytes;    /* of the whole, from its span; -1: not known */
    double received_bytes, sent_bytes; /* the latest; -1: not known */
    struct tcore_map names;
    struct usage_series *series; /* by number in names */
    size_t count, capacity;
    struct tcore_arena arena;
};

/* TCORE_FATAL: there is no randomness. To be freed in any case. */
enum tcore_status execution_usage_init(struct execution_usage *usage, struct tcore_error *err);
void execution_usage_free(struct execution_usage *usage);
/* A metric record. own: it is of the execution itself, not of a part of it. TCORE_FATAL: out of
 * memory. */
enum tcore_status execution_usage_metric(struct execution_usage *usage,
                                         const struct tcore_json *metric, bool own,
                                         struct tcore_error *err);
/* The execution's own span: what the system says of the whole. */
void execution_usage_span(struct execution_usage *usage, const struct tcore_json *span);

/* JSON of an ExecutionTrace's performance, each with a NUL at its end. */
struct usage_text {
    struct tcore_buf cpu, memory, network, custom;
};
void execution_usage_put(const struct execution_usage *usage, struct usage_text *text);
void usage_text_free(struct usage_text *text);

#endif
