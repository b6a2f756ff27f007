/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * m4_score PERIOD SECONDS TRAIN.csv TEST.csv [-v] <FINDINGS: scores forecasts of series of the M4
 * competition.
 *
 * A line of the files is an id and its values; the test's go on where the training's end. FINDINGS
 * is NDJSON whose group has "series", whose quantile is 0.5 and whose horizonNano is a multiple of
 * SECONDS, the time from one value to the next; others are passed over. PERIOD is M4's for the
 * frequency: 24 of hourly series, 1 of weekly ones.
 *
 * Scores after S. Makridakis, E. Spiliotis, V. Assimakopoulos, "The M4 Competition: 100,000 time
 * series and 61 forecasting methods", International Journal of Forecasting 36 (2020), section 2:
 * sMAPE is the mean of 200 |y - f| / (|y| + |f|), MASE the mean of |y - f| over the mean size of
 * the training's seasonal differences, each a mean over steps and then over series; OWA is the mean
 * of both after division by those of Naive2. That is the last value again, of what multiplicative
 * seasonal indices (the classical decomposition) leave, where the autocorrelation at PERIOD is
 * beyond 1.645 of its standard errors (Bartlett) and there are three periods. Cover is the share of
 * values from lower to upper.
 */
#include "base/buf.h"
#include "model/json.h"
#include "model/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS_MAX 64

struct series {
    char name[32];
    double *value;
    size_t count;
    double test[STEPS_MAX];
    size_t steps;
    double forecast[STEPS_MAX], lower[STEPS_MAX], upper[STEPS_MAX]; /* NaN: not found */
};

struct scores {
    double smape, mase;
};

static void die(const char *what, const char *name)
{
    fprintf(stderr, "m4_score: %s: %s\n", name, what);
    exit(2);
}

/* --- Files */

/* The id, and the values behind it. Returns how many. */
static size_t read_line(char *line, char *name, size_t size, double *value, size_t room,
                        const char *path)
{
    size_t count = 0;
    char *save, *field = strtok_r(line, ",\"\r\n", &save);

    if (!field)
        die("a line without an id", path);
    snprintf(name, size, "%s", field);
    while ((field = strtok_r(NULL, ",\"\r\n", &save))) {
        if (count == room)
            die("too many values", path);
        if (!tcore_parse_double(field, strlen(field), &value[count++]))
            die("no number", path);
    }
    return count;
}

static FILE *open_csv(const char *path, char **line, size_t *capacity)
{
    FILE *file = fopen(path, "r");

    if (!file || getline(line, capacity, file) < 0) /* the first one has names */
        die("cannot read", path);
    return file;
}

static struct series *read_series(const char *train, const char *test, size_t *count)
{
    static double value[1 << 16];
    struct series *all = NULL;
    char *line = NULL, name[32];
    size_t capacity = 0, at = 0;
    FILE *file = open_csv(train, &line, &capacity);

    for (*count = 0; getline(&line, &capacity, file) > 0; (*count)++) {
        all = realloc(all, (*count + 1) * sizeof *all);
        if (!all)
            die("out of memory", train);
        struct series *s = &all[*count];

        *s = (struct series){0};
        s->count =
            read_line(line, s->name, sizeof s->name, value, sizeof value / sizeof *value, train);
        s->value = malloc(s->count * sizeof *value);
        if (!s->value || s->count < 2)
            die("no series", train);
        memcpy(s->value, value, s->count * sizeof *value);
        for (size_t i = 0; i < STEPS_MAX; i++)
            s->forecast[i] = s->lower[i] = s->upper[i] = NAN;
    }
    fclose(file);
    file = open_csv(test, &line, &capacity);
    for (; getline(&line, &capacity, file) > 0; at++) {
        size_t steps = read_line(line, name, sizeof name, value, STEPS_MAX, test);

        if (at == *count || strcmp(name, all[at].name) != 0)
            die("not the same series", test);
        memcpy(all[at].test, value, steps * sizeof *value);
        all[at].steps = steps;
    }
    fclose(file);
    free(line);
    if (at != *count || !at)
        die("not the same series", test);
    return all;
}

/* --- Findings */

static double number_of(const struct tcore_json *json, const char *name)
{
    uint32_t at = tcore_json_find(json, 0, name);

    return at ? tcore_value_double(&json->node[at].value) : NAN;
}

static void take_finding(struct series *series, size_t count, const struct tcore_json *json,
                         double seconds)
{
    uint32_t group = tcore_json_find(json, 0, "group");
    uint32_t at = group ? tcore_json_find(json, group, "series") : 0;
    double step = number_of(json, "horizonNano") / 1e9 / seconds;

    if (!at || !(step >= 1))
        die("a finding without series or horizon", "standard input");
    if (number_of(json, "quantile") != 0.5 || step != floor(step) || step > STEPS_MAX)
        return;
    struct tcore_value name = json->node[at].value;

    for (size_t i = 0; i < count; i++) {
        struct series *s = &series[i];
        size_t k = (size_t)step - 1;

        if (!tcore_value_is_text(&name, s->name))
            continue;
        s->forecast[k] = number_of(json, "value");
        s->lower[k] = number_of(json, "lower");
        s->upper[k] = number_of(json, "upper");
        return;
    }
    die("a finding that is of no series", "standard input");
}

static void read_findings(struct series *series, size_t count, double seconds)
{
    struct tcore_json json = {0};
    struct tcore_error err;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (tcore_json_parse(&json, line, (size_t)length, &err) != TCORE_OK)
            die(err.text, "standard input");
        take_finding(series, count, &json, seconds);
    }
    free(line);
    tcore_json_free(&json);
}

/* --- Naive2 */

static bool is_seasonal(const struct series *s, size_t period)
{
    double mean = 0, variance = 0, sum = 0, r = 0;

    if (period < 2 || s->count < 3 * period)
        return false;
    for (size_t i = 0; i < s->count; i++)
        mean += s->value[i] / (double)s->count;
    for (size_t i = 0; i < s->count; i++)
        variance += (s->value[i] - mean) * (s->value[i] - mean);
    for (size_t lag = 1; lag <= period; lag++) {
        sum += r * r; /* those before this lag */
        r = 0;
        for (size_t i = lag; i < s->count; i++)
            r += (s->value[i] - mean) * (s->value[i - lag] - mean) / variance;
    }
    return fabs(r) > 1.645 * sqrt((1 + 2 * sum) / (double)s->count);
}

/* index[]: the seasonal indices, from the phase of the first value. */
static void find_indices(const struct series *s, size_t period, double *index)
{
    size_t half = period / 2;
    double mean = 0;

    for (size_t p = 0; p < period; p++) {
        double sum = 0;
        size_t n = 0;

        for (size_t i = p; i + half < s->count; i += period) {
            double over = 0;

            if (i < half)
                continue;
            for (size_t k = i - half; k <= i + half; k++)
                over +=
                    s->value[k] * (period % 2 == 0 && (k == i - half || k == i + half) ? 0.5 : 1);
            sum += s->value[i] / (over / (double)period);
            n++;
        }
        index[p] = sum / (double)n;
        mean += index[p] / (double)period;
    }
    for (size_t p = 0; p < period; p++)
        index[p] /= mean;
}

static void forecast_naive2(const struct series *s, size_t period, double *forecast)
{
    double index[64] = {1};
    size_t length = 1;

    if (is_seasonal(s, period)) {
        length = period;
        find_indices(s, period, index);
    }
    double last = s->value[s->count - 1] / index[(s->count - 1) % length];

    for (size_t i = 0; i < s->steps; i++)
        forecast[i] = last * index[(s->count + i) % length];
}

/* --- Scores */

static struct scores score(const struct series *s, size_t period, const double *forecast)
{
    struct scores scores = {0};
    double scale = 0;

    for (size_t i = period; i < s->count; i++)
        scale += fabs(s->value[i] - s->value[i - period]) / (double)(s->count - period);
    for (size_t i = 0; i < s->steps; i++) {
        double off = fabs(s->test[i] - forecast[i]);

        if (isnan(forecast[i]))
            die("has no forecast for a step", s->name);
        scores.smape +=
            off > 0 ? 200 * off / (fabs(s->test[i]) + fabs(forecast[i])) / (double)s->steps : 0;
        scores.mase += off / scale / (double)s->steps;
    }
    return scores;
}

static void print_scores(const struct series *series, size_t count, size_t period, bool each)
{
    struct scores ours = {0}, naive2 = {0};
    size_t within = 0, values = 0;

    for (size_t i = 0; i < count; i++) {
        const struct series *s = &series[i];
        double forecast[STEPS_MAX];

        forecast_naive2(s, period, forecast);
        struct scores one = score(s, period, s->forecast), other = score(s, period, forecast);

        if (each)
            printf("%-8s sMAPE %.3f MASE %.3f  (Naive2 %.3f %.3f)\n", s->name, one.smape, one.mase,
                   other.smape, other.mase);
        ours.smape += one.smape / (double)count;
        ours.mase += one.mase / (double)count;
        naive2.smape += other.smape / (double)count;
        naive2.mase += other.mase / (double)count;
        for (size_t k = 0; k < s->steps; k++)
            within += s->test[k] >= s->lower[k] && s->test[k] <= s->upper[k];
        values += s->steps;
    }
    printf("%zu series  OWA %.3f  sMAPE %.3f  MASE %.3f  (Naive2 %.3f %.3f)  cover %.3f\n", count,
           (ours.smape / naive2.smape + ours.mase / naive2.mase) / 2, ours.smape, ours.mase,
           naive2.smape, naive2.mase, (double)within / (double)values);
}

int main(int argc, char **argv)
{
    size_t count, period = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 0;

    if (argc < 5 || argc > 6 || (argc == 6 && strcmp(argv[5], "-v") != 0) || period < 1 ||
        period > 64 || !(seconds > 0)) {
        fprintf(stderr, "usage: m4_score PERIOD SECONDS TRAIN.csv TEST.csv [-v] <FINDINGS\n");
        return 2;
    }
    struct series *series = read_series(argv[3], argv[4], &count);

    read_findings(series, count, seconds);
    print_scores(series, count, period, argc == 6);
    for (size_t i = 0; i < count; i++)
        free(series[i].value);
    free(series);
    return 0;
}
