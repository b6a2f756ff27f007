/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fisher's test against published tables and against exact fractions by enumeration. */
#include "stats/fisher.h"

#include "tap.h"

#include <math.h>

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * fmax(1e-300, fmax(fabs(a), fabs(b)));
}

/* --- Tables with known answers */

struct known {
    const char *label;
    uint64_t a, b, c, d;
    double greater, less, two_sided;
};

static const struct known table[] = {
    /* 17/70, 69/70 and 34/70 by counting the C(8,4) = 70 ways to choose */
    {"the lady tasting tea", 3, 1, 1, 3, 17.0 / 70, 69.0 / 70, 34.0 / 70},
    {"all cups right", 4, 0, 0, 4, 1.0 / 70, 1, 2.0 / 70},
    {"none", 0, 4, 4, 0, 1, 1.0 / 70, 2.0 / 70},
    {"an empty group", 0, 0, 5, 5, 1, 1, 1},
    {"nobody has it", 0, 7, 0, 5, 1, 1, 1},
    {"everybody has it", 7, 0, 5, 0, 1, 1, 1},
};

static void test_known(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct known *k = &table[i];
        struct tcore_fisher got = tcore_fisher_test(k->a, k->b, k->c, k->d);
        ok(near(got.greater, k->greater, 1e-12) && near(got.less, k->less, 1e-12) &&
               near(got.two_sided, k->two_sided, 1e-12),
           "%s: %.12g %.12g %.12g", k->label, got.greater, got.less, got.two_sided);
    }
}

/* --- Every table with small margins, in integers */

static uint64_t choose(uint64_t n, uint64_t k)
{
    uint64_t result = 1;
    if (k > n)
        return 0;
    for (uint64_t i = 1; i <= k; i++)
        result = result * (n - k + i) / i;
    return result;
}

static bool agrees(uint64_t group, uint64_t others, uint64_t has, uint64_t a)
{
    double greater = 0, less = 0, both = 0;
    uint64_t own = choose(group, a) * choose(others, has - a);
    for (uint64_t k = 0; k <= has && k <= group; k++) {
        uint64_t ways = choose(group, k) * choose(others, has - k);
        greater += k >= a ? (double)ways : 0;
        less += k <= a ? (double)ways : 0;
        both += ways <= own ? (double)ways : 0;
    }
    double all = (double)choose(group + others, has);
    struct tcore_fisher got = tcore_fisher_test(a, group - a, has - a, others - (has - a));
    return near(got.greater, greater / all, 1e-12) && near(got.less, less / all, 1e-12) &&
           near(got.two_sided, both / all, 1e-12);
}

static void test_every_small_table(void)
{
    unsigned tables = 0, wrong = 0;
    for (uint64_t group = 1; group <= 9; group++)
        for (uint64_t others = 1; others <= 9; others++)
            for (uint64_t has = 0; has <= group + others; has++)
                for (uint64_t a = has > others ? has - others : 0; a <= group && a <= has; a++) {
                    tables++;
                    wrong += !agrees(group, others, has, a);
                }
    ok(wrong == 0 && tables > 1000, "%u of %u small tables differ from counting", wrong, tables);
}

/* --- Large ones */

static void test_large(void)
{
    /* all of the group have it and nobody else: 1 / C(1000, 50) */
    double got = tcore_fisher_test(50, 0, 0, 950).greater;
    double want = 1;
    for (int i = 0; i < 50; i++)
        want *= (50.0 - i) / (1000.0 - i);
    ok(near(got, want, 1e-9), "50 of 50 against 0 of 950: %g, %g by its product", got, want);
    struct tcore_fisher even = tcore_fisher_test(50000, 450000, 50000, 450000);
    ok(even.two_sided == 1 && even.greater > 0.5 && even.greater < 0.502,
       "a million with no difference: %g %g", even.two_sided, even.greater);
    struct tcore_fisher more = tcore_fisher_test(50500, 449500, 49500, 450500);
    /* z = 3.33: about 0.00043 one-sided */
    ok(more.greater > 3.8e-4 && more.greater < 4.8e-4, "a million with a little: %g", more.greater);
    ok(near(tcore_fisher_test(0, 1000000, 20, 999980).two_sided, 2 * exp2(-20), 1e-3),
       "large groups: 0 and 20 of a million");
    ok(tcore_fisher_test(0, 5000, 5000, 0).two_sided < 1e-300, "as clear as can be");
}

/* Fisher's criminal twins: 10 of 13 and 2 of 17 convicted; 4.652e-4 one-sided by all tables of 30
 * twins of whom 12 were convicted. */
static void test_twins(void)
{
    struct tcore_fisher got = tcore_fisher_test(10, 3, 2, 15);
    double all = (double)choose(30, 12), greater = 0;
    for (uint64_t a = 10; a <= 12; a++)
        greater += (double)(choose(13, a) * choose(17, 12 - a)) / all;
    ok(near(got.two_sided, 0.0005367241, 1e-6) && near(got.greater, greater, 1e-12) &&
           near(got.greater, 4.652e-4, 1e-3),
       "criminal twins: %.10g %.10g", got.two_sided, got.greater);
}

/* Of all tables with the same margins. */
static void test_smallest(void)
{
    unsigned bad = 0;

    for (uint64_t n = 1; n <= 9; n++)
        for (uint64_t m = 1; m <= 9; m++)
            for (uint64_t has = 0; has <= n + m; has++) {
                struct tcore_fisher least = {1, 1, 1}, got = tcore_fisher_smallest(has, n, n + m);

                for (uint64_t a = has > m ? has - m : 0; a <= n && a <= has; a++) {
                    struct tcore_fisher p = tcore_fisher_test(a, n - a, has - a, m - (has - a));
                    least.greater = fmin(least.greater, p.greater);
                    least.less = fmin(least.less, p.less);
                    least.two_sided = fmin(least.two_sided, p.two_sided);
                }
                bad += !near(got.greater, least.greater, 1e-12) ||
                       !near(got.less, least.less, 1e-12) ||
                       !near(got.two_sided, least.two_sided, 1e-12);
            }
    ok(bad == 0, "no table of the same margins has a smaller p: %u are wrong", bad);
    ok(near(tcore_fisher_smallest(3, 5, 10).greater, 10.0 / 120, 1e-12), "three of ten in a half");
    ok(near(tcore_fisher_smallest(1, 1, 1000).greater, 1e-3, 1e-12), "one of a thousand");
    ok(near(tcore_fisher_smallest(8, 5, 10).greater, 10.0 / 45, 1e-12),
       "more have it than the group has");
}

int main(void)
{
    test_known();
    test_every_small_table();
    test_large();
    test_twins();
    test_smallest();
    return done_testing();
}
