/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record metric -: lines of standard input as metrics. */
#include <config.h>

#include "record/metric.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "model/canonical.h"
#include "record/attributes.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES   ((size_t)64 << 10)
#define APPEND_BYTES ((size_t)256 << 10) /* of records: so many are worth an append */
#define LINE_BYTES   ((size_t)32 << 20)
#define WORDS        258 /* NAME, VALUE and 256 dimensions */

struct lines {
    struct cli *cli;
    const struct metric_common *common;
    const struct destination *to;
    struct tcore_buf input, records, line;
    struct tcore_json json;
    uint64_t number; /* of the line at hand */
    bool passing;    /* over the rest of a line that is too long */
    bool ended;
};

static void reject(struct lines *l, const char *reason)
{
    cli_reject(l->cli, "-", l->number, 0, reason);
}

/* False: no more can be recorded. */
static bool append(struct lines *l)
{
    struct tcore_error err;
    if (l->records.length && destination_append(l->cli, l->to, &l->records, &err) != TCORE_OK) {
        cli_report(l->cli, &err);
        return false;
    }
    tcore_buf_clear(&l->records);
    return true;
}

static enum tcore_status put_json(struct lines *l, const char *text, size_t length,
                                  struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&l->json, text, length, err);
    if (status != TCORE_OK)
        return status;
    if (!tcore_json_is_object(&l->json.node[0]) ||
        tcore_record_type_of(&l->json) != TCORE_RECORD_METRIC)
        return tcore_error_set(err, TCORE_SKIP, "is no metric");
    status = tcore_record_canonical(&l->json, true, &l->records, NULL, err);
    if (status == TCORE_OK)
        tcore_buf_putc(&l->records, '\n');
    return status;
}

static enum tcore_status put_words(struct lines *l, const char *text, size_t length,
                                   struct tcore_error *err)
{
    const char *word[WORDS];
    size_t count = 0;
    char *rest;
    if (memchr(text, '\0', length))
        return tcore_error_set(err, TCORE_SKIP, "has a NUL");
    tcore_buf_clear(&l->line);
    tcore_buf_append(&l->line, text, length);
    tcore_buf_putc(&l->line, '\0');
    if (l->line.failed)
        return tcore_error_nomem(err);
    for (char *at = strtok_r(l->line.data, " \t\r", &rest); at;
         at = strtok_r(NULL, " \t\r", &rest)) {
        if (count == WORDS)
            return tcore_error_set(err, TCORE_SKIP, "has more than %d dimensions", WORDS - 2);
        word[count++] = at;
    }
    if (!count) /* an empty line */
        return TCORE_OK;
    if (count == 1)
        return tcore_error_set(err, TCORE_SKIP, "has no value: NAME VALUE [K=V]... is meant");
    const struct metric_words words = {word[0], word[1], {word + 2, count - 2}};
    const char *bad = attributes_bad(&words.dimensions);
    if (bad)
        return tcore_error_set(err, TCORE_SKIP, "'%.100s' is not K=V", bad);
    return metric_put(&l->records, &l->json, l->common, &words, err);
}

static bool take_line(struct lines *l, const char *text, size_t length)
{
    struct tcore_error err;
    size_t blanks = 0;
    l->number++;
    while (blanks < length && (text[blanks] == ' ' || text[blanks] == '\t'))
        blanks++;
    enum tcore_status status = blanks < length && text[blanks] == '{'
                                   ? put_json(l, text, length, &err)
                                   : put_words(l, text, length, &err);
    if (status == TCORE_SKIP) {
        reject(l, err.text);
    } else if (status != TCORE_OK) {
        cli_report(l->cli, &err);
        return false;
    }
    return l->records.length < APPEND_BYTES || append(l);
}

/* Takes the whole lines that were read, at the end of input the rest too. */
static bool take_lines(struct lines *l)
{
    size_t at = 0;
    bool more = true;
    while (more && at < l->input.length) {
        const char *line = l->input.data + at;
        const char *newline = memchr(line, '\n', l->input.length - at);
        size_t length = newline ? (size_t)(newline - line) : l->input.length - at;
        if (!newline && !l->ended && length <= LINE_BYTES)
            break;
        if (l->passing)
            l->passing = !newline;
        else if (length <= LINE_BYTES)
            more = take_line(l, line, length);
        if (length > LINE_BYTES && !l->passing) {
            l->number++;
            reject(l, "line is too long");
            l->passing = !newline;
        }
        at += length + (newline != NULL);
    }
    if (at) {
        memmove(l->input.data, l->input.data + at, l->input.length - at);
        l->input.length -= at;
    }
    return more;
}

/* Whether standard input, an end of it too, is there within the time; a wish to stop is none. */
static bool is_ready(int timeout_ms)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = cli_stop_fd() ? cli_stop_fd() : -1, .events = POLLIN}};
    int found;
    do
        found = tcore_sys()->poll(fds, 2, timeout_ms);
    while (found < 0 && errno == EINTR && !cli_stop_requested());
    return found > 0 && fds[0].revents && !fds[1].revents;
}

static bool read_more(struct lines *l)
{
    char *room = tcore_buf_reserve(&l->input, READ_BYTES);
    if (!room) {
        cli_error(l->cli, "out of memory");
        return false;
    }
    ssize_t got = tcore_read_some(STDIN_FILENO, room, READ_BYTES);
    if (got < 0) {
        cli_error(l->cli, "-: cannot read: %s", strerror(errno));
        return false;
    }
    l->input.length += (size_t)got;
    l->ended = !got;
    return true;
}

int metric_from_input(struct cli *cli, const struct metric_common *common,
                      const struct destination *to)
{
    struct lines l = {.cli = cli, .common = common, .to = to};
    if (isatty(STDIN_FILENO))
        return cli_usage_error(cli, "standard input is a terminal: pipe lines in");
    cli_catch_signals(CLI_CATCH_STOP);
    bool going = true;
    while (going && !l.ended) {
        if (!is_ready(0))
            going = append(&l) && is_ready(-1);
        if (going)
            going = read_more(&l) && take_lines(&l);
    }
    append(&l); /* also what came before a stop or a failure */
    tcore_buf_free(&l.input);
    tcore_buf_free(&l.records);
    tcore_buf_free(&l.line);
    tcore_json_free(&l.json);
    return cli_exit_status(cli, false);
}
