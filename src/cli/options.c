/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parsing a command line by tables, as GNU programs do: short options combine, long ones may be cut
 * short while that is unambiguous, options and operands come in any order, -- ends the options.
 */
#include <config.h>

#include "cli/message.h"
#include "cli/parse.h"

#include "base/sys.h"
#include "c-ctype.h"

#include <string.h>

#define OPTIONS_MAX 160 /* of one verb, all tables together */

struct parser {
    struct cli *cli;
    const struct cli_tables *tables;
    struct cli_parsed *parsed;
    int64_t now_ns;
    const void *own_list[OPTIONS_MAX]; /* lists that the command line began: bases to append to */
    size_t own_list_count;
    bool stop; /* --help or --version was met */
};

/* The options of CLI_READS as this verb has them. */
static void take_read_options(struct cli_tables *tables, const struct cli_verb *verb)
{
    tables->read = cli_read_group;
    tables->read.options = tables->read_option;
    for (size_t i = 0; i < cli_read_group.count; i++) {
        tables->read_option[i] = cli_read_group.options[i];
        if (strcmp(tables->read_option[i].name, "memory") == 0)
            tables->read_option[i].help = verb->memory;
    }
}

void cli_tables_of(struct cli_tables *tables, const struct cli_verb *verb, void *options,
                   struct cli_io_options *io, struct cli_general_options *general)
{
    *tables = (struct cli_tables){0};
    if (verb) {
        tables->own = (struct cli_option_group){"Options", verb->options, verb->option_count};
        tables->table[tables->count++] = (struct cli_table){&tables->own, options};
        if (verb->groups & CLI_READS) {
            take_read_options(tables, verb);
            tables->table[tables->count++] = (struct cli_table){&tables->read, io};
        } else if (verb->groups & CLI_KEYS) {
            tables->table[tables->count++] = (struct cli_table){&cli_key_group, io};
        }
        if (verb->groups & CLI_WRITES)
            tables->table[tables->count++] = (struct cli_table){&cli_write_group, io};
        else if (verb->groups & CLI_OUTPUT)
            tables->table[tables->count++] = (struct cli_table){&cli_output_group, io};
    }
    tables->table[tables->count++] = (struct cli_table){&cli_general_group, general};
}

/* Whether a table before this one has an option of that name. */
static bool is_shadowed(const struct cli_tables *tables, size_t table, const char *name)
{
    for (size_t t = 0; t < table; t++) {
        const struct cli_option_group *group = tables->table[t].group;
        for (size_t i = 0; i < group->count; i++)
            if (strcmp(group->options[i].name, name) == 0)
                return true;
    }
    return false;
}

const struct cli_option *cli_next_option(const struct cli_tables *tables, struct cli_option_at *at,
                                         size_t *table)
{
    for (; at->table < tables->count; at->table++, at->index = 0) {
        const struct cli_option_group *group = tables->table[at->table].group;
        while (at->index < group->count) {
            const struct cli_option *option = &group->options[at->index++];
            if (is_shadowed(tables, at->table, option->name))
                continue;
            *table = at->table;
            return option;
        }
    }
    return NULL;
}

/* --- Finding an option */

const struct cli_option *cli_option_by_short(const struct cli_tables *tables, char name,
                                             size_t *table)
{
    struct cli_option_at at = {0};
    const struct cli_option *option;
    while ((option = cli_next_option(tables, &at, table)))
        if (option->short_name == name)
            return option;
    return NULL;
}

static int unknown_long(struct cli *cli, const struct cli_tables *tables, const char *text,
                        size_t length)
{
    const char *names[OPTIONS_MAX + 1];
    size_t count = 0, table;
    struct cli_option_at at = {0};
    const struct cli_option *option;
    char typed[64];
    if (length >= sizeof typed)
        return cli_usage_error(cli, "unknown option --%.*s", (int)(length < 200 ? length : 200),
                               text);
    memcpy(typed, text, length);
    typed[length] = '\0';
    while ((option = cli_next_option(tables, &at, &table)) && count < OPTIONS_MAX)
        if (option->help)
            names[count++] = option->name;
    names[count] = NULL;
    const char *nearest = cli_nearest(typed, names);
    if (nearest)
        return cli_usage_error(cli, "unknown option --%s: did you mean --%s?", typed, nearest);
    return cli_usage_error(cli, "unknown option --%s", typed);
}

/* The option that text[0..length) names or is an unambiguous start of; NULL: reported. */
static const struct cli_option *find_long(struct cli *cli, const struct cli_tables *tables,
                                          const char *text, size_t length, size_t *table)
{
    struct cli_option_at at = {0};
    const struct cli_option *option, *found = NULL;
    struct tcore_buf matches = {0};
    size_t matched = 0, where;
    while (length && (option = cli_next_option(tables, &at, &where))) {
        if (strncmp(option->name, text, length) != 0)
            continue;
        bool exact = !option->name[length];
        if (exact || option->help) {
            found = option;
            *table = where;
            matched++;
            tcore_buf_printf(&matches, " --%s", option->name);
        }
        if (exact) {
            matched = 1;
            break;
        }
    }
    if (matched > 1)
        cli_usage_error(cli, "option --%.*s is ambiguous:%.*s", (int)length, text,
                        (int)matches.length, matches.data);
    else if (!matched)
        unknown_long(cli, tables, text, length);
    tcore_buf_free(&matches);
    return matched == 1 ? found : NULL;
}

/* --- Storing a value */

static int out_of_memory(struct cli *cli)
{
    struct tcore_error err;
    tcore_error_nomem(&err);
    cli_report(cli, &err);
    return CLI_FAILED;
}

/* Appends text to the list; what the verb has as default goes with the first one. */
static bool append_item(struct parser *parser, struct cli_strings *list, const char *text)
{
    bool begun = false;
    for (size_t i = 0; i < parser->own_list_count; i++)
        begun |= parser->own_list[i] == list;
    if (!begun && parser->own_list_count < OPTIONS_MAX) {
        parser->own_list[parser->own_list_count++] = list;
        *list = (struct cli_strings){0};
    }
    if (!text)
        return true;
    bool full = (list->count & (list->count - 1)) == 0; /* capacities are powers of two */
    if (full) {
        size_t capacity = list->count ? list->count * 2 : 1;
        const char **items = tcore_arena_alloc(&parser->parsed->arena, capacity * sizeof *items);
        if (!items)
            return false;
        if (list->count)
            memcpy(items, list->item, list->count * sizeof *items);
        list->item = items;
    }
    list->item[list->count++] = text;
    return true;
}

/* Where the item that starts at text ends: at a comma that is neither escaped nor in parentheses
 * (unless those never close), or at the end. */
static const char *item_end(const char *text)
{
    const char *comma = NULL; /* first one inside open parentheses */
    unsigned depth = 0;
    const char *at = text;
    for (; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '(')
            depth++;
        else if (*at == ')' && depth)
            depth--;
        else if (*at == ',' && !depth)
            return at;
        else if (*at == ',' && !comma)
            comma = at;
    }
    return depth && comma ? comma : at;
}

static bool has_empty_item(const char *text)
{
    const char *at = text;
    for (const char *end = at; *text; at = end + 1) {
        end = item_end(at);
        if (end == at)
            return true;
        if (!*end)
            break;
    }
    return false;
}

/* Appends the items of text; one without any empties the list, and so a default. */
static bool append_list(struct parser *parser, struct cli_strings *list, const char *text)
{
    if (!*text)
        return append_item(parser, list, NULL);
    for (;;) {
        const char *end = item_end(text);
        char *item = tcore_arena_copy(&parser->parsed->arena, text, (size_t)(end - text));
        if (!item)
            return false;
        char *to = item;
        for (const char *from = item; *from; from++) {
            if (*from == '\\' && from[1] == ',')
                from++;
            *to++ = *from;
        }
        *to = '\0';
        if (!append_item(parser, list, item))
            return false;
        if (!*end)
            return true;
        text = end + 1;
    }
}

static int store_choice(struct parser *parser, const struct cli_option *option, const char *text,
                        const char **member)
{
    size_t length = strlen(text);
    for (const char *at = option->choices; at; at = strchr(at, '|')) {
        at += *at == '|';
        if (length && strncmp(at, text, length) == 0 && (at[length] == '|' || !at[length])) {
            *member = tcore_arena_copy(&parser->parsed->arena, text, length);
            return *member ? CLI_DONE : out_of_memory(parser->cli);
        }
    }
    struct tcore_buf choices = {0};
    for (const char *at = option->choices; *at; at++)
        tcore_buf_append(&choices, *at == '|' ? ", " : at, *at == '|' ? 2 : 1);
    int status = cli_usage_error(parser->cli, "--%s: '%s' is none of %.*s", option->name, text,
                                 (int)choices.length, choices.data);
    tcore_buf_free(&choices);
    return status;
}

static int store(struct parser *parser, const struct cli_option *option, void *base,
                 const char *text)
{
    char *member = (char *)base + option->offset;
    const char *reason = NULL;
    bool good = true;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)member = true;
        return CLI_DONE;
    case CLI_STRING:
    case CLI_OPTIONAL:
        *(const char **)member = text ? text : "";
        return CLI_DONE;
    case CLI_STRINGS:
        return append_item(parser, (struct cli_strings *)member, text) ? CLI_DONE
                                                                       : out_of_memory(parser->cli);
    case CLI_LIST:
        if (has_empty_item(text))
            return cli_usage_error(parser->cli, "--%s: '%s' has an empty item", option->name, text);
        return append_list(parser, (struct cli_strings *)member, text) ? CLI_DONE
                                                                       : out_of_memory(parser->cli);
    case CLI_CHOICE:
        return store_choice(parser, option, text, (const char **)member);
    case CLI_INT:
        good = cli_parse_count(text, (int64_t *)member, &reason);
        break;
    case CLI_DOUBLE:
        good = cli_parse_number(text, (double *)member, &reason);
        break;
    case CLI_PERCENT:
        good = cli_parse_percent(text, (double *)member, &reason);
        break;
    case CLI_SIZE:
        good = cli_parse_size(text, (int64_t *)member, &reason);
        break;
    case CLI_DURATION:
        good = cli_parse_duration(text, (int64_t *)member, &reason);
        break;
    case CLI_TIME: {
        struct cli_time *time = (struct cli_time *)member;
        if (!parser->now_ns)
            parser->now_ns = tcore_sys()->wall_ns();
        good = cli_parse_time(text, parser->now_ns, &time->unix_ns, &reason);
        time->set = true;
        break;
    }
    }
    if (!good)
        return cli_usage_error(parser->cli, "--%s: '%s' %s", option->name, text, reason);
    return CLI_DONE;
}

/* --- The command line */

static int needs_value(struct cli *cli, const struct cli_option *option)
{
    return cli_usage_error(cli, "option --%s needs a value (%s)", option->name,
                           option->metavar   ? option->metavar
                           : option->choices ? option->choices
                                             : "VALUE");
}

static int take(struct parser *parser, const struct cli_option *option, size_t table,
                const char *value)
{
    void *base = parser->tables->table[table].base;
    int status = store(parser, option, base, value);
    if (parser->tables->table[table].group == &cli_general_group)
        parser->stop = true;
    return status;
}

/* Whether its value may be the argument behind it. */
static bool takes_next(const struct cli_option *option)
{
    return option->kind != CLI_FLAG && option->kind != CLI_OPTIONAL;
}

/* args[*i] is --name or --name=value; *i moves on past a value of its own. */
static int parse_long(struct parser *parser, int count, char **args, int *i)
{
    const char *name = args[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    size_t table = 0;
    const struct cli_option *option = find_long(parser->cli, parser->tables, name, length, &table);
    if (!option)
        return CLI_USAGE;
    if (option->kind == CLI_FLAG && equals)
        return cli_usage_error(parser->cli, "option --%s takes no value", option->name);
    const char *value = equals ? equals + 1 : NULL;
    if (takes_next(option) && !value) {
        if (*i + 1 >= count)
            return needs_value(parser->cli, option);
        value = args[++*i];
    }
    return take(parser, option, table, value);
}

/* args[*i] is -abc or -aVALUE. */
static int parse_shorts(struct parser *parser, int count, char **args, int *i)
{
    for (const char *at = args[*i] + 1; *at && !parser->stop; at++) {
        size_t table = 0;
        const struct cli_option *option = cli_option_by_short(parser->tables, *at, &table);
        if (!option)
            return cli_usage_error(parser->cli, "unknown option -%c", *at);
        const char *value = NULL;
        if (takes_next(option)) {
            value = at[1] ? at + 1 : *i + 1 < count ? args[++*i] : NULL;
            if (!value)
                return needs_value(parser->cli, option);
        }
        int status = take(parser, option, table, value);
        if (status != CLI_DONE || value)
            return status;
    }
    return CLI_DONE;
}

/* -, a file name, or a negative number such as -0.5 where no option -0 is known. */
static bool is_operand(const struct parser *parser, const char *arg)
{
    size_t table;
    if (arg[0] != '-' || !arg[1])
        return true;
    bool number = c_isdigit(arg[1]) || (arg[1] == '.' && arg[2]);
    return number && !cli_option_by_short(parser->tables, arg[1], &table);
}

int cli_parse(struct cli *cli, const struct cli_tables *tables, int count, char **args,
              bool operands_last, struct cli_parsed *parsed)
{
    struct parser parser = {.cli = cli, .tables = tables, .parsed = parsed};
    bool options_ended = false;
    parsed->operands =
        tcore_arena_alloc(&parsed->arena, ((size_t)count + 1) * sizeof *parsed->operands);
    if (!parsed->operands)
        return out_of_memory(cli);
    for (int i = 0; i < count && !parser.stop; i++) {
        int status = CLI_DONE;
        if (options_ended || is_operand(&parser, args[i])) {
            parsed->operands[parsed->operand_count++] = args[i];
            options_ended |= operands_last;
        } else if (strcmp(args[i], "--") == 0) {
            options_ended = true;
        } else if (args[i][1] == '-') {
            status = parse_long(&parser, count, args, &i);
        } else {
            status = parse_shorts(&parser, count, args, &i);
        }
        if (status != CLI_DONE)
            return status;
    }
    parsed->operands[parsed->operand_count] = NULL;
    return CLI_DONE;
}
