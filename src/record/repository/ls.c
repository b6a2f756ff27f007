/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record ls: what is in a repository, a line a segment. */
#include <config.h>

#include "cli/message.h"
#include "cli/output.h"
#include "cli/table.h"
#include "record/verbs.h"
#include "store/repository.h"

#include "base/sys.h"
#include "model/time.h"

#include <inttypes.h>
#include <string.h>

struct ls_options {
    struct cli_time since, until;
};

struct listing {
    const struct ls_options *options;
    struct cli *cli;
    struct cli_output *output;
    const char *repository;
    struct tcore_buf line;
};

static void put_time(struct tcore_buf *line, const char *key, int64_t ns)
{
    char text[TCORE_TIME_BYTES];
    tcore_format_time(text, ns);
    tcore_buf_printf(line, ",\"%s\":\"%s\"", key, text);
}

/* {"type":"segment","segment":PATH,"start":..,"end":..,"records":N,"bytes":N,"span":N,...} */
static bool put_segment(struct listing *l, const char *path, const struct tcore_segment *segment)
{
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    uint64_t records = 0;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        records += m->records[type];
    tcore_buf_clear(&l->line);
    tcore_buf_printf(&l->line, "{\"type\":\"segment\",\"segment\":\"%s\"", path);
    if (m->timed) {
        put_time(&l->line, "start", m->min_ns);
        put_time(&l->line, "end", m->max_ns);
    }
    tcore_buf_printf(&l->line,
                     ",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"textBytes\":%" PRIu64,
                     records, tcore_segment_file_bytes(segment), m->text_bytes);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (m->records[type])
            tcore_buf_printf(&l->line, ",\"%ss\":%" PRIu64,
                             tcore_record_type_name((enum tcore_record_type)type),
                             m->records[type]);
    tcore_buf_puts(&l->line, "}\n");
    if (l->line.failed) {
        cli_error(l->cli, "out of memory");
        return false;
    }
    return cli_output_lines(l->output, l->line.data, l->line.length);
}

static bool is_wanted(const struct ls_options *o, const struct tcore_manifest *m)
{
    if (!m->all_timed)
        return true;
    return !(o->since.set && m->max_ns < o->since.unix_ns) &&
           !(o->until.set && m->min_ns >= o->until.unix_ns);
}

/* False: no more is wanted. */
static bool list_segment(struct listing *l, struct tcore_repository *repository, const char *path)
{
    struct tcore_segment *segment;
    struct tcore_error err;
    enum tcore_status status = tcore_repository_open_segment(repository, path, &segment, &err);
    if (status == TCORE_EOF) /* removed since */
        return true;
    if (status != TCORE_OK) {
        cli_error(l->cli, "%s: segments/%s: %s", l->repository, path, err.text);
        return true;
    }
    bool more =
        !is_wanted(l->options, tcore_segment_manifest(segment)) || put_segment(l, path, segment);
    tcore_segment_close(segment);
    return more;
}

static void list(struct listing *l)
{
    struct tcore_repository *repository;
    struct tcore_segment_list segments = {0};
    struct tcore_error err;
    enum tcore_status status = tcore_repository_open(&repository, l->repository, &err);
    if (status == TCORE_OK)
        status = tcore_repository_list(repository, &segments, &err);
    if (status != TCORE_OK) {
        err.input = l->repository;
        cli_report(l->cli, &err);
    }
    for (size_t i = 0; i < segments.count; i++)
        if (!list_segment(l, repository, segments.path[i]))
            break;
    tcore_segment_list_free(&segments);
    tcore_repository_close(repository);
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const char *columns[] = {"segment", "start",   "end",   "records",
                                    "spans",   "metrics", "bytes", "textBytes"};
    struct listing listing = {.cli = cli, .options = options};
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    listing.repository = argv[0];
    cli_table_on_terminal(cli, columns, sizeof columns / sizeof *columns);
    listing.output = cli_output_open(cli);
    if (!listing.output)
        return cli->usage_error ? CLI_USAGE : CLI_FAILED;
    list(&listing);
    cli_output_close(listing.output, cli->failed);
    tcore_buf_free(&listing.line);
    return cli_exit_status(cli, false);
}

static const struct cli_option options[] = {
    {0, "since", CLI_TIME, offsetof(struct ls_options, since), "TIME",
     "only segments with records from this time on: RFC 3339, epoch, -1h, today", NULL},
    {0, "until", CLI_TIME, offsetof(struct ls_options, until), "TIME",
     "only segments with records before this time", NULL},
};

const struct cli_verb ls_verb = {
    .name = "ls",
    .summary = "List the segments of a repository.",
    .operands = "REPO",
    .description = "A line a segment, in the order of time: where it is below REPO/segments, from "
                   "when to when its records are, how many of which types, its size and the size "
                   "that they have as text. On a terminal it is a table.\n"
                   "\n"
                   "Example:\n"
                   "  trace-record ls repository --format=table --fields=start,records,bytes\n",
    .groups = CLI_WRITES,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct ls_options),
    .run = run,
};
