/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the tree of a policy to the policy: the whole, what is common to its parts, and the small
 * ones. */
#include <config.h>

#include "record/repository/policy_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- What is common */

bool policy_read_names(struct cli_schema *p, uint32_t node, const char *key,
                       struct policy_names *names)
{
    const struct cli_yaml_node *list = cli_schema_node(p, node);
    size_t count = list->kind == CLI_YAML_SCALAR ? 1 : list->count;

    if (list->kind == CLI_YAML_MAP) {
        cli_schema_error_in(p, node, "%s must be a list", key);
        return false;
    }
    if (!count) {
        cli_schema_error_in(p, node, "%s is empty", key);
        return false;
    }
    names->item = cli_schema_allocate(p, count, sizeof *names->item);
    if (!names->item)
        return false;
    uint32_t word = policy_first_word(p, node);
    for (size_t i = 0; i < count; i++, word = policy_next_word(p, word)) {
        if (!cli_schema_is_kind(p, word, CLI_YAML_SCALAR, key))
            return false;
        const char *text = cli_schema_node(p, word)->text;
        if (!*text) {
            cli_schema_error_in(p, word, "%s: a name is empty", key);
            return false;
        }
        names->item[names->count++] =
            (struct policy_name){cli_schema_keep(p, text), strchr(text, '*') != NULL};
    }
    return !p->fatal;
}

/* --- Retention */

struct retention_map {
    const char *type, *service, *label;
    int64_t keep_ns, bytes;
};

enum { R_TYPE, R_SERVICE, R_LABEL, R_KEEP, R_SIZE };

static const struct cli_key retention_keys[] = {
    {"type", CLI_KEY_TEXT, offsetof(struct retention_map, type), NULL},
    {"service", CLI_KEY_TEXT, offsetof(struct retention_map, service), NULL},
    {"label", CLI_KEY_TEXT, offsetof(struct retention_map, label), NULL},
    {"keep", CLI_KEY_DURATION, offsetof(struct retention_map, keep_ns), NULL},
    {"size", CLI_KEY_SIZE, offsetof(struct retention_map, bytes), NULL},
};

/* The keys before `end` do not go with the rule's `key`. False: one of them is there. */
static bool stands_alone(struct cli_schema *p, const uint32_t *nodes, int end, const char *key)
{
    for (int i = 0; i < end; i++)
        if (nodes[i] && strcmp(retention_keys[i].name, key) != 0) {
            cli_schema_error_in(p, nodes[i], "%s does not go with %s: make it a rule of its own",
                                retention_keys[i].name, key);
            return false;
        }
    return true;
}

static void read_size_rule(struct cli_schema *p, const uint32_t *nodes, bool valid, int64_t bytes)
{
    if (!stands_alone(p, nodes, R_SIZE, "size"))
        return;
    if (valid && bytes <= 0)
        cli_schema_error_in(p, nodes[R_SIZE], "size must be more than 0");
    policy_of(p)->retention_bytes = bytes;
}

static void read_label_rule(struct cli_schema *p, const uint32_t *nodes, int64_t keep_ns)
{
    struct policy *policy = policy_of(p);
    if (!stands_alone(p, nodes, R_KEEP, "label"))
        return;
    int label = cli_schema_word(p, nodes[R_LABEL], "label", policy_label_names);
    if (label < 0)
        return;
    if (label == POLICY_PUBLIC)
        cli_schema_error_in(p, nodes[R_LABEL], "what is public is not sealed, and cannot go alone");
    else if (!policy_uses_label(policy, (enum policy_label)label))
        cli_schema_warning(p, cli_schema_node(p, nodes[R_LABEL])->line,
                           cli_schema_node(p, nodes[R_LABEL])->column,
                           "warning: nothing has the label %s", policy_label_names[label]);
    policy->label_keep_ns[label] = keep_ns;
}

static void read_record_rule(struct cli_schema *p, const struct retention_map *map,
                             const uint32_t *nodes, uint32_t had)
{
    struct policy *policy = policy_of(p);
    struct policy_retention *rule = &policy->retention[policy->retention_count++];
    const char *names[TCORE_RECORD_TYPES] = {0};

    for (int type = TCORE_RECORD_SPAN; type < TCORE_RECORD_CLOCK; type++)
        names[type - 1] = tcore_record_type_name((enum tcore_record_type)type);
    int type = had >> R_TYPE & 1 ? cli_schema_word(p, nodes[R_TYPE], "record type", names) : -1;
    rule->type = type < 0 ? TCORE_RECORD_NONE : (enum tcore_record_type)(type + 1);
    rule->service = map->service;
    rule->keep_ns = map->keep_ns;
}

static void read_retention_rule(struct cli_schema *p, uint32_t node)
{
    struct retention_map map = {0};
    uint32_t nodes[COUNT(retention_keys)] = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "a rule of retention"))
        return;
    uint32_t had = cli_schema_read_map(p, node, retention_keys, COUNT(retention_keys), &map, nodes);
    if (p->fatal)
        return;
    if (nodes[R_SIZE]) {
        read_size_rule(p, nodes, had >> R_SIZE & 1, map.bytes);
        return;
    }
    if (nodes[R_LABEL])
        read_label_rule(p, nodes, map.keep_ns);
    else
        read_record_rule(p, &map, nodes, had);
    if (!nodes[R_KEEP])
        cli_schema_error_in(p, node, "a rule of retention says how long: keep is missing");
    else if (had >> R_KEEP & 1 && map.keep_ns <= 0)
        cli_schema_error_in(p, nodes[R_KEEP], "keep must be more than 0");
}

static void read_retention(struct cli_schema *p, uint32_t node)
{
    struct policy *policy = policy_of(p);

    if (!cli_schema_is_kind(p, node, CLI_YAML_LIST, "retention"))
        return;
    policy->retention =
        cli_schema_allocate(p, cli_schema_node(p, node)->count, sizeof *policy->retention);
    for (uint32_t n = cli_schema_node(p, node)->first; n && !p->fatal;
         n = cli_schema_node(p, n)->next)
        read_retention_rule(p, n);
}

/* --- Audit, segments */

struct audit_map {
    bool reads;
    const char *checkpoint;
};

static const struct cli_key audit_keys[] = {
    {"reads", CLI_KEY_BOOL, offsetof(struct audit_map, reads), NULL},
    {"checkpoint", CLI_KEY_TEXT, offsetof(struct audit_map, checkpoint), NULL},
};

static void read_audit(struct cli_schema *p, uint32_t node)
{
    struct audit_map map = {0};
    uint32_t nodes[COUNT(audit_keys)] = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "audit"))
        return;
    cli_schema_read_map(p, node, audit_keys, COUNT(audit_keys), &map, nodes);
    if (map.checkpoint && *map.checkpoint != '/')
        cli_schema_error_in(p, nodes[1],
                            "checkpoint: '%s' is no absolute path: checkpoints are kept outside of "
                            "the repository",
                            map.checkpoint);
    policy_of(p)->audit_reads = map.reads;
    policy_of(p)->checkpoint = map.checkpoint;
}

struct segment_map {
    int64_t records, bytes, age_ns;
};

static const struct cli_key segment_keys[] = {
    {"records", CLI_KEY_COUNT, offsetof(struct segment_map, records), NULL},
    {"bytes", CLI_KEY_SIZE, offsetof(struct segment_map, bytes), NULL},
    {"age", CLI_KEY_DURATION, offsetof(struct segment_map, age_ns), NULL},
};

static void read_segment(struct cli_schema *p, uint32_t node)
{
    struct policy *policy = policy_of(p);
    struct segment_map map = {policy->segment_records, policy->segment_bytes,
                              policy->segment_age_ns};
    const int64_t *values[] = {&map.records, &map.bytes, &map.age_ns};
    uint32_t nodes[COUNT(segment_keys)] = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "segment"))
        return;
    uint32_t had = cli_schema_read_map(p, node, segment_keys, COUNT(segment_keys), &map, nodes);
    for (size_t i = 0; i < COUNT(segment_keys); i++)
        if (had >> i & 1 && *values[i] <= 0)
            cli_schema_error_in(p, nodes[i], "%s must be more than 0", segment_keys[i].name);
    policy->segment_records = map.records;
    policy->segment_bytes = map.bytes;
    policy->segment_age_ns = map.age_ns;
}

/* --- The whole */

static const char *const durability_names[] = {"none", "segment", "record", NULL};

struct policy_map {
    const char *version;
    int durability;
    uint32_t collection, sampling, labels, roles, redact, retention, audit, segment;
};

enum { P_VERSION };

static const struct cli_key policy_keys[] = {
    {"version", CLI_KEY_TEXT, offsetof(struct policy_map, version), NULL},
    {"collection", CLI_KEY_NODE, offsetof(struct policy_map, collection), NULL},
    {"sampling", CLI_KEY_NODE, offsetof(struct policy_map, sampling), NULL},
    {"labels", CLI_KEY_NODE, offsetof(struct policy_map, labels), NULL},
    {"roles", CLI_KEY_NODE, offsetof(struct policy_map, roles), NULL},
    {"redact", CLI_KEY_NODE, offsetof(struct policy_map, redact), NULL},
    {"retention", CLI_KEY_NODE, offsetof(struct policy_map, retention), NULL},
    {"durability", CLI_KEY_CHOICE, offsetof(struct policy_map, durability), durability_names},
    {"audit", CLI_KEY_NODE, offsetof(struct policy_map, audit), NULL},
    {"segment", CLI_KEY_NODE, offsetof(struct policy_map, segment), NULL},
};

static void read_parts(struct cli_schema *p, const struct policy_map *map)
{
    const struct {
        uint32_t node;
        void (*read)(struct cli_schema *, uint32_t);
    } parts[] = {
        {map->collection, policy_read_collection},
        {map->sampling, policy_read_sampling},
        {map->roles, policy_read_roles},
        {map->labels, policy_read_labels},
        {map->redact, policy_read_redact},
        {map->retention, read_retention},
        {map->audit, read_audit},
        {map->segment, read_segment},
    };

    for (size_t i = 0; i < COUNT(parts) && !p->fatal; i++)
        if (parts[i].node)
            parts[i].read(p, parts[i].node);
}

static void read_policy(struct cli_schema *p)
{
    struct policy_map map = {.durability = POLICY_DURABLE_SEGMENT};
    uint32_t nodes[COUNT(policy_keys)] = {0};

    if (p->tree.count < 2) /* nothing but comments: the defaults */
        return;
    if (!cli_schema_is_kind(p, 1, CLI_YAML_MAP, "a policy"))
        return;
    cli_schema_read_map(p, 1, policy_keys, COUNT(policy_keys), &map, nodes);
    if (p->fatal)
        return;
    if (map.version && strcmp(map.version, "1") != 0) {
        cli_schema_error_in(p, nodes[P_VERSION], "version '%s' is not known to this program: 1",
                            map.version);
        return;
    }
    policy_of(p)->durability = (enum policy_durability)map.durability;
    read_parts(p, &map);
}

enum tcore_status policy_parse(struct policy *policy, const char *name, const char *text,
                               size_t length, const char *helper, struct tcore_error *err)
{
    struct policy_reading reading = {policy, helper};
    struct cli_schema p = {.name = name,
                           .target = &reading,
                           .arena = &policy->arena,
                           .problems = &policy->problems,
                           .err = err};

    policy_defaults(policy);
    enum tcore_status status = cli_schema_read(&p, text, length, read_policy);
    policy->errors = p.errors;
    return status;
}
