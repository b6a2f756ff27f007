/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From ties to relations, and to a ranked list of traces. */
#include <config.h>

#include "base/sys.h"
#include "span/related.h"
#include "span/trace_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* By rank in a list of them, the strongest first. */
enum relation_kind {
    RELATION_LINK,
    RELATION_PARENT,
    RELATION_CHILD,
    RELATION_CAUSE,
    RELATION_EFFECT,
    RELATION_SIBLING,
    RELATION_SHARED,
    RELATION_SIMILAR
};

struct relation {
    uint32_t trace;
    uint8_t kind; /* enum relation_kind */
    bool outward; /* of links: the trace that was asked for has it */
    bool same_shape;
    uint32_t tie; /* TCORE_MAP_NONE: none */
    uint64_t span;
    uint64_t traces; /* of shared values: which have it */
    double strength;
};

struct ranking {
    struct related *r;
    uint8_t *mark; /* of each tie: whose it is */
    struct relation *list;
    size_t count, capacity;
};

enum { MARK_OWN = 1, MARK_NAMES_IT = 2 };

static enum tie_kind kind_of(const struct related *r, uint32_t tie)
{
    return (enum tie_kind)r->tie.keys[tie].data[0];
}

static enum tcore_status add(struct ranking *ranking, struct relation relation,
                             struct tcore_error *err)
{
    if (relation.trace == ranking->r->trace)
        return TCORE_OK;
    if (ranking->count == ranking->capacity) {
        size_t capacity = ranking->capacity ? 2 * ranking->capacity : 64;
        struct relation *moved = tcore_reallocarray(ranking->list, capacity, sizeof *moved);
        if (!moved)
            return tcore_error_nomem(err);
        ranking->list = moved;
        ranking->capacity = capacity;
    }
    ranking->list[ranking->count++] = relation;
    return TCORE_OK;
}

/* --- Which ties matter */

static void mark_tie(struct ranking *ranking, enum tie_kind kind, const char *text, size_t length,
                     uint8_t mark)
{
    struct tcore_buf *key = &ranking->r->text;
    tcore_buf_clear(key);
    tcore_buf_putc(key, (char)kind);
    tcore_buf_append(key, text, length);
    uint32_t tie =
        key->failed ? TCORE_MAP_NONE : tcore_map_find(&ranking->r->tie, key->data, key->length);
    if (tie != TCORE_MAP_NONE)
        ranking->mark[tie] |= mark;
}

static void mark_ties(struct ranking *ranking)
{
    struct related *r = ranking->r;
    for (size_t i = 0; i < r->count; i++)
        if (r->tied[i].trace == r->trace)
            ranking->mark[r->tied[i].tie] |= MARK_OWN;
    mark_tie(ranking, TIE_LINK, r->id, TCORE_TRACE_ID, MARK_NAMES_IT);
    mark_tie(ranking, TIE_PARENT, r->id, TCORE_TRACE_ID, MARK_NAMES_IT);
    mark_tie(ranking, TIE_CAUSE, r->id, TCORE_TRACE_ID, MARK_NAMES_IT);
    for (uint32_t tie = 0; tie < r->tie.count; tie++) {
        const struct tcore_map_key *key = &r->tie.keys[tie];
        if (!(ranking->mark[tie] & MARK_OWN))
            continue;
        if (kind_of(r, tie) == TIE_EXECUTION)
            mark_tie(ranking, TIE_CAUSE, key->data + 1, key->length - 1, MARK_NAMES_IT);
        if (kind_of(r, tie) == TIE_CAUSE)
            mark_tie(ranking, TIE_EXECUTION, key->data + 1, key->length - 1, MARK_NAMES_IT);
    }
}

/* --- Relations by ties */

static int compare_tied(const void *left, const void *right)
{
    const struct tied *a = left, *b = right;
    if (a->tie != b->tie)
        return a->tie < b->tie ? -1 : 1;
    if (a->trace != b->trace)
        return a->trace < b->trace ? -1 : 1;
    return a->span < b->span ? -1 : a->span > b->span;
}

/* Leaves those whose tie is marked, each trace once a tie: by its smallest span. */
static void keep_marked(struct ranking *ranking)
{
    struct related *r = ranking->r;
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++)
        if (ranking->mark[r->tied[i].tie])
            r->tied[kept++] = r->tied[i];
    if (kept)
        qsort(r->tied, kept, sizeof *r->tied, compare_tied);
    r->count = 0;
    for (size_t i = 0; i < kept; i++)
        if (!i || r->tied[i].tie != r->tied[i - 1].tie || r->tied[i].trace != r->tied[i - 1].trace)
            r->tied[r->count++] = r->tied[i];
}

/* What another trace with the tie is, n traces having it. */
static struct relation by_tie(const struct ranking *ranking, const struct tied *tied, size_t n)
{
    static const uint8_t naming[] = {[TIE_LINK] = RELATION_LINK,
                                     [TIE_PARENT] = RELATION_CHILD,
                                     [TIE_CAUSE] = RELATION_EFFECT,
                                     [TIE_EXECUTION] = RELATION_CAUSE};
    static const double strength[] = {
        [TIE_LINK] = 1, [TIE_PARENT] = 1, [TIE_CAUSE] = 0.9, [TIE_EXECUTION] = 0.9};
    enum tie_kind kind = kind_of(ranking->r, tied->tie);
    struct relation relation = {
        .trace = tied->trace, .tie = tied->tie, .span = tied->span, .traces = n};
    if (ranking->mark[tied->tie] & MARK_NAMES_IT) {
        relation.kind = naming[kind];
        relation.strength = strength[kind];
    } else if (kind == TIE_FIELD) {
        relation.kind = RELATION_SHARED;
        relation.strength = 0.8 / log2(n < 2 ? 2 : (double)n);
    } else {
        relation.kind = RELATION_SIBLING;
        relation.strength = 0.6;
    }
    return relation;
}

static enum tcore_status relate_by_ties(struct ranking *ranking, struct tcore_error *err)
{
    const struct related *r = ranking->r;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0, end; i < r->count && status == TCORE_OK; i = end) {
        for (end = i; end < r->count && r->tied[end].tie == r->tied[i].tie; end++) {
        }
        for (size_t k = i; k < end && status == TCORE_OK; k++)
            status = add(ranking, by_tie(ranking, &r->tied[k], end - i), err);
    }
    return status;
}

/* Traces that its own ties name. */
static enum tcore_status relate_to_named(struct ranking *ranking, struct tcore_error *err)
{
    static const uint8_t named[] = {
        [TIE_LINK] = RELATION_LINK, [TIE_PARENT] = RELATION_PARENT, [TIE_CAUSE] = RELATION_CAUSE};
    struct related *r = ranking->r;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < r->count && status == TCORE_OK; i++) {
        const struct tied *tied = &r->tied[i];
        const struct tcore_map_key *key = &r->tie.keys[tied->tie];
        enum tie_kind kind = kind_of(r, tied->tie);
        struct relation relation = {.tie = tied->tie, .span = tied->span, .outward = true};
        if (tied->trace != r->trace || kind > TIE_CAUSE ||
            !tcore_id_is_canonical(TCORE_TRACE_ID, key->data + 1, key->length - 1))
            continue;
        relation.kind = named[kind];
        relation.strength = kind == TIE_CAUSE ? 0.9 : 1;
        status = trace_facts_find(&r->facts, key->data + 1, &relation.trace, err);
        if (status == TCORE_OK)
            status = add(ranking, relation, err);
    }
    return status;
}

/* --- Relations by time and shape */

static int64_t gap_between(const struct tcore_interval *a, const struct tcore_interval *b)
{
    if (a->start_ns > b->end_ns)
        return a->start_ns - b->end_ns;
    return b->start_ns > a->end_ns ? b->start_ns - a->end_ns : 0;
}

static int compare_strength(const void *left, const void *right, void *state)
{
    const struct relation *a = left, *b = right;
    if (a->strength != b->strength)
        return a->strength > b->strength ? -1 : 1;
    return trace_facts_compare(state, a->trace, b->trace);
}

/* The nearest ones of the same entry. */
static enum tcore_status relate_by_shape(struct ranking *ranking, struct tcore_error *err)
{
    struct related *r = ranking->r;
    const struct trace_fact *own = &r->facts.of[r->trace];
    double within = (double)(r->options->within_ns ? r->options->within_ns : 1);
    size_t before = ranking->count;
    enum tcore_status status = TCORE_OK;
    if (own->root == TCORE_MAP_NONE || !tcore_interval_is_known(&own->whole))
        return TCORE_OK;
    for (uint32_t i = 0; i < r->facts.ids.count && status == TCORE_OK; i++) {
        const struct trace_fact *fact = &r->facts.of[i];
        if (fact->root != own->root || !tcore_interval_is_known(&fact->whole))
            continue;
        double gap = (double)gap_between(&own->whole, &fact->whole);
        bool same = fact->shape == own->shape;
        if (gap <= within)
            status = add(ranking,
                         (struct relation){.trace = i,
                                           .kind = RELATION_SIMILAR,
                                           .same_shape = same,
                                           .tie = TCORE_MAP_NONE,
                                           .strength = (same ? 0.3 : 0.15) * (1 - gap / within)},
                         err);
    }
    size_t found = ranking->count - before;
    if (found > (uint64_t)r->options->similar) {
        qsort_r(ranking->list + before, found, sizeof *ranking->list, compare_strength, &r->facts);
        ranking->count = before + (size_t)r->options->similar;
    }
    return status;
}

/* --- By trace */

/* What belongs to one trace, in the list of relations. */
struct related_trace {
    uint32_t trace;
    size_t first, count;
    double strength;
};

static int compare_relations(const void *left, const void *right, void *state)
{
    const struct relation *a = left, *b = right;
    const struct related *r = state;
    if (a->trace != b->trace)
        return a->trace < b->trace ? -1 : 1;
    if (a->strength != b->strength)
        return a->strength > b->strength ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->outward != b->outward)
        return a->outward ? -1 : 1;
    if (a->tie == b->tie || a->tie == TCORE_MAP_NONE || b->tie == TCORE_MAP_NONE)
        return 0;
    const struct tcore_map_key *x = &r->tie.keys[a->tie], *y = &r->tie.keys[b->tie];
    size_t shared = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->data, y->data, shared);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static int compare_traces(const void *left, const void *right, void *state)
{
    const struct related_trace *a = left, *b = right;
    if (a->strength != b->strength)
        return a->strength > b->strength ? -1 : 1;
    return trace_facts_compare(state, a->trace, b->trace);
}

/* --- Records */

static const char *kind_name(uint8_t kind)
{
    static const char *const names[] = {"link",   "parent",  "child",  "cause",
                                        "effect", "sibling", "shared", "similar"};
    return names[kind];
}

static const char *tie_name(enum tie_kind kind)
{
    static const char *const names[] = {"links", "parentTraceId", "causationId", "causationId"};
    return names[kind];
}

/* To six digits, so that a rounding of log2 does not show. */
static void put_strength(struct tcore_buf *out, double strength)
{
    put_key(out, "strength", false);
    struct tcore_value value = tcore_value_of_double(round(strength * 1e6) / 1e6);
    tcore_json_write_value(out, &value);
}

static void put_tie(const struct related *r, const struct relation *relation, struct tcore_buf *out)
{
    const struct tcore_map_key *key = &r->tie.keys[relation->tie];
    enum tie_kind kind = kind_of(r, relation->tie);
    put_key(out, "field", false);
    if (kind != TIE_FIELD) {
        put_text(out, (struct tcore_slice){tie_name(kind), strlen(tie_name(kind))});
    } else {
        const char *name = key->data + 1;
        size_t skip = strlen(name) + 2;
        put_text(out, (struct tcore_slice){name, strlen(name)});
        put_key(out, "value", false);
        tcore_buf_append(out, key->data + skip, key->length - skip);
        put_key(out, "traces", false);
        put_int(out, (int64_t)relation->traces);
    }
    if (relation->span) {
        put_key(out, "spanId", false);
        put_id(out, relation->span);
    }
}

static void put_relation(const struct related *r, const struct relation *relation,
                         struct tcore_buf *out)
{
    tcore_buf_printf(out, "{\"relation\":\"%s\"", kind_name(relation->kind));
    if (relation->kind == RELATION_LINK)
        tcore_buf_printf(out, ",\"direction\":\"%s\"", relation->outward ? "to" : "from");
    if (relation->kind == RELATION_SIMILAR)
        tcore_buf_printf(out, ",\"sameShape\":%s", relation->same_shape ? "true" : "false");
    if (relation->tie != TCORE_MAP_NONE)
        put_tie(r, relation, out);
    put_strength(out, relation->strength);
    tcore_buf_putc(out, '}');
}

static void put_trace(const struct ranking *ranking, const struct related_trace *trace,
                      struct tcore_buf *out)
{
    const struct related *r = ranking->r;
    const struct relation *list = ranking->list + trace->first;
    tcore_buf_puts(out, "{\"type\":\"trace\",");
    trace_facts_put(&r->facts, trace->trace, out);
    tcore_buf_printf(out, ",\"relation\":\"%s\"", kind_name(list[0].kind));
    put_strength(out, trace->strength);
    const struct trace_fact *fact = &r->facts.of[trace->trace];
    const struct tcore_interval *own = &r->facts.of[r->trace].whole;
    if (tcore_interval_is_known(&fact->whole) && tcore_interval_is_known(own)) {
        put_key(out, "offsetNano", false);
        put_int(out, fact->whole.start_ns - own->start_ns);
    } else if (!fact->spans) {
        tcore_buf_puts(out, ",\"missing\":true");
    }
    put_key(out, "relations", false);
    for (size_t i = 0; i < trace->count; i++) {
        tcore_buf_putc(out, i ? ',' : '[');
        put_relation(r, &list[i], out);
    }
    tcore_buf_puts(out, "]}\n");
}

static enum tcore_status write_all(struct ranking *ranking, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    size_t count = 0;
    struct related_trace *traces = tcore_reallocarray(NULL, ranking->count + 1, sizeof *traces);
    if (!traces)
        return tcore_error_nomem(err);
    if (ranking->count)
        qsort_r(ranking->list, ranking->count, sizeof *ranking->list, compare_relations,
                ranking->r);
    for (size_t i = 0, end; i < ranking->count; i = end) {
        double left = 1;
        for (end = i; end < ranking->count && ranking->list[end].trace == ranking->list[i].trace;
             end++)
            left *= 1 - ranking->list[end].strength;
        traces[count++] = (struct related_trace){ranking->list[i].trace, i, end - i, 1 - left};
    }
    qsort_r(traces, count, sizeof *traces, compare_traces, &ranking->r->facts);
    for (size_t i = 0; i < count; i++)
        put_trace(ranking, &traces[i], out);
    tcore_free(traces);
    return tcore_buf_status(out, err);
}

/* What was looked up by id is whole; what came later may be a part of it. */
static void take_known(struct related *r)
{
    for (uint32_t i = 0; i < r->known_count; i++)
        if (r->known[i].spans >= r->facts.of[i].spans)
            r->facts.of[i] = r->known[i];
}

enum tcore_status related_write(struct related *r, struct tcore_buf *out, struct tcore_error *err)
{
    struct ranking ranking = {.r = r};
    enum tcore_status status = TCORE_OK;
    ranking.mark = tcore_calloc((size_t)r->tie.count + 1, sizeof *ranking.mark);
    if (!ranking.mark)
        return tcore_error_nomem(err);
    take_known(r);
    mark_ties(&ranking);
    keep_marked(&ranking);
    status = relate_by_ties(&ranking, err);
    if (status == TCORE_OK)
        status = relate_to_named(&ranking, err);
    if (status == TCORE_OK)
        status = relate_by_shape(&ranking, err);
    if (status == TCORE_OK)
        status = write_all(&ranking, out, err);
    tcore_free(ranking.mark);
    tcore_free(ranking.list);
    return status;
}
