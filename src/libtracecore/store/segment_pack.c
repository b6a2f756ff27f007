/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a block to the frames of its members, and what the manifest says of it. */
#include "base/sys.h"
#include "model/projection.h"
#include "store/frame.h"
#include "store/segment_write.h"
#include "store/tar.h"
#include "stream/binary.h"
#include "stream/binary_block.h"
#include "stream/binary_codec.h"

#include <stdio.h>

#define MEMBER_NAME_BYTES 48 /* of a key in a member's name */

/* What is read first and often: little is gained by packing it harder. */
#define HOT_LEVEL  1
#define COLD_LEVEL 1

struct tcore_block_packer {
    struct tcore_packer *frames;
    struct tcore_projection projection; /* of the names */
    size_t column[TCORE_NAME_KINDS];
    struct tcore_rollup_columns rolled_up;
    size_t trace_id, context_trace_id; /* columns */
    uint32_t *rows;                    /* all of a block: 0, 1, 2 ...; owned */
    struct tcore_binary_decoder *decoder;
    struct binary_reader reader;       /* of the block */
    struct tcore_buf member;           /* header, data, padding */
    const struct tcore_labels *labels; /* borrowed; NULL: nothing is sealed */
    unsigned *label;                   /* by column of the block; owned */
    uint32_t label_capacity;
    struct tcore_buf directory; /* prefix and directory, with the entries of sealed columns */
};

static const char *const name_keys[TCORE_NAME_KINDS] = {"service", "name", "metricName"};

static enum tcore_status project(struct tcore_block_packer *p, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (int kind = 0; kind < TCORE_NAME_KINDS && status == TCORE_OK; kind++) {
        struct tcore_path_key key = {name_keys[kind], strlen(name_keys[kind])};
        status = tcore_projection_add_path(&p->projection, &key, 1, &p->column[kind], err);
    }
    static const struct tcore_path_key trace_id[] = {{"traceId", 7}};
    static const struct tcore_path_key context[] = {{"context", 7}, {"traceId", 7}};
    if (status == TCORE_OK)
        status = tcore_projection_add_path(&p->projection, trace_id, 1, &p->trace_id, err);
    if (status == TCORE_OK)
        status = tcore_projection_add_path(&p->projection, context, 2, &p->context_trace_id, err);
    return status == TCORE_OK ? tcore_rollup_project(&p->projection, &p->rolled_up, err) : status;
}

enum tcore_status tcore_block_packer_new(struct tcore_block_packer **packer,
                                         struct tcore_error *err)
{
    *packer = NULL;
    struct tcore_block_packer *p = tcore_calloc(1, sizeof *p);
    if (!p)
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_packer_new(&p->frames, err);
    p->reader.json.depth_limit = BINARY_DEPTH_LIMIT;
    if (status == TCORE_OK)
        status = project(p, err);
    if (status == TCORE_OK)
        status = tcore_binary_decoder_new(&p->decoder, &p->projection, err);
    if (status == TCORE_OK) {
        p->rows = tcore_reallocarray(NULL, BINARY_ROW_LIMIT, sizeof *p->rows);
        for (uint32_t row = 0; p->rows && row < BINARY_ROW_LIMIT; row++)
            p->rows[row] = row;
        status = p->rows ? TCORE_OK : tcore_error_nomem(err);
    }
    if (status != TCORE_OK) {
        tcore_block_packer_free(p);
        return status;
    }
    *packer = p;
    return TCORE_OK;
}

void tcore_block_packer_free(struct tcore_block_packer *packer)
{
    if (!packer)
        return;
    tcore_packer_free(packer->frames);
    tcore_binary_decoder_free(packer->decoder);
    tcore_projection_free(&packer->projection);
    tcore_binary_reader_free(&packer->reader);
    tcore_buf_free(&packer->directory);
    tcore_free(packer->label);
    tcore_buf_free(&packer->member);
    tcore_free(packer->rows);
    tcore_free(packer);
}

void tcore_block_packer_set_labels(struct tcore_block_packer *packer,
                                   const struct tcore_labels *labels)
{
    packer->labels = labels;
}

void tcore_packed_block_free(struct tcore_packed_block *packed)
{
    tcore_buf_free(&packed->frames);
    tcore_free(packed->size);
    tcore_free(packed->sealed);
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        tcore_name_set_free(&packed->names[kind]);
    tcore_rollup_builder_free(packed->rollup);
    tcore_free(packed->trace);
    *packed = (struct tcore_packed_block){0};
}

/* ---- frames ---- */

static bool remember_size(struct tcore_packed_block *packed, size_t bytes, size_t content)
{
    if (packed->count == packed->capacity) {
        uint32_t capacity = packed->capacity ? packed->capacity * 2 : 64;
        struct tcore_frame_size *size =
            tcore_reallocarray(packed->size, capacity, sizeof *packed->size);
        if (!size)
            return false;
        packed->size = size;
        packed->capacity = capacity;
    }
    packed->size[packed->count++] = (struct tcore_frame_size){(uint32_t)bytes, (uint32_t)content};
    return true;
}

static int64_t seconds_of(const struct tcore_packed_block *packed)
{
    return packed->entry.timed ? packed->entry.max_ns / 1000000000 : 0;
}

/* One member as one frame. */
static enum tcore_status pack_member(struct tcore_block_packer *p, const char *name,
                                     const void *data, size_t length, int level,
                                     struct tcore_packed_block *packed, struct tcore_error *err)
{
    size_t padding = tcore_tar_padding(length), content = TAR_BYTES + length + padding;
    tcore_buf_clear(&p->member);
    char *at = tcore_buf_reserve(&p->member, content);
    if (!at)
        return tcore_error_nomem(err);
    tcore_tar_header(at, name, length, seconds_of(packed));
    memcpy(at + TAR_BYTES, data, length);
    memset(at + TAR_BYTES + length, 0, padding);
    size_t before = packed->frames.length;
    enum tcore_status status =
        tcore_packer_pack(p->frames, at, content, level, &packed->frames, err);
    if (status == TCORE_OK && !remember_size(packed, packed->frames.length - before, content))
        status = tcore_error_nomem(err);
    return status;
}

/* A name for people, of what any file system can hold; readers go by the number. */
static void name_column(const struct binary_block *block, uint32_t number, char *out)
{
    const struct block_column *c = &block->column[number];
    const struct block_column *parts[2] = {
        c->parent == BINARY_NONE ? NULL : &block->column[c->parent], c};
    size_t used = 0;
    if (!number)
        used = (size_t)snprintf(out, MEMBER_NAME_BYTES, "rows");
    else if (c->class == CLASS_MEMBERS)
        used = (size_t)snprintf(out, MEMBER_NAME_BYTES, "other");
    for (int part = 0; part < 2; part++) {
        if (!parts[part])
            continue;
        if (used && used < MEMBER_NAME_BYTES - 1 && parts[part]->name_length)
            out[used++] = '.';
        for (uint32_t i = 0; i < parts[part]->name_length && used < MEMBER_NAME_BYTES - 1; i++) {
            char byte = parts[part]->name[i];
            bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                         (byte >= '0' && byte <= '9') || byte == '.' || byte == '_';
            out[used++] = plain ? byte : '_';
        }
    }
    out[used] = '\0';
}

static bool is_hot(const struct block_column *c)
{
    static const char *const hot[] = {
        "service",     "name",    "durationNano", "status",       "metricName",
        "value",       "traceId", "spanId",       "parentSpanId", "startTimeUnixNano",
        "timeUnixNano"};
    if (c->parent != BINARY_NONE)
        return false;
    for (size_t i = 0; i < sizeof hot / sizeof *hot; i++)
        if (strlen(hot[i]) == c->name_length && !memcmp(hot[i], c->name, c->name_length))
            return true;
    return false;
}

/* ---- sealed columns ---- */

bool tcore_labels_relate(const struct tcore_labels *labels)
{
    static const char *const keys[] = {"startTimeUnixNano",
                                       "endTimeUnixNano",
                                       "durationNano",
                                       "traceId",
                                       "spanId",
                                       "parentSpanId",
                                       "status",
                                       NULL};
    return tcore_labels_have(labels, keys);
}

/* Finds the label of each column. */
static enum tcore_status label_columns(struct tcore_block_packer *p, struct tcore_error *err)
{
    const struct binary_block *block = &p->reader.block;
    enum tcore_status status = TCORE_OK;
    if (block->columns > p->label_capacity) {
        unsigned *memory = tcore_reallocarray(p->label, block->columns, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        p->label = memory;
        p->label_capacity = block->columns;
    }
    memset(p->label, 0, block->columns * sizeof *p->label);
    p->reader.pool.used = 0;
    tcore_arena_reset(&p->reader.arena);
    for (uint32_t i = 1; p->labels && i < block->columns && status == TCORE_OK; i++)
        status = tcore_label_of_column(p->labels, &p->reader, i, &p->label[i], err);
    for (uint32_t i = 1; status == TCORE_OK && i < block->columns; i++) {
        const struct block_column *c = &block->column[i];
        const uint16_t needs[] = {c->add_a, c->add_b, c->same};
        for (int k = 0; k < 3; k++)
            if (needs[k] != BINARY_NONE && (p->label[i] || p->label[needs[k]]))
                status = tcore_error_set(err, TCORE_FATAL,
                                         "a column with a label is needed to read another one");
    }
    return status;
}

/* The entry of a sealed column shows class, values, parent and name. */
static void blank_entry(char *entry)
{
    char kept[ENTRY_BYTES] = {0};
    kept[ENTRY_CLASS] = entry[ENTRY_CLASS];
    kept[ENTRY_ENCODING] = ENCODING_SEALED;
    memcpy(kept + ENTRY_PARENT, entry + ENTRY_PARENT, ENTRY_ADD_A - ENTRY_PARENT);
    memcpy(kept + ENTRY_VALUES, entry + ENTRY_VALUES, ENTRY_ENTRIES - ENTRY_VALUES);
    memcpy(entry, kept, sizeof kept);
}

/* Prefix and directory as they go into the segment. */
static enum tcore_status make_directory(struct tcore_block_packer *p, const char *data,
                                        struct tcore_packed_block *packed, struct tcore_error *err)
{
    const struct binary_block *block = &p->reader.block;
    const char *const time[] = {tcore_binary_time_field(block->type), NULL};
    size_t bytes = BLOCK_BYTES + binary_get32(data + BLOCK_DIRECTORY), columns = 0;
    tcore_buf_clear(&p->directory);
    tcore_buf_append(&p->directory, data, bytes);
    if (p->directory.failed)
        return tcore_error_nomem(err);
    char *prefix = p->directory.data;
    bool sealed = false;
    for (uint32_t i = 0; i < block->columns; i++) {
        if (p->label[i])
            blank_entry(prefix + BLOCK_BYTES + (size_t)i * ENTRY_BYTES);
        else if (block->column[i].same == BINARY_NONE) /* or its data are another one's */
            columns += block->column[i].length;
        sealed |= p->label[i] != 0;
    }
    if (time[0] && tcore_labels_have(p->labels, time)) {
        binary_put16(prefix + BLOCK_FLAGS, 0);
        binary_put64(prefix + BLOCK_MIN_TIME, 0);
        binary_put64(prefix + BLOCK_MAX_TIME, 0);
        packed->entry.timed = packed->entry.all_timed = false;
        packed->entry.min_ns = packed->entry.max_ns = 0;
        sealed = true;
    }
    if (!sealed)
        return TCORE_OK;
    binary_put32(prefix + BLOCK_LENGTH, (uint32_t)(bytes + columns));
    binary_put64(prefix + BLOCK_DIRECTORY_CHECK,
                 tcore_binary_checksum(prefix + BLOCK_BYTES, bytes - BLOCK_BYTES));
    binary_put64(prefix + BLOCK_CHECK, tcore_binary_checksum(prefix, BLOCK_CHECK));
    return TCORE_OK;
}

/* Entry and data as one frame, to be sealed later; name: the member's without the label. */
static enum tcore_status pack_sealed(struct tcore_block_packer *p, const char *name,
                                     const char *entry, uint32_t column, int level,
                                     struct tcore_packed_block *packed, struct tcore_error *err)
{
    const struct block_column *c = &p->reader.block.column[column];
    if (packed->sealed_count == packed->sealed_capacity) {
        uint32_t capacity = packed->sealed_capacity ? packed->sealed_capacity * 2 : 8;
        struct tcore_sealed_member *memory =
            tcore_reallocarray(packed->sealed, capacity, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        packed->sealed = memory;
        packed->sealed_capacity = capacity;
    }
    struct tcore_sealed_member *member = &packed->sealed[packed->sealed_count];
    *member = (struct tcore_sealed_member){packed->count, column, p->label[column], ""};
    snprintf(member->name, sizeof member->name, "%.58s" SEALED_SUFFIX "%.32s", name,
             p->labels->label[p->label[column]].name);
    tcore_buf_clear(&p->member);
    tcore_buf_append(&p->member, entry, ENTRY_BYTES);
    tcore_buf_append(&p->member, c->data, c->length);
    if (p->member.failed)
        return tcore_error_nomem(err);
    size_t before = packed->frames.length;
    enum tcore_status status =
        tcore_packer_pack(p->frames, p->member.data, p->member.length, level, &packed->frames, err);
    if (status != TCORE_OK)
        return status;
    if (!remember_size(packed, packed->frames.length - before, 0))
        return tcore_error_nomem(err);
    packed->sealed_count++;
    return TCORE_OK;
}

/* The directory, then each column that has data. */
static enum tcore_status pack_members(struct tcore_block_packer *p, const char *block_data,
                                      struct tcore_packed_block *packed, struct tcore_error *err)
{
    const struct binary_block *block = &p->reader.block;
    const char *data = p->directory.data;
    const char *type = tcore_record_type_name(block->type);
    uint32_t tag = binary_get32(data + BLOCK_CHECK); /* tells blocks apart */
    char name[TAR_NAME_BYTES], key[MEMBER_NAME_BYTES];
    snprintf(name, sizeof name, "%s-%08x/directory", type, tag);
    size_t directory = BLOCK_BYTES + binary_get32(data + BLOCK_DIRECTORY);
    enum tcore_status status = pack_member(p, name, data, directory, COLD_LEVEL, packed, err);
    for (uint32_t i = 0; i < block->columns && status == TCORE_OK; i++) {
        const struct block_column *c = &block->column[i];
        if ((!c->length || c->same != BINARY_NONE) && !p->label[i])
            continue;
        name_column(block, i, key);
        snprintf(name, sizeof name, "%s-%08x/%03u.%s", type, tag, (unsigned)i, key);
        int level = !i || is_hot(c) ? HOT_LEVEL : COLD_LEVEL;
        if (p->label[i])
            status = pack_sealed(p, name, block_data + BLOCK_BYTES + (size_t)i * ENTRY_BYTES, i,
                                 level, packed, err);
        else
            status = pack_member(p, name, c->data, c->length, level, packed, err);
    }
    return status;
}

/* ---- names and the roll-up ---- */

static bool add_name(struct tcore_name_set *set, const struct tcore_value *v)
{
    if (v->kind == TCORE_ABSENT)
        return true;
    if (v->kind != TCORE_STRING) {
        set->incomplete = true;
        return true;
    }
    return tcore_name_set_add(set, v->s, v->len);
}

static bool add_names(struct tcore_name_set *set, const struct tcore_batch *batch,
                      const struct tcore_column *column)
{
    if (column->form == TCORE_COLUMN_DICT || column->form == TCORE_COLUMN_CONSTANT) {
        uint32_t count = column->form == TCORE_COLUMN_DICT ? column->value_count : 1;
        for (uint32_t i = 0; i < count; i++)
            if (!add_name(set, &column->values[i]))
                return false;
        return true;
    }
    for (size_t row = 0; row < batch->rows && !set->incomplete; row++) {
        struct tcore_value v = tcore_column_get(column, row);
        if (!add_name(set, &v))
            return false;
    }
    return true;
}

static bool add_trace(struct tcore_packed_block *packed, const struct tcore_value *v)
{
    if (v->kind != TCORE_STRING || v->len != 2 * TCORE_TRACE_ID_BYTES)
        return true; /* absent, or no id */
    if (packed->trace_count == packed->trace_capacity) {
        size_t capacity = packed->trace_capacity ? packed->trace_capacity * 2 : 256;
        uint8_t(*memory)[TCORE_TRACE_ID_BYTES] =
            tcore_reallocarray(packed->trace, capacity, sizeof *memory);
        if (!memory)
            return false;
        packed->trace = memory;
        packed->trace_capacity = capacity;
    }
    packed->trace_count +=
        tcore_binary_hex_decode(packed->trace[packed->trace_count], v->s, TCORE_TRACE_ID_BYTES);
    return true;
}

/* Which traces it has records of: of a dictionary each entry once. */
static bool add_traces(struct tcore_packed_block *packed, const struct tcore_batch *batch,
                       const struct tcore_column *column)
{
    bool added = true;
    if (column->form == TCORE_COLUMN_DICT || column->form == TCORE_COLUMN_CONSTANT) {
        uint32_t count = column->form == TCORE_COLUMN_DICT ? column->value_count : 1;
        for (uint32_t i = 0; i < count && added; i++)
            added = add_trace(packed, &column->values[i]);
        return added;
    }
    for (size_t row = 0; row < batch->rows && added; row++) {
        struct tcore_value v = tcore_column_get(column, row);
        added = add_trace(packed, &v);
    }
    return added;
}

/* Whether both have the same in each row. Of numbers and JSON no: their symbols say less than they
 * do. */
static bool same_value(const struct tcore_value *a, const struct tcore_value *b)
{
    switch (a->kind) {
    case TCORE_ABSENT:
    case TCORE_NULL:
    case TCORE_FALSE:
    case TCORE_TRUE:
        return a->kind == b->kind;
    case TCORE_STRING:
        return b->kind == TCORE_STRING && a->len == b->len &&
               (a->s == b->s || !memcmp(a->s, b->s, a->len));
    default:
        return false;
    }
}

static bool same_columns(const struct tcore_batch *batch, size_t left, size_t right)
{
    const struct tcore_column *a = &batch->columns[left], *b = &batch->columns[right];
    size_t count = batch->rows;
    if (a->form == TCORE_COLUMN_CONSTANT && b->form == TCORE_COLUMN_CONSTANT)
        return same_value(a->values, b->values);
    bool coded = a->form == TCORE_COLUMN_DICT && b->form == TCORE_COLUMN_DICT &&
                 a->value_count == b->value_count &&
                 !memcmp(a->codes, b->codes, count * sizeof *a->codes);
    for (size_t i = 0; i < (coded ? a->value_count : count); i++) {
        struct tcore_value x = coded ? a->values[i] : tcore_column_get(a, i),
                           y = coded ? b->values[i] : tcore_column_get(b, i);
        if (!same_value(&x, &y))
            return false;
    }
    return true;
}

/* Which fields the records have at the top as their series have them. A series' fields are looked
 * for in attributes, too, and that of a span has the name of what it measures. */
static unsigned find_series_fields(const struct tcore_block_packer *p,
                                   const struct tcore_batch *batch, enum tcore_record_type type)
{
    const struct tcore_column *metric = &batch->columns[p->column[TCORE_NAMES_METRICS]];
    unsigned fields = 0;
    if (same_columns(batch, p->column[TCORE_NAMES_SERVICES], p->rolled_up.service))
        fields |= TCORE_SERIES_SERVICE;
    if (same_columns(batch, p->column[TCORE_NAMES_OPERATIONS], p->rolled_up.name))
        fields |= TCORE_SERIES_NAME;
    if (type == TCORE_RECORD_METRIC ||
        (metric->form == TCORE_COLUMN_CONSTANT && metric->values[0].kind == TCORE_ABSENT))
        fields |= TCORE_SERIES_METRIC;
    return fields;
}

/* Where the service of a record comes from: the field, or the resource. */
#define SERVICE_KEYS "service", "service.name", "resource", "resource.service.name"

static enum tcore_status roll_up(struct tcore_block_packer *p, const struct tcore_batch *batch,
                                 struct tcore_packed_block *packed, struct tcore_error *err)
{
    /* what its cells and keys are made of */
    static const char *const common[] = {SERVICE_KEYS,      "name",       "quality",
                                         "sampleRate",      "attributes", "attributes.service",
                                         "attributes.name", "dimensions", "dimensions.service",
                                         "dimensions.name", NULL};
    static const char *const of_spans[] = {"durationNano", "startTimeUnixNano", "endTimeUnixNano",
                                           "status", NULL};
    static const char *const of_metrics[] = {
        "timeUnixNano", "value", "metricName", "histogram", "metricType", "temporality", NULL};
    if (packed->entry.type != TCORE_RECORD_SPAN && packed->entry.type != TCORE_RECORD_METRIC)
        return TCORE_OK;
    if (tcore_labels_have(p->labels, common) ||
        tcore_labels_have(p->labels,
                          packed->entry.type == TCORE_RECORD_SPAN ? of_spans : of_metrics))
        return TCORE_OK;
    enum tcore_status status =
        tcore_rollup_builder_new(&packed->rollup, TCORE_ROLLUP_WINDOW_NS, err);
    if (status != TCORE_OK)
        return status;
    packed->series_fields = find_series_fields(p, batch, packed->entry.type);
    tcore_rollup_add_negative(packed->rollup, batch->negative_durations);
    return tcore_rollup_add(packed->rollup, &p->rolled_up, batch, p->rows, batch->rows, err);
}

static enum tcore_status pack_facts(struct tcore_block_packer *p, const char *block, size_t length,
                                    struct tcore_packed_block *packed, struct tcore_error *err)
{
    struct tcore_batch batch;
    static const char *const shown_by[TCORE_NAME_KINDS][5] = {
        {SERVICE_KEYS}, {"name"}, {"metricName"}};
    enum tcore_status status = tcore_binary_decode(p->decoder, block, length, NULL, &batch, err);
    if (status != TCORE_OK)
        return status;
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++) {
        if (kind == TCORE_NAMES_OPERATIONS && packed->entry.type != TCORE_RECORD_SPAN)
            continue;
        if (tcore_labels_have(p->labels, shown_by[kind])) {
            packed->names[kind].incomplete = true;
            continue;
        }
        if (!add_names(&packed->names[kind], &batch, &batch.columns[p->column[kind]]))
            return tcore_error_nomem(err);
    }
    bool metric = packed->entry.type == TCORE_RECORD_METRIC;
    if (!tcore_labels_hide_traces(p->labels) &&
        !add_traces(packed, &batch, &batch.columns[metric ? p->context_trace_id : p->trace_id]))
        return tcore_error_nomem(err);
    return roll_up(p, &batch, packed, err);
}

enum tcore_status tcore_pack_block(struct tcore_block_packer *p, const char *block, size_t length,
                                   struct tcore_packed_block *packed, struct tcore_error *err)
{
    struct tcore_binary_info info;
    enum tcore_status status = tcore_binary_block_open(&p->reader.block, block, length, NULL, err);
    if (status == TCORE_OK)
        status = tcore_binary_block_info(block, &info, err);
    if (status != TCORE_OK)
        return status;
    packed->entry = (struct tcore_manifest_block){.type = info.type,
                                                  .rows = info.rows,
                                                  .timed = info.timed,
                                                  .all_timed = info.all_timed,
                                                  .min_ns = info.min_ns,
                                                  .max_ns = info.max_ns};
    packed->text_bytes = p->reader.block.text_bytes;
    status = label_columns(p, err);
    if (status == TCORE_OK)
        status = make_directory(p, block, packed, err);
    if (status == TCORE_OK)
        status = pack_members(p, block, packed, err);
    packed->entry.frames = packed->count;
    return status == TCORE_OK ? pack_facts(p, block, length, packed, err) : status;
}
