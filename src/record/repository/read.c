/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record read: the records of a repository, all of it the common loop. */
#include <config.h>

#include "cli/filter.h"
#include "record/repository/protection.h"
#include "record/verbs.h"

#include "base/sys.h"

struct read_options {
    const char *redact;
};

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    struct redactor *redactor;
    const struct protection *protection = state;
    enum tcore_status status = redactor_new(&redactor, &protection->policy, protection->key, err);
    *worker = redactor;
    return status;
}

static enum tcore_status redact(void *state, void *worker, const struct tcore_batch *batch,
                                const uint32_t *rows, size_t count, struct tcore_buf *out,
                                struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    (void)state;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        const struct tcore_slice *text = &batch->text[rows[i]];
        status = redactor_apply(worker, text->data, text->length, out, err);
        tcore_buf_putc(out, '\n');
    }
    return status == TCORE_SKIP ? TCORE_BAD_INPUT : status;
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    (void)state;
    (void)err;
    redactor_free(worker);
    return TCORE_OK;
}

static int run_redacted(struct cli *cli, const char *policy, int argc, char **argv)
{
    static const struct cli_operator redacted = {
        .types = ((1u << TCORE_RECORD_TYPES) - 1) & ~(1u << TCORE_RECORD_CLOCK),
        .open = cli_want_text,
        .worker_open = open_worker,
        .batch = redact,
        .worker_close = close_worker,
    };
    struct protection protection;
    int status = protection_open_file(&protection, cli, policy);
    if (status == CLI_DONE)
        status = cli_filter(cli, &redacted, &protection, argc, argv);
    protection_close(&protection);
    return status;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct read_options *o = options;
    static const struct cli_operator all = {
        .types = ((1u << TCORE_RECORD_TYPES) - 1) & ~(1u << TCORE_RECORD_CLOCK),
        .passes_text = true,
    };
    if (o->redact)
        return run_redacted(cli, o->redact, argc, argv);
    return cli_filter(cli, &all, NULL, argc, argv);
}

static const struct cli_option options[] = {
    {0, "redact", CLI_STRING, offsetof(struct read_options, redact), "POLICY",
     "redact the records as the policy in this file says", NULL},
};

const struct cli_verb read_verb = {
    .name = "read",
    .summary = "Print the records of a repository, or of files.",
    .operands = "REPO...",
    .description =
        "Segments come in the order of time, and in a segment records of one type in the order "
        "in which they were archived. Of what --type, --since and --until leave out, segments and "
        "columns are not read.\n"
        "\n"
        "Examples:\n"
        "  trace-record read repository --since=-1h --type=span\n"
        "  trace-record read repository -w '.service == \"cart\"' -b | trace-span assemble\n",
    .groups = CLI_READS | CLI_WRITES,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct read_options),
    .run = run,
};
