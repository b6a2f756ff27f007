/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the states of an aggregation cost: inserting into a busy histogram and into 36,000 cells of
 * 139 spans each (task T2), memory a cell, merging, quantiles, bytes, sums. Prints the best of the
 * rounds, in nanoseconds of processor time.
 *     histogram_bench [ROUNDS]
 */
#include "base/buf.h"
#include "stats/exact_sum.h"
#include "stats/histogram.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WINDOWS = 200, GROUPS = 180, SPANS = 139, CELLS = WINDOWS * GROUPS, VALUES = 1 << 16 };

struct span {
    uint32_t group;
    int64_t duration_ns;
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double random_unit(void)
{
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 12) + 0.5) * 0x1p-52;
}

static double random_normal(void)
{
    return sqrt(-2 * log(random_unit())) * cos(6.283185307179586 * random_unit());
}

static void *allocate(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);
    if (!memory) {
        perror("histogram_bench");
        exit(4);
    }
    return memory;
}

static void show(const char *what, double ns, const char *unit)
{
    printf("  %-46s %9.2f ns a %s\n", what, ns, unit);
}

/* The best of the rounds; work is run with its number and is given its state. */
static double best(int rounds, void (*work)(void *), void *state)
{
    double least = INFINITY;
    for (int round = 0; round < rounds; round++) {
        double start = now_ns();
        work(state);
        least = fmin(least, now_ns() - start);
    }
    return least;
}

struct busy {
    struct tcore_histogram histogram;
    struct tcore_exact_sum sum, squares;
    int64_t *values;
    double *doubles;
};

static void insert_integers(void *state)
{
    struct busy *busy = state;
    for (int i = 0; i < VALUES; i++)
        tcore_histogram_insert_int64(&busy->histogram, busy->values[i]);
}

static void insert_doubles(void *state)
{
    struct busy *busy = state;
    for (int i = 0; i < VALUES; i++)
        tcore_histogram_insert_double(&busy->histogram, busy->doubles[i]);
}

static void insert_weighted(void *state)
{
    struct busy *busy = state;
    for (int i = 0; i < VALUES; i++)
        tcore_histogram_insert_weighted_int64(&busy->histogram, busy->values[i], 218453);
}

static void sum_integers(void *state)
{
    struct busy *busy = state;
    for (int i = 0; i < VALUES; i++)
        tcore_exact_sum_add_int64(&busy->sum, busy->values[i]);
}

static void square_integers(void *state)
{
    struct busy *busy = state;
    for (int i = 0; i < VALUES; i++)
        tcore_exact_sum_add_square_int64(&busy->squares, busy->values[i], TCORE_WEIGHT_ONE);
}

static void sum_doubles(void *state)
{
    struct busy *busy = state;
    for (int i = 0; i < VALUES; i++)
        tcore_exact_sum_add_double(&busy->sum, busy->doubles[i]);
}

static void bench_busy(double sigma, int rounds)
{
    struct busy busy = {.values = allocate(VALUES, sizeof(int64_t)),
                        .doubles = allocate(VALUES, sizeof(double))};
    for (int i = 0; i < VALUES; i++) {
        busy.doubles[i] = 1e6 * exp(sigma * random_normal());
        busy.values[i] = (int64_t)busy.doubles[i];
    }
    insert_integers(&busy);
    show("insert int64, dense", best(rounds, insert_integers, &busy) / VALUES, "value");
    show("insert double, dense", best(rounds, insert_doubles, &busy) / VALUES, "value");
    show("insert int64 with a fractional weight", best(rounds, insert_weighted, &busy) / VALUES,
         "value");
    show("exact sum of int64", best(rounds, sum_integers, &busy) / VALUES, "value");
    show("exact sum of squares of int64", best(rounds, square_integers, &busy) / VALUES, "value");
    show("exact sum of doubles", best(rounds, sum_doubles, &busy) / VALUES, "value");
    tcore_histogram_free(&busy.histogram);
    tcore_exact_sum_free(&busy.sum);
    tcore_exact_sum_free(&busy.squares);
    free(busy.values);
    free(busy.doubles);
}

struct cells {
    struct tcore_histogram *cells, *groups, whole;
    struct span *spans;
    struct tcore_buf bytes;
    double sink;
};

/* In the order of time: the cells of a window are hot together. */
static void fill_cells(struct cells *state)
{
    for (size_t window = 0; window < WINDOWS; window++) {
        struct tcore_histogram *cells = state->cells + window * GROUPS;
        const struct span *spans = state->spans + window * GROUPS * SPANS;
        for (int i = 0; i < GROUPS * SPANS; i++)
            tcore_histogram_insert_int64(&cells[spans[i].group], spans[i].duration_ns);
    }
}

static void merge_windows(void *opaque)
{
    struct cells *state = opaque;
    for (size_t cell = 0; cell < CELLS; cell++)
        tcore_histogram_merge(&state->groups[cell % GROUPS], &state->cells[cell]);
}

static void merge_groups(void *opaque)
{
    struct cells *state = opaque;
    for (size_t group = 0; group < GROUPS; group++)
        tcore_histogram_merge(&state->whole, &state->groups[group]);
}

static void read_quantiles(void *opaque)
{
    struct cells *state = opaque;
    for (size_t cell = 0; cell < CELLS; cell++)
        state->sink += tcore_histogram_quantile(&state->cells[cell], 0.95, NAN, NAN);
}

static void encode_cells(void *opaque)
{
    struct cells *state = opaque;
    tcore_buf_clear(&state->bytes);
    for (size_t cell = 0; cell < CELLS; cell++)
        tcore_histogram_encode(&state->cells[cell], &state->bytes);
}

static void make_spans(struct span *spans, double sigma)
{
    for (size_t window = 0; window < WINDOWS; window++) {
        double medians[GROUPS];
        for (int group = 0; group < GROUPS; group++)
            medians[group] = 1e6 * exp(1.5 * random_normal());
        for (int i = 0; i < GROUPS * SPANS; i++) {
            uint32_t group = (uint32_t)(random_unit() * GROUPS);
            *spans++ =
                (struct span){group, 1 + (int64_t)(medians[group] * exp(sigma * random_normal()))};
        }
    }
}

static void bench_cells(double sigma, int rounds)
{
    struct cells state = {.cells = allocate(CELLS, sizeof *state.cells),
                          .groups = allocate(GROUPS, sizeof *state.groups),
                          .spans = allocate(CELLS * SPANS, sizeof *state.spans)};
    double least = INFINITY;
    size_t bytes = 0;
    make_spans(state.spans, sigma);
    for (int round = 0; round < (rounds < 5 ? rounds : 5); round++) {
        for (size_t cell = 0; cell < CELLS; cell++)
            tcore_histogram_free(&state.cells[cell]);
        double start = now_ns();
        fill_cells(&state);
        least = fmin(least, now_ns() - start);
    }
    for (size_t cell = 0; cell < CELLS; cell++)
        bytes += tcore_histogram_bytes(&state.cells[cell]);
    show("insert, 36,000 cells of 139 spans", least / ((double)CELLS * SPANS), "span");
    printf("  %-46s %9.1f bytes + %zu of the struct\n", "memory a cell", (double)bytes / CELLS,
           sizeof(struct tcore_histogram));
    show("merge cells into busy histograms", best(rounds, merge_windows, &state) / CELLS, "cell");
    double merge_ns = best(rounds, merge_groups, &state) / GROUPS;
    uint64_t bits = 0;
    uint32_t buckets = tcore_bucket_store_survey(&state.groups[0].positive, &bits);
    show("merge busy histograms", merge_ns, "histogram");
    show("", merge_ns / buckets, "bucket");
    show("quantile", best(rounds, read_quantiles, &state) / CELLS, "cell");
    show("encode", best(rounds, encode_cells, &state) / CELLS, "cell");
    printf("  %-46s %9.1f bytes\n", "encoded size a cell", (double)state.bytes.length / CELLS);
    for (size_t cell = 0; cell < CELLS; cell++)
        tcore_histogram_free(&state.cells[cell]);
    for (size_t group = 0; group < GROUPS; group++)
        tcore_histogram_free(&state.groups[group]);
    tcore_histogram_free(&state.whole);
    tcore_buf_free(&state.bytes);
    free(state.cells);
    free(state.groups);
    free(state.spans);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    static const double sigmas[] = {0.5, 1};
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
        printf("lognormal durations, sigma %g\n", sigmas[i]);
        bench_busy(sigmas[i], rounds > 0 ? rounds : 1);
        bench_cells(sigmas[i], rounds > 0 ? rounds : 1);
    }
    return 0;
}
