/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/retain.h"

#include "base/sys.h"

/* What is left of a segment, as far as it can be told before: by the share of its records. */
static uint64_t bytes_left(const struct removal_plan *plan, uint64_t bytes)
{
    double share = plan->records ? (double)plan->all_removed / (double)plan->records : 0;
    return bytes - (uint64_t)((double)bytes * share);
}

/* The sizes of all segments, as they will be after what was counted; *all is their sum. */
static enum tcore_status measure(struct removal *r, uint64_t *bytes, uint64_t *all)
{
    struct upkeep *u = r->upkeep;
    enum tcore_status status = TCORE_OK;
    *all = 0;
    for (size_t i = 0; i < u->segments.count && status == TCORE_OK; i++) {
        struct tcore_segment *segment;
        status =
            tcore_repository_open_segment(u->repository, u->segments.path[i], &segment, &u->err);
        if (status == TCORE_OK)
            bytes[i] = bytes_left(&r->plan[i], tcore_segment_file_bytes(segment));
        tcore_segment_close(segment);
        *all += bytes[i];
        status = status == TCORE_EOF ? TCORE_OK : status;
    }
    return status;
}

static enum tcore_status take(struct removal *r, size_t i, bool *taken)
{
    struct upkeep *u = r->upkeep;
    struct tcore_segment *segment;
    bool held;
    *taken = false;
    enum tcore_status status = removal_is_held(r, u->segments.path[i], &held);
    if (status != TCORE_OK || held)
        return status;
    status = tcore_repository_open_segment(u->repository, u->segments.path[i], &segment, &u->err);
    if (status == TCORE_OK)
        removal_add_segment(r, i, tcore_segment_manifest(segment));
    tcore_segment_close(segment);
    *taken = status == TCORE_OK;
    return status == TCORE_EOF ? TCORE_OK : status;
}

enum tcore_status retain_size(struct removal *r, uint64_t *held)
{
    const struct upkeep *u = r->upkeep;
    uint64_t all, most = (uint64_t)u->policy.retention_bytes;
    *held = 0;
    if (!most)
        return TCORE_OK;
    uint64_t *bytes = tcore_calloc(u->segments.count + 1, sizeof *bytes);
    if (!bytes)
        return tcore_error_nomem(&r->upkeep->err);
    enum tcore_status status = measure(r, bytes, &all);
    for (size_t i = 0; i < u->segments.count && all > most && status == TCORE_OK; i++) {
        bool taken;
        if (!bytes[i])
            continue;
        status = take(r, i, &taken);
        all -= taken ? bytes[i] : 0;
    }
    *held = all > most ? all - most : 0;
    tcore_free(bytes);
    return status;
}
