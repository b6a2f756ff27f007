/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of trace-report, each in the file of its name. */
#ifndef REPORT_VERBS_H
#define REPORT_VERBS_H

#include "cli/verb.h"

extern const struct cli_verb report_summary, report_table, report_trace;

#endif
