/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the input of import. Bytes are read behind what is not yet complete, documents are cut
 * off as soon as a chunk's worth is there, or the next read would wait; what is left over moves to
 * the next chunk's buffer.
 */
#include <config.h>

#include "record/import/source.h"

#include "base/sys.h"
#include "stream/source.h"

#include <string.h>

enum {
    READ_BYTES = 1 << 18,
    CHUNK_BYTES = 1 << 18,
    LIST_BYTES = 1 << 20, /* a longer document comes in parts, if it is a list */
    LIMIT_BYTES = 32 << 20,
    WHOLE_FILE_BYTES = 256 << 20
};

struct import_source {
    struct tcore_source *bytes;
    struct import_source_options options;
    struct import_split split;
    import_cut *cut;
    const struct import_format *format;
    struct tcore_buf heading;
    struct tcore_buf rest; /* read, not yet given out */
    bool eof, started;
    struct tcore_error problem; /* why reading ended, told after what came before it */
};

enum tcore_status import_source_open(struct import_source **source, const char *path,
                                     const struct import_source_options *options,
                                     struct tcore_error *err)
{
    uint64_t done, size;
    struct import_source *s = tcore_calloc(1, sizeof(*s));
    if (!s)
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_source_open_until(&s->bytes, path, options->stop_fd, err);
    if (status != TCORE_OK) {
        tcore_free(s);
        return status;
    }
    s->options = *options;
    if (!s->options.chunk_bytes)
        s->options.chunk_bytes = CHUNK_BYTES;
    s->cut = import_split_next;
    s->split.line = 1;
    s->split.limit = options->limit;
    s->split.part_bytes = options->whole_documents ? 0 : s->options.chunk_bytes;
    s->split.list_bytes = options->whole_documents ? 0 : LIST_BYTES;
    if (!options->limit) {
        tcore_source_position(s->bytes, &done, &size);
        s->split.limit = size > LIMIT_BYTES && size <= WHOLE_FILE_BYTES ? size : LIMIT_BYTES;
    }
    *source = s;
    return TCORE_OK;
}

void import_source_free(struct import_source *source)
{
    if (!source)
        return;
    tcore_source_close(source->bytes);
    tcore_buf_free(&source->heading);
    tcore_buf_free(&source->rest);
    tcore_free(source);
}

void import_source_position(const struct import_source *source, uint64_t *done, uint64_t *total)
{
    tcore_source_position(source->bytes, done, total);
}

void import_chunk_free(struct import_chunk *chunk)
{
    tcore_buf_free(&chunk->text);
    tcore_buf_free(&chunk->heading);
    tcore_free(chunk->units);
    *chunk = (struct import_chunk){0};
}

/* A part is the last unit of its chunk, as its last byte is also the first of the next part. */
static bool has_part(const struct import_chunk *chunk)
{
    return chunk->count && chunk->units[chunk->count - 1].part != PART_WHOLE;
}

/* Units; a heading of text into *heading. */
static enum tcore_status add_unit(struct import_chunk *chunk, const struct import_unit *unit,
                                  const char *text, struct tcore_buf *heading,
                                  struct tcore_error *err)
{
    if (unit->heading) {
        tcore_buf_clear(heading);
        tcore_buf_append(heading, text + unit->offset, unit->length);
        return tcore_buf_status(heading, err);
    }
    if (chunk->count == chunk->capacity) {
        size_t capacity = chunk->capacity ? 2 * chunk->capacity : 64;
        void *units = tcore_reallocarray(chunk->units, capacity, sizeof(*unit));
        if (!units)
            return tcore_error_nomem(err);
        chunk->units = units;
        chunk->capacity = capacity;
    }
    chunk->units[chunk->count++] = *unit;
    return TCORE_OK;
}

enum tcore_status import_chunk_cut(struct import_chunk *chunk, import_cut *cut, size_t limit,
                                   struct tcore_error *err)
{
    struct import_split split = {.line = 1, .limit = limit};
    struct import_unit unit;
    enum tcore_status status = TCORE_OK;
    chunk->count = 0;
    chunk->limit = limit;
    while (status == TCORE_OK && cut(&split, chunk->text.data, chunk->text.length, true, &unit))
        status = add_unit(chunk, &unit, chunk->text.data, &chunk->heading, err);
    return status;
}

/* How much lies before the open document, or has been looked at. */
static size_t consumed(const struct import_source *s)
{
    bool open = s->split.state == SPLIT_INSIDE || s->split.state == SPLIT_JUNK;
    return open ? s->split.start : s->split.at;
}

/* Gives the chunk everything before the open document, and keeps that in a buffer of our own. */
static enum tcore_status hand_over(struct import_source *s, struct import_chunk *chunk,
                                   struct tcore_error *err)
{
    size_t keep = consumed(s);
    struct tcore_buf text = s->rest;
    s->rest = chunk->text;
    tcore_buf_clear(&s->rest);
    tcore_buf_append(&s->rest, text.data + keep, text.length - keep);
    const struct import_unit *last = &chunk->units[chunk->count - 1];
    text.length = last->offset + last->length > keep ? last->offset + last->length : keep;
    chunk->text = text;
    import_unit_close(last, chunk->text.data);
    import_split_drop(&s->split, keep);
    tcore_buf_clear(&chunk->heading);
    tcore_buf_append(&chunk->heading, s->heading.data, s->heading.length);
    return chunk->heading.failed ? tcore_error_nomem(err) : tcore_buf_status(&s->rest, err);
}

static enum tcore_status read_more(struct import_source *s, struct tcore_error *err)
{
    char *at = tcore_buf_reserve(&s->rest, READ_BYTES);
    size_t got = 0;
    if (!at)
        return tcore_error_nomem(err);
    if (tcore_source_read(s->bytes, at, READ_BYTES, &got, &s->problem) == TCORE_OK)
        s->problem.status = TCORE_OK;
    s->rest.length += got;
    s->eof = got == 0;
    s->split.more = got == READ_BYTES;
    return TCORE_OK;
}

/* Whether what is left at the end is a document: not if it was cut off by a failure or a signal. */
static bool is_final(const struct import_source *s)
{
    return s->eof && s->problem.status == TCORE_OK && !tcore_source_stopped(s->bytes);
}

/* Blanks, and what goes by of a document that is too long, are not kept. */
static void drop_consumed(struct import_source *s)
{
    if (s->started && consumed(s) == s->rest.length) {
        import_split_drop(&s->split, s->rest.length);
        s->rest.length = 0;
    }
}

enum tcore_status import_source_peek(struct import_source *s, struct tcore_slice *head, bool *whole,
                                     struct tcore_error *err)
{
    enum tcore_status status = s->eof ? TCORE_OK : read_more(s, err);
    *head = (struct tcore_slice){s->rest.data, s->rest.length};
    *whole = s->eof;
    return status;
}

void import_source_set_format(struct import_source *s, const struct import_format *format,
                              import_cut *cut)
{
    s->format = format;
    s->cut = cut;
}

/* Whether so long nothing came that it is time for a clock chunk. */
static bool is_idle(struct import_source *s, const struct import_chunk *chunk)
{
    return s->options.idle_ns && !s->eof && !chunk->count && consumed(s) == s->rest.length &&
           !tcore_source_ready(s->bytes, s->options.idle_ns);
}

static enum tcore_status end(struct import_source *s, struct tcore_error *err)
{
    enum tcore_status status = s->problem.status;
    if (status == TCORE_OK)
        return TCORE_EOF;
    if (err)
        *err = s->problem;
    s->problem.status = TCORE_OK;
    return status;
}

static void skip_byte_order_mark(struct import_source *s)
{
    if (s->rest.length < 3 && !s->eof)
        return;
    s->started = true;
    if (s->rest.length >= 3 && memcmp(s->rest.data, "\xef\xbb\xbf", 3) == 0)
        s->split.at = 3;
}

enum tcore_status import_source_next(struct import_source *s, struct import_chunk *chunk,
                                     struct tcore_error *err)
{
    chunk->count = 0;
    chunk->limit = s->split.limit;
    chunk->format = s->format;
    chunk->live = chunk->clock = false;
    if (!s->started && s->rest.length)
        skip_byte_order_mark(s);
    for (;;) {
        struct import_unit unit;
        enum tcore_status status = TCORE_OK;
        while (s->started && status == TCORE_OK && !has_part(chunk) &&
               s->cut(&s->split, s->rest.data, s->rest.length, is_final(s), &unit))
            status = add_unit(chunk, &unit, s->rest.data, &s->heading, err);
        if (status != TCORE_OK)
            return status;
        if (s->split.more && !tcore_source_ready(s->bytes, 0)) {
            s->split.more = false;
            continue;
        }
        bool waits = !s->eof && chunk->count && !tcore_source_ready(s->bytes, 0);
        if (chunk->count &&
            (consumed(s) >= s->options.chunk_bytes || waits || s->eof || has_part(chunk))) {
            chunk->live = waits;
            return hand_over(s, chunk, err);
        }
        if (s->eof && s->started)
            return end(s, err);
        if (is_idle(s, chunk)) {
            chunk->clock = chunk->live = true;
            chunk->clock_ns = tcore_sys()->wall_ns();
            return TCORE_OK;
        }
        if (!chunk->count)
            drop_consumed(s);
        if (!s->eof && (status = read_more(s, err)) != TCORE_OK)
            return status;
        if (!s->started)
            skip_byte_order_mark(s);
    }
}
