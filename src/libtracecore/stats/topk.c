/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counting values: a hash table over entries in the order of their arrival. What is dropped on
 * overflow is dropped by building the table anew.
 */
#include "stats/topk.h"
#include "stats/encode.h"
#include "base/map.h"
#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

struct tcore_topk_entry {
    uint64_t units;
    uint32_t hash, at, length; /* of the value; where it is in bytes */
};

enum { FIRST_ENTRIES = 8, FIRST_SLOTS = 16, FIRST_BYTES = 64 };
static const char topk_name[] = "list of top values";

void tcore_topk_free(struct tcore_topk *topk)
{
    tcore_free(topk->entries);
    tcore_free(topk->slots);
    tcore_free(topk->bytes);
    *topk = (struct tcore_topk){0};
}

size_t tcore_topk_bytes(const struct tcore_topk *topk)
{
    size_t slots = topk->slots ? (size_t)topk->mask + 1 : 0;
    return topk->capacity * sizeof *topk->entries + slots * sizeof *topk->slots +
           topk->bytes_capacity;
}

static inline uint32_t limit_of(const struct tcore_topk *topk)
{
    return topk->limit ? topk->limit : TCORE_TOPK_LIMIT;
}

/* The error never exceeds the total: so nothing made up can overflow it. */
static void add_error(struct tcore_topk *topk, uint64_t more)
{
    uint64_t room = topk->total - topk->error;
    topk->error += more < room ? more : room;
}

static inline const char *value_of(const struct tcore_topk *topk,
                                   const struct tcore_topk_entry *entry)
{
    return entry->length ? topk->bytes + entry->at : ""; /* bytes may be NULL */
}

/* The slot of the value, or the empty one where it would go. */
static uint32_t *find(const struct tcore_topk *topk, uint32_t hash, const void *data, size_t length)
{
    for (uint32_t at = hash & topk->mask;; at = (at + 1) & topk->mask) {
        uint32_t *slot = &topk->slots[at];
        if (!*slot)
            return slot;
        const struct tcore_topk_entry *entry = &topk->entries[*slot - 1];
        if (entry->hash == hash && entry->length == length &&
            (!length || !memcmp(value_of(topk, entry), data, length)))
            return slot;
    }
}

static enum tcore_status grow_slots(struct tcore_topk *topk)
{
    uint32_t size = topk->slots ? (topk->mask + 1) * 2 : FIRST_SLOTS;
    if (!topk->slots && tcore_sys()->random(topk->seed, sizeof topk->seed) != 0)
        return TCORE_FATAL;
    uint32_t *slots = tcore_calloc(size, sizeof *slots);
    if (!slots)
        return TCORE_FATAL;
    for (uint32_t i = 0; i < topk->count; i++) {
        uint32_t at = topk->entries[i].hash & (size - 1);
        while (slots[at])
            at = (at + 1) & (size - 1);
        slots[at] = i + 1;
    }
    tcore_free(topk->slots);
    topk->slots = slots;
    topk->mask = size - 1;
    return TCORE_OK;
}

/* Room for one more entry of so many bytes; the limits were checked. */
static enum tcore_status make_room(struct tcore_topk *topk, size_t length)
{
    if (topk->count == topk->capacity) {
        uint32_t capacity = topk->capacity ? topk->capacity * 2 : FIRST_ENTRIES;
        struct tcore_topk_entry *entries =
            tcore_reallocarray(topk->entries, capacity, sizeof *entries);
        if (!entries)
            return TCORE_FATAL;
        topk->entries = entries;
        topk->capacity = capacity;
    }
    size_t needed = topk->bytes_used + length;
    if (needed > topk->bytes_capacity) {
        size_t capacity = topk->bytes_capacity ? topk->bytes_capacity : FIRST_BYTES;
        while (capacity < needed)
            capacity *= 2;
        char *bytes = tcore_realloc(topk->bytes, capacity);
        if (!bytes)
            return TCORE_FATAL;
        topk->bytes = bytes;
        topk->bytes_capacity = (uint32_t)capacity;
    }
    if (!topk->slots || (uint64_t)(topk->count + 1) * 8 > ((uint64_t)topk->mask + 1) * 5)
        return grow_slots(topk);
    return TCORE_OK;
}

static enum tcore_status append(struct tcore_topk *topk, uint32_t hash, const void *data,
                                size_t length, uint64_t units)
{
    if (make_room(topk, length) != TCORE_OK)
        return TCORE_FATAL;
    uint32_t *slot = find(topk, hash, data, length);
    if (length)
        memcpy(topk->bytes + topk->bytes_used, data, length);
    topk->entries[topk->count] = (struct tcore_topk_entry){
        .units = units, .hash = hash, .at = topk->bytes_used, .length = (uint32_t)length};
    topk->bytes_used += (uint32_t)length;
    *slot = ++topk->count;
    return TCORE_OK;
}

/* An entry with the storage it is in, so that qsort can compare without a global. */
struct sortable {
    const char *data;
    uint32_t length;
    uint64_t units;
};

static int compare_bytes(const void *a, const void *b)
{
    const struct sortable *x = a, *y = b;
    uint32_t shorter = x->length < y->length ? x->length : y->length;
    int order = shorter ? memcmp(x->data, y->data, shorter) : 0;
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static int compare_units(const void *a, const void *b)
{
    const struct sortable *x = a, *y = b;
    if (x->units != y->units)
        return x->units > y->units ? -1 : 1;
    return compare_bytes(a, b);
}

static struct sortable *sorted(const struct tcore_topk *topk,
                               int (*compare)(const void *, const void *))
{
    struct sortable *list = tcore_calloc(topk->count, sizeof *list);
    if (!list)
        return NULL;
    for (uint32_t i = 0; i < topk->count; i++) {
        const struct tcore_topk_entry *entry = &topk->entries[i];
        list[i] = (struct sortable){value_of(topk, entry), entry->length, entry->units};
    }
    if (topk->count)
        qsort(list, topk->count, sizeof *list, compare);
    return list;
}

/* Drops the rarer half: takes the count of the first that goes off those that stay. */
static enum tcore_status prune(struct tcore_topk *topk)
{
    struct sortable *list = sorted(topk, compare_units);
    if (!list)
        return TCORE_FATAL;
    uint32_t half = topk->count / 2;
    uint64_t off = list[half].units;
    struct tcore_topk fresh = {
        .limit = topk->limit, .inexact = true, .error = topk->error, .total = topk->total};
    add_error(&fresh, off);
    enum tcore_status status = grow_slots(&fresh);
    for (uint32_t i = 0; i < half && list[i].units > off && status == TCORE_OK; i++) {
        uint32_t hash = (uint32_t)tcore_siphash(fresh.seed, list[i].data, list[i].length);
        status = append(&fresh, hash, list[i].data, list[i].length, list[i].units - off);
    }
    tcore_free(list);
    struct tcore_topk *worse = status == TCORE_OK ? topk : &fresh;
    struct tcore_topk better = status == TCORE_OK ? fresh : *topk;
    tcore_topk_free(worse);
    *topk = better;
    return status;
}

static bool is_full(const struct tcore_topk *topk, size_t length)
{
    return topk->count >= limit_of(topk) || length > TCORE_TOPK_BYTES_MAX ||
           topk->bytes_used > TCORE_TOPK_BYTES_MAX - length;
}

/* Counts without looking at the total. */
static enum tcore_status count_value(struct tcore_topk *topk, const void *data, size_t length,
                                     uint64_t units)
{
    if (!topk->slots && grow_slots(topk) != TCORE_OK)
        return TCORE_FATAL;
    uint32_t hash = (uint32_t)tcore_siphash(topk->seed, data, length);
    uint32_t *slot = find(topk, hash, data, length);
    if (*slot) {
        topk->entries[*slot - 1].units += units;
        return TCORE_OK;
    }
    while (is_full(topk, length)) {
        if (!topk->count) { /* larger than all the room there is */
            topk->inexact = true;
            add_error(topk, units);
            return TCORE_OK;
        }
        if (prune(topk) != TCORE_OK)
            return TCORE_FATAL;
        hash = (uint32_t)tcore_siphash(topk->seed, data, length);
    }
    return append(topk, hash, data, length, units);
}

enum tcore_status tcore_topk_add(struct tcore_topk *topk, const void *data, size_t length,
                                 uint64_t weight)
{
    if (weight > TCORE_UNITS_MAX - topk->total)
        return TCORE_BAD_INPUT;
    if (!weight)
        return TCORE_OK;
    topk->total += weight;
    enum tcore_status status = count_value(topk, data, length, weight);
    if (status != TCORE_OK)
        topk->total -= weight;
    return status;
}

enum tcore_status tcore_topk_merge(struct tcore_topk *into, const struct tcore_topk *from)
{
    if (from->total > TCORE_UNITS_MAX - into->total)
        return TCORE_BAD_INPUT;
    into->total += from->total;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct tcore_topk_entry *entry = &from->entries[i];
        if (count_value(into, value_of(from, entry), entry->length, entry->units) != TCORE_OK)
            return TCORE_FATAL;
    }
    add_error(into, from->error);
    into->inexact |= from->inexact;
    return TCORE_OK;
}

enum tcore_status tcore_topk_list(const struct tcore_topk *topk, size_t k,
                                  struct tcore_topk_item *items, size_t *found)
{
    struct sortable *list = sorted(topk, compare_units);
    if (!list)
        return TCORE_FATAL;
    *found = k < topk->count ? k : topk->count;
    for (size_t i = 0; i < *found; i++)
        items[i] = (struct tcore_topk_item){list[i].data, list[i].length, list[i].units};
    tcore_free(list);
    return TCORE_OK;
}

enum tcore_status tcore_topk_encode(const struct tcore_topk *topk, struct tcore_buf *out)
{
    struct sortable *list = sorted(topk, compare_bytes);
    if (!list)
        return TCORE_FATAL;
    tcore_encode_uint64(out, (uint64_t)topk->count << 1 | topk->inexact);
    if (topk->inexact) {
        tcore_encode_uint64(out, topk->error);
        tcore_encode_uint64(out, topk->total);
    }
    for (uint32_t i = 0; i < topk->count; i++) {
        tcore_encode_uint64(out, list[i].length);
        tcore_buf_append(out, list[i].data, list[i].length);
        tcore_encode_uint64(out, list[i].units);
    }
    tcore_free(list);
    return TCORE_OK;
}

/* One value behind the one before it in the order of bytes; counts it. */
static enum tcore_status decode_value(struct tcore_topk *topk, struct tcore_state_reader *in,
                                      struct sortable *before, bool first, uint64_t *sum)
{
    uint64_t length, units;
    if (!tcore_decode_uint64(in, &length) || length > tcore_state_reader_left(in) ||
        length > TCORE_TOPK_BYTES_MAX)
        return TCORE_BAD_INPUT;
    struct sortable value = {(const char *)in->at, (uint32_t)length, 0};
    in->at += length;
    if (!tcore_decode_uint64(in, &units) || !units || units > TCORE_UNITS_MAX - *sum ||
        (!first && compare_bytes(before, &value) >= 0))
        return TCORE_BAD_INPUT;
    *sum += units;
    topk->total = *sum;
    *before = value;
    return count_value(topk, value.data, value.length, units);
}

enum tcore_status tcore_topk_decode(struct tcore_topk *topk, struct tcore_state_reader *in,
                                    struct tcore_error *err)
{
    uint64_t head, error = 0, total = 0, sum = 0;
    struct sortable before = {0};
    struct tcore_topk read = {.limit = topk->limit};
    *topk = read;
    if (!tcore_decode_uint64(in, &head))
        return tcore_decode_failed(err, topk_name, "bad head");
    bool inexact = head & 1;
    if (inexact && (!tcore_decode_uint64(in, &error) || !tcore_decode_uint64(in, &total) ||
                    total > TCORE_UNITS_MAX || error > total))
        return tcore_decode_failed(err, topk_name, "bad error or total");
    enum tcore_status status = TCORE_OK;
    for (uint64_t i = 0; i < head >> 1 && status == TCORE_OK; i++)
        status = decode_value(&read, in, &before, i == 0, &sum);
    if (status == TCORE_OK && inexact && sum > total)
        status = TCORE_BAD_INPUT;
    if (status != TCORE_OK) {
        tcore_topk_free(&read);
        return status == TCORE_FATAL ? tcore_error_nomem(err)
                                     : tcore_decode_failed(err, topk_name, "bad value or count");
    }
    read.total = inexact ? total : sum;
    add_error(&read, error);
    read.inexact |= inexact;
    *topk = read;
    return TCORE_OK;
}
