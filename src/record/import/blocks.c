/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A writer for each job, which begins anew with each chunk. */
#include <config.h>

#include "record/import/blocks.h"

#include "base/heap.h"
#include "stream/binary.h"

/* More than the writers of some threads hold: what one frees behind a chunk serves for the next
 * one, which saves a tenth of the time. */
enum { KEPT_BYTES = 64 << 20, OWN_BYTES = 32 << 20 };

enum tcore_status import_blocks_open(struct import_job *job, struct tcore_error *err)
{
    enum tcore_status status = tcore_binary_writer_new(&job->writer, &job->blocks, NULL, err);
    tcore_buf_clear(&job->blocks); /* the output has its header already */
    tcore_heap_keep(KEPT_BYTES, OWN_BYTES);
    return status;
}

void import_blocks_close(struct import_job *job)
{
    tcore_binary_writer_free(job->writer);
    job->writer = NULL;
    tcore_buf_free(&job->blocks);
}

bool import_blocks_at_once(const struct import_job *job)
{
    return job->writer && !job->selector && !job->strict;
}

enum tcore_status import_blocks_take(struct import_job *job, struct tcore_error *err)
{
    struct import_result *result = job->result;
    if (result->out.failed || !result->out.length)
        return TCORE_OK; /* a failure is told in the end */
    const char *at = result->out.data, *end = result->out.data + result->out.length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        enum tcore_status status =
            tcore_binary_writer_add(job->writer, at, (size_t)(newline - at), err);
        if (status != TCORE_OK)
            return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
        result->records++;
        at = newline + 1;
    }
    result->out.length = 0;
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
