/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which panes a window has, and the runs of panes that it is merged from. */
#include "agg/agg.h"

#include "base/sys.h"

#include <string.h>

struct slide_run {
    int64_t index; /* of 2^level panes each */
    struct agg_window *window;
};

static void drop_runs(struct slide *slide, struct slide_level *level, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++) {
        slide->bytes -= table_window_bytes(level->runs[i].window, slide->stats);
        table_free_window(level->runs[i].window, slide->stats);
    }
    if (!count)
        return;
    memmove(level->runs + from, level->runs + from + count,
            (level->count - from - count) * sizeof *level->runs);
    level->count -= count;
}

void slide_free(struct slide *slide)
{
    for (unsigned l = 0; l < SLIDE_LEVELS; l++) {
        drop_runs(slide, &slide->levels[l], 0, slide->levels[l].count);
        tcore_free(slide->levels[l].runs);
    }
    table_free_window(slide->window, slide->stats);
    *slide = (struct slide){0};
}

/* The place of the first run of the level at that index or beyond. */
static size_t find_run(const struct slide_level *level, int64_t index)
{
    size_t low = 0, high = level->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (level->runs[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_run(const struct slide_level *level, size_t at, int64_t index)
{
    return at < level->count && level->runs[at].index == index;
}

void slide_forget(struct slide *slide, int64_t pane)
{
    for (unsigned l = 0; l < SLIDE_LEVELS; l++) {
        struct slide_level *level = &slide->levels[l];
        size_t at = find_run(level, pane >> l);
        if (is_run(level, at, pane >> l))
            drop_runs(slide, level, at, 1);
    }
}

/* Runs that end before the first pane that is still needed. */
static void drop_old_runs(struct slide *slide, int64_t first)
{
    for (unsigned l = 0; l < SLIDE_LEVELS; l++) {
        struct slide_level *level = &slide->levels[l];
        drop_runs(slide, level, 0, find_run(level, first >> l));
    }
}

/* The place in the table of its first pane at that index or beyond. */
static size_t find_pane(const struct agg_table *table, int64_t index)
{
    size_t low = 0, high = table->window_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table->windows[middle]->index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What is put together in one call, and how it fails. */
struct assembly {
    struct slide *slide;
    const struct agg_plan *plan;
    const struct agg_table *table;
    struct tcore_error *err;
    enum tcore_status status;
};

static void add_cells(struct assembly *a, struct agg_window *into, const struct agg_window *from)
{
    enum tcore_status status = table_merge_window(into, from, NULL, a->slide->stats);
    if (status == TCORE_BAD_INPUT)
        a->status = tcore_error_set(a->err, TCORE_FATAL, "more than 2^47 values in one group");
    else if (status)
        a->status = tcore_error_nomem(a->err);
}

/* Takes window as a run, in the place at of its level. */
static void keep_run(struct assembly *a, unsigned l, size_t at, int64_t index,
                     struct agg_window *window)
{
    struct slide *slide = a->slide;
    struct slide_level *level = &slide->levels[l];
    if (level->count == level->capacity) {
        size_t capacity = level->capacity ? level->capacity * 2 : 8;
        void *runs = tcore_reallocarray(level->runs, capacity, sizeof *level->runs);
        if (!runs) {
            table_free_window(window, slide->stats);
            a->status = tcore_error_nomem(a->err);
            return;
        }
        level->runs = runs;
        level->capacity = capacity;
    }
    memmove(level->runs + at + 1, level->runs + at, (level->count - at) * sizeof *level->runs);
    level->runs[at] = (struct slide_run){index, window};
    level->count++;
    slide->bytes += table_window_bytes(window, slide->stats);
    if (a->plan->table_bytes && slide->bytes > a->plan->table_bytes)
        a->status = tcore_error_set(a->err, TCORE_FATAL,
                                    "the groups of windows that overlap need more memory than "
                                    "--memory allows (--max-groups limits them)");
}

/* The panes from index * 2^l on, 2^l of them; NULL: there is none, or a->status. */
static const struct agg_window *run_of(struct assembly *a, unsigned l, int64_t index)
{
    const struct agg_table *table = a->table;
    size_t first = find_pane(table, index * (INT64_C(1) << l));
    if (a->status || first == table->window_count || table->windows[first]->index >> l != index)
        return NULL;
    if (first + 1 == table->window_count || table->windows[first + 1]->index >> l != index)
        return table->windows[first];
    size_t at = find_run(&a->slide->levels[l], index);
    if (is_run(&a->slide->levels[l], at, index))
        return a->slide->levels[l].runs[at].window;
    const struct agg_window *left = run_of(a, l - 1, index * 2);
    const struct agg_window *right = run_of(a, l - 1, index * 2 + 1);
    if (a->status || !left || !right)
        return a->status ? NULL : left ? left : right;
    struct agg_window *both = tcore_calloc(1, sizeof *both);
    if (!both) {
        a->status = tcore_error_nomem(a->err);
        return NULL;
    }
    add_cells(a, both, left);
    add_cells(a, both, right);
    keep_run(a, l, at, index, both);
    return a->status ? NULL : both;
}

/* Merges the panes from first to before end into slide->window. */
static void assemble(struct assembly *a, int64_t first, int64_t end)
{
    while (first < end && !a->status) {
        unsigned l = 0;
        while (l + 1 < SLIDE_LEVELS && !(first & ((INT64_C(2) << l) - 1)) &&
               (INT64_C(2) << l) <= end - first)
            l++;
        const struct agg_window *run = run_of(a, l, first >> l);
        if (run)
            add_cells(a, a->slide->window, run);
        first += INT64_C(1) << l;
    }
}

/* The first window, at least, that a pane is in. */
static int64_t first_window_of(const struct agg_plan *plan, int64_t pane)
{
    int64_t start, length = plan->window_ns / plan->pane_ns;
    if (__builtin_sub_overflow(pane, length, &start))
        return INT64_MIN / (plan->slide_ns / plan->pane_ns);
    return agg_window_index(start, plan->slide_ns / plan->pane_ns) + 1;
}

enum tcore_status slide_next(struct slide *slide, const struct agg_plan *plan,
                             const struct agg_table *table, int64_t before,
                             const struct agg_window **window, struct tcore_error *err)
{
    int64_t step = plan->slide_ns / plan->pane_ns, length = plan->window_ns / plan->pane_ns, end;
    size_t pane = slide->begun ? find_pane(table, slide->next * step) : 0;
    int64_t index = INT64_MAX;
    if (pane < table->window_count)
        index = first_window_of(plan, table->windows[pane]->index);
    if (slide->begun && index < slide->next)
        index = slide->next;
    slide->begun |= before != INT64_MAX || index < before;
    slide->next = index < before ? index + 1 : before;
    *window = NULL;
    if (index >= before)
        return TCORE_OK;
    slide->stats = table->stats;
    drop_old_runs(slide, index * step);
    table_free_window(slide->window, slide->stats);
    slide->window = tcore_calloc(1, sizeof *slide->window);
    if (!slide->window)
        return tcore_error_nomem(err);
    slide->window->index = index;
    if (__builtin_add_overflow(index * step, length, &end))
        end = INT64_MAX;
    struct assembly a = {slide, plan, table, err, TCORE_OK};
    assemble(&a, index * step, end);
    *window = slide->window;
    return a.status;
}
