/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rank statistics against published values and against brute force: every arrangement of small
 * samples is enumerated, every pairwise difference is written down and sorted.
 */
#include "stats/order.h"
#include "stats/rank.h"

#include "failing.h"
#include "tap.h"

#include <math.h>

static uint64_t seed = 88172645463325252;

static double uniform(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) * 0x1p-53;
}

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * fmax(1e-300, fmax(fabs(a), fabs(b))) || a == b;
}

/* U by its definition. */
static double u_of(const double *x, size_t n, const double *y, size_t m)
{
    double u = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            u += x[i] < y[j] ? 1 : x[i] == y[j] ? 0.5 : 0;
    return u;
}

/* The two-sided p-value by taking every choice of n of the n + m values for x. */
static double p_by_enumeration(const double *x, size_t n, const double *y, size_t m)
{
    double all[24], a[24], b[24];
    double centre = (double)(n * m) / 2, distance = fabs(u_of(x, n, y, m) - centre);
    unsigned extreme = 0, arrangements = 0;

    memcpy(all, x, n * sizeof *x);
    memcpy(all + n, y, m * sizeof *y);
    for (unsigned set = 0; set < 1u << (n + m); set++) {
        if ((size_t)__builtin_popcount(set) != n)
            continue;
        size_t i = 0, j = 0;

        for (size_t k = 0; k < n + m; k++) {
            if (set >> k & 1)
                a[i++] = all[k];
            else
                b[j++] = all[k];
        }
        arrangements++;
        extreme += fabs(u_of(a, n, b, m) - centre) >= distance - 1e-9;
    }
    return (double)extreme / arrangements;
}

static struct tcore_rank_test rank_test(double *x, size_t n, double *y, size_t m)
{
    struct tcore_rank_null null = {0};
    struct tcore_rank_test result;

    tcore_sort_doubles(x, n);
    tcore_sort_doubles(y, m);
    if (tcore_rank_test(&null, x, n, y, m, &result, NULL) != TCORE_OK)
        abort();
    tcore_rank_null_free(&null);
    return result;
}

static void test_published(void)
{
    /* Hollander and Wolfe (1973), p. 69: permeability of the human chorioamnion. */
    double term[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    double early[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    struct tcore_rank_test result = rank_test(early, 5, term, 10);

    is_double(result.u, 35, "chorioamnion: U is 35");
    ok(fabs(result.p_value - 0.2544) < 5e-5, "chorioamnion: p is 0.2544 (%.6f)", result.p_value);
    ok(result.exact && !result.ties, "chorioamnion: exact, no ties");

    struct tcore_rank_null null = {0};
    struct tcore_rank_shift shift;

    tcore_rank_shift(&null, early, 5, term, 10, 0.95, &shift, NULL);
    ok(near(shift.estimate, 0.305, 1e-12), "chorioamnion: the shift is 0.305 (%.6f)",
       shift.estimate);
    ok(near(shift.lower, -0.15, 1e-9) && near(shift.upper, 0.76, 1e-9),
       "chorioamnion: 95 %% interval -0.15 to 0.76 (%.4f to %.4f)", shift.lower, shift.upper);
    tcore_rank_null_free(&null);

    double low[] = {1, 2, 3, 4, 5}, high[] = {6, 7, 8, 9, 10};

    result = rank_test(low, 5, high, 5);
    ok(near(result.p_value, 2.0 / 252, 1e-12), "five below five: p is 2/252");

    /* Critical values of the two-sided test at 0.05, from the tables of Mann and Whitney and of
     * D. Auble (1953): the largest U that is significant. */
    static const struct {
        size_t n, m, u;
    } critical[] = {{4, 4, 0},    {5, 5, 2},    {5, 8, 6},    {6, 6, 5},     {8, 8, 13},
                    {10, 10, 23}, {12, 15, 49}, {15, 15, 64}, {20, 20, 127}, {7, 20, 34}};

    for (size_t c = 0; c < sizeof critical / sizeof *critical; c++) {
        double x[20], y[20], p[2];

        for (size_t more = 0; more < 2; more++) {
            /* y above nothing has U = 0; raising values of y past those of x adds one each. */
            size_t u = critical[c].u + more, m = critical[c].m, n = critical[c].n;

            for (size_t i = 0; i < n; i++)
                x[i] = (double)i + 1;
            for (size_t j = 0; j < m; j++) {
                size_t passed = u < n ? u : n;

                y[j] = (double)passed + 0.5 + (double)j / 100;
                u -= passed;
            }
            p[more] = rank_test(x, n, y, m).p_value;
        }
        ok(p[0] <= 0.05 && p[1] > 0.05, "critical value %zu for %zu and %zu (%.4f, %.4f)",
           critical[c].u, critical[c].n, critical[c].m, p[0], p[1]);
    }
}

static void test_against_enumeration(void)
{
    double worst = 0, worst_ties = 0;
    unsigned inexact = 0;

    for (unsigned round = 0; round < 400; round++) {
        size_t n = 1 + (size_t)(uniform() * 6), m = 1 + (size_t)(uniform() * 6);
        double x[8], y[8], levels = round % 2 ? 4 : 1e6;

        for (size_t i = 0; i < n; i++)
            x[i] = floor(uniform() * levels);
        for (size_t j = 0; j < m; j++)
            y[j] = floor(uniform() * levels + (round % 3));
        struct tcore_rank_test result = rank_test(x, n, y, m);
        double error = fabs(result.p_value - p_by_enumeration(x, n, y, m));

        inexact += !result.exact || result.u != u_of(x, n, y, m);
        if (result.ties)
            worst_ties = fmax(worst_ties, error);
        else
            worst = fmax(worst, error);
    }
    is_int(inexact, 0, "small samples are exact and U follows its definition");
    ok(worst < 1e-12, "p-values without ties equal those by enumeration (off by %.1e)", worst);
    ok(worst_ties < 1e-12, "p-values with ties equal those by enumeration (off by %.1e)",
       worst_ties);
}

/* P(U <= u) by the recurrence f(n, m, u) = f(n - 1, m, u - m) + f(n, m - 1, u). */
static double recurrence(size_t n, size_t m, size_t u)
{
    static long double f[51][51][1251];

    for (size_t a = 0; a <= n; a++)
        for (size_t b = 0; b <= m; b++)
            for (size_t k = 0; k <= u; k++)
                f[a][b][k] =
                    a == 0 || b == 0 ? k == 0 : (k >= b ? f[a - 1][b][k - b] : 0) + f[a][b - 1][k];
    long double sum = 0, all = 1;

    for (size_t k = 0; k <= u; k++)
        sum += f[n][m][k];
    for (size_t i = 1; i <= n; i++)
        all = all * (long double)(m + i) / (long double)i;
    return (double)(sum / all);
}

static void test_large(void)
{
    static double x[3000], y[3000];

    /* Interleaved with y ahead: 50 a side is the largest size promised exact. */
    for (size_t i = 0; i < 50; i++) {
        x[i] = (double)i * 2;
        y[i] = (double)i * 2 + 23;
    }
    struct tcore_rank_test result = rank_test(x, 50, y, 50);
    size_t u = (size_t)(2500 - result.u);

    ok(result.exact, "50 a side are exact");
    ok(near(result.p_value, 2 * recurrence(50, 50, u), 1e-9),
       "50 a side: p as by the recurrence (%.3e)", result.p_value);

    for (size_t i = 0; i < 3; i++)
        x[i] = (double)i;
    for (size_t i = 0; i < 1000; i++)
        y[i] = (double)i + 0.5;
    result = rank_test(x, 3, y, 1000);
    ok(result.exact && result.p_value < 1e-4, "3 against 1,000 are exact (%.3e)", result.p_value);

    for (size_t i = 0; i < 3000; i++) {
        x[i] = uniform();
        y[i] = uniform() + 0.1;
    }
    result = rank_test(x, 3000, y, 3000);
    ok(!result.exact && result.p_value < 1e-20, "3,000 a side by the normal approximation");
    for (size_t i = 0; i < 3000; i++)
        x[i] = y[i] = 7;
    result = rank_test(x, 3000, y, 3000);
    is_double(result.p_value, 1, "all equal: p is 1");
    result = rank_test(x, 0, y, 3000);
    is_double(result.p_value, 1, "an empty sample: p is 1");
    ok(near(tcore_rank_smallest_p(4, 4), 2.0 / 70, 1e-12), "4 and 4 reach 2/70");
    is_double(tcore_rank_smallest_p(0, 4), 1, "nothing and 4 reach 1");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void test_shift(void)
{
    struct tcore_rank_null null = {0};
    unsigned wrong = 0, wrong_interval = 0;

    for (unsigned round = 0; round < 200; round++) {
        size_t n = 1 + (size_t)(uniform() * 30), m = 1 + (size_t)(uniform() * 30), at = 0;
        double x[30], y[30], differences[900];
        struct tcore_rank_shift shift;

        for (size_t i = 0; i < n; i++)
            x[i] = round % 2 ? floor(uniform() * 5) : uniform() - 0.5;
        for (size_t j = 0; j < m; j++)
            y[j] = round % 2 ? floor(uniform() * 5) : uniform() * 1e6;
        tcore_sort_doubles(x, n);
        tcore_sort_doubles(y, m);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < m; j++)
                differences[at++] = y[j] - x[i];
        qsort(differences, at, sizeof *differences, compare);
        double median =
            at % 2 ? differences[at / 2] : (differences[at / 2 - 1] + differences[at / 2]) / 2;

        if (tcore_rank_shift(&null, x, n, y, m, 0.9, &shift, NULL) != TCORE_OK)
            abort();
        wrong += !near(shift.estimate, median, 1e-12);
        size_t k = 0;

        while (k < null.count && null.at_most[k] <= 0.05)
            k++;
        if (k == 0)
            wrong_interval += !isinf(shift.lower) || !isinf(shift.upper);
        else
            wrong_interval +=
                shift.lower != differences[k - 1] || shift.upper != differences[at - k];
    }
    tcore_rank_null_free(&null);
    is_int(wrong, 0, "the shift is the median of all differences");
    is_int(wrong_interval, 0, "the interval's ends are differences of the right rank");
}

/* The interval holds the true shift as often as it says. */
static void test_coverage(void)
{
    static const size_t sizes[] = {4, 6, 10, 25, 60};
    struct tcore_rank_null null = {0};

    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        unsigned held = 0, rounds = 2000;

        for (unsigned round = 0; round < rounds; round++) {
            double x[60], y[60];
            struct tcore_rank_shift shift;

            for (size_t i = 0; i < n; i++) {
                x[i] = 1 / (0.01 + uniform());
                y[i] = 1 / (0.01 + uniform()) + 3;
            }
            tcore_sort_doubles(x, n);
            tcore_sort_doubles(y, n);
            tcore_rank_shift(&null, x, n, y, n, 0.95, &shift, NULL);
            held += shift.lower <= 3 && 3 <= shift.upper;
        }
        /* three standard errors below 95 % */
        ok(held >= rounds * 0.95 - 3 * sqrt(rounds * 0.0475),
           "95 %% intervals of %zu a side hold the shift in %.1f %%", n, held * 100.0 / rounds);
    }
    tcore_rank_null_free(&null);
}

static void test_many(void)
{
    /* Benjamini and Hochberg (1995), section 3.2: thrombolysis, 15 comparisons. */
    double p[] = {0.0459, 0.0001, 0.0004, 1.0000, 0.0019, 0.0095, 0.0201, 0.0278,
                  0.0298, 0.0344, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590};
    double adjusted[15], one = 0.03, same;
    unsigned significant = 0;

    tcore_benjamini_hochberg(p, 15, adjusted, NULL);
    for (size_t i = 0; i < 15; i++)
        significant += adjusted[i] <= 0.05;
    is_int(significant, 4, "the paper's example rejects four");
    ok(near(adjusted[1], 0.0015, 1e-12), "15 times the smallest");
    ok(near(adjusted[7], 0.0298 * 15 / 7, 1e-12), "an adjusted value is no more than those above");
    is_double(adjusted[3], 1, "1 stays 1");
    tcore_benjamini_hochberg(&one, 1, &same, NULL);
    is_double(same, 0.03, "one test is not adjusted");
    ok(tcore_benjamini_hochberg(NULL, 0, NULL, NULL) == TCORE_OK, "no test at all");
}

static void test_order(void)
{
    double values[] = {3, NAN, 1, 2, NAN, 5, 4}, scratch[5];

    tcore_sort_doubles(values, 7);
    ok(values[0] == 1 && values[4] == 5 && isnan(values[5]) && isnan(values[6]),
       "sorting leaves NaN at the end");
    is_double(tcore_median(values, 5), 3, "the median of five");
    is_double(tcore_median(values, 4), 2.5, "the median of four");
    ok(isnan(tcore_median(values, 0)), "the median of nothing");
    is_double(tcore_quantile(values, 5, 0.25), 2, "the lower quartile");
    ok(near(tcore_quantile(values, 5, 0.9), 4.6, 1e-12), "a quantile between two values");
    is_double(tcore_quantile(values, 5, 2), 5, "quantiles are clamped");
    is_double(tcore_median_deviation(values, 5, scratch), 1, "the median deviation");
    ok(fabs(tcore_normal_tail_inverse(0.025) - 1.959963984540054) < 1e-12, "z of 0.025");
    ok(fabs(tcore_normal_tail_inverse(0.975) + 1.959963984540054) < 1e-12, "z of 0.975");
    ok(fabs(tcore_normal_tail(1.6448536269514722) - 0.05) < 1e-15, "the tail beyond 1.645");
}

/* Whatever allocation fails, it is told and nothing leaks; without a failure all succeed. */
static void test_memory(void)
{
    double x[] = {1, 2, 3, 3, 5}, y[] = {2, 4, 6, 8, 9}, z[] = {10, 11, 12, 13, 14};
    double p[] = {0.01, 0.5, 0.03}, adjusted[3];
    unsigned untold = 0, told = 0;
    bool more = true;

    for (unsigned long n = 1; more; n++) {
        struct tcore_rank_null null = {0};
        struct tcore_rank_test test;
        struct tcore_rank_shift shift;
        bool fatal = false;

        failing_begin(n);
        fatal |= tcore_rank_test(&null, x, 5, y, 5, &test, NULL) == TCORE_FATAL;
        fatal |= tcore_rank_test(&null, y, 5, z, 5, &test, NULL) == TCORE_FATAL;
        fatal |= tcore_rank_shift(&null, x, 4, y, 5, 0.95, &shift, NULL) == TCORE_FATAL;
        fatal |= tcore_benjamini_hochberg(p, 3, adjusted, NULL) == TCORE_FATAL;
        tcore_rank_null_free(&null);
        more = failing_end();
        told += fatal;
        untold += fatal != more;
    }
    is_int(untold, 0, "a failed allocation is told, and no other");
    ok(told >= 6, "%u of them failed", told);
    is_int(failing.live, 0, "nothing leaks");
}

int main(void)
{
    test_memory();
    test_published();
    test_against_enumeration();
    test_large();
    test_shift();
    test_coverage();
    test_many();
    test_order();
    return done_testing();
}
