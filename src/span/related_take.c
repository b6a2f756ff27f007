/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From batches to ties of traces. */
#include <config.h>

#include "base/sys.h"
#include "span/gather.h"
#include "span/related.h"

#include <stdlib.h>
#include <string.h>

static enum tcore_status add_path(struct tcore_projection *projection, const char *name,
                                  size_t *column, enum tcore_status status, struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};
    if (status == TCORE_OK)
        status = tcore_projection_add_path(projection, &key, 1, column, err);
    if (status == TCORE_OK)
        projection->columns[*column].optional = true;
    return status;
}

enum tcore_status related_columns(void *state, struct tcore_projection *projection,
                                  struct tcore_error *err)
{
    struct related *r = state;
    enum tcore_status status = trace_facts_columns(&r->facts, projection, err);
    status = add_path(projection, "links", &r->column.links, status, err);
    status = add_path(projection, "executionId", &r->column.execution, status, err);
    status = add_path(projection, "parentTraceId", &r->column.parent, status, err);
    status = add_path(projection, "causationId", &r->column.cause, status, err);
    for (size_t i = 0; i < r->options->by.count && status == TCORE_OK; i++) {
        size_t columns = projection->count;
        status =
            tcore_projection_add_field(projection, r->options->by.item[i], &r->column.by[i], err);
        if (status == TCORE_OK && projection->count > columns)
            projection->columns[r->column.by[i]].optional = true;
    }
    return status;
}

/* --- Ties */

enum tcore_status related_tie(struct related *r, enum tie_kind kind, const char *text,
                              size_t length, uint32_t *tie, struct tcore_error *err)
{
    tcore_buf_clear(&r->text);
    tcore_buf_putc(&r->text, (char)kind);
    tcore_buf_append(&r->text, text, length);
    if (r->text.failed)
        return tcore_error_nomem(err);
    if (r->closed) {
        *tie = tcore_map_find(&r->tie, r->text.data, r->text.length);
        return TCORE_OK;
    }
    *tie = tcore_map_intern(&r->tie, r->text.data, r->text.length, NULL);
    return *tie == TCORE_MAP_NONE ? tcore_error_nomem(err) : TCORE_OK;
}

static enum tcore_status add(struct related *r, enum tie_kind kind, const char *text, size_t length,
                             uint32_t trace, uint64_t span, struct tcore_error *err)
{
    uint32_t tie;
    enum tcore_status status = related_tie(r, kind, text, length, &tie, err);
    if (status != TCORE_OK || tie == TCORE_MAP_NONE)
        return status;
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 256;
        struct tied *moved = tcore_reallocarray(r->tied, capacity, sizeof *moved);
        if (!moved)
            return tcore_error_nomem(err);
        r->tied = moved;
        r->capacity = capacity;
    }
    r->tied[r->count++] = (struct tied){tie, trace, span};
    return TCORE_OK;
}

static enum tcore_status add_id(struct related *r, enum tie_kind kind,
                                const struct tcore_value *value, uint32_t trace, uint64_t span,
                                struct tcore_error *err)
{
    char id[TCORE_TRACE_ID];
    if (value->kind != TCORE_STRING ||
        tcore_id_normalise(TCORE_TRACE_ID, value->s, value->len, id) == TCORE_ID_ZERO)
        return TCORE_OK;
    if (memcmp(id, r->facts.ids.keys[trace].data, sizeof id) == 0) /* to itself */
        return TCORE_OK;
    return add(r, kind, id, sizeof id, trace, span, err);
}

/* A cause is a trace by its 32 digits, or anything else that has an id. */
static enum tcore_status add_text(struct related *r, enum tie_kind kind,
                                  const struct tcore_value *value, uint32_t trace, uint64_t span,
                                  struct tcore_error *err)
{
    if (value->kind != TCORE_STRING || !value->len)
        return TCORE_OK;
    return add(r, kind, value->s, value->len, trace, span, err);
}

static enum tcore_status add_links(struct related *r, const struct tcore_value *value,
                                   uint32_t trace, uint64_t span, struct tcore_error *err)
{
    const struct tcore_json *json = &r->json;
    if (value->kind != TCORE_JSON)
        return TCORE_OK;
    enum tcore_status status = tcore_json_parse(&r->json, value->s, value->len, err);
    if (status != TCORE_OK || !tcore_json_is_array(&json->node[0]))
        return status == TCORE_FATAL ? status : TCORE_OK;
    for (uint32_t e = 1; e < json->node[0].next && status == TCORE_OK; e = json->node[e].next) {
        uint32_t at = tcore_json_find(json, e, "traceId");
        if (at)
            status = add_id(r, TIE_LINK, &json->node[at].value, trace, span, err);
    }
    return status;
}

static enum tcore_status add_field(struct related *r, size_t field, const struct tcore_value *value,
                                   uint32_t trace, uint64_t span, struct tcore_error *err)
{
    const char *name = r->options->by.item[field];
    struct tcore_buf text = {0};
    if (value->kind == TCORE_ABSENT || value->kind == TCORE_NULL)
        return TCORE_OK;
    tcore_buf_append(&text, name, strlen(name) + 1);
    tcore_json_write_value(&text, value);
    enum tcore_status status = text.failed
                                   ? tcore_error_nomem(err)
                                   : add(r, TIE_FIELD, text.data, text.length, trace, span, err);
    tcore_buf_free(&text);
    return status;
}

/* --- Records */

static uint64_t span_of(const struct related *r, const struct tcore_batch *batch, uint32_t row)
{
    bool execution = batch->types[row] == TCORE_RECORD_EXECUTION;
    struct tcore_value value = tcore_column_get(
        &batch->columns[execution ? r->column.execution : r->facts.column.span], row);
    char digits[TCORE_SPAN_ID + 1] = "";
    if (value.kind == TCORE_STRING)
        tcore_id_normalise(TCORE_SPAN_ID, value.s, value.len, digits);
    return strtoull(digits, NULL, 16);
}

static enum tcore_status take_ties(struct related *r, const struct tcore_batch *batch, uint32_t row,
                                   uint32_t trace, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    uint64_t span = span_of(r, batch, row);
    struct tcore_value links = tcore_column_get(&batch->columns[r->column.links], row);
    status = add_links(r, &links, trace, span, err);
    if (batch->types[row] == TCORE_RECORD_EXECUTION) {
        struct tcore_value own = tcore_column_get(&batch->columns[r->column.execution], row);
        struct tcore_value parent = tcore_column_get(&batch->columns[r->column.parent], row);
        struct tcore_value cause = tcore_column_get(&batch->columns[r->column.cause], row);
        if (status == TCORE_OK)
            status = add_text(r, TIE_EXECUTION, &own, trace, span, err);
        if (status == TCORE_OK)
            status = add_id(r, TIE_PARENT, &parent, trace, span, err);
        if (status == TCORE_OK)
            status = add_text(r, TIE_CAUSE, &cause, trace, span, err);
    }
    for (size_t i = 0; i < r->options->by.count && status == TCORE_OK; i++) {
        struct tcore_value value = tcore_column_get(&batch->columns[r->column.by[i]], row);
        status = add_field(r, i, &value, trace, span, err);
    }
    return status;
}

static enum tcore_status take(struct related *r, const struct tcore_batch *batch, uint32_t row,
                              struct tcore_error *err)
{
    char id[TCORE_TRACE_ID];
    uint32_t trace;
    int64_t ns;
    if (!trace_facts_id(&r->facts, batch, row, id))
        return TCORE_OK;
    enum tcore_status status = trace_facts_find(&r->facts, id, &trace, err);
    if (status == TCORE_OK && batch->types[row] == TCORE_RECORD_SPAN)
        status = trace_facts_add(&r->facts, trace, batch, row, err);
    else if (status == TCORE_OK && trace_facts_time(&r->facts, batch, row, &ns))
        trace_facts_widen(&r->facts.of[trace].whole, ns);
    return status == TCORE_OK ? take_ties(r, batch, row, trace, err) : status;
}

enum tcore_status related_take(void *state, void *worker, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err)
{
    struct related *r = state;
    enum tcore_status status = TCORE_OK;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = take(r, batch, rows[i], err);
    size_t bytes =
        trace_facts_bytes(&r->facts) + tcore_map_bytes(&r->tie) + r->capacity * sizeof *r->tied;
    return status == TCORE_OK && bytes > r->memory_bytes
               ? say_memory(r->cli, "ties of all traces", err)
               : status;
}
