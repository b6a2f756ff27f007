/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The record types of the native formats and their schema: which fields a type knows, in which
 * order they are written, and what class of value each holds. tracecore-record(5) is the same
 * table in prose.
 */
#ifndef TRACECORE_MODEL_RECORD_H
#define TRACECORE_MODEL_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum tcore_record_type {
    TCORE_RECORD_NONE = 0, /* names no type and has no field that decides one */
    TCORE_RECORD_SPAN,
    TCORE_RECORD_METRIC,
    TCORE_RECORD_EXECUTION,
    TCORE_RECORD_LOG,
    TCORE_RECORD_TRACE,
    TCORE_RECORD_AGGREGATE,
    TCORE_RECORD_FINDING,
    TCORE_RECORD_ALERT,
    TCORE_RECORD_NOTIFICATION,
    TCORE_RECORD_HEALTH,
    TCORE_RECORD_CLOCK,
    TCORE_RECORD_OTHER, /* a type name that this version does not know; kept as it is */
    TCORE_RECORD_TYPES
};

/* What a known field holds; says how it is read leniently and written canonically. */
enum tcore_field_class {
    TCORE_FIELD_STRING,
    TCORE_FIELD_NUMBER,
    TCORE_FIELD_BOOL,
    TCORE_FIELD_ANY,      /* any JSON value */
    TCORE_FIELD_TIME,     /* *UnixNano: int64 ns, text "123", read from string or number */
    TCORE_FIELD_TRACE_ID, /* 32 hex digits */
    TCORE_FIELD_SPAN_ID,  /* 16 hex digits; zero means absent for a parent */
    TCORE_FIELD_MAP,      /* object with free keys: attributes, dimensions, resource, group ... */
    TCORE_FIELD_OBJECT,   /* object with a schema of its own (fields) */
    TCORE_FIELD_LIST      /* array of such objects (fields) */
};

struct tcore_field {
    const char *name;
    uint8_t name_length;
    uint8_t field_class;               /* enum tcore_field_class */
    uint8_t keeps_empty;               /* {} is written (a finding's or aggregate's group) */
    const struct tcore_fields *fields; /* of TCORE_FIELD_OBJECT and TCORE_FIELD_LIST, else NULL */
};

struct tcore_fields {
    const struct tcore_field *field;
    size_t count;
};

/* "span", "metric", ...; "none" and "other" for those two. Never NULL. */
const char *tcore_record_type_name(enum tcore_record_type type);
/* The type of that name, TCORE_RECORD_OTHER if it is not known. */
enum tcore_record_type tcore_record_type_find(const char *name, size_t length);
/* The fields of a type in schema order, "type" first; never NULL (empty for NONE and OTHER). */
const struct tcore_fields *tcore_record_fields(enum tcore_record_type type);
/* The field of that name, or NULL. */
const struct tcore_field *tcore_fields_find(const struct tcore_fields *fields, const char *name,
                                            size_t length);

#endif
