/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces in order: a radix sort of their keys, byte by byte, and then of those with one key a sort
 * by id. It takes a few milliseconds where comparing takes a good part of a second. */
#include <config.h>

#include "span/gather.h"

#include "base/large.h"

#include <stdlib.h>
#include <string.h>

static int compare_ids(const void *a, const void *b)
{
    const struct trace_ref *x = a, *y = b;
    for (int i = 0; i < 2; i++)
        if (x->trace_id[i] != y->trace_id[i])
            return x->trace_id[i] < y->trace_id[i] ? -1 : 1;
    return 0;
}

/* Sorts by key only; returns whichever of the two arrays holds the result. */
static struct trace_ref *sort_by_key(struct trace_ref *from, struct trace_ref *to, size_t count)
{
    size_t histogram[8][256];
    memset(histogram, 0, sizeof histogram);
    for (size_t i = 0; i < count; i++)
        for (unsigned byte = 0; byte < 8; byte++)
            histogram[byte][from[i].key >> 8 * byte & 255]++;
    for (unsigned byte = 0; byte < 8; byte++) {
        size_t *place = histogram[byte], before = 0;
        if (place[from[0].key >> 8 * byte & 255] == count)
            continue; /* all have the same */
        for (unsigned digit = 0; digit < 256; digit++) {
            size_t here = place[digit];
            place[digit] = before;
            before += here;
        }
        for (size_t i = 0; i < count; i++)
            to[place[from[i].key >> 8 * byte & 255]++] = from[i];
        struct trace_ref *sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

bool order_traces(struct trace_ref *refs, size_t count)
{
    if (!count)
        return true;
    struct trace_ref *scratch = tcore_large_alloc(count, sizeof *scratch);
    if (!scratch)
        return false;
    if (sort_by_key(refs, scratch, count) == scratch)
        memcpy(refs, scratch, count * sizeof *refs);
    tcore_large_free(scratch);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && refs[end].key == refs[i].key; end++) {
        }
        if (end - i > 1)
            qsort(refs + i, end - i, sizeof *refs, compare_ids);
    }
    return true;
}
