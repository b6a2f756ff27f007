/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A writer for each job, which begins anew with each chunk. */
#include <config.h>

#include "record/import_blocks.h"

#include "stream/binary.h"

enum tcore_status import_blocks_open(struct import_job *job, struct tcore_error *err)
{
    enum tcore_status status = tcore_binary_writer_new(&job->writer, &job->blocks, NULL, err);
    tcore_buf_clear(&job->blocks); /* the output has its header already */
    return status;
}

void import_blocks_close(struct import_job *job)
{
    tcore_binary_writer_free(job->writer);
    job->writer = NULL;
    tcore_buf_free(&job->blocks);
}

enum tcore_status import_blocks_take(struct import_job *job, size_t from, struct tcore_error *err)
{
    struct import_result *result = job->result;
    const char *at = result->out.data + from, *end = result->out.data + result->out.length;
    if (result->out.failed)
        return TCORE_OK; /* which is told in the end */
    while (from < result->out.length && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        enum tcore_status status =
            tcore_binary_writer_add(job->writer, at, (size_t)(newline - at), err);
        if (status != TCORE_OK)
            return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
        result->records++;
        at = newline + 1;
    }
    result->out.length = from;
    return TCORE_OK;
}

enum tcore_status import_blocks_finish(struct import_job *job, struct tcore_error *err)
{
    struct tcore_buf empty = job->result->blocks;
    enum tcore_status status = tcore_binary_writer_flush(job->writer, err);
    tcore_binary_writer_forget(job->writer);
    if (status != TCORE_OK)
        return status;
    job->result->blocks = job->blocks;
    job->blocks = empty;
    tcore_buf_clear(&job->blocks);
    return TCORE_OK;
}
