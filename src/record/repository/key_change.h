/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing who can read what is sealed in the segments of a repository. */
#ifndef RECORD_REPOSITORY_KEY_CHANGE_H
#define RECORD_REPOSITORY_KEY_CHANGE_H

#include "cli/verb.h"

struct key_change_options {
    const char *role;  /* of the policy, whose key it is about */
    const char *label; /* of destroy */
    const char *key;   /* file of a private key that opens the labels */
    struct cli_time since, until;
};

/* action: add, remove, rotate or destroy. The exit status. */
int key_change(struct cli *cli, const char *action, const struct key_change_options *options,
               const char *repository);

#endif
