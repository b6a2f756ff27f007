/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Joining is done in place: of each trace the first total stays and takes the others in, and those
 * that stay move up. */
#include "trace/totals_list.h"

#include "base/sys.h"
#include "trace/id_hash.h"

#define FIRST_RUN   8u
#define LONGEST_RUN 512u
#define JOINED_AT   1024u /* totals beyond twice of what was left last */
#define AT_ONCE     16u
#define MOST_TOTALS ((size_t)1 << 32)

/* --- Memory under the limit */

enum tcore_status tcore_totals_take_bytes(struct totals_limit *limit, size_t bytes,
                                          struct tcore_error *err)
{
    size_t held = __atomic_add_fetch(&limit->held, bytes, __ATOMIC_RELAXED);
    if (!limit->most || held <= limit->most)
        return TCORE_OK;
    tcore_totals_give_bytes(limit, bytes);
    __atomic_store_n(&limit->full, true, __ATOMIC_RELAXED);
    return tcore_error_set(err, TCORE_FATAL, "the traces need more than %zu bytes of memory",
                           limit->most);
}

void tcore_totals_give_bytes(struct totals_limit *limit, size_t bytes)
{
    __atomic_sub_fetch(&limit->held, bytes, __ATOMIC_RELAXED);
}

static size_t bytes_of(uint32_t capacity)
{
    return sizeof(struct tcore_totals_run) + capacity * sizeof(struct tcore_trace_total);
}

static struct tcore_totals_run *take_run(struct totals_pool *pool, uint32_t capacity)
{
    bool pooled = pool && capacity == LONGEST_RUN;
    struct tcore_totals_run *run = pooled ? pool->spare : NULL;
    if (run)
        pool->spare = run->next;
    else
        run = pooled ? tcore_slab_take(&pool->slabs, bytes_of(capacity))
                     : tcore_malloc(bytes_of(capacity));
    if (run)
        *run = (struct tcore_totals_run){.capacity = capacity, .pooled = pooled};
    return run;
}

static void free_runs(struct tcore_totals_run *run, const struct totals_place *place)
{
    for (struct tcore_totals_run *next; run; run = next) {
        next = run->next;
        tcore_totals_give_bytes(place->limit, bytes_of(run->capacity));
        if (!run->pooled) {
            tcore_free(run);
        } else if (place->pool) {
            run->next = place->pool->spare;
            place->pool->spare = run;
        }
    }
}

void tcore_totals_list_free(struct totals_list *list, const struct totals_place *place)
{
    free_runs(list->runs, place);
    *list = (struct totals_list){0};
}

void tcore_totals_pool_free(struct totals_pool *pool)
{
    tcore_slabs_free(&pool->slabs);
    pool->spare = NULL;
}

/* --- Joining */

struct join {
    const uint64_t *seed;
    struct tcore_trace_total **slots; /* by hash */
    size_t mask;
    struct tcore_totals_run *to; /* where those that stay are put: */
    uint32_t at;
    size_t left;
};

static inline void add_to(struct tcore_trace_total *into, const struct tcore_trace_total *more)
{
    if (more->whole.start_ns < into->whole.start_ns)
        into->whole.start_ns = more->whole.start_ns;
    if (more->whole.end_ns > into->whole.end_ns)
        into->whole.end_ns = more->whole.end_ns;
    into->spans += more->spans;
    into->errors += more->errors;
}

/* at: the slot to begin with. */
static inline void join_one(struct join *join, const struct tcore_trace_total *total, size_t at)
{
    for (struct tcore_trace_total *known; (known = join->slots[at]); at = (at + 1) & join->mask)
        if (known->trace_id[0] == total->trace_id[0] && known->trace_id[1] == total->trace_id[1]) {
            add_to(known, total);
            return;
        }
    if (join->at == join->to->capacity) {
        join->to->count = join->at;
        join->to = join->to->next; /* which was read already */
        join->at = 0;
    }
    struct tcore_trace_total *stays = &join->to->totals[join->at++];
    if (stays != total)
        *stays = *total;
    join->slots[at] = stays;
    join->left++;
}

/* A few at a time: their slots first, since each is some way off. */
static void join_run(struct join *join, const struct tcore_totals_run *run)
{
    size_t at[AT_ONCE];
    for (uint32_t i = 0, n = run->count; i < n; i += AT_ONCE) {
        uint32_t here = n - i < AT_ONCE ? n - i : AT_ONCE;
        for (uint32_t k = 0; k < here; k++) {
            at[k] = (hash_trace_id(join->seed, run->totals[i + k].trace_id) >> 16) & join->mask;
            __builtin_prefetch(&join->slots[at[k]], 1);
        }
        for (uint32_t k = 0; k < here; k++)
            join_one(join, &run->totals[i + k], at[k]);
    }
}

/* The last run's count is only known by where its free room begins. */
static void close_last(struct totals_list *list)
{
    if (list->last)
        list->last->count = (uint32_t)(list->at - list->last->totals);
}

static void open_last(struct totals_list *list)
{
    list->at = list->last->totals + list->last->count;
    list->end = list->last->totals + list->last->capacity;
}

enum tcore_status tcore_totals_list_join(struct totals_list *list, const struct totals_place *place,
                                         struct tcore_error *err)
{
    if (!list->last)
        return TCORE_OK;
    close_last(list);
    size_t count = list->count + list->last->count, slots = 16;
    while (slots < count * 2)
        slots *= 2;
    struct join join = {.seed = place->seed, .mask = slots - 1, .to = list->runs};
    join.slots = count < MOST_TOTALS ? tcore_calloc(slots, sizeof *join.slots) : NULL;
    if (!join.slots)
        return tcore_error_nomem(err);
    for (struct tcore_totals_run *run = list->runs; run; run = run->next)
        join_run(&join, run);
    tcore_free(join.slots);
    free_runs(join.to->next, place);
    join.to->next = NULL;
    join.to->count = join.at;
    list->last = join.to;
    list->count = join.left - join.at;
    list->joined = join.left;
    open_last(list);
    return TCORE_OK;
}

void tcore_totals_list_take(struct totals_list *list, struct totals_list *other)
{
    if (!other->last)
        return;
    close_last(list);
    close_last(other);
    if (list->last) {
        list->last->next = other->runs;
        list->count += list->last->count + other->count;
    } else {
        list->runs = other->runs;
        list->count = other->count;
    }
    list->last = other->last;
    open_last(list);
    *other = (struct totals_list){0};
}

/* --- Growing */

enum tcore_status tcore_totals_list_extend(struct totals_list *list,
                                           const struct totals_place *place,
                                           struct tcore_error *err)
{
    struct tcore_totals_run *last = list->last;
    close_last(list);
    if (last && list->count + last->count >= 2 * list->joined + JOINED_AT) {
        enum tcore_status status = tcore_totals_list_join(list, place, err);
        if (status != TCORE_OK || list->at < list->end)
            return status;
        last = list->last;
    }
    uint32_t capacity = last ? last->capacity * 4 : FIRST_RUN;
    if (capacity > LONGEST_RUN)
        capacity = LONGEST_RUN;
    enum tcore_status status = tcore_totals_take_bytes(place->limit, bytes_of(capacity), err);
    if (status != TCORE_OK)
        return status;
    struct tcore_totals_run *run = take_run(place->pool, capacity);
    if (!run) {
        tcore_totals_give_bytes(place->limit, bytes_of(capacity));
        return tcore_error_nomem(err);
    }
    if (last) {
        last->next = run;
        list->count += last->count;
    } else {
        list->runs = run;
    }
    list->last = run;
    open_last(list);
    return TCORE_OK;
}
