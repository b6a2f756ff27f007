/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/labels.h"

#include "base/sys.h"

#define PATH_LIMIT 1024 /* bytes of nested keys that are looked at together */

static unsigned label_of(const struct tcore_labels *labels, const char *key, size_t length)
{
    unsigned label = labels->of(labels->context, key, length);
    return label < labels->count ? label : labels->count - 1;
}

static unsigned greater(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

unsigned tcore_label_of_key(const struct tcore_labels *labels, const struct block_column *parent,
                            const char *key, size_t length)
{
    unsigned label = length ? label_of(labels, key, length) : 0;
    char path[PATH_LIMIT];
    if (!parent)
        return label;
    label = greater(label, label_of(labels, parent->name, parent->name_length));
    if (length && parent->name_length + 1 + length <= sizeof path) {
        memcpy(path, parent->name, parent->name_length);
        path[parent->name_length] = '.';
        memcpy(path + parent->name_length + 1, key, length);
        label = greater(label, label_of(labels, path, parent->name_length + 1 + length));
    }
    return label;
}

bool tcore_labels_have(const struct tcore_labels *labels, const char *const *keys)
{
    for (; labels && *keys; keys++)
        if (label_of(labels, *keys, strlen(*keys)))
            return true;
    return false;
}

bool tcore_labels_hide_traces(const struct tcore_labels *labels)
{
    static const char *const keys[] = {"traceId", "context", "context.traceId", NULL};
    return tcore_labels_have(labels, keys);
}

/* ---- in JSON texts ---- */

/* A container that is being gone through. */
struct inside {
    uint32_t end; /* in the tape */
    bool object;
    uint32_t path; /* bytes of the path to it */
};

struct looking {
    const struct tcore_labels *labels;
    struct tcore_json *json;
    struct inside *open; /* owned */
    size_t depth, capacity;
    char path[PATH_LIMIT]; /* A.B.C */
    unsigned label;
};

/* Every part of the path that ends with the key at hand: C, B.C, A.B.C. */
static void judge_path(struct looking *l, size_t length)
{
    unsigned parts = 0;
    for (size_t at = length; at > 1 && parts < 16 && l->label + 1 < l->labels->count; at--)
        if (l->path[at - 1] == '.') {
            parts++;
            l->label = greater(l->label, label_of(l->labels, l->path + at, length - at));
        }
    l->label = greater(l->label, label_of(l->labels, l->path, length));
}

/* The key of a member: its path behind that of its object, as far as there is room. */
static uint32_t take_key(struct looking *l, uint32_t before, const struct tcore_value *key)
{
    l->label = greater(l->label, label_of(l->labels, key->s, key->len));
    if ((size_t)before + 1 + key->len > sizeof l->path)
        return before;
    uint32_t length = before;
    if (length)
        l->path[length++] = '.';
    memcpy(l->path + length, key->s, key->len);
    length += key->len;
    judge_path(l, length);
    return length;
}

static bool enter(struct looking *l, uint32_t node, uint32_t path)
{
    if (l->depth == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 32;
        struct inside *memory = tcore_reallocarray(l->open, capacity, sizeof *memory);
        if (!memory)
            return false;
        l->open = memory;
        l->capacity = capacity;
    }
    const struct tcore_json_node *n = &l->json->node[node];
    l->open[l->depth++] = (struct inside){n->next, tcore_json_is_object(n), path};
    return true;
}

/* All keys of one text, at any depth. False: out of memory. */
static bool look_at_text(struct looking *l, uint32_t path)
{
    const uint32_t all = l->json->node[0].next;
    uint32_t at = 0, here = path;
    l->depth = 0;
    while (at < all && l->label + 1 < l->labels->count) {
        const struct tcore_json_node *node = &l->json->node[at];
        if (node->value.kind == TCORE_JSON && !enter(l, at, here))
            return false;
        at++;
        while (l->depth && at >= l->open[l->depth - 1].end)
            l->depth--;
        if (!l->depth)
            break;
        const struct inside *in = &l->open[l->depth - 1];
        here = in->path;
        if (in->object)
            here = take_key(l, in->path, &l->json->node[at++].value);
    }
    return true;
}

enum tcore_status tcore_label_of_column(const struct tcore_labels *labels,
                                        struct binary_reader *reader, uint32_t column,
                                        unsigned *label, struct tcore_error *err)
{
    const struct block_column *c = &reader->block.column[column];
    const struct block_column *parent =
        c->parent == BINARY_NONE ? NULL : &reader->block.column[c->parent];
    struct looking l = {.labels = labels, .json = &reader->json};
    struct binary_values values;
    *label = 0;
    if (c->class == CLASS_SHAPE || c->class == CLASS_OBJECT)
        return TCORE_OK;
    l.label = tcore_label_of_key(labels, parent, c->name, c->name_length);
    enum tcore_status status = TCORE_OK;
    if (c->class == CLASS_JSON || c->class == CLASS_MEMBERS) {
        uint32_t path = c->name_length < sizeof l.path ? c->name_length : 0;
        memcpy(l.path, c->name, path);
        status = tcore_binary_read_text(reader, column, false, &values, err);
        for (uint32_t i = 0; status == TCORE_OK && i < values.value_count; i++) {
            const struct tcore_value *text = &values.values[i];
            status = tcore_json_parse(&reader->json, text->s, text->len, err);
            if (status == TCORE_OK && !look_at_text(&l, path))
                status = tcore_error_nomem(err);
        }
    }
    tcore_free(l.open);
    *label = l.label;
    return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
}

enum tcore_status tcore_label_of_lines(const struct tcore_labels *labels, const char *lines,
                                       size_t length, unsigned *label, struct tcore_error *err)
{
    struct tcore_json json = {.depth_limit = BINARY_DEPTH_LIMIT};
    struct looking l = {.labels = labels, .json = &json};
    enum tcore_status status = TCORE_OK;
    for (size_t at = 0, bytes; at < length && status == TCORE_OK; at += bytes + 1) {
        const char *newline = memchr(lines + at, '\n', length - at);
        bytes = newline ? (size_t)(newline - (lines + at)) : length - at;
        if (!bytes)
            continue;
        status = tcore_json_parse(&json, lines + at, bytes, err);
        if (status == TCORE_OK && !look_at_text(&l, 0))
            status = tcore_error_nomem(err);
    }
    tcore_json_free(&json);
    tcore_free(l.open);
    *label = l.label;
    return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
}
