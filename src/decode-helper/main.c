/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tracecore-decode: what came over the network, decoded in a process of its own. Bodies of requests
 * flow in on file 0, native records or a reason flow out on file 1 (record/listen/protocol.h). The
 * process sees nothing else: the sandbox is entered before the first byte is read, so that a body
 * that gets the better of a decoder gets nothing by it. Whoever started us has a watchdog and reads
 * our exit status.
 */
#include <config.h>

#include "record/import/import.h"
#include "record/listen/protocol.h"
#include "sandbox/exchange.h"
#include "sandbox/sandbox.h"
#include "stream/unpack.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEPT_BYTES ((size_t)1 << 20) /* larger memory goes back when a request is done */

struct helper {
    size_t limit; /* bytes of a body, unpacked */
    struct tcore_buf body, unpacked;
    struct import_result result;
};

static void answer(struct listen_decode_answer head, const struct tcore_buf *records,
                   const char *reason)
{
    head.record_bytes = records ? records->length : 0;
    head.reason_bytes = strnlen(reason, LISTEN_REASON_BYTES);
    exchange_write(&head, sizeof head);
    if (records)
        exchange_write(records->data, records->length);
    exchange_write(reason, head.reason_bytes);
}

static void refuse(enum listen_verdict verdict, const char *reason)
{
    answer((struct listen_decode_answer){.verdict = verdict}, NULL, reason);
}

/* ---- unpacking ---- */

static ssize_t feed(void *context, const void **data)
{
    struct tcore_slice *rest = context;
    size_t length = rest->length;
    *data = rest->data;
    rest->length = 0;
    return (ssize_t)length;
}

/* Unpacks the body; TCORE_EOF: it is longer than the limit. */
static enum tcore_status unpack(struct helper *h, struct tcore_error *err)
{
    struct tcore_slice rest = {h->body.data, h->body.length};
    struct tcore_unpack *unpack;
    size_t got = 1;
    tcore_buf_clear(&h->unpacked);
    enum tcore_status status = tcore_unpack_open(&unpack, TCORE_PACKING_GZIP, feed, &rest, err);
    if (status != TCORE_OK)
        return status;
    while (status == TCORE_OK && got && h->unpacked.length <= h->limit) {
        char *room = tcore_buf_reserve(&h->unpacked, (size_t)64 << 10);
        if (!room)
            _exit(LISTEN_EXIT_MEMORY);
        status = tcore_unpack_read(unpack, room, (size_t)64 << 10, &got, err);
        h->unpacked.length += status == TCORE_OK ? got : 0;
    }
    tcore_unpack_close(unpack);
    return status == TCORE_OK && h->unpacked.length > h->limit ? TCORE_EOF : status;
}

/* zlib is opened by its first use, for which there are no files any more later on. */
static bool prepare_unpacking(void)
{
    struct tcore_slice nothing = {"", 0};
    struct tcore_unpack *unpack;
    struct tcore_error err;
    if (tcore_unpack_open(&unpack, TCORE_PACKING_GZIP, feed, &nothing, &err) == TCORE_OK) {
        tcore_unpack_close(unpack);
        return true;
    }
    fprintf(stderr, "%s\n", err.text);
    return false;
}

/* ---- requests ---- */

static size_t skip_blanks(const struct tcore_buf *body, size_t at)
{
    while (at < body->length && memchr(" \t\r\n", body->data[at], 4))
        at++;
    return at;
}

/* {} or [], a message without any field or a list without any element: there is nothing in it that
 * would say what it is. */
static bool is_empty(const struct tcore_buf *body)
{
    size_t open = skip_blanks(body, 0), close = skip_blanks(body, open + 1);
    return close < body->length && skip_blanks(body, close + 1) == body->length &&
           ((body->data[open] == '{' && body->data[close] == '}') ||
            (body->data[open] == '[' && body->data[close] == ']'));
}

static void list_rejects(const struct import_result *result, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct listen_decode_reject reject = {.line = result->rejects[i].line};
        snprintf(reject.reason, sizeof reject.reason, "%s",
                 result->reasons.data + result->rejects[i].reason);
        exchange_write(&reject, sizeof reject);
    }
}

/* lists: nobody waits for a verdict on the body, but for one on each of its lines. */
static void answer_result(const struct import_result *result, bool empty, bool lists)
{
    const char *reason = result->reject_count ? result->reasons.data : "";
    if (!result->documents && !empty && !lists) {
        refuse(LISTEN_UNDECODABLE, *reason ? reason : "the body is empty");
        return;
    }
    struct listen_decode_answer head = {
        .verdict = LISTEN_RECORDS,
        .rejected = result->documents || lists ? result->reject_count : 0,
        .ignored = result->counts.ignored,
        .listed = !lists                                  ? 0
                  : result->reject_count < LISTEN_REJECTS ? result->reject_count
                                                          : LISTEN_REJECTS,
    };
    answer(head, &result->out, head.rejected ? reason : "");
    list_rejects(result, head.listed);
}

static void convert(struct helper *h, const struct import_format *format,
                    const struct listen_decode_head *head, const struct tcore_buf *body)
{
    const bool is_json = format->input == IMPORT_JSON;
    const struct import_settings settings = {
        .at_ns = head->at_ns, .dogstatsd = head->dogstatsd != 0, .whole = true};
    const struct cli_io_options io = {.limit = -1, .key_descriptor = -1};
    struct import_unit unit = {.length = body->length, .line = 1, .byte = 1};
    const struct import_chunk chunk = {.text = *body,
                                       .units = &unit,
                                       .count = body->length > 0,
                                       .limit = h->limit,
                                       .format = is_json ? NULL : format};
    struct import_job job;
    struct tcore_error err;
    if (import_job_open(&job, &io, format, NULL, &err) != TCORE_OK)
        _exit(LISTEN_EXIT_MEMORY);
    job.settings = &settings;
    job.signal = (enum import_signal)head->signal;
    if (import_convert(&job, &chunk, &h->result, &err) != TCORE_OK)
        _exit(LISTEN_EXIT_MEMORY);
    if (h->result.out.length > LISTEN_RECORD_BYTES(h->limit))
        refuse(LISTEN_TOO_LARGE, "its records are many times as long as the body may be");
    else
        answer_result(&h->result, is_json ? is_empty(body) : !body->length,
                      head->lists_rejects != 0);
    import_job_close(&job);
}

static void answer_request(struct helper *h, const struct listen_decode_head *head)
{
    const struct import_format *format = import_format_find(head->format);
    const struct tcore_buf *body = &h->body;
    struct tcore_error err;
    enum tcore_status status = TCORE_OK;
    char reason[LISTEN_REASON_BYTES];
    if (!format || head->signal > IMPORT_LOGS)
        _exit(LISTEN_EXIT_PROTOCOL);
    if (head->packed) {
        status = unpack(h, &err);
        body = &h->unpacked;
    }
    if (status == TCORE_OK) {
        convert(h, format, head, body);
    } else if (status == TCORE_EOF) {
        snprintf(reason, sizeof reason, "unpacked it has more than %zu bytes", h->limit);
        refuse(LISTEN_TOO_LARGE, reason);
    } else if (status == TCORE_BAD_INPUT) {
        refuse(LISTEN_UNDECODABLE, err.text);
    } else {
        _exit(LISTEN_EXIT_MEMORY);
    }
}

static void give_back(struct helper *h)
{
    if (h->body.capacity > KEPT_BYTES)
        tcore_buf_free(&h->body);
    if (h->unpacked.capacity > KEPT_BYTES)
        tcore_buf_free(&h->unpacked);
    if (h->result.out.capacity > KEPT_BYTES)
        import_result_free(&h->result);
}

static bool read_request(struct helper *h, struct listen_decode_head *head)
{
    if (!exchange_read(head, sizeof *head))
        return false;
    if (head->bytes > h->limit || head->format[sizeof head->format - 1])
        _exit(LISTEN_EXIT_PROTOCOL);
    tcore_buf_clear(&h->body);
    char *room = tcore_buf_reserve(&h->body, head->bytes + 1);
    if (!room)
        _exit(LISTEN_EXIT_MEMORY);
    if (head->bytes && !exchange_read(room, head->bytes))
        _exit(LISTEN_EXIT_PROTOCOL);
    h->body.length = head->bytes;
    return true;
}

/* A sanitizer needs terabytes of addresses. */
static unsigned long memory_of(size_t limit)
{
#ifdef __SANITIZE_ADDRESS__
    return limit - limit;
#else
    return LISTEN_DECODER_BYTES(limit);
#endif
}

int main(int argc, char **argv)
{
    struct helper h = {.limit = argc == 2 ? strtoul(argv[1], NULL, 10) : 0};
    struct listen_decode_head head;
    if (!h.limit || isatty(STDIN_FILENO)) {
        fprintf(stderr, "%s: trace-record listen starts this to decode what it receives\n",
                argv[0]);
        return LISTEN_EXIT_USAGE;
    }
    if (!prepare_unpacking())
        return LISTEN_EXIT_PROTOCOL;
    /* A service manager ends all of a service at once; requests that are open need us. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    int layers = sandbox_enter(memory_of(h.limit));
    if (layers < 0)
        return LISTEN_EXIT_PROTOCOL;
    answer((struct listen_decode_answer){.verdict = LISTEN_READY, .layers = (uint32_t)layers}, NULL,
           "");
    while (read_request(&h, &head)) {
        answer_request(&h, &head);
        give_back(&h);
    }
    _exit(LISTEN_EXIT_END); /* all is the system's to take back */
}
