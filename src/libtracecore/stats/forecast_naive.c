/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forecasts that repeat what was: the last season, and the last longer one. */
#include "stats/forecast_parts.h"

static bool fit_naive(const struct forecast_series *s, size_t count, double *parameter,
                      double *scratch)
{
    (void)parameter;
    (void)scratch;
    return count > s->period;
}

static bool fit_longer(const struct forecast_series *s, size_t count, double *parameter,
                       double *scratch)
{
    (void)parameter;
    (void)scratch;
    return s->longer > s->period && count > s->longer;
}

static void repeat(const double *value, size_t count, size_t period, size_t steps, double *out)
{
    for (size_t i = 0; i < steps; i++)
        out[i] = period ? value[count - period + i % period] : value[count - 1];
}

static void predict_naive(const struct forecast_series *s, size_t count, const double *parameter,
                          size_t steps, double *out, double *scratch)
{
    (void)parameter;
    (void)scratch;
    repeat(s->value, count, s->period, steps, out);
}

static void predict_longer(const struct forecast_series *s, size_t count, const double *parameter,
                           size_t steps, double *out, double *scratch)
{
    (void)parameter;
    (void)scratch;
    repeat(s->value, count, s->longer, steps, out);
}

const struct forecast_model forecast_naive = {fit_naive, predict_naive};
const struct forecast_model forecast_longer = {fit_longer, predict_longer};
