/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What export and the foreign formats that it writes agree on. */
#ifndef RECORD_EXPORT_EXPORT_H
#define RECORD_EXPORT_EXPORT_H

#include "base/buf.h"
#include "cli/verb.h"

#define EXPORT_PIECE_BYTES ((size_t)256 * 1024) /* of output at a time, where all was held */

struct export_options {
    const char *format;
    bool unframed;
    struct cli_strings fields;
};

/* A format is a run over the inputs, with an operator of its own; gives the exit status. */
struct export_format {
    const char *name; /* of --to-format */
    int (*run)(struct cli *cli, const struct export_options *options, int argc, char **argv);
};
extern const struct export_format export_chrome, export_csv, export_jaeger, export_mplp,
    export_openmetrics, export_otlp_json, export_otlp_protobuf, export_zipkin;

/* How much may be held: --memory, or its default. */
int64_t export_memory(const struct cli *cli);
/* Whether what is written is seen by people as it is: then it must be made harmless for a terminal.
 */
bool export_is_shown(const struct cli *cli);
/* Appends text for the output, harmless if it is shown. */
void export_show(struct tcore_buf *out, const char *text, size_t length, bool shown);
/* Whether an input may keep its reader waiting: anything but files and directories. */
bool export_may_wait(int argc, char **argv);

#endif
