/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/temporary.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum tcore_status cli_temporary_open(int *fd, struct tcore_error *err)
{
    char name[4096];
    const char *folder = getenv("TMPDIR");
    folder = folder && *folder ? folder : "/tmp";
    *fd = tcore_sys()->openat(AT_FDCWD, folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return TCORE_OK;
    if (snprintf(name, sizeof name, "%s/tracecore.XXXXXX", folder) >= (int)sizeof name)
        errno = ENAMETOOLONG;
    else if ((*fd = mkostemp(name, O_CLOEXEC)) >= 0)
        (void)unlink(name);
    return *fd >= 0 ? TCORE_OK
                    : tcore_error_errno(err, TCORE_FATAL, errno, "cannot make a temporary file");
}
