/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Metrics and logs. A metric's level is compared with the base's by a robust z: the difference of
 * medians over the spread of the base, which has a floor, as a constant has none. A template of a
 * log is evidence when it is new or gone, given how much the service logs at all.
 */
#include <config.h>

#include "detect/cause.h"

#include "base/sys.h"
#include "detect/columns.h"
#include "cli/template.h"
#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST_BASE 4     /* points that make a level */
#define LEAST_Z       5.0   /* of a metric */
#define FLOOR_LEVEL   0.001 /* of the spread, of the level before */
#define FLOOR_STEP    0.05  /* of the difference: what was constant has a z of 20 at most */
#define LOAD_WEIGHT   0.25  /* of what counts arrivals */
#define RECENT_POINTS 3
#define LEAST_NEW     3  /* records of a new template */
#define LEAST_LOST    10 /* of one that is gone, as they were to be expected */

enum cause_side cause_side_of(const struct cause *c, uint8_t input, int64_t ns)
{
    if (c->two_inputs)
        return input ? CAUSE_CAND : CAUSE_BASE;
    return ns >= c->at_ns ? CAUSE_CAND : CAUSE_BASE;
}

static enum tcore_status count_kept(struct cause *c, struct tcore_error *err)
{
    if (c->kept++ == c->kept_limit)
        return tcore_error_set(err, TCORE_FATAL,
                               "more points and logs than --memory has room for (%zu)",
                               c->kept_limit);
    return TCORE_OK;
}

/* --- Metrics */

struct intake_series *cause_get_series(void *cause, uint32_t series)
{
    struct cause *c = cause;

    if (series >= c->series_capacity) {
        size_t capacity = series < 32 ? 64 : (size_t)series * 2;
        struct cause_series *all = tcore_reallocarray(c->series, capacity, sizeof *all);

        if (!all)
            return NULL;
        memset(all + c->series_capacity, 0, (capacity - c->series_capacity) * sizeof *all);
        c->series = all;
        c->series_capacity = capacity;
    }
    return &c->series[series].in;
}

enum tcore_status cause_keep_point(void *cause, const struct tcore_batch *batch, size_t row,
                                   uint32_t series, const struct intake_point *point,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    struct cause *c = cause;
    struct cause_series *s = &c->series[series];

    (void)out;
    if (!point->timed && !c->two_inputs) {
        c->without_time++;
        return TCORE_OK;
    }
    if (!s->count) {
        s->entity = c->metric_entity;
        s->load = column_is(batch, c->metric_type, row, "counter");
    }
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 16;
        struct cause_point *all = tcore_reallocarray(s->point, capacity, sizeof *all);

        if (!all)
            return tcore_error_nomem(err);
        s->point = all;
        s->capacity = capacity;
    }
    s->point[s->count++] =
        (struct cause_point){.value = point->value, .ns = point->ns, .input = c->input};
    return count_kept(c, err);
}

/* How far values spread: of normal ones the standard deviation. The tails count, too, as many
 * metrics are the same most of the time. */
static double spread_of(const double *sorted, size_t count)
{
    double quartiles = tcore_quantile(sorted, count, .75) - tcore_quantile(sorted, count, .25);
    double tails = tcore_quantile(sorted, count, .95) - tcore_quantile(sorted, count, .05);

    return fmax(quartiles / 1.349, tails / 3.29);
}

/* Values of a series by side. */
struct levels {
    double *value[CAUSE_SIDES];
    size_t count[CAUSE_SIDES];
    double median[CAUSE_SIDES];
};

static void divide_points(const struct cause *c, const struct cause_series *s, struct levels *of)
{
    of->count[CAUSE_BASE] = of->count[CAUSE_CAND] = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct cause_point *p = &s->point[i];
        enum cause_side side = cause_side_of(c, p->input, p->ns);

        if (isfinite(p->value))
            of->value[side][of->count[side]++] = p->value;
    }
    for (int side = 0; side < CAUSE_SIDES; side++) {
        tcore_sort_doubles(of->value[side], of->count[side]);
        of->median[side] = of->count[side] ? tcore_median(of->value[side], of->count[side]) : NAN;
    }
}

static int compare_points(const void *left, const void *right)
{
    const struct cause_point *a = left, *b = right;

    if (a->ns != b->ns)
        return a->ns < b->ns ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

/* Of the base's last points before the candidate's first the one nearest to the base's level, as an
 * alarm may be late; NaN: there are none. Sorts the points. */
static double level_just_before(const struct cause *c, struct cause_series *s, double base)
{
    double nearest = NAN;
    size_t first = 0;

    qsort(s->point, s->count, sizeof *s->point, compare_points);
    while (first < s->count &&
           cause_side_of(c, s->point[first].input, s->point[first].ns) == CAUSE_BASE)
        first++;
    for (size_t i = first > RECENT_POINTS ? first - RECENT_POINTS : 0; i < first; i++)
        if (isnan(nearest) || fabs(s->point[i].value - base) < fabs(nearest - base))
            nearest = s->point[i].value;
    return nearest;
}

/* How far the level is from both the base's and the one just before: what was off before it began
 * is not what began. A level that has wandered may do so again, so that *spread grows by that. */
static double step_of(struct cause *c, struct cause_series *s, const struct levels *of,
                      double *spread)
{
    double step = of->median[CAUSE_CAND] - of->median[CAUSE_BASE];
    double recent = level_just_before(c, s, of->median[CAUSE_BASE]);

    if (isnan(recent))
        return fabs(step);
    double since = of->median[CAUSE_CAND] - recent;

    *spread = hypot(*spread, recent - of->median[CAUSE_BASE]);
    return step * since > 0 ? fmin(fabs(step), fabs(since)) : 0;
}

static bool judge_series(struct cause *c, uint32_t series, struct levels *of)
{
    struct cause_series *s = &c->series[series];

    divide_points(c, s, of);
    if (of->count[CAUSE_BASE] < SHORTEST_BASE || !of->count[CAUSE_CAND])
        return true;
    double before = of->median[CAUSE_BASE];
    double spread = spread_of(of->value[CAUSE_BASE], of->count[CAUSE_BASE]);
    double step = step_of(c, s, of, &spread);
    double floor = FLOOR_LEVEL * fabs(before) + FLOOR_STEP * step;
    /* about what Student's t asks for, far out, of a spread that few points tell */
    double z = step / fmax(spread, floor) / (1 + 10 / (double)of->count[CAUSE_BASE]);

    if (!(step > 0 && z >= LEAST_Z))
        return true;
    struct cause_part part = {
        .evidence = CAUSE_METRIC,
        .entity = s->entity,
        .other = CAUSE_NONE,
        .series = series,
        .weight = fmin(log(z) / 2, 3) * (s->load ? LOAD_WEIGHT : 1),
        .before = before,
        .now = of->median[CAUSE_CAND],
        .p_value = NAN,
        .effect_ns = NAN,
    };

    return cause_add_part(c, &part);
}

enum tcore_status cause_judge_metrics(struct cause *c, struct tcore_error *err)
{
    size_t longest = 1;
    bool good = true;

    for (size_t i = 0; i < series_count(&c->table); i++)
        longest = c->series[i].count > longest ? c->series[i].count : longest;
    struct levels of = {0};

    for (int side = 0; good && side < CAUSE_SIDES; side++) {
        of.value[side] = tcore_reallocarray(NULL, longest, sizeof **of.value);
        good = of.value[side];
    }
    for (uint32_t i = 0; good && i < series_count(&c->table); i++)
        if (c->series[i].count)
            good = judge_series(c, i, &of);
    for (int side = 0; side < CAUSE_SIDES; side++)
        tcore_free(of.value[side]);
    return good ? TCORE_OK : tcore_error_nomem(err);
}

/* --- Logs */

static bool is_severe(struct tcore_value severity)
{
    static const char *const severe[] = {"warn", "error", "fatal"};

    for (size_t i = 0; i < sizeof severe / sizeof *severe; i++)
        if (tcore_value_is_text(&severity, severe[i]))
            return true;
    return false;
}

/* The number of the template of this entity; TCORE_MAP_NONE: no memory. */
static uint32_t find_template(struct cause *c, uint32_t entity, struct tcore_value body)
{
    uint32_t most = 4096;
    struct tcore_slice text = {body.s, body.len < most ? body.len : most};
    bool added;

    tcore_buf_clear(&c->key);
    tcore_buf_append(&c->key, &entity, sizeof entity);
    template_message(&c->key, text);
    uint32_t number = c->key.failed
                          ? TCORE_MAP_NONE
                          : tcore_map_intern(&c->templates, c->key.data, c->key.length, &added);
    if (number == TCORE_MAP_NONE || !added)
        return number;
    if (!cause_grow((void **)&c->template_entity, number, &c->template_capacity,
                    sizeof *c->template_entity))
        return TCORE_MAP_NONE;
    c->template_entity[number] = entity;
    return number;
}

static bool keep_log(struct cause *c, const struct cause_log *log)
{
    if (c->logs == c->log_capacity) {
        size_t capacity = c->log_capacity ? c->log_capacity * 2 : 256;
        struct cause_log *all = tcore_reallocarray(c->log, capacity, sizeof *all);

        if (!all)
            return false;
        c->log = all;
        c->log_capacity = capacity;
    }
    c->log[c->logs++] = *log;
    return true;
}

enum tcore_status cause_take_log(struct cause *c, const struct tcore_batch *batch, size_t row,
                                 struct tcore_error *err)
{
    struct tcore_value body = column_value(batch, c->body, row);
    struct cause_log log = {.input = c->input,
                            .severe = is_severe(column_value(batch, c->severity, row))};
    char trace_id[TCORE_TRACE_ID + 1];
    bool nothing;
    uint32_t entity = cause_entity_of_row(c, batch, row, &nothing);

    if (nothing || body.kind != TCORE_STRING) {
        c->without_entity++;
        return TCORE_OK;
    }
    if (entity == CAUSE_NONE)
        return tcore_error_nomem(err);
    if (!column_ns(batch, c->time, row, &log.ns) && !c->two_inputs) {
        c->without_time++;
        return TCORE_OK;
    }
    log.template = find_template(c, c->entity[entity].owner, body);
    if (log.template == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    column_id(batch, c->trace_id, row, TCORE_TRACE_ID, trace_id);
    if (*trace_id)
        tcore_trace_id_numbers(trace_id, log.trace_id);
    return keep_log(c, &log) ? count_kept(c, err) : tcore_error_nomem(err);
}

struct log_count {
    uint64_t side[CAUSE_SIDES];
    bool severe;
    uint64_t trace_id[2]; /* of the candidate */
};

static bool judge_template(struct cause *c, uint32_t number, const struct log_count *count,
                           const struct log_count *all)
{
    double share = (double)all->side[CAUSE_CAND] / (double)all->side[CAUSE_BASE];
    double expected = (double)count->side[CAUSE_BASE] * share;
    struct cause_part part = {
        .entity = c->template_entity[number],
        .other = CAUSE_NONE,
        .series = number,
        .before = (double)count->side[CAUSE_BASE],
        .now = (double)count->side[CAUSE_CAND],
        .p_value = NAN,
        .effect_ns = NAN,
        .example = {.trace_id = {count->trace_id[0], count->trace_id[1]}, .size = 1},
    };

    if (!count->side[CAUSE_BASE] && count->side[CAUSE_CAND] >= LEAST_NEW) {
        part.evidence = CAUSE_NEW_LOG;
        part.weight = fmin(log(1 + part.now) / 2, 2) * (count->severe ? 1 : 0.5);
    } else if (!count->side[CAUSE_CAND] && expected >= LEAST_LOST) {
        part.evidence = CAUSE_LOST_LOG;
        part.weight = fmin(log(expected) / 4, 1);
    } else {
        return true;
    }
    return cause_add_part(c, &part);
}

enum tcore_status cause_judge_logs(struct cause *c, struct tcore_error *err)
{
    size_t templates = c->templates.count, entities = c->entity_keys.count;
    struct log_count *count = tcore_calloc(templates + 1, sizeof *count);
    struct log_count *all = tcore_calloc(entities + 1, sizeof *all);
    bool good = count && all;

    for (size_t i = 0; good && i < c->logs; i++) {
        const struct cause_log *log = &c->log[i];
        enum cause_side side = cause_side_of(c, log->input, log->ns);
        struct log_count *of = &count[log->template];

        of->side[side]++;
        of->severe |= log->severe;
        if (side == CAUSE_CAND && !of->trace_id[0] && !of->trace_id[1])
            memcpy(of->trace_id, log->trace_id, sizeof of->trace_id);
        all[c->template_entity[log->template]].side[side]++;
    }
    for (uint32_t i = 0; good && i < templates; i++) {
        const struct log_count *of = &all[c->template_entity[i]];

        /* who did not log before is new, or was not listened to */
        if (of->side[CAUSE_BASE] && of->side[CAUSE_CAND])
            good = judge_template(c, i, &count[i], of);
    }
    tcore_free(count);
    tcore_free(all);
    return good ? TCORE_OK : tcore_error_nomem(err);
}

void cause_series_free(struct cause *c)
{
    for (size_t i = 0; i < c->series_capacity; i++)
        tcore_free(c->series[i].point);
    tcore_free(c->series);
    tcore_free(c->template_entity);
    tcore_free(c->log);
    intake_free(&c->intake);
    series_free(&c->table);
}
