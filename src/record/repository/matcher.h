/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which records a verb of upkeep is about: options that say so, and the rows of a batch that match
 * all of them. */
#ifndef RECORD_REPOSITORY_MATCHER_H
#define RECORD_REPOSITORY_MATCHER_H

#include "cli/select.h"
#include "cli/verb.h"

struct matcher_options {
    const char *where;
    struct cli_time since, until;
    struct cli_strings types, services;
};

/* Of a table of options whose struct has a struct matcher_options at this offset. */
#define MATCHER_OPTIONS(base)                                                                      \
    {'w',        "where",                                                                          \
     CLI_STRING, (base) + offsetof(struct matcher_options, where),                                 \
     "EXPR",     "records for which EXPR (in jq's language) is true",                              \
     NULL},                                                                                        \
        {0,        "type",                                                                         \
         CLI_LIST, (base) + offsetof(struct matcher_options, types),                               \
         "LIST",   "records of these types",                                                       \
         NULL},                                                                                    \
        {0,        "service",                                                                      \
         CLI_LIST, (base) + offsetof(struct matcher_options, services),                            \
         "LIST",   "records of these services",                                                    \
         NULL},                                                                                    \
        {0,        "since",                                                                        \
         CLI_TIME, (base) + offsetof(struct matcher_options, since),                               \
         "TIME",   "records from this time on: RFC 3339, epoch, -1h, today",                       \
         NULL},                                                                                    \
    {                                                                                              \
        0, "until", CLI_TIME, (base) + offsetof(struct matcher_options, until), "TIME",            \
            "records before this time", NULL                                                       \
    }

/* Zeroed before its first use; does not move from matcher_open() on. */
struct matcher {
    struct cli_io_options io; /* for select */
    struct cli_select select;
    struct tcore_expr_state *state; /* NULL: no expression */
    unsigned types;                 /* 0: all */
    struct cli_strings services;    /* borrowed */
    size_t service;                 /* column */
    struct cli_left_out left_out;
};

/* Whether the options say anything. */
bool matcher_is_given(const struct matcher_options *options);
/* CLI_DONE, or CLI_USAGE: what they say can match nothing, whatever comes. */
int matcher_check(struct cli *cli, const struct matcher_options *options);
/* Asks for the columns. CLI_DONE, or the exit status after a report. */
int matcher_open(struct matcher *matcher, struct cli *cli, const struct matcher_options *options,
                 struct tcore_projection *projection);
void matcher_close(struct matcher *matcher);
/* Leaves of the rows those that match. */
enum tcore_status matcher_rows(struct matcher *matcher, const struct tcore_batch *batch,
                               uint32_t *rows, size_t *count, struct tcore_error *err);

#endif
