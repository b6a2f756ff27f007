/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/span_group.h"

#include "base/sys.h"
#include "span/text_order.h"

#include <stdlib.h>
#include <string.h>

/* Of a plain group; ABSENT: not asked for. */
struct plain_key {
    uint32_t service, name;
};

#define ABSENT UINT32_MAX

static bool asks_for(const struct cli_strings *by, const char *name)
{
    for (size_t i = 0; i < by->count; i++)
        if (strcmp(by->item[i], name) == 0)
            return true;
    return false;
}

bool span_groups_are_plain(const struct cli_strings *by)
{
    for (size_t i = 0; i < by->count; i++)
        if (strcmp(by->item[i], "service") != 0 && strcmp(by->item[i], "name") != 0)
            return false;
    return true;
}

enum tcore_status span_groups_open(struct span_groups *groups, const struct cli_strings *by,
                                   unsigned depth_limit, struct tcore_error *err)
{
    *groups = (struct span_groups){.by = by, .plain = span_groups_are_plain(by)};
    groups->json.depth_limit = depth_limit;
    if (tcore_map_init(&groups->map) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    return groups->plain || cli_fields_ask(&groups->fields, by) ? TCORE_OK : tcore_error_nomem(err);
}

void span_groups_close(struct span_groups *groups)
{
    tcore_map_free(&groups->map);
    cli_fields_free(&groups->fields);
    tcore_json_free(&groups->json);
    tcore_buf_free(&groups->text);
}

static enum tcore_status intern(struct span_groups *groups, const void *key, size_t length,
                                uint32_t *group, struct tcore_error *err)
{
    *group = tcore_map_intern(&groups->map, key, length, NULL);
    return *group == TCORE_MAP_NONE ? tcore_error_nomem(err) : TCORE_OK;
}

/* The group of a span by its text, as text. */
static enum tcore_status write_fields(struct span_groups *groups,
                                      const struct tcore_stored_text *row, struct tcore_error *err)
{
    struct tcore_buf *text = &groups->text;
    bool first = true;
    tcore_buf_clear(text);
    tcore_buf_putc(text, '{');
    if (tcore_json_parse(&groups->json, row->text, row->text_length, err) == TCORE_FATAL)
        return TCORE_FATAL;
    for (size_t i = 0; i < groups->fields.count; i++) {
        struct cli_field *field = &groups->fields.field[i];
        struct tcore_value value = cli_fields_get(field, &groups->json);
        if (value.kind == TCORE_ABSENT)
            continue;
        tcore_buf_puts(text, first ? "" : ",");
        tcore_json_write_string(text, field->name, field->name_length);
        tcore_buf_putc(text, ':');
        tcore_json_write_value(text, &value);
        first = false;
    }
    tcore_buf_putc(text, '}');
    return tcore_buf_status(text, err);
}

enum tcore_status span_groups_find(struct span_groups *groups, const struct trace_build *build,
                                   uint32_t span, uint32_t *group, struct tcore_error *err)
{
    if (groups->plain) {
        struct plain_key key = {ABSENT, ABSENT};
        if (asks_for(groups->by, "service"))
            key.service = build->spans[span].service;
        if (asks_for(groups->by, "name"))
            key.name = build->rows[span]->name;
        return intern(groups, &key, sizeof key, group, err);
    }
    enum tcore_status status = write_fields(groups, build->rows[span], err);
    return status ? status : intern(groups, groups->text.data, groups->text.length, group, err);
}

enum tcore_status span_groups_translate(struct span_groups *into, const struct span_groups *from,
                                        uint32_t group, uint32_t *number, struct tcore_error *err)
{
    const struct tcore_map_key *key = &from->map.keys[group];
    return intern(into, key->data, key->length, number, err);
}

void span_groups_add_seen(struct span_groups *into, const struct span_groups *from)
{
    for (size_t i = 0; i < into->fields.count && i < from->fields.count; i++)
        into->fields.field[i].seen |= from->fields.field[i].seen;
}

static void write_member(const char *name, struct tcore_slice text, bool *first,
                         struct tcore_buf *out)
{
    if (!text.data)
        return;
    tcore_buf_puts(out, *first ? "\"" : ",\"");
    tcore_buf_puts(out, name);
    tcore_buf_puts(out, "\":");
    tcore_json_write_string(out, text.data, text.length);
    *first = false;
}

/* Appends the group as a JSON object. */
static void write_group(const struct span_groups *groups, const struct tcore_trace_store *store,
                        uint32_t group, struct tcore_buf *out)
{
    const struct tcore_map_key *key = &groups->map.keys[group];
    struct plain_key plain;
    bool first = true;
    if (!groups->plain) {
        tcore_buf_append(out, key->data, key->length);
        return;
    }
    memcpy(&plain, key->data, sizeof plain);
    tcore_buf_putc(out, '{');
    for (size_t i = 0; i < groups->by->count; i++) {
        bool service = strcmp(groups->by->item[i], "service") == 0;
        if (i && strcmp(groups->by->item[i], groups->by->item[0]) == 0)
            continue; /* named twice */
        write_member(groups->by->item[i],
                     service ? tcore_trace_store_service(store, plain.service)
                             : tcore_trace_store_name(store, plain.name),
                     &first, out);
    }
    tcore_buf_putc(out, '}');
}

static int compare(const void *left, const void *right)
{
    const struct span_group_place *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return compare_texts(a->text, b->text);
}

enum tcore_status span_groups_order(const struct span_groups *groups,
                                    const struct tcore_trace_store *store,
                                    struct span_group_place *place, struct tcore_buf *texts,
                                    struct tcore_error *err)
{
    uint32_t count = groups->map.count;
    for (uint32_t i = 0; i < count; i++) {
        place[i].group = i;
        place[i].offset = texts->length;
        write_group(groups, store, i, texts);
        place[i].text.length = texts->length - place[i].offset;
    }
    if (tcore_buf_status(texts, err) != TCORE_OK)
        return TCORE_FATAL;
    for (uint32_t i = 0; i < count; i++)
        place[i].text.data = texts->data + place[i].offset;
    if (count)
        qsort(place, count, sizeof *place, compare);
    return TCORE_OK;
}
