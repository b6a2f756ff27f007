/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/shape.h"

#include "base/sys.h"
#include "cli/template.h"

#include <stdlib.h>
#include <string.h>

/* Keys of the hashes, one for each use. */
enum use { USE_LABEL, USE_TREE, USE_TRACE, USE_PAIR };

static uint64_t hash(enum use use, const void *data, size_t length)
{
    const uint64_t key[2] = {0x74726163652d7368, 0x6170652d76312d00 + use}; /* for ever */
    return tcore_siphash(key, data, length);
}

/* --- Labels */

enum tcore_status shape_labels_open(struct shape_labels *labels, struct tcore_error *err)
{
    if (tcore_map_init(&labels->pairs) != 0 || tcore_map_init(&labels->map) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    return TCORE_OK;
}

void shape_labels_close(struct shape_labels *labels)
{
    tcore_map_free(&labels->pairs);
    tcore_map_free(&labels->map);
    tcore_free(labels->label_of);
    tcore_free(labels->hash);
    tcore_buf_free(&labels->key);
}

uint32_t shape_label_service(const struct shape_labels *labels, uint32_t label)
{
    uint32_t service;
    memcpy(&service, labels->map.keys[label].data, sizeof service);
    return service;
}

struct tcore_slice shape_label_template(const struct shape_labels *labels, uint32_t label)
{
    const struct tcore_map_key *key = &labels->map.keys[label];
    return (struct tcore_slice){key->data + sizeof(uint32_t), key->length - sizeof(uint32_t)};
}

/* The array with room for more. NULL: no memory, it stays as it was. */
static void *grow(void *array, uint32_t *capacity, size_t bytes)
{
    size_t n = *capacity ? (size_t)*capacity * 2 : 64;
    void *grown = tcore_reallocarray(array, n, bytes);
    *capacity = grown ? (uint32_t)n : *capacity;
    return grown;
}

/* The hash of a label is of texts, as numbers differ from run to run. */
static enum tcore_status hash_label(struct shape_labels *labels,
                                    const struct tcore_trace_store *store, uint32_t label,
                                    struct tcore_error *err)
{
    struct tcore_slice service =
        tcore_trace_store_service(store, shape_label_service(labels, label));
    struct tcore_slice template = shape_label_template(labels, label);
    struct tcore_buf *text = &labels->key;
    tcore_buf_clear(text);
    tcore_buf_append(text, service.data, service.length);
    tcore_buf_putc(text, 0);
    tcore_buf_append(text, template.data, template.length);
    if (tcore_buf_status(text, err) != TCORE_OK)
        return TCORE_FATAL;
    if (label >= labels->label_capacity) {
        void *grown = grow(labels->hash, &labels->label_capacity, sizeof *labels->hash);
        if (!grown)
            return tcore_error_nomem(err);
        labels->hash = grown;
    }
    labels->hash[label] = hash(USE_LABEL, text->data, text->length);
    return TCORE_OK;
}

static enum tcore_status add_label(struct shape_labels *labels,
                                   const struct tcore_trace_store *store, uint32_t service,
                                   uint32_t name, uint32_t *label, struct tcore_error *err)
{
    struct tcore_buf *key = &labels->key;
    bool added;
    tcore_buf_clear(key);
    tcore_buf_append(key, &service, sizeof service);
    template_name(key, tcore_trace_store_name(store, name));
    if (tcore_buf_status(key, err) != TCORE_OK)
        return TCORE_FATAL;
    *label = tcore_map_intern(&labels->map, key->data, key->length, &added);
    if (*label == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    return added ? hash_label(labels, store, *label, err) : TCORE_OK;
}

enum tcore_status shape_labels_find(struct shape_labels *labels,
                                    const struct tcore_trace_store *store, uint32_t service,
                                    uint32_t name, uint32_t *label, struct tcore_error *err)
{
    const uint32_t key[2] = {service, name};
    bool added;
    uint32_t pair = tcore_map_intern(&labels->pairs, key, sizeof key, &added);
    if (pair == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (pair >= labels->pair_capacity) {
        void *grown = grow(labels->label_of, &labels->pair_capacity, sizeof *labels->label_of);
        if (!grown)
            return tcore_error_nomem(err);
        labels->label_of = grown;
    }
    enum tcore_status status =
        added ? add_label(labels, store, service, name, &labels->label_of[pair], err) : TCORE_OK;
    *label = labels->label_of[pair];
    return status;
}

/* --- Shapes */

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Sorts numbers and leaves each of them once; returns how many. */
static uint32_t make_set(uint64_t *numbers, uint32_t count)
{
    uint32_t kept = 0;
    if (count > 1)
        qsort(numbers, count, sizeof *numbers, compare);
    for (uint32_t i = 0; i < count; i++)
        if (!i || numbers[i] != numbers[i - 1])
            numbers[kept++] = numbers[i];
    return kept;
}

void shape_free(struct shape *shape)
{
    tcore_free(shape->features);
    tcore_free(shape->of_span);
    tcore_free(shape->label_of);
    tcore_free(shape->scratch);
    *shape = (struct shape){0};
}

static bool reserve_spans(struct shape *shape, uint32_t count)
{
    if (count <= shape->capacity)
        return true;
    size_t n = count < 64 ? 64 : count;
    shape_free(shape);
    shape->features = tcore_reallocarray(NULL, n, 2 * sizeof *shape->features);
    shape->of_span = tcore_reallocarray(NULL, n, sizeof *shape->of_span);
    shape->label_of = tcore_reallocarray(NULL, n, sizeof *shape->label_of);
    shape->scratch = tcore_reallocarray(NULL, n + 1, sizeof *shape->scratch);
    bool good = shape->features && shape->of_span && shape->label_of && shape->scratch;
    shape->capacity = good ? (uint32_t)n : 0;
    return good;
}

/* The hash of a label (0: none) over the set of spans. */
static uint64_t hash_set(struct shape *shape, enum use use, uint64_t label, const uint32_t *spans,
                         uint32_t count)
{
    uint64_t *numbers = shape->scratch;
    for (uint32_t i = 0; i < count; i++)
        numbers[i + 1] = shape->of_span[spans[i]];
    uint32_t kept = make_set(numbers + 1, count);
    numbers[0] = label;
    return hash(use, numbers, (kept + (size_t)1) * sizeof *numbers);
}

static void find_features(struct shape *shape, const struct shape_labels *labels,
                          const struct trace_build *build)
{
    enum { LOST = TCORE_NOTE_ORPHAN | TCORE_NOTE_SELF_PARENT | TCORE_NOTE_CYCLE };
    const struct tcore_trace_tree *tree = &build->tree;
    uint32_t count = 0;
    shape->broken = false;
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t parent = tree->parent[i];
        uint64_t pair[2] = {0, labels->hash[shape->label_of[i]]};
        shape->features[count++] = pair[1];
        if (parent == TCORE_SPAN_NONE && tree->notes[i] & LOST) {
            shape->broken = true;
            continue;
        }
        if (parent != TCORE_SPAN_NONE)
            pair[0] = labels->hash[shape->label_of[parent]];
        shape->features[count++] = hash(USE_PAIR, pair, sizeof pair);
    }
    shape->feature_count = make_set(shape->features, count);
}

/* What the trees below the roots do not tell: which root is the entry, and which are only the rest
 * of something. 0: there is one root, and it is whole. */
static uint64_t hash_entry(const struct shape *shape, const struct tcore_trace_tree *tree)
{
    const uint64_t told[4] = {
        shape->entry, shape->broken, tree->notes[tree->root] & TCORE_NOTE_ORPHAN,
        hash(USE_PAIR, shape->features, shape->feature_count * sizeof *shape->features)};
    if (tree->root_count == 1 && !shape->broken)
        return 0;
    return hash(USE_TRACE, told, sizeof told);
}

enum tcore_status shape_find(struct shape *shape, struct shape_labels *labels,
                             const struct trace_build *build, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &build->tree;
    enum tcore_status status =
        reserve_spans(shape, tree->count) ? TCORE_OK : tcore_error_nomem(err);
    for (uint32_t i = 0; i < tree->count && status == TCORE_OK; i++)
        status = shape_labels_find(labels, build->store, build->spans[i].service,
                                   build->rows[i]->name, &shape->label_of[i], err);
    if (status != TCORE_OK)
        return status;
    for (uint32_t at = tree->count; at-- > 0;) {
        uint32_t span = tree->order[at], first = tree->first[span];
        shape->of_span[span] = hash_set(shape, USE_TREE, labels->hash[shape->label_of[span]],
                                        tree->children + first, tree->first[span + 1] - first);
    }
    shape->entry = labels->hash[shape->label_of[tree->root]];
    find_features(shape, labels, build);
    shape->hash =
        hash_set(shape, USE_TRACE, hash_entry(shape, tree), tree->roots, tree->root_count);
    return TCORE_OK;
}
