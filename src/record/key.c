/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record key: new key pairs out, as files. */
#include <config.h>

#include "base/buf.h"
#include "base/sys.h"
#include "cli/message.h"
#include "cli/output.h"
#include "record/verbs.h"
#include "store/key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct options {
    const char *name;
    bool signing;
};

static const struct cli_option table[] = {
    {0, "name", CLI_STRING, offsetof(struct options, name), "NAME",
     "whose key it is (default: FILE without its folder)", NULL},
    {0, "signing", CLI_FLAG, offsetof(struct options, signing), NULL,
     "a key that signs checkpoints of the audit log, instead of one to read with", NULL},
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

    if (argc < 1 || strcmp(argv[0], "new") != 0)
        return cli_usage_error(cli, "say what to do with a key: new FILE");
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
    .summary = "Make a pair of keys.",
    .operands = "new FILE",
    .description =
        "Writes the private key to FILE, which only its owner may read, and the public one to "
        "FILE.pub, and prints its fingerprint. Neither file may be there. A public key is what a "
        "role in the policy of a repository names; the private one never needs to be where the "
        "repository is written.\n"
        "\n"
        "Examples:\n"
        "  trace-record key new privacy\n"
        "  trace-record key new --signing --name=auditor auditor.key\n",
    .groups = CLI_OUTPUT,
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct options),
    .run = run,
};
