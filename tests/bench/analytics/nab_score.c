/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nab_score FOLDER [-v] <FINDINGS: scores anomalies on the Numenta Anomaly Benchmark.
 *
 * FOLDER has windows.json (by file the labelled windows) and data/FILE.csv. FINDINGS is NDJSON
 * whose group has "file" and whose timeUnixNano is the time of a row. Every finding counts as a
 * detection: the detector's threshold is part of what is scored, the same for all files.
 *
 * Scoring after A. Lavin, S. Ahmad, "Evaluating real-time anomaly detection algorithms" (2015), and
 * the benchmark's own definition. The first min(15 %, 750) rows of a file are its probation and do
 * not count. In a window the earliest detection earns s(y) / s(-1), where s(y) = 2 / (1 + e^(5y)) -
 * 1 and y runs from -1 at the window's first row to just below 0 at its last; a window without one
 * costs a miss. A detection outside costs A times s(y), y being the distance from the window before
 * it in that window's lengths, and A itself without one or beyond 3 lengths. The sum over all files
 * is scaled so that no detection at all is 0 and perfection 100.
 */
#include "base/buf.h"
#include "model/json.h"
#include "model/number.h"
#include "model/time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FILES_MAX   64
#define WINDOWS_MAX 16

struct window {
    int64_t from_ns, to_ns;
    size_t first, last; /* rows */
};

struct series {
    char name[256];
    int64_t *row_ns;
    bool *detected;
    size_t rows, probation;
    struct window window[WINDOWS_MAX];
    size_t windows;
};

struct profile {
    const char *name;
    double false_positive, miss;
};

static const struct profile profiles[] = {
    {"standard", 0.11, 1}, {"reward low FP", 0.22, 1}, {"reward low FN", 0.11, 2}};

static void die(const char *what, const char *name)
{
    fprintf(stderr, "nab_score: %s: %s\n", name, what);
    exit(2);
}

static int64_t time_of(struct tcore_value text, const char *name)
{
    int64_t ns;

    if (text.kind != TCORE_STRING || !tcore_parse_time(text.s, text.len, &ns))
        die("no time", name);
    return ns;
}

static void read_windows(const char *folder, struct series *series, size_t *count)
{
    char path[4096];
    struct tcore_buf text = {0};
    struct tcore_json json = {0};
    struct tcore_error err;

    snprintf(path, sizeof path, "%s/windows.json", folder);
    FILE *file = fopen(path, "r");

    if (!file)
        die("cannot open", path);
    for (int c; (c = getc(file)) != EOF;)
        tcore_buf_putc(&text, (char)c);
    fclose(file);
    if (tcore_json_parse(&json, text.data, text.length, &err) != TCORE_OK)
        die(err.text, path);
    for (uint32_t k = 1; k < json.node[0].next; k = json.node[k + 1].next) {
        struct series *s = &series[(*count)++];

        if (*count > FILES_MAX || json.node[k + 1].count > WINDOWS_MAX)
            die("too much", path);
        snprintf(s->name, sizeof s->name, "%.*s", (int)json.node[k].value.len,
                 json.node[k].value.s);
        for (uint32_t w = k + 2; w < json.node[k + 1].next; w = json.node[w].next)
            s->window[s->windows++] =
                (struct window){.from_ns = time_of(json.node[w + 1].value, path),
                                .to_ns = time_of(json.node[w + 2].value, path)};
    }
    tcore_json_free(&json);
    tcore_buf_free(&text);
}

static void read_rows(const char *folder, struct series *s)
{
    char path[4096], line[512];
    size_t capacity = 0;

    snprintf(path, sizeof path, "%s/data/%s", folder, s->name);
    FILE *file = fopen(path, "r");

    if (!file || !fgets(line, sizeof line, file))
        die("cannot read", path);
    while (fgets(line, sizeof line, file)) {
        if (s->rows == capacity) {
            capacity = capacity ? capacity * 2 : 4096;
            s->row_ns = realloc(s->row_ns, capacity * sizeof *s->row_ns);
            if (!s->row_ns)
                die("out of memory", path);
        }
        s->row_ns[s->rows++] = time_of(tcore_value_string(line, strcspn(line, ",")), path);
    }
    fclose(file);
    s->detected = calloc(s->rows, sizeof *s->detected);
    s->probation = (size_t)floor(0.15 * fmin((double)s->rows, 5000));
    for (size_t w = 0; w < s->windows; w++) {
        struct window *window = &s->window[w];

        while (window->first < s->rows && s->row_ns[window->first] < window->from_ns)
            window->first++;
        window->last = window->first;
        while (window->last + 1 < s->rows && s->row_ns[window->last + 1] <= window->to_ns)
            window->last++;
    }
}

/* Marks the row of a finding, the first of that time that is not marked. */
static void mark(struct series *series, size_t count, const struct tcore_json *json)
{
    uint32_t group = tcore_json_find(json, 0, "group");
    uint32_t file = group ? tcore_json_find(json, group, "file") : 0;
    uint32_t at = tcore_json_find(json, 0, "timeUnixNano");
    int64_t ns;

    if (!file || !at || json->node[at].value.kind != TCORE_STRING ||
        !tcore_parse_int64(json->node[at].value.s, json->node[at].value.len, &ns))
        die("a finding without file or time", "standard input");
    struct tcore_value name = json->node[file].value;

    for (size_t i = 0; i < count; i++) {
        struct series *s = &series[i];

        if (strlen(s->name) != name.len || memcmp(s->name, name.s, name.len) != 0)
            continue;
        for (size_t row = 0; row < s->rows; row++) {
            if (s->row_ns[row] == ns && !s->detected[row]) {
                s->detected[row] = true;
                return;
            }
        }
    }
    die("a finding that is of no row", "standard input");
}

static void read_findings(struct series *series, size_t count)
{
    struct tcore_json json = {0};
    struct tcore_error err;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (tcore_json_parse(&json, line, (size_t)length, &err) != TCORE_OK)
            die(err.text, "standard input");
        mark(series, count, &json);
    }
    free(line);
    tcore_json_free(&json);
}

static double scaled_sigmoid(double y)
{
    return y > 3 ? -1 : 2 / (1 + exp(5 * y)) - 1;
}

struct tally {
    double score;
    size_t hit, outside;
};

static struct tally score_series(const struct series *s, const struct profile *profile)
{
    struct tally tally = {0};
    double earned[WINDOWS_MAX];
    bool hit[WINDOWS_MAX] = {0};
    size_t w = 0;

    for (size_t i = 0; i < s->windows; i++)
        earned[i] = -profile->miss;
    for (size_t row = s->probation; row < s->rows; row++) {
        while (w < s->windows && row > s->window[w].last)
            w++;
        if (!s->detected[row])
            continue;
        if (w < s->windows && row >= s->window[w].first) {
            double length = (double)(s->window[w].last - s->window[w].first + 1);

            if (!hit[w])
                earned[w] = scaled_sigmoid(-(double)(s->window[w].last - row + 1) / length) /
                            scaled_sigmoid(-1);
            tally.hit += !hit[w];
            hit[w] = true;
            continue;
        }
        tally.outside++;
        if (w == 0)
            tally.score -= profile->false_positive;
        else
            tally.score += profile->false_positive *
                           scaled_sigmoid((double)(row - s->window[w - 1].last) /
                                          (double)(s->window[w - 1].last - s->window[w - 1].first));
    }
    for (size_t i = 0; i < s->windows; i++)
        tally.score += earned[i];
    return tally;
}

static void print_files(const struct series *series, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tally tally = score_series(&series[i], &profiles[0]);

        printf("%-58s windows %zu of %zu, outside %zu, score %.2f\n", series[i].name, tally.hit,
               series[i].windows, tally.outside, tally.score);
    }
}

int main(int argc, char **argv)
{
    static struct series series[FILES_MAX];
    size_t count = 0, windows = 0;

    if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "-v") != 0)) {
        fprintf(stderr, "usage: nab_score FOLDER [-v] <FINDINGS\n");
        return 2;
    }
    read_windows(argv[1], series, &count);
    for (size_t i = 0; i < count; i++) {
        read_rows(argv[1], &series[i]);
        windows += series[i].windows;
    }
    read_findings(series, count);
    if (argc == 3)
        print_files(series, count);
    for (size_t p = 0; p < sizeof profiles / sizeof *profiles; p++) {
        double sum = 0, worst = -profiles[p].miss * (double)windows;

        for (size_t i = 0; i < count; i++)
            sum += score_series(&series[i], &profiles[p]).score;
        printf("%-14s %.1f\n", profiles[p].name, 100 * (sum - worst) / ((double)windows - worst));
    }
    for (size_t i = 0; i < count; i++) {
        free(series[i].row_ns);
        free(series[i].detected);
    }
    return 0;
}
