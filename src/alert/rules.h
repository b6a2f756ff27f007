/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alert rules as they are after parsing: what a rule looks at, when it fires, whom it tells.
 * Everything in it is owned by struct rules and does not change while it is evaluated.
 */
#ifndef ALERT_RULES_H
#define ALERT_RULES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "cli/schema.h"
#include "query/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_HASH_BYTES       33
#define RULE_FINDING_RANGE_NS (INT64_C(300) * 1000000000) /* how long a finding counts */

enum rule_source { RULE_METRIC, RULE_SPANS, RULE_FINDING };

enum rule_form {
    RULE_VALUE, /* the value of each series */
    RULE_COUNT, /* how many records in the last range_ns */
    RULE_ABSENT /* no record in the last range_ns */
};

enum rule_compare {
    RULE_GREATER,
    RULE_AT_LEAST,
    RULE_LESS,
    RULE_AT_MOST,
    RULE_EQUAL,
    RULE_UNEQUAL
};

enum rule_missing { RULE_HOLD, RULE_RESOLVE, RULE_FIRE };

/* A label that a record does not have is "". */
struct rule_matcher {
    const char *label, *value;
    bool negated;
    struct tcore_pattern *pattern; /* NULL: equality */
};

struct rule {
    const char *name;
    uint32_t line, column;
    enum rule_source source;
    enum rule_form form;
    const char *metric; /* of a finding its kind; "" of spans, and of metrics of any name */
    const char *stat;   /* NULL: a metric's value, an aggregate's mean */
    double quantile;    /* of stat pNN, else NaN */
    struct rule_matcher *matcher;
    size_t matcher_count;
    enum rule_compare compare;
    double threshold;
    bool has_clear;
    double clear; /* firing goes on down (up) to this value */
    int64_t every_ns, range_ns, window_ns, for_ns, keep_ns;
    enum rule_missing missing;
    struct cli_texts labels, annotations; /* values are templates */
    bool notifies;                        /* notify is among its actions */
    uint32_t *channel;                    /* numbers of those that are told */
    size_t channel_count;
    struct cli_words dedup_by; /* count 0: no dedup */
    int64_t dedup_window_ns;
    char hash[RULE_HASH_BYTES]; /* of all that decides when it fires */
};

enum channel_type { CHANNEL_FILE, CHANNEL_EXEC };

enum { CHANNEL_FIRING = 1, CHANNEL_RESOLVED = 2, CHANNEL_NODATA = 4 };

struct channel {
    const char *name;
    enum channel_type type;
    uint32_t line, column;
    const char *path;      /* file */
    struct cli_words argv; /* exec: templates but for the first */
    int64_t timeout_ns;
    uint32_t limit; /* messages in limit_ns; 0: no limit */
    int64_t limit_ns;
    unsigned on; /* states that are sent */
    bool is_default;
    bool is_action; /* some rule names it as an action */
};

struct rules {
    struct rule *rule;
    size_t count, capacity;
    struct channel *channel;
    size_t channel_count;
    struct tcore_arena arena;
    struct tcore_buf problems; /* lines NAME:LINE:COLUMN: text */
    size_t errors;             /* among the problems */
};

extern const char *const channel_type_names[];

/*
 * Parses a rule file into zeroed rules; name is what it is called in problems. TCORE_BAD_INPUT:
 * there are errors, all in problems. With TCORE_OK problems has only warnings. TCORE_FATAL: out of
 * memory or a library is missing, see err. To be freed in any case.
 */
enum tcore_status rules_parse(struct rules *rules, const char *name, const char *text,
                              size_t length, struct tcore_error *err);
void rules_free(struct rules *rules);

/* --- rule_expr.c */

struct expr_problem {
    size_t offset; /* in the text */
    char text[200];
};

/*
 * Compiles metric{label="v"} > 5, spans{...}[10m] >= 3, anomaly{...}, absent(spans{...}[10m]) into
 * the rule. TCORE_BAD_INPUT: see problem. Patterns that were compiled are in the rule in any case.
 */
enum tcore_status rule_expr_parse(struct rules *rules, struct rule *rule, const char *text,
                                  struct expr_problem *problem, struct tcore_error *err);
/* Whether stat is one that aggregates have; *quantile is that of pNN, else NaN. */
bool rule_stat_parse(const char *stat, double *quantile);
/* NULL, or what is wrong with a {label} template. */
const char *rule_template_problem(const char *text);

#endif
