/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A segment whose index is damaged: the file is gone through from its beginning, and what frames
 * and members there are make an index again. A damaged stretch costs the block that it is in.
 */
#ifndef TRACECORE_STORE_SEGMENT_SALVAGE_H
#define TRACECORE_STORE_SEGMENT_SALVAGE_H

#include "store/segment_read.h"

#pragma GCC visibility push(hidden)

/* fd becomes the segment's, in any case. Of the manifest there are the blocks, and what follows
 * from them; names are incomplete. TCORE_BAD_INPUT: no block is left. */
enum tcore_status tcore_segment_salvage(struct tcore_segment **segment, int fd,
                                        struct tcore_error *err);

#pragma GCC visibility pop

#endif
