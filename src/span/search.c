/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span search: spans, or traces, that match a query in TraceQL. */
#include <config.h>

#include "span/search.h"

#include "cli/message.h"
#include "cli/table.h"
#include "span/verbs.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN_BEFORE 60 /* columns of a query in front of what is wrong */
#define SHOWN_BEHIND 18

void search_note_overworked(struct cli *cli, uint64_t overworked)
{
    if (overworked)
        cli_note(cli, "a pattern gave up on %" PRIu64 " value%s, taken as no match: too much work",
                 overworked, overworked == 1 ? "" : "s");
}

/* --- What is wrong with a query */

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The line of the query around the place, and a caret below that. */
static void point(struct cli *cli, const char *query, size_t at)
{
    struct tcore_buf lines = {0};
    size_t length = strlen(query), from, to, columns = 0;
    if (at > length)
        at = length;
    for (from = at; from > 0 && query[from - 1] != '\n' && at - from < SHOWN_BEFORE;)
        from--;
    for (to = at; to < length && query[to] != '\n' && to - at < SHOWN_BEHIND;)
        to++;
    while (from < at && continues(query[from]))
        from++;
    while (to < length && continues(query[to]))
        to++;
    for (size_t i = from; i < at; i++)
        columns += !continues(query[i]);
    tcore_buf_printf(&lines, "  %.*s\n  %*s^\n", (int)(to - from), query + from, (int)columns, "");
    for (size_t i = 0; i < lines.length; i++) /* a tab has the width of its caret */
        lines.data[i] = lines.data[i] == '\t' ? ' ' : lines.data[i];
    cli_note_lines(cli, &lines);
    tcore_buf_free(&lines);
}

static int refuse(struct cli *cli, const char *query, struct tcore_error *err)
{
    if (err->status != TCORE_BAD_INPUT) {
        cli_report(cli, err);
        return CLI_FAILED;
    }
    cli_note(cli, "TraceQL, column %" PRIu64 ": %s", err->byte, err->text);
    point(cli, query, err->byte ? err->byte - 1 : 0);
    cli->usage_error = true;
    return CLI_USAGE;
}

/* --- The verb */

/* Of a table that has none asked for. */
static void choose_columns(struct cli_columns *columns, const struct cli *cli,
                           const struct search_options *options, const struct traceql_query *query,
                           struct tcore_arena *arena)
{
    static const char *const trace[] = {"timeline.startTime",
                                        "structure.spanCount",
                                        "errors.errorCount",
                                        "timeline.totalDuration",
                                        "serviceName",
                                        "rootName",
                                        "traceId"};
    static const char *const span[] = {"startTimeUnixNano", "durationNano", "status", "service",
                                       "name"};
    static const char *const narrow[] = {"durationNano", "service", "name"};
    static const char *const ids[] = {"traceId", "spanId"};
    bool wide = cli_table_is_wide(cli);
    if (options->summary) {
        cli_columns_add(columns, wide ? trace : trace + 3, wide ? 7 : 4);
        return;
    }
    if (wide)
        cli_columns_add(columns, span, 5);
    else if (query->selections > 1) /* what was asked for needs the room */
        cli_columns_add(columns, narrow, 3);
    else
        cli_columns_add(columns, span + 1, 4);
    for (uint32_t s = 0; s < query->selections; s++) {
        const struct tcore_slice *label = &query->field[query->selected[s]].label;
        const char *name = tcore_arena_copy(arena, label->data, label->length);
        cli_columns_add(columns, &name, name ? 1 : 0);
    }
    cli_columns_add(columns, ids, wide ? 2 : 1);
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct search_options *options = verb_options;
    struct traceql_query query;
    struct cli_columns columns = {0};
    struct tcore_arena names = {0};
    struct tcore_error err = {0};
    if (!argc)
        return cli_usage_error(cli, "search needs a query, such as '{ status = error }'");
    if (options->traces && options->summary)
        return cli_usage_error(cli, "--traces and --summary cannot be used together");
    enum tcore_status parsed = traceql_parse(&query, argv[0], strlen(argv[0]), &err);
    int status;
    if (parsed == TCORE_OK) {
        choose_columns(&columns, cli, options, &query, &names);
        cli_table_on_terminal(cli, columns.name, columns.count);
    }
    if (parsed != TCORE_OK)
        status = refuse(cli, argv[0], &err);
    else if (traceql_is_of_spans(&query) && !options->traces && !options->summary)
        status = search_spans(cli, &query, argc - 1, argv + 1);
    else
        status = search_traces(cli, &query, options, argc - 1, argv + 1);
    traceql_free(&query);
    tcore_arena_free(&names);
    return status;
}

static const struct cli_option options[] = {
    {0, "summary", CLI_FLAG, offsetof(struct search_options, summary), NULL,
     "one record a trace that matches: ids, times, counts, and its spansets", NULL},
    {0, "traces", CLI_FLAG, offsetof(struct search_options, traces), NULL,
     "all spans of traces that match, not the matching spans alone", NULL},
};

const struct cli_verb span_search = {
    .name = "search",
    .summary = "Find spans and traces with TraceQL.",
    .operands = "TRACEQL [INPUT]...",
    .description =
        "TRACEQL is a query in the language of Grafana Tempo; trace-span(1) has all of it. The "
        "spans that match are printed as they are. A query that each span answers by itself is a "
        "filter and keeps the order of the input. What looks at whole traces (structural "
        "operators, && of spansets, aggregates, by(), trace: and parent fields) holds the spans in "
        "memory and gives traces by their start.\n"
        "\n"
        "select() adds a member to each span by the name of the field, as it was written; by() "
        "adds group. Metrics functions such as rate() are not for search: trace-agg makes "
        "metrics.\n"
        "\n"
        "Examples:\n"
        "  trace-span search '{ .service.name = \"cart\" && duration > 100ms }' spans\n"
        "  trace-span search '{ name = \"GET /cart\" } >> { status = error }' spans\n"
        "  trace-span search --traces '{ status = error } | count() > 2' spans |\n"
        "      trace-span assemble\n"
        "  trace-span search --summary --format=table '{ trace:duration > 1s }' repo\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file for whole traces beyond this (default 1G)",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct search_options),
    .run = run,
};
