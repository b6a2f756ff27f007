/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directory, its marker, and the list of its segments. */
#include "store/repository.h"

#include "base/sys.h"
#include "store/replace.h"
#include "store/repository_private.h"
#include "store/segment_salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#define MARKER       "tracecore-repository"
#define MARKER_TEXT  "tracecore repository "
#define MARKER_BYTES 64 /* more than it has */

static const char *const folders[] = {"segments", "open", "quarantine"};

int tcore_open_folder(int dir, const char *name)
{
    return tcore_sys()->openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

int tcore_make_folder(int dir, const char *name)
{
    return tcore_sys()->mkdirat(dir, name, 0750) == 0 || errno == EEXIST ? 0 : -1;
}

bool tcore_is_directory(const char *path)
{
    struct stat st;
    return tcore_sys()->fstatat(AT_FDCWD, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* ---- making one ---- */

static int found_something(void *context, const char *name)
{
    (void)context;
    (void)name;
    return 1;
}

/* The marker comes last: a directory without it is none. */
static enum tcore_status fill_directory(int dir, const char *path, struct tcore_error *err)
{
    struct tcore_new_file marker;
    char text[MARKER_BYTES];
    int length = snprintf(text, sizeof text, MARKER_TEXT "%d\n", TCORE_REPOSITORY_VERSION);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (tcore_make_folder(dir, folders[i]) < 0)
            return tcore_error_errno(err, TCORE_FATAL, errno, "cannot create %s/%s", path,
                                     folders[i]);
    enum tcore_status status = tcore_sync_directory(dir, err);
    if (status == TCORE_OK)
        status = tcore_new_file_open(&marker, dir, err);
    if (status != TCORE_OK)
        return status;
    if (tcore_write_all(marker.fd, text, (size_t)length) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot write %s/" MARKER, path);
    if (status == TCORE_OK)
        status = tcore_new_file_link(&marker, MARKER, NULL, err);
    tcore_new_file_drop(&marker);
    return status == TCORE_SKIP ? TCORE_OK : status; /* somebody else was as fast */
}

static enum tcore_status sync_parent(int dir, struct tcore_error *err)
{
    int parent = tcore_sys()->openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (parent < 0)
        return TCORE_OK; /* it may be one that we must not read */
    enum tcore_status status = tcore_sync_directory(parent, err);
    tcore_sys()->close(parent);
    return status;
}

enum tcore_status tcore_repository_create(const char *path, struct tcore_error *err)
{
    bool made = tcore_sys()->mkdirat(AT_FDCWD, path, 0750) == 0;
    if (!made && errno != EEXIST)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot create %s", path);
    int dir = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (dir < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open %s", path);
    enum tcore_status status = TCORE_OK;
    int found = tcore_sys()->list(dir, found_something, NULL);
    if (found < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot read %s", path);
    else if (found)
        status = tcore_error_set(err, TCORE_BAD_INPUT, "the directory is not empty");
    if (status == TCORE_OK && made)
        status = sync_parent(dir, err);
    if (status == TCORE_OK)
        status = fill_directory(dir, path, err);
    tcore_sys()->close(dir);
    return status;
}

/* ---- opening one ---- */

static enum tcore_status read_marker(int dir, struct tcore_error *err)
{
    char text[MARKER_BYTES];
    int fd = tcore_open_regular(dir, MARKER, O_RDONLY);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == EINVAL))
        return tcore_error_set(err, TCORE_BAD_INPUT, "is a directory, and no repository");
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its " MARKER);
    ptrdiff_t got = tcore_pread_all(fd, text, sizeof text - 1, 0);
    int reason = errno;
    tcore_sys()->close(fd);
    if (got < 0)
        return tcore_error_errno(err, TCORE_FATAL, reason, "cannot read its " MARKER);
    text[got] = '\0';
    size_t length = sizeof MARKER_TEXT - 1;
    char *end;
    if (strncmp(text, MARKER_TEXT, length) != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, "its " MARKER " is damaged");
    long version = strtol(text + length, &end, 10);
    if (end == text + length || *end != '\n' || end[1])
        return tcore_error_set(err, TCORE_BAD_INPUT, "its " MARKER " is damaged");
    if (version != TCORE_REPOSITORY_VERSION)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a repository of version %ld, and this program knows %d", version,
                               TCORE_REPOSITORY_VERSION);
    return TCORE_OK;
}

enum tcore_status tcore_repository_open(struct tcore_repository **repository, const char *path,
                                        struct tcore_error *err)
{
    *repository = NULL;
    struct tcore_repository *r = tcore_calloc(1, sizeof *r);
    if (!r)
        return tcore_error_nomem(err);
    r->segments = -1;
    r->dir = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    r->path = tcore_strndup(path, strlen(path));
    enum tcore_status status = TCORE_OK;
    if (r->dir < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot open");
    else if (!r->path)
        status = tcore_error_nomem(err);
    if (status == TCORE_OK)
        status = read_marker(r->dir, err);
    if (status == TCORE_OK) {
        r->segments = tcore_open_folder(r->dir, "segments");
        if (r->segments < 0)
            status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its segments");
    }
    if (status != TCORE_OK) {
        tcore_repository_close(r);
        return status;
    }
    *repository = r;
    return TCORE_OK;
}

void tcore_repository_close(struct tcore_repository *r)
{
    if (!r)
        return;
    if (r->segments >= 0)
        tcore_sys()->close(r->segments);
    if (r->dir >= 0)
        tcore_sys()->close(r->dir);
    tcore_free(r->path);
    tcore_free(r);
}

const char *tcore_repository_path(const struct tcore_repository *r)
{
    return r->path;
}

/* ---- its segments ---- */

void tcore_segment_list_free(struct tcore_segment_list *list)
{
    tcore_free(list->path);
    *list = (struct tcore_segment_list){0};
}

/* A walk through segments/YYYY/MM/DD. */
struct walk {
    struct tcore_segment_list *list;
    char prefix[16]; /* of the folder: "2026/11/23/" */
    unsigned depth;
    int dir;
    bool nomem;
    int errnum;
};

static bool is_number(const char *name, size_t digits)
{
    return strlen(name) == digits && strspn(name, "0123456789") == digits;
}

static int add_path(struct walk *walk, const char *name)
{
    struct tcore_segment_list *list = walk->list;
    size_t length = strlen(name), suffix = sizeof TCORE_SEGMENT_SUFFIX - 1;
    if (length <= suffix || strcmp(name + length - suffix, TCORE_SEGMENT_SUFFIX) != 0 ||
        *name == '.' || strlen(walk->prefix) + length >= TCORE_SEGMENT_PATH_BYTES)
        return 0; /* what is not named so is none of ours */
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        char(*path)[TCORE_SEGMENT_PATH_BYTES] =
            tcore_reallocarray(list->path, capacity, sizeof *path);
        if (!path) {
            walk->nomem = true;
            return 1;
        }
        list->path = path;
        list->capacity = capacity;
    }
    snprintf(list->path[list->count++], TCORE_SEGMENT_PATH_BYTES, "%s%s", walk->prefix, name);
    return 0;
}

static int visit(void *context, const char *name)
{
    struct walk *walk = context;
    if (walk->depth == 3)
        return add_path(walk, name);
    if (!is_number(name, walk->depth ? 2 : 4))
        return 0;
    struct walk below = *walk;
    below.dir = tcore_open_folder(walk->dir, name);
    if (below.dir < 0) {
        /* not a folder, or gone: somebody tidies up */
        bool skip = errno == ENOTDIR || errno == ENOENT || errno == ELOOP;
        walk->errnum = skip ? 0 : errno;
        return skip ? 0 : 1;
    }
    snprintf(below.prefix + strlen(below.prefix), sizeof below.prefix - strlen(below.prefix), "%s/",
             name);
    below.depth++;
    int result = tcore_sys()->list(below.dir, visit, &below);
    walk->errnum = result < 0 ? errno : below.errnum;
    walk->nomem = below.nomem;
    tcore_sys()->close(below.dir);
    return result ? 1 : 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum tcore_status walk_segments(struct tcore_repository *r, struct tcore_segment_list *list,
                                       struct tcore_error *err)
{
    struct walk walk = {.list = list, .dir = r->segments};
    int result = tcore_sys()->list(r->segments, visit, &walk);
    if (walk.nomem)
        return tcore_error_nomem(err);
    if (result)
        return tcore_error_errno(err, TCORE_FATAL, result < 0 ? errno : walk.errnum,
                                 "cannot list its segments");
    return TCORE_OK;
}

void tcore_repository_share(struct tcore_repository *r)
{
    r->shared = tcore_lock(r->segments, LOCK_SH) == 0;
}

enum tcore_status tcore_repository_list(struct tcore_repository *r, struct tcore_segment_list *list,
                                        struct tcore_error *err)
{
    /* What is replaced meanwhile must not be removed before all of it was looked at. */
    if (!r->shared)
        tcore_lock(r->segments, LOCK_SH);
    enum tcore_status status = walk_segments(r, list, err);
    if (list->count)
        qsort(list->path, list->count, sizeof *list->path, compare_paths);
    if (status == TCORE_OK)
        status = tcore_replacements_apply(r, list, err);
    if (!r->shared)
        tcore_lock(r->segments, LOCK_UN);
    return status;
}

int tcore_open_folder_of(struct tcore_repository *r, const char *path, const char **name)
{
    int dir = tcore_open_folder(r->segments, ".");
    const char *slash;
    while (dir >= 0 && (slash = strchr(path, '/')) != NULL) {
        char folder[8];
        if ((size_t)(slash - path) >= sizeof folder) {
            tcore_sys()->close(dir);
            errno = ENOENT;
            return -1;
        }
        memcpy(folder, path, (size_t)(slash - path));
        folder[slash - path] = '\0';
        int below = tcore_open_folder(dir, folder);
        int reason = errno;
        tcore_sys()->close(dir);
        errno = reason;
        dir = below;
        path = slash + 1;
    }
    *name = path;
    return dir;
}

/* The descriptor of a segment; TCORE_EOF: there is none. */
static enum tcore_status open_file(struct tcore_repository *r, const char *path, int *fd,
                                   struct tcore_error *err)
{
    const char *name;
    int dir = tcore_open_folder_of(r, path, &name);
    *fd = -1;
    if (dir >= 0)
        *fd = tcore_open_regular(dir, name, O_RDONLY);
    int reason = errno;
    if (dir >= 0)
        tcore_sys()->close(dir);
    if (*fd >= 0)
        return TCORE_OK;
    if (reason == ENOENT)
        return TCORE_EOF;
    if (reason == EINVAL || reason == ELOOP)
        return tcore_error_set(err, TCORE_BAD_INPUT, "no regular file");
    return tcore_error_errno(err, TCORE_FATAL, reason, "cannot open");
}

static enum tcore_status open_any(struct tcore_repository *r, const char *path,
                                  struct tcore_segment **segment, struct tcore_error *err)
{
    int fd;
    *segment = NULL;
    enum tcore_status status = open_file(r, path, &fd, err);
    return status == TCORE_OK ? tcore_segment_open(segment, fd, err) : status;
}

/* Whether a segment has the name that it was given; place: that. Read under another one, its
 * records would be there twice, or those of the other one missing without a word. */
static bool is_in_place(const struct tcore_segment *segment, const char *path, char *place)
{
    return tcore_segment_place(tcore_segment_manifest(segment), place) && !strcmp(path, place);
}

enum tcore_status tcore_repository_open_segment(struct tcore_repository *r, const char *path,
                                                struct tcore_segment **segment,
                                                struct tcore_error *err)
{
    char place[TCORE_SEGMENT_PATH_BYTES];
    enum tcore_status status = open_any(r, path, segment, err);
    if (status != TCORE_OK || is_in_place(*segment, path, place))
        return status;
    tcore_segment_close(*segment);
    *segment = NULL;
    return tcore_error_set(err, TCORE_BAD_INPUT, "it is another segment: %s", place);
}

/* Whether a segment is in the place where it belongs. */
static bool is_there(struct tcore_repository *r, const struct tcore_segment *segment,
                     const char *place)
{
    struct tcore_segment *other;
    if (open_any(r, place, &other, NULL) != TCORE_OK)
        return false;
    bool same = !memcmp(tcore_segment_manifest(segment)->id, tcore_segment_manifest(other)->id,
                        SEGMENT_ID_BYTES);
    tcore_segment_close(other);
    return same;
}

enum tcore_status tcore_repository_salvage_segment(struct tcore_repository *r, const char *path,
                                                   struct tcore_segment **segment,
                                                   struct tcore_error *err)
{
    int fd;
    char place[TCORE_SEGMENT_PATH_BYTES];
    if (open_any(r, path, segment, NULL) == TCORE_OK) {
        if (is_in_place(*segment, path, place) || !is_there(r, *segment, place))
            return TCORE_OK;
        tcore_segment_close(*segment);
        *segment = NULL;
        return TCORE_SKIP;
    }
    enum tcore_status status = open_file(r, path, &fd, err);
    return status == TCORE_OK ? tcore_segment_salvage(segment, fd, err) : status;
}
