/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/segment_rewrap.h"

#include "base/sys.h"
#include "store/repository_private.h"
#include "store/segment_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* A name that a sweep takes away if a crash leaves it. */
static enum tcore_status draw_name(char *name, size_t bytes, struct tcore_error *err)
{
    uint64_t number;
    if (tcore_sys()->random(&number, sizeof number) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "no random bytes");
    snprintf(name, bytes, TCORE_NEW_FILE_PREFIX "%016llx", (unsigned long long)number);
    return TCORE_OK;
}

/* Puts the file in the place of the one of that name. */
static enum tcore_status replace(struct tcore_new_file *file, const char *name,
                                 struct tcore_error *err)
{
    char meanwhile[sizeof TCORE_NEW_FILE_PREFIX + 16];
    struct stat st;
    enum tcore_status status = draw_name(meanwhile, sizeof meanwhile, err);
    if (status == TCORE_OK)
        status = tcore_new_file_link(file, meanwhile, NULL, err);
    if (status == TCORE_SKIP) /* 64 random bits twice */
        return tcore_error_set(err, TCORE_FATAL, "there is a file %s already", meanwhile);
    if (status != TCORE_OK)
        return status;
    /* not in the place of one that somebody has removed meanwhile */
    if (tcore_sys()->fstatat(file->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        status = errno == ENOENT ? TCORE_EOF
                                 : tcore_error_errno(err, TCORE_FATAL, errno, "cannot look at it");
    if (status == TCORE_OK && tcore_sys()->renameat(file->dir, meanwhile, file->dir, name) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot replace it");
    if (status != TCORE_OK) {
        tcore_sys()->unlinkat(file->dir, meanwhile, 0);
        return status;
    }
    return tcore_sync_directory(file->dir, err);
}

static enum tcore_status write_anew(struct tcore_repository *r, const char *path,
                                    const struct tcore_segment *segment,
                                    const struct tcore_wrapped_keys *keys, struct tcore_error *err)
{
    const char *name;
    struct tcore_new_file file = {.fd = -1};
    int dir = tcore_open_folder_of(r, path, &name);
    if (dir < 0)
        return errno == ENOENT
                   ? TCORE_EOF
                   : tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its folder");
    enum tcore_status status = tcore_new_file_open(&file, dir, err);
    if (status == TCORE_OK)
        status = tcore_segment_copy(file.fd, segment, keys, err);
    if (status == TCORE_OK)
        status = replace(&file, name, err);
    tcore_new_file_drop(&file);
    tcore_sys()->close(dir);
    return status;
}

enum tcore_status tcore_repository_rewrap(struct tcore_repository *repository, const char *path,
                                          tcore_change_keys *change, void *context,
                                          struct tcore_error *err)
{
    struct tcore_wrapped_keys keys = {0};
    struct tcore_segment *segment;
    enum tcore_status status = tcore_repository_open_segment(repository, path, &segment, err);
    if (status != TCORE_OK)
        return status;
    status = segment->manifest.keys ? tcore_segment_wrapped(segment, &keys, err) : TCORE_SKIP;
    if (status == TCORE_OK)
        status = change(context, segment, &keys, err);
    if (status == TCORE_OK) /* or damage would get a digest that agrees with it */
        status = tcore_segment_check_digest(segment, err);
    if (status == TCORE_OK)
        status = write_anew(repository, path, segment, &keys, err);
    tcore_wrapped_free(&keys);
    tcore_segment_close(segment);
    return status;
}
