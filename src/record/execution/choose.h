/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --where for what a verb makes of records, instead of the records that it reads. */
#ifndef RECORD_EXECUTION_CHOOSE_H
#define RECORD_EXECUTION_CHOOSE_H

#include "cli/select.h"
#include "stream/input.h"

struct execution_choice {
    struct cli_io_options io; /* nothing but --where */
    struct cli_select select;
    struct tcore_projection projection;
    struct tcore_expr_state *state;
    struct tcore_decoder *decoder;
    struct cli_left_out left_out;
};

/* Takes --where out of cli->io. CLI_DONE, or the exit status after a report; to be closed in any
 * case. */
int execution_choice_open(struct execution_choice *choice, struct cli *cli);
/* Appends those of the lines for which it is true, all without --where. The buffer of the lines
 * must have room for TCORE_BATCH_PADDING bytes more, and is emptied. */
enum tcore_status execution_choice_take(struct execution_choice *choice, struct tcore_buf *lines,
                                        struct tcore_buf *out, struct tcore_error *err);
/* Also says what --where failed on. */
void execution_choice_close(struct execution_choice *choice, struct cli *cli);

#endif
