/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of trace-detect anomaly between two runs. */
#include <config.h>

#include "detect/anomaly.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/sink.h"
#include "detect/columns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMAT_LINE "{\"state\":\"trace-detect anomaly\",\"version\":1}\n"

void watch_list_free(struct watch_list *list)
{
    for (size_t i = 0; i < list->capacity; i++)
        tcore_free(list->item[i]);
    tcore_free(list->item);
    series_free(&list->table);
}

struct watched *watch_list_get(struct watch_list *list, uint32_t series)
{
    if (series >= list->capacity) {
        size_t capacity = list->capacity * 2 > series ? list->capacity * 2 : (size_t)series + 64;
        struct watched **item = tcore_reallocarray(list->item, capacity, sizeof *item);

        if (!item)
            return NULL;
        memset(item + list->capacity, 0, (capacity - list->capacity) * sizeof *item);
        list->item = item;
        list->capacity = capacity;
    }
    if (!list->item[series])
        list->item[series] = tcore_calloc(1, sizeof *list->item[series]);
    return list->item[series];
}

/* --- Saving */

static void put_double(struct tcore_buf *out, double number)
{
    struct tcore_value value = tcore_value_of_double(number);

    tcore_json_write_value(out, &value);
}

static void put_doubles(struct tcore_buf *out, const char *name, const double *number, size_t count)
{
    tcore_buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        if (i)
            tcore_buf_putc(out, ',');
        put_double(out, number[i]);
    }
    tcore_buf_putc(out, ']');
}

static void put_text(struct tcore_buf *out, const char *name, const char *text)
{
    tcore_buf_printf(out, ",\"%s\":", name);
    tcore_json_write_string(out, text, strlen(text));
}

static size_t at_most(uint64_t count, size_t limit)
{
    return count < limit ? (size_t)count : limit;
}

static void put_series(struct tcore_buf *out, const struct series_name *name,
                       const struct watched *w)
{
    const struct detector *d = &w->detector;
    size_t extremes = at_most(d->seen, DETECTOR_EXTREMES);
    size_t quantiles = at_most(d->seen, DETECTOR_QUANTILES);

    tcore_buf_printf(out, "{\"seen\":%" PRIu64, d->seen);
    put_text(out, "recordType", name->record_type);
    put_text(out, "metricName", name->metric_name);
    put_text(out, "stat", name->stat);
    tcore_buf_printf(out, ",\"group\":%s", name->group);
    if (name->origin_count)
        tcore_buf_printf(out, ",\"ofResource\":%zu", name->origin_count);
    put_text(out, "unit", w->in.unit);
    if (d->timed)
        tcore_buf_printf(out, ",\"firstUnixNano\":%" PRId64, d->first_ns);
    put_doubles(out, "penalty", &d->penalty, 1);
    put_doubles(out, "low", d->low, d->cells);
    put_doubles(out, "high", d->high, d->cells);
    put_doubles(out, "largest", d->largest, extremes);
    put_doubles(out, "smallest", d->smallest, extremes);
    put_doubles(out, "height", d->height, quantiles);
    put_doubles(out, "place", d->place, quantiles);
    if (w->in.has_previous) {
        const double previous[] = {w->in.previous, w->in.previous_count};

        put_doubles(out, "previous", previous, 2);
        tcore_buf_printf(out, ",\"previousUnixNano\":%" PRId64, w->in.previous_ns);
    }
    tcore_buf_puts(out, "}\n");
}

bool anomaly_state_save(struct cli *cli, const struct watch_list *list, const char *path)
{
    struct cli_sink sink;
    struct tcore_buf line = {0};
    bool written;

    if (!cli_sink_replace(&sink, cli, path))
        return false;
    written = cli_sink_write(&sink, FORMAT_LINE, strlen(FORMAT_LINE));
    for (uint32_t i = 0; i < series_count(&list->table) && written; i++) {
        if (i >= list->capacity || !list->item[i])
            continue;
        tcore_buf_clear(&line);
        put_series(&line, &list->table.name[i], list->item[i]);
        if (line.failed)
            cli_error(cli, "out of memory");
        written = !line.failed && cli_sink_write(&sink, line.data, line.length);
    }
    tcore_buf_free(&line);
    cli_sink_close(&sink, !written);
    return written && !cli->failed;
}

/* --- Loading */

/* Reads an array of finite numbers. False: there is none, or too many. */
static bool read_doubles(const struct tcore_json *json, const char *name, double *number,
                         size_t limit, size_t *count)
{
    uint32_t array = tcore_json_find(json, 0, name);
    size_t at = 0;

    if (!array || !tcore_json_is_array(&json->node[array]) || json->node[array].count > limit)
        return false;
    for (uint32_t e = array + 1; e < json->node[array].next; e = json->node[e].next) {
        number[at] = tcore_value_double(&json->node[e].value);
        if (!isfinite(number[at++]))
            return false;
    }
    *count = at;
    return true;
}

static bool read_int64(const struct tcore_json *json, const char *name, int64_t *i)
{
    uint32_t node = tcore_json_find(json, 0, name);

    return node && tcore_value_int64(&json->node[node].value, i);
}

static bool is_ascending(const double *number, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!(number[i - 1] <= number[i]))
            return false;
    return true;
}

/* Whether what was read can have come from a detector. */
static bool is_sound(const struct detector *d, size_t low, size_t high, size_t largest,
                     size_t smallest, size_t height, size_t place)
{
    size_t extremes = at_most(d->seen, DETECTOR_EXTREMES);
    size_t quantiles = at_most(d->seen, DETECTOR_QUANTILES);

    if (low != high || (low == 0) != (d->seen == 0) || low > d->seen || largest != extremes ||
        smallest != extremes || height != quantiles || place != quantiles)
        return false;
    for (size_t i = 0; i < low; i++)
        if (!(d->low[i] <= d->high[i]) || (i && !(d->high[i - 1] < d->low[i])))
            return false;
    for (size_t i = 1; i < quantiles; i++)
        if (!(d->place[i - 1] < d->place[i]))
            return false;
    return is_ascending(d->height, quantiles) && d->penalty >= 0;
}

static bool read_detector(const struct tcore_json *json, struct detector *d)
{
    size_t low, high, largest, smallest, height, place, one;
    int64_t seen;

    if (!read_int64(json, "seen", &seen) || seen < 0 ||
        !read_doubles(json, "penalty", &d->penalty, 1, &one) || one != 1 ||
        !read_doubles(json, "low", d->low, DETECTOR_CELLS, &low) ||
        !read_doubles(json, "high", d->high, DETECTOR_CELLS, &high) ||
        !read_doubles(json, "largest", d->largest, DETECTOR_EXTREMES, &largest) ||
        !read_doubles(json, "smallest", d->smallest, DETECTOR_EXTREMES, &smallest) ||
        !read_doubles(json, "height", d->height, DETECTOR_QUANTILES, &height) ||
        !read_doubles(json, "place", d->place, DETECTOR_QUANTILES, &place))
        return false;
    d->seen = (uint64_t)seen;
    d->cells = (uint32_t)low;
    d->timed = read_int64(json, "firstUnixNano", &d->first_ns);
    return is_sound(d, low, high, largest, smallest, height, place);
}

/* A text member, copied; NULL if there is none or no memory. */
static char *read_text(const struct tcore_json *json, const char *name)
{
    uint32_t node = tcore_json_find(json, 0, name);

    if (!node || json->node[node].value.kind != TCORE_STRING)
        return NULL;
    return tcore_strndup(json->node[node].value.s, json->node[node].value.len);
}

static bool read_watched(const struct tcore_json *json, struct watched *w)
{
    double previous[2];
    size_t count;
    char *unit = read_text(json, "unit");

    snprintf(w->in.unit, sizeof w->in.unit, "%s", unit ? unit : "");
    tcore_free(unit);
    w->in.has_previous = read_int64(json, "previousUnixNano", &w->in.previous_ns);
    if (w->in.has_previous) {
        if (!read_doubles(json, "previous", previous, 2, &count) || count != 2)
            return false;
        w->in.previous = previous[0];
        w->in.previous_count = previous[1];
    }
    return read_detector(json, &w->detector);
}

/* One line of a state. TCORE_BAD_INPUT: it is none. */
static enum tcore_status read_series(struct watch_list *list, const struct tcore_json *json,
                                     struct tcore_error *err)
{
    uint32_t group = tcore_json_is_object(json->node) ? tcore_json_find(json, 0, "group") : 0;
    char *type = read_text(json, "recordType"), *metric = read_text(json, "metricName");
    char *stat = read_text(json, "stat");
    enum tcore_status status = TCORE_BAD_INPUT;
    uint32_t series = SERIES_NONE;
    int64_t origin_count;

    if (!read_int64(json, "ofResource", &origin_count) || origin_count < 0)
        origin_count = 0;

    if (type && metric && stat && group && tcore_json_is_object(&json->node[group]))
        status = series_of_parts(&list->table, type, metric, stat, json->node[group].value.s,
                                 json->node[group].value.len, (size_t)origin_count, &series, err);
    if (status == TCORE_OK) {
        struct watched *watched = watch_list_get(list, series);

        if (!watched)
            status = tcore_error_nomem(err);
        else if (!read_watched(json, watched))
            status = TCORE_BAD_INPUT;
    }
    tcore_free(type);
    tcore_free(metric);
    tcore_free(stat);
    return status;
}

static bool load_lines(struct cli *cli, struct watch_list *list, FILE *file, const char *path)
{
    struct tcore_json json = {0};
    struct tcore_error err = {0};
    enum tcore_status status = TCORE_OK;
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t length;

    while (status == TCORE_OK && (length = getline(&line, &capacity, file)) > 0) {
        number++;
        if (number == 1)
            status = strcmp(line, FORMAT_LINE) == 0 ? TCORE_OK : TCORE_BAD_INPUT;
        else if (tcore_json_parse(&json, line, (size_t)length, &err) != TCORE_OK)
            status = TCORE_BAD_INPUT;
        else
            status = read_series(list, &json, &err);
    }
    if (status == TCORE_FATAL)
        cli_report(cli, &err);
    else if (status != TCORE_OK)
        cli_error(cli, "%s:%zu: this is no state of trace-detect anomaly", path, number);
    else if (ferror(file))
        cli_error(cli, "%s: %s", path, strerror(errno));
    tcore_json_free(&json);
    free(line);
    return status == TCORE_OK && !ferror(file);
}

bool anomaly_state_load(struct cli *cli, struct watch_list *list, const char *path)
{
    FILE *file = fopen(path, "re");
    bool loaded;

    if (!file) {
        if (errno == ENOENT)
            return true;
        cli_error(cli, "%s: %s", path, strerror(errno));
        return false;
    }
    loaded = load_lines(cli, list, file, path);
    fclose(file);
    return loaded;
}
