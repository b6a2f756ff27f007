/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts to the program, records from it, and those into a batch again. */
#include "agg/map.h"

#include "base/sys.h"
#include "model/canonical.h"

#include <stdio.h>
#include <string.h>

enum tcore_status agg_mapper_open(struct agg_mapper *mapper, const struct cli_map *map,
                                  const struct tcore_projection *projection, unsigned types,
                                  struct tcore_error *err)
{
    static const struct tcore_input_options options = {.single = true};
    *mapper = (struct agg_mapper){
        .map = map, .projection = projection, .types = types | 1u << TCORE_RECORD_CLOCK};
    enum tcore_status status = cli_map_open(map, &mapper->jq, err);
    if (!status)
        status = tcore_decoder_new(&mapper->decoder, projection, &options, err);
    if (status)
        agg_mapper_free(mapper);
    return status;
}

void agg_mapper_free(struct agg_mapper *mapper)
{
    tcore_jq_close(mapper->jq);
    tcore_decoder_free(mapper->decoder);
    tcore_chunk_free(&mapper->chunk);
    tcore_json_free(&mapper->json);
    tcore_buf_free(&mapper->texts);
    tcore_buf_free(&mapper->made);
    tcore_buf_free(&mapper->lines);
    tcore_buf_free(&mapper->reasons);
    tcore_free(mapper->slice);
    tcore_free(mapper->output);
    tcore_free(mapper->refusal);
    tcore_free(mapper->rows);
    *mapper = (struct agg_mapper){0};
}

static bool has_room(struct agg_mapper *m, size_t count)
{
    if (count <= m->room)
        return true;
    void *slice = tcore_reallocarray(m->slice, count, sizeof *m->slice);
    m->slice = slice ? slice : m->slice;
    void *output = tcore_reallocarray(m->output, count, sizeof *m->output);
    m->output = output ? output : m->output;
    void *refusal = tcore_reallocarray(m->refusal, count, sizeof *m->refusal);
    m->refusal = refusal ? refusal : m->refusal;
    if (!slice || !output || !refusal)
        return false;
    m->room = count;
    return true;
}

/* The texts as the program shall see them, whatever the input had: of the same record the same. */
static enum tcore_status gather(struct agg_mapper *m, const struct tcore_batch *batch,
                                const uint32_t *rows, size_t count, struct tcore_error *err)
{
    tcore_buf_clear(&m->texts);
    for (size_t i = 0; i < count; i++) {
        const struct tcore_slice *text = &batch->text[rows[i]];
        size_t start = m->texts.length;
        enum tcore_status status = tcore_json_parse(&m->json, text->data, text->length, err);
        if (!status)
            status = tcore_record_canonical(&m->json, true, &m->texts, NULL, err);
        if (status == TCORE_SKIP) /* the decoder took it, and so may the program */
            tcore_buf_append(&m->texts, text->data, text->length);
        else if (status)
            return status;
        m->slice[i].length = m->texts.length - start;
    }
    const char *at = m->texts.data;
    for (size_t i = 0; i < count; at += m->slice[i++].length)
        m->slice[i].data = at;
    return tcore_buf_status(&m->texts, err);
}

static void refuse(struct agg_mapper *m, uint32_t row, const char *what, const char *reason)
{
    m->refusal[m->refused++] =
        (struct cli_refusal){row, (const char *)(uintptr_t)m->reasons.length};
    tcore_buf_puts(&m->reasons, what);
    tcore_buf_puts(&m->reasons, reason);
    tcore_buf_putc(&m->reasons, '\0');
}

/* Gives the rows from..to to the program, none of which is a clock record. */
static enum tcore_status map_texts(struct agg_mapper *m, const uint32_t *rows, size_t from,
                                   size_t to, struct tcore_error *err)
{
    tcore_buf_clear(&m->made);
    enum tcore_status status =
        from == to ? TCORE_OK
                   : tcore_jq_map(m->jq, m->slice + from, to - from, &m->made, m->output, err);
    for (size_t i = from; i < to && !status; i++) {
        const struct tcore_jq_output *output = &m->output[i - from];
        struct tcore_slice made = {m->made.data + output->offset, output->length};
        if (output->reason) {
            refuse(m, rows[i], "--map: ", output->reason);
            continue;
        }
        status = tcore_jq_records(&m->json, made, &m->lines, err);
        if (status == TCORE_SKIP) {
            refuse(m, rows[i], "--map gives no record: ", err->text);
            status = TCORE_OK;
        }
    }
    return status;
}

static enum tcore_status map_all(struct agg_mapper *m, const struct tcore_batch *batch,
                                 const uint32_t *rows, size_t count, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t from = 0, to = 0; from < count && !status; from = ++to) {
        while (to < count && batch->types[rows[to]] != TCORE_RECORD_CLOCK)
            to++;
        status = map_texts(m, rows, from, to, err);
        if (to == count)
            break;
        tcore_buf_append(&m->lines, m->slice[to].data, m->slice[to].length);
        tcore_buf_putc(&m->lines, '\n');
    }
    return status;
}

/* The lines that were made as a chunk of input. */
static bool make_chunk(struct agg_mapper *m)
{
    enum { PADDING = 64 };
    struct tcore_chunk *chunk = &m->chunk;
    size_t length = m->lines.length;
    if (length + PADDING > chunk->capacity) {
        char *data = tcore_malloc(2 * length + PADDING);
        if (!data)
            return false;
        tcore_free(chunk->data);
        chunk->data = data;
        chunk->capacity = 2 * length + PADDING;
    }
    if (length)
        memcpy(chunk->data, m->lines.data, length);
    memset(chunk->data + length, 0, PADDING);
    chunk->length = length;
    return true;
}

static enum tcore_status list_rows(struct agg_mapper *m, const struct tcore_batch *made,
                                   size_t *count, struct tcore_error *err)
{
    *count = 0;
    if (made->rows > m->row_room) {
        uint32_t *rows = tcore_reallocarray(m->rows, made->rows, sizeof *rows);
        if (!rows)
            return tcore_error_nomem(err);
        m->rows = rows;
        m->row_room = made->rows;
    }
    for (uint32_t row = 0; row < made->rows; row++) {
        if (m->types >> made->types[row] & 1)
            m->rows[(*count)++] = row;
        else
            m->other++;
    }
    return TCORE_OK;
}

enum tcore_status agg_map_rows(struct agg_mapper *m, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, const struct tcore_batch **made,
                               size_t *row_count, struct tcore_error *err)
{
    tcore_buf_clear(&m->lines);
    tcore_buf_clear(&m->reasons);
    m->refused = 0;
    if (!has_room(m, count))
        return tcore_error_nomem(err);
    enum tcore_status status = gather(m, batch, rows, count, err);
    if (!status)
        status = map_all(m, batch, rows, count, err);
    if (!status && (m->lines.failed || m->reasons.failed || !make_chunk(m)))
        status = tcore_error_nomem(err);
    for (size_t i = 0; i < m->refused && !status; i++)
        m->refusal[i].reason = m->reasons.data + (uintptr_t)m->refusal[i].reason;
    if (!status)
        status = tcore_decoder_decode(m->decoder, TCORE_FORMAT_NDJSON, &m->chunk, made, err);
    return status ? status : list_rows(m, *made, row_count, err);
}
