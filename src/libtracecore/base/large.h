/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory of megabytes that is written all over. It lies in large pages where the system has them:
 * a page that is touched first costs as much as copying it many times, and one that is not in the
 * processor's table of pages a walk. Without large pages all works the same.
 */
#ifndef TRACECORE_BASE_LARGE_H
#define TRACECORE_BASE_LARGE_H

#include <stddef.h>

#define TCORE_LARGE_PAGE ((size_t)2 << 20) /* where they are of another size that is no harm */

/* Aligned to TCORE_LARGE_PAGE if there are that many bytes, else to 16. Of a size that is a
 * multiple of it all pages are large. NULL on failure or overflow. */
void *tcore_large_alloc(size_t count, size_t bytes);
void tcore_large_free(void *memory); /* NULL is no harm */

#endif
