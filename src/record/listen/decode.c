/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/decode.h"

#include "cli/helper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>

static enum tcore_helper_end receive_text(struct listen_decoder *d, struct tcore_buf *out,
                                          uint64_t bytes)
{
    char *room = tcore_buf_reserve(out, bytes + 1);
    if (!room) {
        errno = ENOMEM;
        return TCORE_HELPER_BROKEN;
    }
    enum tcore_helper_end end = tcore_helper_receive(&d->helper, room, bytes);
    if (end == TCORE_HELPER_WELL)
        out->length += bytes;
    return end;
}

/* Receives an answer; a damaged one is not believed: it is a sandbox because we do not trust it. */
static enum tcore_helper_end receive(struct listen_decoder *d, struct listen_decode_answer *answer,
                                     struct tcore_buf *records, char reason[LISTEN_REASON_BYTES])
{
    enum tcore_helper_end end = tcore_helper_receive(&d->helper, answer, sizeof *answer);
    if (end != TCORE_HELPER_WELL)
        return end;
    if (answer->record_bytes > LISTEN_RECORD_BYTES(d->body_bytes) ||
        answer->reason_bytes > LISTEN_REASON_BYTES - 1 || answer->listed > LISTEN_REJECTS) {
        errno = EPROTO;
        return TCORE_HELPER_BROKEN;
    }
    if (answer->record_bytes)
        end = receive_text(d, records, answer->record_bytes);
    if (end == TCORE_HELPER_WELL)
        end = tcore_helper_receive(&d->helper, reason, answer->reason_bytes);
    reason[end == TCORE_HELPER_WELL ? answer->reason_bytes : 0] = '\0';
    return end;
}

/* Receives the rejects behind an answer. */
static enum tcore_helper_end receive_rejects(struct listen_decoder *d, uint64_t count,
                                             struct tcore_buf *rejects)
{
    struct listen_decode_reject reject;
    enum tcore_helper_end end = TCORE_HELPER_WELL;
    for (uint64_t i = 0; i < count && end == TCORE_HELPER_WELL; i++) {
        end = tcore_helper_receive(&d->helper, &reject, sizeof reject);
        reject.reason[LISTEN_REJECT_BYTES - 1] = '\0';
        if (end == TCORE_HELPER_WELL)
            tcore_buf_append(rejects, &reject, sizeof reject);
    }
    return end;
}

enum tcore_status listen_decoder_open(struct listen_decoder *d, size_t body_bytes,
                                      struct tcore_error *err)
{
    struct cli_helper_path path;
    struct listen_decode_answer answer = {0};
    char name[] = "tracecore-decode", limit[24], reason[LISTEN_REASON_BYTES];
    char *argv[] = {name, limit, NULL};
    *d = (struct listen_decoder){.body_bytes = body_bytes, .watchdog_ns = LISTEN_DECODE_NS};
    snprintf(limit, sizeof limit, "%zu", body_bytes);
    cli_helper_path(&path, name);
    int error = tcore_helper_start(&d->helper, path.text, argv, d->watchdog_ns);
    if (error)
        return tcore_error_errno(err, TCORE_FATAL, error, "%s cannot be started", path.text);
    tcore_helper_begin(&d->helper);
    if (receive(d, &answer, NULL, reason) != TCORE_HELPER_WELL || answer.verdict != LISTEN_READY)
        return tcore_error_set(err, TCORE_FATAL, "%s does not come up%s%s", path.text,
                               *d->helper.words ? ": " : "", d->helper.words);
    d->layers = answer.layers;
    return TCORE_OK;
}

void listen_decoder_close(struct listen_decoder *d)
{
    tcore_helper_stop(&d->helper);
}

static enum tcore_helper_end exchange(struct listen_decoder *d, struct listen_request *request,
                                      struct listen_decode_answer *answer)
{
    struct listen_decode_head head = {.packed = request->packed,
                                      .signal = request->route->signal,
                                      .bytes = request->body.length,
                                      .at_ns = request->at_ns,
                                      .dogstatsd = request->dogstatsd,
                                      .lists_rejects = request->lists_rejects};
    snprintf(head.format, sizeof head.format, "%s", request->type->format);
    tcore_helper_begin(&d->helper);
    enum tcore_helper_end end = tcore_helper_send(&d->helper, &head, sizeof head);
    if (end == TCORE_HELPER_WELL)
        end = tcore_helper_send(&d->helper, request->body.data, request->body.length);
    if (end == TCORE_HELPER_WELL)
        end = receive(d, answer, &request->records, request->reason);
    if (end == TCORE_HELPER_WELL)
        end = receive_rejects(d, answer->listed, &request->rejects);
    return end;
}

/* What became of the decoder, and so of the request. */
static void refuse_for_end(const struct listen_decoder *d, struct listen_request *request,
                           enum tcore_helper_end end, char *died)
{
    const struct tcore_helper *h = &d->helper;
    int status = h->wait_status;
    if (end == TCORE_HELPER_SLOW) {
        listen_refuse(request, LISTEN_BAD_REQUEST, "it took longer than %g s to decode",
                      (double)d->watchdog_ns / 1e9);
        snprintf(died, LISTEN_REASON_BYTES, "a body kept its decoder busy for too long");
    } else if (end == TCORE_HELPER_DIED && WIFEXITED(status) &&
               WEXITSTATUS(status) == LISTEN_EXIT_MEMORY) {
        listen_refuse(request, LISTEN_BODY_TOO_LARGE, "decoding it takes more than %" PRIu64 " MiB",
                      LISTEN_DECODER_BYTES(d->body_bytes) >> 20);
    } else if (end == TCORE_HELPER_DIED) {
        listen_refuse(request, LISTEN_BAD_REQUEST, "it cannot be decoded");
        snprintf(died, LISTEN_REASON_BYTES, "a body ended its decoder (%s %d)%s%s",
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                 *h->words ? ": " : "", h->words);
    } else if (errno == ENOMEM) {
        listen_refuse(request, LISTEN_UNAVAILABLE, "there is no memory for its records");
    } else {
        listen_refuse(request, LISTEN_INTERNAL, "its decoder cannot be talked to");
        snprintf(died, LISTEN_REASON_BYTES, "a decoder cannot be talked to: %s", strerror(errno));
    }
}

static void take_answer(const struct listen_decode_answer *answer, struct listen_request *request)
{
    const char *more = " (the first of them)";
    size_t length = strlen(request->reason);
    switch (answer->verdict) {
    case LISTEN_RECORDS:
        request->rejected = answer->rejected;
        if (request->rejected > 1 && length + strlen(more) < sizeof request->reason)
            strcpy(request->reason + length, more);
        break;
    case LISTEN_TOO_LARGE:
        request->status = LISTEN_BODY_TOO_LARGE;
        break;
    default:
        request->status = LISTEN_BAD_REQUEST;
        break;
    }
}

enum tcore_status listen_decode(struct listen_decoder *d, struct listen_request *request,
                                char died[LISTEN_REASON_BYTES], struct tcore_error *err)
{
    struct listen_decode_answer answer = {0};
    enum tcore_helper_end end = exchange(d, request, &answer);
    *died = '\0';
    if (end == TCORE_HELPER_WELL) {
        take_answer(&answer, request);
        return TCORE_OK;
    }
    tcore_buf_free(&request->records);
    tcore_buf_free(&request->rejects);
    refuse_for_end(d, request, end, died);
    listen_decoder_close(d);
    return listen_decoder_open(d, d->body_bytes, err);
}
