/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tcpd_score [-v] FOLDER... <FINDINGS: scores changes on the Turing Change Point Dataset.
 *
 * A folder has annotations.json (by series and annotator the first values of new segments) and
 * NAME.json for each series, of which n_obs and n_dim are read; those of several dimensions, and
 * those without a file, are left out. FINDINGS is NDJSON whose group has "series" and whose
 * timeUnixNano is a number of a value, from 0, in seconds.
 *
 * Scores after G. J. J. van den Burg, C. K. I. Williams, "An evaluation of change point detection
 * algorithms", arXiv:2003.06222, section 3, with a margin of 5. The first value counts as a change
 * that everybody has. Precision is the share of the changes found that some annotator has; recall
 * the mean over annotators of the share of theirs that is found; F1 their harmonic mean. A change
 * is found by the nearest one within the margin that has not found another. Cover is the mean over
 * annotators of the covering: of each of their segments the best Jaccard index with a segment
 * found, weighted by length. ZERO is what finding nothing scores.
 */
#include "base/buf.h"
#include "model/json.h"
#include "model/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MARGIN     5
#define SERIES_MAX 64
#define PEOPLE_MAX 16
#define CUTS_MAX   512

/* Numbers of first values of segments, ascending; the first is 0. */
struct cuts {
    size_t at[CUTS_MAX], count;
};

struct series {
    char name[128];
    size_t length;
    struct cuts annotated[PEOPLE_MAX], found;
    size_t people;
};

static void die(const char *what, const char *name)
{
    fprintf(stderr, "tcpd_score: %s: %s\n", name, what);
    exit(2);
}

static void add_cut(struct cuts *cuts, size_t at, const char *name)
{
    size_t i = cuts->count;

    for (size_t k = 0; k < cuts->count; k++)
        if (cuts->at[k] == at)
            return;
    if (cuts->count == CUTS_MAX)
        die("too many changes", name);
    for (; i > 0 && cuts->at[i - 1] > at; i--)
        cuts->at[i] = cuts->at[i - 1];
    cuts->at[i] = at;
    cuts->count++;
}

/* --- Scores */

static size_t distance(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

/* How many of the true cuts have one of the found ones, each used once. */
static size_t true_positives(const struct cuts *truth, const struct cuts *found)
{
    bool used[CUTS_MAX] = {0};
    size_t hits = 0;

    for (size_t i = 0; i < truth->count; i++) {
        size_t nearest = CUTS_MAX;

        for (size_t k = 0; k < found->count; k++)
            if (!used[k] && distance(truth->at[i], found->at[k]) <= MARGIN &&
                (nearest == CUTS_MAX ||
                 distance(truth->at[i], found->at[k]) < distance(truth->at[i], found->at[nearest])))
                nearest = k;
        if (nearest < CUTS_MAX) {
            used[nearest] = true;
            hits++;
        }
    }
    return hits;
}

static double f1_of(const struct series *s, const struct cuts *found)
{
    struct cuts anyone = {0};
    double recall = 0;

    for (size_t p = 0; p < s->people; p++) {
        const struct cuts *truth = &s->annotated[p];

        for (size_t i = 0; i < truth->count; i++)
            add_cut(&anyone, truth->at[i], s->name);
        recall += (double)true_positives(truth, found) / (double)truth->count / (double)s->people;
    }
    double precision = (double)true_positives(&anyone, found) / (double)found->count;

    return 2 * precision * recall / (precision + recall);
}

static size_t end_of(const struct cuts *cuts, size_t segment, size_t length)
{
    return segment + 1 < cuts->count ? cuts->at[segment + 1] : length;
}

static double jaccard(size_t a, size_t b, size_t c, size_t d)
{
    size_t from = a > c ? a : c, to = b < d ? b : d;

    return to > from ? (double)(to - from) / (double)((b > d ? b : d) - (a < c ? a : c)) : 0;
}

static double cover_of(const struct series *s, const struct cuts *found)
{
    double sum = 0;

    for (size_t p = 0; p < s->people; p++) {
        const struct cuts *truth = &s->annotated[p];

        for (size_t i = 0; i < truth->count; i++) {
            size_t from = truth->at[i], to = end_of(truth, i, s->length);
            double best = 0;

            for (size_t k = 0; k < found->count; k++)
                best = fmax(best, jaccard(from, to, found->at[k], end_of(found, k, s->length)));
            sum += best * (double)(to - from);
        }
    }
    return sum / (double)s->length / (double)s->people;
}

/* --- Input */

/* False: there is no such file. */
static bool read_json(const char *folder, const char *name, struct tcore_buf *text,
                      struct tcore_json *json)
{
    char path[4096];
    struct tcore_error err;

    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    FILE *file = fopen(path, "r");

    if (!file)
        return false;
    tcore_buf_clear(text);
    for (int c; (c = getc(file)) != EOF;)
        tcore_buf_putc(text, (char)c);
    fclose(file);
    if (tcore_json_parse(json, text->data, text->length, &err) != TCORE_OK)
        die(err.text, path);
    return true;
}

static size_t number_in(const struct tcore_json *json, uint32_t node, const char *name)
{
    int64_t number;

    if (!node || !tcore_value_int64(&json->node[node].value, &number) || number < 0)
        die("a number is missing", name);
    return (size_t)number;
}

/* The cuts of all annotators of one series. */
static void read_people(struct series *s, const struct tcore_json *json, uint32_t object)
{
    for (uint32_t k = object + 1; k < json->node[object].next; k = json->node[k + 1].next) {
        if (s->people == PEOPLE_MAX)
            die("too many annotators", s->name);
        struct cuts *cuts = &s->annotated[s->people++];

        add_cut(cuts, 0, s->name);
        for (uint32_t i = k + 2; i < json->node[k + 1].next; i = json->node[i].next)
            add_cut(cuts, number_in(json, i, s->name), s->name);
    }
    add_cut(&s->found, 0, s->name);
}

static void read_folder(const char *folder, struct series *series, size_t *count)
{
    struct tcore_buf text = {0}, one_text = {0};
    struct tcore_json json = {0}, one = {0};

    if (!read_json(folder, "annotations", &text, &json))
        die("has no annotations.json", folder);
    for (uint32_t k = 1; k < json.node[0].next; k = json.node[k + 1].next) {
        struct series *s = &series[*count];
        struct tcore_value name = json.node[k].value;

        if (*count == SERIES_MAX)
            die("too many series", folder);
        snprintf(s->name, sizeof s->name, "%.*s", (int)name.len, name.s);
        if (!read_json(folder, s->name, &one_text, &one) ||
            number_in(&one, tcore_json_find(&one, 0, "n_dim"), s->name) != 1)
            continue;
        s->length = number_in(&one, tcore_json_find(&one, 0, "n_obs"), s->name);
        read_people(s, &json, k + 1);
        (*count)++;
    }
    tcore_json_free(&json);
    tcore_json_free(&one);
    tcore_buf_free(&text);
    tcore_buf_free(&one_text);
}

static void add_finding(struct series *series, size_t count, const struct tcore_json *json)
{
    uint32_t group = tcore_json_find(json, 0, "group");
    uint32_t name = group ? tcore_json_find(json, group, "series") : 0;
    uint32_t time = tcore_json_find(json, 0, "timeUnixNano");
    int64_t ns;

    if (!name || !time || json->node[time].value.kind != TCORE_STRING ||
        !tcore_parse_int64(json->node[time].value.s, json->node[time].value.len, &ns) || ns < 0)
        die("a finding without series or time", "standard input");
    for (size_t i = 0; i < count; i++)
        if (tcore_value_is_text(&json->node[name].value, series[i].name)) {
            add_cut(&series[i].found, (size_t)(ns / 1000000000), series[i].name);
            return;
        }
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
        add_finding(series, count, &json);
    }
    free(line);
    tcore_json_free(&json);
}

int main(int argc, char **argv)
{
    static const struct cuts none = {.count = 1};
    static struct series series[SERIES_MAX + 1];
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    double f1 = 0, cover = 0, f1_zero = 0, cover_zero = 0;
    size_t count = 0;

    if (argc < 2 + verbose) {
        fprintf(stderr, "usage: tcpd_score [-v] FOLDER... <FINDINGS\n");
        return 2;
    }
    for (int i = 1 + verbose; i < argc; i++)
        read_folder(argv[i], series, &count);
    if (!count)
        die("no series", argv[1 + verbose]);
    read_findings(series, count);
    for (size_t i = 0; i < count; i++) {
        const struct series *s = &series[i];
        double f = f1_of(s, &s->found), c = cover_of(s, &s->found);

        if (verbose) {
            printf("%-24s F1 %.3f  Cover %.3f  at", s->name, f, c);
            for (size_t k = 1; k < s->found.count; k++)
                printf(" %zu", s->found.at[k]);
            putchar('\n');
        }
        f1 += f / (double)count;
        cover += c / (double)count;
        f1_zero += f1_of(s, &none) / (double)count;
        cover_zero += cover_of(s, &none) / (double)count;
    }
    printf("%zu series  F1 %.3f  Cover %.3f  (ZERO %.3f %.3f)\n", count, f1, cover, f1_zero,
           cover_zero);
    return 0;
}
