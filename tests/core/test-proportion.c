/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fisher's test against sums of binomial coefficients and published values, Newcombe's interval
 * against his table, and serial correlation. */
#include "random.h"
#include "stats/order.h"
#include "stats/proportion.h"
#include "stats/serial.h"
#include "tap.h"

#include <math.h>

static bool near(double got, double wanted, double relative)
{
    return fabs(got - wanted) <= relative * fabs(wanted);
}

/* Exact for small numbers. */
static double choose(uint64_t n, uint64_t k)
{
    double result = 1;

    if (k > n)
        return 0;
    for (uint64_t i = 1; i <= k; i++)
        result = result * (double)(n - k + i) / (double)i;
    return round(result);
}

static double fisher_by_definition(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
    double seen = choose(n, a) * choose(m, b), unlikely = 0;

    for (uint64_t x = 0; x <= a + b && x <= n; x++) {
        double ways = choose(n, x) * choose(m, a + b - x);

        if (a + b - x <= m && ways <= seen)
            unlikely += ways;
    }
    return unlikely / choose(n + m, a + b);
}

static void test_all_small_tables(void)
{
    unsigned bad = 0, tables = 0;

    for (uint64_t n = 0; n <= 9; n++)
        for (uint64_t m = 0; m <= 9; m++)
            for (uint64_t a = 0; a <= n; a++)
                for (uint64_t b = 0; b <= m; b++, tables++)
                    bad +=
                        !near(tcore_fisher_p(a, n, b, m), fisher_by_definition(a, n, b, m), 1e-12);
    ok(bad == 0, "Fisher's p by definition: %u of %u tables are wrong", bad, tables);
}

static void test_smallest(void)
{
    unsigned bad = 0;

    for (uint64_t n = 1; n <= 9; n++)
        for (uint64_t m = 1; m <= 9; m++)
            for (uint64_t hits = 0; hits <= n + m; hits++) {
                double least = 1;

                for (uint64_t a = hits > m ? hits - m : 0; a <= n && a <= hits; a++)
                    least = fmin(least, fisher_by_definition(a, n, hits - a, m));
                bad += !near(tcore_fisher_smallest_p(hits, n, m), least, 1e-12);
            }
    ok(bad == 0, "no table of the same sums has a smaller p: %u are wrong", bad);
}

static void test_published(void)
{
    /* the tea: 3 of 4 and 1 of 4 (Fisher 1935, Agresti 3.5.2) */
    ok(near(tcore_fisher_p(3, 4, 1, 4), 34.0 / 70, 1e-12), "the lady tasting tea");
    /* Fisher's criminal twins: 10 of 13 and 2 of 17 convicted */
    ok(near(tcore_fisher_p(10, 13, 2, 17), 0.0005367241, 1e-6), "criminal twins");
    ok(tcore_fisher_p(0, 0, 3, 5) == 1, "an empty group says nothing");
    ok(near(tcore_fisher_p(0, 1000000, 20, 1000000), 2 * exp2(-20), 1e-3),
       "large groups: 0 and 20 of a million");
    ok(tcore_fisher_p(0, 5000, 5000, 5000) < 1e-300, "as clear as can be");
    ok(near(tcore_fisher_p(500000, 1000000, 500000, 1000000), 1, 1e-6), "no difference");
    /* Newcombe's table II: (a) 56/70 - 48/80 and (e) 5/56 - 0/29 by method 10 */
    struct tcore_proportion_difference d = tcore_proportion_compare(48, 80, 56, 70, 0.95);
    ok(near(d.lower, 0.0524, 1e-3) && near(d.upper, 0.3339, 1e-3) && near(d.estimate, 0.2, 1e-9),
       "Newcombe's example a");
    d = tcore_proportion_compare(0, 29, 5, 56, 0.95);
    ok(near(d.lower, -0.0381, 2e-3) && near(d.upper, 0.1926, 1e-3), "Newcombe's example e");
    ok(isnan(tcore_proportion_compare(0, 0, 1, 2, 0.95).estimate), "no group, no difference");
}

static void test_serial(void)
{
    enum { COUNT = 2000 };
    static double in_time[COUNT], sorted[COUNT];
    struct random_source source = {7};

    for (int dependent = 0; dependent < 2; dependent++) {
        double before = 0;

        for (size_t i = 0; i < COUNT; i++)
            sorted[i] = in_time[i] = before =
                random_normal(&source) + (dependent ? 0.7 * before : 0);
        tcore_sort_doubles(sorted, COUNT);
        double got = tcore_serial_correlation(in_time, sorted, COUNT);
        ok(dependent ? fabs(got - 0.68) < 0.06 : fabs(got) < 0.06, "correlation %g: %g",
           dependent ? 0.7 : 0, got);
    }
    for (size_t i = 0; i < 9; i++)
        in_time[i] = 3;
    ok(isnan(tcore_serial_correlation(in_time, in_time, 9)), "equal values have none");
}

int main(void)
{
    test_all_small_tables();
    test_smallest();
    test_published();
    test_serial();
    return done_testing();
}
