/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which segments may have records of a trace: REPO/filters (store/trace_filters.h) of those that
 * are in it, by groups of 64, and each segment's own index of the others. The file is no authority
 * and may be deleted at any time, though its seed is drawn anew then, and only new segments fit.
 */
#ifndef TRACECORE_STORE_KNOWN_TRACES_H
#define TRACECORE_STORE_KNOWN_TRACES_H

#include "store/repository.h"
#include "store/trace_filters.h"

#pragma GCC visibility push(hidden)

/* For each segment of the list, in may_have[]: whether it may have records of one of the traces. */
enum tcore_status tcore_known_traces_find(struct tcore_repository *r,
                                          const struct tcore_segment_list *list,
                                          const uint8_t (*ids)[TCORE_TRACE_ID_BYTES], size_t count,
                                          bool *may_have, struct tcore_error *err);

/* Forgets all segments, those that are gone among them. New ones fit as before. */
enum tcore_status tcore_known_traces_renew(struct tcore_repository *r, struct tcore_error *err);

/* Adds groups of segments that are not in the file, 64 at a time, in the order of the list. *added
 * counts segments. TCORE_FATAL. */
enum tcore_status tcore_known_traces_update(struct tcore_repository *r, size_t *added,
                                            struct tcore_error *err);

#pragma GCC visibility pop

#endif
