/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OTLP as a tape of JSON nodes, in any of its dialects, made native. The envelope (import/otlp.c)
 * walks resources and scopes and hands each span, metric and log record to its own file.
 */
#ifndef RECORD_IMPORT_OTLP_H
#define RECORD_IMPORT_OTLP_H

#include "model/id.h"
#include "record/import/json.h"

/* What is being converted, and what all records below one resource or scope share. */
struct otlp {
    struct import_job *job;
    struct tcore_buf *out;
    uint32_t service; /* node of the resource's service.name, 0 if it has none */
    uint32_t schema;  /* node of the resource's schemaUrl, 0 if it has none */
    struct {
        const char *name; /* of the attribute, behind "tracecore.original_" */
        uint32_t node;
    } original[5]; /* what of the object being written was no id, kind or status */
    unsigned original_count;
    bool learns; /* elements of the document were looked at for known forms */
    bool rows;   /* spans may become rows of a block */
    bool shared; /* job->shared is of the resource and scope at hand */
    /* job->resource and job->scope hold ,"resource":{...} and ,"scope":{...} or nothing */
};

/*
 * What the records share that follow: the resource and schema of the ResourceSpans
 * (ResourceMetrics,
 * ...) at node, or the scope of the ScopeSpans. False: what is below is lost, and was rejected.
 */
bool otlp_enter_group(struct otlp *o, uint32_t node);
bool otlp_enter_scope(struct otlp *o, uint32_t node);

/*
 * Each appends one record (metrics: one a data point) with its newline. False: job->reason says
 * why there is none; what was appended is taken back by the caller.
 */
bool otlp_put_span(struct otlp *o, uint32_t node);
bool otlp_put_log(struct otlp *o, uint32_t node);
/* Rejects bad data points itself; false: the whole metric is bad. */
bool otlp_put_metric(struct otlp *o, uint32_t node);

/* Of a span its events, or links, behind a label; nothing if there are none. */
#define OTLP_EVENTS_LABEL ",\"events\":"
#define OTLP_LINKS_LABEL  ",\"links\":"
bool otlp_put_events(struct otlp *o, uint32_t node);
bool otlp_put_links(struct otlp *o, uint32_t node);

/* AnyValue as JSON. */
bool otlp_put_value(struct otlp *o, struct tcore_buf *out, uint32_t node);
/* A list of KeyValue as an object, braces included; 0 gives {}. */
bool otlp_put_map(struct otlp *o, struct tcore_buf *out, uint32_t node);

/*
 * A field of the record, if there is something to write: label is its name as it is written, with
 * comma, quotes and colon. False: the value is bad.
 */
bool otlp_put_map_at(struct otlp *o, struct tcore_buf *out, struct tcore_slice label,
                     uint32_t node);
bool otlp_put_text_at(struct otlp *o, struct tcore_buf *out, struct tcore_slice label,
                      uint32_t node);
bool otlp_put_count_at(struct otlp *o, struct tcore_buf *out, struct tcore_slice label,
                       uint32_t node);
void otlp_put_time(struct tcore_buf *out, struct tcore_slice label, int64_t time_ns);

/* The same with the label as a literal; most fields are not there. */
static inline bool otlp_put_map_field(struct otlp *o, struct tcore_buf *out, const char *label,
                                      uint32_t node)
{
    return !node || otlp_put_map_at(o, out, (struct tcore_slice){label, strlen(label)}, node);
}

static inline bool otlp_put_text_field(struct otlp *o, struct tcore_buf *out, const char *label,
                                       uint32_t node)
{
    return !node || otlp_put_text_at(o, out, (struct tcore_slice){label, strlen(label)}, node);
}

/* unless it is 0 */
static inline bool otlp_put_count_field(struct otlp *o, struct tcore_buf *out, const char *label,
                                        uint32_t node)
{
    return !node || otlp_put_count_at(o, out, (struct tcore_slice){label, strlen(label)}, node);
}

static inline bool otlp_put_time_field(struct otlp *o, struct tcore_buf *out, const char *label,
                                       int64_t time_ns)
{
    (void)o;
    if (time_ns)
        otlp_put_time(out, (struct tcore_slice){label, strlen(label)}, time_ns);
    return true;
}

/*
 * Ids, unless they are absent or all zero: *present. Ids that are no hexadecimal are made up from
 * their text, which is kept in the attributes; so the order is trace, span, parent, attributes.
 */
bool otlp_put_trace_id(struct otlp *o, uint32_t node, bool *present);
bool otlp_put_span_id(struct otlp *o, uint32_t node, bool *present);
bool otlp_put_parent_id(struct otlp *o, uint32_t node);
bool otlp_put_attributes(struct otlp *o, uint32_t node);
void otlp_put_service(struct otlp *o);
/* An enumeration's name, its first one for a number or name that is not known, which is kept in the
 * attributes. */
bool otlp_put_enum(struct otlp *o, const char *label, uint32_t node,
                   const struct import_enum *known);
/* schemaUrl and the end of the record. */
bool otlp_put_end(struct otlp *o);

/* The time at node, 0 if it is 0. False: it is no int64. */
bool otlp_time(struct otlp *o, uint32_t node, const char *what, int64_t *time_ns);
/* Whether node (0: yes) is an array; name for the reason if it is not. */
bool otlp_is_list(struct otlp *o, uint32_t node, const char *name);

#endif
