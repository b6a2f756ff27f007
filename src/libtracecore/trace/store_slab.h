/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large pieces of memory that small blocks are cut from, to be given back together. They are in
 * large pages where the system has them: rows are written to 256 places in turn and read in yet
 * another order, so that with small pages a quarter of a store's time is spent on finding them.
 * Private to trace/.
 */
#ifndef TRACECORE_TRACE_STORE_SLAB_H
#define TRACECORE_TRACE_STORE_SLAB_H

#include <stddef.h>

#define TCORE_SLAB_BYTES ((size_t)8 << 20)

struct slab;

/* At most 64 KiB, aligned for pointers. NULL: no memory. */
void *tcore_slab_take(struct slab **slabs, size_t bytes);
void tcore_slabs_free(struct slab **slabs);

#endif
