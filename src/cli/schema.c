/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/schema.h"

#include "cli/message.h"
#include "cli/options.h"
#include "cli/visible.h"
#include "model/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- Problems */

static void put_problem(struct cli_schema *p, uint32_t line, uint32_t column, const char *format,
                        va_list args)
{
    char text[400];

    if (p->errors + p->warnings > CLI_SCHEMA_PROBLEMS)
        return;
    vsnprintf(text, sizeof text, format, args);
    tcore_buf_printf(p->problems, "%s:%" PRIu32 ":%" PRIu32 ": ", p->name, line, column);
    cli_visible(p->problems, text, strlen(text), false);
    tcore_buf_putc(p->problems, '\n');
}

void cli_schema_error(struct cli_schema *p, uint32_t line, uint32_t column, const char *format, ...)
{
    va_list args;

    p->errors++;
    va_start(args, format);
    put_problem(p, line, column, format, args);
    va_end(args);
}

void cli_schema_warning(struct cli_schema *p, uint32_t line, uint32_t column, const char *format,
                        ...)
{
    va_list args;

    p->warnings++;
    va_start(args, format);
    put_problem(p, line, column, format, args);
    va_end(args);
}

void cli_schema_unknown(struct cli_schema *p, uint32_t node, const char *what, const char *word,
                        const char *const *known)
{
    const char *near = cli_nearest(word, known);

    cli_schema_error_in(p, node, "unknown %s '%s'%s%s%s", what, word, near ? ": did you mean " : "",
                        near ? near : "", near ? "?" : "");
}

void cli_schema_error_within(struct cli_schema *p, uint32_t node, size_t offset, const char *key,
                             const char *text)
{
    const struct cli_yaml_node *n = cli_schema_node(p, node);
    uint32_t column = n->column;

    if (n->one_line) {
        column += n->quoted;
        for (size_t i = 0; i < offset && n->text[i]; i++)
            column += ((unsigned char)n->text[i] & 0xc0) != 0x80;
    }
    cli_schema_error(p, n->line, column, "%s: %s", key, text);
}

int cli_schema_word(struct cli_schema *p, uint32_t node, const char *what, const char *const *names)
{
    const char *text = cli_schema_node(p, node)->text;

    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    cli_schema_unknown(p, node, what, text, names);
    return -1;
}

void *cli_schema_no_memory(struct cli_schema *p)
{
    p->fatal = true;
    tcore_error_nomem(p->err);
    return NULL;
}

void *cli_schema_allocate(struct cli_schema *p, size_t count, size_t bytes)
{
    void *memory = tcore_arena_alloc(p->arena, count * bytes + 1);

    return memory ? memset(memory, 0, count * bytes + 1) : cli_schema_no_memory(p);
}

const char *cli_schema_keep(struct cli_schema *p, const char *text)
{
    const char *copy = tcore_arena_copy(p->arena, text, strlen(text));

    return copy ? copy : cli_schema_no_memory(p);
}

/* --- Scalars and lists */

bool cli_schema_is_kind(struct cli_schema *p, uint32_t node, enum cli_yaml_kind kind,
                        const char *key)
{
    static const char *const names[] = {"a single value", "a list", "a map"};

    if (cli_schema_node(p, node)->kind == kind)
        return true;
    cli_schema_error_in(p, node, "%s must be %s", key, names[kind]);
    return false;
}

static void list_choices(char *out, size_t size, const char *const *choices)
{
    *out = '\0';
    for (size_t i = 0; choices[i]; i++)
        snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? ", " : "", choices[i]);
}

static bool read_choice(struct cli_schema *p, uint32_t node, const struct cli_key *key, int *choice)
{
    const char *text = cli_schema_node(p, node)->text;
    char all[200];

    for (int i = 0; key->choices[i]; i++)
        if (!strcmp(text, key->choices[i])) {
            *choice = i;
            return true;
        }
    list_choices(all, sizeof all, key->choices);
    cli_schema_error_in(p, node, "%s: '%s' is none of %s", key->name, text, all);
    return false;
}

static bool read_words(struct cli_schema *p, uint32_t node, const char *key,
                       struct cli_words *words)
{
    const struct cli_yaml_node *list = cli_schema_node(p, node);
    bool single = list->kind == CLI_YAML_SCALAR;

    if (list->kind == CLI_YAML_MAP) {
        cli_schema_error_in(p, node, "%s must be a list", key);
        return false;
    }
    words->item = cli_schema_allocate(p, (single ? 1 : list->count) + 1, sizeof *words->item);
    if (!words->item)
        return false;
    for (uint32_t n = single ? node : list->first; n;
         n = single ? 0 : cli_schema_node(p, n)->next) {
        if (!cli_schema_is_kind(p, n, CLI_YAML_SCALAR, key))
            return false;
        words->item[words->count++] = cli_schema_keep(p, cli_schema_node(p, n)->text);
    }
    return true;
}

static bool read_texts(struct cli_schema *p, uint32_t node, const char *key,
                       struct cli_texts *texts)
{
    if (!cli_schema_is_kind(p, node, CLI_YAML_MAP, key))
        return false;
    texts->item = cli_schema_allocate(p, cli_schema_node(p, node)->count, sizeof *texts->item);
    if (!texts->item)
        return false;
    for (uint32_t k = cli_schema_node(p, node)->first; k;) {
        uint32_t value = cli_schema_node(p, k)->next;
        const char *name = cli_schema_node(p, k)->text;

        for (size_t i = 0; i < texts->count; i++)
            if (!strcmp(texts->item[i].key, name))
                cli_schema_error_in(p, k, "%s: '%s' is there twice", key, name);
        if (!cli_schema_is_kind(p, value, CLI_YAML_SCALAR, name))
            return false;
        texts->item[texts->count++] = (struct cli_text){
            cli_schema_keep(p, name), cli_schema_keep(p, cli_schema_node(p, value)->text)};
        k = cli_schema_node(p, value)->next;
    }
    return !p->fatal;
}

bool cli_schema_number(const char *text, double *number)
{
    const char *reason;
    int64_t ns;

    if (tcore_parse_double(text, strlen(text), number) && isfinite(*number))
        return true;
    if (!cli_parse_duration(text, &ns, &reason))
        return false;
    *number = (double)ns;
    return true;
}

static bool read_percent(const char *text, double *fraction, const char **reason)
{
    if (!cli_parse_percent(text, fraction, reason))
        return false;
    *reason = "is not between 0 and 1";
    return *fraction >= 0 && *fraction <= 1;
}

static bool read_value(struct cli_schema *p, uint32_t node, const struct cli_key *key, void *target)
{
    char *at = (char *)target + key->offset;
    const char *text = cli_schema_node(p, node)->text, *reason = NULL;
    bool parsed = false;

    if (key->kind == CLI_KEY_NODE) {
        *(uint32_t *)at = node;
        return true;
    }
    if (key->kind == CLI_KEY_WORDS)
        return read_words(p, node, key->name, (struct cli_words *)at);
    if (key->kind == CLI_KEY_TEXTS)
        return read_texts(p, node, key->name, (struct cli_texts *)at);
    if (!cli_schema_is_kind(p, node, CLI_YAML_SCALAR, key->name))
        return false;
    switch (key->kind) {
    case CLI_KEY_TEXT:
        if (*text) {
            *(const char **)at = cli_schema_keep(p, text);
            return *(const char **)at;
        }
        cli_schema_error_in(p, node, "%s is empty", key->name);
        return false;
    case CLI_KEY_NUMBER:
        if (cli_schema_number(text, (double *)at))
            return true;
        cli_schema_error_in(p, node, "%s: '%s' is no number", key->name, text);
        return false;
    case CLI_KEY_DURATION:
        parsed = cli_parse_duration(text, (int64_t *)at, &reason);
        break;
    case CLI_KEY_SIZE:
        parsed = cli_parse_size(text, (int64_t *)at, &reason);
        break;
    case CLI_KEY_COUNT:
        parsed = cli_parse_count(text, (int64_t *)at, &reason);
        break;
    case CLI_KEY_PERCENT:
        parsed = read_percent(text, (double *)at, &reason);
        break;
    case CLI_KEY_BOOL:
        if (!strcmp(text, "true") || !strcmp(text, "false")) {
            *(bool *)at = *text == 't';
            return true;
        }
        cli_schema_error_in(p, node, "%s: '%s' is neither true nor false", key->name, text);
        return false;
    default:
        return read_choice(p, node, key, (int *)at);
    }
    if (!parsed)
        cli_schema_error_in(p, node, "%s: '%s' %s", key->name, text, reason);
    return parsed;
}

uint32_t cli_schema_read_map(struct cli_schema *p, uint32_t node, const struct cli_key *keys,
                             size_t count, void *target, uint32_t *nodes)
{
    uint32_t seen = 0, had = 0;

    for (uint32_t k = cli_schema_node(p, node)->first; k && !p->fatal;) {
        const char *name = cli_schema_node(p, k)->text;
        uint32_t value = cli_schema_node(p, k)->next;
        size_t i = 0;

        while (i < count && strcmp(keys[i].name, name) != 0)
            i++;
        if (i == count) {
            const char *names[33] = {0};

            for (size_t j = 0; j < count; j++)
                names[j] = keys[j].name;
            cli_schema_unknown(p, k, "key", name, names);
        } else if (had >> i & 1) {
            cli_schema_error_in(p, k, "'%s' is there twice", name);
        } else {
            had |= UINT32_C(1) << i;
            if (nodes)
                nodes[i] = value;
            if (read_value(p, value, &keys[i], target))
                seen |= UINT32_C(1) << i;
        }
        k = cli_schema_node(p, value)->next;
    }
    return seen;
}

enum tcore_status cli_schema_read(struct cli_schema *p, const char *text, size_t length,
                                  void (*read)(struct cli_schema *))
{
    struct cli_yaml_problem problem = {0};
    enum tcore_status status = cli_yaml_read(&p->tree, text, length, &problem, p->err);

    if (status == TCORE_OK)
        read(p);
    else if (status == TCORE_BAD_INPUT)
        cli_schema_error(p, problem.line, problem.column, "%s", problem.text);
    else
        p->fatal = true;
    cli_yaml_free(&p->tree);
    if (!p->fatal && p->problems->failed)
        cli_schema_no_memory(p);
    if (p->fatal)
        return TCORE_FATAL;
    if (p->errors > CLI_SCHEMA_PROBLEMS)
        tcore_buf_printf(p->problems, "%s: %zu errors; the first %d are named above\n", p->name,
                         p->errors, CLI_SCHEMA_PROBLEMS);
    return p->errors ? TCORE_BAD_INPUT : TCORE_OK;
}
