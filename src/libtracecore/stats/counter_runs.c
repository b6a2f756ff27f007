/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of a counter: where a point belongs, and what lies between. */
#include "stats/counter_runs.h"
#include "stats/encode.h"

#include "base/sys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JOIN_RUNS = 32 };

static const char runs_name[] = "counter";

void tcore_counter_runs_free(struct tcore_counter_runs *runs)
{
    tcore_free(runs->run);
    *runs = (struct tcore_counter_runs){0};
}

static int compare_values(const struct tcore_value *a, const struct tcore_value *b)
{
    if (a->kind == TCORE_INT && b->kind == TCORE_INT)
        return (a->i > b->i) - (a->i < b->i);
    double x = tcore_value_double(a), y = tcore_value_double(b);
    return (x > y) - (x < y);
}

/* Whether it was reset between two points, of which after is the later one. */
static bool was_reset(const struct tcore_counter_point *before,
                      const struct tcore_counter_point *after)
{
    if (after->start_ns != TCORE_NO_START &&
        (after->start_ns > before->time_ns ||
         (before->start_ns != TCORE_NO_START && before->start_ns != after->start_ns)))
        return true;
    return compare_values(&after->value, &before->value) < 0;
}

static bool reserve(struct tcore_counter_runs *runs, size_t count)
{
    if (count <= runs->capacity)
        return true;
    size_t capacity = runs->capacity ? runs->capacity * 2u : 1;
    while (capacity < count)
        capacity *= 2;
    struct tcore_counter_run *run =
        capacity > UINT32_MAX ? NULL : tcore_reallocarray(runs->run, capacity, sizeof *run);
    if (!run)
        return false;
    runs->run = run;
    runs->capacity = (uint32_t)capacity;
    return true;
}

/* By time; of two points of one time by value, then start, so that it does not matter which of them
 * came first. */
static int compare_points(const void *left, const void *right)
{
    const struct tcore_counter_point *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    int order = compare_values(&a->value, &b->value);
    if (order)
        return order;
    if (a->value.kind != b->value.kind)
        return a->value.kind < b->value.kind ? -1 : 1;
    return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

/* Keeps the largest of the points of one time. True: some had other values. */
static bool drop_duplicates(struct tcore_counter_point *point, size_t *count)
{
    size_t kept = 0;
    bool differ = false;
    for (size_t i = 0; i < *count; i++) {
        if (kept && point[kept - 1].time_ns == point[i].time_ns) {
            differ |= compare_values(&point[kept - 1].value, &point[i].value) != 0;
            kept--;
        }
        point[kept++] = point[i];
    }
    *count = kept;
    return differ;
}

/* Whether a reset between two times is within one of the runs, so that points next to it may be
 * missing. */
static bool is_within(const struct tcore_counter_run *run, size_t count, int64_t from, int64_t to)
{
    for (size_t i = 0; i < count; i++)
        if (run[i].first.time_ns <= from && to <= run[i].last.time_ns)
            return true;
    return false;
}

/* Makes runs of points in order; mixed are those that they are the ends of. */
static size_t make_runs(const struct tcore_counter_point *point, size_t count,
                        const struct tcore_counter_run *mixed, size_t mixed_count,
                        struct tcore_counter_run *made, bool *doubtful)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        bool joins = n && !was_reset(&made[n - 1].last, &point[i]);
        if (n && !joins)
            *doubtful |= is_within(mixed, mixed_count, made[n - 1].last.time_ns, point[i].time_ns);
        if (!joins)
            made[n++].first = point[i];
        made[n - 1].last = point[i];
    }
    return n;
}

/* Replaces count runs from at on by what they and one more make together. */
static enum tcore_status mix(struct tcore_counter_runs *runs, size_t at, size_t count,
                             const struct tcore_counter_run *run)
{
    size_t mixed_count = count + 1, points = 0;
    struct tcore_counter_run *mixed = tcore_calloc(mixed_count, sizeof *mixed);
    struct tcore_counter_run *made = tcore_calloc(mixed_count * 2, sizeof *made);
    struct tcore_counter_point *point = tcore_calloc(mixed_count * 2, sizeof *point);
    enum tcore_status status = TCORE_FATAL;
    if (mixed && made && point && reserve(runs, runs->count + mixed_count * 2)) {
        memcpy(mixed, runs->run + at, count * sizeof *mixed);
        mixed[count] = *run;
        for (size_t i = 0; i < mixed_count; i++) {
            point[points++] = mixed[i].first;
            point[points++] = mixed[i].last;
        }
        qsort(point, points, sizeof *point, compare_points);
        runs->doubtful |= drop_duplicates(point, &points);
        size_t n = make_runs(point, points, mixed, mixed_count, made, &runs->doubtful);
        memmove(runs->run + at + n, runs->run + at + count,
                (runs->count - at - count) * sizeof *runs->run);
        memcpy(runs->run + at, made, n * sizeof *made);
        runs->count = runs->count - (uint32_t)count + (uint32_t)n;
        status = TCORE_OK;
    }
    tcore_free(mixed);
    tcore_free(made);
    tcore_free(point);
    return status;
}

/* The run that begins at *at with all behind it that go on with it; *at is then behind these. */
static struct tcore_counter_run take_joined(const struct tcore_counter_runs *runs, uint32_t *at)
{
    struct tcore_counter_run run = runs->run[(*at)++];
    while (*at < runs->count && !was_reset(&run.last, &runs->run[*at].first))
        run.last = runs->run[(*at)++].last;
    return run;
}

/* Points that come in no order would make more and more runs. */
static void join(struct tcore_counter_runs *runs)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < runs->count;)
        runs->run[count++] = take_joined(runs, &at);
    runs->count = count;
}

static enum tcore_status insert(struct tcore_counter_runs *runs, size_t at,
                                const struct tcore_counter_run *run)
{
    if (!reserve(runs, runs->count + (size_t)1))
        return TCORE_FATAL;
    memmove(runs->run + at + 1, runs->run + at, (runs->count - at) * sizeof *run);
    runs->run[at] = *run;
    runs->count++;
    return TCORE_OK;
}

/* The first run that does not end before that time. */
static size_t find(const struct tcore_counter_runs *runs, int64_t time_ns)
{
    size_t low = 0, high = runs->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (runs->run[middle].last.time_ns < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum tcore_status tcore_counter_runs_add(struct tcore_counter_runs *runs,
                                         const struct tcore_counter_point *point)
{
    const struct tcore_counter_run run = {*point, *point};
    bool behind = runs->count && runs->run[runs->count - 1].last.time_ns < point->time_ns;
    size_t at = behind ? runs->count : find(runs, point->time_ns);
    if (at < runs->count && runs->run[at].first.time_ns <= point->time_ns)
        return mix(runs, at, 1, &run);
    if (at && !was_reset(&runs->run[at - 1].last, point)) {
        runs->run[at - 1].last = *point;
        return TCORE_OK;
    }
    if (runs->count == runs->capacity && runs->count >= JOIN_RUNS && at < runs->count) {
        join(runs);
        at = find(runs, point->time_ns);
        if (at < runs->count && runs->run[at].first.time_ns <= point->time_ns)
            return mix(runs, at, 1, &run);
    }
    return insert(runs, at, &run);
}

static enum tcore_status add_run(struct tcore_counter_runs *runs,
                                 const struct tcore_counter_run *run)
{
    size_t at = find(runs, run->first.time_ns), end = at;
    while (end < runs->count && runs->run[end].first.time_ns <= run->last.time_ns)
        end++;
    return end > at ? mix(runs, at, end - at, run) : insert(runs, at, run);
}

/* Nothing is joined here: a run that is still to come may be between two others. */
enum tcore_status tcore_counter_runs_merge(struct tcore_counter_runs *into,
                                           const struct tcore_counter_runs *from)
{
    into->doubtful |= from->doubtful;
    for (uint32_t i = 0; i < from->count; i++)
        if (add_run(into, &from->run[i]))
            return TCORE_FATAL;
    return TCORE_OK;
}

static enum tcore_status add_value(struct tcore_exact_sum *sum, const struct tcore_value *value,
                                   bool negative)
{
    if (value->kind == TCORE_DOUBLE)
        return tcore_exact_sum_add_double(sum, negative ? -value->d : value->d);
    tcore_exact_sum_add_int64(sum, negative ? ~value->i : value->i);
    if (negative)
        tcore_exact_sum_add_int64(sum, 1); /* ~i is -i - 1, which there is for every i */
    return TCORE_OK;
}

static enum tcore_status add_growth(struct tcore_exact_sum *sum,
                                    const struct tcore_counter_point *before,
                                    const struct tcore_counter_point *after)
{
    enum tcore_status status = add_value(sum, &before->value, true);
    return status ? status : add_value(sum, &after->value, false);
}

/* From one run to the next: what was reset began at 0. */
static enum tcore_status add_step(struct tcore_exact_sum *sum,
                                  const struct tcore_counter_point *before,
                                  const struct tcore_counter_point *after)
{
    static const struct tcore_value zero = {.kind = TCORE_INT};
    if (!was_reset(before, after))
        return add_growth(sum, before, after);
    return compare_values(&after->value, &zero) > 0 ? add_value(sum, &after->value, false)
                                                    : TCORE_OK;
}

enum tcore_status tcore_counter_runs_increase(const struct tcore_counter_runs *runs,
                                              const struct tcore_counter_point *base,
                                              struct tcore_exact_sum *sum)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < runs->count && !status; i++) {
        const struct tcore_counter_run *run = &runs->run[i];
        if (base)
            status = add_step(sum, base, &run->first);
        if (!status && run->first.time_ns != run->last.time_ns)
            status = add_growth(sum, &run->first, &run->last);
        base = &run->last;
    }
    return status;
}

/* --- bytes --- */

static void encode_point(const struct tcore_counter_point *point, struct tcore_buf *out)
{
    bool started = point->start_ns != TCORE_NO_START;
    tcore_encode_uint64(out, (uint64_t)started << 1 | (point->value.kind == TCORE_DOUBLE));
    tcore_encode_int64(out, point->time_ns);
    if (started)
        tcore_encode_int64(out, point->start_ns);
    if (point->value.kind == TCORE_DOUBLE)
        tcore_encode_double(out, point->value.d);
    else
        tcore_encode_int64(out, point->value.i);
}

void tcore_counter_runs_encode(const struct tcore_counter_runs *runs, struct tcore_buf *out)
{
    uint64_t count = 0;
    for (uint32_t at = 0; at < runs->count; count++)
        take_joined(runs, &at);
    tcore_encode_uint64(out, count << 1 | runs->doubtful);
    for (uint32_t at = 0; at < runs->count;) {
        const struct tcore_counter_run run = take_joined(runs, &at);
        bool longer = run.first.time_ns != run.last.time_ns;
        tcore_encode_uint64(out, longer);
        encode_point(&run.first, out);
        if (longer)
            encode_point(&run.last, out);
    }
}

static bool decode_point(struct tcore_counter_point *point, struct tcore_state_reader *in)
{
    uint64_t head;
    *point = (struct tcore_counter_point){.start_ns = TCORE_NO_START};
    if (!tcore_decode_uint64(in, &head) || head > 3 || !tcore_decode_int64(in, &point->time_ns))
        return false;
    if (head & 2 &&
        (!tcore_decode_int64(in, &point->start_ns) || point->start_ns == TCORE_NO_START))
        return false;
    point->value.kind = head & 1 ? TCORE_DOUBLE : TCORE_INT;
    return head & 1 ? tcore_decode_double(in, &point->value.d) && isfinite(point->value.d)
                    : tcore_decode_int64(in, &point->value.i);
}

/* Whether runs[at] is one, and behind the one before it. */
static bool is_sound(const struct tcore_counter_run *run, uint32_t at, bool longer)
{
    const struct tcore_counter_run *this = &run[at];
    if (longer && (this->last.time_ns <= this->first.time_ns ||
                   compare_values(&this->last.value, &this->first.value) < 0))
        return false;
    return !at || (run[at - 1].last.time_ns < this->first.time_ns &&
                   was_reset(&run[at - 1].last, &this->first));
}

enum tcore_status tcore_counter_runs_decode(struct tcore_counter_runs *runs,
                                            struct tcore_state_reader *in, struct tcore_error *err)
{
    uint64_t head, longer;
    bool ok = tcore_decode_uint64(in, &head) && head >> 1 <= tcore_state_reader_left(in) / 4;
    if (ok && head >> 1 && !reserve(runs, head >> 1))
        return tcore_error_nomem(err);
    for (uint64_t i = 0; ok && i < head >> 1; i++) {
        struct tcore_counter_run *run = &runs->run[i];
        ok = tcore_decode_uint64(in, &longer) && longer <= 1 && decode_point(&run->first, in);
        if (ok)
            run->last = run->first;
        ok = ok && (!longer || decode_point(&run->last, in)) &&
             is_sound(runs->run, (uint32_t)i, longer);
        runs->count += ok;
    }
    if (ok) {
        runs->doubtful = head & 1;
        return TCORE_OK;
    }
    tcore_counter_runs_free(runs);
    return tcore_decode_failed(err, runs_name, "points that are none, or not in order");
}
