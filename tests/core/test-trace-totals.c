/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Totals of traces are those that the store of the same spans has, whatever form columns have,
 * which rows are taken and by how many intakes; memory is bounded by traces, not by spans. */
#include "failing.h"
#include "random.h"
#include "tap.h"
#include "trace/store.h"
#include "trace/totals.h"

#include <unistd.h>

enum { ROWS = 3000, TRACES = 300, COLUMNS = 16, BEYOND = 1 };

/* Spans as a batch, in either of two forms. */
struct made {
    char ids[TRACES][33];
    struct tcore_value dictionary[TRACES], statuses[3];
    struct tcore_value values[COLUMNS][ROWS];
    uint32_t codes[ROWS], status_codes[ROWS];
    int64_t start[ROWS], end[ROWS];
    uint8_t types[ROWS];
    uint32_t rows[ROWS]; /* those that are taken */
    size_t count;
    struct tcore_column columns[COLUMNS];
    struct tcore_batch batch;
    size_t trace_id, span_id, start_at, end_at, duration, status; /* columns */
};

static struct tcore_value string(const char *text)
{
    return tcore_value_string(text, strlen(text));
}

static void choose_columns(struct made *made, struct tcore_trace_store *store,
                           struct tcore_trace_totals *totals, struct tcore_projection *projection,
                           bool errors)
{
    static const char *const names[] = {"traceId",         "spanId",       "startTimeUnixNano",
                                        "endTimeUnixNano", "durationNano", "status"};
    size_t *const columns[] = {&made->trace_id, &made->span_id,  &made->start_at,
                               &made->end_at,   &made->duration, &made->status};
    tcore_trace_store_project(store, projection, NULL);
    tcore_trace_totals_project(totals, errors, projection, NULL);
    for (size_t i = 0; i < 6; i++) {
        struct tcore_path_key key = {names[i], strlen(names[i])};
        tcore_projection_add_path(projection, &key, 1, columns[i], NULL);
    }
}

/* One of the times that a span may have; odd: also none, a string, one beyond the limit. */
static struct tcore_value time_of(struct random_source *random, int64_t ns, bool odd)
{
    static const int64_t beyond[] = {INT64_MIN, INT64_MAX, (int64_t)1 << 62, -((int64_t)1 << 62)};
    unsigned kind = odd ? (unsigned)random_below(random, 12) : 12;
    if (kind == 0)
        return (struct tcore_value){0};
    if (kind == 1)
        return string("12345");
    if (kind == 2)
        return string("soon");
    return tcore_value_int(kind == 3 ? beyond[random_below(random, 4)] : ns);
}

static void make(struct made *made, uint64_t seed, bool odd)
{
    struct random_source random = {seed};
    static const char *const statuses[] = {"ok", "error", "unset"};
    memset(made->types, TCORE_RECORD_SPAN, sizeof made->types);
    for (unsigned t = 0; t < TRACES; t++) {
        snprintf(made->ids[t], sizeof made->ids[t], "%016x%016x", t * 7919u, ~t);
        made->dictionary[t] = string(made->ids[t]);
    }
    for (unsigned s = 0; s < 3; s++)
        made->statuses[s] = string(statuses[s]);
    memset(made->values, 0, sizeof made->values);
    for (unsigned row = 0; row < ROWS; row++) {
        unsigned trace = made->codes[row] = (uint32_t)random_below(&random, TRACES - 5);
        unsigned status = made->status_codes[row] = (uint32_t)random_below(&random, 3);
        int64_t start = (int64_t)random_below(&random, 1000000) - 500000;
        int64_t end = start + (int64_t)random_below(&random, 1000) - 50; /* some are negative */
        made->start[row] = start;
        made->end[row] = end;
        made->values[made->trace_id][row] = made->dictionary[trace];
        made->values[made->span_id][row] = string("0123456789abcdef");
        made->values[made->status][row] = made->statuses[status];
        made->values[made->start_at][row] = time_of(&random, start, odd);
        made->values[made->end_at][row] = time_of(&random, end, odd);
        if (random_below(&random, 2))
            made->values[made->duration][row] =
                tcore_value_int((int64_t)random_below(&random, 900) - 100);
    }
    for (size_t c = 0; c < COLUMNS; c++)
        made->columns[c] =
            (struct tcore_column){.form = TCORE_COLUMN_VALUES, .values = made->values[c]};
    made->batch = (struct tcore_batch){
        .rows = ROWS, .types = made->types, .columns = made->columns, .column_count = COLUMNS};
    made->count = 0;
    for (uint32_t row = 0; row < ROWS; row++)
        made->rows[made->count++] = row;
}

/* Ids and statuses by code, times as integers. */
static void encode(struct made *made)
{
    made->columns[made->trace_id] = (struct tcore_column){.form = TCORE_COLUMN_DICT,
                                                          .values = made->dictionary,
                                                          .value_count = TRACES,
                                                          .codes = made->codes};
    made->columns[made->status] = (struct tcore_column){.form = TCORE_COLUMN_DICT,
                                                        .values = made->statuses,
                                                        .value_count = 3,
                                                        .codes = made->status_codes};
    made->columns[made->start_at] =
        (struct tcore_column){.form = TCORE_COLUMN_INT64, .ints = made->start};
    made->columns[made->end_at] =
        (struct tcore_column){.form = TCORE_COLUMN_INT64, .ints = made->end};
}

/* --- Both answers */

static int compare(const void *a, const void *b)
{
    const struct tcore_trace_total *x = a, *y = b;
    return memcmp(x->trace_id, y->trace_id, sizeof x->trace_id);
}

static size_t list_of_store(struct tcore_trace_store *store, struct tcore_trace_total *list)
{
    size_t count = 0;
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++) {
        struct tcore_trace_group group;
        tcore_trace_store_group(store, p, &group, NULL);
        for (uint32_t t = 0; t < group.trace_count && count < TRACES; t++) {
            const struct tcore_stored_trace *trace = &group.traces[t];
            const uint64_t *id = trace->spans[0]->trace_id;
            list[count++] = (struct tcore_trace_total){
                {id[0], id[1]}, trace->whole, trace->count, trace->errors};
        }
    }
    qsort(list, count, sizeof *list, compare);
    return count;
}

static size_t list_of_totals(struct tcore_trace_totals *totals, struct tcore_trace_total *list)
{
    size_t count = 0;
    for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS; p++) {
        const struct tcore_totals_run *run;
        for (int twice = 0; twice < 2; twice++)
            tcore_trace_totals_join(totals, p, &run, NULL);
        for (; run; run = run->next)
            for (uint32_t i = 0; i < run->count && count < TRACES; i++)
                list[count++] = run->totals[i];
    }
    qsort(list, count, sizeof *list, compare);
    return count;
}

static const struct tcore_trace_totals_options unlimited = {0};

struct way {
    const char *name;
    bool odd;     /* times of all kinds */
    bool encoded; /* by code */
    bool errors;
    unsigned step; /* which rows: every one, every second ... */
    unsigned intakes;
};

static void test_against_store(const struct way *way)
{
    static struct made made;
    static struct tcore_trace_total wanted[TRACES], got[TRACES];
    struct tcore_trace_store_options options = {0};
    struct tcore_trace_store *store;
    struct tcore_trace_totals *totals;
    struct tcore_trace_intake *stored;
    struct tcore_totals_intake *intake[3];
    struct tcore_projection projection = {0};
    tcore_trace_store_new(&store, &options, NULL);
    tcore_trace_intake_new(&stored, store, NULL);
    tcore_trace_totals_new(&totals, &unlimited, NULL);
    for (unsigned i = 0; i < way->intakes; i++)
        tcore_totals_intake_new(&intake[i], totals, NULL);
    choose_columns(&made, store, totals, &projection, way->errors);
    for (unsigned round = 0; round < 4; round++) {
        make(&made, 100 + round, way->odd);
        made.count /= way->step;
        for (size_t i = 0; i < made.count; i++)
            made.rows[i] = (uint32_t)i * way->step;
        tcore_trace_intake_add(stored, &made.batch, made.rows, made.count, NULL);
        if (way->encoded)
            encode(&made);
        tcore_totals_intake_add(intake[round % way->intakes], &made.batch, made.rows, made.count,
                                NULL);
    }
    tcore_trace_store_seal(store, NULL);
    is_int((int64_t)tcore_trace_totals_untimed(totals), (int64_t)tcore_trace_store_untimed(store),
           "%s: spans without a time", way->name);
    size_t count = list_of_store(store, wanted), bad = 0;
    is_int((int64_t)list_of_totals(totals, got), (int64_t)count, "%s: as many traces", way->name);
    for (size_t i = 0; i < count; i++) {
        wanted[i].errors = way->errors ? wanted[i].errors : 0;
        bad += memcmp(&got[i], &wanted[i], sizeof *got) != 0;
    }
    is_int((int64_t)bad, 0, "%s: each is the same", way->name);
    tcore_trace_store_free(store);
    tcore_trace_totals_free(totals);
    tcore_projection_free(&projection);
}

/* A batch by code in which one time is beyond the limit must not be added by code. */
static void test_beyond(bool start, int64_t ns, unsigned untimed, int64_t first, int64_t last)
{
    static struct made made;
    struct tcore_trace_store_options options = {0};
    struct tcore_trace_store *store;
    struct tcore_trace_totals *totals;
    struct tcore_totals_intake *intake;
    struct tcore_projection projection = {0};
    struct tcore_trace_total got[TRACES];
    tcore_trace_store_new(&store, &options, NULL);
    tcore_trace_totals_new(&totals, &unlimited, NULL);
    tcore_totals_intake_new(&intake, totals, NULL);
    choose_columns(&made, store, totals, &projection, true);
    make(&made, 1, false);
    encode(&made);
    memset(made.codes, 0, sizeof made.codes);
    memset(made.values[made.duration], 0, sizeof made.values[made.duration]);
    for (unsigned row = 0; row < 3; row++) {
        made.start[row] = 10;
        made.end[row] = 20;
    }
    (start ? made.start : made.end)[BEYOND] = ns;
    tcore_totals_intake_add(intake, &made.batch, made.rows, 3, NULL);
    is_int((int64_t)tcore_trace_totals_untimed(totals), untimed, "%" PRId64 " is no time", ns);
    is_int((int64_t)list_of_totals(totals, got), 1, "of one trace");
    ok(got[0].spans == 3 && got[0].whole.start_ns == first && got[0].whole.end_ns == last,
       "which is from %" PRId64 " to %" PRId64, got[0].whole.start_ns, got[0].whole.end_ns);
    tcore_trace_store_free(store);
    tcore_trace_totals_free(totals);
    tcore_projection_free(&projection);
}

/* --- Limits and failures */

static void test_memory(bool encoded)
{
    static struct made made;
    struct tcore_trace_store_options options = {0};
    struct tcore_trace_store *store;
    struct tcore_trace_totals *totals;
    struct tcore_totals_intake *intake;
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    tcore_trace_store_new(&store, &options, NULL);
    const struct tcore_trace_totals_options limited = {.memory_bytes = 6 << 20};
    tcore_trace_totals_new(&totals, &limited, NULL);
    tcore_totals_intake_new(&intake, totals, NULL);
    choose_columns(&made, store, totals, &projection, true);
    make(&made, 1, false);
    if (encoded)
        encode(&made);
    enum tcore_status status = TCORE_OK;
    unsigned rounds = 0;
    for (; rounds < 700 && status == TCORE_OK; rounds++)
        status = tcore_totals_intake_add(intake, &made.batch, made.rows, made.count, &err);
    is_int(status, TCORE_OK, "more spans of the same traces need no more memory (%u)", rounds);
    ok(!tcore_trace_totals_is_full(totals), "nothing was refused");
    for (uint64_t n = 0; n < 1000 && status == TCORE_OK; n++) { /* each has other traces */
        for (unsigned t = 0; t < TRACES; t++)
            snprintf(made.ids[t], sizeof made.ids[t], "%016x%016x", (unsigned)n, t);
        status = tcore_totals_intake_add(intake, &made.batch, made.rows, made.count, &err);
        rounds = (unsigned)n;
    }
    is_int(status, TCORE_FATAL, "more traces are refused");
    ok(rounds > 100 && rounds < 500, "when the limit is reached (%u)", rounds);
    ok(tcore_trace_totals_is_full(totals), "which is known");
    ok(strstr(err.text, "6291456"), "%s", err.text);
    tcore_trace_store_free(store);
    tcore_trace_totals_free(totals);
    tcore_projection_free(&projection);
}

static enum tcore_status make_file(int *fd, struct tcore_error *err)
{
    FILE *file = tmpfile();
    *fd = file ? dup(fileno(file)) : -1;
    if (file)
        fclose(file);
    return *fd >= 0 ? TCORE_OK : tcore_error_set(err, TCORE_FATAL, "no temporary file");
}

/* Takes the same spans as those of rounds different traces each, through each intake. */
static unsigned add_others(struct tcore_totals_intake *const *intake, struct made *made,
                           unsigned rounds)
{
    unsigned bad = 0;
    for (unsigned n = 0; n < 2 * rounds; n++) {
        for (unsigned t = 0; t < TRACES; t++)
            snprintf(made->ids[t], sizeof made->ids[t], "%016x%016x", n % rounds + 1, t);
        bad += tcore_totals_intake_add(intake[n / rounds], &made->batch, made->rows, made->count,
                                       NULL) != TCORE_OK;
    }
    return bad;
}

/* What does not fit goes to a file, and comes back as it would have been; each trace in one piece,
 * once. */
static void test_file(bool encoded)
{
    enum { ROUNDS = 150 };
    static struct made made;
    static struct tcore_trace_total wanted[TRACES];
    static uint8_t seen[ROUNDS + 1][TRACES];
    const struct tcore_trace_totals_options options = {
        .memory_bytes = 1 << 20, .temporary = make_file, .threads = 2};
    struct tcore_trace_store *store;
    struct tcore_trace_totals *totals, *few;
    struct tcore_totals_intake *intake[2], *of_few;
    struct tcore_projection projection = {0};
    unsigned bad = 0;
    size_t found = 0;
    memset(seen, 0, sizeof seen);
    tcore_trace_store_new(&store, &(struct tcore_trace_store_options){0}, NULL);
    tcore_trace_totals_new(&few, &unlimited, NULL);
    tcore_trace_totals_new(&totals, &options, NULL);
    tcore_totals_intake_new(&of_few, few, NULL);
    for (unsigned i = 0; i < 2; i++)
        tcore_totals_intake_new(&intake[i], totals, NULL);
    choose_columns(&made, store, totals, &projection, true);
    tcore_trace_totals_project(few, true, &projection, NULL);
    make(&made, 1, false);
    if (encoded)
        encode(&made);
    for (unsigned t = 0; t < TRACES; t++)
        snprintf(made.ids[t], sizeof made.ids[t], "%016x%016x", 0, t);
    for (int twice = 0; twice < 2; twice++)
        tcore_totals_intake_add(of_few, &made.batch, made.rows, made.count, NULL);
    size_t count = list_of_totals(few, wanted);
    bad += add_others(intake, &made, ROUNDS) != 0;
    bad += tcore_trace_totals_seal(totals, NULL) != TCORE_OK;
    ok(tcore_trace_totals_has_spilled(totals) && tcore_trace_totals_is_timed(totals),
       "what is beyond the share goes to the file");
    for (unsigned p = 0; p < TCORE_TOTALS_PIECES; p++) {
        struct tcore_totals_run *run;
        bad += tcore_trace_totals_load(totals, p, &run, NULL) != TCORE_OK;
        for (uint32_t i = 0; i < run->count; i++, found++) {
            struct tcore_trace_total *total = &run->totals[i];
            uint64_t n = total->trace_id[0], t = total->trace_id[1];
            bad += n < 1 || n > ROUNDS || t >= TRACES || seen[n][t]++;
            total->trace_id[0] = 0;
            const struct tcore_trace_total *same_trace =
                bsearch(total, wanted, count, sizeof *wanted, compare);
            bad += !same_trace || memcmp(same_trace, total, sizeof *total) != 0;
        }
        tcore_trace_totals_unload(run);
    }
    is_int((int64_t)found, (int64_t)(ROUNDS * count), "and all of it comes back");
    is_int(bad, 0, "each as it is in memory, once");
    tcore_trace_store_free(store);
    tcore_trace_totals_free(totals);
    tcore_trace_totals_free(few);
    tcore_projection_free(&projection);
}

static enum tcore_status live(struct tcore_trace_totals **totals, const struct made *made,
                              struct tcore_projection *projection, struct tcore_error *err)
{
    struct tcore_totals_intake *intake[2] = {NULL, NULL};
    const struct tcore_totals_run *run;
    enum tcore_status status = tcore_trace_totals_new(totals, &unlimited, err);
    if (!status)
        status = tcore_trace_totals_project(*totals, true, projection, err);
    for (int i = 0; i < 2 && !status; i++)
        status = tcore_totals_intake_new(&intake[i], *totals, err);
    for (int i = 0; i < 2 && !status; i++)
        status = tcore_totals_intake_add(intake[i], &made->batch, made->rows, made->count, err);
    for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS && !status; p++)
        status = tcore_trace_totals_join(*totals, p, &run, err);
    return status;
}

static void test_failures(void)
{
    static struct made made;
    struct tcore_trace_store_options options = {0};
    struct tcore_trace_store *store;
    struct tcore_trace_totals *totals;
    struct tcore_projection projection = {0};
    struct tcore_error err;
    unsigned bad = 0;
    tcore_trace_store_new(&store, &options, NULL);
    tcore_trace_totals_new(&totals, &unlimited, NULL);
    choose_columns(&made, store, totals, &projection, true);
    make(&made, 5, false);
    encode(&made);
    tcore_trace_totals_free(totals);
    tcore_trace_store_free(store);
    for (unsigned long n = 1, more = true; more; n++) {
        totals = NULL;
        failing_begin(n);
        enum tcore_status status = live(&totals, &made, &projection, &err);
        tcore_trace_totals_free(totals);
        more = failing_end();
        bad += status != (more ? TCORE_FATAL : TCORE_OK);
    }
    is_int(bad, 0, "each failed allocation is reported");
    is_int(failing.live, 0, "and nothing leaks");
    tcore_projection_free(&projection);
}

int main(void)
{
    static const struct way ways[] = {
        {"values", false, false, true, 1, 1},
        {"odd values", true, false, true, 1, 1},
        {"three intakes", true, false, true, 1, 3},
        {"some rows", true, false, true, 3, 2},
        {"codes", false, true, true, 1, 1},
        {"codes, three intakes", false, true, true, 1, 3},
        {"codes, some rows", false, true, true, 2, 2},
        {"without errors", false, true, false, 1, 2},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        test_against_store(&ways[i]);
    test_beyond(true, (int64_t)1 << 62, 1, 10, 20);
    test_beyond(true, INT64_MIN, 1, 10, 20);
    test_beyond(false, INT64_MAX, 1, 10, 20);
    test_beyond(false, -((int64_t)1 << 62), 1, 10, 20);
    test_beyond(false, -5, 0, 10, 20);
    test_beyond(true, 15, 0, 10, 20);
    test_beyond(true, 25, 0, 10, 25);
    test_file(false);
    test_file(true);
    test_memory(false);
    test_memory(true);
    test_failures();
    return done_testing();
}
