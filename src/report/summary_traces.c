/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of traces: open addressing, and a level that rises when it is full. */
#include <config.h>

#include "report/summary_traces.h"

#include "base/map.h"
#include "base/sys.h"

#include <string.h>

#define LEVEL_MAX 48

/* A mix of the id that spreads over all bits, the same in every run (SplitMix64's finaliser,
 * Steele, Lea, Flood 2014): it says which traces are kept. Slots go by a seeded hash, so that ids
 * cannot be made to collide. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static bool is_kept(const struct trace_table *traces, const uint64_t id[2])
{
    uint64_t hash = mix(mix(id[0]) + 0x9e3779b97f4a7c15u * id[1]);
    return !traces->level || hash >> (64 - traces->level) == 0;
}

static struct trace_entry *slot_of(const struct trace_table *traces, const uint64_t id[2])
{
    size_t mask = traces->capacity - 1;
    uint64_t hash = tcore_siphash(traces->seed, id, 2 * sizeof *id);
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        struct trace_entry *entry = &traces->entries[at];
        if (!entry->used || (entry->id[0] == id[0] && entry->id[1] == id[1]))
            return entry;
    }
}

/* Moves what is kept into a table of that capacity. */
static bool rebuild(struct trace_table *traces, size_t capacity)
{
    struct trace_table old = *traces;
    struct trace_entry *entries = tcore_calloc(capacity, sizeof *entries);
    if (!entries)
        return false;
    traces->entries = entries;
    traces->capacity = capacity;
    traces->count = 0;
    for (size_t i = 0; i < old.capacity; i++) {
        const struct trace_entry *entry = &old.entries[i];
        if (!entry->used || !is_kept(traces, entry->id))
            continue;
        *slot_of(traces, entry->id) = *entry;
        traces->count++;
    }
    tcore_free(old.entries);
    return true;
}

void traces_raise(struct trace_table *traces, unsigned level)
{
    if (level <= traces->level || !traces->capacity)
        return;
    traces->level = level;
    if (!rebuild(traces, traces->capacity))
        traces->level = LEVEL_MAX + 1; /* out of memory: told by the next traces_find */
}

static enum tcore_status make_room(struct trace_table *traces, struct tcore_error *err)
{
    while (traces->count >= traces->limit && traces->level < LEVEL_MAX)
        traces_raise(traces, traces->level + 1);
    if (traces->level > LEVEL_MAX)
        return tcore_error_nomem(err);
    if (traces->count < traces->capacity / 4 * 3)
        return TCORE_OK;
    size_t capacity = traces->capacity ? 2 * traces->capacity : 1024;
    return rebuild(traces, capacity) ? TCORE_OK : tcore_error_nomem(err);
}

enum tcore_status traces_find(struct trace_table *traces, const uint64_t id[2],
                              struct trace_entry **entry, struct tcore_error *err)
{
    *entry = NULL;
    if (!is_kept(traces, id))
        return TCORE_OK;
    if (traces->capacity) {
        *entry = slot_of(traces, id);
        if ((*entry)->used)
            return TCORE_OK;
    }
    enum tcore_status status = make_room(traces, err);
    *entry = NULL;
    if (status || !is_kept(traces, id))
        return status;
    if (traces->count >= traces->limit) {
        traces->unfit = true;
        return TCORE_OK;
    }
    *entry = slot_of(traces, id);
    **entry = (struct trace_entry){.id = {id[0], id[1]},
                                   .used = true,
                                   .orphan = true,
                                   .root_start_ns = INT64_MAX,
                                   .root_span = UINT64_MAX,
                                   .start_ns = INT64_MAX,
                                   .end_ns = INT64_MIN};
    traces->count++;
    return TCORE_OK;
}

/* Whether b stands for the trace rather than a: one without a parent, the earliest, by its id. */
static bool is_better_root(const struct trace_entry *a, const struct trace_entry *b)
{
    if (a->orphan != b->orphan)
        return a->orphan;
    if (a->root_start_ns != b->root_start_ns)
        return b->root_start_ns < a->root_start_ns;
    return b->root_span < a->root_span;
}

void trace_entry_add(struct trace_entry *entry, const struct trace_entry *more)
{
    if (is_better_root(entry, more)) {
        entry->orphan = more->orphan;
        entry->root_start_ns = more->root_start_ns;
        entry->root_span = more->root_span;
        entry->root = more->root;
    }
    if (more->start_ns < entry->start_ns)
        entry->start_ns = more->start_ns;
    if (more->end_ns > entry->end_ns)
        entry->end_ns = more->end_ns;
    entry->spans += more->spans;
    entry->errors += more->errors;
}
