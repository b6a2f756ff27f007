/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-span context: trace context made, handed on and read.
 *
 * An invalid context from outside is ignored and a new trace begun, as W3C Trace Context wants it
 * of whoever receives one; that is said. One that was typed in is a usage error.
 */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "cli/output.h"
#include "model/json.h"
#include "span/propagator.h"
#include "span/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)1 << 20)

struct context_options {
    const char *carrier; /* NULL: the action's own */
    const char *propagator;
};

struct action {
    struct cli *cli;
    const struct context_options *options;
    const struct propagator *propagator;
    struct carrier from; /* what the context was read from */
    struct trace_context context;
};

/* --- Parts of actions; each returns false after a report */

static bool fail(struct action *action, const struct tcore_error *err)
{
    cli_report(action->cli, err);
    return false;
}

static bool out_of_memory(struct action *action)
{
    cli_error(action->cli, "out of memory");
    return false;
}

static void print_notes(struct action *action, struct tcore_buf *notes)
{
    char *end = notes->data + notes->length;
    for (char *at = notes->data; at && at < end;) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        cli_note(action->cli, "%.*s", (int)(newline - at), at);
        at = newline + 1;
    }
    tcore_buf_free(notes);
}

static enum tcore_status extract(struct action *action, struct tcore_error *err)
{
    struct tcore_buf notes = {0};
    enum tcore_status status =
        action->propagator->extract(&action->from, &action->context, &notes, err);
    print_notes(action, &notes);
    return status;
}

static bool draw(struct action *action, enum tcore_id_class id, char *out)
{
    struct tcore_error err;
    if (tcore_id_draw(id, out) == 0)
        return true;
    tcore_error_errno(&err, TCORE_FATAL, errno, "the system has no randomness to give");
    return fail(action, &err);
}

static bool begin_trace(struct action *action)
{
    struct trace_context *context = &action->context;
    bool sampled = !context->decided || context->ids.flags & TCORE_FLAG_SAMPLED;
    context->has_ids = context->decided = true; /* a decision that came without a trace stays */
    context->ids.flags = TCORE_FLAG_RANDOM | (sampled ? TCORE_FLAG_SAMPLED : 0);
    *context->parent_id = '\0';
    context->state = (struct tcore_slice){0};
    return draw(action, TCORE_TRACE_ID, context->ids.trace_id) &&
           draw(action, TCORE_SPAN_ID, context->ids.span_id);
}

static bool print(struct action *action, const struct tcore_buf *text)
{
    if (text->failed)
        return out_of_memory(action);
    struct cli_output *output = cli_output_open(action->cli);
    if (!output)
        return false;
    cli_output_lines(output, text->data, text->length);
    cli_output_close(output, action->cli->failed);
    return !action->cli->failed;
}

/* The context in the carrier's form. default_carrier NULL: a bare traceparent. */
static bool print_context(struct action *action, const char *default_carrier)
{
    const char *carrier = action->options->carrier ? action->options->carrier : default_carrier;
    struct carrier to = {0};
    struct tcore_buf text = {0};
    bool good = true;
    if (carrier || action->propagator != &propagator_w3c) {
        good = action->propagator->inject(&action->context, &to) || out_of_memory(action);
        carrier_write(&to, carrier_kind_find(carrier ? carrier : "env"), &text);
    } else {
        char parent[56];
        tcore_traceparent_format(&action->context.ids, parent);
        tcore_buf_printf(&text, "%s\n", parent);
    }
    good = good && print(action, &text);
    tcore_buf_free(&text);
    carrier_free(&to);
    return good;
}

/* The context to go on from: the operand, else the environment. *usage: the operand is bad. */
static bool find_context(struct action *action, const char *operand, bool *usage)
{
    struct tcore_error err;
    if (operand) {
        struct trace_context *context = &action->context;
        context->has_ids = context->decided =
            tcore_traceparent_parse(operand, strlen(operand), &context->ids);
        context->ids.flags &= TCORE_FLAG_SAMPLED | TCORE_FLAG_RANDOM;
        *usage = !context->has_ids;
        return context->has_ids;
    }
    if (!carrier_read_environment(&action->from))
        return out_of_memory(action);
    enum tcore_status status = extract(action, &err);
    if (status == TCORE_FATAL)
        return fail(action, &err);
    if (status == TCORE_BAD_INPUT) {
        cli_note(action->cli, "%s: it is ignored, and a new trace begun", err.text);
        action->context.decided = action->context.debug = false;
    }
    return true;
}

/* --- Actions */

static bool do_new(struct action *action)
{
    return begin_trace(action) && print_context(action, NULL);
}

static bool do_child(struct action *action)
{
    struct trace_context *context = &action->context;
    if (!context->has_ids)
        return begin_trace(action) && print_context(action, NULL);
    memcpy(context->parent_id, context->ids.span_id, sizeof context->parent_id);
    return draw(action, TCORE_SPAN_ID, context->ids.span_id) && print_context(action, NULL);
}

static bool do_inject(struct action *action)
{
    if (!action->context.has_ids && !begin_trace(action))
        return false;
    return print_context(action, "env");
}

static void write_found(const struct action *action, struct tcore_buf *out)
{
    const struct trace_context *context = &action->context;
    const char *before = "{";
    if (context->has_ids) {
        tcore_buf_printf(out, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", context->ids.trace_id,
                         context->ids.span_id);
        if (*context->parent_id)
            tcore_buf_printf(out, ",\"parentSpanId\":\"%s\"", context->parent_id);
        before = ",";
    }
    if (context->decided) {
        tcore_buf_printf(out, "%s\"flags\":%u", before, context->ids.flags);
        before = ",";
    }
    if (context->debug)
        tcore_buf_puts(out, ",\"debug\":true");
    if (context->state.data) {
        tcore_buf_puts(out, ",\"tracestate\":");
        tcore_json_write_string(out, context->state.data, context->state.length);
    }
    if (context->baggage.data) {
        tcore_buf_printf(out, "%s\"baggage\":", before);
        baggage_write_json(context->baggage, out);
        baggage_write_properties(context->baggage, "baggageProperties", out);
    }
    tcore_buf_puts(out, "}\n");
}

/* All of an input, at most INPUT_MAX bytes. */
static bool read_input(struct action *action, const char *path, struct tcore_buf *text)
{
    struct tcore_error err;
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t got = fd < 0 ? -1 : 1;
    int errnum = errno;
    while (got > 0 && text->length <= INPUT_MAX) {
        char *room = tcore_buf_reserve(text, 4096);
        if (!room)
            break;
        got = tcore_read_some(fd, room, 4096);
        errnum = errno;
        text->length += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0 && !is_stdin)
        tcore_sys()->close(fd);
    if (text->failed)
        return out_of_memory(action);
    if (got < 0)
        tcore_error_errno(&err, TCORE_FATAL, errnum, "cannot read");
    else if (text->length > INPUT_MAX)
        tcore_error_set(&err, TCORE_BAD_INPUT, "more than a trace context can have");
    else
        return true;
    err.input = path;
    return fail(action, &err);
}

/* From the environment. *found: it has a context, or something that should be one. */
static bool extract_environment(struct action *action, bool *found)
{
    const struct trace_context *context = &action->context;
    struct tcore_error err;
    if (!carrier_read_environment(&action->from))
        return out_of_memory(action);
    if (extract(action, &err) != TCORE_OK) {
        err.input = "the environment";
        return fail(action, &err);
    }
    *found = context->has_ids || context->decided || context->baggage.data;
    return true;
}

static bool extract_input(struct action *action, const char *input, enum carrier_kind kind)
{
    struct tcore_error err;
    struct tcore_buf text = {0};
    bool good = read_input(action, input, &text);
    if (good) {
        enum tcore_status status =
            carrier_read(&action->from, kind, text.data ? text.data : "", text.length, &err);
        if (status == TCORE_OK)
            status = extract(action, &err);
        err.input = input;
        good = status == TCORE_OK || fail(action, &err);
    }
    tcore_buf_free(&text);
    return good;
}

/* An INPUT; else the environment, and where that has none, what is piped in. */
static bool do_extract(struct action *action, const char *input)
{
    struct tcore_error err;
    struct tcore_buf text = {0};
    enum carrier_kind kind =
        carrier_kind_find(action->options->carrier ? action->options->carrier : "env");
    const char *name = input ? input : "-";
    bool good = true, found = false, first = !input && kind == CARRIER_ENV;
    if (first)
        good = extract_environment(action, &found);
    if (good && !found && !(first && isatty(STDIN_FILENO)))
        good = extract_input(action, name, kind);
    const struct trace_context *context = &action->context;
    if (good && !context->has_ids && !context->decided && !context->baggage.data) {
        tcore_error_set(&err, TCORE_BAD_INPUT, "no trace context of the %s propagator",
                        action->propagator->name);
        err.input = first ? "the environment and standard input" : name;
        good = fail(action, &err);
    }
    if (good)
        write_found(action, &text);
    good = good && print(action, &text);
    tcore_buf_free(&text);
    return good;
}

/* --- The verb */

static const struct propagator *find_propagator(const char *name)
{
    static const struct propagator *const all[] = {&propagator_w3c, &propagator_b3,
                                                   &propagator_jaeger};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return all[0];
}

static int act(struct action *action, const char *name, const char *operand)
{
    static const char *const names[] = {"new", "child", "inject", "extract", NULL};
    struct cli *cli = action->cli;
    bool usage = false, good = false;
    if (strcmp(name, "new") == 0 && operand)
        return cli_usage_error(cli, "context new takes no operand");
    if (strcmp(name, "extract") == 0) {
        bool terminal = isatty(STDIN_FILENO) &&
                        (operand ? strcmp(operand, "-") == 0
                                 : action->options->carrier && *action->options->carrier != 'e');
        if (terminal)
            return cli_usage_error(cli, "standard input is a terminal: pipe headers or JSON in");
        good = do_extract(action, operand);
    } else if (strcmp(name, "new") == 0) {
        good = do_new(action);
    } else if (strcmp(name, "child") == 0) {
        good = find_context(action, operand, &usage) && do_child(action);
    } else if (strcmp(name, "inject") == 0) {
        good = find_context(action, operand, &usage) && do_inject(action);
    } else {
        const char *nearest = cli_nearest(name, names);
        return cli_usage_error(cli, "context: '%s' is none of new, child, inject, extract%s%s%s",
                               name, nearest ? ": did you mean " : "", nearest ? nearest : "",
                               nearest ? "?" : "");
    }
    if (usage)
        return cli_usage_error(cli, "'%s' is no traceparent (00-TRACEID-SPANID-FLAGS)", operand);
    (void)good; /* what went wrong is in cli */
    return cli_exit_status(cli, false);
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct context_options *options = verb_options;
    struct action action = {
        .cli = cli, .options = options, .propagator = find_propagator(options->propagator)};
    if (argc < 1)
        return cli_usage_error(cli, "context: new, child, inject or extract?");
    if (argc > 2)
        return cli_usage_error(cli, "context %s takes one operand", argv[0]);
    int status = act(&action, argv[0], argc > 1 ? argv[1] : NULL);
    carrier_free(&action.from);
    return status;
}

static const struct cli_option options[] = {
    {0, "carrier", CLI_CHOICE, offsetof(struct context_options, carrier), "CARRIER",
     "environment variables, header lines or a JSON object", "env|headers|json"},
    {0, "propagator", CLI_CHOICE, offsetof(struct context_options, propagator), "NAME",
     "the fields that carry it", "w3c|b3|jaeger"},
};

static const struct context_options defaults = {.propagator = "w3c"};

static const struct cli_exit_meaning exits[] = {
    {"4", "input or output failed, or extract found no valid context"}, {0}};

const struct cli_verb span_context = {
    .name = "context",
    .summary = "Make, hand on and read trace context.",
    .operands = "new|child|inject|extract [OPERAND]",
    .description =
        "new begins a trace. child [TRACEPARENT] is a new span below that one, or below the "
        "context in the environment. Both print a traceparent, or the carrier's form with "
        "--carrier. inject [TRACEPARENT] prints the context as it is in the carrier's form (env). "
        "extract [INPUT] reads a context in the carrier's form and prints what it found as JSON; "
        "without INPUT it is that of the environment (with --carrier=headers or json not), or else "
        "what is piped in.\n"
        "\n"
        "A context in the environment that is invalid is ignored, with a note, and a new trace "
        "begun, as W3C Trace Context says; extract ends with 4.\n"
        "\n"
        "Examples:\n"
        "  export TRACEPARENT=$(trace-span context new)\n"
        "  env $(trace-span context child --carrier=env) make\n"
        "  trace-span context inject --carrier=headers\n"
        "  trace-span context extract --carrier=headers <request\n"
        "  trace-span context inject | trace-span context extract -\n",
    .groups = CLI_OUTPUT,
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct context_options),
    .defaults = &defaults,
    .run = run,
};
