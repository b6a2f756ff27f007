/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/replace.h"

#include "base/sys.h"
#include "store/replacement.h"
#include "store/repository_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

enum tcore_status tcore_upkeep_lock(struct tcore_repository *r, bool wait, int *fd,
                                    struct tcore_error *err)
{
    *fd = tcore_sys()->openat(r->dir, "upkeep.lock",
                              O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);
    if (*fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its upkeep.lock");
    if (tcore_lock(*fd, LOCK_EX | (wait ? 0 : LOCK_NB)) == 0)
        return TCORE_OK;
    int reason = errno;
    tcore_sys()->close(*fd);
    *fd = -1;
    if (reason == EWOULDBLOCK)
        return tcore_error_set(err, TCORE_SKIP, "somebody else is at its upkeep");
    return tcore_error_errno(err, TCORE_FATAL, reason, "cannot lock its upkeep.lock");
}

/* ---- what counts ---- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(a, b);
}

static char *find(const struct tcore_segment_list *list, const char *path)
{
    return list->count ? bsearch(path, list->path, list->count, sizeof *list->path, compare_paths)
                       : NULL;
}

static bool has_all(const struct tcore_segment_list *list, const struct tcore_segment_list *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        if (!find(list, paths->path[i]))
            return false;
    return true;
}

/* Marks them, by their last byte, so that the list stays sorted. */
static void mark(struct tcore_segment_list *list, const struct tcore_segment_list *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        char *path = find(list, paths->path[i]);
        if (path)
            path[TCORE_SEGMENT_PATH_BYTES - 1] = 1;
    }
}

enum tcore_status tcore_replacements_apply(struct tcore_repository *r,
                                           struct tcore_segment_list *list, struct tcore_error *err)
{
    struct tcore_replacements replacements;
    size_t kept = 0;
    enum tcore_status status = tcore_replacements_read(r, &replacements, err);
    if (status != TCORE_OK || !replacements.count)
        return status;
    for (size_t i = 0; i < list->count; i++)
        list->path[i][TCORE_SEGMENT_PATH_BYTES - 1] = 0;
    for (size_t i = 0; i < replacements.count; i++) {
        const struct tcore_replacement *item = &replacements.item[i];
        mark(list, has_all(list, &item->new) ? &item->old : &item->new);
    }
    for (size_t i = 0; i < list->count; i++)
        if (!list->path[i][TCORE_SEGMENT_PATH_BYTES - 1])
            memmove(list->path[kept++], list->path[i], sizeof *list->path);
    list->count = kept;
    tcore_replacements_free(&replacements);
    return TCORE_OK;
}

/* ---- replacing ---- */

/* The file that says what replaces what, on disk. */
static enum tcore_status write_replacement(struct tcore_repository *r,
                                           const struct tcore_replacement *replacement,
                                           struct tcore_error *err)
{
    struct tcore_buf text = {0};
    struct tcore_new_file file = {.fd = -1};
    int dir = -1;
    enum tcore_status status = tcore_replacement_write(replacement, &text, err);
    if (status == TCORE_OK && tcore_make_folder(r->dir, TCORE_REPLACING) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot create " TCORE_REPLACING);
    if (status == TCORE_OK) /* whoever made it may not have come to that */
        status = tcore_sync_directory(r->dir, err);
    if (status == TCORE_OK && (dir = tcore_open_folder(r->dir, TCORE_REPLACING)) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot open " TCORE_REPLACING);
    if (status == TCORE_OK)
        status = tcore_new_file_open(&file, dir, err);
    if (status == TCORE_OK && tcore_write_all(file.fd, text.data, text.length) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot write a replacement");
    if (status == TCORE_OK)
        status = tcore_new_file_link(&file, replacement->name, NULL, err);
    tcore_new_file_drop(&file);
    tcore_buf_free(&text);
    if (dir >= 0)
        tcore_sys()->close(dir);
    return status == TCORE_SKIP ? TCORE_FATAL : status;
}

static enum tcore_status name_replacement(struct tcore_replacement *replacement,
                                          struct tcore_error *err)
{
    uint64_t random;
    if (tcore_sys()->random(&random, sizeof random) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "no random bytes");
    snprintf(replacement->name, sizeof replacement->name, "%016llx", (unsigned long long)random);
    return TCORE_OK;
}

enum tcore_status tcore_replace(struct tcore_repository *r, const struct tcore_segment_list *old,
                                struct tcore_sealing *sealing, size_t count,
                                struct tcore_error *err)
{
    struct tcore_replacement replacement = {.old = *old};
    enum tcore_status status = name_replacement(&replacement, err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        status = tcore_sealing_finish(&sealing[i], err);
        if (status == TCORE_OK)
            status = tcore_segment_list_add(&replacement.new, sealing[i].path,
                                            strlen(sealing[i].path), err);
    }
    if (status == TCORE_OK)
        status = write_replacement(r, &replacement, err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = tcore_sealing_place(&sealing[i], err);
    for (size_t i = 0; i < count; i++)
        tcore_sealing_drop(&sealing[i]);
    tcore_segment_list_free(&replacement.new);
    return status;
}

/* ---- settling ---- */

static enum tcore_status is_there(struct tcore_repository *r, const char *path, bool *there,
                                  struct tcore_error *err)
{
    const char *name;
    struct stat st;
    int dir = tcore_open_folder_of(r, path, &name);
    int result = dir < 0 ? -1 : tcore_sys()->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
    int reason = errno;
    if (dir >= 0)
        tcore_sys()->close(dir);
    *there = result == 0;
    if (result < 0 && reason != ENOENT)
        return tcore_error_errno(err, TCORE_FATAL, reason, "cannot look at segments/%s", path);
    return TCORE_OK;
}

/* Whether the path's folder is another one than that of the path before it. */
static bool is_first_of_folder(const struct tcore_segment_list *list, size_t i)
{
    return !i || memcmp(list->path[i], list->path[i - 1], sizeof "YYYY/MM/DD" - 1) != 0;
}

/* Removes them, or only syncs the folders that they are in. */
static enum tcore_status remove_or_sync(struct tcore_repository *r,
                                        const struct tcore_segment_list *list, bool removing,
                                        struct tcore_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *name;
        int dir = removing || is_first_of_folder(list, i)
                      ? tcore_open_folder_of(r, list->path[i], &name)
                      : -1;
        if (dir < 0 && (removing || is_first_of_folder(list, i)) && errno != ENOENT)
            return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open the folder of %s",
                                     list->path[i]);
        if (dir < 0)
            continue;
        int result = removing ? tcore_sys()->unlinkat(dir, name, 0) : tcore_sys()->fsync(dir);
        int reason = errno;
        tcore_sys()->close(dir);
        if (result < 0 && !(removing && reason == ENOENT))
            return tcore_error_errno(err, TCORE_FATAL, reason, "cannot %s segments/%s",
                                     removing ? "remove" : "sync the folder of", list->path[i]);
    }
    return TCORE_OK;
}

static enum tcore_status remove_segments(struct tcore_repository *r,
                                         const struct tcore_segment_list *list,
                                         struct tcore_error *err)
{
    enum tcore_status status = remove_or_sync(r, list, true, err);
    return status == TCORE_OK ? remove_or_sync(r, list, false, err) : status;
}

static enum tcore_status remove_file(struct tcore_repository *r, const char *name,
                                     struct tcore_error *err)
{
    int dir = tcore_open_folder(r->dir, TCORE_REPLACING);
    if (dir < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its " TCORE_REPLACING);
    enum tcore_status status = TCORE_OK;
    if (tcore_sys()->unlinkat(dir, name, 0) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot remove replacing/%s", name);
    if (status == TCORE_OK)
        status = tcore_sync_directory(dir, err);
    tcore_sys()->close(dir);
    return status;
}

static enum tcore_status all_there(struct tcore_repository *r,
                                   const struct tcore_segment_list *list, bool *all,
                                   struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    *all = true;
    for (size_t i = 0; i < list->count && *all && status == TCORE_OK; i++)
        status = is_there(r, list->path[i], all, err);
    return status;
}

/* The names of the new ones may be no more than in memory, if who gave them was killed. */
static enum tcore_status settle(struct tcore_repository *r, const struct tcore_replacement *item,
                                bool unread, size_t *pending, struct tcore_error *err)
{
    bool all;
    enum tcore_status status = all_there(r, &item->new, &all, err);
    if (status != TCORE_OK)
        return status;
    if (all && !unread) {
        ++*pending;
        return TCORE_OK;
    }
    if (all)
        status = remove_or_sync(r, &item->new, false, err);
    if (status == TCORE_OK)
        status = remove_segments(r, all ? &item->old : &item->new, err);
    return status == TCORE_OK ? remove_file(r, item->name, err) : status;
}

/* Whether nobody reads, who cannot begin to until unlock_readers(). Where files cannot be locked,
 * readers cannot be seen. */
static enum tcore_status lock_readers(struct tcore_repository *r, bool wait, bool *unread,
                                      struct tcore_error *err)
{
    *unread = true;
    if (tcore_lock(r->segments, LOCK_EX | (wait ? 0 : LOCK_NB)) == 0)
        return TCORE_OK;
    *unread = errno != EWOULDBLOCK;
    if (errno == EWOULDBLOCK || errno == ENOLCK || errno == EOPNOTSUPP)
        return TCORE_OK;
    return tcore_error_errno(err, TCORE_FATAL, errno, "cannot lock its segments");
}

static void unlock_readers(struct tcore_repository *r)
{
    tcore_lock(r->segments, r->shared ? LOCK_SH : LOCK_UN);
}

enum tcore_status tcore_replacements_settle(struct tcore_repository *r, bool wait, size_t *pending,
                                            struct tcore_error *err)
{
    struct tcore_replacements replacements;
    bool unread, damaged = false;
    *pending = 0;
    enum tcore_status status = tcore_replacements_read(r, &replacements, err);
    if (status != TCORE_OK || !replacements.count)
        return status;
    status = lock_readers(r, wait, &unread, err);
    for (size_t i = 0; i < replacements.count && status == TCORE_OK; i++) {
        const struct tcore_replacement *item = &replacements.item[i];
        if (!item->damaged)
            status = settle(r, item, unread, pending, err);
        else if (!damaged)
            tcore_error_set(err, TCORE_BAD_INPUT, "replacing/%s is damaged", item->name);
        damaged |= item->damaged;
    }
    unlock_readers(r);
    tcore_replacements_free(&replacements);
    return status == TCORE_OK && damaged ? TCORE_BAD_INPUT : status;
}

void tcore_replacements_recover(struct tcore_repository *r)
{
    struct tcore_replacements replacements;
    size_t pending;
    int lock;
    if (tcore_replacements_read(r, &replacements, NULL) != TCORE_OK || !replacements.count)
        return;
    tcore_replacements_free(&replacements);
    if (tcore_upkeep_lock(r, false, &lock, NULL) != TCORE_OK)
        return; /* whoever has it sees to that */
    tcore_replacements_settle(r, false, &pending, NULL);
    tcore_sys()->close(lock);
}
