/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a policy lets in of records that are made one by one. */
#include <config.h>

#include "record/repository/collect.h"

#include "base/sys.h"
#include "cli/message.h"
#include "stream/input.h"

#include <inttypes.h>
#include <string.h>

#define PADDING 64 /* of a chunk */

struct line_collector {
    struct collection collection;
    struct tcore_projection projection;
    struct collector *collector;
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk;
};

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

void line_collector_free(struct line_collector *c)
{
    if (!c)
        return;
    tcore_decoder_free(c->decoder);
    tcore_chunk_free(&c->chunk);
    collector_free(c->collector);
    collection_close(&c->collection);
    tcore_projection_free(&c->projection);
    tcore_free(c);
}

enum tcore_status line_collector_new(struct line_collector **result, const struct policy *policy,
                                     struct tcore_error *err)
{
    const struct tcore_input_options options = {0};
    struct line_collector *c = *result = tcore_calloc(1, sizeof *c);
    if (!c)
        return tcore_error_nomem(err);
    enum tcore_status status = collection_open(&c->collection, policy, &c->projection, err);
    if (status == TCORE_OK)
        status = collector_new(&c->collector, &c->collection, err);
    if (status == TCORE_OK)
        status = tcore_decoder_new(&c->decoder, &c->projection, &options, err);
    if (status != TCORE_OK) {
        line_collector_free(c);
        *result = NULL;
    }
    return status;
}

const struct collect_counts *line_collector_counts(const struct line_collector *c)
{
    return collector_counts(c->collector);
}

enum tcore_status line_collector_apply(struct line_collector *c, const struct tcore_buf *lines,
                                       struct tcore_buf *out, struct tcore_error *err)
{
    const struct tcore_batch *batch;
    tcore_chunk_free(&c->chunk);
    enum tcore_status status = make_chunk(&c->chunk, lines, err);
    if (status == TCORE_OK)
        status = tcore_decoder_decode(c->decoder, TCORE_FORMAT_NDJSON, &c->chunk, &batch, err);
    if (status == TCORE_OK && batch->reject_count) /* nothing is left out unseen */
        status = tcore_error_set(err, TCORE_FATAL, "what was to be recorded is no record: %s",
                                 batch->rejects[0].reason);
    return status == TCORE_OK ? take_rows(c->collector, batch, out, err) : status;
}

enum tcore_status collect_lines(const struct policy *policy, const struct tcore_buf *lines,
                                struct tcore_buf *out, struct collect_counts *counts,
                                struct tcore_error *err)
{
    struct line_collector *collector;
    enum tcore_status status = line_collector_new(&collector, policy, err);
    if (status != TCORE_OK)
        return status;
    status = line_collector_apply(collector, lines, out, err);
    *counts = *line_collector_counts(collector);
    line_collector_free(collector);
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
