/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/trace_pick.h"

#include "base/sys.h"

#include <string.h>

#define FEW ((size_t)64)

static bool reserve(struct trace_pick *pick, size_t count)
{
    if (count <= pick->capacity)
        return true;
    size_t capacity = 2 * pick->capacity > FEW ? 2 * pick->capacity : FEW;
    capacity = capacity > count ? capacity : count;
    void *refs = tcore_reallocarray(pick->refs, capacity, sizeof *pick->refs);
    if (!refs)
        return false;
    pick->refs = refs;
    pick->capacity = capacity;
    return true;
}

static bool cut(struct trace_pick *pick, size_t limit)
{
    if (!order_traces(pick->refs, pick->count))
        return false;
    pick->count = pick->count < limit ? pick->count : limit;
    return true;
}

enum tcore_status trace_pick_offer(struct trace_pick *pick, uint64_t key,
                                   const uint64_t trace_id[2], size_t limit,
                                   struct tcore_error *err)
{
    /* sorted when there are twice as many as wanted: a few steps a trace */
    bool full = pick->count / 2 >= limit && pick->count >= FEW;
    if ((full && !cut(pick, limit)) || !reserve(pick, pick->count + 1))
        return tcore_error_nomem(err);
    pick->refs[pick->count++] =
        (struct trace_ref){.key = key, .trace_id = {trace_id[0], trace_id[1]}};
    return TCORE_OK;
}

enum tcore_status trace_pick_join(struct trace_pick *picks, unsigned threads, size_t limit,
                                  struct tcore_error *err)
{
    struct trace_pick *all = &picks[0];
    for (unsigned t = 1; t < threads; t++) {
        if (!reserve(all, all->count + picks[t].count))
            return tcore_error_nomem(err);
        if (picks[t].count)
            memcpy(all->refs + all->count, picks[t].refs, picks[t].count * sizeof *all->refs);
        all->count += picks[t].count;
    }
    return cut(all, limit) ? TCORE_OK : tcore_error_nomem(err);
}

void trace_pick_free(struct trace_pick *pick)
{
    tcore_free(pick->refs);
    *pick = (struct trace_pick){0};
}
