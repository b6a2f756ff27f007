/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the records that upkeep is about, with what is sealed of them. */
#include "base/sys.h"
#include "store/rewrite_private.h"
#include "store/segment_private.h"
#include "stream/binary.h"
#include "stream/binary_block.h"

#include <limits.h>
#include <string.h>

/* ---- columns ---- */

static enum tcore_status read_column(struct tcore_binary_columns *columns, uint32_t column,
                                     uint32_t bytes, const void **data, struct tcore_error *err)
{
    return tcore_block_reader_column((struct tcore_block_reader *)columns, column, bytes, data,
                                     err);
}

static bool remember_opened(struct tcore_segment_reader *r, uint32_t column)
{
    if (r->opened_count == r->opened_capacity) {
        uint32_t capacity = r->opened_capacity ? r->opened_capacity * 2 : 16;
        struct opened_column *memory = tcore_reallocarray(r->opened, capacity, sizeof *memory);
        if (!memory)
            return false;
        r->opened = memory;
        r->opened_capacity = capacity;
    }
    struct opened_column *opened = &r->opened[r->opened_count++];
    opened->column = column;
    memcpy(opened->label, r->block.label, sizeof opened->label);
    return true;
}

/* No key of ours opens the label: TCORE_SKIP if none ever will. */
static enum tcore_status judge_locked(struct tcore_segment_reader *r, const char *label,
                                      struct tcore_error *err)
{
    const struct tcore_wrapped_label *wrapped = tcore_wrapped_find(&r->wrapped, label);
    if (!wrapped && r->lost) {
        r->lost->values = true;
        return TCORE_SKIP;
    }
    if (!wrapped)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "damaged segment: the key of what is sealed as %s is not in it",
                               label);
    if (!wrapped->count)
        return TCORE_SKIP;
    r->lacks_key = true;
    return tcore_error_set(err, TCORE_BAD_INPUT, "no key at hand opens what is sealed as %s",
                           label);
}

static enum tcore_status unseal_column(struct tcore_binary_columns *columns, uint32_t column,
                                       struct tcore_slice *opened, struct tcore_error *err)
{
    struct tcore_segment_reader *r = (struct tcore_segment_reader *)columns;
    enum tcore_status status = tcore_block_reader_unseal(&r->block, column, opened, err);
    if (status == TCORE_SKIP)
        return judge_locked(r, r->block.label, err);
    if (status == TCORE_OK && !remember_opened(r, column))
        return tcore_error_nomem(err);
    return status;
}

enum tcore_status tcore_segment_reader_new(struct tcore_segment_reader **reader,
                                           struct tcore_projection *projection,
                                           const struct tcore_key_ring *ring,
                                           struct tcore_error *err)
{
    *reader = tcore_calloc(1, sizeof **reader);
    if (!*reader)
        return tcore_error_nomem(err);
    (*reader)->text_late = projection->text_late = !projection->text;
    projection->text = true;
    (*reader)->ring = ring;
    (*reader)->block.columns.read = read_column;
    (*reader)->block.columns.unseal = unseal_column;
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
    tcore_wrapped_free(&reader->wrapped);
    tcore_free(reader->opened);
    tcore_free(reader->rows);
    tcore_free(reader);
}

bool tcore_segment_reader_lacks_key(const struct tcore_segment_reader *reader)
{
    return reader->lacks_key;
}

/* ---- segments and blocks ---- */

enum tcore_status tcore_segment_reader_begin(struct tcore_segment_reader *r,
                                             struct tcore_segment *segment, struct tcore_error *err)
{
    tcore_wrapped_free(&r->wrapped);
    r->lacks_key = false;
    enum tcore_status status = tcore_segment_wrapped(segment, &r->wrapped, err);
    if (status == TCORE_BAD_INPUT && r->lost) /* all that is not sealed can be read */
        return TCORE_OK;
    return status == TCORE_OK ? tcore_segment_unlock(segment, r->ring, err) : status;
}

enum tcore_status tcore_segment_reader_block(struct tcore_segment_reader *r,
                                             const struct tcore_segment *segment,
                                             const struct tcore_manifest_block *block,
                                             struct tcore_batch *batch, struct tcore_error *err)
{
    struct tcore_slice directory;
    r->opened_count = 0;
    enum tcore_status status = tcore_block_reader_open(&r->block, segment, block, &directory, err);
    if (status == TCORE_OK)
        status = tcore_binary_decode(r->decoder, directory.data, directory.length,
                                     &r->block.columns, batch, err);
    if (status == TCORE_OK && batch->rows != block->rows)
        status = tcore_error_set(err, TCORE_BAD_INPUT, "a block has not the records that it says");
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
    if (batch->rows > r->row_capacity) {
        uint32_t *rows = tcore_reallocarray(r->rows, batch->rows, sizeof *rows);
        if (!rows)
            return tcore_error_nomem(err);
        r->rows = rows;
        r->row_capacity = batch->rows;
    }
    for (size_t i = 0; i < batch->rows; i++)
        r->rows[i] = (uint32_t)i;
    return TCORE_OK;
}

enum tcore_status tcore_segment_reader_text(struct tcore_segment_reader *r,
                                            struct tcore_batch *batch, struct tcore_error *err)
{
    return r->text_late ? tcore_binary_decoder_text(r->decoder, NULL, batch, err) : TCORE_OK;
}

/* ---- by other labels ---- */

static unsigned number_of(const struct tcore_labels *labels, const char *name)
{
    for (unsigned i = 0; labels && i < labels->count; i++)
        if (!strcmp(labels->label[i].name, name))
            return i;
    return UINT_MAX;
}

static enum tcore_status would_show(const struct binary_reader *reader,
                                    const struct opened_column *opened, struct tcore_error *err)
{
    const struct block_column *c = &reader->block.column[opened->column];
    const struct block_column *parent =
        c->parent == BINARY_NONE ? NULL : &reader->block.column[c->parent];
    return tcore_error_set(
        err, TCORE_BAD_INPUT, "%.*s%s%.*s is sealed as %s, and the labels would let others see it",
        parent ? (int)parent->name_length : 0, parent ? parent->name : "",
        parent && c->name_length ? "." : "", (int)c->name_length, c->name, opened->label);
}

enum tcore_status tcore_segment_reader_compare(struct tcore_segment_reader *r,
                                               const struct tcore_labels *labels,
                                               struct tcore_error *err)
{
    struct binary_reader *reader = tcore_binary_decoder_reader(r->decoder);
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < r->opened_count && status == TCORE_OK; i++) {
        unsigned label = 0, before = number_of(labels, r->opened[i].label);
        if (before != UINT_MAX)
            status = tcore_label_of_column(labels, reader, r->opened[i].column, &label, err);
        if (status == TCORE_OK && label < before)
            status = would_show(reader, &r->opened[i], err);
    }
    return status;
}

enum tcore_status tcore_segment_check_keys(struct tcore_segment_reader *r,
                                           struct tcore_segment *segment, struct tcore_error *err)
{
    enum tcore_status status = tcore_segment_reader_begin(r, segment, err);
    for (size_t i = 0; i < r->wrapped.count && status == TCORE_OK; i++) {
        const char *label = r->wrapped.label[i].label;
        bool open = false;
        for (size_t k = 0; k < segment->key_count; k++)
            open |= !strcmp(tcore_segment_key_label(segment->key[k]), label);
        status = open ? TCORE_OK : judge_locked(r, label, err);
        status = status == TCORE_SKIP ? TCORE_OK : status;
    }
    return status;
}

enum tcore_status tcore_segment_may_rewrite(struct tcore_segment_reader *r,
                                            struct tcore_segment *segment,
                                            const struct tcore_labels *labels,
                                            struct tcore_error *err)
{
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    enum tcore_status status = tcore_segment_check_keys(r, segment, err);
    for (uint32_t i = 0; m->keys && i < m->block_count && status == TCORE_OK; i++) {
        struct tcore_batch batch;
        status = tcore_segment_reader_block(r, segment, &m->block[i], &batch, err);
        if (status == TCORE_OK)
            status = tcore_segment_reader_text(r, &batch, err);
        if (status == TCORE_OK)
            status = tcore_segment_reader_compare(r, labels, err);
    }
    return status;
}
