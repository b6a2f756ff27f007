/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Series of counters by their hash, and what they add up to. */
#include "stats/increase.h"
#include "stats/encode.h"

#include "base/map.h"
#include "base/sys.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static const char increase_name[] = "increase of counters";

void tcore_increase_free(struct tcore_increase *increase)
{
    for (uint32_t i = 0; i < increase->count; i++)
        tcore_counter_runs_free(&increase->series[i].runs);
    tcore_free(increase->series);
    tcore_free(increase->slots);
    tcore_exact_sum_free(&increase->deltas);
    *increase = (struct tcore_increase){0};
}

size_t tcore_increase_bytes(const struct tcore_increase *increase)
{
    return increase->capacity * sizeof *increase->series +
           (increase->slots ? ((size_t)increase->mask + 1) * sizeof *increase->slots : 0) +
           increase->run_bytes + tcore_exact_sum_bytes(&increase->deltas);
}

/* Where to look first. The seed keeps chosen names from being made to fall together. */
static uint32_t place_of(const struct tcore_increase *increase, const uint64_t name[2])
{
    unsigned __int128 product =
        (unsigned __int128)(name[0] ^ increase->seed) * (name[1] ^ ~increase->seed);
    return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & increase->mask;
}

/* The slot of the name, or the empty one where it would go. */
static uint32_t *find_slot(const struct tcore_increase *increase, const uint64_t name[2])
{
    for (uint32_t at = place_of(increase, name);; at = (at + 1) & increase->mask) {
        uint32_t *slot = &increase->slots[at];
        if (!*slot || !memcmp(increase->series[*slot - 1].name, name, sizeof(uint64_t[2])))
            return slot;
    }
}

static bool grow(struct tcore_increase *increase)
{
    uint32_t capacity = increase->capacity ? increase->capacity * 2 : 2;
    if (!increase->seed && tcore_sys()->random(&increase->seed, sizeof increase->seed) != 0)
        return false;
    struct tcore_increase_series *series =
        tcore_reallocarray(increase->series, capacity, sizeof *series);
    if (!series)
        return false;
    increase->series = series;
    uint32_t *slots = tcore_calloc((size_t)capacity * 2, sizeof *slots);
    if (!slots)
        return false;
    tcore_free(increase->slots);
    increase->slots = slots;
    increase->capacity = capacity;
    increase->mask = capacity * 2 - 1;
    for (uint32_t i = 0; i < increase->count; i++)
        *find_slot(increase, series[i].name) = i + 1;
    return true;
}

/* The series of that name, made if there is none; NULL: no memory. */
static struct tcore_increase_series *series_of(struct tcore_increase *increase,
                                               const uint64_t name[2])
{
    uint32_t *slot = increase->slots ? find_slot(increase, name) : NULL;
    if (slot && *slot)
        return &increase->series[*slot - 1];
    if (increase->count == increase->capacity && !grow(increase))
        return NULL;
    struct tcore_increase_series *series = &increase->series[increase->count++];
    *series = (struct tcore_increase_series){.name = {name[0], name[1]}};
    *find_slot(increase, name) = increase->count;
    return series;
}

static size_t bytes_of(const struct tcore_counter_runs *runs)
{
    return runs->capacity * sizeof *runs->run;
}

enum tcore_status tcore_increase_add(struct tcore_increase *increase, const void *name,
                                     size_t length, const struct tcore_counter_point *point)
{
    /* digits of e: the same name has the same hash in all partials, and two are not found by chance
     */
    static const uint64_t keys[2][2] = {
        {UINT64_C(0x2718281828459045), UINT64_C(0x2353602874713526)},
        {UINT64_C(0x6249775724709369), UINT64_C(0x9959574966967627)}};
    const uint64_t hash[2] = {tcore_siphash(keys[0], name, length),
                              tcore_siphash(keys[1], name, length)};
    struct tcore_increase_series *series = series_of(increase, hash);
    if (!series)
        return TCORE_FATAL;
    size_t before = bytes_of(&series->runs);
    enum tcore_status status = tcore_counter_runs_add(&series->runs, point);
    increase->run_bytes += bytes_of(&series->runs) - before;
    return status;
}

enum tcore_status tcore_increase_add_delta(struct tcore_increase *increase,
                                           const struct tcore_value *value, uint64_t weight)
{
    increase->has_deltas = true;
    return value->kind == TCORE_INT
               ? tcore_exact_sum_add_weighted_int64(&increase->deltas, value->i, weight)
               : tcore_exact_sum_add_weighted_double(&increase->deltas, value->d, weight);
}

enum tcore_status tcore_increase_merge(struct tcore_increase *into,
                                       const struct tcore_increase *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct tcore_increase_series *source = &from->series[i];
        struct tcore_increase_series *series = series_of(into, source->name);
        if (!series)
            return TCORE_FATAL;
        size_t before = bytes_of(&series->runs);
        bool earlier = !series->runs.count || source->base.time_ns < series->base.time_ns;
        if (source->has_base && (!series->has_base || earlier)) {
            series->base = source->base;
            series->has_base = true;
        }
        enum tcore_status status = tcore_counter_runs_merge(&series->runs, &source->runs);
        into->run_bytes += bytes_of(&series->runs) - before;
        if (status)
            return status;
    }
    into->has_deltas |= from->has_deltas;
    return tcore_exact_sum_merge(&into->deltas, &from->deltas);
}

enum tcore_status tcore_increase_link(struct tcore_increase *increase,
                                      struct tcore_increase *newest, int64_t origin_ns)
{
    for (uint32_t i = 0; i < increase->count; i++) {
        struct tcore_increase_series *series = &increase->series[i];
        struct tcore_increase_series *known = series_of(newest, series->name);
        if (!known)
            return TCORE_FATAL;
        const struct tcore_counter_point *first = &series->runs.run[0].first;
        series->has_base =
            known->has_base || (first->start_ns != TCORE_NO_START && first->start_ns >= origin_ns);
        series->base = known->has_base ? known->base
                                       : (struct tcore_counter_point){
                                             first->start_ns, first->start_ns, tcore_value_int(0)};
        known->base = series->runs.run[series->runs.count - 1].last;
        known->has_base = true;
    }
    return TCORE_OK;
}

enum tcore_status tcore_increase_sum(const struct tcore_increase *increase,
                                     struct tcore_exact_sum *sum, bool *any)
{
    enum tcore_status status = tcore_exact_sum_merge(sum, &increase->deltas);
    *any = increase->has_deltas;
    for (uint32_t i = 0; i < increase->count && !status; i++) {
        const struct tcore_increase_series *series = &increase->series[i];
        const struct tcore_counter_runs *runs = &series->runs;
        *any |= series->has_base || runs->count > 1 ||
                (runs->count && runs->run[0].first.time_ns != runs->run[0].last.time_ns);
        status = tcore_counter_runs_increase(runs, series->has_base ? &series->base : NULL, sum);
    }
    return status;
}

bool tcore_increase_is_doubtful(const struct tcore_increase *increase)
{
    for (uint32_t i = 0; i < increase->count; i++)
        if (increase->series[i].runs.doubtful)
            return true;
    return false;
}

static int compare_names(const void *left, const void *right)
{
    const struct tcore_increase_series *const *a = left, *const *b = right;
    for (int i = 0; i < 2; i++)
        if ((*a)->name[i] != (*b)->name[i])
            return (*a)->name[i] < (*b)->name[i] ? -1 : 1;
    return 0;
}

enum tcore_status tcore_increase_encode(const struct tcore_increase *increase,
                                        struct tcore_buf *out)
{
    const struct tcore_increase_series **order = tcore_calloc(increase->count, sizeof *order);
    if (!order)
        return TCORE_FATAL;
    for (uint32_t i = 0; i < increase->count; i++)
        order[i] = &increase->series[i];
    if (increase->count)
        qsort(order, increase->count, sizeof *order, compare_names);
    tcore_encode_uint64(out, (uint64_t)increase->count << 1 | increase->has_deltas);
    for (uint32_t i = 0; i < increase->count; i++) {
        const uint64_t name[2] = {htole64(order[i]->name[0]), htole64(order[i]->name[1])};
        tcore_buf_append(out, name, sizeof name);
        tcore_counter_runs_encode(&order[i]->runs, out);
    }
    if (increase->has_deltas)
        tcore_exact_sum_encode(&increase->deltas, out);
    tcore_free(order);
    return TCORE_OK;
}

static enum tcore_status decode_series(struct tcore_increase *increase,
                                       struct tcore_state_reader *in, struct tcore_error *err)
{
    uint64_t name[2];
    if (tcore_state_reader_left(in) < sizeof name)
        return tcore_decode_failed(err, increase_name, "too short");
    memcpy(name, in->at, sizeof name);
    in->at += sizeof name;
    name[0] = le64toh(name[0]);
    name[1] = le64toh(name[1]);
    const struct tcore_increase_series this = {.name = {name[0], name[1]}}, *next = &this;
    const struct tcore_increase_series *last =
        increase->count ? &increase->series[increase->count - 1] : NULL;
    if (last && compare_names(&last, &next) >= 0)
        return tcore_decode_failed(err, increase_name, "series out of order");
    struct tcore_increase_series *series = series_of(increase, name);
    if (!series)
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_counter_runs_decode(&series->runs, in, err);
    increase->run_bytes += bytes_of(&series->runs);
    if (!status && !series->runs.count)
        return tcore_decode_failed(err, increase_name, "a series has no point");
    return status;
}

enum tcore_status tcore_increase_decode(struct tcore_increase *increase,
                                        struct tcore_state_reader *in, struct tcore_error *err)
{
    uint64_t head;
    if (!tcore_decode_uint64(in, &head))
        return tcore_decode_failed(err, increase_name, "bad head");
    enum tcore_status status = TCORE_OK;
    for (uint64_t i = 0; i < head >> 1 && !status; i++)
        status = decode_series(increase, in, err);
    increase->has_deltas = head & 1;
    if (!status && increase->has_deltas)
        status = tcore_exact_sum_decode(&increase->deltas, in, err);
    if (status)
        tcore_increase_free(increase);
    return status;
}
