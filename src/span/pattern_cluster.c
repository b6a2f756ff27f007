/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which earlier shape each one joins. Not all pairs are compared: to have so many features in
 * common, two shapes must share one of the rarest of the one that is looked for (prefix filtering,
 * as of similarity joins), and lists say which patterns have a feature.
 */
#include <config.h>

#include "span/pattern_sum.h"

#include "base/sys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The patterns that have a feature. */
struct holders {
    uint32_t *pattern; /* ascending; owned */
    uint32_t count, capacity;
    uint32_t shapes; /* how many shapes have it */
};

struct cluster {
    struct tcore_map features; /* as struct feature_key */
    struct holders *holders;   /* by feature; owned */
    uint32_t capacity;
    struct pattern **patterns; /* in the order in which they began; owned */
    uint32_t count;
    uint32_t *met;     /* by pattern: the last shape that met it, counted from 1; owned */
    uint32_t *numbers; /* features of the shape at hand; owned */
    double threshold;
    bool everywhere; /* some shape may be like one of any entry */
};

static uint64_t traces(const struct pattern *pattern)
{
    return pattern->cell.count;
}

static int compare_shapes(const void *left, const void *right)
{
    const struct pattern *a = *(struct pattern *const *)left, *b = *(struct pattern *const *)right;
    if (a->broken != b->broken)
        return a->broken ? 1 : -1;
    if (traces(a) != traces(b))
        return traces(a) > traces(b) ? -1 : 1;
    if (a->feature_count != b->feature_count)
        return a->feature_count > b->feature_count ? -1 : 1;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

static int compare_patterns(const void *left, const void *right)
{
    const struct pattern *a = *(struct pattern *const *)left, *b = *(struct pattern *const *)right;
    if (traces(a) != traces(b))
        return traces(a) > traces(b) ? -1 : 1;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

/* --- Features */

/* Whether the entry does not matter, as nobody knows what was above it. */
static bool looks_everywhere(const struct pattern *shape)
{
    return shape->broken && !shape->rooted;
}

/* A feature, of shapes of an entry or (0) of all. */
struct feature_key {
    uint64_t entry, feature;
};

static enum tcore_status count_feature(struct cluster *cluster, uint64_t entry, uint64_t feature,
                                       struct tcore_error *err)
{
    const struct feature_key key = {entry, feature};
    uint32_t number = tcore_map_intern(&cluster->features, &key, sizeof key, NULL);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (number >= cluster->capacity) {
        size_t n = cluster->capacity ? (size_t)cluster->capacity * 2 : 256;
        struct holders *grown = tcore_reallocarray(cluster->holders, n, sizeof *grown);
        if (!grown)
            return tcore_error_nomem(err);
        memset(grown + cluster->capacity, 0, (n - cluster->capacity) * sizeof *grown);
        cluster->holders = grown;
        cluster->capacity = (uint32_t)n;
    }
    cluster->holders[number].shapes++;
    return TCORE_OK;
}

static enum tcore_status count_features(struct cluster *cluster, const struct pattern *shape,
                                        struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < shape->feature_count && status == TCORE_OK; i++) {
        status = count_feature(cluster, shape->entry, shape->features[i], err);
        if (status == TCORE_OK && cluster->everywhere)
            status = count_feature(cluster, 0, shape->features[i], err);
    }
    return status;
}

static int compare_rarity(const void *left, const void *right, void *state)
{
    const struct cluster *cluster = state;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    if (cluster->holders[a].shapes != cluster->holders[b].shapes)
        return cluster->holders[a].shapes < cluster->holders[b].shapes ? -1 : 1;
    return (a > b) - (a < b);
}

/* The features of a shape by number, of its entry or of all. */
static void number_features(struct cluster *cluster, const struct pattern *shape, bool all)
{
    for (uint32_t i = 0; i < shape->feature_count; i++) {
        const struct feature_key key = {all ? 0 : shape->entry, shape->features[i]};
        cluster->numbers[i] = tcore_map_find(&cluster->features, &key, sizeof key);
    }
}

/* --- Likeness */

static uint32_t count_common(const struct pattern *a, const struct pattern *b)
{
    uint32_t common = 0;
    for (uint32_t i = 0, j = 0; i < a->feature_count && j < b->feature_count;) {
        uint64_t x = a->features[i], y = b->features[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    return common;
}

/* How much the shape is like the pattern, and whether that is enough. */
static bool is_like(const struct cluster *cluster, const struct pattern *shape,
                    const struct pattern *pattern, double *likeness)
{
    double fewer = shape->feature_count, more = pattern->feature_count;
    if (!looks_everywhere(shape) && shape->entry != pattern->entry)
        return false;
    if (!shape->broken && (fewer < more ? fewer / more : more / fewer) < cluster->threshold)
        return false;
    double common = count_common(shape, pattern);
    double jaccard = common / (shape->feature_count + (double)pattern->feature_count - common);
    if (!shape->broken) {
        *likeness = jaccard;
        return jaccard >= cluster->threshold;
    }
    *likeness = common / shape->feature_count + jaccard * 1e-3; /* of several, the smallest */
    return common >= BROKEN_LIKENESS * shape->feature_count;
}

/* How many of its rarest features are looked up: one of them is in whatever is like it. */
static uint32_t prefix_length(const struct cluster *cluster, const struct pattern *shape)
{
    double least = shape->broken ? BROKEN_LIKENESS : cluster->threshold;
    uint32_t common = (uint32_t)ceil(least * shape->feature_count - 1e-9);
    return shape->feature_count - (common ? common : 1) + 1;
}

/* The pattern that the shape joins; NULL: none. serial is the shape's number, from 1. */
static struct pattern *find_like(struct cluster *cluster, const struct pattern *shape,
                                 uint32_t serial)
{
    uint32_t prefix = prefix_length(cluster, shape), best = UINT32_MAX;
    double best_likeness = 0;
    number_features(cluster, shape, looks_everywhere(shape));
    qsort_r(cluster->numbers, shape->feature_count, sizeof *cluster->numbers, compare_rarity,
            cluster);
    for (uint32_t i = 0; i < prefix; i++) {
        const struct holders *holders = &cluster->holders[cluster->numbers[i]];
        for (uint32_t h = 0; h < holders->count; h++) {
            uint32_t number = holders->pattern[h];
            double likeness;
            if (cluster->met[number] == serial)
                continue;
            cluster->met[number] = serial;
            if (is_like(cluster, shape, cluster->patterns[number], &likeness) &&
                (best == UINT32_MAX || likeness > best_likeness ||
                 (likeness == best_likeness && number < best))) {
                best = number;
                best_likeness = likeness;
            }
        }
    }
    return best == UINT32_MAX ? NULL : cluster->patterns[best];
}

/* --- Patterns */

static enum tcore_status hold(struct cluster *cluster, const struct pattern *shape, bool all,
                              uint32_t pattern, struct tcore_error *err)
{
    number_features(cluster, shape, all);
    for (uint32_t i = 0; i < shape->feature_count; i++) {
        struct holders *holders = &cluster->holders[cluster->numbers[i]];
        if (holders->count == holders->capacity) {
            size_t n = holders->capacity ? (size_t)holders->capacity * 2 : 4;
            void *grown = tcore_reallocarray(holders->pattern, n, sizeof *holders->pattern);
            if (!grown)
                return tcore_error_nomem(err);
            holders->pattern = grown;
            holders->capacity = (uint32_t)n;
        }
        holders->pattern[holders->count++] = pattern;
    }
    return TCORE_OK;
}

static enum tcore_status begin_pattern(struct cluster *cluster, struct pattern *shape,
                                       struct tcore_error *err)
{
    uint32_t number = cluster->count++;
    cluster->patterns[number] = shape;
    enum tcore_status status = hold(cluster, shape, false, number, err);
    if (status == TCORE_OK && cluster->everywhere)
        status = hold(cluster, shape, true, number, err);
    return status;
}

static enum tcore_status join_all(struct cluster *cluster, struct pattern **shapes, uint32_t count,
                                  struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < count && status == TCORE_OK; i++) {
        struct pattern *pattern = find_like(cluster, shapes[i], i + 1);
        if (pattern) {
            pattern->variants++;
            status = pattern_add(pattern, shapes[i], err);
        } else {
            status = begin_pattern(cluster, shapes[i], err);
        }
    }
    return status;
}

static enum tcore_status run(struct cluster *cluster, struct pattern_sum *sum,
                             struct pattern **shapes, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    uint32_t count = sum->map.count, most = 0;
    if (tcore_map_init(&cluster->features) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    for (uint32_t i = 0; i < count; i++) {
        shapes[i] = &sum->pattern[i];
        cluster->everywhere |= looks_everywhere(shapes[i]);
    }
    for (uint32_t i = 0; i < count && status == TCORE_OK; i++) {
        most = shapes[i]->feature_count > most ? shapes[i]->feature_count : most;
        status = count_features(cluster, shapes[i], err);
    }
    cluster->patterns = tcore_calloc((size_t)count + 1, sizeof *cluster->patterns);
    cluster->met = tcore_calloc((size_t)count + 1, sizeof *cluster->met);
    cluster->numbers = tcore_calloc((size_t)most + 1, sizeof *cluster->numbers);
    if (status == TCORE_OK && (!cluster->patterns || !cluster->met || !cluster->numbers))
        return tcore_error_nomem(err);
    if (status != TCORE_OK)
        return status;
    if (count)
        qsort(shapes, count, sizeof *shapes, compare_shapes);
    return join_all(cluster, shapes, count, err);
}

enum tcore_status pattern_cluster(struct pattern_sum *sum, double threshold,
                                  struct pattern ***patterns, size_t *count,
                                  struct tcore_error *err)
{
    struct cluster cluster = {.threshold = threshold};
    struct pattern **shapes = tcore_calloc((size_t)sum->map.count + 1, sizeof *shapes);
    enum tcore_status status = shapes ? run(&cluster, sum, shapes, err) : tcore_error_nomem(err);
    for (uint32_t i = 0; i < cluster.capacity; i++)
        tcore_free(cluster.holders[i].pattern);
    tcore_map_free(&cluster.features);
    tcore_free(cluster.holders);
    tcore_free(cluster.met);
    tcore_free(cluster.numbers);
    tcore_free(shapes);
    *patterns = cluster.patterns;
    *count = cluster.count;
    if (status == TCORE_OK && cluster.count)
        qsort(cluster.patterns, cluster.count, sizeof *cluster.patterns, compare_patterns);
    return status;
}
