/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a series is called, and which of its resource tells it from others that are alike. */
#include <config.h>

#include "detect/series_parts.h"

#include "base/sys.h"

#include <string.h>

static bool is_key(const struct series_table *table, const struct member *m, const char *name)
{
    return m->key_length == strlen(name) && !memcmp(table->built.data + m->key, name, strlen(name));
}

static void put_member(struct tcore_buf *out, const struct series_table *table,
                       const struct member *m)
{
    const char *value = table->built.data + m->value;
    size_t length = m->value_length;

    if (!is_key(table, m, "service") && !is_key(table, m, "name")) {
        tcore_buf_append(out, table->built.data + m->key, m->key_length);
        tcore_buf_putc(out, '=');
    }
    if (*value == '"') {
        value++;
        length -= 2;
    }
    tcore_buf_append(out, value, length);
}

void series_put_short_label(struct tcore_buf *out, const struct series_table *table,
                            const struct members *members, const char *metric_name,
                            const char *stat)
{
    if (strcmp(metric_name, "durationNano") != 0)
        tcore_buf_puts(out, metric_name);
    for (size_t i = 0; i < members->count; i++) {
        if (members->item[i].of_resource)
            continue;
        if (out->length)
            tcore_buf_putc(out, ' ');
        put_member(out, table, &members->item[i]);
    }
    if (*stat) {
        if (out->length)
            tcore_buf_putc(out, ' ');
        tcore_buf_puts(out, stat);
    }
    if (!out->length)
        tcore_buf_puts(out, "all");
}

static char *keep(struct series_table *table, const struct tcore_buf *text)
{
    return text->failed ? NULL : tcore_arena_copy(&table->text, text->data, text->length);
}

/* --- Series that differ in their resource only */

/* Keeps what the resource has, as "key=value". */
static bool keep_origin(struct series_table *table, const struct members *members,
                        struct series_name *name)
{
    struct tcore_buf text = {0};
    bool kept = true;

    name->origin = tcore_arena_alloc(&table->text, (members->count + 1) * sizeof *name->origin);
    for (size_t i = 0; i < members->count && name->origin && kept; i++) {
        if (!members->item[i].of_resource)
            continue;
        tcore_buf_clear(&text);
        put_member(&text, table, &members->item[i]);
        const char *origin = keep(table, &text);

        name->origin[name->origin_count++] = origin;
        kept = origin != NULL;
    }
    tcore_buf_free(&text);
    return name->origin && kept;
}

static bool has_text(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

/* Numbers the kin of a new series, and takes from what they share that which it has not. */
static bool join_kin(struct series_table *table, const struct tcore_buf *identity,
                     struct series_name *name)
{
    bool added;

    name->kin = tcore_map_intern(&table->kin_known, identity->data, identity->length, &added);
    if (name->kin == TCORE_MAP_NONE)
        return false;
    if (name->kin >= table->kin_capacity) {
        size_t capacity = table->kin_capacity ? table->kin_capacity * 2 : 64;
        struct series_kin *kin = tcore_reallocarray(table->kin, capacity, sizeof *kin);

        if (!kin)
            return false;
        table->kin = kin;
        table->kin_capacity = capacity;
    }
    struct series_kin *kin = &table->kin[name->kin];

    if (added) {
        size_t bytes = (name->origin_count + 1) * sizeof *kin->shared;

        kin->shared = tcore_arena_alloc(&table->text, bytes);
        kin->shared_count = kin->shared ? name->origin_count : 0;
        for (size_t i = 0; i < kin->shared_count; i++)
            kin->shared[i] = name->origin[i];
        return kin->shared;
    }
    size_t kept = 0;

    for (size_t i = 0; i < kin->shared_count; i++)
        if (has_text(name->origin, name->origin_count, kin->shared[i]))
            kin->shared[kept++] = kin->shared[i];
    kin->shared_count = kept;
    return true;
}

/* Numbers and paths that are new in every run, and say to nobody where it was. */
static bool is_of_process(const char *origin)
{
    return strncmp(origin, "process.", 8) == 0 || strncmp(origin, "container.id=", 13) == 0;
}

void series_put_label(struct tcore_buf *out, const struct series_table *table, uint32_t series)
{
    const struct series_name *name = &table->name[series];
    const struct series_kin *kin = &table->kin[name->kin];
    bool any = false;

    tcore_buf_puts(out, name->label);
    for (int processes = 0; processes < 2 && !any; processes++)
        for (size_t i = 0; i < name->origin_count; i++) {
            if (is_of_process(name->origin[i]) != processes ||
                has_text(kin->shared, kin->shared_count, name->origin[i]))
                continue;
            tcore_buf_printf(out, " %s", name->origin[i]);
            any = true;
        }
}

bool series_keep(struct series_table *table, const struct members *members,
                 const struct tcore_buf *group, const struct tcore_buf *label,
                 const struct tcore_buf *kin, struct series_name *name)
{
    name->group = keep(table, group);
    name->label = keep(table, label);
    name->metric_name =
        tcore_arena_copy(&table->text, name->metric_name, strlen(name->metric_name));
    name->stat = tcore_arena_copy(&table->text, name->stat, strlen(name->stat));
    name->record_type =
        tcore_arena_copy(&table->text, name->record_type, strlen(name->record_type));
    return name->group && name->label && name->metric_name && name->stat && name->record_type &&
           keep_origin(table, members, name) && join_kin(table, kin, name);
}
