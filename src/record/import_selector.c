/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Selecting among imported records. Their text is decoded as if it had come from a file, so that
 * the options mean the same here as behind a pipe.
 */
#include <config.h>

#include "record/import_select.h"

#include "base/sys.h"
#include "model/number.h"
#include "stream/input.h"

#include <stdio.h>
#include <string.h>

enum { PADDING = 64 }; /* that a decoder may read behind a chunk */

struct import_selector {
    struct import_select *select;
    struct tcore_decoder *decoder;
    struct tcore_expr_state *where;
    uint32_t *rows;
    size_t capacity;
};

enum tcore_status import_selector_new(struct import_selector **selector, struct import_select *s,
                                      struct tcore_error *err)
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
    enum tcore_status status = tcore_decoder_new(&made->decoder, &s->projection, &options, err);
    if (status == TCORE_OK && s->where)
        status = tcore_expr_state_new(&made->where, s->where, err);
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
    tcore_free(selector);
}

static bool has_room(struct import_selector *selector, size_t rows)
{
    if (rows <= selector->capacity)
        return true;
    tcore_free(selector->rows);
    selector->rows = tcore_reallocarray(NULL, rows, sizeof(*selector->rows));
    selector->capacity = selector->rows ? rows : 0;
    return selector->rows;
}

/* When a record was: a span's start, an aggregate's window, the time of anything else. */
static bool time_of(const struct import_select *s, const struct tcore_batch *batch, size_t row,
                    int64_t *ns)
{
    uint8_t type = batch->types[row];
    size_t column = type == TCORE_RECORD_SPAN        ? s->start
                    : type == TCORE_RECORD_AGGREGATE ? s->window_start
                                                     : s->time;
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    if (value.kind == TCORE_STRING)
        return tcore_parse_int64(value.s, value.len, ns);
    return tcore_value_int64(&value, ns);
}

static bool in_time(const struct import_select *s, const struct tcore_batch *batch, size_t row,
                    uint64_t *untimed)
{
    int64_t ns;
    if (!s->timed)
        return true;
    if (!time_of(s, batch, row, &ns)) {
        ++*untimed;
        return false;
    }
    return (!s->io->since.set || ns >= s->io->since.unix_ns) &&
           (!s->io->until.set || ns < s->io->until.unix_ns);
}

static enum tcore_status select_rows(struct import_selector *selector,
                                     const struct tcore_batch *batch, size_t *count,
                                     struct tcore_error *err)
{
    struct import_select *s = selector->select;
    uint64_t untimed = 0, failed = 0;
    enum tcore_status status = TCORE_OK;
    if (!has_room(selector, batch->rows))
        return tcore_error_nomem(err);
    *count = 0;
    for (size_t row = 0; row < batch->rows; row++)
        if (s->types >> batch->types[row] & 1 && in_time(s, batch, row, &untimed))
            selector->rows[(*count)++] = (uint32_t)row;
    if (selector->where && *count)
        status = tcore_expr_select(selector->where, batch, selector->rows, count, &failed, err);
    pthread_mutex_lock(&s->lock);
    s->untimed += untimed;
    if (failed && !s->failed && tcore_expr_state_reason(selector->where))
        snprintf(s->reason, sizeof(s->reason), "%s", tcore_expr_state_reason(selector->where));
    s->failed += failed;
    pthread_mutex_unlock(&s->lock);
    return status;
}

enum tcore_status import_selector_apply(struct import_selector *selector, struct tcore_buf *text,
                                        struct tcore_error *err)
{
    const struct tcore_batch *batch;
    size_t count, kept = 0;
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
        status = select_rows(selector, batch, &count, err);
    if (status != TCORE_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const struct tcore_slice *line = &batch->text[selector->rows[i]];
        memmove(text->data + kept, line->data, line->length);
        kept += line->length;
        text->data[kept++] = '\n';
    }
    text->length = kept;
    return TCORE_OK;
}
