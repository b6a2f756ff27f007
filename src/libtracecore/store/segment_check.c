/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/segment_check.h"

#include "base/sys.h"

#include <inttypes.h>
#include <stdio.h>

struct checker {
    const struct tcore_segment *segment;
    void (*tell)(void *context, const char *what);
    void *context;
    bool damaged;
    struct tcore_block_reader reader;
    struct tcore_binary_decoder *decoder;
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
    return status;
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
    static const struct tcore_projection text = {.text = true};
    struct tcore_error problem;
    c->reader.columns.read = read_column;
    c->reader.columns.unseal = unseal_column;
    enum tcore_status status = tcore_binary_decoder_new(&c->decoder, &text, c->err);
    if (status == TCORE_OK && all)
        status = judge(c, tcore_segment_check_digest(c->segment, &problem), "", &problem);
    if (status == TCORE_OK && all)
        status = check_members(c);
    if (status == TCORE_OK)
        status = check_blocks(c);
    tcore_binary_decoder_free(c->decoder);
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
