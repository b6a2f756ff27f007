/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sys.h"
#include "store/rewrite_private.h"
#include "stream/binary.h"

#include <string.h>

struct tcore_rewriting {
    struct tcore_sealing sealing;
    const struct tcore_labels *labels; /* borrowed; NULL: nothing is sealed */
    struct tcore_binary_writer *writer;
    struct tcore_buf blocks; /* its output */
    struct tcore_block_packer *packer;
    uint64_t records;
};

enum tcore_status tcore_rewriting_new(struct tcore_rewriting **rewriting,
                                      struct tcore_repository *r, const struct tcore_labels *labels,
                                      struct tcore_error *err)
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
    w->labels = labels;
    tcore_block_packer_set_labels(w->packer, labels);
    tcore_segment_set_labels(w->sealing.writer, labels);
    tcore_binary_writer_for_segments(w->writer);
    if (labels)
        tcore_binary_writer_keep_apart(w->writer, tcore_labels_relate(labels));
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

/* What filter() leaves of a block, and into rewriting with it. */
static enum tcore_status take_block(struct tcore_segment_reader *reader, struct tcore_batch *batch,
                                    tcore_row_filter *filter, void *context,
                                    struct tcore_rewriting *rewriting, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    size_t count = batch->rows;
    if (filter)
        status = filter(context, batch, reader->rows, &count, err);
    if (status == TCORE_OK && rewriting)
        status = add_rows(rewriting, batch, reader->rows, count, err);
    return status;
}

enum tcore_status tcore_segment_go_through(struct tcore_segment_reader *reader,
                                           struct tcore_segment *segment, tcore_row_filter *filter,
                                           void *context, struct tcore_rewriting *rewriting,
                                           struct tcore_losses *lost, struct tcore_error *err)
{
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    reader->lost = lost;
    enum tcore_status status = tcore_segment_reader_begin(reader, segment, err);
    if (status == TCORE_OK && rewriting)
        status = carry_seals(rewriting, m, err);
    for (uint32_t i = 0; i < m->block_count && status == TCORE_OK; i++) {
        struct tcore_batch batch;
        status = tcore_segment_reader_block(reader, segment, &m->block[i], &batch, err);
        if (status == TCORE_OK && rewriting)
            status = tcore_segment_reader_text(reader, &batch, err);
        if (status == TCORE_BAD_INPUT && lost && !reader->lacks_key) {
            lost->records += m->block[i].rows;
            status = TCORE_OK;
            continue;
        }
        if (status == TCORE_OK && rewriting)
            status = tcore_segment_reader_compare(reader, rewriting->labels, err);
        if (status == TCORE_OK)
            status = take_block(reader, &batch, filter, context, rewriting, err);
    }
    reader->lost = NULL;
    return status;
}
