/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a library call can come back with, graded by what it costs the caller.
 * Every function that can fail returns one of these; the reason is in a
 * struct tcore_error that the caller passed in (base/error.h).
 */
#ifndef TRACECORE_BASE_STATUS_H
#define TRACECORE_BASE_STATUS_H

enum tcore_status {
    TCORE_OK = 0,    /* done */
    TCORE_EOF,       /* nothing more will come; not an error */
    TCORE_SKIP,      /* this record is bad and was left out; the next one may be fine */
    TCORE_BAD_INPUT, /* this input (file, stream, expression, rule) is of no use; others may be */
    TCORE_FATAL      /* the system failed us (no memory, no disk, ...): stop */
};

#endif
