/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The anti-patterns that are looked for, and from where on something is one. */
#ifndef SPAN_ANTIPATTERN_LIMITS_H
#define SPAN_ANTIPATTERN_LIMITS_H

#include "base/error.h"
#include "cli/options.h"

enum pattern {
    PATTERN_N_PLUS_ONE,
    PATTERN_REDUNDANT,
    PATTERN_SERIAL,
    PATTERN_SLOW_QUERY,
    PATTERN_LARGE_PAYLOAD,
    PATTERN_FAN_OUT,
    PATTERN_CHATTY,
    PATTERN_POOL_WAIT,
    PATTERN_RETRY,
    PATTERN_COLD_START,
    PATTERN_TIMEOUT_CHAIN,
    PATTERN_GAP,
    PATTERN_CLOCK_SKEW,
    PATTERNS
};

/* "n-plus-one" and so on. */
const char *pattern_name(enum pattern pattern);

struct limits {
    bool wanted[PATTERNS];
    int64_t n_plus_one_calls, n_plus_one_total_ns;
    int64_t redundant_calls;
    int64_t serial_queries, serial_query_ns; /* of databases, */
    double serial_share;                     /* saving so much of the trace */
    int64_t serial_calls, serial_saving_ns;  /* others */
    int64_t slow_query_ns;
    int64_t payload_bytes, payload_ns;
    int64_t fan_out_children;
    int64_t chatty_calls;
    int64_t pool_concurrent, pool_wait_ns;
    int64_t retry_attempts;
    int64_t cold_start_ns;
    int64_t timeout_services;
    int64_t gap_ns;
    double gap_share;
    int64_t skew_ns;
};

void limits_defaults(struct limits *limits);
/* NAME=VALUE each. TCORE_BAD_INPUT: err says what is wrong with one. */
enum tcore_status limits_set(struct limits *limits, const struct cli_strings *settings,
                             struct tcore_error *err);
/* Only those of the first list (none: all), without those of the second; as above. */
enum tcore_status limits_choose(struct limits *limits, const struct cli_strings *only,
                                const struct cli_strings *skip, struct tcore_error *err);

#endif
