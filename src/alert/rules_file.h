/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a rule file from disk and telling what is wrong with it. */
#ifndef ALERT_RULES_FILE_H
#define ALERT_RULES_FILE_H

#include "alert/rules.h"
#include "cli/verb.h"

/* Reads path into zeroed rules and prints its problems. CLI_DONE, CLI_USAGE (errors in the rules)
 * or CLI_FAILED. To be freed in any case. quiet: warnings are not printed. */
int rules_load(struct cli *cli, struct rules *rules, const char *path, bool quiet);
/* The same for rules that take the place of others: one line says why they do not. */
bool rules_load_again(struct cli *cli, struct rules *rules, const char *path);

#endif
