/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-span related: traces that have to do with one. Of repositories the trace is looked up
 * first, by the index; then what lies within --within of it is read, and what the trace names is
 * looked up wherever it is. Anything else is read once, whole.
 */
#include <config.h>

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/table.h"
#include "span/gather.h"
#include "span/related.h"
#include "span/verbs.h"

#include <string.h>
#include <sys/stat.h>

#define RELATED_TYPES                                                                              \
    (1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_EXECUTION | 1u << TCORE_RECORD_LOG)

/* --- Looking up by id */

struct lookup {
    struct related *related;
    uint8_t (*ids)[16];
    size_t count;
};

static enum tcore_status lookup_columns(void *state, struct tcore_projection *projection,
                                        struct tcore_error *err)
{
    return related_columns(((struct lookup *)state)->related, projection, err);
}

static enum tcore_status lookup_take(void *state, void *worker, const struct tcore_batch *batch,
                                     const uint32_t *rows, size_t count, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    struct lookup *lookup = state;
    struct related *r = lookup->related;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        char id[TCORE_TRACE_ID];
        if (trace_facts_id(&r->facts, batch, rows[i], id) &&
            tcore_map_find(&r->facts.ids, id, sizeof id) < r->known_count)
            status = related_take(r, worker, batch, &rows[i], 1, out, err);
    }
    return status;
}

static const uint8_t (*lookup_ids(void *state, size_t *count))[16]
{
    const struct lookup *lookup = state;
    *count = lookup->count;
    return (const uint8_t(*)[16])lookup->ids;
}

/* Reads the records of the traces from number first to before r->known_count. */
static int look_up(struct related *r, uint32_t first, int count, char **inputs)
{
    static const struct cli_operator looking = {
        .types = RELATED_TYPES,
        .sifts = true,
        .silent = true,
        .ordered = true,
        .open = lookup_columns,
        .batch = lookup_take,
        .trace_ids = lookup_ids,
    };
    struct lookup lookup = {.related = r, .count = r->known_count - first};
    int status = CLI_FAILED;
    lookup.ids = tcore_calloc(lookup.count, sizeof *lookup.ids);
    for (size_t i = 0; lookup.ids && i < lookup.count; i++)
        tcore_id_bytes(r->facts.ids.keys[first + i].data, lookup.ids[i], sizeof *lookup.ids);
    if (lookup.ids)
        status = cli_filter(r->cli, &looking, &lookup, count, inputs);
    else
        cli_error(r->cli, "out of memory");
    tcore_free(lookup.ids);
    return status;
}

/* --- A repository */

/* Ties by which others may name the trace, or what it names. */
static enum tcore_status add_counterparts(struct related *r, struct tcore_error *err)
{
    uint32_t tie, own = r->tie.count;
    enum tcore_status status = TCORE_OK;
    for (int kind = TIE_LINK; kind <= TIE_CAUSE && status == TCORE_OK; kind++)
        status = related_tie(r, (enum tie_kind)kind, r->id, TCORE_TRACE_ID, &tie, err);
    for (uint32_t i = 0; i < own && status == TCORE_OK; i++) {
        const struct tcore_map_key key = r->tie.keys[i];
        if (key.data[0] == TIE_EXECUTION)
            status = related_tie(r, TIE_CAUSE, key.data + 1, key.length - 1, &tie, err);
        if (key.data[0] == TIE_CAUSE)
            status = related_tie(r, TIE_EXECUTION, key.data + 1, key.length - 1, &tie, err);
    }
    return status;
}

/* The traces that it names get the next numbers. */
static enum tcore_status add_named(struct related *r, struct tcore_error *err)
{
    uint32_t trace;
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < r->tie.count && status == TCORE_OK; i++) {
        const struct tcore_map_key *key = &r->tie.keys[i];
        if (key->data[0] <= TIE_CAUSE &&
            tcore_id_is_canonical(TCORE_TRACE_ID, key->data + 1, key->length - 1))
            status = trace_facts_find(&r->facts, key->data + 1, &trace, err);
    }
    return status;
}

/* Keeps what is known of the first traces, and begins anew with them. */
static bool keep_known(struct related *r)
{
    r->known = tcore_reallocarray(NULL, r->known_count, sizeof *r->known);
    for (uint32_t i = 0; r->known && i < r->known_count; i++) {
        r->known[i] = r->facts.of[i];
        r->facts.of[i] =
            (struct trace_fact){.whole = {INT64_MAX, INT64_MIN}, .root = TCORE_MAP_NONE};
    }
    return r->known;
}

static void narrow(struct related *r)
{
    const struct tcore_interval *whole = &r->known[r->trace].whole;
    struct cli_io_options *io = &r->cli->io;
    int64_t since, until;
    if (!tcore_interval_is_known(whole))
        return;
    if (__builtin_sub_overflow(whole->start_ns, r->options->within_ns, &since))
        since = INT64_MIN;
    if (__builtin_add_overflow(whole->end_ns, r->options->within_ns, &until))
        until = INT64_MAX;
    if (!io->since.set)
        io->since = (struct cli_time){true, since};
    if (!io->until.set)
        io->until = (struct cli_time){true, until};
}

/* Looks the trace up, then what it names; *found: it is there. */
static int look_first(struct related *r, int count, char **inputs, bool *found)
{
    struct tcore_error err;
    r->known_count = 1;
    int status = look_up(r, 0, count, inputs);
    *found = r->facts.of[0].spans || tcore_interval_is_known(&r->facts.of[0].whole);
    if (!*found || (status != CLI_DONE && status != CLI_REJECTED))
        return status;
    if (add_named(r, &err) != TCORE_OK || add_counterparts(r, &err) != TCORE_OK) {
        cli_report(r->cli, &err);
        return CLI_FAILED;
    }
    r->closed = true;
    r->known_count = r->facts.ids.count;
    if (r->known_count > 1)
        status = look_up(r, 1, count, inputs);
    if (!keep_known(r)) {
        cli_error(r->cli, "out of memory");
        return CLI_FAILED;
    }
    narrow(r);
    return status;
}

static bool are_repositories(int count, char **inputs)
{
    struct stat file;
    for (int i = 0; i < count; i++)
        if (stat(inputs[i], &file) != 0 || !S_ISDIR(file.st_mode))
            return false;
    return count > 0;
}

/* --- The verb */

static bool is_there(const struct related *r)
{
    const struct trace_fact *fact = &r->facts.of[r->trace];
    return fact->spans || tcore_interval_is_known(&fact->whole) ||
           (r->known && r->known[r->trace].spans);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct related *r = state;
    return is_there(r) ? related_write(r, out, err) : TCORE_OK;
}

static int relate(struct related *r, int count, char **inputs)
{
    static const struct cli_operator relating = {
        .types = RELATED_TYPES,
        .sifts = true,
        .ordered = true,
        .open = related_columns,
        .batch = related_take,
        .finish = finish,
    };
    bool found = true;
    int status = CLI_DONE;
    if (are_repositories(count, inputs))
        status = look_first(r, count, inputs, &found);
    if (found && (status == CLI_DONE || status == CLI_REJECTED))
        status = cli_filter(r->cli, &relating, r, count, inputs);
    if (status != CLI_DONE && status != CLI_REJECTED)
        return status;
    if (found && is_there(r))
        return status;
    if (!r->cli->reader_gone)
        cli_note(r->cli, "no span of trace %s is in the input", r->id);
    return CLI_FOUND;
}

static const char *usual_ties[] = {"correlationId",        "contextId",
                                   "session.id",           "user.id",
                                   "enduser.id",           "gen_ai.conversation.id",
                                   "messaging.message.id", "messaging.message.conversation_id"};

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const char *const usual[] = {"strength", "relation", "serviceName", "rootName",
                                        "traceId"};
    static const char *const wide[] = {"offsetNano", "timeline.totalDuration",
                                       "structure.spanCount", "errors.errorCount"};
    struct cli_columns columns = {0};
    struct related_options *options = verb_options;
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    struct related r = {.cli = cli, .options = options, .memory_bytes = (size_t)memory};
    struct tcore_error err;
    struct cli_id id;
    int ids = cli_ids_first(argc, argv), status = CLI_FAILED;
    if (ids != 1 || !cli_parse_id(argv[0], &id))
        return cli_usage_error(cli, ids ? "related takes one TRACEID" : "related needs a TRACEID");
    if (!cli_check_inputs(cli, argc - 1, argv + 1))
        return status;
    if (!options->by.count)
        options->by = (struct cli_strings){usual_ties, sizeof usual_ties / sizeof *usual_ties};
    cli_columns_add(&columns, usual, 2);
    if (cli_table_is_wide(cli))
        cli_columns_add(&columns, wide, sizeof wide / sizeof *wide);
    cli_columns_add(&columns, usual + 2, sizeof usual / sizeof *usual - 2);
    cli_table_on_terminal(cli, columns.name, columns.count);
    memcpy(r.id, id.trace_id, sizeof r.id);
    r.json.depth_limit = (unsigned)cli->io.depth_limit;
    r.column.by = tcore_calloc(options->by.count, sizeof *r.column.by);
    if (r.column.by && tcore_map_init(&r.tie) == 0 &&
        trace_facts_open(&r.facts, &err) == TCORE_OK &&
        trace_facts_find(&r.facts, r.id, &r.trace, &err) == TCORE_OK)
        status = relate(&r, argc - 1, argv + 1);
    else
        cli_error(cli, "out of memory");
    trace_facts_free(&r.facts);
    tcore_map_free(&r.tie);
    tcore_json_free(&r.json);
    tcore_buf_free(&r.text);
    tcore_free(r.column.by);
    tcore_free(r.known);
    tcore_free(r.tied);
    return status;
}

static const struct cli_option options[] = {
    {0, "by", CLI_LIST, offsetof(struct related_options, by), "LIST",
     "fields whose values traces share (default correlationId, contextId, session.id, user.id, "
     "enduser.id and ids of conversations and messages)",
     NULL},
    {0, "within", CLI_DURATION, offsetof(struct related_options, within_ns), "DUR",
     "how near similar traces must be; of repositories no more is read, but for what the trace "
     "names (default 1h)",
     NULL},
    {0, "similar", CLI_INT, offsetof(struct related_options, similar), "N",
     "the N nearest traces of the same entry, too (default 5)", NULL},
};

static const struct related_options defaults = {.within_ns = 3600 * INT64_C(1000000000),
                                                .similar = 5};

static const struct cli_exit_meaning exits[] = {{"1", "the trace is not there"}, {0}};

const struct cli_verb span_related = {
    .name = "related",
    .summary = "List traces that have to do with one, and why.",
    .operands = "TRACEID [INPUT]...",
    .description =
        "Traces are related by links of spans, in either direction; by executions that name a "
        "parent or a cause; by values that they share; and by having the same entry at about the "
        "same time. Each trace is a record with its relations, and with a strength of 0 to 1 by "
        "which they are ordered: links, parents and children have 1, what few traces share has "
        "more than what many do, and similar ones have 0.3 at most.\n"
        "\n"
        "Examples:\n"
        "  trace-span related 5b8efff798038103d269b633813fc60c spans.ndjson\n"
        "  trace-span related --by=order.id --similar=0 5b8efff798038103 repo\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when what is known of all traces is more (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct related_options),
    .defaults = &defaults,
    .run = run,
};
