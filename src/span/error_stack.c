/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stack traces of the usual runtimes, line by line: a frame is known by how its line begins. */
#include <config.h>

#include "span/error_detail.h"

#include "base/map.h"
#include "c-ctype.h"

#include <string.h>

#define FRAMES_MOST 64 /* deep recursion differs in its depth only */

/* A line without the blanks around it. */
struct line {
    const char *text;
    size_t length;
    bool indented;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line, at *at; false: there are no more. */
static bool next_line(struct tcore_slice stack, size_t *at, struct line *line)
{
    if (*at >= stack.length)
        return false;
    const char *begin = stack.data + *at, *end = stack.data + stack.length;
    const char *newline = memchr(begin, '\n', (size_t)(end - begin));
    end = newline ? newline : end;
    *at = (size_t)(end - stack.data) + 1;
    line->indented = begin < end && is_blank(*begin);
    while (begin < end && is_blank(*begin))
        begin++;
    while (end > begin && is_blank(end[-1]))
        end--;
    line->text = begin;
    line->length = (size_t)(end - begin);
    return true;
}

static bool begins(const struct line *line, const char *with)
{
    size_t length = strlen(with);
    return line->length >= length && !memcmp(line->text, with, length);
}

/* A function of Go: package.function(arguments), at the margin. */
static bool is_go_function(const struct line *line)
{
    const char *bracket = memchr(line->text, '(', line->length);
    return !line->indented && line->length && line->text[line->length - 1] == ')' && bracket &&
           bracket > line->text && memchr(line->text, '.', (size_t)(bracket - line->text)) &&
           !memchr(line->text, ' ', (size_t)(bracket - line->text));
}

static bool is_frame(const struct line *line)
{
    /* Java, JavaScript, .NET; Python; Ruby; gdb and sanitizers */
    return begins(line, "at ") || begins(line, "File \"") || begins(line, "from ") ||
           (begins(line, "#") && line->length > 1 && line->text[1] >= '0' &&
            line->text[1] <= '9') ||
           is_go_function(line);
}

/* What of the line counts: a frame, or the type in "Caused by: type: message". */
static bool take(struct line *line)
{
    static const char cause[] = "Caused by: ";
    if (!begins(line, cause))
        return is_frame(line);
    const char *type = line->text + sizeof cause - 1;
    const char *colon = memchr(type, ':', (size_t)(line->text + line->length - type));
    if (colon)
        line->length = (size_t)(colon - line->text);
    return true;
}

/* How long it is without the arguments of a function of Go, which are addresses and values. */
static size_t without_arguments(const struct line *line)
{
    size_t length = line->length;
    while (is_go_function(line) && line->text[length - 1] != '(')
        length--;
    return length;
}

/* Takes off what leads to the number of a line. */
static void drop_end(struct tcore_buf *out, size_t begin)
{
    static const char *const ends[] = {":", ", line ", ":line "};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t length = strlen(ends[i]);
        if (!out->failed && out->length >= begin + length &&
            !memcmp(out->data + out->length - length, ends[i], length))
            out->length -= length;
    }
}

/* Appends a line without addresses, numbers, and the colons before these. */
static void normalise(const struct line *line, struct tcore_buf *out)
{
    size_t begin = out->length, length = without_arguments(line);
    for (size_t i = 0; i < length; i++) {
        char c = line->text[i];
        if (c == '0' && i + 1 < length && line->text[i + 1] == 'x')
            for (i++; i + 1 < length && c_isxdigit(line->text[i + 1]); i++) {
            }
        else if (c < '0' || c > '9')
            tcore_buf_putc(out, c);
        else
            drop_end(out, begin);
    }
    tcore_buf_puts(out, length < line->length ? ")" : "");
}

uint64_t error_stack_fingerprint(struct tcore_slice stack, struct tcore_buf *frame)
{
    static const uint64_t fixed[2] = {0x746163652d737063, 0x6572726f722d7374}; /* for ever */
    struct tcore_buf all = {0};
    struct line line;
    size_t frames = 0, begin = 0, end = 0;
    bool outermost_first = false;
    for (size_t at = 0; frames < FRAMES_MOST && next_line(stack, &at, &line);) {
        outermost_first |= begins(&line, "Traceback"); /* Python */
        if (!take(&line))
            continue;
        size_t from = all.length;
        normalise(&line, &all);
        if (!frames || outermost_first) {
            begin = from;
            end = all.length;
        }
        tcore_buf_putc(&all, '\n');
        frames++;
    }
    uint64_t fingerprint = frames && !all.failed ? tcore_siphash(fixed, all.data, all.length) : 0;
    if (frame && fingerprint)
        tcore_buf_append(frame, all.data + begin, end - begin);
    tcore_buf_free(&all);
    return fingerprint;
}
