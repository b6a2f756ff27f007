/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "trace/store_slab.h"

#include "base/sys.h"

#include <stdint.h>
#include <sys/mman.h>

#define LARGE_PAGE ((uintptr_t)2 << 20) /* where they are of another size that is no harm */

struct slab {
    struct slab *next;
    char *at, *end; /* free room */
    char room[] __attribute__((aligned(8)));
};

/* Asks for large pages; without them all works the same. */
static void use_large_pages(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t at = (uintptr_t)memory;
    uintptr_t begin = (at + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE,
              end = (at + bytes) / LARGE_PAGE * LARGE_PAGE;
    if (begin < end)
        (void)madvise((char *)memory + (begin - at), end - begin, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)bytes;
#endif
}

void *tcore_slab_take(struct slab **slabs, size_t bytes)
{
    struct slab *slab = *slabs;
    bytes = (bytes + 7) & ~(size_t)7;
    if (!slab || (size_t)(slab->end - slab->at) < bytes) {
        slab = tcore_malloc(TCORE_SLAB_BYTES);
        if (!slab)
            return NULL;
        use_large_pages(slab, TCORE_SLAB_BYTES);
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
        tcore_free(slab);
    }
    *slabs = NULL;
}
