/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Native records as OTLP's messages: what import's reading of OTLP is the inverse of. A record's
 * message stands below a resource, a scope and, if it is a metric, what the points of one metric
 * share; these levels are given as small JSON objects, so that records that have them in common can
 * be put together by whoever gathers them (export/otlp_batch.h).
 */
#ifndef RECORD_EXPORT_OTLP_H
#define RECORD_EXPORT_OTLP_H

#include "record/export/record.h"
#include "record/export/otlp_writer.h"

enum otlp_signal { OTLP_TRACES, OTLP_METRICS, OTLP_LOGS, OTLP_SIGNALS };
/* What there are messages of. */
#define OTLP_TYPES (1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_LOG)

enum otlp_level { OTLP_RESOURCE, OTLP_SCOPE, OTLP_METRIC, OTLP_LEVELS };

struct export_otlp {
    struct export_record record;
    struct otlp_writer w; /* out: where the message goes */
    enum otlp_signal signal;
    struct tcore_buf level;        /* the texts of the levels, one behind the other */
    size_t level_end[OTLP_LEVELS]; /* where each ends in it */
    const char *left_out;          /* why there is no message of the record; or NULL */
};

/*
 * Takes a record: appends its message to w.out (in JSON with its braces, in protobuf without tag
 * and length), of a metric that of its one point, and leaves its levels in level. What OTLP has no
 * place for is counted in record.losses; TCORE_SKIP: that is the whole record, and nothing was
 * appended. TCORE_FATAL: err.
 */
enum tcore_status export_otlp_put(struct export_otlp *o, const struct tcore_slice *text,
                                  struct tcore_error *err);
void export_otlp_free(struct export_otlp *o);

/*
 * The members that a level's message begins with, from the text of that level: those of Resource
 * (ResourceSpans, ...), of InstrumentationScope, of Metric up to its data, whose beginning is put
 * as well; *data is then the mark of it, to be closed.
 */
enum tcore_status export_otlp_put_level(struct export_otlp *o, enum otlp_level level,
                                        const struct tcore_slice *text, size_t *data,
                                        struct tcore_error *err);
/* --- parts, one file each */

/* They set signal, put the record's members and its levels; or left_out. */
void export_otlp_span(struct export_otlp *o);
void export_otlp_metric(struct export_otlp *o);
void export_otlp_log(struct export_otlp *o);
/* Of a metric's level: what comes before its data, and the beginning of that. */
void export_otlp_metric_head(struct export_otlp *o, size_t *data);

/* What is in data points; node is that of the histogram, the summary, the list. */
void export_otlp_histogram(struct export_otlp *o, uint32_t node);
bool export_otlp_is_exponential(const struct export_otlp *o, uint32_t node);
void export_otlp_summary(struct export_otlp *o, uint32_t node);
void export_otlp_exemplars(struct export_otlp *o, const struct otlp_field *field, uint32_t list);
/* asInt, or the field as_double. */
void export_otlp_number(struct export_otlp *o, const struct otlp_field *as_double, uint32_t node,
                        const char *name);

/* The elements of a list (0: there is none) as messages that put() fills. */
void export_otlp_list(struct export_otlp *o, const struct otlp_field *field, uint32_t list,
                      void (*put)(struct export_otlp *, uint32_t));

/* The field as an AnyValue. */
void export_otlp_value(struct export_otlp *o, const struct otlp_field *field, uint32_t node);
/* A number that is no int64, or one of the words for what is none in JSON. */
void export_otlp_double(struct export_otlp *o, const struct otlp_field *field,
                        const struct tcore_value *v);
/* An object as a list of KeyValue; nothing of an empty one. but: a key that is left out, or NULL.
 */
void export_otlp_map(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                     const char *but);
/* Fields if they are there: name is the record's, for what is lost. */
void export_otlp_text(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                      const char *name);
void export_otlp_time(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                      const char *name);
/* A uint32 that is not 0. */
void export_otlp_count(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                       const char *name);
void export_otlp_flags(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                       const char *name);
void export_otlp_id(struct export_otlp *o, const struct otlp_field *field, uint32_t node);
/* The levels of a record by its fields at these nodes; closes the last one. */
void export_otlp_levels(struct export_otlp *o, uint32_t resource, uint32_t service, uint32_t schema,
                        uint32_t scope);

#endif
