/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What requests are answered, as the OTLP specification (1.5, "OTLP/HTTP Response") has it: of what
 * was taken an export response, whose partial success says what was not; else a google.rpc.Status.
 * Zipkin's API has 202 and no text for what was taken.
 */
#include <config.h>

#include "record/listen/request.h"

#include "record/attributes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Both encodings of OTLP. */
#define TYPES                                                                                      \
    {                                                                                              \
        {"application/json", "otlp", false},                                                       \
        {                                                                                          \
            "application/x-protobuf", "otlp-proto", true                                           \
        }                                                                                          \
    }

const struct listen_route listen_routes[] = {
    {"/v1/traces", IMPORT_SPANS, TYPES, "rejectedSpans"},
    {"/v1/metrics", IMPORT_METRICS, TYPES, "rejectedDataPoints"},
    {"/v1/logs", IMPORT_LOGS, TYPES, "rejectedLogRecords"},
    {"/api/v2/spans", IMPORT_SPANS, {{"application/json", "zipkin", false}}, NULL},
    {.path = NULL},
};

void listen_refuse(struct listen_request *request, unsigned status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(request->reason, sizeof request->reason, format, args);
    va_end(args);
    request->status = status;
}

unsigned listen_http_status(const struct listen_request *request)
{
    bool taken = request->status == LISTEN_OK;
    return taken && !request->route->rejected ? LISTEN_ACCEPTED : request->status;
}

/* The code of gRPC that a status of HTTP comes from. */
static int code_of(unsigned status)
{
    switch (status) {
    case LISTEN_UNAUTHORIZED:
        return 16; /* UNAUTHENTICATED */
    case LISTEN_NOT_FOUND:
        return 5; /* NOT_FOUND */
    case LISTEN_BAD_METHOD:
        return 12; /* UNIMPLEMENTED */
    case LISTEN_BODY_TOO_LARGE:
        return 8; /* RESOURCE_EXHAUSTED */
    case LISTEN_INTERNAL:
        return 13; /* INTERNAL */
    case LISTEN_UNAVAILABLE:
        return 14; /* UNAVAILABLE */
    default:
        return 3; /* INVALID_ARGUMENT */
    }
}

static void put_text(struct tcore_buf *out, const char *text)
{
    attributes_put_text(out, text, strlen(text));
}

static void put_json(const struct listen_request *request, struct tcore_buf *out)
{
    if (request->status != LISTEN_OK) {
        tcore_buf_printf(out, "{\"code\":%d,\"message\":", code_of(request->status));
        put_text(out, request->reason);
        tcore_buf_putc(out, '}');
    } else if (request->rejected) {
        tcore_buf_printf(out, "{\"partialSuccess\":{\"%s\":\"%" PRIu64 "\",\"errorMessage\":",
                         request->route->rejected, request->rejected);
        put_text(out, request->reason);
        tcore_buf_puts(out, "}}");
    } else {
        tcore_buf_puts(out, "{}");
    }
}

/* ---- protobuf ---- */

static void put_varint(struct tcore_buf *out, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        tcore_buf_putc(out, (char)(number | 0x80));
    tcore_buf_putc(out, (char)number);
}

/* A message of a number in field 1 and a text in field 2: a partial success and a Status are both
 * of this form. */
static void put_message(struct tcore_buf *out, uint64_t number, const char *text)
{
    tcore_buf_putc(out, '\x08');
    put_varint(out, number);
    tcore_buf_putc(out, '\x12');
    put_varint(out, strlen(text));
    tcore_buf_puts(out, text);
}

static void put_protobuf(const struct listen_request *request, struct tcore_buf *out)
{
    struct tcore_buf partial_success = {0};
    if (request->status != LISTEN_OK) {
        put_message(out, (uint64_t)code_of(request->status), request->reason);
    } else if (request->rejected) {
        put_message(&partial_success, request->rejected, request->reason);
        tcore_buf_putc(out, '\x0a');
        put_varint(out, partial_success.length);
        tcore_buf_append(out, partial_success.data, partial_success.length);
        tcore_buf_free(&partial_success);
    }
}

void listen_put_answer(const struct listen_request *request, struct tcore_buf *out)
{
    if (request->status == LISTEN_OK && !request->route->rejected)
        return;
    if (request->type && request->type->is_protobuf)
        put_protobuf(request, out);
    else
        put_json(request, out);
}
