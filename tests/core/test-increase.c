/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Increase of counters: against points counted one after the other, in any partition; resets with
 * and without start times, points out of order, windows; bytes. */
#include "codec.h"
#include "random.h"
#include "stats/increase.h"
#include "tap.h"

enum { POINTS = 60, SERIES = 3, WINDOWS = 6, WINDOW = 10, PARTS = 4 };

static const struct codec codec = {
    "increase", sizeof(struct tcore_increase),
    (enum tcore_status(*)(const void *, struct tcore_buf *))tcore_increase_encode,
    (enum tcore_status(*)(void *, struct tcore_state_reader *,
                          struct tcore_error *))tcore_increase_decode,
    (void (*)(void *))tcore_increase_free};

struct sample {
    char series;
    struct tcore_counter_point point;
};

static struct tcore_counter_point point(int64_t time, int64_t start, int64_t value)
{
    return (struct tcore_counter_point){time, start, tcore_value_int(value)};
}

static void add(struct tcore_increase *increase, const struct sample *sample)
{
    if (tcore_increase_add(increase, &sample->series, 1, &sample->point) != TCORE_OK)
        abort();
}

/* The sum, or -1: nothing is known. */
static double sum_of(const struct tcore_increase *increase)
{
    struct tcore_exact_sum sum = {0};
    bool any;
    if (tcore_increase_sum(increase, &sum, &any) != TCORE_OK)
        abort();
    double value = any ? tcore_exact_sum_value(&sum) : -1;
    tcore_exact_sum_free(&sum);
    return value;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* One counter after the other: what it does and how much of it is seen. Fills expected, the
 * increase of each window that can be known. */
static size_t make(struct random_source *source, bool starts, bool resets, struct sample *samples,
                   int64_t *expected)
{
    size_t count = 0;
    memset(expected, 0, WINDOWS * sizeof *expected);
    for (char series = 'a'; series < 'a' + SERIES; series++) {
        int64_t value = (int64_t)random_below(source, 1000), before = -1, start = -50;
        for (int64_t time = 0; time < POINTS; time++) {
            bool reset = resets && time && !random_below(source, 6);
            if (reset) {
                start = time;
                /* with a start it need not be seen by the value */
                value = (int64_t)random_below(source, starts ? 2000 : (uint64_t)larger(before, 1));
                if (!starts && value >= before)
                    reset = false;
            } else {
                value += (int64_t)random_below(source, 20);
            }
            if (!random_below(source, 5) && !reset)
                continue; /* nobody asked */
            if (before >= 0)
                expected[time / WINDOW] += reset ? value : value - before;
            else if (starts && start >= 0)
                expected[time / WINDOW] += value;
            before = value;
            samples[count++] =
                (struct sample){series, point(time, starts ? start : TCORE_NO_START, value)};
        }
    }
    return count;
}

static void shuffle(struct random_source *source, struct sample *samples, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = random_below(source, i);
        struct sample other = samples[i - 1];
        samples[i - 1] = samples[k];
        samples[k] = other;
    }
}

/* In windows, each in parts, which are merged in any order. in_order: a part has what is next in
 * time; else whatever. */
static void fill(struct random_source *source, const struct sample *samples, size_t count,
                 bool in_order, struct tcore_increase *window)
{
    struct tcore_increase part[PARTS][WINDOWS] = {{{0}}};
    for (size_t i = 0; i < count; i++) {
        int64_t time = samples[i].point.time_ns;
        size_t p = in_order ? (size_t)time * PARTS / POINTS : random_below(source, PARTS);
        add(&part[p][time / WINDOW], &samples[i]);
    }
    size_t first = random_below(source, PARTS);
    for (size_t p = 0; p < PARTS; p++)
        for (size_t w = 0; w < WINDOWS; w++) {
            struct tcore_increase *from = &part[(first + p) % PARTS][w];
            if (tcore_increase_merge(&window[w], from) != TCORE_OK)
                abort();
            tcore_increase_free(from);
        }
}

static void test_reference(void)
{
    static const struct {
        bool starts, resets, in_order;
        const char *what;
    } kinds[] = {
        {false, true, true, "resets that values tell, units in order of time"},
        {true, true, true, "resets that start times tell, units in order of time"},
        {true, true, false, "resets that start times tell, any order and partition"},
        {false, false, false, "no resets, any order and partition"},
        {true, false, false, "no resets but start times, any order and partition"},
    };
    struct random_source source = {7};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        bool held = true, same = true, sure = true;
        for (int round = 0; round < 300 && held && same; round++) {
            struct sample samples[POINTS * SERIES];
            int64_t expected[WINDOWS];
            struct tcore_increase whole[WINDOWS] = {{0}}, merged[WINDOWS] = {{0}}, newest = {0};
            size_t count = make(&source, kinds[k].starts, kinds[k].resets, samples, expected);
            for (size_t i = 0; i < count; i++)
                add(&whole[samples[i].point.time_ns / WINDOW], &samples[i]);
            if (!kinds[k].in_order)
                shuffle(&source, samples, count);
            fill(&source, samples, count, kinds[k].in_order, merged);
            for (size_t w = 0; w < WINDOWS; w++) {
                same = same && codec_same(&codec, &whole[w], &merged[w]);
                if (tcore_increase_link(&merged[w], &newest, 0) != TCORE_OK)
                    abort();
                double got = sum_of(&merged[w]);
                held = held && (got == (double)expected[w] || (got < 0 && !expected[w]));
                sure = sure && !tcore_increase_is_doubtful(&merged[w]);
                tcore_increase_free(&whole[w]);
                tcore_increase_free(&merged[w]);
            }
            tcore_increase_free(&newest);
        }
        ok(held, "what is counted one by one: %s", kinds[k].what);
        ok(same && sure, "the same bytes as of one run, and no doubt: %s", kinds[k].what);
    }
}

/* Points of one series as they come, and what they add up to. */
static void test_cases(void)
{
    enum { NONE = 0 }; /* as a start */
    static const struct {
        const char *what;
        int64_t points[6][3]; /* time, start, value; time 0 ends them */
        int64_t origin;
        double sum;
        bool doubtful;
    } cases[] = {
        {"one point tells nothing", {{5, NONE, 7}}, 1, -1, false},
        {"one point since a start in range", {{5, 2, 7}}, 2, 7, false},
        {"one point since a start before it", {{5, 2, 7}}, 3, -1, false},
        {"two points", {{5, NONE, 7}, {6, NONE, 9}}, 1, 2, false},
        {"a reset counts from zero", {{5, NONE, 7}, {6, NONE, 3}}, 1, 3, false},
        {"another start counts from zero", {{5, 1, 7}, {6, 5, 9}}, 3, 9, false},
        {"a start behind the point before counts from zero",
         {{5, NONE, 7}, {9, 7, 9}},
         3,
         9,
         false},
        {"a point twice", {{5, NONE, 7}, {6, NONE, 9}, {6, NONE, 9}}, 1, 2, false},
        {"two values at once", {{5, NONE, 7}, {6, NONE, 9}, {6, NONE, 8}}, 1, 2, true},
        {"backwards", {{8, NONE, 20}, {7, NONE, 15}, {6, NONE, 1}}, 1, 19, false},
        {"between others", {{5, NONE, 7}, {9, NONE, 17}, {7, NONE, 8}}, 1, 10, false},
        {"a reset found too late", {{5, NONE, 7}, {9, NONE, 17}, {7, NONE, 2}}, 1, 17, true},
        {"files in the wrong order, a reset in each",
         {{8, NONE, 20}, {9, NONE, 5}, {5, NONE, 9}, {6, NONE, 2}},
         1,
         2 + 18 + 5,
         false},
        {"a point that joins two runs", {{5, 1, 7}, {9, NONE, 3}, {9, 1, 9}}, 3, 2, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_increase increase = {0}, newest = {0};
        for (size_t k = 0; k < 6 && cases[i].points[k][0]; k++) {
            const int64_t *p = cases[i].points[k];
            add(&increase, &(struct sample){'s', point(p[0], p[1] ? p[1] : TCORE_NO_START, p[2])});
        }
        if (tcore_increase_link(&increase, &newest, cases[i].origin) != TCORE_OK)
            abort();
        double sum = sum_of(&increase);
        bool doubtful = tcore_increase_is_doubtful(&increase);
        ok(sum == cases[i].sum && doubtful == cases[i].doubtful, "%s: %g%s", cases[i].what, sum,
           doubtful ? ", doubtful" : "");
        tcore_increase_free(&increase);
        tcore_increase_free(&newest);
    }
}

static void test_memory(void)
{
    struct tcore_increase increase = {0};
    for (int64_t time = 1; time <= 100000; time++)
        add(&increase, &(struct sample){'s', point(time, TCORE_NO_START, time)});
    size_t bytes = tcore_increase_bytes(&increase);
    ok(bytes < 1000 && increase.count == 1, "100,000 points of a series need %zu bytes", bytes);
    tcore_increase_free(&increase);
}

static void test_bytes(void)
{
    struct tcore_increase increase = {0};
    codec_check(&codec, &increase, "nothing");
    add(&increase, &(struct sample){'a', point(1, TCORE_NO_START, 5)});
    codec_check(&codec, &increase, "a point");
    add(&increase, &(struct sample){'a', point(2, TCORE_NO_START, 3)});
    add(&increase, &(struct sample){'a', point(4, 3, 70000)});
    struct sample fraction = {'b', {7, 3, tcore_value_of_double(1.5)}};
    add(&increase, &fraction);
    const struct tcore_value delta = tcore_value_of_double(0.25);
    if (tcore_increase_add_delta(&increase, &delta, TCORE_WEIGHT_ONE) != TCORE_OK)
        abort();
    codec_check(&codec, &increase, "resets, a fraction, a delta");
    tcore_increase_free(&increase);
}

int main(void)
{
    test_reference();
    test_cases();
    test_memory();
    test_bytes();
    return done_testing();
}
