/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What trace-detect compare keeps, in three steps: compare.c collects samples, compare_units.c
 * makes one value of each unit of repetition, compare_judge.c tests and reports.
 */
#ifndef DETECT_COMPARE_H
#define DETECT_COMPARE_H

#include "cli/verb.h"
#include "detect/columns.h"
#include "detect/series.h"

enum compare_side { COMPARE_BASE, COMPARE_CAND, COMPARE_SIDES };

struct compare_options {
    struct cli_strings by, higher;
    double min_effect, alpha, fdr; /* fdr 0: as alpha */
    const char *allow, *per, *inconclusive;
};

struct sample {
    double value;
    int64_t ns; /* 0 without a time */
    uint32_t unit;
};

/* How the samples of one unit become one value. */
enum unit_rule {
    UNIT_MEDIAN,
    UNIT_LAST, /* of a counter that grows: what it had come to */
    UNIT_SUM   /* of a counter that is reported in pieces */
};

struct samples {
    struct sample *item; /* owned */
    size_t count, capacity;
};

/* One side of a series, once its units are values. */
struct repetitions {
    double *value; /* ascending; owned */
    size_t count, samples;
    int64_t first_ns; /* 0: no times */
    double within;    /* intra-class correlation of samples in a unit, if it is more than chance
                         makes it; else NaN */
    double serial;    /* rank correlation of a unit with the one before it; NaN for a few */
};

struct compared {
    struct samples samples[COMPARE_SIDES];
    enum unit_rule rule;
    const char *kind; /* of unit of repetition: "run.id", "trace", "record", the field of --per */
    char unit[16];    /* of measurement, for messages */
};

struct compare {
    struct cli *cli;
    const struct compare_options *options;
    struct series_table table;
    struct compared *series; /* by number; owned */
    size_t series_capacity;
    struct tcore_map units;
    uint32_t nameless_units;
    struct tcore_map allow; /* lines of the --allow file */
    bool *allow_used;       /* by line; owned */
    size_t duration, start, time, value, metric_type, temporality, unit;
    size_t trace_id, context_trace, per;
    struct run_columns run;
    enum compare_side side;       /* of the batch in hand */
    uint64_t read[COMPARE_SIDES]; /* records */
    size_t samples, sample_limit;
    uint64_t without_number, without_unit, by_run, by_trace;
    /* what came out */
    size_t compared_series, regressions, allowed, improvements, inconclusive, vanished, appeared;
    bool finished;
};

/* Gives the values of the units, and frees the samples. TCORE_FATAL: out of memory. */
enum tcore_status repetitions_make(struct repetitions *r, struct samples *samples,
                                   enum unit_rule rule, struct tcore_error *err);

/* Compares all series, appends findings and notes the counts. */
enum tcore_status compare_judge(struct compare *c, struct tcore_buf *out, struct tcore_error *err);

/* Reads the --allow file, if there is one: a series' name as in messages, or the fingerprint of its
 * regression, a line; # begins a comment. False: reported. */
bool compare_read_allow(struct compare *c);

#endif
