/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shape of a trace: the set of its calls, an operation in another. */
#include <config.h>

#include "span/sample_traces.h"

#include "base/sys.h"

#include <stdlib.h>

struct place {
    uint64_t id, operation;
};

static int by_id(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return (a->operation > b->operation) - (a->operation < b->operation);
}

static int by_number(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product =
        (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xbf58476d1ce4e5b9u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* What the span's parent does; 0: it has none that is there. */
static uint64_t operation_of(const struct place *places, size_t count, uint64_t id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (places[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return id && low < count && places[low].id == id ? places[low].operation : 0;
}

bool held_shape(const struct held_call *calls, size_t count, uint64_t *shape)
{
    struct place *places = tcore_reallocarray(NULL, count, sizeof *places);
    uint64_t *edges = tcore_reallocarray(NULL, count, sizeof *edges);
    *shape = 0;
    if (places && edges) {
        for (size_t i = 0; i < count; i++)
            places[i] = (struct place){calls[i].id, calls[i].operation};
        qsort(places, count, sizeof *places, by_id);
        for (size_t i = 0; i < count; i++)
            edges[i] = mix(operation_of(places, count, calls[i].parent_id), calls[i].operation);
        qsort(edges, count, sizeof *edges, by_number);
        for (size_t i = 0; i < count; i++)
            if (!i || edges[i] != edges[i - 1])
                *shape = mix(*shape, edges[i]);
    }
    tcore_free(places);
    tcore_free(edges);
    return places && edges;
}

bool held_shape_of(const struct held_trace *trace, uint64_t *shape)
{
    size_t count = 0;
    struct held_call *calls = tcore_reallocarray(NULL, trace->facts.spans, sizeof *calls);
    if (!calls)
        return false;
    for (const struct held_span *span = trace->first; span; span = span->next)
        calls[count++] = span->call;
    bool good = held_shape(calls, count, shape);
    tcore_free(calls);
    return good;
}
