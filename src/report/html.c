/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "report/html.h"

#include "base/base64.h"
#include "base/sha256.h"
#include "cli/visible.h"
#include "model/json.h"

void html_text(struct tcore_buf *out, const char *text, size_t length)
{
    struct tcore_buf safe = {0};
    cli_visible(&safe, text, length, false);
    for (size_t i = 0; i < safe.length; i++) {
        switch (safe.data[i]) {
        case '<':
            tcore_buf_puts(out, "&lt;");
            break;
        case '>':
            tcore_buf_puts(out, "&gt;");
            break;
        case '&':
            tcore_buf_puts(out, "&amp;");
            break;
        case '"':
            tcore_buf_puts(out, "&quot;");
            break;
        case '\'':
            tcore_buf_puts(out, "&#39;");
            break;
        default:
            tcore_buf_putc(out, safe.data[i]);
        }
    }
    out->failed |= safe.failed;
    tcore_buf_free(&safe);
}

void html_json_string(struct tcore_buf *out, const char *text, size_t length)
{
    struct tcore_buf safe = {0}, json = {0};
    cli_visible(&safe, text, length, true);
    tcore_json_write_string(&json, safe.length ? safe.data : "", safe.length);
    for (size_t i = 0; i < json.length; i++) {
        char c = json.data[i];
        if (c == '<' || c == '>' || c == '&')
            tcore_buf_printf(out, "\\u%04x", (unsigned)c);
        else
            tcore_buf_putc(out, c);
    }
    out->failed |= safe.failed | json.failed;
    tcore_buf_free(&safe);
    tcore_buf_free(&json);
}

static void append_hash(struct tcore_buf *out, const char *text)
{
    uint8_t digest[TCORE_SHA256_BYTES];
    tcore_sha256(text, strlen(text), digest);
    tcore_buf_puts(out, "'sha256-");
    tcore_base64_encode(digest, sizeof digest, out);
    tcore_buf_putc(out, '\'');
}

void html_policy(struct tcore_buf *out, const char *script, const char *style)
{
    tcore_buf_puts(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                        "'none'; script-src ");
    append_hash(out, script);
    tcore_buf_puts(out, "; style-src ");
    append_hash(out, style);
    tcore_buf_puts(out, "; base-uri 'none'; form-action 'none'\">\n");
}
