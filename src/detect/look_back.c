/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "detect/look_back.h"

#include "base/sys.h"
#include "cli/message.h"
#include "stats/season.h"

#include <inttypes.h>

static enum tcore_status look_at(struct look_back *back, uint32_t series, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    struct history *history = &back->all.history[series];
    struct grid grid;

    if (!history->count)
        return TCORE_OK; /* its points were left out, and counted */
    back->repeated += history_sort(history);
    enum tcore_status status = grid_make(&grid, history, back->step_ns, err);

    if (status != TCORE_OK)
        return status;
    if (grid.count - grid.empty < back->shortest) {
        back->too_short++;
    } else if (grid_has_holes(&grid)) {
        back->with_holes++;
    } else {
        back->judged++;
        status = back->judge(back->owner, series, &grid, out, err);
    }
    grid_free(&grid);
    return status;
}

enum tcore_status look_back_at_all(struct look_back *back, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    for (uint32_t i = 0; i < histories_count(&back->all) && status == TCORE_OK; i++)
        status = look_at(back, i, out, err);
    back->finished = status == TCORE_OK;
    return status;
}

void look_back_note(const struct look_back *back, struct cli *cli)
{
    histories_note_left_out(&back->all, cli);
    if (back->repeated)
        cli_note(cli, "%" PRIu64 " point%s the time of another one of %s series: the mean is taken",
                 back->repeated, back->repeated == 1 ? " has" : "s have",
                 back->repeated == 1 ? "its" : "their");
    if (back->too_short)
        cli_note(cli, "%zu series of less than %zu steps with a point: nothing is said of %s",
                 back->too_short, back->shortest, back->too_short == 1 ? "it" : "them");
    if (back->with_holes)
        cli_note(cli, "%zu series without a point in most steps: nothing is said of %s (--step)",
                 back->with_holes, back->with_holes == 1 ? "it" : "them");
}

enum tcore_status look_back_period(const struct grid *grid, size_t *period, struct tcore_error *err)
{
    struct grid filled = *grid;

    if (!grid->empty)
        return tcore_season_period(grid->value, grid->count, period, err);
    filled.value = tcore_reallocarray(NULL, grid->count, sizeof *filled.value);
    if (!filled.value)
        return tcore_error_nomem(err);
    memcpy(filled.value, grid->value, grid->count * sizeof *filled.value);
    grid_fill(&filled);
    enum tcore_status status = tcore_season_period(filled.value, filled.count, period, err);

    grid_free(&filled);
    return status;
}

enum tcore_status look_back_write(const struct look_back *back, uint32_t series,
                                  struct cli_finding *finding, struct tcore_buf *message,
                                  const char *apart, struct tcore_buf *out, struct tcore_error *err)
{
    const struct series_name *name = &back->all.table.name[series];
    struct tcore_buf identity = {0};
    char fingerprint[CLI_FINGERPRINT_BYTES];

    tcore_buf_puts(&identity, apart);
    tcore_buf_append(&identity, name->identity, name->identity_length);
    tcore_buf_putc(message, '\0');
    finding->record_type = name->record_type;
    finding->metric_name = name->metric_name;
    finding->stat = name->stat;
    finding->group = name->group;
    finding->message = message->data;
    finding->fingerprint = fingerprint;
    bool made = !message->failed && !identity.failed &&
                cli_finding_fingerprint(finding->kind, identity.data, identity.length, fingerprint);

    if (made)
        cli_finding_write(out, finding);
    tcore_buf_free(&identity);
    tcore_buf_free(message);
    return made ? TCORE_OK : tcore_error_nomem(err);
}
