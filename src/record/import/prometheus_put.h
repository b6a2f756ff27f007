/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A family of Prometheus text while its samples come, and its series as records. */
#ifndef RECORD_IMPORT_PROMETHEUS_PUT_H
#define RECORD_IMPORT_PROMETHEUS_PUT_H

#include "record/import/prometheus.h"

enum prometheus_type {
    PROMETHEUS_GAUGE,
    PROMETHEUS_COUNTER,
    PROMETHEUS_HISTOGRAM,
    PROMETHEUS_GAUGE_HISTOGRAM,
    PROMETHEUS_SUMMARY
};

enum prometheus_part {
    PROMETHEUS_VALUE = 1,
    PROMETHEUS_CREATED = 2,
    PROMETHEUS_OBSERVATIONS = 4,
    PROMETHEUS_SUM = 8,
    PROMETHEUS_BUCKET = 16 /* or quantile */
};

struct prometheus_bucket {
    uint32_t series;
    double at, value; /* of histograms: upper bound and how many up to it */
};

struct prometheus_exemplar {
    uint32_t series;
    size_t text, length; /* in the family's text */
};

struct prometheus_series {
    struct tcore_slice name, line;        /* of its first sample */
    size_t dimensions, dimensions_length; /* in the family's text */
    unsigned has;                         /* bits of enum prometheus_part */
    double value, observations, sum;
    int64_t time_ns, created_ns;
    bool timed;
};

struct prometheus_family {
    struct import_job *job;
    bool seconds, typed;
    enum prometheus_type type;
    struct tcore_slice name, help, unit; /* in the text */
    struct prometheus_series *series;    /* by the number of its key in job->keys; owned */
    uint32_t series_count, series_capacity;
    /* of all series, owned; *_at: the first that is not yet written */
    struct prometheus_bucket *bucket;
    size_t bucket_count, bucket_capacity, bucket_at;
    struct prometheus_exemplar *exemplar;
    size_t exemplar_count, exemplar_capacity, exemplar_at;
    struct tcore_buf text;
    struct prometheus_sample sample; /* being read */
};

/* False: job->reason says why it is not what it should be. */
bool prometheus_add(struct prometheus_family *f, const struct prometheus_sample *sample,
                    enum prometheus_part part, struct tcore_slice line);
/* All samples are there: what prometheus_put() needs. */
void prometheus_finish(struct prometheus_family *f);
/* Appends the record of that series: of each, one behind the other. */
bool prometheus_put(struct prometheus_family *f, uint32_t series);

#endif
