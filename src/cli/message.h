/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The only place that prints messages: PROGRAM: FILE:LINE: text, on standard error, one line each,
 * control characters of data made visible.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "base/buf.h"
#include "cli/verb.h"

/* A failed input, output or helper: prints and sets cli->failed (TCORE_BAD_INPUT, TCORE_FATAL). */
void cli_report(struct cli *cli, const struct tcore_error *err);
/* The same for text made here. */
void cli_error(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A usage error with a hint to --help; returns CLI_USAGE. */
int cli_usage_error(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Something worth knowing that changes no status. */
void cli_note(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A note for each line of lines. */
void cli_note_lines(struct cli *cli, const struct tcore_buf *lines);
/* A rejected record: prints FILE:LINE: reason (byte N), counts it. After 20 messages a run only
 * counts; the total is printed at the end. */
void cli_reject(struct cli *cli, const char *input, uint64_t line, uint64_t byte,
                const char *reason);
/* Prints the total if there were more than that; cli_main does at the end. */
void cli_reject_total(struct cli *cli);
/* The one of names (NULL-terminated) nearest to text by edit distance, or NULL if none is near. */
const char *cli_nearest(const char *text, const char *const *names);

#endif
