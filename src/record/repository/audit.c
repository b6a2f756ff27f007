/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-record audit: a repository in; its audit log as it is, what is wrong with it, or how far it
 * has come, signed, out.
 */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/visible.h"
#include "model/json.h"
#include "record/repository/audit_event.h"
#include "record/repository/policy_file.h"
#include "record/verbs.h"
#include "store/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct options {
    struct cli_strings keys;
    const char *checkpoints;
    int64_t key_descriptor; /* -1: none */
};

static const struct cli_option table[] = {
    {0, "key", CLI_STRINGS, offsetof(struct options, keys), "FILE",
     "the key that verifies checkpoints (may be repeated), or the one that signs", NULL},
    {0, "key-descriptor", CLI_INT, offsetof(struct options, key_descriptor), "N",
     "read the key that signs from this descriptor", NULL},
    {0, "checkpoints", CLI_STRING, offsetof(struct options, checkpoints), "FILE",
     "where checkpoints are (default: the policy's audit.checkpoint)", NULL},
};

struct audit {
    struct cli *cli;
    const struct options *options;
    const char *name; /* of the repository */
    int repository;
    struct policy policy;
    struct cli_output *output;
    struct tcore_buf text; /* what goes out next */
    bool visible;          /* people look at it */
};

static bool put(struct audit *a)
{
    struct tcore_buf shown = {0};
    bool more;

    if (a->visible)
        cli_visible(&shown, a->text.data ? a->text.data : "", a->text.length, true);
    const struct tcore_buf *text = a->visible ? &shown : &a->text;
    if (text->failed || a->text.failed) {
        struct tcore_error err;

        tcore_error_nomem(&err);
        cli_report(a->cli, &err);
        more = false;
    } else {
        more = !text->length || cli_output_lines(a->output, text->data, text->length);
    }
    tcore_buf_free(&shown);
    tcore_buf_clear(&a->text);
    return more;
}

/* --- The log as it is */

static void list(struct audit *a)
{
    const struct tcore_sys *sys = tcore_sys();
    int fd = sys->openat(a->repository, "audit",
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    ssize_t got = 0;
    bool more = true;

    if (fd < 0 && errno == ENOENT) {
        cli_note(a->cli, "%s has no audit log", a->name);
        return;
    }
    while (fd >= 0 && more) {
        char chunk[65536];
        const char *newline;

        got = tcore_read_some(fd, chunk, sizeof chunk);
        if (got <= 0)
            break;
        newline = memrchr(chunk, '\n', (size_t)got);
        size_t whole = newline ? (size_t)(newline - chunk) + 1 : 0;
        tcore_buf_append(&a->text, chunk, whole);
        if (whole)
            more = put(a);
        tcore_buf_append(&a->text, chunk + whole, (size_t)got - whole);
    }
    if (fd < 0 || got < 0)
        cli_error(a->cli, "%s/audit: %s", a->name, strerror(errno));
    else if (a->text.length && more) { /* what a crash has left */
        tcore_buf_putc(&a->text, '\n');
        put(a);
    }
    if (fd >= 0)
        sys->close(fd);
}

/* --- Verifying */

static void report(void *context, const struct tcore_audit_problem *problem)
{
    struct audit *a = context;

    if (problem->in_checkpoints)
        tcore_buf_printf(&a->text, "%s:", a->options->checkpoints);
    else
        tcore_buf_printf(&a->text, "%s/audit:", a->name);
    if (problem->line)
        tcore_buf_printf(&a->text, "%" PRIu64 ":", problem->line);
    if (problem->sequence)
        tcore_buf_printf(&a->text, " record %" PRIu64 ":", problem->sequence);
    tcore_buf_printf(&a->text, " %s\n", problem->text);
    put(a);
}

static void put_count(struct audit *a, uint64_t count, const char *what, const char *behind)
{
    if (count)
        tcore_buf_printf(&a->text, "%" PRIu64 " %s%s%s\n", count, what, count == 1 ? "" : "s",
                         behind);
}

static void put_result(struct audit *a, const struct tcore_audit_result *r, bool with_checkpoints)
{
    tcore_buf_printf(&a->text, "%" PRIu64 " record%s, %" PRIu64 " problem%s\n", r->records,
                     r->records == 1 ? "" : "s", r->problems, r->problems == 1 ? "" : "s");
    put_count(a, r->set_aside, "event", " of something set aside after a crash, see quarantine/");
    put_count(a, r->checkpoints, "checkpoint", " of this log");
    put_count(a, r->other_logs, "checkpoint", " of another log");
    put_count(a, r->other_keys, "checkpoint", " by a key that was not given");
    put_count(a, r->unfinished, "checkpoint", " left unfinished by a crash");
    if (!with_checkpoints)
        tcore_buf_puts(&a->text, "not compared with checkpoints: who can write the log can have "
                                 "made all of it anew\n");
    else if (!r->attested)
        tcore_buf_puts(&a->text, "no record is attested by a checkpoint\n");
    else
        tcore_buf_printf(&a->text,
                         "records up to %" PRIu64 " are what was signed; those from %" PRIu64
                         " on may have been changed or cut off, and nothing would show it\n",
                         r->attested, r->attested + 1);
    put(a);
}

/* The keys of --key as public ones; false: reported. To be freed. */
static bool read_keys(struct audit *a, struct tcore_public_key **keys)
{
    const struct cli_strings *names = &a->options->keys;
    struct tcore_error err = {0};

    *keys = tcore_calloc(names->count, sizeof **keys);
    enum tcore_status status = *keys ? TCORE_OK : tcore_error_nomem(&err);
    for (size_t i = 0; i < names->count && status == TCORE_OK; i++)
        status =
            tcore_public_key_read(&(*keys)[i], TCORE_KEY_SIGNING, AT_FDCWD, names->item[i], &err);
    if (status != TCORE_OK)
        cli_report(a->cli, &err);
    return status == TCORE_OK;
}

static bool verify(struct audit *a, const struct tcore_public_key *keys, size_t count,
                   const char *checkpoints, bool quiet, struct tcore_audit_result *result)
{
    struct tcore_audit_check check = {.dirfd = AT_FDCWD,
                                      .checkpoints = checkpoints,
                                      .keys = keys,
                                      .key_count = count,
                                      .report = quiet ? NULL : report,
                                      .context = a};
    struct tcore_error err = {0};

    if (tcore_audit_verify(a->repository, &check, result, &err) == TCORE_OK)
        return true;
    cli_report(a->cli, &err);
    return false;
}

/* Whether there was a problem. */
static bool run_verify(struct audit *a)
{
    size_t count = a->options->keys.count;
    const char *checkpoints = count ? a->options->checkpoints : NULL;
    struct tcore_public_key *keys = NULL;
    struct tcore_audit_result result = {0};
    bool found = false;

    if (read_keys(a, &keys) && verify(a, keys, count, checkpoints, false, &result)) {
        put_result(a, &result, checkpoints);
        found = result.problems > 0;
    }
    tcore_free(keys);
    return found;
}

/* --- Signing */

static struct tcore_private_key *read_signing_key(struct audit *a)
{
    const struct options *o = a->options;
    struct tcore_private_key *key = NULL;
    struct tcore_error err = {0};
    enum tcore_status status;

    if (o->key_descriptor >= 0)
        status = tcore_private_key_read_fd(&key, TCORE_KEY_SIGNING, (int)o->key_descriptor,
                                           "the descriptor", &err);
    else
        status = tcore_private_key_read(&key, TCORE_KEY_SIGNING, AT_FDCWD, o->keys.item[0], &err);
    if (status != TCORE_OK)
        cli_report(a->cli, &err);
    return key;
}

/* Signs no log that is not sound up to here. False: it is not, or that failed. */
static bool is_sound(struct audit *a, const struct tcore_private_key *key, bool *found)
{
    struct tcore_public_key public_key;
    struct tcore_audit_result result;
    const char *checkpoints = a->options->checkpoints;
    struct tcore_error err;
    struct stat st;

    tcore_private_key_public(key, "signer", &public_key, &err);
    if (fstatat(AT_FDCWD, checkpoints, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
        checkpoints = NULL;
    else if (!verify(a, &public_key, 1, checkpoints, true, &result))
        return false;
    else if (!result.checkpoints) /* those there are may be of other logs */
        checkpoints = NULL;
    if (!checkpoints)
        cli_note(a->cli, "this is the first checkpoint of this log in %s", a->options->checkpoints);
    if (!verify(a, &public_key, 1, checkpoints, false, &result))
        return false;
    if (result.problems)
        cli_note(a->cli, "not signed: %s/audit is not what it should be", a->name);
    *found = result.problems > 0;
    return !result.problems;
}

/* The event comes first: it sets aside what a crash has left, and the signature covers it. */
static bool put_event(struct audit *a)
{
    const char *path = a->options->checkpoints;
    struct tcore_buf details = {0};
    struct tcore_error err = {0};
    bool done = false;

    tcore_buf_puts(&details, "{\"file\":");
    tcore_json_write_string(&details, path, strlen(path));
    tcore_buf_puts(&details, "}");
    tcore_buf_putc(&details, '\0');
    if (tcore_buf_status(&details, &err) != TCORE_OK)
        cli_report(a->cli, &err);
    else
        done = audit_event(a->cli, a->repository, "checkpoint", details.data, NULL);
    tcore_buf_free(&details);
    return done;
}

/* Whether there was a problem, so that nothing was signed. */
static bool run_checkpoint(struct audit *a)
{
    struct tcore_private_key *key = read_signing_key(a);
    struct tcore_audit_place place;
    struct tcore_error err = {0};
    bool found = false;

    if (key && put_event(a) && is_sound(a, key, &found)) {
        if (tcore_audit_checkpoint(a->repository, AT_FDCWD, a->options->checkpoints, key, &place,
                                   &err) == TCORE_OK) {
            tcore_buf_printf(&a->text, "signed up to record %" PRIu64 "\n", place.sequence);
            put(a);
        } else {
            cli_report(a->cli, &err);
        }
    }
    tcore_private_key_free(key);
    return found;
}

/* --- The verb */

enum what { LIST, VERIFY, CHECKPOINT, UNKNOWN };

static enum what what_of(int argc, char **argv)
{
    if (argc < 2)
        return LIST;
    return strcmp(argv[1], "verify") == 0       ? VERIFY
           : strcmp(argv[1], "checkpoint") == 0 ? CHECKPOINT
                                                : UNKNOWN;
}

static int check_usage(struct cli *cli, const struct options *o, int argc, char **argv)
{
    enum what what = what_of(argc, argv);

    if (argc < 1 || argc > 2)
        return cli_usage_error(cli, "name one REPO, and what to do with its log");
    if (what == UNKNOWN)
        return cli_usage_error(cli, "'%s' is neither verify nor checkpoint", argv[1]);
    if (what == LIST && (o->keys.count || o->checkpoints || o->key_descriptor >= 0))
        return cli_usage_error(cli, "keys and checkpoints are for verify and checkpoint");
    if (what == VERIFY && o->key_descriptor >= 0)
        return cli_usage_error(cli, "--key-descriptor is for checkpoint: verify takes --key");
    if (what == VERIFY && o->checkpoints && !o->keys.count)
        return cli_usage_error(cli, "--checkpoints: --key is missing, which verifies them");
    if (what == CHECKPOINT && o->keys.count + (o->key_descriptor >= 0) != 1)
        return cli_usage_error(cli, "checkpoint takes one of --key and --key-descriptor");
    return CLI_DONE;
}

/* Opens the repository, and finds out where checkpoints are: exit status. */
static int open_repository(struct audit *a, struct options *o, enum what what)
{
    struct tcore_repository *repository;
    struct tcore_error err = {0};
    char name[4200];

    if (tcore_repository_open(&repository, a->name, &err) != TCORE_OK) {
        err.input = a->name;
        cli_report(a->cli, &err);
        return CLI_FAILED;
    }
    tcore_repository_close(repository);
    a->repository = tcore_sys()->openat(AT_FDCWD, a->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (a->repository < 0) {
        cli_error(a->cli, "%s: %s", a->name, strerror(errno));
        return CLI_FAILED;
    }
    if (what == LIST || o->checkpoints || (what == VERIFY && !o->keys.count))
        return CLI_DONE;
    snprintf(name, sizeof name, "%s/" POLICY_FILE, a->name);
    int status = policy_load(a->cli, &a->policy, a->repository, POLICY_FILE, name, true, true);
    o->checkpoints = a->policy.checkpoint;
    if (status == CLI_DONE && !o->checkpoints)
        return cli_usage_error(a->cli, "the policy names no file of checkpoints: --checkpoints");
    return status;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    struct options *o = options;
    struct audit a = {.cli = cli, .options = o, .name = argv[0], .repository = -1};
    enum what what = what_of(argc, argv);
    bool found = false;
    int status = check_usage(cli, o, argc, argv);

    if (status != CLI_DONE)
        return status;
    status = open_repository(&a, o, what);
    if (status == CLI_DONE)
        a.output = cli_output_open(cli);
    if (a.output) {
        a.visible = cli_output_is_terminal(a.output);
        if (what == LIST)
            list(&a);
        else
            found = what == VERIFY ? run_verify(&a) : run_checkpoint(&a);
        cli_output_close(a.output, false);
    }
    if (status == CLI_DONE)
        status = cli_exit_status(cli, found);
    if (a.repository >= 0)
        tcore_sys()->close(a.repository);
    tcore_buf_free(&a.text);
    policy_free(&a.policy);
    return status;
}

static const struct cli_exit_meaning exits[] = {{"1", "the log is not what it should be"}, {0}};

static const struct options defaults = {.key_descriptor = -1};

const struct cli_verb audit_verb = {
    .name = "audit",
    .summary = "Show, verify or sign the audit log of a repository.",
    .operands = "REPO [verify|checkpoint]",
    .description =
        "Without a further word the log goes out as it is, a JSON object a line.\n"
        "\n"
        "verify looks for records that were changed, inserted, removed or moved. With --key, the "
        "public half of the key that signs, checkpoints are compared with it, without which "
        "whoever can write the log can have made all of it anew. What came behind the last "
        "checkpoint can be cut off unseen; so it says up to which record the log is attested.\n"
        "\n"
        "checkpoint adds an event to the log, verifies it, and if it is sound signs its last "
        "record into the file of checkpoints, which should be where who can write the repository "
        "cannot.\n"
        "\n"
        "Examples:\n"
        "  trace-record audit REPO | jq -c '[.actor.user, .action]'\n"
        "  trace-record audit REPO checkpoint --key=auditor.key\n"
        "  trace-record audit REPO verify --key=auditor.key.pub\n",
    .groups = CLI_OUTPUT,
    .exits = exits,
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct options),
    .defaults = &defaults,
    .run = run,
};
