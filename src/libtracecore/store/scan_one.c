/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A segment of a repository as an input by itself: without its neighbours, joint roll-ups and logs.
 */
#include "store/scan_private.h"

#include "base/sys.h"
#include "store/repository_private.h"

#include <string.h>

#define FOLDER "segments/"

static bool is_day(const char *text)
{
    for (const char *form = "0000/00/00/"; *form; form++, text++)
        if (*form == '/' ? *text != '/' : *text < '0' || *text > '9')
            return false;
    return true;
}

/* The path below segments/, or NULL: it is not that of a segment. */
static const char *path_in_repository(const char *path)
{
    const size_t folders = sizeof FOLDER - 1 + sizeof "YYYY/MM/DD/" - 1;
    const size_t suffix = sizeof TCORE_SEGMENT_SUFFIX - 1;
    const char *name = strrchr(path, '/');
    size_t length = strlen(path);
    if (!name || (size_t)(++name - path) < folders || strlen(name) <= suffix || *name == '.' ||
        strcmp(path + length - suffix, TCORE_SEGMENT_SUFFIX) != 0)
        return NULL;
    const char *folder = name - folders, *day = folder + sizeof FOLDER - 1;
    if ((folder > path && folder[-1] != '/') || memcmp(folder, FOLDER, sizeof FOLDER - 1) != 0 ||
        !is_day(day) || strlen(day) >= TCORE_SEGMENT_PATH_BYTES)
        return NULL;
    return day;
}

bool tcore_scan_is_segment(const char *path)
{
    return path_in_repository(path) != NULL;
}

enum tcore_status tcore_scan_open_one(struct scan *s, const char *path, struct tcore_error *err)
{
    const char *day = path_in_repository(path);
    size_t length = (size_t)(day - path) - (sizeof FOLDER - 1);
    char *repository = length ? tcore_strndup(path, length) : tcore_strndup(".", 1);
    s->one = true;
    s->list.path = tcore_calloc(1, sizeof *s->list.path);
    if (!repository || !s->list.path) {
        tcore_free(repository);
        return tcore_error_nomem(err);
    }
    strcpy(s->list.path[0], day);
    s->list.count = s->list.capacity = 1;
    enum tcore_status status = tcore_repository_open(&s->repository, repository, err);
    if (status == TCORE_OK)
        tcore_repository_share(s->repository);
    if (status == TCORE_BAD_INPUT && err) {
        const struct tcore_error why = *err;
        tcore_error_set(err, TCORE_BAD_INPUT, "%s %s", repository, why.text);
    }
    tcore_free(repository);
    return status;
}
