/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metrics from the command line and from lines: what the files of the verb share. */
#ifndef RECORD_METRIC_METRIC_H
#define RECORD_METRIC_METRIC_H

#include "base/buf.h"
#include "cli/verb.h"
#include "model/json.h"
#include "record/metric/definitions.h"
#include "record/destination.h"

/* What all records of one call have in common. */
struct metric_common {
    const char *metric_type, *unit, *service; /* NULL: none */
    char trace_id[33], span_id[17];           /* "": none */
    double sample_rate;                       /* 1: all are recorded */
    struct cli_time time;                     /* not set: when it is recorded */
    const struct definitions *definitions;    /* of the destination */
};

/* One metric in words, which are changed by nobody. */
struct metric_words {
    const char *name, *value;
    struct cli_strings dimensions; /* K=V */
};

/*
 * Appends the record. TCORE_SKIP: it would be none, or clashes with a definition, and nothing was
 * appended. The type and unit are those of the definition if there are none.
 */
enum tcore_status metric_put(struct tcore_buf *lines, struct tcore_json *json,
                             const struct metric_common *common, const struct metric_words *words,
                             int64_t time_ns, struct tcore_error *err);
/* Appends context, service and quality, and the end of the record, without a newline. */
void metric_put_end(struct tcore_buf *out, const struct metric_common *common);

/* For the note that a value was taken for a text. */
#define METRIC_NUMBERS "numbers are as JSON has them (0.5, -2, 1e3)"

/* Records what standard input has, until it ends or INT or TERM comes: what was read by then is
 * recorded. Lines that are no metric are rejected. The exit status. */
int metric_from_input(struct cli *cli, const struct metric_common *common,
                      const struct destination *to);

/* --- metric/chance.c */

/* Whether one is of the share that is recorded, by chance: TCORE_OK, or TCORE_SKIP. TCORE_FATAL:
 * there is no randomness. */
enum tcore_status metric_is_sampled(double rate, struct tcore_error *err);

#endif
