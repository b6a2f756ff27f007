/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --version and --help, the same in all programs. */
#ifndef TRACECORE_CLI_ABOUT_H
#define TRACECORE_CLI_ABOUT_H

/* Answers --version and --help with 0; anything else is a usage error, 2. summary is one line. */
int cli_about(const char *program, const char *summary, int argc, char **argv);

#endif
