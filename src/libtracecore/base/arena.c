/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An arena of doubling blocks, 4 KiB to 1 MiB; larger requests get a block of their own. */
#include "base/arena.h"
#include "base/sys.h"

#include <stdint.h>
#include <string.h>

struct tcore_arena_block {
    struct tcore_arena_block *next;
    size_t bytes; /* of room behind this header */
    char room[] __attribute__((aligned(16)));
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

static int grow(struct tcore_arena *arena, size_t bytes)
{
    size_t size = arena->blocks ? arena->blocks->bytes * 2 : FIRST_BLOCK;
    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
    if (size < bytes)
        size = bytes;
    if (size > SIZE_MAX - sizeof(struct tcore_arena_block))
        return -1;
    struct tcore_arena_block *block = tcore_malloc(sizeof *block + size);
    if (!block)
        return -1;
    block->next = arena->blocks;
    block->bytes = size;
    arena->blocks = block;
    arena->bytes += size;
    arena->at = block->room;
    arena->end = block->room + size;
    return 0;
}

void *tcore_arena_alloc(struct tcore_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - 15)
        return NULL;
    bytes = (bytes + 7) & ~(size_t)7;
    if ((size_t)(arena->end - arena->at) < bytes && grow(arena, bytes) != 0)
        return NULL;
    void *memory = arena->at;
    arena->at += bytes;
    return memory;
}

char *tcore_arena_copy(struct tcore_arena *arena, const void *data, size_t bytes)
{
    if (bytes == SIZE_MAX)
        return NULL;
    char *copy = tcore_arena_alloc(arena, bytes + 1);
    if (!copy)
        return NULL;
    if (bytes)
        memcpy(copy, data, bytes);
    copy[bytes] = '\0';
    return copy;
}

void tcore_arena_reset(struct tcore_arena *arena)
{
    struct tcore_arena_block *keep = arena->blocks;
    if (!keep)
        return;
    for (struct tcore_arena_block *b = keep->next, *next; b; b = next) {
        next = b->next;
        arena->bytes -= b->bytes;
        tcore_free(b);
    }
    keep->next = NULL;
    arena->at = keep->room;
    arena->end = keep->room + keep->bytes;
}

void tcore_arena_free(struct tcore_arena *arena)
{
    for (struct tcore_arena_block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        tcore_free(b);
    }
    *arena = (struct tcore_arena){0};
}
