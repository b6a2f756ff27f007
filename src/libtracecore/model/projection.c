/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Building a projection. A column is made whole first and added only then, so that running out of
 * memory leaves nothing half-added; a column whose paths are already there is dropped again.
 */
#include "model/projection.h"
#include "base/buf.h"
#include "base/sys.h"
#include "model/json.h"

#include <string.h>

#define KEY(text)                                                                                  \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

/* The schema's own objects, which a field name may step into. */
static const struct tcore_path_key objects[] = {
    KEY("attributes"),  KEY("resource"),  KEY("scope"),    KEY("dimensions"),
    KEY("context"),     KEY("structure"), KEY("timeline"), KEY("group"),
    KEY("histogram"),   KEY("quality"),   KEY("metadata"), KEY("services"),
    KEY("performance"), KEY("errors"),    KEY("sampling"), KEY("analysis"),
};

/* Where a plain name is looked for behind the top level. */
static const struct tcore_path_key maps[] = {KEY("attributes"), KEY("dimensions"), KEY("group"),
                                             KEY("resource")};
static const struct tcore_path_key service_name = KEY("service.name");

enum { MAPS = sizeof maps / sizeof *maps, OBJECTS = sizeof objects / sizeof *objects };

static void free_path(struct tcore_path *path)
{
    for (size_t i = 0; path->keys && i < path->count; i++)
        tcore_free((char *)path->keys[i].name);
    tcore_free(path->keys);
}

static void free_column(struct tcore_projection_column *column)
{
    for (size_t i = 0; i < column->path_count; i++)
        free_path(&column->paths[i]);
    tcore_free(column->paths);
    tcore_free(column->name);
}

void tcore_projection_free(struct tcore_projection *p)
{
    for (size_t i = 0; i < p->count; i++)
        free_column(&p->columns[i]);
    tcore_free(p->columns);
    *p = (struct tcore_projection){0};
}

static bool same_path(const struct tcore_path *a, const struct tcore_path *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->keys[i].length != b->keys[i].length ||
            memcmp(a->keys[i].name, b->keys[i].name, a->keys[i].length) != 0)
            return false;
    return true;
}

static bool same_column(const struct tcore_projection_column *a,
                        const struct tcore_projection_column *b)
{
    if (a->path_count != b->path_count)
        return false;
    for (size_t i = 0; i < a->path_count; i++)
        if (!same_path(&a->paths[i], &b->paths[i]))
            return false;
    return true;
}

/* Appends a copy of a path; the column has room for it. */
static bool add_path(struct tcore_projection_column *column, const struct tcore_path_key *keys,
                     size_t count)
{
    struct tcore_path *path = &column->paths[column->path_count];
    path->keys = tcore_calloc(count, sizeof *path->keys);
    path->count = count;
    if (!path->keys)
        return false;
    column->path_count++;
    for (size_t i = 0; i < count; i++) {
        path->keys[i].name = tcore_strndup(keys[i].name, keys[i].length);
        path->keys[i].length = keys[i].length;
        if (!path->keys[i].name)
            return false;
    }
    return true;
}

static bool add_pair(struct tcore_projection_column *column, struct tcore_path_key object,
                     struct tcore_path_key key)
{
    struct tcore_path_key keys[] = {object, key};
    return add_path(column, keys, 2);
}

static bool key_is(const struct tcore_path_key *key, const char *text)
{
    return key->length == strlen(text) && !memcmp(key->name, text, key->length);
}

/* The derivation of a single key, if it has one that is a path. */
static bool add_derivation(struct tcore_projection_column *column, const struct tcore_path_key *key)
{
    return !key_is(key, "service") || add_pair(column, maps[MAPS - 1], service_name);
}

/* Takes over the column, or frees it where it cannot or need not. */
static enum tcore_status add_column(struct tcore_projection *p,
                                    struct tcore_projection_column *column, size_t *number,
                                    struct tcore_error *err)
{
    for (size_t i = 0; i < p->count; i++) {
        if (same_column(&p->columns[i], column)) {
            free_column(column);
            *number = i;
            return TCORE_OK;
        }
    }
    struct tcore_projection_column *columns =
        tcore_reallocarray(p->columns, p->count + 1, sizeof *columns);
    if (!columns) {
        free_column(column);
        return tcore_error_nomem(err);
    }
    p->columns = columns;
    p->columns[p->count] = *column;
    *number = p->count++;
    return TCORE_OK;
}

static bool is_plain_name(const struct tcore_path_key *key)
{
    for (size_t i = 0; i < key->length; i++) {
        char c = key->name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
              (i && c >= '0' && c <= '9')))
            return false;
    }
    return key->length != 0;
}

/* The path as jq writes it: .attributes["http.route"] */
static char *path_text(const struct tcore_path_key *keys, size_t count)
{
    struct tcore_buf text = {0};
    for (size_t i = 0; i < count; i++) {
        if (is_plain_name(&keys[i])) {
            tcore_buf_putc(&text, '.');
            tcore_buf_append(&text, keys[i].name, keys[i].length);
        } else {
            tcore_buf_puts(&text, i ? "[" : ".[");
            tcore_json_write_string(&text, keys[i].name, keys[i].length);
            tcore_buf_putc(&text, ']');
        }
    }
    tcore_buf_putc(&text, '\0');
    if (text.failed)
        tcore_buf_free(&text);
    return text.data;
}

enum tcore_status tcore_projection_add_path(struct tcore_projection *p,
                                            const struct tcore_path_key *keys, size_t count,
                                            size_t *column, struct tcore_error *err)
{
    struct tcore_projection_column made = {.name = path_text(keys, count)};
    made.paths = tcore_calloc(2, sizeof *made.paths);
    if (!made.name || !made.paths || !add_path(&made, keys, count) ||
        (count == 1 && !add_derivation(&made, &keys[0]))) {
        free_column(&made);
        return tcore_error_nomem(err);
    }
    return add_column(p, &made, column, err);
}

enum tcore_status tcore_projection_add_any(struct tcore_projection *p, const char *object,
                                           const char *const *keys, size_t count, size_t *column,
                                           struct tcore_error *err)
{
    struct tcore_path_key pair[2] = {{object, strlen(object)}, {keys[0], strlen(keys[0])}};
    struct tcore_projection_column made = {.name = path_text(pair, 2)};
    bool good = made.name && (made.paths = tcore_calloc(count, sizeof *made.paths));
    for (size_t i = 0; i < count && good; i++) {
        pair[1] = (struct tcore_path_key){keys[i], strlen(keys[i])};
        good = add_path(&made, pair, 2);
    }
    if (!good) {
        free_column(&made);
        return tcore_error_nomem(err);
    }
    return add_column(p, &made, column, err);
}

/* The object that a name steps into, and what is behind the point; NULL if it steps into none. */
static const struct tcore_path_key *stepped_object(const struct tcore_path_key *name,
                                                   struct tcore_path_key *rest)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        size_t length = objects[i].length;
        if (name->length > length + 1 && name->name[length] == '.' &&
            !memcmp(name->name, objects[i].name, length)) {
            *rest = (struct tcore_path_key){name->name + length + 1, name->length - length - 1};
            return &objects[i];
        }
    }
    return NULL;
}

static bool add_lookup(struct tcore_projection_column *column, struct tcore_path_key name)
{
    struct tcore_path_key rest;
    const struct tcore_path_key *object = stepped_object(&name, &rest);
    if (object)
        return add_pair(column, *object, rest);
    if (!add_path(column, &name, 1))
        return false;
    for (size_t i = 0; i < MAPS; i++)
        if (!add_pair(column, maps[i], name))
            return false;
    return add_derivation(column, &name);
}

enum tcore_status tcore_projection_add_field(struct tcore_projection *p, const char *name,
                                             size_t *column, struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};
    struct tcore_projection_column made = {.name = tcore_strndup(name, key.length)};
    made.paths = tcore_calloc(MAPS + 2, sizeof *made.paths);
    if (!made.name || !made.paths || !add_lookup(&made, key)) {
        free_column(&made);
        return tcore_error_nomem(err);
    }
    return add_column(p, &made, column, err);
}
