/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Newcombe's interval against his table, and serial correlation. */
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

static void test_published(void)
{
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
    test_published();
    test_serial();
    return done_testing();
}
