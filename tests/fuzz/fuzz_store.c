/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what lets a repository answer without its columns: the first byte says whether as a
 * roll-up, a trace filter, the file of all filters or a trace index. Checksums are made right, as
 * far as they can be placed, or fuzzing would end at them. What is accepted must be readable in
 * every way; a roll-up must merge with itself and give one that can be read again.
 */
#include "base/sys.h"
#include "store/rollup.h"
#include "store/trace_filters.h"
#include "store/trace_index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void put_checksum(uint8_t *data, size_t at, size_t from, size_t to, uint64_t seed)
{
    uint64_t checksum = XXH3_64bits_withSeed(data + from, to - from, seed);
    memcpy(data + at, &checksum, sizeof checksum);
}

static bool read_rollup(const void *data, size_t size, bool histograms)
{
    struct tcore_rollup_reader *reader;
    struct tcore_rollup_series series;
    struct tcore_error err = {0};
    if (tcore_rollup_reader_open(&reader, data, size, histograms, &err)) {
        require(err.status == TCORE_BAD_INPUT && err.text[0]);
        return false;
    }
    enum tcore_status status;
    while (!(status = tcore_rollup_next_series(reader, &series, &err))) {
        int64_t window, before = INT64_MIN;
        const struct tcore_cell *cell;
        uint32_t cells = 0;
        while (!(status = tcore_rollup_next_cell(reader, &window, &cell, &err))) {
            require((!cells || window > before) && cell->errors <= cell->count);
            before = window;
            cells++;
        }
        if (status != TCORE_EOF)
            break;
        require(cells == series.cells);
    }
    tcore_rollup_reader_free(reader);
    return status == TCORE_EOF;
}

static void fuzz_rollup(uint8_t *data, size_t size)
{
    if (size < 16)
        return;
    put_checksum(data, size - 8, 0, size - 8, 0);
    if (!read_rollup(data, size, true))
        return;
    require(read_rollup(data, size, false));
    struct tcore_rollup_builder *builder;
    struct tcore_buf out = {0};
    require(!tcore_rollup_builder_new(&builder, TCORE_ROLLUP_WINDOW_NS, NULL));
    if (!tcore_rollup_merge(builder, data, size, NULL) &&
        !tcore_rollup_merge(builder, data, size, NULL)) {
        require(!tcore_rollup_encode(builder, &out, NULL));
        require(read_rollup(out.data, out.length, true));
    }
    tcore_buf_free(&out);
    tcore_rollup_builder_free(builder);
}

static void fuzz_filter(uint8_t *data, size_t size)
{
    struct tcore_trace_filter filter;
    struct tcore_buf out = {0};
    if (size < 40)
        return;
    put_checksum(data, size - 8, 0, size - 8, 0);
    if (tcore_trace_filter_decode(&filter, data, size, NULL))
        return;
    tcore_trace_filter_encode(&filter, &out);
    require(out.length == size && !memcmp(out.data, data, size));
    tcore_trace_filter_add(&filter, data);
    require(tcore_trace_filter_has(&filter, data));
    require(!tcore_trace_filter_resize(&filter, filter.blocks > 1 ? filter.blocks / 2 : 2, NULL));
    require(tcore_trace_filter_has(&filter, data));
    tcore_trace_filter_free(&filter);
    tcore_buf_free(&out);
}

static void fuzz_filters(uint8_t *data, size_t size)
{
    struct tcore_trace_filters *filters;
    struct tcore_trace_candidates found = {0};
    bool whole;
    int fd = memfd_create("filters", MFD_CLOEXEC);
    if (size >= 32)
        put_checksum(data, 24, 0, 24, 0);
    for (size_t at = 32; at + 536 <= size;) {
        uint32_t segments, blocks;
        memcpy(&segments, data + at + 4, sizeof segments);
        memcpy(&blocks, data + at + 8, sizeof blocks);
        put_checksum(data, at + 528, at, at + 528, 0);
        at += 536 + (uint64_t)blocks * ((uint64_t)segments * 32 + 8);
    }
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    if (!tcore_trace_filters_open(&filters, fd, NULL)) {
        size_t segments = 0;
        const uint64_t *names;
        for (size_t g = 0; g < tcore_trace_filters_groups(filters); g++)
            segments += tcore_trace_filters_segments(filters, g, &names);
        require(tcore_trace_filters_end(filters, &whole) <= size);
        require(!tcore_trace_filters_find(filters, data, &found, NULL));
        require(found.count <= segments);
        tcore_trace_filters_free(filters);
    }
    tcore_free(found.names);
    close(fd);
}

static void fuzz_index(uint8_t *data, size_t size)
{
    struct tcore_trace_index index;
    struct tcore_trace_blocks blocks = {0}, again = {0};
    uint32_t pages, bytes;
    if (size < 40)
        return;
    memcpy(&pages, data + 12, sizeof pages);
    memcpy(&bytes, data + 28, sizeof bytes);
    if ((uint64_t)pages * 20 + bytes != size - 40)
        return;
    size_t top = (size_t)pages * 20, first = 40 + top;
    for (uint32_t i = 0; i < pages; i++) {
        uint32_t start, end = bytes;
        memcpy(&start, data + 40 + (size_t)i * 20 + 8, sizeof start);
        if (i + 1 < pages)
            memcpy(&end, data + 40 + (size_t)(i + 1) * 20 + 8, sizeof end);
        if (start <= end && end <= bytes)
            put_checksum(data, 40 + (size_t)i * 20 + 12, first + start, first + end, i);
    }
    put_checksum(data, 32, 40, 40 + top, XXH3_64bits(data, 32));
    if (tcore_trace_index_open(&index, data, size, NULL))
        return;
    struct tcore_trace_index_cursor cursor = {.index = &index};
    enum tcore_status status;
    while ((status = tcore_trace_index_next(&cursor, &blocks, NULL)) != TCORE_EOF) {
        if (status)
            continue;
        uint8_t id[TCORE_TRACE_ID_BYTES] = {0};
        memcpy(id + 8, cursor.key, sizeof cursor.key);
        if (tcore_trace_index_find(&index, id, &again, NULL) || !again.count)
            continue; /* in a page whose ids go beyond the next one's first */
        require(again.count && again.block[again.count - 1] < index.blocks);
    }
    tcore_free(blocks.block);
    tcore_free(again.block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(uint8_t *, size_t) = {fuzz_rollup, fuzz_filter, fuzz_filters,
                                                       fuzz_index};
    if (size < 1 + TCORE_TRACE_ID_BYTES || *data >= sizeof kinds / sizeof *kinds)
        return 0;
    uint8_t *copy = malloc(size - 1);
    require(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    kinds[*data](copy, size - 1);
    free(copy);
    return 0;
}
