/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --sample on metrics: chance decides about each, as for those of trace-record metric. Spans are
 * sampled by their traces instead (collect.h), and logs not at all.
 */
#include <config.h>

#include "record/listen/rules.h"

#include "model/canonical.h"
#include "record/member.h"
#include "record/metric/metric.h"
#include "record/metric/quality.h"

static enum tcore_status sample_line(double rate, struct tcore_json *json,
                                     const struct tcore_slice *line, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    struct tcore_buf quality = {0};
    enum tcore_status status = tcore_json_parse(json, line->data, line->length, err);
    if (status != TCORE_OK || tcore_record_type_of(json) != TCORE_RECORD_METRIC) {
        tcore_buf_append(out, line->data, line->length);
        tcore_buf_putc(out, '\n');
        return status;
    }
    status = metric_is_sampled(rate, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    status = metric_put_quality(rate, json, &quality, err);
    if (status == TCORE_OK)
        status = member_put(line, "quality", &quality, out, err);
    if (status == TCORE_OK)
        tcore_buf_putc(out, '\n');
    tcore_buf_free(&quality);
    return status;
}

enum tcore_status listen_sample(double rate, struct tcore_json *json, const struct tcore_buf *lines,
                                struct tcore_buf *out, struct tcore_error *err)
{
    const char *end = lines->data + lines->length;
    enum tcore_status status = TCORE_OK;
    for (const char *at = lines->data; at < end && status == TCORE_OK;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        newline = newline ? newline : end;
        const struct tcore_slice line = {at, (size_t)(newline - at)};
        status = sample_line(rate, json, &line, out, err);
        at = newline + 1;
    }
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}
