/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/keeper.h"

#include "base/sys.h"
#include "store/replace.h"

const struct keeper_limits keeper_default_limits = {
    .records = 1000000,
    .text_bytes = (uint64_t)256 << 20,
    .age_ns = (int64_t)15 * 60 * 1000000000,
};

enum tcore_status keeper_open(struct keeper *k, const char *path, struct tcore_error *err)
{
    *k = (struct keeper){.limits = keeper_default_limits, .open_dir = -1, .quarantine_dir = -1};
    enum tcore_status status = TCORE_OK;
    if (!tcore_is_directory(path))
        status = tcore_repository_create(path, err);
    if (status == TCORE_OK)
        status = tcore_repository_open(&k->repository, path, err);
    if (status == TCORE_BAD_INPUT && tcore_repository_create(path, NULL) == TCORE_OK)
        status = tcore_repository_open(&k->repository, path, err); /* it was empty */
    if (status == TCORE_OK) /* what interrupted upkeep has left */
        tcore_replacements_recover(k->repository);
    if (status == TCORE_OK)
        status = tcore_block_packer_new(&k->packer, err);
    if (status == TCORE_OK)
        status = tcore_binary_writer_new(&k->writer, &k->gathered, NULL, err);
    if (status == TCORE_OK) {
        tcore_binary_writer_for_segments(k->writer);
        tcore_buf_clear(&k->gathered); /* no header */
    }
    return status;
}

void keeper_use(struct keeper *k, const struct policy *policy, const struct tcore_labels *labels)
{
    k->limits = (struct keeper_limits){.records = (uint64_t)policy->segment_records,
                                       .text_bytes = (uint64_t)policy->segment_bytes,
                                       .age_ns = policy->segment_age_ns};
    k->durability = policy->durability == POLICY_DURABLE_NONE     ? KEEPER_NONE
                    : policy->durability == POLICY_DURABLE_RECORD ? KEEPER_RECORD
                                                                  : KEEPER_SEGMENT;
    k->labels = labels;
    tcore_block_packer_set_labels(k->packer, labels);
    if (labels)
        tcore_binary_writer_keep_apart(k->writer, tcore_labels_relate(labels));
}

void keeper_close(struct keeper *k)
{
    keeper_await(k, true, NULL);
    if (k->open)
        tcore_sealing_drop(&k->sealing);
    keeper_close_logs(k);
    tcore_binary_writer_free(k->writer);
    tcore_buf_free(&k->gathered);
    tcore_block_packer_free(k->packer);
    tcore_repository_close(k->repository);
}

enum tcore_status keeper_pack(struct tcore_block_packer *packer, struct tcore_buf *blocks,
                              enum tcore_status (*use)(void *context,
                                                       struct tcore_packed_block *packed,
                                                       struct tcore_error *err),
                              void *context, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t at = 0, bytes; at < blocks->length && status == TCORE_OK; at += bytes) {
        struct tcore_packed_block packed = {0};
        bool is_block;
        status = tcore_binary_unit(blocks->data + at, blocks->length - at, &bytes, &is_block, err);
        if (status == TCORE_OK)
            status = tcore_pack_block(packer, blocks->data + at, bytes, &packed, err);
        if (status == TCORE_OK)
            status = use(context, &packed, err);
        tcore_packed_block_free(&packed);
    }
    tcore_buf_clear(blocks);
    return status;
}

/* ---- the segment at hand ---- */

static uint64_t records_at_hand(const struct keeper *k)
{
    const struct tcore_manifest *contents = tcore_segment_contents(k->sealing.writer);
    uint64_t records = 0;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        records += contents->records[type];
    return records;
}

static bool has_logs(const struct keeper *k)
{
    return k->log || k->claims;
}

/* Nothing is gathered, if there are logs. */
static enum tcore_status seal(struct keeper *k, struct tcore_error *err)
{
    enum tcore_status before = keeper_await(k, true, err);
    if (before != TCORE_OK)
        return before;
    if (!k->open)
        return keeper_drop_logs(k, err);
    uint64_t records = records_at_hand(k) - k->from_logs;
    enum tcore_status status = keeper_seal_logs(k, err);
    if (status != TCORE_OK)
        return status;
    k->open = false;
    /* A log of another may be on disk: it cannot go before what takes its place is. */
    k->sealing.unsynced = k->durability == KEEPER_NONE && !has_logs(k);
    status = tcore_sealing_seal(&k->sealing, err);
    if (status != TCORE_OK)
        return status;
    k->durable += records;
    k->from_logs = 0;
    k->segments++;
    return keeper_drop_logs(k, err);
}

static bool is_full(const struct keeper *k)
{
    return records_at_hand(k) >= k->limits.records ||
           tcore_segment_contents(k->sealing.writer)->text_bytes >= k->limits.text_bytes;
}

static enum tcore_status put_block(void *context, struct tcore_packed_block *packed,
                                   struct tcore_error *err)
{
    struct keeper *k = context;
    enum tcore_status status = TCORE_OK;
    if (!k->open) {
        status = tcore_sealing_begin(&k->sealing, k->repository, err);
        if (status != TCORE_OK)
            return status;
        tcore_segment_set_labels(k->sealing.writer, k->labels);
        k->open = true;
        k->opened_ns = k->held ? k->held_since_ns : tcore_sys()->monotonic_ns();
    }
    status = tcore_segment_add(k->sealing.writer, packed, err);
    if (status != TCORE_OK || !is_full(k) || has_logs(k))
        return status;
    if (!k->behind.allowed)
        return seal(k, err);
    k->sealing.unsynced = k->durability == KEEPER_NONE;
    return keeper_seal_behind(k, records_at_hand(k) - k->from_logs, err);
}

/* ---- what is gathered ---- */

static enum tcore_status put_gathered(struct keeper *k, bool all, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (all && k->held)
        status = tcore_binary_writer_flush(k->writer, err);
    if (status == TCORE_OK && k->gathered.length)
        status = keeper_pack(k->packer, &k->gathered, put_block, k, err);
    if (all)
        k->held = 0;
    return status;
}

enum tcore_status keeper_add(struct keeper *k, const struct tcore_slice *text,
                             struct tcore_error *err)
{
    enum tcore_status status = tcore_binary_writer_add(k->writer, text->data, text->length, err);
    if (status != TCORE_OK)
        return status;
    if (!k->held++)
        k->held_since_ns = tcore_sys()->monotonic_ns();
    k->taken++;
    return k->gathered.length ? put_gathered(k, false, err) : TCORE_OK;
}

enum tcore_status keeper_add_block(struct keeper *k, const struct tcore_packed_block *block,
                                   struct tcore_error *err)
{
    enum tcore_status status = k->held ? put_gathered(k, true, err) : TCORE_OK;
    k->taken += block->entry.rows;
    return status == TCORE_OK ? put_block(k, (struct tcore_packed_block *)block, err) : status;
}

enum tcore_status keeper_tend(struct keeper *k, struct tcore_error *err)
{
    int64_t now = tcore_sys()->monotonic_ns();
    bool old = (k->open && now - k->opened_ns >= k->limits.age_ns) ||
               (k->held && now - k->held_since_ns >= k->limits.age_ns) ||
               k->held >= k->limits.records;
    bool full = k->open && is_full(k); /* while there were logs */
    return old || full ? keeper_finish(k, err) : keeper_await(k, false, err);
}

enum tcore_status keeper_finish(struct keeper *k, struct tcore_error *err)
{
    enum tcore_status status = put_gathered(k, true, err);
    return status == TCORE_OK ? seal(k, err) : status;
}
