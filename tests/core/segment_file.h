/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Segments in the file of memory_file.h, for their tests: written from lines, and read a block at a
 * time.
 */
#ifndef TRACECORE_TESTS_CORE_SEGMENT_FILE_H
#define TRACECORE_TESTS_CORE_SEGMENT_FILE_H

#include "binary.h"
#include "memory_file.h"
#include "store/segment_read.h"
#include "store/segment_write.h"

/* What a segment is made of. */
struct segment_recipe {
    unsigned block_lines; /* in each block */
    const struct tcore_log_seal *seal;
    size_t seals;
    const struct tcore_labels *labels; /* NULL: no column is sealed */
    void (*forge)(char *block); /* changes a block, whose checksums are made right again; or NULL */
};

static inline enum tcore_status blocks_of_lines(const struct segment_recipe *recipe,
                                                const struct tcore_buf *lines,
                                                struct tcore_buf *blocks, struct tcore_error *err)
{
    struct tcore_binary_writer *writer = NULL;
    enum tcore_status status = tcore_binary_writer_new(&writer, blocks, NULL, err);
    if (status == TCORE_OK) {
        tcore_binary_writer_for_segments(writer);
        tcore_binary_writer_keep_apart(writer, recipe->labels != NULL);
        tcore_buf_clear(blocks);
    }
    unsigned count = 0;
    for (const char *p = lines->data, *end = p + lines->length; p < end && status == TCORE_OK;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        status = tcore_binary_writer_add(writer, p, (size_t)(newline - p), err);
        if (status == TCORE_OK && ++count % recipe->block_lines == 0)
            status = tcore_binary_writer_flush(writer, err);
        p = newline + 1;
    }
    tcore_binary_writer_free(writer);
    return status;
}

/* Writes the lines as a segment into the file, in place of what it held. */
static inline enum tcore_status write_segment(const struct segment_recipe *recipe,
                                              const struct tcore_buf *lines,
                                              struct tcore_error *err)
{
    struct tcore_buf blocks = {0};
    struct tcore_block_packer *packer = NULL;
    struct tcore_segment_writer *segment = NULL;
    file.length = 0;
    enum tcore_status status = blocks_of_lines(recipe, lines, &blocks, err);
    if (status == TCORE_OK)
        status = tcore_block_packer_new(&packer, err);
    if (status == TCORE_OK)
        status = tcore_segment_writer_new(&segment, FILE_FD, 7, err);
    if (status == TCORE_OK && recipe->labels) {
        tcore_block_packer_set_labels(packer, recipe->labels);
        tcore_segment_set_labels(segment, recipe->labels);
    }
    for (size_t at = 0, bytes; at < blocks.length && status == TCORE_OK; at += bytes) {
        struct tcore_packed_block packed = {0};
        bool is_block;
        status = tcore_binary_unit(blocks.data + at, blocks.length - at, &bytes, &is_block, err);
        if (status == TCORE_OK && recipe->forge) {
            recipe->forge(blocks.data + at);
            seal_block(blocks.data + at, bytes);
        }
        if (status == TCORE_OK)
            status = tcore_pack_block(packer, blocks.data + at, bytes, &packed, err);
        if (status == TCORE_OK)
            status = tcore_segment_add(segment, &packed, err);
        tcore_packed_block_free(&packed);
    }
    for (size_t i = 0; i < recipe->seals && status == TCORE_OK; i++)
        status = tcore_segment_seal_log(segment, &recipe->seal[i], err);
    if (status == TCORE_OK)
        status = tcore_segment_finish(segment, err);
    tcore_segment_writer_free(segment);
    tcore_block_packer_free(packer);
    tcore_buf_free(&blocks);
    return status;
}

/* A block that is read: batch is valid until it is closed. */
struct opened_block {
    struct tcore_block_reader reader;
    struct tcore_binary_decoder *decoder;
    struct tcore_slice directory;
    struct tcore_batch batch;
};

static inline enum tcore_status opened_block_column(struct tcore_binary_columns *columns,
                                                    uint32_t column, uint32_t bytes,
                                                    const void **data, struct tcore_error *err)
{
    return tcore_block_reader_column((struct tcore_block_reader *)columns, column, bytes, data,
                                     err);
}

static inline enum tcore_status opened_block_unseal(struct tcore_binary_columns *columns,
                                                    uint32_t column, struct tcore_slice *opened,
                                                    struct tcore_error *err)
{
    return tcore_block_reader_unseal((struct tcore_block_reader *)columns, column, opened, err);
}

/* To be closed even if it fails. ring: NULL without keys. */
static inline enum tcore_status open_block(struct opened_block *opened,
                                           const struct tcore_segment *segment, uint32_t block,
                                           struct tcore_key_ring *ring, struct tcore_error *err)
{
    static const struct tcore_projection all = {.text = true};
    *opened = (struct opened_block){
        .reader = {.columns = {.read = opened_block_column, .unseal = opened_block_unseal},
                   .ring = ring}};
    enum tcore_status status = tcore_binary_decoder_new(&opened->decoder, &all, err);
    if (status == TCORE_OK)
        status = tcore_block_reader_open(&opened->reader, segment,
                                         &tcore_segment_manifest(segment)->block[block],
                                         &opened->directory, err);
    if (status == TCORE_OK)
        status =
            tcore_binary_decode(opened->decoder, opened->directory.data, opened->directory.length,
                                &opened->reader.columns, &opened->batch, err);
    return status;
}

static inline void close_block(struct opened_block *opened)
{
    tcore_binary_decoder_free(opened->decoder);
    tcore_block_reader_free(&opened->reader);
}

/* The lines of one block behind *lines. */
static inline enum tcore_status read_block(const struct tcore_segment *segment, uint32_t block,
                                           struct tcore_key_ring *ring, struct tcore_buf *lines,
                                           struct tcore_error *err)
{
    struct opened_block opened;
    enum tcore_status status = open_block(&opened, segment, block, ring, err);
    if (status == TCORE_OK)
        append_lines(&opened.batch, lines);
    close_block(&opened);
    return status == TCORE_OK ? tcore_buf_status(lines, err) : status;
}

#endif
