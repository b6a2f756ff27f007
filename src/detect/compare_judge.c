/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From repetitions to findings. A series got worse if it is unlikely to be chance (Mann-Whitney's
 * test, adjusted over all series after Benjamini and Hochberg) and the change may be as large as
 * --min-effect: the interval of the ratio reaches that far. So a change that is certainly smaller
 * passes, and one of just that size is found almost always instead of every other time, as it would
 * be if the estimate alone had to reach it.
 *
 * A series whose repetitions are too few for any outcome to be significant takes no part in the
 * adjustment (R. E. Tarone, Biometrics 46 (1990)) and is inconclusive.
 */
#include <config.h>

#include "detect/compare.h"

#include "base/sys.h"
#include "cli/message.h"
#include "detect/describe.h"
#include "stats/order.h"
#include "stats/rank.h"
#include "stats/ratio.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum outcome { SAME, WORSE, ALLOWED, BETTER };

struct verdict {
    uint32_t series;
    size_t base_count, cand_count;
    double base_median, cand_median;
    double ratio, lower, upper; /* candidate to base; infinite if base is 0 */
    double p, adjusted;
    int64_t ns;
    enum outcome outcome;
    bool eligible; /* some outcome of so many repetitions is significant */
    bool conclusive;
};

/* What is told about repetitions that are no repetitions. */
struct doubts {
    uint32_t within_series, serial_series;
    size_t within, serial;
    double within_value, serial_value;
};

struct judging {
    struct compare *c;
    struct tcore_rank_null null;
    struct verdict *verdict; /* owned */
    size_t count;
    double fdr;
    struct doubts doubts;
};

/* --- One series */

static enum tcore_status estimate(struct judging *j, struct verdict *v, struct repetitions *base,
                                  struct repetitions *cand, struct tcore_error *err)
{
    struct tcore_ratio ratio;
    enum tcore_status status =
        tcore_ratio_estimate(&j->null, base->value, base->count, cand->value, cand->count,
                             1 - j->c->options->alpha, &ratio, err);

    v->ratio = ratio.estimate;
    v->lower = ratio.lower;
    v->upper = ratio.upper;
    return status;
}

static void doubt(struct judging *j, uint32_t series, const struct repetitions *r)
{
    struct doubts *d = &j->doubts;

    if (r->within >= 0.1) {
        if (!d->within++ || r->within > d->within_value) {
            d->within_series = series;
            d->within_value = r->within;
        }
    }
    /* more than three standard errors of no correlation, and enough to matter */
    if (r->serial >= 0.3 && r->serial * sqrt((double)r->count) > 3) {
        if (!d->serial++ || r->serial > d->serial_value) {
            d->serial_series = series;
            d->serial_value = r->serial;
        }
    }
}

static enum tcore_status test_repetitions(struct judging *j, struct verdict *v,
                                          struct repetitions *base, struct repetitions *cand,
                                          struct tcore_error *err)
{
    struct tcore_rank_test test;
    enum tcore_status status =
        tcore_rank_test(&j->null, base->value, base->count, cand->value, cand->count, &test, err);

    v->base_count = base->count;
    v->cand_count = cand->count;
    v->base_median = tcore_median(base->value, base->count);
    v->cand_median = tcore_median(cand->value, cand->count);
    v->ns = cand->first_ns;
    v->p = v->adjusted = test.p_value;
    v->eligible = tcore_rank_smallest_p(base->count, cand->count) <= j->c->options->alpha;
    doubt(j, v->series, base);
    doubt(j, v->series, cand);
    return status == TCORE_OK ? estimate(j, v, base, cand, err) : status;
}

static enum tcore_status test_series(struct judging *j, struct verdict *v, struct tcore_error *err)
{
    struct compared *compared = &j->c->series[v->series];
    struct repetitions base = {0}, cand = {0};
    enum tcore_status status =
        repetitions_make(&base, &compared->samples[COMPARE_BASE], compared->rule, err);

    if (status == TCORE_OK)
        status = repetitions_make(&cand, &compared->samples[COMPARE_CAND], compared->rule, err);
    if (status == TCORE_OK)
        status = test_repetitions(j, v, &base, &cand, err);
    tcore_free(base.value);
    tcore_free(cand.value);
    return status;
}

/* Tests what is on both sides, and counts the rest. */
static enum tcore_status test_all(struct judging *j, struct tcore_error *err)
{
    struct compare *c = j->c;
    size_t known = series_count(&c->table);
    enum tcore_status status = TCORE_OK;

    j->verdict = tcore_calloc(known, sizeof *j->verdict);
    if (!j->verdict)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < known && i < c->series_capacity && status == TCORE_OK; i++) {
        bool base = c->series[i].samples[COMPARE_BASE].count;
        bool cand = c->series[i].samples[COMPARE_CAND].count;

        c->vanished += base && !cand;
        c->appeared += cand && !base;
        if (!base || !cand)
            continue;
        j->verdict[j->count].series = i;
        status = test_series(j, &j->verdict[j->count++], err);
    }
    c->compared_series = j->count;
    return status;
}

/* --- All series together */

static bool is_higher_better(const struct judging *j, const struct verdict *v)
{
    const struct cli_strings *higher = &j->c->options->higher;
    const char *metric = j->c->table.name[v->series].metric_name;

    for (size_t i = 0; i < higher->count; i++)
        if (strcmp(higher->item[i], metric) == 0)
            return true;
    return false;
}

static bool is_significant(const struct judging *j, const struct verdict *v)
{
    return v->eligible && v->p <= j->c->options->alpha && v->adjusted <= j->fdr;
}

static enum outcome outcome_of(const struct judging *j, const struct verdict *v)
{
    double effect = j->c->options->min_effect;
    bool more = v->ratio > 1 && v->upper >= 1 + effect;
    bool less = v->ratio < 1 && v->lower <= 1 / (1 + effect);

    if (!is_significant(j, v) || (!more && !less))
        return SAME;
    return more != is_higher_better(j, v) ? WORSE : BETTER;
}

static int by_p(const void *a, const void *b)
{
    const struct verdict *x = a, *y = b;

    if (x->eligible != y->eligible)
        return x->eligible ? -1 : 1;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

static enum tcore_status adjust(struct judging *j, size_t eligible, struct tcore_error *err)
{
    double *p = tcore_reallocarray(NULL, eligible, sizeof *p);
    enum tcore_status status = p ? TCORE_OK : tcore_error_nomem(err);

    for (size_t i = 0; i < eligible && status == TCORE_OK; i++)
        p[i] = j->verdict[i].p;
    if (status == TCORE_OK)
        status = tcore_benjamini_hochberg(p, eligible, p, err);
    for (size_t i = 0; i < eligible && status == TCORE_OK; i++)
        j->verdict[i].adjusted = p[i];
    tcore_free(p);
    return status;
}

/*
 * Whether the clearest outcome that the series could have had would have counted, all others being
 * as they are. The verdicts are sorted by p; passing[r] says how many ranks up to r would pass with
 * one test inserted before them.
 */
static bool could_have_counted(const struct judging *j, size_t at, size_t eligible,
                               const size_t *passing)
{
    const struct verdict *v = &j->verdict[at];
    double smallest = tcore_rank_smallest_p(v->base_count, v->cand_count);
    size_t below = 0;

    for (size_t to = eligible; below < to;) {
        size_t middle = (below + to) / 2;

        if (j->verdict[middle].p <= smallest)
            below = middle + 1;
        else
            to = middle;
    }
    if (below > at)
        below = at; /* it is as clear as can be already */
    if (smallest <= j->fdr * (double)(below + 1) / (double)eligible)
        return true;
    return passing[at + 1] > passing[below + 1];
}

static enum tcore_status find_inconclusive(struct judging *j, size_t eligible,
                                           struct tcore_error *err)
{
    size_t *passing = tcore_calloc(eligible + 2, sizeof *passing);

    if (!passing)
        return tcore_error_nomem(err);
    for (size_t rank = 2; rank <= eligible; rank++)
        passing[rank] = passing[rank - 1] +
                        (j->verdict[rank - 2].p <= j->fdr * (double)rank / (double)eligible);
    for (size_t i = 0; i < j->count; i++) {
        struct verdict *v = &j->verdict[i];

        v->conclusive =
            v->eligible && (is_significant(j, v) || could_have_counted(j, i, eligible, passing));
        j->c->inconclusive += !v->conclusive;
    }
    tcore_free(passing);
    return TCORE_OK;
}

static enum tcore_status decide(struct judging *j, struct tcore_error *err)
{
    size_t eligible = 0;

    if (j->count > 1)
        qsort(j->verdict, j->count, sizeof *j->verdict, by_p);
    while (eligible < j->count && j->verdict[eligible].eligible)
        eligible++;
    enum tcore_status status = adjust(j, eligible, err);

    if (status == TCORE_OK)
        status = find_inconclusive(j, eligible, err);
    for (size_t i = 0; i < j->count && status == TCORE_OK; i++)
        j->verdict[i].outcome = outcome_of(j, &j->verdict[i]);
    return status;
}

/* --- Findings */

/* Two decimals, three significant digits from 10 on. */
static void put_ratio(struct tcore_buf *out, double ratio)
{
    tcore_buf_printf(out, fabs(ratio) < 10 ? "%.2f" : "%.3g", ratio);
}

/* "checkout POST /pay: p50 123 ms -> 151 ms, 1.23x (1.18-1.29), p=0.0004" */
static void put_message(struct tcore_buf *out, const struct judging *j, const struct verdict *v)
{
    const char *unit = j->c->series[v->series].unit;

    tcore_buf_printf(out, "%s: p50 ", j->c->table.name[v->series].label);
    describe_value(out, v->base_median, unit);
    tcore_buf_puts(out, " -> ");
    describe_value(out, v->cand_median, unit);
    if (isfinite(v->ratio)) {
        tcore_buf_puts(out, ", ");
        put_ratio(out, v->ratio);
        tcore_buf_putc(out, 'x');
    }
    if (isfinite(v->lower) && isfinite(v->upper)) {
        tcore_buf_puts(out, " (");
        put_ratio(out, v->lower);
        tcore_buf_putc(out, '-');
        put_ratio(out, v->upper);
        tcore_buf_putc(out, ')');
    }
    if (v->adjusted < 0.0001)
        tcore_buf_puts(out, ", p<0.0001");
    else
        tcore_buf_printf(out, ", p=%.2g", v->adjusted);
    if (v->outcome == ALLOWED)
        tcore_buf_puts(out, ", allowed");
}

static const char *severity_of(const struct judging *j, const struct verdict *v)
{
    double effect = j->c->options->min_effect;

    if (v->outcome != WORSE)
        return "info";
    return v->lower >= 1 + effect || v->upper <= 1 / (1 + effect) ? "critical" : "warning";
}

static enum tcore_status report(struct judging *j, const struct verdict *v, struct tcore_buf *out,
                                struct tcore_error *err)
{
    const struct series_name *name = &j->c->table.name[v->series];
    struct cli_finding finding = CLI_FINDING_EMPTY;
    struct tcore_buf message = {0};
    char fingerprint[CLI_FINGERPRINT_BYTES];

    finding.kind = v->outcome == BETTER ? "improvement" : "regression";
    finding.severity = severity_of(j, v);
    finding.score = v->ratio;
    finding.record_type = name->record_type;
    finding.metric_name = name->metric_name;
    finding.group = name->group;
    finding.time_ns = v->ns ? &v->ns : NULL;
    finding.value = v->cand_median;
    finding.expected = v->base_median;
    if (v->base_median != 0) {
        finding.lower = v->base_median + (v->lower - 1) * fabs(v->base_median);
        finding.upper = v->base_median + (v->upper - 1) * fabs(v->base_median);
    }
    finding.p_value = v->adjusted;
    finding.confidence = 1 - j->c->options->alpha;
    finding.method = "mann-whitney";
    finding.quantile = 0.5;
    put_message(&message, j, v);
    tcore_buf_putc(&message, '\0');
    finding.message = message.data;
    finding.fingerprint = fingerprint;
    bool made = !message.failed && cli_finding_fingerprint(finding.kind, name->identity,
                                                           name->identity_length, fingerprint);

    if (made)
        cli_finding_write(out, &finding);
    tcore_buf_free(&message);
    return made ? TCORE_OK : tcore_error_nomem(err);
}

static bool is_allowed(struct compare *c, const struct series_name *name)
{
    char fingerprint[CLI_FINGERPRINT_BYTES];
    uint32_t line = TCORE_MAP_NONE;

    if (!c->allow.count ||
        !cli_finding_fingerprint("regression", name->identity, name->identity_length, fingerprint))
        return false;
    line = tcore_map_find(&c->allow, fingerprint, strlen(fingerprint));
    if (line == TCORE_MAP_NONE)
        line = tcore_map_find(&c->allow, name->label, strlen(name->label));
    if (line == TCORE_MAP_NONE)
        return false;
    c->allow_used[line] = true;
    return true;
}

/* Regressions before those allowed before improvements; the largest change first. */
static int by_weight(const void *a, const void *b)
{
    const struct verdict *x = a, *y = b;
    double size_x = fabs(log(fabs(x->ratio))), size_y = fabs(log(fabs(y->ratio)));

    if (x->outcome != y->outcome)
        return (int)x->outcome - (int)y->outcome;
    if (size_x != size_y)
        return size_x > size_y ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

static enum tcore_status report_all(struct judging *j, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct compare *c = j->c;
    enum tcore_status status = TCORE_OK;

    for (size_t i = 0; i < j->count; i++) {
        struct verdict *v = &j->verdict[i];

        if (is_allowed(c, &c->table.name[v->series]) && v->outcome == WORSE)
            v->outcome = ALLOWED;
        c->regressions += v->outcome == WORSE;
        c->allowed += v->outcome == ALLOWED;
        c->improvements += v->outcome == BETTER;
    }
    if (j->count > 1)
        qsort(j->verdict, j->count, sizeof *j->verdict, by_weight);
    for (size_t i = 0; i < j->count && status == TCORE_OK; i++)
        if (j->verdict[i].outcome != SAME)
            status = report(j, &j->verdict[i], out, err);
    return status;
}

/* --- What people are told besides */

static void note_totals(const struct compare *c)
{
    char allowed[48] = "";

    if (!c->compared_series)
        cli_note(c->cli,
                 "0 series compared: no series is in both, so nothing says whether CAND is worse; "
                 "%zu only in BASE, %zu only in CAND",
                 c->vanished, c->appeared);
    if (c->allowed)
        snprintf(allowed, sizeof allowed, " (and %zu allowed)", c->allowed);
    if (c->compared_series)
        cli_note(c->cli,
                 "%zu series compared: %zu regression%s%s, %zu improvement%s; %zu only in BASE, "
                 "%zu only in CAND",
                 c->compared_series, c->regressions, c->regressions == 1 ? "" : "s", allowed,
                 c->improvements, c->improvements == 1 ? "" : "s", c->vanished, c->appeared);
    for (uint32_t line = 0; line < c->allow.count; line++)
        if (!c->allow_used[line])
            cli_note(c->cli, "%s: no series is called %s", c->options->allow,
                     c->allow.keys[line].data);
}

/* The repetitions a side with which a change of one series alone would show. */
static size_t enough_repetitions(const struct judging *j)
{
    double level = fmin(j->c->options->alpha, j->fdr / (double)j->count);
    size_t n = 1;

    while (n < 1000 && tcore_rank_smallest_p(n, n) > level)
        n++;
    return n;
}

static void note_inconclusive(const struct judging *j)
{
    const struct compare *c = j->c;

    if (!c->inconclusive)
        return;
    for (size_t i = 0; i < j->count; i++) {
        const struct verdict *v = &j->verdict[i];

        if (v->conclusive)
            continue;
        cli_note(c->cli,
                 "%zu series inconclusive: too few repetitions for any change to count, as in %s "
                 "(%zu and %zu); %zu a side are enough",
                 c->inconclusive, c->table.name[v->series].label, v->base_count, v->cand_count,
                 enough_repetitions(j));
        return;
    }
}

static void note_doubts(const struct judging *j)
{
    const struct doubts *d = &j->doubts;
    const struct compare *c = j->c;
    const char *unit;

    if (d->within) {
        unit = c->series[d->within_series].kind;
        cli_note(c->cli,
                 "samples of one %s are alike, as in %s (intra-class correlation %.2f): each %s "
                 "counts once, with its median",
                 unit, c->table.name[d->within_series].label, d->within_value, unit);
    }
    if (d->serial) {
        unit = c->series[d->serial_series].kind;
        cli_note(c->cli,
                 "one %s is like the one before it, as in %s (correlation %.2f): they are no "
                 "independent repetitions, and p-values too small; name better ones by --per",
                 unit, c->table.name[d->serial_series].label, d->serial_value);
    }
}

enum tcore_status compare_judge(struct compare *c, struct tcore_buf *out, struct tcore_error *err)
{
    struct judging j = {.c = c, .fdr = c->options->fdr > 0 ? c->options->fdr : c->options->alpha};
    enum tcore_status status = test_all(&j, err);

    if (status == TCORE_OK)
        status = decide(&j, err);
    if (status == TCORE_OK)
        status = report_all(&j, out, err);
    if (status == TCORE_OK) {
        note_totals(c);
        note_inconclusive(&j);
        note_doubts(&j);
    }
    tcore_rank_null_free(&j.null);
    tcore_free(j.verdict);
    return status;
}
