/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A first look through repositories, on columns and only where names fit: which traces may match.
 * So the second look reads and holds these alone.
 */
#include <config.h>

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "model/id.h"
#include "span/gather.h"
#include "span/search.h"
#include "span/traceql/traceql_load.h"
#include "span/traceql/traceql_need.h"

#include <inttypes.h>
#include <sys/stat.h>

/* Traces, and which leaves some span of each met. */
struct met_list {
    struct tcore_map ids;
    uint64_t *met;
    uint32_t room;
};

struct first_look {
    const struct traceql_query *query;
    struct traceql_need need;
    struct tcore_buf required; /* an expression with its NUL, or empty */
    struct traceql_columns *columns;
    size_t trace_column, memory_bytes;
    struct met_list found; /* of all threads that are done */
    bool too_many;         /* atomic: memory would not suffice */
};

struct looker {
    struct traceql_evaluator evaluator;
    struct traceql_reader reader;
    struct met_list found;
};

/* --- Lists */

static bool add(struct met_list *list, const char *id, size_t length, uint64_t met)
{
    bool added;
    uint32_t number = tcore_map_intern(&list->ids, id, length, &added);
    if (number == TCORE_MAP_NONE)
        return false;
    if (number >= list->room) {
        uint32_t room = list->room ? 2 * list->room : 64;
        uint64_t *moved = tcore_reallocarray(list->met, room, sizeof *moved);
        if (!moved)
            return false;
        list->met = moved;
        list->room = room;
    }
    list->met[number] = added ? met : list->met[number] | met;
    return true;
}

static void free_list(struct met_list *list)
{
    tcore_map_free(&list->ids);
    tcore_free(list->met);
}

/* --- The look */

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct first_look *look = state;
    struct tcore_path_key key = {"traceId", 7};
    enum tcore_status status =
        traceql_add_columns(look->query, look->need.reads, look->columns, projection, err);
    if (status != TCORE_OK)
        return status;
    return tcore_projection_add_path(projection, &key, 1, &look->trace_column, err);
}

static const char *requirement(void *state)
{
    const struct first_look *look = state;
    return look->required.length ? look->required.data : NULL;
}

static enum tcore_status open_looker(void *state, void **worker, struct tcore_error *err)
{
    const struct first_look *look = state;
    struct looker *looker = *worker = tcore_calloc(1, sizeof *looker);
    if (!looker || tcore_map_init(&looker->found.ids) != 0)
        return tcore_error_nomem(err);
    return traceql_evaluator_open(&looker->evaluator, look->query, err);
}

static enum tcore_status look_at(struct first_look *look, struct looker *looker,
                                 const struct tcore_batch *batch, uint32_t row,
                                 struct tcore_error *err)
{
    struct tcore_value id = tcore_column_get(&batch->columns[look->trace_column], row);
    uint64_t met;
    enum tcore_status status = traceql_load_row(&looker->reader, look->query, look->columns, batch,
                                                row, looker->evaluator.field, err);
    if (status == TCORE_OK)
        status = traceql_need_met(&look->need, &looker->evaluator, &met, err);
    if (status != TCORE_OK || !met || id.kind != TCORE_STRING)
        return status;
    return add(&looker->found, id.s, id.len, met) ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status look_at_batch(void *state, void *worker, const struct tcore_batch *batch,
                                       const uint32_t *rows, size_t count, struct tcore_buf *out,
                                       struct tcore_error *err)
{
    struct first_look *look = state;
    struct looker *looker = worker;
    enum tcore_status status = TCORE_OK;
    (void)out;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = look_at(look, looker, batch, rows[i], err);
    if (tcore_map_bytes(&looker->found.ids) > look->memory_bytes)
        __atomic_store_n(&look->too_many, true, __ATOMIC_RELAXED);
    if (status == TCORE_OK && __atomic_load_n(&look->too_many, __ATOMIC_RELAXED))
        return TCORE_EOF;
    return status;
}

static enum tcore_status close_looker(void *state, void *worker, struct tcore_error *err)
{
    struct first_look *look = state;
    struct looker *looker = worker;
    bool room = true;
    for (uint32_t i = 0; looker && i < looker->found.ids.count; i++) {
        const struct tcore_map_key *id = &looker->found.ids.keys[i];
        room = room && add(&look->found, id->data, id->length, looker->found.met[i]);
    }
    if (looker) {
        free_list(&looker->found);
        traceql_evaluator_close(&looker->evaluator);
        traceql_reader_free(&looker->reader);
    }
    tcore_free(looker);
    return room ? TCORE_OK : tcore_error_nomem(err);
}

/* --- What comes of it */

/* Those that may match. False: no memory. */
static bool take(const struct first_look *look, struct search_candidates *candidates)
{
    const struct tcore_map *found = &look->found.ids;
    candidates->bytes = tcore_calloc((size_t)found->count + 1, sizeof *candidates->bytes);
    if (!candidates->bytes || tcore_map_init(&candidates->ids) != 0)
        return false;
    candidates->known = true;
    for (uint32_t i = 0; i < found->count; i++) {
        const struct tcore_map_key *id = &found->keys[i];
        if (id->length != TCORE_TRACE_ID || !traceql_may_match(&look->need, look->found.met[i]))
            continue;
        uint32_t number = tcore_map_intern(&candidates->ids, id->data, id->length, NULL);
        if (number == TCORE_MAP_NONE)
            return false;
        tcore_id_bytes(id->data, candidates->bytes[number], sizeof candidates->bytes[number]);
    }
    return true;
}

static int look_through(struct first_look *look, struct search_candidates *candidates,
                        struct cli *cli, int argc, char **argv)
{
    static const struct cli_operator looking = {
        .types = 1u << TCORE_RECORD_SPAN,
        .sifts = true,
        .silent = true,
        .open = open_columns,
        .requires = requirement,
        .worker_open = open_looker,
        .batch = look_at_batch,
        .worker_close = close_looker,
    };
    int status = cli_filter(cli, &looking, look, argc, argv);
    if (status == CLI_USAGE)
        return status;
    if (status != CLI_DONE || look->too_many) /* the whole look will tell what is wrong */
        return CLI_DONE;
    if (!take(look, candidates)) {
        cli_error(cli, "out of memory");
        return CLI_FAILED;
    }
    if (cli->io.explain)
        cli_note(cli, "explain: a first look found %" PRIu32 " trace%s that may match",
                 candidates->ids.count, candidates->ids.count == 1 ? "" : "s");
    return CLI_DONE;
}

/* A pipe is read once; and whoever reports rejects or the like of a file does it once. */
static bool are_repositories(int count, char **inputs)
{
    struct stat file;
    for (int i = 0; i < count; i++)
        if (stat(inputs[i], &file) != 0 || !S_ISDIR(file.st_mode))
            return false;
    return count > 0;
}

int search_candidates_find(struct search_candidates *candidates, struct cli *cli,
                           const struct traceql_query *query, int argc, char **argv)
{
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    struct first_look look = {.query = query, .memory_bytes = (size_t)memory / 4};
    int status = CLI_FAILED;
    if (!are_repositories(argc, argv) || !traceql_need_open(&look.need, query))
        return CLI_DONE;
    traceql_require_leaf(&look.need, &look.required);
    if (look.required.length)
        tcore_buf_putc(&look.required, '\0');
    look.columns = tcore_calloc(query->fields + 1, sizeof *look.columns);
    if (look.columns && !look.required.failed && tcore_map_init(&look.found.ids) == 0)
        status = look_through(&look, candidates, cli, argc, argv);
    else
        cli_error(cli, "out of memory");
    free_list(&look.found);
    tcore_buf_free(&look.required);
    tcore_free(look.columns);
    return status;
}

void search_candidates_free(struct search_candidates *candidates)
{
    if (candidates->bytes)
        tcore_map_free(&candidates->ids);
    tcore_free(candidates->bytes);
}
