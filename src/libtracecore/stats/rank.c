/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The U test and what it needs. The null distribution without ties is the list of coefficients of
 * the Gaussian binomial coefficient, product over i = 1 ... n of (1 - q^(m+i)) / (1 - q^i), which
 * is multiplied out in 128-bit integers: nothing rounds until the final division.
 */
#include "stats/rank.h"

#include "base/sys.h"
#include "stats/order.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 rank_count;

/* Steps that a null distribution may cost; a millisecond or two. */
#define RANK_WORK UINT64_C(4000000)

/* log2 of C(n + m, n): how many arrangements there are. */
static double log2_arrangements(size_t n, size_t m)
{
    double a = (double)n, b = (double)m;

    return (lgamma(a + b + 1) - lgamma(a + 1) - lgamma(b + 1)) / log(2);
}

double tcore_rank_smallest_p(size_t n, size_t m)
{
    if (n == 0 || m == 0)
        return 1;
    size_t small = n < m ? n : m, large = n < m ? m : n;
    double p = 2;

    for (size_t i = 1; i <= small && p > 0; i++)
        p *= (double)i / (double)(large + i);
    return p < 1 ? p : 1;
}

void tcore_rank_null_free(struct tcore_rank_null *null)
{
    tcore_free(null->at_most);
    *null = (struct tcore_rank_null){0};
}

/* Multiplies the polynomial, cut off behind its first count coefficients, by 1 - q^k. */
static void times_one_minus(rank_count *coefficient, size_t count, size_t k)
{
    for (size_t i = count; i-- > k;)
        coefficient[i] -= coefficient[i - k];
}

/* Divides by 1 - q^k. */
static void over_one_minus(rank_count *coefficient, size_t count, size_t k)
{
    for (size_t i = k; i < count; i++)
        coefficient[i] += coefficient[i - k];
}

/* Makes null hold the sizes n and m; its count is 0 when they are too large. */
static enum tcore_status prepare_null(struct tcore_rank_null *null, size_t n, size_t m,
                                      struct tcore_error *err)
{
    if (null->n == n && null->m == m)
        return TCORE_OK;
    tcore_rank_null_free(null);
    size_t small = n < m ? n : m, large = n < m ? m : n;

    if (small == 0 || large > RANK_WORK / small / small || log2_arrangements(n, m) >= 126) {
        null->n = n;
        null->m = m;
        return TCORE_OK;
    }
    size_t count = n * m / 2 + 1;
    rank_count *coefficient = tcore_calloc(count, sizeof *coefficient);
    double *at_most = tcore_reallocarray(NULL, count, sizeof *at_most);

    if (coefficient == NULL || at_most == NULL) {
        tcore_free(coefficient);
        tcore_free(at_most);
        return tcore_error_nomem(err);
    }
    coefficient[0] = 1;
    rank_count arrangements = 1;

    for (size_t i = 1; i <= small; i++) {
        times_one_minus(coefficient, count, large + i);
        over_one_minus(coefficient, count, i);
        arrangements = arrangements / i * (large + i) + arrangements % i * (large + i) / i;
    }
    rank_count sum = 0;

    for (size_t u = 0; u < count; u++) {
        sum += coefficient[u];
        at_most[u] = (double)sum / (double)arrangements;
    }
    tcore_free(coefficient);
    *null = (struct tcore_rank_null){n, m, at_most, count};
    return TCORE_OK;
}

/* What one walk over both samples finds. */
struct rank_walk {
    uint64_t u_doubled;  /* 2 * U */
    double tie_term;     /* sum of t^3 - t over groups of t equal values */
    bool ties, constant; /* constant: one group holds everything */
};

static size_t run_length(const double *sorted, size_t from, size_t count, double value)
{
    size_t i = from;

    while (i < count && sorted[i] == value)
        i++;
    return i - from;
}

static struct rank_walk walk_samples(const double *x, size_t n, const double *y, size_t m)
{
    struct rank_walk walk = {0};
    size_t i = 0, j = 0;

    while (i < n || j < m) {
        double value = j == m || (i < n && x[i] <= y[j]) ? x[i] : y[j];
        size_t a = run_length(x, i, n, value), b = run_length(y, j, m, value);
        double t = (double)(a + b);

        walk.u_doubled += (uint64_t)b * (2 * (uint64_t)i + a);
        walk.tie_term += t * (t * t - 1);
        walk.ties |= a + b > 1;
        walk.constant = a == n && b == m;
        i += a;
        j += b;
    }
    return walk;
}

static double p_by_normal(const struct rank_walk *walk, size_t n, size_t m)
{
    double a = (double)n, b = (double)m, total = a + b;
    double variance = a * b / 12 * (total + 1 - walk->tie_term / (total * (total - 1)));
    double distance = fabs((double)walk->u_doubled / 2 - a * b / 2) - 0.5;

    if (!(variance > 0) || distance <= 0)
        return 1;
    return fmin(1, 2 * tcore_normal_tail(distance / sqrt(variance)));
}

static double p_by_null(const struct tcore_rank_null *null, uint64_t u_doubled)
{
    uint64_t u = u_doubled / 2, pairs = (uint64_t)null->n * null->m;

    if (u > pairs - u)
        u = pairs - u;
    return fmin(1, 2 * null->at_most[u]);
}

/* Doubled midranks of both samples together, ascending. */
static void fill_midranks(const double *x, size_t n, const double *y, size_t m, uint32_t *ranks)
{
    size_t i = 0, j = 0, at = 0;

    while (i < n || j < m) {
        double value = j == m || (i < n && x[i] <= y[j]) ? x[i] : y[j];
        size_t a = run_length(x, i, n, value), b = run_length(y, j, m, value);

        for (size_t k = 0; k < a + b; k++)
            ranks[at + k] = (uint32_t)(2 * at + a + b + 1);
        at += a + b;
        i += a;
        j += b;
    }
}

/*
 * How many of the subsets of size k have which sum of doubled midranks: counts[k * width + sum].
 * Item by item, each subset is taken without and with the item.
 */
static void count_subsets(const uint32_t *ranks, size_t total, size_t size, uint64_t *counts,
                          size_t width)
{
    size_t reach = 0; /* no sum so far is beyond it */

    counts[0] = 1;
    for (size_t item = 0; item < total; item++) {
        size_t rank = ranks[item], most = item + 1 < size ? item + 1 : size;

        reach = reach + rank < width - 1 ? reach + rank : width - 1;
        for (size_t k = most; k >= 1; k--) {
            uint64_t *to = counts + k * width;
            const uint64_t *from = counts + (k - 1) * width;

            for (size_t sum = rank; sum <= reach; sum++)
                to[sum] += from[sum - rank];
        }
    }
}

/* The p-value given the ties; *p is left alone if that would be too much work. */
static enum tcore_status p_given_ties(const double *x, size_t n, const double *y, size_t m,
                                      uint64_t u_doubled, double *p, bool *exact,
                                      struct tcore_error *err)
{
    size_t total = n + m, size = n < m ? n : m;

    if (total > 1000 || log2_arrangements(n, m) >= 62)
        return TCORE_OK;
    /* The doubled midranks of size items sum to at most size * (2 * total - size + 1). */
    size_t width = size * (2 * total - size + 1) + 1;

    if ((uint64_t)total * size * width > RANK_WORK * 2)
        return TCORE_OK;
    uint32_t *ranks = tcore_reallocarray(NULL, total, sizeof *ranks);
    uint64_t *counts = tcore_calloc((size + 1) * width, sizeof *counts);

    if (ranks == NULL || counts == NULL) {
        tcore_free(ranks);
        tcore_free(counts);
        return tcore_error_nomem(err);
    }
    fill_midranks(x, n, y, m, ranks);
    count_subsets(ranks, total, size, counts, width);
    /* Either sample's doubled rank sum is size * (size + 1) + 2 U of that sample. */
    int64_t pairs = (int64_t)(n * m), centre = (int64_t)(size * (size + 1)) + pairs;
    int64_t distance = (int64_t)u_doubled - pairs;
    uint64_t extreme = 0, all = 0;

    if (distance < 0)
        distance = -distance;
    for (size_t sum = 0; sum < width; sum++) {
        uint64_t here = counts[size * width + sum];
        int64_t away = (int64_t)sum - centre;

        all += here;
        if (away >= distance || away <= -distance)
            extreme += here;
    }
    *p = (double)extreme / (double)all;
    *exact = true;
    tcore_free(ranks);
    tcore_free(counts);
    return TCORE_OK;
}

enum tcore_status tcore_rank_test(struct tcore_rank_null *null, const double *x, size_t n,
                                  const double *y, size_t m, struct tcore_rank_test *result,
                                  struct tcore_error *err)
{
    struct rank_walk walk = walk_samples(x, n, y, m);
    enum tcore_status status;

    *result = (struct tcore_rank_test){(double)walk.u_doubled / 2, 1, true, walk.ties};
    if (n == 0 || m == 0 || walk.constant)
        return TCORE_OK;
    result->exact = false;
    result->p_value = p_by_normal(&walk, n, m);
    if (walk.ties)
        return p_given_ties(x, n, y, m, walk.u_doubled, &result->p_value, &result->exact, err);
    status = prepare_null(null, n, m, err);
    if (status == TCORE_OK && null->count) {
        result->p_value = p_by_null(null, walk.u_doubled);
        result->exact = true;
    }
    return status;
}

/* A double as an integer with the same order, and back. -0 and 0 are neighbours. */
static int64_t order_of(double value)
{
    int64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

static double value_of(int64_t order)
{
    int64_t bits = order < 0 ? INT64_MIN - order : order;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Differences y - x that are at most limit. Rounding keeps their order, so one staircase walk over
 * the sorted samples counts them. */
static uint64_t differences_at_most(const double *x, size_t n, const double *y, size_t m,
                                    double limit)
{
    uint64_t count = 0;
    size_t j = 0;

    for (size_t i = 0; i < n; i++) {
        while (j < m && y[j] - x[i] <= limit)
            j++;
        count += j;
    }
    return count;
}

/* The k-th smallest difference, k from 1, by bisection over the doubles themselves: exact after at
 * most 64 walks, and no difference is ever stored. */
static double nth_difference(const double *x, size_t n, const double *y, size_t m, uint64_t k)
{
    int64_t low = order_of(y[0] - x[n - 1]), high = order_of(y[m - 1] - x[0]);

    while (low < high) {
        int64_t middle = (low & high) + ((low ^ high) >> 1);

        if (differences_at_most(x, n, y, m, value_of(middle)) >= k)
            high = middle;
        else
            low = middle + 1;
    }
    return value_of(low);
}

/* How many differences to leave out at either end so that what is left has the confidence. The
 * interval runs from the k-th smallest to the k-th largest; 0 means it has no ends. */
static uint64_t interval_rank(const struct tcore_rank_null *null, size_t n, size_t m,
                              double confidence)
{
    /* 0.95 stands for 1/20 exactly, which 1 - 0.95 in doubles falls short of. */
    double tail = (1 - confidence) / 2 * (1 + 1e-12), a = (double)n, b = (double)m;

    if (null->count) {
        size_t k = 0;

        while (k < null->count && null->at_most[k] <= tail)
            k++;
        return k;
    }
    double k = a * b / 2 - tcore_normal_tail_inverse(tail) * sqrt(a * b * (a + b + 1) / 12);

    return k >= 1 ? (uint64_t)k : 0;
}

enum tcore_status tcore_rank_shift(struct tcore_rank_null *null, const double *x, size_t n,
                                   const double *y, size_t m, double confidence,
                                   struct tcore_rank_shift *result, struct tcore_error *err)
{
    enum tcore_status status = prepare_null(null, n, m, err);

    *result = (struct tcore_rank_shift){NAN, -INFINITY, INFINITY};
    if (status != TCORE_OK || n == 0 || m == 0)
        return status;
    uint64_t pairs = (uint64_t)n * m, k = interval_rank(null, n, m, confidence);

    result->estimate = nth_difference(x, n, y, m, pairs / 2 + pairs % 2);
    if (pairs % 2 == 0)
        result->estimate += (nth_difference(x, n, y, m, pairs / 2 + 1) - result->estimate) / 2;
    if (k) {
        result->lower = nth_difference(x, n, y, m, k);
        result->upper = nth_difference(x, n, y, m, pairs + 1 - k);
    }
    return TCORE_OK;
}
