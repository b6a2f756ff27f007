/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record metric -: lines of standard input as metrics. */
#include <config.h>

#include "record/metric/metric.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "model/canonical.h"
#include "model/number.h"
#include "record/attributes.h"
#include "record/execution/execution.h"
#include "record/execution/fold.h"
#include "record/metric/line.h"
#include "record/metric/quality.h"
#include "stream/input.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES   ((size_t)256 << 10)
#define APPEND_BYTES ((size_t)1 << 20) /* of records: so many are worth an append */
#define LINE_BYTES   ((size_t)32 << 20)
#define WORDS        258 /* NAME, VALUE and 256 dimensions */
#define TIME_AROUND  8   /* bytes, by which values before a time differ in length */

/*
 * --sample: of so many lines exactly that share, one of each stratum, drawn at random within it, so
 * that lines which alternate between metrics are not all of one.
 */
struct share {
    double rate;
    uint64_t random;        /* state of the generator */
    uint64_t line, stratum; /* those at hand */
    uint64_t next;          /* line to be recorded */
};

struct lines {
    struct cli *cli;
    const struct metric_common *common;
    const struct destination *to;
    struct tcore_buf input, records, line;
    struct tcore_json json;
    struct share share;
    struct tcore_projection text; /* what the decoder is to give of a block of JSON */
    struct tcore_decoder *decoder;
    size_t time_at; /* in the text of the last such record that had a time */
    struct tcore_buf frame_type, frame_unit, frame_end;
    struct metric_frame frame;
    int64_t time_ns;               /* of the next record */
    char time[TCORE_NUMBER_BYTES]; /* of the last one, in digits */
    size_t time_length;
    int64_t written_ns;
    uint64_t number; /* of the line at hand */
    uint64_t odd;    /* values that are texts, although numbers may be meant */
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

/* --- The share that is recorded */

static double draw(struct share *s)
{
    s->random ^= s->random >> 12; /* xorshift64*, Vigna 2016 */
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return (double)(s->random * UINT64_C(2685821657736338717) >> 11) * 0x1p-53;
}

static void draw_next(struct share *s)
{
    double line = s->rate > 0 ? ((double)s->stratum++ + draw(s)) / s->rate : 0x1p63;
    uint64_t next = line < 0x1p63 ? (uint64_t)line : UINT64_MAX;
    s->next = next < s->line ? s->line : next; /* strata meet within a line */
}

static bool share_open(struct share *s, double rate)
{
    *s = (struct share){.rate = rate};
    if (tcore_sys()->random(&s->random, sizeof s->random) < 0)
        return false;
    s->random |= 1;
    draw_next(s);
    return true;
}

static bool share_takes_next(struct share *s)
{
    if (s->rate >= 1)
        return true;
    bool takes = s->line++ == s->next;
    if (takes)
        draw_next(s);
    return takes;
}

/* --- Lines */

/* Of each record a later one. */
static int64_t next_time(struct lines *l)
{
    return l->common->time.set ? l->common->time.unix_ns : l->time_ns++;
}

/* Gives a metric the time that it lacks, and says by which share it is one of many: what is in json
 * then is in line. */
static enum tcore_status amend(struct lines *l, const char *text, size_t length, bool timed,
                               struct tcore_error *err)
{
    const char *end = memrchr(text, '}', length);
    enum tcore_status status = TCORE_OK;
    tcore_buf_clear(&l->line);
    tcore_buf_append(&l->line, text, (size_t)(end - text));
    if (!timed)
        tcore_buf_printf(&l->line, ",\"timeUnixNano\":\"%lld\"", (long long)next_time(l));
    if (l->share.rate < 1) {
        tcore_buf_puts(&l->line, ",\"quality\":");
        status = metric_put_quality(l->share.rate, &l->json, &l->line, err);
    }
    tcore_buf_putc(&l->line, '}');
    if (status == TCORE_OK)
        status = tcore_buf_status(&l->line, err);
    return status == TCORE_OK ? tcore_json_parse(&l->json, l->line.data, l->line.length, err)
                              : status;
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
    const struct tcore_value *name = execution_member(&l->json, "metricName");
    const struct tcore_value *type = execution_member(&l->json, "metricType");
    if (name->kind == TCORE_STRING && type->kind == TCORE_STRING)
        status =
            definitions_check(l->common->definitions, name->s, name->len, type->s, type->len, err);
    if (status != TCORE_OK || !share_takes_next(&l->share))
        return status;
    bool timed = tcore_json_find(&l->json, 0, "timeUnixNano") != 0;
    if (!timed || l->share.rate < 1)
        status = amend(l, text, length, timed, err);
    if (status == TCORE_OK)
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
    if (!share_takes_next(&l->share))
        return TCORE_OK;
    enum tcore_status status =
        metric_put(&l->records, &l->json, l->common, &words, next_time(l), err);
    l->odd += status == TCORE_OK && metric_value_is_odd(words.value, strlen(words.value));
    return status;
}

/* The next time in digits, which are mostly those of the one before but for the last. */
static void write_time(struct lines *l)
{
    int64_t time_ns = next_time(l);
    if (time_ns == l->written_ns + 1 && l->time_length && l->time[l->time_length - 1] < '9' &&
        time_ns > 0)
        l->time[l->time_length - 1]++;
    else if (time_ns != l->written_ns || !l->time_length)
        l->time_length = tcore_format_int64(l->time, time_ns);
    l->written_ns = time_ns;
}

/* Most lines: false, if this is not one of them. */
static bool put_plain(struct lines *l, const char *text, size_t length)
{
    struct metric_words_found words;
    if (l->common->definitions->any || !metric_line_split(text, length, &words) ||
        !metric_line_is_one(&words))
        return false;
    if (share_takes_next(&l->share)) {
        write_time(l);
        metric_line_put(&l->records, &l->frame, &words, l->time, l->time_length, &l->odd);
    }
    return true;
}

/* Whether the record has a time: most have it about where the one before had. What is deeper inside
 * passes for one, as looking for the member itself would cost a fifth of all. */
static bool has_time(struct lines *l, const struct tcore_slice *text)
{
    static const char key[] = "\"timeUnixNano\":";
    const size_t bytes = sizeof key - 1;
    size_t from = l->time_at > TIME_AROUND ? l->time_at - TIME_AROUND : 0;
    for (size_t at = from; at < from + 2 * TIME_AROUND && at + bytes <= text->length; at++)
        if (text->data[at] == '"' && memcmp(text->data + at, key, bytes) == 0) {
            l->time_at = at;
            return true;
        }
    const char *found = memmem(text->data, text->length, key, bytes);
    if (found)
        l->time_at = (size_t)(found - text->data);
    return found != NULL;
}

/* A record of ours goes on as it is, if it has a time and all are recorded. */
static enum tcore_status put_record(struct lines *l, const struct tcore_batch *batch, size_t row,
                                    struct tcore_error *err)
{
    static const char head[] = "{\"type\":\"metric\",";
    const struct tcore_slice *text = &batch->text[row];
    if (batch->types[row] != TCORE_RECORD_METRIC)
        return tcore_error_set(err, TCORE_SKIP, "is no metric");
    if (text->length < strlen(head) || memcmp(text->data, head, strlen(head)) != 0 ||
        l->share.rate < 1 || !has_time(l, text))
        return put_json(l, text->data, text->length, err);
    tcore_buf_append(&l->records, text->data, text->length);
    tcore_buf_putc(&l->records, '\n');
    return tcore_buf_status(&l->records, err);
}

/* Records and rejects of a batch in the order of their lines. False: no more can be recorded. */
static bool put_batch(struct lines *l, const struct tcore_batch *batch)
{
    uint64_t first = l->number;
    size_t row = 0, bad = 0;
    while (row < batch->rows || bad < batch->reject_count) {
        struct tcore_error err;
        if (bad < batch->reject_count &&
            (row == batch->rows || batch->rejects[bad].line < batch->lines[row])) {
            cli_reject(l->cli, "-", first + batch->rejects[bad].line, batch->rejects[bad].byte,
                       batch->rejects[bad].reason);
            bad++;
            continue;
        }
        enum tcore_status status = put_record(l, batch, row, &err);
        l->number = first + batch->lines[row++];
        if (status == TCORE_SKIP) {
            reject(l, err.text);
        } else if (status != TCORE_OK) {
            cli_report(l->cli, &err);
            return false;
        }
    }
    l->number = first + batch->line_count;
    return l->records.length < APPEND_BYTES || append(l);
}

/* The whole lines from there on that are JSON and not too long; 0: there are none. */
static size_t find_block(const struct lines *l, size_t start)
{
    size_t at = start;
    if (l->common->definitions->any || l->passing)
        return 0;
    while (at < l->input.length && l->input.data[at] == '{') {
        const char *line = l->input.data + at;
        const char *newline = memchr(line, '\n', l->input.length - at);
        if (!newline || (size_t)(newline - line) > LINE_BYTES)
            break;
        at += (size_t)(newline + 1 - line);
    }
    return at - start;
}

static bool take_block(struct lines *l, size_t start, size_t length)
{
    const struct tcore_input_options options = {.single = true};
    struct tcore_chunk chunk = {.data = l->input.data + start, .length = length, .lines = true};
    const struct tcore_batch *batch;
    struct tcore_error err;
    enum tcore_status status = TCORE_OK;
    l->text.text = true;
    if (!l->decoder)
        status = tcore_decoder_new(&l->decoder, &l->text, &options, &err);
    if (status == TCORE_OK)
        status = tcore_decoder_decode(l->decoder, TCORE_FORMAT_NDJSON, &chunk, &batch, &err);
    if (status == TCORE_OK)
        return put_batch(l, batch);
    cli_report(l->cli, &err);
    return false;
}

static bool take_line(struct lines *l, const char *text, size_t length)
{
    struct tcore_error err;
    size_t blanks = 0;
    l->number++;
    if (put_plain(l, text, length))
        return l->records.length < APPEND_BYTES || append(l);
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
        size_t block = find_block(l, at);
        if (block) {
            more = take_block(l, at, block);
            at += block;
            continue;
        }
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

static void show_progress(const struct lines *l)
{
    if (cli_take_progress_request())
        cli_note(l->cli, "%llu line%s", (unsigned long long)l->number, l->number == 1 ? "" : "s");
}

/* Whether standard input, an end of it too, is there within the time; a wish to stop is none. */
static bool is_ready(const struct lines *l, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = cli_stop_fd() ? cli_stop_fd() : -1, .events = POLLIN}};
    int found;
    do {
        found = tcore_sys()->poll(fds, 2, timeout_ms);
        show_progress(l);
    } while (found < 0 && errno == EINTR && !cli_stop_requested());
    return found > 0 && fds[0].revents && !fds[1].revents;
}

static bool read_more(struct lines *l)
{
    char *room = tcore_buf_reserve(&l->input, READ_BYTES + TCORE_BATCH_PADDING);
    if (!room) {
        cli_error(l->cli, "out of memory");
        return false;
    }
    ssize_t got = tcore_read_some(STDIN_FILENO, room, READ_BYTES);
    if (got < 0) {
        cli_error(l->cli, "-: cannot read: %s", strerror(errno));
        return false;
    }
    int64_t now_ns = tcore_sys()->wall_ns();
    l->time_ns = now_ns > l->time_ns ? now_ns : l->time_ns;
    l->input.length += (size_t)got;
    l->ended = !got;
    return true;
}

/* What all lines have in common. False: reported. */
static bool prepare(struct lines *l)
{
    const struct metric_common *common = l->common;
    execution_put_text(&l->frame_type, "metricType", common->metric_type);
    tcore_buf_putc(&l->frame_type, '\0');
    execution_put_text(&l->frame_unit, "unit", common->unit);
    tcore_buf_putc(&l->frame_unit, '\0');
    metric_put_end(&l->frame_end, common);
    tcore_buf_append(&l->frame_end, "\n", 2);
    l->frame = (struct metric_frame){.type = execution_text(&l->frame_type),
                                     .unit = execution_text(&l->frame_unit),
                                     .end = execution_text(&l->frame_end)};
    l->frame.type_length = strlen(l->frame.type);
    l->frame.unit_length = strlen(l->frame.unit);
    l->frame.end_length = strlen(l->frame.end);
    if (l->frame_type.failed || l->frame_unit.failed || l->frame_end.failed)
        cli_error(l->cli, "out of memory");
    else if (!share_open(&l->share, common->sample_rate))
        cli_error(l->cli, "the system has no randomness to give");
    return !l->cli->failed;
}

int metric_from_input(struct cli *cli, const struct metric_common *common,
                      const struct destination *to)
{
    struct lines l = {.cli = cli, .common = common, .to = to};
    if (isatty(STDIN_FILENO))
        return cli_usage_error(cli, "standard input is a terminal: pipe lines in");
    cli_catch_signals(CLI_CATCH_STOP | CLI_CATCH_PROGRESS);
    bool going = prepare(&l);
    while (going && !l.ended) {
        if (!is_ready(&l, 0))
            going = append(&l) && is_ready(&l, -1);
        if (going)
            going = read_more(&l) && take_lines(&l);
    }
    append(&l); /* also what came before a stop or a failure */
    if (l.odd)
        cli_note(cli, "%llu value%s like .5 or 12ms %s recorded as text%s: " METRIC_NUMBERS,
                 (unsigned long long)l.odd, l.odd == 1 ? "" : "s", l.odd == 1 ? "was" : "were",
                 l.odd == 1 ? "" : "s");
    tcore_buf_free(&l.input);
    tcore_buf_free(&l.records);
    tcore_buf_free(&l.line);
    tcore_decoder_free(l.decoder);
    tcore_buf_free(&l.frame_type);
    tcore_buf_free(&l.frame_unit);
    tcore_buf_free(&l.frame_end);
    tcore_json_free(&l.json);
    return cli_exit_status(cli, false);
}
