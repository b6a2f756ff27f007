/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a policy lets in of records that are made one by one. */
#include <config.h>

#include "record/collect.h"

#include "base/sys.h"
#include "cli/message.h"
#include "stream/input.h"

#include <inttypes.h>
#include <string.h>

#define PADDING 64 /* of a chunk */

static enum tcore_status make_chunk(struct tcore_chunk *chunk, const struct tcore_buf *lines,
                                    struct tcore_error *err)
{
    chunk->data = tcore_malloc(lines->length + PADDING);
    if (!chunk->data)
        return tcore_error_nomem(err);
    memcpy(chunk->data, lines->data, lines->length);
    memset(chunk->data + lines->length, 0, PADDING);
    chunk->length = lines->length;
    chunk->capacity = lines->length + PADDING;
    return TCORE_OK;
}

static enum tcore_status take_rows(struct collector *collector, const struct tcore_batch *batch,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    size_t count = batch->rows;
    uint32_t *rows = tcore_reallocarray(NULL, count + 1, sizeof *rows);
    if (!rows)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)i;
    enum tcore_status status = collector_rows(collector, batch, rows, &count, err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        struct tcore_slice text;
        status = collector_text(collector, batch, rows[i], &text, err);
        if (status != TCORE_OK)
            break;
        tcore_buf_append(out, text.data, text.length);
        tcore_buf_putc(out, '\n');
    }
    tcore_free(rows);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}

enum tcore_status collect_lines(const struct policy *policy, const struct tcore_buf *lines,
                                struct tcore_buf *out, struct collect_counts *counts,
                                struct tcore_error *err)
{
    const struct tcore_input_options options = {0};
    struct tcore_projection projection = {0};
    struct collection collection;
    struct collector *collector = NULL;
    struct tcore_decoder *decoder = NULL;
    struct tcore_chunk chunk = {0};
    const struct tcore_batch *batch;
    enum tcore_status status = collection_open(&collection, policy, &projection, err);
    if (status == TCORE_OK)
        status = collector_new(&collector, &collection, err);
    if (status == TCORE_OK)
        status = tcore_decoder_new(&decoder, &projection, &options, err);
    if (status == TCORE_OK)
        status = make_chunk(&chunk, lines, err);
    if (status == TCORE_OK)
        status = tcore_decoder_decode(decoder, TCORE_FORMAT_NDJSON, &chunk, &batch, err);
    if (status == TCORE_OK && batch->reject_count) /* nothing is left out unseen */
        status = tcore_error_set(err, TCORE_FATAL, "what was to be recorded is no record: %s",
                                 batch->rejects[0].reason);
    if (status == TCORE_OK)
        status = take_rows(collector, batch, out, err);
    if (collector)
        *counts = *collector_counts(collector);
    tcore_decoder_free(decoder);
    tcore_chunk_free(&chunk);
    collector_free(collector);
    collection_close(&collection);
    tcore_projection_free(&projection);
    return status;
}

void collect_note(struct cli *cli, const char *repository, const struct collect_counts *counts)
{
    if (counts->dropped)
        cli_note(cli, "%s: %" PRIu64 " record%s not kept: the policy drops %s", repository,
                 counts->dropped, counts->dropped == 1 ? " is" : "s are",
                 counts->dropped == 1 ? "it" : "them");
    if (counts->unsampled)
        cli_note(cli, "%s: %" PRIu64 " span%s not kept: the policy samples other traces",
                 repository, counts->unsampled, counts->unsampled == 1 ? " is" : "s are");
    if (counts->failed)
        cli_note(cli,
                 "%s: an expression of the policy's drop gave an error for %" PRIu64
                 " record%s, which %s kept",
                 repository, counts->failed, counts->failed == 1 ? "" : "s",
                 counts->failed == 1 ? "is" : "are");
}
