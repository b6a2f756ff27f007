/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A partial: a header that says what was aggregated, a record a cell with its state in base64, and
 * a trailer with the number of cells and a checksum, without which the unit does not count. Every
 * record names the unit and the attempt at it, and cells are numbered, so that streams may be
 * concatenated, mixed and repeated. Windows that overlap are put together by who merges: cells are
 * of panes, and the header, of version 2, says how far windows are apart.
 *
 * An attempt is named by a checksum of all that is in it: equal input gives equal bytes. Only where
 * cells are written before all of them are known (--lateness, --idle) is its name random.
 */
#include <config.h>

#include "agg/agg.h"

#include "base/base64.h"
#include "base/sys.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "model/json.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum tcore_status agg_partial_open(struct agg_partial *partial, const char *unit,
                                   struct tcore_error *err)
{
    uint64_t random[3];
    *partial = (struct agg_partial){0};
    if (tcore_sys()->random(random, sizeof random) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no random numbers to be had from the system");
    if (unit && (!*unit || strlen(unit) >= sizeof partial->unit))
        return tcore_error_set(err, TCORE_BAD_INPUT, "a unit's name has 1 to %zu bytes",
                               sizeof partial->unit - 1);
    if (unit)
        strcpy(partial->unit, unit);
    else
        snprintf(partial->unit, sizeof partial->unit, "%016" PRIx64 "%016" PRIx64, random[0],
                 random[1]);
    partial->random = random[2];
    return TCORE_OK;
}

static void begin(const struct agg_partial *partial, const char *part, struct tcore_buf *out)
{
    tcore_buf_puts(out, "\"partial\":{\"part\":\"");
    tcore_buf_puts(out, part);
    tcore_buf_puts(out, "\",\"unit\":");
    tcore_json_write_string(out, partial->unit, strlen(partial->unit));
    tcore_buf_printf(out, ",\"attempt\":\"%s\"", partial->attempt);
}

/* A list of names; they are stride bytes apart. */
static void write_names(const char *name, const char *const *first, size_t count, size_t stride,
                        struct tcore_buf *out)
{
    tcore_buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        const char *item = *(const char *const *)((const char *)first + i * stride);
        tcore_buf_puts(out, i ? "," : "");
        tcore_json_write_string(out, item, strlen(item));
    }
    tcore_buf_putc(out, ']');
}

static void write_plan(const struct agg_plan *plan, struct tcore_buf *out)
{
    bool overlap = plan->slide_ns != plan->window_ns;
    tcore_buf_printf(out, ",\"version\":%d", overlap ? 2 : 1);
    write_names("by", plan->by_names.item, plan->by_names.count, sizeof *plan->by_names.item, out);
    write_names("stats", &plan->stats.stat->name, plan->stats.count, sizeof *plan->stats.stat, out);
    tcore_buf_printf(out, ",\"windowNano\":%lld", (long long)plan->window_ns);
    if (overlap)
        tcore_buf_printf(out, ",\"slideNano\":%lld", (long long)plan->slide_ns);
    tcore_buf_puts(out, "}}\n");
}

uint64_t agg_partial_checksum(const char *key, size_t key_length, const char *state,
                              size_t state_length)
{
    return XXH3_64bits_withSeed(state, state_length, XXH3_64bits(key, key_length));
}

uint64_t agg_partial_times(const struct agg_span *seen)
{
    const uint64_t times[2] = {htole64((uint64_t)seen->first_ns), htole64((uint64_t)seen->last_ns)};
    return seen->first_ns <= seen->last_ns ? XXH3_64bits(times, sizeof times) : 0;
}

/* The key of a cell to out and its state to state. */
static enum tcore_status encode(const struct agg_work *work, const struct agg_window *window,
                                const struct tcore_cell *cell, struct tcore_buf *out,
                                struct tcore_buf *state)
{
    const struct agg_time time = agg_pane_time(work->plan, window->index);
    agg_write_key(work, &time, cell->series, out);
    enum tcore_status status = tcore_cell_encode(cell, &work->plan->stats, state);
    return state->failed || out->failed ? TCORE_FATAL : status;
}

/* The sum of the checksums of all cells. */
static enum tcore_status sum_cells(const struct agg_work *work, uint64_t *sum)
{
    struct tcore_buf key = {0}, state = {0};
    enum tcore_status status = TCORE_OK;
    *sum = 0;
    for (size_t w = 0; w < work->table.window_count; w++) {
        const struct agg_window *window = work->table.windows[w];
        for (uint32_t i = 0; i < window->count && !status; i++) {
            tcore_buf_clear(&key);
            tcore_buf_clear(&state);
            status = encode(work, window, &window->cells[i], &key, &state);
            if (!status)
                *sum += agg_partial_checksum(key.data, key.length, state.data, state.length);
        }
    }
    tcore_buf_free(&key);
    tcore_buf_free(&state);
    return status;
}

enum tcore_status agg_partial_header(struct agg_partial *partial, const struct agg_work *work,
                                     bool complete, struct tcore_buf *out)
{
    uint64_t name = partial->random;
    struct tcore_buf plan = {0};
    enum tcore_status status = TCORE_OK;
    write_plan(work->plan, &plan);
    if (complete)
        status = sum_cells(work, &name);
    if (complete)
        name = XXH3_64bits_withSeed(plan.data, plan.length, name + agg_partial_times(&work->seen));
    snprintf(partial->attempt, sizeof partial->attempt, "%016" PRIx64, name);
    partial->begun = true;
    tcore_buf_puts(out, "{\"type\":\"aggregate\",");
    begin(partial, "header", out);
    tcore_buf_append(out, plan.data, plan.length);
    out->failed |= plan.failed || status;
    tcore_buf_free(&plan);
    return out->failed ? TCORE_FATAL : TCORE_OK;
}

enum tcore_status agg_partial_cell(struct agg_partial *partial, const struct agg_work *work,
                                   const struct agg_window *window, const struct tcore_cell *cell,
                                   struct tcore_buf *out)
{
    struct tcore_buf state = {0};
    size_t start = out->length;
    enum tcore_status status = encode(work, window, cell, out, &state);
    if (!status) {
        partial->checksum +=
            agg_partial_checksum(out->data + start, out->length - start, state.data, state.length);
        tcore_buf_putc(out, ',');
        begin(partial, "cell", out);
        tcore_buf_printf(out, ",\"number\":%" PRIu64 ",\"state\":\"", partial->cells++);
        tcore_base64_encode(state.data, state.length, out);
        tcore_buf_puts(out, "\"}}\n");
    }
    tcore_buf_free(&state);
    return status;
}

void agg_partial_trailer(const struct agg_partial *partial, const struct agg_span *seen,
                         struct tcore_buf *out)
{
    tcore_buf_puts(out, "{\"type\":\"aggregate\",");
    begin(partial, "trailer", out);
    tcore_buf_printf(out, ",\"cells\":%" PRIu64 ",\"checksum\":\"%016" PRIx64 "\"", partial->cells,
                     partial->checksum + agg_partial_times(seen));
    if (seen->first_ns <= seen->last_ns)
        tcore_buf_printf(out, ",\"firstUnixNano\":\"%" PRId64 "\",\"lastUnixNano\":\"%" PRId64 "\"",
                         seen->first_ns, seen->last_ns);
    tcore_buf_puts(out, "}}\n");
}

bool agg_input_is_whole(struct cli *cli)
{
    bool failed = cli->failed; /* and it was said why */
    if (cli_stop_requested())
        cli_error(cli, "ended by a signal: what was read is not all, and does not count");
    return !failed && !cli_stop_requested();
}
