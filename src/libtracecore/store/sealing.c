/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Giving a segment its place: the file has no name until it is on disk; then the folders of its day
 * are made and synced, then it is named, then its folder is synced. A crash leaves all of it or
 * nothing.
 */
#include "base/sys.h"
#include "store/catalog.h"
#include "store/repository_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_SECONDS 86400

enum tcore_status tcore_sealing_begin(struct tcore_sealing *sealing, struct tcore_repository *r,
                                      struct tcore_error *err)
{
    *sealing = (struct tcore_sealing){.repository = r};
    uint64_t seed;
    enum tcore_status status = tcore_new_file_open(&sealing->file, r->segments, err);
    if (status == TCORE_OK)
        status = tcore_repository_filter_seed(r, &seed, err);
    if (status == TCORE_OK)
        status = tcore_segment_writer_new(&sealing->writer, sealing->file.fd, seed, err);
    if (status != TCORE_OK)
        tcore_sealing_drop(sealing);
    return status;
}

void tcore_sealing_drop(struct tcore_sealing *sealing)
{
    if (!sealing->repository)
        return;
    tcore_segment_writer_free(sealing->writer);
    tcore_new_file_drop(&sealing->file);
    sealing->writer = NULL;
    sealing->repository = NULL;
}

/* A point in time as parts of paths. */
struct moment {
    char folders[3][8]; /* year, month, day */
    char name[48];      /* 20261123T101500.123456789Z */
};

static bool split_time(int64_t ns, struct moment *m)
{
    int64_t rest = ns % 1000000000;
    time_t seconds = (time_t)((ns - rest) / 1000000000);
    struct tm tm;
    if (rest < 0) {
        rest += 1000000000;
        seconds--;
    }
    if (!gmtime_r(&seconds, &tm))
        return false;
    snprintf(m->folders[0], sizeof m->folders[0], "%04u", (unsigned)(tm.tm_year + 1900) % 10000);
    snprintf(m->folders[1], sizeof m->folders[1], "%02u", (unsigned)(tm.tm_mon + 1) % 100);
    snprintf(m->folders[2], sizeof m->folders[2], "%02u", (unsigned)tm.tm_mday % 100);
    snprintf(m->name, sizeof m->name, "%s%s%sT%02u%02u%02u.%09uZ", m->folders[0], m->folders[1],
             m->folders[2], (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
             (unsigned)tm.tm_sec % 100, (unsigned)rest);
    return true;
}

/* Opens the folder of the day, making what is missing. All that is above it is synced, be it new or
 * another process's, who may not have come to that yet. A descriptor, or -1 and errno. */
static int open_day(struct tcore_repository *r, const char *path, bool unsynced)
{
    int dir = r->segments;
    for (int i = 0; i < 3 && dir >= 0; i++) {
        char folder[8];
        snprintf(folder, sizeof folder, "%.*s", (int)strcspn(path, "/"), path);
        path += strcspn(path, "/") + 1;
        int below = tcore_open_folder(dir, folder);
        if (below < 0 && errno == ENOENT && tcore_make_folder(dir, folder) == 0)
            below = tcore_open_folder(dir, folder);
        if (below >= 0 && !unsynced && tcore_sys()->fsync(dir) < 0) {
            int reason = errno;
            tcore_sys()->close(below);
            errno = reason;
            below = -1;
        }
        int reason = errno;
        if (dir != r->segments)
            tcore_sys()->close(dir);
        errno = reason;
        dir = below;
    }
    return dir;
}

bool tcore_segment_place(const struct tcore_manifest *manifest, char *path)
{
    struct moment m;
    const uint8_t *id = manifest->id;
    if (!split_time(manifest->timed ? manifest->min_ns : manifest->created_ns, &m))
        return false;
    snprintf(path, TCORE_SEGMENT_PATH_BYTES,
             "%.4s/%.2s/%.2s/%s-%02x%02x%02x%02x%02x%02x%02x%02x" TCORE_SEGMENT_SUFFIX,
             m.folders[0], m.folders[1], m.folders[2], m.name, id[0], id[1], id[2], id[3], id[4],
             id[5], id[6], id[7]);
    return true;
}

enum tcore_status tcore_sealing_finish(struct tcore_sealing *s, struct tcore_error *err)
{
    enum tcore_status status = tcore_segment_finish(s->writer, err);
    if (status == TCORE_OK && !tcore_segment_place(tcore_segment_contents(s->writer), s->path))
        return tcore_error_set(err, TCORE_FATAL, "a time without a date");
    return status;
}

static enum tcore_status give_place(struct tcore_sealing *s, struct tcore_error *err)
{
    int day = open_day(s->repository, s->path, s->unsynced);
    if (day < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot create a folder of segments");
    s->file.into = day;
    s->file.unsynced = s->unsynced;
    const char *name = strrchr(s->path, '/') + 1;
    enum tcore_status status = tcore_new_file_link(&s->file, name, NULL, err);
    if (status == TCORE_SKIP) /* 64 random bits twice */
        status = tcore_error_set(err, TCORE_FATAL, "there is a segment %s already", name);
    s->file.into = s->file.dir;
    tcore_sys()->close(day);
    return status;
}

enum tcore_status tcore_sealing_place(struct tcore_sealing *s, struct tcore_error *err)
{
    enum tcore_status status = give_place(s, err);
    /* It is on disk; a catalog without it costs time and nothing else. */
    if (status == TCORE_OK)
        tcore_catalog_append(s->repository, s->path, tcore_segment_contents(s->writer),
                             tcore_segment_bytes(s->writer), NULL);
    return status;
}

enum tcore_status tcore_sealing_seal(struct tcore_sealing *s, struct tcore_error *err)
{
    enum tcore_status status = tcore_sealing_finish(s, err);
    if (status == TCORE_OK)
        status = tcore_sealing_place(s, err);
    tcore_sealing_drop(s);
    return status;
}
