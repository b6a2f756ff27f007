/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where run, start, metric and the like write their records: --to=FILE, REPO or URL. */
#ifndef RECORD_DESTINATION_H
#define RECORD_DESTINATION_H

#include "base/buf.h"
#include "cli/verb.h"

struct destination {
    const char *path;
    bool record; /* of a repository: what was appended is on disk */
};

#define DESTINATION_TO(type, member)                                                               \
    {                                                                                              \
        0, "to", CLI_STRING, offsetof(type, member), "FILE",                                       \
            "append to FILE or a repository, or send to a URL (default: $TRACE_TO, else "          \
            "trace.ndjson)",                                                                       \
            NULL                                                                                   \
    }
#define DESTINATION_DURABILITY(type, member)                                                       \
    {                                                                                              \
        0, "durability", CLI_CHOICE, offsetof(type, member), "WHEN",                               \
            "in a repository: leave it to the system, or wait until it is on disk", "none|record"  \
    }

/* By the values of --to (NULL: $TRACE_TO, else trace.ndjson) and --durability (NULL: none). */
struct destination destination_of(const char *to, const char *durability);
/*
 * Appends whole lines: all of them or none, not mixed with those of other processes, and behind
 * whole lines even if a writer before was killed in the middle of one. To a repository they go as
 * one entry of its shared log; who begins a new one puts what others have left into a segment, and
 * what is wrong with that is a note. If some of them has a value with a label, all become a segment
 * of their own instead, sealed and on disk. To a URL they are sent by OTLP/HTTP, and what that has
 * no place for is a note. TCORE_FATAL: err.
 */
enum tcore_status destination_append(struct cli *cli, const struct destination *to,
                                     const struct tcore_buf *lines, struct tcore_error *err);

#endif
