/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of group keys to bytes, and the bytes to JSON. */
#include "model/symbol.h"

#include "model/json.h"
#include "model/number.h"

void tcore_symbol_append(struct tcore_buf *key, const struct tcore_value *value)
{
    char text[TCORE_NUMBER_BYTES];
    int64_t integer;
    switch (value->kind) {
    case TCORE_NULL:
        tcore_buf_putc(key, '0');
        break;
    case TCORE_FALSE:
        tcore_buf_putc(key, 'f');
        break;
    case TCORE_TRUE:
        tcore_buf_putc(key, 't');
        break;
    case TCORE_INT:
    case TCORE_DOUBLE:
    case TCORE_NUMBER:
        tcore_buf_putc(key, 'n');
        if (tcore_value_int64(value, &integer))
            tcore_buf_append(key, text, tcore_format_int64(text, integer));
        else
            tcore_buf_append(key, text, tcore_format_double(text, tcore_value_double(value)));
        break;
    case TCORE_JSON:
        tcore_buf_putc(key, 'j');
        tcore_json_write_key(key, value->s, value->len);
        break;
    default:
        tcore_buf_putc(key, 's');
        tcore_buf_append(key, value->s, value->len);
    }
}

void tcore_symbol_write(const char *symbol, size_t length, struct tcore_buf *out)
{
    switch (length ? *symbol : 0) {
    case 's':
        tcore_json_write_string(out, symbol + 1, length - 1);
        break;
    case 'n':
        if (length > 3 &&
            (symbol[1] == 'N' || symbol[1] == 'I' || symbol[2] == 'I')) /* NaN, infinity */
            tcore_json_write_string(out, symbol + 1, length - 1);
        else
            tcore_buf_append(out, symbol + 1, length - 1);
        break;
    case 'j':
        tcore_buf_append(out, symbol + 1, length - 1);
        break;
    case 't':
        tcore_buf_puts(out, "true");
        break;
    case 'f':
        tcore_buf_puts(out, "false");
        break;
    case '0':
        tcore_buf_puts(out, "null");
        break;
    default:
        break;
    }
}
