/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/store_slab.h"

#include "base/large.h"

#include <stdint.h>

struct slab {
    struct slab *next;
    char *at, *end; /* free room */
    char room[] __attribute__((aligned(8)));
};

void *tcore_slab_take(struct slab **slabs, size_t bytes)
{
    struct slab *slab = *slabs;
    bytes = (bytes + 7) & ~(size_t)7;
    if (!slab || (size_t)(slab->end - slab->at) < bytes) {
        slab = tcore_large_alloc(1, TCORE_SLAB_BYTES);
        if (!slab)
            return NULL;
        slab->next = *slabs;
        slab->at = slab->room;
        slab->end = (char *)slab + TCORE_SLAB_BYTES;
        *slabs = slab;
    }
    void *memory = slab->at;
    slab->at += bytes;
    return memory;
}

void tcore_slabs_free(struct slab **slabs)
{
    for (struct slab *slab = *slabs, *next; slab; slab = next) {
        next = slab->next;
        tcore_large_free(slab);
    }
    *slabs = NULL;
}
