/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/trace_state.h"

#include "model/json.h"
#include "record/member.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DIGITS 14 /* of 56 bits */
#define ALL    (UINT64_C(1) << 56)
#define MEMBER "ot"

uint64_t trace_state_threshold(double share)
{
    return ALL - (uint64_t)llrint(ldexp(share, 56)); /* 1 - share would be rounded */
}

/* So many digits at most, as those of a fraction of 2^56. False: they are none. */
static bool read_digits(const char *text, size_t length, uint64_t *number)
{
    *number = 0;
    if (!length || length > DIGITS)
        return false;
    for (size_t i = 0; i < DIGITS; i++) {
        char c = i < length ? text[i] : '0';
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit > 15)
            return false;
        *number = *number << 4 | digit;
    }
    return true;
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

/* A number in it by its key. */
static bool find_number(const struct tcore_slice *member, const char *key, uint64_t *number)
{
    struct tcore_slice rest = *member, part;
    while (next_part(&rest, ';', &part))
        if (begins(&part, key, ':'))
            return read_digits(part.data + strlen(key) + 1, part.length - strlen(key) - 1, number);
    return false;
}

uint64_t trace_state_randomness(const struct tcore_slice *trace_id, const struct tcore_slice *state)
{
    const struct tcore_slice member = own_member(state);
    uint64_t number;
    if (find_number(&member, "rv", &number))
        return number;
    if (trace_id->length < DIGITS ||
        !read_digits(trace_id->data + trace_id->length - DIGITS, DIGITS, &number))
        return ALL;
    return number;
}

static void put_part(struct tcore_buf *out, char separator, const struct tcore_slice *part)
{
    tcore_buf_putc(out, separator);
    tcore_buf_append(out, part->data, part->length);
}

/* The state with this threshold in it, which goes first, as that of who changed it last. */
static void put_state(struct tcore_buf *out, const struct tcore_slice *state, uint64_t threshold)
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

enum tcore_status trace_state_put(const struct tcore_slice *text, const struct tcore_slice *state,
                                  uint64_t threshold, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    const struct tcore_slice member = own_member(state);
    struct tcore_buf made = {0}, value = {0};
    uint64_t before;
    if (find_number(&member, "th", &before) && before >= threshold) {
        tcore_buf_append(out, text->data, text->length);
        return tcore_buf_status(out, err);
    }
    put_state(&made, state, threshold);
    enum tcore_status status = tcore_buf_status(&made, err);
    if (status == TCORE_OK)
        tcore_json_write_string(&value, made.data, made.length);
    if (status == TCORE_OK)
        status = tcore_buf_status(&value, err);
    if (status == TCORE_OK)
        status = member_put(text, "traceState", &value, out, err);
    tcore_buf_free(&made);
    tcore_buf_free(&value);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}
