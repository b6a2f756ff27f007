/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which series a record belongs to. A series is one metric of one group: of a span its duration by
 * the fields of --by, of an aggregate one statistic of its group, of a metric its name with its
 * dimensions, its service and its resource.
 */
#ifndef DETECT_SERIES_H
#define DETECT_SERIES_H

#include "base/map.h"
#include "cli/options.h"
#include "cli/finding.h"
#include "model/batch.h"
#include "model/json.h"
#include "model/projection.h"
#include "model/record.h"

#define SERIES_NONE UINT32_MAX

/* All text lives as long as the table. */
struct series_name {
    const char *record_type; /* what was measured: "span", "metric"; of an aggregate, of what */
    const char *metric_name;
    const char *stat;    /* of an aggregate, else "" */
    const char *group;   /* text of a JSON object: the fields in the order they came */
    const char *label;   /* for people: "checkout POST /pay", "queue_depth queue=mail"; without the
                            resource, for which series_put_label() is */
    const char **origin; /* of the resource: "host.name=h1" ... */
    size_t origin_count; /* so many members of the group, its last */
    uint32_t kin;        /* the series that differ in their resource only share a number */
    const char *identity;
    size_t identity_length;
};

/* Series that are alike but for their resource. */
struct series_kin {
    const char **shared; /* what all of them have of it */
    size_t shared_count;
};

struct series_table {
    struct cli_strings by; /* borrowed; count 0: service and name, of spans only */
    const char *left_out;  /* the field that is no part of a series (of --per), or NULL */
    bool without_resource; /* who measured makes no difference */
    size_t *by_columns;    /* owned */
    size_t by_count;
    size_t record_type, metric_name, group, dimensions, resource, service;
    struct tcore_map raw; /* what records have, byte for byte */
    uint32_t *of_raw;     /* the series of it */
    size_t raw_capacity;
    struct tcore_map known; /* by identity; a series is its number here */
    struct series_name *name;
    size_t capacity;
    struct tcore_map kin_known; /* by identity without the resource */
    struct series_kin *kin;
    size_t kin_capacity;
    struct tcore_arena text;
    struct tcore_buf key, built;
    struct tcore_json json;
};

/* An empty table; then by, left_out and without_resource may be set. TCORE_FATAL: no randomness. */
enum tcore_status series_init(struct series_table *table, struct tcore_error *err);
/* Adds the columns that are needed. */
enum tcore_status series_open(struct series_table *table, struct tcore_projection *projection,
                              struct tcore_error *err);
void series_free(struct series_table *table);
static inline size_t series_count(const struct series_table *table)
{
    return table->known.count;
}

/*
 * The series of a row. stat: for aggregates, else "". SERIES_NONE with TCORE_OK: it is new and
 * there are limit series already.
 */
enum tcore_status series_of_row(struct series_table *table, const struct tcore_batch *batch,
                                size_t row, const char *stat, size_t limit, uint32_t *series,
                                struct tcore_error *err);
/* The name for people with as much of the resource as tells the series from those known so far. */
void series_put_label(struct tcore_buf *out, const struct series_table *table, uint32_t series);
/* The series with these parts (of a saved state); group is the text of a JSON object, of which the
 * last origin_count members are of the resource. */
enum tcore_status series_of_parts(struct series_table *table, const char *record_type,
                                  const char *metric_name, const char *stat, const char *group,
                                  size_t group_length, size_t origin_count, uint32_t *series,
                                  struct tcore_error *err);

#endif
