/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/executions.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

struct execution_record {
    int64_t time_ns;
    size_t length;
};

/* A record among those of an execution. */
struct place {
    int64_t time_ns;
    size_t offset, length; /* of its text */
};

enum tcore_status executions_init(struct executions *executions, struct tcore_error *err)
{
    *executions = (struct executions){0};
    if (tcore_map_init(&executions->ids) < 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    return TCORE_OK;
}

void executions_free(struct executions *executions)
{
    for (size_t i = 0; i < executions->count; i++)
        tcore_buf_free(&executions->list[i].texts);
    tcore_free(executions->list);
    tcore_map_free(&executions->ids);
    tcore_json_free(&executions->json);
}

/* The execution of that id, made if it is new. NULL: out of memory. */
static struct execution_records *find(struct executions *x, const struct tcore_value *id)
{
    bool added;
    uint32_t number = tcore_map_intern(&x->ids, id->s, id->len, &added);
    if (number == TCORE_MAP_NONE)
        return NULL;
    if (number < x->count)
        return &x->list[number];
    if (x->count == x->capacity) {
        size_t capacity = x->capacity ? 2 * x->capacity : 64;
        void *list = tcore_reallocarray(x->list, capacity, sizeof(*x->list));
        if (!list)
            return NULL;
        x->list = list;
        x->capacity = capacity;
    }
    x->list[x->count] = (struct execution_records){.id = x->ids.keys[number].data};
    return &x->list[x->count++];
}

/* What is known of it without folding. */
static void look_at_event(struct execution_records *records, const struct tcore_json *json,
                          int64_t time_ns)
{
    const struct tcore_value *event = execution_member(json, "event");
    records->ended |= execution_end_of(event) != NULL;
    if (!tcore_value_is_text(event, "started"))
        return;
    if (!records->started || time_ns < records->start_ns)
        records->start_ns = time_ns;
    records->started = true;
}

enum tcore_status executions_add(struct executions *x, const char *text, size_t length,
                                 struct tcore_error *err)
{
    enum tcore_status status = execution_parse(&x->json, text, length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    const struct tcore_value *id = execution_member(&x->json, "executionId");
    bool event = id->kind == TCORE_STRING;
    if (!event)
        id = execution_member(&x->json, "spanId");
    if (id->kind != TCORE_STRING)
        return TCORE_OK;
    struct execution_records *records = find(x, id);
    if (!records)
        return tcore_error_nomem(err);
    const struct execution_record head = {execution_time_of(&x->json), length};
    if (event)
        look_at_event(records, &x->json, head.time_ns);
    tcore_buf_append(&records->texts, &head, sizeof(head));
    tcore_buf_append(&records->texts, text, length);
    records->count++;
    return tcore_buf_status(&records->texts, err);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The records in the order of their times, to be freed; NULL: out of memory. */
static struct place *sort_records(const struct execution_records *records)
{
    struct place *places = tcore_reallocarray(NULL, records->count, sizeof(*places));
    struct execution_record head;
    size_t at = 0;
    if (!places)
        return NULL;
    for (size_t i = 0; i < records->count; i++) {
        memcpy(&head, records->texts.data + at, sizeof(head));
        at += sizeof(head);
        places[i] = (struct place){head.time_ns, at, head.length};
        at += head.length;
    }
    qsort(places, records->count, sizeof(*places), compare_places);
    return places;
}

enum tcore_status executions_fold(struct executions *x, size_t number, struct execution *execution,
                                  struct tcore_error *err)
{
    const struct execution_records *records = &x->list[number];
    enum tcore_status status = execution_init(execution, err);
    struct place *places = status == TCORE_OK ? sort_records(records) : NULL;
    if (status == TCORE_OK && !places)
        return tcore_error_nomem(err);
    for (size_t i = 0; status == TCORE_OK && i < records->count; i++) {
        const struct place *place = &places[i];
        status =
            tcore_json_parse(&x->json, records->texts.data + place->offset, place->length, err);
        if (status == TCORE_OK)
            status = execution_fold(execution, records->id, &x->json, err);
    }
    tcore_free(places);
    return status;
}
