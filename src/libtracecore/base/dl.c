/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a shared library by its SONAME and filling a table of its functions. */
#include "base/dl.h"

#include <dlfcn.h>
#include <string.h>

enum tcore_status tcore_dl_open(const char *soname, const char *package,
                                const struct tcore_dl_symbol *symbols, size_t count, void *table,
                                struct tcore_error *err)
{
    void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return tcore_error_set(err, TCORE_FATAL, "%s is missing: install %s", soname, package);
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(handle, symbols[i].name);
        if (!function)
            return tcore_error_set(err, TCORE_FATAL, "%s has no %s: install a newer %s", soname,
                                   symbols[i].name, package);
        memcpy((char *)table + symbols[i].offset, &function, sizeof function);
    }
    return TCORE_OK;
}
