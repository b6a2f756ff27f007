/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OpenMetrics text. All samples of a family stand together there, those of a series too, in the
 * order of time; so all are held until the last one has come, as far as --memory allows.
 */
#include <config.h>

#include "base/map.h"
#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "record/export/aggregate.h"
#include "record/export/export.h"
#include "record/export/exposition.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A point from a worker; its texts follow, to a multiple of 8 bytes. */
struct piece {
    uint32_t size;
    uint8_t type; /* enum exposition_type */
    bool timed;
    int64_t time_ns;
    uint32_t family, unit, help, labels, lines; /* lengths of texts, in this order */
};

/* A point that is held. */
struct point {
    uint32_t family, series;
    bool timed;
    int64_t time_ns;
    const char *lines;
    uint32_t length;
    uint32_t number; /* order in which they came */
};

struct family {
    enum exposition_type type;
    const char *unit, *help; /* in the arena; "" */
    bool taken;              /* its name is that of samples of another one */
};

struct openmetrics {
    struct cli *cli;
    struct tcore_map families, series;
    struct family *family; /* owned, by number */
    size_t family_capacity;
    struct point *point; /* owned */
    size_t points, capacity, written;
    struct tcore_arena arena;
    struct tcore_buf key;
    /* points left out: of another type; at the time of another one; without a time, as others of
     * the series have; of a name that is taken */
    uint64_t mixed, twice, untimed, taken;
    bool shown, sorted;
    struct export_losses losses;
};

struct worker {
    struct export_record record;
    struct export_aggregate aggregate;
    struct exposition exposition;
    struct tcore_buf pieces;
};

/* --- a thread's part --- */

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    (void)state;
    struct worker *w = *worker = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    w->aggregate.joint = '_';
    return TCORE_OK;
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct openmetrics *o = state;
    struct worker *w = worker;
    (void)err;
    if (!w)
        return TCORE_OK;
    export_losses_add(&o->losses, &w->record.losses);
    export_losses_add(&o->losses, &w->aggregate.record.losses);
    export_aggregate_free(&w->aggregate);
    export_record_free(&w->record);
    exposition_free(&w->exposition);
    tcore_buf_free(&w->pieces);
    tcore_free(w);
    return TCORE_OK;
}

static void put_piece(struct worker *w)
{
    static const char zeros[8];
    const struct exposition *e = &w->exposition;
    const struct tcore_buf *texts[] = {&e->family, &e->unit, &e->help, &e->labels, &e->lines};
    struct piece piece = {
        .type = (uint8_t)e->type,
        .timed = e->timed,
        .time_ns = e->timed ? e->time_ns : 0,
        .family = (uint32_t)e->family.length,
        .unit = (uint32_t)e->unit.length,
        .help = (uint32_t)e->help.length,
        .labels = (uint32_t)e->labels.length,
        .lines = (uint32_t)e->lines.length,
    };
    size_t length = sizeof piece;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        length += texts[i]->length;
    piece.size = (uint32_t)((length + 7) & ~(size_t)7);
    tcore_buf_append(&w->pieces, &piece, sizeof piece);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tcore_buf_append(&w->pieces, texts[i]->data, texts[i]->length);
        w->pieces.failed |= texts[i]->failed;
    }
    tcore_buf_append(&w->pieces, zeros, piece.size - length);
}

static enum tcore_status take(struct worker *w, const struct tcore_slice *text,
                              struct tcore_error *err)
{
    enum tcore_status status = export_record_parse(&w->record, text, err);
    if (status == TCORE_OK && exposition_put(&w->exposition, &w->record))
        put_piece(w);
    return status;
}

static enum tcore_status take_aggregate(struct worker *w, const struct tcore_slice *text,
                                        struct tcore_error *err)
{
    size_t at = 0;
    struct tcore_slice line;
    enum tcore_status status = export_aggregate_put(&w->aggregate, text, err);
    w->record.losses.number++;
    w->record.whole = TCORE_RECORD_AGGREGATE;
    while (status == TCORE_OK && export_aggregate_next(&w->aggregate, &at, &line))
        status = take(w, &line, err);
    w->record.whole = TCORE_RECORD_NONE;
    return status;
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct worker *w = worker;
    enum tcore_status status = TCORE_OK;
    (void)state;
    (void)out;
    tcore_buf_clear(&w->pieces);
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        const struct tcore_slice *text = &batch->text[rows[i]];
        status = batch->types[rows[i]] == TCORE_RECORD_AGGREGATE ? take_aggregate(w, text, err)
                                                                 : take(w, text, err);
    }
    return status == TCORE_OK ? tcore_buf_status(&w->pieces, err) : status;
}

/* --- in its turn --- */

static const char *keep_text(struct openmetrics *o, const char *text, size_t length)
{
    const char *kept = tcore_arena_copy(&o->arena, text, length);
    return kept ? kept : "";
}

/* TCORE_MAP_NONE: no memory. */
static uint32_t find_family(struct openmetrics *o, const struct piece *piece, const char *texts)
{
    bool added;
    uint32_t number = tcore_map_intern(&o->families, texts, piece->family, &added);
    struct family *room = number == TCORE_MAP_NONE
                              ? NULL
                              : export_room(o->family, &o->family_capacity, number, sizeof *room);
    if (!room)
        return TCORE_MAP_NONE;
    o->family = room;
    struct family *family = &o->family[number];
    const char *unit = texts + piece->family, *help = unit + piece->unit;
    if (added)
        *family = (struct family){(enum exposition_type)piece->type, "", "", false};
    if (!*family->unit && piece->unit)
        family->unit = keep_text(o, unit, piece->unit);
    if (!*family->help && piece->help)
        family->help = keep_text(o, help, piece->help);
    return number;
}

static uint32_t find_series(struct openmetrics *o, uint32_t family, const struct piece *piece,
                            const char *labels)
{
    tcore_buf_clear(&o->key);
    tcore_buf_append(&o->key, &family, sizeof family);
    tcore_buf_append(&o->key, labels, piece->labels);
    return o->key.failed ? TCORE_MAP_NONE
                         : tcore_map_intern(&o->series, o->key.data, o->key.length, NULL);
}

static size_t memory_held(const struct openmetrics *o)
{
    return o->arena.bytes + o->capacity * sizeof *o->point + tcore_map_bytes(&o->series) +
           tcore_map_bytes(&o->families);
}

static enum tcore_status check_memory(const struct openmetrics *o, struct tcore_error *err)
{
    int64_t memory = export_memory(o->cli);
    if (memory_held(o) <= (uint64_t)memory)
        return TCORE_OK;
    return tcore_error_set(
        err, TCORE_FATAL, "the metrics do not fit in %" PRId64 " KiB: give more with --memory=SIZE",
        memory >> 10);
}

static enum tcore_status hold(struct openmetrics *o, const struct piece *piece,
                              struct tcore_error *err)
{
    const char *texts = (const char *)(piece + 1);
    const char *labels = texts + piece->family + piece->unit + piece->help;
    uint32_t family = find_family(o, piece, texts);
    if (family != TCORE_MAP_NONE && o->family[family].type != piece->type) {
        o->mixed++;
        return TCORE_OK;
    }
    uint32_t series = family == TCORE_MAP_NONE ? family : find_series(o, family, piece, labels);
    const char *lines = tcore_arena_copy(&o->arena, labels + piece->labels, piece->lines);
    struct point *room = export_room(o->point, &o->capacity, o->points, sizeof *room);
    if (series == TCORE_MAP_NONE || !lines || !room)
        return tcore_error_nomem(err);
    o->point = room;
    o->point[o->points] = (struct point){family, series,       piece->timed,       piece->time_ns,
                                         lines,  piece->lines, (uint32_t)o->points};
    o->points++;
    return check_memory(o, err);
}

static enum tcore_status hold_all(void *state, void *worker, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    struct openmetrics *o = state;
    struct worker *w = worker;
    enum tcore_status status = TCORE_OK;
    (void)out;
    for (size_t at = 0; at < w->pieces.length && status == TCORE_OK;) {
        const struct piece *piece = (const void *)(w->pieces.data + at);
        status = hold(o, piece, err);
        at += piece->size;
    }
    tcore_buf_clear(&w->pieces);
    return status;
}

/* --- giving out --- */

static int compare_points(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    if (x->timed != y->timed)
        return x->timed ? 1 : -1;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

/* Whether samples of another family have, or may have, the name of this one. */
static bool is_taken(const struct openmetrics *o, const struct tcore_map_key *name)
{
    static const struct {
        const char *suffix;
        unsigned types; /* that have samples with it */
    } suffixes[] = {
        {"_total", 1u << EXPOSITION_COUNTER},
        {"_created",
         1u << EXPOSITION_COUNTER | 1u << EXPOSITION_HISTOGRAM | 1u << EXPOSITION_SUMMARY},
        {"_count", 1u << EXPOSITION_HISTOGRAM | 1u << EXPOSITION_SUMMARY},
        {"_sum", 1u << EXPOSITION_HISTOGRAM | 1u << EXPOSITION_SUMMARY},
        {"_bucket", 1u << EXPOSITION_HISTOGRAM | 1u << EXPOSITION_GAUGE_HISTOGRAM},
        {"_gcount", 1u << EXPOSITION_GAUGE_HISTOGRAM},
        {"_gsum", 1u << EXPOSITION_GAUGE_HISTOGRAM},
    };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t length = strlen(suffixes[i].suffix);
        if (name->length <= length ||
            memcmp(name->data + name->length - length, suffixes[i].suffix, length) != 0)
            continue;
        uint32_t other = tcore_map_find(&o->families, name->data, name->length - length);
        return other != TCORE_MAP_NONE && suffixes[i].types >> o->family[other].type & 1;
    }
    return false;
}

static void sort_points(struct openmetrics *o)
{
    for (uint32_t i = 0; i < o->families.count; i++)
        o->family[i].taken = is_taken(o, &o->families.keys[i]);
    if (o->points)
        qsort(o->point, o->points, sizeof *o->point, compare_points);
    o->sorted = true;
}

static void put_head(const struct openmetrics *o, uint32_t number, struct tcore_buf *out)
{
    static const char *const types[] = {"unknown",   "gauge",          "counter",
                                        "histogram", "gaugehistogram", "summary"};
    const struct family *family = &o->family[number];
    const char *name = o->families.keys[number].data;
    tcore_buf_printf(out, "# TYPE %s %s\n", name, types[family->type]);
    if (*family->unit)
        tcore_buf_printf(out, "# UNIT %s %s\n", name, family->unit);
    if (*family->help) {
        tcore_buf_printf(out, "# HELP %s ", name);
        tcore_buf_puts(out, family->help);
        tcore_buf_putc(out, '\n');
    }
}

/* Of points of one series at one time the last one stays, and those without a time only if all are.
 * The count of those to which the point belongs if it does not stay; NULL: it stays. */
static uint64_t *left_out(struct openmetrics *o, size_t i)
{
    const struct point *p = &o->point[i], *next = p + 1;
    if (o->family[p->family].taken)
        return &o->taken;
    if (i + 1 == o->points || next->family != p->family || next->series != p->series)
        return NULL;
    if (next->timed != p->timed)
        return &o->untimed;
    return next->time_ns == p->time_ns ? &o->twice : NULL;
}

static enum tcore_status give(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct openmetrics *o = state;
    if (!o->sorted)
        sort_points(o);
    struct tcore_buf *text = &o->key;
    tcore_buf_clear(text);
    while (o->written < o->points && text->length < EXPORT_PIECE_BYTES) {
        size_t i = o->written++;
        const struct point *p = &o->point[i];
        uint64_t *count = left_out(o, i);
        if ((!i || p->family != p[-1].family) && count != &o->taken)
            put_head(o, p->family, text);
        if (count)
            ++*count;
        else
            tcore_buf_append(text, p->lines, p->length);
    }
    bool more = o->written < o->points;
    if (!more)
        tcore_buf_puts(text, "# EOF\n");
    export_show(out, text->data, text->length, o->shown);
    enum tcore_status status = tcore_buf_status(text, err);
    return status == TCORE_OK && more ? TCORE_SKIP : status;
}

static void note_count(const struct openmetrics *o, uint64_t count, const char *why)
{
    if (count)
        cli_note(o->cli, "%" PRIu64 " metric record%s left out: %s", count, count == 1 ? "" : "s",
                 why);
}

static void note(const struct openmetrics *o)
{
    export_losses_note(&o->losses, o->cli, "OpenMetrics");
    note_count(o, o->mixed, "the first one of that name is of another type");
    note_count(o, o->taken, "samples of another metric have that name");
    note_count(o, o->twice, "a later one is of the same series and time");
    note_count(o, o->untimed, "others of the series have a time");
}

static void free_all(struct openmetrics *o)
{
    tcore_map_free(&o->families);
    tcore_map_free(&o->series);
    tcore_free(o->family);
    tcore_free(o->point);
    tcore_arena_free(&o->arena);
    tcore_buf_free(&o->key);
    export_losses_free(&o->losses);
}

static int run(struct cli *cli, const struct export_options *options, int argc, char **argv)
{
    static const struct cli_operator operator= {
        .types = 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_AGGREGATE,
        .open = cli_want_text,
        .worker_open = open_worker,
        .batch = take_batch,
        .in_turn = hold_all,
        .worker_close = close_worker,
        .finish = give,
    };
    struct openmetrics o = {.cli = cli, .shown = export_is_shown(cli)};
    int result = CLI_FAILED;
    (void)options;
    if (tcore_map_init(&o.families) != 0 || tcore_map_init(&o.series) != 0)
        cli_error(cli, "the system has no randomness to give");
    else
        result = cli_filter(cli, &operator, & o, argc, argv);
    note(&o);
    free_all(&o);
    return result;
}

const struct export_format export_openmetrics = {"openmetrics", run};
