/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A repository: a directory of sealed segments, laid out as tracecore-repository(5) says. Paths in
 * it are opened one name at a time and never through a symbolic link.
 */
#ifndef TRACECORE_STORE_REPOSITORY_H
#define TRACECORE_STORE_REPOSITORY_H

#include "base/error.h"
#include "store/segment_read.h"
#include "store/segment_write.h"
#include "store/new_file.h"

#include <stdbool.h>
#include <stddef.h>

#define TCORE_REPOSITORY_VERSION 1
#define TCORE_SEGMENT_PATH_BYTES 96 /* of a segment's path in the repository, with its NUL */

struct tcore_repository;

#pragma GCC visibility push(hidden)

/* Whether there is a directory of that name; whether it is a repository is told by opening it. */
bool tcore_is_directory(const char *path);
/* Makes a repository of a directory that is not there yet, or empty. TCORE_BAD_INPUT: it holds
 * something; TCORE_FATAL. */
enum tcore_status tcore_repository_create(const char *path, struct tcore_error *err);
/* TCORE_BAD_INPUT: it is no repository, or one of a later version. */
enum tcore_status tcore_repository_open(struct tcore_repository **repository, const char *path,
                                        struct tcore_error *err);
void tcore_repository_close(struct tcore_repository *repository);
const char *tcore_repository_path(const struct tcore_repository *repository);

/* The seed of its trace filters, drawn the first time. */
enum tcore_status tcore_repository_filter_seed(struct tcore_repository *repository, uint64_t *seed,
                                               struct tcore_error *err);

/* Paths of segments in the repository, in the order of time. */
struct tcore_segment_list {
    char (*path)[TCORE_SEGMENT_PATH_BYTES]; /* owned */
    size_t count, capacity;
};

/* Sees to it that what is listed from now on stays until the repository is closed, as far as the
 * file system can lock. Upkeep that would remove it waits or leaves it for later. */
void tcore_repository_share(struct tcore_repository *repository);

void tcore_segment_list_free(struct tcore_segment_list *list);
/* Those that count: of segments that are being replaced by others, these or those. */
enum tcore_status tcore_repository_list(struct tcore_repository *repository,
                                        struct tcore_segment_list *list, struct tcore_error *err);
/* Opens one. TCORE_EOF: it is not there any more; TCORE_BAD_INPUT: it is damaged, or another one
 * than its name says. */
enum tcore_status tcore_repository_open_segment(struct tcore_repository *repository,
                                                const char *path, struct tcore_segment **segment,
                                                struct tcore_error *err);

/* Opens one that is damaged, as tcore_segment_salvage() does; one that is whole and has the name of
 * another one, as it is. TCORE_SKIP: that is there under its own name, too. */
enum tcore_status tcore_repository_salvage_segment(struct tcore_repository *repository,
                                                   const char *path, struct tcore_segment **segment,
                                                   struct tcore_error *err);

/* A folder of the repository, as "open" or "quarantine"; made if it is missing and make is set.
 * TCORE_EOF: there is none. */
enum tcore_status tcore_repository_folder(struct tcore_repository *repository, const char *name,
                                          bool make, int *fd, struct tcore_error *err);
/*
 * What the segments say of logs: last[i] becomes the last sequence of log ids[i] that is in one, 0
 * if none is. The folders of each segment that says something are synced, so that the log may go
 * because of it. A damaged segment says nothing.
 */
enum tcore_status tcore_repository_find_seals(struct tcore_repository *repository,
                                              const uint8_t (*ids)[TCORE_LOG_ID_BYTES],
                                              size_t count, uint64_t *last,
                                              struct tcore_error *err);

/*
 * A segment that is being written: it appears, whole and on disk, when it is sealed, and never
 * otherwise.
 */
struct tcore_sealing {
    struct tcore_repository *repository; /* borrowed */
    struct tcore_new_file file;
    struct tcore_segment_writer *writer;
    char path[TCORE_SEGMENT_PATH_BYTES]; /* once it is finished */
    bool unsynced; /* may be set before it is sealed: the system writes it when it likes */
};

/* Begins one in a struct that holds nothing. */
enum tcore_status tcore_sealing_begin(struct tcore_sealing *sealing,
                                      struct tcore_repository *repository, struct tcore_error *err);
/* Seals it, and ends. TCORE_OK: it is on disk under sealing->path. */
enum tcore_status tcore_sealing_seal(struct tcore_sealing *sealing, struct tcore_error *err);
/* The same in two steps: all is written, and sealing->path is where it will be; then it is. */
enum tcore_status tcore_sealing_finish(struct tcore_sealing *sealing, struct tcore_error *err);
enum tcore_status tcore_sealing_place(struct tcore_sealing *sealing, struct tcore_error *err);
/* Drops it; nothing if it holds nothing. */
void tcore_sealing_drop(struct tcore_sealing *sealing);

#pragma GCC visibility pop

#endif
