/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records by trace, until it is known which of them tell of executions. */
#include <config.h>

#include "record/export/mplp.h"

#include "base/sys.h"

#include <string.h>

struct held {
    struct held *next;
    enum tcore_record_type type;
    struct tcore_slice text;
    const char *execution; /* whose event it is; NULL: none's */
};

/* What has an id. */
struct mplp_group {
    struct held *first, *last;
    bool executed; /* has an event */
    uint32_t home; /* of an execution: the number of the group that has its events */
};

bool mplp_executions_open(struct mplp_executions *x)
{
    return tcore_map_init(&x->ids) == 0;
}

static void close_group(struct mplp_executions *x)
{
    if (x->open)
        status_records_free(&x->records);
    x->open = false;
}

void mplp_executions_close(struct mplp_executions *x)
{
    close_group(x);
    tcore_map_free(&x->ids);
    tcore_free(x->group);
    tcore_arena_free(&x->arena);
}

size_t mplp_executions_bytes(const struct mplp_executions *x)
{
    return x->arena.bytes + x->capacity * sizeof *x->group + tcore_map_bytes(&x->ids);
}

/* --- taking in --- */

/* Members of events that nothing is made of. */
static void lose_unknown(struct export_record *record)
{
    static const struct export_key taken[] = {
        EXPORT_KEY("type"),          EXPORT_KEY("event"),         EXPORT_KEY("executionId"),
        EXPORT_KEY("traceId"),       EXPORT_KEY("parentSpanId"),  EXPORT_KEY("parentTraceId"),
        EXPORT_KEY("contextId"),     EXPORT_KEY("correlationId"), EXPORT_KEY("causationId"),
        EXPORT_KEY("operationName"), EXPORT_KEY("executionType"), EXPORT_KEY("executorId"),
        EXPORT_KEY("executorType"),  EXPORT_KEY("environment"),   EXPORT_KEY("timeUnixNano"),
        EXPORT_KEY("result"),        EXPORT_KEY("error"),         EXPORT_KEY("service"),
        EXPORT_KEY("attributes"),    EXPORT_KEY("resource"),      EXPORT_KEY("name")};
    static const struct export_keys keys = {taken, sizeof taken / sizeof *taken};
    const struct tcore_json_node *tape = record->json.node;
    for (uint32_t k = 1; k < tape[0].next; k = tape[k + 1].next)
        if (export_key_number(record, k, &keys) < 0)
            export_lose(&record->losses, record->type, tape[k].value.s, tape[k].value.len);
}

/* TCORE_MAP_NONE: no memory. */
static uint32_t find_group(struct mplp_executions *x, const struct tcore_value *id)
{
    bool added;
    uint32_t number = tcore_map_intern(&x->ids, id->s, id->len, &added);
    struct mplp_group *room =
        number == TCORE_MAP_NONE ? NULL : export_room(x->group, &x->capacity, number, sizeof *room);
    if (!room)
        return TCORE_MAP_NONE;
    x->group = room;
    if (added)
        room[number] = (struct mplp_group){.home = TCORE_MAP_NONE};
    return number;
}

/* Events go where the first one of their execution went: later ones need not name the trace. */
static uint32_t find_home(struct mplp_executions *x, const struct tcore_value *trace,
                          const struct tcore_value *execution)
{
    uint32_t own = find_group(x, execution);
    if (own == TCORE_MAP_NONE)
        return own;
    if (x->group[own].home != TCORE_MAP_NONE)
        return x->group[own].home;
    uint32_t home = trace ? find_group(x, trace) : own;
    x->group[own].home = home;
    return home;
}

static uint32_t trace_id(const struct export_record *record)
{
    const struct tcore_json *json = &record->json;
    uint32_t object = 0;
    if (record->type == TCORE_RECORD_METRIC && !(object = tcore_json_find(json, 0, "context")))
        return 0;
    if (record->type == TCORE_RECORD_LOG && !tcore_json_find(json, 0, "eventName"))
        return 0; /* no annotation */
    return tcore_json_find(json, object, "traceId");
}

static bool hold(struct mplp_executions *x, uint32_t number, const struct export_record *record,
                 uint32_t execution)
{
    const struct tcore_buf *text = &record->canonical;
    struct held *held = tcore_arena_alloc(&x->arena, sizeof *held);
    const char *copy = tcore_arena_copy(&x->arena, text->data, text->length), *id = NULL;
    if (execution)
        id = tcore_arena_copy(&x->arena, export_value(record, execution)->s, TCORE_SPAN_ID);
    if (number == TCORE_MAP_NONE || !held || !copy || (execution && !id))
        return false;
    struct mplp_group *group = &x->group[number];
    *held = (struct held){NULL, record->type, {copy, text->length}, id};
    if (group->last)
        group->last->next = held;
    else
        group->first = held;
    group->last = held;
    group->executed |= execution != 0;
    return true;
}

bool mplp_executions_add(struct mplp_executions *x, struct export_record *record)
{
    uint32_t trace = trace_id(record), execution = 0;
    const struct tcore_value *t = trace ? export_value(record, trace) : NULL;
    if (record->type == TCORE_RECORD_EXECUTION) {
        execution = tcore_json_find(&record->json, 0, "executionId");
        if (!execution) {
            export_lose_record(&record->losses, record->type, "it has no executionId");
            return true;
        }
        lose_unknown(record);
        return hold(x, find_home(x, t, export_value(record, execution)), record, execution);
    }
    if (t)
        return hold(x, find_group(x, t), record, 0);
    if (record->type != TCORE_RECORD_METRIC)
        export_lose_record(&record->losses, record->type, "of no execution");
    return true;
}

/* --- giving out --- */

static enum tcore_status open_group(struct mplp_executions *x, uint32_t number,
                                    struct tcore_error *err)
{
    struct status_records *r = &x->records;
    const struct tcore_map_key *id = &x->ids.keys[number];
    enum tcore_status status = status_records_init(r, err);
    x->open = true;
    x->next_execution = 0;
    if (id->length == TCORE_TRACE_ID)
        memcpy(r->trace_id, id->data, TCORE_TRACE_ID);
    for (const struct held *h = x->group[number].first; h && status == TCORE_OK; h = h->next) {
        if (h->execution)
            memcpy(r->span_id, h->execution, TCORE_SPAN_ID);
        status = status_records_add(r, h->type, &h->text, err);
    }
    return status;
}

static void lose(struct export_losses *losses, enum tcore_record_type type, const char *why)
{
    losses->number++; /* each is another record */
    export_lose_record(losses, type, why);
}

static void lose_group(const struct mplp_group *group, struct export_losses *losses)
{
    for (const struct held *h = group->first; h; h = h->next)
        if (h->type != TCORE_RECORD_METRIC)
            lose(losses, h->type, "of no execution");
}

/* The next execution of the group in hand that was started. TCORE_EOF: there is none. */
static enum tcore_status next_in_group(struct mplp_executions *x, struct export_losses *losses,
                                       struct tcore_buf *out, struct tcore_error *err)
{
    struct status_records *r = &x->records;
    while (x->next_execution < r->executions.count) {
        const struct execution_records *e = &r->executions.list[x->next_execution++];
        if (!e->started) {
            if (e->ended)
                lose(losses, TCORE_RECORD_EXECUTION, "its start is not there");
            continue;
        }
        memcpy(r->span_id, e->id, TCORE_SPAN_ID);
        return status_put_trace(r, out, err);
    }
    return TCORE_EOF;
}

enum tcore_status mplp_executions_next(struct mplp_executions *x, struct export_losses *losses,
                                       struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = x->open ? next_in_group(x, losses, out, err) : TCORE_EOF;
    while (status == TCORE_EOF && x->next_group < x->ids.count) {
        uint32_t number = x->next_group++;
        close_group(x);
        if (!x->group[number].executed) {
            lose_group(&x->group[number], losses);
            continue;
        }
        status = open_group(x, number, err);
        if (status == TCORE_OK)
            status = next_in_group(x, losses, out, err);
    }
    return status;
}
