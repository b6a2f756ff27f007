/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tracecore-jq: libjq in a process of its own. What flows in on file 0 are a jq program and batches
 * of JSON texts, what flows out on file 1 are verdicts or results (query/jq_protocol.h). The
 * process sees nothing else: the sandbox is entered before the program is compiled. libjq aborts
 * when memory is short, cannot be interrupted and crashes on some values; whoever started us has a
 * watchdog and reads our exit status.
 */
#include "sandbox/exchange.h"
#include "sandbox/sandbox.h"

#include "query/jq_protocol.h"

#include <jq.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REASON_BYTES 400
#define FLUSH_BYTES  (1u << 20) /* of results, before they are sent */

struct buffer {
    char *data;
    size_t length, capacity;
};

struct helper {
    jq_state *jq;
    struct buffer request, reply;
    struct buffer messages; /* of the compiler */
};

_Noreturn static void out_of_memory(void *unused)
{
    (void)unused;
    _exit(TCORE_JQ_EXIT_MEMORY);
}

static void append(struct buffer *b, const void *data, size_t bytes)
{
    if (b->capacity - b->length < bytes) {
        size_t capacity = b->capacity ? b->capacity : 4096;
        while (capacity - b->length < bytes)
            capacity *= 2;
        char *more = realloc(b->data, capacity);
        if (!more)
            out_of_memory(NULL);
        b->data = more;
        b->capacity = capacity;
    }
    if (bytes)
        memcpy(b->data + b->length, data, bytes);
    b->length += bytes;
}

/* --- Frames */

static void send_frame(uint32_t kind, uint32_t count, const struct buffer *payload)
{
    struct tcore_jq_frame frame = {.kind = kind, .count = count, .bytes = payload->length};
    exchange_write(&frame, sizeof frame);
    exchange_write(payload->data, payload->length);
}

/* Reads a frame with its payload, which is ended by a NUL. False at the end of input. */
static bool read_frame(struct tcore_jq_frame *frame, struct buffer *payload)
{
    if (!exchange_read(frame, sizeof *frame))
        return false;
    if (frame->bytes > TCORE_JQ_MEMORY_BYTES)
        out_of_memory(NULL);
    payload->length = 0;
    append(payload, "", 1);
    if (payload->capacity < frame->bytes + 1) {
        free(payload->data);
        payload->data = malloc(frame->bytes + 1);
        payload->capacity = frame->bytes + 1;
        if (!payload->data)
            out_of_memory(NULL);
    }
    if (frame->bytes && !exchange_read(payload->data, frame->bytes))
        _exit(TCORE_JQ_EXIT_PROTOCOL);
    payload->data[frame->bytes] = '\0';
    payload->length = frame->bytes;
    return true;
}

/* --- libjq */

static void keep_message(void *data, jv message)
{
    struct buffer *messages = data;
    jv text = jq_format_error(message);
    if (messages->length < 4096) {
        append(messages, jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text)));
        append(messages, "\n", 1);
    }
    jv_free(text);
}

static void ignore_message(void *data, jv message)
{
    (void)data;
    jv_free(message);
}

/* The message of an error as one line. Consumes it. */
static void append_reason(struct buffer *out, jv message)
{
    if (jv_get_kind(message) != JV_KIND_STRING) {
        jv dumped = jv_dump_string(message, 0);
        message = jv_string_concat(jv_string("error: "), dumped);
    }
    size_t length = (size_t)jv_string_length_bytes(jv_copy(message)), from = out->length;
    append(out, jv_string_value(message), length < REASON_BYTES ? length : REASON_BYTES);
    while (length > REASON_BYTES && (out->data[out->length - 1] & 0xc0) == 0x80)
        out->length--; /* not within a character */
    for (size_t i = from; i < out->length; i++)
        if ((unsigned char)out->data[i] < ' ')
            out->data[i] = ' ';
    jv_free(message);
}

/* Begins the program on a text; false with a reason if the text is not to libjq's liking. */
static bool start(struct helper *h, const char *text, uint32_t length, struct buffer *reason)
{
    jv value = length <= INT_MAX ? jv_parse_sized(text, (int)length)
                                 : jv_invalid_with_msg(jv_string("the record is too large"));
    if (jv_is_valid(value)) {
        jq_start(h->jq, value, 0);
        return true;
    }
    jv message = jv_invalid_get_msg(value);
    if (reason)
        append_reason(reason, message);
    else
        jv_free(message);
    return false;
}

/* What ends the results: nothing more, or an error (true, with its reason appended if wanted).
 * Consumes last. */
static bool ends_with_error(struct helper *h, jv last, struct buffer *reason)
{
    static const char halted[] = "the expression asks to halt";
    if (jq_halted(h->jq)) {
        jv_free(last);
        if (reason)
            append(reason, halted, sizeof halted - 1);
        return true;
    }
    if (!jv_invalid_has_msg(jv_copy(last))) {
        jv_free(last);
        return false;
    }
    jv message = jv_invalid_get_msg(last);
    if (reason)
        append_reason(reason, message);
    else
        jv_free(message);
    return true;
}

/* True as soon as one result is neither null nor false. */
static char verdict(struct helper *h, const char *text, uint32_t length, struct buffer *reason)
{
    if (!start(h, text, length, reason))
        return TCORE_JQ_ERROR;
    for (;;) {
        jv result = jq_next(h->jq);
        if (!jv_is_valid(result))
            return ends_with_error(h, result, reason) ? TCORE_JQ_ERROR : TCORE_JQ_FALSE;
        jv_kind kind = jv_get_kind(result);
        jv_free(result);
        if (kind != JV_KIND_NULL && kind != JV_KIND_FALSE)
            return TCORE_JQ_TRUE;
    }
}

/* Appends all results as lines to out, or instead of them the reason of an error. */
static struct tcore_jq_output_head results(struct helper *h, const char *text, uint32_t length,
                                           uint64_t most, struct buffer *out)
{
    static const char too_much[] = "the program gives too much for one record";
    struct tcore_jq_output_head head = {.failed = 1};
    size_t from = out->length;
    if (start(h, text, length, out)) {
        jv result = jq_next(h->jq);
        for (; jv_is_valid(result) && out->length - from <= most; result = jq_next(h->jq)) {
            jv line = jv_dump_string(result, 0);
            append(out, jv_string_value(line), (size_t)jv_string_length_bytes(jv_copy(line)));
            append(out, "\n", 1);
            jv_free(line);
        }
        struct buffer reason = {0};
        if (jv_is_valid(result) || out->length - from > most) {
            jv_free(result);
            append(&reason, too_much, sizeof too_much - 1);
        } else {
            head.failed = ends_with_error(h, result, &reason);
        }
        if (head.failed) {
            out->length = from;
            append(out, reason.data, reason.length);
        }
        free(reason.data);
    }
    head.length = (uint32_t)(out->length - from);
    return head;
}

/* --- Requests */

/* The lengths at the head of a batch; the texts follow them. */
static const uint32_t *lengths_of(const struct helper *h, const struct tcore_jq_frame *frame)
{
    uint64_t need = (uint64_t)frame->count * sizeof(uint32_t);
    const uint32_t *lengths = (const uint32_t *)(const void *)h->request.data;
    for (uint32_t i = 0; need <= frame->bytes && i < frame->count; i++)
        need += lengths[i];
    if (need != frame->bytes)
        _exit(TCORE_JQ_EXIT_PROTOCOL);
    return lengths;
}

static void answer_select(struct helper *h, const struct tcore_jq_frame *frame)
{
    const uint32_t *lengths = lengths_of(h, frame);
    const char *text = (const char *)(lengths + frame->count);
    struct buffer reason = {0};
    bool failed = false;
    h->reply.length = 0;
    for (uint32_t i = 0; i < frame->count; text += lengths[i++]) {
        char v = verdict(h, text, lengths[i], failed ? NULL : &reason);
        failed = failed || v == TCORE_JQ_ERROR;
        append(&h->reply, &v, 1);
    }
    append(&h->reply, reason.data, reason.length);
    free(reason.data);
    send_frame(TCORE_JQ_VERDICTS, frame->count, &h->reply);
}

static void answer_map(struct helper *h, const struct tcore_jq_frame *frame)
{
    const uint32_t *lengths = lengths_of(h, frame);
    const char *text = (const char *)(lengths + frame->count);
    struct buffer out = {0};
    uint32_t ready = 0;
    h->reply.length = 0;
    for (uint32_t i = 0; i < frame->count; text += lengths[i++]) {
        struct tcore_jq_output_head head = results(h, text, lengths[i], frame->limit, &out);
        append(&h->reply, &head, sizeof head);
        ready++;
        if (out.length < FLUSH_BYTES && i + 1 < frame->count)
            continue;
        append(&h->reply, out.data, out.length);
        send_frame(TCORE_JQ_OUTPUTS, ready, &h->reply);
        h->reply.length = out.length = ready = 0;
    }
    free(out.data);
}

static void compile(struct helper *h)
{
    jq_set_error_cb(h->jq, keep_message, &h->messages);
    jq_set_debug_cb(h->jq, ignore_message, NULL);
    if (!jq_compile(h->jq, h->request.data)) {
        send_frame(TCORE_JQ_REFUSED, 0, &h->messages);
        _exit(TCORE_JQ_EXIT_END);
    }
    jq_set_error_cb(h->jq, ignore_message, NULL);
    send_frame(TCORE_JQ_READY, 0, &h->reply);
}

int main(int argc, char **argv)
{
    struct helper h = {0};
    struct tcore_jq_frame frame;
    if (argc > 1 || isatty(STDIN_FILENO)) {
        fprintf(stderr, "%s: the tracecore programs start this when they need libjq\n", argv[0]);
        return TCORE_JQ_EXIT_USAGE;
    }
    if (sandbox_enter(TCORE_JQ_MEMORY_BYTES) < 0)
        return TCORE_JQ_EXIT_PROTOCOL;
    jv_nomem_handler(out_of_memory, NULL);
    h.jq = jq_init();
    if (!h.jq)
        out_of_memory(NULL);
    jq_set_nomem_handler(h.jq, out_of_memory, NULL);
    if (!read_frame(&frame, &h.request))
        return TCORE_JQ_EXIT_END;
    if (frame.kind != TCORE_JQ_COMPILE)
        return TCORE_JQ_EXIT_PROTOCOL;
    compile(&h);
    while (read_frame(&frame, &h.request)) {
        if (frame.kind == TCORE_JQ_SELECT)
            answer_select(&h, &frame);
        else if (frame.kind == TCORE_JQ_MAP)
            answer_map(&h, &frame);
        else
            return TCORE_JQ_EXIT_PROTOCOL;
    }
    _exit(TCORE_JQ_EXIT_END); /* all is the system's to take back */
}
