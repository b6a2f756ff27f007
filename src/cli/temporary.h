/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file for what finds no room in memory: it has no name, and is gone with its descriptor. */
#ifndef CLI_TEMPORARY_H
#define CLI_TEMPORARY_H

#include "base/error.h"

/* In $TMPDIR or else /tmp, for reading and writing. TCORE_FATAL: there is none to be had. */
enum tcore_status cli_temporary_open(int *fd, struct tcore_error *err);

#endif
