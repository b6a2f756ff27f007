/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Posting a batch until it is delivered or there is no hope. What is tried again, and how long is
 * waited: OTLP specification, "OTLP/HTTP Response" and "OTLP/HTTP Throttling".
 */
#include <config.h>

#include "record/export/delivery.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "record/gzip.h"

#include <inttypes.h>
#include <string.h>

#define DELAY_MOST_NS ((int64_t)30 * 1000000000)
#define LINES_RETRY_NS                                                                             \
    ((int64_t)10 * 1000000000) /* somebody waits for the program that records                      \
                                */

/* --- addresses --- */

static size_t scheme_length(const char *text)
{
    return !strncmp(text, "http://", 7) ? 7 : !strncmp(text, "https://", 8) ? 8 : 0;
}

bool delivery_is_url(const char *text)
{
    return scheme_length(text);
}

const char *delivery_url_fault(const char *url)
{
    size_t scheme = scheme_length(url);
    const char *host = url + scheme;
    size_t length = strcspn(host, "/?#");
    if (!scheme)
        return "an address begins with http:// or https://";
    if (!length)
        return "the address has no host";
    if (memchr(host, '@', length))
        return "a password is nothing for a command line: use --token-file";
    if (strpbrk(url, "?#"))
        return "it is a base address, without ? or #";
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return "it has a blank or control character";
    return NULL;
}

/* The base address with the path of each signal behind it. */
static bool make_addresses(struct delivery *d)
{
    static const char *const paths[OTLP_SIGNALS] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
    size_t length = strlen(d->url);
    while (length && d->url[length - 1] == '/')
        length--;
    for (int i = 0; i < OTLP_SIGNALS; i++) {
        size_t path = strlen(paths[i]);
        d->address[i] = tcore_malloc(length + path + 1);
        if (!d->address[i])
            return false;
        memcpy(d->address[i], d->url, length);
        memcpy(d->address[i] + length, paths[i], path + 1);
    }
    return true;
}

enum tcore_status delivery_open(struct delivery *d, struct cli *cli, const char *url,
                                const struct delivery_options *options, struct tcore_error *err)
{
    *d = (struct delivery){.cli = cli, .options = options, .url = url};
    if (!make_addresses(d))
        return tcore_error_nomem(err);
    return http_client_new(&d->client, &options->http, err);
}

void delivery_close(struct delivery *d)
{
    http_client_free(d->client);
    for (int i = 0; i < OTLP_SIGNALS; i++)
        tcore_free(d->address[i]);
    tcore_buf_free(&d->reply.body);
    tcore_buf_free(&d->packed);
}

/* --- waiting --- */

static bool is_retryable(const struct http_reply *reply)
{
    if (reply->result != HTTP_ANSWERED)
        return reply->result == HTTP_NO_ANSWER;
    return reply->status == 429 || (reply->status >= 502 && reply->status <= 504);
}

/* Twice as long each time, half of it by chance, so that many senders do not come at once; never
 * before the receiver said. */
static int64_t delay_before(const struct delivery *d, unsigned attempt)
{
    uint32_t random = 0;
    int64_t delay = d->options->retry_delay_ns;
    for (unsigned i = 1; i < attempt && delay < DELAY_MOST_NS; i++)
        delay *= 2;
    if (delay > DELAY_MOST_NS)
        delay = DELAY_MOST_NS;
    tcore_sys()->random(&random, sizeof random);
    delay = delay / 2 + (int64_t)((double)delay * (random * 0x1p-32));
    return delay > d->reply.retry_after_ns ? delay : d->reply.retry_after_ns;
}

/* --- a batch --- */

/* What the last answer was, as a reason. */
static void describe(const struct delivery *d, struct tcore_buf *text)
{
    const struct http_reply *reply = &d->reply;
    if (reply->result != HTTP_ANSWERED) {
        tcore_buf_puts(text, reply->reason);
        return;
    }
    tcore_buf_printf(text, "status %ld", reply->status);
    size_t begin = text->length;
    tcore_buf_puts(text, " (");
    delivery_message(reply, text);
    if (text->length == begin + 2)
        text->length = begin;
    else
        tcore_buf_putc(text, ')');
}

static enum tcore_status not_delivered(struct delivery *d, const struct otlp_message *message,
                                       unsigned attempts, struct tcore_error *err)
{
    struct tcore_buf text = {0};
    describe(d, &text);
    tcore_error_set(err, TCORE_SKIP, "%" PRIu64 " record%s not delivered after %u attempt%s: %.*s",
                    message->records, message->records == 1 ? "" : "s", attempts,
                    attempts == 1 ? "" : "s", (int)text.length, text.data ? text.data : "");
    err->input = d->address[message->signal];
    tcore_buf_free(&text);
    return TCORE_SKIP;
}

/* Of a batch that was taken some records may have been refused, or something may be said of it. */
static void take_answer(struct delivery *d, const struct otlp_message *message)
{
    uint64_t refused;
    struct tcore_buf text = {0};
    delivery_partial(&d->reply, message->signal, &refused, &text);
    if (refused > message->records)
        refused = message->records;
    if (refused)
        cli_note(d->cli, "%s: %" PRIu64 " of %" PRIu64 " records refused%s%.*s",
                 d->address[message->signal], refused, message->records, text.length ? ": " : "",
                 (int)text.length, text.data ? text.data : "");
    else if (text.length)
        cli_note(d->cli, "%s: %.*s", d->address[message->signal], (int)text.length, text.data);
    d->refused += refused;
    d->delivered += message->records - refused;
    d->cli->rejected += refused;
    d->down = false;
    tcore_buf_free(&text);
}

static void tell_of_trouble(const struct delivery *d, const struct otlp_message *message)
{
    struct tcore_buf text = {0};
    describe(d, &text);
    cli_note(d->cli, "%s: %.*s; trying again", d->address[message->signal], (int)text.length,
             text.data ? text.data : "");
    tcore_buf_free(&text);
}

static enum tcore_status post(struct delivery *d, const struct otlp_message *message,
                              const struct http_body *body, struct tcore_error *err)
{
    int64_t begin = tcore_sys()->monotonic_ns();
    for (unsigned attempt = 1;; attempt++) {
        enum tcore_status status =
            http_post(d->client, d->address[message->signal], body, &d->reply, err);
        if (status != TCORE_OK)
            return status;
        if (d->reply.result == HTTP_ANSWERED && d->reply.status / 100 == 2) {
            take_answer(d, message);
            return TCORE_OK;
        }
        bool hope = is_retryable(&d->reply) && !d->down;
        int64_t delay = hope ? delay_before(d, attempt) : 0;
        int64_t spent = tcore_sys()->monotonic_ns() - begin;
        if (hope && attempt == 1 && d->options->retry_for_ns)
            tell_of_trouble(d, message);
        if (!hope || delay > d->options->retry_for_ns - spent ||
            !cli_wait_until(tcore_sys()->monotonic_ns() + delay)) {
            /* a bad batch says nothing of the next one */
            d->down = d->reply.result != HTTP_ANSWERED ||
                      (d->reply.status != 400 && d->reply.status != 413);
            return not_delivered(d, message, attempt, err);
        }
    }
}

bool delivery_was_too_large(const struct delivery *d)
{
    return d->reply.result == HTTP_ANSWERED && d->reply.status == 413;
}

enum tcore_status delivery_send(struct delivery *d, const struct otlp_message *message,
                                struct tcore_error *err)
{
    const struct tcore_buf *data = &message->data;
    struct http_body body = {
        .content_type = d->options->json ? "application/json" : "application/x-protobuf",
        .gzip = !d->options->plain,
        .data = data->data,
        .length = data->length,
    };
    if (body.gzip) {
        tcore_buf_clear(&d->packed);
        enum tcore_status status = gzip_pack(data->data, data->length, &d->packed, err);
        if (status != TCORE_OK)
            return status;
        body.data = d->packed.data;
        body.length = d->packed.length;
    }
    return post(d, message, &body, err);
}

/* --- records at hand --- */

struct lines {
    struct otlp_stream stream;
    struct delivery delivery;
};

static enum tcore_status emit_lines(void *state, const struct otlp_message *message,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    struct lines *l = state;
    (void)out;
    enum tcore_status status = delivery_send(&l->delivery, message, err);
    return status == TCORE_SKIP ? TCORE_FATAL : status;
}

enum tcore_status delivery_lines(struct cli *cli, const char *url, const struct tcore_buf *lines,
                                 bool tells, struct tcore_error *err)
{
    const struct delivery_options options = {.http = {.timeout_ns = DELIVERY_TIMEOUT_NS},
                                             .retry_delay_ns = DELIVERY_RETRY_DELAY_NS,
                                             .retry_for_ns = LINES_RETRY_NS};
    struct lines l = {.stream = {.protobuf = true,
                                 .most_records = UINT64_MAX,
                                 .most_bytes = SIZE_MAX,
                                 .emit = emit_lines}};
    struct tcore_buf out = {0};
    const char *fault = delivery_url_fault(url);
    if (fault)
        return tcore_error_set(err, TCORE_FATAL, "%s: %s", url, fault);
    enum tcore_status status = delivery_open(&l.delivery, cli, url, &options, err);
    if (status == TCORE_OK)
        status = otlp_batch_open(&l.stream.batch, l.stream.protobuf, err);
    if (status == TCORE_OK)
        status = otlp_stream_lines(&l.stream, lines, &out, err);
    bool sent = l.delivery.delivered || l.delivery.refused;
    if (status == TCORE_OK && !sent)
        status = tcore_error_set(err, TCORE_FATAL, "OTLP has no place for this record");
    else if (status == TCORE_OK && tells)
        otlp_stream_note(&l.stream, cli);
    otlp_stream_free(&l.stream);
    delivery_close(&l.delivery);
    tcore_buf_free(&out);
    if (status != TCORE_OK)
        err->input = url; /* what is in it may be gone */
    return status;
}
