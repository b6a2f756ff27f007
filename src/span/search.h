/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span search in parts. */
#ifndef SPAN_SEARCH_H
#define SPAN_SEARCH_H

#include "cli/verb.h"
#include "model/json.h"
#include "span/trace_build.h"
#include "span/traceql/traceql_run.h"

struct search_options {
    bool traces, summary;
};

/* --- search_spans.c and search_traces.c */

/* A query of spans: those that match, in the order of the input. Gives an exit status. */
int search_spans(struct cli *cli, const struct traceql_query *query, int argc, char **argv);
/* Any query, on whole traces by their start. */
int search_traces(struct cli *cli, const struct traceql_query *query,
                  const struct search_options *options, int argc, char **argv);

/* How often a pattern gave up, as a note. */
void search_note_overworked(struct cli *cli, uint64_t overworked);

/* --- search_candidates.c */

/* The traces of which some spans match conditions without which the query cannot match. */
struct search_candidates {
    bool known;           /* else it may be any */
    struct tcore_map ids; /* 32 digits each */
    uint8_t (*bytes)[16]; /* of each, and zeros behind; owned */
};

/* Looks through the inputs once, if they are repositories, which can be read again, and the query
 * has such conditions. CLI_DONE, or an exit status after a report with which nothing can go on. */
int search_candidates_find(struct search_candidates *candidates, struct cli *cli,
                           const struct traceql_query *query, int argc, char **argv);
void search_candidates_free(struct search_candidates *candidates);

/* --- search_write.c */

/* What one thread needs to write spans with members of the query's. A zeroed struct is ready. */
struct search_writer {
    struct tcore_json json;
    struct tcore_buf members;
};

void search_writer_free(struct search_writer *writer);
/* Appends the span record in text as a line, with what select() and by() add: a member by the name
 * of each selected field that is there (instead of one that has its name), and group. values: of
 * the fields; group: NULL for none. TCORE_FATAL: no memory. */
enum tcore_status search_write_span(struct search_writer *writer, const struct traceql_query *query,
                                    struct tcore_slice text, const struct traceql_value *values,
                                    const struct traceql_group *group, struct tcore_buf *out,
                                    struct tcore_error *err);
/* Appends a trace record in brief, with what matched in it. */
void search_write_summary(const struct trace_build *build, const struct traceql_matches *matches,
                          struct tcore_buf *out);

#endif
