/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/rewrite.h"

#include "base/sys.h"
#include "stream/binary.h"

#include <string.h>

/* ---- reading ---- */

struct tcore_segment_reader {
    struct tcore_block_reader block; /* begins with what the decoder asks */
    struct tcore_binary_decoder *decoder;
    uint32_t *rows; /* owned */
    size_t row_capacity;
};

static enum tcore_status read_column(struct tcore_binary_columns *columns, uint32_t column,
                                     uint32_t bytes, const void **data, struct tcore_error *err)
{
    return tcore_block_reader_column((struct tcore_block_reader *)columns, column, bytes, data,
                                     err);
}

enum tcore_status tcore_segment_reader_new(struct tcore_segment_reader **reader,
                                           struct tcore_projection *projection,
                                           struct tcore_error *err)
{
    *reader = tcore_calloc(1, sizeof **reader);
    if (!*reader)
        return tcore_error_nomem(err);
    projection->text = true;
    (*reader)->block.columns.read = read_column;
    enum tcore_status status = tcore_binary_decoder_new(&(*reader)->decoder, projection, err);
    if (status != TCORE_OK) {
        tcore_segment_reader_free(*reader);
        *reader = NULL;
    }
    return status;
}

void tcore_segment_reader_free(struct tcore_segment_reader *reader)
{
    if (!reader)
        return;
    tcore_binary_decoder_free(reader->decoder);
    tcore_block_reader_free(&reader->block);
    tcore_free(reader->rows);
    tcore_free(reader);
}

/* A block, and the numbers of all of its rows. */
static enum tcore_status read_block(struct tcore_segment_reader *reader,
                                    const struct tcore_segment *segment,
                                    const struct tcore_manifest_block *block,
                                    struct tcore_batch *batch, struct tcore_error *err)
{
    struct tcore_slice directory;
    enum tcore_status status =
        tcore_block_reader_open(&reader->block, segment, block, &directory, err);
    if (status == TCORE_OK)
        status = tcore_binary_decode(reader->decoder, directory.data, directory.length,
                                     &reader->block.columns, batch, err);
    if (status == TCORE_OK && batch->rows != block->rows)
        status = tcore_error_set(err, TCORE_BAD_INPUT, "a block has not the records that it says");
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
    if (batch->rows > reader->row_capacity) {
        uint32_t *rows = tcore_reallocarray(reader->rows, batch->rows, sizeof *rows);
        if (!rows)
            return tcore_error_nomem(err);
        reader->rows = rows;
        reader->row_capacity = batch->rows;
    }
    for (size_t i = 0; i < batch->rows; i++)
        reader->rows[i] = (uint32_t)i;
    return TCORE_OK;
}

/* ---- writing ---- */

struct tcore_rewriting {
    struct tcore_sealing sealing;
    struct tcore_binary_writer *writer;
    struct tcore_buf blocks; /* its output */
    struct tcore_block_packer *packer;
    uint64_t records;
};

enum tcore_status tcore_rewriting_new(struct tcore_rewriting **rewriting,
                                      struct tcore_repository *r, struct tcore_error *err)
{
    struct tcore_rewriting *w = tcore_calloc(1, sizeof *w);
    *rewriting = w;
    if (!w)
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_block_packer_new(&w->packer, err);
    if (status == TCORE_OK)
        status = tcore_binary_writer_new(&w->writer, &w->blocks, NULL, err);
    if (status == TCORE_OK)
        status = tcore_sealing_begin(&w->sealing, r, err);
    if (status != TCORE_OK) {
        tcore_rewriting_free(w);
        *rewriting = NULL;
        return status;
    }
    tcore_binary_writer_for_segments(w->writer);
    tcore_buf_clear(&w->blocks); /* no header */
    return TCORE_OK;
}

void tcore_rewriting_free(struct tcore_rewriting *w)
{
    if (!w)
        return;
    tcore_sealing_drop(&w->sealing);
    tcore_binary_writer_free(w->writer);
    tcore_buf_free(&w->blocks);
    tcore_block_packer_free(w->packer);
    tcore_free(w);
}

uint64_t tcore_rewriting_records(const struct tcore_rewriting *w)
{
    return w->records;
}

/* Packs the blocks that are whole. */
static enum tcore_status pack(struct tcore_rewriting *w, struct tcore_error *err)
{
    enum tcore_status status = tcore_buf_status(&w->blocks, err);
    for (size_t at = 0, bytes; at < w->blocks.length && status == TCORE_OK; at += bytes) {
        struct tcore_packed_block packed = {0};
        bool is_block;
        status =
            tcore_binary_unit(w->blocks.data + at, w->blocks.length - at, &bytes, &is_block, err);
        if (status == TCORE_OK)
            status = tcore_pack_block(w->packer, w->blocks.data + at, bytes, &packed, err);
        if (status == TCORE_OK)
            status = tcore_segment_add(w->sealing.writer, &packed, err);
        tcore_packed_block_free(&packed);
    }
    tcore_buf_clear(&w->blocks);
    return status;
}

static enum tcore_status add_rows(struct tcore_rewriting *w, const struct tcore_batch *batch,
                                  const uint32_t *rows, size_t count, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        const struct tcore_slice *text = &batch->text[rows[i]];
        status = tcore_binary_writer_add(w->writer, text->data, text->length, err);
        w->records++;
    }
    if (status == TCORE_OK && w->blocks.length)
        status = pack(w, err);
    return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
}

enum tcore_status tcore_rewriting_end(struct tcore_rewriting *w, struct tcore_sealing *sealing,
                                      size_t *count, struct tcore_error *err)
{
    uint64_t records = 0;
    *count = 0;
    enum tcore_status status = tcore_binary_writer_flush(w->writer, err);
    if (status == TCORE_OK)
        status = pack(w, err);
    if (status != TCORE_OK || !w->records)
        return status;
    const struct tcore_manifest *contents = tcore_segment_contents(w->sealing.writer);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        records += contents->records[type];
    if (records != w->records) /* before anything is removed for it */
        return tcore_error_set(err, TCORE_FATAL, "a segment has not the records that went into it");
    *sealing = w->sealing;
    w->sealing = (struct tcore_sealing){0};
    *count = 1;
    return TCORE_OK;
}

/* What a segment says of logs holds for the one that takes its place. */
static enum tcore_status carry_seals(struct tcore_rewriting *w, const struct tcore_manifest *m,
                                     struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < m->seal_count && status == TCORE_OK; i++)
        status = tcore_segment_seal_log(w->sealing.writer, &m->seal[i], err);
    return status;
}

enum tcore_status tcore_segment_go_through(struct tcore_segment_reader *reader,
                                           const struct tcore_segment *segment,
                                           tcore_row_filter *filter, void *context,
                                           struct tcore_rewriting *rewriting, uint64_t *lost,
                                           struct tcore_error *err)
{
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    if (rewriting && m->keys) /* what cannot be read would be lost, and the rest unsealed */
        return tcore_error_set(err, TCORE_BAD_INPUT, "it has sealed columns, and stays as it is");
    enum tcore_status status = rewriting ? carry_seals(rewriting, m, err) : TCORE_OK;
    for (uint32_t i = 0; i < m->block_count && status == TCORE_OK; i++) {
        struct tcore_batch batch;
        status = read_block(reader, segment, &m->block[i], &batch, err);
        if (status == TCORE_BAD_INPUT && lost) {
            *lost += m->block[i].rows;
            status = TCORE_OK;
            continue;
        }
        size_t count = status == TCORE_OK ? batch.rows : 0;
        if (status == TCORE_OK && filter)
            status = filter(context, &batch, reader->rows, &count, err);
        if (status == TCORE_OK && rewriting)
            status = add_rows(rewriting, &batch, reader->rows, count, err);
    }
    return status;
}
