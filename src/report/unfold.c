/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The spans are written as lines and go through the decoder that spans come from. */
#include <config.h>

#include "report/unfold.h"

#include "base/sys.h"

#include <string.h>

#define PADDING 64 /* of a chunk */

enum tcore_status unfold_project(struct tcore_projection *projection, size_t *column,
                                 struct tcore_error *err)
{
    static const struct tcore_path_key keys[] = {{"structure", 9}, {"spans", 5}};
    return tcore_projection_add_path(projection, keys, 2, column, err);
}

/* A chunk of a line for each object of the array. False: out of memory. */
static bool make_chunk(struct unfold *unfold, size_t bytes)
{
    const struct tcore_json_node *node = unfold->json.node;
    struct tcore_chunk *chunk = &unfold->chunk;
    if (chunk->capacity < bytes + PADDING + 1) {
        tcore_free(chunk->data);
        chunk->capacity = 2 * bytes + PADDING + 1;
        chunk->data = tcore_malloc(chunk->capacity);
        if (!chunk->data) {
            chunk->capacity = 0;
            return false;
        }
    }
    chunk->length = 0;
    for (uint32_t e = 1; e < node[0].next; e = node[e].next) {
        if (!tcore_json_is_object(&node[e]))
            continue;
        /* never more than the array: where a line has its newline, that has a comma or its end */
        memcpy(chunk->data + chunk->length, node[e].value.s, node[e].value.len);
        chunk->length += node[e].value.len;
        chunk->data[chunk->length++] = '\n';
    }
    memset(chunk->data + chunk->length, 0, PADDING);
    return true;
}

static enum tcore_status list_rows(struct unfold *unfold, const struct tcore_batch *batch,
                                   size_t *count, struct tcore_error *err)
{
    if (batch->rows > unfold->row_capacity) {
        tcore_free(unfold->rows);
        unfold->rows = tcore_reallocarray(NULL, batch->rows, sizeof *unfold->rows);
        unfold->row_capacity = unfold->rows ? batch->rows : 0;
        if (!unfold->rows)
            return tcore_error_nomem(err);
    }
    for (uint32_t i = 0; i < batch->rows; i++)
        if (batch->types[i] == TCORE_RECORD_SPAN)
            unfold->rows[(*count)++] = i;
    return TCORE_OK;
}

enum tcore_status unfold_trace(struct unfold *unfold, const struct tcore_batch *traces,
                               uint32_t row, const struct tcore_batch **batch, size_t *count,
                               struct tcore_error *err)
{
    static const struct tcore_input_options options = {.single = true};
    struct tcore_value spans = tcore_column_get(&traces->columns[unfold->column], row);
    *batch = NULL;
    *count = 0;
    if (spans.kind != TCORE_JSON)
        return TCORE_OK;
    enum tcore_status status = tcore_json_parse(&unfold->json, spans.s, spans.len, err);
    if (status != TCORE_OK || !tcore_json_is_array(unfold->json.node))
        return status == TCORE_FATAL ? status : TCORE_OK;
    if (!make_chunk(unfold, spans.len))
        return tcore_error_nomem(err);
    if (!unfold->decoder)
        status = tcore_decoder_new(&unfold->decoder, unfold->projection, &options, err);
    if (status == TCORE_OK)
        status =
            tcore_decoder_decode(unfold->decoder, TCORE_FORMAT_NDJSON, &unfold->chunk, batch, err);
    return status == TCORE_OK ? list_rows(unfold, *batch, count, err) : status;
}

void unfold_free(struct unfold *unfold)
{
    tcore_decoder_free(unfold->decoder);
    tcore_chunk_free(&unfold->chunk);
    tcore_json_free(&unfold->json);
    tcore_free(unfold->rows);
    *unfold = (struct unfold){0};
}
