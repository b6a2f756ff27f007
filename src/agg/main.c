/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-agg: records flow in; one aggregate record a group and window flows out. */
#include <config.h>

#include "cli/verb.h"
#include "agg/verbs.h"

static const struct cli_verb *const verbs[] = {
    &agg_aggregate,
    NULL,
};

static const struct cli_program program = {
    .name = "trace-agg",
    .summary = "Aggregate records by window and group.",
    .verbs = verbs,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
