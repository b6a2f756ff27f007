/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/protection.h"

#include "base/sys.h"
#include "cli/message.h"
#include "record/repository/policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int open_folder(struct cli *cli, const char *path)
{
    int dir = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (dir < 0)
        cli_error(cli, "%s: %s", path, strerror(errno));
    return dir;
}

/* Reads the policy of a folder and what belongs to it. */
static int load(struct protection *p, struct cli *cli, int dir, const char *file, const char *name,
                bool whole)
{
    struct tcore_error err = {0};
    int result = policy_load(cli, &p->policy, dir, file, name, whole, true);
    if (result != CLI_DONE)
        return result;
    enum tcore_status status = TCORE_OK;
    if (whole)
        status = policy_labels_open(&p->labels, &p->policy, dir, &err);
    if (status == TCORE_OK && redact_needs_key(&p->policy))
        status = redact_key(dir, p->key, &err);
    if (status == TCORE_OK)
        return CLI_DONE;
    err.input = name;
    cli_report(cli, &err);
    return CLI_FAILED;
}

int protection_open(struct protection *p, struct cli *cli, const char *repository)
{
    struct tcore_buf name = {0};
    *p = (struct protection){0};
    int dir = open_folder(cli, repository);
    if (dir < 0)
        return CLI_FAILED;
    tcore_buf_printf(&name, "%s/" POLICY_FILE, repository);
    tcore_buf_putc(&name, '\0');
    int result = load(p, cli, dir, POLICY_FILE, name.failed ? POLICY_FILE : name.data, true);
    tcore_buf_free(&name);
    tcore_sys()->close(dir);
    return result;
}

int protection_open_file(struct protection *p, struct cli *cli, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct tcore_buf folder = {0};
    *p = (struct protection){0};
    tcore_buf_append(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    tcore_buf_putc(&folder, '\0');
    if (folder.failed) {
        cli_error(cli, "out of memory");
        return CLI_FAILED;
    }
    int dir = open_folder(cli, folder.data);
    tcore_buf_free(&folder);
    if (dir < 0)
        return CLI_FAILED;
    int result = load(p, cli, dir, slash ? slash + 1 : path, path, false);
    tcore_sys()->close(dir);
    return result;
}

void protection_close(struct protection *p)
{
    policy_labels_free(&p->labels);
    policy_free(&p->policy);
    memset(p->key, 0, sizeof p->key);
}

enum tcore_status protection_redactor(const struct protection *p, struct redactor **redactor,
                                      struct tcore_error *err)
{
    *redactor = NULL;
    if (!redact_is_needed(&p->policy))
        return TCORE_OK;
    return redactor_new(redactor, &p->policy, p->key, err);
}
