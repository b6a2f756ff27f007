/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>

bool cli_ignore_sigpipe(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    return sigaction(SIGPIPE, &ignore, &before) == 0 && before.sa_handler == SIG_IGN;
}

void cli_child_signals(const struct cli *cli)
{
    struct sigaction normal = {.sa_handler = SIG_DFL};
    if (!cli->sigpipe_was_ignored)
        (void)sigaction(SIGPIPE, &normal, NULL);
}
