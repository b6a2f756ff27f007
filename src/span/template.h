/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Texts without their values, so that calls which differ in nothing else are the same: names of
 * spans, statements, URLs. Each function appends the template to out and keeps nothing; out may
 * fail for want of memory, as buffers do. A template is its own template.
 */
#ifndef SPAN_TEMPLATE_H
#define SPAN_TEMPLATE_H

#include "base/buf.h"
#include "model/batch.h"

/* Values that were taken out. */
struct template_values {
    uint32_t literals;
    uint32_t placeholders; /* ? $1 :name @name %s: the text does not have the value */
};

/*
 * Any text: a * for each number (also with points, as versions and addresses have them), UUID,
 * hexadecimal number of 8 digits or more, long word of letters and digits mixed, four digits or
 * more within a word, and text in quotes. Lists of such are one. Short numbers at the end of a word
 * (v2, s3, http2) stay.
 */
void template_name(struct tcore_buf *out, struct tcore_slice text);

/*
 * A statement of SQL or the like (also the commands of key-value stores): a ? for each literal and
 * placeholder, one for a list of them and for rows of such lists; without comments, blanks made
 * one. values may be NULL.
 */
void template_statement(struct tcore_buf *out, struct tcore_slice text,
                        struct template_values *values);

/* A URL, or only its path: host and path, values in them as in names; without scheme, user, port,
 * query and fragment. A host that is an address is *. */
void template_url(struct tcore_buf *out, struct tcore_slice url);

/* --- For these functions */

static inline bool template_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool template_is_letter(char c)
{
    return ((unsigned char)(c | 0x20) >= 'a' && (unsigned char)(c | 0x20) <= 'z') ||
           (unsigned char)c >= 0x80;
}

static inline bool template_is_word(char c)
{
    return template_is_digit(c) || template_is_letter(c);
}

/* Bytes of the UUID at p, 0 if there is none that ends with its last digit. */
size_t template_uuid(const char *p, const char *end);
/* Whether the word, which is letters and digits, is a hexadecimal number of at least so many
 * digits, one of them a decimal one. */
bool template_is_hex(const char *word, size_t length, size_t least);

#endif
