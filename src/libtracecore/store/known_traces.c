/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/known_traces.h"

#include "base/sys.h"
#include "store/repository_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#define FILTERS "filters"

/* ---- the file ---- */

/* A file that is there; -1 in *fd: there is none. */
static enum tcore_status open_file(struct tcore_repository *r, int flags, int *fd,
                                   struct tcore_error *err)
{
    *fd = tcore_open_regular(r->dir, FILTERS, flags);
    if (*fd < 0 && errno != ENOENT)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open its " FILTERS);
    return TCORE_OK;
}

static enum tcore_status draw_seed(uint64_t *seed, struct tcore_error *err)
{
    if (tcore_sys()->random(seed, sizeof *seed) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "no random bytes");
    return TCORE_OK;
}

/* An empty file of that name, on disk. TCORE_SKIP: there is one. */
static enum tcore_status make_file(struct tcore_repository *r, const char *name, uint64_t seed,
                                   struct tcore_error *err)
{
    struct tcore_new_file file;
    enum tcore_status status = tcore_new_file_open(&file, r->dir, err);
    if (status != TCORE_OK)
        return status;
    status = tcore_trace_filters_create(file.fd, seed, err);
    if (status == TCORE_OK)
        status = tcore_new_file_link(&file, name, NULL, err);
    tcore_new_file_drop(&file);
    return status;
}

/* The file is no authority: one of which nothing can be made may go, or its groups. There is always
 * one of that name, so that nobody makes another with a seed of his own. */
static enum tcore_status replace_file(struct tcore_repository *r, uint64_t seed,
                                      struct tcore_error *err)
{
    uint64_t random;
    char name[sizeof TCORE_NEW_FILE_PREFIX + 16];
    enum tcore_status status = draw_seed(&random, err);
    if (status != TCORE_OK)
        return status;
    snprintf(name, sizeof name, TCORE_NEW_FILE_PREFIX "%016llx", (unsigned long long)random);
    status = make_file(r, name, seed, err);
    if (status == TCORE_OK && tcore_sys()->renameat(r->dir, name, r->dir, FILTERS) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot replace its " FILTERS);
    return status == TCORE_OK ? tcore_sync_directory(r->dir, err) : status;
}

/* TCORE_EOF: there was no file, or none of use, and now there is one. */
static enum tcore_status read_seed(struct tcore_repository *r, uint64_t *seed,
                                   struct tcore_error *err)
{
    struct tcore_trace_filters *filters = NULL;
    uint64_t drawn;
    int fd;
    enum tcore_status status = open_file(r, O_RDONLY, &fd, err);
    if (status != TCORE_OK)
        return status;
    if (fd >= 0) {
        status = tcore_trace_filters_open(&filters, fd, err);
        if (status == TCORE_OK)
            *seed = tcore_trace_filters_seed(filters);
        tcore_trace_filters_free(filters);
        tcore_sys()->close(fd);
        if (status != TCORE_BAD_INPUT)
            return status;
    }
    status = draw_seed(&drawn, err);
    if (status == TCORE_OK)
        status = fd < 0 ? make_file(r, FILTERS, drawn, err) : replace_file(r, drawn, err);
    return status == TCORE_OK || status == TCORE_SKIP ? TCORE_EOF : status;
}

enum tcore_status tcore_repository_filter_seed(struct tcore_repository *r, uint64_t *seed,
                                               struct tcore_error *err)
{
    enum tcore_status status = TCORE_EOF;
    for (int attempt = 0; attempt < 8 && status == TCORE_EOF; attempt++)
        status = read_seed(r, seed, err);
    return status == TCORE_EOF ? tcore_error_set(err, TCORE_FATAL, "its " FILTERS " is damaged")
                               : status;
}

enum tcore_status tcore_known_traces_renew(struct tcore_repository *r, struct tcore_error *err)
{
    uint64_t seed;
    enum tcore_status status = tcore_repository_filter_seed(r, &seed, err);
    return status == TCORE_OK ? replace_file(r, seed, err) : status;
}

/* ---- looking ---- */

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool has_hash(const uint64_t *sorted, size_t count, uint64_t hash)
{
    return count && bsearch(&hash, sorted, count, sizeof hash, compare_hashes);
}

/* The hashes of all segments in the file, sorted; owned by the caller. */
static enum tcore_status list_known(const struct tcore_trace_filters *filters, uint64_t **hashes,
                                    size_t *count, struct tcore_error *err)
{
    size_t groups = tcore_trace_filters_groups(filters);
    *count = 0;
    *hashes = tcore_reallocarray(NULL, groups * TCORE_TRACE_FILTERS_GROUP + 1, sizeof **hashes);
    if (!*hashes)
        return tcore_error_nomem(err);
    for (size_t group = 0; group < groups; group++) {
        const uint64_t *names;
        size_t segments = tcore_trace_filters_segments(filters, group, &names);
        memcpy(*hashes + *count, names, segments * sizeof *names);
        *count += segments;
    }
    qsort(*hashes, *count, sizeof **hashes, compare_hashes);
    return TCORE_OK;
}

static enum tcore_status look_up(const struct tcore_trace_filters *filters,
                                 const struct tcore_segment_list *list,
                                 const uint8_t (*ids)[TCORE_TRACE_ID_BYTES], size_t count,
                                 bool *may_have, struct tcore_error *err)
{
    struct tcore_trace_candidates found = {0};
    uint64_t *known = NULL;
    size_t known_count = 0;
    enum tcore_status status = list_known(filters, &known, &known_count, err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = tcore_trace_filters_find(filters, ids[i], &found, err);
    if (status == TCORE_OK && found.count)
        qsort(found.names, found.count, sizeof *found.names, compare_hashes);
    for (size_t i = 0; i < list->count && status == TCORE_OK; i++) {
        uint64_t hash = tcore_trace_filters_name(list->path[i], strlen(list->path[i]));
        may_have[i] =
            !has_hash(known, known_count, hash) || has_hash(found.names, found.count, hash);
    }
    tcore_free(known);
    tcore_free(found.names);
    return status;
}

enum tcore_status tcore_known_traces_find(struct tcore_repository *r,
                                          const struct tcore_segment_list *list,
                                          const uint8_t (*ids)[TCORE_TRACE_ID_BYTES], size_t count,
                                          bool *may_have, struct tcore_error *err)
{
    struct tcore_trace_filters *filters = NULL;
    int fd;
    for (size_t i = 0; i < list->count; i++)
        may_have[i] = true;
    enum tcore_status status = open_file(r, O_RDONLY, &fd, err);
    if (status != TCORE_OK || fd < 0)
        return status;
    status = tcore_trace_filters_open(&filters, fd, err);
    if (status == TCORE_OK)
        status = look_up(filters, list, ids, count, may_have, err);
    else if (status == TCORE_BAD_INPUT)
        status = TCORE_OK; /* each segment is asked then */
    tcore_trace_filters_free(filters);
    tcore_sys()->close(fd);
    return status;
}

/* ---- adding ---- */

struct group {
    struct tcore_trace_filter filter[TCORE_TRACE_FILTERS_GROUP];
    uint64_t name[TCORE_TRACE_FILTERS_GROUP];
    size_t count;
};

static void free_group(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        tcore_trace_filter_free(&g->filter[i]);
    g->count = 0;
}

/* A segment's own filter; TCORE_BAD_INPUT: it has none that fits, and stays out. */
static enum tcore_status read_filter(struct tcore_repository *r, const char *path, uint64_t seed,
                                     struct tcore_trace_filter *filter, struct tcore_error *err)
{
    struct tcore_segment *segment;
    struct tcore_block_reader reader = {0};
    struct tcore_slice data;
    enum tcore_status status = tcore_repository_open_segment(r, path, &segment, err);
    if (status != TCORE_OK)
        return status;
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    if (!m->trace_filter)
        status = tcore_error_set(err, TCORE_BAD_INPUT, "no trace filter");
    if (status == TCORE_OK)
        status = tcore_block_reader_member(&reader, segment, m->trace_filter, NULL, &data, err);
    if (status == TCORE_OK)
        status = tcore_trace_filter_decode(filter, data.data, data.length, err);
    if (status == TCORE_OK && filter->seed != seed) {
        tcore_trace_filter_free(filter);
        status = tcore_error_set(err, TCORE_BAD_INPUT, "a trace filter of another seed");
    }
    tcore_block_reader_free(&reader);
    tcore_segment_close(segment);
    return status;
}

/* Brings all to the largest one's size and appends them. */
static enum tcore_status write_group(int fd, uint64_t *end, struct group *g,
                                     struct tcore_error *err)
{
    const struct tcore_trace_filter *filter[TCORE_TRACE_FILTERS_GROUP];
    uint32_t blocks = 1;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < g->count; i++)
        blocks = g->filter[i].blocks > blocks ? g->filter[i].blocks : blocks;
    for (size_t i = 0; i < g->count && status == TCORE_OK; i++) {
        status = tcore_trace_filter_resize(&g->filter[i], blocks, err);
        filter[i] = &g->filter[i];
    }
    if (status == TCORE_OK)
        status = tcore_trace_filters_append(fd, *end, filter, g->name, g->count, end, err);
    return status;
}

static enum tcore_status add_groups(struct tcore_repository *r, int fd,
                                    const struct tcore_trace_filters *filters,
                                    const struct tcore_segment_list *list, size_t *added,
                                    struct tcore_error *err)
{
    bool whole;
    uint64_t end = tcore_trace_filters_end(filters, &whole), *known = NULL;
    uint64_t seed = tcore_trace_filters_seed(filters);
    size_t known_count;
    struct group *g = tcore_calloc(1, sizeof *g);
    if (!g)
        return tcore_error_nomem(err);
    enum tcore_status status = list_known(filters, &known, &known_count, err);
    for (size_t i = 0; i < list->count && status == TCORE_OK; i++) {
        uint64_t hash = tcore_trace_filters_name(list->path[i], strlen(list->path[i]));
        if (has_hash(known, known_count, hash))
            continue;
        status = read_filter(r, list->path[i], seed, &g->filter[g->count], err);
        if (status == TCORE_BAD_INPUT || status == TCORE_EOF) {
            status = TCORE_OK; /* it is asked itself */
            continue;
        }
        if (status != TCORE_OK)
            break;
        g->name[g->count++] = hash;
        if (g->count < TCORE_TRACE_FILTERS_GROUP)
            continue;
        status = write_group(fd, &end, g, err);
        *added += status == TCORE_OK ? g->count : 0;
        free_group(g);
    }
    free_group(g);
    tcore_free(g);
    tcore_free(known);
    return status;
}

enum tcore_status tcore_known_traces_update(struct tcore_repository *r, size_t *added,
                                            struct tcore_error *err)
{
    struct tcore_segment_list list = {0};
    struct tcore_trace_filters *filters = NULL;
    uint64_t seed;
    int fd = -1;
    *added = 0;
    enum tcore_status status = tcore_repository_filter_seed(r, &seed, err); /* makes the file */
    if (status == TCORE_OK)
        status = open_file(r, O_RDWR, &fd, err);
    if (status == TCORE_OK && fd >= 0 && tcore_lock(fd, LOCK_EX) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot lock its " FILTERS);
    if (status == TCORE_OK && fd >= 0)
        status = tcore_trace_filters_open(&filters, fd, err);
    if (status == TCORE_OK && fd >= 0)
        status = tcore_repository_list(r, &list, err);
    if (status == TCORE_OK && fd >= 0)
        status = add_groups(r, fd, filters, &list, added, err);
    tcore_segment_list_free(&list);
    tcore_trace_filters_free(filters);
    if (fd >= 0)
        tcore_sys()->close(fd);
    return status;
}
