/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a policy that say who may see and do what: labels, roles, redaction. */
#include <config.h>

#include "record/repository/policy_parse.h"

#include <stdio.h>
#include <string.h>

/* --- Labels */

static const struct policy_label_rule *find_rule(const struct policy *policy, const char *text)
{
    for (size_t i = 0; i < policy->label_count; i++)
        if (strcmp(policy->label[i].name.text, text) == 0)
            return &policy->label[i];
    return NULL;
}

/* Adds what is under one label; the words are those of the names. */
static void add_names(struct cli_schema *p, uint32_t node, const struct policy_names *names,
                      enum policy_label label)
{
    struct policy *policy = policy_of(p);
    uint32_t word = policy_first_word(p, node);

    for (size_t i = 0; i < names->count; i++, word = policy_next_word(p, word)) {
        const struct policy_label_rule *other = find_rule(policy, names->item[i].text);

        if (other)
            cli_schema_error_in(p, word, "'%s' has a label already: %s", names->item[i].text,
                                policy_label_names[other->label]);
        else
            policy->label[policy->label_count++] =
                (struct policy_label_rule){names->item[i], label};
    }
}

static size_t count_words(const struct cli_schema *p, uint32_t node)
{
    size_t count = 0;

    for (uint32_t k = cli_schema_node(p, node)->first; k;) {
        uint32_t value = cli_schema_node(p, k)->next;

        count += 1 + cli_schema_node(p, value)->count;
        k = cli_schema_node(p, value)->next;
    }
    return count;
}

/* Comes behind the roles, so that it can tell who reads what. */
void policy_read_labels(struct cli_schema *p, uint32_t node)
{
    struct policy *policy = policy_of(p);
    unsigned seen = 0;

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "labels"))
        return;
    policy->label = cli_schema_allocate(p, count_words(p, node), sizeof *policy->label);
    for (uint32_t k = cli_schema_node(p, node)->first; k && !p->fatal;) {
        uint32_t value = cli_schema_node(p, k)->next;
        int label = cli_schema_word(p, k, "label", policy_label_names);
        struct policy_names names = {0};
        size_t at = 0;

        if (label >= 0 && seen >> label & 1)
            cli_schema_error_in(p, k, "'%s' is there twice", policy_label_names[label]);
        else if (label >= 0 && policy_read_names(p, value, policy_label_names[label], &names)) {
            seen |= 1u << label;
            add_names(p, value, &names, (enum policy_label)label);
            if (label > POLICY_PUBLIC &&
                !policy_next_recipient(policy, (enum policy_label)label, &at))
                cli_schema_warning(p, cli_schema_node(p, k)->line, cli_schema_node(p, k)->column,
                                   "warning: no role with a key reads %s: nobody could, ever",
                                   policy_label_names[label]);
        }
        k = cli_schema_node(p, value)->next;
    }
}

/* --- Roles */

struct role_map {
    struct cli_words read, may, users, groups;
    const char *key;
};

enum { O_READ, O_MAY, O_USERS, O_GROUPS, O_KEY };

static const struct cli_key role_keys[] = {
    {"read", CLI_KEY_WORDS, offsetof(struct role_map, read), NULL},
    {"may", CLI_KEY_WORDS, offsetof(struct role_map, may), NULL},
    {"users", CLI_KEY_WORDS, offsetof(struct role_map, users), NULL},
    {"groups", CLI_KEY_WORDS, offsetof(struct role_map, groups), NULL},
    {"key", CLI_KEY_TEXT, offsetof(struct role_map, key), NULL},
};

static const char *const action_names[] = {"retain", "erase", "hold", NULL};

/* A bit for each word of the list. */
static unsigned read_bits(struct cli_schema *p, uint32_t node, size_t count, const char *what,
                          const char *const *names)
{
    unsigned bits = 0;
    uint32_t word = policy_first_word(p, node);

    for (size_t i = 0; i < count; i++, word = policy_next_word(p, word)) {
        int bit = cli_schema_word(p, word, what, names);

        if (bit >= 0)
            bits |= 1u << bit;
    }
    return bits;
}

static void read_role(struct cli_schema *p, uint32_t node, struct policy_role *role)
{
    struct role_map map = {0};
    uint32_t nodes[COUNT(role_keys)] = {0};

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, role->name))
        return;
    uint32_t had = cli_schema_read_map(p, node, role_keys, COUNT(role_keys), &map, nodes);
    if (p->fatal)
        return;
    role->read = 1u << POLICY_PUBLIC;
    role->key = map.key;
    role->users = map.users;
    role->groups = map.groups;
    if (had >> O_READ & 1)
        role->read |= read_bits(p, nodes[O_READ], map.read.count, "label", policy_label_names);
    if (had >> O_MAY & 1)
        role->may = read_bits(p, nodes[O_MAY], map.may.count, "action", action_names);
    if (role->read > 1u << POLICY_PUBLIC && !nodes[O_KEY])
        cli_schema_error_in(p, nodes[O_READ],
                            "role '%s' has no key to read that with (key: keys/%s.pub)", role->name,
                            role->name);
    if (role->may && !role->key && !role->users.count && !role->groups.count)
        cli_schema_error_in(
            p, nodes[O_MAY],
            "nobody has the role '%s': it needs users, groups or a key to be known by", role->name);
}

void policy_read_roles(struct cli_schema *p, uint32_t node)
{
    struct policy *policy = policy_of(p);

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "roles"))
        return;
    policy->role = cli_schema_allocate(p, cli_schema_node(p, node)->count, sizeof *policy->role);
    for (uint32_t k = cli_schema_node(p, node)->first; k && !p->fatal;) {
        uint32_t value = cli_schema_node(p, k)->next;
        const char *name = cli_schema_node(p, k)->text;
        bool twice = false;

        for (size_t i = 0; i < policy->role_count; i++)
            twice = twice || strcmp(policy->role[i].name, name) == 0;
        if (twice || !*name) {
            cli_schema_error_in(p, k, twice ? "role '%s' is there twice" : "a role has no name%s",
                                name);
        } else {
            struct policy_role *role = &policy->role[policy->role_count];

            role->name = cli_schema_keep(p, name);
            if (role->name) {
                policy->role_count++;
                read_role(p, value, role);
            }
        }
        k = cli_schema_node(p, value)->next;
    }
}

/* --- Redaction */

struct redact_map {
    uint32_t fields, with; /* with may be empty */
    const char *mask, *pseudonym, *hash;
    bool drop, keep;
};

enum { D_FIELDS, D_KEEP, D_DROP, D_MASK, D_PSEUDONYM, D_HASH, D_WITH };

/* Behind fields in the order of policy_redaction_kind. */
static const struct cli_key redact_keys[] = {
    {"fields", CLI_KEY_NODE, offsetof(struct redact_map, fields), NULL},
    {"keep", CLI_KEY_BOOL, offsetof(struct redact_map, keep), NULL},
    {"drop", CLI_KEY_BOOL, offsetof(struct redact_map, drop), NULL},
    {"mask", CLI_KEY_TEXT, offsetof(struct redact_map, mask), NULL},
    {"pseudonym", CLI_KEY_TEXT, offsetof(struct redact_map, pseudonym), NULL},
    {"hash", CLI_KEY_TEXT, offsetof(struct redact_map, hash), NULL},
    {"with", CLI_KEY_NODE, offsetof(struct redact_map, with), NULL},
};

/* Where the replacement is wrong, or NULL: $ and a group that the pattern has, $$, ${name}. */
static const char *wrong_place(const char *with, unsigned groups)
{
    for (const char *at = with; (at = strchr(at, '$')); at++) {
        const char *dollar = at++;
        bool braces = *at == '{';
        unsigned long group = 0;
        size_t digits, length;

        if (*at == '$')
            continue;
        at += braces;
        digits = strspn(at, "0123456789");
        length = strspn(at, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
        if (!braces && digits)
            length = digits;
        for (size_t i = 0; i < digits && group <= groups; i++)
            group = group * 10 + (unsigned long)(at[i] - '0');
        if (!length || group > groups || (digits && digits < length))
            return dollar;
        at += length;
        if (braces && *at != '}')
            return dollar;
        at -= !braces;
    }
    return NULL;
}

static void read_mask(struct cli_schema *p, const struct redact_map *map, const uint32_t *nodes,
                      struct policy_redaction *redaction)
{
    struct tcore_error err = {0};
    enum tcore_status status =
        tcore_pattern_compile(&redaction->pattern, map->mask, strlen(map->mask), 0, &err);

    if (status == TCORE_BAD_INPUT) {
        cli_schema_error_within(p, nodes[D_MASK], err.byte ? (size_t)err.byte - 1 : 0, "mask",
                                err.text);
        return;
    }
    if (status != TCORE_OK) {
        p->fatal = true;
        if (p->err)
            *p->err = err;
        return;
    }
    redaction->with = "***";
    if (map->with && !cli_schema_is_kind(p, map->with, CLI_YAML_SCALAR, "with"))
        return;
    if (map->with)
        redaction->with = cli_schema_keep(p, cli_schema_node(p, map->with)->text);
    if (p->fatal)
        return;
    const char *wrong = wrong_place(redaction->with, tcore_pattern_groups(redaction->pattern));
    if (wrong)
        cli_schema_error_within(p, nodes[D_WITH], (size_t)(wrong - redaction->with), "with",
                                "this is no group of the pattern ($$ is a dollar sign)");
}

static void read_redaction(struct cli_schema *p, uint32_t node, struct policy_redaction *redaction)
{
    struct redact_map map = {0};
    uint32_t nodes[COUNT(redact_keys)] = {0};
    size_t errors = p->errors;
    int kinds = 0;

    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, "a rule of redact"))
        return;
    cli_schema_read_map(p, node, redact_keys, COUNT(redact_keys), &map, nodes);
    if (p->fatal || p->errors > errors)
        return;
    for (int kind = POLICY_KEEP; kind <= POLICY_HASH; kind++)
        if (nodes[D_KEEP + kind]) {
            redaction->kind = (enum policy_redaction_kind)kind;
            kinds++;
        }
    if (kinds != 1)
        cli_schema_error_in(p, node,
                            "a rule of redact has one of keep, drop, mask, pseudonym and hash");
    if (!map.fields)
        cli_schema_error_in(p, node, "a rule of redact says what of: fields is missing");
    else
        policy_read_names(p, map.fields, "fields", &redaction->fields);
    if (kinds != 1 || p->fatal)
        return;
    if ((nodes[D_KEEP] && !map.keep) || (nodes[D_DROP] && !map.drop))
        cli_schema_error_in(p, nodes[D_KEEP + redaction->kind],
                            "%s: false says nothing: leave the rule out",
                            redact_keys[D_KEEP + redaction->kind].name);
    if (map.pseudonym && strcmp(map.pseudonym, "hmac") != 0)
        cli_schema_error_in(p, nodes[D_PSEUDONYM], "pseudonym: '%s' is not known: hmac",
                            map.pseudonym);
    if (map.hash && strcmp(map.hash, "blake2b") != 0)
        cli_schema_error_in(p, nodes[D_HASH], "hash: '%s' is not known: blake2b", map.hash);
    if (map.with && !map.mask)
        cli_schema_error_in(p, nodes[D_WITH], "with goes with mask");
    if (map.mask)
        read_mask(p, &map, nodes, redaction);
}

void policy_read_redact(struct cli_schema *p, uint32_t node)
{
    struct policy *policy = policy_of(p);

    if (!cli_schema_is_kind(p, node, CLI_YAML_LIST, "redact"))
        return;
    policy->redaction =
        cli_schema_allocate(p, cli_schema_node(p, node)->count, sizeof *policy->redaction);
    for (uint32_t n = cli_schema_node(p, node)->first; n && !p->fatal;
         n = cli_schema_node(p, n)->next)
        read_redaction(p, n, &policy->redaction[policy->redaction_count++]);
}
