/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/heap.h"

#include <stdlib.h> /* says whether it is glibc */
#ifdef __GLIBC__
#include <malloc.h>
#endif

void tcore_heap_keep(size_t kept, size_t own)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, (int)kept);
    mallopt(M_MMAP_THRESHOLD, (int)own);
#else
    (void)kept;
    (void)own;
#endif
}

void tcore_heap_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
