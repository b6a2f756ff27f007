/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One trace against one: spans are aligned from the roots down. Of the children of two spans that
 * belong together those belong together that are of the same operation, the first with the first,
 * the second with the second. Where that leaves a span alone, and its children are what is missing
 * on the other side, it is a layer that was put between, or taken out. What two traces differ in
 * may be chance, so that nothing is told but that they do.
 */
#include <config.h>

#include "span/diff_pair.h"

#include "base/sys.h"

#include <math.h>
#include <stdlib.h>

uint32_t pairing_operation(const struct pairing *p, int side, uint32_t span)
{
    return p->both->number[side][p->both->side[side]->of_span[span]];
}

int64_t pairing_duration(const struct pairing *p, int side, uint32_t span)
{
    int64_t ns = 0;

    return trace_build_duration(&p->build[side], span, &ns) ? ns : 0;
}

/* A span gives up to four differences, or is one; room is there for that. */
static struct difference_found *add(struct pairing *p, enum difference what, uint32_t base,
                                    uint32_t cand, uint32_t number)
{
    struct difference_found *found = &p->found[p->found_count++];

    *found = (struct difference_found){.what = what, .span = {base, cand}, .number = number};
    return found;
}

/* --- Alignment */

static int by_operation(const void *a, const void *b)
{
    const struct single *x = a, *y = b;

    if (x->operation != y->operation)
        return x->operation < y->operation ? -1 : 1;
    return (x->span > y->span) - (x->span < y->span);
}

/* The children of a span (TCORE_SPAN_NONE: the roots) by operation and start. */
static uint32_t list_children(struct pairing *p, int side, uint32_t span, struct single *list)
{
    const struct tcore_trace_tree *tree = &p->build[side].tree;
    const uint32_t *child =
        span == TCORE_SPAN_NONE ? tree->roots : tree->children + tree->first[span];
    uint32_t count =
        span == TCORE_SPAN_NONE ? tree->root_count : tree->first[span + 1] - tree->first[span];

    for (uint32_t i = 0; i < count; i++)
        list[i] = (struct single){pairing_operation(p, side, child[i]), child[i]};
    if (count > 1)
        qsort(list, count, sizeof *list, by_operation);
    return count;
}

static uint32_t add_pair(struct pairing *p, uint32_t base, uint32_t cand, uint32_t parent)
{
    p->pair[p->pairs] = (struct pair){.span = {base, cand}, .number = 1, .parent = parent};
    return p->pairs++;
}

/* Takes what belongs together out of two lists; the rest is moved to their beginnings. */
static void match(struct pairing *p, struct single *base, uint32_t *base_count, struct single *cand,
                  uint32_t *cand_count, uint32_t parent)
{
    uint32_t i = 0, j = 0, base_left = 0, cand_left = 0, number = 0, last = DIFF_NONE;

    while (i < *base_count || j < *cand_count) {
        if (j == *cand_count || (i < *base_count && base[i].operation < cand[j].operation)) {
            base[base_left++] = base[i++];
        } else if (i == *base_count || cand[j].operation < base[i].operation) {
            cand[cand_left++] = cand[j++];
        } else {
            number = base[i].operation == last ? number + 1 : 1;
            last = base[i].operation;
            p->pair[add_pair(p, base[i++].span, cand[j++].span, parent)].number = number;
        }
    }
    *base_count = base_left;
    *cand_count = cand_left;
}

/* A span that is alone: with all below it, or as a layer. Gives its pair. */
static uint32_t add_alone(struct pairing *p, enum difference what, int side, uint32_t span,
                          uint32_t parent)
{
    uint32_t base = side == DIFF_BASE ? span : TCORE_SPAN_NONE;
    uint32_t cand = side == DIFF_CAND ? span : TCORE_SPAN_NONE;
    struct difference_found *found = add(p, what, base, cand, 1);
    int64_t ns = what == LAYER ? p->build[side].self_ns[span] : pairing_duration(p, side, span);
    uint32_t pair = add_pair(p, base, cand, parent);

    found->effect_ns = side == DIFF_CAND ? ns : -ns;
    found->value[side] = 1;
    p->pair[pair].changed = true;
    p->pair[pair].whole = what == SUBTREE;
    return pair;
}

static bool has_operation(const struct single *list, uint32_t count, uint32_t operation)
{
    uint32_t low = 0;

    for (uint32_t high = count; low < high;) {
        uint32_t middle = low + (high - low) / 2;

        if (list[middle].operation < operation)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && list[low].operation == operation;
}

/* Whether a child of the span is of an operation that is in the list. */
static bool covers(const struct pairing *p, int side, uint32_t span, const struct single *list,
                   uint32_t count)
{
    const struct tcore_trace_tree *tree = &p->build[side].tree;

    for (uint32_t c = tree->first[span]; c < tree->first[span + 1]; c++)
        if (has_operation(list, count, pairing_operation(p, side, tree->children[c])))
            return true;
    return false;
}

/* Takes layers out of the spans of one side that are alone, and what is below them out of those of
 * the other side. */
static void take_layers(struct pairing *p, int side, struct single *alone, uint32_t *count,
                        struct single *others, uint32_t *other_count, uint32_t parent)
{
    struct single *below = alone + *count; /* there is room for all spans of the side */
    uint32_t left = 0;

    for (uint32_t i = 0; i < *count; i++) {
        uint32_t span = alone[i].span, children;

        if (!covers(p, side, span, others, *other_count)) {
            alone[left++] = alone[i];
            continue;
        }
        uint32_t layer = add_alone(p, LAYER, side, span, parent);

        children = list_children(p, side, span, below);
        if (side == DIFF_CAND)
            match(p, others, other_count, below, &children, layer);
        else
            match(p, below, &children, others, other_count, layer);
        for (uint32_t c = 0; c < children; c++)
            add_alone(p, SUBTREE, side, below[c].span, layer);
    }
    *count = left;
}

/* Of a pair, or of the roots (DIFF_NONE). */
static void align_children(struct pairing *p, uint32_t parent)
{
    static const uint32_t roots[DIFF_SIDES] = {TCORE_SPAN_NONE, TCORE_SPAN_NONE};
    const uint32_t *above = parent == DIFF_NONE ? roots : p->pair[parent].span;
    struct single *base = p->single[DIFF_BASE], *cand = p->single[DIFF_CAND];
    uint32_t base_count = list_children(p, DIFF_BASE, above[DIFF_BASE], base);
    uint32_t cand_count = list_children(p, DIFF_CAND, above[DIFF_CAND], cand);

    match(p, base, &base_count, cand, &cand_count, parent);
    take_layers(p, DIFF_CAND, cand, &cand_count, base, &base_count, parent);
    take_layers(p, DIFF_BASE, base, &base_count, cand, &cand_count, parent);
    for (uint32_t i = 0; i < base_count; i++)
        add_alone(p, SUBTREE, DIFF_BASE, base[i].span, parent);
    for (uint32_t i = 0; i < cand_count; i++)
        add_alone(p, SUBTREE, DIFF_CAND, cand[i].span, parent);
}

/* --- Two spans */

/* Whether two times differ by more than --min-effect. */
bool pairing_differs(const struct pairing *p, int64_t base_ns, int64_t cand_ns)
{
    double difference = fabs((double)cand_ns - (double)base_ns);

    return difference > p->options->min_effect * (double)base_ns;
}

static struct difference_found *add_times(struct pairing *p, enum difference what,
                                          const struct pair *pair, const int64_t ns[DIFF_SIDES])
{
    struct difference_found *found =
        add(p, what, pair->span[DIFF_BASE], pair->span[DIFF_CAND], pair->number);

    for (int s = 0; s < DIFF_SIDES; s++)
        found->value[s] = (double)ns[s];
    return found;
}

static void compare_spans(struct pairing *p, const struct pair *pair)
{
    const struct trace_build *base = &p->build[DIFF_BASE], *cand = &p->build[DIFF_CAND];
    uint32_t b = pair->span[DIFF_BASE], c = pair->span[DIFF_CAND];
    int64_t own[DIFF_SIDES] = {base->self_ns[b], cand->self_ns[c]};
    int64_t whole[DIFF_SIDES] = {pairing_duration(p, DIFF_BASE, b),
                                 pairing_duration(p, DIFF_CAND, c)};
    bool own_differs = pairing_differs(p, own[0], own[1]),
         differ = pairing_differs(p, whole[0], whole[1]);

    if (own_differs)
        add_times(p, OWN_TIME, pair, own)->effect_ns = own[1] - own[0];
    /* the whole says the same, unless what is below the span made more of it */
    if (differ && (!own_differs || (own[0] < own[1]) != (whole[0] < whole[1])))
        add_times(p, WHOLE_TIME, pair, whole)->effect_ns = whole[1] - whole[0];
    for (int s = 0, failed[DIFF_SIDES]; s < DIFF_SIDES; s++) {
        failed[s] = (p->build[s].spans[pair->span[s]].flags & TCORE_SPAN_ERROR) != 0;
        if (s == DIFF_CAND && failed[0] != failed[1])
            add(p, FAILURE, b, c, pair->number)->value[failed[1]] = 1;
    }
    int before = diff_concurrency(base, b), now = diff_concurrency(cand, c);

    if (before >= 0 && now >= 0 && before != now)
        add(p, TOGETHER, b, c, pair->number)->value[now] = 1;
}

/* And what is below them; of a span that is alone all is told. */
static void compare_pair(struct pairing *p, uint32_t pair)
{
    const uint32_t *span = p->pair[pair].span;
    uint32_t before = p->found_count;

    if (span[DIFF_BASE] == TCORE_SPAN_NONE || span[DIFF_CAND] == TCORE_SPAN_NONE)
        return;
    compare_spans(p, &p->pair[pair]);
    p->pair[pair].changed = p->found_count > before;
    align_children(p, pair);
}

static void count_below(const struct tcore_trace_tree *tree, uint32_t *below)
{
    for (uint32_t i = tree->count; i-- > 0;) { /* descendants first */
        uint32_t span = tree->order[i];

        below[span]++;
        if (tree->parent[span] != TCORE_SPAN_NONE)
            below[tree->parent[span]] += below[span];
    }
}

static bool open_pairing(struct pairing *p)
{
    size_t base = p->build[DIFF_BASE].tree.count, cand = p->build[DIFF_CAND].tree.count;

    p->pair = tcore_calloc(base + cand + 1, sizeof *p->pair);
    p->found = tcore_calloc(4 * base + base + cand + 1, sizeof *p->found);
    for (int s = 0; s < DIFF_SIDES; s++) {
        const struct tcore_trace_tree *tree = &p->build[s].tree;

        p->single[s] = tcore_calloc((size_t)tree->count + 1, sizeof *p->single[s]);
        p->below[s] = tcore_calloc((size_t)tree->count + 1, sizeof *p->below[s]);
        if (!p->single[s] || !p->below[s])
            return false;
        count_below(tree, p->below[s]);
    }
    return p->pair && p->found;
}

static void close_pairing(struct pairing *p)
{
    tcore_free(p->pair);
    tcore_free(p->found);
    for (int s = 0; s < DIFF_SIDES; s++) {
        tcore_free(p->single[s]);
        tcore_free(p->below[s]);
    }
}

enum tcore_status diff_pair(const struct diff_both *both,
                            const struct trace_build build[DIFF_SIDES],
                            const struct diff_options *options, const struct cli_screen *screen,
                            uint32_t most, struct tcore_buf *out, size_t *found,
                            struct tcore_error *err)
{
    struct pairing p = {.both = both, .build = build, .options = options};
    bool good = open_pairing(&p);

    if (good) {
        align_children(&p, DIFF_NONE);
        for (uint32_t i = 0; i < p.pairs; i++)
            compare_pair(&p, i);
        good = screen ? pairing_draw(&p, screen, most, out)
                      : pairing_write(&p, both->side[DIFF_BASE]->keys.json.depth_limit, out);
    }
    *found = p.found_count;
    close_pairing(&p);
    return good ? tcore_buf_status(out, err) : tcore_error_nomem(err);
}
