/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of keys: levels are small hash tables that stop growing at a limit, so that a stream of
 * ever new keys costs no memory; keys wanted by the projection are put in first. */
#include "stream/ndjson_shape.h"

#include "base/sys.h"

#include <string.h>

/* SPARSE: so many places a key, so that hardly any is not where its hash says */
enum { LEVEL_KEYS = 1024, SHAPE_KEYS = 16384, TABLE_MIN = 16, PROBES = 24, SPARSE = 8 };

/* By role; the last ones are the known fields that decide nothing. */
static const char *const role_names[ROLE_COUNT] = {
    [ROLE_TYPE] = "type",
    [ROLE_TRACE_ID] = "traceId",
    [ROLE_SPAN_ID] = "spanId",
    [ROLE_START] = "startTimeUnixNano",
    [ROLE_END] = "endTimeUnixNano",
    [ROLE_TIME] = "timeUnixNano",
    [ROLE_OBSERVED] = "observedTimeUnixNano",
    [ROLE_WINDOW] = "windowStartUnixNano",
    [ROLE_STARTED] = "startedUnixNano",
    [ROLE_METRIC_NAME] = "metricName",
    [ROLE_EXECUTION_ID] = "executionId",
    [ROLE_BODY] = "body",
    [ROLE_SEVERITY] = "severity",
    [ROLE_KNOWN] = "name",
    "parentSpanId",
    "kind",
    "durationNano",
    "status",
    "service",
    "attributes",
    "resource",
};

static bool ends_with(const char *name, size_t length, const char *tail)
{
    size_t n = strlen(tail);
    return length >= n && !memcmp(name + length - n, tail, n);
}

static enum shape_hint hint_of(const char *name)
{
    if (!strcmp(name, "name") || !strcmp(name, "kind") || !strcmp(name, "metricName"))
        return HINT_RECORD;
    return !strcmp(name, "status") || !strcmp(name, "severity") ? HINT_NEXT : HINT_NONE;
}

/* Of the objects that the owner holds, or of those in the arrays that it holds. */
static struct shape_level *new_level(struct ndjson_shape *shape, const struct shape_key *owner,
                                     bool array)
{
    struct shape_level *level = tcore_arena_alloc(&shape->arena, sizeof *level);
    struct shape_key **table = tcore_arena_alloc(&shape->arena, TABLE_MIN * sizeof *table);
    if (!level || !table)
        return NULL;
    memset(table, 0, TABLE_MIN * sizeof *table);
    *level = (struct shape_level){.around = owner->level,
                                  .depth = owner->level->depth + 1 + array,
                                  .table = table,
                                  .mask = TABLE_MIN - 1};
    shape->deepest = level->depth > shape->deepest ? level->depth : shape->deepest;
    return level;
}

static bool place(struct shape_key **table, uint32_t mask, struct shape_key *key)
{
    for (uint32_t i = 0; i < PROBES && i <= mask; i++) {
        struct shape_key **at = &table[(key->hash + i) & mask];
        if (!*at) {
            *at = key;
            return true;
        }
    }
    return false;
}

/* Doubles the table; the arena keeps the old one (sizes double, so at most as much again is lost).
 */
static bool grow_level(struct ndjson_shape *shape, struct shape_level *level)
{
    for (uint32_t size = (level->mask + 1) * 2; size <= SPARSE * LEVEL_KEYS; size *= 2) {
        struct shape_key **table = tcore_arena_alloc(&shape->arena, size * sizeof *table);
        if (!table)
            return false;
        memset(table, 0, size * sizeof *table);
        bool all = true;
        for (uint32_t i = 0; i <= level->mask && all; i++)
            all = !level->table[i] || place(table, size - 1, level->table[i]);
        if (all) {
            level->table = table;
            level->mask = size - 1;
            return true;
        }
    }
    return false;
}

static struct shape_key *add_key(struct ndjson_shape *shape, struct shape_level *level,
                                 const char *name, size_t length, uint32_t hash)
{
    if ((level->count + 1) * SPARSE > level->mask + 1 && !grow_level(shape, level))
        return NULL;
    char *room = tcore_arena_alloc(&shape->arena, sizeof(struct shape_key) + 64);
    char *copy = tcore_arena_copy(&shape->arena, name, length);
    if (!room || !copy)
        return NULL;
    struct shape_key *key = (struct shape_key *)(((uintptr_t)room + 63) & ~(uintptr_t)63);
    memset(key, 0, sizeof *key);
    key->name = copy;
    key->name_length = (uint32_t)length;
    key->hash = hash;
    key->target.slot = -1;
    key->target.role = ROLE_COUNT;
    key->order = level->count < 64 ? (uint8_t)level->count : 255;
    key->level = level;
    key->role = level == shape->root && level->count < 64 ? (uint64_t)1 << level->count : 0;
    key->target.time = ends_with(name, length, "UnixNano");
    while (!place(level->table, level->mask, key))
        if (!grow_level(shape, level))
            return NULL;
    level->count++;
    shape->keys++;
    tcore_ndjson_names_add(&shape->names, shape->seed, key);
    return key;
}

static struct shape_key *look_up(const struct shape_level *level, const char *name, size_t length,
                                 uint32_t hash)
{
    for (uint32_t i = 0; i < PROBES && i <= level->mask; i++) {
        struct shape_key *key = level->table[(hash + i) & level->mask];
        if (!key)
            return NULL;
        if (key->hash == hash && key->name_length == length && !memcmp(key->name, name, length))
            return key;
    }
    return NULL;
}

struct shape_key *tcore_ndjson_shape_find(struct ndjson_shape *shape, struct shape_level *level,
                                          const char *name, size_t length)
{
    uint32_t hash = tcore_ndjson_hash(shape->seed, name, length);
    struct shape_key *key = look_up(level, name, length, hash);
    if (key || level->count >= LEVEL_KEYS || shape->keys >= SHAPE_KEYS)
        return key;
    return add_key(shape, level, name, length, hash);
}

struct shape_level *tcore_ndjson_shape_below(struct ndjson_shape *shape, struct shape_key *key,
                                             bool array)
{
    struct shape_level **level = array ? &key->elements : &key->children;
    if (!*level && shape->keys < SHAPE_KEYS)
        *level = new_level(shape, key, array);
    return *level;
}

static void want(struct ndjson_shape *shape, struct shape_key *key)
{
    if (!key->target.wanted && shape->wanted_count == SHAPE_WANTED) {
        shape->wanted_count = 0;
    } else if (!key->target.wanted && shape->wanted_count) {
        key->place = (uint8_t)shape->wanted_count;
        key->found = (uint64_t)1 << key->place;
        shape->wanted[shape->wanted_count++] = key;
    }
    key->target.wanted = true;
}

static struct shape_level *root_level(struct ndjson_shape *shape)
{
    struct shape_level *outside = tcore_arena_alloc(&shape->arena, sizeof *outside);
    if (!outside)
        return NULL;
    *outside = (struct shape_level){.around = outside};
    shape->record.level = outside;
    shape->record.children = new_level(shape, &shape->record, false);
    return shape->record.children;
}

enum tcore_status tcore_ndjson_shape_init(struct ndjson_shape *shape, struct tcore_error *err)
{
    *shape = (struct ndjson_shape){0};
    if (tcore_sys()->random(&shape->seed, sizeof shape->seed) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no random numbers to be had from the system");
    shape->root = root_level(shape);
    shape->wanted_count = 1;
    for (int role = 0; shape->root && role < ROLE_COUNT; role++) {
        const char *name = role_names[role];
        struct shape_key *key = tcore_ndjson_shape_find(shape, shape->root, name, strlen(name));
        if (!key) {
            shape->root = NULL;
        } else {
            key->target.role = (uint8_t)role;
            if (role < ROLE_VALUES)
                want(shape, key);
            key->hint = (uint8_t)hint_of(name);
        }
    }
    if (!shape->root) {
        tcore_ndjson_shape_free(shape);
        return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

void tcore_ndjson_shape_free(struct ndjson_shape *shape)
{
    tcore_ndjson_names_free(&shape->names);
    tcore_arena_free(&shape->arena);
    *shape = (struct ndjson_shape){0};
}

int tcore_ndjson_shape_slot(struct ndjson_shape *shape, const struct tcore_path *path)
{
    struct shape_level *level = shape->root;
    for (size_t i = 0;; i++) {
        const struct tcore_path_key *name = &path->keys[i];
        uint32_t hash = tcore_ndjson_hash(shape->seed, name->name, name->length);
        struct shape_key *key = look_up(level, name->name, name->length, hash);
        if (!key)
            key = add_key(shape, level, name->name, name->length, hash);
        if (!key)
            return -1;
        if (i + 1 == path->count) {
            if (key->target.slot < 0)
                key->target.slot = (int32_t)shape->slots++;
            want(shape, key);
            return key->target.slot;
        }
        if (!key->children)
            key->children = new_level(shape, key, false);
        level = key->children;
        if (!level)
            return -1;
    }
}
