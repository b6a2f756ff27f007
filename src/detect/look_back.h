/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What trend, forecast and capacity have in common: each history is put at even distances and
 * handed to a judge, those that nothing can be said of are counted, and findings are written. */
#ifndef DETECT_LOOK_BACK_H
#define DETECT_LOOK_BACK_H

#include "cli/finding.h"
#include "detect/grid.h"
#include "detect/history.h"

#define LOOK_BACK_TYPES                                                                            \
    (1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_AGGREGATE)

struct look_back {
    struct histories all; /* first */
    int64_t step_ns; /* asked for; 0: as the points are */
    size_t shortest; /* steps with a point that a series needs */
    void *owner;
    /* Says what there is to say of a series whose grid has enough points. */
    enum tcore_status (*judge)(void *owner, uint32_t series, struct grid *grid,
                               struct tcore_buf *out, struct tcore_error *err);
    size_t judged, too_short, with_holes;
    uint64_t repeated; /* points with the time of another one */
    bool finished;
};

/* Hands all series to the judge. */
enum tcore_status look_back_at_all(struct look_back *back, struct tcore_buf *out,
                                   struct tcore_error *err);
/* Notes on standard error what nothing was said of. */
void look_back_note(const struct look_back *back, struct cli *cli);
/* The season of a grid, of which steps may be empty. */
enum tcore_status look_back_period(const struct grid *grid, size_t *period,
                                   struct tcore_error *err);
/*
 * Writes a finding of a series, whose names are filled in here. message is freed. apart: what tells
 * it from other findings of the kind for the same series, for the fingerprint; or "".
 */
enum tcore_status look_back_write(const struct look_back *back, uint32_t series,
                                  struct cli_finding *finding, struct tcore_buf *message,
                                  const char *apart, struct tcore_buf *out,
                                  struct tcore_error *err);

#endif
