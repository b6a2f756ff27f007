/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/segment_check.h"

#include "base/sys.h"

#include <inttypes.h>
#include <stdio.h>

/* Columns of the projection of those that totals are made of. */
enum total_column { TRACE_ID, START, END, STATUS, TOTAL_COLUMNS };

struct checker {
    const struct tcore_segment *segment;
    void (*tell)(void *context, const char *what);
    void *context;
    bool damaged;
    struct tcore_block_reader reader;
    struct tcore_projection projection; /* the text, and what totals are made of */
    size_t column[TOTAL_COLUMNS];
    struct tcore_binary_decoder *decoder, *sums; /* of records, and of totals */
    struct tcore_error *err;
};

static void tell(struct checker *c, const char *where, const char *what)
{
    char text[TCORE_ERROR_TEXT_BYTES + 160];
    snprintf(text, sizeof text, "%s%s%s", where, *where ? ": " : "", what);
    c->tell(c->context, text);
    c->damaged = true;
}

/* Damage is told and gone past; everything else ends the check. */
static enum tcore_status judge(struct checker *c, enum tcore_status status, const char *where,
                               const struct tcore_error *problem)
{
    if (status == TCORE_BAD_INPUT || status == TCORE_SKIP) {
        tell(c, where, problem->text);
        return TCORE_OK;
    }
    if (status != TCORE_OK && c->err)
        *c->err = *problem;
    return status;
}

static enum tcore_status check_members(struct checker *c)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < tcore_segment_frames(c->segment) && status == TCORE_OK; i++) {
        struct tcore_error problem;
        struct tcore_slice data;
        char where[32];
        tcore_block_reader_rewind(&c->reader);
        snprintf(where, sizeof where, "member %" PRIu32, i);
        status =
            judge(c, tcore_block_reader_member(&c->reader, c->segment, i, NULL, &data, &problem),
                  where, &problem);
    }
    return status;
}

static enum tcore_status open_block(struct tcore_binary_columns *columns,
                                    struct tcore_slice *directory, struct tcore_error *err)
{
    struct checker *c = (struct checker *)((char *)columns - offsetof(struct checker, reader));
    return tcore_block_reader_open(&c->reader, c->segment, c->reader.block, directory, err);
}

static enum tcore_status read_column(struct tcore_binary_columns *columns, uint32_t column,
                                     uint32_t bytes, const void **data, struct tcore_error *err)
{
    return tcore_block_reader_column((struct tcore_block_reader *)columns, column, bytes, data,
                                     err);
}

static enum tcore_status unseal_column(struct tcore_binary_columns *columns, uint32_t column,
                                       struct tcore_slice *opened, struct tcore_error *err)
{
    return tcore_block_reader_unseal((struct tcore_block_reader *)columns, column, opened, err);
}

static bool agrees(const struct tcore_manifest_block *entry, const struct tcore_binary_info *info)
{
    return entry->type == info->type && entry->rows == info->rows && entry->timed == info->timed &&
           entry->all_timed == info->all_timed &&
           (!info->timed || (entry->min_ns == info->min_ns && entry->max_ns == info->max_ns));
}

/* ---- totals of traces ---- */

static enum tcore_status project(struct checker *c)
{
    static const char *const names[TOTAL_COLUMNS] = {"traceId", "startTimeUnixNano",
                                                     "endTimeUnixNano", "status"};
    enum tcore_status status = TCORE_OK;
    c->projection.text = true;
    for (int i = 0; i < TOTAL_COLUMNS && status == TCORE_OK; i++) {
        struct tcore_path_key key = {names[i], strlen(names[i])};
        status = tcore_projection_add_path(&c->projection, &key, 1, &c->column[i], c->err);
    }
    return status;
}

static bool is_error(const struct tcore_value *status)
{
    return status->kind == TCORE_STRING && status->len == 5 && !memcmp(status->s, "error", 5);
}

/* False: it is no span that totals could be of. */
static bool add_span(const struct checker *c, const struct tcore_batch *batch, size_t row,
                     struct tcore_trace_sum *sums)
{
    const struct tcore_column *ids = &batch->columns[c->column[TRACE_ID]];
    struct tcore_value start = tcore_column_get(&batch->columns[c->column[START]], row);
    struct tcore_value end = tcore_column_get(&batch->columns[c->column[END]], row);
    struct tcore_value status = tcore_column_get(&batch->columns[c->column[STATUS]], row);
    struct tcore_trace_sum *sum = &sums[ids->form == TCORE_COLUMN_DICT ? ids->codes[row] : 0];
    if (start.kind != TCORE_INT || end.kind != TCORE_INT || end.i < start.i)
        return false;
    sum->start_ns = !sum->spans || start.i < sum->start_ns ? start.i : sum->start_ns;
    sum->end_ns = !sum->spans || end.i > sum->end_ns ? end.i : sum->end_ns;
    sum->spans++;
    sum->errors += is_error(&status);
    return true;
}

static bool are_same(const struct tcore_trace_sum *a, const struct tcore_trace_sum *b)
{
    return a->start_ns == b->start_ns && a->end_ns == b->end_ns && a->spans == b->spans &&
           a->errors == b->errors;
}

/* Whether totals that the block has are those of its records, which are in the batch. */
static enum tcore_status check_sums(struct checker *c, const struct tcore_slice *directory,
                                    const struct tcore_batch *batch, struct tcore_error *err)
{
    struct tcore_batch totals;
    const struct tcore_column *ids = &batch->columns[c->column[TRACE_ID]];
    enum tcore_status status = tcore_binary_decode_sums(c->sums, directory->data, directory->length,
                                                        &c->reader.columns, &totals, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    const struct tcore_trace_sums *said = totals.sums;
    struct tcore_trace_sum *made = tcore_calloc(said->count, sizeof *made);
    if (!made)
        return tcore_error_nomem(err);
    bool same = said->count == ids->value_count;
    for (size_t row = 0; same && row < batch->rows; row++)
        same = add_span(c, batch, row, made);
    for (size_t i = 0; same && i < said->count; i++)
        same = are_same(&made[i], &said->sum[i]);
    tcore_free(made);
    return same ? TCORE_OK
                : tcore_error_set(err, TCORE_BAD_INPUT, "totals of traces are of other spans");
}

/* ---- blocks ---- */

/* Every record of a block, as text: nothing of it is left unread. */
static enum tcore_status check_block(struct checker *c, const struct tcore_manifest_block *entry,
                                     struct tcore_error *err)
{
    struct tcore_slice directory;
    struct tcore_binary_info info;
    struct tcore_batch batch;
    c->reader.block = entry;
    enum tcore_status status = open_block(&c->reader.columns, &directory, err);
    if (status == TCORE_OK)
        status = tcore_binary_block_info(directory.data, &info, err);
    if (status == TCORE_OK && !agrees(entry, &info))
        return tcore_error_set(err, TCORE_BAD_INPUT, "its manifest says something else");
    if (status == TCORE_OK)
        status = tcore_binary_decode(c->decoder, directory.data, directory.length,
                                     &c->reader.columns, &batch, err);
    return status == TCORE_OK ? check_sums(c, &directory, &batch, err) : status;
}

static enum tcore_status check_blocks(struct checker *c)
{
    const struct tcore_manifest *m = tcore_segment_manifest(c->segment);
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < m->block_count && status == TCORE_OK; i++) {
        struct tcore_error problem;
        char where[64];
        snprintf(where, sizeof where, "block %" PRIu32 " (%" PRIu32 " %s records)", i,
                 m->block[i].rows, tcore_record_type_name(m->block[i].type));
        status = judge(c, check_block(c, &m->block[i], &problem), where, &problem);
    }
    return status;
}

static enum tcore_status check(struct checker *c, bool all)
{
    struct tcore_error problem;
    c->reader.columns.read = read_column;
    c->reader.columns.unseal = unseal_column;
    enum tcore_status status = project(c);
    if (status == TCORE_OK)
        status = tcore_binary_decoder_new(&c->decoder, &c->projection, c->err);
    if (status == TCORE_OK)
        status = tcore_binary_decoder_new(&c->sums, &c->projection, c->err);
    if (status == TCORE_OK && all)
        status = judge(c, tcore_segment_check_digest(c->segment, &problem), "", &problem);
    if (status == TCORE_OK && all)
        status = check_members(c);
    if (status == TCORE_OK)
        status = check_blocks(c);
    tcore_binary_decoder_free(c->decoder);
    tcore_binary_decoder_free(c->sums);
    tcore_projection_free(&c->projection);
    tcore_block_reader_free(&c->reader);
    return status == TCORE_OK && c->damaged ? TCORE_BAD_INPUT : status;
}

enum tcore_status tcore_segment_check(const struct tcore_segment *segment,
                                      void (*tell_user)(void *context, const char *what),
                                      void *context, struct tcore_error *err)
{
    struct checker c = {.segment = segment, .tell = tell_user, .context = context, .err = err};
    return check(&c, true);
}

enum tcore_status tcore_segment_check_blocks(const struct tcore_segment *segment,
                                             void (*tell_user)(void *context, const char *what),
                                             void *context, struct tcore_error *err)
{
    struct checker c = {.segment = segment, .tell = tell_user, .context = context, .err = err};
    return check(&c, false);
}
