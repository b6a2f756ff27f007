/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The aggregate records: key, then statistics; windows ascending, groups in the order of their
 * bytes. */
#include "agg/agg.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

enum { EMIT_BYTES = 1 << 20 };

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

void agg_emitter_free(struct agg_emitter *emitter)
{
    tcore_free(emitter->order);
    emitter->order = NULL;
}

enum tcore_status agg_emit(struct agg_emitter *emitter, struct agg_work *work, size_t windows,
                           struct agg_partial *partial, struct tcore_buf *out, bool *more,
                           struct tcore_error *err)
{
    double seconds = seconds_of(work);
    *more = false;
    for (; emitter->window < windows; emitter->window++, emitter->cell = 0) {
        const struct agg_window *window = work->table.windows[emitter->window];
        if (!emitter->order && !order_cells(emitter, work, window))
            return tcore_error_nomem(err);
        for (; emitter->cell < emitter->order_count; emitter->cell++) {
            if (out->length >= EMIT_BYTES) {
                *more = true;
                return TCORE_OK;
            }
            const struct tcore_cell *cell = emitter->order[emitter->cell];
            enum tcore_status status;
            if (partial) {
                status = agg_partial_cell(partial, work, window, cell, out);
            } else {
                agg_write_key(work, window, cell->series, out);
                status = tcore_cell_write(cell, &work->plan->stats, seconds, out);
                tcore_buf_puts(out, "}\n");
            }
            if (status || out->failed)
                return tcore_error_nomem(err);
        }
        agg_emitter_free(emitter);
    }
    return tcore_buf_status(out, err);
}
