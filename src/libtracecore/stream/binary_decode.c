/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder: one block to one batch, with the columns of a projection and no others. */
#include "base/sys.h"
#include "stream/binary.h"
#include "stream/binary_sources.h"
#include "stream/binary_text.h"
#include "stream/binary_traces.h"

struct tcore_binary_decoder {
    const struct tcore_projection *projection;
    struct binary_reader reader;
    struct binary_sources sources;
    struct tcore_column *columns; /* owned */
    struct tcore_buf text;
    uint8_t *types; /* BINARY_ROW_LIMIT of them, all `type`; owned */
    enum tcore_record_type type;
    struct tcore_value type_value;
    uint64_t negative_durations; /* of the block */
    struct tcore_trace_sums sums;
};

static const struct tcore_path_key start_keys[] = {{"startTimeUnixNano", 17}};
static const struct tcore_path_key end_keys[] = {{"endTimeUnixNano", 15}};

static bool path_is(const struct tcore_path *path, const char *name)
{
    return path->count == 1 && path->keys[0].length == strlen(name) &&
           !memcmp(path->keys[0].name, name, path->keys[0].length);
}

enum tcore_status tcore_binary_decoder_new(struct tcore_binary_decoder **decoder,
                                           const struct tcore_projection *projection,
                                           struct tcore_error *err)
{
    struct tcore_binary_decoder *d = *decoder = tcore_calloc(1, sizeof *d);
    if (!d)
        return tcore_error_nomem(err);
    d->projection = projection;
    d->columns = tcore_calloc(projection->count, sizeof *d->columns);
    d->types = tcore_calloc(BINARY_ROW_LIMIT, sizeof *d->types);
    d->reader.json.depth_limit = BINARY_DEPTH_LIMIT;
    if (d->columns && d->types)
        return TCORE_OK;
    tcore_binary_decoder_free(d);
    *decoder = NULL;
    return tcore_error_nomem(err);
}

void tcore_binary_decoder_free(struct tcore_binary_decoder *d)
{
    if (!d)
        return;
    tcore_free(d->columns);
    tcore_free(d->types);
    tcore_free(d->sources.source);
    tcore_buf_free(&d->text);
    tcore_binary_reader_free(&d->reader);
    tcore_free(d);
}

static enum tcore_status decode_path(struct tcore_binary_decoder *d,
                                     const struct tcore_path_key *keys, struct tcore_column *column,
                                     struct tcore_error *err)
{
    struct tcore_path path = {(struct tcore_path_key *)keys, 1};
    d->sources.count = 0;
    if (!tcore_binary_find_sources(&d->sources, &d->reader.block, &path))
        return tcore_error_nomem(err);
    return tcore_binary_merge(&d->reader, &d->sources, column, err);
}

/* The column in a form where rows can be filled in: INT64 with present, or VALUES. */
static bool make_fillable(struct binary_reader *r, struct tcore_column *column)
{
    size_t rows = r->block.rows, words = (rows + 63) / 64;
    if (column->form == TCORE_COLUMN_VALUES || column->form == TCORE_COLUMN_INT64)
        return true;
    if (column->form == TCORE_COLUMN_CONSTANT) { /* absent */
        uint64_t *present = tcore_binary_pool_get(&r->pool, words, sizeof *present);
        int64_t *ints = tcore_binary_pool_get(&r->pool, rows, sizeof *ints);
        if (!present || !ints)
            return false;
        memset(present, 0, words * sizeof *present);
        *column =
            (struct tcore_column){.form = TCORE_COLUMN_INT64, .ints = ints, .present = present};
        return true;
    }
    struct tcore_value *values = tcore_binary_pool_get(&r->pool, rows, sizeof *values);
    if (!values)
        return false;
    for (size_t row = 0; row < rows; row++)
        values[row] = tcore_column_get(column, row);
    *column = (struct tcore_column){
        .form = TCORE_COLUMN_VALUES, .values = values, .value_count = (uint32_t)rows};
    return true;
}

/* Whether some row may lack the value. */
static bool has_gaps(const struct tcore_column *column)
{
    if (column->form == TCORE_COLUMN_INT64)
        return column->present != NULL;
    if (column->form == TCORE_COLUMN_CONSTANT)
        return column->values[0].kind == TCORE_ABSENT;
    return true;
}

/* Spans that end before they start are counted, and have none. */
static bool duration_at(struct tcore_binary_decoder *d, const struct tcore_column *start,
                        const struct tcore_column *end, size_t row, int64_t *ns)
{
    struct tcore_value from = tcore_column_get(start, row), to = tcore_column_get(end, row);
    if (from.kind != TCORE_INT || to.kind != TCORE_INT)
        return false;
    d->negative_durations += to.i < from.i;
    return !__builtin_sub_overflow(to.i, from.i, ns) && *ns >= 0;
}

/* end - start into the rows that have no durationNano. */
static enum tcore_status derive_durations(struct tcore_binary_decoder *d,
                                          struct tcore_column *column, struct tcore_error *err)
{
    struct tcore_column start, end;
    if (d->reader.block.type != TCORE_RECORD_SPAN || !has_gaps(column))
        return TCORE_OK;
    enum tcore_status status = decode_path(d, start_keys, &start, err);
    if (status == TCORE_OK)
        status = decode_path(d, end_keys, &end, err);
    if (status == TCORE_OK && !make_fillable(&d->reader, column))
        status = tcore_error_nomem(err);
    for (size_t row = 0; status == TCORE_OK && row < d->reader.block.rows; row++) {
        int64_t ns;
        if (column->form == TCORE_COLUMN_VALUES) {
            struct tcore_value *value = (struct tcore_value *)&column->values[row];
            if (value->kind == TCORE_ABSENT && duration_at(d, &start, &end, row, &ns))
                *value = tcore_value_int(ns);
        } else if (!(column->present[row / 64] >> (row % 64) & 1) &&
                   duration_at(d, &start, &end, row, &ns)) {
            ((int64_t *)column->ints)[row] = ns;
            ((uint64_t *)column->present)[row / 64] |= (uint64_t)1 << row % 64;
        }
    }
    return status;
}

static enum tcore_status decode_column(struct tcore_binary_decoder *d, size_t i,
                                       struct tcore_error *err)
{
    const struct tcore_projection_column *wanted = &d->projection->columns[i];
    const struct binary_block *block = &d->reader.block;
    d->sources.count = 0;
    for (size_t k = 0; k < wanted->path_count; k++) {
        if (path_is(&wanted->paths[k], "type") && binary_type_is_implied(block->type) &&
            !d->sources.count) {
            d->columns[i] = (struct tcore_column){
                .form = TCORE_COLUMN_CONSTANT, .values = &d->type_value, .value_count = 1};
            return TCORE_OK;
        }
        if (!tcore_binary_find_sources(&d->sources, block, &wanted->paths[k]))
            return tcore_error_nomem(err);
    }
    enum tcore_status status = tcore_binary_merge(&d->reader, &d->sources, &d->columns[i], err);
    if (status == TCORE_OK && path_is(&wanted->paths[0], "durationNano"))
        status = derive_durations(d, &d->columns[i], err);
    return status;
}

/* The directory; the batch has rows and no columns yet. */
static enum tcore_status begin_block(struct tcore_binary_decoder *d, const char *block,
                                     size_t length, struct tcore_binary_columns *columns,
                                     struct tcore_batch *batch, struct tcore_error *err)
{
    d->reader.pool.used = 0;
    d->negative_durations = 0;
    tcore_arena_reset(&d->reader.arena);
    enum tcore_status status =
        tcore_binary_block_open(&d->reader.block, block, length, columns, err);
    if (status != TCORE_OK)
        return status;
    if (d->type != d->reader.block.type) {
        const char *name = tcore_record_type_name(d->reader.block.type);
        d->type = d->reader.block.type;
        d->type_value = tcore_value_string(name, strlen(name));
        memset(d->types, (int)d->type, BINARY_ROW_LIMIT);
    }
    *batch = (struct tcore_batch){.rows = d->reader.block.rows,
                                  .types = d->types,
                                  .columns = d->columns,
                                  .column_count = d->projection->count};
    return TCORE_OK;
}

enum tcore_status tcore_binary_decode_sums(struct tcore_binary_decoder *d, const char *block,
                                           size_t length, struct tcore_binary_columns *columns,
                                           struct tcore_batch *batch, struct tcore_error *err)
{
    enum tcore_status status = begin_block(d, block, length, columns, batch, err);
    if (status == TCORE_OK)
        status = tcore_binary_read_totals(&d->reader, &d->sums, err);
    batch->sums = &d->sums;
    batch->column_count = 0;
    return status;
}

enum tcore_status tcore_binary_decode(struct tcore_binary_decoder *d, const char *block,
                                      size_t length, struct tcore_binary_columns *columns,
                                      struct tcore_batch *batch, struct tcore_error *err)
{
    enum tcore_status status = begin_block(d, block, length, columns, batch, err);
    for (size_t i = 0; i < d->projection->count && status == TCORE_OK; i++)
        status = decode_column(d, i, err);
    if (status == TCORE_OK && d->projection->text && !d->projection->text_late)
        status =
            tcore_binary_render(&d->reader, BINARY_WHOLE_RECORD, NULL, &d->text, &batch->text, err);
    batch->negative_durations = d->negative_durations;
    return status;
}

enum tcore_status tcore_binary_decoder_text(struct tcore_binary_decoder *d, const bool *wanted,
                                            struct tcore_batch *batch, struct tcore_error *err)
{
    return tcore_binary_render(&d->reader, BINARY_WHOLE_RECORD, wanted, &d->text, &batch->text,
                               err);
}

struct binary_reader *tcore_binary_decoder_reader(struct tcore_binary_decoder *d)
{
    return &d->reader;
}
