/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A repository as an input: its segments in the order of time, and the blocks of each as chunks
 * whose columns are read when a decoder asks for them. Segments that have nothing in the range of
 * time that is asked for are not read any further than that takes.
 */
#ifndef TRACECORE_STORE_SCAN_H
#define TRACECORE_STORE_SCAN_H

#include "stream/input.h"

/* Whether a path is that of a segment, REPOSITORY/segments/YYYY/MM/DD/NAME.tar.zst: such a file is
 * opened below, and gives its own records. */
bool tcore_scan_is_segment(const char *path);
/* A tcore_open_directory. TCORE_BAD_INPUT: the directory is no repository. A segment that is
 * damaged is a chunk that cannot be decoded, and the others follow. */
enum tcore_status tcore_scan_open(struct tcore_chunk_source **source, const char *path,
                                  const struct tcore_input_options *options,
                                  struct tcore_error *err);

#endif
