/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From main() to a verb and back: which verb, its options, --help and --version, and at the end the
 * check that standard output took everything. */
#include <config.h>

#include "cli/verb.h"

#include "base/sys.h"
#include "base/version.h"
#include "cli/message.h"
#include "cli/parse.h"
#include "cli/signals.h"
#include "cli/verb_private.h"
#include "store/key_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERBS_MAX 64

int cli_exit_status(const struct cli *cli, bool found)
{
    if (cli->usage_error)
        return CLI_USAGE;
    if (cli->failed)
        return CLI_FAILED;
    if (found)
        return CLI_FOUND;
    return cli->rejected && !cli->reader_gone ? CLI_REJECTED : CLI_DONE;
}

/* A standard descriptor that was closed would be given to the next file that is opened, and what is
 * meant for people would end up in it. So it is taken, in the direction that fails when used. */
static void open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

void cli_output_failed(struct cli *cli, const char *name, int errnum)
{
    struct tcore_error err;
    tcore_error_errno(&err, TCORE_FATAL, errnum, "%s", name);
    cli_report(cli, &err);
}

/* Standard output is closed here and nowhere else: some file systems report only then. */
static int close_stdout(struct cli *cli, int status)
{
    bool failed_before = ferror(stdout) != 0;
    errno = 0;
    bool failed = fflush(stdout) != 0 || failed_before;
    int errnum = errno;
    if (tcore_sys()->close(STDOUT_FILENO) != 0 && !failed && errno != EBADF) {
        failed = true;
        errnum = errno;
    }
    if (!failed || errnum == EPIPE)
        return status;
    cli_output_failed(cli, "standard output", errnum ? errnum : EIO);
    return CLI_FAILED;
}

/* Writes text made here; a reader that went away is no failure. */
static int print_and_free(struct cli *cli, struct tcore_buf *text)
{
    int status = CLI_DONE;
    if (text->failed) {
        cli_error(cli, "out of memory");
        status = CLI_FAILED;
    } else if (tcore_write_all(STDOUT_FILENO, text->data, text->length) != 0 && errno != EPIPE) {
        cli_output_failed(cli, "standard output", errno);
        status = CLI_FAILED;
    }
    tcore_buf_free(text);
    return status;
}

static int print_version(struct cli *cli)
{
    struct tcore_buf text = {0};
    tcore_buf_printf(&text,
                     "%s (tracecore) %s\n"
                     "Free software under the GNU GPL, version 3 or later; no warranty.\n",
                     cli->program->name, tcore_version());
    return print_and_free(cli, &text);
}

static int print_help(struct cli *cli)
{
    struct tcore_buf text = {0};
    if (cli->verb)
        cli_help_verb(cli->program, cli->verb, &text);
    else
        cli_help_program(cli->program, &text);
    return print_and_free(cli, &text);
}

/* --- Which verb */

/* A program without verbs is a table of one verb without a name. */
static bool has_verbs(const struct cli_program *program)
{
    return !program->verbs[0] || *program->verbs[0]->name;
}

static const struct cli_verb *find_verb(const struct cli_program *program, const char *name)
{
    for (const struct cli_verb *const *verb = program->verbs; *verb; verb++)
        if (strcmp((*verb)->name, name) == 0)
            return *verb;
    return NULL;
}

static const char *nearest_verb(const struct cli_program *program, const char *name)
{
    const char *names[VERBS_MAX + 1];
    size_t count = 0;
    for (const struct cli_verb *const *verb = program->verbs; *verb && count < VERBS_MAX; verb++)
        names[count++] = (*verb)->name;
    names[count] = NULL;
    return cli_nearest(name, names);
}

static int unknown_verb(struct cli *cli, const char *name)
{
    const char *nearest = nearest_verb(cli->program, name);
    if (nearest)
        return cli_usage_error(cli, "unknown verb '%s': did you mean %s?", name, nearest);
    return cli_usage_error(cli, "unknown verb '%s'", name);
}

/* Whether an operand of the default verb is rather a mistyped verb: near to one and no file. */
static bool is_mistyped_verb(const struct cli_program *program, const char *arg)
{
    return *arg != '-' && !strpbrk(arg, "/.") && nearest_verb(program, arg) &&
           faccessat(AT_FDCWD, arg, F_OK, AT_EACCESS) != 0;
}

/* Sets cli->verb and returns how many arguments named it; -1: a usage error, reported. */
static int select_verb(struct cli *cli, int count, char **args)
{
    const struct cli_program *program = cli->program;
    if (!has_verbs(program)) {
        cli->verb = program->verbs[0];
        return 0;
    }
    const struct cli_verb *named = count && *args[0] ? find_verb(program, args[0]) : NULL;
    if (named) {
        cli->verb = named;
        return 1;
    }
    if (program->default_verb) {
        if (count && is_mistyped_verb(program, args[0])) {
            unknown_verb(cli, args[0]);
            return -1;
        }
        cli->verb = find_verb(program, program->default_verb);
        return 0;
    }
    if (!count)
        cli_usage_error(cli, "a verb is needed");
    else if (*args[0] == '-' && args[0][1])
        cli_usage_error(cli, "a verb is needed before %s", args[0]);
    else
        unknown_verb(cli, args[0]);
    return -1;
}

/* --- Running it */

static int check_and_run(struct cli *cli, void *options, const struct cli_tables *tables,
                         const struct cli_parsed *parsed)
{
    const struct cli_io_options *io = &cli->io;
    int status = cli_check_rejects(cli, tables, parsed->operand_count, parsed->operands);
    if (status != CLI_DONE)
        return status;
    if (io->where && !io->where[strspn(io->where, " \t\r\n")])
        return cli_usage_error(cli, "--where is empty: name what a record must have");
    if (io->since.set && io->until.set && io->since.unix_ns > io->until.unix_ns)
        return cli_usage_error(cli, "--since is later than --until");
    return cli->verb->run(cli, options, parsed->operand_count, parsed->operands);
}

static int run_parsed(struct cli *cli, void *options, struct cli_tables *tables, int count,
                      char **args)
{
    struct cli_general_options general = {0};
    struct cli_parsed parsed = {0};
    cli_tables_of(tables, cli->verb, options, &cli->io, &general);
    int status = cli_parse(cli, tables, count, args, cli->verb->groups & CLI_COMMAND, &parsed);
    if (status == CLI_DONE && general.help)
        status = print_help(cli);
    else if (status == CLI_DONE && general.version)
        status = print_version(cli);
    else if (status == CLI_DONE)
        status = check_and_run(cli, options, tables, &parsed);
    tcore_arena_free(&parsed.arena);
    return status;
}

static int run_verb(struct cli *cli, int count, char **args)
{
    struct cli_tables tables;
    void *options = tcore_calloc(1, cli->verb->options_size);
    if (!options) {
        cli_error(cli, "out of memory");
        return CLI_FAILED;
    }
    if (cli->verb->defaults)
        memcpy(options, cli->verb->defaults, cli->verb->options_size);
    int status = run_parsed(cli, options, &tables, count, args);
    tcore_free(options);
    return status;
}

static int list_options(struct cli *cli, int count, char **args)
{
    const struct cli_program *program = cli->program;
    const struct cli_verb *verb = NULL;
    struct tcore_buf text = {0};
    if (count)
        verb = find_verb(program, args[0]);
    else if (!has_verbs(program))
        verb = program->verbs[0];
    if (count && !verb)
        return unknown_verb(cli, args[0]);
    cli_list_options(verb, &text);
    return print_and_free(cli, &text);
}

static bool is_one_of(const char *arg, const char *a, const char *b)
{
    return strcmp(arg, a) == 0 || strcmp(arg, b) == 0;
}

static int dispatch(struct cli *cli, int count, char **args)
{
    if (count && has_verbs(cli->program) && is_one_of(args[0], "--help", "-h"))
        return print_help(cli);
    if (count && is_one_of(args[0], "--version", "-V"))
        return print_version(cli);
    if (count && strcmp(args[0], "--list-verbs") == 0) {
        struct tcore_buf text = {0};
        cli_list_verbs(cli->program, &text);
        return print_and_free(cli, &text);
    }
    if (count && strcmp(args[0], "--list-options") == 0)
        return list_options(cli, count - 1, args + 1);
    int taken = select_verb(cli, count, args);
    if (taken < 0)
        return CLI_USAGE;
    return run_verb(cli, count - taken, args + taken);
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    struct cli cli = {.program = program, .io = cli_io_defaults, .argc = argc, .argv = argv};
    open_standard_descriptors();
    cli.sigpipe_was_ignored = cli_ignore_sigpipe();
    int status = dispatch(&cli, argc > 0 ? argc - 1 : 0, argv + (argc > 0));
    tcore_key_ring_free(cli.keys);
    cli_reject_total(&cli);
    return close_stdout(&cli, status);
}
