/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The regressions that people know of and have accepted: the file of trace-detect compare --allow.
 */
#include <config.h>

#include "detect/compare.h"

#include "base/sys.h"
#include "c-ctype.h"
#include "cli/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts blanks and a comment off; the length that is left. A # counts behind a blank only, for it
 * may be part of a name. */
static size_t trim(char **line)
{
    char *start = *line;

    while (c_isspace(*start))
        start++;
    if (*start == '#')
        *start = '\0';
    for (char *at = start; *at; at++)
        if (*at == '#' && c_isspace(at[-1]))
            *at = '\0';
    size_t length = strlen(start);

    while (length && c_isspace(start[length - 1]))
        length--;
    *line = start;
    return length;
}

static bool read_lines(struct compare *c, FILE *file)
{
    char *buffer = NULL;
    size_t capacity = 0;
    bool fits = true;

    while (fits && getline(&buffer, &capacity, file) > 0) {
        char *line = buffer;
        size_t length = trim(&line);

        if (length)
            fits = tcore_map_intern(&c->allow, line, length, NULL) != TCORE_MAP_NONE;
    }
    free(buffer);
    c->allow_used = tcore_calloc(c->allow.count, sizeof *c->allow_used);
    if (fits && c->allow_used)
        return true;
    cli_error(c->cli, "out of memory");
    return false;
}

bool compare_read_allow(struct compare *c)
{
    const char *path = c->options->allow;
    bool read;

    if (!path)
        return true;
    FILE *file = fopen(path, "re");

    if (!file || tcore_map_init(&c->allow)) {
        cli_error(c->cli, "%s: %s", path, strerror(errno));
        if (file)
            fclose(file);
        return false;
    }
    read = read_lines(c, file);
    if (read && ferror(file)) {
        cli_error(c->cli, "%s: %s", path, strerror(errno));
        read = false;
    }
    fclose(file);
    return read;
}
