/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each span's children as a network: who had ended when another one started precedes it. Nothing of
 * it is stored: in the order of starts, and that of ends, a running extreme stands for all
 * predecessors or successors. */
#include "trace/schedule.h"

#include "base/sys.h"

#include <math.h>
#include <stdlib.h>

struct tcore_schedule_child {
    int64_t start_ns, end_ns;
    int64_t gap_ns; /* since the last predecessor has ended; without one since the parent began */
    int64_t cut_ns; /* by how much its start was put off */
    int64_t latest_ns; /* when it may end at the latest */
    uint32_t span;
};

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* --- Memory */

void tcore_schedule_free(struct tcore_schedule *schedule)
{
    tcore_free(schedule->slack_ns);
    tcore_free(schedule->drag_ns);
    tcore_free(schedule->within);
    tcore_free(schedule->took_ns);
    tcore_free(schedule->on_path);
    tcore_free(schedule->child);
    tcore_free(schedule->order);
    tcore_free(schedule->key_ns);
    tcore_free(schedule->on_it);
    tcore_free(schedule->next_free);
    *schedule = (struct tcore_schedule){0};
}

static bool reserve(struct tcore_schedule *schedule, uint32_t count)
{
    if (count <= schedule->capacity)
        return true;
    uint32_t n = count < 64 ? 64 : count;
    tcore_schedule_free(schedule);
    schedule->slack_ns = tcore_reallocarray(NULL, n, sizeof *schedule->slack_ns);
    schedule->drag_ns = tcore_reallocarray(NULL, n, sizeof *schedule->drag_ns);
    schedule->within = tcore_reallocarray(NULL, n, sizeof *schedule->within);
    schedule->took_ns = tcore_reallocarray(NULL, n, sizeof *schedule->took_ns);
    schedule->on_path = tcore_reallocarray(NULL, n, sizeof *schedule->on_path);
    schedule->child = tcore_reallocarray(NULL, n, sizeof *schedule->child);
    schedule->order = tcore_reallocarray(NULL, n, sizeof *schedule->order);
    schedule->key_ns = tcore_reallocarray(NULL, n, sizeof *schedule->key_ns);
    schedule->on_it = tcore_reallocarray(NULL, n, sizeof *schedule->on_it);
    schedule->next_free = tcore_reallocarray(NULL, (size_t)n + 1, sizeof *schedule->next_free);
    bool whole = schedule->slack_ns && schedule->drag_ns && schedule->within && schedule->took_ns &&
                 schedule->on_path && schedule->child && schedule->order && schedule->key_ns &&
                 schedule->on_it && schedule->next_free;
    schedule->capacity = whole ? n : 0;
    return whole;
}

/* --- The children of a span */

static int compare_starts(const void *a, const void *b)
{
    const struct tcore_schedule_child *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

/* The numbers of keys, the least key first: a heap sort, as qsort has no place for the keys. */
static void sort_by_key(uint32_t *order, const int64_t *key, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t left = count, top = count / 2; left > 1;) {
        uint32_t sinking, at;
        if (top) {
            sinking = order[at = --top];
        } else {
            sinking = order[--left];
            order[left] = order[at = 0];
        }
        for (uint32_t below; (below = 2 * at + 1) < left; at = below) {
            if (below + 1 < left && key[order[below + 1]] > key[order[below]])
                below++;
            if (key[order[below]] <= key[sinking])
                break;
            order[at] = order[below];
        }
        order[at] = sinking;
    }
}

/* Lets each child on the path begin when the one before it there has ended. */
static void part_on_path(const struct tcore_schedule *schedule, uint32_t count)
{
    int64_t ended_ns = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        struct tcore_schedule_child *child = &schedule->child[i];
        if (!schedule->on_path[child->span])
            continue;
        if (child->start_ns < ended_ns) {
            child->cut_ns = ended_ns - child->start_ns;
            child->start_ns = ended_ns;
        }
        ended_ns = child->end_ns;
    }
}

/* Lists the children that take part in the span, by start and by end, with their gaps. */
static uint32_t list_children(struct tcore_schedule *schedule, const struct tcore_trace_tree *tree,
                              uint32_t span)
{
    const struct tcore_interval *whole = &schedule->within[span];
    struct tcore_schedule_child *child = schedule->child;
    uint32_t count = 0;
    for (uint32_t c = tree->first[span]; c < tree->first[span + 1]; c++) {
        const struct tcore_interval *interval = &schedule->within[tree->children[c]];
        if (interval->start_ns < interval->end_ns)
            child[count++] = (struct tcore_schedule_child){.start_ns = interval->start_ns,
                                                           .end_ns = interval->end_ns,
                                                           .span = tree->children[c]};
    }
    qsort(child, count, sizeof *child, compare_starts);
    part_on_path(schedule, count);
    for (uint32_t i = 0; i < count; i++)
        schedule->key_ns[i] = child[i].end_ns;
    sort_by_key(schedule->order, schedule->key_ns, count);
    for (uint32_t i = 0, ended = 0; i < count; i++) {
        while (ended < count && child[schedule->order[ended]].end_ns <= child[i].start_ns)
            ended++;
        child[i].gap_ns = child[i].start_ns -
                          (ended ? child[schedule->order[ended - 1]].end_ns : whole->start_ns);
    }
    return count;
}

/* --- Slack and drag */

/* When each child may end at the latest, the last of them not later than it did. */
static void find_latest(struct tcore_schedule *schedule, uint32_t count)
{
    struct tcore_schedule_child *child = schedule->child;
    int64_t limit_ns = child[schedule->order[count - 1]].end_ns;
    uint32_t started = count; /* children from there on start behind the one at hand */
    for (uint32_t i = count; i-- > 0;) {
        struct tcore_schedule_child *at = &child[schedule->order[i]];
        for (; started && child[started - 1].start_ns >= at->end_ns; started--) {
            const struct tcore_schedule_child *next = &child[started - 1];
            int64_t starts_ns = next->latest_ns - (next->end_ns - next->start_ns);
            limit_ns = earlier(limit_ns, starts_ns - next->gap_ns);
        }
        at->latest_ns = limit_ns;
    }
}

/* The first of the children on the path, listed in on_it, that ends after ns. */
static uint32_t first_behind(const struct tcore_schedule *schedule, uint32_t count, int64_t ns)
{
    uint32_t low = 0;
    for (uint32_t high = count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (schedule->child[schedule->on_it[middle]].end_ns <= ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t own_slack(const struct tcore_schedule_child *child)
{
    return child->latest_ns - child->end_ns;
}

static uint32_t find_free(uint32_t *next_free, uint32_t at)
{
    while (next_free[at] != at)
        at = next_free[at] = next_free[next_free[at]];
    return at;
}

/*
 * The drag of each child on the path: the least of what it took, of its parent's drag, and of the
 * slack of those that run beside it. Whoever is not on the path runs beside some that follow each
 * other there; taken by their slack, the first that comes to one of them has the least.
 */
static void find_drag(struct tcore_schedule *schedule, uint32_t count, int64_t parent_ns)
{
    const struct tcore_schedule_child *child = schedule->child;
    uint32_t on_path = 0;
    for (uint32_t i = 0; i < count; i++)
        if (schedule->on_path[child[i].span]) {
            schedule->drag_ns[child[i].span] =
                earlier(child[i].end_ns - child[i].start_ns, parent_ns);
            schedule->on_it[on_path++] = i;
        }
    if (!on_path || on_path == count)
        return;
    for (uint32_t i = 0; i <= on_path; i++)
        schedule->next_free[i] = i;
    for (uint32_t i = 0; i < count; i++)
        schedule->key_ns[i] = own_slack(&child[i]);
    sort_by_key(schedule->order, schedule->key_ns, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct tcore_schedule_child *beside = &child[schedule->order[i]];
        if (schedule->on_path[beside->span])
            continue;
        uint32_t at = first_behind(schedule, on_path, beside->start_ns);
        for (at = find_free(schedule->next_free, at);
             at < on_path && child[schedule->on_it[at]].start_ns < beside->end_ns;
             at = find_free(schedule->next_free, at)) {
            int64_t *drag_ns = &schedule->drag_ns[child[schedule->on_it[at]].span];
            *drag_ns = earlier(*drag_ns, own_slack(beside));
            schedule->next_free[at] = at + 1;
        }
    }
}

static void work_out(struct tcore_schedule *schedule, const struct tcore_trace_tree *tree,
                     uint32_t span)
{
    uint32_t count = list_children(schedule, tree, span);
    if (!count)
        return;
    find_latest(schedule, count);
    find_drag(schedule, count, schedule->drag_ns[span]);
    for (uint32_t i = 0; i < count; i++)
        schedule->slack_ns[schedule->child[i].span] =
            own_slack(&schedule->child[i]) + schedule->slack_ns[span];
}

/* --- The whole trace */

static void begin(struct tcore_schedule *schedule, const struct tcore_trace_tree *tree,
                  const struct tcore_critical_path *path)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        schedule->slack_ns[i] = -1;
        schedule->drag_ns[i] = 0;
        schedule->within[i] = (struct tcore_interval){INT64_MAX, INT64_MIN};
        schedule->on_path[i] = false;
    }
    for (uint32_t i = 0; i < path->span_count; i++)
        schedule->on_path[path->spans[i]] = true;
}

/* The place behind the spans below the root in the tree's order. */
static uint32_t end_of(const struct tcore_trace_tree *tree, uint32_t root_at)
{
    uint32_t at = root_at + 1;
    while (at < tree->count && tree->depth[tree->order[at]] > tree->depth[tree->order[root_at]])
        at++;
    return at;
}

static uint32_t place_of(const struct tcore_trace_tree *tree, uint32_t root)
{
    uint32_t at = 0;
    while (tree->order[at] != root)
        at++;
    return at;
}

enum tcore_status tcore_schedule_work(struct tcore_schedule *schedule,
                                      const struct tcore_trace_tree *tree,
                                      const struct tcore_critical_path *path,
                                      struct tcore_error *err)
{
    if (!reserve(schedule, tree->count))
        return tcore_error_nomem(err);
    begin(schedule, tree, path);
    if (!path->span_count)
        return TCORE_OK;
    uint32_t root = path->spans[0], at = place_of(tree, root), end = end_of(tree, at);
    schedule->within[root] = tree->interval[root];
    schedule->slack_ns[root] = 0;
    schedule->drag_ns[root] = path->duration_ns;
    for (uint32_t i = at + 1; i < end; i++) {
        uint32_t span = tree->order[i];
        const struct tcore_interval *above = &schedule->within[tree->parent[span]];
        const struct tcore_interval *own = &tree->interval[span];
        schedule->within[span] = (struct tcore_interval){later(own->start_ns, above->start_ns),
                                                         earlier(own->end_ns, above->end_ns)};
    }
    for (uint32_t i = at; i < end; i++)
        if (schedule->within[tree->order[i]].start_ns <= schedule->within[tree->order[i]].end_ns)
            work_out(schedule, tree, tree->order[i]);
    return TCORE_OK;
}

/* --- Another schedule */

static int64_t scale(int64_t ns, double factor)
{
    double scaled = (double)ns * factor;
    if (factor == 1)
        return ns;
    return scaled >= 0x1p62 ? INT64_C(1) << 62 : llround(scaled);
}

/* a + b + c, or the largest int64. */
static int64_t sum_of(int64_t a, int64_t b, int64_t c)
{
    __int128 sum = (__int128)a + b + c;
    return sum < INT64_MAX ? (int64_t)sum : INT64_MAX;
}

/* What the span takes, once that is known of its children. */
static int64_t take_again(struct tcore_schedule *schedule, const struct tcore_trace_tree *tree,
                          uint32_t span, double factor)
{
    const struct tcore_interval *whole = &schedule->within[span];
    struct tcore_schedule_child *child = schedule->child;
    uint32_t count = list_children(schedule, tree, span), ended = 0;
    int64_t ended_ns = 0, last_ns = 0; /* since the span began */
    if (!count)
        return scale(whole->end_ns - whole->start_ns, factor);
    int64_t rest_ns = whole->end_ns - child[schedule->order[count - 1]].end_ns;
    for (uint32_t i = 0; i < count; i++) {
        for (; ended < count && child[schedule->order[ended]].end_ns <= child[i].start_ns; ended++)
            ended_ns = later(ended_ns, child[schedule->order[ended]].latest_ns);
        /* latest_ns: when it ends now */
        child[i].latest_ns = sum_of(ended_ns, scale(child[i].gap_ns, factor),
                                    later(schedule->took_ns[child[i].span] - child[i].cut_ns, 0));
        last_ns = later(last_ns, child[i].latest_ns);
    }
    return sum_of(last_ns, scale(rest_ns, factor), 0);
}

int64_t tcore_schedule_what_if(struct tcore_schedule *schedule, const struct tcore_trace_tree *tree,
                               const struct tcore_critical_path *path, const double *factor)
{
    if (!path->span_count)
        return 0;
    uint32_t root = path->spans[0], at = place_of(tree, root), end = end_of(tree, at);
    for (uint32_t i = end; i-- > at;) {
        uint32_t span = tree->order[i];
        const struct tcore_interval *whole = &schedule->within[span];
        if (whole->start_ns < whole->end_ns)
            schedule->took_ns[span] = take_again(schedule, tree, span, factor[span]);
    }
    return path->duration_ns ? schedule->took_ns[root] : 0;
}
