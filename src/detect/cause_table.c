/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entities and measurements by their keys. */
#include <config.h>

#include "detect/cause.h"

#include "base/sys.h"

#include <string.h>

bool cause_tables_init(struct cause *c)
{
    return !tcore_map_init(&c->entity_keys) && !tcore_map_init(&c->measure_keys) &&
           !tcore_map_init(&c->templates);
}

void cause_tables_free(struct cause *c)
{
    tcore_map_free(&c->entity_keys);
    tcore_map_free(&c->measure_keys);
    tcore_map_free(&c->templates);
    tcore_free(c->entity);
    tcore_free(c->measure);
    tcore_free(c->part);
    tcore_buf_free(&c->key);
}

bool cause_grow(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    uint32_t wanted = *capacity ? 2 * *capacity : 64;
    void *grown = wanted ? tcore_reallocarray(*items, wanted, size) : NULL; /* or it is 2^32 */

    if (!grown)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

/* The key is the type, the service and the name with a NUL between them, which are the names then.
 * A NUL in a name cuts it for people, but tells it from others. */
static uint32_t intern(struct cause *c, enum cause_entity_type type, struct tcore_slice service,
                       struct tcore_slice name, bool *added)
{
    tcore_buf_clear(&c->key);
    tcore_buf_putc(&c->key, (char)('0' + type));
    tcore_buf_append(&c->key, service.data, service.length);
    tcore_buf_putc(&c->key, '\0');
    tcore_buf_append(&c->key, name.data, name.length);
    if (c->key.failed || !cause_grow((void **)&c->entity, c->entity_keys.count, &c->entity_capacity,
                                     sizeof *c->entity))
        return CAUSE_NONE;
    return tcore_map_intern(&c->entity_keys, c->key.data, c->key.length, added);
}

uint32_t cause_entity(struct cause *c, enum cause_entity_type type, struct tcore_slice service,
                      struct tcore_slice name)
{
    struct tcore_slice nothing = {"", 0};
    bool added;
    uint32_t number = intern(c, type, service, name, &added);

    if (number == CAUSE_NONE || !added)
        return number;
    const char *key = c->entity_keys.keys[number].data;

    c->entity[number] = (struct cause_entity){
        .type = type,
        .service = key + 1,
        .name = key + 1 + service.length + 1,
        .owner = number,
        .target = CAUSE_NONE,
        .best = CAUSE_NONE,
    };
    if (type == CAUSE_SERVICE)
        return number;
    uint32_t owner = cause_entity(c, CAUSE_SERVICE, service, nothing);
    uint32_t target = type == CAUSE_EDGE ? cause_entity(c, CAUSE_SERVICE, name, nothing) : owner;

    if (owner == CAUSE_NONE || target == CAUSE_NONE)
        return CAUSE_NONE;
    c->entity[number].owner = owner;
    c->entity[number].target = target;
    c->entity[owner].pods += type == CAUSE_INSTANCE;
    return number;
}

struct measure_key {
    uint32_t kind, entity, by;
};

struct cause_measure *cause_measure(struct cause *c, enum cause_measure_kind kind, uint32_t entity,
                                    uint32_t by)
{
    struct measure_key key = {kind, entity, by};
    bool added;

    if (!cause_grow((void **)&c->measure, c->measure_keys.count, &c->measure_capacity,
                    sizeof *c->measure))
        return NULL;
    uint32_t number = tcore_map_intern(&c->measure_keys, &key, sizeof key, &added);

    if (number == TCORE_MAP_NONE)
        return NULL;
    if (added)
        c->measure[number] = (struct cause_measure){.kind = kind, .entity = entity, .by = by};
    return &c->measure[number];
}

struct cause_measure *cause_measure_find(const struct cause *c, enum cause_measure_kind kind,
                                         uint32_t entity, uint32_t by)
{
    struct measure_key key = {kind, entity, by};
    uint32_t number = tcore_map_find(&c->measure_keys, &key, sizeof key);

    return number == TCORE_MAP_NONE ? NULL : &c->measure[number];
}

bool cause_add_part(struct cause *c, const struct cause_part *part)
{
    if (!cause_grow((void **)&c->part, c->parts, &c->part_capacity, sizeof *c->part))
        return false;
    c->part[c->parts++] = *part;
    return true;
}
