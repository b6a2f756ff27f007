/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-record import: foreign records in, native ones out. The format is recognised document by
 * document; native records pass, so that importing twice changes nothing.
 */
#include <config.h>

#include "record/import/run.h"
#include "record/verbs.h"

#include "cli/map.h"
#include "cli/message.h"
#include "cli/signals.h"

#include <string.h>
#include <unistd.h>

struct options {
    const char *from, *map, *redact;
    struct cli_time at;
    struct cli_strings columns;
    bool dogstatsd;
};

/* For completion; names are looked up in import_formats. */
#define FORMATS                                                                                    \
    "otlp|otlp-proto|prometheus|openmetrics|statsd|csv|tsv|jaeger|zipkin|chrome|hyperfine|"        \
    "google-benchmark|pytest-benchmark|benchstat|numbers|lines|native"

static const struct cli_option table[] = {
    {0, "from", CLI_STRING, offsetof(struct options, from), "FORMAT",
     "what the input is, instead of finding out", FORMATS},
    {0, "map", CLI_STRING, offsetof(struct options, map), "FILE",
     "make records with the jq program in this file", NULL},
    {0, "at", CLI_TIME, offsetof(struct options, at), "TIME",
     "when samples were taken that have no time", NULL},
    {0, "columns", CLI_LIST, offsetof(struct options, columns), "LIST",
     "names of the columns of a table, or NAME=FIELD for some", NULL},
    {0, "dogstatsd", CLI_FLAG, offsetof(struct options, dogstatsd), NULL,
     "signed gauges of StatsD are absolute", NULL},
    {0, "redact", CLI_STRING, offsetof(struct options, redact), "POLICY",
     "redact the records as the policy in this file says", NULL},
};

static int unknown_format(struct cli *cli, const char *name)
{
    const char *names[32];
    struct tcore_buf list = {0};
    size_t count = 0;
    for (; import_formats[count] && count < 31; count++) {
        names[count] = import_formats[count]->name;
        tcore_buf_printf(&list, "%s%s%s", count ? ", " : "", names[count],
                         import_formats[count] == &import_lines ? " (with --map)" : "");
    }
    names[count] = NULL;
    tcore_buf_putc(&list, '\0');
    const char *near = cli_nearest(name, names);
    int status = cli_usage_error(cli, "--from: '%s' is no format%s%s%s; there are %s", name,
                                 near ? " (did you mean " : "", near ? near : "", near ? "?)" : "",
                                 list.data ? list.data : "");
    tcore_buf_free(&list);
    return status;
}

/* A map takes JSON, rows and lines; lines are nothing without one. */
static bool goes_with_map(const struct import_format *format, bool mapped)
{
    bool tables = format == &import_csv || format == &import_tsv;
    return mapped ? !format || tables || format == &import_lines : format != &import_lines;
}

static void import_inputs(struct cli *cli, struct cli_output *output,
                          const struct import_settings *settings,
                          const struct import_format *format, const struct import_select *select,
                          const struct protection *protection, int argc, char **argv)
{
    struct tcore_error err;
    struct import_run *run;
    if (import_run_new(&run, cli, output, format, select, &err) != TCORE_OK) {
        cli_report(cli, &err);
        return;
    }
    import_run_settings(run, settings);
    bool more = import_run_open_rejects(run);
    if (protection && import_run_redact(run, protection, &err) != TCORE_OK) {
        cli_report(cli, &err);
        more = false;
    }
    for (int i = 0; more && i < argc; i++)
        more = import_run_input(run, argv[i]);
    if (more && argc == 0)
        import_run_input(run, "-");
    import_run_end(run);
}

static bool reads_terminal(int argc, char **argv)
{
    bool reads = argc == 0;
    for (int i = 0; i < argc; i++)
        reads |= strcmp(argv[i], "-") == 0;
    return reads && isatty(STDIN_FILENO);
}

/* Names of all columns, in which case there is no heading, or other names for some. */
static bool check_columns(const struct cli_strings *columns, bool *bare)
{
    size_t renamed = 0;
    for (size_t i = 0; i < columns->count; i++)
        renamed += strchr(columns->item[i], '=') != NULL;
    *bare = columns->count && !renamed;
    return !renamed || renamed == columns->count;
}

static int run_import(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    const struct import_format *format = NULL;
    struct import_settings settings = {.at_ns = o->at.unix_ns,
                                       .dogstatsd = o->dogstatsd,
                                       .columns = (const char *const *)o->columns.item,
                                       .column_count = o->columns.count};
    if (o->from && !(format = import_format_find(o->from)))
        return unknown_format(cli, o->from);
    if (!goes_with_map(format, o->map))
        return cli_usage_error(cli, o->map ? "--map takes JSON, --from=csv, tsv or lines"
                                           : "--from=lines needs --map");
    if (!check_columns(&o->columns, &settings.bare))
        return cli_usage_error(cli, "--columns: either names of all columns, or NAME=FIELD");
    if (reads_terminal(argc, argv))
        return cli_usage_error(cli, "standard input is a terminal: name an INPUT, or pipe one in");
    int status = cli_choose_simd(cli);
    if (status != CLI_DONE)
        return status;
    cli_catch_signals(CLI_CATCH_STOP | CLI_CATCH_PROGRESS);
    struct import_select *select;
    status = import_select_new(&select, cli);
    if (status != CLI_DONE)
        return status;
    struct protection protection = {0};
    struct cli_map map = {0};
    if (o->map) {
        status = cli_map_load(&map, cli, o->map);
        settings.map = map.program.data;
        settings.helper = map.helper.text;
    }
    if (status == CLI_DONE)
        status = o->redact ? protection_open_file(&protection, cli, o->redact) : CLI_DONE;
    struct cli_output *output = status == CLI_DONE ? cli_output_open(cli) : NULL;
    if (output) {
        import_inputs(cli, output, &settings, format, select, o->redact ? &protection : NULL, argc,
                      argv);
        cli_output_close(output, cli->failed);
    }
    protection_close(&protection);
    cli_map_free(&map);
    import_select_free(select);
    return cli->usage_error ? CLI_USAGE : cli_exit_status(cli, false);
}

const struct cli_verb import_verb = {
    .name = "import",
    .summary = "Turn foreign formats into native records.",
    .operands = "[INPUT]...",
    .description = "The format is recognised by its content. Read are, by their names for --from:\n"
                   "  otlp          OTLP/JSON, also Tempo's and older forms\n"
                   "  otlp-proto    OTLP protobuf\n"
                   "  jaeger        Jaeger's JSON from its API, its UI and its storage\n"
                   "  zipkin        Zipkin's JSON, v2 and v1\n"
                   "  chrome        Chrome's trace events, also without the end of their list\n"
                   "  prometheus    Prometheus text\n"
                   "  openmetrics   OpenMetrics\n"
                   "  statsd        StatsD and DogStatsD\n"
                   "  csv, tsv      tables, their columns called as fields are\n"
                   "  hyperfine, google-benchmark, pytest-benchmark\n"
                   "                results, each run a point for trace-detect compare\n"
                   "  benchstat     what go test -bench prints\n"
                   "  numbers       numbers, one a line, of one series\n"
                   "  lines         lines of any text, for --map\n"
                   "  native        records, which pass in canonical form\n"
                   "\n"
                   "trace-record(1) says what becomes of each.\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "have no more input under way than fits, a megabyte for each 256 kB, and gather "
              "no larger Chrome trace (default 1G)",
    .options = table,
    .option_count = sizeof(table) / sizeof(*table),
    .options_size = sizeof(struct options),
    .run = run_import,
};
