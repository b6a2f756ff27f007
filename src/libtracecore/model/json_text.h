/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What readers of JSON text have in common, a byte at a time: the parser of documents and that of
 * records are fast in different ways, but must agree on what is JSON. Private to the library.
 *
 * end is that of the text, or NULL if a newline stands somewhere behind p: a newline fits nowhere
 * in what is read here, so that nothing reads behind one.
 */
#ifndef TRACECORE_MODEL_JSON_TEXT_H
#define TRACECORE_MODEL_JSON_TEXT_H

#include <stddef.h>

/* The byte at p; 0, which also fits nowhere, at the end. */
static inline unsigned char tcore_json_byte(const char *p, const char *end)
{
    return !end || p < end ? (unsigned char)*p : 0;
}

/* Length of the well-formed multi-byte UTF-8 character at p, 0 if it is none (Unicode table 3-7).
 */
static inline unsigned tcore_json_utf8_length(const char *p, const char *end)
{
    unsigned char first = tcore_json_byte(p, end);
    unsigned length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    unsigned char second = tcore_json_byte(p + 1, end);
    if (second < low || second > high)
        return 0;
    for (unsigned i = 2; i < length; i++)
        if ((tcore_json_byte(p + i, end) & 0xc0) != 0x80)
            return 0;
    return length;
}

/* Length of the escape whose backslash is at p: 2, or 6 of \u. 0: it is none; then *good is how
 * many of its bytes are, 1 if what is escaped is not known, 2 to 5 of a \u that lacks digits. */
unsigned tcore_json_escape_length(const char *p, const char *end, unsigned *good);

/* Decodes the escapes of a string without its quotes, all of which are well-formed, into out, which
 * has room for as much. Returns the decoded length. A lone surrogate becomes its three bytes. */
size_t tcore_json_unescape(const char *p, const char *end, char *out);

enum tcore_json_number {
    TCORE_JSON_NUMBER,
    TCORE_JSON_NO_DIGIT, /* where it begins, or behind its minus */
    TCORE_JSON_LEADING_ZERO,
    TCORE_JSON_NO_FRACTION, /* no digit behind the point */
    TCORE_JSON_NO_EXPONENT  /* no digit in the exponent */
};

/* The end of the number at p, or the byte at which it goes wrong; *what says which. */
const char *tcore_json_number_end(const char *p, const char *end, enum tcore_json_number *what);

#endif
