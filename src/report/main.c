/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-report: records of any type flow in; pages, pictures and summaries flow out. */
#include <config.h>

#include "cli/verb.h"
#include "report/verbs.h"

static const struct cli_verb *const verbs[] = {
    &report_summary,
    &report_table,
    &report_trace,
    NULL,
};

static const struct cli_program program = {
    .name = "trace-report",
    .summary = "Show traces to people.",
    .verbs = verbs,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
