/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From histories to findings. Only the order of points counts, not how far apart they are, so that
 * gaps are no changes. What a change amounts to is the shift between the values of the segments
 * before and after it, after Hodges and Lehmann; its interval, which is for independent values, is
 * widened by what the correlation of neighbours makes of the variance of a mean.
 */
#include <config.h>

#include "detect/change.h"

#include "base/sys.h"
#include "detect/describe.h"
#include "model/time.h"
#include "stats/change_test.h"
#include "stats/order.h"
#include "stats/rank.h"
#include "stats/season.h"
#include "stats/segmentation.h"

#include <math.h>

#define CONFIDENCE 0.95

struct judging {
    struct change *c;
    struct tcore_rank_null null;
    double *value, *scratch; /* of the series in hand, in the order of time; owned */
    struct tcore_buf *out;
};

/* A change between the points from before to after, the new segment beginning at onset. */
struct finding_of_change {
    uint32_t series;
    size_t before, onset, after;
    double score, p_value; /* p_value NaN: none */
};

/* --- How large a change is */

struct magnitude {
    double before, after; /* medians */
    double lower, upper;  /* of what is after, by the interval of the shift */
};

/* The correlation of neighbours around the medians before and after. */
static double correlation_around(const double *value, const struct finding_of_change *f,
                                 double before, double after)
{
    double squares = 0, products = 0, last = 0;

    for (size_t i = f->before; i < f->after; i++) {
        double rest = value[i] - (i < f->onset ? before : after);

        products += rest * last;
        squares += rest * rest;
        last = rest;
    }
    return squares > 0 && isfinite(squares) ? fmax(0, fmin(0.98, products / squares)) : 0;
}

static enum tcore_status measure(struct judging *j, const struct finding_of_change *f, bool is_log,
                                 struct magnitude *m, struct tcore_error *err)
{
    size_t n = f->onset - f->before, rest = f->after - f->onset;
    double *x = j->scratch, *y = j->scratch + n;
    struct tcore_rank_shift shift;

    memcpy(x, j->value + f->before, (n + rest) * sizeof *x);
    tcore_sort_doubles(x, n);
    tcore_sort_doubles(y, rest);
    m->before = tcore_median(x, n);
    m->after = tcore_median(y, rest);
    enum tcore_status status = tcore_rank_shift(&j->null, x, n, y, rest, CONFIDENCE, &shift, err);

    if (status != TCORE_OK)
        return status;
    double r = correlation_around(j->value, f, m->before, m->after);
    double wider = sqrt((1 + r) / (1 - r));

    m->lower = m->before + shift.estimate + (shift.lower - shift.estimate) * wider;
    m->upper = m->before + shift.estimate + (shift.upper - shift.estimate) * wider;
    if (is_log) {
        m->before = round(exp(m->before));
        m->after = round(exp(m->after));
        m->lower = round(exp(m->lower));
        m->upper = round(exp(m->upper));
    }
    return TCORE_OK;
}

/* --- Findings */

static const char *severity_of(const struct judging *j, const struct series_name *name,
                               const struct magnitude *m, double p_value)
{
    bool is_time = !*name->stat || *name->stat == 'p' || *name->stat == 'm';
    bool is_faster =
        strcmp(name->metric_name, "durationNano") == 0 && is_time && m->after < m->before;

    if (!j->c->options->gate || is_faster)
        return "info";
    return p_value <= 1e-6 ? "critical" : "warning";
}

/* "checkout POST /pay p99: 120 ms -> 151 ms (148-154) since 2026-11-23T10:00:00Z, p=0.0004" */
static void put_message(struct tcore_buf *out, const struct judging *j,
                        const struct finding_of_change *f, const struct magnitude *m, int64_t ns,
                        const char *run)
{
    const char *unit = j->c->all.history[f->series].in.unit;
    char time[64];

    series_put_label(out, &j->c->all.table, f->series);
    tcore_buf_puts(out, ": ");
    describe_value(out, m->before, unit);
    tcore_buf_puts(out, " -> ");
    describe_value(out, m->after, unit);
    if (isfinite(m->lower) && isfinite(m->upper)) {
        tcore_buf_puts(out, " (");
        describe_range(out, m->lower, m->upper, unit);
        tcore_buf_putc(out, ')');
    }
    tcore_buf_puts(out, " since ");
    tcore_buf_append(out, time, tcore_format_time(time, ns));
    if (run)
        tcore_buf_printf(out, ", first in %s", run);
    if (f->p_value < 0.0001)
        tcore_buf_puts(out, ", p<0.0001");
    else if (!isnan(f->p_value))
        tcore_buf_printf(out, ", p=%.2g", f->p_value);
}

static enum tcore_status report(struct judging *j, const struct finding_of_change *f,
                                struct tcore_error *err)
{
    struct change *c = j->c;
    const struct series_name *name = &c->all.table.name[f->series];
    const struct history_point *first = &c->all.history[f->series].point[f->onset];
    struct cli_finding finding = CLI_FINDING_EMPTY;
    struct tcore_buf message = {0};
    struct magnitude m;
    char fingerprint[CLI_FINGERPRINT_BYTES];
    enum tcore_status status = measure(j, f, c->all.history[f->series].is_log, &m, err);

    if (status != TCORE_OK)
        return status;
    finding.kind = "change";
    finding.severity = severity_of(j, name, &m, f->p_value);
    finding.score = f->score;
    finding.record_type = name->record_type;
    finding.metric_name = name->metric_name;
    finding.stat = name->stat;
    finding.group = name->group;
    finding.time_ns = &first->ns;
    finding.value = m.after;
    finding.expected = m.before;
    finding.lower = m.lower;
    finding.upper = m.upper;
    finding.p_value = f->p_value;
    finding.confidence = CONFIDENCE;
    finding.method = c->options->gate ? "gate" : "segments";
    finding.first_bad = first->run == TCORE_MAP_NONE ? NULL : c->all.runs.keys[first->run].data;
    finding.quantile = intake_quantile(name->stat);
    put_message(&message, j, f, &m, first->ns, finding.first_bad);
    tcore_buf_putc(&message, '\0');
    finding.message = message.data;
    finding.fingerprint = fingerprint;
    bool made = !message.failed && cli_finding_fingerprint("change", name->identity,
                                                           name->identity_length, fingerprint);

    if (made)
        cli_finding_write(j->out, &finding);
    tcore_buf_free(&message);
    c->found++;
    return made ? TCORE_OK : tcore_error_nomem(err);
}

/* --- One series */

static enum tcore_status segment(struct judging *j, uint32_t series, size_t count,
                                 struct tcore_error *err)
{
    struct tcore_segmentation found;
    enum tcore_status status = tcore_segment(j->value, count, &found, err);

    for (size_t i = 0; i < found.count && status == TCORE_OK; i++) {
        const struct finding_of_change f = {
            .series = series,
            .before = i ? found.cut[i - 1].start : 0,
            .onset = found.cut[i].start,
            .after = i + 1 < found.count ? found.cut[i + 1].start : count,
            .score = found.cut[i].support,
            .p_value = NAN,
        };
        status = report(j, &f, err);
    }
    tcore_segmentation_free(&found);
    return status;
}

static enum tcore_status test(struct judging *j, uint32_t series, size_t count,
                              struct tcore_error *err)
{
    struct tcore_change_test result;
    size_t period;
    enum tcore_status status = tcore_season_period(j->value, count, &period, err);

    if (status == TCORE_OK)
        status = tcore_season_remove(j->value, count, period, err);
    if (status == TCORE_OK)
        status = tcore_change_test(j->value, count, &result, err);
    if (status != TCORE_OK || !(result.p_value <= change_alpha(j->c->options)))
        return status;
    const struct finding_of_change f = {series,        0, result.onset, count, result.statistic,
                                        result.p_value};

    return report(j, &f, err);
}

static enum tcore_status judge_series(struct judging *j, uint32_t series, struct tcore_error *err)
{
    struct change *c = j->c;
    struct history *h = &c->all.history[series];
    bool gate = c->options->gate, is_steady = true;

    if (!h->count)
        return TCORE_OK; /* its points were left out, and counted */
    if (h->count < (gate ? TCORE_CHANGE_SHORTEST : 2 * TCORE_SEGMENT_SHORTEST)) {
        c->too_short++;
        return TCORE_OK;
    }
    c->repeated += history_sort(h);
    j->value = tcore_reallocarray(NULL, 2 * h->count, sizeof *j->value);
    if (!j->value)
        return tcore_error_nomem(err);
    j->scratch = j->value + h->count;
    for (size_t i = 0; i < h->count; i++) {
        j->value[i] = history_value(h, i);
        is_steady &= j->value[i] == j->value[0];
    }
    enum tcore_status status = TCORE_OK;

    c->judged++;
    c->steady += is_steady;
    if (!is_steady)
        status = gate ? test(j, series, h->count, err) : segment(j, series, h->count, err);
    tcore_free(j->value);
    return status;
}

enum tcore_status change_judge(struct change *c, struct tcore_buf *out, struct tcore_error *err)
{
    struct judging j = {.c = c, .out = out};
    enum tcore_status status = TCORE_OK;

    for (uint32_t i = 0; i < histories_count(&c->all) && status == TCORE_OK; i++)
        status = judge_series(&j, i, err);
    tcore_rank_null_free(&j.null);
    return status;
}
