/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where an input's bytes come from: a file descriptor as it is, or through a decompressor
 * (zlib, libzstd or libarchive, opened on first use). Private to stream/; foreign importers read
 * through it too.
 */
#ifndef TRACECORE_STREAM_SOURCE_H
#define TRACECORE_STREAM_SOURCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcore_source;

/* Opens path ("-": standard input) and looks at its first bytes. A directory is TCORE_BAD_INPUT, a
 * file that cannot be opened or read TCORE_FATAL; *source is NULL then. */
enum tcore_status tcore_source_open(struct tcore_source **source, const char *path,
                                    struct tcore_error *err);
/* The same; as soon as stop_fd (0: none) is readable the source is at its end, be it in the middle
 * of a line, a block or a compressed frame. */
enum tcore_status tcore_source_open_until(struct tcore_source **source, const char *path,
                                          int stop_fd, struct tcore_error *err);
/* Whether that is how it ended. */
bool tcore_source_stopped(const struct tcore_source *source);
void tcore_source_close(struct tcore_source *source);
const char *tcore_source_name(const struct tcore_source *source);

/*
 * Reads once, at most bytes; *got is 0 at the end only. TCORE_BAD_INPUT: damaged or truncated
 * compression; TCORE_FATAL: read error. Reading does not go on after a failure.
 */
enum tcore_status tcore_source_read(struct tcore_source *source, void *buffer, size_t bytes,
                                    size_t *got, struct tcore_error *err);
/* Whether a read would give something (data, end or error) at once, waiting for up to timeout_ns
 * (0: not at all). Always true for regular files and compressed input. */
bool tcore_source_ready(struct tcore_source *source, int64_t timeout_ns);
/*
 * Reading by position, for several threads at a time. tcore_source_detach() succeeds for plain
 * regular files whose first bytes have been handed out, as long as nobody wishes to stop. From then
 * on all reads are by position, and the source has a mark where tcore_source_read() goes on: moving
 * it on counts what is passed as taken, and closing moves a shared descriptor there.
 * tcore_source_read_at() may run in any thread and
 * gives less than it was asked for at the end of the file only.
 */
bool tcore_source_detach(struct tcore_source *source);
uint64_t tcore_source_mark(const struct tcore_source *source);
void tcore_source_set_mark(struct tcore_source *source, uint64_t offset);
enum tcore_status tcore_source_read_at(struct tcore_source *source, uint64_t offset, void *buffer,
                                       size_t bytes, size_t *got, struct tcore_error *err);
/* Bytes taken from the descriptor so far, and the size of a regular file (0 if it is none). */
void tcore_source_position(const struct tcore_source *source, uint64_t *done, uint64_t *total);

#endif
