/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs, records and results of the libjq helper. */
#include "query/jq.h"

#include "base/sys.h"
#include "query/expr_lex.h"
#include "query/jq_process.h"
#include "query/view.h"

#include <stdlib.h>
#include <string.h>

#ifndef TCORE_LIBEXEC /* the build defines it */
#define TCORE_LIBEXEC "/usr/local/libexec/tracecore"
#endif

#define BATCH_RECORDS       256
#define BATCH_BYTES         (4u << 20)
#define DEFAULT_WATCHDOG_NS INT64_C(5000000000)
#define DEFAULT_LIMIT_BYTES (UINT64_C(64) << 20)
#define REASON_BYTES        480

/* On one line in front of the program, so that line 2 is the program's first token. */
static const char prelude[] = "def ns: 1; def us: 1000; def ms: 1000000; def s: 1000000000; "
                              "def m: 60000000000; def h: 3600000000000; def d: 86400000000000;\n";

struct tcore_jq {
    struct tcore_helper process;
    uint64_t limit_bytes;
    struct tcore_json json;
    struct tcore_buf lengths, texts, answer, reasons;
    char reason[REASON_BYTES];
};

/* --- Compiling */

/* Where in the program libjq found fault: its message names a line, and a line is a token. */
static void place_error(struct tcore_error *err, unsigned long line, bool at_end,
                        const char *program, const struct tcore_buf *lines)
{
    size_t count = lines->length / sizeof(size_t), at = strlen(program);
    if (line < 2 || !count)
        return;
    if (line - 2 < count && !at_end)
        memcpy(&at, lines->data + (line - 2) * sizeof at, sizeof at);
    const char *begin = program + at;
    while (begin > program && begin[-1] != '\n')
        begin--;
    err->byte = (uint64_t)(program + at - begin) + 1;
    if (strchr(program, '\n')) {
        err->line = 1;
        for (const char *c = program; c < begin; c++)
            err->line += *c == '\n';
    }
}

/* Cuts text at the first occurrence of what. */
static void cut(char *text, const char *what)
{
    char *found = strstr(text, what);
    if (found)
        *found = '\0';
}

/* name/0 is not defined: most likely a field is meant. */
static bool undefined_name(struct tcore_error *err, char *message)
{
    char *slash = strstr(message, "/");
    char *arguments = slash ? slash + 1 : NULL, *end;
    if (!slash || strchr(message, ' ') < slash)
        return false;
    unsigned long count = strtoul(arguments, &end, 10);
    if (end == arguments || strcmp(end, " is not defined") != 0)
        return false;
    *slash = '\0';
    if (count == 0)
        tcore_error_set(err, TCORE_BAD_INPUT, "there is no function %s: did you mean .%s ?",
                        message, message);
    else
        tcore_error_set(err, TCORE_BAD_INPUT, "there is no function %s with %lu argument%s",
                        message, count, count == 1 ? "" : "s");
    return true;
}

/* From libjq's messages to one of ours. Changes messages. */
static enum tcore_status refused(struct tcore_error *err, char *messages, const char *program,
                                 const struct tcore_buf *lines)
{
    static const char marks[][14] = {"jq: error: ", "error: "};
    static const char at_end_text[] = "syntax error, unexpected $end";
    if (!err)
        return TCORE_BAD_INPUT;
    char *text = messages;
    for (size_t i = 0; i < 2; i++)
        if (strncmp(text, marks[i], strlen(marks[i])) == 0)
            text += strlen(marks[i]);
    char *place = strstr(text, ", line ");
    unsigned long line = place ? strtoul(place + 7, NULL, 10) : 0;
    cut(text, "\n");
    cut(text, " (Unix shell quoting");
    cut(text, " at <");
    bool at_end = strncmp(text, at_end_text, sizeof at_end_text - 1) == 0;
    if (at_end)
        tcore_error_set(err, TCORE_BAD_INPUT, "the program ends too early");
    else if (!undefined_name(err, text))
        tcore_error_set(err, TCORE_BAD_INPUT, "%s", *text ? text : "libjq refuses this");
    place_error(err, line, at_end, program, lines);
    return TCORE_BAD_INPUT;
}

static enum tcore_status compile(struct tcore_jq *jq, const char *program, bool checked,
                                 struct tcore_error *err)
{
    struct tcore_buf source = {0}, lines = {0};
    struct tcore_jq_frame frame = {.kind = TCORE_JQ_COMPILE};
    tcore_buf_puts(&source, prelude);
    if (checked)
        tcore_lex_lines(program, strlen(program), &source, &lines);
    else
        tcore_buf_puts(&source, program);
    enum tcore_status status = source.failed || lines.failed ? tcore_error_nomem(err) : TCORE_OK;
    if (status == TCORE_OK)
        status = tcore_jq_process_send(&jq->process, frame, &source, NULL, err);
    if (status == TCORE_OK)
        status = tcore_jq_process_receive(&jq->process, &frame, &jq->answer, err);
    if (status == TCORE_OK && frame.kind == TCORE_JQ_REFUSED)
        status = refused(err, jq->answer.data, program, &lines);
    else if (status == TCORE_OK && frame.kind != TCORE_JQ_READY)
        status = tcore_error_set(err, TCORE_FATAL, "the libjq helper gave a damaged answer");
    tcore_buf_free(&source);
    tcore_buf_free(&lines);
    return status;
}

enum tcore_status tcore_jq_open(struct tcore_jq **made, const char *program,
                                const struct tcore_jq_options *options, struct tcore_error *err)
{
    static const struct tcore_jq_options defaults = {0};
    *made = NULL;
    if (!options)
        options = &defaults;
    enum tcore_status status = TCORE_OK;
    if (!options->unchecked) {
        status = tcore_lex_check(program, strlen(program), err);
        if (status != TCORE_OK)
            return status;
    }
    struct tcore_jq *jq = tcore_calloc(1, sizeof *jq);
    if (!jq)
        return tcore_error_nomem(err);
    jq->limit_bytes = options->limit_bytes ? options->limit_bytes : DEFAULT_LIMIT_BYTES;
    status = tcore_jq_process_start(
        &jq->process, options->helper ? options->helper : TCORE_LIBEXEC "/tracecore-jq",
        options->watchdog_ns > DEFAULT_WATCHDOG_NS ? options->watchdog_ns : DEFAULT_WATCHDOG_NS,
        err);
    if (status == TCORE_OK)
        status = compile(jq, program, !options->unchecked, err);
    if (options->watchdog_ns > 0)
        jq->process.watchdog_ns = options->watchdog_ns;
    if (status == TCORE_OK)
        *made = jq;
    else
        tcore_jq_close(jq);
    return status;
}

void tcore_jq_close(struct tcore_jq *jq)
{
    if (!jq)
        return;
    tcore_helper_stop(&jq->process);
    tcore_json_free(&jq->json);
    tcore_buf_free(&jq->lengths);
    tcore_buf_free(&jq->texts);
    tcore_buf_free(&jq->answer);
    tcore_buf_free(&jq->reasons);
    tcore_free(jq);
}

const char *tcore_jq_reason(const struct tcore_jq *jq)
{
    return jq->reason;
}

/* --- Batches */

static void note_reason(struct tcore_jq *jq, const char *text, size_t length)
{
    if (*jq->reason || !length)
        return;
    if (length > sizeof jq->reason - 1)
        length = sizeof jq->reason - 1;
    memcpy(jq->reason, text, length);
    jq->reason[length] = '\0';
}

static enum tcore_status damaged(struct tcore_jq *jq, struct tcore_error *err)
{
    tcore_helper_stop(&jq->process);
    return tcore_error_set(err, TCORE_FATAL, "the libjq helper gave a damaged answer");
}

/* Keeps why text number i of the batch fails; *failed is where in reasons, plus 1. */
static void keep_reason(struct tcore_jq *jq, size_t *failed, const char *text, size_t length)
{
    *failed = jq->reasons.length + 1;
    tcore_buf_append(&jq->reasons, text, length);
    tcore_buf_putc(&jq->reasons, '\0');
}

/* Takes texts until a batch is full; returns how many. failed says which of them are no JSON, and
 * are not sent. */
static size_t fill_batch(struct tcore_jq *jq, const struct tcore_slice *texts, size_t count,
                         bool records, size_t failed[BATCH_RECORDS], enum tcore_status *status,
                         struct tcore_error *err)
{
    size_t taken = 0;
    tcore_buf_clear(&jq->lengths);
    tcore_buf_clear(&jq->texts);
    *status = TCORE_OK;
    for (; taken < count && taken < BATCH_RECORDS && jq->texts.length < BATCH_BYTES; taken++) {
        const struct tcore_slice *t = &texts[taken];
        struct tcore_error reason;
        size_t from = jq->texts.length;
        enum tcore_status made =
            records ? tcore_view_record(&jq->json, t->data, t->length, &jq->texts, &reason)
                    : tcore_view_text(&jq->json, t->data, t->length, &jq->texts, &reason);
        failed[taken] = 0;
        if (made == TCORE_FATAL) {
            *status = tcore_error_nomem(err);
            break;
        }
        uint32_t length = (uint32_t)(jq->texts.length - from);
        if (made == TCORE_OK)
            tcore_buf_append(&jq->lengths, &length, sizeof length);
        else
            keep_reason(jq, &failed[taken], reason.text, strlen(reason.text));
    }
    if (jq->lengths.failed || jq->reasons.failed)
        *status = tcore_error_nomem(err);
    return taken;
}

static enum tcore_status exchange(struct tcore_jq *jq, uint32_t kind, struct tcore_jq_frame *frame,
                                  struct tcore_error *err)
{
    *frame = (struct tcore_jq_frame){.kind = kind,
                                     .count = (uint32_t)(jq->lengths.length / sizeof(uint32_t)),
                                     .limit = jq->limit_bytes};
    enum tcore_status status =
        tcore_jq_process_send(&jq->process, *frame, &jq->lengths, &jq->texts, err);
    return status == TCORE_OK ? tcore_jq_process_receive(&jq->process, frame, &jq->answer, err)
                              : status;
}

/* --- Verdicts */

static enum tcore_status select_batch(struct tcore_jq *jq, size_t taken, const size_t *failed,
                                      uint8_t *verdicts, struct tcore_error *err)
{
    struct tcore_jq_frame frame = {.bytes = 0};
    uint32_t sent = (uint32_t)(jq->lengths.length / sizeof(uint32_t));
    if (sent) {
        enum tcore_status status = exchange(jq, TCORE_JQ_SELECT, &frame, err);
        if (status != TCORE_OK)
            return status;
        if (frame.kind != TCORE_JQ_VERDICTS || frame.count != sent || frame.bytes < sent)
            return damaged(jq, err);
        note_reason(jq, jq->answer.data + sent, (size_t)frame.bytes - sent);
    }
    const char *answer = jq->answer.data;
    for (size_t i = 0; i < taken; i++) {
        char v = failed[i] ? TCORE_JQ_ERROR : *answer++;
        verdicts[i] = TCORE_JQ_FAILED;
        if (v == TCORE_JQ_TRUE || v == TCORE_JQ_FALSE)
            verdicts[i] = v == TCORE_JQ_TRUE ? TCORE_JQ_IS_TRUE : TCORE_JQ_IS_FALSE;
    }
    return TCORE_OK;
}

enum tcore_status tcore_jq_select(struct tcore_jq *jq, const struct tcore_slice *texts,
                                  size_t count, uint8_t *verdicts, struct tcore_error *err)
{
    size_t failed[BATCH_RECORDS];
    while (count) {
        enum tcore_status status;
        tcore_buf_clear(&jq->reasons);
        size_t taken = fill_batch(jq, texts, count, true, failed, &status, err);
        if (status == TCORE_OK)
            status = select_batch(jq, taken, failed, verdicts, err);
        if (status != TCORE_OK)
            return status;
        if (jq->reasons.length)
            note_reason(jq, jq->reasons.data, strlen(jq->reasons.data));
        texts += taken;
        verdicts += taken;
        count -= taken;
    }
    return TCORE_OK;
}

/* --- Results */

/* One text's part of an answer: its lines, or why there are none. */
static void take_output(struct tcore_jq *jq, const struct tcore_jq_output_head *head,
                        const char *from, struct tcore_buf *out, struct tcore_jq_output *output,
                        size_t *failed)
{
    if (head->failed) {
        keep_reason(jq, failed, from, head->length);
        note_reason(jq, from, head->length);
        return;
    }
    output->offset = out->length;
    output->length = head->length;
    tcore_buf_append(out, from, head->length);
}

/* The answer in jq->answer, for the next texts that were sent. False if it is damaged. */
static bool take_outputs(struct tcore_jq *jq, const struct tcore_jq_frame *frame, size_t taken,
                         size_t *next, struct tcore_buf *out, struct tcore_jq_output *outputs,
                         size_t *failed)
{
    struct tcore_jq_output_head head;
    uint64_t heads = (uint64_t)frame->count * sizeof head, left = frame->bytes - heads;
    if (frame->kind != TCORE_JQ_OUTPUTS || frame->bytes < heads || !frame->count)
        return false;
    const char *at = jq->answer.data, *from = at + heads;
    for (uint32_t i = 0; i < frame->count; i++, at += sizeof head) {
        memcpy(&head, at, sizeof head);
        while (*next < taken && failed[*next])
            ++*next;
        if (*next == taken || head.length > left)
            return false;
        take_output(jq, &head, from, out, &outputs[*next], &failed[*next]);
        ++*next;
        from += head.length;
        left -= head.length;
    }
    return left == 0;
}

static enum tcore_status map_batch(struct tcore_jq *jq, size_t taken, size_t *failed,
                                   struct tcore_buf *out, struct tcore_jq_output *outputs,
                                   struct tcore_error *err)
{
    struct tcore_jq_frame frame;
    size_t sent = jq->lengths.length / sizeof(uint32_t), next = 0;
    if (!sent)
        return TCORE_OK;
    enum tcore_status status = exchange(jq, TCORE_JQ_MAP, &frame, err);
    for (size_t covered = 0; status == TCORE_OK;) {
        covered += frame.count;
        if (covered > sent || !take_outputs(jq, &frame, taken, &next, out, outputs, failed))
            return damaged(jq, err);
        if (covered == sent)
            break;
        status = tcore_jq_process_receive(&jq->process, &frame, &jq->answer, err);
    }
    if (status == TCORE_OK && jq->reasons.failed)
        status = tcore_error_nomem(err);
    return status;
}

enum tcore_status tcore_jq_map(struct tcore_jq *jq, const struct tcore_slice *texts, size_t count,
                               struct tcore_buf *out, struct tcore_jq_output *outputs,
                               struct tcore_error *err)
{
    size_t failed[BATCH_RECORDS];
    tcore_buf_clear(&jq->reasons);
    memset(outputs, 0, count * sizeof *outputs);
    for (size_t done = 0, taken; done < count; done += taken) {
        enum tcore_status status;
        taken = fill_batch(jq, texts + done, count - done, false, failed, &status, err);
        if (status == TCORE_OK)
            status = map_batch(jq, taken, failed, out, outputs + done, err);
        if (status != TCORE_OK)
            return status;
        for (size_t i = 0; i < taken; i++)
            if (failed[i]) { /* reasons may still move: remember the place */
                outputs[done + i].length = 0;
                outputs[done + i].offset = failed[i] - 1;
                outputs[done + i].reason = "";
            }
    }
    for (size_t i = 0; i < count; i++)
        if (outputs[i].reason) {
            outputs[i].reason = jq->reasons.data + outputs[i].offset;
            outputs[i].offset = 0;
        }
    return tcore_buf_status(out, err);
}
