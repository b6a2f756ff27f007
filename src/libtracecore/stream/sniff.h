/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Telling our two formats from everything else by the first bytes, and what is to be said of
 * everything else. Private to stream/; trace-record import names what it does not read by it, too.
 */
#ifndef TRACECORE_STREAM_SNIFF_H
#define TRACECORE_STREAM_SNIFF_H

#include "stream/input.h"

#define TCORE_SNIFF_BYTES 4096 /* no more than so many are looked at */

/* A format that is not ours. */
struct tcore_foreign {
    const char *name;     /* as in "looks like OTLP/JSON"; NULL: it has none, it is of no format */
    const char *importer; /* the --from of trace-record import that reads it; NULL: none does yet */
    const char *way_out;  /* what else makes records of it; NULL: nothing does but import */
};

/* Every foreign format that has a name, the last one without. */
extern const struct tcore_foreign tcore_foreign_formats[];

struct tcore_sniffed {
    enum tcore_format format;
    const struct tcore_foreign *foreign; /* NULL: it is ours, or may be: doubt is settled for
                                            NDJSON, whose bad lines are rejected one by one */
    bool more;                           /* what follows may still change the answer */
};

/* What an input is that begins with data; whole: that is all of it. */
struct tcore_sniffed tcore_sniff(const char *data, size_t length, bool whole);

/* Whether a line of data, which begins a line, could begin a record; *text, unless NULL: whether
 * any of them is not blank. */
bool tcore_sniff_records(const char *data, size_t length, bool *text);

/* TCORE_BAD_INPUT: what the format is and what to do about it. foreign may be NULL: it is none that
 * is known. */
enum tcore_status tcore_sniff_refuse(const struct tcore_foreign *foreign, struct tcore_error *err);

#endif
