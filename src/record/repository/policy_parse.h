/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of reading a policy. Private to policy*.c. */
#ifndef RECORD_REPOSITORY_POLICY_PARSE_H
#define RECORD_REPOSITORY_POLICY_PARSE_H

#include "record/repository/policy.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The target of the schema. */
struct policy_reading {
    struct policy *policy;
    const char *helper;
};

static inline struct policy *policy_of(const struct cli_schema *p)
{
    return ((struct policy_reading *)p->target)->policy;
}

/* The node of a word of a list, or of the single value in place of one. */
static inline uint32_t policy_first_word(const struct cli_schema *p, uint32_t node)
{
    return cli_schema_node(p, node)->kind == CLI_YAML_SCALAR ? node
                                                             : cli_schema_node(p, node)->first;
}

static inline uint32_t policy_next_word(const struct cli_schema *p, uint32_t word)
{
    return cli_schema_node(p, word)->next;
}

/* Reads a list of names of fields. False: an error was told. */
bool policy_read_names(struct cli_schema *p, uint32_t node, const char *key,
                       struct policy_names *names);

/* The parts. Each is given the node of the value of its key. */
void policy_read_collection(struct cli_schema *p, uint32_t node);
void policy_read_sampling(struct cli_schema *p, uint32_t node);
void policy_read_labels(struct cli_schema *p, uint32_t node);
void policy_read_roles(struct cli_schema *p, uint32_t node);
void policy_read_redact(struct cli_schema *p, uint32_t node);

#endif
