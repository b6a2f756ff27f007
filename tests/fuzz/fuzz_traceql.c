/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a query: what is refused names a place within the text, and what is not is whole
 * and gives an answer on a small trace, twice the same.
 */
/* Sources: span/traceql/traceql_build span/traceql/traceql_check span/traceql/traceql_columns
 * span/traceql/traceql_eval span/traceql/traceql_expression span/traceql/traceql_field
 * span/traceql/traceql_json span/traceql/traceql_lex span/traceql/traceql_literal
 * span/traceql/traceql_load span/traceql/traceql_need span/traceql/traceql_parse
 * span/traceql/traceql_run span/traceql/traceql_span span/traceql/traceql_stage
 * span/traceql/traceql_structure span/traceql/traceql_value */
#include "span/traceql/traceql_load.h"
#include "span/traceql/traceql_run.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SPANS 4

static const char *const texts[SPANS] = {
    "{\"name\":\"a\",\"attributes\":{\"x\":1,\"l\":[1,\"b\",{}]},\"resource\":{\"service.name\":"
    "\"s\"},\"durationNano\":5}",
    "{\"name\":\"b\",\"status\":\"error\",\"kind\":\"server\",\"attributes\":{\"x\":2.5,\"t\":true}"
    "}",
    "{\"events\":[{\"name\":\"e\",\"timeUnixNano\":\"7\",\"attributes\":{\"x\":\"y\"}},5],"
    "\"startTimeUnixNano\":\"3\",\"links\":[{\"spanId\":\"00000000000000aa\"}]}",
    "no record",
};

static void require(bool held)
{
    if (!held)
        abort();
}

struct world {
    const struct traceql_query *query;
    struct traceql_structure structure;
    struct traceql_reader reader;
};

static enum tcore_status load(void *state, uint32_t position, struct traceql_value *values,
                              struct tcore_error *err)
{
    struct world *world = state;
    const char *text = texts[world->structure.span[position]];
    return traceql_load_text(&world->reader, world->query, text, strlen(text), false, values, err);
}

static uint64_t answer(struct world *world)
{
    struct traceql_run run;
    struct traceql_matches matches;
    struct tcore_error err;
    uint64_t seen = 0;
    require(traceql_run_open(&run, world->query, &err) == TCORE_OK);
    run.structure = &world->structure;
    run.load = load;
    run.loader = world;
    require(traceql_run_trace(&run, &matches, &err) == TCORE_OK);
    for (uint32_t m = 0; m < matches.count; m++) {
        const struct traceql_spans *spans = &matches.match[m].spans;
        require(spans->count >= 1 && spans->count <= SPANS);
        for (uint32_t i = 0; i < spans->count; i++) {
            require(spans->at[i] < SPANS && (!i || spans->at[i] > spans->at[i - 1]));
            seen = seen * 31 + spans->at[i] + 1;
        }
    }
    traceql_run_close(&run);
    return seen;
}

static void run(const struct traceql_query *query)
{
    struct tcore_trace_span spans[SPANS] = {{.span_id = 1},
                                            {.span_id = 2, .parent_id = 1},
                                            {.span_id = 3, .parent_id = 1},
                                            {.span_id = 4, .parent_id = 3}};
    struct world world = {.query = query};
    struct tcore_trace_tree tree = {0};
    struct tcore_error err;
    require(tcore_trace_tree_build(&tree, spans, SPANS, &err) == TCORE_OK);
    require(traceql_structure_build(&world.structure, &tree, &err) == TCORE_OK);
    require(answer(&world) == answer(&world));
    traceql_structure_free(&world.structure);
    traceql_reader_free(&world.reader);
    tcore_trace_tree_free(&tree);
}

static void check(const struct traceql_query *query)
{
    for (uint32_t i = 0; i < query->nodes; i++) {
        require(query->node[i].first <= i && query->node[i].column <= query->length);
        require(query->node[i].op != TRACEQL_FIELD || query->node[i].left < query->fields);
        require(query->node[i].op != TRACEQL_SKIP ||
                (query->node[i].right > i && query->node[i].right < query->nodes));
    }
    for (uint32_t s = 0; s < query->stages; s++)
        require(query->stage[s].next == TRACEQL_NONE || query->stage[s].next < query->stages);
    for (uint32_t i = 0; i < query->selections; i++)
        require(query->selected[i] < query->fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct traceql_query query;
    struct tcore_error err = {0};
    enum tcore_status status = traceql_parse(&query, (const char *)data, size, &err);
    require(status == TCORE_OK || status == TCORE_BAD_INPUT);
    if (status == TCORE_OK) {
        check(&query);
        run(&query);
    } else {
        require(err.byte >= 1 && err.byte <= size + 1 && *err.text);
    }
    traceql_free(&query);
    return 0;
}
