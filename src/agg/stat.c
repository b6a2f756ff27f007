/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parsing --stat. */
#include <config.h>

#include "agg/stat.h"

#include "base/sys.h"
#include "c-ctype.h"
#include "cli/message.h"
#include "cli/options.h"
#include "model/number.h"
#include "stats/exemplars.h"

#include <string.h>

static const struct {
    const char *name;
    enum tcore_stat_kind kind;
} plain[] = {
    {"count", TCORE_STAT_COUNT},
    {"rate", TCORE_STAT_RATE},
    {"sum", TCORE_STAT_SUM},
    {"mean", TCORE_STAT_MEAN},
    {"min", TCORE_STAT_MIN},
    {"max", TCORE_STAT_MAX},
    {"stddev", TCORE_STAT_STDDEV},
    {"errors", TCORE_STAT_ERRORS},
    {"errorRate", TCORE_STAT_ERROR_RATE},
    {"histogram", TCORE_STAT_HISTOGRAM},
    {"increase", TCORE_STAT_INCREASE},
    {"increaseRate", TCORE_STAT_INCREASE_RATE},
};

static const char *const known[] = {
    "count",           "rate",          "sum",       "mean",       "min",          "max",
    "stddev",          "errors",        "errorRate", "p50",        "p95",          "p99",
    "distinct(FIELD)", "topk(N,FIELD)", "apdex(T)",  "sum(FIELD)", "exemplars(N)", "histogram",
    "increase",        "increaseRate",  NULL};

const char *agg_default_stats[AGG_DEFAULT_STATS] = {"count", "errorRate", "mean", "p50",
                                                    "p95",   "p99",       "max"};

static bool is_increase(enum tcore_stat_kind kind)
{
    return kind == TCORE_STAT_INCREASE || kind == TCORE_STAT_INCREASE_RATE;
}

static enum tcore_status unknown(const char *name, struct tcore_error *err)
{
    const char *near = cli_nearest(name, known);
    if (near)
        return tcore_error_set(err, TCORE_BAD_INPUT, "unknown statistic '%s': did you mean %s?",
                               name, near);
    return tcore_error_set(err, TCORE_BAD_INPUT,
                           "unknown statistic '%s' (count rate sum mean min max stddev pNN errors "
                           "errorRate distinct(FIELD) topk(N,FIELD) apdex(T) sum(FIELD) histogram "
                           "increase increaseRate)",
                           name);
}

/* What stands between the parentheses of NAME(...), or NULL. */
static const char *argument(const char *name, const char *function, size_t *length)
{
    size_t n = strlen(function), all = strlen(name);
    if (strncmp(name, function, n) != 0 || name[n] != '(' || name[all - 1] != ')' || all < n + 3)
        return NULL;
    *length = all - n - 2;
    return name + n + 1;
}

static enum tcore_status parse_topk(struct tcore_stat *stat, const char *text, size_t length,
                                    struct tcore_error *err)
{
    const char *comma = memchr(text, ',', length);
    int64_t limit = 0;
    if (!comma || !tcore_parse_int64(text, (size_t)(comma - text), &limit) || limit < 1 ||
        limit > 1000000 || comma + 1 == text + length)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "'%s' is not topk(N,FIELD) with N from 1 to 1000000", stat->name);
    stat->kind = TCORE_STAT_TOPK;
    stat->limit = (uint32_t)limit;
    stat->field = tcore_strndup(comma + 1, (size_t)(text + length - comma - 1));
    return stat->field ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status parse_exemplars(struct tcore_stat *stat, const char *text, size_t length,
                                         struct tcore_error *err)
{
    int64_t limit;
    if (!tcore_parse_int64(text, length, &limit) || limit < 1 || limit > TCORE_EXEMPLARS_MAX)
        return tcore_error_set(err, TCORE_BAD_INPUT, "--exemplars takes a number from 1 to %d",
                               TCORE_EXEMPLARS_MAX);
    stat->kind = TCORE_STAT_EXEMPLARS;
    stat->limit = (uint32_t)limit;
    return TCORE_OK;
}

/* Two buckets are what the coarsest scale can need. */
static enum tcore_status parse_histogram(struct tcore_stat *stat, const char *text, size_t length,
                                         struct tcore_error *err)
{
    int64_t limit = 0;
    if (!tcore_parse_int64(text, length, &limit) || limit < 2 || limit > 1000000)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "'%s' is not histogram(N) with N buckets from 2 to 1000000",
                               stat->name);
    stat->kind = TCORE_STAT_HISTOGRAM;
    stat->limit = (uint32_t)limit;
    return TCORE_OK;
}

static enum tcore_status parse_apdex(struct tcore_stat *stat, const char *text, size_t length,
                                     struct tcore_error *err)
{
    char number[64];
    int64_t ns;
    const char *reason;
    stat->kind = TCORE_STAT_APDEX;
    if (length < sizeof number) {
        memcpy(number, text, length);
        number[length] = '\0';
        if (tcore_parse_double(number, length, &stat->threshold) && stat->threshold > 0)
            return TCORE_OK;
        if (cli_parse_duration(number, &ns, &reason) && ns > 0) {
            stat->threshold = (double)ns;
            return TCORE_OK;
        }
    }
    return tcore_error_set(err, TCORE_BAD_INPUT,
                           "'%s' is not apdex(T) with T a duration (500ms) or a positive number",
                           stat->name);
}

static enum tcore_status parse_one(struct tcore_stat *stat, const char *name,
                                   struct tcore_error *err)
{
    size_t length = 0;
    const char *inside;
    *stat = (struct tcore_stat){.name = name};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (!strcmp(name, plain[i].name)) {
            stat->kind = plain[i].kind;
            return TCORE_OK;
        }
    }
    double percent;
    if (*name == 'p' && c_isdigit(name[1]) &&
        tcore_parse_double(name + 1, strlen(name + 1), &percent) && percent >= 0 &&
        percent <= 100) {
        stat->kind = TCORE_STAT_QUANTILE;
        stat->quantile = percent / 100;
        return TCORE_OK;
    }
    if ((inside = argument(name, "distinct", &length)) != NULL) {
        stat->kind = TCORE_STAT_DISTINCT;
        stat->field = tcore_strndup(inside, length);
        return stat->field ? TCORE_OK : tcore_error_nomem(err);
    }
    if ((inside = argument(name, "sum", &length)) != NULL) {
        stat->kind = TCORE_STAT_FIELD_SUM;
        stat->field = tcore_strndup(inside, length);
        return stat->field ? TCORE_OK : tcore_error_nomem(err);
    }
    if ((inside = argument(name, "exemplars", &length)) != NULL)
        return parse_exemplars(stat, inside, length, err);
    if ((inside = argument(name, "topk", &length)) != NULL)
        return parse_topk(stat, inside, length, err);
    if ((inside = argument(name, "apdex", &length)) != NULL)
        return parse_apdex(stat, inside, length, err);
    if ((inside = argument(name, "histogram", &length)) != NULL)
        return parse_histogram(stat, inside, length, err);
    return unknown(name, err);
}

/* increase and increaseRate are read from one state. */
static void share_increase(struct tcore_stats *list, struct tcore_stat *stat)
{
    for (struct tcore_stat *other = list->stat; other < stat; other++)
        if (is_increase(other->kind)) {
            stat->extra = other->extra;
            stat->shares = true;
            return;
        }
    stat->extra = list->extra_count++;
}

static void note_needs(struct tcore_stats *list, struct tcore_stat *stat)
{
    switch (stat->kind) {
    case TCORE_STAT_SUM:
    case TCORE_STAT_MEAN:
        list->sum = true;
        break;
    case TCORE_STAT_STDDEV:
        list->sum = list->squares = true;
        break;
    case TCORE_STAT_QUANTILE:
        list->histogram = true;
        break;
    case TCORE_STAT_HISTOGRAM:
        list->sum = list->histogram = true;
        break;
    case TCORE_STAT_DISTINCT:
    case TCORE_STAT_TOPK:
    case TCORE_STAT_APDEX:
    case TCORE_STAT_FIELD_SUM:
    case TCORE_STAT_EXEMPLARS:
        stat->extra = list->extra_count++;
        break;
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        share_increase(list, stat);
        break;
    default:
        break;
    }
}

/* Whether one of the first so many is of that kind. */
static bool has(const struct tcore_stats *list, size_t count, enum tcore_stat_kind kind)
{
    for (size_t i = 0; i < count; i++)
        if (list->stat[i].kind == kind)
            return true;
    return false;
}

bool agg_wants(const struct tcore_stats *stats, enum tcore_stat_kind kind)
{
    return has(stats, stats->count, kind);
}

const struct tcore_stat *agg_increase(const struct tcore_stats *stats)
{
    for (size_t i = 0; i < stats->count; i++)
        if (is_increase(stats->stat[i].kind))
            return &stats->stat[i];
    return NULL;
}

enum tcore_status agg_stats_parse(struct tcore_stats *list, const char *const *names, size_t count,
                                  struct tcore_error *err)
{
    *list = (struct tcore_stats){0};
    if (!count)
        return tcore_error_set(err, TCORE_BAD_INPUT, "no statistic is named");
    list->stat = tcore_calloc(count, sizeof *list->stat);
    if (!list->stat)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        struct tcore_stat *stat = &list->stat[list->count];
        bool again = false;
        for (size_t k = 0; k < list->count; k++)
            again |= !strcmp(list->stat[k].name, names[i]);
        if (again)
            continue;
        enum tcore_status status = parse_one(stat, names[i], err);
        list->count++;
        if (!status && stat->kind == TCORE_STAT_HISTOGRAM && has(list, list->count - 1, stat->kind))
            status = tcore_error_set(err, TCORE_BAD_INPUT,
                                     "a record has one histogram: %s is a second one", stat->name);
        if (!status && stat->kind == TCORE_STAT_EXEMPLARS && has(list, list->count - 1, stat->kind))
            status = tcore_error_set(err, TCORE_BAD_INPUT, "exemplars are asked for twice");
        if (status) {
            agg_stats_free(list);
            return status;
        }
        note_needs(list, stat);
    }
    return TCORE_OK;
}

/* Whether cells that were made for these statistics can tell this one; and the number of its state
 * among theirs, if it has one of its own. */
static bool is_held(const struct tcore_stats *held, const struct tcore_stat *stat, bool windows,
                    size_t *extra)
{
    switch (stat->kind) {
    case TCORE_STAT_COUNT:
    case TCORE_STAT_MIN:
    case TCORE_STAT_MAX:
        return true;
    case TCORE_STAT_RATE:
        return windows || agg_wants(held, stat->kind);
    case TCORE_STAT_SUM:
    case TCORE_STAT_MEAN:
        return held->sum;
    case TCORE_STAT_STDDEV:
        return held->squares;
    case TCORE_STAT_QUANTILE:
        return held->histogram;
    case TCORE_STAT_HISTOGRAM:
        return held->histogram && held->sum;
    case TCORE_STAT_ERRORS:
    case TCORE_STAT_ERROR_RATE:
        return agg_wants(held, TCORE_STAT_ERRORS) || agg_wants(held, TCORE_STAT_ERROR_RATE) ||
               agg_wants(held, TCORE_STAT_APDEX);
    case TCORE_STAT_DISTINCT:
    case TCORE_STAT_TOPK:
    case TCORE_STAT_APDEX:
    case TCORE_STAT_FIELD_SUM:
    case TCORE_STAT_EXEMPLARS:
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        break;
    }
    for (size_t i = 0; i < held->count; i++)
        if (!strcmp(held->stat[i].name, stat->name) ||
            (is_increase(stat->kind) && is_increase(held->stat[i].kind))) {
            *extra = held->stat[i].extra;
            return true;
        }
    return false;
}

enum tcore_status agg_stats_choose(struct tcore_stats *chosen, const struct tcore_stats *held,
                                   bool windows, const char *const *names, size_t count,
                                   struct tcore_error *err)
{
    enum tcore_status status = agg_stats_parse(chosen, names, count, err);
    for (size_t i = 0; i < chosen->count && !status; i++) {
        struct tcore_stat *stat = &chosen->stat[i];
        if (!is_held(held, stat, windows, &stat->extra))
            status = tcore_error_set(err, TCORE_BAD_INPUT,
                                     "the partials do not hold what %s is made of", stat->name);
    }
    return status;
}

void agg_stats_free(struct tcore_stats *list)
{
    for (size_t i = 0; i < list->count; i++)
        tcore_free(list->stat[i].field);
    tcore_free(list->stat);
    *list = (struct tcore_stats){0};
}
