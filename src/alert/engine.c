/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "alert/engine.h"

#include "base/sys.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define KEYS_LIMIT ((size_t)1 << 18) /* of series that have no instance */

/* ns + more, at most NEVER. */
static int64_t later(int64_t ns, int64_t more)
{
    int64_t sum;

    return ns == NEVER || __builtin_add_overflow(ns, more, &sum) ? NEVER : sum;
}

/* The first multiple of every at or after ns. */
static int64_t step_at(int64_t ns, int64_t every)
{
    int64_t rest = ns % every;

    if (ns == NEVER || !rest)
        return ns;
    return rest < 0 ? ns - rest : later(ns, every - rest);
}

/* How long ago then was, at most NEVER. */
static int64_t age_of(int64_t ns, int64_t then)
{
    int64_t age;

    if (!__builtin_sub_overflow(ns, then, &age))
        return age;
    return then < 0 ? NEVER : INT64_MIN;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static const struct rule *rule_of(const struct engine *e, const struct instance *i)
{
    return &e->rules->rule[i->rule];
}

/* --- The heap of deadlines */

static bool is_before(const struct due *a, const struct due *b)
{
    return a->ns != b->ns ? a->ns < b->ns : a->order < b->order;
}

static bool heap_push(struct engine *e, struct due due)
{
    due.instance->entries++;
    if (e->due_count == e->due_capacity) {
        size_t capacity = e->due_capacity ? e->due_capacity * 2 : 64;
        struct due *heap = tcore_reallocarray(e->heap, capacity, sizeof *heap);

        if (!heap) {
            due.instance->entries--;
            return false;
        }
        e->heap = heap;
        e->due_capacity = capacity;
    }
    size_t at = e->due_count++;

    for (; at && is_before(&due, &e->heap[(at - 1) / 2]); at = (at - 1) / 2)
        e->heap[at] = e->heap[(at - 1) / 2];
    e->heap[at] = due;
    return true;
}

static struct due heap_pop(struct engine *e)
{
    struct due top = e->heap[0], last = e->heap[--e->due_count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= e->due_count)
            break;
        if (child + 1 < e->due_count && is_before(&e->heap[child + 1], &e->heap[child]))
            child++;
        if (!is_before(&e->heap[child], &last))
            break;
        e->heap[at] = e->heap[child];
        at = child;
    }
    if (e->due_count)
        e->heap[at] = last;
    top.instance->entries--;
    return top;
}

/* --- Instances */

uint32_t engine_key(struct engine *e, uint32_t rule, const char *labels, size_t length)
{
    bool added = false;

    tcore_buf_clear(&e->key);
    tcore_buf_append(&e->key, &rule, sizeof rule);
    tcore_buf_append(&e->key, labels, length);
    if (e->key.failed)
        return TCORE_MAP_NONE;
    uint32_t key = tcore_map_intern(&e->keys, e->key.data, e->key.length, &added);

    if (key != TCORE_MAP_NONE && key >= e->of_key_capacity) {
        size_t capacity = e->of_key_capacity ? e->of_key_capacity * 2 : 64;
        struct instance **of_key = tcore_reallocarray(e->of_key, capacity, sizeof *of_key);

        if (!of_key)
            return TCORE_MAP_NONE;
        memset(of_key + e->of_key_capacity, 0, (capacity - e->of_key_capacity) * sizeof *of_key);
        e->of_key = of_key;
        e->of_key_capacity = capacity;
    }
    if (added)
        e->of_key[key] = NULL;
    return key;
}

struct instance *engine_new_instance(struct engine *e, uint32_t key)
{
    if (e->count == e->capacity) {
        size_t capacity = e->capacity ? e->capacity * 2 : 64;
        struct instance **all = tcore_reallocarray(e->instance, capacity, sizeof *all);

        if (!all)
            return NULL;
        e->instance = all;
        e->capacity = capacity;
    }
    struct instance *i = tcore_calloc(1, sizeof *i);

    if (!i)
        return NULL;
    memcpy(&i->rule, e->keys.keys[key].data, sizeof i->rule);
    i->key = key;
    i->order = e->next_order++;
    i->clear_ns = i->deadline = i->queued = NEVER;
    i->last_ns = i->seen_ns = INT64_MIN;
    i->seen.floor_ns = e->seen[i->rule].floor_ns;
    i->seen.before_ns = e->seen[i->rule].before_ns;
    i->place = e->count;
    e->instance[e->count++] = i;
    e->of_key[key] = i;
    return i;
}

static void free_instance(struct instance *i)
{
    if (!i)
        return;
    tcore_free(i->message);
    window_free(&i->window);
    buckets_free(&i->buckets);
    seen_free(&i->seen);
    tcore_free(i);
}

/* Nobody finds it any more; what the heap has of it goes when its time comes. */
static void drop(struct engine *e, struct instance *i)
{
    struct rule_seen *seen = &e->seen[i->rule];

    seen->floor_ns = larger(seen->floor_ns, i->last_ns);
    seen->before_ns = larger(seen->before_ns, seen_newest_before(&i->seen));
    e->of_key[i->key] = NULL;
    e->instance[i->place] = NULL;
    e->gone++;
    i->dead = true;
    if (!i->entries)
        free_instance(i);
}

/* Gives live keys new numbers once most are of instances that are gone, or of none. */
static enum tcore_status compact(struct engine *e, struct tcore_error *err)
{
    size_t live = e->count - e->gone, kept = 0;
    struct tcore_map old = e->keys;

    bool many_gone = e->gone >= 4096 && e->gone >= live;

    if (!many_gone && e->keys.count - live < KEYS_LIMIT)
        return TCORE_OK;
    if (e->merge)
        return TCORE_OK; /* what waits there has the numbers */
    e->keys = (struct tcore_map){0};
    if (tcore_map_init(&e->keys)) {
        e->keys = old;
        return tcore_error_set(err, TCORE_FATAL, "no randomness");
    }
    for (size_t n = 0; n < e->count; n++) {
        struct instance *i = e->instance[n];

        if (!i)
            continue;
        i->key = tcore_map_intern(&e->keys, old.keys[i->key].data, old.keys[i->key].length, NULL);
        if (i->key == TCORE_MAP_NONE) {
            tcore_map_free(&old);
            return tcore_error_nomem(err);
        }
        e->of_key[i->key] = i; /* numbers only shrink */
        i->place = kept;
        e->instance[kept++] = i;
    }
    e->count = kept;
    e->gone = 0;
    tcore_map_free(&old);
    series_forget(e);
    return TCORE_OK;
}

/* --- Conditions */

static bool compares(enum rule_compare compare, double value, double with)
{
    switch (compare) {
    case RULE_GREATER:
        return value > with;
    case RULE_AT_LEAST:
        return value >= with;
    case RULE_LESS:
        return value < with;
    case RULE_AT_MOST:
        return value <= with;
    case RULE_EQUAL:
        return value == with;
    default:
        return value != with;
    }
}

/* A firing alert goes on down to clear_below, and clears below it, not at it. */
static bool holds(const struct rule *rule, const struct instance *i)
{
    bool fires = i->state == ALERT_FIRING || i->state == ALERT_NODATA;

    if (!i->has_value)
        return false;
    if (fires && rule->has_clear)
        return rule->compare == RULE_GREATER ? i->value >= rule->clear : i->value <= rule->clear;
    return compares(rule->compare, i->value, rule->threshold);
}

/*
 * After so long without a record the data is missing: twice the longest of the step, the window of
 * the aggregate, and the time between the last two records; findings are good for their range.
 */
static int64_t missing_at(const struct rule *rule, const struct instance *i)
{
    int64_t longest = larger(larger(rule->every_ns, i->step_ns), i->interval_ns), twice;

    if (__builtin_mul_overflow(longest, 2, &twice))
        return NEVER;
    if (rule->source == RULE_FINDING)
        twice = larger(twice, RULE_FINDING_RANGE_NS);
    return later(i->last_ns, twice);
}

/* How far the time of the series is behind event time: inputs need not be merged by time. */
static int64_t lag_of(const struct rule *rule, const struct instance *i)
{
    int64_t lag;

    if (rule->form != RULE_VALUE || __builtin_sub_overflow(i->seen_ns, i->last_ns, &lag))
        return 0;
    return larger(lag, 0);
}

/* In the time of the series; NEVER: nothing happens as time goes by. */
static int64_t deadline_of(const struct rule *rule, const struct instance *i)
{
    int64_t at = NEVER;

    if (rule->form == RULE_VALUE && !i->missing) {
        at = missing_at(rule, i);
        if (i->window.count)
            at = smaller(at, later(i->window.sample[i->window.first].ns, rule->window_ns));
    }
    if (rule->form == RULE_COUNT && i->buckets.count) {
        int64_t width = buckets_width(rule->range_ns), end;

        if (!__builtin_add_overflow(i->buckets.bucket[0].index, 1, &end) &&
            !__builtin_mul_overflow(end, width, &end))
            at = smaller(at, later(end, rule->range_ns));
    }
    if (rule->form == RULE_ABSENT && i->state == ALERT_INACTIVE)
        at = smaller(at, later(i->last_ns, rule->range_ns));
    if (i->state == ALERT_PENDING && !(i->missing && rule->missing == RULE_HOLD))
        at = smaller(at, later(i->since_ns, rule->for_ns));
    if (i->clear_ns != NEVER)
        at = smaller(at, later(i->clear_ns, rule->keep_ns));
    return at;
}

bool engine_schedule(struct engine *e, struct instance *i, int64_t from)
{
    const struct rule *rule = rule_of(e, i);
    int64_t at = later(deadline_of(rule, i), lag_of(rule, i));

    i->deadline = step_at(larger(at, from), rule->every_ns);
    if (i->deadline >= i->queued || i->deadline == NEVER)
        return true; /* it is looked at early enough, and then queued anew */
    i->queued = i->deadline;
    return heap_push(e, (struct due){i->deadline, i->order, i});
}

bool engine_resume(struct engine *e, struct instance *i)
{
    i->queued = i->deadline;
    return heap_push(e, (struct due){i->deadline, i->order, i});
}

/* --- States */

static enum tcore_status become(struct engine *e, struct instance *i, enum alert_state state,
                                const char *name, int64_t ns, struct tcore_buf *out,
                                struct tcore_error *err)
{
    bool fired = i->state == ALERT_FIRING || i->state == ALERT_NODATA;
    bool fires = state == ALERT_FIRING || state == ALERT_NODATA;

    if (!fired && fires)
        e->firing++;
    else if (fired && !fires)
        e->firing--;
    i->state = state;
    return notify_transition(e, i, name, ns, fired, out, err);
}

static enum tcore_status hold_on(struct engine *e, struct instance *i, int64_t ns,
                                 struct tcore_buf *out, struct tcore_error *err)
{
    const struct rule *rule = rule_of(e, i);
    enum tcore_status status = TCORE_OK;

    i->clear_ns = NEVER;
    if (i->state == ALERT_INACTIVE) {
        i->since_ns = ns;
        if (rule->for_ns > 0)
            return become(e, i, ALERT_PENDING, "pending", ns, out, err);
    }
    if (i->state == ALERT_INACTIVE || i->state == ALERT_NODATA ||
        (i->state == ALERT_PENDING && age_of(ns, i->since_ns) >= rule->for_ns))
        status = become(e, i, ALERT_FIRING, "firing", ns, out, err);
    return status;
}

static enum tcore_status let_go(struct engine *e, struct instance *i, int64_t ns,
                                struct tcore_buf *out, struct tcore_error *err)
{
    const struct rule *rule = rule_of(e, i);

    if (i->state == ALERT_INACTIVE)
        return TCORE_OK;
    if (i->state != ALERT_PENDING && rule->keep_ns > 0) {
        if (i->clear_ns == NEVER)
            i->clear_ns = ns;
        if (age_of(ns, i->clear_ns) < rule->keep_ns)
            return TCORE_OK;
    }
    i->clear_ns = NEVER;
    return become(e, i, ALERT_INACTIVE, "resolved", ns, out, err);
}

static enum tcore_status evaluate(struct engine *e, struct instance *i, int64_t ns,
                                  struct tcore_buf *out, struct tcore_error *err)
{
    return holds(rule_of(e, i), i) ? hold_on(e, i, ns, out, err) : let_go(e, i, ns, out, err);
}

static enum tcore_status lose(struct engine *e, struct instance *i, int64_t ns,
                              struct tcore_buf *out, struct tcore_error *err)
{
    const struct rule *rule = rule_of(e, i);

    i->missing = true;
    if (rule->missing == RULE_FIRE) {
        i->has_value = false;
        return hold_on(e, i, ns, out, err);
    }
    if (rule->missing == RULE_RESOLVE) {
        i->has_value = false;
        return let_go(e, i, ns, out, err);
    }
    i->clear_ns = NEVER;
    if (i->state == ALERT_FIRING)
        return become(e, i, ALERT_NODATA, "nodata", ns, out, err);
    return TCORE_OK;
}

/* While data is missing only time passes. */
static enum tcore_status wait_on(struct engine *e, struct instance *i, int64_t ns,
                                 struct tcore_buf *out, struct tcore_error *err)
{
    switch (rule_of(e, i)->missing) {
    case RULE_FIRE:
        return hold_on(e, i, ns, out, err);
    case RULE_RESOLVE:
        return let_go(e, i, ns, out, err);
    default:
        return TCORE_OK;
    }
}

/* The time of the first record that counts. */
static int64_t count_from(const struct rule *rule, int64_t now_ns)
{
    int64_t from;

    return __builtin_sub_overflow(now_ns, rule->range_ns, &from)
               ? INT64_MIN
               : buckets_begin(buckets_width(rule->range_ns), from);
}

static void count_now(const struct rule *rule, struct instance *i, int64_t ns)
{
    int64_t from;

    if (!__builtin_sub_overflow(ns, rule->range_ns, &from))
        buckets_expire(&i->buckets, buckets_width(rule->range_ns), from);
    i->has_value = true;
    i->value = (double)i->buckets.total;
}

static void window_now(const struct rule *rule, struct instance *i, int64_t ns)
{
    int64_t from;

    if (!__builtin_sub_overflow(ns, rule->window_ns, &from))
        window_expire(&i->window, from);
    double value = window_stat(&i->window, rule->stat, rule->quantile, rule->window_ns);

    if (!isnan(value)) {
        i->has_value = true;
        i->value = value;
    }
}

/* The deadline ns of the instance has come. It may be gone afterwards. */
static enum tcore_status look_at(struct engine *e, struct instance *i, int64_t ns,
                                 struct tcore_buf *out, struct tcore_error *err)
{
    const struct rule *rule = rule_of(e, i);
    enum tcore_status status = TCORE_OK;
    int64_t due_ns = ns;

    ns = age_of(ns, lag_of(rule, i));
    if (rule->form == RULE_ABSENT) {
        i->has_value = false;
        status = hold_on(e, i, ns, out, err);
    } else if (rule->form == RULE_COUNT) {
        count_now(rule, i, ns);
        status = evaluate(e, i, ns, out, err);
    } else if (i->missing) {
        status = wait_on(e, i, ns, out, err);
    } else {
        if (i->window.count)
            window_now(rule, i, ns);
        status =
            ns >= missing_at(rule, i) ? lose(e, i, ns, out, err) : evaluate(e, i, ns, out, err);
    }
    if (status != TCORE_OK)
        return status;
    bool idle = i->state == ALERT_INACTIVE && ((rule->form == RULE_VALUE && i->missing) ||
                                               (rule->form == RULE_COUNT && !i->buckets.count));

    if (idle) {
        drop(e, i);
        return TCORE_OK;
    }
    return engine_schedule(e, i, later(due_ns, 1)) ? TCORE_OK : tcore_error_nomem(err);
}

/* absent() begins to wait when event time begins. */
static enum tcore_status begin_absent(struct engine *e, struct tcore_error *err)
{
    for (uint32_t r = 0; r < e->rules->count; r++) {
        const struct rule *rule = &e->rules->rule[r];
        struct tcore_buf labels = {0};

        if (rule->form != RULE_ABSENT)
            continue;
        series_rule_labels(rule, &labels);
        uint32_t key =
            labels.failed ? TCORE_MAP_NONE : engine_key(e, r, labels.data, labels.length);

        tcore_buf_free(&labels);
        if (key == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
        if (e->of_key[key])
            continue; /* from a saved state */
        struct instance *i = engine_new_instance(e, key);

        if (!i)
            return tcore_error_nomem(err);
        i->last_ns = i->seen_ns = e->now_ns;
        if (!engine_schedule(e, i, e->now_ns))
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

/* It is its time in the heap; its deadline may have become a later one since. */
static enum tcore_status come_due(struct engine *e, struct instance *i, int64_t ns,
                                  struct tcore_buf *out, struct tcore_error *err)
{
    i->queued = NEVER;
    if (i->deadline > ns) {
        i->queued = i->deadline;
        if (i->deadline != NEVER && !heap_push(e, (struct due){i->deadline, i->order, i}))
            return tcore_error_nomem(err);
        return TCORE_OK;
    }
    e->now_ns = larger(e->now_ns, ns);
    return look_at(e, i, ns, out, err);
}

enum tcore_status engine_advance(struct engine *e, int64_t ns, bool inclusive,
                                 struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    if (!e->has_now) {
        e->has_now = true;
        e->now_ns = ns;
    }
    if (!e->begun) {
        e->begun = true;
        status = begin_absent(e, err);
        if (status != TCORE_OK)
            return status;
    }
    if (ns < e->now_ns || (ns == e->now_ns && !inclusive))
        return TCORE_OK;
    while (e->due_count && status == TCORE_OK &&
           (e->heap[0].ns < ns || (inclusive && e->heap[0].ns == ns))) {
        struct due due = heap_pop(e);
        struct instance *i = due.instance;

        if (i->dead && !i->entries)
            free_instance(i);
        else if (!i->dead && due.ns == i->queued)
            status = come_due(e, i, due.ns, out, err);
    }
    e->now_ns = ns;
    return status == TCORE_OK ? compact(e, err) : status;
}

/* --- Records */

/* Whether the record is one of a run before, or too late for its count. */
static bool is_left_out(struct engine *e, const struct match *match, int64_t ns, uint64_t hash)
{
    const struct rule *rule = &e->rules->rule[match->rule];
    struct instance *i = e->of_key[match->key];

    if (rule->form == RULE_ABSENT)
        return i && ns <= i->last_ns; /* only the newest matters */
    if (i ? seen_before(&i->seen, ns, hash)
          : ns <= e->seen[match->rule].before_ns && e->seen[match->rule].before_ns != INT64_MIN) {
        e->record_known = true;
        return true;
    }
    if (rule->form == RULE_COUNT && ns < count_from(rule, e->now_ns)) {
        e->record_late = true;
        return true;
    }
    if (rule->form == RULE_VALUE && i && ns < i->last_ns) {
        e->unordered++;
        return true;
    }
    return false;
}

static bool remember(struct engine *e, struct instance *i, int64_t ns, uint64_t hash)
{
    const struct rule *rule = rule_of(e, i);

    if (!e->remembers || rule->form == RULE_ABSENT)
        return true;
    return seen_add(&i->seen, ns, hash,
                    rule->form == RULE_COUNT ? count_from(rule, e->now_ns) : ns);
}

static enum tcore_status add_value(struct engine *e, struct instance *i, int64_t ns, double value,
                                   bool raw, struct tcore_error *err)
{
    const struct rule *rule = rule_of(e, i);

    if (!raw || !rule->stat) {
        i->has_value = true;
        i->value = value;
        return TCORE_OK;
    }
    if (!window_add(&i->window, ns, value))
        return tcore_error_nomem(err);
    window_now(rule, i, ns);
    if (!i->has_value)
        e->seen[i->rule].lacks_stat = true;
    return TCORE_OK;
}

static enum tcore_status keep_message(struct instance *i, struct tcore_value message,
                                      struct tcore_error *err)
{
    if (message.kind != TCORE_STRING)
        return TCORE_OK;
    char *copy = tcore_strndup(message.s, strnlen(message.s, message.len));

    if (!copy)
        return tcore_error_nomem(err);
    tcore_free(i->message);
    i->message = copy;
    return TCORE_OK;
}

static enum tcore_status take_record(struct engine *e, const struct match *match,
                                     const struct event *event, double value, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    const struct rule *rule = &e->rules->rule[match->rule];
    struct instance *i = e->of_key[match->key];
    int64_t ns = event->ns;
    const struct {
        uint64_t record;
        double value;
    } fingerprint = {event->hash, isfinite(value) ? value : 0};
    uint64_t hash = e->remembers ? engine_hash(&fingerprint, sizeof fingerprint) : 0;
    enum tcore_status status;

    if (rule->form == RULE_VALUE && !isfinite(value)) {
        e->without_number++;
        return TCORE_OK;
    }
    if (is_left_out(e, match, ns, hash))
        return TCORE_OK;
    if (!i)
        i = engine_new_instance(e, match->key);
    if (!i)
        return tcore_error_nomem(err);
    bool first = i->last_ns == INT64_MIN;

    if (!remember(e, i, ns, hash))
        return tcore_error_nomem(err);
    if (!first && ns > i->last_ns && __builtin_sub_overflow(ns, i->last_ns, &i->interval_ns))
        i->interval_ns = NEVER;
    i->last_ns = larger(i->last_ns, ns);
    i->seen_ns = e->now_ns;
    i->step_ns = event->step_ns;
    i->missing = false;
    status = keep_message(i, event->message, err);
    if (status != TCORE_OK)
        return status;
    if (rule->form == RULE_ABSENT) {
        if (later(i->last_ns, rule->range_ns) > e->now_ns)
            status = let_go(e, i, e->now_ns, out, err);
    } else if (rule->form == RULE_COUNT) {
        if (!buckets_add(&i->buckets, buckets_width(rule->range_ns), ns))
            return tcore_error_nomem(err);
        count_now(rule, i, e->now_ns);
        status = evaluate(e, i, e->now_ns, out, err);
    } else {
        status = add_value(e, i, ns, value, event->type == TCORE_RECORD_METRIC, err);
        if (status == TCORE_OK)
            status = evaluate(e, i, ns, out, err);
    }
    if (status == TCORE_OK && !engine_schedule(e, i, e->now_ns))
        status = tcore_error_nomem(err);
    return status;
}

enum tcore_status engine_event(struct engine *e, const struct event *event,
                               const struct matches *matches, const double *values,
                               struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    e->record_known = e->record_late = false;
    for (uint32_t m = 0; m < matches->count && status == TCORE_OK; m++)
        status = take_record(e, &matches->item[m], event, values[m], out, err);
    e->known += e->record_known;
    e->late += e->record_late;
    return status;
}

void engine_put_clock(const struct engine *e, struct tcore_buf *out)
{
    tcore_buf_printf(out, "{\"type\":\"clock\",\"timeUnixNano\":\"%" PRId64 "\"}\n", e->now_ns);
}

/* --- Its life */

enum tcore_status engine_open(struct engine *e, struct cli *cli, const struct rules *rules,
                              struct notifier *notifier, bool remembers, struct tcore_error *err)
{
    *e = (struct engine){.cli = cli, .rules = rules, .notifier = notifier, .remembers = remembers};
    e->seen = tcore_calloc(rules->count + 1, sizeof *e->seen);
    if (!e->seen)
        return tcore_error_nomem(err);
    for (size_t r = 0; r < rules->count; r++)
        e->seen[r] = (struct rule_seen){.floor_ns = INT64_MIN, .before_ns = INT64_MIN};
    if (tcore_map_init(&e->keys) || tcore_map_init(&e->raw) || tcore_map_init(&e->index))
        return tcore_error_set(err, TCORE_FATAL, "no randomness");
    return series_index(e, err);
}

void engine_free(struct engine *e)
{
    for (size_t n = 0; n < e->due_count; n++) {
        struct instance *i = e->heap[n].instance;

        if (--i->entries == 0 && i->dead)
            free_instance(i);
    }
    for (size_t n = 0; n < e->count; n++)
        free_instance(e->instance[n]);
    tcore_free(e->instance);
    tcore_free(e->of_key);
    tcore_free(e->heap);
    tcore_free(e->seen);
    tcore_free(e->values);
    series_free(e);
    tcore_map_free(&e->keys);
    tcore_buf_free(&e->key);
    tcore_json_free(&e->json);
}
