/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events of executions, gathered and folded. */
#include <config.h>

#include "record/export_mplp.h"

#include "base/sys.h"
#include "model/time.h"

#include <string.h>

struct mplp_event {
    struct mplp_event *next;
    struct tcore_slice text;
};

/* Fields of which the last event that has them counts. */
enum {
    FOLD_TRACE,
    FOLD_PARENT,
    FOLD_CONTEXT,
    FOLD_NAME,
    FOLD_TYPE,
    FOLD_EXECUTOR,
    FOLD_EXECUTOR_TYPE,
    FOLD_ENVIRONMENT,
    FOLD_RESULT,
    FOLD_ERROR,
    FOLD_CORRELATION,
    FOLD_CAUSATION,
    FOLD_ATTRIBUTES,
    FOLD_METADATA,
    FOLD_COUNT
};
static const char *const fold_names[FOLD_COUNT] = {
    "traceId",       "parentTraceId", "contextId",   "operationName", "executionType",
    "executorId",    "executorType",  "environment", "result",        "error",
    "correlationId", "causationId",   "attributes",  "metadata"};

struct fold {
    struct tcore_buf value[FOLD_COUNT]; /* JSON; empty: no event has it */
    struct tcore_buf checkpoints;
    const char *status;
    int64_t start_ns, end_ns; /* 0: not known */
};

bool mplp_executions_open(struct mplp_executions *x)
{
    return tcore_map_init(&x->ids) == 0;
}

void mplp_executions_close(struct mplp_executions *x)
{
    tcore_map_free(&x->ids);
    tcore_free(x->first);
    tcore_free(x->last);
    tcore_arena_free(&x->arena);
}

static bool reserve(struct mplp_executions *x, size_t number)
{
    if (number < x->capacity)
        return true;
    size_t capacity = x->capacity ? x->capacity * 2 : 64;
    void *first = tcore_reallocarray(x->first, capacity, sizeof *x->first);
    if (first)
        x->first = first;
    void *last = first ? tcore_reallocarray(x->last, capacity, sizeof *x->last) : NULL;
    if (!last)
        return false;
    x->last = last;
    x->capacity = capacity;
    return true;
}

bool mplp_executions_add(struct mplp_executions *x, const struct tcore_slice *text,
                         struct export_record *record)
{
    bool added;
    uint32_t id = tcore_json_find(&record->json, 0, "executionId");
    const struct tcore_value *v = export_value(record, id);
    if (!id) {
        export_lose_record(&record->losses, record->type, "it has no executionId");
        return true;
    }
    uint32_t number = tcore_map_intern(&x->ids, v->s, v->len, &added);
    struct mplp_event *event = tcore_arena_alloc(&x->arena, sizeof *event);
    const char *copy = tcore_arena_copy(&x->arena, text->data, text->length);
    if (number == TCORE_MAP_NONE || !event || !copy || !reserve(x, number))
        return false;
    *event = (struct mplp_event){NULL, {copy, text->length}};
    if (added)
        x->first[number] = event;
    else
        x->last[number]->next = event;
    x->last[number] = event;
    return true;
}

void mplp_put_time(struct tcore_buf *out, const char *label, int64_t ns)
{
    char text[TCORE_TIME_BYTES];
    tcore_buf_puts(out, label);
    tcore_buf_putc(out, '"');
    tcore_buf_append(out, text, tcore_format_time(text, ns));
    tcore_buf_putc(out, '"');
}

/* --- folding --- */

static void add_checkpoint(struct fold *f, const struct export_record *record, int64_t ns)
{
    struct tcore_buf *out = &f->checkpoints;
    uint32_t name = tcore_json_find(&record->json, 0, "name");
    uint32_t data = tcore_json_find(&record->json, 0, "attributes");
    tcore_buf_puts(out, out->length ? ",{" : "{");
    mplp_put_time(out, "\"timestamp\":", ns);
    if (name)
        tcore_buf_puts(out, ",\"name\":");
    if (name)
        tcore_json_write_value(out, export_value(record, name));
    if (data)
        tcore_buf_puts(out, ",\"data\":");
    if (data)
        tcore_json_write_value(out, export_value(record, data));
    tcore_buf_putc(out, '}');
}

static void lose_unknown(struct export_record *record)
{
    static const char *const taken[] = {"type", "event", "executionId", "timeUnixNano", "name"};
    const struct tcore_json_node *tape = record->json.node;
    for (uint32_t k = 1; k < tape[0].next; k = tape[k + 1].next)
        if (export_word(record, k, taken, 5) < 0 &&
            export_word(record, k, fold_names, FOLD_COUNT) < 0)
            export_lose(&record->losses, record->type, tape[k].value.s, tape[k].value.len);
}

static void add_event(struct fold *f, struct export_record *record)
{
    static const char *const ends[] = {"completed", "failed", "cancelled", "timeout"};
    int64_t ns = 0;
    uint32_t event = tcore_json_find(&record->json, 0, "event");
    int end = export_word(record, event, ends, 4);
    bool checkpoint = export_text_is(record, event, "checkpoint");
    export_int64(record, tcore_json_find(&record->json, 0, "timeUnixNano"), &ns);
    lose_unknown(record);
    for (int i = 0; i < FOLD_COUNT; i++) {
        uint32_t node = tcore_json_find(&record->json, 0, fold_names[i]);
        if (!node || (checkpoint && i == FOLD_ATTRIBUTES))
            continue;
        tcore_buf_clear(&f->value[i]);
        tcore_json_write_value(&f->value[i], export_value(record, node));
    }
    if (!f->start_ns || export_text_is(record, event, "started"))
        f->start_ns = ns;
    if (end >= 0) {
        f->status = ends[end];
        f->end_ns = ns;
    }
    if (checkpoint)
        add_checkpoint(f, record, ns);
}

static void put_value(const struct fold *f, struct tcore_buf *out, const char *label, int which)
{
    if (!f->value[which].length)
        return;
    if (out->data[out->length - 1] != '{')
        tcore_buf_putc(out, ',');
    tcore_buf_puts(out, label);
    tcore_buf_append(out, f->value[which].data, f->value[which].length);
    out->failed |= f->value[which].failed;
}

static void put_timeline(const struct fold *f, struct tcore_buf *out)
{
    tcore_buf_puts(out, ",\"timeline\":{");
    mplp_put_time(out, "\"startTime\":", f->start_ns);
    if (f->end_ns) {
        mplp_put_time(out, ",\"endTime\":", f->end_ns);
        tcore_buf_printf(out, ",\"duration\":%lld", (long long)(f->end_ns - f->start_ns));
    }
    tcore_buf_puts(out, ",\"checkpoints\":[");
    tcore_buf_append(out, f->checkpoints.data, f->checkpoints.length);
    out->failed |= f->checkpoints.failed;
    tcore_buf_puts(out, "]}");
}

static void put_entity(const struct fold *f, struct tcore_buf *out)
{
    tcore_buf_putc(out, '{');
    put_value(f, out, "\"traceId\":", FOLD_TRACE);
    put_value(f, out, "\"parentTraceId\":", FOLD_PARENT);
    put_value(f, out, "\"contextId\":", FOLD_CONTEXT);
    put_value(f, out, "\"operationName\":", FOLD_NAME);
    tcore_buf_puts(out, out->data[out->length - 1] == '{' ? "\"context\":{" : ",\"context\":{");
    put_value(f, out, "\"executionType\":", FOLD_TYPE);
    put_value(f, out, "\"executorId\":", FOLD_EXECUTOR);
    put_value(f, out, "\"executorType\":", FOLD_EXECUTOR_TYPE);
    put_value(f, out, "\"environment\":", FOLD_ENVIRONMENT);
    tcore_buf_putc(out, '}');
    put_timeline(f, out);
    tcore_buf_puts(out, ",\"status\":\"");
    tcore_buf_puts(out, f->status);
    tcore_buf_putc(out, '"');
    put_value(f, out, "\"result\":", FOLD_RESULT);
    put_value(f, out, "\"error\":", FOLD_ERROR);
    tcore_buf_puts(out, ",\"performance\":{\"customMetrics\":[]},\"spans\":[],\"operations\":[]"
                        ",\"metadata\":{\"tags\":{},\"annotations\":[]");
    put_value(f, out, "\"customData\":",
              f->value[FOLD_ATTRIBUTES].length ? FOLD_ATTRIBUTES : FOLD_METADATA);
    tcore_buf_puts(out, "},\"correlation\":{");
    put_value(f, out, "\"correlationId\":", FOLD_CORRELATION);
    put_value(f, out, "\"causationId\":", FOLD_CAUSATION);
    tcore_buf_puts(out, out->data[out->length - 1] == '{' ? "\"relatedTraces\":[]}}\n"
                                                          : ",\"relatedTraces\":[]}}\n");
}

enum tcore_status mplp_executions_next(struct mplp_executions *x, struct export_record *record,
                                       struct tcore_buf *out, struct tcore_error *err)
{
    struct fold f = {.status = "running"};
    enum tcore_status status = TCORE_OK;
    if (x->written == x->ids.count)
        return TCORE_EOF;
    for (const struct mplp_event *e = x->first[x->written]; e && status == TCORE_OK; e = e->next) {
        status = export_record_parse(record, &e->text, err);
        if (status == TCORE_OK)
            add_event(&f, record);
    }
    x->written++;
    if (status == TCORE_OK && tcore_buf_reserve(out, 1))
        put_entity(&f, out);
    for (int i = 0; i < FOLD_COUNT; i++)
        tcore_buf_free(&f.value[i]);
    tcore_buf_free(&f.checkpoints);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}
