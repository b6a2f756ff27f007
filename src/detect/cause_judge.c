/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Measurements into parts, and parts into scores.
 *
 * Times are compared by their logarithms with a floor of a hundredth of a trace added, so that a
 * ratio counts as much as it matters; Welch's z tells a difference from chance. An edge's part
 * counts for the service that is called, somewhat less than for the edge itself, and half for the
 * caller: a service that all its edges are slow with is found so, and one slow edge is itself.
 */
#include <config.h>

#include "detect/cause.h"

#include "base/sys.h"
#include "stats/order.h"

#include <math.h>
#include <string.h>

#define LEAST_TIMES  2    /* measurements on a side */
#define LEAST_Z      5.0  /* beyond what hundreds of comparisons give by chance */
#define LEAST_RATIO  0.22 /* logarithm: a quarter more */
#define LEAST_SPREAD 0.25 /* of logarithms: a few that are alike are no proof of how alike */
#define LEAST_ERRORS 0.01 /* fraction more */
#define FASTER_WEIGHT                                                                              \
    0.25 /* work that is left out shows as time, but most of what is faster is not                 \
            to blame */
#define CALLS_WEIGHT  0.5
#define CALLEE_SHARE  0.9
#define CALLER_SHARE  0.5
#define SYMPTOM_SHARE 0.2 /* of a metric that is off at a callee, too */
#define PEER_SHARE    0.3 /* of who is known from its callers only */

/* --- Times */

static double mean_log(const struct cause_sums *s)
{
    return s->logs / (double)s->count;
}

static double variance(const struct cause_sums *s)
{
    double mean = mean_log(s), n = (double)s->count;
    double v = n > 1 ? (s->squares - n * mean * mean) / (n - 1) : 0;

    return fmax(v, LEAST_SPREAD * LEAST_SPREAD);
}

static struct cause_part part_of(const struct cause_measure *m, enum cause_evidence evidence)
{
    return (struct cause_part){.evidence = evidence,
                               .entity = m->entity,
                               .other = CAUSE_NONE,
                               .series = CAUSE_NONE,
                               .p_value = NAN,
                               .effect_ns = NAN,
                               .example = m->slowest};
}

static bool judge_times(struct cause *c, const struct cause_measure *m)
{
    const struct cause_sums *base = &m->side[CAUSE_BASE], *cand = &m->side[CAUSE_CAND];

    if (base->count < LEAST_TIMES || cand->count < LEAST_TIMES)
        return true;
    double ratio = mean_log(cand) - mean_log(base);
    double z =
        ratio / sqrt(variance(base) / (double)base->count + variance(cand) / (double)cand->count);

    if (fabs(z) < LEAST_Z || fabs(ratio) < LEAST_RATIO)
        return true;
    if (m->kind == CAUSE_NETWORK && ratio < 0)
        return true;
    struct cause_part part = part_of(
        m, m->kind == CAUSE_NETWORK ? CAUSE_SLOW_EDGE : (ratio > 0 ? CAUSE_SLOWER : CAUSE_FASTER));

    part.before = base->ns / (double)base->count;
    part.now = cand->ns / (double)cand->count;
    part.weight = ratio > 0 ? ratio : -ratio * FASTER_WEIGHT;
    part.p_value = tcore_normal_tail(fabs(z));
    if (c->traces[CAUSE_CAND])
        part.effect_ns =
            (part.now - part.before) * (double)cand->count / (double)c->traces[CAUSE_CAND];
    return cause_add_part(c, &part);
}

/* --- Errors and calls */

static bool judge_errors(struct cause *c, const struct cause_measure *m)
{
    const struct cause_sums *base = &m->side[CAUSE_BASE], *cand = &m->side[CAUSE_CAND];

    if (!cand->errors)
        return true;
    double n0 = (double)base->count, n1 = (double)cand->count;
    double before = n0 > 0 ? (double)base->errors / n0 : 0, now = (double)cand->errors / n1;
    double pooled = (double)(base->errors + cand->errors + 1) / (n0 + n1 + 2);
    double z = (now - before) / sqrt(pooled * (1 - pooled) * (1 / fmax(n0, 1) + 1 / n1));

    /* of an operation that is new all that is known is that it fails */
    if (now - before < LEAST_ERRORS || (n0 > 0 ? z < LEAST_Z - 1 : cand->errors < 3))
        return true;
    struct cause_part part = part_of(m, m->kind == CAUSE_NETWORK ? CAUSE_EDGE_FAILS : CAUSE_FAILS);

    part.before = before;
    part.now = now;
    part.weight = log((now + LEAST_ERRORS) / (before + LEAST_ERRORS));
    part.p_value = n0 > 0 ? tcore_normal_tail(z) : NAN;
    part.example = m->failed;
    return cause_add_part(c, &part);
}

/* How often an execution of the caller leads to the call; whoever is not called itself does not
 * matter then. */
static bool judge_calls(struct cause *c, const struct cause_measure *m)
{
    const struct cause_measure *caller = cause_measure_find(c, CAUSE_SELF, m->by, CAUSE_NONE);

    if (!caller)
        return true;
    double n0 = (double)caller->side[CAUSE_BASE].count;
    double n1 = (double)caller->side[CAUSE_CAND].count;
    double calls0 = (double)m->side[CAUSE_BASE].count, calls1 = (double)m->side[CAUSE_CAND].count;

    if (n0 < LEAST_TIMES || n1 < LEAST_TIMES)
        return true;
    double before = calls0 / n0, now = calls1 / n1;
    double z = (now - before) / sqrt((calls0 + 1) / (n0 * n0) + (calls1 + 1) / (n1 * n1));
    bool fewer = z < -LEAST_Z && now < before / 2;
    bool more = z > LEAST_Z && now > 2 * before;

    if (!fewer && !more)
        return true;
    struct cause_part part = part_of(m, fewer ? CAUSE_FEWER_CALLS : CAUSE_MORE_CALLS);
    double ratio = log((now + 0.01) / (before + 0.01));

    part.entity = m->by;
    part.other = m->entity;
    part.before = before;
    part.now = now;
    part.weight = fabs(ratio) * (fewer ? CALLS_WEIGHT : CALLS_WEIGHT / 2);
    part.p_value = tcore_normal_tail(fabs(z));
    if (fewer)
        part.example = caller->slowest;
    return cause_add_part(c, &part);
}

enum tcore_status cause_judge_spans(struct cause *c, struct tcore_error *err)
{
    bool good = true;

    for (uint32_t i = 0; good && i < c->measure_keys.count; i++) {
        const struct cause_measure *m = &c->measure[i];

        if (m->kind == CAUSE_CALLS)
            good = judge_calls(c, m);
        else if (m->kind != CAUSE_POD)
            good = judge_times(c, m) && judge_errors(c, m);
    }
    return good ? TCORE_OK : tcore_error_nomem(err);
}

/* --- Scores */

static int compare_keys(const struct tcore_map_key *a, const struct tcore_map_key *b)
{
    int order = memcmp(a->data, b->data, a->length < b->length ? a->length : b->length);

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Which of two parts is stronger; of equals, that of the first name. */
static bool is_stronger(const struct cause *c, const struct cause_part *a,
                        const struct cause_part *b)
{
    const struct tcore_map_key *keys = c->entity_keys.keys;

    if (a->weight != b->weight)
        return a->weight > b->weight;
    if (a->evidence != b->evidence)
        return a->evidence < b->evidence;
    int order = compare_keys(&keys[a->entity], &keys[b->entity]);

    if (!order && a->other != CAUSE_NONE && b->other != CAUSE_NONE)
        order = compare_keys(&keys[a->other], &keys[b->other]);
    return order ? order < 0 : a->series < b->series;
}

static void add(struct cause *c, uint32_t entity, uint32_t part, double weight)
{
    struct cause_entity *e = &c->entity[entity];

    e->score += cause_exact(weight);
    e->parts++;
    if (e->best == CAUSE_NONE || is_stronger(c, &c->part[part], &c->part[e->best]))
        e->best = part;
}

static const char *metric_of(const struct cause *c, const struct cause_part *part)
{
    return c->table.name[part->series].metric_name;
}

/* Whether a service that this one calls has a part of the same metric. */
static bool is_symptom(const struct cause *c, const struct cause_part *part)
{
    uint32_t service = c->entity[part->entity].owner;

    for (uint32_t i = 0; i < c->entity_keys.count; i++) {
        const struct cause_entity *edge = &c->entity[i];

        if (edge->type != CAUSE_EDGE || edge->owner != service || edge->target == service ||
            c->entity[edge->target].peer)
            continue;
        for (uint32_t p = 0; p < c->parts; p++) {
            const struct cause_part *other = &c->part[p];

            if (other->evidence == CAUSE_METRIC && c->entity[other->entity].owner == edge->target &&
                other->weight >= part->weight / 2 &&
                strcmp(metric_of(c, other), metric_of(c, part)) == 0)
                return true;
        }
    }
    return false;
}

static void score_metric(struct cause *c, uint32_t number)
{
    const struct cause_part *part = &c->part[number];
    const struct cause_entity *e = &c->entity[part->entity];
    double weight = part->weight;

    if (!c->series[part->series].load && is_symptom(c, part))
        weight *= SYMPTOM_SHARE;
    if (c->entity[e->owner].peer)
        weight *= PEER_SHARE;
    add(c, part->entity, number, 0);
    c->entity[part->entity].metric_squares += cause_exact(weight * weight);
    if (e->owner != part->entity) {
        add(c, e->owner, number, 0);
        c->entity[e->owner].metric_squares += cause_exact(weight * weight);
    }
}

/* Of several instances the one that is slower than the service is on the whole: it is what is
 * wrong, and not the service. */
static void score_instance(struct cause *c, const struct cause_measure *m)
{
    const struct cause_measure *all = cause_measure_find(c, CAUSE_SELF, m->by, CAUSE_NONE);
    const struct cause_entity *operation = &c->entity[m->by];

    if (!all || operation->best == CAUSE_NONE || c->part[operation->best].entity != m->by ||
        c->entity[operation->owner].pods < 2)
        return;
    const struct cause_sums *mine = &m->side[CAUSE_CAND], *base = &all->side[CAUSE_BASE];
    struct cause_sums rest = all->side[CAUSE_CAND];
    double share = (double)mine->errors / (double)(rest.errors ? rest.errors : 1);
    const struct cause_part *part = &c->part[operation->best];

    rest.count -= mine->count;
    rest.logs -= mine->logs;
    if (part->evidence == CAUSE_FAILS && share > 0.8) {
        add(c, m->entity, operation->best, part->weight * 1.1);
    } else if (part->evidence == CAUSE_SLOWER && mine->count >= LEAST_TIMES && rest.count &&
               base->count) {
        double own = mean_log(mine) - mean_log(base), others = mean_log(&rest) - mean_log(base);

        if (own > LEAST_RATIO && others < own / 4)
            add(c, m->entity, operation->best, own * 1.1);
    }
}

void cause_score(struct cause *c)
{
    for (uint32_t i = 0; i < c->parts; i++) {
        const struct cause_part *part = &c->part[i];
        const struct cause_entity *e = &c->entity[part->entity];

        if (part->evidence == CAUSE_METRIC) {
            score_metric(c, i);
            continue;
        }
        add(c, part->entity, i, part->weight);
        if (e->type == CAUSE_EDGE) {
            add(c, e->target, i, part->weight * CALLEE_SHARE);
            add(c, e->owner, i, part->weight * CALLER_SHARE);
        } else if (e->owner != part->entity) {
            add(c, e->owner, i, part->weight);
        }
    }
    for (uint32_t i = 0; i < c->measure_keys.count; i++)
        if (c->measure[i].kind == CAUSE_POD)
            score_instance(c, &c->measure[i]);
    for (uint32_t i = 0; i < c->entity_keys.count; i++)
        c->entity[i].score += sqrt(c->entity[i].metric_squares);
}
