/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Headers of tar members (POSIX ustar). A segment's members are written and read frame by frame,
 * which libarchive does not do; any tar program lists and extracts the result. */
#ifndef TRACECORE_STORE_TAR_H
#define TRACECORE_STORE_TAR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Fills 512 bytes. name is shorter than 100 bytes; seconds below 0 are written as 0. */
void tcore_tar_header(char *header, const char *name, size_t bytes, int64_t seconds);
/* What is behind data of that length. */
size_t tcore_tar_padding(size_t bytes);
/* Checks a header; name (100 bytes) gets its name. False: it is none that we write. */
bool tcore_tar_parse(const char *header, char *name, size_t *bytes);

#pragma GCC visibility pop

#endif
