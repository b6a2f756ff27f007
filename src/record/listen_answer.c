/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What requests are answered, as the OTLP specification (1.5, "OTLP/HTTP Response") has it: of what
 * was taken an export response, whose partial success says what was not; else a google.rpc.Status.
 */
#include <config.h>

#include "record/listen_request.h"

#include "record/attributes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define JSON(otlp)                                                                                 \
    {                                                                                              \
        "application/json", otlp                                                                   \
    }

const struct listen_route listen_routes[] = {
    {.path = "/v1/traces", .types = {JSON("otlp")}, .rejected = "rejectedSpans"},
    {.path = "/v1/metrics", .types = {JSON("otlp")}, .rejected = "rejectedDataPoints"},
    {.path = "/v1/logs", .types = {JSON("otlp")}, .rejected = "rejectedLogRecords"},
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

void listen_put_answer(const struct listen_request *request, struct tcore_buf *out)
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
