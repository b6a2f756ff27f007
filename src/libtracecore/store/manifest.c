/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/manifest.h"

#include "base/sys.h"
#include "store/rollup.h"
#include "stream/binary_codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_DEPTH 8

static const char *const name_keys[TCORE_NAME_KINDS] = {"services", "operations", "metrics"};

/* ---- sets of names ---- */

bool tcore_name_set_add(struct tcore_name_set *set, const char *name, size_t length)
{
    if (set->incomplete)
        return true;
    if (length > TCORE_NAME_SET_BYTES) {
        set->incomplete = true;
        return true;
    }
    if (!set->made && tcore_map_init(&set->map) < 0)
        return false;
    set->made = true;
    bool added;
    if (tcore_map_intern(&set->map, name, length, &added) == TCORE_MAP_NONE)
        return false;
    set->incomplete = set->map.count > TCORE_NAME_SET_COUNT;
    return true;
}

bool tcore_name_set_merge(struct tcore_name_set *into, const struct tcore_name_set *from)
{
    into->incomplete |= from->incomplete;
    for (uint32_t i = 0; from->made && !into->incomplete && i < from->map.count; i++)
        if (!tcore_name_set_add(into, from->map.keys[i].data, from->map.keys[i].length))
            return false;
    return true;
}

void tcore_name_set_free(struct tcore_name_set *set)
{
    if (set->made)
        tcore_map_free(&set->map);
    *set = (struct tcore_name_set){0};
}

/* ---- the struct ---- */

void tcore_manifest_free(struct tcore_manifest *manifest)
{
    tcore_free(manifest->block);
    for (uint32_t i = 0; i < manifest->source_count; i++)
        tcore_free(manifest->source[i]);
    tcore_free(manifest->source);
    tcore_free(manifest->seal);
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        tcore_name_set_free(&manifest->names[kind]);
    *manifest = (struct tcore_manifest){0};
}

static void widen_times(struct tcore_manifest *m, bool timed, int64_t min_ns, int64_t max_ns)
{
    if (!timed)
        return;
    m->min_ns = m->timed && m->min_ns < min_ns ? m->min_ns : min_ns;
    m->max_ns = m->timed && m->max_ns > max_ns ? m->max_ns : max_ns;
    m->timed = true;
}

static bool add_path(struct tcore_manifest *m, const char *path, size_t length)
{
    if (m->source_count == m->source_capacity) {
        uint32_t capacity = m->source_capacity ? m->source_capacity * 2 : 64;
        char **memory = tcore_reallocarray(m->source, capacity, sizeof *memory);
        if (!memory)
            return false;
        m->source = memory;
        m->source_capacity = capacity;
    }
    m->source[m->source_count] = tcore_strndup(path, length);
    return m->source[m->source_count] && ++m->source_count;
}

void tcore_manifest_add_series(struct tcore_manifest *m, enum tcore_record_type type,
                               unsigned fields)
{
    m->series_fields[type] = m->records[type] ? m->series_fields[type] & fields : fields;
}

bool tcore_manifest_add_source(struct tcore_manifest *m, const char *path,
                               const struct tcore_manifest *source)
{
    m->all_timed = source->all_timed && (m->all_timed || !m->source_count);
    widen_times(m, source->timed, source->min_ns, source->max_ns);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        if (source->records[type])
            tcore_manifest_add_series(m, (enum tcore_record_type)type, source->series_fields[type]);
        m->records[type] += source->records[type];
    }
    m->text_bytes += source->text_bytes;
    for (uint32_t i = 0; i < source->seal_count; i++)
        if (!tcore_manifest_add_seal(m, &source->seal[i]))
            return false;
    return add_path(m, path, strlen(path));
}

bool tcore_manifest_add_block(struct tcore_manifest *m, const struct tcore_manifest_block *block)
{
    if (m->block_count == m->block_capacity) {
        uint32_t capacity = m->block_capacity ? m->block_capacity * 2 : 16;
        struct tcore_manifest_block *memory =
            tcore_reallocarray(m->block, capacity, sizeof *memory);
        if (!memory)
            return false;
        m->block = memory;
        m->block_capacity = capacity;
    }
    m->all_timed = block->all_timed && (m->all_timed || !m->block_count);
    widen_times(m, block->timed, block->min_ns, block->max_ns);
    m->records[block->type] += block->rows;
    m->block[m->block_count++] = *block;
    return true;
}

/* ---- writing ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct tcore_map_key *x = *(const struct tcore_map_key *const *)a;
    const struct tcore_map_key *y = *(const struct tcore_map_key *const *)b;
    size_t common = x->length < y->length ? x->length : y->length;
    int order = common ? memcmp(x->data, y->data, common) : 0;
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* In the order of their bytes, so that equal contents are equal texts. */
static bool write_names(const struct tcore_name_set *set, const char *key, struct tcore_buf *out)
{
    uint32_t count = set->made ? set->map.count : 0;
    if (set->incomplete)
        return true;
    const struct tcore_map_key **sorted = tcore_reallocarray(NULL, count + 1, sizeof *sorted);
    if (!sorted)
        return false;
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = &set->map.keys[i];
    qsort(sorted, count, sizeof *sorted, compare_keys);
    tcore_buf_printf(out, ",\"%s\":[", key);
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            tcore_buf_putc(out, ',');
        tcore_json_write_string(out, sorted[i]->data, sorted[i]->length);
    }
    tcore_buf_putc(out, ']');
    tcore_free(sorted);
    return true;
}

static void write_times(bool timed, bool all_timed, int64_t min_ns, int64_t max_ns,
                        struct tcore_buf *out)
{
    if (!timed)
        return;
    tcore_buf_printf(out,
                     ",\"minTimeUnixNano\":\"%" PRId64 "\",\"maxTimeUnixNano\":\"%" PRId64 "\"",
                     min_ns, max_ns);
    if (!all_timed)
        tcore_buf_puts(out, ",\"someWithoutTime\":true");
}

static void write_blocks(const struct tcore_manifest *m, struct tcore_buf *out)
{
    tcore_buf_puts(out, ",\"blocks\":[");
    for (uint32_t i = 0; i < m->block_count; i++) {
        const struct tcore_manifest_block *b = &m->block[i];
        tcore_buf_printf(
            out,
            "%s{\"type\":\"%s\",\"records\":%" PRIu32 ",\"frame\":%" PRIu32 ",\"frames\":%" PRIu32,
            i ? "," : "", tcore_record_type_name(b->type), b->rows, b->frame, b->frames);
        write_times(b->timed, b->all_timed, b->min_ns, b->max_ns, out);
        tcore_buf_putc(out, '}');
    }
    tcore_buf_putc(out, ']');
}

static void write_rollups(const struct tcore_manifest *m, struct tcore_buf *out)
{
    tcore_buf_puts(out, m->rollup_count ? ",\"rollups\":[" : "");
    for (uint32_t i = 0; i < m->rollup_count; i++) {
        const struct tcore_manifest_rollup *r = &m->rollup[i];
        bool comma = false;
        tcore_buf_printf(out, "%s{\"frame\":%" PRIu32 ",\"windowNano\":%" PRId64 ",\"types\":[",
                         i ? "," : "", r->frame, r->window_ns);
        for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
            if (!(r->types >> type & 1))
                continue;
            tcore_buf_printf(out, "%s\"%s\"", comma ? "," : "",
                             tcore_record_type_name((enum tcore_record_type)type));
            comma = true;
        }
        tcore_buf_puts(out, "]}");
    }
    tcore_buf_puts(out, m->rollup_count ? "]" : "");
}

static void write_series_fields(const struct tcore_manifest *m, struct tcore_buf *out)
{
    const char *before = ",\"seriesFields\":{";
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        if (!m->series_fields[type])
            continue;
        tcore_buf_printf(out, "%s\"%s\":[", before,
                         tcore_record_type_name((enum tcore_record_type)type));
        before = ",";
        bool comma = false;
        for (int i = 0; i < TCORE_SERIES_FIELDS; i++) {
            if (!(m->series_fields[type] >> i & 1))
                continue;
            tcore_buf_printf(out, "%s\"%s\"", comma ? "," : "", tcore_series_field_names[i]);
            comma = true;
        }
        tcore_buf_putc(out, ']');
    }
    tcore_buf_puts(out, *before == ',' && !before[1] ? "}" : "");
}

static void write_sources(const struct tcore_manifest *m, struct tcore_buf *out)
{
    tcore_buf_puts(out, m->source_count ? ",\"of\":[" : "");
    for (uint32_t i = 0; i < m->source_count; i++) {
        tcore_buf_puts(out, i ? "," : "");
        tcore_json_write_string(out, m->source[i], strlen(m->source[i]));
    }
    tcore_buf_puts(out, m->source_count ? "]" : "");
}

enum tcore_status tcore_manifest_write(const struct tcore_manifest *m, struct tcore_buf *out,
                                       struct tcore_error *err)
{
    bool comma = false;
    tcore_buf_printf(out, "{\"version\":%d,\"segmentId\":\"", SEGMENT_VERSION);
    for (int i = 0; i < SEGMENT_ID_BYTES; i++)
        tcore_buf_printf(out, "%02x", m->id[i]);
    tcore_buf_printf(out, "\",\"createdUnixNano\":\"%" PRId64 "\",\"records\":{", m->created_ns);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        if (!m->records[type])
            continue;
        tcore_buf_printf(out, "%s\"%s\":%" PRIu64, comma ? "," : "",
                         tcore_record_type_name((enum tcore_record_type)type), m->records[type]);
        comma = true;
    }
    tcore_buf_printf(out, "},\"textBytes\":%" PRIu64, m->text_bytes);
    write_times(m->timed, m->all_timed, m->min_ns, m->max_ns, out);
    for (int kind = 0; kind < TCORE_NAME_KINDS; kind++)
        if (!write_names(&m->names[kind], name_keys[kind], out))
            return tcore_error_nomem(err);
    tcore_manifest_write_seals(m, out);
    write_blocks(m, out);
    write_rollups(m, out);
    if (m->rollup_count)
        write_series_fields(m, out);
    write_sources(m, out);
    if (m->trace_index)
        tcore_buf_printf(out, ",\"traceIndex\":%" PRIu32 ",\"traceFilter\":%" PRIu32,
                         m->trace_index, m->trace_filter);
    if (m->keys)
        tcore_buf_printf(out, ",\"keys\":%" PRIu32, m->keys);
    tcore_buf_puts(out, "}\n");
    return tcore_buf_status(out, err);
}

/* ---- reading ---- */

struct reader {
    struct tcore_json json;
    struct tcore_manifest *manifest;
    uint32_t frames; /* of the segment */
    struct tcore_error *err;
};

static enum tcore_status wrong(struct reader *r, const char *what)
{
    return tcore_error_set(r->err, TCORE_BAD_INPUT, "its manifest has no proper %s", what);
}

static const struct tcore_value *member(const struct reader *r, uint32_t object, const char *key)
{
    uint32_t i = tcore_json_find(&r->json, object, key);
    return i ? &r->json.node[i].value : NULL;
}

static bool get_count(const struct reader *r, uint32_t object, const char *key, uint64_t most,
                      uint64_t *count)
{
    const struct tcore_value *v = member(r, object, key);
    if (!v || v->kind != TCORE_INT || v->i < 0 || (uint64_t)v->i > most)
        return false;
    *count = (uint64_t)v->i;
    return true;
}

static bool get_time(const struct reader *r, uint32_t object, const char *key, int64_t *ns)
{
    const struct tcore_value *v = member(r, object, key);
    return v && v->kind == TCORE_STRING && tcore_binary_is_decimal(v->s, v->len, ns);
}

static bool get_times(const struct reader *r, uint32_t object, bool *timed, bool *all_timed,
                      int64_t *min_ns, int64_t *max_ns)
{
    *timed = member(r, object, "minTimeUnixNano") != NULL;
    *all_timed = *timed && !member(r, object, "someWithoutTime");
    return !*timed || (get_time(r, object, "minTimeUnixNano", min_ns) &&
                       get_time(r, object, "maxTimeUnixNano", max_ns) && *min_ns <= *max_ns);
}

static bool get_type(const struct tcore_value *v, enum tcore_record_type *type)
{
    if (!v || v->kind != TCORE_STRING)
        return false;
    *type = tcore_record_type_find(v->s, v->len);
    const char *name = tcore_record_type_name(*type);
    if (strlen(name) == v->len && !memcmp(name, v->s, v->len))
        return true;
    *type = TCORE_RECORD_NONE;
    name = tcore_record_type_name(*type);
    return strlen(name) == v->len && !memcmp(name, v->s, v->len);
}

static enum tcore_status read_block(struct reader *r, uint32_t object, uint32_t *next_frame)
{
    struct tcore_manifest_block block = {0};
    uint64_t rows, frame, frames;
    if (!get_type(member(r, object, "type"), &block.type) ||
        !get_count(r, object, "records", UINT32_MAX, &rows) || !rows ||
        !get_count(r, object, "frame", r->frames, &frame) || frame < *next_frame ||
        !get_count(r, object, "frames", r->frames - frame, &frames) || !frames ||
        !get_times(r, object, &block.timed, &block.all_timed, &block.min_ns, &block.max_ns))
        return wrong(r, "blocks");
    block.rows = (uint32_t)rows;
    block.frame = (uint32_t)frame;
    block.frames = (uint32_t)frames;
    *next_frame = block.frame + block.frames;
    return tcore_manifest_add_block(r->manifest, &block) ? TCORE_OK : tcore_error_nomem(r->err);
}

static enum tcore_status read_blocks(struct reader *r)
{
    uint32_t list = tcore_json_find(&r->json, 0, "blocks"), next_frame = 0;
    enum tcore_status status = TCORE_OK;
    if (!list || !tcore_json_is_array(&r->json.node[list]))
        return wrong(r, "blocks");
    for (uint32_t e = list + 1; e < r->json.node[list].next && status == TCORE_OK;
         e = r->json.node[e].next)
        status = read_block(r, e, &next_frame);
    return status;
}

static enum tcore_status read_names(struct reader *r, int kind)
{
    struct tcore_name_set *set = &r->manifest->names[kind];
    uint32_t list = tcore_json_find(&r->json, 0, name_keys[kind]);
    if (!list || !tcore_json_is_array(&r->json.node[list])) {
        set->incomplete = true;
        return TCORE_OK;
    }
    for (uint32_t e = list + 1; e < r->json.node[list].next; e = r->json.node[e].next) {
        const struct tcore_value *v = &r->json.node[e].value;
        if (v->kind != TCORE_STRING)
            return wrong(r, name_keys[kind]);
        if (!tcore_name_set_add(set, v->s, v->len))
            return tcore_error_nomem(r->err);
    }
    return TCORE_OK;
}

static enum tcore_status read_rollup(struct reader *r, uint32_t object)
{
    struct tcore_manifest_rollup rollup = {0};
    uint32_t list = tcore_json_find(&r->json, object, "types");
    uint64_t frame, window;
    if (!get_count(r, object, "frame", r->frames, &frame) || frame == r->frames ||
        !get_count(r, object, "windowNano", INT64_MAX, &window) || window < 1000 || !list ||
        !tcore_json_is_array(&r->json.node[list]))
        return wrong(r, "rollups");
    rollup.frame = (uint32_t)frame;
    rollup.window_ns = (int64_t)window;
    for (uint32_t e = list + 1; e < r->json.node[list].next; e = r->json.node[e].next) {
        enum tcore_record_type type;
        if (!get_type(&r->json.node[e].value, &type))
            return wrong(r, "rollups");
        rollup.types |= 1u << type;
    }
    if (r->manifest->rollup_count < TCORE_MANIFEST_ROLLUPS) /* more are a later version's */
        r->manifest->rollup[r->manifest->rollup_count++] = rollup;
    return TCORE_OK;
}

static enum tcore_status read_rollups(struct reader *r)
{
    uint32_t list = tcore_json_find(&r->json, 0, "rollups");
    enum tcore_status status = TCORE_OK;
    if (!list)
        return TCORE_OK;
    if (!tcore_json_is_array(&r->json.node[list]))
        return wrong(r, "rollups");
    for (uint32_t e = list + 1; e < r->json.node[list].next && status == TCORE_OK;
         e = r->json.node[e].next)
        status = read_rollup(r, e);
    return status;
}

/* Names that this program does not know are a later version's. */
static unsigned read_field(const struct tcore_value *name)
{
    for (int i = 0; i < TCORE_SERIES_FIELDS; i++)
        if (strlen(tcore_series_field_names[i]) == name->len &&
            !memcmp(tcore_series_field_names[i], name->s, name->len))
            return 1u << i;
    return 0;
}

static enum tcore_status read_series_fields(struct reader *r)
{
    const struct tcore_json_node *node = r->json.node;
    uint32_t object = tcore_json_find(&r->json, 0, "seriesFields");
    if (!object)
        return TCORE_OK;
    if (!tcore_json_is_object(&node[object]))
        return wrong(r, "seriesFields");
    for (uint32_t k = object + 1; k < node[object].next; k = node[k + 1].next) {
        enum tcore_record_type type;
        if (!get_type(&node[k].value, &type) || !tcore_json_is_array(&node[k + 1]))
            return wrong(r, "seriesFields");
        for (uint32_t e = k + 2; e < node[k + 1].next; e = node[e].next) {
            if (node[e].value.kind != TCORE_STRING)
                return wrong(r, "seriesFields");
            r->manifest->series_fields[type] |= read_field(&node[e].value);
        }
    }
    return TCORE_OK;
}

/* Of a joint roll-up: what blocks tell otherwise is written out. */
static enum tcore_status read_sources(struct reader *r)
{
    struct tcore_manifest *m = r->manifest;
    uint32_t list = tcore_json_find(&r->json, 0, "of"), records;
    if (!list)
        return TCORE_OK;
    if (!tcore_json_is_array(&r->json.node[list]) || m->block_count ||
        !get_times(r, 0, &m->timed, &m->all_timed, &m->min_ns, &m->max_ns))
        return wrong(r, "of");
    for (uint32_t e = list + 1; e < r->json.node[list].next; e = r->json.node[e].next) {
        const struct tcore_value *v = &r->json.node[e].value;
        if (v->kind != TCORE_STRING || memchr(v->s, '\0', v->len))
            return wrong(r, "of");
        if (!add_path(m, v->s, v->len))
            return tcore_error_nomem(r->err);
    }
    records = tcore_json_find(&r->json, 0, "records");
    if (!records || !tcore_json_is_object(&r->json.node[records]))
        return wrong(r, "records");
    for (uint32_t k = records + 1; k < r->json.node[records].next; k = r->json.node[k + 1].next) {
        enum tcore_record_type type;
        const struct tcore_value *count = &r->json.node[k + 1].value;
        if (!get_type(&r->json.node[k].value, &type) || count->kind != TCORE_INT || count->i < 0)
            return wrong(r, "records");
        m->records[type] = (uint64_t)count->i;
    }
    return TCORE_OK;
}

static enum tcore_status read_trace_members(struct reader *r)
{
    uint64_t index = 0, filter = 0, keys = 0;
    if (member(r, 0, "keys") && (!get_count(r, 0, "keys", r->frames, &keys) || keys == r->frames))
        return wrong(r, "keys");
    r->manifest->keys = (uint32_t)keys;
    if (!member(r, 0, "traceIndex"))
        return TCORE_OK;
    if (!get_count(r, 0, "traceIndex", r->frames, &index) || index == r->frames ||
        !get_count(r, 0, "traceFilter", r->frames, &filter) || filter == r->frames)
        return wrong(r, "traceIndex");
    r->manifest->trace_index = (uint32_t)index;
    r->manifest->trace_filter = (uint32_t)filter;
    return TCORE_OK;
}

/* Records of each type are those of its blocks. */
static bool counts_agree(const struct reader *r)
{
    uint32_t object = tcore_json_find(&r->json, 0, "records");
    uint64_t total = 0, told = 0;
    if (!object || !tcore_json_is_object(&r->json.node[object]))
        return false;
    for (uint32_t k = object + 1; k < r->json.node[object].next; k = r->json.node[k + 1].next) {
        enum tcore_record_type type;
        const struct tcore_value *count = &r->json.node[k + 1].value;
        if (!get_type(&r->json.node[k].value, &type) || count->kind != TCORE_INT ||
            (uint64_t)count->i != r->manifest->records[type])
            return false;
        told += (uint64_t)count->i;
    }
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        total += r->manifest->records[type];
    return told == total;
}

static enum tcore_status read_all(struct reader *r)
{
    struct tcore_manifest *m = r->manifest;
    uint64_t version;
    if (!tcore_json_is_object(&r->json.node[0]))
        return wrong(r, "object");
    if (!get_count(r, 0, "version", UINT32_MAX, &version))
        return wrong(r, "version");
    if (version != SEGMENT_VERSION)
        return tcore_error_set(r->err, TCORE_BAD_INPUT,
                               "it is of version %" PRIu64 ", and this program knows %d", version,
                               SEGMENT_VERSION);
    const struct tcore_value *id = member(r, 0, "segmentId");
    if (!id || !tcore_manifest_parse_id(id, m->id, SEGMENT_ID_BYTES))
        return wrong(r, "segmentId");
    if (!get_time(r, 0, "createdUnixNano", &m->created_ns))
        return wrong(r, "createdUnixNano");
    if (!get_count(r, 0, "textBytes", INT64_MAX, &m->text_bytes))
        return wrong(r, "textBytes");
    enum tcore_status status = read_blocks(r);
    for (int kind = 0; kind < TCORE_NAME_KINDS && status == TCORE_OK; kind++)
        status = read_names(r, kind);
    if (status == TCORE_OK)
        status = read_rollups(r);
    if (status == TCORE_OK)
        status = read_series_fields(r);
    if (status == TCORE_OK)
        status = read_sources(r);
    if (status == TCORE_OK)
        status = read_trace_members(r);
    if (status == TCORE_OK)
        status = tcore_manifest_read_seals(m, &r->json, r->err);
    if (status == TCORE_OK && !counts_agree(r))
        return wrong(r, "records");
    return status;
}

enum tcore_status tcore_manifest_read(struct tcore_manifest *manifest, const char *text,
                                      size_t length, uint32_t frames, struct tcore_error *err)
{
    struct reader r = {.manifest = manifest, .frames = frames, .err = err};
    r.json.depth_limit = MANIFEST_DEPTH;
    enum tcore_status status = tcore_json_parse(&r.json, text, length, err);
    if (status == TCORE_SKIP)
        status = wrong(&r, "JSON");
    if (status == TCORE_OK)
        status = read_all(&r);
    tcore_json_free(&r.json);
    if (status != TCORE_OK)
        tcore_manifest_free(manifest);
    return status;
}
