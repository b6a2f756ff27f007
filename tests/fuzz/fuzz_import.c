/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the input of trace-record import. Whatever comes out must be canonical: importing it
 * again gives the same bytes and no rejects, and so do blocks, whether or not spans are known by
 * sight. What is rejected must lie within the input. A first line --from=NAME names a format that
 * is not JSON, of which the rest is.
 */
#include "../core/import_blocks.h"

#include "base/sys.h"

#include <stdlib.h>

/* Sources: record/libimport cli/select_rows */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

/* Of long documents parts of so many bytes. Each unit has a text of its own here, as closing a part
 * changes a byte of the next one. */
static void split_parts(struct import_chunk *chunk, const uint8_t *data, size_t size,
                        size_t part_bytes)
{
    struct import_split split = {.line = 1, .limit = 1 << 20, .part_bytes = part_bytes};
    struct import_unit unit;
    while (import_split_next(&split, (const char *)data, size, true, &unit)) {
        chunk->units = tcore_reallocarray(chunk->units, chunk->count + 1, sizeof unit);
        require(chunk->units && unit.offset + unit.length <= size && unit.line);
        tcore_buf_append(&chunk->text, (const char *)data + unit.offset, unit.length);
        unit.offset = chunk->text.length - unit.length;
        import_unit_close(&unit, chunk->text.data);
        chunk->units[chunk->count++] = unit;
    }
}

static void split(struct import_chunk *chunk, const uint8_t *data, size_t size)
{
    struct tcore_error err;
    const struct import_format *format = chunk->format;
    tcore_buf_append(&chunk->text, data, size);
    require(import_chunk_cut(chunk, format ? format->cut : import_split_next, 1 << 20, &err) ==
            TCORE_OK);
    for (size_t i = 0; i < chunk->count; i++) {
        const struct import_unit *unit = &chunk->units[i];
        require(unit->offset + unit->length <= size && unit->byte);
        require(unit->line || (format && format->input == IMPORT_BYTES));
    }
}

/* The format that the first line names, and over that line. */
static const struct import_format *format_of(const uint8_t **data, size_t *size)
{
    static const char from[] = "--from=";
    char name[32];
    const uint8_t *end = memchr(*data, '\n', *size);
    size_t length = end ? (size_t)(end - *data) : 0;
    if (length < sizeof from || length - sizeof from + 1 >= sizeof name ||
        memcmp(*data, from, sizeof from - 1) != 0)
        return NULL;
    memcpy(name, *data + sizeof from - 1, length - sizeof from + 1);
    name[length - sizeof from + 1] = '\0';
    const struct import_format *format = import_format_find(name);
    if (!format || format->input == IMPORT_JSON)
        return NULL;
    *data += length + 1;
    *size -= length + 1;
    return format;
}

static bool append(void *context, struct import_result *result, enum tcore_status status,
                   struct tcore_error *err)
{
    struct tcore_buf *out = context;
    (void)err;
    require(status == TCORE_OK && result->reject_count == 0);
    tcore_buf_append(out, result->out.data, result->out.length);
    return true;
}

/* Records of what depends on each other. */
static void finish(struct import_job *job, struct import_result *result)
{
    const struct import_drain drain = {append, &result->out};
    struct import_result finished = {0};
    void *gathered = result->holder->open();
    require(gathered && result->holder->add(gathered, &result->held));
    require(import_finish(job, result->holder, gathered, &finished, &drain));
    result->holder->close(gathered);
    import_result_free(&finished);
}

static void convert(struct import_chunk *chunk, struct import_result *result, unsigned patience)
{
    static const struct cli_io_options io;
    struct import_job job;
    struct tcore_error err;
    require(import_job_open(&job, &io, NULL, NULL, &err) == TCORE_OK);
    job.patience = patience;
    require(import_convert(&job, chunk, result, &err) == TCORE_OK);
    for (size_t i = 0; i < result->reject_count; i++) {
        const struct import_reject *reject = &result->rejects[i];
        size_t offset = reject->text.length ? (size_t)(reject->text.data - chunk->text.data) : 0;
        require((reject->line || reject->byte) &&
                offset + reject->text.length <= chunk->text.length);
        require(reject->reason < result->reasons.length && result->reasons.data[reject->reason]);
    }
    if (result->held.length)
        finish(&job, result);
    else
        require(blocks_are_text(chunk, &io, result, NULL));
    import_job_close(&job);
}

static bool is_same(const struct tcore_buf *a, const struct tcore_buf *b)
{
    return a->length == b->length && (!a->length || memcmp(a->data, b->data, a->length) == 0);
}

/* Behind the units, or elements near the end would not be looked for by sight. */
static void add_room(struct import_chunk *chunk)
{
    static const char blanks[256] = {0};
    tcore_buf_append(&chunk->text, blanks, sizeof blanks);
}

static void release(struct import_chunk *chunk, struct import_result *result)
{
    import_chunk_free(chunk);
    import_result_free(result);
}

static void import_twice(const uint8_t *data, size_t size, size_t part_bytes)
{
    struct import_chunk chunk = {0}, again_chunk = {0};
    struct import_result result = {0}, plain = {0}, again = {0};
    chunk.format = part_bytes ? NULL : format_of(&data, &size);
    if (part_bytes)
        split_parts(&chunk, data, size, part_bytes);
    else
        split(&chunk, data, size);
    add_room(&chunk);
    convert(&chunk, &result, 0);
    convert(&chunk, &plain, UINT32_MAX);
    require(plain.reject_count == result.reject_count && is_same(&plain.out, &result.out) &&
            is_same(&plain.reasons, &result.reasons));
    import_result_free(&plain);
    split(&again_chunk, (const uint8_t *)result.out.data, result.out.length);
    convert(&again_chunk, &again, 0);
    require(again.reject_count == 0 && is_same(&again.out, &result.out));
    release(&chunk, &result);
    release(&again_chunk, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_twice(data, size, 0);
    import_twice(data, size, 32);
    return 0;
}
