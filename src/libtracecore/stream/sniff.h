/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Telling our two formats from everything else by the first bytes. Private to stream/. */
#ifndef TRACECORE_STREAM_SNIFF_H
#define TRACECORE_STREAM_SNIFF_H

#include "stream/input.h"

/*
 * What data (the first bytes of an input, all of it if whole) is. TCORE_BAD_INPUT: a format that is
 * not ours; err says which it looks like and how to convert it. Doubt is settled for NDJSON:
 * its bad lines are then rejected one by one.
 */
enum tcore_status tcore_sniff(const char *data, size_t length, enum tcore_format *format,
                              struct tcore_error *err);

#endif
