/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From forecasts to findings. timeUnixNano is the end of the history, since event time must not run
 * ahead; horizonNano says how far beyond it the forecast is.
 */
#include <config.h>

#include "detect/forecast.h"

#include "detect/describe.h"
#include "model/time.h"

#include <string.h>

struct outlook {
    struct forecast *f;
    uint32_t series;
    const struct history *history;
    const struct grid *grid;
    const struct tcore_forecast *forecast;
    int64_t now_ns;
};

/* Of a place between steps, 0 being the first step ahead; q 0.5 is the forecast itself. */
static double value_at(const struct outlook *o, double place, double q)
{
    size_t before = (size_t)place, after = before + (place > (double)before);
    const struct tcore_forecast *forecast = o->forecast;
    double first =
        q == 0.5 ? forecast->value[before] : tcore_forecast_quantile(forecast, before, q);
    double second = q == 0.5 ? forecast->value[after] : tcore_forecast_quantile(forecast, after, q);

    return grid_shown(o->history, first + (second - first) * (place - (double)before));
}

static void fill_in(const struct outlook *o, struct cli_finding *finding, double place,
                    int64_t horizon_ns)
{
    double outside = (1 - o->f->options->interval) / 2;

    finding->kind = "forecast";
    finding->severity = "info";
    finding->time_ns = &o->now_ns;
    finding->lower = value_at(o, place, outside);
    finding->upper = value_at(o, place, 1 - outside);
    finding->confidence = o->f->options->interval;
    finding->method = "ensemble";
    finding->horizon_ns = horizon_ns;
}

/* "disk_used h1: 12.1 GB (11.8-12.6 GB) in 4 h" */
static void put_message(struct tcore_buf *out, const struct outlook *o,
                        const struct cli_finding *finding)
{
    const char *unit = o->history->in.unit;

    series_put_label(out, &o->f->back.all.table, o->series);
    tcore_buf_puts(out, finding->quantile == 0.5 ? ": " : ": at most ");
    describe_value(out, finding->value, unit);
    if (finding->quantile == 0.5) {
        tcore_buf_puts(out, " (");
        describe_range(out, finding->lower, finding->upper, unit);
        tcore_buf_puts(out, ") in ");
    } else {
        tcore_buf_printf(out, " with probability %.4g in ", finding->quantile);
    }
    describe_duration(out, finding->horizon_ns);
}

/* Writes each quantile at a place. */
static enum tcore_status write_place(const struct outlook *o, double place, int64_t horizon_ns,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    for (size_t i = 0; i < o->f->quantiles && status == TCORE_OK; i++) {
        struct cli_finding finding = CLI_FINDING_EMPTY;
        struct tcore_buf message = {0};

        fill_in(o, &finding, place, horizon_ns);
        finding.quantile = o->f->quantile[i];
        finding.value = value_at(o, place, finding.quantile);
        put_message(&message, o, &finding);
        status = look_back_write(&o->f->back, o->series, &finding, &message, "", out, err);
    }
    return status;
}

/* The place of the horizon: the last step, or before it if the horizon is no multiple of steps. */
static double last_place(const struct outlook *o)
{
    double steps = (double)o->f->horizon.ns / (double)o->grid->step_ns;

    return o->f->horizon.ns ? fmax(0, steps - 1) : (double)(o->forecast->steps - 1);
}

static enum tcore_status write_all(const struct outlook *o, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    int64_t step_ns = o->grid->step_ns;
    size_t last = o->forecast->steps - 1;
    enum tcore_status status = TCORE_OK;

    for (size_t i = 0; i < last && !o->f->options->last && status == TCORE_OK; i++)
        status = write_place(o, (double)i, (int64_t)(i + 1) * step_ns, out, err);
    if (status == TCORE_OK)
        status = write_place(o, last_place(o),
                             o->f->horizon.ns ? o->f->horizon.ns : (int64_t)(last + 1) * step_ns,
                             out, err);
    return status;
}

/* --- Limits */

/* The first step at which the quantile is beyond the limit; the number of steps if there is none.
 */
static size_t first_beyond(const struct outlook *o, double limit, double q, bool above)
{
    size_t i = 0;

    for (; i < o->forecast->steps; i++) {
        double value = value_at(o, (double)i, q);

        if (above ? value >= limit : value <= limit)
            break;
    }
    return i;
}

static void put_when(struct tcore_buf *out, const struct outlook *o, size_t step)
{
    char time[64];

    tcore_buf_append(out, time,
                     tcore_format_time(time, grid_time(o->grid, (double)(o->grid->count + step))));
    tcore_buf_puts(out, " (in ");
    describe_duration(out, (int64_t)(step + 1) * o->grid->step_ns);
    tcore_buf_putc(out, ')');
}

/* "disk_used h1: may be above 95 GB from T (in 3 h), and is by the forecast from T (in 5 h)" */
static void put_limit_message(struct tcore_buf *out, const struct outlook *o, double limit,
                              bool above, size_t maybe, size_t likely)
{
    const char *unit = o->history->in.unit;

    series_put_label(out, &o->f->back.all.table, o->series);
    tcore_buf_puts(out, above ? ": may reach " : ": may fall to ");
    describe_value(out, limit, unit);
    tcore_buf_puts(out, " at ");
    put_when(out, o, maybe);
    if (likely < o->forecast->steps) {
        tcore_buf_puts(out, ", expected at ");
        put_when(out, o, likely);
    } else {
        tcore_buf_puts(out, ", expected then: ");
        describe_value(out, value_at(o, (double)maybe, 0.5), unit);
    }
}

static enum tcore_status report_limit(const struct outlook *o, double limit, bool above,
                                      struct tcore_buf *out, struct tcore_error *err)
{
    double outside = (1 - o->f->options->interval) / 2, q = above ? 1 - outside : outside;
    size_t maybe, likely;
    struct cli_finding finding = CLI_FINDING_EMPTY;
    struct tcore_buf message = {0};

    if (isnan(limit))
        return TCORE_OK;
    maybe = first_beyond(o, limit, q, above);
    likely = first_beyond(o, limit, 0.5, above);
    if (maybe == o->forecast->steps)
        return TCORE_OK;
    fill_in(o, &finding, (double)maybe, (int64_t)(maybe + 1) * o->grid->step_ns);
    finding.severity = likely < o->forecast->steps ? "critical" : "warning";
    finding.value = value_at(o, (double)maybe, q);
    finding.expected = value_at(o, (double)maybe, 0.5);
    finding.quantile = q;
    finding.limit = limit;
    put_limit_message(&message, o, limit, above, maybe, likely);
    o->f->found++;
    return look_back_write(&o->f->back, o->series, &finding, &message, above ? "above " : "below ",
                           out, err);
}

enum tcore_status forecast_report(struct forecast *f, uint32_t series, const struct grid *grid,
                                  const struct tcore_forecast *forecast, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    const struct outlook o = {.f = f,
                              .series = series,
                              .history = &f->back.all.history[series],
                              .grid = grid,
                              .forecast = forecast,
                              .now_ns = grid_time(grid, (double)(grid->count - 1))};

    if (isnan(f->options->above) && isnan(f->options->below))
        return write_all(&o, out, err);
    enum tcore_status status = report_limit(&o, f->options->above, true, out, err);

    return status == TCORE_OK ? report_limit(&o, f->options->below, false, out, err) : status;
}
