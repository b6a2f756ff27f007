/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From samples to repetitions. Samples of one run share its weather, so they are no repetitions of
 * each other: each unit gives one value. How alike samples of a unit are, and a unit and the one
 * before it, is measured, so that people can be told when the unit is the wrong one.
 */
#include <config.h>

#include "detect/compare.h"

#include "base/sys.h"
#include "stats/order.h"
#include "stats/serial.h"

#include <math.h>
#include <stdlib.h>

static int by_unit(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;

    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* A unit's value and when it began. */
struct unit_value {
    double value;
    int64_t ns;
};

static int by_time(const void *a, const void *b)
{
    const struct unit_value *x = a, *y = b;

    return (x->ns > y->ns) - (x->ns < y->ns);
}

/* Of the samples of one unit, ascending by value. */
static struct unit_value reduce(const struct sample *sample, size_t count, enum unit_rule rule)
{
    double below = sample[(count - 1) / 2].value, above = sample[count / 2].value;
    struct unit_value unit = {below == above ? below : below / 2 + above / 2, sample[0].ns};

    if (rule == UNIT_LAST)
        unit.value = sample[count - 1].value;
    if (rule == UNIT_SUM)
        unit.value = 0;
    for (size_t i = 0; i < count; i++) {
        if (rule == UNIT_SUM)
            unit.value += sample[i].value;
        if (sample[i].ns < unit.ns)
            unit.ns = sample[i].ns;
    }
    return unit;
}

/* Sums for the analysis of variance between and within units. */
struct variance {
    double total, total_squared; /* of all samples */
    double of_units;             /* sum over units of (sum of its samples)^2 / their number */
    double squared_sizes;        /* sum over units of their number^2 */
    double count, units;
};

/* Logarithms of positive values, so that one outlier does not decide alone. */
static double tame(double value)
{
    return asinh(value);
}

static void add_unit(struct variance *v, const struct sample *sample, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        double value = tame(sample[i].value);

        sum += value;
        v->total_squared += value * value;
    }
    v->total += sum;
    v->of_units += sum * sum / (double)count;
    v->squared_sizes += (double)count * (double)count;
    v->count += (double)count;
    v->units += 1;
}

/* The intra-class correlation ICC(1) of unequal groups: P. E. Shrout, J. L. Fleiss, Psychological
 * Bulletin 86 (1979), with the group size of G. W. Snedecor's analysis of variance. */
static double intraclass_correlation(const struct variance *v)
{
    if (v->units < 2 || v->count <= v->units)
        return NAN;
    double between = (v->of_units - v->total * v->total / v->count) / (v->units - 1);
    double within = (v->total_squared - v->of_units) / (v->count - v->units);
    double size = (v->count - v->squared_sizes / v->count) / (v->units - 1);
    double scale = between + (size - 1) * within;

    if (!(scale > 0))
        return NAN;
    /* Without any, its standard error is about the square root of 2 / (units k (k - 1)). */
    double correlation = (between - within) / scale;

    return correlation > 3 * sqrt(2 / (v->units * size * (size - 1))) ? correlation : NAN;
}

/* The correlation of ranks at lag one, for enough units that have different times. Gives up the
 * units. */
static enum tcore_status serial_correlation(struct repetitions *r, struct unit_value *unit,
                                            struct tcore_error *err)
{
    double *in_time;

    if (r->count < 20)
        return TCORE_OK;
    qsort(unit, r->count, sizeof *unit, by_time);
    if (unit[0].ns == unit[r->count - 1].ns)
        return TCORE_OK;
    in_time = tcore_reallocarray(NULL, r->count, sizeof *in_time);
    if (!in_time)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < r->count; i++)
        in_time[i] = unit[i].value;
    r->serial = tcore_serial_correlation(in_time, r->value, r->count);
    tcore_free(in_time);
    return TCORE_OK;
}

enum tcore_status repetitions_make(struct repetitions *r, struct samples *samples,
                                   enum unit_rule rule, struct tcore_error *err)
{
    struct sample *sample = samples->item;
    struct unit_value *unit = tcore_reallocarray(NULL, samples->count, sizeof *unit);
    struct variance variance = {0};

    *r = (struct repetitions){.samples = samples->count, .within = NAN, .serial = NAN};
    r->value = tcore_reallocarray(NULL, samples->count, sizeof *r->value);
    if (!unit || !r->value) {
        tcore_free(unit);
        return tcore_error_nomem(err);
    }
    if (samples->count > 1)
        qsort(sample, samples->count, sizeof *sample, by_unit);
    for (size_t i = 0; i < samples->count;) {
        size_t end = i + 1;

        while (end < samples->count && sample[end].unit == sample[i].unit)
            end++;
        add_unit(&variance, sample + i, end - i);
        unit[r->count] = reduce(sample + i, end - i, rule);
        r->value[r->count] = unit[r->count].value;
        if (!r->count || unit[r->count].ns < r->first_ns)
            r->first_ns = unit[r->count].ns;
        r->count++;
        i = end;
    }
    tcore_sort_doubles(r->value, r->count);
    r->within = intraclass_correlation(&variance);
    enum tcore_status status = serial_correlation(r, unit, err);

    tcore_free(unit);
    tcore_free(samples->item);
    *samples = (struct samples){0};
    return status;
}
