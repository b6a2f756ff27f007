/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a repository is worth reading: by time, by traces, and what roll-ups stand for. */
#include "store/scan_private.h"

#include "base/sys.h"
#include "store/known_traces.h"

#include <string.h>

/* ---- time ---- */

bool tcore_scan_is_in_time(const struct scan *s, bool all_timed, int64_t min_ns, int64_t max_ns)
{
    if (!all_timed)
        return true;
    return !(s->wanted.has_since && max_ns < s->wanted.since_ns) &&
           !(s->wanted.has_until && min_ns >= s->wanted.until_ns);
}

/* ---- roll-ups ---- */

/* The types that may be taken from roll-ups of the segment. */
static unsigned types_of_series(const struct scan *s, const struct tcore_manifest *m)
{
    unsigned types = s->wanted.rollup_types;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (s->wanted.series_fields & ~m->series_fields[type])
            types &= ~(1u << type);
    return types;
}

/* The coarsest roll-up that will do, NULL: none. All records of its types are wanted then, or all
 * of some series. */
static const struct tcore_manifest_rollup *best_rollup(const struct scan *s,
                                                       const struct tcore_manifest *m)
{
    unsigned types = types_of_series(s, m);
    const struct tcore_wanted *wanted = &s->wanted;
    const struct tcore_manifest_rollup *best = NULL;
    bool cut = wanted->has_since || wanted->has_until;
    bool inside = m->all_timed && (!wanted->has_since || m->min_ns >= wanted->since_ns) &&
                  (!wanted->has_until || m->max_ns < wanted->until_ns);
    for (uint32_t i = 0; i < m->rollup_count && (inside || !cut); i++)
        if (m->rollup[i].types & types && wanted->rollup_window_ns % m->rollup[i].window_ns == 0)
            best = &m->rollup[i];
    return best;
}

/* Why there is none. */
static enum tcore_unrolled why_unrolled(const struct scan *s, const struct tcore_manifest *m)
{
    const struct tcore_wanted *wanted = &s->wanted;
    if (!wanted->rollup_types)
        return TCORE_UNROLLED_UNASKED;
    if ((wanted->has_since && !(m->all_timed && m->min_ns >= wanted->since_ns)) ||
        (wanted->has_until && !(m->all_timed && m->max_ns < wanted->until_ns)))
        return TCORE_UNROLLED_CUT;
    unsigned types = 0;
    for (uint32_t i = 0; i < m->rollup_count; i++)
        types |= m->rollup[i].types & wanted->rollup_types;
    if (!types)
        return TCORE_UNROLLED_LACKING;
    return types & types_of_series(s, m) ? TCORE_UNROLLED_WINDOWS : TCORE_UNROLLED_FIELDS;
}

void tcore_scan_choose_rollup(struct scan *s, const struct scanned *scanned,
                              const struct tcore_manifest *m)
{
    const struct tcore_manifest_rollup *rollup = best_rollup(s, m);
    unsigned types = types_of_series(s, m);
    if (rollup && !(rollup->types & types & ~s->unmatched))
        rollup = NULL; /* it has nothing that could be wanted */
    struct tcore_scan_line *line = scan_line(s, scanned->number);
    if (line && rollup)
        line->window_ns = rollup->window_ns;
    else if (line)
        line->unrolled = why_unrolled(s, m);
    s->rolled_up = rollup ? rollup->types & types : 0;
    s->rollup_frame = rollup ? rollup->frame : 0;
    s->gives_rollup = rollup != NULL;
    s->counted = TCORE_RECORD_TYPES;
}

/* Whether a joint roll-up spares opening the segments that it is of. */
static bool is_useful(const struct scan *s, const struct tcore_manifest *m)
{
    const struct tcore_manifest_rollup *rollup = best_rollup(s, m);
    for (int type = 0; rollup && type < TCORE_RECORD_TYPES; type++)
        if (m->records[type] && s->wanted.types >> type & 1 &&
            !((rollup->types & types_of_series(s, m)) >> type & 1))
            return false;
    return rollup != NULL;
}

enum tcore_status tcore_scan_open_joints(struct scan *s, struct tcore_error *err)
{
    enum tcore_status status = tcore_joints_open(&s->joints, s->repository, &s->list, err);
    if (status != TCORE_OK)
        return status;
    s->joint_use = tcore_calloc(s->joints.count, sizeof *s->joint_use);
    if (!s->joint_use)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < s->joints.count; i++)
        if (is_useful(s, tcore_segment_manifest(s->joints.joint[i])))
            s->joint_use[i] = JOINT_USEFUL;
    return TCORE_OK;
}

bool tcore_scan_find_count(struct scan *s, const struct tcore_manifest *m)
{
    while (s->counted < TCORE_RECORD_TYPES &&
           (!m->records[s->counted] || s->wanted.types >> s->counted & 1))
        s->counted++;
    return s->counted < TCORE_RECORD_TYPES;
}

/* ---- traces ---- */

enum tcore_status tcore_scan_find_traces(struct scan *s, struct tcore_error *err)
{
    s->may_have = tcore_calloc(s->list.count, sizeof *s->may_have);
    if (!s->may_have)
        return tcore_error_nomem(err);
    return tcore_known_traces_find(s->repository, &s->list, s->wanted.trace_ids,
                                   s->wanted.trace_count, s->may_have, err);
}

static bool join_blocks(struct tcore_trace_blocks *into, const struct tcore_trace_blocks *from)
{
    uint32_t *memory =
        tcore_reallocarray(into->block, into->count + from->count, sizeof *into->block);
    if (!memory)
        return false;
    into->block = memory;
    if (from->count)
        memcpy(memory + into->count, from->block, from->count * sizeof *memory);
    into->count += from->count;
    return true;
}

enum tcore_status tcore_scan_select_blocks(struct scan *s, struct scanned *scanned,
                                           struct tcore_error *err)
{
    const struct tcore_manifest *m = tcore_segment_manifest(scanned->segment);
    struct tcore_block_reader reader = {0};
    struct tcore_trace_index index;
    struct tcore_slice data;
    if (!s->wanted.trace_count || !m->trace_index)
        return TCORE_OK;
    enum tcore_status status =
        tcore_block_reader_member(&reader, scanned->segment, m->trace_index, NULL, &data, err);
    if (status == TCORE_OK)
        status = tcore_trace_index_open(&index, data.data, data.length, err);
    for (size_t i = 0; i < s->wanted.trace_count && status == TCORE_OK; i++) {
        struct tcore_trace_blocks found = {0};
        status = tcore_trace_index_find(&index, s->wanted.trace_ids[i], &found, err);
        if (status == TCORE_OK && !join_blocks(&scanned->blocks, &found))
            status = tcore_error_nomem(err);
        tcore_free(found.block);
    }
    scanned->selected = status == TCORE_OK;
    tcore_scan_report_bytes(s->report, scanned->number, reader.bytes_read);
    tcore_block_reader_free(&reader);
    return status == TCORE_BAD_INPUT ? TCORE_OK : status;
}

static bool is_selected(const struct scanned *scanned, uint32_t block)
{
    if (!scanned->selected)
        return true;
    for (size_t i = 0; i < scanned->blocks.count; i++)
        if (scanned->blocks.block[i] == block)
            return true;
    return false;
}

bool tcore_scan_find_block(struct scan *s, const struct scanned *scanned,
                           const struct tcore_manifest *m)
{
    struct tcore_scan_line *line = scan_line(s, scanned->number);
    for (; m && s->block < m->block_count; s->block++) {
        bool rolled_up = s->rolled_up >> m->block[s->block].type & 1;
        if (!rolled_up && is_selected(scanned, s->block))
            return true;
        if (line && rolled_up)
            line->blocks_rolled_up++;
        else if (line)
            line->blocks_passed[TCORE_PASSED_TRACES]++;
    }
    return false;
}
