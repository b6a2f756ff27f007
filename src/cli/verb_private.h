/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the front end tell each other about a run. */
#ifndef CLI_VERB_PRIVATE_H
#define CLI_VERB_PRIVATE_H

#include "cli/verb.h"

/* Reports "NAME: reason of errnum", a failed output. */
void cli_output_failed(struct cli *cli, const char *name, int errnum);

#endif
