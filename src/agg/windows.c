/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows of event time, and the panes that windows which overlap are put together from: of the
 * greatest length that divides both a window and the way to the next one. */
#include "agg/agg.h"

const struct agg_closed agg_none_closed = {INT64_MIN, INT64_MIN};

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void agg_plan_windows(struct agg_plan *plan, int64_t window_ns, int64_t slide_ns)
{
    plan->window_ns = window_ns;
    plan->slide_ns = slide_ns ? slide_ns : window_ns;
    plan->pane_ns = greatest_divisor(plan->window_ns, plan->slide_ns);
}

/* What begins before all time begins with it. */
static int64_t start_of(int64_t index, int64_t step_ns)
{
    int64_t start;
    return __builtin_mul_overflow(index, step_ns, &start) ? INT64_MIN : start;
}

struct agg_time agg_window_time(const struct agg_plan *plan, int64_t index)
{
    return (struct agg_time){start_of(index, plan->slide_ns), plan->window_ns};
}

struct agg_time agg_pane_time(const struct agg_plan *plan, int64_t index)
{
    return (struct agg_time){start_of(index, plan->pane_ns), plan->pane_ns};
}

int64_t agg_first_open(const struct agg_plan *plan, int64_t time_ns)
{
    int64_t start;
    if (__builtin_sub_overflow(time_ns, plan->window_ns, &start))
        return INT64_MIN;
    return agg_window_index(start, plan->slide_ns) + 1;
}

struct agg_closed agg_closed_before(const struct agg_plan *plan, int64_t first_open)
{
    struct agg_closed closed = agg_none_closed;
    int64_t slide = plan->slide_ns / plan->pane_ns, length = plan->window_ns / plan->pane_ns;
    if (first_open != INT64_MIN) {
        closed.all = first_open * slide;
        closed.some = (first_open - 1) * slide + length;
    }
    return closed;
}
