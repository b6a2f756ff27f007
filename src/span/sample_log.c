/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spans as they are in memory, one behind the other, each at a multiple of eight bytes. */
#include <config.h>

#include "span/sample_traces.h"

#include "base/sys.h"
#include "cli/temporary.h"

#include <errno.h>

#define BUFFER ((size_t)1 << 20)

void held_log_open(struct held_log *log)
{
    *log = (struct held_log){.fd = -1};
}

void held_log_close(struct held_log *log)
{
    if (log->fd >= 0)
        tcore_sys()->close(log->fd);
    tcore_buf_free(&log->out);
    tcore_free(log->in);
    held_log_open(log);
}

static size_t bytes_of(const struct held_span *span)
{
    return offsetof(struct held_span, data) + span->text_length + (size_t)span->state_length;
}

static size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* --- Writing */

static enum tcore_status write_out(struct held_log *log, struct tcore_error *err)
{
    enum tcore_status status = tcore_buf_status(&log->out, err);
    if (status == TCORE_OK &&
        tcore_pwrite_all(log->fd, log->out.data, log->out.length, log->bytes) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot write to a temporary file");
    log->bytes += log->out.length;
    tcore_buf_clear(&log->out);
    return status;
}

static enum tcore_status put(struct held_log *log, const struct held_span *span,
                             struct tcore_error *err)
{
    static const char zeros[8];
    size_t bytes = bytes_of(span), at = log->out.length;
    tcore_buf_append(&log->out, span, bytes);
    tcore_buf_append(&log->out, zeros, padded(bytes) - bytes);
    if (!log->out.failed) /* an address is nothing to be read again */
        memset(log->out.data + at + offsetof(struct held_span, next), 0, sizeof span->next);
    return log->out.length < BUFFER && !log->out.failed ? TCORE_OK : write_out(log, err);
}

enum tcore_status held_log_take(struct held_log *log, struct held_table *table,
                                struct tcore_error *err)
{
    enum tcore_status status = log->fd < 0 ? cli_temporary_open(&log->fd, err) : TCORE_OK;
    for (struct held_trace *trace = table->undecided.oldest; trace && status == TCORE_OK;
         trace = trace->newer) {
        for (const struct held_span *span = trace->first; span && status == TCORE_OK;
             span = span->next)
            status = put(log, span, err);
        held_forget_spans(table, trace);
    }
    return status == TCORE_OK && log->out.length ? write_out(log, err) : status;
}

/* --- Reading */

enum tcore_status held_log_rewind(struct held_log *log, struct tcore_error *err)
{
    log->at = 0;
    log->begin = log->filled = 0;
    if (!log->in && !(log->in = tcore_malloc(BUFFER)))
        return tcore_error_nomem(err);
    log->capacity = log->capacity ? log->capacity : BUFFER;
    return TCORE_OK;
}

/* Makes sure of so many bytes from begin on. */
static enum tcore_status fill(struct held_log *log, size_t bytes, struct tcore_error *err)
{
    if (log->filled - log->begin >= bytes)
        return TCORE_OK;
    log->filled -= log->begin;
    memmove(log->in, log->in + log->begin, log->filled);
    log->begin = 0;
    if (bytes > log->capacity) {
        char *grown = tcore_realloc(log->in, bytes);
        if (!grown)
            return tcore_error_nomem(err);
        log->in = grown;
        log->capacity = bytes;
    }
    size_t more = log->capacity - log->filled;
    if (more > log->bytes - log->at)
        more = (size_t)(log->bytes - log->at);
    errno = EIO; /* it is shorter than we made it */
    if (tcore_pread_all(log->fd, log->in + log->filled, more, log->at) != (ptrdiff_t)more ||
        log->filled + more < bytes)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read a temporary file");
    log->filled += more;
    log->at += more;
    return TCORE_OK;
}

enum tcore_status held_log_next(struct held_log *log, const struct held_span **span,
                                struct tcore_error *err)
{
    if (log->begin == log->filled && log->at == log->bytes)
        return TCORE_EOF;
    enum tcore_status status = fill(log, sizeof **span, err);
    if (status != TCORE_OK)
        return status;
    size_t bytes = padded(bytes_of((const struct held_span *)(const void *)(log->in + log->begin)));
    status = fill(log, bytes, err);
    if (status != TCORE_OK)
        return status;
    *span = (const struct held_span *)(const void *)(log->in + log->begin);
    log->begin += bytes;
    return TCORE_OK;
}
