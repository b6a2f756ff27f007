/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which fields the rules want to see of records. */
#include <config.h>

#include "alert/engine.h"

#include "base/sys.h"

#include <string.h>

static enum tcore_status add_path(struct tcore_projection *projection, const char *name,
                                  size_t *column, struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};

    return tcore_projection_add_path(projection, &key, 1, column, err);
}

/* By path, since a rule may well name what this input does not have. */
static enum tcore_status add_label_paths(struct tcore_projection *projection, const char *name,
                                         size_t columns[LABEL_PATHS], struct tcore_error *err)
{
    struct tcore_path_key keys[] = {{"attributes", 10}, {name, strlen(name)}};
    enum tcore_status status = add_path(projection, name, &columns[0], err);

    if (status == TCORE_OK)
        status = tcore_projection_add_path(projection, keys, 2, &columns[1], err);
    keys[0] = (struct tcore_path_key){"resource", 8};
    return status == TCORE_OK ? tcore_projection_add_path(projection, keys, 2, &columns[2], err)
                              : status;
}

/* What matchers of spans and findings name is looked for as a field. */
static enum tcore_status add_label_columns(struct engine *e, struct tcore_projection *projection,
                                           struct tcore_error *err)
{
    struct column_set *c = &e->columns;
    enum tcore_status status = TCORE_OK;
    struct tcore_map names;

    if (tcore_map_init(&names))
        return tcore_error_set(err, TCORE_FATAL, "no randomness");
    for (size_t r = 0; r < e->rules->count; r++) {
        const struct rule *rule = &e->rules->rule[r];

        for (size_t m = 0; rule->source != RULE_METRIC && m < rule->matcher_count; m++)
            if (tcore_map_intern(&names, rule->matcher[m].label, strlen(rule->matcher[m].label),
                                 NULL) == TCORE_MAP_NONE)
                status = tcore_error_nomem(err);
    }
    c->labels = tcore_calloc(names.count + 1, sizeof *c->labels);
    c->label_name = tcore_calloc(names.count + 1, sizeof *c->label_name);
    if (!c->labels || !c->label_name)
        status = tcore_error_nomem(err);
    for (uint32_t n = 0; n < names.count && status == TCORE_OK; n++) {
        const char *name = names.keys[n].data;

        c->label_name[n] = tcore_strndup(name, names.keys[n].length);
        if (!c->label_name[n])
            status = tcore_error_nomem(err);
        else
            status = add_label_paths(projection, strcmp(name, "horizon") ? name : "horizonNano",
                                     c->labels[n], err);
        c->label_count++;
    }
    tcore_map_free(&names);
    return status;
}

enum tcore_status series_columns(struct engine *e, struct tcore_projection *projection,
                                 struct tcore_error *err)
{
    struct column_set *c = &e->columns;
    const struct {
        const char *name;
        size_t *column;
    } wanted[] = {{"metricName", &c->metric_name},
                  {"value", &c->value},
                  {"timeUnixNano", &c->time},
                  {"startTimeUnixNano", &c->start},
                  {"windowStartUnixNano", &c->window_start},
                  {"windowNano", &c->window},
                  {"dimensions", &c->dimensions},
                  {"group", &c->group},
                  {"resource", &c->resource},
                  {"service", &c->service},
                  {"kind", &c->kind},
                  {"stat", &c->stat},
                  {"message", &c->message}};
    enum tcore_status status = TCORE_OK;

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && status == TCORE_OK; i++)
        status = add_path(projection, wanted[i].name, wanted[i].column, err);
    if (status == TCORE_OK && e->remembers)
        status = add_path(projection, "traceId", &c->trace_id, err);
    if (status == TCORE_OK && e->remembers)
        status = add_path(projection, "spanId", &c->span_id, err);
    c->stats = tcore_calloc(e->rules->count + 1, sizeof *c->stats);
    if (!c->stats)
        status = tcore_error_nomem(err);
    for (size_t r = 0; r < e->rules->count && status == TCORE_OK; r++) {
        const struct rule *rule = &e->rules->rule[r];

        if (rule->source == RULE_METRIC)
            status = add_path(projection, rule->stat ? rule->stat : "mean", &c->stats[r], err);
    }
    if (status == TCORE_OK)
        status = add_label_columns(e, projection, err);
    return status == TCORE_OK ? tcore_matcher_new(&e->matcher, err) : status;
}
