/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of trace-agg, each in the file of its name. */
#ifndef AGG_VERBS_H
#define AGG_VERBS_H

#include "cli/verb.h"

extern const struct cli_verb agg_aggregate;

#endif
