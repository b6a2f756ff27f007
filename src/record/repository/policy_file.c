/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/policy_file.h"

#include "cli/helper.h"
#include "cli/message.h"
#include "cli/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int policy_load(struct cli *cli, struct policy *policy, int dirfd, const char *path,
                const char *name, bool optional, bool quiet)
{
    struct cli_helper_path helper;
    struct tcore_buf text = {0};
    struct tcore_error err = {0};
    enum tcore_status status = TCORE_FATAL;
    int errnum = cli_yaml_read_file(dirfd, path, O_NOFOLLOW, &text);

    if (errnum == ENOENT && optional) {
        policy_defaults(policy);
        return CLI_DONE;
    }
    if (errnum) {
        cli_error(cli, "%s: %s", name, strerror(errnum));
    } else {
        status = policy_parse(policy, name, text.length ? text.data : "", text.length,
                              cli_helper_path(&helper, "tracecore-jq"), &err);
        if (status == TCORE_FATAL)
            cli_report(cli, &err);
    }
    tcore_buf_free(&text);
    if (status == TCORE_FATAL)
        return CLI_FAILED;
    if (policy->problems.length && (status != TCORE_OK || !quiet))
        cli_note_lines(cli, &policy->problems);
    if (status == TCORE_OK)
        return CLI_DONE;
    cli->usage_error = true;
    return CLI_USAGE;
}
