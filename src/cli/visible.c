/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8 is decoded character by character, and looked up in short tables of ranges. */
#include <config.h>

#include "cli/visible.h"

#include <stdint.h>

#define INVALID UINT32_MAX

struct range {
    uint32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c <= ranges[i].last)
            return c >= ranges[i].first;
    return false;
}

/* One character at at, before end; *length is the bytes it takes. Surrogates are given as they are
 * (the library keeps lone ones so); anything else that is no UTF-8 is INVALID, one byte. */
static uint32_t decode(const char *at, const char *end, size_t *length)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)*at;
    *length = 1;
    if (lead < 0x80)
        return lead;
    size_t bytes = lead >= 0xf0 && lead < 0xf8 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (!bytes || lead >= 0xf8 || (size_t)(end - at) < bytes)
        return INVALID;
    uint32_t c = lead & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        unsigned char next = (unsigned char)at[i];
        if ((next & 0xc0) != 0x80)
            return INVALID;
        c = c << 6 | (next & 0x3f);
    }
    if (c < smallest[bytes] || c > 0x10ffff)
        return INVALID;
    *length = bytes;
    return c;
}

static bool is_hidden(uint32_t c)
{
    static const struct range hidden[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},     {0x180e, 0x180e},
        {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0xd800, 0xdfff},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
    };
    return c >= 0x7f ? in_ranges(hidden, sizeof hidden / sizeof *hidden, c) : c < 0x20;
}

bool cli_is_visible(const char *text, size_t length, bool lines)
{
    for (const char *at = text, *end = text + length; at < end;) {
        size_t bytes;
        uint32_t c = decode(at, end, &bytes);
        if (c == INVALID || (is_hidden(c) && !(lines && c == '\n')))
            return false;
        at += bytes;
    }
    return true;
}

static void append_escape(struct tcore_buf *out, uint32_t c)
{
    if (c > 0xffff)
        tcore_buf_printf(out, "\\u%04x\\u%04x", 0xd7c0u + (c >> 10), 0xdc00u + (c & 0x3ff));
    else
        tcore_buf_printf(out, "\\u%04x", c);
}

void cli_visible(struct tcore_buf *out, const char *text, size_t length, bool lines)
{
    const char *plain = text;
    const char *end = text + length;
    for (const char *at = text; at < end;) {
        size_t bytes;
        uint32_t c = decode(at, end, &bytes);
        if (c != INVALID && (!is_hidden(c) || (lines && c == '\n'))) {
            at += bytes;
            continue;
        }
        tcore_buf_append(out, plain, (size_t)(at - plain));
        if (c == INVALID)
            tcore_buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*at);
        else
            append_escape(out, c);
        at += bytes;
        plain = at;
    }
    tcore_buf_append(out, plain, (size_t)(end - plain));
}

size_t cli_display_width(const char *text, size_t length)
{
    /* The combining marks and the wide blocks that occur in names; Unicode 15, rounded to blocks */
    static const struct range zero[] = {
        {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
        {0x900, 0x902},   {0xe34, 0xe3a},   {0xe47, 0xe4e},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
        {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    };
    static const struct range wide[] = {
        {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
        {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},
        {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
        {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };
    size_t width = 0;
    for (const char *at = text, *end = text + length; at < end;) {
        size_t bytes;
        uint32_t c = decode(at, end, &bytes);
        at += bytes;
        if (c < 0x300 || c == INVALID)
            width++;
        else if (in_ranges(wide, sizeof wide / sizeof *wide, c))
            width += 2;
        else if (!in_ranges(zero, sizeof zero / sizeof *zero, c))
            width++;
    }
    return width;
}
