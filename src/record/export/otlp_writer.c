/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OTLP's messages, byte by byte. */
#include <config.h>

#include "record/export/otlp_writer.h"

#include "base/base64.h"
#include "model/json.h"
#include "model/number.h"

#include <float.h>
#include <math.h>

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LENGTH = 2, WIRE_FIXED32 = 5 };

size_t otlp_varint(char *out, uint64_t i)
{
    size_t length = 0;
    for (; i >= 0x80; i >>= 7)
        out[length++] = (char)(i | 0x80);
    out[length++] = (char)i;
    return length;
}

static void put_varint(struct tcore_buf *out, uint64_t i)
{
    char bytes[OTLP_VARINT_BYTES];
    tcore_buf_append(out, bytes, otlp_varint(bytes, i));
}

static void put_tag(struct otlp_writer *w, const struct otlp_field *field, enum wire wire)
{
    put_varint(w->out, (uint64_t)field->number << 3 | wire);
}

static void put_fixed(struct tcore_buf *out, uint64_t i, size_t bytes)
{
    char little[8];
    for (size_t b = 0; b < bytes; b++)
        little[b] = (char)(i >> 8 * b);
    tcore_buf_append(out, little, bytes);
}

static void put_comma(struct tcore_buf *out)
{
    char before = out->length ? out->data[out->length - 1] : '{';
    if (before != '{' && before != '[')
        tcore_buf_putc(out, ',');
}

static void put_label(struct otlp_writer *w, const struct otlp_field *field)
{
    put_comma(w->out);
    tcore_buf_append(w->out, field->label, field->length);
}

static void put_decimal(struct tcore_buf *out, uint64_t i, bool is_signed)
{
    char text[TCORE_NUMBER_BYTES];
    if (is_signed || i <= INT64_MAX)
        tcore_buf_append(out, text, tcore_format_int64(text, (int64_t)i));
    else
        tcore_buf_printf(out, "%llu", (unsigned long long)i);
}

static void put_quoted(struct tcore_buf *out, uint64_t i, bool is_signed)
{
    tcore_buf_putc(out, '"');
    put_decimal(out, i, is_signed);
    tcore_buf_putc(out, '"');
}

/* --- messages --- */

/* One byte is left for the length, which is enough for most; more are made room for at the end. */
static size_t open_length(struct otlp_writer *w)
{
    tcore_buf_putc(w->out, 0);
    return w->out->length;
}

static void close_length(struct otlp_writer *w, size_t mark)
{
    struct tcore_buf *out = w->out;
    char bytes[OTLP_VARINT_BYTES];
    if (out->failed)
        return;
    size_t length = out->length - mark;
    size_t width = otlp_varint(bytes, length);
    if (width > 1) {
        if (!tcore_buf_reserve(out, width - 1))
            return;
        memmove(out->data + mark + width - 1, out->data + mark, length);
        out->length += width - 1;
    }
    memcpy(out->data + mark - 1, bytes, width);
}

size_t otlp_open(struct otlp_writer *w, const struct otlp_field *field)
{
    if (w->protobuf) {
        put_tag(w, field, WIRE_LENGTH);
        return open_length(w);
    }
    put_label(w, field);
    tcore_buf_putc(w->out, '{');
    return 0;
}

void otlp_close(struct otlp_writer *w, size_t mark)
{
    if (w->protobuf)
        close_length(w, mark);
    else
        tcore_buf_putc(w->out, '}');
}

void otlp_open_list(struct otlp_writer *w, const struct otlp_field *field)
{
    if (w->protobuf)
        return;
    put_label(w, field);
    tcore_buf_putc(w->out, '[');
}

size_t otlp_open_item(struct otlp_writer *w, const struct otlp_field *field)
{
    if (w->protobuf)
        return otlp_open(w, field);
    put_comma(w->out);
    tcore_buf_putc(w->out, '{');
    return 0;
}

void otlp_close_list(struct otlp_writer *w)
{
    if (!w->protobuf)
        tcore_buf_putc(w->out, ']');
}

void otlp_message_head(struct tcore_buf *out, unsigned number, size_t length)
{
    put_varint(out, (uint64_t)number << 3 | WIRE_LENGTH);
    put_varint(out, length);
}

/* --- texts and bytes --- */

void otlp_string(struct otlp_writer *w, const struct otlp_field *field, const struct tcore_value *v)
{
    if (!w->protobuf) {
        put_label(w, field);
        tcore_json_write_string(w->out, v->s, v->len);
        return;
    }
    put_tag(w, field, WIRE_LENGTH);
    put_varint(w->out, v->len);
    tcore_buf_append(w->out, v->s, v->len);
}

static unsigned char digit(char c)
{
    return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void otlp_id(struct otlp_writer *w, const struct otlp_field *field, const char *digits,
             size_t length)
{
    if (!w->protobuf) {
        put_label(w, field);
        tcore_buf_putc(w->out, '"');
        tcore_buf_append(w->out, digits, length);
        tcore_buf_putc(w->out, '"');
        return;
    }
    put_tag(w, field, WIRE_LENGTH);
    put_varint(w->out, length / 2);
    for (size_t i = 0; i + 1 < length; i += 2)
        tcore_buf_putc(w->out, (char)(digit(digits[i]) << 4 | digit(digits[i + 1])));
}

void otlp_bytes(struct otlp_writer *w, const struct otlp_field *field, const char *text,
                size_t length, struct tcore_buf *scratch)
{
    if (!w->protobuf) {
        put_label(w, field);
        tcore_json_write_string(w->out, text, length);
        return;
    }
    tcore_buf_clear(scratch);
    tcore_base64_decode(text, length, scratch);
    w->out->failed |= scratch->failed;
    put_tag(w, field, WIRE_LENGTH);
    put_varint(w->out, scratch->length);
    tcore_buf_append(w->out, scratch->data, scratch->length);
}

/* --- numbers --- */

void otlp_bool(struct otlp_writer *w, const struct otlp_field *field, bool b)
{
    if (w->protobuf) {
        put_tag(w, field, WIRE_VARINT);
        tcore_buf_putc(w->out, b);
        return;
    }
    put_label(w, field);
    tcore_buf_puts(w->out, b ? "true" : "false");
}

static void put_number(struct otlp_writer *w, const struct otlp_field *field, int64_t i)
{
    put_label(w, field);
    put_decimal(w->out, (uint64_t)i, true);
}

void otlp_small(struct otlp_writer *w, const struct otlp_field *field, int64_t i)
{
    if (!w->protobuf) {
        put_number(w, field, i);
        return;
    }
    put_tag(w, field, WIRE_VARINT);
    put_varint(w->out, (uint64_t)i);
}

void otlp_sint32(struct otlp_writer *w, const struct otlp_field *field, int64_t i)
{
    if (!w->protobuf) {
        put_number(w, field, i);
        return;
    }
    put_tag(w, field, WIRE_VARINT);
    put_varint(w->out, (uint64_t)i << 1 ^ (uint64_t)(i >> 63));
}

void otlp_fixed32(struct otlp_writer *w, const struct otlp_field *field, uint32_t i)
{
    if (!w->protobuf) {
        put_number(w, field, i);
        return;
    }
    put_tag(w, field, WIRE_FIXED32);
    put_fixed(w->out, i, 4);
}

void otlp_int64(struct otlp_writer *w, const struct otlp_field *field, int64_t i)
{
    if (w->protobuf) {
        put_tag(w, field, WIRE_VARINT);
        put_varint(w->out, (uint64_t)i);
        return;
    }
    put_label(w, field);
    put_quoted(w->out, (uint64_t)i, true);
}

static void put_fixed64(struct otlp_writer *w, const struct otlp_field *field, uint64_t i,
                        bool is_signed)
{
    if (w->protobuf) {
        put_tag(w, field, WIRE_FIXED64);
        put_fixed(w->out, i, 8);
        return;
    }
    put_label(w, field);
    put_quoted(w->out, i, is_signed);
}

void otlp_fixed64(struct otlp_writer *w, const struct otlp_field *field, uint64_t i)
{
    put_fixed64(w, field, i, false);
}

void otlp_sfixed64(struct otlp_writer *w, const struct otlp_field *field, int64_t i)
{
    put_fixed64(w, field, (uint64_t)i, true);
}

static double double_of(const struct tcore_value *v)
{
    if (v->kind == TCORE_STRING)
        return v->s[0] == 'N' ? (double)NAN : v->s[0] == '-' ? -INFINITY : (double)INFINITY;
    return tcore_value_double(v);
}

/* A literal that only an infinity is near to, which readers of JSON refuse. */
static bool is_too_large(const struct tcore_value *v)
{
    return v->kind == TCORE_NUMBER &&
           (v->len > DBL_MAX_10_EXP || memchr(v->s, 'e', v->len) || memchr(v->s, 'E', v->len)) &&
           isinf(tcore_value_double(v));
}

static void put_double(struct otlp_writer *w, const struct tcore_value *v)
{
    double d;
    uint64_t bits;
    if (!w->protobuf) {
        struct tcore_value infinity;
        if (is_too_large(v)) {
            infinity = tcore_value_of_double(tcore_value_double(v));
            v = &infinity;
        }
        tcore_json_write_value(w->out, v);
        return;
    }
    d = double_of(v);
    memcpy(&bits, &d, sizeof bits);
    put_fixed(w->out, bits, 8);
}

void otlp_double(struct otlp_writer *w, const struct otlp_field *field, const struct tcore_value *v)
{
    if (w->protobuf)
        put_tag(w, field, WIRE_FIXED64);
    else
        put_label(w, field);
    put_double(w, v);
}

/* --- repeated numbers --- */

size_t otlp_open_numbers(struct otlp_writer *w, const struct otlp_field *field)
{
    if (w->protobuf) {
        put_tag(w, field, WIRE_LENGTH);
        return open_length(w);
    }
    otlp_open_list(w, field);
    return 0;
}

void otlp_close_numbers(struct otlp_writer *w, size_t mark)
{
    if (w->protobuf)
        close_length(w, mark);
    else
        otlp_close_list(w);
}

void otlp_add_fixed64(struct otlp_writer *w, uint64_t i)
{
    if (w->protobuf) {
        put_fixed(w->out, i, 8);
        return;
    }
    put_comma(w->out);
    put_quoted(w->out, i, false);
}

void otlp_add_uint64(struct otlp_writer *w, uint64_t i)
{
    if (w->protobuf)
        put_varint(w->out, i);
    else
        otlp_add_fixed64(w, i);
}

void otlp_add_double(struct otlp_writer *w, const struct tcore_value *v)
{
    if (!w->protobuf)
        put_comma(w->out);
    put_double(w, v);
}
