/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Jaeger and Zipkin have in common: of a span's fields those that they have no place for
 * become tags, as OpenTelemetry says ("Mapping to non-OTLP formats"); times are whole microseconds.
 */
#ifndef RECORD_EXPORT_TAGS_H
#define RECORD_EXPORT_TAGS_H

#include "record/export/fields.h"

/* Appends one tag. */
typedef void export_put_tag(struct export_record *record, struct tcore_buf *out, const char *key,
                            size_t length, const struct tcore_value *v);

/* The tags of fields; kind: also span.kind. Which were put, for export_may_put_tag(). */
unsigned export_put_field_tags(struct export_record *record, const uint32_t *at, bool kind,
                               struct tcore_buf *out, export_put_tag *put);
/* Whether the attribute whose key is at node may be a tag beside those of fields. One that has the
 * name of such a tag is lost even if that is not there, as readers take it for the field. */
bool export_may_put_tag(struct export_record *record, uint32_t node, unsigned put);

/* A time in whole microseconds; nanoseconds that are cut off are lost. False: there is none. */
bool export_micros(struct export_record *record, uint32_t node, const char *name, int64_t *us);
/* The duration by two times, or durationNano; false: it is not known. */
bool export_duration_micros(struct export_record *record, const uint32_t *at, int64_t *us);

/* The service of the record; 0: it has none. Whoever says another one than the resource has it
 * lost. */
uint32_t export_service(struct export_record *record, uint32_t service, uint32_t resource);

/* Appends label and an integer, label and the string at node. */
void export_put_int(struct tcore_buf *out, const char *label, int64_t i);
void export_put_string(struct export_record *record, struct tcore_buf *out, const char *label,
                       uint32_t node);

#endif
