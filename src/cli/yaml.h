/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A YAML (or JSON) text as a tree of nodes that know their line and column. One document; anchors,
 * aliases, tags and repeated keys are refused, size and depth are limited. Scalars are text: what
 * they mean is for the schema of whoever reads the tree to say.
 */
#ifndef CLI_YAML_H
#define CLI_YAML_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CLI_YAML_TEXT_BYTES (16 << 20)
#define CLI_YAML_DEPTH      32
#define CLI_YAML_NODES      2000000

enum cli_yaml_kind { CLI_YAML_SCALAR, CLI_YAML_LIST, CLI_YAML_MAP };

struct cli_yaml_node {
    enum cli_yaml_kind kind;
    bool quoted;
    bool one_line;         /* scalar: text is in the file as it is, from column on */
    const char *text;      /* scalar: NUL-terminated, without NUL in it; else NULL */
    uint32_t line, column; /* 1-based; columns count characters */
    uint32_t first, next;  /* first child, next sibling; 0: none. A map: key, value, key, value */
    uint32_t count;        /* elements, or pairs */
};

struct cli_yaml_tree {
    struct cli_yaml_node *node; /* node[1] is the document, if there is one; owned */
    uint32_t count, capacity;
    struct tcore_arena arena;
};

/* Where and why a text is no document. */
struct cli_yaml_problem {
    uint32_t line, column;
    char text[256];
};

/* Appends a file to text, up to a little more than cli_yaml_read accepts. flags: of openat(), besides
 * O_RDONLY. Returns 0, or errno. */
int cli_yaml_read_file(int dirfd, const char *path, int flags, struct tcore_buf *text);

/*
 * Reads text into a zeroed tree. TCORE_BAD_INPUT: problem says where it is wrong. TCORE_FATAL: out
 * of memory, or libyaml is missing. The tree is to be freed in any case.
 */
enum tcore_status cli_yaml_read(struct cli_yaml_tree *tree, const char *text, size_t length,
                                struct cli_yaml_problem *problem, struct tcore_error *err);
void cli_yaml_free(struct cli_yaml_tree *tree);

/* Appends bytes that are the same for nodes of the same content, whatever their style. Members of
 * the topmost map whose keys are in without (NULL-terminated) are left out. */
void cli_yaml_fingerprint(const struct cli_yaml_tree *tree, uint32_t node,
                          const char *const *without, struct tcore_buf *out);

#endif
