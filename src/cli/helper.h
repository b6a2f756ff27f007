/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the helper programs are: programs that do in isolation what could crash or hang. */
#ifndef CLI_HELPER_H
#define CLI_HELPER_H

struct cli_helper_path {
    char text[4096];
};

/* The path of the helper of that name: in $TRACECORE_LIBEXEC (programs that are not installed), or
 * where it is installed. Never NULL; points into path. */
const char *cli_helper_path(struct cli_helper_path *path, const char *name);

#endif
