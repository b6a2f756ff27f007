/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Base64 as RFC 4648 has it, section 4: the standard alphabet, with padding. */
#ifndef TRACECORE_BASE_BASE64_H
#define TRACECORE_BASE_BASE64_H

#include "base/buf.h"

#include <stdbool.h>

/* Appends the text of the bytes. */
void tcore_base64_encode(const void *data, size_t length, struct tcore_buf *out);
/* Appends the bytes of the text. False: it is no base64 (padding missing, other characters, bits
 * behind the end), and out is as it was; or memory is short (out->failed). */
bool tcore_base64_decode(const char *text, size_t length, struct tcore_buf *out);

#endif
