/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sys.h"
#include "store/digest.h"
#include "store/new_file.h"
#include "store/segment_private.h"
#include "store/tar.h"
#include "stream/binary_format.h"

#include <errno.h>

#define TAIL_BYTES ((size_t)64 << 10) /* read at first: mostly all of the index is in it */
const struct tcore_manifest *tcore_segment_manifest(const struct tcore_segment *segment)
{
    return &segment->manifest;
}

uint64_t tcore_segment_file_bytes(const struct tcore_segment *segment)
{
    return segment->file_bytes;
}

uint64_t tcore_segment_opening_bytes(const struct tcore_segment *segment)
{
    return segment->opening_bytes;
}

uint32_t tcore_segment_frames(const struct tcore_segment *segment)
{
    return segment->members;
}

bool tcore_segment_has_index(const struct tcore_segment *segment)
{
    return segment->footer_at != 0;
}

static enum tcore_status damaged(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged segment: %s", what);
}

/* Exactly so many bytes. */
static enum tcore_status read_at(int fd, uint64_t at, void *to, size_t bytes,
                                 struct tcore_error *err)
{
    ptrdiff_t got = tcore_pread_all(fd, to, bytes, at);
    if (got < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read");
    return (size_t)got == bytes ? TCORE_OK : damaged(err, "it is cut short");
}

/* ---- the index ---- */

/* Takes the frames from the seek table's entries; their sizes must fill the file up to the footer,
 * which is the last of them. */
static enum tcore_status read_entries(struct tcore_segment *s, const uint8_t *entries,
                                      uint32_t count, struct tcore_error *err)
{
    uint64_t at = 0;
    s->frame = tcore_reallocarray(NULL, count, sizeof *s->frame);
    if (!s->frame)
        return tcore_error_nomem(err);
    s->frames = count - 1;
    for (uint32_t i = 0; i < count; i++, entries += SEEK_ENTRY_BYTES) {
        struct frame_place place = {at, binary_get32(entries), binary_get32(entries + 4)};
        bool footer = i == count - 1;
        if (!place.packed || place.content > SEGMENT_CONTENT_LIMIT || place.content % TAR_BYTES ||
            (footer ? place.content || place.packed != FOOTER_BYTES : !place.content))
            return damaged(err, "its seek table");
        if (!footer)
            s->frame[i] = place;
        at += place.packed;
    }
    if (at != s->footer_at + FOOTER_BYTES)
        return damaged(err, "its seek table");
    return TCORE_OK;
}

static bool footer_is_sound(const uint8_t *footer)
{
    static const uint8_t zeros[3];
    return binary_get32(footer + FOOTER_FRAME) == FRAME_SKIPPABLE &&
           binary_get32(footer + FOOTER_SIZE) == FOOTER_BYTES - FOOTER_MAGIC &&
           !memcmp(footer + FOOTER_MAGIC, SEGMENT_FOOTER_MAGIC, 8) &&
           !memcmp(footer + FOOTER_ZERO, zeros, sizeof zeros);
}

/* table: the seek table's frame, with the footer's bytes before it. */
static enum tcore_status read_table(struct tcore_segment *s, const uint8_t *table, size_t bytes,
                                    uint32_t frames, struct tcore_error *err)
{
    memcpy(s->footer, table - FOOTER_BYTES, FOOTER_BYTES);
    if (!footer_is_sound(s->footer))
        return damaged(err, "its footer");
    if (s->footer[FOOTER_VERSION] != SEGMENT_VERSION)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a segment of version %u, and this program knows %d",
                               s->footer[FOOTER_VERSION], SEGMENT_VERSION);
    if (binary_get32(table) != FRAME_SEEKABLE || binary_get32(table + 4) != bytes - SEEK_ENTRIES ||
        table[bytes - 5] ||
        tcore_binary_checksum(table, bytes) != binary_get64(s->footer + FOOTER_TABLE))
        return damaged(err, "its seek table");
    s->members = binary_get32(s->footer + FOOTER_MEMBERS);
    /* the members, the end of the archive, the footer */
    if (frames < 3 || s->members != frames - 2)
        return damaged(err, "its number of members");
    return read_entries(s, table + SEEK_ENTRIES, frames, err);
}

/* Footer and seek table, from the file's end. */
static enum tcore_status read_index(struct tcore_segment *s, struct tcore_error *err)
{
    size_t have = s->file_bytes < TAIL_BYTES ? (size_t)s->file_bytes : TAIL_BYTES;
    size_t least = FOOTER_BYTES + SEEK_ENTRIES + SEEK_FOOTER_BYTES;
    if (have < least)
        return tcore_error_set(err, TCORE_BAD_INPUT, "no segment: too short");
    uint8_t *tail = tcore_malloc(have);
    if (!tail)
        return tcore_error_nomem(err);
    enum tcore_status status = read_at(s->fd, s->file_bytes - have, tail, have, err);
    s->opening_bytes = have;
    uint32_t frames = 0;
    size_t table = 0;
    if (status == TCORE_OK) {
        const uint8_t *end = tail + have;
        frames = binary_get32(end - SEEK_FOOTER_BYTES);
        table = SEEK_ENTRIES + (size_t)frames * SEEK_ENTRY_BYTES + SEEK_FOOTER_BYTES;
        if (binary_get32(end - 4) != SEEKABLE_MAGIC)
            status = tcore_error_set(err, TCORE_BAD_INPUT, "no segment, or cut short");
        else if (frames > SEEK_FRAMES_LIMIT || table > s->file_bytes - FOOTER_BYTES)
            status = damaged(err, "its seek table");
    }
    if (status == TCORE_OK && table + FOOTER_BYTES > have) {
        have = table + FOOTER_BYTES;
        s->opening_bytes += have;
        tcore_free(tail);
        tail = tcore_malloc(have);
        status =
            tail ? read_at(s->fd, s->file_bytes - have, tail, have, err) : tcore_error_nomem(err);
    }
    if (status == TCORE_OK) {
        s->footer_at = s->file_bytes - table - FOOTER_BYTES;
        status = read_table(s, tail + have - table, table, frames, err);
    }
    tcore_free(tail);
    return status;
}

static enum tcore_status read_manifest(struct tcore_segment *s, struct tcore_error *err)
{
    struct tcore_block_reader reader = {0};
    struct tcore_slice text;
    char name[TAR_NAME_BYTES];
    enum tcore_status status =
        tcore_block_reader_member(&reader, s, s->members - 1, name, &text, err);
    if (status == TCORE_OK && strcmp(name, SEGMENT_MANIFEST) != 0)
        status = damaged(err, "its manifest is not where it belongs");
    if (status == TCORE_OK)
        status = tcore_manifest_read(&s->manifest, text.data, text.length, s->members - 1, err);
    if (status == TCORE_OK && memcmp(s->manifest.id, s->footer + FOOTER_ID, SEGMENT_ID_BYTES) != 0)
        status = damaged(err, "its manifest is of another segment");
    s->opening_bytes += reader.bytes_read;
    tcore_block_reader_free(&reader);
    return status;
}

enum tcore_status tcore_segment_begin(struct tcore_segment **segment, int fd,
                                      struct tcore_error *err)
{
    struct stat st;
    struct tcore_segment *s = *segment = tcore_calloc(1, sizeof *s);
    if (!s) {
        tcore_sys()->close(fd);
        return tcore_error_nomem(err);
    }
    s->fd = fd;
    if (tcore_sys()->fstat(fd, &st) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read");
    if (!S_ISREG(st.st_mode))
        return tcore_error_set(err, TCORE_BAD_INPUT, "no regular file");
    s->file_bytes = (uint64_t)st.st_size;
    return TCORE_OK;
}

enum tcore_status tcore_segment_open(struct tcore_segment **segment, int fd,
                                     struct tcore_error *err)
{
    *segment = NULL;
    struct tcore_segment *s;
    enum tcore_status status = tcore_segment_begin(&s, fd, err);
    if (status == TCORE_OK)
        status = read_index(s, err);
    if (status == TCORE_OK)
        status = read_manifest(s, err);
    if (status != TCORE_OK) {
        tcore_segment_close(s);
        return status;
    }
    *segment = s;
    return TCORE_OK;
}

void tcore_segment_close(struct tcore_segment *s)
{
    if (!s)
        return;
    tcore_sys()->close(s->fd);
    tcore_manifest_free(&s->manifest);
    for (size_t i = 0; i < s->key_count; i++)
        tcore_segment_key_free(s->key[i]);
    tcore_free(s->key);
    tcore_free(s->frame);
    tcore_free(s);
}

enum tcore_status tcore_segment_check_digest(const struct tcore_segment *s, struct tcore_error *err)
{
    enum { PIECE = 1 << 20 };
    struct tcore_digest digest;
    uint8_t result[TCORE_DIGEST_BYTES];
    enum tcore_status status = tcore_digest_begin(&digest, err);
    if (status != TCORE_OK)
        return status;
    char *piece = tcore_malloc(PIECE);
    if (!piece)
        return tcore_error_nomem(err);
    uint64_t end = s->footer_at + FOOTER_DIGEST;
    for (uint64_t at = 0; at < end && status == TCORE_OK;) {
        size_t bytes = end - at < PIECE ? (size_t)(end - at) : PIECE;
        status = read_at(s->fd, at, piece, bytes, err);
        if (status == TCORE_OK)
            tcore_digest_add(&digest, piece, bytes);
        at += bytes;
    }
    tcore_free(piece);
    tcore_digest_end(&digest, result);
    if (status == TCORE_OK && memcmp(result, s->footer + FOOTER_DIGEST, sizeof result) != 0)
        return damaged(err, "its digest differs");
    return status;
}

/* ---- members ---- */

void tcore_block_reader_free(struct tcore_block_reader *r)
{
    tcore_unpacker_free(r->unpacker);
    tcore_buf_free(&r->packed);
    tcore_buf_free(&r->opened);
    for (uint32_t i = 0; i < r->piece_count; i++)
        tcore_free(r->piece[i].memory);
    tcore_free(r->piece);
    tcore_free(r->frame);
    *r = (struct tcore_block_reader){0};
}

void tcore_block_reader_rewind(struct tcore_block_reader *r)
{
    r->used = 0;
}

char *tcore_block_reader_memory(struct tcore_block_reader *r, size_t bytes)
{
    if (r->used == r->piece_count) {
        uint32_t count = r->piece_count ? r->piece_count * 2 : 16;
        struct block_piece *piece = tcore_reallocarray(r->piece, count, sizeof *piece);
        if (!piece)
            return NULL;
        memset(piece + r->piece_count, 0, (count - r->piece_count) * sizeof *piece);
        r->piece = piece;
        r->piece_count = count;
    }
    struct block_piece *p = &r->piece[r->used];
    if (p->capacity < bytes + TCORE_BATCH_PADDING) {
        tcore_free(p->memory);
        p->memory = tcore_malloc(bytes + TCORE_BATCH_PADDING);
        p->capacity = p->memory ? bytes + TCORE_BATCH_PADDING : 0;
    }
    if (p->memory)
        r->used++;
    return p->memory;
}

enum tcore_status tcore_block_reader_member(struct tcore_block_reader *r,
                                            const struct tcore_segment *s, uint32_t frame,
                                            char *name, struct tcore_slice *data,
                                            struct tcore_error *err)
{
    size_t bytes;
    if (frame >= s->members)
        return damaged(err, "a member that is not there");
    const struct frame_place *place = &s->frame[frame];
    if (!place->packed)
        return damaged(err, "a member is lost");
    enum tcore_status status = r->unpacker ? TCORE_OK : tcore_unpacker_new(&r->unpacker, err);
    if (status != TCORE_OK)
        return status;
    tcore_buf_clear(&r->packed);
    char *packed = tcore_buf_reserve(&r->packed, place->packed);
    char *content = tcore_block_reader_memory(r, place->content);
    if (!packed || !content)
        return tcore_error_nomem(err);
    status = read_at(s->fd, place->at, packed, place->packed, err);
    if (status == TCORE_OK)
        status =
            tcore_unpacker_unpack(r->unpacker, packed, place->packed, content, place->content, err);
    if (status != TCORE_OK)
        return status;
    r->bytes_read += place->packed;
    memset(content + place->content, 0, TCORE_BATCH_PADDING);
    if (!tcore_tar_parse(content, r->member, &bytes) ||
        TAR_BYTES + bytes + tcore_tar_padding(bytes) != place->content)
        return damaged(err, "a member's header");
    if (name)
        memcpy(name, r->member, sizeof r->member);
    *data = (struct tcore_slice){content + TAR_BYTES, bytes};
    return TCORE_OK;
}

enum tcore_status tcore_block_reader_column(struct tcore_block_reader *r, uint32_t column,
                                            uint32_t bytes, const void **data,
                                            struct tcore_error *err)
{
    struct tcore_slice member;
    if (column >= r->column_count || !r->frame[column])
        return damaged(err, "a column that is not there");
    enum tcore_status status =
        tcore_block_reader_member(r, r->segment, r->frame[column], NULL, &member, err);
    if (status != TCORE_OK)
        return status;
    if (member.length != bytes)
        return damaged(err, "a column of another length");
    *data = member.data;
    return TCORE_OK;
}

/* Which frame each column is in: those with data follow the directory in order. */
static enum tcore_status place_columns(struct tcore_block_reader *r,
                                       const struct tcore_slice *directory, struct tcore_error *err)
{
    const char *prefix = directory->data;
    if (directory->length < BLOCK_BYTES)
        return damaged(err, "a block's directory");
    uint32_t columns = binary_get16(prefix + BLOCK_COLUMNS), frame = 1;
    if (directory->length - BLOCK_BYTES < (size_t)columns * ENTRY_BYTES ||
        binary_get32(prefix + BLOCK_ROWS) != r->block->rows)
        return damaged(err, "a block's directory");
    if (columns > r->frame_capacity) {
        uint32_t *memory = tcore_reallocarray(r->frame, columns, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        r->frame = memory;
        r->frame_capacity = columns;
    }
    r->column_count = columns;
    for (uint32_t i = 0; i < columns; i++) {
        const char *entry = prefix + BLOCK_BYTES + (size_t)i * ENTRY_BYTES;
        bool has_data = binary_get32(entry + ENTRY_LENGTH) != 0 ||
                        (uint8_t)entry[ENTRY_ENCODING] == ENCODING_SEALED;
        r->frame[i] = has_data ? r->block->frame + frame : 0;
        frame += has_data;
    }
    return frame == r->block->frames ? TCORE_OK : damaged(err, "a block's number of columns");
}

enum tcore_status tcore_block_reader_open(struct tcore_block_reader *r,
                                          const struct tcore_segment *segment,
                                          const struct tcore_manifest_block *block,
                                          struct tcore_slice *directory, struct tcore_error *err)
{
    r->segment = segment;
    r->block = block;
    r->used = 0;
    enum tcore_status status =
        tcore_block_reader_member(r, segment, block->frame, NULL, directory, err);
    return status == TCORE_OK ? place_columns(r, directory, err) : status;
}
