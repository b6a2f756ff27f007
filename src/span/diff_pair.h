/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two traces span by span: diff_pair.c aligns and compares them, diff_pair_write.c tells of it in
 * records, diff_tree.c draws it.
 */
#ifndef SPAN_DIFF_PAIR_H
#define SPAN_DIFF_PAIR_H

#include "span/diff.h"

/* A span on one side that looks for its like. */
struct single {
    uint32_t operation, span;
};

enum difference { OWN_TIME, WHOLE_TIME, FAILURE, TOGETHER, LAYER, SUBTREE };

struct difference_found {
    enum difference what;
    uint32_t span[DIFF_SIDES]; /* TCORE_SPAN_NONE: there is none */
    uint32_t number;           /* which one among its siblings of that operation, from 1 */
    double value[DIFF_SIDES];
    int64_t effect_ns;
};

/* A span of one side or the other, or two that belong together. */
struct pair {
    uint32_t span[DIFF_SIDES]; /* TCORE_SPAN_NONE: there is none */
    uint32_t number;
    uint32_t parent; /* the pair whose spans are above; DIFF_NONE */
    bool whole;      /* it stands for all that is below it, too */
    bool changed;
};

struct pairing {
    const struct diff_both *both;
    const struct trace_build *build;
    const struct diff_options *options;
    struct pair *pair; /* parents first; owned */
    uint32_t pairs;
    struct single *single[DIFF_SIDES]; /* owned */
    uint32_t *below[DIFF_SIDES];       /* how many spans each one is with all below it; owned */
    struct difference_found *found;    /* owned */
    uint32_t found_count;
};

/* The operation of a span, and how long it was (0: that is not known). */
uint32_t pairing_operation(const struct pairing *p, int side, uint32_t span);
int64_t pairing_duration(const struct pairing *p, int side, uint32_t span);
/* Whether two times differ by more than --min-effect. */
bool pairing_differs(const struct pairing *p, int64_t base_ns, int64_t cand_ns);

/* --- diff_pair_write.c */

/* Appends a finding record of each difference, the largest first; found is put into that order.
 * False: no memory. */
bool pairing_write(struct pairing *p, unsigned depth_limit, struct tcore_buf *out);

/* --- diff_tree.c */

/* Appends both traces as one tree, at most so many rows of it. False: no memory. */
bool pairing_draw(const struct pairing *p, const struct cli_screen *screen, uint32_t most,
                  struct tcore_buf *out);

#endif
