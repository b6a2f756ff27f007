/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb's own state, which its callbacks share. Private to aggregate.c, columns.c, stream.c. */
#ifndef AGG_AGGREGATION_H
#define AGG_AGGREGATION_H

#include "agg/agg.h"
#include "cli/filter.h"

struct aggregation {
    struct cli *cli;
    struct cli_map map;                   /* --map: its program, */
    struct tcore_projection made_columns; /* and the columns of what it makes */
    struct agg_plan plan;
    struct agg_work total;
    struct agg_emitter emitter;
    struct agg_partial partial_state, *partial; /* NULL: statistics, not states */
    char exemplars[32];                         /* the name of that statistic */
    int64_t lateness_ns;
    int64_t newest_ns;        /* event time, with --lateness or --idle */
    int64_t future_ns;        /* what is beyond it does not move event time */
    int64_t first_open;       /* index of the first window that is open */
    struct agg_closed closed; /* what that means for panes */
    bool emitted;             /* all cells are out */
    bool ending;              /* finish was called */
    bool incomplete;          /* a partial would lack a part of its input: it gets no trailer */
};

/* columns.c: the operator's open(). */
enum tcore_status agg_open_columns(void *state, struct tcore_projection *projection,
                                   struct tcore_error *err);

/* stream.c: the operator's batch() where windows close as event time goes on. */
enum tcore_status agg_add_in_order(void *state, void *worker, const struct tcore_batch *batch,
                                   const uint32_t *rows, size_t count, struct tcore_buf *out,
                                   struct tcore_error *err);

/* mapped.c: open(), batch() and refused() with --map; a mapper for the work of this thread; notes.
 */
enum tcore_status agg_open_mapped(void *state, struct tcore_projection *projection,
                                  struct tcore_error *err);
enum tcore_status agg_work_map(struct agg_work *work, const struct aggregation *agg,
                               struct tcore_error *err);
enum tcore_status agg_add_mapped(void *state, void *worker, const struct tcore_batch *batch,
                                 const uint32_t *rows, size_t count, struct tcore_buf *out,
                                 struct tcore_error *err);
const struct cli_refusal *agg_refused(void *state, void *worker, size_t *count);
void agg_note_mapped(const struct aggregation *agg);

#endif
