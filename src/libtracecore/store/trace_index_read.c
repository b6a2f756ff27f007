/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking traces up in an index. */
#include "store/trace_index_private.h"

#include "base/sys.h"
#include "stats/encode.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <endian.h>

static enum tcore_status damaged(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged trace index: %s", what);
}

static const uint8_t *page_first(const struct tcore_trace_index *index, uint32_t page)
{
    return index->top + (size_t)page * TCORE_TRACE_INDEX_TOP;
}

static uint32_t page_start(const struct tcore_trace_index *index, uint32_t page)
{
    uint32_t start;
    if (page == index->page_count)
        return index->page_bytes;
    memcpy(&start, page_first(index, page) + TCORE_TRACE_KEY_BYTES, sizeof start);
    return le32toh(start);
}

/* Pages lie one behind the other, and their first ids ascend. */
static bool top_is_sound(const struct tcore_trace_index *index)
{
    if (page_start(index, 0) != 0)
        return false;
    for (uint32_t page = 0; page < index->page_count; page++) {
        if (page_start(index, page + 1) <= page_start(index, page) ||
            (page && memcmp(page_first(index, page - 1), page_first(index, page),
                            TCORE_TRACE_KEY_BYTES) >= 0))
            return false;
    }
    return true;
}

enum tcore_status tcore_trace_index_open(struct tcore_trace_index *index, const void *data,
                                         size_t length, struct tcore_error *err)
{
    struct tcore_trace_index_head head;
    *index = (struct tcore_trace_index){0};
    if (length < TCORE_TRACE_INDEX_HEAD ||
        memcmp(data, TCORE_TRACE_INDEX_MAGIC, sizeof head.magic) != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, "no trace index, or too short for one");
    memcpy(&head, data, sizeof head);
    uint64_t pages = le32toh(head.page_count), bytes = le32toh(head.page_bytes),
             top_bytes = pages * TCORE_TRACE_INDEX_TOP;
    if (top_bytes + bytes != length - TCORE_TRACE_INDEX_HEAD)
        return damaged(err, "its length is wrong");
    const unsigned char *top = (const unsigned char *)data + TCORE_TRACE_INDEX_HEAD;
    uint64_t seed = XXH3_64bits(data, TCORE_TRACE_INDEX_HEAD - sizeof head.checksum);
    if (le64toh(head.checksum) != XXH3_64bits_withSeed(top, (size_t)top_bytes, seed))
        return damaged(err, "the checksum of its front is wrong");
    if (le32toh(head.version) != TCORE_TRACE_INDEX_VERSION)
        return tcore_error_set(err, TCORE_BAD_INPUT, "a trace index of version %u",
                               (unsigned)le32toh(head.version));
    *index = (struct tcore_trace_index){.top = top,
                                        .pages = top + top_bytes,
                                        .page_count = (uint32_t)pages,
                                        .page_bytes = (uint32_t)bytes,
                                        .traces = le64toh(head.traces),
                                        .blocks = le32toh(head.blocks)};
    if (top_is_sound(index))
        return TCORE_OK;
    *index = (struct tcore_trace_index){0};
    return damaged(err, "bad top");
}

/* Stands before the first trace of a page whose checksum is right. */
static enum tcore_status enter_page(struct tcore_trace_index_cursor *cursor, uint32_t page,
                                    struct tcore_error *err)
{
    const struct tcore_trace_index *index = cursor->index;
    uint32_t start = page_start(index, page), end = page_start(index, page + 1);
    uint64_t checksum;
    cursor->page = page + 1;
    cursor->at = cursor->end = NULL;
    memcpy(&checksum, page_first(index, page) + TCORE_TRACE_KEY_BYTES + sizeof start,
           sizeof checksum);
    if (le64toh(checksum) != XXH3_64bits_withSeed(index->pages + start, end - start, page))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "damaged trace index: the checksum of page %u is wrong",
                               (unsigned)page);
    cursor->at = index->pages + start;
    cursor->end = index->pages + end;
    return TCORE_OK;
}

static bool reserve(struct tcore_trace_blocks *blocks, size_t count)
{
    if (count <= blocks->capacity)
        return true;
    uint32_t *memory = tcore_reallocarray(blocks->block, count, sizeof *memory);
    if (!memory)
        return false;
    blocks->block = memory;
    blocks->capacity = count;
    return true;
}

/* The id of the trace at the cursor, which must be above the one before (first: there is none). */
static bool read_id(struct tcore_trace_index_cursor *cursor, bool first, uint64_t *count)
{
    unsigned head = *cursor->at++, shared = head & 15;
    if ((first && shared) || shared >= TCORE_TRACE_KEY_BYTES)
        return false;
    size_t rest = TCORE_TRACE_KEY_BYTES - shared;
    if (rest > (size_t)(cursor->end - cursor->at) ||
        (!first && memcmp(cursor->at, cursor->key + shared, rest) <= 0))
        return false;
    memcpy(cursor->key + shared, cursor->at, rest);
    cursor->at += rest;
    *count = head >> 4;
    if (first) /* the top says the same */
        return !memcmp(cursor->key, page_first(cursor->index, cursor->page - 1),
                       sizeof cursor->key);
    return true;
}

/* TCORE_BAD_INPUT: impossible blocks. blocks NULL: passed over. */
static enum tcore_status read_blocks(struct tcore_trace_index_cursor *cursor, uint64_t count,
                                     struct tcore_trace_blocks *blocks)
{
    struct tcore_state_reader in = {cursor->at, cursor->end};
    uint64_t block = 0, gap;
    if (!count) {
        if (!tcore_decode_uint64(&in, &count) || count > UINT32_MAX)
            return TCORE_BAD_INPUT;
        count += TCORE_TRACE_INDEX_FEW + 1;
    }
    if (count > tcore_state_reader_left(&in))
        return TCORE_BAD_INPUT;
    if (blocks && !reserve(blocks, (size_t)count))
        return TCORE_FATAL;
    for (uint64_t i = 0; i < count; i++) {
        if (!tcore_decode_uint64(&in, &gap) || gap >= cursor->index->blocks)
            return TCORE_BAD_INPUT;
        block += gap + (i ? 1 : 0);
        if (block >= cursor->index->blocks)
            return TCORE_BAD_INPUT;
        if (blocks)
            blocks->block[i] = (uint32_t)block;
    }
    if (blocks)
        blocks->count = (size_t)count;
    cursor->at = in.at;
    return TCORE_OK;
}

static enum tcore_status bad_trace(struct tcore_trace_index_cursor *cursor,
                                   enum tcore_status status, struct tcore_error *err)
{
    cursor->at = cursor->end = NULL;
    return status == TCORE_FATAL ? tcore_error_nomem(err) : damaged(err, "bad trace");
}

enum tcore_status tcore_trace_index_next(struct tcore_trace_index_cursor *cursor,
                                         struct tcore_trace_blocks *blocks, struct tcore_error *err)
{
    uint64_t count = 0;
    bool first = cursor->at == cursor->end;
    blocks->count = 0;
    if (first) {
        if (cursor->page == cursor->index->page_count)
            return TCORE_EOF;
        enum tcore_status status = enter_page(cursor, cursor->page, err);
        if (status)
            return status;
    }
    enum tcore_status status = TCORE_BAD_INPUT;
    if (read_id(cursor, first, &count))
        status = read_blocks(cursor, count, blocks);
    return status ? bad_trace(cursor, status, err) : TCORE_OK;
}

/* The last page whose first id is not above id; page_count: there is none. */
static uint32_t page_of(const struct tcore_trace_index *index, const uint8_t *id)
{
    uint32_t low = 0, high = index->page_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(page_first(index, middle), key_of(id), TCORE_TRACE_KEY_BYTES) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : index->page_count;
}

enum tcore_status tcore_trace_index_find(const struct tcore_trace_index *index,
                                         const uint8_t id[TCORE_TRACE_ID_BYTES],
                                         struct tcore_trace_blocks *blocks, struct tcore_error *err)
{
    struct tcore_trace_index_cursor cursor = {.index = index};
    uint32_t page = page_of(index, id);
    blocks->count = 0;
    if (page == index->page_count)
        return TCORE_OK;
    enum tcore_status status = enter_page(&cursor, page, err);
    for (bool first = true; !status && cursor.at < cursor.end; first = false) {
        uint64_t count = 0;
        if (!read_id(&cursor, first, &count))
            return bad_trace(&cursor, TCORE_BAD_INPUT, err);
        int order = memcmp(cursor.key, key_of(id), TCORE_TRACE_KEY_BYTES);
        if (order > 0)
            return TCORE_OK;
        status = read_blocks(&cursor, count, order ? NULL : blocks);
        if (status)
            return bad_trace(&cursor, status, err);
        if (!order)
            return TCORE_OK;
    }
    return status;
}
