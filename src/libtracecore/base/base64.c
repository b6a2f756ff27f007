/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Base64, three bytes at a time. */
#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void tcore_base64_encode(const void *data, size_t length, struct tcore_buf *out)
{
    const unsigned char *in = data;
    if (length > SIZE_MAX / 2) {
        out->failed = true;
        return;
    }
    char *at = tcore_buf_reserve(out, (length + 2) / 3 * 4);
    if (!at)
        return;
    for (; length >= 3; length -= 3, in += 3) {
        uint32_t word = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *at++ = alphabet[word >> 18];
        *at++ = alphabet[word >> 12 & 63];
        *at++ = alphabet[word >> 6 & 63];
        *at++ = alphabet[word & 63];
    }
    if (length) {
        uint32_t word = (uint32_t)in[0] << 16 | (length > 1 ? (uint32_t)in[1] << 8 : 0);
        *at++ = alphabet[word >> 18];
        *at++ = alphabet[word >> 12 & 63];
        *at++ = length > 1 ? alphabet[word >> 6 & 63] : '=';
        *at++ = '=';
    }
    out->length = (size_t)(at - out->data);
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool tcore_base64_decode(const char *text, size_t length, struct tcore_buf *out)
{
    size_t start = out->length, padding = 0;
    if (length % 4)
        return false;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < length; i += 4) {
        size_t digits = i + 4 == length ? 4 - padding : 4;
        uint32_t word = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = k < digits ? digit(text[i + k]) : 0;
            if (value < 0) {
                out->length = start;
                return false;
            }
            word = word << 6 | (uint32_t)value;
        }
        if ((digits == 2 && word & 0xffff) || (digits == 3 && word & 0xff)) {
            out->length = start;
            return false;
        }
        const char bytes[3] = {(char)(word >> 16), (char)(word >> 8), (char)word};
        tcore_buf_append(out, bytes, digits - 1);
    }
    return !out->failed;
}
