/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of trace-record, each in the file of its name. */
#ifndef RECORD_VERBS_H
#define RECORD_VERBS_H

#include "cli/verb.h"

extern const struct cli_verb archive_verb, check_verb, init_verb, ls_verb, read_verb, rollup_verb;
extern const struct cli_verb cancel_verb, checkpoint_verb, event_verb, fail_verb, finish_verb,
    import_verb, listen_verb, metric_verb, run_verb, start_verb, update_verb;
extern const struct cli_verb active_verb, follow_verb, history_verb, snapshot_verb, status_verb;
extern const struct cli_verb define_verb, host_verb;
extern const struct cli_verb compact_verb, erase_verb, hold_verb, repair_verb, retain_verb;
extern const struct cli_verb export_verb, send_verb;
extern const struct cli_verb audit_verb, key_verb, policy_verb;

#endif
