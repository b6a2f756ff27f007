/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changing for whom the keys of a segment are wrapped. The file is written anew: all other members
 * byte for byte, its id and name the same. What the old file was made of may stay on the disk, and
 * lives on in every copy of it.
 */
#ifndef TRACECORE_STORE_SEGMENT_REWRAP_H
#define TRACECORE_STORE_SEGMENT_REWRAP_H

#include "store/repository.h"
#include "store/seal.h"

#pragma GCC visibility push(hidden)

/* Changes the keys. TCORE_SKIP: there is nothing to change in this segment. Any other status but
 * TCORE_OK ends it, and the segment is as it was. */
typedef enum tcore_status tcore_change_keys(void *context, const struct tcore_segment *segment,
                                            struct tcore_wrapped_keys *keys,
                                            struct tcore_error *err);

/*
 * Changes the keys of a segment and replaces its file, which is done when it returns TCORE_OK.
 * TCORE_SKIP: nothing is sealed in it, or nothing was to be changed. TCORE_EOF: it is not there any
 * more. TCORE_BAD_INPUT: it is damaged, and stays as it is.
 */
enum tcore_status tcore_repository_rewrap(struct tcore_repository *repository, const char *path,
                                          tcore_change_keys *change, void *context,
                                          struct tcore_error *err);

#pragma GCC visibility pop

#endif
