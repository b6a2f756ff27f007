/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An arena: many small allocations, one release. Pointers stay valid until
 * tcore_arena_reset() or tcore_arena_free(). A zeroed struct is an empty arena.
 */
#ifndef TRACECORE_BASE_ARENA_H
#define TRACECORE_BASE_ARENA_H

#include <stddef.h>

struct tcore_arena_block;

struct tcore_arena {
    struct tcore_arena_block *blocks; /* newest first; owned */
    char *at, *end;                   /* free room in the newest block */
    size_t bytes;                     /* held from the system */
};

/* bytes of memory aligned to 8, or NULL. */
void *tcore_arena_alloc(struct tcore_arena *arena, size_t bytes);
/* A NUL-terminated copy, or NULL. */
char *tcore_arena_copy(struct tcore_arena *arena, const void *data, size_t bytes);
/* Forgets all allocations but keeps one block for reuse. */
void tcore_arena_reset(struct tcore_arena *arena);
void tcore_arena_free(struct tcore_arena *arena);

#endif
