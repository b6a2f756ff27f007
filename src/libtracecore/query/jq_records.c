/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program made, taken for records. */
#include "query/jq.h"

#include "model/canonical.h"

#include <string.h>

enum tcore_status tcore_jq_records(struct tcore_json *json, struct tcore_slice lines,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    const char *at = lines.data, *end = at + lines.length;
    size_t mark = out->length;
    enum tcore_status status = TCORE_OK;
    while (at < end && status == TCORE_OK) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        enum tcore_record_type type = TCORE_RECORD_NONE;
        status = tcore_json_parse(json, at, (size_t)(stop - at), err);
        if (status == TCORE_OK)
            status = tcore_record_canonical(json, true, out, &type, err);
        if (status == TCORE_OK && (type == TCORE_RECORD_NONE || type == TCORE_RECORD_OTHER))
            status = tcore_error_set(err, TCORE_SKIP, "of no type that is known");
        tcore_buf_putc(out, '\n');
        at = newline ? newline + 1 : end;
    }
    if (status != TCORE_OK)
        out->length = mark;
    return status;
}
