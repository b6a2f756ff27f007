/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocated with room to begin at a large page; right before that lies where the allocation began. */
#define _GNU_SOURCE
#include "base/large.h"

#include "base/sys.h"

#include <stdint.h>
#include <sys/mman.h>

#define FRONT 16

static void use_large_pages(char *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    size_t whole = bytes / TCORE_LARGE_PAGE * TCORE_LARGE_PAGE;
    (void)madvise(memory, whole, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)bytes;
#endif
}

void *tcore_large_alloc(size_t count, size_t bytes)
{
    size_t size;
    if (__builtin_mul_overflow(count, bytes, &size) ||
        size > SIZE_MAX - TCORE_LARGE_PAGE - FRONT)
        return NULL;
    size_t alignment = size < TCORE_LARGE_PAGE ? FRONT : TCORE_LARGE_PAGE;
    char *begin = tcore_malloc(size + FRONT + alignment);
    if (!begin)
        return NULL;
    char *front = begin + FRONT;
    char *memory = front + (alignment - (uintptr_t)front % alignment) % alignment;
    ((void **)(void *)memory)[-1] = begin;
    if (alignment == TCORE_LARGE_PAGE)
        use_large_pages(memory, size);
    return memory;
}

void tcore_large_free(void *memory)
{
    if (memory)
        tcore_free(((void **)memory)[-1]);
}
