/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The policy of a repository, from its file. */
#ifndef RECORD_REPOSITORY_POLICY_FILE_H
#define RECORD_REPOSITORY_POLICY_FILE_H

#include "cli/verb.h"
#include "record/repository/policy.h"

#define POLICY_FILE "policy.yaml"

/*
 * Reads a policy from a file into a zeroed struct; path is relative to dirfd, name is what messages
 * call it. optional: a file that is not there means the defaults. Problems are reported, warnings
 * unless quiet. CLI_DONE, or the exit status. To be freed in any case.
 */
int policy_load(struct cli *cli, struct policy *policy, int dirfd, const char *path,
                const char *name, bool optional, bool quiet);

#endif
