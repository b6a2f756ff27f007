/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/segment_salvage.h"

#include "base/sys.h"
#include "store/new_file.h"
#include "store/segment_private.h"
#include "store/tar.h"
#include "stream/binary_format.h"

#include <errno.h>
#include <stdlib.h>

#define FRAME_MAGIC       0xfd2fb528u
#define HEADER_BYTES_MOST 18u               /* of a frame */
#define WINDOW_BYTES      ((size_t)4 << 20) /* read at a time, and more for a larger frame */

struct salvage {
    struct tcore_segment *segment;
    struct tcore_unpacker *unpacker;
    char *window; /* of the file, from window_at; owned */
    uint64_t window_at;
    size_t window_bytes, window_capacity;
    char *content; /* of the frame at hand; owned */
    size_t content_capacity;
    /* the block at hand */
    bool in_block;
    char prefix[32]; /* of its members' names */
    struct tcore_buf directory;
    struct frame_place *column; /* by number, 0: not found; BINARY_COLUMN_LIMIT of them; owned */
    struct frame_place directory_place;
    /* what opens sealed columns */
    struct frame_place keys; /* packed 0: not found */
    bool has_id;             /* of the segment, in its manifest */
    struct tcore_error *err;
};

/* ---- the window ---- */

/* Makes bytes of the file from at on available, fewer at its end. NULL: err. */
static const char *look_at(struct salvage *s, uint64_t at, size_t bytes, size_t *have)
{
    uint64_t left = s->segment->file_bytes - at;
    bytes = bytes < left ? bytes : (size_t)left;
    if (at < s->window_at || at + bytes > s->window_at + s->window_bytes) {
        size_t wanted = bytes > WINDOW_BYTES ? bytes : WINDOW_BYTES;
        if (wanted > s->window_capacity) {
            tcore_free(s->window);
            s->window_bytes = s->window_capacity = 0;
            s->window = tcore_malloc(wanted);
            if (!s->window) {
                tcore_error_nomem(s->err);
                return NULL;
            }
            s->window_capacity = wanted;
        }
        ptrdiff_t got = tcore_pread_all(s->segment->fd, s->window, wanted, at);
        if (got < 0) {
            tcore_error_errno(s->err, TCORE_FATAL, errno, "cannot read");
            return NULL;
        }
        s->window_at = at;
        s->window_bytes = (size_t)got;
        bytes = bytes < s->window_bytes ? bytes : s->window_bytes;
    }
    *have = bytes;
    return s->window + (at - s->window_at);
}

/* ---- blocks ---- */

static bool append_place(struct tcore_segment *segment, const struct frame_place *place)
{
    if (segment->frames == segment->frame_capacity) {
        uint32_t capacity = segment->frame_capacity ? segment->frame_capacity * 2 : 64;
        struct frame_place *frame = tcore_reallocarray(segment->frame, capacity, sizeof *frame);
        if (!frame)
            return false;
        segment->frame = frame;
        segment->frame_capacity = capacity;
    }
    segment->frame[segment->frames++] = *place;
    return true;
}

/* Lists the block at hand: its directory and each column that has data, found or not. */
static enum tcore_status end_block(struct salvage *s)
{
    struct tcore_segment *segment = s->segment;
    struct tcore_binary_info info;
    const char *prefix = s->directory.data;
    if (!s->in_block)
        return TCORE_OK;
    s->in_block = false;
    uint32_t columns = binary_get16(prefix + BLOCK_COLUMNS);
    if (columns > BINARY_COLUMN_LIMIT ||
        s->directory.length < BLOCK_BYTES + (size_t)columns * ENTRY_BYTES ||
        tcore_binary_block_info(prefix, &info, NULL) != TCORE_OK || !info.rows)
        return TCORE_OK;
    struct tcore_manifest_block block = {.type = info.type,
                                         .rows = info.rows,
                                         .frame = segment->frames,
                                         .timed = info.timed,
                                         .all_timed = info.all_timed,
                                         .min_ns = info.min_ns,
                                         .max_ns = info.max_ns};
    bool done = append_place(segment, &s->directory_place);
    for (uint32_t i = 0; i < columns && done; i++)
        if (binary_get32(prefix + BLOCK_BYTES + (size_t)i * ENTRY_BYTES + ENTRY_LENGTH) ||
            (uint8_t)prefix[BLOCK_BYTES + (size_t)i * ENTRY_BYTES + ENTRY_ENCODING] ==
                ENCODING_SEALED)
            done = append_place(segment, &s->column[i]);
    block.frames = segment->frames - block.frame;
    segment->manifest.text_bytes += binary_get32(prefix + BLOCK_TEXT);
    return done && tcore_manifest_add_block(&segment->manifest, &block) ? TCORE_OK
                                                                        : tcore_error_nomem(s->err);
}

static enum tcore_status begin_block(struct salvage *s, const char *prefix, size_t prefix_length,
                                     const struct frame_place *place, const char *data,
                                     size_t length)
{
    size_t bytes;
    bool is_block;
    enum tcore_status status = end_block(s);
    if (status != TCORE_OK || length < BLOCK_BYTES || prefix_length >= sizeof s->prefix ||
        tcore_binary_unit(data, length, &bytes, &is_block, NULL) != TCORE_OK || !is_block)
        return status;
    tcore_buf_clear(&s->directory);
    tcore_buf_append(&s->directory, data, length);
    memcpy(s->prefix, prefix, prefix_length);
    s->prefix[prefix_length] = '\0';
    memset(s->column, 0, BINARY_COLUMN_LIMIT * sizeof *s->column);
    s->directory_place = *place;
    s->in_block = true;
    return tcore_buf_status(&s->directory, s->err);
}

/* Either of the places that have the segment's id. */
static void take_id(struct salvage *s, const uint8_t *id)
{
    memcpy(s->segment->manifest.id, id, SEGMENT_ID_BYTES);
    s->has_id = true;
}

/* A member that is of the segment as a whole. */
static enum tcore_status take_whole(struct salvage *s, const char *name,
                                    const struct frame_place *place, const char *data,
                                    size_t length)
{
    struct tcore_manifest manifest = {0};
    enum tcore_status status = TCORE_OK;
    if (!strcmp(name, SEGMENT_KEYS))
        s->keys = *place;
    if (strcmp(name, SEGMENT_MANIFEST) != 0)
        return TCORE_OK;
    status = tcore_manifest_read(&manifest, data, length, SEEK_FRAMES_LIMIT, NULL);
    if (status == TCORE_OK)
        take_id(s, manifest.id);
    tcore_manifest_free(&manifest);
    return status == TCORE_FATAL ? tcore_error_nomem(s->err) : TCORE_OK;
}

/* A member, by its name: TYPE-TAG/directory, TYPE-TAG/NUMBER.KEY, or something else. */
static enum tcore_status take_member(struct salvage *s, const char *name,
                                     const struct frame_place *place, const char *data,
                                     size_t length)
{
    const char *slash = strchr(name, '/');
    if (!slash)
        return take_whole(s, name, place, data, length);
    size_t prefix = (size_t)(slash - name);
    if (!strcmp(slash, "/directory"))
        return begin_block(s, name, prefix, place, data, length);
    char *end;
    unsigned long number = strtoul(slash + 1, &end, 10);
    if (s->in_block && strlen(s->prefix) == prefix && !memcmp(s->prefix, name, prefix) &&
        *end == '.' && number < BINARY_COLUMN_LIMIT)
        s->column[number] = *place;
    return TCORE_OK;
}

/* ---- frames ---- */

static char *content_room(struct salvage *s, size_t bytes)
{
    if (bytes > s->content_capacity) {
        tcore_free(s->content);
        s->content = tcore_malloc(bytes);
        s->content_capacity = s->content ? bytes : 0;
    }
    return s->content;
}

/* The frame at that place, if there is a whole one with a member in it: *bytes is its length then,
 * and 0 otherwise. */
static enum tcore_status take_frame(struct salvage *s, uint64_t at, size_t *bytes)
{
    size_t have, content, length;
    char name[TAR_NAME_BYTES];
    *bytes = 0;
    const char *frame = look_at(s, at, HEADER_BYTES_MOST, &have);
    if (!frame)
        return TCORE_FATAL;
    if (!tcore_frame_content(s->unpacker, frame, have, &content) ||
        content > SEGMENT_CONTENT_LIMIT || content % TAR_BYTES || !content)
        return TCORE_OK;
    frame = look_at(s, at, tcore_frame_bound(s->unpacker, content), &have);
    if (!frame)
        return TCORE_FATAL;
    size_t packed = tcore_frame_length(s->unpacker, frame, have);
    if (!packed || packed > UINT32_MAX)
        return TCORE_OK;
    if (!content_room(s, content))
        return tcore_error_nomem(s->err);
    enum tcore_status status =
        tcore_unpacker_unpack(s->unpacker, frame, packed, s->content, content, NULL);
    if (status != TCORE_OK)
        return status == TCORE_BAD_INPUT ? TCORE_OK : status;
    *bytes = packed;
    struct frame_place place = {at, (uint32_t)packed, (uint32_t)content};
    if (!tcore_tar_parse(s->content, name, &length) || length > content - TAR_BYTES)
        return TCORE_OK; /* the end of the archive */
    return take_member(s, name, &place, s->content + TAR_BYTES, length);
}

/* The footer at that place, of which only the id counts: *bytes as above. */
static enum tcore_status take_footer(struct salvage *s, uint64_t at, size_t *bytes)
{
    size_t have;
    const char *footer = look_at(s, at, FOOTER_BYTES, &have);
    *bytes = 0;
    if (!footer)
        return TCORE_FATAL;
    if (have < FOOTER_BYTES || binary_get32(footer + FOOTER_FRAME) != FRAME_SKIPPABLE ||
        memcmp(footer + FOOTER_MAGIC, SEGMENT_FOOTER_MAGIC, 8) != 0 ||
        footer[FOOTER_VERSION] != SEGMENT_VERSION)
        return TCORE_OK;
    if (!s->has_id)
        take_id(s, (const uint8_t *)footer + FOOTER_ID);
    *bytes = FOOTER_BYTES;
    return TCORE_OK;
}

/* Where the next frame may begin, from at on: the end of the file if none does. */
static enum tcore_status find_magic(struct salvage *s, uint64_t at, uint64_t *found)
{
    while (at + 4 <= s->segment->file_bytes) {
        size_t have;
        const char *data = look_at(s, at, WINDOW_BYTES / 2, &have);
        if (!data)
            return TCORE_FATAL;
        if (have < 4)
            break;
        for (size_t i = 0; i + 4 <= have; i++)
            if (binary_get32(data + i) == FRAME_MAGIC) {
                *found = at + i;
                return TCORE_OK;
            }
        at += have - 3;
    }
    *found = s->segment->file_bytes;
    return TCORE_OK;
}

static enum tcore_status go_through(struct salvage *s)
{
    uint64_t at = 0, end = s->segment->file_bytes;
    enum tcore_status status = TCORE_OK;
    while (at < end && status == TCORE_OK) {
        size_t bytes;
        status = take_frame(s, at, &bytes);
        if (status == TCORE_OK && !bytes)
            status = take_footer(s, at, &bytes);
        if (status == TCORE_OK && bytes)
            at += bytes;
        else if (status == TCORE_OK)
            status = find_magic(s, at + 1, &at);
    }
    return status == TCORE_OK ? end_block(s) : status;
}

/* The wrapped keys go behind the blocks; without the id they open nothing. */
static enum tcore_status end_keys(struct salvage *s)
{
    if (!s->keys.packed || !s->has_id || !s->segment->manifest.block_count)
        return TCORE_OK;
    s->segment->manifest.keys = s->segment->frames;
    return append_place(s->segment, &s->keys) ? TCORE_OK : tcore_error_nomem(s->err);
}

static enum tcore_status salvage(struct tcore_segment *segment, struct tcore_error *err)
{
    struct salvage s = {.segment = segment, .err = err};
    enum tcore_status status = tcore_unpacker_new(&s.unpacker, err);
    s.column = tcore_calloc(BINARY_COLUMN_LIMIT, sizeof *s.column);
    if (status == TCORE_OK)
        status = s.column ? go_through(&s) : tcore_error_nomem(err);
    if (status == TCORE_OK)
        status = end_keys(&s);
    segment->salvaged = true;
    tcore_unpacker_free(s.unpacker);
    tcore_free(s.column);
    tcore_free(s.window);
    tcore_free(s.content);
    tcore_buf_free(&s.directory);
    segment->members = segment->frames;
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        segment->manifest.names[kind].incomplete = true;
    if (status == TCORE_OK && !segment->manifest.block_count)
        return tcore_error_set(err, TCORE_BAD_INPUT, "nothing in it can be read");
    return status;
}

enum tcore_status tcore_segment_salvage(struct tcore_segment **segment, int fd,
                                        struct tcore_error *err)
{
    *segment = NULL;
    struct tcore_segment *s;
    enum tcore_status status = tcore_segment_begin(&s, fd, err);
    if (status == TCORE_OK)
        status = salvage(s, err);
    if (status != TCORE_OK) {
        tcore_segment_close(s);
        return status;
    }
    *segment = s;
    return TCORE_OK;
}
