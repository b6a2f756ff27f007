/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb's callbacks with --map: what came in is aggregated after it has become other records. */
#include "agg/aggregation.h"

#include "base/sys.h"
#include "cli/fields.h"

/* The records that --map makes have columns of their own; of those that come in the text will do.
 */
enum tcore_status agg_open_mapped(void *state, struct tcore_projection *projection,
                                  struct tcore_error *err)
{
    struct aggregation *agg = state;
    enum tcore_status status = agg_open_columns(state, &agg->made_columns, err);
    /* ordered batches come to any thread, but this one ends last */
    if (!status && (agg->plan.watermark || agg_increase(&agg->plan.stats)))
        status = agg_work_map(&agg->total, agg, err);
    return status ? status : cli_want_text(state, projection, err);
}

enum tcore_status agg_work_map(struct agg_work *work, const struct aggregation *agg,
                               struct tcore_error *err)
{
    work->mapper = tcore_malloc(sizeof *work->mapper);
    if (!work->mapper)
        return tcore_error_nomem(err);
    enum tcore_status status =
        agg_mapper_open(work->mapper, &agg->map, &agg->made_columns, agg->plan.types, err);
    if (status) {
        tcore_free(work->mapper);
        work->mapper = NULL;
    }
    return status;
}

/* Notes which of the first --by fields some record has. */
static void see_fields(struct agg_work *work, const struct tcore_batch *batch, const uint32_t *rows,
                       size_t count)
{
    const struct agg_plan *plan = work->plan;
    for (size_t k = 0; k < plan->by_names.count && k < 64; k++)
        for (size_t i = 0; i < count && !(work->seen.by >> k & 1); i++)
            if (tcore_column_get(&batch->columns[plan->by[k]], rows[i]).kind != TCORE_ABSENT)
                work->seen.by |= UINT64_C(1) << k;
}

void agg_note_mapped(const struct aggregation *agg)
{
    const struct agg_plan *plan = &agg->plan;
    for (size_t k = 0; k < plan->by_names.count && k < 64 && !plan->optional_by; k++)
        if (agg->total.seen.made && !(agg->total.seen.by >> k & 1))
            cli_note_absent_field(agg->cli, plan->by_names.item[k], NULL, false);
}

enum tcore_status agg_add_mapped(void *state, void *worker, const struct tcore_batch *batch,
                                 const uint32_t *rows, size_t count, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    struct aggregation *agg = state;
    struct agg_work *work = worker ? worker : &agg->total;
    const struct tcore_batch *made;
    size_t made_count;
    enum tcore_status status =
        agg_map_rows(work->mapper, batch, rows, count, &made, &made_count, err);
    if (status)
        return status;
    work->seen.other += work->mapper->other;
    work->mapper->other = 0;
    work->seen.made += made_count;
    see_fields(work, made, work->mapper->rows, made_count);
    if (agg->plan.watermark)
        return agg_add_in_order(state, NULL, made, work->mapper->rows, made_count, out, err);
    work->seen.negative += made->negative_durations;
    return agg_add(work, made, work->mapper->rows, made_count, &agg_none_closed, err);
}

const struct cli_refusal *agg_refused(void *state, void *worker, size_t *count)
{
    struct agg_work *work = worker ? worker : &((struct aggregation *)state)->total;
    *count = work->mapper->refused;
    return work->mapper->refusal;
}
