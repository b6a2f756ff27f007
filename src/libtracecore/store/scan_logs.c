/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/scan_logs.h"

#include "base/sys.h"
#include "store/log_read_private.h"

#include <inttypes.h>
#include <string.h>

enum { CHUNK_BYTES = 256 << 10, LINE_BYTES = 32 << 20, OVERLONG_KEPT = 4096 };

/* Whatever is wrong with logs is a problem of theirs; segments can be read all the same. */
static enum tcore_status keep_problem(struct tcore_scan_logs *logs, const struct tcore_error *err)
{
    logs->problem = *err;
    tcore_error_errno(&logs->problem, TCORE_BAD_INPUT, err->errnum, "open: %s", err->text);
    return TCORE_OK;
}

static enum tcore_status open_readers(struct tcore_scan_logs *logs, int dir,
                                      struct tcore_error *err)
{
    struct tcore_log_reader **readers;
    struct tcore_error problem = {0};
    if (tcore_log_open_all(dir, &readers, &logs->count, &problem) != TCORE_OK)
        return keep_problem(logs, &problem);
    logs->log = tcore_calloc(logs->count + 1, sizeof *logs->log);
    if (!logs->log) {
        tcore_log_close_all(readers, logs->count);
        logs->count = 0;
        return tcore_error_nomem(err);
    }
    for (size_t i = 0; i < logs->count; i++) {
        logs->log[i].reader = readers[i];
        logs->log[i].end = readers[i]->size;
    }
    tcore_free(readers);
    return TCORE_OK;
}

enum tcore_status tcore_scan_logs_open(struct tcore_scan_logs *logs,
                                       struct tcore_repository *repository,
                                       const struct tcore_input_options *options,
                                       struct tcore_error *err)
{
    int dir;
    struct tcore_error problem = {0};
    logs->chunk_bytes = options->chunk_bytes ? options->chunk_bytes : CHUNK_BYTES;
    logs->line_limit = options->line_limit ? options->line_limit : LINE_BYTES;
    enum tcore_status status = tcore_repository_folder(repository, "open", false, &dir, &problem);
    if (status == TCORE_EOF)
        return TCORE_OK;
    if (status != TCORE_OK)
        return keep_problem(logs, &problem);
    status = open_readers(logs, dir, err);
    tcore_sys()->close(dir);
    return status;
}

void tcore_scan_logs_close(struct tcore_scan_logs *logs)
{
    for (size_t i = 0; i < logs->count; i++)
        tcore_log_reader_close(logs->log[i].reader);
    tcore_free(logs->log);
}

void tcore_scan_logs_heed(struct tcore_scan_logs *logs, const struct tcore_manifest *m)
{
    for (size_t i = 0; m->seal_count && i < logs->count; i++) {
        struct scan_log *log = &logs->log[i];
        uint64_t sealed =
            tcore_log_sealed(tcore_log_reader_id(log->reader), m->seal, m->seal_count);
        log->sealed = sealed > log->sealed ? sealed : log->sealed;
    }
}

/* Closes the log that was read to its end. TCORE_BAD_INPUT: and it was damaged. */
static enum tcore_status leave_log(struct tcore_scan_logs *logs, const struct tcore_error *problem,
                                   struct tcore_error *err)
{
    struct scan_log *log = &logs->log[logs->next++];
    const struct tcore_log_report *report = tcore_log_reader_report(log->reader);
    const char *name = tcore_log_reader_name(log->reader);
    enum tcore_status status = TCORE_OK;
    if (problem)
        status = tcore_error_errno(err, TCORE_BAD_INPUT, problem->errnum, "open/%s: %s", name,
                                   problem->text);
    else if (report->damages)
        status = tcore_error_set(
            err, TCORE_BAD_INPUT,
            "open/%s: damaged log: %" PRIu64 " bytes in %" PRIu64 " place%s are no entry of it",
            name, report->damaged_bytes, report->damages, report->damages == 1 ? "" : "s");
    else if (log->strange)
        status = tcore_error_set(
            err, TCORE_BAD_INPUT,
            "open/%s: it has entries of a kind that this program does not know", name);
    tcore_log_reader_close(log->reader);
    log->reader = NULL;
    return status;
}

/* Goes on to the next entry that is in no segment. TCORE_EOF: there is none; TCORE_BAD_INPUT: a log
 * was damaged; TCORE_FATAL: no memory. */
static enum tcore_status next_entry(struct tcore_scan_logs *logs, struct tcore_error *err)
{
    while (logs->next < logs->count) {
        struct scan_log *log = &logs->log[logs->next];
        struct tcore_error problem = {0};
        enum tcore_status status = tcore_log_read(log->reader, &logs->entry, &problem);
        if (status == TCORE_OK && logs->entry.offset < log->end) {
            bool known = logs->entry.kind == TCORE_LOG_RECORDS;
            bool wanted = logs->entry.sequence > log->sealed;
            log->strange |= wanted && !known;
            if (wanted && known)
                return TCORE_OK;
        } else if (status != TCORE_SKIP) {
            bool failed = status == TCORE_FATAL;
            if (leave_log(logs, failed ? &problem : NULL, err) != TCORE_OK)
                return TCORE_BAD_INPUT;
        }
    }
    return TCORE_EOF;
}

static bool make_room(struct tcore_chunk *chunk, size_t bytes)
{
    size_t wanted = chunk->length + bytes + TCORE_BATCH_PADDING;
    if (wanted <= chunk->capacity)
        return true;
    wanted = wanted < 2 * chunk->capacity ? 2 * chunk->capacity : wanted;
    char *data = tcore_realloc(chunk->data, wanted);
    if (!data)
        return false;
    chunk->data = data;
    chunk->capacity = wanted;
    return true;
}

/* Gives the chunk the lines of the entry at hand, until there is enough or it is a line's turn that
 * needs a chunk of its own. False: out of memory. */
static bool add_lines(struct tcore_scan_logs *logs, struct tcore_chunk *chunk)
{
    const char *end = logs->entry.payload + logs->entry.length;
    while (logs->at < logs->entry.length && chunk->length < logs->chunk_bytes) {
        const char *line = logs->entry.payload + logs->at;
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((newline ? newline : end) - line);
        bool overlong = length > logs->line_limit;
        if (overlong && chunk->length)
            return true;
        size_t kept = overlong && length > OVERLONG_KEPT ? OVERLONG_KEPT : length;
        if (!make_room(chunk, kept + 1))
            return false;
        memcpy(chunk->data + chunk->length, line, kept);
        chunk->length += kept;
        logs->at += length + (newline != NULL);
        if (overlong) {
            chunk->overlong = length;
            return true;
        }
        chunk->data[chunk->length++] = '\n';
    }
    return true;
}

static bool is_enough(const struct tcore_scan_logs *logs, const struct tcore_chunk *chunk)
{
    return chunk->overlong || chunk->length >= logs->chunk_bytes ||
           (chunk->length && logs->at < logs->entry.length);
}

enum tcore_status tcore_scan_logs_next(struct tcore_scan_logs *logs, struct tcore_chunk *chunk,
                                       struct tcore_error *err)
{
    chunk->length = chunk->overlong = 0;
    chunk->lines = true;
    enum tcore_status status = TCORE_OK;
    if (logs->problem.status == TCORE_OK) {
        while (status == TCORE_OK && !is_enough(logs, chunk)) {
            if (logs->at >= logs->entry.length) {
                status = next_entry(logs, &logs->problem);
                logs->at = 0;
                if (status != TCORE_OK)
                    logs->entry.length = 0;
            }
            if (status == TCORE_OK && !add_lines(logs, chunk))
                return tcore_error_nomem(err);
        }
    }
    if (chunk->length) { /* a problem comes behind it */
        memset(chunk->data + chunk->length, 0, TCORE_BATCH_PADDING);
        return TCORE_OK;
    }
    if (logs->problem.status != TCORE_OK) {
        if (err)
            *err = logs->problem;
        logs->problem.status = TCORE_OK;
        return TCORE_BAD_INPUT;
    }
    return TCORE_EOF;
}
