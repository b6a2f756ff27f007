/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record: what programs, shells and other tools emit flows in; native records (NDJSON or the
 * binary stream) flow out, or are kept in a repository. */
#include <config.h>

#include "cli/verb.h"
#include "record/verbs.h"

static const struct cli_verb *const verbs[] = {
    /* capture */
    &run_verb,
    &start_verb,
    &update_verb,
    &checkpoint_verb,
    &event_verb,
    &metric_verb,
    &define_verb,
    &host_verb,
    &finish_verb,
    &fail_verb,
    &cancel_verb,
    &listen_verb,
    /* executions */
    &active_verb,
    &status_verb,
    &follow_verb,
    &history_verb,
    &snapshot_verb,
    /* convert */
    &import_verb,
    &export_verb,
    &send_verb,
    /* keep */
    &init_verb,
    &archive_verb,
    &read_verb,
    &ls_verb,
    &check_verb,
    &rollup_verb,
    &compact_verb,
    &retain_verb,
    &hold_verb,
    &erase_verb,
    &repair_verb,
    &policy_verb,
    &key_verb,
    &audit_verb,
    NULL,
};

static const struct cli_program program = {
    .name = "trace-record",
    .summary = "Capture, convert and keep traces and metrics.",
    .verbs = verbs,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
