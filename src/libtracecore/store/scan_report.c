/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/scan_report.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

struct tcore_scan_report *tcore_scan_report_new(const struct tcore_segment_list *list,
                                                size_t joints)
{
    struct tcore_scan_report *r = tcore_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->list = list;
    r->segments = list->count;
    r->joints = joints;
    r->line = tcore_calloc(list->count + joints + 1, sizeof *r->line);
    if (!r->line || tcore_map_init(&r->names) < 0) {
        tcore_free(r->line);
        tcore_free(r);
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void tcore_scan_report_free(struct tcore_scan_report *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    tcore_map_free(&r->names);
    tcore_free(r->column);
    tcore_free(r->line);
    tcore_free(r);
}

static struct tcore_scan_line *line_of(struct tcore_scan_report *r, size_t number)
{
    return r && number < r->segments + r->joints ? &r->line[number] : NULL;
}

void tcore_scan_report_opened(struct tcore_scan_report *r, size_t number,
                              const struct tcore_segment *segment)
{
    struct tcore_scan_line *line = line_of(r, number);
    if (!line || !segment)
        return;
    pthread_mutex_lock(&r->lock);
    line->opened = true;
    line->bytes = tcore_segment_file_bytes(segment);
    line->blocks = tcore_segment_manifest(segment)->block_count;
    r->opened++;
    r->opening_bytes += tcore_segment_opening_bytes(segment);
    pthread_mutex_unlock(&r->lock);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(a, b);
}

size_t tcore_scan_report_find(const struct tcore_scan_report *r, const char *path)
{
    const char(*first)[TCORE_SEGMENT_PATH_BYTES] = r ? r->list->path : NULL, (*found)[96] = NULL;
    if (r && r->list->count)
        found = bsearch(path, first, r->list->count, sizeof *first, compare_paths);
    return found ? (size_t)(found - first) : SIZE_MAX;
}

void tcore_scan_report_bytes(struct tcore_scan_report *r, size_t number, uint64_t bytes)
{
    struct tcore_scan_line *line = line_of(r, number);
    if (!line)
        return;
    pthread_mutex_lock(&r->lock);
    line->bytes_read += bytes;
    pthread_mutex_unlock(&r->lock);
}

void tcore_scan_report_block(struct tcore_scan_report *r, size_t number, uint64_t bytes)
{
    struct tcore_scan_line *line = line_of(r, number);
    if (!line)
        return;
    pthread_mutex_lock(&r->lock);
    line->blocks_read++;
    line->bytes_read += bytes;
    pthread_mutex_unlock(&r->lock);
}

void tcore_scan_report_damage(struct tcore_scan_report *r, size_t number)
{
    struct tcore_scan_line *line = line_of(r, number);
    if (!line)
        return;
    pthread_mutex_lock(&r->lock);
    line->unrolled = TCORE_UNROLLED_DAMAGED;
    line->window_ns = 0;
    pthread_mutex_unlock(&r->lock);
}

/* Grows the table by the names. False: out of memory. */
static bool make_room(struct tcore_scan_report *r, size_t count)
{
    if (count <= r->column_capacity)
        return true;
    size_t capacity = 2 * count + 30;
    struct tcore_scan_column *memory = tcore_reallocarray(r->column, capacity, sizeof *memory);
    if (!memory)
        return false;
    memset(memory + r->column_capacity, 0, (capacity - r->column_capacity) * sizeof *memory);
    r->column = memory;
    r->column_capacity = capacity;
    return true;
}

/* TYPE-TAG/NUMBER.KEY: the key is what people know. */
static const char *key_of(const char *member)
{
    const char *file = strchr(member, '/');
    const char *key = file ? strchr(file, '.') : NULL;
    return key ? key + 1 : member;
}

void tcore_scan_report_column(struct tcore_scan_report *r, size_t number, const char *member,
                              uint64_t bytes)
{
    struct tcore_scan_line *line = line_of(r, number);
    if (!line)
        return;
    const char *key = key_of(member);
    pthread_mutex_lock(&r->lock);
    line->bytes_read += bytes;
    uint32_t column = tcore_map_intern(&r->names, key, strlen(key), NULL);
    if (column == TCORE_MAP_NONE || !make_room(r, (size_t)column + 1)) {
        r->failed = true;
    } else {
        r->column[column].times++;
        r->column[column].bytes += bytes;
    }
    pthread_mutex_unlock(&r->lock);
}
