/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record erase: the records of somebody or something, gone from every file. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "record/repository/removal.h"
#include "record/verbs.h"
#include "store/digest.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

struct options {
    struct matcher_options match;
    bool dry_run;
};

struct erase {
    struct upkeep upkeep;
    struct removal removal;
    struct matcher matcher;
};

static enum tcore_status select_rows(void *context, const struct tcore_batch *batch, uint32_t *rows,
                                     size_t *count, struct tcore_error *err)
{
    return matcher_rows(context, batch, rows, count, err);
}

/* What is in a log would be there again when it is sealed. */
static bool has_logs(struct upkeep *u)
{
    bool left;
    if (upkeep_take_logs(u, &left) != TCORE_OK) {
        upkeep_report(u);
        return true;
    }
    if (left)
        cli_error(u->cli, "%s: somebody writes records to open/ that are in no segment yet",
                  u->name);
    return left;
}

static bool is_held(struct erase *e)
{
    const struct holds *holds = &e->removal.holds;
    for (size_t i = 0; i < holds->count; i++)
        if (holds->hold[i]->held)
            cli_error(e->upkeep.cli, "%s: the hold %s covers %" PRIu64 " of these records",
                      e->upkeep.name, holds->hold[i]->name, holds->hold[i]->held);
    return e->removal.held != 0;
}

/* Who, when and how many; of what was asked for only a hash, since it names somebody. */
static bool audit(struct erase *e, const struct matcher_options *match, const char *action)
{
    struct tcore_digest digest;
    uint8_t hash[TCORE_DIGEST_BYTES];
    struct tcore_buf details = {0};
    const char *where = match->where ? match->where : "";
    if (tcore_digest_begin(&digest, &e->upkeep.err) != TCORE_OK) {
        upkeep_report(&e->upkeep);
        return false;
    }
    tcore_digest_add(&digest, where, strlen(where));
    tcore_digest_end(&digest, hash);
    tcore_buf_puts(&details, "{\"expression\":\"");
    for (size_t i = 0; i < sizeof hash; i++)
        tcore_buf_printf(&details, "%02x", hash[i]);
    tcore_buf_puts(&details, "\",");
    removal_describe(&e->removal, &details);
    tcore_buf_putc(&details, '}');
    bool done = upkeep_audit(&e->upkeep, action, &details);
    tcore_buf_free(&details);
    return done;
}

static enum tcore_status sweep(struct upkeep *u)
{
    int dir =
        tcore_sys()->openat(u->dir, "segments", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (dir < 0)
        return tcore_error_errno(&u->err, TCORE_FATAL, errno, "cannot open its segments");
    enum tcore_status status = tcore_new_file_sweep(dir, &u->err);
    tcore_sys()->close(dir);
    return status;
}

static int erase(struct erase *e, const struct options *o)
{
    struct upkeep *u = &e->upkeep;
    struct removal *r = &e->removal;
    int exit_status = matcher_open(&e->matcher, u->cli, &o->match, &r->projection);
    if (exit_status != CLI_DONE)
        return exit_status;
    r->select = select_rows;
    r->context = &e->matcher;
    if (removal_plan(r) != TCORE_OK) {
        upkeep_report(u);
        return CLI_FAILED;
    }
    cli_select_note(u->cli, &e->matcher.left_out,
                    e->matcher.state ? tcore_expr_state_reason(e->matcher.state) : NULL);
    if (is_held(e))
        return CLI_FAILED;
    if (o->dry_run) {
        removal_print(r);
        return cli_exit_status(u->cli, false);
    }
    if (!audit(e, &o->match, "erase"))
        return CLI_FAILED;
    enum tcore_status status = removal_carry_out(r, true);
    if (status == TCORE_OK)
        status = sweep(u);
    if (status != TCORE_OK) {
        upkeep_report(u);
        audit(e, &o->match, "erase-failed");
    } else {
        upkeep_print(u, "%" PRIu64 " record%s erased", r->all_removed,
                     r->all_removed == 1 ? "" : "s");
    }
    return cli_exit_status(u->cli, false);
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    struct erase e = {.upkeep = {.dir = -1, .lock = -1}};
    int status = matcher_check(cli, &o->match);
    if (status != CLI_DONE)
        return status;
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    if (!matcher_is_given(&o->match))
        return cli_usage_error(cli, "say which records: --where");
    status = upkeep_open(&e.upkeep, cli, argv[0], false);
    if (status == CLI_DONE &&
        (!upkeep_may(&e.upkeep, POLICY_ERASE, "erase") || (!o->dry_run && has_logs(&e.upkeep))))
        status = CLI_FAILED;
    if (status == CLI_DONE)
        status = removal_open(&e.removal, &e.upkeep);
    if (status == CLI_DONE)
        status = erase(&e, o);
    matcher_close(&e.matcher);
    removal_free(&e.removal);
    upkeep_close(&e.upkeep);
    return status;
}

static const struct cli_option table[] = {
    MATCHER_OPTIONS(offsetof(struct options, match)),
    {0, "dry-run", CLI_FLAG, offsetof(struct options, dry_run), NULL,
     "say what would be erased, and change nothing", NULL},
};

const struct cli_verb erase_verb = {
    .name = "erase",
    .summary = "Remove records from every file of a repository.",
    .operands = "REPO",
    .description =
        "Every segment that has some of the records is written anew without them, durably, before "
        "the old one is removed; roll-ups, filters and the catalog are made anew. Waits for those "
        "who read. What a hold covers is not erased: then nothing is. The audit log gets who did "
        "it, when, how many records, and a hash of the expression.\n"
        "\n"
        "What is sealed takes a private key: to look at it, if the expression does, and to write "
        "the other records of its segment anew.\n"
        "\n"
        "Of copies elsewhere, backups and what is in quarantine/ it knows nothing.\n"
        "\n"
        "Example:\n"
        "  trace-record erase repository --key=privacy \\\n"
        "      --where='.attributes[\"user.id\"] == \"u17\"'\n",
    .groups = CLI_OUTPUT | CLI_KEYS,
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct options),
    .run = run,
};
