/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * assemble --summary --fields=...: where only sums and extremes of each trace are asked for, spans
 * are not kept, and lines are written as --format wants them at once. Its callbacks are those of
 * struct cli_operator.
 */
#ifndef SPAN_BRIEF_H
#define SPAN_BRIEF_H

#include "cli/filter.h"

struct brief;

/* Whether --fields names fields of that kind only, and no binary stream is asked for. */
bool brief_suffices(const struct cli_io_options *io);

/* NULL after a report. */
struct brief *brief_open(struct cli *cli);
void brief_close(struct brief *brief);

enum tcore_status brief_columns(void *brief, struct tcore_projection *projection,
                                struct tcore_error *err);
enum tcore_status brief_worker(void *brief, void **worker, struct tcore_error *err);
enum tcore_status brief_batch(void *brief, void *worker, const struct tcore_batch *batch,
                              const uint32_t *rows, size_t count, struct tcore_buf *out,
                              struct tcore_error *err);
enum tcore_status brief_sums(void *brief, void *worker, const struct tcore_trace_sums *sums,
                             struct tcore_error *err);
enum tcore_status brief_finish(void *brief, struct tcore_buf *out, struct tcore_error *err);
bool brief_gives_rows(void *brief);

#endif
