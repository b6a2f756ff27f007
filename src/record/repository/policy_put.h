/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORD_REPOSITORY_POLICY_PUT_H
#define RECORD_REPOSITORY_POLICY_PUT_H

#include "cli/verb.h"

/* Checks the policy in a file and puts it into the repository (a descriptor of its directory), in
 * one step and with an event in its audit log. CLI_DONE, or the exit status: it was reported. */
int policy_put(struct cli *cli, int repository, const char *file);

#endif
