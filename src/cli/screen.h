/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What text for people may look like, where it goes: how wide, in which characters, in colour. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "cli/verb.h"

/* Whether colour is welcome on a terminal: not with NO_COLOR, nor on one that is dumb: where TERM
 * says that it knows no such thing, or says nothing. */
bool cli_colour_is_welcome(void);
bool cli_terminal_is_dumb(void);

struct cli_screen {
    unsigned width; /* columns: COLUMNS, else the terminal's, else 80; at least 1 */
    bool unicode;   /* the locale is UTF-8; else ASCII */
    bool colour;    /* a terminal where it is welcome */
};

/* Of standard output, or the file of -o. */
void cli_screen_look(struct cli_screen *screen, const struct cli *cli);

#endif
