/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --merge: partials in, the one result out. An attempt at a unit is kept apart until its trailer
 * comes; if its cells are all there and unharmed, and no other attempt at the unit was counted, it
 * is added to the total. So repeated, mixed and cut-off streams do no harm. Two attempts that gave
 * the same have the same name: of several copies under way a cell goes to the newest one that is
 * waiting for its number, and it does not matter whose it was.
 */
#include <config.h>

#include "agg/merge.h"

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"

#include <inttypes.h>
#include <string.h>

enum tcore_status merge_damaged(struct tcore_error *err, const char *what)
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
    return status ? status : merge_begin(m, attempt, err);
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
    const struct tcore_value *part =
        partial ? merge_member(m, partial, "part", TCORE_STRING) : NULL;
    if (!part)
        return tcore_error_set(
            err, TCORE_BAD_INPUT,
            "an aggregate that is no partial: --merge reads what --partial wrote");
    struct attempt *attempt = merge_find_attempt(m, partial, err);
    if (!attempt)
        return err->status;
    if (is_part(part, "header"))
        return add_header(m, attempt, partial, err);
    if (!attempt->copies)
        return TCORE_OK; /* its header is missing: it will be found incomplete */
    if (is_part(part, "trailer"))
        return merge_end(m, attempt, partial, err);
    return merge_add_cell(m, attempt, partial, err);
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
    merge_free_attempts(m);
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
