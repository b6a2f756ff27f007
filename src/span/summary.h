/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * assemble --summary: a few numbers of each trace. They are taken partition by partition, each of
 * which is released at once, so that the rows of all spans and the summaries of all traces are
 * never in memory together.
 */
#ifndef SPAN_SUMMARY_H
#define SPAN_SUMMARY_H

#include "base/buf.h"
#include "span/gather.h"

struct summaries;

/* Takes the sealed store. */
enum tcore_status summaries_new(struct summaries **summaries, struct gather *gather,
                                struct tcore_error *err);
void summaries_free(struct summaries *summaries);
/* Appends the next trace records; TCORE_SKIP: there are more. */
enum tcore_status summaries_next(struct summaries *summaries, struct tcore_buf *out,
                                 struct tcore_error *err);

#endif
