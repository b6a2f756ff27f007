/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Libraries opened on first use. A program that links libarchive or libcurl
 * pays several milliseconds at every start; so such a library is opened by its
 * SONAME when it is first needed, through a table of typed function pointers.
 * What is opened stays open until the process ends.
 */
#ifndef TRACECORE_BASE_DL_H
#define TRACECORE_BASE_DL_H

#include "base/error.h"

#include <stddef.h>

struct tcore_dl_symbol {
    const char *name;
    size_t offset; /* of the function pointer in the table, offsetof(struct ..., member) */
};

/*
 * Fills the function pointers of table (a struct made of them). On failure
 * TCORE_FATAL: "libzstd.so.1 is missing: install libzstd1" (package is Debian's name).
 * Not thread-safe: callers open before they start threads or hold a lock.
 */
enum tcore_status tcore_dl_open(const char *soname, const char *package,
                                const struct tcore_dl_symbol *symbols, size_t count, void *table,
                                struct tcore_error *err);

#endif
