/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A decoder for either format: made on first use, since an input is of one format only. */
#include "base/sys.h"
#include "stream/binary.h"
#include "stream/input.h"
#include "stream/ndjson_decode.h"

struct tcore_decoder {
    const struct tcore_projection *projection;
    unsigned depth_limit;
    size_t line_limit;
    struct ndjson_decoder *ndjson;
    struct tcore_binary_decoder *binary;
    struct tcore_batch batch;
};

enum tcore_status tcore_decoder_new(struct tcore_decoder **decoder,
                                    const struct tcore_projection *projection,
                                    const struct tcore_input_options *options,
                                    struct tcore_error *err)
{
    struct tcore_decoder *d = *decoder = tcore_calloc(1, sizeof *d);
    if (!d)
        return tcore_error_nomem(err);
    d->projection = projection;
    d->depth_limit = options && options->depth_limit ? options->depth_limit : 512;
    d->line_limit = options && options->line_limit ? options->line_limit : 32u << 20;
    return TCORE_OK;
}

void tcore_decoder_free(struct tcore_decoder *d)
{
    if (!d)
        return;
    tcore_ndjson_decoder_free(d->ndjson);
    if (d->binary)
        tcore_binary_decoder_free(d->binary);
    tcore_free(d);
}

static enum tcore_status decode_binary(struct tcore_decoder *d, struct tcore_chunk *chunk,
                                       struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    struct tcore_slice block = {chunk->data, chunk->length};
    if (!d->binary)
        status = tcore_binary_decoder_new(&d->binary, d->projection, err);
    if (!status && chunk->apart)
        status = chunk->columns->open(chunk->columns, &block, err);
    struct tcore_binary_columns *columns = chunk->apart ? chunk->columns : NULL;
    if (status)
        return status;
    if (chunk->by_trace) {
        status =
            tcore_binary_decode_sums(d->binary, block.data, block.length, columns, &d->batch, err);
        if (status != TCORE_SKIP)
            return status;
    }
    return tcore_binary_decode(d->binary, block.data, block.length, columns, &d->batch, err);
}

enum tcore_status tcore_decoder_decode(struct tcore_decoder *d, enum tcore_format format,
                                       struct tcore_chunk *chunk, const struct tcore_batch **batch,
                                       struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    *batch = &d->batch;
    if (format == TCORE_FORMAT_BINARY && !chunk->clock && !chunk->lines)
        return decode_binary(d, chunk, err);
    if (!d->ndjson)
        status =
            tcore_ndjson_decoder_new(&d->ndjson, d->projection, d->depth_limit, d->line_limit, err);
    return status ? status : tcore_ndjson_decode(d->ndjson, chunk, &d->batch, err);
}

enum tcore_status tcore_decoder_text(struct tcore_decoder *d, const bool *wanted,
                                     const struct tcore_batch *batch, struct tcore_error *err)
{
    if (batch->text || !batch->rows)
        return TCORE_OK;
    return tcore_binary_decoder_text(d->binary, wanted, &d->batch, err);
}
