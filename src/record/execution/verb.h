/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the verbs on one execution share: options, the ID operand, appending. */
#ifndef RECORD_EXECUTION_VERB_H
#define RECORD_EXECUTION_VERB_H

#include "cli/verb.h"
#include "model/id.h"
#include "record/destination.h"
#include "record/execution/execution.h"
#include "record/execution/find.h"

struct execution_options {
    const char *to, *durability;
    struct cli_strings attributes;
    const char *result, *error, *reason;
};

#define EXECUTION_OPTION_TO         DESTINATION_TO(struct execution_options, to)
#define EXECUTION_OPTION_DURABILITY DESTINATION_DURABILITY(struct execution_options, durability)
#define EXECUTION_OPTION_ATTR                                                                      \
    {                                                                                              \
        0, "attr", CLI_STRINGS, offsetof(struct execution_options, attributes), "K=V",             \
            "add an attribute; numbers, true and false are taken as such", NULL                    \
    }

/* The execution that an operand names: what start printed, or its 16 digits. trace_id is "" if the
 * operand does not say it. False: a usage error was reported. */
bool execution_id(struct cli *cli, const char *operand, struct tcore_traceparent *id);
/* Checks attributes and that there are the operands of these names (second may be NULL). CLI_DONE,
 * or CLI_USAGE after reporting. */
int execution_check(struct cli *cli, const struct execution_options *o, int argc, const char *first,
                    const char *second);
/* Folds the execution, which must be running. False: it is not, or cannot be read, which was
 * reported. To be freed in any case. */
bool execution_load(struct cli *cli, const char *path, const char *id, struct execution *execution);
/* Appends the lines and frees them. The exit status. */
int execution_append(struct cli *cli, const struct destination *to, struct tcore_buf *lines);
/* Appends what is known of an execution as parts of its span, with a NUL: the members of its
 * attributes, and checkpoints and events as elements of its events. */
void execution_put_attributes(struct tcore_buf *out, const struct execution *e);
void execution_put_moments(struct tcore_buf *out, const struct execution *e);
/* Text as a JSON value if it is one, else as a string. */
void execution_put_value(struct tcore_buf *out, const char *text);

#endif
