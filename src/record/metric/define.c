/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record define: says once what a metric is. */
#include <config.h>

#include "cli/message.h"
#include "record/metric/definitions.h"
#include "record/destination.h"
#include "record/export/delivery.h"
#include "record/verbs.h"

#include <string.h>

struct options {
    const char *to, *durability, *metric_type, *unit, *description;
};

static const struct cli_option table[] = {
    DESTINATION_TO(struct options, to),
    DESTINATION_DURABILITY(struct options, durability),
    {0, "metric-type", CLI_CHOICE, offsetof(struct options, metric_type), "TYPE",
     "what its values are", "gauge|counter|timer|histogram|custom"},
    {0, "unit", CLI_STRING, offsetof(struct options, unit), "UNIT",
     "unit of its values, as in UCUM: ms, By, {request}", NULL},
    {0, "description", CLI_STRING, offsetof(struct options, description), "TEXT",
     "what it tells, for people", NULL},
};

static bool is_same(const struct definition *a, const struct definition *b)
{
    return !strcmp(a->type, b->type) && !strcmp(a->unit, b->unit) &&
           !strcmp(a->description, b->description);
}

/* TCORE_SKIP: it clashes with another one. */
static enum tcore_status define(struct cli *cli, const struct destination *to, const char *name,
                                const struct definition *definition,
                                const struct definitions *definitions, struct tcore_error *err)
{
    const struct definition *before = definitions_find(definitions, name, strlen(name));
    struct tcore_buf lines = {0};
    enum tcore_status status = definitions_check(definitions, name, strlen(name), definition->type,
                                                 strlen(definition->type), err);
    if (status != TCORE_OK)
        return status;
    if (before && is_same(before, definition)) {
        status = definitions_look_for(definitions, name, strlen(name), definition, err);
        if (status != TCORE_EOF) /* it is there already */
            return status;
    }
    definitions_put(&lines, name, definition);
    status = destination_append(cli, to, &lines, err);
    if (status == TCORE_OK && delivery_is_url(to->path))
        cli_note(cli, "%s: metric cannot ask there, and will send any type", to->path);
    else if (status == TCORE_OK)
        status = definitions_keep(definitions, &lines, err);
    tcore_buf_free(&lines);
    return status;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    const struct destination to = destination_of(o->to, o->durability);
    const struct definition definition = {o->metric_type, o->unit ? o->unit : "",
                                          o->description ? o->description : ""};
    struct definitions definitions;
    struct tcore_error err;
    if (argc != 1 || !*argv[0])
        return cli_usage_error(cli, argc > 1 ? "one NAME at a time" : "NAME is missing");
    if (!o->metric_type)
        return cli_usage_error(cli, "--metric-type is missing");
    if (strcmp(to.path, "-") == 0)
        return cli_usage_error(cli, "--to=-: records are appended to a file");
    enum tcore_status status = definitions_load(&definitions, to.path, &err);
    if (status == TCORE_OK)
        status = define(cli, &to, argv[0], &definition, &definitions, &err);
    definitions_free(&definitions);
    if (status == TCORE_SKIP)
        return cli_usage_error(cli, "%s: %s", to.path, err.text);
    if (status != TCORE_OK)
        cli_report(cli, &err);
    return cli_exit_status(cli, false);
}

const struct cli_verb define_verb = {
    .name = "define",
    .summary = "Say what a metric is: its type, unit and meaning.",
    .operands = "NAME",
    .description =
        "From then on metric takes its type and unit from there if they are not given, and\n"
        "refuses another type with exit status 2 (of a line: rejects it) at that destination. A\n"
        "definition is a log record with eventName metric.defined; FILE.metrics, or metrics in a\n"
        "repository, has a copy, so that metric finds it at once.\n"
        "\n"
        "Example:\n"
        "  trace-record define queue.length --metric-type=gauge --unit='{message}'\n",
    .options = table,
    .option_count = sizeof(table) / sizeof(*table),
    .options_size = sizeof(struct options),
    .run = run,
};
