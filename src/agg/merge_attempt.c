/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --merge: streams of attempts at units, kept apart until their trailers come. */
#include <config.h>

#include "agg/merge.h"

#include "base/sys.h"
#include "cli/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a copy takes before it has cells, roughly. */
enum { COPY_BYTES = 192 << 10 };

struct attempt *merge_find_attempt(struct merge *m, uint32_t partial, struct tcore_error *err)
{
    const struct tcore_value *unit = merge_member(m, partial, "unit", TCORE_STRING);
    const struct tcore_value *attempt = merge_member(m, partial, "attempt", TCORE_STRING);
    bool added;
    if (!unit || !attempt) {
        merge_damaged(err, "a record names no unit or attempt");
        return NULL;
    }
    tcore_buf_clear(&m->scratch);
    tcore_buf_append(&m->scratch, unit->s, unit->len);
    tcore_buf_putc(&m->scratch, '\0');
    tcore_buf_append(&m->scratch, attempt->s, attempt->len);
    uint32_t number = m->scratch.failed ? TCORE_MAP_NONE
                                        : tcore_map_intern(&m->attempts, m->scratch.data,
                                                           m->scratch.length, &added);
    if (number == TCORE_MAP_NONE) {
        tcore_error_nomem(err);
        return NULL;
    }
    if (number >= m->attempt_capacity) {
        size_t capacity = m->attempt_capacity ? m->attempt_capacity * 2 : 16;
        struct attempt *memory = tcore_reallocarray(m->attempt, capacity, sizeof *memory);
        if (!memory) {
            tcore_error_nomem(err);
            return NULL;
        }
        memset(memory + m->attempt_capacity, 0, (capacity - m->attempt_capacity) * sizeof *memory);
        m->attempt = memory;
        m->attempt_capacity = capacity;
    }
    struct attempt *found = &m->attempt[number];
    if (!found->unit && !(found->unit = tcore_strndup(unit->s, unit->len))) {
        tcore_error_nomem(err);
        return NULL;
    }
    return agg_units_came(&m->units, found->unit, err) ? NULL : found;
}

enum tcore_status merge_take_memory(struct merge *m, struct copy *copy, size_t bytes,
                                    struct tcore_error *err)
{
    size_t limit = (size_t)m->cli->io.memory_bytes;
    copy->bytes += bytes;
    m->open_bytes += bytes;
    if (!limit || m->open_bytes <= limit)
        return TCORE_OK;
    return tcore_error_set(err, TCORE_FATAL,
                           "units that have begun and not ended need more memory than --memory "
                           "allows (one behind the other they need less)");
}

enum tcore_status merge_begin(struct merge *m, struct attempt *attempt, struct tcore_error *err)
{
    struct copy *copy = tcore_calloc(1, sizeof *copy);
    if (!copy)
        return tcore_error_nomem(err);
    enum tcore_status status = agg_work_open(&copy->work, &m->apart, err);
    if (status) {
        tcore_free(copy);
        return status;
    }
    recent_free(&copy->work.recent); /* is for rows */
    copy->older = attempt->copies;
    attempt->copies = copy;
    return merge_take_memory(m, copy, COPY_BYTES, err);
}

static void read_time(const struct merge *m, uint32_t trailer, const char *name, int64_t *time)
{
    const struct tcore_value *v = merge_member(m, trailer, name, TCORE_STRING);
    char text[24] = {0};
    if (!v || !v->len || v->len > 20)
        return;
    memcpy(text, v->s, v->len);
    *time = strtoll(text, NULL, 10);
}

static bool is_whole(struct merge *m, struct copy *copy, uint32_t trailer)
{
    const struct tcore_value *cells = merge_member(m, trailer, "cells", TCORE_INT);
    const struct tcore_value *checksum = merge_member(m, trailer, "checksum", TCORE_STRING);
    char expected[20];
    copy->work.seen.first_ns = INT64_MAX;
    copy->work.seen.last_ns = INT64_MIN;
    read_time(m, trailer, "firstUnixNano", &copy->work.seen.first_ns);
    read_time(m, trailer, "lastUnixNano", &copy->work.seen.last_ns);
    snprintf(expected, sizeof expected, "%016" PRIx64,
             copy->checksum + agg_partial_times(&copy->work.seen));
    return !copy->damaged && cells && (uint64_t)cells->i == copy->cells && checksum &&
           checksum->len == 16 && !memcmp(checksum->s, expected, 16);
}

static void free_copy(struct merge *m, struct copy *copy)
{
    m->open_bytes -= copy->bytes;
    agg_work_free(&copy->work);
    tcore_free(copy);
}

/* Of several copies the trailer is that of one that has all cells; else of the newest. */
static struct copy *take_copy(struct merge *m, struct attempt *attempt, uint32_t trailer)
{
    struct copy **at = &attempt->copies;
    while (*at && !is_whole(m, *at, trailer))
        at = &(*at)->older;
    if (!*at)
        at = &attempt->copies;
    struct copy *copy = *at;
    *at = copy->older;
    return copy;
}

/* Of a whole copy. */
static enum tcore_status count_copy(struct merge *m, const char *unit, struct copy *copy,
                                    struct tcore_error *err)
{
    bool first, other;
    uint64_t checksum = copy->checksum + agg_partial_times(&copy->work.seen);
    enum tcore_status status = agg_units_count(&m->units, unit, checksum, &first, &other, err);
    if (other)
        cli_note(m->cli, "unit %s came again with other contents: those that came first count",
                 unit);
    if (status || !first)
        return status;
    agg_span_merge(&m->total.seen, &copy->work.seen);
    status = table_merge(&m->total.table, &copy->work.table, 1, err);
    return status ? status : agg_check_memory(&m->total, err);
}

enum tcore_status merge_end(struct merge *m, struct attempt *attempt, uint32_t trailer,
                            struct tcore_error *err)
{
    struct copy *copy = take_copy(m, attempt, trailer);
    enum tcore_status status = TCORE_OK;
    if (is_whole(m, copy, trailer))
        status = count_copy(m, attempt->unit, copy, err);
    else
        cli_note(m->cli, "an attempt at unit %s is damaged and does not count", attempt->unit);
    free_copy(m, copy);
    return status;
}

void merge_free_attempts(struct merge *m)
{
    for (size_t i = 0; i < m->attempt_capacity; i++) {
        while (m->attempt[i].copies) {
            struct copy *copy = m->attempt[i].copies;
            m->attempt[i].copies = copy->older;
            free_copy(m, copy);
        }
        tcore_free(m->attempt[i].unit);
    }
    tcore_free(m->attempt);
}
