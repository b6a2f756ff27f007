/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a repository's logs are, and what its segments say of them. */
#include "base/sys.h"
#include "store/new_file.h"
#include "store/repository_private.h"

#include <errno.h>
#include <string.h>

enum tcore_status tcore_repository_folder(struct tcore_repository *r, const char *name, bool make,
                                          int *fd, struct tcore_error *err)
{
    *fd = tcore_open_folder(r->dir, name);
    if (*fd < 0 && errno == ENOENT && !make)
        return TCORE_EOF;
    if (*fd < 0 && errno == ENOENT && tcore_make_folder(r->dir, name) == 0) {
        enum tcore_status status = tcore_sync_directory(r->dir, err);
        if (status != TCORE_OK)
            return status;
        *fd = tcore_open_folder(r->dir, name);
    }
    if (*fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its folder %s", name);
    return TCORE_OK;
}

/* Syncs the folders that lead to a segment, from the outermost on. */
static enum tcore_status sync_path(struct tcore_repository *r, const char *path,
                                   struct tcore_error *err)
{
    int dir = r->segments;
    enum tcore_status status = tcore_sync_directory(dir, err);
    const char *slash;
    while (status == TCORE_OK && (slash = strchr(path, '/')) != NULL) {
        char folder[TCORE_SEGMENT_PATH_BYTES] = "";
        memcpy(folder, path, (size_t)(slash - path));
        int below = tcore_open_folder(dir, folder);
        int reason = errno;
        if (dir != r->segments)
            tcore_sys()->close(dir);
        if (below < 0)
            return tcore_error_errno(err, TCORE_FATAL, reason, "cannot open a folder of segments");
        dir = below;
        path = slash + 1;
        status = tcore_sync_directory(dir, err);
    }
    if (dir != r->segments)
        tcore_sys()->close(dir);
    return status;
}

/* Whether the manifest says more of one of the logs than is known; then that is known. */
static bool learn(const struct tcore_manifest *m, const uint8_t (*ids)[TCORE_LOG_ID_BYTES],
                  size_t count, uint64_t *last)
{
    bool says = false;
    for (size_t i = 0; m->seal_count && i < count; i++) {
        uint64_t sealed = tcore_log_sealed(ids[i], m->seal, m->seal_count);
        says |= sealed != 0;
        last[i] = sealed > last[i] ? sealed : last[i];
    }
    return says;
}

enum tcore_status tcore_repository_find_seals(struct tcore_repository *r,
                                              const uint8_t (*ids)[TCORE_LOG_ID_BYTES],
                                              size_t count, uint64_t *last, struct tcore_error *err)
{
    struct tcore_segment_list list = {0};
    memset(last, 0, count * sizeof *last);
    enum tcore_status status = tcore_repository_list(r, &list, err);
    for (size_t i = 0; i < list.count && status == TCORE_OK; i++) {
        struct tcore_segment *segment;
        status = tcore_repository_open_segment(r, list.path[i], &segment, err);
        if (status == TCORE_OK) {
            bool says = learn(tcore_segment_manifest(segment), ids, count, last);
            tcore_segment_close(segment);
            status = says ? sync_path(r, list.path[i], err) : TCORE_OK;
        } else if (status == TCORE_EOF || status == TCORE_BAD_INPUT) {
            status = TCORE_OK;
        }
    }
    tcore_segment_list_free(&list);
    return status;
}
