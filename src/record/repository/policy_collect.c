/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a policy that say what is collected, and how much of it. */
#include <config.h>

#include "record/repository/policy_parse.h"

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

static bool is_expression(struct cli_schema *p, uint32_t node)
{
    const struct policy_reading *reading = p->target;
    return cli_schema_check_expression(p, node, "drop", reading->helper);
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
        if (cli_schema_is_kind(p, word, CLI_YAML_SCALAR, "drop") && is_expression(p, word))
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

void policy_read_sampling(struct cli_schema *p, uint32_t node)
{
    const struct policy_reading *reading = p->target;
    cli_sampling_read(p, node, reading->helper, &policy_of(p)->sampling);
}
