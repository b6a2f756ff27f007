/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/removal.h"

#include "base/sys.h"
#include "cli/message.h"
#include "store/replace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int removal_open(struct removal *r, struct upkeep *upkeep)
{
    r->upkeep = upkeep;
    int status = holds_read(&r->holds, upkeep->cli, upkeep->dir, upkeep->name);
    return status == CLI_DONE ? holds_open(&r->holds, upkeep->cli, &r->projection) : status;
}

void removal_free(struct removal *r)
{
    holds_free(&r->holds);
    tcore_segment_reader_free(r->reader);
    tcore_projection_free(&r->projection);
    tcore_free(r->plan);
    tcore_free(r->rows);
}

/* Names the segment in a reason. */
static enum tcore_status name_segment(struct upkeep *u, const char *path, enum tcore_status status)
{
    char text[TCORE_ERROR_TEXT_BYTES];
    int errnum = u->err.errnum;
    memcpy(text, u->err.text, sizeof text);
    return tcore_error_errno(&u->err, status, errnum, "segments/%s: %s", path, text);
}

/* ---- which rows ---- */

static enum tcore_status doomed_rows(struct removal *r, const struct tcore_batch *batch,
                                     uint32_t *rows, size_t *count, struct tcore_error *err)
{
    enum tcore_status status = r->select(r->context, batch, rows, count, err);
    size_t selected = *count;
    if (status == TCORE_OK)
        status = holds_rows(&r->holds, batch, rows, count, err);
    r->held += selected - *count;
    return status;
}

static enum tcore_status count_rows(void *context, const struct tcore_batch *batch, uint32_t *rows,
                                    size_t *count, struct tcore_error *err)
{
    struct removal *r = context;
    struct removal_plan *plan = &r->plan[r->at];
    plan->records += batch->rows;
    enum tcore_status status = doomed_rows(r, batch, rows, count, err);
    for (size_t i = 0; i < *count && status == TCORE_OK; i++)
        plan->removed[batch->types[rows[i]]]++;
    plan->all_removed += status == TCORE_OK ? *count : 0;
    return status;
}

static enum tcore_status keep_others(void *context, const struct tcore_batch *batch, uint32_t *rows,
                                     size_t *count, struct tcore_error *err)
{
    struct removal *r = context;
    if (batch->rows > r->row_capacity) {
        tcore_free(r->rows);
        r->rows = tcore_reallocarray(NULL, batch->rows, sizeof *r->rows);
        r->row_capacity = r->rows ? batch->rows : 0;
        if (!r->rows)
            return tcore_error_nomem(err);
    }
    size_t doomed = *count, next = 0, kept = 0;
    memcpy(r->rows, rows, doomed * sizeof *rows);
    enum tcore_status status = doomed_rows(r, batch, r->rows, &doomed, err);
    for (size_t i = 0; i < *count && status == TCORE_OK; i++) {
        if (next < doomed && r->rows[next] == rows[i])
            next++;
        else
            rows[kept++] = rows[i];
    }
    *count = kept;
    return status;
}

/* ---- counting ---- */

/* Before anything changes, so that all of it can be done or nothing is. */
static enum tcore_status may_rewrite(struct removal *r, struct tcore_segment *segment)
{
    const struct tcore_labels *labels;
    enum tcore_status status = upkeep_labels(r->upkeep, &labels);
    if (status == TCORE_OK)
        status = tcore_segment_may_rewrite(r->reader, segment, labels, &r->upkeep->err);
    return status;
}

static enum tcore_status plan_segment(struct removal *r, const char *path)
{
    struct upkeep *u = r->upkeep;
    struct tcore_segment *segment;
    enum tcore_status status =
        tcore_repository_open_segment(u->repository, path, &segment, &u->err);
    if (status == TCORE_EOF)
        return TCORE_OK;
    if (status == TCORE_OK &&
        (!r->concerns || r->concerns(r->context, tcore_segment_manifest(segment))))
        status = tcore_segment_go_through(r->reader, segment, count_rows, r, NULL, NULL, &u->err);
    const struct removal_plan *plan = &r->plan[r->at];
    if (status == TCORE_OK && plan->all_removed && plan->all_removed < plan->records)
        status = may_rewrite(r, segment);
    tcore_segment_close(segment);
    return status == TCORE_OK ? status : name_segment(u, path, status);
}

enum tcore_status removal_plan(struct removal *r)
{
    const struct tcore_segment_list *list = &r->upkeep->segments;
    r->plan = tcore_calloc(list->count, sizeof *r->plan);
    if (!r->plan)
        return tcore_error_nomem(&r->upkeep->err);
    enum tcore_status status = tcore_segment_reader_new(&r->reader, &r->projection,
                                                        upkeep_keys(r->upkeep), &r->upkeep->err);
    for (r->at = 0; r->at < list->count && status == TCORE_OK; r->at++) {
        const struct removal_plan *plan = &r->plan[r->at];
        status = plan_segment(r, list->path[r->at]);
        for (int type = 0; type < TCORE_RECORD_TYPES; type++)
            r->removed[type] += plan->removed[type];
        r->all_removed += plan->all_removed;
        r->segments += plan->all_removed != 0;
    }
    return status;
}

void removal_add_segment(struct removal *r, size_t segment, const struct tcore_manifest *m)
{
    struct removal_plan *plan = &r->plan[segment];
    r->segments += !plan->all_removed;
    r->all_removed -= plan->all_removed;
    plan->records = 0;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        r->removed[type] += m->records[type] - plan->removed[type];
        plan->removed[type] = m->records[type];
        plan->records += m->records[type];
    }
    plan->all_removed = plan->records;
    r->all_removed += plan->all_removed;
}

struct held_rows {
    struct removal *removal;
    bool any;
};

static enum tcore_status find_held(void *context, const struct tcore_batch *batch, uint32_t *rows,
                                   size_t *count, struct tcore_error *err)
{
    struct held_rows *held = context;
    size_t all = *count;
    enum tcore_status status = holds_rows(&held->removal->holds, batch, rows, count, err);
    held->any |= *count < all;
    return status;
}

enum tcore_status removal_is_held(struct removal *r, const char *path, bool *held)
{
    struct upkeep *u = r->upkeep;
    struct tcore_segment *segment;
    struct held_rows rows = {r, false};
    *held = false;
    if (!r->holds.count)
        return TCORE_OK;
    enum tcore_status status =
        tcore_repository_open_segment(u->repository, path, &segment, &u->err);
    if (status == TCORE_EOF)
        return TCORE_OK;
    if (status == TCORE_OK)
        status =
            tcore_segment_go_through(r->reader, segment, find_held, &rows, NULL, NULL, &u->err);
    tcore_segment_close(segment);
    *held = rows.any;
    return status == TCORE_OK ? status : name_segment(u, path, status);
}

void removal_print(struct removal *r)
{
    for (size_t i = 0; i < r->upkeep->segments.count; i++)
        for (int type = 0; type < TCORE_RECORD_TYPES; type++)
            if (r->plan[i].removed[type])
                upkeep_print(r->upkeep, "segments/%s: %" PRIu64 " %s record%s of %" PRIu64,
                             r->upkeep->segments.path[i], r->plan[i].removed[type],
                             tcore_record_type_name((enum tcore_record_type)type),
                             r->plan[i].removed[type] == 1 ? "" : "s", r->plan[i].records);
}

void removal_describe(const struct removal *r, struct tcore_buf *out)
{
    tcore_buf_printf(out, "\"records\":%" PRIu64 ",\"segments\":%zu", r->all_removed, r->segments);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (r->removed[type])
            tcore_buf_printf(out, ",\"%ss\":%" PRIu64,
                             tcore_record_type_name((enum tcore_record_type)type),
                             r->removed[type]);
}

/* ---- removing ---- */

static enum tcore_status rewrite(struct removal *r, const char *path,
                                 struct tcore_rewriting *rewriting)
{
    struct upkeep *u = r->upkeep;
    struct tcore_segment *segment;
    enum tcore_status status =
        tcore_repository_open_segment(u->repository, path, &segment, &u->err);
    if (status == TCORE_EOF)
        return tcore_error_set(&u->err, TCORE_FATAL, "segments/%s is gone", path);
    if (status == TCORE_OK)
        status =
            tcore_segment_go_through(r->reader, segment, keep_others, r, rewriting, NULL, &u->err);
    tcore_segment_close(segment);
    return status == TCORE_OK ? status : name_segment(u, path, status);
}

static enum tcore_status remove_from(struct removal *r, size_t i)
{
    struct upkeep *u = r->upkeep;
    const struct removal_plan *plan = &r->plan[i];
    struct tcore_segment_list old = {u->segments.path + i, 1, 1};
    const struct tcore_labels *labels;
    struct tcore_rewriting *rewriting = NULL;
    struct tcore_sealing sealing;
    size_t count = 0;
    enum tcore_status status = TCORE_OK;
    if (plan->all_removed < plan->records) {
        status = upkeep_labels(u, &labels);
        if (status == TCORE_OK)
            status = tcore_rewriting_new(&rewriting, u->repository, labels, &u->err);
        if (status == TCORE_OK)
            status = rewrite(r, old.path[0], rewriting);
        if (status == TCORE_OK &&
            tcore_rewriting_records(rewriting) != plan->records - plan->all_removed)
            status = tcore_error_set(&u->err, TCORE_FATAL,
                                     "segments/%s: other records are left than were counted",
                                     old.path[0]);
        if (status == TCORE_OK)
            status = tcore_rewriting_end(rewriting, &sealing, &count, &u->err);
    }
    if (status == TCORE_OK)
        status = tcore_replace(u->repository, &old, &sealing, count, &u->err);
    tcore_rewriting_free(rewriting);
    return status;
}

enum tcore_status removal_carry_out(struct removal *r, bool waits)
{
    struct upkeep *u = r->upkeep;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < u->segments.count && status == TCORE_OK; i++)
        if (r->plan[i].all_removed)
            status = remove_from(r, i);
    return status == TCORE_OK ? upkeep_settle(u, waits) : status;
}
