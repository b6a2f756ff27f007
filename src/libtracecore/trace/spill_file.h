/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The temporary file of all threads, made by whoever needs it first. Private to trace/. */
#ifndef TRACECORE_TRACE_SPILL_FILE_H
#define TRACECORE_TRACE_SPILL_FILE_H

#include "base/error.h"
#include "base/sys.h"

/* *fd: atomic, -1 before. Threads that need it at the same time may each make one; the first one
 * stays. */
static inline enum tcore_status
open_spill_file(int *fd, enum tcore_status (*temporary)(int *fd, struct tcore_error *err),
                struct tcore_error *err)
{
    int made, none = -1;
    if (__atomic_load_n(fd, __ATOMIC_ACQUIRE) >= 0)
        return TCORE_OK;
    enum tcore_status status = temporary(&made, err);
    if (status == TCORE_OK &&
        !__atomic_compare_exchange_n(fd, &none, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        tcore_sys()->close(made);
    return status;
}

#endif
