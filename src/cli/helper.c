/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/helper.h"

#include <stdio.h>
#include <stdlib.h>

const char *cli_helper_path(struct cli_helper_path *path, const char *name)
{
    const char *folder = getenv("TRACECORE_LIBEXEC");
    if (!folder || !*folder)
        folder = PKGLIBEXECDIR;
    snprintf(path->text, sizeof path->text, "%s/%s", folder, name);
    return path->text;
}
