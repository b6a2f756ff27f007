/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where bytes go: standard output, a file that replaces another one when all is done, or a file
 * that is written in place. Writes are gathered to 256 KiB. A reader that went away is a quiet end;
 * every other failure is reported once and sets cli->failed.
 */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include "cli/replace.h"
#include "cli/verb.h"

#include <sys/types.h>

struct cli_sink {
    struct cli *cli;
    const char *name; /* for messages; borrowed */
    int fd;           /* -1: not open */
    bool ended;       /* closed by the reader, or failed: nothing more is taken */
    bool reader_gone; /* it was the reader */
    bool pipe;        /* not yet enlarged */
    bool terminal;
    char *buffer; /* owned */
    size_t used;
    bool replaces; /* another file, when all is done */
    struct cli_replace file;
};

/* Each returns false after a report. */
bool cli_sink_stdout(struct cli_sink *sink, struct cli *cli);
bool cli_sink_replace(struct cli_sink *sink, struct cli *cli, const char *path);
bool cli_sink_in_place(struct cli_sink *sink, struct cli *cli, const char *path);
/* False when nothing more is taken. */
bool cli_sink_write(struct cli_sink *sink, const char *data, size_t length);
bool cli_sink_flush(struct cli_sink *sink);
/* Flushes, puts the file in its place (discard: leaves no trace of it), frees. Standard output
 * stays open. */
void cli_sink_close(struct cli_sink *sink, bool discard);

#endif
