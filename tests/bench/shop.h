/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A made-up web shop: a dozen services with 20 to 30 operations each, and the traces that go
 * through them.
 */
#ifndef TRACECORE_BENCH_SHOP_H
#define TRACECORE_BENCH_SHOP_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SERVICES = 12,
    HOSTS_PER_SERVICE = 4,
    MAX_OPERATIONS = SERVICES * 30,
    MAX_TRACE_SPANS = 50,
};
#define SECOND_NS INT64_C(1000000000)

enum shape { HTTP_SERVER, HTTP_CLIENT, DATABASE, MESSAGE, INTERNAL, SHAPES };

struct operation {
    char name[72];
    char target[48]; /* route, table, topic or function */
    const char *verb;
    const char *kind;
    int service;
    enum shape shape;
    double log_median, sigma; /* of the latency in nanoseconds */
};

struct span {
    uint64_t trace_high, trace_low, span_id, parent_id; /* parent_id 0: a root */
    int64_t start_ns, duration_ns;
    uint32_t detail; /* random bits for attribute values */
    uint16_t operation;
    uint8_t host;
    bool error;
};

struct shop {
    uint64_t random;
    struct operation operations[MAX_OPERATIONS];
    uint16_t of_shape[SERVICES][SHAPES][30]; /* operations of a service by shape */
    int of_shape_count[SERVICES][SHAPES];
    int operation_count;
};

extern const char *const service_names[SERVICES];

/* Makes the operations; the same seed makes the same ones, and then the same traces. */
void shop_init(struct shop *shop, uint64_t seed);

/* Makes one trace that starts at the given time, of at most limit spans; returns their number. */
int shop_trace(struct shop *shop, int64_t start_ns, struct span spans[MAX_TRACE_SPANS], int limit);

#endif
