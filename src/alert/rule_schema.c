/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "alert/rule_schema.h"

#include "cli/message.h"
#include "cli/options.h"
#include "cli/visible.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- Problems */

static void put_problem(struct parse *p, uint32_t line, uint32_t column, const char *format,
                        va_list args)
{
    char text[400];

    if (p->rules->errors + p->rules->warnings > PROBLEMS_SHOWN)
        return;
    vsnprintf(text, sizeof text, format, args);
    tcore_buf_printf(&p->rules->problems, "%s:%" PRIu32 ":%" PRIu32 ": ", p->name, line, column);
    cli_visible(&p->rules->problems, text, strlen(text), false);
    tcore_buf_putc(&p->rules->problems, '\n');
}

void schema_error(struct parse *p, uint32_t line, uint32_t column, const char *format, ...)
{
    va_list args;

    p->rules->errors++;
    va_start(args, format);
    put_problem(p, line, column, format, args);
    va_end(args);
}

void schema_warning(struct parse *p, uint32_t line, uint32_t column, const char *format, ...)
{
    va_list args;

    p->rules->warnings++;
    va_start(args, format);
    put_problem(p, line, column, format, args);
    va_end(args);
}

void *schema_no_memory(struct parse *p)
{
    p->fatal = true;
    tcore_error_nomem(p->err);
    return NULL;
}

void *schema_allocate(struct parse *p, size_t count, size_t bytes)
{
    void *memory = tcore_arena_alloc(&p->rules->arena, count * bytes + 1);

    return memory ? memset(memory, 0, count * bytes + 1) : schema_no_memory(p);
}

const char *schema_keep(struct parse *p, const char *text)
{
    const char *copy = tcore_arena_copy(&p->rules->arena, text, strlen(text));

    return copy ? copy : schema_no_memory(p);
}

/* --- Scalars and lists */

bool schema_is_kind(struct parse *p, uint32_t node, enum cli_yaml_kind kind, const char *key)
{
    static const char *const names[] = {"a single value", "a list", "a map"};

    if (node_at(p, node)->kind == kind)
        return true;
    error_in(p, node, "%s must be %s", key, names[kind]);
    return false;
}

static void list_choices(char *out, size_t size, const char *const *choices)
{
    *out = '\0';
    for (size_t i = 0; choices[i]; i++)
        snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? ", " : "", choices[i]);
}

static bool read_choice(struct parse *p, uint32_t node, const struct key *key, int *choice)
{
    const char *text = node_at(p, node)->text;
    char all[200];

    for (int i = 0; key->choices[i]; i++)
        if (!strcmp(text, key->choices[i])) {
            *choice = i;
            return true;
        }
    list_choices(all, sizeof all, key->choices);
    error_in(p, node, "%s: '%s' is none of %s", key->name, text, all);
    return false;
}

static bool read_words(struct parse *p, uint32_t node, const char *key, struct rule_words *words)
{
    const struct cli_yaml_node *list = node_at(p, node);
    bool single = list->kind == CLI_YAML_SCALAR;

    if (list->kind == CLI_YAML_MAP) {
        error_in(p, node, "%s must be a list", key);
        return false;
    }
    words->item = schema_allocate(p, (single ? 1 : list->count) + 1, sizeof *words->item);
    if (!words->item)
        return false;
    for (uint32_t n = single ? node : list->first; n; n = single ? 0 : node_at(p, n)->next) {
        if (!schema_is_kind(p, n, CLI_YAML_SCALAR, key))
            return false;
        words->item[words->count++] = schema_keep(p, node_at(p, n)->text);
    }
    return true;
}

static bool read_texts(struct parse *p, uint32_t node, const char *key, struct rule_texts *texts)
{
    if (!schema_is_kind(p, node, CLI_YAML_MAP, key))
        return false;
    texts->item = schema_allocate(p, node_at(p, node)->count, sizeof *texts->item);
    if (!texts->item)
        return false;
    for (uint32_t k = node_at(p, node)->first; k;) {
        uint32_t value = node_at(p, k)->next;
        const char *name = node_at(p, k)->text;

        for (size_t i = 0; i < texts->count; i++)
            if (!strcmp(texts->item[i].key, name))
                error_in(p, k, "%s: '%s' is there twice", key, name);
        if (!schema_is_kind(p, value, CLI_YAML_SCALAR, name))
            return false;
        texts->item[texts->count++] =
            (struct rule_text){schema_keep(p, name), schema_keep(p, node_at(p, value)->text)};
        k = node_at(p, value)->next;
    }
    return !p->fatal;
}

static bool read_value(struct parse *p, uint32_t node, const struct key *key, void *target)
{
    char *at = (char *)target + key->offset;
    const char *text = node_at(p, node)->text, *reason = NULL;

    if (key->kind == KEY_NODE) {
        *(uint32_t *)at = node;
        return true;
    }
    if (key->kind == KEY_WORDS)
        return read_words(p, node, key->name, (struct rule_words *)at);
    if (key->kind == KEY_TEXTS)
        return read_texts(p, node, key->name, (struct rule_texts *)at);
    if (!schema_is_kind(p, node, CLI_YAML_SCALAR, key->name))
        return false;
    switch (key->kind) {
    case KEY_TEXT:
        if (*text) {
            *(const char **)at = schema_keep(p, text);
            return *(const char **)at;
        }
        error_in(p, node, "%s is empty", key->name);
        return false;
    case KEY_NUMBER:
        if (rule_number_parse(text, (double *)at))
            return true;
        error_in(p, node, "%s: '%s' is no number", key->name, text);
        return false;
    case KEY_DURATION:
        if (cli_parse_duration(text, (int64_t *)at, &reason))
            return true;
        error_in(p, node, "%s: '%s' %s", key->name, text, reason);
        return false;
    case KEY_BOOL:
        if (!strcmp(text, "true") || !strcmp(text, "false")) {
            *(bool *)at = *text == 't';
            return true;
        }
        error_in(p, node, "%s: '%s' is neither true nor false", key->name, text);
        return false;
    default:
        return read_choice(p, node, key, (int *)at);
    }
}

uint32_t schema_read_map(struct parse *p, uint32_t node, const struct key *keys, size_t count,
                         void *target, uint32_t *nodes)
{
    uint32_t seen = 0, had = 0;

    for (uint32_t k = node_at(p, node)->first; k && !p->fatal;) {
        const char *name = node_at(p, k)->text;
        uint32_t value = node_at(p, k)->next;
        size_t i = 0;

        while (i < count && strcmp(keys[i].name, name) != 0)
            i++;
        if (i == count) {
            const char *names[33] = {0};

            for (size_t j = 0; j < count; j++)
                names[j] = keys[j].name;
            const char *near = cli_nearest(name, names);

            error_in(p, k, "unknown key '%s'%s%s%s", name, near ? ": did you mean " : "",
                     near ? near : "", near ? "?" : "");
        } else if (had >> i & 1) {
            error_in(p, k, "'%s' is there twice", name);
        } else {
            had |= UINT32_C(1) << i;
            if (nodes)
                nodes[i] = value;
            if (read_value(p, value, &keys[i], target))
                seen |= UINT32_C(1) << i;
        }
        k = node_at(p, value)->next;
    }
    return seen;
}

void schema_check_templates(struct parse *p, uint32_t node, const char *key)
{
    const struct cli_yaml_node *container = node_at(p, node);
    bool map = container->kind == CLI_YAML_MAP;

    for (uint32_t n = container->first; n;) {
        uint32_t value = map ? node_at(p, n)->next : n;
        const char *problem = node_at(p, value)->kind == CLI_YAML_SCALAR
                                  ? rule_template_problem(node_at(p, value)->text)
                                  : NULL;

        if (problem)
            error_in(p, value, "%s: %s", map ? node_at(p, n)->text : key, problem);
        n = node_at(p, value)->next;
    }
}
