/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/forecast.h"

#include "base/sys.h"
#include "stats/forecast_parts.h"
#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POWER        4  /* of errors in weights */
#define TRIED        4  /* a count's part that is forecast at most to try */
#define FEW_ORIGINS  12 /* before there are fewer, they come closer to each other */
#define MIN_ORIGINS  4
#define NEAR_NATURAL 20 /* a season within a 20th of a natural one is that one */
#define FAR          3  /* ranges seen, beyond which a forecast has run away */
#define SPIKE        20 /* median distances from the values around, beyond which one is a spike */
#define LONGER_SPARE 40 /* values besides two longer seasons */

/* --- Seasons */

struct tcore_seasons tcore_seasons_choose(size_t count, size_t found, const size_t *natural,
                                          size_t natural_count)
{
    struct tcore_seasons seasons;
    size_t period = found, longer;

    for (size_t i = 0; i < natural_count; i++) {
        size_t off = found > natural[i] ? found - natural[i] : natural[i] - found;

        if (found && off * NEAR_NATURAL <= natural[i])
            period = natural[i];
    }
    if (!period && natural_count && count >= 3 * natural[0])
        period = natural[0];
    longer = period;
    for (size_t i = natural_count; i-- > 0 && period;)
        if (period > natural[i] && period % natural[i] == 0)
            period = natural[i];
    for (size_t i = 0; i < natural_count && period; i++)
        if (natural[i] > longer && natural[i] % period == 0 &&
            count >= 2 * natural[i] + LONGER_SPARE)
            longer = natural[i];
    seasons = (struct tcore_seasons){period, longer};
    return seasons;
}

/* --- The ensemble */

/* A model, and how well it would have done. */
struct member {
    const struct forecast_model *model;
    bool of_logarithms, used;
    double parameter[FORECAST_PARAMETERS];
    double error[TCORE_FORECAST_ORIGINS]; /* sums of the sizes of errors, by origin */
    double *tried;                        /* forecasts, origins x tried steps; owned by ensemble */
    double weight;
};

struct ensemble {
    const double *value;
    size_t count;
    struct forecast_series series[2]; /* in proportion to the largest, and the logarithms */
    double *changed;                  /* of both, and scratch behind them; owned */
    double unit;
    double *scratch;
    struct member member[10];
    size_t members;
    size_t origins, stride, steps; /* what is tried: origins are stride apart */
    double *tried;                 /* owned */
};

static size_t origin_of(const struct ensemble *e, size_t k)
{
    return e->count - e->steps - (e->origins - 1 - k) * e->stride;
}

/* The median of the value and two on both sides; at the ends, where a spike may as well be the
 * beginning of something, the value. */
static double local_median(const double *value, size_t count, size_t i)
{
    double near[5];

    if (i < 2 || i + 2 >= count)
        return value[i];
    memcpy(near, value + i - 2, sizeof near);
    tcore_sort_doubles(near, 5);
    return near[2];
}

/*
 * Takes lone spikes out of what models learn from: values far from those around them, where those a
 * season before and after are not. scratch: 2 count values.
 */
static void tame(double *value, size_t count, size_t period, double *scratch)
{
    double *apart = scratch, *size = scratch + count;

    for (size_t i = 0; i < count; i++) {
        apart[i] = value[i] - local_median(value, count, i);
        size[i] = fabs(apart[i]);
    }
    tcore_sort_doubles(size, count);
    double limit = SPIKE * tcore_median(size, count);

    for (size_t i = 0; i < count && limit > 0; i++) {
        bool alone = fabs(apart[i]) > limit;

        if (period && i >= period)
            alone = alone && fabs(apart[i - period]) < fabs(apart[i]) / 2;
        if (period && i + period < count)
            alone = alone && fabs(apart[i + period]) < fabs(apart[i]) / 2;
        if (alone)
            value[i] -= apart[i];
    }
}

/* Where forecasts are tried: in the last half, from as many places as there may be. */
static void plan(struct ensemble *e, size_t steps)
{
    size_t most = e->count / TRIED;

    e->steps = steps < most ? steps : most;
    e->stride = e->steps / 4 ? e->steps / 4 : 1;
    e->origins = TCORE_FORECAST_ORIGINS;
    while (e->origins > MIN_ORIGINS && (e->origins - 1) * e->stride + e->steps > e->count / 2) {
        if (e->stride > 1 && e->origins <= FEW_ORIGINS)
            e->stride--;
        else
            e->origins--;
    }
}

static void add_members(struct ensemble *e, bool positive)
{
    static const struct forecast_model *const models[] = {
        &forecast_naive,  &forecast_longer, &forecast_theta,
        &forecast_values, &forecast_rest,   &forecast_differences,
    };
    const size_t alike = 2; /* the naive ones are the same of logarithms */

    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        e->member[e->members++] = (struct member){.model = models[i]};
        if (positive && i >= alike)
            e->member[e->members++] = (struct member){.model = models[i], .of_logarithms = true};
    }
}

static enum tcore_status set_up(struct ensemble *e, const struct tcore_seasons *seasons,
                                size_t steps, struct tcore_error *err)
{
    const struct forecast_series like = {NULL, e->count, seasons->period, seasons->longer};
    bool positive = true;

    plan(e, steps);
    e->changed =
        tcore_reallocarray(NULL, 2 * e->count + forecast_scratch(&like), sizeof *e->changed);
    if (!e->changed)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < e->count; i++) {
        e->unit = fmax(e->unit, fabs(e->value[i]));
        positive &= e->value[i] > 0;
    }
    e->unit = e->unit > 0 ? e->unit : 1;
    for (size_t i = 0; i < e->count; i++)
        e->changed[i] = e->value[i] / e->unit;
    tame(e->changed, e->count, seasons->period, e->changed + e->count);
    for (size_t i = 0; i < e->count; i++)
        e->changed[e->count + i] = positive ? log(e->changed[i]) : 0;
    e->series[0] = e->series[1] = like;
    e->series[0].value = e->changed;
    e->series[1].value = e->changed + e->count;
    e->scratch = e->changed + 2 * e->count;
    add_members(e, positive);
    e->tried = tcore_reallocarray(NULL, e->members * e->origins * e->steps, sizeof *e->tried);
    for (size_t i = 0; i < e->members && e->tried; i++)
        e->member[i].tried = e->tried + i * e->origins * e->steps;
    return e->tried ? TCORE_OK : tcore_error_nomem(err);
}

/* In the series' unit. False: something is no number. */
static bool predict(const struct ensemble *e, const struct member *m, size_t count, size_t steps,
                    double *out)
{
    bool finite = true;

    m->model->predict(&e->series[m->of_logarithms], count, m->parameter, steps, out, e->scratch);
    for (size_t i = 0; i < steps; i++) {
        out[i] = m->of_logarithms ? exp(out[i]) : out[i];
        finite &= isfinite(out[i]);
    }
    return finite;
}

static void try_member(struct ensemble *e, struct member *m)
{
    size_t first = origin_of(e, 0);

    m->used = m->model->fit(&e->series[m->of_logarithms], first, m->parameter, e->scratch);
    for (size_t k = 0; k < e->origins && m->used; k++) {
        const double *real = e->value + origin_of(e, k);
        double *forecast = m->tried + k * e->steps;

        m->used = predict(e, m, origin_of(e, k), e->steps, forecast);
        for (size_t i = 0; i < e->steps; i++)
            m->error[k] += fabs(real[i] / e->unit - forecast[i]);
    }
}

/* Whether the forecasts from two origins have steps in common. */
static bool overlap(const struct ensemble *e, size_t a, size_t b)
{
    return (a > b ? a - b : b - a) * e->stride < e->steps;
}

/*
 * Weights by the errors at all origins, or without those whose forecasts overlap the one of origin
 * number without, if this leaves any. Where some models make no errors at all, these share the
 * weight.
 */
static void weigh(struct ensemble *e, size_t without)
{
    double least = INFINITY, sum = 0;
    bool all = overlap(e, without, 0) && overlap(e, without, e->origins - 1);

    all |= without == e->origins;
    for (size_t i = 0; i < e->members; i++) {
        struct member *m = &e->member[i];

        m->weight = 0;
        for (size_t k = 0; k < e->origins; k++)
            m->weight += all || !overlap(e, k, without) ? m->error[k] : 0;
        if (m->used)
            least = fmin(least, m->weight);
    }
    for (size_t i = 0; i < e->members; i++) {
        struct member *m = &e->member[i];

        if (m->used)
            m->weight = least > 0 ? pow(least / m->weight, POWER) : m->weight == 0;
        else
            m->weight = 0;
        sum += m->weight;
    }
    for (size_t i = 0; i < e->members; i++)
        e->member[i].weight /= sum;
}

static enum tcore_status find_errors(struct ensemble *e, struct tcore_conformal *conformal,
                                     struct tcore_error *err)
{
    double *error = tcore_calloc(e->origins * e->steps, sizeof *error);

    if (!error)
        return tcore_error_nomem(err);
    for (size_t k = 0; k < e->origins; k++) {
        const double *real = e->value + origin_of(e, k);
        double *off = error + k * e->steps;

        weigh(e, k);
        for (size_t j = 0; j < e->members; j++)
            for (size_t i = 0; i < e->steps && e->member[j].used; i++)
                off[i] += e->member[j].weight * e->unit *
                          (real[i] / e->unit - e->member[j].tried[k * e->steps + i]);
    }
    enum tcore_status status =
        tcore_conformal_make(conformal, error, e->origins, e->steps, e->stride, err);

    tcore_free(error);
    return status;
}

/* --- The forecast */

/* How far from the last value is too far to be believed, in the series' unit. */
static double reach(const struct ensemble *e, size_t steps)
{
    const double *value = e->series[0].value;
    double low = value[0], high = value[0];

    for (size_t i = 1; i < e->count; i++) {
        low = fmin(low, value[i]);
        high = fmax(high, value[i]);
    }
    return FAR * (high - low) * (1 + (double)steps / (double)e->count);
}

/* out: room for steps values. */
static void combine(struct ensemble *e, struct tcore_forecast *forecast, double *out)
{
    double last = e->series[0].value[e->count - 1], far = reach(e, forecast->steps), sum = 0;

    for (size_t j = 0; j < e->members; j++) {
        struct member *m = &e->member[j];
        bool sane = m->weight > 0 &&
                    m->model->fit(&e->series[m->of_logarithms], e->count, m->parameter, e->scratch);

        sane = sane && predict(e, m, e->count, forecast->steps, out);
        for (size_t i = 0; i < forecast->steps && sane; i++)
            sane = fabs(out[i] - last) <= far;
        if (!sane)
            continue;
        for (size_t i = 0; i < forecast->steps; i++)
            forecast->value[i] += m->weight * (out[i] - last);
        sum += m->weight;
    }
    for (size_t i = 0; i < forecast->steps; i++) {
        double rise = sum > 0 ? forecast->value[i] / sum : 0;

        forecast->value[i] = fmax(forecast->floor, (last + rise) * e->unit);
    }
}

static double floor_of(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] < 0)
            return -INFINITY;
    return 0;
}

enum tcore_status tcore_forecast(const double *values, size_t count,
                                 const struct tcore_seasons *seasons, size_t steps,
                                 struct tcore_forecast *forecast, struct tcore_error *err)
{
    struct ensemble e = {.value = values, .count = count};
    enum tcore_status status = set_up(&e, seasons, steps, err);

    *forecast = (struct tcore_forecast){.steps = steps, .floor = floor_of(values, count)};
    double *out = tcore_reallocarray(NULL, steps, sizeof *out);

    forecast->value = tcore_calloc(steps, sizeof *forecast->value);
    if (status == TCORE_OK && (!out || !forecast->value))
        status = tcore_error_nomem(err);
    for (size_t i = 0; i < e.members && status == TCORE_OK; i++)
        try_member(&e, &e.member[i]);
    if (status == TCORE_OK)
        status = find_errors(&e, &forecast->error, err);
    if (status == TCORE_OK) {
        weigh(&e, e.origins);
        combine(&e, forecast, out);
    } else {
        tcore_forecast_free(forecast);
    }
    tcore_free(out);
    tcore_free(e.changed);
    tcore_free(e.tried);
    return status;
}

void tcore_forecast_free(struct tcore_forecast *forecast)
{
    tcore_conformal_free(&forecast->error);
    tcore_free(forecast->value);
    *forecast = (struct tcore_forecast){0};
}

double tcore_forecast_quantile(const struct tcore_forecast *forecast, size_t step, double q)
{
    return fmax(forecast->floor,
                forecast->value[step] + tcore_conformal_bound(&forecast->error, step, q));
}

double tcore_forecast_probability(const struct tcore_forecast *forecast, size_t step, double value)
{
    return tcore_conformal_probability(&forecast->error, step, value - forecast->value[step]);
}
