/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the heap gives back to the system, where it is glibc's. */
#ifndef TRACECORE_BASE_HEAP_H
#define TRACECORE_BASE_HEAP_H

#include <stddef.h>

/* Keeps up to so many bytes that were freed, as given back they would come again page by page.
 * Blocks of own bytes and more are the system's from first to last. For the whole process. */
void tcore_heap_keep(size_t kept, size_t own);
/* Gives back all that is free. */
void tcore_heap_trim(void);

#endif
