/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/quarantine.h"

#include "base/sys.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define SUFFIX ".tar.zst"

static int open_folder(int dir, const char *name)
{
    return tcore_sys()->openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

/* A name that nothing has there. */
static bool find_name(int quarantine, const char *name, char *into)
{
    struct stat st;
    for (unsigned n = 0; n < 10000; n++) {
        snprintf(into, QUARANTINE_NAME_BYTES, n ? "%.200s.%u" : "%.200s", name, n);
        if (tcore_sys()->fstatat(quarantine, into, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return errno == ENOENT;
    }
    errno = EEXIST;
    return false;
}

static enum tcore_status put(struct upkeep *u, int dir, const char *name, char *into, bool moves)
{
    char unused[QUARANTINE_NAME_BYTES];
    into = into ? into : unused;
    if (tcore_sys()->mkdirat(u->dir, "quarantine", 0750) < 0 && errno != EEXIST)
        return tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot create its quarantine");
    int quarantine = open_folder(u->dir, "quarantine");
    if (quarantine < 0)
        return tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot open its quarantine");
    enum tcore_status status = TCORE_OK;
    bool done = find_name(quarantine, name, into) &&
                (moves ? tcore_sys()->renameat(dir, name, quarantine, into)
                       : tcore_sys()->linkat(dir, name, quarantine, into, 0)) == 0;
    if (!done)
        status =
            tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot put %s into quarantine", name);
    if (status == TCORE_OK) /* the new name before the old one goes */
        status = tcore_sync_directory(quarantine, &u->err);
    if (status == TCORE_OK)
        status = tcore_sync_directory(u->dir, &u->err);
    if (status == TCORE_OK && moves)
        status = tcore_sync_directory(dir, &u->err);
    tcore_sys()->close(quarantine);
    return status;
}

enum tcore_status quarantine_move(struct upkeep *u, int dir, const char *name, char *into)
{
    return put(u, dir, name, into, true);
}

enum tcore_status quarantine_copy(struct upkeep *u, int dir, const char *name, char *into)
{
    return put(u, dir, name, into, false);
}

/* ---- what is foreign ---- */

struct names {
    struct tcore_buf text; /* each with its NUL */
};

static int collect(void *context, const char *name)
{
    struct names *names = context;
    tcore_buf_append(&names->text, name, strlen(name) + 1);
    return 0;
}

static bool is_folder_name(const char *name, unsigned depth)
{
    size_t digits = depth ? 2 : 4;
    return strlen(name) == digits && strspn(name, "0123456789") == digits;
}

static bool is_segment_name(const char *name)
{
    size_t length = strlen(name), suffix = sizeof SUFFIX - 1;
    return *name != '.' && length > suffix && !strcmp(name + length - suffix, SUFFIX);
}

/* A file that somebody is just making is not foreign. */
static bool is_new_file(const char *name)
{
    return !strncmp(name, TCORE_NEW_FILE_PREFIX, sizeof TCORE_NEW_FILE_PREFIX - 1);
}

static enum tcore_status go_through(struct upkeep *u, int dir, unsigned depth, size_t *moved);

static enum tcore_status look_at(struct upkeep *u, int dir, const char *name, unsigned depth,
                                 size_t *moved)
{
    char into[QUARANTINE_NAME_BYTES];
    struct stat st;
    if (is_new_file(name) || tcore_sys()->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return TCORE_OK;
    if (depth < 3 && S_ISDIR(st.st_mode) && is_folder_name(name, depth)) {
        int below = open_folder(dir, name);
        if (below < 0)
            return tcore_error_errno(&u->err, TCORE_FATAL, errno,
                                     "cannot open a folder of segments");
        enum tcore_status status = go_through(u, below, depth + 1, moved);
        tcore_sys()->close(below);
        return status;
    }
    if (depth == 3 && S_ISREG(st.st_mode) && is_segment_name(name))
        return TCORE_OK;
    enum tcore_status status = quarantine_move(u, dir, name, into);
    if (status == TCORE_OK) {
        upkeep_print(u, "%s: is no segment: moved to quarantine/%s", name, into);
        ++*moved;
    }
    return status;
}

static enum tcore_status go_through(struct upkeep *u, int dir, unsigned depth, size_t *moved)
{
    struct names names = {0};
    enum tcore_status status = TCORE_OK;
    if (tcore_sys()->list(dir, collect, &names) != 0)
        status = tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot list its segments");
    else
        status = tcore_buf_status(&names.text, &u->err);
    for (size_t at = 0; at < names.text.length && status == TCORE_OK;
         at += strlen(names.text.data + at) + 1)
        status = look_at(u, dir, names.text.data + at, depth, moved);
    tcore_buf_free(&names.text);
    return status;
}

enum tcore_status quarantine_foreign(struct upkeep *u, size_t *moved)
{
    int dir = open_folder(u->dir, "segments");
    *moved = 0;
    if (dir < 0)
        return tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot open its segments");
    enum tcore_status status = go_through(u, dir, 0, moved);
    tcore_sys()->close(dir);
    return status;
}
