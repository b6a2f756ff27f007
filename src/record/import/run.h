/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Driving import: inputs are read on the main thread, chunks converted on workers, results written
 * in input order, so that neither output nor messages depend on how many workers there are.
 */
#ifndef RECORD_IMPORT_RUN_H
#define RECORD_IMPORT_RUN_H

#include "cli/output.h"
#include "record/import/import.h"
#include "record/repository/protection.h"

struct import_run;

/* Output, format (of --from, or NULL) and select (NULL: all records) must outlive the run. */
enum tcore_status import_run_new(struct import_run **run, struct cli *cli,
                                 struct cli_output *output, const struct import_format *format,
                                 const struct import_select *select, struct tcore_error *err);
/* From now on records are redacted as its policy (borrowed) says. */
enum tcore_status import_run_redact(struct import_run *run, const struct protection *protection,
                                    struct tcore_error *err);
/* From now on these settings (borrowed) hold. */
void import_run_settings(struct import_run *run, const struct import_settings *settings);
/* Opens --rejects. False: it was reported. */
bool import_run_open_rejects(struct import_run *run);
/* Converts one input, "-" being standard input. False: stop, no more output is wanted or the run
 * has failed; what failed was reported. */
bool import_run_input(struct import_run *run, const char *path);
/* Says what was left out, frees. */
void import_run_end(struct import_run *run);

#endif
