/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/executions.h"

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
    execution_spill_init(&executions->spill);
    if (tcore_map_init(&executions->ids) < 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    return TCORE_OK;
}

void executions_free(struct executions *executions)
{
    for (size_t i = 0; i < executions->count; i++)
        tcore_buf_free(&executions->list[i].texts);
    tcore_free(executions->list);
    execution_spill_free(&executions->spill);
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

/* All texts that are held go to the file. */
static enum tcore_status spill(struct executions *x, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < x->count && status == TCORE_OK; i++) {
        struct execution_records *records = &x->list[i];
        if (!records->texts.length)
            continue;
        status = execution_spill_put(&x->spill, &records->spilled, &records->texts, err);
        tcore_buf_free(&records->texts);
    }
    x->held_bytes = 0;
    return status;
}

static void forget(struct executions *x, struct execution_records *records)
{
    x->held_bytes -= records->texts.capacity;
    tcore_buf_free(&records->texts);
    records->spilled = 0;
    records->count = 0;
}

static enum tcore_status keep(struct executions *x, struct execution_records *records,
                              const struct execution_record *head, const char *text,
                              struct tcore_error *err)
{
    size_t before = records->texts.capacity;
    tcore_buf_append(&records->texts, head, sizeof(*head));
    tcore_buf_append(&records->texts, text, head->length);
    x->held_bytes += records->texts.capacity - before;
    records->count++;
    if (records->texts.failed)
        return tcore_error_nomem(err);
    return x->limit_bytes && x->held_bytes > x->limit_bytes ? spill(x, err) : TCORE_OK;
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
    if (!x->running_only || !records->ended)
        return keep(x, records, &head, text, err);
    forget(x, records);
    return TCORE_OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The records in the order of their times, to be freed; NULL: out of memory. */
static struct place *sort_records(const struct execution_records *records,
                                  const struct tcore_buf *texts)
{
    struct place *places = tcore_reallocarray(NULL, records->count, sizeof(*places));
    struct execution_record head;
    size_t at = 0;
    if (!places)
        return NULL;
    for (size_t i = 0; i < records->count; i++) {
        memcpy(&head, texts->data + at, sizeof(head));
        at += sizeof(head);
        places[i] = (struct place){head.time_ns, at, head.length};
        at += head.length;
    }
    qsort(places, records->count, sizeof(*places), compare_places);
    return places;
}

/* What went to the file, and what came later. */
static enum tcore_status collect(struct executions *x, const struct execution_records *records,
                                 struct tcore_buf *all, struct tcore_error *err)
{
    if (!records->spilled)
        return TCORE_OK;
    enum tcore_status status = execution_spill_get(&x->spill, records->spilled, all, err);
    tcore_buf_append(all, records->texts.data, records->texts.length);
    return status == TCORE_OK ? tcore_buf_status(all, err) : status;
}

enum tcore_status executions_fold(struct executions *x, size_t number, struct execution *execution,
                                  struct tcore_error *err)
{
    const struct execution_records *records = &x->list[number];
    struct tcore_buf all = {0};
    enum tcore_status status = execution_init(execution, err);
    if (status == TCORE_OK)
        status = collect(x, records, &all, err);
    const struct tcore_buf *texts = records->spilled ? &all : &records->texts;
    struct place *places = status == TCORE_OK ? sort_records(records, texts) : NULL;
    if (status == TCORE_OK && !places)
        status = tcore_error_nomem(err);
    for (size_t i = 0; status == TCORE_OK && i < records->count; i++) {
        const struct place *place = &places[i];
        status = tcore_json_parse(&x->json, texts->data + place->offset, place->length, err);
        if (status == TCORE_OK)
            status = execution_fold(execution, records->id, &x->json, err);
    }
    tcore_free(places);
    tcore_buf_free(&all);
    return status;
}
