/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a policy asks for when records are written: redaction, and sealing by labels. */
#ifndef RECORD_REPOSITORY_PROTECTION_H
#define RECORD_REPOSITORY_PROTECTION_H

#include "cli/verb.h"
#include "record/repository/policy_labels.h"
#include "record/redact.h"

struct protection {
    struct policy policy;
    struct policy_labels labels;
    unsigned char key[REDACT_KEY_BYTES]; /* of pseudonyms, if they are needed */
};

/* Of a repository: its policy.yaml, or the defaults; with labels and the keys of their readers.
 * CLI_DONE, or the exit status: it was reported. To be closed in any case. */
int protection_open(struct protection *protection, struct cli *cli, const char *repository);
/* Of a file with a policy: only its redaction; keys/ is beside it. */
int protection_open_file(struct protection *protection, struct cli *cli, const char *path);
void protection_close(struct protection *protection);
/* For a thread; *redactor is NULL if there is nothing to redact. */
enum tcore_status protection_redactor(const struct protection *protection,
                                      struct redactor **redactor, struct tcore_error *err);

#endif
