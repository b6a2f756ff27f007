/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the input of trace-record import. Whatever comes out must be canonical: importing it
 * again gives the same bytes and no rejects. What is rejected must lie within the input.
 */
#include "record/import.h"

#include <stdlib.h>

/* Sources: import_convert import_json import_native import_otlp import_otlp_field import_otlp_log
 * import_otlp_metric import_otlp_span import_otlp_value import_selector import_split */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void split(struct import_chunk *chunk, const uint8_t *data, size_t size)
{
    struct import_split split = {.line = 1, .limit = 1 << 20};
    struct import_unit unit;
    tcore_buf_append(&chunk->text, data, size);
    while (import_split_next(&split, chunk->text.data, size, true, &unit)) {
        chunk->units = realloc(chunk->units, (chunk->count + 1) * sizeof unit);
        require(chunk->units && unit.offset + unit.length <= size && unit.line && unit.byte);
        chunk->units[chunk->count++] = unit;
    }
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
    free(chunk->units);
    tcore_buf_free(&chunk->text);
    import_result_free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import_chunk chunk = {0}, again_chunk = {0};
    struct import_result result = {0}, again = {0};
    split(&chunk, data, size);
    convert(&chunk, &result);
    for (size_t i = 0; i < result.reject_count; i++) {
        const struct import_reject *reject = &result.rejects[i];
        size_t offset = reject->text.length ? (size_t)(reject->text.data - chunk.text.data) : 0;
        require(reject->line && offset + reject->text.length <= size);
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
