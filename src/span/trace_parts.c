/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/trace_parts.h"

#include "model/number.h"
#include "model/time.h"

void put_id(struct tcore_buf *out, uint64_t span_id)
{
    char text[18] = {'"'};
    tcore_span_id_digits(span_id, text + 1);
    text[17] = '"';
    tcore_buf_append(out, text, sizeof text);
}

void put_int(struct tcore_buf *out, int64_t number)
{
    char text[TCORE_NUMBER_BYTES];
    tcore_buf_append(out, text, tcore_format_int64(text, number));
}

void put_text(struct tcore_buf *out, struct tcore_slice text)
{
    tcore_json_write_string(out, text.data ? text.data : "", text.length);
}

void put_time(struct tcore_buf *out, int64_t ns)
{
    char text[TCORE_TIME_BYTES];
    size_t length = tcore_format_time(text, ns);
    tcore_buf_putc(out, '"');
    tcore_buf_append(out, text, length);
    tcore_buf_putc(out, '"');
}

void put_key(struct tcore_buf *out, const char *key, bool first)
{
    tcore_buf_puts(out, first ? "\"" : ",\"");
    tcore_buf_puts(out, key);
    tcore_buf_puts(out, "\":");
}

void put_text_member(struct tcore_buf *out, const char *key, struct tcore_slice text)
{
    if (!text.data)
        return;
    put_key(out, key, false);
    put_text(out, text);
}

void put_ratio(struct tcore_buf *out, const char *key, double number)
{
    char text[TCORE_NUMBER_BYTES];
    put_key(out, key, false);
    tcore_buf_append(out, text, tcore_format_double(text, number));
}
