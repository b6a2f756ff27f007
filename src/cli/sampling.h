/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The language in which a policy says what is sampled: head, and the rules of tail. The policy of a
 * repository has it, and the one of trace-span sample.
 *
 *     sampling:
 *       head: 10%
 *       tail:
 *         - {keep: errors}
 *         - {keep: slower_than, value: 2s}
 *         - {name: health, where: '.name == "GET /healthz"', probability: 1%, last: true}
 *         - {not: {where: '.service == "cart"'}, shapes: {first: 5, every: 1m, then: 1%}}
 *         - {any: [{keep: errors}, {where: '.["http.response.status_code"] == 429'}], drop: true}
 *         - {rate: 5 per second}
 *
 * All conditions of a rule have to be met by a trace; then its action gives the probability that
 * the trace is kept with. Of several rules the greatest probability counts; drop and last end it.
 */
#ifndef CLI_SAMPLING_H
#define CLI_SAMPLING_H

#include "cli/schema.h"

#define CLI_SAMPLING_WHERES 64 /* expressions in a policy at most: a bit each */

enum cli_sampling_condition_kind {
    CLI_SAMPLING_ERRORS,      /* a span of the trace is an error */
    CLI_SAMPLING_SLOWER_THAN, /* it took longer than value_ns */
    CLI_SAMPLING_WHERE,       /* an expression is true of one of its spans */
    CLI_SAMPLING_NOT,         /* none of the items is met */
    CLI_SAMPLING_ANY,         /* one of them is */
    CLI_SAMPLING_ALL          /* all of them are; of none: any trace */
};

struct cli_sampling_condition {
    enum cli_sampling_condition_kind kind;
    int64_t value_ns;
    unsigned where; /* place among the expressions */
    struct cli_sampling_condition *item;
    size_t count;
};

enum cli_sampling_action {
    CLI_SAMPLING_KEEP,        /* surely */
    CLI_SAMPLING_DROP,        /* unless a rule before it keeps it */
    CLI_SAMPLING_PROBABILITY, /* with share */
    CLI_SAMPLING_RATE,        /* count traces in each per_ns at most */
    CLI_SAMPLING_SHAPES /* surely the first count of a shape in each per_ns, others with share */
};

struct cli_sampling_rule {
    const char *name;                   /* by which decisions tell the reason */
    struct cli_sampling_condition when; /* of kind ALL */
    enum cli_sampling_action action;
    double share;
    int64_t count, per_ns;
    bool last; /* rules behind it are not for traces that meet this one */
};

struct cli_sampling {
    double head; /* probability that a trace is kept at all */
    struct cli_sampling_rule *rule;
    size_t count;                           /* 0: all that head left are kept */
    const char *where[CLI_SAMPLING_WHERES]; /* the expressions */
    unsigned where_count;
};

/* Reads the map of sampling. What the policy does not say stays as it is. helper: of expressions
 * (query/expr.h). */
void cli_sampling_read(struct cli_schema *p, uint32_t node, const char *helper,
                       struct cli_sampling *sampling);
/* Reads a whole policy of which only sampling is of interest: other parts are for trace-record. The
 * statuses are those of cli_schema_read; p as for that, without a target. */
enum tcore_status cli_sampling_read_policy(struct cli_schema *p, const char *text, size_t length,
                                           const char *helper, struct cli_sampling *sampling);

#endif
