/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A metric record as samples of OpenMetrics: the lines of one point, and the family they belong to.
 *
 * Names get what OpenMetrics wants in them: letters, digits, _ and : only, the unit at the end, and
 * of counters _total. Labels are the dimensions, then the resource's attributes. Counters and
 * histograms of deltas are gauges and gauge histograms; exponential buckets become classic ones.
 */
#ifndef RECORD_EXPORT_EXPOSITION_H
#define RECORD_EXPORT_EXPOSITION_H

#include "record/export/fields.h"

enum exposition_type {
    EXPOSITION_UNKNOWN,
    EXPOSITION_GAUGE,
    EXPOSITION_COUNTER,
    EXPOSITION_HISTOGRAM,
    EXPOSITION_GAUGE_HISTOGRAM,
    EXPOSITION_SUMMARY
};

/* Buffers of one point, used again for the next. */
struct exposition {
    enum exposition_type type;
    struct tcore_buf family; /* its name */
    struct tcore_buf unit, help;
    struct tcore_buf labels; /* name="value",... : tells series of a family apart */
    struct tcore_buf lines;  /* with a newline each */
    bool timed;
    int64_t time_ns;
};

/* Takes the record; false: OpenMetrics has no place for it, which was counted. */
bool exposition_put(struct exposition *e, struct export_record *record);
void exposition_free(struct exposition *e);

/* --- export/exposition_buckets.c */

/* The samples of a histogram, a summary; false as above. label: before the first one. */
bool exposition_histogram(struct exposition *e, struct export_record *record, const uint32_t *at);
bool exposition_summary(struct exposition *e, struct export_record *record, const uint32_t *at);
/* One sample: family and suffix, labels and one more (NULL: none), and the value's text; time and
 * exemplar follow by exposition_end_line(). */
void exposition_sample(struct exposition *e, const char *suffix, const char *label,
                       const struct tcore_value *at, const struct tcore_value *value);
/* Ends the line, with the exemplar at node if that is not 0. */
void exposition_end_line(struct exposition *e, struct export_record *record, uint32_t exemplar);
/* An exemplar's value; absent if it has none. */
struct tcore_value exposition_exemplar_value(const struct export_record *record, uint32_t node);

#endif
