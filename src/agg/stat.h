/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statistics that --stat names: parsing them. */
#ifndef AGG_STAT_H
#define AGG_STAT_H

#include "base/error.h"
#include "stats/stat.h"

/* What is computed unless --stat is given. */
#define AGG_DEFAULT_STATS 7
extern const char *agg_default_stats[AGG_DEFAULT_STATS];

/* Parses the names. TCORE_BAD_INPUT: an unknown one, or none. */
enum tcore_status agg_stats_parse(struct tcore_stats *list, const char *const *names, size_t count,
                                  struct tcore_error *err);
/* The same for statistics that are to be told by cells which were made for others, and in windows
 * or not. TCORE_BAD_INPUT as well: one that they do not hold. chosen is to be freed either way. */
enum tcore_status agg_stats_choose(struct tcore_stats *chosen, const struct tcore_stats *held,
                                   bool windows, const char *const *names, size_t count,
                                   struct tcore_error *err);
void agg_stats_free(struct tcore_stats *list);
/* Whether some statistic of the list is of that kind. */
bool agg_wants(const struct tcore_stats *stats, enum tcore_stat_kind kind);
/* The one that has the state of increase and increaseRate, or NULL. */
const struct tcore_stat *agg_increase(const struct tcore_stats *stats);

#endif
