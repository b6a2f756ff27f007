/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-detect: metrics, aggregates or spans flow in; findings flow out. */
#include <config.h>

#include "cli/verb.h"
#include "detect/verbs.h"

static const struct cli_verb *const verbs[] = {
    &detect_anomaly,
    &detect_change,
    &detect_compare,
    &detect_trend,
    &detect_forecast,
    &detect_capacity,
    &detect_cause,
    NULL,
};

static const struct cli_program program = {
    .name = "trace-detect",
    .summary = "Find what is wrong, since when, why and what next.",
    .verbs = verbs,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
