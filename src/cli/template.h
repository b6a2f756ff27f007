/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The template of a name or a message: what is left when the parts that differ from one call to the
 * next are replaced by the names of their kinds. Tokens are told by their form alone (masking, as
 * log parsers do in front of Drain), so a template does not depend on what else was seen.
 *
 *   <uuid>   8-4-4-4-12 hexadecimal digits
 *   <time>   a date, or a date and a time, as of ISO 8601
 *   <ip>     an IPv4 address, with its port
 *   <email>  a@b.c
 *   <hex>    0x and digits; or 8 or more hexadecimal digits, one at least a decimal one
 *   <id>     20 or more letters and digits, 3 of them digits; or 8 or more capitals and digits
 *   <num>    a decimal number, with its sign, fraction, and whatever unit stays behind it; or 4 or
 *            more digits behind letters
 *   <str>    what stands in quotes, which stay
 *   <query>  what is behind the question mark of a URL
 *   <path>, <url>  of messages only: in names they are what tells operations apart
 * Digits within a word (v1, http2, sha256) stay.
 */
#ifndef CLI_TEMPLATE_H
#define CLI_TEMPLATE_H

#include "base/buf.h"
#include "c-ctype.h"
#include "model/batch.h"

/* Each function appends the template to out and keeps nothing; out may fail for want of memory, as
 * buffers do. */
void template_name(struct tcore_buf *out, struct tcore_slice text);
void template_message(struct tcore_buf *out, struct tcore_slice text);

/* Values that were taken out. */
struct template_values {
    uint32_t literals;
    uint32_t placeholders; /* ? $1 :name @name %s: the text does not have the value */
};

/*
 * A statement of SQL or the like (also the commands of key-value stores): a ? for each literal and
 * placeholder, one for a list of them and for rows of such lists; without comments, blanks made
 * one. values may be NULL.
 */
void template_statement(struct tcore_buf *out, struct tcore_slice text,
                        struct template_values *values);

/* A URL, or only its path: host and path, values in them as in names; without scheme, user, port,
 * query and fragment. A host that is an address is <ip>. */
void template_url(struct tcore_buf *out, struct tcore_slice url);

/* --- For these functions */

static inline bool template_is_letter(char c)
{
    return ((unsigned char)(c | 0x20) >= 'a' && (unsigned char)(c | 0x20) <= 'z') ||
           (unsigned char)c >= 0x80;
}

static inline bool template_is_word(char c)
{
    return c_isdigit(c) || template_is_letter(c);
}

/* Bytes of the UUID at p, 0 if there is none that ends with its last digit. */
size_t template_uuid(const char *p, const char *end);
/* Whether the word, which is letters and digits, is a hexadecimal number of at least so many
 * digits, one of them a decimal one. */
bool template_is_hex(const char *word, size_t length, size_t least);

#endif
