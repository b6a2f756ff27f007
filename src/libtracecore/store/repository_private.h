/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A repository from inside. */
#ifndef TRACECORE_STORE_REPOSITORY_PRIVATE_H
#define TRACECORE_STORE_REPOSITORY_PRIVATE_H

#include "store/repository.h"

#define TCORE_SEGMENT_SUFFIX ".tar.zst"

struct tcore_repository {
    int dir;      /* the repository itself */
    int segments; /* its segments/ */
    bool shared;  /* with a lock on segments/, so that nothing is removed there */
    char *path;
};

#pragma GCC visibility push(hidden)

/* Opens a directory without following a link: a descriptor, or -1 and errno. */
int tcore_open_folder(int dir, const char *name);
/* Makes one unless it is there: 0, or -1 and errno. Not synced. */
int tcore_make_folder(int dir, const char *name);

/* Opens the folder that a path below segments/ is in; *name is the rest. A descriptor, or -1 and
 * errno. */
int tcore_open_folder_of(struct tcore_repository *r, const char *path, const char **name);

/* The path that a segment with this manifest has, in TCORE_SEGMENT_PATH_BYTES. False: its time has
 * no date. */
bool tcore_segment_place(const struct tcore_manifest *manifest, char *path);

#pragma GCC visibility pop

#endif
