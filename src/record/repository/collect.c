/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/collect.h"

#include "base/sys.h"
#include "cli/helper.h"
#include "record/trace_state.h"

#include <string.h>

struct collector {
    const struct collection *collection;
    struct tcore_expr_state **drop; /* by expression; owned, each and all */
    struct collect_counts counts;
    uint32_t *rows; /* owned */
    size_t row_capacity;
    struct tcore_buf text;
};

/* ---- the policy ---- */

bool collection_is_needed(const struct policy *policy)
{
    return policy->drop.count || policy->sampling.head < 1;
}

enum tcore_status collection_open(struct collection *c, const struct policy *policy,
                                  struct tcore_projection *projection, struct tcore_error *err)
{
    static const struct tcore_path_key trace_id[] = {{"traceId", 7}};
    static const struct tcore_path_key trace_state[] = {{"traceState", 10}};
    struct cli_helper_path helper;
    const struct tcore_expr_options options = {.helper = cli_helper_path(&helper, "tracecore-jq")};
    *c = (struct collection){.threshold = tcore_trace_state_threshold(policy->sampling.head)};
    c->drop = tcore_calloc(policy->drop.count + 1, sizeof *c->drop);
    if (!c->drop)
        return tcore_error_nomem(err);
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < policy->drop.count && status == TCORE_OK; i++) {
        status = tcore_expr_compile(&c->drop[i], policy->drop.item[i], &options, projection, err);
        c->drops += status == TCORE_OK;
    }
    projection->text = true;
    if (status == TCORE_OK)
        status = tcore_projection_add_path(projection, trace_id, 1, &c->trace_id, err);
    if (status == TCORE_OK)
        status = tcore_projection_add_path(projection, trace_state, 1, &c->trace_state, err);
    return status;
}

void collection_close(struct collection *c)
{
    for (size_t i = 0; i < c->drops; i++)
        tcore_expr_free(c->drop[i]);
    tcore_free(c->drop);
    *c = (struct collection){0};
}

/* ---- a thread ---- */

enum tcore_status collector_new(struct collector **collector, const struct collection *collection,
                                struct tcore_error *err)
{
    struct collector *c = *collector = tcore_calloc(1, sizeof *c);
    if (!c)
        return tcore_error_nomem(err);
    c->collection = collection;
    c->drop = tcore_calloc(collection->drops + 1, sizeof *c->drop);
    enum tcore_status status = c->drop ? TCORE_OK : tcore_error_nomem(err);
    for (size_t i = 0; i < collection->drops && status == TCORE_OK; i++)
        status = tcore_expr_state_new(&c->drop[i], collection->drop[i], err);
    if (status != TCORE_OK) {
        collector_free(c);
        *collector = NULL;
    }
    return status;
}

void collector_free(struct collector *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->drop && i < c->collection->drops; i++)
        tcore_expr_state_free(c->drop[i]);
    tcore_free(c->drop);
    tcore_free(c->rows);
    tcore_buf_free(&c->text);
    tcore_free(c);
}

const struct collect_counts *collector_counts(const struct collector *c)
{
    return &c->counts;
}

/* Takes the rows away for which the expression is true. */
static enum tcore_status drop_rows(struct collector *c, struct tcore_expr_state *drop,
                                   const struct tcore_batch *batch, uint32_t *rows, size_t *count,
                                   struct tcore_error *err)
{
    if (*count > c->row_capacity) {
        tcore_free(c->rows);
        c->rows = tcore_reallocarray(NULL, *count, sizeof *c->rows);
        c->row_capacity = c->rows ? *count : 0;
        if (!c->rows)
            return tcore_error_nomem(err);
    }
    size_t doomed = *count, next = 0, kept = 0;
    memcpy(c->rows, rows, doomed * sizeof *rows);
    enum tcore_status status =
        tcore_expr_select(drop, batch, c->rows, &doomed, &c->counts.failed, err);
    for (size_t i = 0; i < *count && status == TCORE_OK; i++) {
        if (next < doomed && c->rows[next] == rows[i])
            next++;
        else
            rows[kept++] = rows[i];
    }
    c->counts.dropped += status == TCORE_OK ? doomed : 0;
    *count = kept;
    return status;
}

static struct tcore_slice string_at(const struct tcore_batch *batch, size_t column, uint32_t row)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    return value.kind == TCORE_STRING ? (struct tcore_slice){value.s, value.len}
                                      : (struct tcore_slice){"", 0};
}

static bool is_sampled(const struct collection *c, const struct tcore_batch *batch, uint32_t row)
{
    if (batch->types[row] != TCORE_RECORD_SPAN)
        return true;
    struct tcore_slice id = string_at(batch, c->trace_id, row);
    struct tcore_slice state = string_at(batch, c->trace_state, row);
    return tcore_trace_state_randomness(&id, &state) >= c->threshold;
}

enum tcore_status collector_rows(struct collector *c, const struct tcore_batch *batch,
                                 uint32_t *rows, size_t *count, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    size_t kept = 0;
    for (size_t i = 0; i < c->collection->drops && status == TCORE_OK && *count; i++)
        status = drop_rows(c, c->drop[i], batch, rows, count, err);
    if (status != TCORE_OK || !c->collection->threshold)
        return status;
    for (size_t i = 0; i < *count; i++)
        if (is_sampled(c->collection, batch, rows[i]))
            rows[kept++] = rows[i];
    c->counts.unsampled += *count - kept;
    *count = kept;
    return TCORE_OK;
}

enum tcore_status collector_text(struct collector *c, const struct tcore_batch *batch, uint32_t row,
                                 struct tcore_slice *text, struct tcore_error *err)
{
    *text = batch->text[row];
    if (!c->collection->threshold || batch->types[row] != TCORE_RECORD_SPAN)
        return TCORE_OK;
    struct tcore_slice state = string_at(batch, c->collection->trace_state, row);
    tcore_buf_clear(&c->text);
    enum tcore_status status =
        trace_state_put(text, &state, c->collection->threshold, &c->text, err);
    if (status == TCORE_OK)
        *text = (struct tcore_slice){c->text.data, c->text.length};
    return status;
}
