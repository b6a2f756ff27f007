/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of trace-span, each in the file of its name. */
#ifndef SPAN_VERBS_H
#define SPAN_VERBS_H

#include "cli/verb.h"

extern const struct cli_verb span_analyze;
extern const struct cli_verb span_assemble;
extern const struct cli_verb span_context;
extern const struct cli_verb span_correlate;
extern const struct cli_verb span_cut;
extern const struct cli_verb span_diff;
extern const struct cli_verb span_errors;
extern const struct cli_verb span_filter;
extern const struct cli_verb span_get;
extern const struct cli_verb span_map;
extern const struct cli_verb span_path;
extern const struct cli_verb span_patterns;
extern const struct cli_verb span_related;
extern const struct cli_verb span_sample;
extern const struct cli_verb span_search;
extern const struct cli_verb span_sort;
extern const struct cli_verb span_timeline;

#endif
