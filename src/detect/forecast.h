/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-detect forecast: forecast.c is the verb, forecast_report.c writes what was forecast of a
 * series. */
#ifndef DETECT_FORECAST_H
#define DETECT_FORECAST_H

#include "detect/look_back.h"
#include "detect/outlook.h"

struct forecast_options {
    struct cli_strings stats, by, quantiles;
    const char *horizon;
    double interval;
    double above, below; /* NaN: not given */
    int64_t step_ns;
    bool last, exit_code;
};

struct forecast {
    struct look_back back; /* first: its histories are what the operator takes in with */
    struct cli *cli;
    const struct forecast_options *options;
    struct outlook_horizon horizon;
    double *quantile; /* owned */
    size_t quantiles;
    size_t too_far; /* series */
    uint64_t found; /* forecasts that pass a limit */
};

/* Writes the findings of one series: its forecast, or when it passes a limit. */
enum tcore_status forecast_report(struct forecast *f, uint32_t series, const struct grid *grid,
                                  const struct tcore_forecast *forecast, struct tcore_buf *out,
                                  struct tcore_error *err);

#endif
