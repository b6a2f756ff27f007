/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Windows that close as event time goes on (--lateness, --idle): batches come in input order, one
 * row after the other moves the watermark, and what is behind it is late, whatever the number of
 * threads. Of windows that overlap, a pane is closed when the last one that it is in is.
 */
#include "agg/aggregation.h"

#include "base/sys.h"

/* Emits the windows that have been closed, and forgets what is in no other. */
static enum tcore_status close_windows(struct aggregation *agg, struct tcore_buf *out,
                                       struct tcore_error *err)
{
    struct agg_table *table = &agg->total.table;
    int64_t before = agg->partial ? agg->closed.all : agg->first_open;
    bool more = true;
    enum tcore_status status = TCORE_OK;
    while (more && !status) {
        struct tcore_buf part = {0};
        status = agg_emit(&agg->emitter, &agg->total, before, agg->partial, &part, &more, err);
        tcore_buf_append(out, part.data, part.length);
        tcore_buf_free(&part);
    }
    size_t panes = 0;
    while (panes < table->window_count && table->windows[panes]->index < agg->closed.all)
        panes++;
    table_drop_windows(table, panes);
    agg_emitter_rewind(&agg->emitter);
    return status ? status : tcore_buf_status(out, err);
}

/* What says that it is of a later time than that, by the wall clock, has a wrong clock: if it moved
 * event time, all that comes after it would be late. */
#define FUTURE_NS (INT64_C(3600) * 1000000000)

/* The clock is asked when event time gets beyond what it said last. */
static bool is_future(struct aggregation *agg, int64_t time_ns)
{
    if (time_ns > agg->future_ns)
        agg->future_ns = tcore_sys()->wall_ns() + FUTURE_NS;
    return time_ns > agg->future_ns;
}

/* Event time has reached time_ns: windows that end before it, less --lateness, are complete. */
static enum tcore_status move_on(struct aggregation *agg, int64_t time_ns, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    int64_t watermark;
    if (time_ns <= agg->newest_ns)
        return TCORE_OK;
    if (is_future(agg, time_ns)) {
        agg->total.seen.future++;
        return TCORE_OK;
    }
    agg->newest_ns = time_ns;
    if (__builtin_sub_overflow(time_ns, agg->lateness_ns, &watermark))
        return TCORE_OK;
    int64_t first_open = agg_first_open(&agg->plan, watermark);
    if (first_open <= agg->first_open)
        return TCORE_OK;
    agg->first_open = first_open;
    agg->closed = agg_closed_before(&agg->plan, first_open);
    return close_windows(agg, out, err);
}

static int64_t time_of_row(const struct aggregation *agg, const struct tcore_batch *batch,
                           uint32_t row)
{
    size_t column = batch->types[row] == TCORE_RECORD_SPAN ? agg->plan.start_time : agg->plan.time;
    struct tcore_value time = {0};
    if (column != SIZE_MAX)
        time = tcore_column_get(&batch->columns[column], row);
    return time.kind == TCORE_INT ? time.i : INT64_MIN;
}

enum tcore_status agg_add_in_order(void *state, void *worker, const struct tcore_batch *batch,
                                   const uint32_t *rows, size_t count, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    struct aggregation *agg = state;
    enum tcore_status status = TCORE_OK;
    (void)worker;
    agg->total.seen.negative += batch->negative_durations;
    if (agg->partial && !agg->partial->begun)
        (void)agg_partial_header(agg->partial, &agg->total, false, out);
    for (size_t i = 0; i < count && !status; i++) {
        int64_t time = time_of_row(agg, batch, rows[i]);
        bool clock = batch->types[rows[i]] == TCORE_RECORD_CLOCK;
        uint64_t partly_late = agg->total.seen.partly_late;
        /* partials are merged later, so nothing is ever too late for them */
        if (!clock)
            status = agg_add(&agg->total, batch, rows + i, 1,
                             agg->partial ? &agg_none_closed : &agg->closed, err);
        if (agg->total.seen.partly_late != partly_late)
            slide_forget(&agg->emitter.slide, agg_window_index(time, agg->plan.pane_ns));
        if (!status)
            status = move_on(agg, time, out, err);
        if (!status && clock && time != INT64_MIN)
            tcore_buf_printf(out, "{\"type\":\"clock\",\"timeUnixNano\":\"%lld\"}\n",
                             (long long)time);
    }
    return status;
}
