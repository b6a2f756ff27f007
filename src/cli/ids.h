/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Operands that are ids: 32 or 16 hexadecimal digits, or a traceparent. Any other operand is an
 * INPUT; a file of such a name is ./NAME.
 */
#ifndef CLI_IDS_H
#define CLI_IDS_H

#include "cli/verb.h"
#include "model/id.h"

struct cli_id {
    char trace_id[TCORE_TRACE_ID + 1]; /* of 16 digits: with zeros in front, as such a trace id */
    char span_id[TCORE_SPAN_ID + 1];   /* of 16 digits and of a traceparent; else "" */
};

/* Whether text is an id that is not all zero; then *id. */
bool cli_parse_id(const char *text, struct cli_id *id);
/* Moves the operands that are ids to the front of argv, in their order, and returns how many. */
int cli_ids_first(int argc, char **argv);
/* For the operands that are left: reports those that cannot be read, which may be ids mistyped, so
 * that nothing is printed of the other inputs. False: there was one. */
bool cli_check_inputs(struct cli *cli, int count, char **inputs);

#endif
