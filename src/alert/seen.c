/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "alert/seen.h"

#include "base/sys.h"

#include <string.h>

#define SEEN_PART 4 /* a fourth is forgotten at a time */

/* The first record that is not before this one. */
static size_t place_of(const struct seen *s, int64_t ns, uint64_t hash)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct seen_record *r = &s->record[middle];

        if (r->ns < ns || (r->ns == ns && r->hash < hash))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool seen_before(struct seen *s, int64_t ns, uint64_t hash)
{
    if (ns <= s->before_ns && s->before_ns != INT64_MIN)
        return true;
    for (size_t at = place_of(s, ns, hash);
         at < s->count && s->record[at].ns == ns && s->record[at].hash == hash; at++)
        if (s->record[at].before) {
            s->record[at].before = false;
            return true;
        }
    return false;
}

static void forget(struct seen *s, size_t count)
{
    if (!count)
        return;
    if (s->record[count - 1].ns > s->floor_ns)
        s->floor_ns = s->record[count - 1].ns;
    for (size_t i = count; i-- && s->before_ns < s->record[i].ns;)
        if (s->record[i].before)
            s->before_ns = s->record[i].ns;
    s->count -= count;
    memmove(s->record, s->record + count, s->count * sizeof *s->record);
}

static bool insert(struct seen *s, struct seen_record record)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 1;
        struct seen_record *all = tcore_reallocarray(s->record, capacity, sizeof *all);

        if (!all)
            return false;
        s->record = all;
        s->capacity = capacity;
    }
    size_t at = place_of(s, record.ns, record.hash);

    memmove(s->record + at + 1, s->record + at, (s->count - at) * sizeof *s->record);
    s->record[at] = record;
    s->count++;
    return true;
}

bool seen_restore(struct seen *s, int64_t ns, uint64_t hash, bool before)
{
    return insert(s, (struct seen_record){ns, hash, before});
}

bool seen_add(struct seen *s, int64_t ns, uint64_t hash, int64_t oldest_ns)
{
    if (!insert(s, (struct seen_record){ns, hash, false}))
        return false;
    size_t gone = place_of(s, oldest_ns, 0);

    if (gone * SEEN_PART >= s->count) /* not one by one */
        forget(s, gone);
    if (s->count > SEEN_RECORDS + SEEN_RECORDS / SEEN_PART) {
        gone = s->count - SEEN_RECORDS;
        while (gone < s->count && s->record[gone].ns == s->record[gone - 1].ns)
            gone++; /* an instant as a whole, or its others would come again */
        forget(s, gone);
    }
    return true;
}

int64_t seen_newest_before(const struct seen *s)
{
    int64_t newest = s->before_ns;

    for (size_t i = 0; i < s->count; i++)
        if (s->record[i].before && s->record[i].ns > newest)
            newest = s->record[i].ns;
    return newest;
}

void seen_free(struct seen *s)
{
    tcore_free(s->record);
    *s = (struct seen){.floor_ns = INT64_MIN, .before_ns = INT64_MIN};
}
