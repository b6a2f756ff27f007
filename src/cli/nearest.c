/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Did you mean": the known name that takes the fewest slips of the fingers to mistype. */
#include <config.h>

#include "cli/message.h"

#include <string.h>

#define LONGEST 63

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            now[j] = smaller(last[j], now[j - 1]) + 1;
            now[j] = smaller(now[j], last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_length];
}

const char *cli_nearest(const char *text, const char *const *names)
{
    size_t length = strlen(text);
    const char *nearest = NULL;
    size_t limit = length <= 2 ? 1 : (length + 1) / 3; /* more slips than that is another word */
    if (!length || length > LONGEST)
        return NULL;
    for (; *names; names++) {
        size_t name_length = strlen(*names);
        if (!name_length || name_length > LONGEST)
            continue;
        size_t slips = distance(text, length, *names, name_length);
        if (slips < smaller(length, name_length) &&
            (slips < limit || (slips == limit && !nearest))) {
            nearest = *names;
            limit = slips;
        }
    }
    return nearest;
}
