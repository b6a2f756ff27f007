/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/joint.h"

#include "base/sys.h"
#include "store/repository_private.h"
#include "store/rollup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_NS INT64_C(3600000000000)
#define DAY_NS  (24 * HOUR_NS)

/* ---- opening ---- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The number of a segment in the list, or SIZE_MAX. */
static size_t find_path(const struct tcore_segment_list *list, const char *path)
{
    const char(*found)[TCORE_SEGMENT_PATH_BYTES] =
        list->count ? bsearch(path, list->path, list->count, sizeof *list->path, compare_paths)
                    : NULL;
    return found ? (size_t)(found - (const char(*)[TCORE_SEGMENT_PATH_BYTES])list->path) : SIZE_MAX;
}

/* Whether all that it is of is there, and in no other joint. */
static bool is_of(const struct tcore_joints *joints, const struct tcore_manifest *m,
                  const struct tcore_segment_list *list)
{
    for (uint32_t i = 0; i < m->source_count; i++) {
        size_t number = find_path(list, m->source[i]);
        if (number == SIZE_MAX || joints->of_segment[number])
            return false;
    }
    return m->source_count != 0;
}

static bool keep(struct tcore_joints *joints, struct tcore_segment *joint,
                 const struct tcore_segment_list *list)
{
    const struct tcore_manifest *m = tcore_segment_manifest(joint);
    if (joints->count == joints->capacity) {
        size_t capacity = joints->capacity ? joints->capacity * 2 : 16;
        struct tcore_segment **memory =
            tcore_reallocarray(joints->joint, capacity, sizeof(*joints->joint));
        if (!memory)
            return false;
        joints->joint = memory;
        joints->capacity = capacity;
    }
    joints->joint[joints->count++] = joint;
    for (uint32_t i = 0; i < m->source_count; i++)
        joints->of_segment[find_path(list, m->source[i])] = (uint32_t)joints->count;
    return true;
}

/* The names in REPO/rollups, each with its NUL. */
static int collect(void *context, const char *name)
{
    size_t length = strlen(name), suffix = sizeof TCORE_SEGMENT_SUFFIX - 1;
    if (*name != '.' && length > suffix && !strcmp(name + length - suffix, TCORE_SEGMENT_SUFFIX))
        tcore_buf_append(context, name, length + 1);
    return 0;
}

static enum tcore_status list_joints(int dir, struct tcore_buf *names, struct tcore_error *err)
{
    if (tcore_sys()->list(dir, collect, names) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot list its rollups");
    return tcore_buf_status(names, err);
}

/* Opens a joint; NULL in *joint: of no use. */
static enum tcore_status open_joint(int dir, const char *name, struct tcore_segment **joint,
                                    struct tcore_error *err)
{
    *joint = NULL;
    int fd = tcore_open_regular(dir, name, O_RDONLY);
    if (fd < 0)
        return TCORE_OK;
    enum tcore_status status = tcore_segment_open(joint, fd, err);
    return status == TCORE_BAD_INPUT ? TCORE_OK : status;
}

enum tcore_status tcore_joints_open(struct tcore_joints *joints, struct tcore_repository *r,
                                    const struct tcore_segment_list *list, struct tcore_error *err)
{
    struct tcore_buf names = {0};
    *joints = (struct tcore_joints){0};
    joints->of_segment = tcore_calloc(list->count, sizeof *joints->of_segment);
    if (!joints->of_segment)
        return tcore_error_nomem(err);
    int dir = tcore_open_folder(r->dir, "rollups");
    if (dir < 0)
        return TCORE_OK;
    enum tcore_status status = list_joints(dir, &names, err);
    for (size_t at = 0; at < names.length && status == TCORE_OK;
         at += strlen(names.data + at) + 1) {
        struct tcore_segment *joint;
        status = open_joint(dir, names.data + at, &joint, err);
        if (joint && !is_of(joints, tcore_segment_manifest(joint), list)) {
            tcore_segment_close(joint);
        } else if (joint && !keep(joints, joint, list)) {
            tcore_segment_close(joint);
            status = tcore_error_nomem(err);
        }
    }
    tcore_buf_free(&names);
    tcore_sys()->close(dir);
    return status;
}

void tcore_joints_close(struct tcore_joints *joints)
{
    for (size_t i = 0; i < joints->count; i++)
        tcore_segment_close(joints->joint[i]);
    tcore_free(joints->joint);
    tcore_free(joints->of_segment);
    *joints = (struct tcore_joints){0};
}

/* ---- making ---- */

struct maker {
    struct tcore_repository *repository;
    int dir; /* REPO/rollups */
    struct tcore_rollup_builder *hours;
    struct tcore_manifest manifest; /* of what it is of: times, records, sources */
    unsigned incomplete;            /* types of which some segment has no roll-up */
    struct tcore_block_reader reader;
    struct tcore_error *err;
};

/* The coarsest roll-up that hours are made of. */
static const struct tcore_manifest_rollup *best_rollup(const struct tcore_manifest *m)
{
    const struct tcore_manifest_rollup *best = NULL;
    for (uint32_t i = 0; i < m->rollup_count; i++)
        if (HOUR_NS % m->rollup[i].window_ns == 0)
            best = &m->rollup[i];
    return best;
}

static enum tcore_status add_segment(struct maker *k, const char *path)
{
    struct tcore_segment *segment;
    struct tcore_slice data;
    enum tcore_status status = tcore_repository_open_segment(k->repository, path, &segment, k->err);
    if (status != TCORE_OK)
        return status;
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    const struct tcore_manifest_rollup *rollup = best_rollup(m);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (m->records[type] && !(rollup && rollup->types >> type & 1))
            k->incomplete |= 1u << type;
    if (!tcore_manifest_add_source(&k->manifest, path, m))
        status = tcore_error_nomem(k->err);
    if (status == TCORE_OK && rollup) {
        tcore_block_reader_rewind(&k->reader);
        status = tcore_block_reader_member(&k->reader, segment, rollup->frame, NULL, &data, k->err);
        if (status == TCORE_OK)
            status = tcore_rollup_merge(k->hours, data.data, data.length, k->err);
    }
    tcore_segment_close(segment);
    return status;
}

static enum tcore_status name_joint(struct maker *k, struct tcore_new_file *file,
                                    const struct tcore_segment_writer *writer)
{
    char name[TCORE_SEGMENT_PATH_BYTES];
    const char *first = strrchr(k->manifest.source[0], '/');
    first = first ? first + 1 : k->manifest.source[0];
    const uint8_t *id = tcore_segment_contents(writer)->id;
    snprintf(name, sizeof name, "%.26s-%02x%02x%02x%02x%02x%02x%02x%02x" TCORE_SEGMENT_SUFFIX,
             first, id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]);
    enum tcore_status status = tcore_new_file_link(file, name, NULL, k->err);
    return status == TCORE_SKIP ? TCORE_FATAL : status;
}

static enum tcore_status write_joint(struct maker *k)
{
    struct tcore_new_file file;
    struct tcore_segment_writer *writer = NULL;
    struct tcore_rollup_builder *days = NULL;
    struct tcore_buf bytes = {0};
    enum tcore_status status = tcore_new_file_open(&file, k->dir, k->err);
    if (status != TCORE_OK)
        return status;
    status = tcore_segment_writer_new(&writer, file.fd, 0, k->err);
    if (status == TCORE_OK) /* there are few, and questions about months read all of them */
        tcore_segment_pack_quickly(writer);
    if (status == TCORE_OK)
        status = tcore_rollup_builder_new(&days, DAY_NS, k->err);
    if (status == TCORE_OK)
        status = tcore_rollup_encode(k->hours, &bytes, k->err);
    if (status == TCORE_OK)
        status = tcore_rollup_merge(days, bytes.data, bytes.length, k->err);
    if (status == TCORE_OK)
        status = tcore_segment_add_rollup(writer, k->hours, HOUR_NS, ~k->incomplete, k->err);
    if (status == TCORE_OK)
        status = tcore_segment_add_rollup(writer, days, DAY_NS, ~k->incomplete, k->err);
    if (status == TCORE_OK)
        status = tcore_segment_add_whole_rollup(writer, days, ~k->incomplete, k->err);
    if (status == TCORE_OK && !tcore_segment_set_sources(writer, &k->manifest))
        status = tcore_error_nomem(k->err);
    if (status == TCORE_OK)
        status = tcore_segment_finish(writer, k->err);
    if (status == TCORE_OK)
        status = name_joint(k, &file, writer);
    tcore_buf_free(&bytes);
    tcore_rollup_builder_free(days);
    tcore_segment_writer_free(writer);
    tcore_new_file_drop(&file);
    return status;
}

/* One joint of so many segments. */
static enum tcore_status make_joint(struct tcore_repository *r, int dir,
                                    char (*const *path)[TCORE_SEGMENT_PATH_BYTES], size_t count,
                                    struct tcore_error *err)
{
    struct maker k = {.repository = r, .dir = dir, .err = err};
    enum tcore_status status = tcore_rollup_builder_new(&k.hours, HOUR_NS, err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = add_segment(&k, *path[i]);
    if (status == TCORE_OK)
        status = write_joint(&k);
    tcore_rollup_builder_free(k.hours);
    tcore_block_reader_free(&k.reader);
    tcore_manifest_free(&k.manifest);
    return status;
}

static enum tcore_status make_missing(struct tcore_repository *r, int dir,
                                      const struct tcore_segment_list *list,
                                      const struct tcore_joints *joints, size_t *made,
                                      struct tcore_error *err)
{
    char(*group[TCORE_JOINT_SEGMENTS])[TCORE_SEGMENT_PATH_BYTES];
    size_t count = 0;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < list->count && status == TCORE_OK; i++) {
        if (joints->of_segment[i])
            continue;
        group[count++] = &list->path[i];
        if (count < TCORE_JOINT_SEGMENTS)
            continue;
        status = make_joint(r, dir, group, count, err);
        *made += status == TCORE_OK;
        count = 0;
    }
    return status == TCORE_EOF ? TCORE_OK : status; /* a segment is gone since: another time */
}

/* Those that are not among the joints that count. */
static enum tcore_status remove_old(int dir, const struct tcore_joints *joints, size_t *removed,
                                    struct tcore_error *err)
{
    struct tcore_buf names = {0};
    enum tcore_status status = list_joints(dir, &names, err);
    for (size_t at = 0; at < names.length && status == TCORE_OK;
         at += strlen(names.data + at) + 1) {
        struct tcore_segment *joint;
        bool counts = false;
        status = open_joint(dir, names.data + at, &joint, err);
        for (size_t i = 0; joint && i < joints->count; i++)
            counts |= !memcmp(tcore_segment_manifest(joint)->id,
                              tcore_segment_manifest(joints->joint[i])->id, SEGMENT_ID_BYTES);
        tcore_segment_close(joint);
        if (status != TCORE_OK || counts)
            continue;
        if (tcore_sys()->unlinkat(dir, names.data + at, 0) == 0)
            ++*removed;
        else if (errno != ENOENT)
            status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot remove rollups/%s",
                                       names.data + at);
    }
    tcore_buf_free(&names);
    return status;
}

enum tcore_status tcore_joints_update(struct tcore_repository *r, size_t *made, size_t *removed,
                                      struct tcore_error *err)
{
    struct tcore_segment_list list = {0};
    struct tcore_joints joints = {0};
    *made = *removed = 0;
    if (tcore_make_folder(r->dir, "rollups") < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot create its rollups");
    int dir = tcore_open_folder(r->dir, "rollups");
    if (dir < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its rollups");
    enum tcore_status status = tcore_repository_list(r, &list, err);
    if (status == TCORE_OK)
        status = tcore_joints_open(&joints, r, &list, err);
    if (status == TCORE_OK)
        status = remove_old(dir, &joints, removed, err);
    if (status == TCORE_OK)
        status = make_missing(r, dir, &list, &joints, made, err);
    tcore_joints_close(&joints);
    tcore_segment_list_free(&list);
    tcore_sys()->close(dir);
    return status;
}
