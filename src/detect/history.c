/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "detect/history.h"

#include "base/sys.h"
#include "cli/message.h"

#include <inttypes.h>
#include <stdlib.h>

static struct intake_series *get_series(void *owner, uint32_t series)
{
    struct histories *all = owner;

    if (series >= all->capacity) {
        size_t capacity = series < 32 ? 64 : (size_t)series * 2;
        struct history *grown = tcore_reallocarray(all->history, capacity, sizeof *grown);

        if (!grown)
            return NULL;
        memset(grown + all->capacity, 0, (capacity - all->capacity) * sizeof *grown);
        all->history = grown;
        all->capacity = capacity;
    }
    return &all->history[series].in;
}

/* *run: the number of the record's run. False: out of memory. */
static bool find_run(struct histories *all, const struct tcore_batch *batch, size_t row,
                     uint32_t *run)
{
    *run = TCORE_MAP_NONE;
    if (!all->with_runs)
        return true;
    struct tcore_value id = run_of(batch, &all->run, row);

    if (id.kind == TCORE_ABSENT)
        return true;
    if (id.kind == TCORE_STRING) {
        *run = tcore_map_intern(&all->runs, id.s, id.len, NULL);
        return *run != TCORE_MAP_NONE;
    }
    struct tcore_buf *text = &all->table.key;

    tcore_buf_clear(text);
    tcore_json_write_value(text, &id);
    if (!text->failed)
        *run = tcore_map_intern(&all->runs, text->data, text->length, NULL);
    return *run != TCORE_MAP_NONE;
}

static enum tcore_status keep_point(void *owner, const struct tcore_batch *batch, size_t row,
                                    uint32_t series, const struct intake_point *point,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    struct histories *all = owner;
    struct history *history = &all->history[series];
    struct history_point kept = {.value = point->value, .ns = point->ns};

    (void)out;
    if (!point->timed) {
        all->untimed++;
        return TCORE_OK;
    }
    if (all->points++ == all->point_limit)
        return tcore_error_set(err, TCORE_FATAL, "more points than --memory has room for (%zu)",
                               all->point_limit);
    if (!find_run(all, batch, row, &kept.run))
        return tcore_error_nomem(err);
    if (history->count == history->capacity) {
        size_t capacity = history->capacity ? history->capacity * 2 : 16;
        struct history_point *grown = tcore_reallocarray(history->point, capacity, sizeof *grown);

        if (!grown)
            return tcore_error_nomem(err);
        history->point = grown;
        history->capacity = capacity;
    }
    kept.number = (uint32_t)history->count;
    history->is_log = point->is_log;
    history->point[history->count++] = kept;
    return TCORE_OK;
}

enum tcore_status histories_init(struct histories *all, struct cli *cli, struct cli_strings stats,
                                 struct cli_strings by, struct tcore_error *err)
{
    *all = (struct histories){.point_limit = SIZE_MAX};
    enum tcore_status status = series_init(&all->table, err);

    if (status == TCORE_OK && tcore_map_init(&all->runs))
        status = tcore_error_set(err, TCORE_FATAL, "no randomness");
    if (status != TCORE_OK)
        return status;
    all->table.by = by;
    intake_init(&all->intake, &all->table, stats);
    all->intake.owner = all;
    all->intake.get = get_series;
    all->intake.take = keep_point;
    if (cli->io.memory_bytes)
        all->point_limit = (size_t)cli->io.memory_bytes / sizeof(struct history_point);
    return TCORE_OK;
}

void histories_free(struct histories *all)
{
    for (size_t i = 0; i < all->capacity; i++)
        tcore_free(all->history[i].point);
    tcore_free(all->history);
    tcore_map_free(&all->runs);
    intake_free(&all->intake);
    series_free(&all->table);
}

enum tcore_status histories_open(void *state, struct tcore_projection *projection,
                                 struct tcore_error *err)
{
    struct histories *all = state;
    enum tcore_status status = all->with_runs ? want_run(projection, &all->run, err) : TCORE_OK;

    return status == TCORE_OK ? intake_open(&all->intake, projection, err) : status;
}

enum tcore_status histories_batch(void *state, void *worker, const struct tcore_batch *batch,
                                  const uint32_t *rows, size_t count, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    struct histories *all = state;

    (void)worker;
    return intake_batch(&all->intake, batch, rows, count, out, err);
}

static int by_time(const void *a, const void *b)
{
    const struct history_point *x = a, *y = b;

    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

uint64_t history_sort(struct history *history)
{
    uint64_t repeated = 0;

    if (history->count > 1)
        qsort(history->point, history->count, sizeof *history->point, by_time);
    for (size_t i = 1; i < history->count; i++)
        repeated += history->point[i].ns == history->point[i - 1].ns;
    return repeated;
}

void histories_note_left_out(const struct histories *all, struct cli *cli)
{
    intake_note_left_out(&all->intake, cli);
    if (all->untimed)
        cli_note(cli, "%" PRIu64 " point%s without a time left out", all->untimed,
                 all->untimed == 1 ? "" : "s");
}
