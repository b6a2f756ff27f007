/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is needed to say how a history at even distances will go on. */
#ifndef DETECT_OUTLOOK_H
#define DETECT_OUTLOOK_H

#include "detect/grid.h"
#include "stats/forecast.h"

#define OUTLOOK_LONGEST 100000 /* steps that are forecast at most */

/* A point in time ahead. */
struct outlook_horizon {
    int64_t ns; /* 0: so many steps */
    int64_t steps;
};

/* "4h" or "48". False: it is neither, or 0. */
bool outlook_parse_horizon(const char *text, struct outlook_horizon *horizon);
/* How many steps of a grid reach the horizon; 0: too many, or beyond what a time can be. */
size_t outlook_steps(const struct grid *grid, const struct outlook_horizon *horizon);
/* The seasons of a grid, of which empty steps are filled. TCORE_OK, or TCORE_FATAL (no memory). */
enum tcore_status outlook_seasons(struct grid *grid, struct tcore_seasons *seasons,
                                  struct tcore_error *err);

#endif
