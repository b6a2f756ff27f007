/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What trace-span correlate is made of: groups of traces by a value that they share, and what sets
 * failed or slow traces apart from the others. */
#ifndef SPAN_CORRELATE_H
#define SPAN_CORRELATE_H

#include "cli/verb.h"

struct correlate_options {
    struct cli_strings by;
    const char *of; /* NULL: groups; "errors", "slow" */
    const char *slower_than;
    int64_t least_traces, most_traces; /* -1: the default */
    double alpha;
};

/* Each reads the inputs and writes its records; the exit status. */
int correlate_groups(struct cli *cli, const struct correlate_options *options, int count,
                     char **inputs);
int correlate_contrast(struct cli *cli, const struct correlate_options *options, int count,
                       char **inputs);

#endif
