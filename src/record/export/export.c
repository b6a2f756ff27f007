/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record export: native records as other tools read them. */
#include <config.h>

#include "record/export/export.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/visible.h"
#include "record/verbs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct export_format *const formats[] = {
    &export_otlp_json, &export_otlp_protobuf, &export_jaeger, &export_zipkin,
    &export_chrome,    &export_openmetrics,   &export_csv,    &export_mplp};

static const struct cli_option table[] = {
    {0, "to-format", CLI_CHOICE, offsetof(struct export_options, format), "FORMAT", "what to write",
     "otlp|otlp-proto|jaeger|zipkin|chrome|openmetrics|csv|mplp"},
    {0, "unframed", CLI_FLAG, offsetof(struct export_options, unframed), NULL,
     "with otlp-proto: one message, of one type of records, without a length before it", NULL},
    {0, "fields", CLI_LIST, offsetof(struct export_options, fields), "LIST",
     "with csv: columns (default: the fields of the first record)", NULL},
};

int64_t export_memory(const struct cli *cli)
{
    return cli->io.memory_bytes ? cli->io.memory_bytes : (int64_t)1 << 30;
}

bool export_is_shown(const struct cli *cli)
{
    return (!cli->io.output || !strcmp(cli->io.output, "-")) && isatty(STDOUT_FILENO);
}

void export_show(struct tcore_buf *out, const char *text, size_t length, bool shown)
{
    if (shown && !cli_is_visible(text, length, true))
        cli_visible(out, text, length, true);
    else
        tcore_buf_append(out, text, length);
}

bool export_may_wait(int argc, char **argv)
{
    struct stat st;
    bool waits = !argc;
    for (int i = 0; i < argc && !waits; i++)
        waits = !strcmp(argv[i], "-") || tcore_sys()->fstatat(AT_FDCWD, argv[i], &st, 0) != 0 ||
                !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
    return waits;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct export_options *o = options;
    const struct export_format *format = NULL;
    if (!o->format)
        return cli_usage_error(cli, "--to-format is missing: say what to write");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i]->name, o->format))
            format = formats[i];
    if (o->unframed && format != &export_otlp_protobuf)
        return cli_usage_error(cli, "--unframed goes with --to-format=otlp-proto");
    if (o->fields.count && format != &export_csv)
        return cli_usage_error(cli, "--fields goes with --to-format=csv");
    return format->run(cli, o, argc, argv);
}

const struct cli_verb export_verb = {
    .name = "export",
    .summary = "Write records in the formats of other tools.",
    .operands = "[INPUT]...",
    .description =
        "What a format has no place for, or in another form only, is left out or changed, and one "
        "note at the end says what that was: which fields, of how many records of which type.\n"
        "\n"
        "Examples:\n"
        "  trace-record export --to-format=otlp -o capture.jsonl records.ndjson\n"
        "  trace-record export --to-format=otlp-proto --type=span --unframed repo > t.pb\n",
    .groups = CLI_READS | CLI_OUTPUT,
    .memory = "fail when what jaeger, chrome, openmetrics and mplp hold is more (default 1G)",
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct export_options),
    .run = run,
};
