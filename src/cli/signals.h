/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signals. INT and TERM ask a run to end well (flush and seal what was accepted), as does HUP
 * unless it asks to read rules again, USR1 to print progress. Handlers set flags; INT, TERM and
 * USR1 also make a descriptor readable, for whoever waits in poll. A second INT or TERM ends the
 * process at once. A signal that was ignored when the program started stays ignored.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "cli/verb.h"

#include <signal.h>

enum { CLI_CATCH_STOP = 1, CLI_CATCH_PROGRESS = 2, CLI_CATCH_RELOAD = 4 };

/* From here on these are caught, for the rest of the process. System calls they interrupt give
 * EINTR. */
void cli_catch_signals(unsigned which);
/* Whether INT or TERM came, or a HUP that ends the run. */
bool cli_stop_requested(void);
/* Readable once they did, or after cli_wake_for_stop(); 0: not caught, or out of descriptors. */
int cli_stop_fd(void);
void cli_wake_for_stop(void);
/* Until that time of the monotonic clock. False: a stop was requested. */
bool cli_wait_until(int64_t time_ns);
/* Readable once USR1 came, or after cli_wake_for_progress(), until it is read; 0: not caught, or
 * out of descriptors. */
int cli_progress_fd(void);
void cli_wake_for_progress(void);
/* Whether USR1, or HUP, came since the last call. */
bool cli_take_progress_request(void);
bool cli_take_reload_request(void);
/* Around the start of threads: they leave these signals to the main one. */
void cli_block_signals(sigset_t *before);
void cli_restore_signals(const sigset_t *before);

/* Ignores SIGPIPE, so that a closed pipe is seen as EPIPE. Whether it was ignored before. */
bool cli_ignore_sigpipe(void);
/* In a child between fork and exec: signals as this process found them. Async-signal-safe. */
void cli_child_signals(const struct cli *cli);

#endif
