/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OTLP/JSON on standard input, one document or many, as protobuf on standard output: an encoder to
 * test the decoder with, which shares nothing with it. Members that OTLP does not have are left
 * out, numbers must fit, enumerations be numbers.
 *     otlp_proto [--framed | --delimited] [--scatter] [--unpacked]
 * --framed writes a message's length before it in four bytes, big-endian, --delimited as a varint;
 * --scatter puts other fields between the elements of lists; --unpacked writes each number of a
 * list as a field.
 */
#include "base/base64.h"
#include "model/json.h"
#include "model/number.h"
#include "record/import/source.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, HEX, BASE64, VARINT, ZIGZAG, BOOL, FIXED64, FIXED32, DOUBLE, MESSAGE };

struct field {
    const char *name;
    uint32_t number;
    enum kind kind;
    const struct field *message;
};

#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct field key_value[];
static const struct field any_value[];
static const struct field array_value[] = {{"values", 1, MESSAGE, any_value}, END};
static const struct field key_values[] = {{"values", 1, MESSAGE, key_value}, END};
static const struct field any_value[] = {
    {"stringValue", 1, TEXT, NULL},          {"boolValue", 2, BOOL, NULL},
    {"intValue", 3, VARINT, NULL},           {"doubleValue", 4, DOUBLE, NULL},
    {"arrayValue", 5, MESSAGE, array_value}, {"kvlistValue", 6, MESSAGE, key_values},
    {"bytesValue", 7, BASE64, NULL},         END};
static const struct field key_value[] = {
    {"key", 1, TEXT, NULL}, {"value", 2, MESSAGE, any_value}, END};
static const struct field resource[] = {
    {"attributes", 1, MESSAGE, key_value}, {"droppedAttributesCount", 2, VARINT, NULL}, END};
static const struct field scope[] = {{"name", 1, TEXT, NULL},
                                     {"version", 2, TEXT, NULL},
                                     {"attributes", 3, MESSAGE, key_value},
                                     {"droppedAttributesCount", 4, VARINT, NULL},
                                     END};
static const struct field status[] = {{"message", 2, TEXT, NULL}, {"code", 3, VARINT, NULL}, END};
static const struct field event[] = {{"timeUnixNano", 1, FIXED64, NULL},
                                     {"name", 2, TEXT, NULL},
                                     {"attributes", 3, MESSAGE, key_value},
                                     {"droppedAttributesCount", 4, VARINT, NULL},
                                     END};
static const struct field link[] = {{"traceId", 1, HEX, NULL},
                                    {"spanId", 2, HEX, NULL},
                                    {"traceState", 3, TEXT, NULL},
                                    {"attributes", 4, MESSAGE, key_value},
                                    {"droppedAttributesCount", 5, VARINT, NULL},
                                    {"flags", 6, FIXED32, NULL},
                                    END};
static const struct field span[] = {{"traceId", 1, HEX, NULL},
                                    {"spanId", 2, HEX, NULL},
                                    {"traceState", 3, TEXT, NULL},
                                    {"parentSpanId", 4, HEX, NULL},
                                    {"name", 5, TEXT, NULL},
                                    {"kind", 6, VARINT, NULL},
                                    {"startTimeUnixNano", 7, FIXED64, NULL},
                                    {"endTimeUnixNano", 8, FIXED64, NULL},
                                    {"attributes", 9, MESSAGE, key_value},
                                    {"droppedAttributesCount", 10, VARINT, NULL},
                                    {"events", 11, MESSAGE, event},
                                    {"droppedEventsCount", 12, VARINT, NULL},
                                    {"links", 13, MESSAGE, link},
                                    {"droppedLinksCount", 14, VARINT, NULL},
                                    {"status", 15, MESSAGE, status},
                                    {"flags", 16, FIXED32, NULL},
                                    END};
static const struct field exemplar[] = {{"filteredAttributes", 7, MESSAGE, key_value},
                                        {"timeUnixNano", 2, FIXED64, NULL},
                                        {"asDouble", 3, DOUBLE, NULL},
                                        {"asInt", 6, FIXED64, NULL},
                                        {"spanId", 4, HEX, NULL},
                                        {"traceId", 5, HEX, NULL},
                                        END};
static const struct field number_point[] = {{"attributes", 7, MESSAGE, key_value},
                                            {"startTimeUnixNano", 2, FIXED64, NULL},
                                            {"timeUnixNano", 3, FIXED64, NULL},
                                            {"asDouble", 4, DOUBLE, NULL},
                                            {"asInt", 6, FIXED64, NULL},
                                            {"exemplars", 5, MESSAGE, exemplar},
                                            {"flags", 8, VARINT, NULL},
                                            END};
static const struct field histogram_point[] = {{"attributes", 9, MESSAGE, key_value},
                                               {"startTimeUnixNano", 2, FIXED64, NULL},
                                               {"timeUnixNano", 3, FIXED64, NULL},
                                               {"count", 4, FIXED64, NULL},
                                               {"sum", 5, DOUBLE, NULL},
                                               {"bucketCounts", 6, FIXED64, NULL},
                                               {"explicitBounds", 7, DOUBLE, NULL},
                                               {"exemplars", 8, MESSAGE, exemplar},
                                               {"flags", 10, VARINT, NULL},
                                               {"min", 11, DOUBLE, NULL},
                                               {"max", 12, DOUBLE, NULL},
                                               END};
static const struct field buckets[] = {
    {"offset", 1, ZIGZAG, NULL}, {"bucketCounts", 2, VARINT, NULL}, END};
static const struct field exponential_point[] = {{"attributes", 1, MESSAGE, key_value},
                                                 {"startTimeUnixNano", 2, FIXED64, NULL},
                                                 {"timeUnixNano", 3, FIXED64, NULL},
                                                 {"count", 4, FIXED64, NULL},
                                                 {"sum", 5, DOUBLE, NULL},
                                                 {"scale", 6, ZIGZAG, NULL},
                                                 {"zeroCount", 7, FIXED64, NULL},
                                                 {"positive", 8, MESSAGE, buckets},
                                                 {"negative", 9, MESSAGE, buckets},
                                                 {"flags", 10, VARINT, NULL},
                                                 {"exemplars", 11, MESSAGE, exemplar},
                                                 {"min", 12, DOUBLE, NULL},
                                                 {"max", 13, DOUBLE, NULL},
                                                 {"zeroThreshold", 14, DOUBLE, NULL},
                                                 END};
static const struct field quantile[] = {
    {"quantile", 1, DOUBLE, NULL}, {"value", 2, DOUBLE, NULL}, END};
static const struct field summary_point[] = {{"attributes", 7, MESSAGE, key_value},
                                             {"startTimeUnixNano", 2, FIXED64, NULL},
                                             {"timeUnixNano", 3, FIXED64, NULL},
                                             {"count", 4, FIXED64, NULL},
                                             {"sum", 5, DOUBLE, NULL},
                                             {"quantileValues", 6, MESSAGE, quantile},
                                             {"flags", 8, VARINT, NULL},
                                             END};
#define DATA(list, point)                                                                          \
    static const struct field list[] = {{"dataPoints", 1, MESSAGE, point},                         \
                                        {"aggregationTemporality", 2, VARINT, NULL},               \
                                        {"isMonotonic", 3, BOOL, NULL},                            \
                                        END}
DATA(number_data, number_point);
DATA(histogram_data, histogram_point);
DATA(exponential_data, exponential_point);
DATA(summary_data, summary_point);
static const struct field metric[] = {{"name", 1, TEXT, NULL},
                                      {"description", 2, TEXT, NULL},
                                      {"unit", 3, TEXT, NULL},
                                      {"gauge", 5, MESSAGE, number_data},
                                      {"sum", 7, MESSAGE, number_data},
                                      {"histogram", 9, MESSAGE, histogram_data},
                                      {"exponentialHistogram", 10, MESSAGE, exponential_data},
                                      {"summary", 11, MESSAGE, summary_data},
                                      {"metadata", 12, MESSAGE, key_value},
                                      END};
static const struct field record[] = {{"timeUnixNano", 1, FIXED64, NULL},
                                      {"severityNumber", 2, VARINT, NULL},
                                      {"severityText", 3, TEXT, NULL},
                                      {"body", 5, MESSAGE, any_value},
                                      {"attributes", 6, MESSAGE, key_value},
                                      {"droppedAttributesCount", 7, VARINT, NULL},
                                      {"flags", 8, FIXED32, NULL},
                                      {"traceId", 9, HEX, NULL},
                                      {"spanId", 10, HEX, NULL},
                                      {"observedTimeUnixNano", 11, FIXED64, NULL},
                                      {"eventName", 12, TEXT, NULL},
                                      END};
static const struct field scoped[] = {{"scope", 1, MESSAGE, scope},
                                      {"instrumentationLibrary", 1, MESSAGE, scope},
                                      {"spans", 2, MESSAGE, span},
                                      {"metrics", 2, MESSAGE, metric},
                                      {"logRecords", 2, MESSAGE, record},
                                      {"schemaUrl", 3, TEXT, NULL},
                                      END};
static const struct field grouped[] = {{"resource", 1, MESSAGE, resource},
                                       {"scopeSpans", 2, MESSAGE, scoped},
                                       {"scopeMetrics", 2, MESSAGE, scoped},
                                       {"scopeLogs", 2, MESSAGE, scoped},
                                       {"instrumentationLibrarySpans", 1000, MESSAGE, scoped},
                                       {"schemaUrl", 3, TEXT, NULL},
                                       END};
static const struct field request[] = {{"resourceSpans", 1, MESSAGE, grouped},
                                       {"resourceMetrics", 1, MESSAGE, grouped},
                                       {"resourceLogs", 1, MESSAGE, grouped},
                                       END};

static struct {
    bool framed, delimited, scatter, unpacked;
} options;
static struct tcore_json json;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "otlp_proto: %s\n", what);
    exit(4);
}

static void put_varint(struct tcore_buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        tcore_buf_putc(out, (char)(value | 0x80));
    tcore_buf_putc(out, (char)value);
}

static void put_bytes(struct tcore_buf *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        tcore_buf_putc(out, (char)(value >> 8 * i));
}

static uint64_t integer(const struct tcore_value *v)
{
    int64_t i = 0;
    if (v->kind == TCORE_STRING || v->kind == TCORE_NUMBER) {
        char text[64], *end;
        snprintf(text, sizeof text, "%.*s", (int)v->len, v->s);
        errno = 0;
        uint64_t value =
            *text == '-' ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
        if (!*text || *end || errno)
            die("an integer that does not fit");
        return value;
    }
    if (v->kind != TCORE_NULL && v->kind != TCORE_FALSE && v->kind != TCORE_TRUE &&
        !tcore_value_int64(v, &i))
        die("no integer where one belongs");
    return v->kind == TCORE_TRUE ? 1 : (uint64_t)i;
}

static uint64_t double_bits(const struct tcore_value *v)
{
    double d = v->kind == TCORE_NULL ? (double)NAN : tcore_value_double(v);
    if (v->kind == TCORE_STRING && !tcore_parse_double(v->s, v->len, &d))
        d = v->s[0] == 'N' ? (double)NAN : v->s[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

static unsigned wire_type(enum kind kind)
{
    switch (kind) {
    case VARINT:
    case ZIGZAG:
    case BOOL:
        return 0;
    case FIXED64:
    case DOUBLE:
        return 1;
    case FIXED32:
        return 5;
    default:
        return 2;
    }
}

static void put_message(struct tcore_buf *out, const struct field *fields, uint32_t node);

/* The value without its tag. */
static void put_value(struct tcore_buf *out, const struct field *f, uint32_t node)
{
    const struct tcore_value *v = &json.node[node].value;
    struct tcore_buf inner = {0};
    uint64_t i;
    switch (f->kind) {
    case VARINT:
    case BOOL:
        put_varint(out, integer(v));
        return;
    case ZIGZAG:
        i = integer(v);
        put_varint(out, i << 1 ^ (0 - (i >> 63)));
        return;
    case FIXED64:
        put_bytes(out, integer(v), 8);
        return;
    case FIXED32:
        put_bytes(out, integer(v), 4);
        return;
    case DOUBLE:
        put_bytes(out, double_bits(v), 8);
        return;
    case TEXT:
        tcore_buf_append(&inner, v->s, v->len);
        break;
    case HEX:
        for (uint32_t at = 0; at + 1 < v->len; at += 2)
            tcore_buf_putc(&inner, (char)(digit(v->s[at]) << 4 | digit(v->s[at + 1])));
        break;
    case BASE64:
        tcore_base64_decode(v->s, v->len, &inner);
        break;
    case MESSAGE:
        put_message(&inner, f->message, node);
        break;
    }
    put_varint(out, inner.length);
    tcore_buf_append(out, inner.data, inner.length);
    tcore_buf_free(&inner);
}

static void put_field(struct tcore_buf *out, const struct field *f, uint32_t node)
{
    put_varint(out, (uint64_t)f->number << 3 | wire_type(f->kind));
    put_value(out, f, node);
}

static void put_packed(struct tcore_buf *out, const struct field *f, uint32_t list)
{
    struct tcore_buf inner = {0};
    for (uint32_t e = list + 1; e < json.node[list].next; e = json.node[e].next)
        put_value(&inner, f, e);
    put_varint(out, (uint64_t)f->number << 3 | 2);
    put_varint(out, inner.length);
    tcore_buf_append(out, inner.data, inner.length);
    tcore_buf_free(&inner);
}

static const struct field *find(const struct field *fields, const struct tcore_value *name)
{
    for (; fields->name; fields++)
        if (strlen(fields->name) == name->len && memcmp(fields->name, name->s, name->len) == 0)
            return fields;
    return NULL;
}

/* Of lists the elements from..to-1. */
static void put_fields(struct tcore_buf *out, const struct field *fields, uint32_t node,
                       uint32_t from, uint32_t to)
{
    for (uint32_t k = node + 1; k < json.node[node].next; k = json.node[k + 1].next) {
        const struct field *f = find(fields, &json.node[k].value);
        const struct tcore_json_node *v = &json.node[k + 1];
        if (!f || (v->value.kind == TCORE_NULL && f->kind != DOUBLE))
            continue;
        if (!tcore_json_is_array(v)) {
            if (!from)
                put_field(out, f, k + 1);
        } else if (f->kind != MESSAGE && !options.unpacked && !options.scatter) {
            if (!from && v->count)
                put_packed(out, f, k + 1);
        } else {
            uint32_t at = 0;
            for (uint32_t e = k + 2; e < v->next; e = json.node[e].next, at++)
                if (at >= from && at < to)
                    put_field(out, f, e);
        }
    }
}

static void put_message(struct tcore_buf *out, const struct field *fields, uint32_t node)
{
    uint32_t longest = 1;
    if (!options.scatter) {
        put_fields(out, fields, node, 0, UINT32_MAX);
        return;
    }
    for (uint32_t k = node + 1; k < json.node[node].next; k = json.node[k + 1].next)
        if (tcore_json_is_array(&json.node[k + 1]) && json.node[k + 1].count > longest)
            longest = json.node[k + 1].count;
    for (uint32_t i = 0; i < longest; i++)
        put_fields(out, fields, node, i, i + 1);
}

static void put_document(const char *text, size_t length)
{
    struct tcore_buf out = {0}, head = {0};
    struct tcore_error err;
    if (tcore_json_parse(&json, text, length, &err) != TCORE_OK)
        die(err.text);
    put_message(&out, request, 0);
    if (options.framed)
        for (unsigned i = 4; i-- > 0;)
            tcore_buf_putc(&head, (char)(out.length >> 8 * i));
    else if (options.delimited)
        put_varint(&head, out.length);
    tcore_buf_append(&head, out.data, out.length);
    if (head.failed || (head.length && fwrite(head.data, 1, head.length, stdout) != head.length))
        die("cannot write");
    tcore_buf_free(&out);
    tcore_buf_free(&head);
}

int main(int argc, char **argv)
{
    struct import_source *source;
    struct import_source_options from = {.whole_documents = true};
    struct import_chunk chunk = {0};
    struct tcore_error err;
    for (int i = 1; i < argc; i++) {
        options.framed |= !strcmp(argv[i], "--framed");
        options.delimited |= !strcmp(argv[i], "--delimited");
        options.scatter |= !strcmp(argv[i], "--scatter");
        options.unpacked |= !strcmp(argv[i], "--unpacked");
    }
    if (import_source_open(&source, "-", &from, &err) != TCORE_OK)
        die(err.text);
    while (import_source_next(source, &chunk, &err) == TCORE_OK)
        for (size_t i = 0; i < chunk.count; i++)
            put_document(chunk.text.data + chunk.units[i].offset, chunk.units[i].length);
    import_source_free(source);
    import_chunk_free(&chunk);
    tcore_json_free(&json);
    return fflush(stdout) ? 4 : 0;
}
