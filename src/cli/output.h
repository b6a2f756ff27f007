/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The output of a record-writing verb. Records come in as canonical NDJSON lines; this turns them
 * into what was asked for: NDJSON as it is, binary (-b), tsv, csv or an aligned table, with
 * --fields and
 * --limit, to standard output or to -o FILE (a temporary file renamed at the end). A closed pipe is
 * a quiet end; a full disk is diagnosed, at close at the latest.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli/verb.h"

struct cli_output;

/* Opens what cli->io asks for. NULL: reported, cli->failed or a usage error (-b on a terminal). */
struct cli_output *cli_output_open(struct cli *cli);
/* Whole lines; of a verb without CLI_WRITES any text, which goes out as it is. False when no more
 * output is wanted (closed pipe, --limit reached, failure): stop.
 */
bool cli_output_lines(struct cli_output *output, const char *lines, size_t length);
/* Lines that are what --format (ndjson, tsv or csv) makes of records with --fields, without the
 * heading, where every field is one that some record has; nothing in them that a terminal must not
 * get. For a verb that makes them faster than records could be. Not mixed with cli_output_lines. */
bool cli_output_rows(struct cli_output *output, const char *rows, size_t length);
/* Text for people in the place of records, whatever --format is; as above, nothing in it that a
 * terminal must not get. Not mixed with the others. */
bool cli_output_text(struct cli_output *output, const char *text, size_t length);
/* Whether the output is binary and takes blocks that others made of records; and takes some, with
 * how many records they have. Records that came as lines are written before them. */
bool cli_output_takes_blocks(const struct cli_output *output);
bool cli_output_blocks(struct cli_output *output, const char *blocks, size_t length,
                       uint64_t records);
/* For reports: whether people look at it, and whether colour is welcome (NO_COLOR). */
bool cli_output_is_terminal(const struct cli_output *output);
bool cli_output_has_colour(const struct cli_output *output);
/* Makes everything written so far visible to the reader. */
bool cli_output_flush(struct cli_output *output);
/* Flushes, checks, renames, frees. Failures are reported. discard: a failed run leaves no -o FILE.
 */
void cli_output_close(struct cli_output *output, bool discard);

#endif
