/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libyaml gives events; a stack of open containers makes them a tree. The stack is an array of
 * limited depth, so that nothing recurses over what a file says.
 */
#include <config.h>

#include "cli/yaml.h"

#include "base/dl.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct libyaml {
    int (*parser_initialize)(yaml_parser_t *);
    void (*parser_delete)(yaml_parser_t *);
    void (*parser_set_input_string)(yaml_parser_t *, const unsigned char *, size_t);
    int (*parser_parse)(yaml_parser_t *, yaml_event_t *);
    void (*event_delete)(yaml_event_t *);
};

#define SYMBOL(member)                                                                             \
    {                                                                                              \
        "yaml_" #member, offsetof(struct libyaml, member)                                          \
    }

static const struct tcore_dl_symbol symbols[] = {
    SYMBOL(parser_initialize), SYMBOL(parser_delete), SYMBOL(parser_set_input_string),
    SYMBOL(parser_parse),      SYMBOL(event_delete),
};

struct open_container {
    uint32_t node, last; /* last child, 0: none yet */
    uint32_t key;        /* a map's key whose value is to come, 0: none */
};

struct builder {
    struct cli_yaml_tree *tree;
    struct cli_yaml_problem *problem;
    struct tcore_error *err;
    struct open_container open[CLI_YAML_DEPTH];
    unsigned depth;
    unsigned documents;
};

__attribute__((format(printf, 3, 4))) static enum tcore_status
fail(struct builder *b, const yaml_mark_t *mark, const char *format, ...)
{
    va_list args;

    b->problem->line = (uint32_t)mark->line + 1;
    b->problem->column = (uint32_t)mark->column + 1;
    va_start(args, format);
    vsnprintf(b->problem->text, sizeof b->problem->text, format, args);
    va_end(args);
    return TCORE_BAD_INPUT;
}

static enum tcore_status fail_in_parser(struct builder *b, const yaml_parser_t *parser,
                                        const char *text, size_t length)
{
    const char *what = parser->problem ? parser->problem : "this is no YAML";

    if (parser->error == YAML_MEMORY_ERROR)
        return tcore_error_nomem(b->err);
    if (parser->error == YAML_READER_ERROR) { /* it knows the byte only */
        yaml_mark_t mark = {0};

        for (size_t i = 0; i < parser->problem_offset && i < length; i++) {
            mark.column += ((unsigned char)text[i] & 0xc0) != 0x80;
            if (text[i] == '\n') {
                mark.line++;
                mark.column = 0;
            }
        }
        return fail(b, &mark, "%s", what);
    }
    return fail(b, &parser->problem_mark, "%s", what);
}

static uint32_t new_node(struct builder *b, enum cli_yaml_kind kind, const yaml_mark_t *mark)
{
    struct cli_yaml_tree *tree = b->tree;

    if (tree->count == tree->capacity) {
        uint32_t capacity = tree->capacity ? tree->capacity * 2 : 256;
        struct cli_yaml_node *node = tcore_reallocarray(tree->node, capacity, sizeof *node);

        if (!node)
            return 0;
        tree->node = node;
        tree->capacity = capacity;
    }
    if (!tree->count)
        tree->node[tree->count++] = (struct cli_yaml_node){0};
    tree->node[tree->count] = (struct cli_yaml_node){
        .kind = kind, .line = (uint32_t)mark->line + 1, .column = (uint32_t)mark->column + 1};
    return tree->count++;
}

/* Links the node below the innermost open container. */
static enum tcore_status link_node(struct builder *b, uint32_t node, const yaml_mark_t *mark)
{
    struct cli_yaml_node *all = b->tree->node;

    if (!b->depth)
        return TCORE_OK;
    struct open_container *open = &b->open[b->depth - 1];

    if (open->last)
        all[open->last].next = node;
    else
        all[open->node].first = node;
    open->last = node;
    if (all[open->node].kind == CLI_YAML_LIST) {
        all[open->node].count++;
    } else if (open->key) {
        open->key = 0;
        all[open->node].count++;
    } else if (all[node].kind != CLI_YAML_SCALAR) {
        return fail(b, mark, "a key is a plain word, no list or map");
    } else {
        open->key = node;
    }
    return TCORE_OK;
}

static enum tcore_status add_scalar(struct builder *b, const yaml_event_t *event)
{
    size_t length = event->data.scalar.length;
    const char *text = (const char *)event->data.scalar.value;
    uint32_t node = new_node(b, CLI_YAML_SCALAR, &event->start_mark);

    if (!node)
        return tcore_error_nomem(b->err);
    if (memchr(text, 0, length))
        return fail(b, &event->start_mark, "a NUL character");
    struct cli_yaml_node *n = &b->tree->node[node];

    n->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    n->one_line = event->start_mark.line == event->end_mark.line &&
                  event->end_mark.index - event->start_mark.index == length + (n->quoted ? 2 : 0);
    n->text = tcore_arena_copy(&b->tree->arena, text, length);
    return n->text ? link_node(b, node, &event->start_mark) : tcore_error_nomem(b->err);
}

static enum tcore_status open_container(struct builder *b, enum cli_yaml_kind kind,
                                        const yaml_event_t *event)
{
    uint32_t node = new_node(b, kind, &event->start_mark);

    if (!node)
        return tcore_error_nomem(b->err);
    enum tcore_status status = link_node(b, node, &event->start_mark);

    if (status != TCORE_OK)
        return status;
    if (b->depth == CLI_YAML_DEPTH)
        return fail(b, &event->start_mark, "nesting is deeper than %d", CLI_YAML_DEPTH);
    b->open[b->depth++] = (struct open_container){.node = node};
    return TCORE_OK;
}

static enum tcore_status take(struct builder *b, const yaml_event_t *event)
{
    const yaml_mark_t *mark = &event->start_mark;

    if (b->tree->count > CLI_YAML_NODES)
        return fail(b, mark, "more than %d values", CLI_YAML_NODES);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return b->documents++ ? fail(b, mark, "a second document") : TCORE_OK;
    case YAML_ALIAS_EVENT:
        return fail(b, mark, "an alias: write the value out");
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor || event->data.scalar.tag)
            return fail(b, mark, "an anchor or tag: neither is known here");
        return add_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
            return fail(b, mark, "an anchor or tag: neither is known here");
        return open_container(b, CLI_YAML_LIST, event);
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
            return fail(b, mark, "an anchor or tag: neither is known here");
        return open_container(b, CLI_YAML_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return TCORE_OK;
    default:
        return TCORE_OK;
    }
}

enum tcore_status cli_yaml_read(struct cli_yaml_tree *tree, const char *text, size_t length,
                                struct cli_yaml_problem *problem, struct tcore_error *err)
{
    struct builder b = {.tree = tree, .problem = problem, .err = err};
    struct libyaml lib;
    yaml_parser_t parser;
    enum tcore_status status = tcore_dl_open(TCORE_SONAME_YAML, "libyaml-0-2", symbols,
                                             sizeof symbols / sizeof *symbols, &lib, err);

    if (status != TCORE_OK)
        return status;
    if (length > CLI_YAML_TEXT_BYTES)
        return fail(&b, &(yaml_mark_t){0}, "more than %d MiB", CLI_YAML_TEXT_BYTES >> 20);
    if (!lib.parser_initialize(&parser))
        return tcore_error_nomem(err);
    lib.parser_set_input_string(&parser, (const unsigned char *)text, length);
    for (bool ended = false; !ended && status == TCORE_OK;) {
        yaml_event_t event;

        if (!lib.parser_parse(&parser, &event)) {
            status = fail_in_parser(&b, &parser, text, length);
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        status = take(&b, &event);
        lib.event_delete(&event);
    }
    lib.parser_delete(&parser);
    return status;
}

void cli_yaml_free(struct cli_yaml_tree *tree)
{
    tcore_free(tree->node);
    tcore_arena_free(&tree->arena);
    *tree = (struct cli_yaml_tree){0};
}

static bool is_left_out(const char *key, const char *const *without)
{
    for (; without && *without; without++)
        if (strcmp(key, *without) == 0)
            return true;
    return false;
}

/* Recursion is at most CLI_YAML_DEPTH deep. */
void cli_yaml_fingerprint(const struct cli_yaml_tree *tree, uint32_t node,
                          const char *const *without, struct tcore_buf *out)
{
    const struct cli_yaml_node *n = &tree->node[node];

    if (n->kind == CLI_YAML_SCALAR) {
        tcore_buf_printf(out, "%zu:%s", strlen(n->text), n->text);
        return;
    }
    tcore_buf_putc(out, n->kind == CLI_YAML_LIST ? '[' : '{');
    for (uint32_t child = n->first; child; child = tree->node[child].next) {
        if (n->kind == CLI_YAML_MAP) {
            uint32_t key = child;

            child = tree->node[key].next;
            if (is_left_out(tree->node[key].text, without))
                continue;
            cli_yaml_fingerprint(tree, key, NULL, out);
        }
        cli_yaml_fingerprint(tree, child, NULL, out);
    }
    tcore_buf_putc(out, n->kind == CLI_YAML_LIST ? ']' : '}');
}

int cli_yaml_read_file(int dirfd, const char *path, int flags, struct tcore_buf *text)
{
    const struct tcore_sys *sys = tcore_sys();
    int fd = sys->openat(dirfd, path, O_RDONLY | O_NOCTTY | O_CLOEXEC | flags, 0), errnum = 0;
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && text->length <= CLI_YAML_TEXT_BYTES) {
        char *room = tcore_buf_reserve(text, 65536);

        if (!room) {
            errno = ENOMEM;
            got = -1;
            break;
        }
        got = tcore_read_some(fd, room, 65536);
        if (got > 0)
            text->length += (size_t)got;
    }
    if (got < 0)
        errnum = errno;
    if (fd >= 0)
        sys->close(fd);
    return errnum;
}
