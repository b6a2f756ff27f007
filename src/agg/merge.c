/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --merge: partials in, the one result out. An attempt at a unit is kept apart until its trailer
 * comes; if its cells are all there and unharmed, and no other attempt at the unit was counted, it
 * is added to the total. So repeated, mixed and cut-off streams do no harm. Two attempts that gave
 * the same have the same name: of several copies under way a cell goes to the newest one that is
 * waiting for its number, and it does not matter whose it was.
 */
#include <config.h>

#include "agg/agg.h"
#include "agg/header.h"
#include "agg/units.h"
#include "base/base64.h"
#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "model/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a copy takes before it has cells, and a cell of it besides its state, roughly. */
enum { COPY_BYTES = 192 << 10, CELL_BYTES = 300 };

/* A stream of an attempt whose header came and whose trailer did not yet. */
struct copy {
    struct copy *older; /* of the same attempt; owned */
    struct agg_work work;
    uint64_t cells, checksum;
    size_t bytes; /* of memory, roughly */
    bool damaged; /* a cell could not be read */
};

struct attempt {
    struct copy *copies; /* the newest one; owned */
    char *unit;          /* owned */
};

struct merge {
    struct cli *cli;
    struct agg_plan plan, apart; /* of the total; of an attempt, whose groups are never too many */
    bool planned;                /* the first header told groups, statistics and windows */
    struct agg_header header;    /* whose strings the plan borrows */
    struct agg_work total;
    struct tcore_map attempts; /* unit NUL attempt */
    struct attempt *attempt;   /* by number; owned */
    size_t attempt_capacity;
    struct agg_units units;
    size_t open_bytes; /* of all copies */
    struct tcore_json json;
    struct tcore_buf scratch, state;
    struct agg_emitter emitter;
    struct agg_partial partial_state, *partial;
    struct cli_strings names_told; /* --stat; none: all that the partials were made for */
    struct tcore_stats told;
    bool checked, incomplete; /* a unit, or a part of the input, is missing: there is no result */
};

static const struct tcore_value *member(const struct merge *m, uint32_t object, const char *name,
                                        enum tcore_kind kind)
{
    return agg_member(&m->json, object, name, kind);
}

static enum tcore_status damaged(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged partial: %s", what);
}

/* The first header says what the total is of. */
static enum tcore_status make_plan(struct merge *m, uint32_t header, struct tcore_error *err)
{
    enum tcore_status status = agg_header_read(&m->header, &m->json, header, &m->plan, err);
    if (status)
        return status;
    if (m->names_told.count) {
        m->plan.told = &m->told;
        if (agg_stats_choose(&m->told, &m->plan.stats, m->plan.window_ns > 0, m->names_told.item,
                             m->names_told.count, err))
            return err->status = TCORE_FATAL; /* of all partials, not of this line */
    }
    m->planned = true;
    m->apart = m->plan;
    m->apart.max_groups = UINT64_MAX;
    m->apart.table_bytes = 0;
    return agg_work_open(&m->total, &m->plan, err);
}

/* The attempt that a record belongs to; NULL: damaged or no memory, err says which. */
static struct attempt *find_attempt(struct merge *m, uint32_t partial, struct tcore_error *err)
{
    const struct tcore_value *unit = member(m, partial, "unit", TCORE_STRING);
    const struct tcore_value *attempt = member(m, partial, "attempt", TCORE_STRING);
    bool added;
    if (!unit || !attempt) {
        damaged(err, "a record names no unit or attempt");
        return NULL;
    }
    tcore_buf_clear(&m->scratch);
    tcore_buf_append(&m->scratch, unit->s, unit->len);
    tcore_buf_putc(&m->scratch, '\0');
    tcore_buf_append(&m->scratch, attempt->s, attempt->len);
    uint32_t number = m->scratch.failed ? TCORE_MAP_NONE
                                        : tcore_map_intern(&m->attempts, m->scratch.data,
                                                           m->scratch.length, &added);
    if (number == TCORE_MAP_NONE) {
        tcore_error_nomem(err);
        return NULL;
    }
    if (number >= m->attempt_capacity) {
        size_t capacity = m->attempt_capacity ? m->attempt_capacity * 2 : 16;
        struct attempt *memory = tcore_reallocarray(m->attempt, capacity, sizeof *memory);
        if (!memory) {
            tcore_error_nomem(err);
            return NULL;
        }
        memset(memory + m->attempt_capacity, 0, (capacity - m->attempt_capacity) * sizeof *memory);
        m->attempt = memory;
        m->attempt_capacity = capacity;
    }
    struct attempt *found = &m->attempt[number];
    if (!found->unit && !(found->unit = tcore_strndup(unit->s, unit->len))) {
        tcore_error_nomem(err);
        return NULL;
    }
    return agg_units_came(&m->units, found->unit, err) ? NULL : found;
}

static enum tcore_status take_memory(struct merge *m, struct copy *copy, size_t bytes,
                                     struct tcore_error *err)
{
    size_t limit = (size_t)m->cli->io.memory_bytes;
    copy->bytes += bytes;
    m->open_bytes += bytes;
    if (!limit || m->open_bytes <= limit)
        return TCORE_OK;
    return tcore_error_set(err, TCORE_FATAL,
                           "units that have begun and not ended need more memory than --memory "
                           "allows (one behind the other they need less)");
}

static enum tcore_status add_header(struct merge *m, struct attempt *attempt, uint32_t header,
                                    struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (!m->planned)
        status = make_plan(m, header, err);
    else if (!agg_header_fits(&m->json, header, &m->plan))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "unit %s was made with other groups, statistics or windows",
                               attempt->unit);
    if (status)
        return status;
    struct copy *copy = tcore_calloc(1, sizeof *copy);
    if (!copy)
        return tcore_error_nomem(err);
    status = agg_work_open(&copy->work, &m->apart, err);
    if (status) {
        tcore_free(copy);
        return status;
    }
    recent_free(&copy->work.recent); /* is for rows */
    copy->older = attempt->copies;
    attempt->copies = copy;
    return take_memory(m, copy, COPY_BYTES, err);
}

/* The series that the record's own members name. */
static enum tcore_status read_series(struct merge *m, struct agg_work *work, uint32_t *series,
                                     struct tcore_error *err)
{
    const struct tcore_value *type = member(m, 0, "recordType", TCORE_STRING);
    uint32_t metric_at = tcore_json_find(&m->json, 0, "metricName");
    uint32_t group = tcore_json_find(&m->json, 0, "group");
    if (tcore_json_find(&m->json, 0, "overflow")) {
        *series = AGG_OVERFLOW;
        return TCORE_OK;
    }
    if (!type || !group || !tcore_json_is_object(&m->json.node[group]))
        return damaged(err, "a cell names no group");
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
    const struct tcore_value *v = member(m, 0, "windowStartUnixNano", TCORE_STRING);
    char *end;
    if (!v || !v->len || v->len > 20)
        return damaged(err, "a cell names no window");
    char text[24] = {0};
    memcpy(text, v->s, v->len);
    start = strtoll(text, &end, 10);
    if (*end)
        return damaged(err, "a cell names no window");
    *index = agg_window_index(start, m->plan.pane_ns);
    return TCORE_OK;
}

static enum tcore_status add_state(struct merge *m, struct copy *copy, uint32_t partial,
                                   struct tcore_error *err)
{
    const struct tcore_value *text = member(m, partial, "state", TCORE_STRING);
    uint32_t series;
    int64_t index;
    enum tcore_status status = read_series(m, &copy->work, &series, err);
    if (!status)
        status = read_window(m, &index, err);
    if (status)
        return status;
    tcore_buf_clear(&m->state);
    if (!text || !tcore_base64_decode(text->s, text->len, &m->state))
        return damaged(err, "a cell has no state");
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
            status = take_memory(m, copy, CELL_BYTES + m->state.length, err);
        }
    }
    tcore_cell_free(&cell, &m->plan.stats);
    return status;
}

/* A cell that no copy waits for comes after one that was lost: the trailer will tell. */
static enum tcore_status add_cell(struct merge *m, struct attempt *attempt, uint32_t partial,
                                  struct tcore_error *err)
{
    const struct tcore_value *number = member(m, partial, "number", TCORE_INT);
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

static void read_time(const struct merge *m, uint32_t trailer, const char *name, int64_t *time)
{
    const struct tcore_value *v = member(m, trailer, name, TCORE_STRING);
    char text[24] = {0};
    if (!v || !v->len || v->len > 20)
        return;
    memcpy(text, v->s, v->len);
    *time = strtoll(text, NULL, 10);
}

static bool is_whole(struct merge *m, struct copy *copy, uint32_t trailer)
{
    const struct tcore_value *cells = member(m, trailer, "cells", TCORE_INT);
    const struct tcore_value *checksum = member(m, trailer, "checksum", TCORE_STRING);
    char expected[20];
    copy->work.seen.first_ns = INT64_MAX;
    copy->work.seen.last_ns = INT64_MIN;
    read_time(m, trailer, "firstUnixNano", &copy->work.seen.first_ns);
    read_time(m, trailer, "lastUnixNano", &copy->work.seen.last_ns);
    snprintf(expected, sizeof expected, "%016" PRIx64,
             copy->checksum + agg_partial_times(&copy->work.seen));
    return !copy->damaged && cells && (uint64_t)cells->i == copy->cells && checksum &&
           checksum->len == 16 && !memcmp(checksum->s, expected, 16);
}

static void free_copy(struct merge *m, struct copy *copy)
{
    m->open_bytes -= copy->bytes;
    agg_work_free(&copy->work);
    tcore_free(copy);
}

/* Of several copies the trailer is that of one that has all cells; else of the newest. */
static struct copy *take_copy(struct merge *m, struct attempt *attempt, uint32_t trailer)
{
    struct copy **at = &attempt->copies;
    while (*at && !is_whole(m, *at, trailer))
        at = &(*at)->older;
    if (!*at)
        at = &attempt->copies;
    struct copy *copy = *at;
    *at = copy->older;
    return copy;
}

/* Of a whole copy. */
static enum tcore_status count_copy(struct merge *m, const char *unit, struct copy *copy,
                                    struct tcore_error *err)
{
    bool first, other;
    uint64_t checksum = copy->checksum + agg_partial_times(&copy->work.seen);
    enum tcore_status status = agg_units_count(&m->units, unit, checksum, &first, &other, err);
    if (other)
        cli_note(m->cli, "unit %s came again with other contents: those that came first count",
                 unit);
    if (status || !first)
        return status;
    agg_span_merge(&m->total.seen, &copy->work.seen);
    status = table_merge(&m->total.table, &copy->work.table, err);
    return status ? status : agg_check_memory(&m->total, err);
}

static enum tcore_status add_trailer(struct merge *m, struct attempt *attempt, uint32_t trailer,
                                     struct tcore_error *err)
{
    struct copy *copy = take_copy(m, attempt, trailer);
    enum tcore_status status = TCORE_OK;
    if (is_whole(m, copy, trailer))
        status = count_copy(m, attempt->unit, copy, err);
    else
        cli_note(m->cli, "an attempt at unit %s is damaged and does not count", attempt->unit);
    free_copy(m, copy);
    return status;
}

static bool is_part(const struct tcore_value *part, const char *name)
{
    return part->len == strlen(name) && !memcmp(part->s, name, part->len);
}

static enum tcore_status add_record(struct merge *m, const struct tcore_slice *text,
                                    struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&m->json, text->data, text->length, err);
    if (status)
        return status;
    uint32_t partial = tcore_json_find(&m->json, 0, "partial");
    const struct tcore_value *part = partial ? member(m, partial, "part", TCORE_STRING) : NULL;
    if (!part)
        return tcore_error_set(
            err, TCORE_BAD_INPUT,
            "an aggregate that is no partial: --merge reads what --partial wrote");
    struct attempt *attempt = find_attempt(m, partial, err);
    if (!attempt)
        return err->status;
    if (is_part(part, "header"))
        return add_header(m, attempt, partial, err);
    if (!attempt->copies)
        return TCORE_OK; /* its header is missing: it will be found incomplete */
    if (is_part(part, "trailer"))
        return add_trailer(m, attempt, partial, err);
    return add_cell(m, attempt, partial, err);
}

static enum tcore_status merge_batch(void *state, void *worker, const struct tcore_batch *batch,
                                     const uint32_t *rows, size_t count, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    struct merge *m = state;
    enum tcore_status status = TCORE_OK;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count && !status; i++)
        status = add_record(m, &batch->text[rows[i]], err);
    return status;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct merge *m = state;
    bool more = false;
    if (!m->checked)
        m->incomplete = !agg_input_is_whole(m->cli) | !agg_units_are_whole(&m->units, m->cli);
    m->checked = true;
    if (!m->planned || m->incomplete)
        return TCORE_OK;
    if (m->partial && !m->partial->begun && agg_partial_header(m->partial, &m->total, true, out))
        return tcore_error_nomem(err);
    enum tcore_status status =
        agg_emit(&m->emitter, &m->total, INT64_MAX, m->partial, out, &more, err);
    if (status || more)
        return status ? status : TCORE_SKIP;
    if (m->partial)
        agg_partial_trailer(m->partial, &m->total.seen, out);
    return tcore_buf_status(out, err);
}

static void free_merge(struct merge *m)
{
    for (size_t i = 0; i < m->attempt_capacity; i++) {
        while (m->attempt[i].copies) {
            struct copy *copy = m->attempt[i].copies;
            m->attempt[i].copies = copy->older;
            free_copy(m, copy);
        }
        tcore_free(m->attempt[i].unit);
    }
    tcore_free(m->attempt);
    agg_header_free(&m->header);
    tcore_map_free(&m->attempts);
    agg_units_free(&m->units);
    tcore_json_free(&m->json);
    tcore_buf_free(&m->scratch);
    tcore_buf_free(&m->state);
    agg_emitter_free(&m->emitter);
    if (m->planned)
        agg_work_free(&m->total);
    agg_stats_free(&m->plan.stats);
    agg_stats_free(&m->told);
}

int agg_merge(struct cli *cli, const struct agg_options *options, int argc, char **argv)
{
    static const struct cli_operator op = {.types = 1u << TCORE_RECORD_AGGREGATE,
                                           .ordered = true,
                                           .open = cli_want_text,
                                           .batch = merge_batch,
                                           .finish = finish};
    struct merge m = {.cli = cli,
                      .plan = {.max_groups = (uint64_t)options->max_groups,
                               .table_bytes = (size_t)cli->io.memory_bytes}};
    if (options->stats.item != agg_default_stats)
        m.names_told = options->stats;
    struct tcore_error err = {0};
    int status = CLI_FAILED;
    if (tcore_map_init(&m.attempts) != 0 || agg_units_open(&m.units, &options->expect) != 0) {
        cli_error(cli, "no random numbers to be had from the system");
    } else {
        if (options->partial) {
            m.partial = &m.partial_state;
            if (agg_partial_open(m.partial, options->unit, &err)) {
                status = cli_usage_error(cli, "%s", err.text);
                free_merge(&m);
                return status;
            }
        }
        status = cli_filter(cli, &op, &m, argc, argv);
        if (status != CLI_USAGE)
            status = cli_exit_status(cli, false);
        if (m.planned && !m.incomplete)
            agg_note_overflow(cli, &m.total);
        if (m.units.repeated)
            cli_note(cli, "%" PRIu64 " repeated %s counted once", m.units.repeated,
                     m.units.repeated == 1 ? "unit is" : "units are");
    }
    free_merge(&m);
    return status;
}
