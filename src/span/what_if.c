/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/what_if.h"

#include "base/sys.h"
#include "c-ctype.h"
#include "span/trace_parts.h"

#include <stdlib.h>
#include <string.h>

/* --- The option */

/* A change behind its sign: N% or a duration. */
static bool parse_amount(const char *text, bool less, struct what_if_change *change,
                         const char **reason)
{
    double fraction;
    int64_t ns;
    if (strchr(text, '%')) {
        if (!cli_parse_percent(text, &fraction, reason))
            return false;
        change->factor = less ? 1 - fraction : 1 + fraction;
        if (change->factor < 0)
            *reason = "is more than all there is";
        return change->factor >= 0;
    }
    if (!cli_parse_duration(text, &ns, reason))
        return false;
    change->add_ns = less ? -ns : ns;
    return true;
}

static enum tcore_status parse_change(const char *text, struct what_if_change *change,
                                      struct tcore_error *err)
{
    const char *equals = strrchr(text, '=');
    const char *reason = NULL;
    *change = (struct what_if_change){.operation = text, .factor = 1};
    if (!equals || equals == text || (equals[1] != '-' && equals[1] != '+') ||
        !(equals[2] == '.' || c_isdigit(equals[2])))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "'%s' is not OP=-30%%, OP=+50%%, OP=-20ms or the like", text);
    change->length = (size_t)(equals - text);
    if (!parse_amount(equals + 2, equals[1] == '-', change, &reason))
        return tcore_error_set(err, TCORE_BAD_INPUT, "'%s' in '%s' %s", equals + 1, text, reason);
    return TCORE_OK;
}

enum tcore_status what_if_parse(struct what_if *what_if, const struct cli_strings *texts,
                                struct tcore_error *err)
{
    *what_if = (struct what_if){.count = texts->count};
    what_if->change = tcore_calloc(texts->count + 1, sizeof *what_if->change);
    enum tcore_status status = what_if->change ? TCORE_OK : tcore_error_nomem(err);
    for (size_t i = 0; status == TCORE_OK && i < texts->count; i++)
        status = parse_change(texts->item[i], &what_if->change[i], err);
    return status;
}

void what_if_free(struct what_if *what_if)
{
    tcore_free(what_if->change);
}

/* --- A trace */

static bool fits(const struct what_if_change *change, struct tcore_slice service,
                 struct tcore_slice name)
{
    const char *operation = change->operation;
    if (name.length == change->length && memcmp(name.data, operation, name.length) == 0)
        return true;
    if (!service.data || service.length >= change->length || operation[service.length] != ':' ||
        memcmp(service.data, operation, service.length) != 0)
        return false;
    size_t rest = change->length - service.length - 1;
    return !rest ||
           (name.length == rest && memcmp(name.data, operation + service.length + 1, rest) == 0);
}

/* How many times as long the span's own work takes. */
static double factor_of(struct what_if_totals *totals, const struct trace_build *build,
                        uint32_t span)
{
    const struct what_if *what_if = totals->what_if;
    struct tcore_slice service = trace_build_service(build, span);
    struct tcore_slice name = trace_build_name(build, span);
    double own_ns = (double)build->self_ns[span], changed_ns = own_ns;
    for (size_t i = 0; i < what_if->count; i++) {
        const struct what_if_change *change = &what_if->change[i];
        if (!fits(change, service, name))
            continue;
        totals->matched[i]++;
        changed_ns = changed_ns * change->factor + (double)change->add_ns;
        changed_ns = changed_ns < 0 ? 0 : changed_ns;
    }
    return own_ns > 0 ? changed_ns / own_ns : 1;
}

static const struct tcore_stats *statistics(void)
{
    static struct tcore_stat list[] = {
        {.kind = TCORE_STAT_COUNT, .name = "count"},
        {.kind = TCORE_STAT_MEAN, .name = "mean"},
        {.kind = TCORE_STAT_QUANTILE, .name = "p50", .quantile = 0.5},
        {.kind = TCORE_STAT_QUANTILE, .name = "p95", .quantile = 0.95},
        {.kind = TCORE_STAT_QUANTILE, .name = "p99", .quantile = 0.99},
        {.kind = TCORE_STAT_MAX, .name = "max"},
    };
    static const struct tcore_stats stats = {
        .stat = list, .count = sizeof list / sizeof *list, .sum = true, .histogram = true};
    return &stats;
}

/* The same of what was measured, by other names. */
static const struct tcore_stats *measured(void)
{
    static struct tcore_stat list[] = {
        {.kind = TCORE_STAT_MEAN, .name = "measuredMeanNano"},
        {.kind = TCORE_STAT_QUANTILE, .name = "measuredP50Nano", .quantile = 0.5},
        {.kind = TCORE_STAT_QUANTILE, .name = "measuredP95Nano", .quantile = 0.95},
        {.kind = TCORE_STAT_QUANTILE, .name = "measuredP99Nano", .quantile = 0.99},
        {.kind = TCORE_STAT_MAX, .name = "measuredMaxNano"},
    };
    static const struct tcore_stats stats = {
        .stat = list, .count = sizeof list / sizeof *list, .sum = true, .histogram = true};
    return &stats;
}

enum tcore_status what_if_open(struct what_if_totals *totals, const struct what_if *what_if,
                               const struct cli_strings *by, unsigned depth_limit,
                               struct tcore_error *err)
{
    *totals = (struct what_if_totals){.what_if = what_if};
    totals->matched = tcore_calloc(what_if->count + 1, sizeof *totals->matched);
    if (!totals->matched)
        return tcore_error_nomem(err);
    return span_groups_open(&totals->keys, by, depth_limit, err);
}

void what_if_close(struct what_if_totals *totals)
{
    for (uint32_t i = 0; i < totals->count; i++) {
        tcore_cell_free(&totals->total[i].before, statistics());
        tcore_cell_free(&totals->total[i].after, statistics());
    }
    tcore_free(totals->total);
    tcore_free(totals->factor);
    tcore_free(totals->matched);
    span_groups_close(&totals->keys);
}

/* Room for the total of that number, which is new or known. */
static enum tcore_status reserve(struct what_if_totals *totals, uint32_t number,
                                 struct tcore_error *err)
{
    if (number >= totals->capacity) {
        uint32_t capacity = totals->capacity ? 2 * totals->capacity : 16;
        void *grown = tcore_reallocarray(totals->total, capacity, sizeof *totals->total);
        if (!grown)
            return tcore_error_nomem(err);
        totals->total = grown;
        totals->capacity = capacity;
    }
    if (number == totals->count)
        totals->total[totals->count++] = (struct what_if_total){0};
    return TCORE_OK;
}

static bool reserve_factors(struct what_if_totals *totals, uint32_t count)
{
    if (count <= totals->span_capacity)
        return true;
    tcore_free(totals->factor);
    totals->factor = tcore_reallocarray(NULL, count, sizeof *totals->factor);
    totals->span_capacity = totals->factor ? count : 0;
    return totals->factor;
}

static enum tcore_status add(struct tcore_cell *cell, int64_t ns)
{
    tcore_cell_count(cell, false);
    return tcore_cell_add_int(cell, statistics(), ns);
}

enum tcore_status what_if_take(struct what_if_totals *totals, const struct trace_build *build,
                               struct tcore_schedule *schedule, struct tcore_error *err)
{
    uint32_t number, count = build->tree.count;
    if (!build->path.span_count)
        return TCORE_OK;
    if (!reserve_factors(totals, count))
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < count; i++)
        totals->factor[i] = factor_of(totals, build, i);
    int64_t ns = tcore_schedule_what_if(schedule, &build->tree, &build->path, totals->factor);
    enum tcore_status status =
        span_groups_find(&totals->keys, build, build->tree.root, &number, err);
    if (status == TCORE_OK)
        status = reserve(totals, number, err);
    if (status != TCORE_OK)
        return status;
    if (add(&totals->total[number].before, build->path.duration_ns) ||
        add(&totals->total[number].after, ns))
        return tcore_error_nomem(err);
    return TCORE_OK;
}

enum tcore_status what_if_merge(struct what_if_totals *into, const struct what_if_totals *from,
                                struct tcore_error *err)
{
    span_groups_add_seen(&into->keys, &from->keys);
    for (size_t i = 0; i < into->what_if->count; i++)
        into->matched[i] += from->matched[i];
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t number;
        enum tcore_status status = span_groups_translate(&into->keys, &from->keys, i, &number, err);
        if (status == TCORE_OK)
            status = reserve(into, number, err);
        if (status != TCORE_OK)
            return status;
        struct what_if_total *total = &into->total[number];
        if (tcore_cell_merge(&total->before, &from->total[i].before, statistics()) ||
            tcore_cell_merge(&total->after, &from->total[i].after, statistics()))
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

/* --- Records */

static enum tcore_status write_total(const struct what_if_total *total, struct tcore_slice group,
                                     struct tcore_buf *out)
{
    const struct tcore_cell *before = &total->before;
    double before_ns = tcore_exact_mean(&before->sum, before->values);
    double after_ns = tcore_exact_mean(&total->after.sum, total->after.values);
    struct tcore_value saving = {.kind = TCORE_DOUBLE, .d = before_ns - after_ns};
    struct tcore_value share = {.kind = TCORE_DOUBLE, .d = saving.d / before_ns};
    tcore_buf_puts(out, "{\"type\":\"aggregate\",\"recordType\":\"span\",\"metricName\":"
                        "\"whatIfNano\",\"group\":");
    tcore_buf_append(out, group.data, group.length);
    enum tcore_status status = tcore_cell_write(&total->after, statistics(), 0, out);
    if (status == TCORE_OK)
        status = tcore_cell_write(before, measured(), 0, out);
    put_key(out, "savingNano", false);
    tcore_json_write_value(out, &saving);
    if (before_ns > 0) {
        put_key(out, "savingShare", false);
        tcore_json_write_value(out, &share);
    }
    tcore_buf_puts(out, "}\n");
    return status;
}

enum tcore_status what_if_write(struct what_if_totals *totals,
                                const struct tcore_trace_store *store, struct tcore_buf *out,
                                struct tcore_error *err)
{
    struct span_group_place *place = tcore_calloc((size_t)totals->count + 1, sizeof *place);
    struct tcore_buf texts = {0};
    enum tcore_status status = place ? span_groups_order(&totals->keys, store, place, &texts, err)
                                     : tcore_error_nomem(err);
    for (uint32_t i = 0; status == TCORE_OK && i < totals->count; i++)
        if (write_total(&totals->total[place[i].group], place[i].text, out) != TCORE_OK)
            status = tcore_error_nomem(err);
    tcore_free(place);
    tcore_buf_free(&texts);
    return status ? status : tcore_buf_status(out, err);
}
