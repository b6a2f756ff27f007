/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/metric/quality.h"

#include "model/number.h"

#include <string.h>

/* What it was sampled by before; 1 if that is no share. */
static double rate_before(const struct tcore_json *json, uint32_t quality)
{
    uint32_t at = quality ? tcore_json_find(json, quality, "sampleRate") : 0;
    const struct tcore_value *v = &json->node[at].value;
    double rate = at && tcore_value_is_number(v) ? tcore_value_double(v) : 1;
    return rate > 0 && rate < 1 ? rate : 1;
}

enum tcore_status metric_put_quality(double rate, const struct tcore_json *json,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    uint32_t quality = tcore_json_find(json, 0, "quality");
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
