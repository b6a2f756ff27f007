/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The private keys of --key and --key-descriptor. */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "cli/verb.h"

/* Reads them into cli->keys, once for all that the verb does. CLI_DONE, or CLI_FAILED after a
 * report. */
int cli_open_keys(struct cli *cli);

#endif
