/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How chunks read what a scan has given them: a block's columns, or a roll-up, and what it stands
 * for if it is damaged. No lock is held here. */
#include "store/scan_private.h"

#include "base/sys.h"

#include <stdio.h>
#include <string.h>

struct scanned *tcore_scanned_new(const char *path, size_t number)
{
    struct scanned *scanned = tcore_calloc(1, sizeof *scanned);
    if (!scanned)
        return NULL;
    scanned->users = 1;
    scanned->number = number;
    snprintf(scanned->path, sizeof scanned->path, "%s", path);
    return scanned;
}

struct tcore_binary_info tcore_scan_info(const struct tcore_manifest_block *b)
{
    return (struct tcore_binary_info){b->type,      b->rows,   b->timed,
                                      b->all_timed, b->min_ns, b->max_ns};
}

void tcore_scanned_let_go(struct scanned *scanned)
{
    if (!scanned || __atomic_sub_fetch(&scanned->users, 1, __ATOMIC_ACQ_REL))
        return;
    if (!scanned->borrowed)
        tcore_segment_close(scanned->segment);
    tcore_free(scanned->blocks.block);
    tcore_free(scanned);
}

/* The path goes in front of the reason: people look for the file. */
static enum tcore_status name_problem(const char *path, enum tcore_status status,
                                      struct tcore_error *err)
{
    char text[TCORE_ERROR_TEXT_BYTES];
    if (!err || !*path)
        return status;
    int errnum = err->errnum;
    memcpy(text, err->text, sizeof text);
    return tcore_error_errno(err, status, errnum, "segments/%s: %s", path, text);
}

static enum tcore_status open_block(struct tcore_binary_columns *columns,
                                    struct tcore_slice *directory, struct tcore_error *err)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    enum tcore_status status;
    uint64_t before = c->reader.bytes_read;
    if (c->rolled_up && !c->block) {
        tcore_block_reader_rewind(&c->reader);
        status = tcore_block_reader_member(&c->reader, c->from->segment, c->rollup_frame, NULL,
                                           directory, err);
        tcore_scan_report_bytes(c->report, c->from->number, c->reader.bytes_read - before);
        return status == TCORE_OK ? status : name_problem(c->from->path, status, err);
    }
    if (!c->block) {
        if (err)
            *err = c->from->problem;
        return name_problem(c->from->path, c->from->problem.status, err);
    }
    status = tcore_block_reader_open(&c->reader, c->from->segment, c->block, directory, err);
    tcore_scan_report_block(c->report, c->from->number, c->reader.bytes_read - before);
    return status == TCORE_OK ? status : name_problem(c->from->path, status, err);
}

static void note_column(struct scan_columns *c, uint64_t before)
{
    if (c->report && c->reader.bytes_read > before)
        tcore_scan_report_column(c->report, c->from->number, c->reader.member,
                                 c->reader.bytes_read - before);
}

static enum tcore_status read_column(struct tcore_binary_columns *columns, uint32_t column,
                                     uint32_t bytes, const void **data, struct tcore_error *err)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    uint64_t before = c->reader.bytes_read;
    enum tcore_status status = tcore_block_reader_column(&c->reader, column, bytes, data, err);
    note_column(c, before);
    return status == TCORE_OK ? status : name_problem(c->from->path, status, err);
}

static enum tcore_status unseal_column(struct tcore_binary_columns *columns, uint32_t column,
                                       struct tcore_slice *opened, struct tcore_error *err)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    uint64_t before = c->reader.bytes_read;
    enum tcore_status status = tcore_block_reader_unseal(&c->reader, column, opened, err);
    note_column(c, before);
    return status == TCORE_OK || status == TCORE_SKIP ? status
                                                      : name_problem(c->from->path, status, err);
}

/* The next segment of a joint roll-up that was of no use. False: there is none. */
static bool open_source(struct scan_columns *c)
{
    while (c->joint && c->next_source < c->joint->source_count) {
        const char *path = c->joint->source[c->next_source++];
        struct scanned *scanned = tcore_scanned_new(path, tcore_scan_report_find(c->report, path));
        if (!scanned)
            return false;
        if (tcore_repository_open_segment(c->repository, path, &scanned->segment, NULL) ==
                TCORE_OK &&
            tcore_segment_unlock(scanned->segment, c->reader.ring, NULL) == TCORE_OK) {
            tcore_scan_report_opened(c->report, scanned->number, scanned->segment);
            tcore_scanned_let_go(c->from);
            c->from = scanned;
            c->next = 0;
            return true;
        }
        tcore_scanned_let_go(scanned);
    }
    return false;
}

static bool instead(struct tcore_binary_columns *columns, struct tcore_binary_info *info)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    if (!c->block)
        tcore_scan_report_damage(c->report, c->from->number);
    for (;;) {
        const struct tcore_manifest *m = tcore_segment_manifest(c->from->segment);
        while (c->next < m->block_count) {
            c->block = &m->block[c->next++];
            *info = tcore_scan_info(c->block);
            if (c->rolled_up >> c->block->type & 1)
                return true;
        }
        if (!open_source(c))
            return false;
    }
}

static void free_columns(struct tcore_binary_columns *columns)
{
    struct scan_columns *c = (struct scan_columns *)columns;
    tcore_scanned_let_go(c->from);
    tcore_block_reader_free(&c->reader);
    tcore_free(c);
}

struct scan_columns *tcore_scan_columns(struct tcore_chunk *chunk)
{
    if (!chunk->columns) {
        struct scan_columns *c = tcore_calloc(1, sizeof *c);
        if (!c)
            return NULL;
        c->reader.columns = (struct tcore_binary_columns){open_block, read_column, instead,
                                                          free_columns, unseal_column};
        chunk->columns = &c->reader.columns;
    }
    return (struct scan_columns *)chunk->columns;
}

void tcore_scan_columns_aim(struct scan_columns *c, struct scanned *from)
{
    tcore_scanned_let_go(c->from);
    c->from = from;
    c->block = NULL;
    c->next = 0;
    c->rolled_up = 0;
    c->joint = NULL;
    c->next_source = 0;
}
