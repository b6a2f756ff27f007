/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points of metrics that stand for many values: histograms, exponential or of explicit bounds, and
 * summaries. */
#include "stats/cell_extra.h"

#include "base/sys.h"
#include "model/json.h"

#include <math.h>
#include <string.h>

/* The numbers of a JSON array of counts or bounds; NULL if it is none, or no memory (*nomem). */
static void *number_array(const struct tcore_json *json, uint32_t array, bool counts,
                          uint32_t *length, bool *nomem)
{
    const struct tcore_json_node *node = &json->node[array];
    *length = 0;
    if (!array || !tcore_json_is_array(node))
        return NULL;
    uint64_t *numbers = tcore_reallocarray(NULL, node->count, sizeof *numbers);
    *nomem |= !numbers;
    for (uint32_t e = array + 1; numbers && e < node->next; e = json->node[e].next) {
        const struct tcore_value *v = &json->node[e].value;
        int64_t count = 0;
        double bound = tcore_value_double(v);
        if (counts ? !tcore_value_int64(v, &count) || count < 0 : isnan(bound)) {
            tcore_free(numbers);
            return NULL;
        }
        if (counts)
            numbers[*length] = (uint64_t)count;
        else
            memcpy(&numbers[*length], &bound, sizeof bound);
        ++*length;
    }
    return numbers;
}

static bool read_side(const struct tcore_json *json, uint32_t side,
                      struct tcore_exponential_side *out, bool *nomem)
{
    int64_t offset = 0;
    if (!side)
        return true;
    uint32_t at = tcore_json_find(json, side, "offset");
    if (at && (!tcore_value_int64(&json->node[at].value, &offset) || offset < INT32_MIN ||
               offset > INT32_MAX))
        return false;
    out->offset = (int32_t)offset;
    out->counts =
        number_array(json, tcore_json_find(json, side, "bucketCounts"), true, &out->length, nomem);
    return out->counts != NULL || !tcore_json_find(json, side, "bucketCounts");
}

static enum tcore_status add_exponential(struct tcore_cell *cell, const struct tcore_json *json,
                                         int64_t scale, uint64_t weight)
{
    struct tcore_exponential point = {0};
    bool nomem = false;
    int64_t zero = 0;
    uint32_t at = tcore_json_find(json, 0, "zeroCount");
    bool valid = scale >= -64 && scale <= 64 &&
                 (!at || (tcore_value_int64(&json->node[at].value, &zero) && zero >= 0)) &&
                 read_side(json, tcore_json_find(json, 0, "positive"), &point.positive, &nomem) &&
                 read_side(json, tcore_json_find(json, 0, "negative"), &point.negative, &nomem);
    point.scale = (int32_t)scale;
    point.zero_count = (uint64_t)zero;
    enum tcore_status status =
        nomem   ? TCORE_FATAL
        : valid ? tcore_histogram_add_exponential(&cell->histogram, &point, weight, NULL)
                : TCORE_SKIP;
    tcore_exponential_free(&point);
    return status;
}

static enum tcore_status add_bounded(struct tcore_cell *cell, const struct tcore_stats *stats,
                                     const struct tcore_json *json, uint64_t weight)
{
    bool nomem = false;
    uint32_t length = 0, count_length = 0;
    double *bounds = number_array(json, tcore_json_find(json, 0, "bounds"), false, &length, &nomem);
    uint64_t *counts =
        number_array(json, tcore_json_find(json, 0, "bucketCounts"), true, &count_length, &nomem);
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    enum tcore_status status = nomem || !extra ? TCORE_FATAL : TCORE_OK;
    if (!status && counts && count_length)
        status = tcore_bounded_histogram_add(&extra->bounded, bounds, length, counts, count_length,
                                             weight, NULL);
    tcore_free(bounds);
    tcore_free(counts);
    return status;
}

/* The count of a point, which the cell has room for. */
static bool read_count(const struct tcore_cell *cell, const struct tcore_json *json,
                       uint64_t weight, uint64_t *units)
{
    int64_t count = 0;
    uint32_t at = tcore_json_find(json, 0, "count");
    if (!at || !tcore_value_int64(&json->node[at].value, &count) || count < 0 ||
        (unsigned __int128)count * weight > TCORE_CELL_UNITS_MAX - cell->values)
        return false;
    *units = (uint64_t)count * weight;
    return true;
}

static enum tcore_status add_sum(struct tcore_cell *cell, const struct tcore_stats *stats,
                                 const struct tcore_json *json, uint64_t weight)
{
    uint32_t at = tcore_json_find(json, 0, "sum");
    return stats->sum && at ? tcore_exact_sum_add_weighted_double(
                                  &cell->sum, tcore_value_double(&json->node[at].value), weight)
                            : TCORE_OK;
}

static enum tcore_status add_histogram(struct tcore_cell *cell, const struct tcore_stats *stats,
                                       const struct tcore_json *json, uint64_t weight)
{
    int64_t scale = 0;
    uint64_t units;
    if (!read_count(cell, json, weight, &units))
        return TCORE_SKIP;
    uint32_t scale_at = tcore_json_find(json, 0, "scale");
    enum tcore_status status = scale_at && tcore_value_int64(&json->node[scale_at].value, &scale)
                                   ? add_exponential(cell, json, scale, weight)
                                   : add_bounded(cell, stats, json, weight);
    if (status)
        return status;
    cell->values += units;
    status = add_sum(cell, stats, json, weight);
    uint32_t min = tcore_json_find(json, 0, "min"), max = tcore_json_find(json, 0, "max");
    if (min && max && tcore_value_is_number(&json->node[min].value) &&
        tcore_value_is_number(&json->node[max].value))
        tcore_cell_widen_double(cell, tcore_value_double(&json->node[min].value),
                                tcore_value_double(&json->node[max].value));
    return status;
}

/* The value of a quantile in a list of them; NaN: it is not there. */
static double find_quantile(const struct tcore_json *json, uint32_t list, double quantile)
{
    if (!list || !tcore_json_is_array(&json->node[list]))
        return NAN;
    for (uint32_t e = list + 1; e < json->node[list].next; e = json->node[e].next) {
        uint32_t of = 0, value = 0;
        if (tcore_json_is_object(&json->node[e])) {
            of = tcore_json_find(json, e, "quantile");
            value = tcore_json_find(json, e, "value");
        }
        if (of && value && tcore_value_is_number(&json->node[of].value) &&
            tcore_value_is_number(&json->node[value].value) &&
            tcore_value_double(&json->node[of].value) == quantile)
            return tcore_value_double(&json->node[value].value);
    }
    return NAN;
}

static enum tcore_status add_summary(struct tcore_cell *cell, const struct tcore_stats *stats,
                                     const struct tcore_json *json, uint64_t weight)
{
    uint64_t units;
    if (!read_count(cell, json, weight, &units))
        return TCORE_SKIP;
    uint32_t quantiles = tcore_json_find(json, 0, "quantiles");
    double min = find_quantile(json, quantiles, 0), max = find_quantile(json, quantiles, 1);
    cell->values += units;
    if (!isnan(min) && !isnan(max))
        tcore_cell_widen_double(cell, min, max);
    return add_sum(cell, stats, json, weight);
}

enum tcore_status tcore_cell_add_histogram(struct tcore_cell *cell, const struct tcore_stats *stats,
                                           const char *text, size_t length, uint64_t weight)
{
    struct tcore_json json = {0};
    enum tcore_status status = tcore_json_parse(&json, text, length, NULL);
    if (!status)
        status = add_histogram(cell, stats, &json, weight);
    tcore_json_free(&json);
    return status;
}

enum tcore_status tcore_cell_add_summary(struct tcore_cell *cell, const struct tcore_stats *stats,
                                         const char *text, size_t length, uint64_t weight)
{
    struct tcore_json json = {0};
    enum tcore_status status = tcore_json_parse(&json, text, length, NULL);
    if (!status)
        status = add_summary(cell, stats, &json, weight);
    tcore_json_free(&json);
    return status;
}
