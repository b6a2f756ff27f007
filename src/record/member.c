/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/member.h"

#include "model/canonical.h"
#include "model/json.h"

/* Of members of the same name the last one counts. */
enum tcore_status member_put(const struct tcore_slice *record, const char *name,
                             const struct tcore_buf *value, struct tcore_buf *out,
                             struct tcore_error *err)
{
    struct tcore_buf longer = {0};
    struct tcore_json json = {0};
    const char *end = record->length ? memrchr(record->data, '}', record->length) : NULL;
    if (!end)
        return tcore_error_set(err, TCORE_SKIP, "it is no JSON object");
    tcore_buf_append(&longer, record->data, (size_t)(end - record->data));
    tcore_buf_printf(&longer, ",\"%s\":", name);
    tcore_buf_append(&longer, value->data, value->length);
    tcore_buf_putc(&longer, '}');
    enum tcore_status status = tcore_buf_status(&longer, err);
    if (status == TCORE_OK)
        status = tcore_json_parse(&json, longer.data, longer.length, err);
    if (status == TCORE_OK)
        status = tcore_record_canonical(&json, false, out, NULL, err);
    tcore_json_free(&json);
    tcore_buf_free(&longer);
    return status;
}
