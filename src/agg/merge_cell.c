/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --merge: the cells of a partial, each the state of a group in a window. */
#include "agg/merge.h"

#include "base/base64.h"
#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

/* Of a cell besides its state, roughly. */
enum { CELL_BYTES = 300 };

/* The series that the record's own members name. */
static enum tcore_status read_series(struct merge *m, struct agg_work *work, uint32_t *series,
                                     struct tcore_error *err)
{
    const struct tcore_value *type = merge_member(m, 0, "recordType", TCORE_STRING);
    uint32_t metric_at = tcore_json_find(&m->json, 0, "metricName");
    uint32_t group = tcore_json_find(&m->json, 0, "group");
    if (tcore_json_find(&m->json, 0, "overflow")) {
        *series = AGG_OVERFLOW;
        return TCORE_OK;
    }
    if (!type || !group || !tcore_json_is_object(&m->json.node[group]))
        return merge_damaged(err, "a cell names no group");
    uint32_t metric =
        metric_at ? symbol_of(&work->table.symbols, &m->json.node[metric_at].value) : 0;
    size_t count = m->plan.by_names.count;
    uint32_t *by = tcore_calloc(count, sizeof *by);
    bool ok = by && metric != TCORE_MAP_NONE;
    for (size_t k = 0; ok && k < count; k++) {
        uint32_t at = tcore_json_find(&m->json, group, m->plan.by_names.item[k]);
        by[k] = at ? symbol_of(&work->table.symbols, &m->json.node[at].value) : 0;
        ok = by[k] != TCORE_MAP_NONE;
    }
    *series =
        ok ? table_series(&work->table, tcore_record_type_find(type->s, type->len), metric, by)
           : PAIR_NONE;
    tcore_free(by);
    return *series == PAIR_NONE ? tcore_error_nomem(err) : TCORE_OK;
}

static enum tcore_status read_window(struct merge *m, int64_t *index, struct tcore_error *err)
{
    int64_t start;
    *index = 0;
    if (!m->plan.pane_ns)
        return TCORE_OK;
    const struct tcore_value *v = merge_member(m, 0, "windowStartUnixNano", TCORE_STRING);
    char *end;
    if (!v || !v->len || v->len > 20)
        return merge_damaged(err, "a cell names no window");
    char text[24] = {0};
    memcpy(text, v->s, v->len);
    start = strtoll(text, &end, 10);
    if (*end)
        return merge_damaged(err, "a cell names no window");
    *index = agg_window_index(start, m->plan.pane_ns);
    return TCORE_OK;
}

static enum tcore_status add_state(struct merge *m, struct copy *copy, uint32_t partial,
                                   struct tcore_error *err)
{
    const struct tcore_value *text = merge_member(m, partial, "state", TCORE_STRING);
    uint32_t series;
    int64_t index;
    enum tcore_status status = read_series(m, &copy->work, &series, err);
    if (!status)
        status = read_window(m, &index, err);
    if (status)
        return status;
    tcore_buf_clear(&m->state);
    if (!text || !tcore_base64_decode(text->s, text->len, &m->state))
        return merge_damaged(err, "a cell has no state");
    struct tcore_cell cell = {0};
    status = tcore_cell_decode(&cell, &m->plan.stats, m->state.data, m->state.length, err);
    if (!status) {
        struct agg_window *window = table_window(&copy->work.table, index);
        struct tcore_cell *into = window ? table_cell(window, series) : NULL;
        size_t before = into ? tcore_cell_extra_bytes(into, &m->plan.stats) : 0;
        if (!into || tcore_cell_merge(into, &cell, &m->plan.stats)) {
            status = tcore_error_nomem(err);
        } else {
            window->extra_bytes += tcore_cell_extra_bytes(into, &m->plan.stats) - before;
            tcore_buf_clear(&m->scratch);
            const struct agg_time time = agg_pane_time(&m->plan, index);
            agg_write_key(&copy->work, &time, series, &m->scratch);
            copy->checksum += agg_partial_checksum(m->scratch.data, m->scratch.length,
                                                   m->state.data, m->state.length);
            status = merge_take_memory(m, copy, CELL_BYTES + m->state.length, err);
        }
    }
    tcore_cell_free(&cell, &m->plan.stats);
    return status;
}

/* A cell that no copy waits for comes after one that was lost: the trailer will tell. */
enum tcore_status merge_add_cell(struct merge *m, struct attempt *attempt, uint32_t partial,
                                 struct tcore_error *err)
{
    const struct tcore_value *number = merge_member(m, partial, "number", TCORE_INT);
    struct copy *copy = number ? attempt->copies : NULL;
    while (copy && copy->cells != (uint64_t)number->i)
        copy = copy->older;
    if (!copy)
        return TCORE_OK;
    copy->cells++;
    enum tcore_status status = add_state(m, copy, partial, err);
    copy->damaged |= status == TCORE_BAD_INPUT;
    return status == TCORE_BAD_INPUT ? TCORE_OK : status;
}
