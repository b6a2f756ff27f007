/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of trace-alert, each in the file of its name. */
#ifndef ALERT_VERBS_H
#define ALERT_VERBS_H

#include "cli/verb.h"

extern const struct cli_verb alert_check;
extern const struct cli_verb alert_run_rules; /* run */

#endif
