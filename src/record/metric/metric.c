/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record metric: one metric from the command line, or many from standard input. */
#include <config.h>

#include "record/metric/metric.h"

#include "base/sys.h"
#include "cli/message.h"
#include "model/canonical.h"
#include "model/id.h"
#include "model/number.h"
#include "record/attributes.h"
#include "record/execution/execution.h"
#include "record/metric/line.h"
#include "record/verbs.h"

#include <stdlib.h>
#include <string.h>

struct options {
    const char *to, *durability, *unit, *metric_type, *trace, *service;
    double sample;
    struct cli_time time;
};

static const struct options defaults = {.sample = 1};

static const struct cli_option table[] = {
    DESTINATION_TO(struct options, to),
    DESTINATION_DURABILITY(struct options, durability),
    {0, "unit", CLI_STRING, offsetof(struct options, unit), "UNIT",
     "unit of the value, as in UCUM: ms, By, {request}", NULL},
    {0, "metric-type", CLI_CHOICE, offsetof(struct options, metric_type), "TYPE",
     "what the value is", "gauge|counter|timer|histogram|custom"},
    {0, "trace", CLI_STRING, offsetof(struct options, trace), "ID",
     "the trace it was measured in: its id or a traceparent (default: $TRACEPARENT)", NULL},
    {0, "sample", CLI_PERCENT, offsetof(struct options, sample), "RATE",
     "record this share, and say so in quality.sampleRate", NULL},
    {0, "service", CLI_STRING, offsetof(struct options, service), "NAME", "name of the service",
     NULL},
    {0, "time", CLI_TIME, offsetof(struct options, time), "TIME",
     "when it was measured (default: now)", NULL},
};

/* A number as JSON has it; else as attributes are, so that true is a boolean. */
static void put_value(struct tcore_buf *out, struct tcore_json *json, const char *text)
{
    struct tcore_error err;
    if (!strpbrk(text, " \t\r\n") && tcore_json_parse(json, text, strlen(text), &err) == TCORE_OK &&
        (json->node[0].value.kind == TCORE_INT || json->node[0].value.kind == TCORE_NUMBER))
        tcore_buf_puts(out, text);
    else
        attributes_put_value(out, text);
}

static void put_context(struct tcore_buf *out, const struct metric_common *common)
{
    if (!*common->trace_id)
        return;
    tcore_buf_printf(out, ",\"context\":{\"traceId\":\"%s\"", common->trace_id);
    if (*common->span_id)
        tcore_buf_printf(out, ",\"spanId\":\"%s\"", common->span_id);
    tcore_buf_putc(out, '}');
}

void metric_put_end(struct tcore_buf *out, const struct metric_common *common)
{
    put_context(out, common);
    execution_put_text(out, "service", common->service);
    if (common->sample_rate < 1) {
        char rate[TCORE_NUMBER_BYTES];
        size_t length = tcore_format_double(rate, common->sample_rate);
        tcore_buf_printf(out, ",\"quality\":{\"sampleRate\":%.*s}", (int)length, rate);
    }
    tcore_buf_putc(out, '}');
}

static void put_record(struct tcore_buf *out, struct tcore_json *json,
                       const struct metric_common *common, const struct metric_words *words,
                       int64_t time_ns)
{
    const struct definition *definition =
        definitions_find(common->definitions, words->name, strlen(words->name));
    tcore_buf_puts(out, "{\"type\":\"metric\",\"metricName\":");
    attributes_put_text(out, words->name, strlen(words->name));
    execution_put_text(out, "metricType",
                       common->metric_type || !definition ? common->metric_type : definition->type);
    tcore_buf_puts(out, ",\"value\":");
    put_value(out, json, words->value);
    execution_put_text(out, "unit", common->unit || !definition ? common->unit : definition->unit);
    execution_put_time(out, "timeUnixNano", time_ns);
    tcore_buf_puts(out, ",\"dimensions\":{");
    attributes_put(out, &words->dimensions);
    tcore_buf_putc(out, '}');
    metric_put_end(out, common);
}

enum tcore_status metric_put(struct tcore_buf *lines, struct tcore_json *json,
                             const struct metric_common *common, const struct metric_words *words,
                             int64_t time_ns, struct tcore_error *err)
{
    const char *type = common->metric_type ? common->metric_type : "";
    struct tcore_buf made = {0};
    enum tcore_status status = definitions_check(common->definitions, words->name,
                                                 strlen(words->name), type, strlen(type), err);
    if (status != TCORE_OK)
        return status;
    put_record(&made, json, common, words, time_ns);
    status = tcore_buf_status(&made, err);
    if (status == TCORE_OK)
        status = tcore_json_parse(json, made.data, made.length, err);
    if (status == TCORE_OK)
        status = tcore_record_canonical(json, true, lines, NULL, err);
    if (status == TCORE_OK)
        tcore_buf_putc(lines, '\n');
    tcore_buf_free(&made);
    return status;
}

/* ---- the command line ---- */

/* --trace, else what the environment says; what is invalid there is none. */
static bool find_trace(const char *given, struct metric_common *common)
{
    struct tcore_traceparent parent;
    const char *text = given ? given : getenv("TRACEPARENT");
    if (text && tcore_traceparent_parse(text, strlen(text), &parent)) {
        memcpy(common->trace_id, parent.trace_id, sizeof common->trace_id);
        memcpy(common->span_id, parent.span_id, sizeof common->span_id);
        return true;
    }
    return !given || tcore_id_normalise(TCORE_TRACE_ID, given, strlen(given), common->trace_id) ==
                         TCORE_ID_OK;
}

static int record_one(struct cli *cli, const struct metric_common *common,
                      const struct destination *to, int argc, char **argv)
{
    struct metric_words words = {.name = argv[0], .value = argv[1]};
    struct tcore_buf lines = {0};
    struct tcore_json json = {0};
    struct tcore_error err;
    words.dimensions.item = (const char **)(argv + 2);
    words.dimensions.count = (size_t)argc - 2;
    const char *bad = attributes_bad(&words.dimensions);
    if (bad)
        return cli_usage_error(cli, "'%s' is not K=V", bad);
    int64_t time_ns = common->time.set ? common->time.unix_ns : tcore_sys()->wall_ns();
    enum tcore_status status = metric_put(&lines, &json, common, &words, time_ns, &err);
    if (status == TCORE_SKIP)
        cli_usage_error(cli, "%s: %s", to->path, err.text);
    if (status == TCORE_OK)
        status = metric_is_sampled(common->sample_rate, &err);
    if (status == TCORE_OK)
        status = destination_append(cli, to, &lines, &err);
    if (status == TCORE_FATAL)
        cli_report(cli, &err);
    if (status == TCORE_OK && metric_value_is_odd(words.value, strlen(words.value)))
        cli_note(cli, "'%.100s' is recorded as a text: " METRIC_NUMBERS, words.value);
    tcore_json_free(&json);
    tcore_buf_free(&lines);
    return cli->usage_error ? CLI_USAGE : cli_exit_status(cli, false);
}

static int record_metrics(struct cli *cli, struct metric_common *common,
                          const struct destination *to, int argc, char **argv)
{
    struct definitions definitions;
    struct tcore_error err;
    int status = CLI_FAILED;
    common->definitions = &definitions;
    if (definitions_load(&definitions, to->path, &err) != TCORE_OK)
        cli_report(cli, &err);
    else if (strcmp(argv[0], "-") == 0)
        status = metric_from_input(cli, common, to);
    else
        status = record_one(cli, common, to, argc, argv);
    definitions_free(&definitions);
    return status;
}

static int run_metric(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    const struct destination to = destination_of(o->to, o->durability);
    struct metric_common common = {.metric_type = o->metric_type,
                                   .unit = o->unit,
                                   .service = o->service,
                                   .sample_rate = o->sample,
                                   .time = o->time};
    bool many = argc && strcmp(argv[0], "-") == 0;
    if (!find_trace(o->trace, &common))
        return cli_usage_error(cli, "--trace: '%.100s' is no trace id", o->trace);
    if (o->sample > 1)
        return cli_usage_error(cli, "--sample: a share is 0 to 1");
    if (strcmp(to.path, "-") == 0)
        return cli_usage_error(cli, "--to=-: records are appended to a file");
    if (many && argc > 1)
        return cli_usage_error(cli, "-: NAME and VALUE are on standard input");
    if (!many && argc < 2)
        return cli_usage_error(cli, argc ? "VALUE is missing" : "NAME and VALUE are missing");
    if (!*argv[0])
        return cli_usage_error(cli, "NAME is empty");
    return record_metrics(cli, &common, &to, argc, argv);
}

const struct cli_verb metric_verb = {
    .name = "metric",
    .summary = "Record a metric, or many from standard input.",
    .operands = "NAME VALUE [K=V]... | -",
    .description =
        "VALUE is a number as JSON has it (0.5, -2, 1e3), true or false, or else a text. K=V are\n"
        "its dimensions, with numbers, true and false taken as such. With - the lines of standard\n"
        "input are recorded, each NAME VALUE [K=V]... or a metric as JSON, as soon as no more "
        "come\n"
        "at once.\n"
        "\n"
        "Examples:\n"
        "  trace-record metric queue.length 17 queue=mail --unit='{message}'\n"
        "  awk '{ print \"bytes\", $10 }' access.log | trace-record metric - --unit=By\n",
    .options = table,
    .option_count = sizeof(table) / sizeof(*table),
    .options_size = sizeof(struct options),
    .defaults = &defaults,
    .run = run_metric,
};
