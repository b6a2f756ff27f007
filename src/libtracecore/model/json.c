/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking things up in a parsed JSON text. Duplicate keys are found by a stable sort of the keys
 * in large objects, which no choice of keys makes slow, and by comparing all pairs in small ones.
 */
#include "base/sys.h"
#include "model/json.h"

#include <string.h>

enum { SMALL = 24 }; /* members of an object up to which all pairs are compared */

void tcore_json_free(struct tcore_json *json)
{
    tcore_free(json->node);
    tcore_arena_free(&json->arena);
    unsigned depth_limit = json->depth_limit;
    *json = (struct tcore_json){.depth_limit = depth_limit};
}

uint32_t tcore_json_find_n(const struct tcore_json *json, uint32_t i, const char *key,
                           size_t length)
{
    const struct tcore_json_node *node = json->node;
    uint32_t found = 0;
    if (i >= json->count || !tcore_json_is_object(&node[i]))
        return 0;
    for (uint32_t k = i + 1; k < node[i].next; k = node[k + 1].next)
        if (node[k].value.len == length && !memcmp(node[k].value.s, key, length))
            found = k + 1;
    return found;
}

uint32_t tcore_json_find(const struct tcore_json *json, uint32_t i, const char *key)
{
    return tcore_json_find_n(json, i, key, strlen(key));
}

/* Order of keys by length, then bytes: any total order serves. */
static int compare_keys(const struct tcore_json_node *a, const struct tcore_json_node *b)
{
    if (a->value.len != b->value.len)
        return a->value.len < b->value.len ? -1 : 1;
    return memcmp(a->value.s, b->value.s, a->value.len);
}

/* Length and first bytes of a key in one word: different words mean different keys. */
static uint64_t key_word(const struct tcore_json_node *key)
{
    uint64_t word = 0;
    uint32_t length = key->value.len;
    memcpy(&word, key->value.s, length < 7 ? length : 7);
    return word << 8 | (length & 0xff);
}

static bool small_has_duplicates(const struct tcore_json *json, uint32_t object)
{
    const struct tcore_json_node *node = json->node;
    uint64_t words[SMALL];
    uint32_t keys[SMALL], count = 0;
    for (uint32_t k = object + 1; k < node[object].next; k = node[k + 1].next) {
        uint64_t word = key_word(&node[k]);
        for (uint32_t i = 0; i < count; i++)
            if (words[i] == word && compare_keys(&node[keys[i]], &node[k]) == 0)
                return true;
        words[count] = word;
        keys[count++] = k;
    }
    return false;
}

/* Sorts count keys by compare_keys, equal ones by their place; spare has room for as many. */
static void sort_keys(const struct tcore_json_node *node, uint32_t *keys, uint32_t *spare,
                      uint32_t count)
{
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t begin = 0; begin < count; begin += 2 * width) {
            uint64_t middle = begin + width < count ? begin + width : count;
            uint64_t end = middle + width < count ? middle + width : count;
            uint64_t a = begin, b = middle;
            for (uint64_t to = begin; to < end; to++) {
                bool left =
                    b == end || (a < middle && compare_keys(&node[keys[a]], &node[keys[b]]) <= 0);
                spare[to] = left ? keys[a++] : keys[b++];
            }
        }
        memcpy(keys, spare, count * sizeof *keys);
    }
}

static int compare_places(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

/* Sorts the members by the place of their keys (a heap sort, in place). */
static void sort_members(struct tcore_json_member *members, uint32_t count)
{
    for (uint32_t heap = count / 2, end = count; end > 1;) {
        struct tcore_json_member moving;
        if (heap) {
            moving = members[--heap];
        } else {
            moving = members[--end];
            members[end] = members[0];
        }
        uint64_t at = heap, child;
        while ((child = 2 * at + 1) < end) {
            if (child + 1 < end && compare_places(members[child].key, members[child + 1].key) < 0)
                child++;
            if (compare_places(moving.key, members[child].key) >= 0)
                break;
            members[at] = members[child];
            at = child;
        }
        members[at] = moving;
    }
}

/* Whether the object may have duplicate keys, told cheaply; false is certain. */
static bool may_have_duplicates(const struct tcore_json *json, uint32_t object)
{
    uint32_t count = json->node[object].count;
    return count > SMALL || (count > 1 && small_has_duplicates(json, object));
}

/* The members that stay, in order of place; *list is NULL if all do. */
static enum tcore_status unique_members(const struct tcore_json *json, uint32_t object,
                                        struct tcore_json_member **list, uint32_t *count)
{
    const struct tcore_json_node *node = json->node;
    uint32_t all = node[object].count, n = 0, kept = 1;
    *list = NULL;
    *count = all;
    if (!may_have_duplicates(json, object))
        return TCORE_OK;
    uint32_t *keys = tcore_reallocarray(NULL, all, 2 * sizeof *keys);
    if (!keys)
        return TCORE_FATAL;
    for (uint32_t k = object + 1; k < node[object].next; k = node[k + 1].next)
        keys[n++] = k;
    sort_keys(node, keys, keys + all, all);
    for (uint32_t i = 1; i < all; i++)
        kept += compare_keys(&node[keys[i - 1]], &node[keys[i]]) != 0;
    if (kept < all && !(*list = tcore_reallocarray(NULL, kept, sizeof **list))) {
        tcore_free(keys);
        return TCORE_FATAL;
    }
    n = 0;
    for (uint32_t i = 0; *list && i < all; i++) {
        if (i == 0 || compare_keys(&node[keys[i - 1]], &node[keys[i]]) != 0)
            (*list)[n++].key = keys[i];
        (*list)[n - 1].value = keys[i] + 1;
    }
    tcore_free(keys);
    *count = kept;
    if (*list)
        sort_members(*list, kept);
    return TCORE_OK;
}

enum tcore_status tcore_json_walk_open(struct tcore_json_walk *walk, const struct tcore_json *json,
                                       uint32_t i)
{
    *walk = (struct tcore_json_walk){.at = i + 1, .end = json->node[i].next};
    walk->object = tcore_json_is_object(&json->node[i]);
    if (!walk->object)
        return TCORE_OK;
    uint32_t count;
    enum tcore_status status = unique_members(json, i, &walk->list, &count);
    if (walk->list) {
        walk->at = 0;
        walk->end = count;
    }
    return status;
}

void tcore_json_walk_close(struct tcore_json_walk *walk)
{
    tcore_free(walk->list);
    walk->list = NULL;
}

enum tcore_status tcore_json_duplicates(const struct tcore_json *json, uint64_t *duplicates)
{
    *duplicates = 0;
    for (uint32_t i = 0; i < json->count; i++) {
        if (!tcore_json_is_object(&json->node[i]))
            continue;
        struct tcore_json_member *list;
        uint32_t count;
        if (unique_members(json, i, &list, &count) != TCORE_OK)
            return TCORE_FATAL;
        *duplicates += json->node[i].count - count;
        tcore_free(list);
    }
    return TCORE_OK;
}
