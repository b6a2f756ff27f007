/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --type, --since, --until and --where: what they ask for, and which rows of a batch that leaves.
 * Threads share a struct cli_select and have a tcore_expr_state each.
 */
#ifndef CLI_SELECT_H
#define CLI_SELECT_H

#include "cli/verb.h"
#include "model/batch.h"
#include "model/projection.h"
#include "query/expr.h"

/* A zeroed struct with io set selects everything. */
struct cli_select {
    const struct cli_io_options *io;
    bool timed;                       /* --since or --until */
    size_t start, time, window_start; /* columns */
    struct tcore_expr *where;         /* NULL: no --where */
    size_t where_columns[2]; /* those from the first on and before the second are of --where */
};

/* Records that are left out for another reason than that they are not wanted. */
struct cli_left_out {
    uint64_t untimed; /* --since or --until, and they have no time */
    uint64_t failed;  /* --where gave an error */
};

/* The bits of the types that --type names; 0 if it is not given. CLI_DONE, or CLI_USAGE. */
int cli_select_types(struct cli *cli, unsigned *types);
/* Compiles --where, if there is one. CLI_DONE, or the exit status after a report. */
int cli_select_where(struct cli_select *select, struct cli *cli,
                     struct tcore_projection *projection);
/* Asks for the columns that times are in; clocks: in any case for those of clock records. */
enum tcore_status cli_select_times(struct cli_select *select, bool clocks,
                                   struct tcore_projection *projection, struct tcore_error *err);
void cli_select_free(struct cli_select *select);
/* Says what was left out; reason: of the first error of --where, or NULL. */
void cli_select_note(struct cli *cli, const struct cli_left_out *left_out, const char *reason);

/* --- select_rows.c */

/* When a record was: a span's start, an aggregate's window, the time of anything else. */
bool cli_select_time_of(const struct cli_select *select, const struct tcore_batch *batch,
                        size_t row, int64_t *ns);
/*
 * Leaves of rows[0..*count) those that are wanted, in their order. Clock records are no matter of
 * times and expressions, and stay. where: of this thread, NULL without --where. TCORE_FATAL.
 */
enum tcore_status cli_select_rows(const struct cli_select *select, struct tcore_expr_state *where,
                                  const struct tcore_batch *batch, uint32_t *rows, size_t *count,
                                  struct cli_left_out *left_out, struct tcore_error *err);

#endif
