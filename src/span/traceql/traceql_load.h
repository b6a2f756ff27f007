/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fields of a span record as values: from its text, or from the columns of a batch.
 *
 * Attributes are in attributes, resource, events[].attributes, links[].attributes and
 * scope.attributes; resource.service.name is the record's service, wherever that is. An array is a
 * list, several events or links make one, and an object is only there, but for those that stand for
 * a double. A missing name is "", a missing status unset, a missing kind unspecified; what else is
 * missing is nil.
 */
#ifndef SPAN_TRACEQL_LOAD_H
#define SPAN_TRACEQL_LOAD_H

#include "model/json.h"
#include "model/projection.h"
#include "span/traceql/traceql.h"

/* One thread's working memory; a zeroed struct is ready for use. Values that were loaded live until
 * the reader loads the next span. */
struct traceql_reader {
    struct tcore_json span; /* tape of a whole record, */
    struct tcore_json list; /* or of a nested value in a column */
    struct tcore_arena arena;
    struct tcore_buf items; /* of the list at hand */
};

void traceql_reader_free(struct traceql_reader *reader);

/*
 * Loads the fields whose of_parent is the one given and that the span itself has, and leaves the
 * others as they are; all are nil if the text is no record. values: by number. TCORE_FATAL: out of
 * memory.
 */
enum tcore_status traceql_load_text(struct traceql_reader *reader,
                                    const struct traceql_query *query, const char *text,
                                    size_t length, bool of_parent, struct traceql_value *values,
                                    struct tcore_error *err);

/* --- traceql_columns.c */

/* Where a field may be; SIZE_MAX: not there. */
struct traceql_columns {
    size_t own; /* attributes, or the intrinsic itself; the span's start for times of events */
    size_t resource, scope, events, links;
};

/* Asks for the columns of fields that need no trace: those that are wanted (NULL: all); columns: by
 * number of the field. */
enum tcore_status traceql_add_columns(const struct traceql_query *query, const bool *wanted,
                                      struct traceql_columns *columns,
                                      struct tcore_projection *projection, struct tcore_error *err);
/* Loads all fields of a row, as if those were absent that have no columns. TCORE_FATAL: out of
 * memory. */
enum tcore_status traceql_load_row(struct traceql_reader *reader, const struct traceql_query *query,
                                   const struct traceql_columns *columns,
                                   const struct tcore_batch *batch, uint32_t row,
                                   struct traceql_value *values, struct tcore_error *err);

/* --- traceql_json.c: for both */

/* A value of a record. Text stays where it is. */
struct traceql_value traceql_of_scalar(const struct tcore_value *value);
/* The value of a node; of an array the items are in the reader's arena. */
enum tcore_status traceql_of_node(struct traceql_reader *reader, const struct tcore_json *json,
                                  uint32_t node, struct traceql_value *value,
                                  struct tcore_error *err);
/* What the events (or links) in the array at a node have of the field; start_ns: of the span, or
 * nil. */
enum tcore_status traceql_of_list(struct traceql_reader *reader, const struct tcore_json *json,
                                  uint32_t list, const struct traceql_field *field,
                                  const struct traceql_value *start, struct traceql_value *value,
                                  struct tcore_error *err);
struct traceql_value traceql_status_of(const struct tcore_value *value);
struct traceql_value traceql_kind_of(const struct tcore_value *value);
/* "" instead of nothing. */
struct traceql_value traceql_text_of(const struct tcore_value *value);
/* An integer, or a decimal string of one; else nil. */
struct traceql_value traceql_time_of(const struct tcore_value *value);
/* What is there of durationNano, else the time between; nil if that is negative or not known. */
struct traceql_value traceql_duration_of(const struct tcore_value *duration,
                                         const struct tcore_value *start,
                                         const struct tcore_value *end);

#endif
