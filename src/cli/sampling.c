/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/sampling.h"

#include "cli/options.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

struct reading {
    const char *helper;
    struct cli_sampling *sampling;
};

/* --- Conditions. A rule is a map of these keys and of those of its action. */

struct rule_map {
    uint32_t keep, value, where, any, all, not, rate, shapes;
    double probability;
    bool drop, last;
    const char *name;
};

enum {
    K_KEEP,
    K_VALUE,
    K_WHERE,
    K_ANY,
    K_ALL,
    K_NOT,
    CONDITIONS,
    K_RATE = CONDITIONS,
    K_PROBABILITY,
    K_SHAPES,
    K_DROP,
    K_LAST,
    K_NAME
};

#define NODE(key, member)                                                                          \
    {                                                                                              \
        key, CLI_KEY_NODE, offsetof(struct rule_map, member), NULL                                 \
    }

static const struct cli_key rule_keys[] = {
    NODE("keep", keep),
    NODE("value", value),
    NODE("where", where),
    NODE("any", any),
    NODE("all", all),
    NODE("not", not ),
    NODE("rate", rate),
    {"probability", CLI_KEY_PERCENT, offsetof(struct rule_map, probability), NULL},
    NODE("shapes", shapes),
    {"drop", CLI_KEY_BOOL, offsetof(struct rule_map, drop), NULL},
    {"last", CLI_KEY_BOOL, offsetof(struct rule_map, last), NULL},
    {"name", CLI_KEY_TEXT, offsetof(struct rule_map, name), NULL},
};

static const char *const keep_names[] = {"errors", "slower_than", NULL};

static void read_keep(struct cli_schema *p, const uint32_t *nodes,
                      struct cli_sampling_condition *condition)
{
    const char *reason;
    if (!cli_schema_is_kind(p, nodes[K_KEEP], CLI_YAML_SCALAR, "keep"))
        return;
    int kind = cli_schema_word(p, nodes[K_KEEP], "reason to keep a trace", keep_names);
    if (kind < 0)
        return;
    condition->kind = kind ? CLI_SAMPLING_SLOWER_THAN : CLI_SAMPLING_ERRORS;
    if (!kind) {
        if (nodes[K_VALUE])
            cli_schema_error_in(p, nodes[K_VALUE], "value goes with keep: slower_than");
        return;
    }
    if (nodes[K_VALUE] && !cli_schema_is_kind(p, nodes[K_VALUE], CLI_YAML_SCALAR, "value"))
        return;
    const char *text = nodes[K_VALUE] ? cli_schema_node(p, nodes[K_VALUE])->text : NULL;
    if (text && !cli_parse_duration(text, &condition->value_ns, &reason))
        cli_schema_error_in(p, nodes[K_VALUE], "value: '%s' %s", text, reason);
    else if (condition->value_ns <= 0)
        cli_schema_error_in(p, nodes[nodes[K_VALUE] ? K_VALUE : K_KEEP],
                            "slower_than takes a value of more than 0 (value: 2s)");
}

static void read_where(struct cli_schema *p, uint32_t node, const struct reading *reading,
                       struct cli_sampling_condition *condition)
{
    struct cli_sampling *sampling = reading->sampling;
    condition->kind = CLI_SAMPLING_WHERE;
    if (!cli_schema_is_kind(p, node, CLI_YAML_SCALAR, "where") ||
        !cli_schema_check_expression(p, node, "where", reading->helper))
        return;
    if (sampling->where_count == CLI_SAMPLING_WHERES) {
        cli_schema_error_in(p, node, "more than %d expressions", CLI_SAMPLING_WHERES);
        return;
    }
    condition->where = sampling->where_count;
    sampling->where[sampling->where_count++] = cli_schema_keep(p, cli_schema_node(p, node)->text);
}

static void read_condition(struct cli_schema *p, uint32_t node, const struct reading *reading,
                           struct cli_sampling_condition *condition);

/* A list of conditions, or one of them. */
static void read_list(struct cli_schema *p, uint32_t node, const char *key,
                      enum cli_sampling_condition_kind kind, const struct reading *reading,
                      struct cli_sampling_condition *condition)
{
    const struct cli_yaml_node *list = cli_schema_node(p, node);
    bool one = list->kind == CLI_YAML_MAP;
    condition->kind = kind;
    if (!one && !cli_schema_is_kind(p, node, CLI_YAML_LIST, key))
        return;
    if (!one && !list->count) {
        cli_schema_error_in(p, node, "%s is empty", key);
        return;
    }
    condition->item = cli_schema_allocate(p, one ? 1 : list->count, sizeof *condition->item);
    for (uint32_t n = one ? node : list->first; n && !p->fatal;
         n = one ? 0 : cli_schema_node(p, n)->next)
        read_condition(p, n, reading, &condition->item[condition->count++]);
}

/* The conditions among the keys of a map. */
static void read_conditions(struct cli_schema *p, const uint32_t *nodes,
                            const struct reading *reading, struct cli_sampling_condition *condition)
{
    condition->kind = CLI_SAMPLING_ALL;
    condition->item = cli_schema_allocate(p, CONDITIONS, sizeof *condition->item);
    if (!condition->item)
        return;
    if (nodes[K_VALUE] && !nodes[K_KEEP])
        cli_schema_error_in(p, nodes[K_VALUE], "value goes with keep: slower_than");
    if (nodes[K_KEEP])
        read_keep(p, nodes, &condition->item[condition->count++]);
    if (nodes[K_WHERE])
        read_where(p, nodes[K_WHERE], reading, &condition->item[condition->count++]);
    if (nodes[K_ANY] && !p->fatal)
        read_list(p, nodes[K_ANY], "any", CLI_SAMPLING_ANY, reading,
                  &condition->item[condition->count++]);
    if (nodes[K_ALL] && !p->fatal)
        read_list(p, nodes[K_ALL], "all", CLI_SAMPLING_ALL, reading,
                  &condition->item[condition->count++]);
    if (nodes[K_NOT] && !p->fatal)
        read_list(p, nodes[K_NOT], "not", CLI_SAMPLING_NOT, reading,
                  &condition->item[condition->count++]);
}

static void read_condition(struct cli_schema *p, uint32_t node, const struct reading *reading,
                           struct cli_sampling_condition *condition)
{
    struct rule_map map = {0};
    uint32_t nodes[COUNT(rule_keys)] = {0};
    size_t errors = p->errors;
    condition->kind = CLI_SAMPLING_ALL;
    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "a condition"))
        return;
    cli_schema_read_map(p, node, rule_keys, CONDITIONS, &map, nodes);
    if (p->fatal || p->errors > errors)
        return;
    read_conditions(p, nodes, reading, condition);
    if (!condition->count && p->errors == errors && !p->fatal)
        cli_schema_error_in(p, node, "a condition has one of keep, where, any, all and not");
}

/* --- Actions */

struct shapes_map {
    int64_t first, every_ns;
    double then;
};

static const struct cli_key shapes_keys[] = {
    {"first", CLI_KEY_COUNT, offsetof(struct shapes_map, first), NULL},
    {"every", CLI_KEY_DURATION, offsetof(struct shapes_map, every_ns), NULL},
    {"then", CLI_KEY_PERCENT, offsetof(struct shapes_map, then), NULL},
};

static void read_shapes(struct cli_schema *p, uint32_t node, struct cli_sampling_rule *rule)
{
    struct shapes_map map = {0};
    size_t errors = p->errors;
    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "shapes"))
        return;
    uint32_t had = cli_schema_read_map(p, node, shapes_keys, COUNT(shapes_keys), &map, NULL);
    if (p->fatal || p->errors > errors)
        return;
    if (had != (1u << COUNT(shapes_keys)) - 1 || map.first <= 0 || map.every_ns <= 0 ||
        map.then <= 0)
        cli_schema_error_in(p, node,
                            "shapes has first, every and then, each more than 0 "
                            "(shapes: {first: 5, every: 1m, then: 1%%})");
    rule->action = CLI_SAMPLING_SHAPES;
    rule->count = map.first;
    rule->per_ns = map.every_ns;
    rule->share = map.then;
}

static void read_rate(struct cli_schema *p, uint32_t node, struct cli_sampling_rule *rule)
{
    const char *reason;
    rule->action = CLI_SAMPLING_RATE;
    if (!cli_schema_is_kind(p, node, CLI_YAML_SCALAR, "rate"))
        return;
    const char *text = cli_schema_node(p, node)->text;
    if (!cli_parse_rate(text, &rule->count, &rule->per_ns, &reason))
        cli_schema_error_in(p, node, "rate: '%s' %s", text, reason);
}

static void read_action(struct cli_schema *p, uint32_t node, const struct rule_map *map,
                        const uint32_t *nodes, struct cli_sampling_rule *rule)
{
    unsigned actions = !!nodes[K_RATE] + !!nodes[K_PROBABILITY] + !!nodes[K_SHAPES] + map->drop;
    if (actions > 1) {
        cli_schema_error_in(p, node,
                            "a rule of tail has one of rate, probability, shapes and drop");
        return;
    }
    if (!actions && !rule->when.count) {
        cli_schema_error_in(p, node,
                            "a rule of tail has a condition (keep, where, any, all, not) "
                            "or rate, probability, shapes or drop");
        return;
    }
    rule->last = map->last || map->drop;
    rule->action = map->drop ? CLI_SAMPLING_DROP : CLI_SAMPLING_KEEP;
    if (nodes[K_RATE]) {
        read_rate(p, nodes[K_RATE], rule);
    } else if (nodes[K_SHAPES]) {
        read_shapes(p, nodes[K_SHAPES], rule);
    } else if (nodes[K_PROBABILITY]) {
        rule->action = CLI_SAMPLING_PROBABILITY;
        rule->share = map->probability;
        if (map->probability <= 0)
            cli_schema_error_in(p, nodes[K_PROBABILITY],
                                "probability must be more than 0 (drop: true keeps none)");
    }
}

/* What decisions call a rule that has no name: its action, or else what it is about. */
static const char *name_of(const struct cli_sampling_rule *rule)
{
    static const char *const actions[] = {"", "drop", "probability", "rate", "shapes"};
    static const char *const conditions[] = {"errors", "slower_than", "where", "not", "any", "all"};
    if (rule->action != CLI_SAMPLING_KEEP || !rule->when.count)
        return actions[rule->action];
    return conditions[rule->when.item[0].kind];
}

static void read_rule(struct cli_schema *p, uint32_t node, const struct reading *reading,
                      struct cli_sampling_rule *rule)
{
    struct rule_map map = {0};
    uint32_t nodes[COUNT(rule_keys)] = {0};
    size_t errors = p->errors;

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "a rule of tail"))
        return;
    cli_schema_read_map(p, node, rule_keys, COUNT(rule_keys), &map, nodes);
    if (p->fatal || p->errors > errors)
        return;
    read_conditions(p, nodes, reading, &rule->when);
    if (!p->fatal && p->errors == errors)
        read_action(p, node, &map, nodes, rule);
    rule->name = map.name ? map.name : name_of(rule);
}

/* --- The whole */

struct sampling_map {
    double head;
    uint32_t tail;
};

static const struct cli_key sampling_keys[] = {
    {"head", CLI_KEY_PERCENT, offsetof(struct sampling_map, head), NULL},
    {"tail", CLI_KEY_NODE, offsetof(struct sampling_map, tail), NULL},
};

void cli_sampling_read(struct cli_schema *p, uint32_t node, const char *helper,
                       struct cli_sampling *sampling)
{
    const struct reading reading = {helper, sampling};
    struct sampling_map map = {.head = sampling->head};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "sampling"))
        return;
    cli_schema_read_map(p, node, sampling_keys, COUNT(sampling_keys), &map, NULL);
    sampling->head = map.head;
    if (p->fatal || !map.tail || !cli_schema_is_kind(p, map.tail, CLI_YAML_LIST, "tail"))
        return;
    sampling->rule =
        cli_schema_allocate(p, cli_schema_node(p, map.tail)->count, sizeof *sampling->rule);
    for (uint32_t n = cli_schema_node(p, map.tail)->first; n && !p->fatal;
         n = cli_schema_node(p, n)->next)
        read_rule(p, n, &reading, &sampling->rule[sampling->count++]);
}

struct policy_map {
    int64_t version;
    uint32_t sampling, other;
};

/* All parts of a policy, so that a word that is none is told of. */
static const struct cli_key policy_keys[] = {
    {"version", CLI_KEY_COUNT, offsetof(struct policy_map, version), NULL},
    {"sampling", CLI_KEY_NODE, offsetof(struct policy_map, sampling), NULL},
    {"collection", CLI_KEY_NODE, offsetof(struct policy_map, other), NULL},
    {"labels", CLI_KEY_NODE, offsetof(struct policy_map, other), NULL},
    {"roles", CLI_KEY_NODE, offsetof(struct policy_map, other), NULL},
    {"redact", CLI_KEY_NODE, offsetof(struct policy_map, other), NULL},
    {"retention", CLI_KEY_NODE, offsetof(struct policy_map, other), NULL},
    {"durability", CLI_KEY_NODE, offsetof(struct policy_map, other), NULL},
    {"audit", CLI_KEY_NODE, offsetof(struct policy_map, other), NULL},
    {"segment", CLI_KEY_NODE, offsetof(struct policy_map, other), NULL},
};

static void read_policy(struct cli_schema *p)
{
    const struct reading *reading = p->target;
    struct policy_map map = {.version = 1};
    uint32_t nodes[COUNT(policy_keys)] = {0};

    if (p->tree.count < 2 || !cli_schema_is_kind(p, 1, CLI_YAML_MAP, "a policy"))
        return;
    cli_schema_read_map(p, 1, policy_keys, COUNT(policy_keys), &map, nodes);
    if (map.version != 1)
        cli_schema_error_in(p, nodes[0], "version must be 1");
    if (map.sampling && !p->fatal)
        cli_sampling_read(p, map.sampling, reading->helper, reading->sampling);
}

enum tcore_status cli_sampling_read_policy(struct cli_schema *p, const char *text, size_t length,
                                           const char *helper, struct cli_sampling *sampling)
{
    struct reading reading = {helper, sampling};
    p->target = &reading;
    sampling->head = 1;
    return cli_schema_read(p, text, length, read_policy);
}
