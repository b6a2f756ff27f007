/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The option tables that are in force for one verb, and what is done with them: parsing a command
 * line, printing help, listing. Private to the front end.
 */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "cli/verb.h"

/* --help and --version, which every command line takes. */
struct cli_general_options {
    bool help, version;
};

extern const struct cli_option_group cli_general_group;
extern const struct cli_option_group cli_read_group;   /* of CLI_READS, struct cli_io_options */
extern const struct cli_option_group cli_write_group;  /* of CLI_WRITES */
extern const struct cli_option_group cli_output_group; /* of CLI_OUTPUT */
extern const struct cli_option_group cli_key_group;    /* of CLI_KEYS */
extern const struct cli_io_options cli_io_defaults;

struct cli_table {
    const struct cli_option_group *group;
    void *base; /* the options struct that it stores into */
};

struct cli_tables {
    struct cli_option_group own;  /* the verb's */
    struct cli_option_group read; /* cli_read_group with the verb's own words: */
    struct cli_option read_option[16];
    struct cli_table table[5]; /* of a name in two tables the first one counts */
    size_t count;
};

/* The tables of cli->verb (NULL: only the general ones). The bases may be NULL for listing. */
void cli_tables_of(struct cli_tables *tables, const struct cli_verb *verb, void *options,
                   struct cli_io_options *io, struct cli_general_options *general);

/* An option's place in the tables; walking: start with {0}. NULL at the end. Options that an
 * earlier table hides are left out. */
struct cli_option_at {
    size_t table, index;
};
const struct cli_option *cli_next_option(const struct cli_tables *tables, struct cli_option_at *at,
                                         size_t *table);

/* The option that -name means, and its table; NULL if there is none. */
const struct cli_option *cli_option_by_short(const struct cli_tables *tables, char name,
                                             size_t *table);

/* What parsing gives. */
struct cli_parsed {
    struct tcore_arena arena; /* lists, choices and operands; outlives the run of the verb */
    char **operands;
    int operand_count;
};

/*
 * Parses args[0..count) into the options structs. Stops at --help and --version. CLI_DONE, or the
 * exit status of a failure that was reported. operands_last: the first operand ends the options.
 */
int cli_parse(struct cli *cli, const struct cli_tables *tables, int count, char **args,
              bool operands_last, struct cli_parsed *parsed);

/* Whether --rejects names a file of its own, and no input, output or FILE of another option:
 * CLI_DONE, or CLI_USAGE after a report. */
int cli_check_rejects(struct cli *cli, const struct cli_tables *tables, int count, char **operands);

/* Help for the program as a whole, and for one verb. */
void cli_help_program(const struct cli_program *program, struct tcore_buf *out);
void cli_help_verb(const struct cli_program *program, const struct cli_verb *verb,
                   struct tcore_buf *out);
/* The machine-readable lists behind --list-verbs and --list-options. */
void cli_list_verbs(const struct cli_program *program, struct tcore_buf *out);
void cli_list_options(const struct cli_verb *verb, struct tcore_buf *out);

#endif
