/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/segment_write.h"

#include "base/sys.h"
#include "store/digest.h"
#include "store/frame.h"
#include "store/new_file.h"
#include "store/segment_private.h"
#include "store/tar.h"
#include "stream/binary_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define MANIFEST_LEVEL 3
#define QUICK_LEVEL    (-50) /* hardly packed, and unpacked as fast as it is copied */
#define SEGMENT_COARSE 60 /* fine windows in a coarse one: what divides an hour and a day */

struct tcore_segment_writer {
    int fd;
    uint64_t bytes; /* written */
    struct tcore_digest digest;
    struct tcore_packer *packer;
    int level;              /* of Zstandard, for what is packed here */
    struct tcore_buf table; /* entries of the seek table */
    uint32_t frames;
    uint32_t members;
    struct tcore_manifest manifest;
    uint64_t seed;
    struct tcore_trace_index_builder traces;
    struct tcore_rollup_builder *rollup;        /* NULL: nothing was rolled up yet */
    const struct tcore_labels *labels;          /* borrowed; NULL: nothing is sealed */
    struct tcore_segment_key *key[LABELS_MOST]; /* by label, drawn when it is needed first; owned */
    struct tcore_wrapped_keys wrapped;
};

enum tcore_status tcore_segment_writer_new(struct tcore_segment_writer **writer, int fd,
                                           uint64_t seed, struct tcore_error *err)
{
    *writer = NULL;
    struct tcore_segment_writer *w = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    w->fd = fd;
    w->seed = seed;
    w->level = MANIFEST_LEVEL;
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
    tcore_rollup_builder_free(w->rollup);
    tcore_trace_index_builder_free(&w->traces);
    for (unsigned label = 0; label < LABELS_MOST; label++)
        tcore_segment_key_free(w->key[label]);
    tcore_wrapped_free(&w->wrapped);
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

void tcore_segment_pack_quickly(struct tcore_segment_writer *w)
{
    w->level = QUICK_LEVEL;
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

/* A frame with exactly this content. */
static enum tcore_status write_frame(struct tcore_segment_writer *w, const char *content,
                                     size_t length, struct tcore_error *err)
{
    struct tcore_buf frame = {0};
    enum tcore_status status =
        tcore_packer_pack(w->packer, content, length, w->level, &frame, err);
    if (status == TCORE_OK) {
        list_frame(w, frame.length, length);
        status = write_bytes(w, frame.data, frame.length, err);
    }
    tcore_buf_free(&frame);
    return status;
}

/* One member with the bytes behind the room for its header that content begins with. */
static enum tcore_status write_member(struct tcore_segment_writer *w, const char *name,
                                      struct tcore_buf *content, struct tcore_error *err)
{
    size_t bytes = content->length - TAR_BYTES, padding = tcore_tar_padding(bytes);
    char *zeros = tcore_buf_reserve(content, padding);
    if (!zeros)
        return tcore_error_nomem(err);
    memset(zeros, 0, padding);
    content->length += padding;
    tcore_tar_header(content->data, name, bytes, w->manifest.created_ns / 1000000000);
    w->members++;
    return write_frame(w, content->data, content->length, err);
}

static enum tcore_status begin_member(struct tcore_buf *content, struct tcore_error *err)
{
    if (!tcore_buf_reserve(content, TAR_BYTES))
        return tcore_error_nomem(err);
    content->length = TAR_BYTES;
    return TCORE_OK;
}

/* A member of which the worker has left what is to be sealed. */
static enum tcore_status write_sealed(struct tcore_segment_writer *w,
                                      const struct tcore_sealed_member *member, const char *data,
                                      size_t length, struct tcore_error *err)
{
    struct tcore_buf content = {0};
    enum tcore_status status = begin_member(&content, err);
    if (status == TCORE_OK)
        status = tcore_seal_part(w->key[member->label], w->manifest.block_count - 1, member->column,
                                 data, length, &content, err);
    if (status == TCORE_OK)
        status = write_member(w, member->name, &content, err);
    tcore_buf_free(&content);
    return status;
}

/* The frames of the block that was listed last. */
static enum tcore_status write_block(struct tcore_segment_writer *w,
                                     const struct tcore_packed_block *packed,
                                     struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    size_t from = 0, at = 0; /* what is between was not written yet */
    uint32_t sealed = 0;
    for (uint32_t i = 0; i < packed->count && status == TCORE_OK; i++) {
        const struct tcore_frame_size *size = &packed->size[i];
        if (sealed < packed->sealed_count && packed->sealed[sealed].member == i) {
            status = write_bytes(w, packed->frames.data + from, at - from, err);
            if (status == TCORE_OK)
                status = write_sealed(w, &packed->sealed[sealed++], packed->frames.data + at,
                                      size->packed, err);
            from = at + size->packed;
        } else {
            list_frame(w, size->packed, size->content);
            w->members++;
        }
        at += size->packed;
    }
    return status == TCORE_OK ? write_bytes(w, packed->frames.data + from, at - from, err) : status;
}

static enum tcore_status join_rollup(struct tcore_segment_writer *w,
                                     const struct tcore_rollup_builder *rollup,
                                     struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (!rollup)
        return TCORE_OK;
    if (!w->rollup)
        status = tcore_rollup_builder_new(&w->rollup, TCORE_ROLLUP_WINDOW_NS, err);
    return status == TCORE_OK ? tcore_rollup_join(w->rollup, rollup, err) : status;
}

void tcore_segment_set_labels(struct tcore_segment_writer *w, const struct tcore_labels *labels)
{
    w->labels = labels;
}

/* The segment has a key for each label of the block's sealed members. */
static enum tcore_status need_keys(struct tcore_segment_writer *w,
                                   const struct tcore_packed_block *packed, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < packed->sealed_count && status == TCORE_OK; i++) {
        unsigned number = packed->sealed[i].label;
        if (!w->labels || number >= w->labels->count)
            return tcore_error_set(err, TCORE_FATAL, "a sealed column without a label");
        const struct tcore_label *label = &w->labels->label[number];
        if (w->key[number])
            continue;
        status = tcore_segment_key_new(&w->key[number], w->manifest.id, label->name, err);
        if (status == TCORE_OK)
            status = tcore_wrapped_add(&w->wrapped, w->key[number], label->readers,
                                       label->reader_count, err);
        if (status != TCORE_OK) {
            tcore_segment_key_free(w->key[number]);
            w->key[number] = NULL;
        }
    }
    return status;
}

enum tcore_status tcore_segment_add(struct tcore_segment_writer *w,
                                    const struct tcore_packed_block *packed,
                                    struct tcore_error *err)
{
    struct tcore_manifest_block entry = packed->entry;
    if (packed->sealed_count) {
        enum tcore_status keys = need_keys(w, packed, err);
        if (keys != TCORE_OK)
            return keys;
    }
    if (packed->count > SEEK_FRAMES_LIMIT - w->frames)
        return tcore_error_set(err, TCORE_FATAL, "a segment has no room for more columns");
    entry.frame = w->frames;
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        if (!tcore_name_set_merge(&w->manifest.names[kind], &packed->names[kind]))
            return tcore_error_nomem(err);
    tcore_manifest_add_series(&w->manifest, entry.type, packed->series_fields);
    if (!tcore_manifest_add_block(&w->manifest, &entry))
        return tcore_error_nomem(err);
    enum tcore_status status = join_rollup(w, packed->rollup, err);
    for (size_t i = 0; i < packed->trace_count && status == TCORE_OK; i++)
        status =
            tcore_trace_index_add(&w->traces, packed->trace[i], w->manifest.block_count - 1, err);
    if (status != TCORE_OK)
        return status;
    w->manifest.text_bytes += packed->text_bytes;
    return write_block(w, packed, err);
}

/* The types of which the roll-up has every record. */
static enum tcore_status judge_rollup(const struct tcore_buf *content, unsigned *types,
                                      struct tcore_error *err)
{
    struct tcore_rollup_reader *reader;
    enum tcore_status status = tcore_rollup_reader_open(&reader, content->data + TAR_BYTES,
                                                        content->length - TAR_BYTES, false, err);
    if (status != TCORE_OK)
        return status;
    *types = 0;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        const struct tcore_rollup_totals *totals =
            tcore_rollup_reader_totals(reader, (enum tcore_record_type)type);
        if (totals->placed && !totals->unplaced && !totals->given_up)
            *types |= 1u << type;
    }
    tcore_rollup_reader_free(reader);
    return TCORE_OK;
}

/* One roll-up; content holds it behind the room for the member's header. */
static enum tcore_status write_rollup(struct tcore_segment_writer *w, int64_t window_ns,
                                      unsigned types, struct tcore_buf *content,
                                      struct tcore_error *err)
{
    struct tcore_manifest *m = &w->manifest;
    char name[TAR_NAME_BYTES];
    struct tcore_manifest_rollup rollup = {.frame = w->frames, .window_ns = window_ns};
    enum tcore_status status = judge_rollup(content, &rollup.types, err);
    rollup.types &= types;
    if (status != TCORE_OK || !rollup.types || m->rollup_count == TCORE_MANIFEST_ROLLUPS)
        return status;
    m->rollup[m->rollup_count++] = rollup;
    if (window_ns == TCORE_ROLLUP_WHOLE_NS)
        snprintf(name, sizeof name, "rollup-all");
    else
        snprintf(name, sizeof name, "rollup-%" PRId64 "s", window_ns / 1000000000);
    return write_member(w, name, content, err);
}

enum tcore_status tcore_segment_add_rollup(struct tcore_segment_writer *w,
                                           const struct tcore_rollup_builder *rollup,
                                           int64_t window_ns, unsigned types,
                                           struct tcore_error *err)
{
    struct tcore_buf content = {0};
    enum tcore_status status = begin_member(&content, err);
    if (status == TCORE_OK)
        status = tcore_rollup_encode(rollup, &content, err);
    if (status == TCORE_OK)
        status = write_rollup(w, window_ns, types, &content, err);
    tcore_buf_free(&content);
    return status;
}

enum tcore_status tcore_segment_add_whole_rollup(struct tcore_segment_writer *w,
                                                 const struct tcore_rollup_builder *rollup,
                                                 unsigned types, struct tcore_error *err)
{
    struct tcore_rollup_builder *whole;
    struct tcore_buf bytes = {0};
    if (!tcore_rollup_has_windows(rollup))
        return TCORE_OK;
    enum tcore_status status = tcore_rollup_builder_new(&whole, TCORE_ROLLUP_WHOLE_NS, err);
    if (status == TCORE_OK)
        status = tcore_rollup_encode(rollup, &bytes, err);
    if (status == TCORE_OK)
        status = tcore_rollup_merge(whole, bytes.data, bytes.length, err);
    if (status == TCORE_OK)
        status = tcore_segment_add_rollup(w, whole, TCORE_ROLLUP_WHOLE_NS, types, err);
    tcore_rollup_builder_free(whole);
    tcore_buf_free(&bytes);
    return status;
}

bool tcore_segment_set_sources(struct tcore_segment_writer *w, const struct tcore_manifest *of)
{
    static const struct tcore_manifest nothing;
    struct tcore_manifest *m = &w->manifest;
    m->timed = of->timed;
    m->all_timed = of->all_timed;
    m->min_ns = of->min_ns;
    m->max_ns = of->max_ns;
    m->text_bytes = of->text_bytes;
    memcpy(m->records, of->records, sizeof m->records);
    memcpy(m->series_fields, of->series_fields, sizeof m->series_fields);
    for (uint32_t i = 0; i < of->seal_count; i++)
        if (!tcore_manifest_add_seal(m, &of->seal[i]))
            return false;
    for (uint32_t i = 0; i < of->source_count; i++) {
        struct tcore_manifest none = nothing;
        none.all_timed = of->all_timed;
        if (!tcore_manifest_add_source(m, of->source[i], &none))
            return false;
    }
    m->all_timed = of->all_timed;
    return true;
}

/* The fine one, and the coarse ones that are made of it. */
static enum tcore_status write_rollups(struct tcore_segment_writer *w, struct tcore_error *err)
{
    struct tcore_buf fine = {0};
    struct tcore_rollup_builder *coarse = NULL;
    const unsigned all = ~0u;
    if (!w->rollup)
        return TCORE_OK;
    enum tcore_status status =
        tcore_rollup_builder_new(&coarse, SEGMENT_COARSE * TCORE_ROLLUP_WINDOW_NS, err);
    if (status == TCORE_OK)
        status = begin_member(&fine, err);
    if (status == TCORE_OK)
        status = tcore_rollup_encode(w->rollup, &fine, err);
    if (status == TCORE_OK)
        status = tcore_rollup_merge(coarse, fine.data + TAR_BYTES, fine.length - TAR_BYTES, err);
    if (status == TCORE_OK)
        status = write_rollup(w, TCORE_ROLLUP_WINDOW_NS, all, &fine, err);
    if (status == TCORE_OK)
        status =
            tcore_segment_add_rollup(w, coarse, SEGMENT_COARSE * TCORE_ROLLUP_WINDOW_NS, all, err);
    if (status == TCORE_OK)
        status = tcore_segment_add_whole_rollup(w, coarse, all, err);
    tcore_rollup_builder_free(coarse);
    tcore_buf_free(&fine);
    return status;
}

static enum tcore_status write_trace_index(struct tcore_segment_writer *w, struct tcore_error *err)
{
    struct tcore_buf content = {0};
    uint32_t frame = w->frames;
    enum tcore_status status = begin_member(&content, err);
    if (status == TCORE_OK)
        status = tcore_trace_index_encode(&w->traces, &content, err);
    if (status == TCORE_OK)
        status = write_member(w, "trace-index", &content, err);
    if (status == TCORE_OK)
        w->manifest.trace_index = frame;
    tcore_buf_free(&content);
    return status;
}

static enum tcore_status write_trace_filter(struct tcore_segment_writer *w, uint64_t traces,
                                            struct tcore_error *err)
{
    struct tcore_trace_filter filter;
    struct tcore_buf content = {0};
    uint32_t frame = w->frames;
    enum tcore_status status =
        tcore_trace_filter_init(&filter, w->seed, tcore_trace_filter_blocks(traces), err);
    if (status != TCORE_OK)
        return status;
    tcore_trace_index_fill(&w->traces, &filter);
    status = begin_member(&content, err);
    if (status == TCORE_OK) {
        tcore_trace_filter_encode(&filter, &content);
        status = tcore_buf_status(&content, err);
    }
    if (status == TCORE_OK)
        status = write_member(w, "trace-filter", &content, err);
    if (status == TCORE_OK)
        w->manifest.trace_filter = frame;
    tcore_trace_filter_free(&filter);
    tcore_buf_free(&content);
    return status;
}

/* Which traces are in it: in which blocks, and as a filter. */
static enum tcore_status write_traces(struct tcore_segment_writer *w, struct tcore_error *err)
{
    if (!w->manifest.block_count /* a joint roll-up */ || tcore_labels_hide_traces(w->labels))
        return TCORE_OK;
    uint64_t traces = tcore_trace_index_traces(&w->traces);
    enum tcore_status status = write_trace_index(w, err);
    return status == TCORE_OK ? write_trace_filter(w, traces, err) : status;
}

/* The keys of what is sealed, for whom they are wrapped. */
static enum tcore_status write_keys(struct tcore_segment_writer *w, struct tcore_error *err)
{
    struct tcore_buf content = {0};
    uint32_t frame = w->frames;
    if (!w->wrapped.count)
        return TCORE_OK;
    enum tcore_status status = begin_member(&content, err);
    if (status == TCORE_OK)
        status = tcore_wrapped_write(&w->wrapped, &content, err);
    if (status == TCORE_OK)
        status = write_member(w, SEGMENT_KEYS, &content, err);
    if (status == TCORE_OK)
        w->manifest.keys = frame;
    tcore_buf_free(&content);
    return status;
}

static enum tcore_status write_manifest(struct tcore_segment_writer *w, struct tcore_error *err)
{
    struct tcore_buf content = {0};
    enum tcore_status status = begin_member(&content, err);
    if (status == TCORE_OK)
        status = tcore_manifest_write(&w->manifest, &content, err);
    if (status == TCORE_OK)
        status = write_member(w, SEGMENT_MANIFEST, &content, err);
    tcore_buf_free(&content);
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
    enum tcore_status status = write_rollups(w, err);
    if (status == TCORE_OK)
        status = write_traces(w, err);
    if (status == TCORE_OK)
        status = write_keys(w, err);
    if (status == TCORE_OK)
        status = write_manifest(w, err);
    if (status == TCORE_OK)
        status = write_frame(w, end, sizeof end, err);
    if (status == TCORE_OK)
        status = write_footer(w, err);
    return status;
}

/* ---- with other keys ---- */

/* A frame as it is in another segment. */
static enum tcore_status copy_frame(struct tcore_segment_writer *w,
                                    const struct tcore_segment *segment, uint32_t frame,
                                    struct tcore_buf *bytes, struct tcore_error *err)
{
    const struct frame_place *place = &segment->frame[frame];
    tcore_buf_clear(bytes);
    char *room = tcore_buf_reserve(bytes, place->packed);
    if (!room)
        return tcore_error_nomem(err);
    ptrdiff_t got = tcore_pread_all(segment->fd, room, place->packed, place->at);
    if (got < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read");
    if ((size_t)got != place->packed)
        return tcore_error_set(err, TCORE_BAD_INPUT, "damaged segment: it is cut short");
    list_frame(w, place->packed, place->content);
    return write_bytes(w, room, place->packed, err);
}

enum tcore_status tcore_segment_copy(int fd, const struct tcore_segment *segment,
                                     const struct tcore_wrapped_keys *keys, struct tcore_error *err)
{
    struct tcore_segment_writer *w;
    struct tcore_buf content = {0};
    enum tcore_status status = tcore_segment_writer_new(&w, fd, 0, err);
    if (status != TCORE_OK)
        return status;
    memcpy(w->manifest.id, segment->manifest.id, SEGMENT_ID_BYTES);
    w->manifest.created_ns = segment->manifest.created_ns;
    for (uint32_t i = 0; i < segment->frames && status == TCORE_OK; i++) {
        if (i != segment->manifest.keys) {
            status = copy_frame(w, segment, i, &content, err);
            w->members += i < segment->members;
            continue;
        }
        tcore_buf_clear(&content);
        status = begin_member(&content, err);
        if (status == TCORE_OK)
            status = tcore_wrapped_write(keys, &content, err);
        if (status == TCORE_OK)
            status = write_member(w, SEGMENT_KEYS, &content, err);
    }
    if (status == TCORE_OK)
        status = write_footer(w, err);
    tcore_buf_free(&content);
    tcore_segment_writer_free(w);
    return status;
}
