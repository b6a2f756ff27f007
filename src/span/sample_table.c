/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/sample_traces.h"

#include "base/map.h"
#include "base/sys.h"

#include <string.h>

enum { SLOTS = 1024, OVERHEAD = 16 /* of an allocation */ };

enum tcore_status held_table_open(struct held_table *table, struct tcore_error *err)
{
    struct tcore_map map;
    if (tcore_map_init(&map) != 0) /* which has a seed, and no memory yet */
        return tcore_error_set(err, TCORE_FATAL, "there is no randomness");
    *table = (struct held_table){.slots = SLOTS, .seed = {map.seed[0], map.seed[1]}};
    tcore_map_free(&map);
    table->slot = tcore_calloc(table->slots, sizeof *table->slot);
    return table->slot ? TCORE_OK : tcore_error_nomem(err);
}

static void free_spans(struct held_trace *trace)
{
    for (struct held_span *span = trace->first, *next; span; span = next) {
        next = span->next;
        tcore_free(span);
    }
    trace->first = NULL;
    trace->last = &trace->first;
}

void held_table_close(struct held_table *table)
{
    for (size_t i = 0; table->slot && i < table->slots; i++)
        for (struct held_trace *trace = table->slot[i], *next; trace; trace = next) {
            next = trace->next;
            free_spans(trace);
            tcore_free(trace);
        }
    tcore_free(table->slot);
    *table = (struct held_table){0};
}

/* Twice as many slots; without memory the lists become longer. */
static void grow(struct held_table *table)
{
    size_t slots = 2 * table->slots;
    struct held_trace **slot = tcore_calloc(slots, sizeof *slot);
    if (!slot)
        return;
    for (size_t i = 0; i < table->slots; i++)
        for (struct held_trace *trace = table->slot[i], *next; trace; trace = next) {
            next = trace->next;
            trace->next = slot[trace->hash & (slots - 1)];
            slot[trace->hash & (slots - 1)] = trace;
        }
    tcore_free(table->slot);
    table->bytes += (slots - table->slots) * sizeof *slot;
    table->slot = slot;
    table->slots = slots;
}

struct held_trace *held_find(struct held_table *table, const char id[32])
{
    uint64_t hash = tcore_siphash(table->seed, id, 32);
    struct held_trace *trace = table->slot[hash & (table->slots - 1)];
    while (trace && (trace->hash != hash || memcmp(trace->id, id, 32) != 0))
        trace = trace->next;
    if (trace)
        return trace;
    if (table->count >= table->slots)
        grow(table);
    trace = tcore_calloc(1, sizeof *trace);
    if (!trace)
        return NULL;
    struct held_trace **slot = &table->slot[hash & (table->slots - 1)];
    *trace = (struct held_trace){.next = *slot,
                                 .last = &trace->first,
                                 .hash = hash,
                                 .facts = {.start_ns = INT64_MAX, .end_ns = INT64_MIN}};
    memcpy(trace->id, id, sizeof trace->id);
    *slot = trace;
    trace->number = (uint32_t)table->count++;
    table->bytes += sizeof *trace + OVERHEAD;
    return trace;
}

/* --- Lists by age */

static void take_out(struct held_list *list, struct held_trace *trace)
{
    *(trace->newer ? &trace->newer->older : &list->newest) = trace->older;
    *(trace->older ? &trace->older->newer : &list->oldest) = trace->newer;
    trace->newer = trace->older = NULL;
    list->count--;
}

static void put_in(struct held_list *list, struct held_trace *trace)
{
    trace->older = list->newest;
    trace->newer = NULL;
    *(list->newest ? &list->newest->newer : &list->oldest) = trace;
    list->newest = trace;
    list->count++;
}

void held_touch(struct held_table *table, struct held_trace *trace)
{
    if (table->undecided.newest == trace)
        return;
    if (trace->facts.spans)
        take_out(&table->undecided, trace);
    put_in(&table->undecided, trace);
}

void held_take(struct held_table *table, struct held_trace *trace)
{
    take_out(&table->undecided, trace);
}

void held_forget_spans(struct held_table *table, struct held_trace *trace)
{
    free_spans(trace);
    table->bytes -= trace->bytes;
    table->span_bytes -= trace->bytes;
    trace->bytes = 0;
}

void held_remember(struct held_table *table, struct held_trace *trace)
{
    put_in(&table->decided, trace);
}

void held_remove(struct held_table *table, struct held_trace *trace)
{
    struct held_trace **at = &table->slot[trace->hash & (table->slots - 1)];
    while (*at != trace)
        at = &(*at)->next;
    *at = trace->next;
    take_out(&table->decided, trace);
    held_forget_spans(table, trace);
    table->bytes -= sizeof *trace + OVERHEAD;
    table->count--;
    tcore_free(trace);
}
