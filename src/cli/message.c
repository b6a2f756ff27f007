/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages. Each is put together in one buffer and written with one call, so that lines of several
 * processes on one terminal do not mix. A failure to write it is nobody's to hear.
 */
#include <config.h>

#include "cli/message.h"

#include "base/sys.h"
#include "cli/visible.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REJECTS_SHOWN 20

struct place {
    const char *input;
    uint64_t line;
    uint64_t byte;
};

/* PROGRAM: INPUT:LINE: text (byte N): reason of errnum */
static void print(const struct cli *cli, struct place place, const char *text, int errnum)
{
    struct tcore_buf raw = {0};
    struct tcore_buf line = {0};
    if (place.input)
        tcore_buf_printf(&raw, "%s:", place.input);
    if (place.input && place.line)
        tcore_buf_printf(&raw, "%llu:", (unsigned long long)place.line);
    if (raw.length)
        tcore_buf_putc(&raw, ' ');
    tcore_buf_puts(&raw, text);
    if (place.byte)
        tcore_buf_printf(&raw, " (byte %llu)", (unsigned long long)place.byte);
    if (errnum && !(errnum == ENOMEM && strcmp(text, "out of memory") == 0))
        tcore_buf_printf(&raw, "%s%s", *text ? ": " : "", strerror(errnum));
    tcore_buf_printf(&line, "%s: ", cli->program->name);
    cli_visible(&line, raw.data, raw.length, false);
    tcore_buf_putc(&line, '\n');
    if (raw.failed || line.failed) {
        static const char short_of_memory[] = "out of memory (and for a message about it)\n";
        (void)tcore_write_all(STDERR_FILENO, short_of_memory, sizeof short_of_memory - 1);
    } else {
        (void)tcore_write_all(STDERR_FILENO, line.data, line.length);
    }
    tcore_buf_free(&raw);
    tcore_buf_free(&line);
}

static void print_formatted(const struct cli *cli, const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    print(cli, (struct place){0}, text, 0);
}

void cli_report(struct cli *cli, const struct tcore_error *err)
{
    cli->failed = true;
    print(cli, (struct place){err->input, err->line, err->byte}, err->text, err->errnum);
}

void cli_error(struct cli *cli, const char *format, ...)
{
    va_list args;
    cli->failed = true;
    va_start(args, format);
    print_formatted(cli, format, args);
    va_end(args);
}

int cli_usage_error(struct cli *cli, const char *format, ...)
{
    va_list args;
    char hint[128];
    cli->usage_error = true;
    va_start(args, format);
    print_formatted(cli, format, args);
    va_end(args);
    bool has_verb = cli->verb && *cli->verb->name;
    int length = snprintf(hint, sizeof hint, "Try '%s%s%s --help'.\n", cli->program->name,
                          has_verb ? " " : "", has_verb ? cli->verb->name : "");
    if (length > 0 && (size_t)length < sizeof hint)
        (void)tcore_write_all(STDERR_FILENO, hint, (size_t)length);
    return CLI_USAGE;
}

void cli_note(struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_formatted(cli, format, args);
    va_end(args);
}

void cli_reject(struct cli *cli, const char *input, uint64_t line, uint64_t byte,
                const char *reason)
{
    /* progress may be shown meanwhile */
    if (__atomic_add_fetch(&cli->rejected, 1, __ATOMIC_RELAXED) <= REJECTS_SHOWN)
        print(cli, (struct place){input, line, byte}, reason, 0);
}

void cli_reject_total(struct cli *cli)
{
    if (cli->rejected > REJECTS_SHOWN)
        cli_note(cli, "%llu records were rejected; the first %d are named above",
                 (unsigned long long)cli->rejected, REJECTS_SHOWN);
}

void cli_note_lines(struct cli *cli, const struct tcore_buf *lines)
{
    const char *line = lines->data, *end = line + lines->length;

    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));

        if (!newline)
            newline = end;
        cli_note(cli, "%.*s", (int)(newline - line), line);
        line = newline + 1;
    }
}
