/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-span sample: a part of the traces, by which the whole can be told. Head sampling looks at
 * each span by itself, as the last 56 bits of its trace id say whether it is kept; this file has
 * that, and what all sampling has in common.
 */
#include <config.h>

#include "span/sample.h"

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/helper.h"
#include "cli/message.h"
#include "span/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct sample_options {
    const char *rate, *policy;
    bool proportional, decisions;
    int64_t wait_ns;
};

/* --- A span */

static struct tcore_slice string_at(const struct tcore_batch *batch, size_t column, uint32_t row)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    return value.kind == TCORE_STRING ? (struct tcore_slice){value.s, value.len}
                                      : (struct tcore_slice){"", 0};
}

void sample_span_read(struct sample_span *span, const struct sample_plan *plan,
                      const struct tcore_batch *batch, uint32_t row)
{
    span->trace_id = string_at(batch, plan->trace_id, row);
    span->state = string_at(batch, plan->trace_state, row);
    span->randomness = tcore_trace_state_randomness(&span->trace_id, &span->state);
    span->has_threshold = tcore_trace_state_find(&span->state, &span->threshold);
    span->inconsistent = span->threshold > span->randomness;
    if (span->inconsistent) {
        span->has_threshold = false;
        span->threshold = 0;
    }
}

uint64_t sample_head_threshold(const struct sample_plan *plan, const struct sample_span *span)
{
    double head = plan->sampling.head;
    uint64_t own = span->threshold;
    if (plan->proportional)
        return TCORE_TRACE_STATE_ALL -
               (uint64_t)llrint((double)(TCORE_TRACE_STATE_ALL - own) * head);
    uint64_t threshold = tcore_trace_state_threshold(head);
    return threshold > own ? threshold : own;
}

void sample_note_inconsistent(struct cli *cli, uint64_t count)
{
    if (count)
        cli_note(cli,
                 "%" PRIu64 " span%s a threshold (th) that %s randomness does not pass: it was "
                 "taken for none",
                 count, count == 1 ? " says" : "s say", count == 1 ? "its" : "their");
}

static enum tcore_status add_path(struct tcore_projection *projection, const char *name,
                                  size_t *column, struct tcore_error *err)
{
    const struct tcore_path_key key = {name, strlen(name)};
    return tcore_projection_add_path(projection, &key, 1, column, err);
}

enum tcore_status sample_columns(struct sample_plan *plan, struct tcore_projection *projection,
                                 struct tcore_error *err)
{
    const struct {
        const char *name;
        size_t *column;
        bool wanted;
    } columns[] = {
        {"traceId", &plan->trace_id, true},
        {"traceState", &plan->trace_state, true},
        {"startTimeUnixNano", &plan->start, plan->complete},
        {"durationNano", &plan->duration, plan->complete},
        {"status", &plan->status, plan->complete},
        {"timeUnixNano", &plan->time, plan->wait_ns >= 0},
        {"spanId", &plan->span_id, plan->shapes},
        {"parentSpanId", &plan->parent_id, plan->shapes},
        {"service", &plan->service, plan->shapes},
        {"name", &plan->name, plan->shapes},
    };
    struct cli_helper_path helper;
    const struct tcore_expr_options options = {.helper = cli_helper_path(&helper, "tracecore-jq")};
    enum tcore_status status = TCORE_OK;
    projection->text |= plan->complete;
    for (size_t i = 0; i < sizeof columns / sizeof *columns && status == TCORE_OK; i++)
        if (columns[i].wanted)
            status = add_path(projection, columns[i].name, columns[i].column, err);
    for (unsigned w = 0; w < plan->sampling.where_count && status == TCORE_OK; w++)
        status =
            tcore_expr_compile(&plan->where[w], plan->sampling.where[w], &options, projection, err);
    return status;
}

/* --- Head sampling */

struct head {
    struct sample_plan *plan;
    uint64_t spans, kept, inconsistent; /* added to by all threads */
};

static enum tcore_status head_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    return sample_columns(((struct head *)state)->plan, projection, err);
}

static enum tcore_status head_worker(void *state, void **worker, struct tcore_error *err)
{
    (void)state;
    *worker = tcore_calloc(1, sizeof(struct sample_annotator));
    return *worker ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status head_worker_close(void *state, void *worker, struct tcore_error *err)
{
    (void)state;
    (void)err;
    if (worker)
        sample_annotator_free(worker);
    tcore_free(worker);
    return TCORE_OK;
}

static void head_select(void *state, const struct tcore_batch *batch, uint32_t *rows, size_t *count)
{
    struct head *head = state;
    size_t kept = 0;
    uint64_t inconsistent = 0;
    for (size_t i = 0; i < *count; i++) {
        struct sample_span span;
        sample_span_read(&span, head->plan, batch, rows[i]);
        inconsistent += span.inconsistent;
        if (span.randomness >= sample_head_threshold(head->plan, &span))
            rows[kept++] = rows[i];
    }
    __atomic_fetch_add(&head->spans, *count, __ATOMIC_RELAXED);
    __atomic_fetch_add(&head->kept, kept, __ATOMIC_RELAXED);
    __atomic_fetch_add(&head->inconsistent, inconsistent, __ATOMIC_RELAXED);
    *count = kept;
}

static enum tcore_status head_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct head *head = state;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        struct sample_span span;
        sample_span_read(&span, head->plan, batch, rows[i]);
        uint64_t threshold = sample_head_threshold(head->plan, &span);
        bool set = threshold && (!span.has_threshold || threshold != span.threshold);
        status = sample_annotate(worker, batch->text[rows[i]], span.state, set, threshold, NULL,
                                 out, err);
    }
    return status;
}

static int sample_head(struct sample_plan *plan, int argc, char **argv)
{
    static const struct cli_operator sampling = {
        .types = 1u << TCORE_RECORD_SPAN,
        .select = head_select,
        .open = head_columns,
        .worker_open = head_worker,
        .batch = head_batch,
        .worker_close = head_worker_close,
    };
    struct head head = {.plan = plan};
    int status = cli_filter(plan->cli, &sampling, &head, argc, argv);
    if (status == CLI_USAGE || plan->cli->failed)
        return status;
    cli_note(plan->cli, "kept %" PRIu64 " of %" PRIu64 " spans", head.kept, head.spans);
    sample_note_inconsistent(plan->cli, head.inconsistent);
    return status;
}

/* --- Options */

/* 0.1, 10% or 1/10. */
static bool parse_rate(const char *text, double *rate)
{
    const char *slash = strchr(text, '/'), *reason;
    char whole[32];
    int64_t part, parts;
    if (!slash)
        return cli_parse_percent(text, rate, &reason) && *rate > 0 && *rate <= 1;
    if (slash - text >= (int)sizeof whole)
        return false;
    memcpy(whole, text, (size_t)(slash - text));
    whole[slash - text] = '\0';
    if (!cli_parse_count(whole, &part, &reason) || !cli_parse_count(slash + 1, &parts, &reason) ||
        !part || part > parts)
        return false;
    *rate = (double)part / (double)parts;
    return true;
}

/* CLI_DONE, or an exit status after a report. */
static int read_policy(struct sample_plan *plan, const char *path, struct tcore_arena *arena)
{
    struct cli *cli = plan->cli;
    struct tcore_buf text = {0}, problems = {0};
    struct tcore_error err = {0};
    struct cli_helper_path helper;
    struct cli_schema p = {.name = path, .arena = arena, .problems = &problems, .err = &err};
    int errnum = cli_yaml_read_file(AT_FDCWD, path, 0, &text);
    if (errnum) {
        cli_error(cli, "%s: %s", path, strerror(errnum));
        tcore_buf_free(&text);
        return CLI_FAILED;
    }
    enum tcore_status status =
        cli_sampling_read_policy(&p, text.length ? text.data : "", text.length,
                                 cli_helper_path(&helper, "tracecore-jq"), &plan->sampling);
    tcore_buf_free(&text);
    if (problems.length)
        cli_note_lines(cli, &problems);
    tcore_buf_free(&problems);
    if (status == TCORE_FATAL)
        cli_report(cli, &err);
    if (status == TCORE_BAD_INPUT)
        cli->usage_error = true;
    return status == TCORE_OK ? CLI_DONE : status == TCORE_FATAL ? CLI_FAILED : CLI_USAGE;
}

static int make_plan(struct sample_plan *plan, const struct sample_options *options,
                     struct tcore_arena *arena)
{
    struct cli *cli = plan->cli;
    if (!options->rate && !options->policy)
        return cli_usage_error(cli, "sample needs --rate=P or --policy=FILE");
    int status = options->policy ? read_policy(plan, options->policy, arena) : CLI_DONE;
    if (status != CLI_DONE)
        return status;
    if (options->rate && !parse_rate(options->rate, &plan->sampling.head))
        return cli_usage_error(cli, "--rate: '%s' is not a share of traces (0.1, 10%%, 1/10)",
                               options->rate);
    plan->complete = plan->sampling.count || plan->decisions;
    if (plan->wait_ns >= 0 && !plan->complete)
        return cli_usage_error(cli, "--wait is for policies with rules of tail, and --decisions");
    for (size_t i = 0; i < plan->sampling.count; i++)
        plan->shapes |= plan->sampling.rule[i].action == CLI_SAMPLING_SHAPES;
    return CLI_DONE;
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct sample_options *options = verb_options;
    struct sample_plan plan = {.cli = cli,
                               .sampling.head = 1,
                               .proportional = options->proportional,
                               .decisions = options->decisions,
                               .wait_ns = options->wait_ns};
    struct tcore_arena arena = {0};
    int status = make_plan(&plan, options, &arena);
    if (status == CLI_DONE)
        status = plan.complete ? sample_traces(&plan, argc, argv) : sample_head(&plan, argc, argv);
    for (unsigned w = 0; w < plan.sampling.where_count; w++)
        tcore_expr_free(plan.where[w]);
    tcore_arena_free(&arena);
    return status;
}

static const struct sample_options defaults = {.wait_ns = -1};

static const struct cli_option options[] = {
    {0, "rate", CLI_STRING, offsetof(struct sample_options, rate), "P",
     "keep this share of all traces: 0.1, 10% or 1/10", NULL},
    {0, "policy", CLI_STRING, offsetof(struct sample_options, policy), "FILE",
     "sample by the rules of a policy (YAML)", NULL},
    {0, "proportional", CLI_FLAG, offsetof(struct sample_options, proportional), NULL,
     "keep the share of what earlier sampling left, instead of at most this share in all", NULL},
    {0, "wait", CLI_DURATION, offsetof(struct sample_options, wait_ns), "DUR",
     "a trace is complete when event time is DUR beyond its last span (default: at the end)", NULL},
    {0, "decisions", CLI_FLAG, offsetof(struct sample_options, decisions), NULL,
     "a record of each trace instead: whether it is kept, why, with what probability", NULL},
};

const struct cli_verb span_sample = {
    .name = "sample",
    .summary = "Keep a part of the traces that tells of all.",
    .operands = "(--rate=P | --policy=FILE) [INPUT]...",
    .description =
        "--rate decides by the last 56 bits of the trace id, as W3C Trace Context and "
        "OpenTelemetry's consistent probability sampling have it, so that all who sample a trace "
        "decide the same. Spans come out as they are, with the threshold as th in the member ot of "
        "traceState; trace-agg weights them by it.\n"
        "\n"
        "A policy has sampling: {head: P, tail: [RULE, ...]}. A rule has conditions, all to be met "
        "(keep: errors; keep: slower_than, value: 2s; where: EXPR; any, all, not: [...]), and "
        "probability: P, rate: N per second, shapes: {first: N, every: DUR, then: P}, drop: true, "
        "or none of these, to keep all. The most that a rule allows counts; drop, and last: true, "
        "end the list. Spans say the rule as attribute " SAMPLE_REASON ".\n"
        "\n"
        "Examples:\n"
        "  trace-span sample --rate=1/10 spans.ndjson\n"
        "  trace-span sample --policy=policy.yaml --wait=30s --idle=5s\n"
        "  trace-span sample --policy=policy.yaml --decisions spans.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file beyond this, with --wait decide (default 1G)",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct sample_options),
    .defaults = &defaults,
    .run = run,
};
