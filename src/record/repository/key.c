/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record key: new key pairs out, as files. */
#include <config.h>

#include "base/buf.h"
#include "base/sys.h"
#include "cli/message.h"
#include "cli/output.h"
#include "record/repository/key_change.h"
#include "record/verbs.h"
#include "store/key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct options {
    const char *name;
    bool signing;
    struct key_change_options change;
};

static const struct cli_option table[] = {
    {0, "name", CLI_STRING, offsetof(struct options, name), "NAME",
     "whose key it is (default: FILE without its folder)", NULL},
    {0, "signing", CLI_FLAG, offsetof(struct options, signing), NULL,
     "a key that signs checkpoints of the audit log, instead of one to read with", NULL},
    {0, "role", CLI_STRING, offsetof(struct options, change.role), "NAME",
     "role of the policy whose key is added, removed or put in place of another", NULL},
    {0, "key", CLI_STRING, offsetof(struct options, change.key), "FILE",
     "private key that can read what the other is to read; of rotate the old one; of destroy that "
     "of a role that may erase",
     NULL},
    {0, "label", CLI_STRING, offsetof(struct options, change.label), "LABEL",
     "destroy the keys of this label: internal, pii, secret", NULL},
    {0, "since", CLI_TIME, offsetof(struct options, change.since), "TIME",
     "only in segments all of whose records are from this time on", NULL},
    {0, "until", CLI_TIME, offsetof(struct options, change.until), "TIME",
     "only in segments all of whose records are before this time", NULL},
};

/* Both files, or none. The public one comes first: it can be taken away again without loss. */
static enum tcore_status write_pair(const struct tcore_private_key *key,
                                    const struct tcore_public_key *public_key, const char *path,
                                    const char *public_path, struct tcore_error *err)
{
    enum tcore_status status = tcore_public_key_write(public_key, AT_FDCWD, public_path, err);

    if (status != TCORE_OK)
        return status;
    status = tcore_private_key_write(key, AT_FDCWD, path, err);
    if (status != TCORE_OK)
        (void)tcore_sys()->unlinkat(AT_FDCWD, public_path, 0);
    return status;
}

static enum tcore_status make_pair(const struct options *o, const char *path,
                                   struct tcore_public_key *public_key, struct tcore_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = o->name ? o->name : slash ? slash + 1 : path;
    struct tcore_private_key *key = NULL;
    struct tcore_buf public_path = {0};
    enum tcore_status status =
        tcore_private_key_new(&key, o->signing ? TCORE_KEY_SIGNING : TCORE_KEY_SEALING, err);

    tcore_buf_printf(&public_path, "%s.pub", path);
    tcore_buf_putc(&public_path, '\0');
    if (status == TCORE_OK)
        status = tcore_buf_status(&public_path, err);
    if (status == TCORE_OK)
        status = tcore_private_key_public(key, name, public_key, err);
    if (status == TCORE_OK)
        status = write_pair(key, public_key, path, public_path.data, err);
    tcore_buf_free(&public_path);
    tcore_private_key_free(key);
    return status;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    struct tcore_public_key public_key;
    struct tcore_error err = {0};
    char line[TCORE_FINGERPRINT_BYTES + TCORE_KEY_NAME_BYTES + 3];

    static const char *const changes[] = {"add", "remove", "rotate", "destroy"};

    for (size_t i = 0; argc >= 1 && i < sizeof changes / sizeof *changes; i++)
        if (strcmp(argv[0], changes[i]) == 0)
            return argc == 2 ? key_change(cli, argv[0], &o->change, argv[1])
                             : cli_usage_error(cli, "name the one REPO whose keys to change");
    if (argc < 1 || strcmp(argv[0], "new") != 0)
        return cli_usage_error(cli, "say what to do: new FILE, or add, remove, rotate or destroy "
                                    "with a REPO");
    if (argc != 2 || !*argv[1])
        return cli_usage_error(cli, "name the one FILE to write the key to");
    if (o->name && !tcore_key_name_is_valid(o->name, strlen(o->name)))
        return cli_usage_error(cli, "--name: '%s' is not 1 to 64 of letters, digits and . _ @ + -",
                               o->name);
    struct cli_output *output = cli_output_open(cli);
    if (!output)
        return cli_exit_status(cli, false);
    if (make_pair(o, argv[1], &public_key, &err) != TCORE_OK) {
        cli_report(cli, &err);
        cli_output_close(output, true);
        return cli_exit_status(cli, false);
    }
    int length = snprintf(line, sizeof line, "%s %s\n", public_key.fingerprint, public_key.name);
    cli_output_lines(output, line, (size_t)length);
    cli_output_close(output, false);
    return cli_exit_status(cli, false);
}

const struct cli_verb key_verb = {
    .name = "key",
    .summary = "Make a pair of keys, or change who can read.",
    .operands = "new FILE | add|remove|rotate|destroy REPO",
    .description =
        "new writes the private key to FILE, which only its owner may read, and the public one to "
        "FILE.pub, and prints its fingerprint. Neither file may be there. A public key is what a "
        "role in the policy of a repository names; the private one never needs to be where the "
        "repository is written.\n"
        "\n"
        "add, remove and rotate make the key of a role one of those that can read what there is "
        "of its labels, take it away, or put it in the place of an old one; what is archived from "
        "now on is for the keys in the policy anyway. destroy takes away the keys of a label: "
        "nobody can read it any more, but in copies that were made before.\n"
        "\n"
        "Examples:\n"
        "  trace-record key new privacy\n"
        "  trace-record key new --signing --name=auditor auditor.key\n"
        "  trace-record key destroy repository --label=pii --until=2026-01-01\n",
    .groups = CLI_OUTPUT,
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct options),
    .run = run,
};
