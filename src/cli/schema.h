/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Maps of a YAML file as tables of their keys: what is not in the table is an error, with the key
 * that was probably meant, and the table says how a scalar is read. Problems are collected, so that
 * one run shows them all.
 */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

#include "cli/yaml.h"

#define CLI_SCHEMA_PROBLEMS 50 /* shown at most */

/* A file that is being read. What was read lives as long as the arena. */
struct cli_schema {
    const char *name;           /* what the file is called in problems */
    void *target;               /* the caller's */
    struct tcore_arena *arena;  /* the caller's: what was read */
    struct tcore_buf *problems; /* the caller's: lines NAME:LINE:COLUMN: text */
    struct tcore_error *err;    /* why it is fatal */
    struct cli_yaml_tree tree;
    size_t errors, warnings;
    bool fatal; /* err is set */
};

enum cli_key_kind {
    CLI_KEY_TEXT,     /* const char *, not empty */
    CLI_KEY_NUMBER,   /* double; a duration is nanoseconds */
    CLI_KEY_DURATION, /* int64_t */
    CLI_KEY_SIZE,     /* int64_t */
    CLI_KEY_COUNT,    /* int64_t */
    CLI_KEY_PERCENT,  /* double, 0 to 1 */
    CLI_KEY_BOOL,     /* bool */
    CLI_KEY_CHOICE,   /* int: place in choices */
    CLI_KEY_WORDS,    /* struct cli_words; a single value is a list of one */
    CLI_KEY_TEXTS,    /* struct cli_texts */
    CLI_KEY_NODE      /* uint32_t: for the caller to look into */
};

struct cli_key {
    const char *name;
    enum cli_key_kind kind;
    size_t offset;              /* of the member in the target */
    const char *const *choices; /* NULL-terminated */
};

struct cli_words {
    const char **item;
    size_t count;
};

struct cli_text {
    const char *key, *value;
};

struct cli_texts {
    struct cli_text *item;
    size_t count;
};

static inline const struct cli_yaml_node *cli_schema_node(const struct cli_schema *p, uint32_t node)
{
    return &p->tree.node[node];
}

/*
 * Reads the text into the tree, calls read with it and frees the tree. TCORE_BAD_INPUT: there are
 * errors, all in problems (or the first of them and their number). TCORE_FATAL: see err.
 */
enum tcore_status cli_schema_read(struct cli_schema *p, const char *text, size_t length,
                                  void (*read)(struct cli_schema *));

void cli_schema_error(struct cli_schema *p, uint32_t line, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The text is to begin with "warning: ". */
void cli_schema_warning(struct cli_schema *p, uint32_t line, uint32_t column, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));
#define cli_schema_error_in(p, node, ...)                                                          \
    cli_schema_error(p, cli_schema_node(p, node)->line, cli_schema_node(p, node)->column,          \
                     __VA_ARGS__)
/* "unknown key 'x': did you mean y?"; what: "key". */
void cli_schema_unknown(struct cli_schema *p, uint32_t node, const char *what, const char *word,
                        const char *const *known);

/* Sets fatal; returns NULL. */
void *cli_schema_no_memory(struct cli_schema *p);
/* Zeroed, or NULL and fatal; lives as long as the arena. */
void *cli_schema_allocate(struct cli_schema *p, size_t count, size_t bytes);
const char *cli_schema_keep(struct cli_schema *p, const char *text);
/* Whether the node is of the kind; if not that is an error of key. */
bool cli_schema_is_kind(struct cli_schema *p, uint32_t node, enum cli_yaml_kind kind,
                        const char *key);
/*
 * Reads the map into target; returns a bit for each key of the table (32 at most) that it had and
 * that was fine. nodes (may be NULL) gets the place of each that it had.
 */
uint32_t cli_schema_read_map(struct cli_schema *p, uint32_t node, const struct cli_key *keys,
                             size_t count, void *target, uint32_t *nodes);
/* An error in the text of a node, so many bytes into it where the file shows it as it is. */
void cli_schema_error_within(struct cli_schema *p, uint32_t node, size_t offset, const char *key,
                             const char *text);
/* The place of the word in names; an error, and -1, if it is none. what: "label". */
int cli_schema_word(struct cli_schema *p, uint32_t node, const char *what,
                    const char *const *names);
/* Whether the expression compiles, for which it is thrown away again; errors are of key. helper: as
 * in struct tcore_expr_options. */
bool cli_schema_check_expression(struct cli_schema *p, uint32_t node, const char *key,
                                 const char *helper);
/* A number, or a duration in nanoseconds. */
bool cli_schema_number(const char *text, double *number);

#endif
