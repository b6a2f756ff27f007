/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a policy that say what is collected, and how much of it. */
#include <config.h>

#include "record/repository/policy_parse.h"

#include "cli/options.h"
#include "model/projection.h"
#include "query/expr.h"

#include <stdio.h>
#include <string.h>

/* --- Collection */

struct collection_map {
    uint32_t host, drop;
};

static const struct cli_key collection_keys[] = {
    {"host", CLI_KEY_NODE, offsetof(struct collection_map, host), NULL},
    {"drop", CLI_KEY_NODE, offsetof(struct collection_map, drop), NULL},
};

struct host_map {
    int64_t interval_ns;
};

static const struct cli_key host_keys[] = {
    {"interval", CLI_KEY_DURATION, offsetof(struct host_map, interval_ns), NULL},
};

static void read_host(struct cli_schema *p, uint32_t node)
{
    struct host_map map = {0};
    uint32_t nodes[COUNT(host_keys)] = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "host"))
        return;
    uint32_t had = cli_schema_read_map(p, node, host_keys, COUNT(host_keys), &map, nodes);
    if (!nodes[0] && !p->errors) /* what is missing may be what was misspelt */
        cli_schema_error_in(p, node, "host: interval is missing (interval: 10s)");
    else if (had & 1 && map.interval_ns <= 0)
        cli_schema_error_in(p, nodes[0], "interval must be more than 0");
    policy_of(p)->host_interval_ns = map.interval_ns;
}

/* Whether the expression compiles; what needs it compiles it again for its own columns. */
static bool check_expression(struct cli_schema *p, uint32_t node)
{
    const struct policy_reading *reading = p->target;
    const struct tcore_expr_options options = {.helper = reading->helper};
    struct tcore_projection projection = {0};
    struct tcore_expr *expr = NULL;
    struct tcore_error err = {0};
    enum tcore_status status =
        tcore_expr_compile(&expr, cli_schema_node(p, node)->text, &options, &projection, &err);

    tcore_expr_free(expr);
    tcore_projection_free(&projection);
    if (status == TCORE_BAD_INPUT) {
        policy_error_within(p, node, err.byte ? (size_t)err.byte - 1 : 0, "drop", err.text);
    } else if (status != TCORE_OK) {
        p->fatal = true;
        if (p->err)
            *p->err = err;
    }
    return status == TCORE_OK;
}

static void read_drop(struct cli_schema *p, uint32_t node)
{
    struct cli_words *drop = &policy_of(p)->drop;
    size_t count = 1;

    if (cli_schema_node(p, node)->kind != CLI_YAML_SCALAR) {
        if (!cli_schema_is_kind(p, node, CLI_YAML_LIST, "drop"))
            return;
        count = cli_schema_node(p, node)->count;
    }
    drop->item = cli_schema_allocate(p, count, sizeof *drop->item);
    uint32_t word = policy_first_word(p, node);
    for (size_t i = 0; i < count && !p->fatal; i++, word = policy_next_word(p, word))
        if (cli_schema_is_kind(p, word, CLI_YAML_SCALAR, "drop") && check_expression(p, word))
            drop->item[drop->count++] = cli_schema_keep(p, cli_schema_node(p, word)->text);
}

void policy_read_collection(struct cli_schema *p, uint32_t node)
{
    struct collection_map map = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "collection"))
        return;
    cli_schema_read_map(p, node, collection_keys, COUNT(collection_keys), &map, NULL);
    if (map.host && !p->fatal)
        read_host(p, map.host);
    if (map.drop && !p->fatal)
        read_drop(p, map.drop);
}

/* --- Sampling */

struct tail_map {
    const char *keep;
    int64_t value_ns;
    const char *rate;
};

enum { T_KEEP, T_VALUE, T_RATE };

static const struct cli_key tail_keys[] = {
    {"keep", CLI_KEY_TEXT, offsetof(struct tail_map, keep), NULL},
    {"value", CLI_KEY_DURATION, offsetof(struct tail_map, value_ns), NULL},
    {"rate", CLI_KEY_TEXT, offsetof(struct tail_map, rate), NULL},
};

static const char *const tail_names[] = {"errors", "slower_than", NULL};

static void read_tail_rule(struct cli_schema *p, uint32_t node, struct policy_tail *rule)
{
    struct tail_map map = {0};
    uint32_t nodes[COUNT(tail_keys)] = {0};
    const char *reason;
    size_t errors = p->errors;

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "a rule of tail"))
        return;
    uint32_t had = cli_schema_read_map(p, node, tail_keys, COUNT(tail_keys), &map, nodes);
    if (p->fatal || p->errors > errors)
        return;
    if (!nodes[T_KEEP] == !nodes[T_RATE]) {
        cli_schema_error_in(p, node, "a rule of tail has one of keep and rate");
        return;
    }
    if (map.rate) {
        rule->kind = POLICY_TAIL_RATE;
        if (!cli_parse_rate(map.rate, &rule->count, &rule->per_ns, &reason))
            cli_schema_error_in(p, nodes[T_RATE], "rate: '%s' %s", map.rate, reason);
        else if (nodes[T_VALUE])
            cli_schema_error_in(p, nodes[T_VALUE], "value goes with keep: slower_than");
        return;
    }
    int kind = policy_word(p, nodes[T_KEEP], "reason to keep a trace", tail_names);
    if (kind < 0)
        return;
    rule->kind = (enum policy_tail_kind)kind;
    rule->value_ns = map.value_ns;
    if (kind == POLICY_TAIL_SLOWER_THAN && !(had >> T_VALUE & 1 && map.value_ns > 0))
        cli_schema_error_in(p, nodes[T_VALUE] ? nodes[T_VALUE] : node,
                            "slower_than takes a value of more than 0 (value: 2s)");
    if (kind != POLICY_TAIL_SLOWER_THAN && nodes[T_VALUE])
        cli_schema_error_in(p, nodes[T_VALUE], "value goes with keep: slower_than");
}

struct sampling_map {
    double head;
    uint32_t tail;
};

static const struct cli_key sampling_keys[] = {
    {"head", CLI_KEY_PERCENT, offsetof(struct sampling_map, head), NULL},
    {"tail", CLI_KEY_NODE, offsetof(struct sampling_map, tail), NULL},
};

void policy_read_sampling(struct cli_schema *p, uint32_t node)
{
    struct policy *policy = policy_of(p);
    struct sampling_map map = {.head = policy->head_sampling};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "sampling"))
        return;
    cli_schema_read_map(p, node, sampling_keys, COUNT(sampling_keys), &map, NULL);
    policy->head_sampling = map.head;
    if (p->fatal || !map.tail || !cli_schema_is_kind(p, map.tail, CLI_YAML_LIST, "tail"))
        return;
    policy->tail =
        cli_schema_allocate(p, cli_schema_node(p, map.tail)->count, sizeof *policy->tail);
    for (uint32_t n = cli_schema_node(p, map.tail)->first; n && !p->fatal;
         n = cli_schema_node(p, n)->next)
        read_tail_rule(p, n, &policy->tail[policy->tail_count++]);
}
