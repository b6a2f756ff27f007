/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One set of traces, added up: for each operation, and for the calls from each into each, an entry
 * a trace. Spans are not needed afterwards. */
#include <config.h>

#include "span/diff.h"

#include "base/sys.h"

/* Siblings that overlap by less than this part of their parent may do so by their clocks
 * (trace/critical_path.h). */
#define OVERLAP_SHARE 100

/* Of an operation: its own subject, and the one of the calls from the parent that came last. */
struct diff_side_slot {
    uint32_t own, last_parent, last_calls;
};

enum tcore_status diff_side_open(struct diff_side *side, const struct cli_strings *by,
                                 unsigned depth_limit, size_t *bytes, size_t limit,
                                 struct tcore_error *err)
{
    *side = (struct diff_side){.bytes = bytes, .limit = limit};
    if (tcore_map_init(&side->subjects) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    return span_groups_open(&side->keys, by, depth_limit, err);
}

void diff_side_close(struct diff_side *side)
{
    for (uint32_t i = 0; side->subject && i < side->subjects.count; i++)
        tcore_free(side->subject[i].entry);
    tcore_free(side->subject);
    tcore_free(side->trace);
    tcore_free(side->slot);
    tcore_free(side->of_span);
    tcore_free(side->met);
    tcore_map_free(&side->subjects);
    span_groups_close(&side->keys);
}

/* --- Memory */

/* Makes room for wanted elements, and counts it. */
static enum tcore_status grow(struct diff_side *side, void **array, uint32_t *capacity,
                              uint32_t wanted, size_t bytes, struct tcore_error *err)
{
    uint64_t n = *capacity ? (uint64_t)*capacity * 2 : 4;

    if (wanted <= *capacity)
        return TCORE_OK;
    n = n < wanted ? wanted : n;
    size_t more = (size_t)(n - *capacity) * bytes;
    size_t held = __atomic_add_fetch(side->bytes, more, __ATOMIC_RELAXED);

    if (n > UINT32_MAX || (side->limit && held > side->limit)) {
        __atomic_sub_fetch(side->bytes, more, __ATOMIC_RELAXED);
        return TCORE_SKIP;
    }
    void *grown = tcore_reallocarray(*array, (size_t)n, bytes);

    if (!grown)
        return tcore_error_nomem(err);
    *array = grown;
    *capacity = (uint32_t)n;
    return TCORE_OK;
}

#define GROW(side, array, capacity, wanted, err)                                                   \
    grow(side, (void **)&(array), &(capacity), wanted, sizeof *(array), err)

static enum tcore_status find_subject(struct diff_side *side, uint32_t parent, uint32_t child,
                                      uint32_t *number, struct tcore_error *err)
{
    const uint32_t key[2] = {parent, child};
    bool added;
    enum tcore_status status =
        GROW(side, side->subject, side->subject_capacity, side->subjects.count + 1, err);

    if (status != TCORE_OK)
        return status;
    *number = tcore_map_intern(&side->subjects, key, sizeof key, &added);
    if (*number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (added)
        side->subject[*number] = (struct diff_subject){.parent = parent, .child = child};
    return TCORE_OK;
}

/* The slot of an operation, which may be new. */
static enum tcore_status find_slot(struct diff_side *side, uint32_t operation,
                                   struct tcore_error *err)
{
    enum tcore_status status = GROW(side, side->slot, side->slot_capacity, operation + 1, err);

    while (status == TCORE_OK && side->slot_count <= operation) {
        struct diff_side_slot *slot = &side->slot[side->slot_count];

        slot->last_parent = DIFF_NONE;
        slot->last_calls = DIFF_NONE;
        status = find_subject(side, DIFF_NONE, side->slot_count, &slot->own, err);
        side->slot_count += status == TCORE_OK;
    }
    return status;
}

static enum tcore_status find_calls(struct diff_side *side, uint32_t parent, uint32_t child,
                                    uint32_t *number, struct tcore_error *err)
{
    struct diff_side_slot *slot = &side->slot[child];

    if (slot->last_parent != parent) {
        enum tcore_status status = find_subject(side, parent, child, &slot->last_calls, err);

        if (status != TCORE_OK)
            return status;
        slot->last_parent = parent;
    }
    *number = slot->last_calls;
    return TCORE_OK;
}

/* --- One trace */

/* The subject's entry for the trace at hand. */
static enum tcore_status find_entry(struct diff_side *side, uint32_t number,
                                    struct diff_entry **entry, struct tcore_error *err)
{
    struct diff_subject *subject = &side->subject[number];

    if (!subject->met) {
        enum tcore_status status =
            GROW(side, subject->entry, subject->capacity, subject->count + 1, err);

        if (status == TCORE_OK)
            status = GROW(side, side->met, side->met_capacity, side->met_count + 1, err);
        if (status != TCORE_OK)
            return status;
        subject->entry[subject->count] = (struct diff_entry){.trace = side->trace_count};
        subject->met = true;
        side->met[side->met_count++] = number;
    }
    *entry = &subject->entry[subject->count];
    return TCORE_OK;
}

static void add_span(struct diff_entry *entry, const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_span *is = &build->spans[span];

    entry->calls++;
    entry->errors += (is->flags & TCORE_SPAN_ERROR) != 0;
    if (!tcore_span_is_timed(is))
        return;
    entry->timed++;
    entry->duration_ns = add_ns(entry->duration_ns, is->end_ns - is->start_ns);
    entry->self_ns = add_ns(entry->self_ns, build->self_ns[span]);
}

int diff_concurrency(const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_tree *tree = &build->tree;
    const struct tcore_interval *whole = &tree->interval[span];
    int64_t until = 0, overlap = 0;
    uint32_t timed = 0;

    for (uint32_t c = tree->first[span]; c < tree->first[span + 1]; c++) {
        const struct tcore_trace_span *child = &build->spans[tree->children[c]];

        if (!tcore_span_is_timed(child))
            continue;
        int64_t shared = (child->end_ns < until ? child->end_ns : until) - child->start_ns;

        if (timed++ && shared > overlap)
            overlap = shared;
        until = timed == 1 || child->end_ns > until ? child->end_ns : until;
    }
    if (timed < 2 || !tcore_interval_is_known(whole))
        return -1;
    return overlap > (whole->end_ns - whole->start_ns) / OVERLAP_SHARE;
}

static void add_fork(struct diff_entry *entry, const struct trace_build *build, uint32_t span)
{
    int concurrency = diff_concurrency(build, span);

    entry->forks += concurrency >= 0;
    entry->concurrent += concurrency > 0;
}

static enum tcore_status take_span(struct diff_side *side, const struct trace_build *build,
                                   uint32_t span, struct tcore_error *err)
{
    uint32_t parent = build->tree.parent[span], operation = side->of_span[span], calls;
    struct diff_entry *entry;
    enum tcore_status status = find_entry(side, side->slot[operation].own, &entry, err);

    if (status != TCORE_OK)
        return status;
    add_span(entry, build, span);
    add_fork(entry, build, span);
    if (parent == TCORE_SPAN_NONE)
        return TCORE_OK;
    status = find_calls(side, side->of_span[parent], operation, &calls, err);
    if (status == TCORE_OK)
        status = find_entry(side, calls, &entry, err);
    if (status == TCORE_OK)
        add_span(entry, build, span);
    return status;
}

enum tcore_status diff_side_take(struct diff_side *side, const struct trace_build *build,
                                 struct tcore_error *err)
{
    uint32_t count = build->tree.count;
    enum tcore_status status = GROW(side, side->of_span, side->span_capacity, count, err);

    if (status == TCORE_OK)
        status = GROW(side, side->trace, side->trace_capacity, side->trace_count + 1, err);
    for (uint32_t i = 0; i < count && status == TCORE_OK; i++) {
        status = span_groups_find(&side->keys, build, i, &side->of_span[i], err);
        if (status == TCORE_OK)
            status = find_slot(side, side->of_span[i], err);
    }
    side->met_count = 0;
    for (uint32_t i = 0; i < count && status == TCORE_OK; i++)
        status = take_span(side, build, i, err);
    if (status != TCORE_OK)
        return status;
    for (uint32_t i = 0; i < side->met_count; i++) {
        struct diff_subject *subject = &side->subject[side->met[i]];

        subject->met = false;
        subject->count++;
    }
    const struct tcore_stored_span *row = &build->rows[0]->stored;
    const struct tcore_interval *whole = &build->tree.whole;

    side->trace[side->trace_count++] = (struct diff_trace){
        .id = {row->trace_id[0], row->trace_id[1]},
        .start_ns = tcore_interval_is_known(whole) ? whole->start_ns : INT64_MAX};
    return TCORE_OK;
}

/* --- All threads */

static enum tcore_status merge_subject(struct diff_side *into, const struct diff_subject *from,
                                       const uint32_t *operation, uint32_t first_trace,
                                       struct tcore_error *err)
{
    uint32_t number;
    uint32_t parent = from->parent == DIFF_NONE ? DIFF_NONE : operation[from->parent];
    enum tcore_status status = find_subject(into, parent, operation[from->child], &number, err);

    if (status != TCORE_OK)
        return status;
    struct diff_subject *to = &into->subject[number];

    status = GROW(into, to->entry, to->capacity, to->count + from->count, err);
    for (uint32_t i = 0; i < from->count && status == TCORE_OK; i++) {
        to->entry[to->count] = from->entry[i];
        to->entry[to->count++].trace += first_trace;
    }
    return status;
}

enum tcore_status diff_side_merge(struct diff_side *into, const struct diff_side *from,
                                  struct tcore_error *err)
{
    uint32_t first_trace = into->trace_count;
    uint32_t *operation = tcore_calloc((size_t)from->keys.map.count + 1, sizeof *operation);
    enum tcore_status status = operation ? TCORE_OK : tcore_error_nomem(err);

    span_groups_add_seen(&into->keys, &from->keys);
    for (uint32_t i = 0; i < from->keys.map.count && status == TCORE_OK; i++) {
        status = span_groups_translate(&into->keys, &from->keys, i, &operation[i], err);
        if (status == TCORE_OK)
            status = find_slot(into, operation[i], err);
    }
    if (status == TCORE_OK)
        status =
            GROW(into, into->trace, into->trace_capacity, first_trace + from->trace_count, err);
    for (uint32_t i = 0; i < from->trace_count && status == TCORE_OK; i++)
        into->trace[into->trace_count++] = from->trace[i];
    for (uint32_t i = 0; i < from->subjects.count && status == TCORE_OK; i++)
        status = merge_subject(into, &from->subject[i], operation, first_trace, err);
    tcore_free(operation);
    return status;
}
