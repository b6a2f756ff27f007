/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/trace_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DIGITS 14 /* of 56 bits */
#define MEMBER "ot"

uint64_t tcore_trace_state_threshold(double share)
{
    /* 1 - share would be rounded */
    return TCORE_TRACE_STATE_ALL - (uint64_t)llrint(ldexp(share, 56));
}

double tcore_trace_state_share(uint64_t threshold)
{
    return ldexp((double)(TCORE_TRACE_STATE_ALL - threshold), -56);
}

/* So many digits at most, as those of a fraction of 2^56. False: they are none. */
static bool read_digits(const char *text, size_t length, uint64_t *number)
{
    unsigned valid = 1;
    *number = 0;
    if (!length || length > DIGITS)
        return false;
    for (size_t i = 0; i < DIGITS; i++) {
        unsigned char c = i < length ? (unsigned char)text[i] : '0';
        /* digits are as good as random: no branch may depend on them */
        unsigned letter = (c | 0x20u) - 'a', figure = c - (unsigned)'0';
        unsigned is_letter = letter < 6, is_figure = figure < 10;
        *number = *number << 4 | ((figure & (0 - is_figure)) | ((letter + 10) & (0 - is_letter)));
        valid &= is_letter | is_figure;
    }
    return valid;
}

/* The next part up to a separator, without blanks around it. False: there is none. */
static bool next_part(struct tcore_slice *rest, char separator, struct tcore_slice *part)
{
    if (!rest->length)
        return false;
    const char *end = memchr(rest->data, separator, rest->length);
    size_t length = end ? (size_t)(end - rest->data) : rest->length;
    *part = (struct tcore_slice){rest->data, length};
    rest->data += length + (end != NULL);
    rest->length -= length + (end != NULL);
    while (part->length && (*part->data == ' ' || *part->data == '\t')) {
        part->data++;
        part->length--;
    }
    while (part->length &&
           (part->data[part->length - 1] == ' ' || part->data[part->length - 1] == '\t'))
        part->length--;
    return true;
}

static bool begins(const struct tcore_slice *part, const char *key, char separator)
{
    size_t length = strlen(key);
    return part->length > length && !memcmp(part->data, key, length) &&
           part->data[length] == separator;
}

/* The value of the member ot; empty: there is none. */
static struct tcore_slice own_member(const struct tcore_slice *state)
{
    struct tcore_slice rest = *state, part;
    while (next_part(&rest, ',', &part))
        if (begins(&part, MEMBER, '='))
            return (struct tcore_slice){part.data + sizeof MEMBER, part.length - sizeof MEMBER};
    return (struct tcore_slice){"", 0};
}

/* The value of a key in it; empty: there is none. */
static struct tcore_slice find(const struct tcore_slice *member, const char *key)
{
    struct tcore_slice rest = *member, part;
    size_t length = strlen(key) + 1;
    while (next_part(&rest, ';', &part))
        if (begins(&part, key, ':'))
            return (struct tcore_slice){part.data + length, part.length - length};
    return (struct tcore_slice){"", 0};
}

uint64_t tcore_trace_state_randomness(const struct tcore_slice *trace_id,
                                      const struct tcore_slice *state)
{
    const struct tcore_slice member = own_member(state);
    uint64_t number;
    struct tcore_slice digits = find(&member, "rv");
    if (digits.length == DIGITS && read_digits(digits.data, digits.length, &number))
        return number;
    if (trace_id->length < DIGITS ||
        !read_digits(trace_id->data + trace_id->length - DIGITS, DIGITS, &number))
        return TCORE_TRACE_STATE_ALL;
    return number;
}

static void put_part(struct tcore_buf *out, char separator, const struct tcore_slice *part)
{
    tcore_buf_putc(out, separator);
    tcore_buf_append(out, part->data, part->length);
}

bool tcore_trace_state_find(const struct tcore_slice *state, uint64_t *threshold)
{
    const struct tcore_slice member = own_member(state);
    const struct tcore_slice digits = find(&member, "th");
    if (read_digits(digits.data, digits.length, threshold))
        return true;
    *threshold = 0;
    return false;
}

void tcore_trace_state_write(struct tcore_buf *out, const struct tcore_slice *state,
                             uint64_t threshold)
{
    const struct tcore_slice member = own_member(state);
    struct tcore_slice rest = member, part;
    char digits[DIGITS + 1];
    int length = snprintf(digits, sizeof digits, "%014llx", (unsigned long long)threshold);
    while (length > 1 && digits[length - 1] == '0')
        length--;
    tcore_buf_printf(out, MEMBER "=th:%.*s", length, digits);
    while (next_part(&rest, ';', &part))
        if (part.length && !begins(&part, "th", ':'))
            put_part(out, ';', &part);
    rest = *state;
    while (next_part(&rest, ',', &part))
        if (part.length && !begins(&part, MEMBER, '='))
            put_part(out, ',', &part);
}
