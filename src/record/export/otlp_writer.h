/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of OTLP as JSON or protobuf: who writes one says which field comes, by its name in the
 * one and its number in the other. Members of JSON need no bookkeeping: a comma goes before
 * each that does not follow an opening bracket or begins the text. In protobuf a message's length
 * is put in front of it when it ends.
 *
 * Sources: opentelemetry-proto 1.x; the protobuf encoding and ProtoJSON specifications. Numbers
 * of 64 bits are strings in JSON, ids are hexadecimal, enumerations are numbers.
 */
#ifndef RECORD_EXPORT_OTLP_WRITER_H
#define RECORD_EXPORT_OTLP_WRITER_H

#include "base/buf.h"
#include "model/value.h"

struct otlp_field {
    const char *label; /* as JSON has it, with quotes and colon */
    uint8_t length;    /* of label */
    uint8_t number;
};
#define OTLP_FIELD_INIT(name, number)                                                              \
    {                                                                                              \
        "\"" name "\":", sizeof("\"" name "\":") - 1, number                                       \
    }
#define OTLP_FIELD(name, number) (&(const struct otlp_field)OTLP_FIELD_INIT(name, number))

struct otlp_writer {
    struct tcore_buf *out;
    bool protobuf;
};

/* A message in a field, and its end by what open gave. */
size_t otlp_open(struct otlp_writer *w, const struct otlp_field *field);
void otlp_close(struct otlp_writer *w, size_t mark);
/* The messages of a repeated field. */
void otlp_open_list(struct otlp_writer *w, const struct otlp_field *field);
size_t otlp_open_item(struct otlp_writer *w, const struct otlp_field *field);
void otlp_close_list(struct otlp_writer *w);

/* v: without half a surrogate pair, as export_record_parse() leaves texts */
void otlp_string(struct otlp_writer *w, const struct otlp_field *field,
                 const struct tcore_value *v);
/* digits: lower-case hexadecimal, an even number of them */
void otlp_id(struct otlp_writer *w, const struct otlp_field *field, const char *digits,
             size_t length);
/* text: base64, and known to be some */
void otlp_bytes(struct otlp_writer *w, const struct otlp_field *field, const char *text,
                size_t length, struct tcore_buf *scratch);
void otlp_bool(struct otlp_writer *w, const struct otlp_field *field, bool b);
/* int32, uint32 and enumerations: a number in JSON, a varint */
void otlp_small(struct otlp_writer *w, const struct otlp_field *field, int64_t i);
void otlp_sint32(struct otlp_writer *w, const struct otlp_field *field, int64_t i);
void otlp_fixed32(struct otlp_writer *w, const struct otlp_field *field, uint32_t i);
/* 64 bits: strings in JSON, a varint or eight bytes */
void otlp_int64(struct otlp_writer *w, const struct otlp_field *field, int64_t i);
void otlp_fixed64(struct otlp_writer *w, const struct otlp_field *field, uint64_t i);
/* An int64 in eight bytes, with its sign. */
void otlp_sfixed64(struct otlp_writer *w, const struct otlp_field *field, int64_t i);
/* A number, or one of the words NaN, Infinity, -Infinity; in JSON its literal as it is. */
void otlp_double(struct otlp_writer *w, const struct otlp_field *field,
                 const struct tcore_value *v);

/* Repeated numbers: packed in protobuf. add is one of those below. */
size_t otlp_open_numbers(struct otlp_writer *w, const struct otlp_field *field);
void otlp_close_numbers(struct otlp_writer *w, size_t mark);
void otlp_add_fixed64(struct otlp_writer *w, uint64_t i);
void otlp_add_uint64(struct otlp_writer *w, uint64_t i);
void otlp_add_double(struct otlp_writer *w, const struct tcore_value *v);

/* --- the pieces of protobuf, for who puts encoded messages together */

#define OTLP_VARINT_BYTES 10
size_t otlp_varint(char *out, uint64_t i); /* how many bytes */
/* Tag and length of a message of so many bytes in the field of that number. */
void otlp_message_head(struct tcore_buf *out, unsigned number, size_t length);

#endif
