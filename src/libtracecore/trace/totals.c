/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the ids of a block are a dictionary and all times are there, as in nearly every block of a
 * stream, spans are added up by the dictionary's codes, and each trace goes to its list once a
 * block. Other spans go there one by one.
 */
#include "trace/totals.h"

#include "base/sys.h"
#include "trace/span_values.h"
#include "trace/store_digits.h"
#include "trace/totals_private.h"

#define STATUSES  256u
#define ONE_ERROR ((uint64_t)1 << 32)

/* --- Setting up */

enum tcore_status tcore_trace_totals_new(struct tcore_trace_totals **totals,
                                         const struct tcore_trace_totals_options *options,
                                         struct tcore_error *err)
{
    struct tcore_trace_totals *t = *totals = tcore_calloc(1, sizeof *t);
    if (!t)
        return tcore_error_nomem(err);
    t->options = *options;
    tcore_totals_file_init(t);
    t->limit.most = t->share ? 0 : options->memory_bytes;
    if (tcore_sys()->random(t->seed, sizeof t->seed) == 0)
        return TCORE_OK;
    tcore_free(t);
    *totals = NULL;
    return tcore_error_set(err, TCORE_FATAL, "no random numbers to be had from the system");
}

void tcore_trace_totals_free(struct tcore_trace_totals *totals)
{
    if (!totals)
        return;
    /* lists before pools: once they are joined the first intake has runs from all pools */
    for (struct tcore_totals_intake *intake = totals->intakes; intake; intake = intake->next) {
        const struct totals_place place = place_of(intake);
        for (unsigned p = 0; p < TCORE_TOTALS_PARTITIONS; p++)
            tcore_totals_list_free(&intake->list[p], &place);
    }
    for (struct tcore_totals_intake *intake = totals->intakes, *next; intake; intake = next) {
        next = intake->next;
        tcore_totals_pool_free(&intake->pool);
        tcore_totals_free_spills(intake->spills);
        tcore_free(intake->sums);
        tcore_free(intake);
    }
    tcore_totals_file_close(totals);
    tcore_free(totals);
}

static enum tcore_status add_column(struct tcore_projection *projection, const char *name,
                                    size_t *column, enum tcore_status status,
                                    struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};
    return status ? status : tcore_projection_add_path(projection, &key, 1, column, err);
}

enum tcore_status tcore_trace_totals_project(struct tcore_trace_totals *totals, bool errors,
                                             struct tcore_projection *projection,
                                             struct tcore_error *err)
{
    struct totals_columns *columns = &totals->columns;
    enum tcore_status status = TCORE_OK;
    totals->errors = errors;
    status = add_column(projection, "traceId", &columns->trace_id, status, err);
    status = add_column(projection, "startTimeUnixNano", &columns->start, status, err);
    status = add_column(projection, "endTimeUnixNano", &columns->end, status, err);
    status = add_column(projection, "durationNano", &columns->duration, status, err);
    if (errors)
        status = add_column(projection, "status", &columns->status, status, err);
    return status;
}

enum tcore_status tcore_totals_intake_new(struct tcore_totals_intake **intake,
                                          struct tcore_trace_totals *totals,
                                          struct tcore_error *err)
{
    struct tcore_totals_intake *in = *intake = tcore_calloc(1, sizeof *in);
    if (!in)
        return tcore_error_nomem(err);
    in->totals = totals;
    in->next = __atomic_load_n(&totals->intakes, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&totals->intakes, &in->next, in, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    return TCORE_OK;
}

/* --- By code */

/* Times that every row has. */
static bool are_times(const struct tcore_column *column)
{
    return column->form == TCORE_COLUMN_INT64 && !column->present;
}

static bool are_ids(const struct tcore_column *column)
{
    bool all = column->form == TCORE_COLUMN_DICT;
    for (uint32_t i = 0; all && i < column->value_count; i++)
        all = is_digits(&column->values[i], 32);
    return all;
}

/* What a span of each status counts. False: these are not statuses of a few kinds. */
static bool weigh_statuses(const struct tcore_column *column, uint64_t *counts)
{
    if (column->form != TCORE_COLUMN_DICT && column->form != TCORE_COLUMN_CONSTANT)
        return false;
    uint32_t values = column->form == TCORE_COLUMN_DICT ? column->value_count : 1;
    for (uint32_t i = 0; i < values && i < STATUSES; i++)
        counts[i] = is_error(&column->values[i]) ? 1 + ONE_ERROR : 1;
    return values <= STATUSES;
}

/* What is added up of each row. */
struct addends {
    const uint32_t *codes;
    const int64_t *start, *end;
    const uint32_t *statuses; /* NULL: all count the same */
    uint64_t counts[STATUSES];
};

/* Returns low, or the row's end if that is less. */
static inline int64_t add_row(struct totals_sum *sums, const struct addends *a, uint32_t row,
                              int64_t low)
{
    struct totals_sum *sum = &sums[a->codes[row]];
    int64_t start = a->start[row], end = a->end[row];
    low = end < low ? end : low;
    end = end < start ? start : end; /* it is in its trace with its start */
    sum->whole.start_ns = start < sum->whole.start_ns ? start : sum->whole.start_ns;
    sum->whole.end_ns = end > sum->whole.end_ns ? end : sum->whole.end_ns;
    sum->counts += a->counts[a->statuses ? a->statuses[row] : 0];
    return low;
}

/* Returns the least end. */
static int64_t add_rows(struct totals_sum *sums, const struct addends *a, const uint32_t *rows,
                        size_t count)
{
    bool all = count && rows[0] == 0 && rows[count - 1] == count - 1; /* they ascend */
    int64_t low = 0;
    if (all)
        for (size_t i = 0; i < count; i++)
            low = add_row(sums, a, (uint32_t)i, low);
    else
        for (size_t i = 0; i < count; i++)
            low = add_row(sums, a, rows[i], low);
    return low;
}

/* Whether all times were within the limit: what is beyond it counts as no time at all. */
static bool are_within_limit(const struct totals_sum *sums, size_t count, int64_t least_end)
{
    int64_t low = least_end, high = 0;
    for (size_t i = 0; i < count; i++) {
        if (!sums[i].counts)
            continue;
        low = sums[i].whole.start_ns < low ? sums[i].whole.start_ns : low;
        high = sums[i].whole.end_ns > high ? sums[i].whole.end_ns : high;
    }
    return low > -TIME_LIMIT && high < TIME_LIMIT;
}

static bool clear_sums(struct tcore_totals_intake *intake, size_t count)
{
    if (count > intake->sum_capacity) {
        tcore_free(intake->sums);
        intake->sums = tcore_reallocarray(NULL, count, sizeof *intake->sums);
        intake->sum_capacity = intake->sums ? count : 0;
        if (!intake->sums)
            return false;
    }
    for (size_t i = 0; i < count; i++)
        intake->sums[i] = (struct totals_sum){.whole = {INT64_MAX, INT64_MIN}};
    return true;
}

/* Where the total of a trace goes that is added next; NULL: err says why. */
static inline struct tcore_trace_total *
place_total(struct tcore_totals_intake *intake, const uint64_t trace_id[2], struct tcore_error *err)
{
    const struct totals_place place = place_of(intake);
    unsigned partition = totals_partition(hash_trace_id(place.seed, trace_id));
    struct tcore_trace_total *total = totals_list_next(&intake->list[partition], &place, err);
    if (!total)
        return NULL;
    total->trace_id[0] = trace_id[0];
    total->trace_id[1] = trace_id[1];
    return total;
}

static inline struct tcore_trace_total *next_total(struct tcore_totals_intake *intake,
                                                   const struct tcore_value *id,
                                                   struct tcore_error *err)
{
    const uint64_t trace_id[2] = {read_hex16(id->s), read_hex16(id->s + 16)};
    return place_total(intake, trace_id, err);
}

_Static_assert(TCORE_TOTALS_PARTITIONS == 64, "as many as six bits of a hash tell apart");

/* Each trace of the dictionary that has spans goes to its list. */
static enum tcore_status add_sums(struct tcore_totals_intake *intake,
                                  const struct tcore_column *ids, struct tcore_error *err)
{
    for (uint32_t code = 0; code < ids->value_count; code++) {
        const struct totals_sum *sum = &intake->sums[code];
        if (!sum->counts)
            continue;
        struct tcore_trace_total *total = next_total(intake, &ids->values[code], err);
        if (!total)
            return TCORE_FATAL;
        total->whole = sum->whole;
        total->spans = sum->counts % ONE_ERROR;
        total->errors = sum->counts / ONE_ERROR;
    }
    return TCORE_OK;
}

/* TCORE_SKIP: the batch has other columns than this is for. */
static enum tcore_status add_by_code(struct tcore_totals_intake *intake,
                                     const struct tcore_batch *batch, const uint32_t *rows,
                                     size_t count, struct tcore_error *err)
{
    const struct totals_columns *at = &intake->totals->columns;
    const struct tcore_column *ids = &batch->columns[at->trace_id];
    const struct tcore_column *start = &batch->columns[at->start];
    const struct tcore_column *end = &batch->columns[at->end];
    struct addends addends;
    if (!are_ids(ids) || !are_times(start) || !are_times(end))
        return TCORE_SKIP;
    addends.codes = ids->codes;
    addends.start = start->ints;
    addends.end = end->ints;
    addends.statuses = NULL;
    addends.counts[0] = 1;
    if (intake->totals->errors) {
        const struct tcore_column *statuses = &batch->columns[at->status];
        if (!weigh_statuses(statuses, addends.counts))
            return TCORE_SKIP;
        if (statuses->form == TCORE_COLUMN_DICT)
            addends.statuses = statuses->codes;
    }
    if (!clear_sums(intake, ids->value_count))
        return tcore_error_nomem(err);
    int64_t least_end = add_rows(intake->sums, &addends, rows, count);
    if (!are_within_limit(intake->sums, ids->value_count, least_end))
        return TCORE_SKIP;
    return add_sums(intake, ids, err);
}

/* --- One by one */

static inline void total_of_span(struct tcore_totals_intake *intake,
                                 const struct tcore_batch *batch, uint32_t row,
                                 struct tcore_trace_total *total)
{
    const struct totals_columns *at = &intake->totals->columns;
    const struct tcore_column *columns = batch->columns;
    struct tcore_value made, other;
    struct tcore_trace_span span = {.flags = 0};
    set_times(&span, value_at(&columns[at->start], row, &made),
              value_at(&columns[at->end], row, &other));
    if (!(span.flags & TCORE_SPAN_HAS_END))
        set_end_by_duration(&span, value_at(&columns[at->duration], row, &made));
    intake->untimed += (span.flags & 3) != 3;
    total->whole = (struct tcore_interval){INT64_MAX, INT64_MIN};
    widen(&total->whole, &span);
    total->spans = 1;
    total->errors = intake->totals->errors && is_error(value_at(&columns[at->status], row, &made));
}

static enum tcore_status add_by_row(struct tcore_totals_intake *intake,
                                    const struct tcore_batch *batch, const uint32_t *rows,
                                    size_t count, struct tcore_error *err)
{
    const struct tcore_column *ids = &batch->columns[intake->totals->columns.trace_id];
    for (size_t i = 0; i < count; i++) {
        struct tcore_value made;
        const struct tcore_value *id = value_at(ids, rows[i], &made);
        if (!is_digits(id, 32))
            continue; /* it is no span; decoders reject those */
        struct tcore_trace_total *total = next_total(intake, id, err);
        if (!total)
            return TCORE_FATAL;
        total_of_span(intake, batch, rows[i], total);
    }
    return TCORE_OK;
}

enum tcore_status tcore_totals_intake_add(struct tcore_totals_intake *intake,
                                          const struct tcore_batch *batch, const uint32_t *rows,
                                          size_t count, struct tcore_error *err)
{
    enum tcore_status status = tcore_totals_make_room(intake, err);
    if (status == TCORE_OK)
        status = add_by_code(intake, batch, rows, count, err);
    return status == TCORE_SKIP ? add_by_row(intake, batch, rows, count, err) : status;
}

/* --- Added up already */

enum tcore_status tcore_totals_intake_add_sums(struct tcore_totals_intake *intake,
                                               const struct tcore_trace_sums *sums,
                                               struct tcore_error *err)
{
    enum tcore_status status = tcore_totals_make_room(intake, err);
    for (size_t i = 0; i < sums->count && status == TCORE_OK; i++) {
        const struct tcore_trace_sum *sum = &sums->sum[i];
        uint64_t id[2];
        memcpy(id, sums->ids[i], sizeof id);
        const uint64_t trace_id[2] = {be64toh(id[0]), be64toh(id[1])};
        if (!sum->spans)
            continue;
        struct tcore_trace_total *total = place_total(intake, trace_id, err);
        if (!total)
            return TCORE_FATAL;
        total->whole = (struct tcore_interval){sum->start_ns, sum->end_ns};
        total->spans = sum->spans;
        total->errors = intake->totals->errors ? sum->errors : 0;
    }
    return status;
}

/* --- Everything that was taken */

enum tcore_status tcore_trace_totals_join(struct tcore_trace_totals *totals, unsigned partition,
                                          const struct tcore_totals_run **runs,
                                          struct tcore_error *err)
{
    struct tcore_totals_intake *first = totals->intakes;
    *runs = NULL;
    if (!first)
        return TCORE_OK;
    const struct totals_place place = {totals->seed, limit_of(first), NULL};
    struct totals_list *list = &first->list[partition];
    for (struct tcore_totals_intake *in = first->next; in; in = in->next)
        tcore_totals_list_take(list, &in->list[partition]);
    enum tcore_status status = tcore_totals_list_join(list, &place, err);
    *runs = list->runs;
    return status;
}

enum tcore_status tcore_trace_totals_count_bytes(struct tcore_trace_totals *totals, size_t bytes,
                                                 struct tcore_error *err)
{
    return tcore_totals_take_bytes(&totals->limit, bytes, err);
}

bool tcore_trace_totals_is_full(const struct tcore_trace_totals *totals)
{
    return __atomic_load_n(&totals->limit.full, __ATOMIC_RELAXED);
}

uint64_t tcore_trace_totals_untimed(const struct tcore_trace_totals *totals)
{
    uint64_t untimed = 0;
    for (const struct tcore_totals_intake *in = totals->intakes; in; in = in->next)
        untimed += in->untimed;
    return untimed;
}
