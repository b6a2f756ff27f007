/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A partial: a header that says what was aggregated, a record a cell with its state in base64, and
 * a trailer with the number of cells and a checksum, without which the unit does not count. Every
 * record names the unit and the attempt at it, so that streams may be concatenated, mixed and
 * repeated.
 */
#include "agg/agg.h"

#include "base/base64.h"
#include "base/sys.h"
#include "model/json.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

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
    snprintf(partial->attempt, sizeof partial->attempt, "%016" PRIx64, random[2]);
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

void agg_partial_header(struct agg_partial *partial, const struct agg_plan *plan,
                        struct tcore_buf *out)
{
    partial->begun = true;
    tcore_buf_puts(out, "{\"type\":\"aggregate\",");
    begin(partial, "header", out);
    tcore_buf_puts(out, ",\"version\":1");
    write_names("by", plan->by_names.item, plan->by_names.count, sizeof *plan->by_names.item, out);
    write_names("stats", &plan->stats.stat->name, plan->stats.count, sizeof *plan->stats.stat, out);
    tcore_buf_printf(out, ",\"windowNano\":%lld}}\n", (long long)plan->window_ns);
}

uint64_t agg_partial_checksum(const char *key, size_t key_length, const char *state,
                              size_t state_length)
{
    return XXH3_64bits_withSeed(state, state_length, XXH3_64bits(key, key_length));
}

enum tcore_status agg_partial_cell(struct agg_partial *partial, const struct agg_work *work,
                                   const struct agg_window *window, const struct agg_cell *cell,
                                   struct tcore_buf *out)
{
    struct tcore_buf state = {0};
    size_t start = out->length;
    agg_write_key(work, window, cell->series, out);
    enum tcore_status status = cell_encode(cell, &work->plan->stats, &state);
    if (!status && !state.failed && !out->failed) {
        partial->checksum +=
            agg_partial_checksum(out->data + start, out->length - start, state.data, state.length);
        partial->cells++;
        tcore_buf_putc(out, ',');
        begin(partial, "cell", out);
        tcore_buf_puts(out, ",\"state\":\"");
        tcore_base64_encode(state.data, state.length, out);
        tcore_buf_puts(out, "\"}}\n");
    }
    if (state.failed)
        status = TCORE_FATAL;
    tcore_buf_free(&state);
    return status;
}

void agg_partial_trailer(const struct agg_partial *partial, const struct agg_span *seen,
                         struct tcore_buf *out)
{
    tcore_buf_puts(out, "{\"type\":\"aggregate\",");
    begin(partial, "trailer", out);
    tcore_buf_printf(out, ",\"cells\":%" PRIu64 ",\"checksum\":\"%016" PRIx64 "\"", partial->cells,
                     partial->checksum);
    if (seen->first_ns <= seen->last_ns)
        tcore_buf_printf(out, ",\"firstUnixNano\":\"%" PRId64 "\",\"lastUnixNano\":\"%" PRId64 "\"",
                         seen->first_ns, seen->last_ns);
    tcore_buf_puts(out, "}}\n");
}
