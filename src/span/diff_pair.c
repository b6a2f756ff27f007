/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One trace against one: spans are aligned from the roots down. Of the children of two spans that
 * belong together those belong together that are of the same operation, the first with the first,
 * the second with the second. Where that leaves a span alone, and its children are what is missing
 * on the other side, it is a layer that was put between, or taken out. What two traces differ in
 * may be chance, so that nothing is told but that they do.
 */
#include <config.h>

#include "span/diff.h"

#include "base/sys.h"
#include "cli/finding.h"
#include "cli/human.h"
#include "model/id.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* A span on one side that looks for its like. */
struct single {
    uint32_t operation, span;
};

enum difference { OWN_TIME, WHOLE_TIME, FAILURE, TOGETHER, LAYER, SUBTREE };

struct difference_found {
    enum difference what;
    uint32_t span[DIFF_SIDES]; /* TCORE_SPAN_NONE: there is none */
    uint32_t number;           /* which one among its siblings of that operation, from 1 */
    double value[DIFF_SIDES];
    int64_t effect_ns;
};

struct pair {
    uint32_t span[DIFF_SIDES];
    uint32_t number;
};

struct pairing {
    const struct diff_both *both;
    const struct trace_build *build;
    const struct diff_options *options;
    struct pair *pair; /* aligned; those behind done are to be looked at; owned */
    uint32_t pairs;
    struct single *single[DIFF_SIDES]; /* owned */
    uint32_t *below[DIFF_SIDES];       /* how many spans each one is with all below it; owned */
    struct difference_found *found;    /* owned */
    uint32_t found_count;
};

static uint32_t operation_of(const struct pairing *p, int side, uint32_t span)
{
    return p->both->number[side][p->both->side[side]->of_span[span]];
}

static int64_t duration_of(const struct pairing *p, int side, uint32_t span)
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
        list[i] = (struct single){operation_of(p, side, child[i]), child[i]};
    if (count > 1)
        qsort(list, count, sizeof *list, by_operation);
    return count;
}

/* Takes what belongs together out of two lists; the rest is moved to their beginnings. */
static void match(struct pairing *p, struct single *base, uint32_t *base_count, struct single *cand,
                  uint32_t *cand_count)
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
            p->pair[p->pairs++] = (struct pair){{base[i++].span, cand[j++].span}, number};
        }
    }
    *base_count = base_left;
    *cand_count = cand_left;
}

static void add_subtree(struct pairing *p, int side, uint32_t span)
{
    struct difference_found *found = add(p, SUBTREE, side == DIFF_BASE ? span : TCORE_SPAN_NONE,
                                         side == DIFF_CAND ? span : TCORE_SPAN_NONE, 1);
    int64_t ns = duration_of(p, side, span);

    found->effect_ns = side == DIFF_CAND ? ns : -ns;
    found->value[side] = 1;
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
        if (has_operation(list, count, operation_of(p, side, tree->children[c])))
            return true;
    return false;
}

/* Takes layers out of the spans of one side that are alone, and what is below them out of those of
 * the other side. */
static void take_layers(struct pairing *p, int side, struct single *alone, uint32_t *count,
                        struct single *others, uint32_t *other_count)
{
    struct single *below = alone + *count; /* there is room for all spans of the side */
    uint32_t left = 0;

    for (uint32_t i = 0; i < *count; i++) {
        uint32_t span = alone[i].span, children;

        if (!covers(p, side, span, others, *other_count)) {
            alone[left++] = alone[i];
            continue;
        }
        struct difference_found *found = add(p, LAYER, side == DIFF_BASE ? span : TCORE_SPAN_NONE,
                                             side == DIFF_CAND ? span : TCORE_SPAN_NONE, 1);
        int64_t ns = p->build[side].self_ns[span];

        found->effect_ns = side == DIFF_CAND ? ns : -ns;
        found->value[side] = 1;
        children = list_children(p, side, span, below);
        if (side == DIFF_CAND)
            match(p, others, other_count, below, &children);
        else
            match(p, below, &children, others, other_count);
        for (uint32_t c = 0; c < children; c++)
            add_subtree(p, side, below[c].span);
    }
    *count = left;
}

static void align_children(struct pairing *p, uint32_t base_span, uint32_t cand_span)
{
    struct single *base = p->single[DIFF_BASE], *cand = p->single[DIFF_CAND];
    uint32_t base_count = list_children(p, DIFF_BASE, base_span, base);
    uint32_t cand_count = list_children(p, DIFF_CAND, cand_span, cand);

    match(p, base, &base_count, cand, &cand_count);
    take_layers(p, DIFF_CAND, cand, &cand_count, base, &base_count);
    take_layers(p, DIFF_BASE, base, &base_count, cand, &cand_count);
    for (uint32_t i = 0; i < base_count; i++)
        add_subtree(p, DIFF_BASE, base[i].span);
    for (uint32_t i = 0; i < cand_count; i++)
        add_subtree(p, DIFF_CAND, cand[i].span);
}

/* --- Two spans */

/* Whether two times differ by more than --min-effect. */
static bool differs(const struct pairing *p, int64_t base_ns, int64_t cand_ns)
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
    int64_t whole[DIFF_SIDES] = {duration_of(p, DIFF_BASE, b), duration_of(p, DIFF_CAND, c)};
    bool own_differs = differs(p, own[0], own[1]), differ = differs(p, whole[0], whole[1]);

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

/* --- Records */

static int by_effect(const void *a, const void *b)
{
    const struct difference_found *x = a, *y = b;
    bool x_follows = x->what == WHOLE_TIME, y_follows = y->what == WHOLE_TIME;
    int64_t x_ns = llabs(x->effect_ns), y_ns = llabs(y->effect_ns);

    if (x_follows != y_follows)
        return x_follows ? 1 : -1;
    if (x_ns != y_ns)
        return x_ns > y_ns ? -1 : 1;
    for (int s = DIFF_SIDES; s-- > 0;)
        if (x->span[s] != y->span[s])
            return x->span[s] < y->span[s] ? -1 : 1;
    return (x->what > y->what) - (x->what < y->what);
}

static void put_change(struct tcore_buf *out, double from_ns, double to_ns)
{
    cli_human_duration(out, from_ns, true);
    tcore_buf_puts(out, " -> ");
    cli_human_duration(out, to_ns, true);
    tcore_buf_puts(out, to_ns < from_ns ? ", -" : ", +");
    cli_human_duration(out, fabs(to_ns - from_ns), true);
}

static void put_message(struct tcore_buf *out, const struct pairing *p,
                        const struct difference_found *found)
{
    int side = found->span[DIFF_CAND] == TCORE_SPAN_NONE ? DIFF_BASE : DIFF_CAND;
    uint32_t span = found->span[side], below;
    const char *change = side == DIFF_CAND ? "appeared" : "vanished";

    tcore_buf_puts(out, p->both->operation[operation_of(p, side, span)].label);
    if (found->number > 1)
        tcore_buf_printf(out, " #%" PRIu32, found->number);
    switch (found->what) {
    case OWN_TIME:
    case WHOLE_TIME:
        tcore_buf_printf(out, "%s is %s: ", found->what == OWN_TIME ? " itself" : "",
                         found->value[1] > found->value[0] ? "slower" : "faster");
        put_change(out, found->value[0], found->value[1]);
        break;
    case FAILURE:
        tcore_buf_puts(out, found->value[1] > 0 ? " fails now" : " does not fail any more");
        break;
    case TOGETHER:
        tcore_buf_puts(out, found->value[1] > 0 ? " calls at the same time now"
                                                : " calls one after the other now");
        break;
    case LAYER:
        tcore_buf_printf(out, " %s, as a layer between others: ", change);
        cli_human_duration(out, fabs((double)found->effect_ns), true);
        break;
    case SUBTREE:
        below = p->below[side][span];
        tcore_buf_printf(out, " %s: %" PRIu32 " span%s, ", change, below, below == 1 ? "" : "s");
        cli_human_duration(out, fabs((double)found->effect_ns), true);
        break;
    }
    tcore_buf_putc(out, '\0');
}

static const char *metric_of(const struct difference_found *found)
{
    static const char *const names[] = {"selfNano",        "durationNano", "errorShare",
                                        "concurrentShare", "callCount",    "callCount"};

    return names[found->what];
}

struct writing {
    struct tcore_json json;
    struct tcore_buf group, message;
};

static uint32_t parent_of(const struct pairing *p, int side, uint32_t span)
{
    uint32_t parent = p->build[side].tree.parent[span];

    return parent == TCORE_SPAN_NONE ? DIFF_NONE : operation_of(p, side, parent);
}

static bool write_one(struct writing *w, const struct pairing *p,
                      const struct difference_found *found, int64_t rank, struct tcore_buf *out)
{
    struct cli_finding finding = CLI_FINDING_EMPTY;
    char trace[DIFF_SIDES][TCORE_TRACE_ID + 1] = {"", ""};
    char span[DIFF_SIDES][TCORE_SPAN_ID + 1] = {"", ""};
    const struct cli_evidence evidence[] = {{trace[DIFF_CAND], span[DIFF_CAND], "cand"},
                                            {trace[DIFF_BASE], span[DIFF_BASE], "base"}};
    int side = found->span[DIFF_CAND] == TCORE_SPAN_NONE ? DIFF_BASE : DIFF_CAND;
    const struct tcore_interval *cand = &p->build[DIFF_CAND].tree.whole;
    struct tcore_buf identity = {0};
    char fingerprint[CLI_FINGERPRINT_BYTES];

    for (int s = 0; s < DIFF_SIDES; s++) {
        if (found->span[s] == TCORE_SPAN_NONE)
            continue;
        tcore_trace_id_digits(p->build[s].rows[0]->stored.trace_id, trace[s]);
        tcore_span_id_digits(p->build[s].spans[found->span[s]].span_id, span[s]);
    }
    tcore_buf_clear(&w->group);
    tcore_buf_clear(&w->message);
    diff_put_group(&w->group, &w->json, p->both, operation_of(p, side, found->span[side]),
                   parent_of(p, side, found->span[side]));
    put_message(&w->message, p, found);
    tcore_buf_printf(&identity, "%s %" PRIu32 " ", metric_of(found), found->number);
    tcore_buf_puts(&identity, w->group.failed ? "" : w->group.data);
    bool made = !w->group.failed && !w->message.failed && !identity.failed &&
                cli_finding_fingerprint("change", identity.data, identity.length, fingerprint);

    tcore_buf_free(&identity);
    if (!made)
        return false;
    finding.kind = "change";
    finding.severity = "info";
    finding.record_type = "span";
    finding.metric_name = metric_of(found);
    finding.group = w->group.data;
    finding.time_ns = tcore_interval_is_known(cand) ? &cand->start_ns : NULL;
    finding.value = found->value[DIFF_CAND];
    finding.expected = found->value[DIFF_BASE];
    finding.rank = rank;
    finding.method = "alignment";
    finding.effect_ns =
        found->what == FAILURE || found->what == TOGETHER ? NAN : (double)found->effect_ns;
    finding.message = w->message.data;
    finding.evidence = evidence;
    finding.evidence_count = sizeof evidence / sizeof *evidence;
    finding.fingerprint = fingerprint;
    cli_finding_write(out, &finding);
    return true;
}

static bool write_all(const struct pairing *p, unsigned depth_limit, struct tcore_buf *out)
{
    struct writing w = {.json = {.depth_limit = depth_limit}};
    bool good = true;

    for (uint32_t i = 0; i < p->found_count && good; i++)
        good = write_one(&w, p, &p->found[i], (int64_t)i + 1, out);
    tcore_json_free(&w.json);
    tcore_buf_free(&w.group);
    tcore_buf_free(&w.message);
    return good;
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

    p->pair = tcore_calloc(base + 1, sizeof *p->pair);
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
                            const struct diff_options *options, struct tcore_buf *out,
                            size_t *found, struct tcore_error *err)
{
    struct pairing p = {.both = both, .build = build, .options = options};
    bool good = open_pairing(&p);

    if (good) {
        align_children(&p, TCORE_SPAN_NONE, TCORE_SPAN_NONE);
        for (uint32_t i = 0; i < p.pairs; i++) {
            compare_spans(&p, &p.pair[i]);
            align_children(&p, p.pair[i].span[DIFF_BASE], p.pair[i].span[DIFF_CAND]);
        }
        if (p.found_count > 1)
            qsort(p.found, p.found_count, sizeof *p.found, by_effect);
        good = write_all(&p, both->side[DIFF_BASE]->keys.json.depth_limit, out);
    }
    *found = p.found_count;
    close_pairing(&p);
    return good ? tcore_buf_status(out, err) : tcore_error_nomem(err);
}
