/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Telling formats apart that are lines of text and no JSON. Private to stream/sniff.c. */
#ifndef TRACECORE_STREAM_SNIFF_TEXT_H
#define TRACECORE_STREAM_SNIFF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum tcore_text_format {
    TCORE_TEXT_NONE, /* or not yet known: *more */
    TCORE_TEXT_PROMETHEUS,
    TCORE_TEXT_OPENMETRICS,
    TCORE_TEXT_STATSD,
    TCORE_TEXT_GO_BENCHMARK,
    TCORE_TEXT_NUMBERS,
    TCORE_TEXT_CSV,
    TCORE_TEXT_TSV
};

/* What text begins with data, which is not blank; whole: no more of it is to be looked at. */
enum tcore_text_format tcore_sniff_text(const char *data, size_t length, bool whole, bool *more);

#endif
