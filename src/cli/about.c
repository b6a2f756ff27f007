/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/about.h"

#include "base/version.h"
#include "closeout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_about(const char *program, const char *summary, int argc, char **argv)
{
    atexit(close_stdout);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("%s (tracecore) %s\n", program, tcore_version());
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("Usage: %s [VERB] [OPTION]... [INPUT]...\n%s\n", program, summary);
        return 0;
    }
    fprintf(stderr, "%s: usage: %s [VERB] [OPTION]... [INPUT]...\n", program, program);
    return 2;
}
