/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Maps of a rule file as tables of their keys: what is not in the table is an error, with the key
 * that was probably meant, and the table says how a scalar is read. Problems are collected, so that
 * one run shows them all.
 */
#ifndef ALERT_RULE_SCHEMA_H
#define ALERT_RULE_SCHEMA_H

#include "cli/yaml.h"
#include "alert/rules.h"

#define PROBLEMS_SHOWN 50

struct parse {
    struct rules *rules;
    const char *name;
    struct cli_yaml_tree tree;
    struct tcore_error *err;
    bool fatal; /* err is set */
};

enum key_kind {
    KEY_TEXT,     /* const char *, not empty */
    KEY_NUMBER,   /* double; a duration is nanoseconds */
    KEY_DURATION, /* int64_t */
    KEY_BOOL,     /* bool */
    KEY_CHOICE,   /* int: place in choices */
    KEY_WORDS,    /* struct rule_words */
    KEY_TEXTS,    /* struct rule_texts */
    KEY_NODE      /* uint32_t: for the caller to look into */
};

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;
    const char *const *choices;
};

static inline const struct cli_yaml_node *node_at(const struct parse *p, uint32_t node)
{
    return &p->tree.node[node];
}

void schema_error(struct parse *p, uint32_t line, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void schema_warning(struct parse *p, uint32_t line, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define error_in(p, node, ...)                                                                     \
    schema_error(p, node_at(p, node)->line, node_at(p, node)->column, __VA_ARGS__)

/* Sets fatal; returns NULL. */
void *schema_no_memory(struct parse *p);
/* Zeroed, or NULL and fatal; lives as long as the rules. */
void *schema_allocate(struct parse *p, size_t count, size_t bytes);
const char *schema_keep(struct parse *p, const char *text);
/* Whether the node is of the kind; if not that is an error of key. */
bool schema_is_kind(struct parse *p, uint32_t node, enum cli_yaml_kind kind, const char *key);
/*
 * Reads the map into target; returns a bit for each key of the table that it had and that was
 * fine. nodes (may be NULL) gets the place of each that it had.
 */
uint32_t schema_read_map(struct parse *p, uint32_t node, const struct key *keys, size_t count,
                         void *target, uint32_t *nodes);
/* Reports the values of a map, or the elements of a list, that are no templates. */
void schema_check_templates(struct parse *p, uint32_t node, const char *key);

#endif
