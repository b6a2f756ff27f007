/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said to the libjq helper, and what became of it in words. */
#include "query/jq_process.h"

#include <errno.h>
#include <sys/wait.h>

#define FRAME_LIMIT (UINT64_C(1) << 30)

enum tcore_status tcore_jq_process_start(struct tcore_helper *p, const char *path,
                                         int64_t watchdog_ns, struct tcore_error *err)
{
    char name[] = "tracecore-jq";
    char *argv[] = {name, NULL};
    int error = tcore_helper_start(p, path, argv, watchdog_ns);
    return error ? tcore_error_errno(err, TCORE_FATAL, error,
                                     "this expression needs libjq, but %s cannot be started", path)
                 : TCORE_OK;
}

static enum tcore_status died(const struct tcore_helper *p, struct tcore_error *err)
{
    const char *words = p->words;
    int status = p->wait_status;
    if (WIFEXITED(status) && WEXITSTATUS(status) == TCORE_JQ_EXIT_MEMORY)
        return tcore_error_set(err, TCORE_FATAL,
                               "the expression needed more than %u MiB and was stopped",
                               TCORE_JQ_MEMORY_BYTES >> 20);
    if (WIFSIGNALED(status))
        return tcore_error_set(err, TCORE_FATAL, "the expression made libjq crash (signal %d)%s%s",
                               WTERMSIG(status), *words ? ": " : "", words);
    return tcore_error_set(err, TCORE_FATAL, "the libjq helper ended with status %d%s%s",
                           WIFEXITED(status) ? WEXITSTATUS(status) : -1, *words ? ": " : "", words);
}

static enum tcore_status said(const struct tcore_helper *p, enum tcore_helper_end end,
                              struct tcore_error *err)
{
    switch (end) {
    case TCORE_HELPER_WELL:
        return TCORE_OK;
    case TCORE_HELPER_DIED:
        return died(p, err);
    case TCORE_HELPER_SLOW:
        return tcore_error_set(err, TCORE_FATAL,
                               "the expression ran longer than %g s on one batch and was stopped",
                               (double)p->watchdog_ns / 1e9);
    default:
        return tcore_error_errno(err, TCORE_FATAL, errno, "waiting for the libjq helper");
    }
}

static enum tcore_status check_alive(const struct tcore_helper *p, struct tcore_error *err)
{
    return p->pid ? TCORE_OK
                  : tcore_error_set(err, TCORE_FATAL, "the libjq helper was stopped before");
}

enum tcore_status tcore_jq_process_send(struct tcore_helper *p, struct tcore_jq_frame frame,
                                        const struct tcore_buf *first,
                                        const struct tcore_buf *second, struct tcore_error *err)
{
    enum tcore_status status = check_alive(p, err);
    frame.bytes = first->length + (second ? second->length : 0);
    tcore_helper_begin(p);
    if (status == TCORE_OK)
        status = said(p, tcore_helper_send(p, &frame, sizeof frame), err);
    if (status == TCORE_OK)
        status = said(p, tcore_helper_send(p, first->data, first->length), err);
    if (status == TCORE_OK && second)
        status = said(p, tcore_helper_send(p, second->data, second->length), err);
    return status;
}

enum tcore_status tcore_jq_process_receive(struct tcore_helper *p, struct tcore_jq_frame *frame,
                                           struct tcore_buf *payload, struct tcore_error *err)
{
    enum tcore_status status = check_alive(p, err);
    if (status == TCORE_OK)
        status = said(p, tcore_helper_receive(p, frame, sizeof *frame), err);
    if (status != TCORE_OK)
        return status;
    if (frame->bytes > FRAME_LIMIT) { /* it is a sandbox because we do not trust it */
        tcore_helper_kill(p);
        return tcore_error_set(err, TCORE_FATAL, "the libjq helper gave a damaged answer");
    }
    tcore_buf_clear(payload);
    char *room = tcore_buf_reserve(payload, frame->bytes + 1);
    if (!room)
        return tcore_error_nomem(err);
    status = said(p, tcore_helper_receive(p, room, frame->bytes), err);
    if (status != TCORE_OK)
        return status;
    payload->length = frame->bytes;
    room[frame->bytes] = '\0';
    return TCORE_OK;
}
