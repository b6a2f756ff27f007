/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Selecting among imported records. Their text is decoded as if it had come from a file, so that
 * the options mean the same here as behind a pipe.
 */
#include <config.h>

#include "record/import/select.h"

#include "base/sys.h"
#include "stream/input.h"

#include <string.h>

enum { PADDING = 64 }; /* that a decoder may read behind a chunk */

struct import_selector {
    const struct import_select *select;
    struct tcore_decoder *decoder;
    struct tcore_expr_state *where;
    unsigned forwarded;        /* bits of types */
    uint32_t *rows, *forwards; /* selected; kept whatever is asked for */
    size_t capacity, row_count, forward_count;
};

unsigned import_forwarded(const struct cli_io_options *io)
{
    unsigned worked_on = ~(1u << TCORE_RECORD_OTHER);
    if (io->types.count)
        worked_on = 1u << TCORE_RECORD_CLOCK;
    for (size_t i = 0; i < io->types.count; i++)
        worked_on |= 1u << tcore_record_type_find(io->types.item[i], strlen(io->types.item[i]));
    return io->pass ? ~worked_on : 0;
}

enum tcore_status import_selector_new(struct import_selector **selector,
                                      const struct import_select *s, struct tcore_error *err)
{
    *selector = NULL;
    if (!s)
        return TCORE_OK;
    struct import_selector *made = tcore_calloc(1, sizeof(*made));
    if (!made)
        return tcore_error_nomem(err);
    const struct tcore_input_options options = {.line_limit =
                                                    SIZE_MAX / 2}; /* it was read already */
    made->select = s;
    made->forwarded = import_forwarded(s->wanted.io);
    enum tcore_status status = tcore_decoder_new(&made->decoder, &s->projection, &options, err);
    if (status == TCORE_OK && s->wanted.where)
        status = tcore_expr_state_new(&made->where, s->wanted.where, err);
    if (status != TCORE_OK) {
        import_selector_free(made);
        return status;
    }
    *selector = made;
    return TCORE_OK;
}

void import_selector_free(struct import_selector *selector)
{
    if (!selector)
        return;
    if (selector->where)
        tcore_expr_state_free(selector->where);
    tcore_decoder_free(selector->decoder);
    tcore_free(selector->rows);
    tcore_free(selector->forwards);
    tcore_free(selector);
}

static bool has_room(struct import_selector *selector, size_t rows)
{
    if (rows <= selector->capacity)
        return true;
    tcore_free(selector->rows);
    tcore_free(selector->forwards);
    selector->rows = tcore_reallocarray(NULL, rows, sizeof(*selector->rows));
    selector->forwards = tcore_reallocarray(NULL, rows, sizeof(*selector->forwards));
    selector->capacity = selector->rows && selector->forwards ? rows : 0;
    return selector->capacity;
}

static enum tcore_status select_rows(struct import_selector *selector,
                                     const struct tcore_batch *batch, struct cli_left_out *left_out,
                                     struct tcore_error *err)
{
    const struct import_select *s = selector->select;
    if (!has_room(selector, batch->rows))
        return tcore_error_nomem(err);
    selector->row_count = selector->forward_count = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        uint8_t type = batch->types[row];
        if (selector->forwarded >> type & 1)
            selector->forwards[selector->forward_count++] = (uint32_t)row;
        else if (s->types >> type & 1)
            selector->rows[selector->row_count++] = (uint32_t)row;
    }
    return cli_select_rows(&s->wanted, selector->where, batch, selector->rows, &selector->row_count,
                           left_out, err);
}

/* The next row that stays, after i selected and f forwarded ones. */
static uint32_t next_row(const struct import_selector *selector, size_t *i, size_t *f)
{
    if (*f == selector->forward_count ||
        (*i < selector->row_count && selector->rows[*i] < selector->forwards[*f]))
        return selector->rows[(*i)++];
    return selector->forwards[(*f)++];
}

const char *import_selector_reason(const struct import_selector *selector)
{
    return selector && selector->where ? tcore_expr_state_reason(selector->where) : NULL;
}

enum tcore_status import_selector_apply(struct import_selector *selector, struct tcore_buf *text,
                                        struct cli_left_out *left_out, struct tcore_error *err)
{
    const struct tcore_batch *batch;
    size_t kept = 0;
    if (!selector || !text->length)
        return TCORE_OK;
    if (!tcore_buf_reserve(text, PADDING))
        return tcore_error_nomem(err);
    memset(text->data + text->length, 0, PADDING);
    struct tcore_chunk chunk = {
        .data = text->data, .length = text->length, .capacity = text->capacity};
    enum tcore_status status =
        tcore_decoder_decode(selector->decoder, TCORE_FORMAT_NDJSON, &chunk, &batch, err);
    if (status == TCORE_OK)
        status = select_rows(selector, batch, left_out, err);
    if (status != TCORE_OK)
        return status;
    for (size_t i = 0, f = 0; i + f < selector->row_count + selector->forward_count;) {
        const struct tcore_slice *line = &batch->text[next_row(selector, &i, &f)];
        memmove(text->data + kept, line->data, line->length);
        kept += line->length;
        text->data[kept++] = '\n';
    }
    text->length = kept;
    return TCORE_OK;
}
