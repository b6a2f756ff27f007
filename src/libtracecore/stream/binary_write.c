/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer: each record goes to the columns of its type, and a type's columns become a block when
 * they are full. A record whose text is canonical and takes a known way is taken apart at once;
 * any other is parsed, made canonical, and parsed again if that changed it.
 */
#include "base/sys.h"
#include "model/canonical.h"
#include "stream/binary.h"
#include "stream/binary_block_write.h"
#include "stream/binary_codec.h"
#include "stream/binary_lay.h"

/* What ends a block: bounds a writer's memory, and the time that a pipe waits for it. */
struct limits {
    size_t text_bytes; /* of canonical text */
    size_t values;     /* of all columns */
};

static const struct limits pipe_limits = {BINARY_WRITER_TEXT_BYTES, 786432};
static const struct limits segment_limits = {BINARY_SEGMENT_TEXT_BYTES, 2097152};

struct type_rows {
    struct shape_tree tree;
    char prefix[32]; /* {"type":"span" of the canonical text */
    size_t prefix_length;
    uint64_t oldest;   /* sequence number of its first record that is held */
    size_t text_bytes; /* of the records that are held */
    size_t values;
};

struct tcore_binary_writer {
    struct tcore_buf *out;
    struct type_rows *type[TCORE_RECORD_TYPES]; /* owned; NULL: none came yet */
    struct type_rows *last;                     /* type of the last record */
    uint64_t sequence;
    struct tcore_json json;
    struct tcore_buf canonical;
    struct limits limits;
    bool for_segments, apart, spans_apart;
    unsigned depth_limit;
    uint64_t duplicates;
    struct binary_relations relations;
    bool changed;       /* the canonical text of the record at hand is not its text */
    bool failed;        /* out of memory once: what is held may lack a value */
    uint32_t forgotten; /* blocks of trees that are gone: no number comes twice */
};

static void write_header(struct tcore_buf *out, const char *provenance)
{
    size_t text = provenance ? strlen(provenance) : 0, padded = (text + 7) & ~(size_t)7;
    uint8_t *header = (uint8_t *)tcore_buf_reserve(out, HEADER_BYTES + padded);
    if (!header)
        return;
    memset(header, 0, HEADER_BYTES + padded);
    memcpy(header + HEADER_MAGIC, BINARY_HEADER_MAGIC, BINARY_MAGIC_BYTES);
    binary_put32(header + HEADER_LENGTH, (uint32_t)(HEADER_BYTES + padded));
    header[HEADER_VERSION] = BINARY_VERSION;
    if (text)
        memcpy(header + HEADER_BYTES, provenance, text);
    binary_put64(header + HEADER_TEXT_CHECK, tcore_binary_checksum(header + HEADER_BYTES, padded));
    binary_put64(header + HEADER_CHECK, tcore_binary_checksum(header, HEADER_CHECK));
    out->length += HEADER_BYTES + padded;
}

enum tcore_status tcore_binary_writer_new(struct tcore_binary_writer **writer,
                                          struct tcore_buf *out, const char *provenance,
                                          struct tcore_error *err)
{
    *writer = NULL;
    size_t text = provenance ? strlen(provenance) : 0;
    if (text > BINARY_PROVENANCE_LIMIT || !tcore_binary_is_text(provenance, text, false))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "a provenance that is no UTF-8 or longer than %u bytes",
                               BINARY_PROVENANCE_LIMIT);
    struct tcore_binary_writer *w = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    w->out = out;
    w->limits = pipe_limits;
    w->relations.sums = true;
    w->json.depth_limit = w->depth_limit = BINARY_DEPTH_LIMIT;
    write_header(out, provenance);
    if (out->failed) {
        tcore_free(w);
        return tcore_error_nomem(err);
    }
    *writer = w;
    return TCORE_OK;
}

/* In whichever order they were asked for. */
static void choose_relations(struct tcore_binary_writer *w)
{
    w->relations.sums = !w->spans_apart;
    w->relations.references = w->for_segments && !w->spans_apart;
    w->relations.same = w->for_segments && !w->apart;
    w->relations.traces = w->for_segments && !w->spans_apart;
}

void tcore_binary_writer_for_segments(struct tcore_binary_writer *w)
{
    w->limits = segment_limits;
    w->for_segments = true;
    choose_relations(w);
}

void tcore_binary_writer_limit_depth(struct tcore_binary_writer *w, unsigned depth)
{
    w->depth_limit = w->json.depth_limit = depth < BINARY_DEPTH_LIMIT ? depth : BINARY_DEPTH_LIMIT;
}

uint64_t tcore_binary_writer_duplicates(const struct tcore_binary_writer *w)
{
    return w->duplicates;
}

void tcore_binary_writer_keep_apart(struct tcore_binary_writer *w, bool spans)
{
    w->apart = true;
    w->spans_apart |= spans;
    choose_relations(w);
}

static void free_rows(struct type_rows *rows)
{
    if (rows)
        tcore_shape_free(&rows->tree);
    tcore_free(rows);
}

void tcore_binary_writer_free(struct tcore_binary_writer *w)
{
    if (!w)
        return;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        free_rows(w->type[type]);
    tcore_json_free(&w->json);
    tcore_buf_free(&w->canonical);
    tcore_free(w);
}

/* The rows of a type, made on first use; NULL: out of memory. */
static struct type_rows *rows_of(struct tcore_binary_writer *w, enum tcore_record_type type)
{
    if (w->type[type])
        return w->type[type];
    struct type_rows *rows = tcore_calloc(1, sizeof *rows);
    if (!rows)
        return NULL;
    if (tcore_shape_init(&rows->tree, type) < 0) {
        tcore_free(rows);
        return NULL;
    }
    rows->tree.blocks += w->forgotten;
    /* of values in it, which have the record and perhaps an object around them */
    rows->tree.json.depth_limit = w->depth_limit > 3 ? w->depth_limit - 2 : 1;
    if (binary_type_is_implied(type)) {
        const char *name = tcore_record_type_name(type);
        static const char key[] = "{\"type\":\"";
        memcpy(rows->prefix, key, sizeof key - 1);
        memcpy(rows->prefix + sizeof key - 1, name, strlen(name));
        rows->prefix_length = sizeof key - 1 + strlen(name);
        rows->prefix[rows->prefix_length++] = '"';
    }
    return w->type[type] = rows;
}

static enum tcore_status flush_rows(struct tcore_binary_writer *w, struct type_rows *rows,
                                    struct tcore_error *err)
{
    uint32_t count = rows->tree.column[0].values;
    if (!count)
        return TCORE_OK;
    enum tcore_status status = TCORE_OK;
    if (!tcore_shape_settle(&rows->tree))
        status = tcore_error_nomem(err);
    if (status == TCORE_OK)
        status = tcore_binary_write_block(&rows->tree, rows->text_bytes, w->relations, w->out, err);
    if (status == TCORE_OK && !tcore_shape_next_block(&rows->tree, count))
        status = tcore_error_nomem(err);
    rows->text_bytes = rows->values = 0;
    w->failed |= status != TCORE_OK;
    return status;
}

enum tcore_status tcore_binary_writer_flush(struct tcore_binary_writer *w, struct tcore_error *err)
{
    if (w->failed)
        return tcore_error_nomem(err);
    for (;;) {
        struct type_rows *oldest = NULL;
        for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
            struct type_rows *rows = w->type[type];
            if (rows && rows->tree.column[0].values && (!oldest || rows->oldest < oldest->oldest))
                oldest = rows;
        }
        if (!oldest)
            return TCORE_OK;
        enum tcore_status status = flush_rows(w, oldest, err);
        if (status != TCORE_OK)
            return status;
    }
}

/* Another record is about to get its shape. */
static void begin_record(struct tcore_binary_writer *w, struct type_rows *rows)
{
    if (!rows->tree.column[0].values)
        rows->oldest = w->sequence;
    w->sequence++;
    w->last = rows;
}

/* It has it, or memory was short: what is held is flushed if it is full. */
static enum tcore_status end_record(struct tcore_binary_writer *w, struct type_rows *rows,
                                    bool good, uint32_t values, size_t length,
                                    struct tcore_error *err)
{
    if (!good) {
        w->failed = true;
        return tcore_error_nomem(err);
    }
    rows->text_bytes += length;
    rows->values += values;
    if (rows->tree.column[0].values == BINARY_ROW_LIMIT || rows->values >= w->limits.values ||
        rows->text_bytes >= w->limits.text_bytes || tcore_shape_is_full(&rows->tree))
        return flush_rows(w, rows, err);
    return TCORE_OK;
}

/* Appends the values of the record at hand; what is held is flushed before if it would be too much
 * with it, and behind if it is full. */
static enum tcore_status commit(struct tcore_binary_writer *w, struct type_rows *rows,
                                uint32_t node, size_t length, struct tcore_error *err)
{
    begin_record(w, rows);
    bool good = tcore_shape_commit(&rows->tree, node);
    return end_record(w, rows, good, rows->tree.values, length, err);
}

/* Flushes if a record of that length would make the block too long. */
static enum tcore_status make_room(struct tcore_binary_writer *w, struct type_rows *rows,
                                   size_t length, struct tcore_error *err)
{
    if (rows->text_bytes && length > w->limits.text_bytes - rows->text_bytes)
        return flush_rows(w, rows, err);
    return TCORE_OK;
}

/* The rows whose type the text names, as canonical text does; NULL if that is not certain. */
static struct type_rows *predict_type(struct tcore_binary_writer *w, const char *text,
                                      size_t length)
{
    struct type_rows *rows = w->last;
    if (rows && rows->prefix_length && length > rows->prefix_length &&
        !memcmp(text, rows->prefix, rows->prefix_length))
        return rows;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        rows = w->type[type];
        if (rows && rows->prefix_length && length > rows->prefix_length &&
            !memcmp(text, rows->prefix, rows->prefix_length))
            return rows;
    }
    return NULL;
}

/*
 * Makes the record in text canonical and takes it apart: along a known way if it now takes one,
 * else by parsing it again if that changed it. *length is of the canonical text.
 */
static enum tcore_status canonicalise(struct tcore_binary_writer *w, const char *text,
                                      size_t *length, struct tcore_error *err)
{
    enum tcore_record_type type;
    enum tcore_status status = tcore_json_parse(&w->json, text, *length, err);
    if (status != TCORE_OK)
        return status;
    tcore_buf_clear(&w->canonical);
    status = tcore_record_canonical(&w->json, false, &w->canonical, &type, err);
    if (status != TCORE_OK)
        return status;
    if (w->for_segments && type == TCORE_RECORD_CLOCK)
        return tcore_error_set(err, TCORE_SKIP, "a clock record, which is not kept");
    uint64_t duplicates;
    w->last = rows_of(w, type);
    if (!w->last || tcore_json_duplicates(&w->json, &duplicates) != TCORE_OK)
        return tcore_error_nomem(err);
    w->duplicates += duplicates;
    w->changed = w->canonical.length != *length || memcmp(w->canonical.data, text, *length) != 0;
    *length = w->canonical.length;
    if (*length > BINARY_TEXT_LIMIT)
        return tcore_error_set(err, TCORE_SKIP, "a record of %zu bytes, more than a block holds",
                               *length);
    return TCORE_OK;
}

/* Takes the canonical record apart. */
static enum tcore_status take_apart(struct tcore_binary_writer *w, uint32_t *node,
                                    struct tcore_error *err)
{
    struct shape_tree *tree = &w->last->tree;
    const char *text = w->canonical.data, *end = text + w->canonical.length;
    size_t prefix = w->last->prefix_length;
    if (w->changed) {
        if (prefix && tcore_shape_predict(tree, text + prefix, end, node))
            return TCORE_OK;
        enum tcore_status status = tcore_json_parse(&w->json, text, w->canonical.length, err);
        if (status != TCORE_OK)
            return status;
    }
    if (tcore_shape_walk(tree, &w->json, node))
        return TCORE_OK;
    w->failed = true;
    return tcore_error_nomem(err);
}

static enum tcore_status add_parsed(struct tcore_binary_writer *w, const char *text, size_t length,
                                    struct tcore_error *err)
{
    uint32_t node;
    enum tcore_status status = canonicalise(w, text, &length, err);
    if (status != TCORE_OK)
        return status;
    struct type_rows *rows = w->last;
    bool clock = rows->tree.type == TCORE_RECORD_CLOCK;
    if (clock)
        status = tcore_binary_writer_flush(w, err);
    if (status == TCORE_OK)
        status = make_room(w, rows, length, err);
    if (status == TCORE_OK)
        status = take_apart(w, &node, err);
    if (status == TCORE_OK)
        status = commit(w, rows, node, length, err);
    return clock && status == TCORE_OK ? tcore_binary_writer_flush(w, err) : status;
}

enum tcore_status tcore_binary_writer_try(struct tcore_binary_writer *w, const char *text,
                                          size_t length, struct tcore_error *err)
{
    if (w->failed)
        return tcore_error_nomem(err);
    struct type_rows *rows = predict_type(w, text, length);
    uint32_t node;
    if (!rows || rows->tree.type == TCORE_RECORD_CLOCK || length > BINARY_TEXT_LIMIT)
        return TCORE_EOF;
    enum tcore_status status = make_room(w, rows, length, err);
    if (status != TCORE_OK)
        return status;
    if (!tcore_shape_predict(&rows->tree, text + rows->prefix_length, text + length, &node))
        return TCORE_EOF;
    return commit(w, rows, node, length, err);
}

enum tcore_status tcore_binary_writer_add(struct tcore_binary_writer *w, const char *text,
                                          size_t length, struct tcore_error *err)
{
    enum tcore_status status = tcore_binary_writer_try(w, text, length, err);
    return status == TCORE_EOF ? add_parsed(w, text, length, err) : status;
}

enum tcore_status tcore_binary_row_begin(struct tcore_binary_writer *w,
                                         struct tcore_binary_row *row, enum tcore_record_type type,
                                         size_t most_bytes, struct tcore_error *err)
{
    struct type_rows *rows = w->failed ? NULL : rows_of(w, type);
    if (!rows)
        return tcore_error_nomem(err);
    *row = (struct tcore_binary_row){.tree = &rows->tree,
                                     .length = rows->prefix_length,
                                     .unfit = most_bytes > BINARY_TEXT_LIMIT};
    rows->tree.values = 0;
    return make_room(w, rows, most_bytes, err);
}

enum tcore_status tcore_binary_row_end(struct tcore_binary_writer *w, struct tcore_binary_row *row,
                                       struct tcore_error *err)
{
    struct type_rows *rows = w->type[row->tree->type];
    return row->unfit ? TCORE_EOF : commit(w, rows, row->node, row->length + 1, err);
}

enum tcore_status tcore_binary_row_laid(struct tcore_binary_writer *w, struct tcore_binary_row *row,
                                        uint32_t values, bool good, struct tcore_error *err)
{
    struct type_rows *rows = w->type[row->tree->type];
    begin_record(w, rows);
    good = good && tcore_shape_end_row(row->tree, row->node);
    return end_record(w, rows, good, values, row->length + 1, err);
}

void tcore_binary_writer_forget(struct tcore_binary_writer *w)
{
    uint32_t blocks = w->forgotten;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        const struct type_rows *rows = w->type[type];
        blocks = rows && rows->tree.blocks > blocks ? rows->tree.blocks : blocks;
        free_rows(w->type[type]);
        w->type[type] = NULL;
    }
    w->forgotten = blocks;
    w->last = NULL;
    w->failed = false;
}

enum tcore_status tcore_binary_writer_drop(struct tcore_binary_writer *w, struct tcore_error *err)
{
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        struct type_rows *rows = w->type[type];
        uint32_t count = rows ? rows->tree.column[0].values : 0;
        if (count && !tcore_shape_next_block(&rows->tree, count))
            w->failed = true;
        if (rows)
            rows->text_bytes = rows->values = 0;
    }
    return w->failed ? tcore_error_nomem(err) : TCORE_OK;
}
