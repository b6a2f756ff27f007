/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries that each span answers by itself: a filter, in the order of the input. */
#include <config.h>

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "span/search.h"
#include "span/traceql/traceql_load.h"
#include "span/traceql/traceql_need.h"

#include <pthread.h>

/* What a batch is looked at with; as many as there are threads, used again and again. */
struct seeker {
    struct traceql_evaluator evaluator;
    struct traceql_reader reader;
    struct search_writer writer;
    bool *truth; /* by spanset operation */
    struct seeker *next;
};

struct span_search {
    const struct traceql_query *query;
    struct traceql_columns *columns; /* by field */
    struct tcore_buf required;       /* an expression with its NUL, or empty */
    pthread_mutex_t lock;
    struct seeker *idle;
    struct tcore_error failure; /* the first; status TCORE_OK: none */
    uint64_t overworked;
};

/* --- Seekers */

static void free_seeker(struct seeker *seeker)
{
    if (!seeker)
        return;
    traceql_evaluator_close(&seeker->evaluator);
    traceql_reader_free(&seeker->reader);
    search_writer_free(&seeker->writer);
    tcore_free(seeker->truth);
    tcore_free(seeker);
}

static struct seeker *new_seeker(const struct span_search *search, struct tcore_error *err)
{
    struct seeker *seeker = tcore_calloc(1, sizeof *seeker);
    if (seeker)
        seeker->truth = tcore_calloc(search->query->spansets + 1, sizeof *seeker->truth);
    if (!seeker || !seeker->truth)
        tcore_error_nomem(err);
    else if (traceql_evaluator_open(&seeker->evaluator, search->query, err) == TCORE_OK)
        return seeker;
    free_seeker(seeker);
    return NULL;
}

static struct seeker *take_seeker(struct span_search *search, struct tcore_error *err)
{
    pthread_mutex_lock(&search->lock);
    struct seeker *seeker = search->idle;
    if (seeker)
        search->idle = seeker->next;
    pthread_mutex_unlock(&search->lock);
    return seeker ? seeker : new_seeker(search, err);
}

static void put_back(struct span_search *search, struct seeker *seeker)
{
    pthread_mutex_lock(&search->lock);
    seeker->next = search->idle;
    search->idle = seeker;
    pthread_mutex_unlock(&search->lock);
}

static void fail(struct span_search *search, const struct tcore_error *err)
{
    pthread_mutex_lock(&search->lock);
    if (search->failure.status == TCORE_OK)
        search->failure = *err;
    pthread_mutex_unlock(&search->lock);
}

/* --- The filter */

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct span_search *search = state;
    projection->text |= traceql_adds_members(search->query);
    return traceql_add_columns(search->query, NULL, search->columns, projection, err);
}

static const char *requirement(void *state)
{
    const struct span_search *search = state;
    return search->required.length ? search->required.data : NULL;
}

static enum tcore_status look(const struct span_search *search, struct seeker *seeker,
                              const struct tcore_batch *batch, uint32_t row, bool *matches,
                              struct tcore_error *err)
{
    enum tcore_status status = traceql_load_row(&seeker->reader, search->query, search->columns,
                                                batch, row, seeker->evaluator.field, err);
    if (status != TCORE_OK)
        return status;
    return traceql_run_span(&seeker->evaluator, seeker->truth, matches, err);
}

static void select_rows(void *state, const struct tcore_batch *batch, uint32_t *rows, size_t *count)
{
    struct span_search *search = state;
    struct tcore_error err;
    struct seeker *seeker = take_seeker(search, &err);
    enum tcore_status status = seeker ? TCORE_OK : TCORE_FATAL;
    size_t kept = 0;
    bool matches;
    for (size_t i = 0; i < *count && status == TCORE_OK; i++) {
        status = look(search, seeker, batch, rows[i], &matches, &err);
        if (status == TCORE_OK && matches)
            rows[kept++] = rows[i];
    }
    if (status != TCORE_OK)
        fail(search, &err);
    if (seeker)
        put_back(search, seeker);
    *count = kept;
}

/* Of a query that selects: the rows that matched, with members more. */
static enum tcore_status write_rows(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct span_search *search = state;
    struct seeker *seeker = take_seeker(search, err);
    enum tcore_status status = seeker ? TCORE_OK : TCORE_FATAL;
    (void)worker;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        status = traceql_load_row(&seeker->reader, search->query, search->columns, batch, rows[i],
                                  seeker->evaluator.field, err);
        if (status == TCORE_OK)
            status = search_write_span(&seeker->writer, search->query, batch->text[rows[i]],
                                       seeker->evaluator.field, NULL, out, err);
    }
    if (seeker)
        put_back(search, seeker);
    return status;
}

static int filter(struct cli *cli, struct span_search *search, int argc, char **argv)
{
    static const struct cli_operator as_they_are = {
        .types = 1u << TCORE_RECORD_SPAN,
        .open = open_columns,
        .passes_text = true,
        .select = select_rows,
        .requires = requirement,
    };
    static const struct cli_operator with_members = {
        .types = 1u << TCORE_RECORD_SPAN,
        .open = open_columns,
        .select = select_rows,
        .batch = write_rows,
        .requires = requirement,
    };
    int status = cli_filter(cli, traceql_adds_members(search->query) ? &with_members : &as_they_are,
                            search, argc, argv);
    if (search->failure.status == TCORE_OK)
        return status;
    cli_report(cli, &search->failure);
    return CLI_FAILED;
}

int search_spans(struct cli *cli, const struct traceql_query *query, int argc, char **argv)
{
    struct span_search search = {.query = query};
    int status = CLI_FAILED;
    search.columns = tcore_calloc(query->fields + 1, sizeof *search.columns);
    pthread_mutex_init(&search.lock, NULL);
    traceql_require_span(query, &search.required);
    if (search.required.length)
        tcore_buf_putc(&search.required, '\0');
    if (search.columns && !search.required.failed)
        status = filter(cli, &search, argc, argv);
    else
        cli_error(cli, "out of memory");
    while (search.idle) {
        struct seeker *seeker = search.idle;
        search.idle = seeker->next;
        search.overworked += seeker->evaluator.overworked;
        free_seeker(seeker);
    }
    search_note_overworked(cli, search.overworked);
    pthread_mutex_destroy(&search.lock);
    tcore_buf_free(&search.required);
    tcore_free(search.columns);
    return status;
}
