/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building a trace index, and its bytes. */
#include "store/trace_index_private.h"

#include "base/sys.h"
#include "stats/encode.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <endian.h>
#include <stdlib.h>

enum { RECENT = 4096, FIRST_ENTRIES = 1024 };

void tcore_trace_index_builder_free(struct tcore_trace_index_builder *builder)
{
    tcore_free(builder->entries);
    tcore_free(builder->recent);
    *builder = (struct tcore_trace_index_builder){0};
}

size_t tcore_trace_index_builder_bytes(const struct tcore_trace_index_builder *builder)
{
    return (builder->capacity + (builder->recent ? RECENT : 0)) * sizeof *builder->entries;
}

static bool reserve(struct tcore_trace_index_builder *builder, size_t more)
{
    size_t capacity = builder->capacity ? builder->capacity : FIRST_ENTRIES;
    while (capacity - builder->count < more)
        capacity += capacity / 2;
    if (capacity == builder->capacity)
        return true;
    struct tcore_trace_index_entry *entries =
        tcore_reallocarray(builder->entries, capacity, sizeof *entries);
    if (!entries)
        return false;
    builder->entries = entries;
    builder->capacity = capacity;
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct tcore_trace_index_entry *a = left, *b = right;
    int order = memcmp(key_of(a->id), key_of(b->id), TCORE_TRACE_KEY_BYTES);
    if (!order)
        order = (a->block > b->block) - (a->block < b->block);
    return order ? order : memcmp(a->id, b->id, sizeof a->id);
}

/* An entry that is here was added; one that is not may have been. */
static struct tcore_trace_index_entry *recent_of(const struct tcore_trace_index_builder *builder,
                                                 const uint8_t *id)
{
    uint64_t words[2];
    memcpy(words, id, sizeof words);
    uint64_t hash = (words[0] ^ words[1] * 3) * UINT64_C(0x9e3779b97f4a7c15);
    return &builder->recent[hash >> 52 & (RECENT - 1)];
}

enum tcore_status tcore_trace_index_add(struct tcore_trace_index_builder *builder,
                                        const uint8_t id[TCORE_TRACE_ID_BYTES], uint32_t block,
                                        struct tcore_error *err)
{
    struct tcore_trace_index_entry entry = {.block = block};
    memcpy(entry.id, id, sizeof entry.id);
    if (!builder->recent) {
        builder->recent = tcore_malloc(RECENT * sizeof *builder->recent);
        if (!builder->recent)
            return tcore_error_nomem(err);
        for (size_t i = 0; i < RECENT; i++) /* none in any place */
            builder->recent[i] = (struct tcore_trace_index_entry){.block = UINT32_MAX};
    }
    struct tcore_trace_index_entry *recent = recent_of(builder, id);
    if (!compare(recent, &entry))
        return TCORE_OK;
    if (!reserve(builder, 1))
        return tcore_error_nomem(err);
    builder->entries[builder->count++] = *recent = entry;
    return TCORE_OK;
}

enum tcore_status tcore_trace_index_join(struct tcore_trace_index_builder *into,
                                         const struct tcore_trace_index_builder *from,
                                         struct tcore_error *err)
{
    if (!from->count)
        return TCORE_OK;
    if (!reserve(into, from->count))
        return tcore_error_nomem(err);
    memcpy(into->entries + into->count, from->entries, from->count * sizeof *from->entries);
    into->count += from->count;
    return TCORE_OK;
}

static void sort(struct tcore_trace_index_builder *builder)
{
    struct tcore_trace_index_entry *entries = builder->entries;
    size_t distinct = 0;
    if (builder->sorted == builder->count)
        return;
    qsort(entries, builder->count, sizeof *entries, compare);
    for (size_t i = 0; i < builder->count; i++)
        if (!i || compare(&entries[distinct - 1], &entries[i]))
            entries[distinct++] = entries[i];
    builder->count = builder->sorted = distinct;
}

static bool begins_id(const struct tcore_trace_index_builder *builder, size_t i)
{
    const struct tcore_trace_index_entry *entries = builder->entries;
    return !i || memcmp(entries[i - 1].id, entries[i].id, sizeof entries[i].id) != 0;
}

static bool begins_key(const struct tcore_trace_index_builder *builder, size_t i)
{
    const struct tcore_trace_index_entry *entries = builder->entries;
    return !i ||
           memcmp(key_of(entries[i - 1].id), key_of(entries[i].id), TCORE_TRACE_KEY_BYTES) != 0;
}

uint64_t tcore_trace_index_traces(struct tcore_trace_index_builder *builder)
{
    uint64_t traces = 0;
    sort(builder);
    for (size_t i = 0; i < builder->count; i++)
        traces += begins_id(builder, i);
    return traces;
}

void tcore_trace_index_fill(struct tcore_trace_index_builder *builder,
                            struct tcore_trace_filter *filter)
{
    sort(builder);
    for (size_t i = 0; i < builder->count; i++)
        if (begins_id(builder, i))
            tcore_trace_filter_add(filter, builder->entries[i].id);
}

/* A key with count entries; before: the id whose key stands in front of it in the page, or NULL.
 * Several ids of one key may be in one block. */
static void encode_trace(const struct tcore_trace_index_entry *entries, size_t count,
                         const uint8_t *before, struct tcore_buf *out)
{
    const uint8_t *key = key_of(entries->id);
    unsigned shared = 0;
    size_t blocks = 1;
    while (before && key[shared] == key_of(before)[shared]) /* keys differ */
        shared++;
    for (size_t i = 1; i < count; i++)
        blocks += entries[i].block != entries[i - 1].block;
    bool few = blocks <= TCORE_TRACE_INDEX_FEW;
    tcore_buf_putc(out, (char)(shared | (few ? blocks << 4 : 0)));
    tcore_buf_append(out, key + shared, TCORE_TRACE_KEY_BYTES - shared);
    if (!few)
        tcore_encode_uint64(out, blocks - TCORE_TRACE_INDEX_FEW - 1);
    tcore_encode_uint64(out, entries[0].block);
    for (size_t i = 1; i < count; i++)
        if (entries[i].block != entries[i - 1].block)
            tcore_encode_uint64(out, entries[i].block - entries[i - 1].block - 1);
}

struct pages {
    struct tcore_buf top, bytes;
    size_t start; /* of the page that is being filled */
    const uint8_t *first, *last;
    uint32_t count, blocks;
    uint64_t traces;
};

static void end_page(struct pages *pages)
{
    if (pages->bytes.length == pages->start || pages->bytes.failed)
        return;
    uint32_t start = htole32((uint32_t)pages->start);
    uint64_t checksum = htole64(XXH3_64bits_withSeed(
        pages->bytes.data + pages->start, pages->bytes.length - pages->start, pages->count));
    tcore_buf_append(&pages->top, key_of(pages->first), TCORE_TRACE_KEY_BYTES);
    tcore_buf_append(&pages->top, &start, sizeof start);
    tcore_buf_append(&pages->top, &checksum, sizeof checksum);
    pages->count++;
    pages->start = pages->bytes.length;
    pages->last = NULL;
}

static void add_trace(struct pages *pages, const struct tcore_trace_index_entry *entries,
                      size_t count)
{
    size_t before = pages->bytes.length;
    encode_trace(entries, count, pages->last, &pages->bytes);
    if (pages->last && pages->bytes.length - pages->start > TCORE_TRACE_INDEX_PAGE &&
        !pages->bytes.failed) { /* it begins the next page, in full */
        pages->bytes.length = before;
        end_page(pages);
        encode_trace(entries, count, NULL, &pages->bytes);
    }
    if (!pages->last)
        pages->first = entries->id;
    pages->last = entries->id;
    pages->traces++;
    uint32_t blocks = entries[count - 1].block + 1;
    pages->blocks = blocks > pages->blocks ? blocks : pages->blocks;
}

static void write_all(const struct pages *pages, struct tcore_buf *out)
{
    struct tcore_trace_index_head head = {.version = htole32(TCORE_TRACE_INDEX_VERSION),
                                          .page_count = htole32(pages->count),
                                          .traces = htole64(pages->traces),
                                          .blocks = htole32(pages->blocks),
                                          .page_bytes = htole32((uint32_t)pages->bytes.length)};
    memcpy(head.magic, TCORE_TRACE_INDEX_MAGIC, sizeof head.magic);
    uint64_t seed = XXH3_64bits(&head, TCORE_TRACE_INDEX_HEAD - sizeof head.checksum);
    head.checksum = htole64(XXH3_64bits_withSeed(pages->top.data, pages->top.length, seed));
    tcore_buf_append(out, &head, sizeof head);
    tcore_buf_append(out, pages->top.data, pages->top.length);
    tcore_buf_append(out, pages->bytes.data, pages->bytes.length);
    out->failed |= pages->top.failed || pages->bytes.failed;
}

enum tcore_status tcore_trace_index_encode(struct tcore_trace_index_builder *builder,
                                           struct tcore_buf *out, struct tcore_error *err)
{
    struct pages pages = {0};
    sort(builder);
    for (size_t first = 0, last; first < builder->count; first = last) {
        for (last = first + 1; last < builder->count && !begins_key(builder, last); last++)
            ;
        add_trace(&pages, &builder->entries[first], last - first);
        if (pages.bytes.length > UINT32_MAX)
            pages.bytes.failed = true;
    }
    end_page(&pages);
    write_all(&pages, out);
    tcore_buf_free(&pages.top);
    tcore_buf_free(&pages.bytes);
    return out->failed ? tcore_error_nomem(err) : TCORE_OK;
}
