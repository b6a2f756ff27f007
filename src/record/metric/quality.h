/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a metric says of itself when only a share of its kind is recorded. */
#ifndef RECORD_METRIC_QUALITY_H
#define RECORD_METRIC_QUALITY_H

#include "base/buf.h"
#include "model/json.h"

/*
 * Appends the value that the member quality of this metric has from now on: the one that it has,
 * with a sampleRate that is the rate times the one before. TCORE_FATAL: out of memory.
 */
enum tcore_status metric_put_quality(double rate, const struct tcore_json *json,
                                     struct tcore_buf *out, struct tcore_error *err);

#endif
