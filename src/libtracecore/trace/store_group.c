/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grouping a piece: one pass finds the trace of each row by a hash table, a second one puts the
 * addresses of the rows side by side. */
#include "trace/store_private.h"

#include "base/sys.h"
#include "trace/span_values.h"

/* Of one piece. */
struct grouping {
    struct tcore_trace_store *store;
    unsigned number;
    struct piece *piece;
    uint32_t rows;
    uint32_t *trace_of;                /* of each row, in the order of a walk over the chains */
    uint32_t *slots, mask;             /* number of a trace + 1 by hash */
    struct tcore_stored_trace *traces; /* spans: the address of one of its rows, until placed */
    struct tcore_stored_span **ones;   /* one row of each trace */
    uint32_t trace_count, trace_capacity;
};

/* A walk over the rows of a piece: those of a partition in memory, or what was read back. */
struct walk {
    struct tcore_trace_intake *intake;
    struct block *block;
    char *at, *end;
};

static void begin_block(struct walk *walk, const struct chain *chain, size_t row_bytes)
{
    walk->at = walk->block->rows;
    walk->end =
        walk->block == chain->blocks
            ? chain->at
            : walk->at + (walk->block->bytes - sizeof(struct block)) / row_bytes * row_bytes;
}

static struct tcore_stored_span *next_stored(const struct grouping *g, struct walk *walk)
{
    size_t row_bytes = g->store->row_bytes;
    while (walk->at == walk->end) {
        if (walk->block)
            walk->block = walk->block->next;
        while (!walk->block) {
            if (g->store->file.pieces)
                return NULL;
            walk->intake = walk->intake ? walk->intake->next : g->store->intakes;
            if (!walk->intake)
                return NULL;
            walk->block = walk->intake->chain[g->number].blocks;
        }
        begin_block(walk, &walk->intake->chain[g->number], row_bytes);
    }
    struct tcore_stored_span *row = (struct tcore_stored_span *)(void *)walk->at;
    walk->at += row_bytes;
    return row;
}

static struct walk begin_walk(const struct grouping *g)
{
    const struct loaded *loaded = &g->piece->loaded;
    struct walk walk = {.at = loaded->rows, .end = loaded->rows};
    if (loaded->count)
        walk.end += loaded->count * g->store->row_bytes;
    return walk;
}

size_t tcore_store_chain_rows(const struct chain *chain, size_t row_bytes)
{
    size_t rows = 0;
    for (const struct block *block = chain->blocks; block; block = block->next)
        rows += block == chain->blocks ? (size_t)(chain->at - block->rows) / row_bytes
                                       : (block->bytes - sizeof(struct block)) / row_bytes;
    return rows;
}

static uint64_t count_rows(const struct grouping *g)
{
    uint64_t rows = g->piece->loaded.count;
    if (g->store->file.pieces)
        return rows;
    for (struct tcore_trace_intake *in = g->store->intakes; in; in = in->next)
        rows += tcore_store_chain_rows(&in->chain[g->number], g->store->row_bytes);
    return rows;
}

static bool grow_traces(struct grouping *g)
{
    size_t n = g->trace_capacity ? (size_t)g->trace_capacity * 2 : 64;
    void *traces = tcore_reallocarray(g->traces, n, sizeof *g->traces);
    if (traces)
        g->traces = traces;
    void *ones = traces ? tcore_reallocarray(g->ones, n, sizeof(struct tcore_stored_span *)) : NULL;
    if (!ones)
        return false;
    g->ones = ones;
    g->trace_capacity = (uint32_t)n;
    return true;
}

/* The number of the row's trace, a new one if need be; TCORE_SPAN_NONE: no memory. */
static uint32_t find_trace(struct grouping *g, struct tcore_stored_span *row)
{
    uint32_t at = (uint32_t)(hash_id(g->store, row->trace_id) >> 16) & g->mask;
    for (; g->slots[at]; at = (at + 1) & g->mask) {
        const struct tcore_stored_span *one = g->ones[g->slots[at] - 1];
        if (one->trace_id[0] == row->trace_id[0] && one->trace_id[1] == row->trace_id[1])
            return g->slots[at] - 1;
    }
    if (g->trace_count == g->trace_capacity && !grow_traces(g))
        return TCORE_SPAN_NONE;
    g->ones[g->trace_count] = row;
    g->traces[g->trace_count] = (struct tcore_stored_trace){.whole = {INT64_MAX, INT64_MIN}};
    g->slots[at] = ++g->trace_count;
    return g->trace_count - 1;
}

/* Which row is of which trace. */
static bool find_traces(struct grouping *g)
{
    struct walk walk = begin_walk(g);
    struct tcore_stored_span *row;
    for (uint32_t i = 0; (row = next_stored(g, &walk)) != NULL; i++) {
        uint32_t t = find_trace(g, row);
        if (t == TCORE_SPAN_NONE)
            return false;
        struct tcore_stored_trace *trace = &g->traces[t];
        g->trace_of[i] = t;
        trace->count++;
        trace->errors += (row->span.flags & TCORE_SPAN_ERROR) != 0;
        widen(&trace->whole, &row->span);
    }
    return true;
}

/* Puts the addresses of the rows side by side, trace by trace, and the store's numbers of services
 * and names into them. */
static void place_rows(struct grouping *g, struct tcore_stored_span **rows)
{
    struct walk walk = begin_walk(g);
    struct tcore_stored_span *row;
    bool has_names = g->store->row_bytes == sizeof(struct tcore_stored_text);
    for (uint32_t t = 0; t < g->trace_count; t++) {
        g->traces[t].spans = rows;
        rows += g->traces[t].count;
        g->traces[t].count = 0;
    }
    for (uint32_t i = 0; (row = next_stored(g, &walk)) != NULL; i++) {
        struct tcore_stored_trace *trace = &g->traces[g->trace_of[i]];
        trace->spans[trace->count++] = row;
        if (!walk.intake)
            continue; /* it was read back, and has them */
        row->span.service = walk.intake->services.total[row->span.service];
        if (has_names) {
            struct tcore_stored_text *text = (struct tcore_stored_text *)row;
            text->name = walk.intake->names.total[text->name];
        }
    }
}

static bool group_rows(struct grouping *g, struct tcore_stored_span ***rows)
{
    uint32_t slots = 16;
    while (slots < g->rows * 2u && slots < 1u << 31)
        slots *= 2;
    g->mask = slots - 1;
    g->slots = tcore_calloc(slots, sizeof *g->slots);
    g->trace_of = tcore_reallocarray(NULL, g->rows, sizeof *g->trace_of);
    *rows = tcore_reallocarray(NULL, g->rows, sizeof(struct tcore_stored_span *));
    if (!g->slots || !g->trace_of || !*rows || !find_traces(g))
        return false;
    place_rows(g, *rows);
    return true;
}

enum tcore_status tcore_trace_store_group(struct tcore_trace_store *store, unsigned piece,
                                          struct tcore_trace_group *group, struct tcore_error *err)
{
    struct piece *p = &store->piece[piece];
    struct grouping g = {.store = store, .number = piece, .piece = p};
    struct tcore_stored_span **rows = NULL;
    *group = (struct tcore_trace_group){p->traces, p->trace_count};
    if (p->traces)
        return TCORE_OK;
    enum tcore_status status =
        store->file.pieces ? tcore_store_load(store, piece, &p->loaded, err) : TCORE_OK;
    uint64_t count = status == TCORE_OK ? count_rows(&g) : 0;
    if (!count)
        return status;
    if (count > 1u << 30)
        return tcore_error_set(err, TCORE_FATAL, "more spans than can be grouped");
    g.rows = (uint32_t)count;
    bool good = group_rows(&g, &rows);
    tcore_free(g.slots);
    tcore_free(g.trace_of);
    tcore_free(g.ones);
    if (!good) {
        tcore_free(rows);
        tcore_free(g.traces);
        return tcore_error_nomem(err);
    }
    p->rows = rows;
    p->traces = g.traces;
    p->trace_count = g.trace_count;
    p->bytes = g.rows * sizeof *rows + g.trace_capacity * sizeof *g.traces;
    tcore_store_count_bytes(store, p->bytes);
    *group = (struct tcore_trace_group){g.traces, g.trace_count};
    return TCORE_OK;
}
