/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signals. INT and TERM ask a run to end well (flush and seal what was accepted), HUP to read its
 * rules again, USR1 to print progress. Handlers only set flags and write to a pipe that loops can
 * poll.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "cli/verb.h"

/* Ignores SIGPIPE, so that a closed pipe is seen as EPIPE. Whether it was ignored before. */
bool cli_ignore_sigpipe(void);
/* In a child between fork and exec: signals as this process found them. Async-signal-safe. */
void cli_child_signals(const struct cli *cli);

#endif
