/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Windows (ndjson_window.h), and a line of one. Included by ndjson_parse_impl.h for instruction
 * sets that make windows (WINDOW_NAME is the function). Needed:
 *     struct line_look, look_begin(), look_end(look)
 *                      whether a byte of those scanned in between needs a closer look
 *     struct line_masks {uint64_t quote, newline}, line_scan(p, look)
 *                      of the 64 bytes at p: where quotes and newlines are
 *     put_points(out, points, offset)
 *                      writes offset + its number for each bit of points, up to 64; what is behind
 *                      them may be overwritten
 */

/* How many bits of mask there are, up to the lowest one of the other. */
static inline unsigned count_upto_lowest(uint64_t mask, uint64_t other)
{
    return (unsigned)__builtin_popcountll(mask & (other ^ (other - 1)));
}

void WINDOW_NAME(struct ndjson_window *window, const char *from, const char *end)
{
    uint16_t *out = window->points, *ends = window->ends;
    size_t bytes = (size_t)(end - from) < WINDOW_BYTES ? (size_t)(end - from) : WINDOW_BYTES;
    struct line_look look = look_begin();
    *out++ = 0;
    *ends++ = 0;
    for (unsigned offset = 0; offset < bytes; offset += 64) {
        struct line_masks m = line_scan(from + offset, &look);
        uint64_t points = m.quote | m.newline;
        put_points(out, points, offset + 1);
        /* there is one newline in a block or none, nobody can tell which */
        unsigned before = (unsigned)(out - window->points) - 1;
        *ends = (uint16_t)(before + count_upto_lowest(points, m.newline));
        ends += m.newline != 0;
        for (uint64_t more = m.newline & (m.newline - 1); UNLIKELY(more); more &= more - 1)
            *ends++ = (uint16_t)(before + count_upto_lowest(points, more));
        out += __builtin_popcountll(points);
    }
    while (ends > window->ends + 1 && window->points[ends[-1]] > bytes)
        ends--; /* behind the end */
    window->base = from - 1;
    window->lines = (unsigned)(ends - window->ends - 1);
    window->special = look_end(&look);
}

/* Whether the line has a backslash, a control, or what is no UTF-8. */
static __attribute__((noinline)) bool is_special(const struct line *line)
{
    const char *p = line->base + line->points[0] + 1,
               *end = line->base + line->points[line->quotes + 1];
    while (p < end) {
        uint64_t special = scan(p).special;
        if (end - p < 64)
            special &= ((uint64_t)1 << (end - p)) - 1;
        if (!special) {
            p += 64;
            continue;
        }
        p += __builtin_ctzll(special);
        do {
            unsigned length = tcore_ndjson_utf8_length(p);
            if (!length)
                return true;
            p += length;
        } while (UNLIKELY(*p & 0x80)); /* whole words of such letters */
    }
    return false;
}

/* Line i of the window. */
static inline __attribute__((always_inline)) struct line
get_line(const struct ndjson_window *window, unsigned i)
{
    unsigned before = window->ends[i];
    struct line line = {.base = window->base,
                        .points = window->points + before,
                        .quotes = window->ends[i + 1] - before - 1u};
    if (UNLIKELY(window->special))
        line.special = is_special(&line);
    return line;
}
