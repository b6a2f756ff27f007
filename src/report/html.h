/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pieces of an HTML page that holds data of strangers: text that is no markup, JSON that cannot end
 * its script element, and a content security policy that lets in nothing but the page's own script
 * and style, by their SHA-256.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "base/buf.h"

/* Text of an element or of a quoted attribute; control and bidirectional characters are escaped
 * visibly. */
void html_text(struct tcore_buf *out, const char *text, size_t length);
/* A JSON string, quotes included, for inside of a script element. Hidden characters become visible
 * escapes, newlines stay newlines. */
void html_json_string(struct tcore_buf *out, const char *text, size_t length);
/* The meta element of the policy for this one script and this one style. */
void html_policy(struct tcore_buf *out, const char *script, const char *style);

#endif
