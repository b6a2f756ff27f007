/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/select.h"

#include "base/sys.h"
#include "model/number.h"

static bool read_ns(struct tcore_value value, int64_t *ns)
{
    if (value.kind == TCORE_STRING)
        return tcore_parse_int64(value.s, value.len, ns);
    return tcore_value_int64(&value, ns);
}

bool cli_select_time_of(const struct cli_select *select, const struct tcore_batch *batch,
                        size_t row, int64_t *ns)
{
    size_t column = select->time;
    if (batch->types[row] == TCORE_RECORD_SPAN)
        column = select->start;
    else if (batch->types[row] == TCORE_RECORD_AGGREGATE)
        column = select->window_start;
    return read_ns(tcore_column_get(&batch->columns[column], row), ns);
}

static size_t select_by_time(const struct cli_select *select, const struct tcore_batch *batch,
                             uint32_t *rows, size_t count, uint64_t *untimed)
{
    const struct cli_io_options *io = select->io;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t ns;
        uint32_t row = rows[i];
        if (batch->types[row] == TCORE_RECORD_CLOCK)
            rows[kept++] = row;
        else if (!cli_select_time_of(select, batch, row, &ns))
            ++*untimed;
        else if ((!io->since.set || ns >= io->since.unix_ns) &&
                 (!io->until.set || ns < io->until.unix_ns))
            rows[kept++] = row;
    }
    return kept;
}

/* Clock records are taken out and put back in their places. */
static enum tcore_status select_by_expression(struct tcore_expr_state *where,
                                              const struct tcore_batch *batch, uint32_t *rows,
                                              size_t *count, uint64_t *failed,
                                              struct tcore_error *err)
{
    size_t clocks = 0, records = 0;
    for (size_t i = 0; i < *count; i++)
        clocks += batch->types[rows[i]] == TCORE_RECORD_CLOCK;
    if (!clocks)
        return tcore_expr_select(where, batch, rows, count, failed, err);
    uint32_t *clock = tcore_reallocarray(NULL, clocks, sizeof *clock);
    if (!clock)
        return tcore_error_nomem(err);
    clocks = 0;
    for (size_t i = 0; i < *count; i++) {
        if (batch->types[rows[i]] == TCORE_RECORD_CLOCK)
            clock[clocks++] = rows[i];
        else
            rows[records++] = rows[i];
    }
    enum tcore_status status = tcore_expr_select(where, batch, rows, &records, failed, err);
    *count = records + clocks;
    for (size_t at = *count; at && clocks; at--) /* merge from behind */
        rows[at - 1] =
            records && rows[records - 1] > clock[clocks - 1] ? rows[--records] : clock[--clocks];
    tcore_free(clock);
    return status;
}

enum tcore_status cli_select_rows(const struct cli_select *select, struct tcore_expr_state *where,
                                  const struct tcore_batch *batch, uint32_t *rows, size_t *count,
                                  struct cli_left_out *left_out, struct tcore_error *err)
{
    if (select->timed)
        *count = select_by_time(select, batch, rows, *count, &left_out->untimed);
    return where ? select_by_expression(where, batch, rows, count, &left_out->failed, err)
                 : TCORE_OK;
}
