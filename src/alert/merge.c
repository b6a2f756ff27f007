/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "alert/merge.h"

#include "base/sys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_BYTES ((size_t)64 * 1024)

struct merge_event {
    int64_t key_ns; /* the newest time of its input so far: it does not go back */
    size_t number;  /* in input order */
    struct event event;
    struct match *match; /* in the arena, as are the values and the message */
    double *value;
    uint32_t count;
};

void merge_input(struct merge *m, size_t input)
{
    if (input != m->input)
        m->has_time = false;
    m->input = input;
}

bool merge_time(struct merge *m, bool timed, int64_t *ns)
{
    if (!timed && !m->has_time)
        return false;
    if (!timed)
        *ns = m->input_ns;
    if (!m->has_time || *ns > m->input_ns)
        m->input_ns = *ns;
    m->has_time = true;
    if (!m->has_end || m->input_ns > m->end_ns)
        m->end_ns = m->input_ns;
    m->has_end = true;
    return true;
}

static bool have_room(struct merge *m)
{
    if (m->count < m->capacity)
        return true;
    size_t capacity = m->capacity ? m->capacity * 2 : 256;
    struct merge_event *event = tcore_reallocarray(m->event, capacity, sizeof *event);

    if (!event)
        return false;
    m->event = event;
    m->capacity = capacity;
    return true;
}

enum tcore_status merge_add(struct merge *m, const struct event *event,
                            const struct matches *matches, const double *values,
                            struct tcore_error *err)
{
    struct merge_event *kept;

    if (!matches->count && event->type != TCORE_RECORD_CLOCK)
        return TCORE_OK; /* its time has been taken */
    if (!have_room(m))
        return tcore_error_nomem(err);
    kept = &m->event[m->count];
    *kept = (struct merge_event){
        .key_ns = m->input_ns, .number = m->count, .event = *event, .count = matches->count};
    if (matches->count) {
        kept->match = tcore_arena_alloc(&m->arena, matches->count * sizeof *kept->match);
        kept->value = tcore_arena_alloc(&m->arena, matches->count * sizeof *kept->value);
        if (!kept->match || !kept->value)
            return tcore_error_nomem(err);
        memcpy(kept->match, matches->item, matches->count * sizeof *kept->match);
        memcpy(kept->value, values, matches->count * sizeof *kept->value);
    }
    if (event->message.kind == TCORE_STRING) {
        const char *copy = tcore_arena_copy(&m->arena, event->message.s, event->message.len);

        if (!copy)
            return tcore_error_nomem(err);
        kept->event.message = tcore_value_string(copy, event->message.len);
    }
    m->count++;
    return TCORE_OK;
}

bool merge_is_full(const struct merge *m)
{
    return m->capacity * sizeof *m->event + m->arena.bytes > m->limit_bytes;
}

static int compare_events(const void *a, const void *b)
{
    const struct merge_event *x = a, *y = b;

    if (x->key_ns != y->key_ns)
        return x->key_ns < y->key_ns ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static enum tcore_status replay_one(const struct merge_event *kept, struct engine *e,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    bool clock = kept->event.type == TCORE_RECORD_CLOCK;
    const struct matches matches = {kept->match, kept->count};
    enum tcore_status status = engine_advance(e, kept->key_ns, clock, out, err);

    if (status != TCORE_OK || !clock)
        return status == TCORE_OK ? engine_event(e, &kept->event, &matches, kept->value, out, err)
                                  : status;
    engine_put_clock(e, out);
    return TCORE_OK;
}

enum tcore_status merge_replay(struct merge *m, struct engine *e, struct tcore_buf *out,
                               struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    if (!m->sorted && m->count)
        qsort(m->event, m->count, sizeof *m->event, compare_events);
    m->sorted = true;
    while (m->done < m->count && status == TCORE_OK && out->length < DRAIN_BYTES)
        status = replay_one(&m->event[m->done++], e, out, err);
    if (status != TCORE_OK)
        return status;
    if (m->done < m->count)
        return TCORE_SKIP;
    return m->has_end ? engine_advance(e, m->end_ns, false, out, err) : TCORE_OK;
}

void merge_free(struct merge *m)
{
    tcore_free(m->event);
    tcore_arena_free(&m->arena);
    *m = (struct merge){0};
}
