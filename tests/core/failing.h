/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A system table whose n-th allocation fails once, and which counts what is allocated and not
 * released: for (unsigned long n = 1; more; n++) { failing_begin(n); ...; more = failing_end(); }
 */
#ifndef TRACECORE_TESTS_CORE_FAILING_H
#define TRACECORE_TESTS_CORE_FAILING_H

#include "base/sys.h"

#include <stdbool.h>
#include <stdlib.h>

static struct {
    struct tcore_sys sys;
    unsigned long count; /* allocations since failing_begin */
    unsigned long nth;   /* which of them fails */
    long live;           /* blocks allocated and not released, in all rounds */
} failing;

static void *failing_alloc(size_t bytes)
{
    if (++failing.count == failing.nth)
        return NULL;
    failing.live++;
    return malloc(bytes);
}

static void *failing_resize(void *memory, size_t bytes)
{
    if (++failing.count == failing.nth)
        return NULL;
    failing.live += !memory;
    return realloc(memory, bytes);
}

static void failing_release(void *memory)
{
    failing.live -= memory != NULL;
    free(memory);
}

/* From here on the n-th allocation fails. */
static inline void failing_begin(unsigned long n)
{
    failing.sys = tcore_sys_default;
    failing.sys.alloc = failing_alloc;
    failing.sys.resize = failing_resize;
    failing.sys.release = failing_release;
    failing.count = 0;
    failing.nth = n;
    tcore_sys_set(&failing.sys);
}

/* Back to the real system; whether an allocation has failed. */
static inline bool failing_end(void)
{
    tcore_sys_set(NULL);
    return failing.count >= failing.nth;
}

#endif
