/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cutting an input into chunks: whole lines of NDJSON, about chunk_bytes at a time, or one binary
 * block. What follows the last whole line or block is carried over to the next chunk. A line that
 * outgrows the limit is passed over, never held.
 *
 * Of a plain file only the end of a chunk is looked for under the lock. What is before it is read
 * without, so that threads read at the same time.
 *
 * Lines that could begin no record are held back, up to a chunk of them, until one comes that
 * could: they are the decoder's rejects then. If none ever comes, the input is of another format,
 * which is one error.
 */
#define _GNU_SOURCE
#include "stream/input.h"

#include "base/sys.h"
#include "stream/binary.h"
#include "stream/sniff.h"
#include "stream/source.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    CHUNK_BYTES = 256 << 10,
    PADDING = TCORE_BATCH_PADDING,
    TAIL_BYTES = 4 << 10, /* in which the last line of a chunk should end */
    SNIFF_BYTES = TCORE_SNIFF_BYTES,
    LINE_LIMIT = 32 << 20,
    OVERLONG_KEPT = 4096 /* of a line beyond the limit */
};

struct tcore_input {
    struct tcore_source *source;
    struct tcore_chunk_source *chunks; /* instead of all below: of a repository */
    char *name;                        /* of that; owned */
    struct tcore_input_options options;
    enum tcore_format format;
    pthread_mutex_t lock;
    char *carry; /* read but not yet in a chunk */
    size_t carried, carry_capacity;
    uint64_t sequence;
    bool ended;
    bool in_doubt;              /* no line yet that could begin a record */
    bool text;                  /* but some that is not blank */
    struct tcore_error pending; /* of a failed read, reported after what came before it */
};

static bool chunk_room(struct tcore_chunk *chunk, size_t bytes)
{
    if (chunk->capacity >= bytes + PADDING)
        return true;
    char *data = tcore_realloc(chunk->data, bytes + PADDING);
    if (!data)
        return false;
    chunk->data = data;
    chunk->capacity = bytes + PADDING;
    return true;
}

void tcore_chunk_free(struct tcore_chunk *chunk)
{
    tcore_free(chunk->data);
    if (chunk->columns)
        chunk->columns->free(chunk->columns);
    *chunk = (struct tcore_chunk){0};
}

/* Keeps data for the next chunk. */
static bool carry(struct tcore_input *input, const char *data, size_t length)
{
    if (input->carry_capacity < length) {
        char *memory = tcore_realloc(input->carry, length);
        if (!memory)
            return false;
        input->carry = memory;
        input->carry_capacity = length;
    }
    if (length)
        memmove(input->carry, data, length);
    input->carried = length;
    return true;
}

/* Reads once behind what the chunk has; a failure is put off until the chunk has been used. */
static size_t fill(struct tcore_input *input, struct tcore_chunk *chunk, size_t room)
{
    size_t got = 0;
    if (tcore_source_read(input->source, chunk->data + chunk->length, room, &got, &input->pending))
        got = 0;
    if (!got)
        input->ended = true;
    chunk->length += got;
    return got;
}

/* The rest of a line that is too long is read and forgotten, up to and with its newline. */
static enum tcore_status pass_over(struct tcore_input *input, struct tcore_chunk *chunk,
                                   struct tcore_error *err)
{
    chunk->overlong = chunk->length;
    size_t kept = chunk->length < OVERLONG_KEPT ? chunk->length : OVERLONG_KEPT;
    char first[OVERLONG_KEPT];
    memcpy(first, chunk->data, kept);
    const char *newline = NULL;
    while (!newline && !input->ended) {
        chunk->length = 0;
        size_t got = fill(input, chunk, input->options.chunk_bytes);
        newline = memchr(chunk->data, '\n', got);
        chunk->overlong += newline ? (size_t)(newline - chunk->data) : got;
    }
    if (newline && !carry(input, newline + 1, chunk->length - (size_t)(newline + 1 - chunk->data)))
        return tcore_error_nomem(err);
    memcpy(chunk->data, first, kept);
    chunk->length = kept;
    return TCORE_OK;
}

/* Cuts behind the last newline; what is behind it is carried over. False: there is none. */
static bool cut(struct tcore_input *input, struct tcore_chunk *chunk, size_t searched, bool *nomem)
{
    char *newline = memrchr(chunk->data + searched, '\n', chunk->length - searched);
    if (!newline)
        return false;
    size_t whole = (size_t)(newline + 1 - chunk->data);
    *nomem = !carry(input, newline + 1, chunk->length - whole);
    chunk->length = whole;
    return true;
}

/* A clock record in place of input that does not come. */
static void clock_chunk(struct tcore_chunk *chunk)
{
    int length =
        snprintf(chunk->data, chunk->capacity, "{\"type\":\"clock\",\"timeUnixNano\":\"%lld\"}\n",
                 (long long)tcore_sys()->wall_ns());
    chunk->length = (size_t)length;
    chunk->clock = true;
    chunk->live = true;
}

/* Whether there is still no record among the lines up to `whole`, up to `known` of which were
 * looked at before. */
static bool stays_in_doubt(struct tcore_input *input, const struct tcore_chunk *chunk, size_t known,
                           size_t whole)
{
    if (input->in_doubt && whole > known)
        input->in_doubt = !tcore_sniff_records(chunk->data + known, whole - known, &input->text);
    return input->in_doubt;
}

/* At the end of an input without any line that could begin a record. */
static bool is_unknown(const struct tcore_input *input)
{
    return input->in_doubt && input->text && !input->pending.status &&
           !tcore_source_stopped(input->source);
}

static enum tcore_status next_lines(struct tcore_input *input, struct tcore_chunk *chunk,
                                    struct tcore_error *err)
{
    size_t limit = input->options.line_limit, whole = 0, searched = 0, looked_at = 0;
    bool nomem = false;
    if (!chunk_room(chunk, input->carried + input->options.chunk_bytes))
        return tcore_error_nomem(err);
    if (input->carried)
        memcpy(chunk->data, input->carry, input->carried);
    chunk->length = input->carried;
    input->carried = 0;
    for (;;) {
        /* go on while it costs no waiting and there is room, so that chunks are of a good size */
        char *newline = memrchr(chunk->data + searched, '\n', chunk->length - searched);
        if (newline)
            whole = (size_t)(newline + 1 - chunk->data);
        searched = chunk->length;
        bool full = chunk->length >= input->options.chunk_bytes;
        bool hold = stays_in_doubt(input, chunk, looked_at, whole) && !full;
        looked_at = whole;
        if (input->ended || (whole && !hold && (full || !tcore_source_ready(input->source, 0))))
            break;
        if (!whole && chunk->length > limit) {
            stays_in_doubt(input, chunk, 0, chunk->length);
            return pass_over(input, chunk, err);
        }
        if (!whole && input->options.idle_ns && !chunk->length &&
            !tcore_source_ready(input->source, input->options.idle_ns)) {
            clock_chunk(chunk);
            return TCORE_OK;
        }
        size_t room = full ? chunk->length : input->options.chunk_bytes - chunk->length;
        if (chunk->length + room > limit + input->options.chunk_bytes)
            room = limit + input->options.chunk_bytes - chunk->length;
        if (!chunk_room(chunk, chunk->length + room))
            return tcore_error_nomem(err);
        fill(input, chunk, room);
    }
    if (input->ended && chunk->length && chunk->data[chunk->length - 1] != '\n' &&
        !input->pending.status && !tcore_source_stopped(input->source)) {
        chunk->data[chunk->length++] = '\n'; /* the last line may lack it */
        stays_in_doubt(input, chunk, whole, chunk->length);
        whole = chunk->length;
    }
    if (!input->sequence && input->ended && is_unknown(input))
        return tcore_sniff_refuse(NULL, err);
    if (whole)
        cut(input, chunk, whole - 1, &nomem);
    else
        chunk->length = 0;
    if (nomem)
        return tcore_error_nomem(err);
    if (input->pending.status)
        input->carried = 0; /* half a line before a failure: told by the failure */
    return TCORE_OK;
}

/* One block; stream headers are passed over. */
static enum tcore_status next_block(struct tcore_input *input, struct tcore_chunk *chunk,
                                    struct tcore_error *err)
{
    if (!chunk_room(chunk, input->carried + SNIFF_BYTES))
        return tcore_error_nomem(err);
    if (input->carried)
        memcpy(chunk->data, input->carry, input->carried);
    chunk->length = input->carried;
    input->carried = 0;
    for (;;) {
        size_t bytes = 0;
        bool is_block = false;
        enum tcore_status status = TCORE_EOF;
        if (chunk->length)
            status = tcore_binary_unit(chunk->data, chunk->length, &bytes, &is_block, err);
        if (status == TCORE_OK && chunk->length >= bytes) {
            if (!carry(input, chunk->data + bytes, chunk->length - bytes))
                return tcore_error_nomem(err);
            if (is_block) {
                chunk->length = bytes;
                return TCORE_OK;
            }
            struct tcore_slice provenance;
            status = tcore_binary_header(chunk->data, bytes, &provenance, err);
            if (status != TCORE_OK)
                return status;
            memmove(chunk->data, chunk->data + bytes, chunk->length - bytes);
            chunk->length -= bytes;
            input->carried = 0;
            continue;
        }
        if (status != TCORE_OK && status != TCORE_EOF)
            return status;
        if (input->ended) {
            if (chunk->length && !input->pending.status && !tcore_source_stopped(input->source))
                return tcore_error_set(err, TCORE_BAD_INPUT, "the binary stream is cut short");
            chunk->length = 0;
            return TCORE_OK;
        }
        /* a little more than the block, so that the next one's length comes with it */
        size_t want = (bytes > chunk->length ? bytes - chunk->length : 0) + SNIFF_BYTES;
        if (!chunk_room(chunk, chunk->length + want))
            return tcore_error_nomem(err);
        fill(input, chunk, want);
    }
}

static enum tcore_status next(struct tcore_input *input, struct tcore_chunk *chunk,
                              struct tcore_error *err)
{
    chunk->length = 0;
    chunk->overlong = 0;
    chunk->live = false;
    chunk->clock = false;
    if (input->pending.status && !input->carried) {
        enum tcore_status status = input->pending.status;
        if (err)
            *err = input->pending;
        input->pending.status = TCORE_OK;
        input->ended = true;
        return status;
    }
    if (input->ended && !input->carried) {
        bool unknown = is_unknown(input);
        input->in_doubt = false;
        return unknown ? tcore_sniff_refuse(NULL, err) : TCORE_EOF;
    }
    enum tcore_status status = input->format == TCORE_FORMAT_BINARY ? next_block(input, chunk, err)
                                                                    : next_lines(input, chunk, err);
    if (status) {
        if (err && !err->input)
            err->input = tcore_input_name(input);
        input->ended = true;
        input->carried = 0;
        return status;
    }
    if (!chunk->length && !chunk->overlong)
        return next(input, chunk, err); /* the end, or a failure put off */
    memset(chunk->data + chunk->length, 0, PADDING);
    chunk->sequence = input->sequence++;
    if (!chunk->live)
        chunk->live = !input->ended && !tcore_source_ready(input->source, 0);
    return TCORE_OK;
}

/* A chunk that is yet to be read. */
struct range {
    uint64_t offset;
    size_t length;
};

/* Claims whole lines of a plain file by their place in it, with room for them. False: next() must
 * see to it, because it is no such file, or near its end, or a line is long. */
static bool next_range(struct tcore_input *input, struct tcore_chunk *chunk, struct range *range)
{
    if (input->format != TCORE_FORMAT_NDJSON || input->in_doubt || input->ended ||
        input->pending.status || !tcore_source_detach(input->source) ||
        !chunk_room(chunk, input->options.chunk_bytes + 1))
        return false;
    char tail[TAIL_BYTES];
    size_t got;
    range->offset = tcore_source_mark(input->source) - input->carried;
    if (tcore_source_read_at(input->source, range->offset + input->options.chunk_bytes - TAIL_BYTES,
                             tail, TAIL_BYTES, &got, NULL) ||
        got < TAIL_BYTES)
        return false;
    const char *newline = memrchr(tail, '\n', TAIL_BYTES);
    if (!newline)
        return false;
    range->length = input->options.chunk_bytes - TAIL_BYTES + (size_t)(newline + 1 - tail);
    input->carried = 0;
    tcore_source_set_mark(input->source, range->offset + range->length);
    chunk->overlong = 0;
    chunk->live = chunk->clock = false;
    chunk->sequence = input->sequence++;
    return true;
}

/* Reads it. A failure is put off, as fill() does, so that the chunk keeps its number; a file that
 * has changed meanwhile may end early or in the middle of a line. */
static void read_range(struct tcore_input *input, const struct range *range,
                       struct tcore_chunk *chunk)
{
    struct tcore_error problem = {0};
    enum tcore_status status = tcore_source_read_at(input->source, range->offset, chunk->data,
                                                    range->length, &chunk->length, &problem);
    if (status) {
        const char *newline = memrchr(chunk->data, '\n', chunk->length);
        chunk->length = newline ? (size_t)(newline + 1 - chunk->data) : 0;
        pthread_mutex_lock(&input->lock);
        input->pending = problem;
        input->pending.status = status;
        input->ended = true;
        pthread_mutex_unlock(&input->lock);
    } else if (chunk->length && chunk->data[chunk->length - 1] != '\n') {
        chunk->data[chunk->length++] = '\n';
    }
    memset(chunk->data + chunk->length, 0, PADDING);
}

enum tcore_status tcore_input_next(struct tcore_input *input, struct tcore_chunk *chunk,
                                   struct tcore_error *err)
{
    chunk->apart = chunk->lines = chunk->unmatched = false;
    chunk->rolled_up = 0;
    if (input->chunks)
        return input->chunks->next(input->chunks, chunk, err);
    if (input->options.single)
        return next(input, chunk, err);
    struct range range;
    enum tcore_status status = TCORE_OK;
    pthread_mutex_lock(&input->lock);
    bool apart = next_range(input, chunk, &range);
    if (!apart)
        status = next(input, chunk, err);
    pthread_mutex_unlock(&input->lock);
    if (apart)
        read_range(input, &range, chunk);
    return status;
}

/* Reads until what there is tells the format. */
static enum tcore_status sniff(struct tcore_input *input, struct tcore_error *err)
{
    struct tcore_chunk first = {0};
    struct tcore_sniffed sniffed = {.more = true};
    enum tcore_status status = chunk_room(&first, SNIFF_BYTES) ? TCORE_OK : tcore_error_nomem(err);
    while (!status && sniffed.more) {
        fill(input, &first, SNIFF_BYTES - first.length);
        sniffed = tcore_sniff(first.data, first.length, input->ended);
    }
    input->format = sniffed.format;
    input->in_doubt = sniffed.format == TCORE_FORMAT_NDJSON;
    if (!status && sniffed.foreign)
        status = tcore_sniff_refuse(sniffed.foreign, err);
    if (!status && !carry(input, first.data, first.length))
        status = tcore_error_nomem(err);
    tcore_chunk_free(&first);
    return status;
}

static enum tcore_status open_path(struct tcore_input *in, const char *path,
                                   struct tcore_error *err)
{
    struct stat st;
    bool stored = in->options.open_directory && strcmp(path, "-") != 0 &&
                  ((tcore_sys()->fstatat(AT_FDCWD, path, &st, 0) == 0 && S_ISDIR(st.st_mode)) ||
                   (in->options.is_stored && in->options.is_stored(path)));
    if (stored) {
        in->format = TCORE_FORMAT_BINARY;
        in->name = tcore_strndup(path, strlen(path));
        return in->name ? in->options.open_directory(&in->chunks, path, &in->options, err)
                        : tcore_error_nomem(err);
    }
    enum tcore_status status = tcore_source_open_until(&in->source, path, in->options.stop_fd, err);
    return status ? status : sniff(in, err);
}

enum tcore_status tcore_input_open(struct tcore_input **input, const char *path,
                                   const struct tcore_input_options *options,
                                   struct tcore_error *err)
{
    *input = NULL;
    struct tcore_input *in = tcore_calloc(1, sizeof *in);
    if (!in)
        return tcore_error_nomem(err);
    if (options)
        in->options = *options;
    if (!in->options.line_limit)
        in->options.line_limit = LINE_LIMIT;
    if (!in->options.chunk_bytes)
        in->options.chunk_bytes = CHUNK_BYTES;
    pthread_mutex_init(&in->lock, NULL);
    enum tcore_status status = open_path(in, path, err);
    if (status) {
        if (err)
            err->input = path;
        tcore_input_close(in);
        return status;
    }
    *input = in;
    return TCORE_OK;
}

void tcore_input_close(struct tcore_input *input)
{
    if (!input)
        return;
    tcore_source_close(input->source);
    if (input->chunks)
        input->chunks->close(input->chunks);
    tcore_free(input->name);
    pthread_mutex_destroy(&input->lock);
    tcore_free(input->carry);
    tcore_free(input);
}

const char *tcore_input_name(const struct tcore_input *input)
{
    return input->name ? input->name : tcore_source_name(input->source);
}

enum tcore_format tcore_input_format(const struct tcore_input *input)
{
    return input->format;
}

void tcore_input_position(struct tcore_input *input, uint64_t *done, uint64_t *total)
{
    if (input->chunks)
        input->chunks->position(input->chunks, done, total);
    else
        tcore_source_position(input->source, done, total);
}

const struct tcore_scan_report *tcore_input_report(const struct tcore_input *input)
{
    return input->chunks ? input->chunks->report(input->chunks) : NULL;
}
