/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Protobuf messages as the tape that their JSON would have, so that what converts the JSON converts
 * them: a table for each message says which JSON member a field's number is, and what kind of
 * value. Names and numbers are all that a format of this kind has to write down.
 *
 * Differences to parsed JSON, job->wire being set:
 * - ids are hexadecimal, in the tape's arena; doubles are TCORE_DOUBLE; texts have no quotes around
 *   them, and the count of one's node is 1 if it needs no escapes; containers have no text of their
 *   own, but places.
 * - OTLP's AnyValue is the value itself: a string, integer, double or boolean; an array of values;
 *   an object of keys and values; or, of bytes, the JSON text that they become. Null is none, and
 *   TCORE_ABSENT a value of a kind that is not known. A list of its KeyValues is an array with a
 * key and a value for each, which its count counts once. A key that is missing is TCORE_ABSENT.
 */
#ifndef RECORD_IMPORT_WIRE_H
#define RECORD_IMPORT_WIRE_H

#include "record/import/import.h"

#include "stream/wire.h"

enum import_wire_kind {
    WIRE_NONE, /* no such field */
    WIRE_TEXT,
    WIRE_ID,
    WIRE_ANY,  /* AnyValue */
    WIRE_PAIR, /* KeyValue, repeated */
    WIRE_INT,  /* int32, int64, enumerations */
    WIRE_UINT,
    WIRE_SIGNED, /* sint32, sint64 */
    WIRE_BOOL,
    WIRE_FIXED64,
    WIRE_SFIXED64,
    WIRE_FIXED32,
    WIRE_DOUBLE,
    WIRE_MESSAGE,
    WIRE_ELSEWHERE /* messages that the caller walks over itself */
};

/* The fields of KeyValue, of AnyValue, and of its lists. */
enum { IMPORT_WIRE_KEY = 1, IMPORT_WIRE_VALUE = 2, IMPORT_WIRE_VALUES = 1 };
enum {
    IMPORT_WIRE_ANY_STRING = 1,
    IMPORT_WIRE_ANY_BOOL = 2,
    IMPORT_WIRE_ANY_INT = 3,
    IMPORT_WIRE_ANY_DOUBLE = 4,
    IMPORT_WIRE_ANY_ARRAY = 5,
    IMPORT_WIRE_ANY_KEY_VALUES = 6,
    IMPORT_WIRE_ANY_BYTES = 7
};

struct import_wire_message;

struct import_wire_field {
    const char *name; /* of the JSON member */
    uint8_t length, kind;
    bool repeated;
    const struct import_wire_message *message; /* of WIRE_MESSAGE */
};

struct import_wire_message {
    const struct import_wire_field *field; /* by number */
    uint32_t count;
    uint32_t elsewhere; /* another number of that kind, too high for the table; 0: none */
};

#define WIRE_FIELD(name, kind)                                                                     \
    {                                                                                              \
        name, sizeof(name) - 1, kind, false, NULL                                                  \
    }
#define WIRE_LIST(name, kind)                                                                      \
    {                                                                                              \
        name, sizeof(name) - 1, kind, true, NULL                                                   \
    }
#define WIRE_OBJECT(name, message)                                                                 \
    {                                                                                              \
        name, sizeof(name) - 1, WIRE_MESSAGE, false, &(message)                                    \
    }
#define WIRE_OBJECTS(name, message)                                                                \
    {                                                                                              \
        name, sizeof(name) - 1, WIRE_MESSAGE, true, &(message)                                     \
    }

enum import_wire_status {
    IMPORT_WIRE_GOOD,
    IMPORT_WIRE_ENDS, /* the message itself breaks off: what comes before that is on the tape */
    IMPORT_WIRE_BAD   /* something in it is bad */
};

/* Whether the record is of the type that the field has. */
bool import_wire_is_known(const struct import_wire_field *field,
                          const struct tcore_wire_record *record);

/*
 * Appends the message at data to job->json as an object; *node is its index. Other than GOOD:
 * job->reason says why, and *where points at what is bad. Out of memory is job->failed.
 */
enum import_wire_status import_wire_put(struct import_job *job,
                                        const struct import_wire_message *message,
                                        struct tcore_slice data, uint32_t *node,
                                        const char **where);

#endif
