/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The aggregate records: key, then statistics; windows ascending, groups in the order of their
 * bytes. */
#include "agg/agg.h"

#include "base/sys.h"
#include "cli/pieces.h"

#include <stdlib.h>
#include <string.h>

enum { EMIT_BYTES = 1 << 20 };
enum {
    MOST_APART = 4096
}; /* cells of a window that a thread writes alone, which takes a megabyte */

/* What rates are of: the window, or the time that the data spans. */
static double seconds_of(const struct agg_work *work)
{
    const struct agg_span *seen = &work->seen;
    if (work->plan->window_ns)
        return (double)work->plan->window_ns / 1e9;
    return seen->last_ns > seen->first_ns ? ((double)seen->last_ns - (double)seen->first_ns) / 1e9
                                          : 0;
}

/* A cell on its way to its place among the groups of its window. */
struct ordered {
    uint32_t series;
    const struct tcore_cell *cell;
    size_t offset, length; /* of the group's text */
    const struct agg_work *work;
    const char *text;
};

static int compare(const void *left, const void *right)
{
    const struct ordered *a = left, *b = right;
    size_t shared = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text + a->offset, b->text + b->offset, shared);
    if (order || a->length != b->length)
        return order ? order : a->length < b->length ? -1 : 1;
    const struct agg_series *x = &a->work->table.series[a->series],
                            *y = &b->work->table.series[b->series];
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    const struct tcore_map_key *m = &a->work->table.symbols.map.keys[x->metric],
                               *n = &a->work->table.symbols.map.keys[y->metric];
    return strcmp(m->data, n->data);
}

static bool order_cells(struct agg_emitter *emitter, const struct agg_work *work,
                        const struct agg_window *window)
{
    uint32_t count = window->count;
    struct ordered *ordered = tcore_calloc(count, sizeof *ordered);
    emitter->order = tcore_calloc(count, sizeof *emitter->order);
    struct tcore_buf text = {0};
    for (uint32_t i = 0; ordered && i < count; i++) {
        ordered[i] = (struct ordered){.series = window->cells[i].series,
                                      .cell = &window->cells[i],
                                      .offset = text.length,
                                      .work = work};
        agg_write_group(work, ordered[i].series, &text);
        ordered[i].length = text.length - ordered[i].offset;
    }
    bool ok = ordered && emitter->order && !text.failed;
    for (uint32_t i = 0; ok && i < count; i++)
        ordered[i].text = text.data;
    if (ok && count)
        qsort(ordered, count, sizeof *ordered, compare);
    for (uint32_t i = 0; ok && i < count; i++)
        emitter->order[i] = ordered[i].cell;
    emitter->order_count = ok ? count : 0;
    tcore_buf_free(&text);
    tcore_free(ordered);
    return ok;
}

static void free_order(struct agg_emitter *emitter)
{
    tcore_free(emitter->order);
    emitter->order = NULL;
    emitter->current = NULL;
    emitter->cell = 0;
}

void agg_emitter_rewind(struct agg_emitter *emitter)
{
    free_order(emitter);
    emitter->next = emitter->linked = 0;
}

void agg_emitter_free(struct agg_emitter *emitter)
{
    cli_pieces_end(emitter->pieces);
    emitter->pieces = NULL;
    free_order(emitter);
    slide_free(&emitter->slide);
}

/* Sets emitter->current, NULL: there is none, and its order. */
static enum tcore_status take_window(struct agg_emitter *emitter, const struct agg_work *work,
                                     int64_t before, bool panes, struct tcore_error *err)
{
    const struct agg_table *table = &work->table;
    const struct agg_plan *plan = work->plan;
    enum tcore_status status = TCORE_OK;
    if (!panes && plan->slide_ns != plan->window_ns)
        status = slide_next(&emitter->slide, plan, table, before, &emitter->current, err);
    else if (emitter->next < table->window_count && table->windows[emitter->next]->index < before)
        emitter->current = table->windows[emitter->next++];
    if (!status && emitter->current && !order_cells(emitter, work, emitter->current))
        status = tcore_error_nomem(err);
    return status;
}

static enum tcore_status write_cell(const struct agg_work *work, const struct agg_window *window,
                                    const struct tcore_cell *cell, struct agg_partial *partial,
                                    struct tcore_buf *out)
{
    if (partial)
        return agg_partial_cell(partial, work, window, cell, out);
    const struct tcore_stats *told = work->plan->told ? work->plan->told : &work->plan->stats;
    const struct agg_time time = agg_window_time(work->plan, window->index);
    agg_write_key(work, &time, cell->series, out);
    enum tcore_status status = tcore_cell_write(cell, told, seconds_of(work), out);
    tcore_buf_puts(out, "}\n");
    return status;
}

/* Of all windows that will be emitted: those that overlap share panes. */
static enum tcore_status link_counters(struct agg_emitter *emitter, struct agg_work *work,
                                       int64_t before, struct tcore_error *err)
{
    const struct agg_table *table = &work->table;
    enum tcore_status status = TCORE_OK;
    while (!status && emitter->linked < table->window_count &&
           table->windows[emitter->linked]->index < before)
        status = agg_link_counters(work, table->windows[emitter->linked++], err);
    return status;
}

enum tcore_status agg_emit(struct agg_emitter *emitter, struct agg_work *work, int64_t before,
                           struct agg_partial *partial, struct tcore_buf *out, bool *more,
                           struct tcore_error *err)
{
    *more = false;
    if (!partial && agg_increase(&work->plan->stats) && link_counters(emitter, work, before, err))
        return err->status;
    for (;;) {
        enum tcore_status status = TCORE_OK;
        if (!emitter->current)
            status = take_window(emitter, work, before, partial != NULL, err);
        if (status || !emitter->current)
            return status ? status : tcore_buf_status(out, err);
        for (; emitter->cell < emitter->order_count; emitter->cell++) {
            if (out->length >= EMIT_BYTES) {
                *more = true;
                return TCORE_OK;
            }
            const struct tcore_cell *cell = emitter->order[emitter->cell];
            if (write_cell(work, emitter->current, cell, partial, out) || out->failed)
                return tcore_error_nomem(err);
        }
        free_order(emitter);
    }
}

/* --- A thread a window */

bool agg_emits_apart(const struct agg_work *work, unsigned threads)
{
    const struct agg_table *table = &work->table;
    if (threads < 2 || table->window_count < 2 || work->plan->slide_ns != work->plan->window_ns)
        return false;
    for (size_t i = 0; i < table->window_count; i++)
        if (table->windows[i]->count > MOST_APART)
            return false;
    return true;
}

static enum tcore_status write_window(void *state, unsigned thread, uint64_t piece,
                                      struct tcore_buf *out, struct tcore_error *err)
{
    const struct agg_work *work = state;
    const struct agg_window *window = work->table.windows[piece];
    struct agg_emitter own = {0};
    (void)thread;
    bool ok = order_cells(&own, work, window);
    for (size_t i = 0; i < own.order_count && ok; i++)
        ok = write_cell(work, window, own.order[i], NULL, out) == TCORE_OK && !out->failed;
    free_order(&own);
    return ok ? TCORE_OK : tcore_error_nomem(err);
}

enum tcore_status agg_emit_apart(struct agg_emitter *emitter, struct agg_work *work,
                                 unsigned threads, struct tcore_buf *out, bool *more,
                                 struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    struct tcore_buf *lines;
    *more = false;
    if (!emitter->pieces) {
        if (agg_increase(&work->plan->stats))
            status = link_counters(emitter, work, INT64_MAX, err);
        if (!status)
            status = cli_pieces_start(&emitter->pieces, threads, work->table.window_count,
                                      write_window, work, err);
    }
    while (!status && out->length < EMIT_BYTES) {
        status = cli_pieces_next(emitter->pieces, &lines, err);
        if (!status)
            tcore_buf_append(out, lines->data, lines->length);
    }
    *more = !status;
    return status && status != TCORE_EOF ? status : tcore_buf_status(out, err);
}
