/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bringing up to date what a repository has beside its segments: joint roll-ups, trace filters and
 * the catalog. */
#ifndef TRACECORE_STORE_REFRESH_H
#define TRACECORE_STORE_REFRESH_H

#include "store/repository.h"

#pragma GCC visibility push(hidden)

/* anew: also nothing is left of segments that are gone. TCORE_BAD_INPUT: a segment is damaged. */
enum tcore_status tcore_repository_refresh(struct tcore_repository *r, bool anew,
                                           struct tcore_error *err);

#pragma GCC visibility pop

#endif
