/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --help and the lists for completion and tests, made from the tables, for 80 columns. */
#include <config.h>

#include "cli/parse.h"

#include <stdio.h>
#include <string.h>

#define WIDTH       79
#define HELP_COLUMN 27
#define LABEL_BYTES 96
#define VERB_COLUMN 14

/* Appends words of text, wrapped; the cursor is at column, further lines begin at indent. */
static void wrap(struct tcore_buf *out, const char *text, size_t length, size_t column,
                 size_t indent)
{
    const char *end = text + length;
    bool first = true;
    while (text < end) {
        const char *blank = memchr(text, ' ', (size_t)(end - text));
        const char *word_end = blank ? blank : end;
        size_t word = (size_t)(word_end - text);
        if (!first && column + 1 + word > WIDTH) {
            tcore_buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            tcore_buf_putc(out, ' ');
            column++;
        }
        tcore_buf_append(out, text, word);
        column += word;
        first = false;
        text = blank ? blank + 1 : end;
    }
    tcore_buf_putc(out, '\n');
}

/* Wraps lines that follow each other as one; lines that start with a blank stay as they are. */
static void paragraphs(struct tcore_buf *out, const char *text)
{
    struct tcore_buf joined = {0};
    while (*text) {
        size_t length = strcspn(text, "\n");
        const char *next = text + length + (text[length] == '\n');
        bool prose = length && *text != ' ';
        if (prose) {
            tcore_buf_puts(&joined, joined.length ? " " : "");
            tcore_buf_append(&joined, text, length);
        } else {
            tcore_buf_append(out, text, length);
            tcore_buf_putc(out, '\n');
        }
        if (prose && (!*next || *next == ' ' || *next == '\n')) {
            wrap(out, joined.data, joined.length, 0, 0);
            out->failed |= joined.failed;
            tcore_buf_clear(&joined);
        }
        text = next;
    }
    tcore_buf_free(&joined);
}

/* "  -w, --where=EXPR", "      --statsd[=ADDRESS]" */
static void label_option(const struct cli_tables *tables, const struct cli_option *option,
                         char label[LABEL_BYTES])
{
    size_t table;
    char short_name[8] = "    ";
    const char *metavar = option->metavar ? option->metavar : "VALUE";
    if (option->short_name && cli_option_by_short(tables, option->short_name, &table) == option)
        snprintf(short_name, sizeof short_name, "-%c, ", option->short_name);
    bool flag = option->kind == CLI_FLAG, optional = option->kind == CLI_OPTIONAL;
    snprintf(label, LABEL_BYTES, "  %s--%s%s%s%s", short_name, option->name,
             flag       ? ""
             : optional ? "[="
                        : "=",
             flag ? "" : metavar, optional ? "]" : "");
}

static void describe_option(const struct cli_tables *tables, const struct cli_option *option,
                            struct tcore_buf *out)
{
    char label[LABEL_BYTES];
    struct tcore_buf text = {0};
    label_option(tables, option, label);
    tcore_buf_puts(out, label);
    size_t column = strlen(label);
    if (column + 2 > HELP_COLUMN) {
        tcore_buf_putc(out, '\n');
        column = 0;
    }
    tcore_buf_printf(out, "%*s", (int)(HELP_COLUMN - column), "");
    tcore_buf_puts(&text, option->help);
    for (const char *at = option->kind == CLI_CHOICE ? option->choices : ""; *at;) {
        size_t length = strcspn(at, "|");
        tcore_buf_puts(&text, at == option->choices ? ": " : at[length] ? ", " : " or ");
        tcore_buf_append(&text, at, length);
        at += length + (at[length] == '|');
    }
    wrap(out, text.data, text.length, HELP_COLUMN, HELP_COLUMN);
    if (text.failed)
        out->failed = true;
    tcore_buf_free(&text);
}

static void describe_tables(const struct cli_tables *tables, struct tcore_buf *out)
{
    struct cli_option_at at = {0};
    size_t table, last = SIZE_MAX;
    const struct cli_option *option;
    while ((option = cli_next_option(tables, &at, &table))) {
        if (!option->help)
            continue;
        if (table != last)
            tcore_buf_printf(out, "\n%s:\n", tables->table[table].group->title);
        last = table;
        describe_option(tables, option, out);
    }
}

/* --- Exit statuses */

static const char *own_meaning(const struct cli_verb *verb, const char *status)
{
    for (const struct cli_exit_meaning *own = verb->exits; own && own->status; own++)
        if (strcmp(own->status, status) == 0)
            return own->meaning;
    return NULL;
}

/* What the status means in this verb; NULL: it has none of that. */
static const char *meaning_of(const struct cli_verb *verb, const char *status)
{
    const char *own = own_meaning(verb, status);
    bool reads = verb->groups & CLI_READS;
    if (own)
        return *own ? own : NULL;
    if (strcmp(status, "0") == 0)
        return "done";
    if (strcmp(status, "2") == 0)
        return reads ? "wrong usage, or a bad expression" : "wrong usage";
    if (strcmp(status, "3") == 0 && reads)
        return "done, but records were rejected";
    if (strcmp(status, "4") == 0)
        return reads ? "input, output or a helper failed, or --strict stopped"
                     : "input or output failed";
    return NULL;
}

/* A line of the list: STATUS  VERB: meaning */
static void describe_status(struct tcore_buf *out, const char *status, const char *verb,
                            const char *meaning)
{
    struct tcore_buf text = {0};
    size_t column = strlen(status) + 4;
    tcore_buf_printf(&text, "%s%s%s", verb, *verb ? ": " : "", meaning);
    tcore_buf_printf(out, "  %s  ", status);
    wrap(out, text.data, text.length, column, column);
    tcore_buf_free(&text);
}

static const char *const statuses[] = {"N", "0", "1", "2", "3", "4", "5", "126", "127", "128+N"};
#define STATUSES (sizeof statuses / sizeof *statuses)

static void exit_statuses(const struct cli_verb *verb, struct tcore_buf *out)
{
    tcore_buf_puts(out, "\nExit status:\n");
    for (size_t i = 0; i < STATUSES; i++) {
        const char *meaning = meaning_of(verb, statuses[i]);
        if (meaning)
            describe_status(out, statuses[i], "", meaning);
    }
}

/* What all verbs may end with, and with their names what only some of them do. */
static void program_statuses(const struct cli_program *program, struct tcore_buf *out)
{
    unsigned groups = 0;
    for (const struct cli_verb *const *verb = program->verbs; *verb; verb++)
        groups |= (*verb)->groups;
    const struct cli_verb common = {.groups = groups};
    tcore_buf_puts(out, "\nExit status:\n");
    for (size_t i = 0; i < STATUSES; i++) {
        const char *meaning = meaning_of(&common, statuses[i]), *own;
        if (meaning)
            describe_status(out, statuses[i], "", meaning);
        for (const struct cli_verb *const *verb = program->verbs; *verb && !meaning; verb++)
            if ((own = own_meaning(*verb, statuses[i])))
                describe_status(out, statuses[i], (*verb)->name, own);
    }
}

static void see_also(const struct cli_program *program, struct tcore_buf *out)
{
    tcore_buf_printf(out, "\nThe whole story: man %s\n", program->name);
}

void cli_help_verb(const struct cli_program *program, const struct cli_verb *verb,
                   struct tcore_buf *out)
{
    struct cli_tables tables;
    cli_tables_of(&tables, verb, NULL, NULL, NULL);
    tcore_buf_printf(out, "Usage: %s%s%s [OPTION]...%s%s\n", program->name, *verb->name ? " " : "",
                     verb->name, verb->operands && *verb->operands ? " " : "",
                     verb->operands ? verb->operands : "");
    paragraphs(out, verb->summary);
    if (verb->groups & CLI_READS)
        paragraphs(out, "\nINPUT is a file, or - for standard input, which is read when none is "
                        "named.");
    describe_tables(&tables, out);
    if (verb->description) {
        tcore_buf_putc(out, '\n');
        paragraphs(out, verb->description);
    }
    if (!*verb->name && program->epilogue) {
        tcore_buf_putc(out, '\n');
        paragraphs(out, program->epilogue);
    }
    exit_statuses(verb, out);
    see_also(program, out);
}

void cli_help_program(const struct cli_program *program, struct tcore_buf *out)
{
    tcore_buf_printf(out, "Usage: %s %s [OPTION]... [OPERAND]...\n", program->name,
                     program->default_verb ? "[VERB]" : "VERB");
    paragraphs(out, program->summary);
    tcore_buf_puts(out, "\nVerbs:\n");
    for (const struct cli_verb *const *verb = program->verbs; *verb; verb++) {
        int width = VERB_COLUMN - 4;
        bool is_default =
            program->default_verb && strcmp((*verb)->name, program->default_verb) == 0;
        struct tcore_buf text = {0};
        tcore_buf_printf(&text, "%s%s", (*verb)->summary, is_default ? " (the default)" : "");
        tcore_buf_printf(out, "  %-*s  ", width, (*verb)->name);
        size_t label = strlen((*verb)->name);
        wrap(out, text.data, text.length, 4 + (label > (size_t)width ? label : (size_t)width),
             VERB_COLUMN);
        tcore_buf_free(&text);
    }
    tcore_buf_printf(out, "\n'%s VERB --help' shows the options of a verb.\n", program->name);
    struct cli_tables tables;
    cli_tables_of(&tables, NULL, NULL, NULL, NULL);
    describe_tables(&tables, out);
    if (program->epilogue) {
        tcore_buf_putc(out, '\n');
        paragraphs(out, program->epilogue);
    }
    program_statuses(program, out);
    see_also(program, out);
}

/* --- Lists for machines: one line each, tab separated */

void cli_list_verbs(const struct cli_program *program, struct tcore_buf *out)
{
    for (const struct cli_verb *const *verb = program->verbs; *verb; verb++) {
        bool is_default =
            program->default_verb && strcmp((*verb)->name, program->default_verb) == 0;
        if (*(*verb)->name)
            tcore_buf_printf(out, "%s\t%s\t%s\t%s\n", (*verb)->name,
                             (*verb)->operands ? (*verb)->operands : "",
                             is_default ? "default" : "", (*verb)->summary);
    }
}

void cli_list_options(const struct cli_verb *verb, struct tcore_buf *out)
{
    static const char *const kinds[] = {
        [CLI_FLAG] = "flag",         [CLI_STRING] = "string",   [CLI_STRINGS] = "strings",
        [CLI_OPTIONAL] = "optional", [CLI_LIST] = "list",       [CLI_INT] = "int",
        [CLI_DOUBLE] = "double",     [CLI_PERCENT] = "percent", [CLI_SIZE] = "size",
        [CLI_DURATION] = "duration", [CLI_TIME] = "time",       [CLI_CHOICE] = "choice",
    };
    struct cli_tables tables;
    struct cli_option_at at = {0};
    size_t table;
    const struct cli_option *option;
    cli_tables_of(&tables, verb, NULL, NULL, NULL);
    while ((option = cli_next_option(&tables, &at, &table))) {
        char short_name[2] = {0};
        size_t unused;
        if (!option->help)
            continue;
        if (option->short_name &&
            cli_option_by_short(&tables, option->short_name, &unused) == option)
            short_name[0] = option->short_name;
        tcore_buf_printf(out, "%s\t%s\t%s%s%s\t%s\t%s\n", short_name, option->name,
                         kinds[option->kind], option->metavar ? "/" : "",
                         option->metavar ? option->metavar : "",
                         option->choices ? option->choices : "", option->help);
    }
}
