/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "agg/header.h"

#include "base/sys.h"

#include <inttypes.h>
#include <string.h>

const struct tcore_value *agg_member(const struct tcore_json *json, uint32_t object,
                                     const char *name, enum tcore_kind kind)
{
    uint32_t at = tcore_json_find(json, object, name);
    return at && json->node[at].value.kind == kind ? &json->node[at].value : NULL;
}

static enum tcore_status damaged(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged partial: its header lacks %s", what);
}

/* Appends the strings of a JSON array, and their number to *count. */
static enum tcore_status read_names(struct agg_header *header, const struct tcore_json *json,
                                    uint32_t array, size_t *count, struct tcore_error *err)
{
    const struct tcore_json_node *node = &json->node[array];
    if (!array || !tcore_json_is_array(node))
        return damaged(err, "a list");
    char **names = tcore_reallocarray(header->name, header->count + node->count + 1, sizeof *names);
    if (!names)
        return tcore_error_nomem(err);
    header->name = names;
    size_t before = header->count;
    for (uint32_t e = array + 1; e < node->next; e = json->node[e].next) {
        const struct tcore_value *v = &json->node[e].value;
        if (v->kind != TCORE_STRING)
            return damaged(err, "the name of a field or statistic");
        char *copy = tcore_strndup(v->s, v->len);
        if (!copy)
            return tcore_error_nomem(err);
        header->name[header->count++] = copy;
    }
    *count = header->count - before;
    return TCORE_OK;
}

void agg_header_free(struct agg_header *header)
{
    for (size_t i = 0; i < header->count; i++)
        tcore_free(header->name[i]);
    tcore_free(header->name);
    *header = (struct agg_header){0};
}

enum tcore_status agg_header_read(struct agg_header *header, const struct tcore_json *json,
                                  uint32_t object, struct agg_plan *plan, struct tcore_error *err)
{
    size_t by_count, stat_count;
    const struct tcore_value *version = agg_member(json, object, "version", TCORE_INT);
    const struct tcore_value *window = agg_member(json, object, "windowNano", TCORE_INT);
    const struct tcore_value *slide = agg_member(json, object, "slideNano", TCORE_INT);
    if (!version || version->i < 1 || version->i > 2)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a partial of version %" PRId64 " is not known here",
                               version ? version->i : (int64_t)0);
    if (!window || window->i < 0)
        return damaged(err, "windowNano");
    if (version->i == 1)
        slide = window;
    else if (!slide || slide->i <= 0 || slide->i > window->i)
        return damaged(err, "slideNano");
    enum tcore_status status =
        read_names(header, json, tcore_json_find(json, object, "by"), &by_count, err);
    if (!status)
        status = read_names(header, json, tcore_json_find(json, object, "stats"), &stat_count, err);
    if (status)
        return status;
    const char **names = (const char **)header->name;
    plan->by_names = (struct cli_strings){names, by_count};
    agg_plan_windows(plan, window->i, slide->i);
    return agg_stats_parse(&plan->stats, names + by_count, stat_count, err);
}

/* Whether an array has these names, which are stride bytes apart. */
static bool same_names(const struct tcore_json *json, uint32_t array, const char *const *names,
                       size_t count, size_t stride)
{
    const struct tcore_json_node *node = &json->node[array];
    if (!array || !tcore_json_is_array(node) || node->count != count)
        return false;
    size_t i = 0;
    for (uint32_t e = array + 1; e < node->next; e = json->node[e].next, i++) {
        const char *name = *(const char *const *)((const char *)names + i * stride);
        const struct tcore_value *v = &json->node[e].value;
        if (v->kind != TCORE_STRING || v->len != strlen(name) || memcmp(v->s, name, v->len))
            return false;
    }
    return true;
}

bool agg_header_fits(const struct tcore_json *json, uint32_t object, const struct agg_plan *plan)
{
    const struct tcore_value *window = agg_member(json, object, "windowNano", TCORE_INT);
    const struct tcore_value *slide = agg_member(json, object, "slideNano", TCORE_INT);
    return window && window->i == plan->window_ns &&
           (slide ? slide->i : window->i) == plan->slide_ns &&
           same_names(json, tcore_json_find(json, object, "by"), plan->by_names.item,
                      plan->by_names.count, sizeof *plan->by_names.item) &&
           same_names(json, tcore_json_find(json, object, "stats"), &plan->stats.stat->name,
                      plan->stats.count, sizeof *plan->stats.stat);
}
