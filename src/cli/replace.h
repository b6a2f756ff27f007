/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file that replaces another one when it is whole. It is written under no name (O_TMPFILE) where
 * the file system can do that, so that not even a kill leaves anything behind; it gets a temporary
 * name at the very end, to be renamed over the old file in one step. Else it has that name, which
 * nobody can guess, from the beginning. Each function that gives an int gives 0 or errno.
 */
#ifndef CLI_REPLACE_H
#define CLI_REPLACE_H

#include <stdbool.h>
#include <sys/types.h>

struct cli_replace {
    int fd;        /* to write to; -1: not open */
    int directory; /* -1: not open */
    char *base;    /* the file's name in the directory; owned */
    char temporary[32];
    bool unnamed; /* the temporary name is given at the end */
    bool placed;  /* it has the name */
};

#define CLI_REPLACE_CLOSED ((struct cli_replace){.fd = -1, .directory = -1})

/* access: O_WRONLY or O_RDWR. A link is followed, so that what it points to is replaced. Whatever
 * is given, cli_replace_end() is to be called. */
int cli_replace_open(struct cli_replace *replace, const char *path, int access, mode_t mode);
/* Gives the file its name. durable: it and the name are on disk then. keep: fd stays open and is
 * the caller's if the file was placed, which it may be although it is not known to be durable. */
int cli_replace_commit(struct cli_replace *replace, bool durable, bool keep);
/* Frees; leaves no trace of a file that was not placed. */
void cli_replace_end(struct cli_replace *replace);

#endif
