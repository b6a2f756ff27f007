/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_MOST 10000

/* By the rules of the C library: the first of these that is set and not empty names the locale. */
static bool is_utf8_locale(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value)
            continue;
        const char *set = strchr(value, '.');
        return set && (strncasecmp(set, ".utf-8", 6) == 0 || strncasecmp(set, ".utf8", 5) == 0);
    }
    return false;
}

static unsigned line_width(bool terminal)
{
    const char *columns = getenv("COLUMNS"), *reason;
    struct winsize size;
    int64_t width;
    if (columns && cli_parse_count(columns, &width, &reason) && width > 0)
        return width < WIDTH_MOST ? (unsigned)width : WIDTH_MOST;
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    return 80;
}

bool cli_terminal_is_dumb(void)
{
    const char *terminal = getenv("TERM");
    return !terminal || !*terminal || strcmp(terminal, "dumb") == 0;
}

bool cli_colour_is_welcome(void)
{
    return !getenv("NO_COLOR") && !cli_terminal_is_dumb();
}

void cli_screen_look(struct cli_screen *screen, const struct cli *cli)
{
    const char *path = cli->io.output;
    bool terminal = (!path || strcmp(path, "-") == 0) && isatty(STDOUT_FILENO);
    screen->width = line_width(terminal);
    screen->unicode = is_utf8_locale();
    screen->colour = terminal && cli_colour_is_welcome();
}
