/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What --map does to a chunk: its texts are gathered, given to the program together, and what comes
 * out must be records, each text's on lines of its own. One that the program fails on, or makes
 * anything else of, is rejected.
 */
#include <config.h>

#include "record/import/map.h"

#include "base/sys.h"
#include "query/jq.h"
#include "record/import/csv.h"
#include "record/import/cut.h"
#include "stream/binary_codec.h"

#include <stdio.h>

/* One text, or why it is none. */
struct item {
    const struct import_unit *unit;
    struct tcore_slice place; /* of it in the chunk, for a reject */
    size_t text, length;      /* in the map's texts */
    size_t reason;            /* in its reasons, + 1; 0: it is good */
};

struct import_map {
    struct tcore_jq *jq;
    struct import_job *job;
    const struct import_unit *unit; /* being gathered */
    struct item *item;              /* owned, as all below */
    size_t count, capacity;
    struct tcore_buf texts, reasons, out;
    struct tcore_slice *slice; /* of the good ones, as many as there are items */
    struct tcore_jq_output *output;
    size_t room; /* for both */
    struct tcore_json json;
};

static enum tcore_status open_map(struct import_job *job, struct tcore_error *err)
{
    struct tcore_jq_options options = {.helper = job->settings->helper};
    if (job->map)
        return TCORE_OK;
    struct import_map *map = tcore_calloc(1, sizeof(*map));
    if (!map)
        return tcore_error_nomem(err);
    map->job = job;
    map->json.depth_limit = job->json.depth_limit;
    enum tcore_status status = tcore_jq_open(&map->jq, job->settings->map, &options, err);
    if (status == TCORE_OK)
        job->map = map;
    else
        tcore_free(map);
    return status;
}

void import_map_close(struct import_job *job)
{
    struct import_map *map = job->map;
    if (!map)
        return;
    tcore_jq_close(map->jq);
    tcore_free(map->item);
    tcore_free(map->slice);
    tcore_free(map->output);
    tcore_buf_free(&map->texts);
    tcore_buf_free(&map->reasons);
    tcore_buf_free(&map->out);
    tcore_json_free(&map->json);
    tcore_free(map);
    job->map = NULL;
}

/* --- gathering --- */

/* Adds what was appended to the texts from begin on; good false: it is none, for job->reason. */
static void add_item(struct import_map *map, size_t begin, struct tcore_slice place, bool good)
{
    if (map->count == map->capacity) {
        size_t capacity = map->capacity ? 2 * map->capacity : 256;
        void *item = tcore_reallocarray(map->item, capacity, sizeof(*map->item));
        if (!item) {
            map->job->failed = true;
            return;
        }
        map->item = item;
        map->capacity = capacity;
    }
    struct item *item = &map->item[map->count++];
    *item = (struct item){.unit = map->unit, .place = place, .text = begin};
    item->length = map->texts.length - begin;
    if (!good) {
        item->reason = map->reasons.length + 1;
        tcore_buf_append(&map->reasons, map->job->reason, strlen(map->job->reason) + 1);
    }
}

static bool is_text(struct import_job *job, struct tcore_slice text)
{
    return !text.length || tcore_binary_is_text(text.data, text.length, false) ||
           import_bad(job, "a text that is not UTF-8");
}

/* A line becomes a string. */
static void add_line(struct import_job *job, struct tcore_slice line)
{
    struct import_map *map = job->map;
    size_t begin = map->texts.length;
    bool good = is_text(job, line);
    if (good)
        tcore_json_write_string(&map->texts, line.data, line.length);
    add_item(map, begin, line, good);
}

/* A row becomes an object of its cells as strings; those of empty ones are absent. */
static bool put_row(struct import_map *map, const struct csv_table *t)
{
    bool any = false;
    tcore_buf_putc(&map->texts, '{');
    for (size_t c = 0; c < t->columns; c++) {
        if (!t->cell[c].length || !t->name[c].length)
            continue;
        if (!is_text(map->job, t->name[c]) || !is_text(map->job, t->cell[c]))
            return false;
        if (any)
            tcore_buf_putc(&map->texts, ',');
        any = true;
        tcore_json_write_string(&map->texts, t->name[c].data, t->name[c].length);
        tcore_buf_putc(&map->texts, ':');
        tcore_json_write_string(&map->texts, t->cell[c].data, t->cell[c].length);
    }
    tcore_buf_putc(&map->texts, '}');
    return true;
}

static void add_rows(struct import_map *map, char separator)
{
    struct import_job *job = map->job;
    struct csv_table table = {0};
    struct tcore_slice rest = {job->text, job->length}, text;
    bool good = csv_open(&table, job, separator);
    while (good && csv_next(&table, &rest, &text) && !job->failed) {
        size_t begin = map->texts.length;
        if (csv_is_blank(&table))
            continue;
        bool whole = csv_check(job, &table) && put_row(map, &table);
        if (!whole)
            map->texts.length = begin;
        add_item(map, begin, text, whole);
    }
    csv_close(&table);
}

static void gather(struct import_map *map, const struct import_chunk *chunk)
{
    struct import_job *job = map->job;
    map->count = 0;
    tcore_buf_clear(&map->texts);
    tcore_buf_clear(&map->reasons);
    tcore_buf_clear(&map->out);
    for (size_t i = 0; i < chunk->count; i++) {
        map->unit = &chunk->units[i];
        import_set_unit(job, chunk, map->unit);
        struct tcore_slice text = {job->text, job->length};
        if (map->unit->too_long) {
            import_too_long(job->reason, sizeof(job->reason), chunk->limit);
            add_item(map, map->texts.length, (struct tcore_slice){job->text, 0}, false);
        } else if (!chunk->format) {
            size_t begin = map->texts.length;
            tcore_buf_append(&map->texts, text.data, text.length);
            add_item(map, begin, text, true);
        } else if (chunk->format == &import_lines) {
            import_each_line(job, add_line);
        } else {
            add_rows(map, chunk->format == &import_tsv ? '\t' : ',');
        }
    }
}

/* --- results --- */

static void reject(struct import_map *map, const struct import_chunk *chunk,
                   const struct item *item, const char *what, const char *reason)
{
    char text[TCORE_ERROR_TEXT_BYTES];
    snprintf(text, sizeof(text), "%s", reason);
    import_set_unit(map->job, chunk, item->unit);
    import_bad(map->job, "%s%s", what, text);
    import_reject_bytes(map->job, item->place, NULL);
}

static enum tcore_status put_item(struct import_map *map, const struct import_chunk *chunk,
                                  const struct item *item, const struct tcore_jq_output *output,
                                  struct tcore_error *err)
{
    struct tcore_buf *out = &map->job->result->out;
    if (output->reason) {
        reject(map, chunk, item, "--map: ", output->reason);
        return TCORE_OK;
    }
    struct tcore_slice lines = {map->out.data + output->offset, output->length};
    enum tcore_status status = tcore_jq_records(&map->json, lines, out, err);
    if (status == TCORE_SKIP)
        reject(map, chunk, item, "--map gives no record: ", err->text);
    else if (status == TCORE_OK)
        map->job->result->documents++;
    return status == TCORE_SKIP ? TCORE_OK : status;
}

static bool make_room(struct import_map *map)
{
    if (map->count <= map->room)
        return true;
    void *slice = tcore_reallocarray(map->slice, map->count, sizeof(*map->slice));
    if (slice)
        map->slice = slice;
    void *output = tcore_reallocarray(map->output, map->count, sizeof(*map->output));
    if (output)
        map->output = output;
    if (slice && output)
        map->room = map->count;
    return slice && output;
}

enum tcore_status import_map_units(struct import_job *job, const struct import_chunk *chunk,
                                   struct tcore_error *err)
{
    enum tcore_status status = open_map(job, err);
    struct import_map *map = job->map;
    if (status != TCORE_OK)
        return status;
    gather(map, chunk);
    if (job->failed || map->texts.failed || map->reasons.failed || !make_room(map))
        return tcore_error_nomem(err);
    size_t good = 0;
    for (size_t i = 0; i < map->count; i++)
        if (!map->item[i].reason)
            map->slice[good++] =
                (struct tcore_slice){map->texts.data + map->item[i].text, map->item[i].length};
    if (good)
        status = tcore_jq_map(map->jq, map->slice, good, &map->out, map->output, err);
    good = 0;
    for (size_t i = 0; i < map->count && status == TCORE_OK; i++) {
        const struct item *item = &map->item[i];
        if (item->reason)
            reject(map, chunk, item, "", map->reasons.data + item->reason - 1);
        else
            status = put_item(map, chunk, item, &map->output[good++], err);
    }
    return status;
}

/* --- lines --- */

static void convert_lines(struct import_job *job)
{
    import_bad(job, "lines are nothing without --map");
    import_reject_bytes(job, (struct tcore_slice){job->text, job->length}, NULL);
}

const struct import_format import_lines = {
    .name = "lines",
    .summary = "lines of text, for --map",
    .input = IMPORT_TEXT,
    .cut = import_cut_lines,
    .convert = convert_lines,
};
