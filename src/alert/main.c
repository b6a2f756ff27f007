/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-alert: records flow in; alerts and notifications flow out, and messages to people. */
#include <config.h>

#include "cli/verb.h"
#include "alert/verbs.h"

static const struct cli_verb *const verbs[] = {
    &alert_run_rules,
    &alert_check,
    NULL,
};

static const struct cli_program program = {
    .name = "trace-alert",
    .summary = "Turn rules into messages to people.",
    .verbs = verbs,
    .default_verb = "run",
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
