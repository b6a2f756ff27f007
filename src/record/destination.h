/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where run, start, metric and the like write their records: --to=FILE. */
#ifndef RECORD_DESTINATION_H
#define RECORD_DESTINATION_H

#include "base/buf.h"

/* --to, else $TRACE_TO, else trace.ndjson. */
const char *destination_path(const char *to);
/*
 * Appends whole lines: all of them or none, not mixed with those of other processes, and behind
 * whole lines even if a writer before was killed in the middle of one. TCORE_FATAL: err.
 */
enum tcore_status destination_append(const char *path, const struct tcore_buf *lines,
                                     struct tcore_error *err);

#endif
