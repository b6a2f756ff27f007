/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines into columns: each line goes through the record parser, is held against the few rules that
 * make a record valid, and becomes a row or a reject. A column with several candidate paths, or one
 * that can be derived, is put together when its row is accepted.
 */
#include "stream/ndjson_decode.h"

#include "base/sys.h"
#include "model/id.h"
#include "model/number.h"
#include "stream/ndjson_parse.h"
#include "stream/simd.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ROLE_MASK (((uint64_t)1 << ROLE_COUNT) - 1)
#define TIMES_MASK                                                                                 \
    (1u << ROLE_START | 1u << ROLE_END | 1u << ROLE_TIME | 1u << ROLE_OBSERVED |                   \
     1u << ROLE_WINDOW | 1u << ROLE_STARTED)
#define SPAN_MASK (1u << ROLE_TYPE | 1u << ROLE_TRACE_ID | 1u << ROLE_SPAN_ID)

/* Where a column's values come from. */
struct column_source {
    int *slots; /* candidates, the first that is there wins */
    size_t slot_count;
    bool duration;              /* a span's is end - start where it is absent */
    struct tcore_value *values; /* of the rows */
};

struct ndjson_decoder {
    struct ndjson_shape shape;
    struct ndjson_plan plan;
    struct ndjson_forms forms;
    struct ndjson_parse parse;
    ndjson_parse_function *record;
    ndjson_window_function *look; /* NULL: without windows */
    ndjson_rows_function *plain_rows;
    struct ndjson_window *window;       /* owned */
    struct form_column *form_columns;   /* owned */
    struct tcore_value **column_values; /* of the columns; owned */
    struct tcore_arena strings;
    size_t rows, capacity;
    uint8_t *types;
    uint32_t *lines;
    struct tcore_slice *text; /* NULL if not asked for */
    /* columns */
    struct tcore_column *columns;
    struct column_source *sources;
    size_t column_count;
    int trace_id_slot, span_id_slot, parent_id_slot;
    bool has_id_slots;
    struct tcore_reject *rejects;
    size_t reject_count, reject_capacity;
    uint64_t negative_durations;
    size_t line_limit;
    char overlong[64]; /* the reason why a line beyond the limit is rejected */
};

static bool is_single(const struct tcore_path *path, const char *name)
{
    return path->count == 1 && path->keys[0].length == strlen(name) &&
           !memcmp(path->keys[0].name, name, path->keys[0].length);
}

static bool set_up_column(struct ndjson_decoder *d, const struct tcore_projection_column *column,
                          struct column_source *source)
{
    source->duration = is_single(&column->paths[0], "durationNano");
    source->slots = tcore_calloc(column->path_count, sizeof *source->slots);
    if (!source->slots)
        return false;
    for (size_t i = 0; i < column->path_count; i++) {
        source->slots[i] = tcore_ndjson_shape_slot(&d->shape, &column->paths[i]);
        if (source->slots[i] < 0)
            return false;
    }
    source->slot_count = column->path_count;
    return true;
}

/* The slot of a top-level key if the projection gave it one. */
static int slot_of(struct ndjson_decoder *d, const char *name)
{
    struct shape_key *key = tcore_ndjson_shape_find(&d->shape, d->shape.root, name, strlen(name));
    return key ? key->target.slot : -1;
}

static bool set_up(struct ndjson_decoder *d, const struct tcore_projection *projection)
{
    size_t n = projection->count;
    d->columns = tcore_calloc(n, sizeof *d->columns);
    d->sources = tcore_calloc(n, sizeof *d->sources);
    if (!d->columns || !d->sources)
        return false;
    d->column_count = n;
    for (size_t i = 0; i < n; i++)
        if (!set_up_column(d, &projection->columns[i], &d->sources[i]))
            return false;
    d->parse.values = tcore_calloc(d->shape.slots, sizeof *d->parse.values);
    if (!d->parse.values)
        return false;
    d->trace_id_slot = slot_of(d, "traceId");
    d->span_id_slot = slot_of(d, "spanId");
    d->parent_id_slot = slot_of(d, "parentSpanId");
    d->has_id_slots = d->trace_id_slot >= 0 || d->span_id_slot >= 0 || d->parent_id_slot >= 0;
    return true;
}

static bool set_up_windows(struct ndjson_decoder *d)
{
    d->window = tcore_malloc(sizeof *d->window);
    d->form_columns = tcore_calloc(d->column_count, sizeof *d->form_columns);
    d->column_values = tcore_calloc(d->column_count, sizeof *d->column_values);
    if (!d->window || !d->form_columns || !d->column_values)
        return false;
    for (size_t i = 0; i < d->column_count; i++) {
        const struct column_source *source = &d->sources[i];
        int first = source->slots[0];
        d->form_columns[i] = (struct form_column){
            source->slots, source->slot_count, source->duration,
            first == d->trace_id_slot                                ? TCORE_TRACE_ID
            : first == d->span_id_slot || first == d->parent_id_slot ? TCORE_SPAN_ID
                                                                     : 0};
    }
    d->forms.columns = d->form_columns;
    d->forms.column_count = d->column_count;
    return true;
}

enum tcore_status tcore_ndjson_decoder_new(struct ndjson_decoder **decoder,
                                           const struct tcore_projection *projection,
                                           unsigned depth_limit, size_t line_limit,
                                           struct tcore_error *err)
{
    *decoder = NULL;
    struct ndjson_decoder *d = tcore_calloc(1, sizeof *d);
    if (!d)
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_ndjson_shape_init(&d->shape, err);
    if (status) {
        tcore_free(d);
        return status;
    }
    d->record = tcore_simd_record_parser();
    d->look = tcore_simd_window();
    d->plain_rows = tcore_simd_rows();
    tcore_ndjson_plan_init(&d->plan, d->shape.seed);
    d->parse.shape = &d->shape;
    d->parse.plan = &d->plan;
    d->parse.forms = &d->forms;
    d->parse.arena = &d->strings;
    d->parse.depth_limit = depth_limit;
    d->line_limit = line_limit;
    snprintf(d->overlong, sizeof d->overlong, "the line is longer than the limit of %zu bytes",
             line_limit);
    if (!set_up(d, projection)) {
        tcore_ndjson_decoder_free(d);
        return tcore_error_nomem(err);
    }
    if (d->look && !set_up_windows(d)) {
        tcore_ndjson_decoder_free(d);
        return tcore_error_nomem(err);
    }
    if (projection->text) {
        d->text = tcore_malloc(sizeof *d->text);
        if (!d->text) {
            tcore_ndjson_decoder_free(d);
            return tcore_error_nomem(err);
        }
    }
    *decoder = d;
    return TCORE_OK;
}

void tcore_ndjson_decoder_free(struct ndjson_decoder *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->column_count; i++) {
        tcore_free(d->sources[i].slots);
        tcore_free(d->sources[i].values);
    }
    tcore_free(d->sources);
    tcore_free(d->columns);
    tcore_free(d->parse.values);
    tcore_free(d->types);
    tcore_free(d->lines);
    tcore_free(d->text);
    tcore_free(d->rejects);
    tcore_free(d->window);
    tcore_free(d->form_columns);
    tcore_free(d->column_values);
    tcore_arena_free(&d->strings);
    tcore_ndjson_plan_free(&d->plan);
    tcore_ndjson_forms_free(&d->forms);
    tcore_ndjson_shape_free(&d->shape);
    tcore_free(d);
}

static bool grow_array(void *array, size_t count, size_t bytes)
{
    void *memory = tcore_reallocarray(*(void **)array, count, bytes);
    if (memory)
        *(void **)array = memory;
    return memory != NULL;
}

static bool grow_rows(struct ndjson_decoder *d)
{
    size_t n = d->capacity ? d->capacity * 2 : 512;
    bool ok = grow_array(&d->types, n, sizeof *d->types) &&
              grow_array(&d->lines, n, sizeof *d->lines) &&
              (!d->text || grow_array(&d->text, n, sizeof *d->text));
    for (size_t i = 0; ok && i < d->column_count; i++)
        ok = grow_array(&d->sources[i].values, n, sizeof *d->sources[i].values);
    if (ok)
        d->capacity = n;
    return ok;
}

static enum tcore_record_type type_of(const struct ndjson_parse *parse)
{
    uint64_t roles = parse->roles;
    if (roles & 1u << ROLE_TYPE) {
        const struct tcore_value *type = &parse->role[ROLE_TYPE];
        if (type->len == 4 && !memcmp(type->s, "span", 4))
            return TCORE_RECORD_SPAN;
        return tcore_record_type_find(type->s, type->len);
    }
    if (roles & 1u << ROLE_METRIC_NAME)
        return TCORE_RECORD_METRIC;
    if (roles & 1u << ROLE_EXECUTION_ID)
        return TCORE_RECORD_EXECUTION;
    if (roles & (1u << ROLE_BODY | 1u << ROLE_SEVERITY))
        return TCORE_RECORD_LOG;
    if (roles & 1u << ROLE_SPAN_ID)
        return TCORE_RECORD_SPAN;
    return TCORE_RECORD_NONE;
}

static bool all_zero(const struct tcore_value *id)
{
    for (uint32_t i = 0; i < id->len; i++)
        if (id->s[i] != '0')
            return false;
    return true;
}

/* The record that nearly all are: a span with plain ids and times. Anything else is looked at
 * closer. */
static inline bool plain_span(const struct ndjson_parse *parse)
{
    const struct tcore_value *type = &parse->role[ROLE_TYPE];
    const struct tcore_value *trace_id = &parse->role[ROLE_TRACE_ID];
    const struct tcore_value *span_id = &parse->role[ROLE_SPAN_ID];
    uint32_t roles = (uint32_t)parse->roles;
    return (roles & SPAN_MASK) == SPAN_MASK && !(roles & TIMES_MASK & ~parse->time_checked) &&
           type->kind == TCORE_STRING && type->len == 4 && !memcmp(type->s, "span", 4) &&
           trace_id->kind == TCORE_STRING && is_plain_id(trace_id->s, trace_id->len) &&
           span_id->kind == TCORE_STRING && is_plain_id(span_id->s, span_id->len);
}

/* Why the record at hand is none, or NULL. Brings times that are no plain integers to that form. */
static const char *check(struct ndjson_decoder *d, enum tcore_record_type type)
{
    struct ndjson_parse *parse = &d->parse;
    static const struct {
        enum ndjson_role role;
        const char *reason;
    } times[] = {{ROLE_START, "startTimeUnixNano is not an int64"},
                 {ROLE_END, "endTimeUnixNano is not an int64"},
                 {ROLE_TIME, "timeUnixNano is not an int64"},
                 {ROLE_OBSERVED, "observedTimeUnixNano is not an int64"},
                 {ROLE_WINDOW, "windowStartUnixNano is not an int64"},
                 {ROLE_STARTED, "startedUnixNano is not an int64"}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct tcore_value *v = &parse->role[times[i].role];
        uint32_t bit = (uint32_t)1 << times[i].role;
        if (!(parse->roles & bit) || parse->time_checked & bit || v->kind == TCORE_INT ||
            v->kind == TCORE_NULL)
            continue;
        int64_t ns;
        if (!tcore_value_int64(v, &ns))
            return times[i].reason;
        *v = tcore_value_int(ns);
    }
    if (type == TCORE_RECORD_NONE && !(parse->roles & ROLE_MASK))
        return "neither a type nor a field that decides it (metricName, executionId, body, "
               "severity, spanId)";
    if (type != TCORE_RECORD_SPAN)
        return NULL;
    static const struct {
        enum ndjson_role role;
        const char *missing, *no_string, *zero;
    } ids[] = {
        {ROLE_TRACE_ID, "a span without traceId", "traceId is not a string", "traceId is all zero"},
        {ROLE_SPAN_ID, "a span without spanId", "spanId is not a string", "spanId is all zero"}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct tcore_value *id = &parse->role[ids[i].role];
        if (!(parse->roles & 1u << ids[i].role) || id->kind == TCORE_NULL)
            return ids[i].missing;
        if (id->kind != TCORE_STRING)
            return ids[i].no_string;
        if (*id->s == '0' && all_zero(id))
            return ids[i].zero;
        if (!id->len)
            return ids[i].missing;
    }
    return NULL;
}

static bool normalise_id(struct ndjson_decoder *d, int slot, enum tcore_id_class id)
{
    if (slot < 0)
        return true;
    struct tcore_value *v = &d->parse.values[slot];
    if (v->kind != TCORE_STRING)
        return true;
    if (tcore_id_is_canonical(id, v->s, v->len) && (*v->s != '0' || !all_zero(v)))
        return true;
    char *room = tcore_arena_alloc(&d->strings, (size_t)id + TCORE_BATCH_PADDING);
    if (!room)
        return false;
    if (tcore_id_normalise(id, v->s, v->len, room) == TCORE_ID_ZERO)
        v->kind = TCORE_ABSENT;
    else
        *v = tcore_value_string(room, (size_t)id);
    return true;
}

/* A time that check() has accepted. */
static bool time_value(const struct tcore_value *v, int64_t *ns)
{
    if (v->kind == TCORE_STRING)
        return tcore_parse_int64(v->s, v->len, ns);
    *ns = v->i;
    return v->kind == TCORE_INT;
}

static struct tcore_value derived_duration(struct ndjson_decoder *d)
{
    const struct ndjson_parse *parse = &d->parse;
    const uint64_t both = 1u << ROLE_START | 1u << ROLE_END;
    int64_t start, end, ns;
    if ((parse->roles & both) == both && time_value(&parse->role[ROLE_START], &start) &&
        time_value(&parse->role[ROLE_END], &end)) {
        if (!__builtin_sub_overflow(end, start, &ns) && ns >= 0)
            return tcore_value_int(ns);
        d->negative_durations += end < start;
    }
    return (struct tcore_value){0};
}

/* Ids in canonical form, and the values into the columns. False: out of memory. */
static bool finish_row(struct ndjson_decoder *d, enum tcore_record_type type)
{
    if (d->has_id_slots && (!normalise_id(d, d->trace_id_slot, TCORE_TRACE_ID) ||
                            !normalise_id(d, d->span_id_slot, TCORE_SPAN_ID) ||
                            !normalise_id(d, d->parent_id_slot, TCORE_SPAN_ID)))
        return false;
    for (size_t i = 0; i < d->column_count; i++) {
        const struct column_source *source = &d->sources[i];
        const struct tcore_value *value = &d->parse.values[source->slots[0]];
        for (size_t k = 1; k < source->slot_count && value->kind == TCORE_ABSENT; k++)
            value = &d->parse.values[source->slots[k]];
        if (value->kind == TCORE_ABSENT && source->duration && type == TCORE_RECORD_SPAN)
            source->values[d->rows] = derived_duration(d);
        else
            tcore_value_move(&source->values[d->rows], value);
    }
    return true;
}

static bool reject(struct ndjson_decoder *d, uint64_t line, uint64_t byte, const char *text,
                   size_t length, const char *reason)
{
    if (d->reject_count == d->reject_capacity) {
        size_t n = d->reject_capacity ? d->reject_capacity * 2 : 16;
        if (!grow_array(&d->rejects, n, sizeof *d->rejects))
            return false;
        d->reject_capacity = n;
    }
    d->rejects[d->reject_count++] =
        (struct tcore_reject){.line = line, .byte = byte, .text = {text, length}, .reason = reason};
    return true;
}

/* Returns the last byte of the line, or NULL: out of memory. */
static const char *reject_line(struct ndjson_decoder *d, const char *start, const char *end,
                               uint32_t line, uint64_t byte, const char *reason)
{
    const char *newline = memchr(start, '\n', (size_t)(end - start));
    bool utf16 = !memcmp(start, "\xff\xfe", 2);
    if (!reject(d, line, byte, start, (size_t)(newline - start),
                utf16 ? "the line is UTF-16, not UTF-8" : reason))
        return NULL;
    /* its newline is two bytes, and the second does not spoil the line that follows */
    return utf16 && newline + 1 < end && !newline[1] ? newline + 1 : newline;
}

/* The line from start, which is line `number` of the window (NULL: of none), as a row or a reject.
 * Returns its newline, or NULL: out of memory. */
static const char *decode_line(struct ndjson_decoder *d, const char *start, const char *end,
                               uint32_t line, const struct ndjson_window *window, unsigned number)
{
    struct ndjson_parse *parse = &d->parse;
    const char *p = start;
    if (!memcmp(p, "\xef\xbb\xbf", 3))
        p += 3;
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    if (*p == '\n')
        return p;
    if (d->rows == d->capacity && !grow_rows(d))
        return NULL;
    tcore_ndjson_clear(parse);
    const char *behind = d->record(parse, p, window, number), *stop = behind;
    if (behind) {
        while (*behind == ' ' || *behind == '\t' || *behind == '\r')
            behind++;
        if (*behind != '\n')
            tcore_ndjson_fail(parse, behind, "something follows the record");
    }
    if (!parse->reason && !stop)
        return NULL;
    const char *reason = parse->reason;
    if (!reason && (size_t)(stop - p) > d->line_limit)
        reason = d->overlong; /* shorter than a chunk, so the input did not see it */
    uint64_t byte = parse->reason ? (uint64_t)(parse->error_at - start) + 1 : 0;
    enum tcore_record_type type = TCORE_RECORD_NONE;
    if (!reason && plain_span(parse)) {
        type = TCORE_RECORD_SPAN;
    } else if (!reason) {
        if (parse->roles & 1u << ROLE_TYPE && parse->role[ROLE_TYPE].kind == TCORE_NULL)
            parse->roles &= ~((uint64_t)1 << ROLE_TYPE); /* as if it were not there */
        if (parse->roles & 1u << ROLE_TYPE && parse->role[ROLE_TYPE].kind != TCORE_STRING) {
            reason = "type is not a string";
        } else {
            type = type_of(parse);
            reason = check(d, type);
        }
    }
    if (reason)
        return reject_line(d, start, end, line, byte, reason);
    if (!finish_row(d, type))
        return NULL;
    d->types[d->rows] = (uint8_t)type;
    d->lines[d->rows] = line;
    if (d->text)
        d->text[d->rows] = (struct tcore_slice){p, (size_t)(stop - p)};
    d->rows++;
    return behind;
}

/* The plain rows of a window from line i on. Returns how many; UINT_MAX: out of memory. */
static unsigned take_plain_rows(struct ndjson_decoder *d, unsigned i, uint32_t line)
{
    const struct ndjson_window *w = d->window;
    if (d->forms.worth.rest || d->line_limit < WINDOW_BYTES)
        return 0;
    while (d->capacity - d->rows <= w->lines - i)
        if (!grow_rows(d))
            return UINT_MAX;
    for (size_t k = 0; k < d->column_count; k++)
        d->column_values[k] = d->sources[k].values;
    unsigned n = d->plain_rows(&d->forms, w, i, d->column_values, d->rows);
    memset(d->types + d->rows, TCORE_RECORD_SPAN, n);
    for (unsigned k = 0; k < n; k++)
        d->lines[d->rows + k] = line + k + 1;
    for (unsigned k = 0; d->text && k < n; k++) {
        const char *before = w->base + w->points[w->ends[i + k]];
        const char *newline = w->base + w->points[w->ends[i + k + 1]];
        d->text[d->rows + k] = (struct tcore_slice){before + 1, (size_t)(newline - before - 1)};
    }
    d->rows += n;
    tcore_ndjson_forms_tally(&d->forms, n, n);
    return n;
}

/* The lines of a window. Returns the last newline that was passed, or NULL: out of memory. */
static const char *decode_window(struct ndjson_decoder *d, const char *end, uint32_t *line)
{
    const struct ndjson_window *w = d->window;
    for (unsigned i = 0; i < w->lines;) {
        unsigned n = take_plain_rows(d, i, *line);
        if (n == UINT_MAX)
            return NULL;
        i += n;
        *line += n;
        if (i == w->lines)
            break;
        const char *start = w->base + w->points[w->ends[i]] + 1;
        const char *newline = w->base + w->points[w->ends[i + 1]];
        const char *passed = decode_line(d, start, end, ++*line, w, i++);
        if (passed != newline)
            return passed; /* the line is another one than it seems to be */
    }
    return w->base + w->points[w->ends[w->lines]];
}

/* False: out of memory. */
static bool decode_lines(struct ndjson_decoder *d, const char *p, const char *end, uint32_t *line)
{
    while (p && p < end) {
        bool looks =
            d->look && !(d->forms.worth.rest && d->plan.worth.rest && d->parse.by_key.rest);
        if (looks)
            d->look(d->window, p, end);
        if (looks && d->window->lines)
            p = decode_window(d, end, line);
        else
            p = decode_line(d, p, end, ++*line, NULL, 0);
        p += p != NULL;
    }
    return p != NULL;
}

static void fill_batch(struct ndjson_decoder *d, uint32_t lines, struct tcore_batch *batch)
{
    for (size_t i = 0; i < d->column_count; i++) {
        d->columns[i].form = TCORE_COLUMN_VALUES;
        d->columns[i].values = d->sources[i].values;
    }
    *batch = (struct tcore_batch){.rows = d->rows,
                                  .types = d->types,
                                  .columns = d->columns,
                                  .column_count = d->column_count,
                                  .text = d->text,
                                  .lines = d->lines,
                                  .line_count = lines,
                                  .rejects = d->rejects,
                                  .reject_count = d->reject_count,
                                  .negative_durations = d->negative_durations,
                                  .duplicate_keys = d->parse.duplicate_keys,
                                  .padded = true};
}

enum tcore_status tcore_ndjson_decode(struct ndjson_decoder *d, const struct tcore_chunk *chunk,
                                      struct tcore_batch *batch, struct tcore_error *err)
{
    tcore_arena_reset(&d->strings);
    d->rows = 0;
    d->parse.duplicate_keys = 0;
    d->reject_count = 0;
    d->negative_durations = 0;
    uint32_t line = 0;
    if (chunk->overlong) {
        line = 1;
        if (!reject(d, 1, 0, chunk->data, chunk->length, d->overlong))
            return tcore_error_nomem(err);
    } else {
        if (!decode_lines(d, chunk->data, chunk->data + chunk->length, &line))
            return tcore_error_nomem(err);
    }
    fill_batch(d, line, batch);
    return TCORE_OK;
}
