/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of trace-detect, each in the file of its name. */
#ifndef DETECT_VERBS_H
#define DETECT_VERBS_H

#include "cli/verb.h"

extern const struct cli_verb detect_anomaly;
extern const struct cli_verb detect_capacity;
extern const struct cli_verb detect_cause;
extern const struct cli_verb detect_change;
extern const struct cli_verb detect_compare;
extern const struct cli_verb detect_forecast;
extern const struct cli_verb detect_trend;

#endif
