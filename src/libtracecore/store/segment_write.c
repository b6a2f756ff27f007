/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/segment_write.h"

#include "base/sys.h"
#include "store/digest.h"
#include "store/frame.h"
#include "store/tar.h"
#include "stream/binary_format.h"

#include <errno.h>

#define MANIFEST_LEVEL 3

struct tcore_segment_writer {
    int fd;
    uint64_t bytes; /* written */
    struct tcore_digest digest;
    struct tcore_packer *packer;
    struct tcore_buf table; /* entries of the seek table */
    uint32_t frames;
    uint32_t members;
    struct tcore_manifest manifest;
};

enum tcore_status tcore_segment_writer_new(struct tcore_segment_writer **writer, int fd,
                                           struct tcore_error *err)
{
    *writer = NULL;
    struct tcore_segment_writer *w = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    w->fd = fd;
    enum tcore_status status = tcore_packer_new(&w->packer, err);
    if (status == TCORE_OK)
        status = tcore_digest_begin(&w->digest, err);
    if (status == TCORE_OK && tcore_sys()->random(w->manifest.id, SEGMENT_ID_BYTES) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "no random bytes");
    if (status != TCORE_OK) {
        tcore_segment_writer_free(w);
        return status;
    }
    w->manifest.created_ns = tcore_sys()->wall_ns();
    *writer = w;
    return TCORE_OK;
}

void tcore_segment_writer_free(struct tcore_segment_writer *w)
{
    if (!w)
        return;
    tcore_packer_free(w->packer);
    tcore_buf_free(&w->table);
    tcore_manifest_free(&w->manifest);
    tcore_free(w);
}

const struct tcore_manifest *tcore_segment_contents(const struct tcore_segment_writer *w)
{
    return &w->manifest;
}

uint64_t tcore_segment_bytes(const struct tcore_segment_writer *w)
{
    return w->bytes;
}

enum tcore_status tcore_segment_seal_log(struct tcore_segment_writer *w,
                                         const struct tcore_log_seal *seal, struct tcore_error *err)
{
    if (!seal->last_sequence || seal->last_sequence > INT64_MAX)
        return tcore_error_set(err, TCORE_BAD_INPUT, "a log with an impossible sequence");
    return tcore_manifest_add_seal(&w->manifest, seal) ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status write_bytes(struct tcore_segment_writer *w, const void *data,
                                     size_t length, struct tcore_error *err)
{
    if (tcore_write_all(w->fd, data, length) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot write a segment");
    tcore_digest_add(&w->digest, data, length);
    w->bytes += length;
    return TCORE_OK;
}

static void list_frame(struct tcore_segment_writer *w, size_t packed, size_t content)
{
    uint8_t entry[SEEK_ENTRY_BYTES];
    binary_put32(entry, (uint32_t)packed);
    binary_put32(entry + 4, (uint32_t)content);
    tcore_buf_append(&w->table, entry, sizeof entry);
    w->frames++;
}

enum tcore_status tcore_segment_add(struct tcore_segment_writer *w,
                                    const struct tcore_packed_block *packed,
                                    struct tcore_error *err)
{
    struct tcore_manifest_block entry = packed->entry;
    if (packed->count > SEEK_FRAMES_LIMIT - w->frames)
        return tcore_error_set(err, TCORE_FATAL, "a segment has no room for more columns");
    entry.frame = w->frames;
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        if (!tcore_name_set_merge(&w->manifest.names[kind], &packed->names[kind]))
            return tcore_error_nomem(err);
    if (!tcore_manifest_add_block(&w->manifest, &entry))
        return tcore_error_nomem(err);
    w->manifest.text_bytes += packed->text_bytes;
    for (uint32_t i = 0; i < packed->count; i++)
        list_frame(w, packed->size[i].packed, packed->size[i].content);
    w->members += packed->count;
    return write_bytes(w, packed->frames.data, packed->frames.length, err);
}

/* A frame with exactly this content. */
static enum tcore_status write_frame(struct tcore_segment_writer *w, const char *content,
                                     size_t length, struct tcore_error *err)
{
    struct tcore_buf frame = {0};
    enum tcore_status status =
        tcore_packer_pack(w->packer, content, length, MANIFEST_LEVEL, &frame, err);
    if (status == TCORE_OK) {
        list_frame(w, frame.length, length);
        status = write_bytes(w, frame.data, frame.length, err);
    }
    tcore_buf_free(&frame);
    return status;
}

static enum tcore_status write_manifest(struct tcore_segment_writer *w, struct tcore_error *err)
{
    struct tcore_buf member = {0};
    char *header = tcore_buf_reserve(&member, TAR_BYTES);
    if (!header)
        return tcore_error_nomem(err);
    member.length = TAR_BYTES;
    enum tcore_status status = tcore_manifest_write(&w->manifest, &member, err);
    if (status == TCORE_OK) {
        size_t bytes = member.length - TAR_BYTES, padding = tcore_tar_padding(bytes);
        char *zeros = tcore_buf_reserve(&member, padding);
        if (zeros) {
            memset(zeros, 0, padding);
            member.length += padding;
            tcore_tar_header(member.data, "manifest.json", bytes,
                             w->manifest.created_ns / 1000000000);
            status = write_frame(w, member.data, member.length, err);
            w->members++;
        } else {
            status = tcore_error_nomem(err);
        }
    }
    tcore_buf_free(&member);
    return status;
}

/* The seek table's frame from the entries. */
static bool make_table(const struct tcore_segment_writer *w, struct tcore_buf *table)
{
    uint8_t head[SEEK_ENTRIES], tail[SEEK_FOOTER_BYTES] = {0};
    binary_put32(head, FRAME_SEEKABLE);
    binary_put32(head + 4, (uint32_t)(w->table.length + SEEK_FOOTER_BYTES));
    binary_put32(tail, w->frames);
    binary_put32(tail + 5, SEEKABLE_MAGIC);
    tcore_buf_append(table, head, sizeof head);
    tcore_buf_append(table, w->table.data, w->table.length);
    tcore_buf_append(table, tail, sizeof tail);
    return !table->failed && !w->table.failed;
}

static enum tcore_status write_footer(struct tcore_segment_writer *w, struct tcore_error *err)
{
    uint8_t footer[FOOTER_BYTES] = {0};
    struct tcore_buf table = {0};
    list_frame(w, FOOTER_BYTES, 0);
    if (!make_table(w, &table)) {
        tcore_buf_free(&table);
        return tcore_error_nomem(err);
    }
    binary_put32(footer + FOOTER_FRAME, FRAME_SKIPPABLE);
    binary_put32(footer + FOOTER_SIZE, FOOTER_BYTES - FOOTER_MAGIC);
    memcpy(footer + FOOTER_MAGIC, SEGMENT_FOOTER_MAGIC, 8);
    footer[FOOTER_VERSION] = SEGMENT_VERSION;
    binary_put32(footer + FOOTER_MEMBERS, w->members);
    memcpy(footer + FOOTER_ID, w->manifest.id, SEGMENT_ID_BYTES);
    binary_put64(footer + FOOTER_TABLE, tcore_binary_checksum(table.data, table.length));
    tcore_digest_add(&w->digest, footer, FOOTER_DIGEST);
    tcore_digest_end(&w->digest, footer + FOOTER_DIGEST);
    enum tcore_status status = TCORE_OK;
    if (tcore_write_all(w->fd, footer, sizeof footer) < 0 ||
        tcore_write_all(w->fd, table.data, table.length) < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot write a segment");
    w->bytes += sizeof footer + table.length;
    tcore_buf_free(&table);
    return status;
}

enum tcore_status tcore_segment_finish(struct tcore_segment_writer *w, struct tcore_error *err)
{
    static const char end[TAR_END_BYTES];
    enum tcore_status status = write_manifest(w, err);
    if (status == TCORE_OK)
        status = write_frame(w, end, sizeof end, err);
    if (status == TCORE_OK)
        status = write_footer(w, err);
    return status;
}
