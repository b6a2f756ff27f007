/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prometheus text and OpenMetrics, line by line. */
#ifndef RECORD_IMPORT_PROMETHEUS_H
#define RECORD_IMPORT_PROMETHEUS_H

#include "record/import/import.h"

enum { PROMETHEUS_LABELS_MAX = 256 };

struct prometheus_label {
    struct tcore_slice name, value; /* without escapes; in the line or the arena of job->json */
};

struct prometheus_labels {
    struct prometheus_label label[PROMETHEUS_LABELS_MAX];
    unsigned count;
};

struct prometheus_sample {
    struct tcore_slice name;
    struct prometheus_labels labels;
    double value;
    struct tcore_slice value_text;
    int64_t time_ns;
    bool timed;
    bool has_exemplar;
    struct prometheus_labels exemplar;
    double exemplar_value;
    int64_t exemplar_ns;
    bool exemplar_timed;
};

/* Reads the line; seconds: timestamps are in seconds, else in milliseconds. False: job->reason says
 * why it is none, and *where points at what is bad. */
bool prometheus_parse(struct import_job *job, struct tcore_slice line, bool seconds,
                      struct prometheus_sample *sample, const char **where);
/* The label of that name, or NULL. */
const struct prometheus_label *prometheus_find(const struct prometheus_labels *labels,
                                               const char *name);
/* A number as Go writes it: with signs, without digits on one side of the point, Inf, NaN. */
bool prometheus_number(struct tcore_slice text, double *value);
/* Seconds written as such a number. */
bool prometheus_seconds(struct tcore_slice text, int64_t *ns);

#endif
