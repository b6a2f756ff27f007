/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the input of trace-record import. Whatever comes out must be canonical: importing it
 * again gives the same bytes and no rejects. What is rejected must lie within the input. A first
 * line --from=NAME names a format that is not JSON, of which the rest is.
 */
#include "record/import.h"

#include <stdlib.h>

/* Sources: record/libimport cli/select_rows */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
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

static void convert(struct import_chunk *chunk, struct import_result *result)
{
    static const struct cli_io_options io;
    struct import_job job;
    struct tcore_error err;
    require(import_job_open(&job, &io, NULL, NULL, &err) == TCORE_OK);
    require(import_convert(&job, chunk, result, &err) == TCORE_OK);
    import_job_close(&job);
}

static void release(struct import_chunk *chunk, struct import_result *result)
{
    import_chunk_free(chunk);
    import_result_free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import_chunk chunk = {0}, again_chunk = {0};
    struct import_result result = {0}, again = {0};
    chunk.format = format_of(&data, &size);
    split(&chunk, data, size);
    convert(&chunk, &result);
    for (size_t i = 0; i < result.reject_count; i++) {
        const struct import_reject *reject = &result.rejects[i];
        size_t offset = reject->text.length ? (size_t)(reject->text.data - chunk.text.data) : 0;
        require((reject->line || reject->byte) && offset + reject->text.length <= size);
        require(reject->reason < result.reasons.length && result.reasons.data[reject->reason]);
    }
    split(&again_chunk, (const uint8_t *)result.out.data, result.out.length);
    convert(&again_chunk, &again);
    require(
        again.reject_count == 0 && again.out.length == result.out.length &&
        (!result.out.length || memcmp(again.out.data, result.out.data, result.out.length) == 0));
    release(&chunk, &result);
    release(&again_chunk, &again);
    return 0;
}
