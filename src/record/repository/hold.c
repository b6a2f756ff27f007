/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record hold: records that are not to be removed until they are released. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "model/json.h"
#include "model/time.h"
#include "record/repository/holds.h"
#include "record/repository/membership.h"
#include "record/repository/upkeep.h"
#include "record/verbs.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct options {
    struct matcher_options match;
    bool release;
};

static void put_string(struct tcore_buf *out, const char *key, const char *text)
{
    tcore_buf_printf(out, ",\"%s\":", key);
    tcore_json_write_string(out, text, strlen(text));
}

static void put_strings(struct tcore_buf *out, const char *key, const struct cli_strings *strings)
{
    if (!strings->count)
        return;
    tcore_buf_printf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < strings->count; i++) {
        if (i)
            tcore_buf_putc(out, ',');
        tcore_json_write_string(out, strings->item[i], strlen(strings->item[i]));
    }
    tcore_buf_putc(out, ']');
}

static void put_time(struct tcore_buf *out, const char *key, const struct cli_time *time)
{
    char text[TCORE_TIME_BYTES];
    if (!time->set)
        return;
    tcore_format_time(text, time->unix_ns);
    put_string(out, key, text);
}

/* The file: who, when, and what is held. */
static void describe(struct tcore_buf *out, const char *name, const struct matcher_options *o)
{
    const struct cli_time now = {true, tcore_sys()->wall_ns()};
    const char *user = membership_user();
    tcore_buf_puts(out, "{\"name\":");
    tcore_json_write_string(out, name, strlen(name));
    tcore_buf_printf(out, ",\"uid\":%lu", (unsigned long)getuid());
    if (*user)
        put_string(out, "user", user);
    put_time(out, "time", &now);
    if (o->where)
        put_string(out, "where", o->where);
    put_strings(out, "type", &o->types);
    put_strings(out, "service", &o->services);
    put_time(out, "since", &o->since);
    put_time(out, "until", &o->until);
    tcore_buf_puts(out, "}\n");
}

static int open_holds(struct upkeep *u)
{
    int dir = -1;
    if (tcore_sys()->mkdirat(u->dir, HOLDS_FOLDER, 0750) == 0 || errno == EEXIST)
        dir = tcore_sys()->openat(u->dir, HOLDS_FOLDER,
                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (dir < 0)
        cli_error(u->cli, "%s: cannot open its " HOLDS_FOLDER ": %s", u->name, strerror(errno));
    else if (tcore_sync_directory(u->dir, &u->err) != TCORE_OK)
        upkeep_report(u);
    return dir;
}

static bool audit(struct upkeep *u, const char *action, const char *name)
{
    struct tcore_buf details = {0};
    tcore_buf_puts(&details, "{\"hold\":");
    tcore_json_write_string(&details, name, strlen(name));
    tcore_buf_putc(&details, '}');
    bool done = upkeep_audit(u, action, &details);
    tcore_buf_free(&details);
    return done;
}

static enum tcore_status write_hold(struct upkeep *u, int dir, const char *name,
                                    const struct tcore_buf *text)
{
    struct tcore_new_file file;
    enum tcore_status status = tcore_new_file_open(&file, dir, &u->err);
    if (status != TCORE_OK)
        return status;
    if (tcore_write_all(file.fd, text->data, text->length) < 0)
        status = tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot write the hold");
    else
        status = tcore_new_file_link(&file, name, NULL, &u->err);
    tcore_new_file_drop(&file);
    if (status == TCORE_SKIP)
        tcore_error_set(&u->err, TCORE_FATAL, "there is a hold %s already", name);
    return status;
}

/* The hold comes before the event: what an event speaks of is held. */
static void hold(struct upkeep *u, int dir, const char *name, const struct matcher_options *o)
{
    struct tcore_projection projection = {0};
    struct matcher matcher = {0};
    struct tcore_buf text = {0};
    if (matcher_open(&matcher, u->cli, o, &projection) == CLI_DONE) { /* the expression is one */
        describe(&text, name, o);
        enum tcore_status status = tcore_buf_status(&text, &u->err);
        if (status == TCORE_OK && text.length > HOLD_LIMIT_BYTES)
            status = tcore_error_set(&u->err, TCORE_FATAL, "the expression is too long");
        if (status == TCORE_OK)
            status = write_hold(u, dir, name, &text);
        if (status != TCORE_OK)
            upkeep_report(u);
        else
            audit(u, "hold", name);
    }
    matcher_close(&matcher);
    tcore_projection_free(&projection);
    tcore_buf_free(&text);
}

/* The event comes before the release: nothing is released unseen. */
static void release(struct upkeep *u, int dir, const char *name)
{
    int fd = tcore_open_regular(dir, name, O_RDONLY);
    if (fd < 0) {
        cli_error(u->cli, "%s: there is no hold %s", u->name, name);
        return;
    }
    tcore_sys()->close(fd);
    if (!audit(u, "release", name))
        return;
    if (tcore_sys()->unlinkat(dir, name, 0) < 0)
        cli_error(u->cli, "%s: cannot remove " HOLDS_FOLDER "/%s: %s", u->name, name,
                  strerror(errno));
    else if (tcore_sync_directory(dir, &u->err) != TCORE_OK)
        upkeep_report(u);
}

static void list(struct upkeep *u)
{
    struct holds holds;
    if (holds_read(&holds, u->cli, u->dir, u->name) == CLI_DONE)
        for (size_t i = 0; i < holds.count; i++)
            if (!cli_output_lines(u->output, holds.hold[i]->text.data, holds.hold[i]->text.length))
                break;
    holds_free(&holds);
}

static int check_usage(struct cli *cli, const struct options *o, int argc, char **argv)
{
    bool given = matcher_is_given(&o->match);
    int status = matcher_check(cli, &o->match);
    if (status != CLI_DONE)
        return status;
    if (argc < 1 || argc > 2)
        return cli_usage_error(cli, "name one REPO, and the hold");
    if (argc == 1 && (given || o->release))
        return cli_usage_error(cli, "the NAME of the hold is missing");
    if (argc == 2 && !hold_is_name(argv[1]))
        return cli_usage_error(cli,
                               "'%s' cannot be the name of a hold: up to 64 letters, digits "
                               "and ._@+-",
                               argv[1]);
    if (o->release && given)
        return cli_usage_error(cli, "--release takes the whole hold");
    if (argc == 2 && !o->release && !given)
        return cli_usage_error(cli, "say which records: --where, --type, --service, --since, "
                                    "--until");
    return CLI_DONE;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    struct upkeep u;
    int status = check_usage(cli, o, argc, argv), dir;
    if (status != CLI_DONE)
        return status;
    status = upkeep_open(&u, cli, argv[0], false);
    if (status == CLI_DONE && argc == 1) {
        list(&u);
    } else if (status == CLI_DONE && upkeep_may(&u, POLICY_HOLD, "hold") &&
               (dir = open_holds(&u)) >= 0) {
        if (o->release)
            release(&u, dir, argv[1]);
        else
            hold(&u, dir, argv[1], &o->match);
        tcore_sys()->close(dir);
    }
    if (status == CLI_DONE)
        status = cli->usage_error ? CLI_USAGE : cli_exit_status(cli, false);
    upkeep_close(&u);
    return status;
}

static const struct cli_option table[] = {
    MATCHER_OPTIONS(offsetof(struct options, match)),
    {0, "release", CLI_FLAG, offsetof(struct options, release), NULL, "end the hold", NULL},
};

const struct cli_verb hold_verb = {
    .name = "hold",
    .summary = "Keep records from being removed until they are released.",
    .operands = "REPO [NAME]",
    .description =
        "Neither retain nor erase removes what a hold covers: records, there already or yet to "
        "come, to which all that is asked for applies. Without NAME the holds are listed, a JSON "
        "object a line. Both holding and releasing are in the audit log.\n"
        "\n"
        "Examples:\n"
        "  trace-record hold repository case-12 --service=payments --since=2026-01-01\n"
        "  trace-record hold repository case-12 --release\n",
    .groups = CLI_OUTPUT | CLI_KEYS,
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct options),
    .run = run,
};
