/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What would be saved. To ask the schedule takes time for the whole trace, so in a large trace with
 * very many findings the later ones get a bound that takes none. */
#include <config.h>

#include "span/antipattern/trial.h"

static enum tcore_status schedule(struct trial *trial, struct tcore_error *err)
{
    if (trial->scheduled)
        return TCORE_OK;
    trial->scheduled = true;
    return tcore_schedule_work(&trial->schedule, &trial->build->tree, &trial->build->path, err);
}

/* What the trace would be shorter by if each span's own work took factor times as long. */
static int64_t ask(struct trial *trial)
{
    int64_t took = tcore_schedule_what_if(&trial->schedule, &trial->build->tree,
                                          &trial->build->path, trial->factor);
    return took < trial->trace_ns ? trial->trace_ns - took : 0;
}

/* At most the sum, and what the trace took. */
static int64_t bound(const struct trial *trial, int64_t sum)
{
    return sum < trial->trace_ns ? sum : trial->trace_ns;
}

/* Spans have the factors of their parents where they have none of their own. */
static void spread(struct trial *trial)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        if (parent != TCORE_SPAN_NONE && trial->factor[parent] < trial->factor[span])
            trial->factor[span] = trial->factor[parent];
    }
}

/* Begins the factors; false: that would take too long. */
static bool begin(struct trial *trial)
{
    uint32_t count = trial->build->tree.count;
    trial->work += count;
    for (uint32_t i = 0; i < count && trial->work <= TRIAL_WORK_MOST; i++)
        trial->factor[i] = 1;
    return trial->work <= TRIAL_WORK_MOST;
}

enum tcore_status trial_saving(struct trial *trial, const struct member *members, uint32_t count,
                               uint32_t kept, int64_t *saving_ns, struct tcore_error *err)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        if (i != kept)
            sum = add_ns(sum, members[i].end_ns - members[i].start_ns);
    *saving_ns = bound(trial, sum);
    if (!trial->trace_ns || !begin(trial))
        return TCORE_OK;
    enum tcore_status status = schedule(trial, err);
    if (status != TCORE_OK)
        return status;
    for (uint32_t i = 0; i < count; i++)
        if (i != kept)
            trial->factor[members[i].span] = 0;
    spread(trial);
    int64_t saved = ask(trial);
    *saving_ns = saved < *saving_ns ? saved : *saving_ns;
    return TCORE_OK;
}

enum tcore_status trial_saving_at_most(struct trial *trial, const struct member *members,
                                       uint32_t count, int64_t most_ns, int64_t *saving_ns,
                                       struct tcore_error *err)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        if (members[i].end_ns - members[i].start_ns > most_ns)
            sum = add_ns(sum, members[i].end_ns - members[i].start_ns - most_ns);
    *saving_ns = bound(trial, sum);
    if (!trial->trace_ns || !begin(trial))
        return TCORE_OK;
    enum tcore_status status = schedule(trial, err);
    if (status != TCORE_OK)
        return status;
    for (uint32_t i = 0; i < count; i++) {
        int64_t took = members[i].end_ns - members[i].start_ns;
        if (took > most_ns)
            trial->factor[members[i].span] = (double)most_ns / (double)took;
    }
    spread(trial);
    int64_t saved = ask(trial);
    *saving_ns = saved < *saving_ns ? saved : *saving_ns;
    return TCORE_OK;
}

enum tcore_status trial_drag(struct trial *trial, uint32_t span, int64_t *saving_ns,
                             struct tcore_error *err)
{
    *saving_ns = 0;
    if (!trial->trace_ns)
        return TCORE_OK;
    enum tcore_status status = schedule(trial, err);
    if (status == TCORE_OK)
        *saving_ns = trial->schedule.drag_ns[span];
    return status;
}
