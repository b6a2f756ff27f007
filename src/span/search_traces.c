/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries on whole traces, which come out by their start, and their spans likewise. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "span/gather_lines.h"
#include "span/search.h"
#include "span/traceql/traceql_load.h"

#define ASKED_MOST 10000 /* traces whose segments are looked for by their ids */

/* One thread's. */
struct seeker {
    const struct traceql_query *query;
    struct trace_build build;
    struct traceql_structure structure;
    struct traceql_run run;
    struct traceql_reader reader, parent_reader;
    struct search_writer writer;
    bool looks_at_parents;
    uint32_t *place; /* by span: its position + 1 if it matched; in the run's arena */
    uint32_t *set;   /* and in which spanset */
};

struct trace_search {
    struct gather gather; /* its callbacks want it first */
    const struct traceql_query *query;
    const struct search_options *options;
    struct search_candidates candidates;
    bool begun;
    unsigned threads;
    struct seeker *seekers;
    struct gather_lines *lines;
};

/* --- The fields of a span */

static struct traceql_value of_slice(struct tcore_slice text)
{
    struct traceql_value value = {.type = TRACEQL_STRING, .text = text};
    if (!text.data)
        value.text = (struct tcore_slice){"", 0};
    return value;
}

static struct traceql_value of_duration(const struct tcore_interval *interval)
{
    if (!tcore_interval_is_known(interval))
        return (struct traceql_value){.type = TRACEQL_NIL};
    return (struct traceql_value){.type = TRACEQL_DURATION,
                                  .integer = interval->end_ns - interval->start_ns};
}

/* What the trace decides. */
static struct traceql_value load_of_trace(const struct seeker *seeker, enum traceql_source source,
                                          uint32_t position)
{
    const struct trace_build *build = &seeker->build;
    struct traceql_value number = {.type = TRACEQL_INTEGER};
    if (source == TRACEQL_TRACE_DURATION)
        return of_duration(&build->tree.whole);
    if (source == TRACEQL_ROOT_NAME)
        return of_slice(trace_build_name(build, build->tree.root));
    if (source == TRACEQL_ROOT_SERVICE)
        return of_slice(trace_build_service(build, build->tree.root));
    if (source == TRACEQL_SET_LEFT)
        number.integer = traceql_structure_left(&seeker->structure, position);
    else if (source == TRACEQL_SET_RIGHT)
        number.integer = traceql_structure_right(&seeker->structure, position);
    else if (source == TRACEQL_SET_PARENT)
        number.integer = traceql_structure_set_parent(&seeker->structure, position);
    else
        number.integer = seeker->structure.children[position];
    return number;
}

static enum tcore_status load_parent(struct seeker *seeker, uint32_t position,
                                     struct traceql_value *values, struct tcore_error *err)
{
    uint32_t parent = seeker->structure.parent[position];
    const struct tcore_stored_text *row = NULL;
    if (parent != TRACEQL_NONE)
        row = seeker->build.rows[seeker->structure.span[parent]];
    return traceql_load_text(&seeker->parent_reader, seeker->query, row ? row->text : "",
                             row ? row->text_length : 0, true, values, err);
}

static enum tcore_status load_span(void *state, uint32_t position, struct traceql_value *values,
                                   struct tcore_error *err)
{
    struct seeker *seeker = state;
    const struct traceql_query *query = seeker->query;
    const struct tcore_stored_text *row = seeker->build.rows[seeker->structure.span[position]];
    enum tcore_status status =
        traceql_load_text(&seeker->reader, query, row->text, row->text_length, false, values, err);
    if (status == TCORE_OK && seeker->looks_at_parents)
        status = load_parent(seeker, position, values, err);
    for (uint32_t f = 0; f < query->fields && status == TCORE_OK; f++)
        if (query->field[f].source >= TRACEQL_FIRST_OF_TRACE)
            values[f] = load_of_trace(seeker, query->field[f].source, position);
    return status;
}

/* --- A trace */

static void write_text(const struct tcore_stored_text *row, struct tcore_buf *out)
{
    tcore_buf_append(out, row->text, row->text_length);
    tcore_buf_putc(out, '\n');
}

static void write_trace(const struct seeker *seeker, struct tcore_buf *out)
{
    for (uint32_t i = 0; i < seeker->build.tree.count; i++)
        write_text(seeker->build.rows[i], out);
}

/* Where each span that matched is, and in which spanset, the first of them. */
static bool mark_spans(struct seeker *seeker, const struct traceql_matches *matches)
{
    uint32_t count = seeker->structure.count;
    struct tcore_arena *arena = &seeker->run.arena;
    seeker->place = tcore_arena_alloc(arena, count * sizeof *seeker->place);
    seeker->set = tcore_arena_alloc(arena, count * sizeof *seeker->set);
    if (!seeker->place || !seeker->set)
        return false;
    memset(seeker->place, 0, count * sizeof *seeker->place);
    for (uint32_t m = 0; m < matches->count; m++) {
        const struct traceql_spans *spans = &matches->match[m].spans;
        for (uint32_t i = 0; i < spans->count; i++) {
            uint32_t span = seeker->structure.span[spans->at[i]];
            if (seeker->place[span])
                continue;
            seeker->place[span] = spans->at[i] + 1;
            seeker->set[span] = m;
        }
    }
    return true;
}

static enum tcore_status write_spans(struct seeker *seeker, const struct traceql_matches *matches,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    bool adds = traceql_adds_members(seeker->query);
    struct traceql_value *values = seeker->run.evaluator.field;
    enum tcore_status status = mark_spans(seeker, matches) ? TCORE_OK : tcore_error_nomem(err);
    for (uint32_t i = 0; i < seeker->structure.count && status == TCORE_OK; i++) {
        const struct tcore_stored_text *row = seeker->build.rows[i];
        if (!seeker->place[i])
            continue;
        if (!adds) {
            write_text(row, out);
            continue;
        }
        status = load_span(seeker, seeker->place[i] - 1, values, err);
        if (status == TCORE_OK)
            status = search_write_span(&seeker->writer, seeker->query,
                                       (struct tcore_slice){row->text, row->text_length}, values,
                                       matches->match[seeker->set[i]].group, out, err);
    }
    return status;
}

static enum tcore_status look(void *state, unsigned thread, struct tcore_stored_trace *trace,
                              struct tcore_buf *out, struct tcore_error *err)
{
    struct trace_search *search = state;
    struct seeker *seeker = &search->seekers[thread];
    struct traceql_matches matches;
    enum tcore_status status = trace_build_tree(&seeker->build, search->gather.store, trace, err);
    if (status == TCORE_OK)
        status = traceql_structure_build(&seeker->structure, &seeker->build.tree, err);
    if (status == TCORE_OK)
        status = traceql_run_trace(&seeker->run, &matches, err);
    if (status != TCORE_OK || !matches.count)
        return status;
    if (search->options->summary)
        search_write_summary(&seeker->build, &matches, out);
    else if (search->options->traces)
        write_trace(seeker, out);
    else
        return write_spans(seeker, &matches, out, err);
    return tcore_buf_status(out, err);
}

/* --- All traces */

static enum tcore_status open_seeker(struct trace_search *search, struct seeker *seeker,
                                     struct tcore_error *err)
{
    seeker->query = search->query;
    seeker->reader.span.depth_limit = (unsigned)search->gather.cli->io.depth_limit;
    seeker->parent_reader.span.depth_limit = seeker->reader.span.depth_limit;
    seeker->writer.json.depth_limit = seeker->reader.span.depth_limit;
    for (uint32_t f = 0; f < search->query->fields; f++)
        seeker->looks_at_parents |= search->query->field[f].of_parent;
    enum tcore_status status = traceql_run_open(&seeker->run, search->query, err);
    seeker->run.structure = &seeker->structure;
    seeker->run.load = load_span;
    seeker->run.loader = seeker;
    return status;
}

static enum tcore_status begin(struct trace_search *search, struct tcore_error *err)
{
    struct gather *gather = &search->gather;
    enum tcore_status status = gather_seal(gather, err);
    search->begun = true;
    if (status != TCORE_OK)
        return status;
    search->threads = cli_threads(gather->cli);
    search->seekers = tcore_calloc(search->threads, sizeof *search->seekers);
    if (!search->seekers)
        return tcore_error_nomem(err);
    for (unsigned t = 0; t < search->threads && status == TCORE_OK; t++)
        status = open_seeker(search, &search->seekers[t], err);
    if (status != TCORE_OK)
        return status;
    return gather_lines_new(&search->lines, gather, look, search, err);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct trace_search *search = state;
    enum tcore_status status = search->begun ? TCORE_OK : begin(search, err);
    if (status == TCORE_OK)
        status = gather_lines_next(search->lines, out, err);
    if (status == TCORE_OK)
        return TCORE_SKIP;
    return status == TCORE_EOF ? TCORE_OK : status;
}

static void end(struct trace_search *search)
{
    uint64_t overworked = 0;
    gather_lines_free(search->lines);
    for (unsigned t = 0; search->seekers && t < search->threads; t++) {
        struct seeker *seeker = &search->seekers[t];
        overworked += seeker->run.evaluator.overworked;
        trace_build_free(&seeker->build);
        traceql_structure_free(&seeker->structure);
        traceql_run_close(&seeker->run);
        traceql_reader_free(&seeker->reader);
        traceql_reader_free(&seeker->parent_reader);
        search_writer_free(&seeker->writer);
    }
    search_note_overworked(search->gather.cli, overworked);
    tcore_free(search->seekers);
    gather_close(&search->gather);
}

/* Of too many the filters of segments would have to be asked too often. Where there are none, one
 * that no trace has stands for that. */
static const uint8_t (*trace_ids(void *state, size_t *count))[16]
{
    const struct trace_search *search = state;
    const struct search_candidates *candidates = &search->candidates;
    bool few = candidates->known && candidates->ids.count <= ASKED_MOST;
    *count = few ? candidates->ids.count + !candidates->ids.count : 0;
    return (const uint8_t(*)[16])candidates->bytes;
}

static int run(struct trace_search *search, int argc, char **argv)
{
    static const struct cli_operator gathering = {
        .types = 1u << TCORE_RECORD_SPAN,
        .open = gather_columns,
        .worker_open = gather_worker,
        .batch = gather_batch,
        .worker_close = gather_worker_close,
        .trace_ids = trace_ids,
        .finish = finish,
    };
    struct gather *gather = &search->gather;
    if (search->candidates.known)
        gather->wanted = &search->candidates.ids;
    if (!gather_open(gather, gather->cli, GATHER_TEXT))
        return CLI_FAILED;
    return cli_filter(gather->cli, &gathering, search, argc, argv);
}

int search_traces(struct cli *cli, const struct traceql_query *query,
                  const struct search_options *options, int argc, char **argv)
{
    struct trace_search search = {.gather = {.cli = cli}, .query = query, .options = options};
    int status = search_candidates_find(&search.candidates, cli, query, argc, argv);
    if (status == CLI_DONE)
        status = run(&search, argc, argv);
    end(&search);
    search_candidates_free(&search.candidates);
    return status;
}
