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
static int open_day(struct tcore_repository *r, const struct moment *m, bool unsynced)
{
    int dir = r->segments;
    for (int i = 0; i < 3 && dir >= 0; i++) {
        int below = tcore_open_folder(dir, m->folders[i]);
        if (below < 0 && errno == ENOENT && tcore_make_folder(dir, m->folders[i]) == 0)
            below = tcore_open_folder(dir, m->folders[i]);
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

static enum tcore_status give_place(struct tcore_sealing *s, struct tcore_error *err)
{
    const struct tcore_manifest *manifest = tcore_segment_contents(s->writer);
    struct moment m;
    char name[TCORE_SEGMENT_PATH_BYTES];
    if (!split_time(manifest->timed ? manifest->min_ns : manifest->created_ns, &m))
        return tcore_error_set(err, TCORE_FATAL, "a time without a date");
    int day = open_day(s->repository, &m, s->unsynced);
    if (day < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot create a folder of segments");
    snprintf(name, sizeof name, "%s-%02x%02x%02x%02x%02x%02x%02x%02x" TCORE_SEGMENT_SUFFIX, m.name,
             manifest->id[0], manifest->id[1], manifest->id[2], manifest->id[3], manifest->id[4],
             manifest->id[5], manifest->id[6], manifest->id[7]);
    s->file.into = day;
    s->file.unsynced = s->unsynced;
    enum tcore_status status = tcore_new_file_link(&s->file, name, NULL, err);
    if (status == TCORE_SKIP) /* 64 random bits twice */
        status = tcore_error_set(err, TCORE_FATAL, "there is a segment %s already", name);
    s->file.into = s->file.dir;
    tcore_sys()->close(day);
    snprintf(s->path, sizeof s->path, "%.4s/%.2s/%.2s/%.80s", m.folders[0], m.folders[1],
             m.folders[2], name);
    return status;
}

enum tcore_status tcore_sealing_seal(struct tcore_sealing *s, struct tcore_error *err)
{
    enum tcore_status status = tcore_segment_finish(s->writer, err);
    if (status == TCORE_OK)
        status = give_place(s, err);
    /* It is on disk; a catalog without it costs time and nothing else. */
    if (status == TCORE_OK)
        tcore_catalog_append(s->repository, s->path, tcore_segment_contents(s->writer),
                             tcore_segment_bytes(s->writer), NULL);
    tcore_sealing_drop(s);
    return status;
}
