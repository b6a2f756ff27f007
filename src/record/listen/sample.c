/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --sample on metrics: chance decides about each, as for those of trace-record metric. Spans are
 * sampled by their traces instead (collect.h), and logs not at all.
 */
#include <config.h>

#include "record/listen/rules.h"

#include "model/canonical.h"
#include "model/number.h"
#include "record/member.h"
#include "record/metric/metric.h"

#include <string.h>

/* What it was sampled by before; 1 if that is no share. */
static double rate_before(const struct tcore_json *json, uint32_t quality)
{
    uint32_t at = quality ? tcore_json_find(json, quality, "sampleRate") : 0;
    const struct tcore_value *v = &json->node[at].value;
    double rate = at && tcore_value_is_number(v) ? tcore_value_double(v) : 1;
    return rate > 0 && rate < 1 ? rate : 1;
}

/* Its quality with a smaller share than before. */
static enum tcore_status put_quality(double rate, const struct tcore_json *json, uint32_t quality,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct tcore_json_walk walk;
    struct tcore_json_member member;
    char text[TCORE_NUMBER_BYTES];
    size_t length = tcore_format_double(text, rate * rate_before(json, quality));
    tcore_buf_printf(out, "{\"sampleRate\":%.*s", (int)length, text);
    if (quality && tcore_json_is_object(&json->node[quality])) {
        if (tcore_json_walk_open(&walk, json, quality) != TCORE_OK)
            return tcore_error_nomem(err);
        while (tcore_json_walk_next(&walk, json, &member)) {
            const struct tcore_value *key = &json->node[member.key].value;
            if (key->len == 10 && memcmp(key->s, "sampleRate", 10) == 0)
                continue;
            tcore_buf_putc(out, ',');
            tcore_json_write_string(out, key->s, key->len);
            tcore_buf_putc(out, ':');
            tcore_json_write_tree(out, json, member.value);
        }
        tcore_json_walk_close(&walk);
    }
    tcore_buf_putc(out, '}');
    return tcore_buf_status(out, err);
}

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
    status = put_quality(rate, json, tcore_json_find(json, 0, "quality"), &quality, err);
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
