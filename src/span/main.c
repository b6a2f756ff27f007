/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span: spans flow in; spans, or what is found in them (traces, paths, maps,
 * patterns), flow out. */
#include <config.h>

#include "cli/verb.h"
#include "span/verbs.h"

static const struct cli_verb *const verbs[] = {
    &span_analyze, &span_assemble, &span_context, &span_correlate, &span_cut,      &span_diff,
    &span_errors,  &span_filter,   &span_get,     &span_map,       &span_path,     &span_patterns,
    &span_related, &span_sample,   &span_search,  &span_sort,      &span_timeline, NULL,
};

static const struct cli_program program = {
    .name = "trace-span",
    .summary = "Work on spans and traces: select, assemble, analyse.",
    .verbs = verbs,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
