/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of lines or a repository that others write to, read again and again: each time the lines
 * with an id that are new. A file may be appended to, cut short, or moved away and made anew; a
 * repository's logs may be put into segments meanwhile.
 */
#ifndef RECORD_EXECUTION_TAIL_H
#define RECORD_EXECUTION_TAIL_H

#include "record/execution/find.h"

#include <sys/types.h>

struct tail {
    const char *path, *id; /* borrowed */
    struct tcore_wanted wanted;
    execution_line *each;
    void *context;
    /* a file */
    int fd;                /* -1: not open */
    struct tcore_buf text; /* read, and not yet taken: the beginning of a line */
    bool passing;          /* over the rest of a line that is too long */
    /* a repository */
    bool repository;
    uint64_t state;        /* of its logs and catalog, when it was read last */
    struct tcore_map seen; /* lines, and how often each was given, and found in this look */
    struct tail_count {
        uint32_t given, found;
    } * counts;
    size_t capacity;
    bool damaged; /* and what could be read was given; what is damaged: */
    struct tcore_error damage;
};

/* For each() see execution_lines(). TCORE_FATAL; to be closed in any case. */
enum tcore_status tail_open(struct tail *tail, const char *path, const char *id,
                            const struct tcore_wanted *wanted, execution_line *each, void *context,
                            struct tcore_error *err);
/* Where a file ends now; of a repository, or without a file, 0. */
off_t tail_end_of(const char *path);
/* Passes over the beginning of a file: what was there when tail_end_of() was asked. */
void tail_skip(struct tail *tail, off_t bytes);
/* Gives what is new. TCORE_FATAL, or what each() returned. A file or segment that is not there, or
 * is damaged, may be there the next time; damage is kept in tail. */
enum tcore_status tail_look(struct tail *tail, struct tcore_error *err);
void tail_close(struct tail *tail);

#endif
