/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON text as a key: the same for values that are the same, however they were written. */
#include "model/json.h"

#include "base/sys.h"
#include "model/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct tcore_value key; /* in an object */
    uint32_t value;
};

/* A container that is being written. */
struct level {
    struct item *item; /* owned */
    uint32_t count, at;
    bool object;
};

struct levels {
    struct level *level; /* owned */
    size_t count, capacity;
};

static int compare(const void *left, const void *right)
{
    const struct tcore_value *a = &((const struct item *)left)->key,
                             *b = &((const struct item *)right)->key;
    size_t shared = a->len < b->len ? a->len : b->len;
    int order = shared ? memcmp(a->s, b->s, shared) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static bool fill(struct level *level, const struct tcore_json *json, uint32_t i)
{
    struct tcore_json_walk walk;
    struct tcore_json_member member;
    *level = (struct level){.object = tcore_json_is_object(&json->node[i])};
    level->item = tcore_reallocarray(NULL, json->node[i].count, sizeof *level->item);
    if (!level->item || tcore_json_walk_open(&walk, json, i) != TCORE_OK) {
        tcore_free(level->item);
        return false;
    }
    while (tcore_json_walk_next(&walk, json, &member))
        level->item[level->count++] = (struct item){json->node[member.key].value, member.value};
    tcore_json_walk_close(&walk);
    if (level->object && level->count)
        qsort(level->item, level->count, sizeof *level->item, compare);
    return true;
}

static bool open_level(struct levels *levels, const struct tcore_json *json, uint32_t i)
{
    if (levels->count == levels->capacity) {
        size_t capacity = levels->capacity ? levels->capacity * 2 : 8;
        struct level *level = tcore_reallocarray(levels->level, capacity, sizeof *level);
        if (!level)
            return false;
        levels->level = level;
        levels->capacity = capacity;
    }
    return fill(&levels->level[levels->count], json, i) && ++levels->count;
}

/* What no double holds stays as it was written: there is no other text for it. */
static void write_scalar(struct tcore_buf *buf, const struct tcore_value *value)
{
    char text[TCORE_NUMBER_BYTES];
    int64_t integer;
    if (!tcore_value_is_number(value))
        tcore_json_write_value(buf, value);
    else if (tcore_value_int64(value, &integer))
        tcore_buf_append(buf, text, tcore_format_int64(text, integer));
    else if (isfinite(tcore_value_double(value)))
        tcore_buf_append(buf, text, tcore_format_double(text, tcore_value_double(value)));
    else
        tcore_json_write_value(buf, value);
}

static bool write_node(struct levels *levels, struct tcore_buf *buf, const struct tcore_json *json,
                       uint32_t i)
{
    const struct tcore_value *value = &json->node[i].value;
    if (value->kind != TCORE_JSON) {
        write_scalar(buf, value);
        return true;
    }
    tcore_buf_putc(buf, *value->s);
    return open_level(levels, json, i);
}

static bool write_next(struct levels *levels, struct tcore_buf *buf, const struct tcore_json *json)
{
    struct level *level = &levels->level[levels->count - 1];
    if (level->at == level->count) {
        tcore_buf_putc(buf, level->object ? '}' : ']');
        tcore_free(level->item);
        levels->count--;
        return true;
    }
    const struct item *item = &level->item[level->at];
    if (level->at++)
        tcore_buf_putc(buf, ',');
    if (level->object) {
        tcore_json_write_string(buf, item->key.s, item->key.len);
        tcore_buf_putc(buf, ':');
    }
    return write_node(levels, buf, json, item->value);
}

void tcore_json_write_key(struct tcore_buf *buf, const char *text, size_t length)
{
    struct tcore_json json = {.depth_limit = UINT32_MAX};
    struct levels levels = {0};
    enum tcore_status status = tcore_json_parse(&json, text, length, NULL);
    if (status == TCORE_SKIP) {
        tcore_buf_append(buf, text, length);
    } else {
        bool good = status == TCORE_OK && write_node(&levels, buf, &json, 0);
        while (good && levels.count)
            good = write_next(&levels, buf, &json);
        buf->failed |= !good;
    }
    while (levels.count)
        tcore_free(levels.level[--levels.count].item);
    tcore_free(levels.level);
    tcore_json_free(&json);
}
