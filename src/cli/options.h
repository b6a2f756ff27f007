/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Options as tables. One table drives parsing, --help, --list-options and completion, so that the
 * four cannot disagree. An option stores into a member of an options struct at its offset.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_option_kind {
    CLI_FLAG,     /* bool */
    CLI_STRING,   /* const char *, borrowed from argv */
    CLI_OPTIONAL, /* the same, with a value only behind an equals sign, and "" without one */
    CLI_STRINGS,  /* struct cli_strings: repeatable, in order */
    CLI_LIST,     /* struct cli_strings: comma-separated and repeatable; \, is a comma, as is one in
                     parentheses: topk(5,name) is one item */
    CLI_INT,      /* int64_t, 0 or more */
    CLI_DOUBLE,   /* double */
    CLI_PERCENT,  /* double: "5%" gives 0.05, "0.05" the same; above 1 only with % */
    CLI_SIZE,     /* int64_t bytes: 64K 1M 2G (powers of 1024) */
    CLI_DURATION, /* int64_t ns: 250ms 10s 5m 2h 7d, also us, ns, y (365d) and sums as 1h30m */
    CLI_TIME,     /* struct cli_time: RFC 3339, epoch, now, -1h, today */
    CLI_CHOICE    /* const char *: one of choices ("a|b|c"), points into a constant */
};

struct cli_strings {
    const char **item; /* lives until cli_main returns */
    size_t count;
};

struct cli_time {
    bool set;
    int64_t unix_ns;
};

struct cli_option {
    char short_name; /* 0 for none */
    const char *name;
    enum cli_option_kind kind;
    size_t offset;       /* of the member in the options struct */
    const char *metavar; /* "FILE", "DUR"; NULL for flags */
    const char *help;    /* one sentence without final stop; starts in lower case; NULL: hidden */
    const char *choices; /* CLI_CHOICE: "a|b|c", shown behind help; CLI_STRING: for completion */
};

struct cli_option_group {
    const char *title; /* in --help, "Options" */
    const struct cli_option *options;
    size_t count;
};

/* The values that options take, also used for operands. False: text is none (reason says why,
 * a sentence fragment such as "is not a duration (250ms 10s 5m 2h 7d)"). now_ns: for relative
 * times. */
bool cli_parse_duration(const char *text, int64_t *ns, const char **reason);
bool cli_parse_size(const char *text, int64_t *bytes, const char **reason);
/* "5 per second" (minute, hour, day), "1 per 10m"; neither is 0. */
bool cli_parse_rate(const char *text, int64_t *count, int64_t *per_ns, const char **reason);
bool cli_parse_time(const char *text, int64_t now_ns, int64_t *unix_ns, const char **reason);
bool cli_parse_percent(const char *text, double *fraction, const char **reason);
/* A finite decimal; a whole number, 0 or more. */
bool cli_parse_number(const char *text, double *number, const char **reason);
bool cli_parse_count(const char *text, int64_t *count, const char **reason);

#endif
