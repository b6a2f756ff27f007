/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Segments of released versions, kept as text in tests/data/golden-segments: each must read as the
 * text beside it says, for ever. And that they have whatever a segment can have. To add one: its
 * bytes as hexadecimal, and for its text what this test writes with TRACECORE_GOLDEN_SHOW set,
 * once that is known to be right.
 */
#include "tap.h"

#include "golden.h"
#include "model/symbol.h"
#include "segment_file.h"
#include "store/rollup.h"
#include "store/segment_check.h"
#include "store/trace_filter.h"
#include "store/trace_index.h"
#include "stream/binary_format.h"

#include <inttypes.h>
#include <unistd.h>

/* What was met in the directories of blocks, as bits. */
static struct {
    unsigned types, classes, encodings;
} seen;

/* ---- what a manifest says ---- */

static void tell_times(struct tcore_buf *out, bool timed, bool all_timed, int64_t min_ns,
                       int64_t max_ns)
{
    if (timed)
        tcore_buf_printf(out, " from %" PRId64 " to %" PRId64 "%s", min_ns, max_ns,
                         all_timed ? "" : ", some without");
    tcore_buf_putc(out, '\n');
}

static void tell_hex(struct tcore_buf *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tcore_buf_printf(out, "%02x", bytes[i]);
}

static void tell_types(struct tcore_buf *out, unsigned types)
{
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (types >> type & 1)
            tcore_buf_printf(out, " %s", tcore_record_type_name((enum tcore_record_type)type));
}

static void tell_names(struct tcore_buf *out, const char *what, const struct tcore_name_set *set)
{
    tcore_buf_printf(out, "%s:", what);
    for (uint32_t i = 0; set->made && i < set->map.count; i++) {
        tcore_buf_putc(out, ' ');
        tcore_json_write_string(out, set->map.keys[i].data, set->map.keys[i].length);
    }
    tcore_buf_puts(out, set->incomplete ? " and others\n" : "\n");
}

static void tell_manifest(struct tcore_buf *out, const struct tcore_manifest *m)
{
    tcore_buf_puts(out, "segment ");
    tell_hex(out, m->id, sizeof m->id);
    tcore_buf_printf(out, " made at %" PRId64 ", %" PRIu64 " bytes of text", m->created_ns,
                     m->text_bytes);
    tell_times(out, m->timed, m->all_timed, m->min_ns, m->max_ns);
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        if (m->records[type])
            tcore_buf_printf(out, "%s %" PRIu64 "\n",
                             tcore_record_type_name((enum tcore_record_type)type),
                             m->records[type]);
    tell_names(out, "services", &m->names[TCORE_NAMES_SERVICES]);
    tell_names(out, "operations", &m->names[TCORE_NAMES_OPERATIONS]);
    tell_names(out, "metrics", &m->names[TCORE_NAMES_METRICS]);
    for (uint32_t i = 0; i < m->seal_count; i++) {
        tcore_buf_puts(out, "log ");
        tell_hex(out, m->seal[i].id, sizeof m->seal[i].id);
        tcore_buf_printf(out, " up to %" PRIu64 "\n", (uint64_t)m->seal[i].last_sequence);
    }
    for (uint32_t i = 0; i < m->source_count; i++)
        tcore_buf_printf(out, "of %s\n", m->source[i]);
    for (uint32_t i = 0; i < m->block_count; i++) {
        tcore_buf_printf(out, "block of %s %u", tcore_record_type_name(m->block[i].type),
                         (unsigned)m->block[i].rows);
        tell_times(out, m->block[i].timed, m->block[i].all_timed, m->block[i].min_ns,
                   m->block[i].max_ns);
    }
}

/* ---- roll-ups and traces ---- */

static const struct tcore_stat stats_asked[] = {
    {.kind = TCORE_STAT_COUNT, .name = "count"}, {.kind = TCORE_STAT_ERRORS, .name = "errors"},
    {.kind = TCORE_STAT_SUM, .name = "sum"},     {.kind = TCORE_STAT_MIN, .name = "min"},
    {.kind = TCORE_STAT_MAX, .name = "max"},
};

static void tell_symbol(struct tcore_buf *out, const char *what, const struct tcore_slice *symbol)
{
    if (!symbol->length)
        return;
    tcore_buf_printf(out, " %s ", what);
    tcore_symbol_write(symbol->data, symbol->length, out);
}

static void tell_buckets(struct tcore_buf *out, const struct tcore_histogram *histogram)
{
    struct tcore_histogram_cursor cursor = tcore_histogram_cursor(histogram);
    struct tcore_histogram_bucket bucket;
    tcore_buf_puts(out, ",\"buckets\":[");
    for (const char *comma = ""; tcore_histogram_next(&cursor, &bucket); comma = ",")
        tcore_buf_printf(out, "%s[%.6g,%.6g,%" PRIu64 "]", comma, bucket.lower, bucket.upper,
                         bucket.units);
    tcore_buf_putc(out, ']');
}

static enum tcore_status tell_cells(struct tcore_buf *out, struct tcore_rollup_reader *reader,
                                    struct tcore_error *err)
{
    const struct tcore_stats stats = {.stat = (struct tcore_stat *)(uintptr_t)stats_asked,
                                      .count = sizeof stats_asked / sizeof *stats_asked,
                                      .sum = true,
                                      .histogram = true};
    int64_t window;
    const struct tcore_cell *cell;
    enum tcore_status status;
    while ((status = tcore_rollup_next_cell(reader, &window, &cell, err)) == TCORE_OK) {
        tcore_buf_printf(out, "  %" PRId64 " {\"values\":%" PRIu64, window, cell->values);
        tcore_cell_write(cell, &stats, 0, out);
        tell_buckets(out, &cell->histogram);
        tcore_buf_puts(out, "}\n");
    }
    return status == TCORE_EOF ? TCORE_OK : status;
}

static void tell_totals(struct tcore_buf *out, const struct tcore_rollup_reader *reader)
{
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        const struct tcore_rollup_totals *t =
            tcore_rollup_reader_totals(reader, (enum tcore_record_type)type);
        if (t && (t->placed || t->unplaced))
            tcore_buf_printf(
                out,
                " %s: %" PRIu64 " in cells, %" PRIu64 " elsewhere, %" PRIu64 " negative, %" PRIu64
                " bad histograms, %" PRIu64 " bad rates, %" PRIu64 " cumulative\n",
                tcore_record_type_name((enum tcore_record_type)type), t->placed, t->unplaced,
                t->negative, t->bad_histograms, t->bad_rates, t->cumulative);
    }
}

static enum tcore_status tell_rollup(struct tcore_buf *out, const struct tcore_segment *segment,
                                     const struct tcore_manifest_rollup *rollup,
                                     struct tcore_error *err)
{
    struct tcore_block_reader member = {0};
    struct tcore_rollup_reader *reader = NULL;
    struct tcore_rollup_series series;
    struct tcore_slice data;
    enum tcore_status status =
        tcore_block_reader_member(&member, segment, rollup->frame, NULL, &data, err);
    if (status == TCORE_OK)
        status = tcore_rollup_reader_open(&reader, data.data, data.length, true, err);
    if (status == TCORE_OK) {
        tcore_buf_printf(out, "rollup of %" PRId64 ", whole of",
                         tcore_rollup_reader_window(reader));
        tell_types(out, rollup->types);
        tcore_buf_putc(out, '\n');
        tell_totals(out, reader);
    }
    while (status == TCORE_OK &&
           (status = tcore_rollup_next_series(reader, &series, err)) == TCORE_OK) {
        tcore_buf_printf(out, " %s", tcore_record_type_name(series.type));
        tell_symbol(out, "metric", &series.metric);
        tell_symbol(out, "service", &series.service);
        tell_symbol(out, "name", &series.name);
        tell_times(out, true, true, series.first_ns, series.last_ns);
        status = tell_cells(out, reader, err);
    }
    tcore_rollup_reader_free(reader);
    tcore_block_reader_free(&member);
    return status == TCORE_EOF ? TCORE_OK : status;
}

/* Each trace of the index, and whether the filter has it; the index knows half of its id. */
static enum tcore_status tell_traces(struct tcore_buf *out, const struct tcore_segment *segment,
                                     struct tcore_error *err)
{
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    struct tcore_block_reader member = {0};
    struct tcore_trace_index index;
    struct tcore_trace_index_cursor cursor = {.index = &index};
    struct tcore_trace_blocks blocks = {0};
    struct tcore_trace_filter filter = {0};
    struct tcore_slice data;
    if (!m->trace_index)
        return TCORE_OK;
    enum tcore_status status =
        tcore_block_reader_member(&member, segment, m->trace_filter, NULL, &data, err);
    if (status == TCORE_OK)
        status = tcore_trace_filter_decode(&filter, data.data, data.length, err);
    if (status == TCORE_OK)
        status = tcore_block_reader_member(&member, segment, m->trace_index, NULL, &data, err);
    if (status == TCORE_OK)
        status = tcore_trace_index_open(&index, data.data, data.length, err);
    if (status == TCORE_OK)
        tcore_buf_printf(out, "filter of %u blocks, %" PRIu64 " traces\n", (unsigned)filter.blocks,
                         filter.keys);
    while (status == TCORE_OK &&
           (status = tcore_trace_index_next(&cursor, &blocks, err)) == TCORE_OK) {
        tcore_buf_puts(out, "trace ");
        tell_hex(out, cursor.key, sizeof cursor.key);
        for (size_t i = 0; i < blocks.count; i++)
            tcore_buf_printf(out, " %u", (unsigned)blocks.block[i]);
        tcore_buf_putc(out, '\n');
    }
    tcore_trace_filter_free(&filter);
    tcore_free(blocks.block);
    tcore_block_reader_free(&member);
    return status == TCORE_EOF ? TCORE_OK : status;
}

/* ---- records ---- */

static void look_at(const struct tcore_slice *directory)
{
    seen.types |= 1u << directory->data[BLOCK_TYPE];
    for (unsigned i = 0; i < binary_get16(directory->data + BLOCK_COLUMNS); i++) {
        const char *entry = directory->data + BLOCK_BYTES + (size_t)i * ENTRY_BYTES;
        seen.classes |= 1u << entry[ENTRY_CLASS];
        seen.encodings |= 1u << entry[ENTRY_ENCODING];
    }
}

/* Totals of traces, where a block has them. */
static enum tcore_status tell_sums(struct tcore_buf *out, struct tcore_binary_decoder *decoder,
                                   const struct tcore_slice *directory,
                                   struct tcore_binary_columns *columns, struct tcore_error *err)
{
    struct tcore_batch batch;
    enum tcore_status status =
        tcore_binary_decode_sums(decoder, directory->data, directory->length, columns, &batch, err);
    for (size_t i = 0; status == TCORE_OK && i < batch.sums->count; i++) {
        const struct tcore_trace_sum *sum = &batch.sums->sum[i];
        tcore_buf_puts(out, "total of ");
        tell_hex(out, batch.sums->ids[i], sizeof batch.sums->ids[i]);
        tcore_buf_printf(out, " from %" PRId64 " to %" PRId64 ", %u spans, %u errors\n",
                         sum->start_ns, sum->end_ns, sum->spans, sum->errors);
    }
    return status == TCORE_SKIP ? TCORE_OK : status;
}

static enum tcore_status tell_block(struct tcore_buf *out, const struct tcore_segment *segment,
                                    uint32_t block, struct tcore_key_ring *ring,
                                    struct tcore_error *err)
{
    struct opened_block opened;
    enum tcore_status status = open_block(&opened, segment, block, ring, err);
    if (status == TCORE_OK) {
        look_at(&opened.directory);
        append_lines(&opened.batch, out);
        status = tell_sums(out, opened.decoder, &opened.directory, &opened.reader.columns, err);
    }
    close_block(&opened);
    return status;
}

/* ---- files ---- */

static void tell_problem(void *context, const char *what)
{
    printf("# %s\n", what);
    ++*(unsigned *)context;
}

/* All that the segment has; whole: its manifest, roll-ups and traces, too. */
static enum tcore_status tell(struct tcore_buf *out, struct tcore_key_ring *ring, bool whole,
                              struct tcore_error *err)
{
    struct tcore_segment *segment = NULL;
    unsigned problems = 0;
    enum tcore_status status = tcore_segment_open(&segment, FILE_FD, err);
    if (status == TCORE_OK)
        status = tcore_segment_check(segment, tell_problem, &problems, err);
    if (status == TCORE_OK && ring)
        status = tcore_segment_unlock(segment, ring, err);
    const struct tcore_manifest *m = status == TCORE_OK ? tcore_segment_manifest(segment) : NULL;
    if (m && whole)
        tell_manifest(out, m);
    for (uint32_t i = 0; status == TCORE_OK && whole && i < m->rollup_count; i++)
        status = tell_rollup(out, segment, &m->rollup[i], err);
    if (status == TCORE_OK && whole)
        status = tell_traces(out, segment, err);
    for (uint32_t i = 0; status == TCORE_OK && i < m->block_count; i++)
        status = tell_block(out, segment, i, ring, err);
    tcore_segment_close(segment);
    return status;
}

static void load(const char *name)
{
    struct tcore_buf hex = {0};
    char path[64];
    snprintf(path, sizeof path, "golden-segments/%s.hex", name);
    golden_read(&hex, path);
    file.length = 0;
    golden_bytes(&file, hex.data);
    tcore_buf_free(&hex);
}

static void compare(const char *name, const struct tcore_buf *got)
{
    struct tcore_buf wanted = {0};
    char path[64];
    snprintf(path, sizeof path, "golden-segments/%s.txt", name);
    golden_read(&wanted, path);
    if (!is_mem(got->data, got->length, wanted.data, wanted.length, "%s: all of it", name) &&
        getenv("TRACECORE_GOLDEN_SHOW"))
        fwrite(got->data, 1, got->length, stderr);
    tcore_buf_free(&wanted);
}

static void test_file(const char *name)
{
    struct tcore_buf got = {0};
    struct tcore_error err = {0};
    load(name);
    ok(tell(&got, NULL, true, &err) == TCORE_OK, "%s is read %s", name, err.text);
    compare(name, &got);
    tcore_buf_free(&got);
}

/* A ring with the key from a file of tests/data. */
static enum tcore_status make_ring(struct tcore_key_ring **ring, const char *name,
                                   struct tcore_error *err)
{
    struct tcore_buf text = {0};
    int ends[2];
    golden_read(&text, name);
    enum tcore_status status = tcore_key_ring_new(ring, err);
    if (status == TCORE_OK && pipe(ends) == 0) {
        bool written = write(ends[1], text.data, text.length) == (ssize_t)text.length;
        close(ends[1]);
        status = written ? tcore_key_ring_add_fd(*ring, ends[0], name, err) : TCORE_FATAL;
        close(ends[0]);
    }
    tcore_buf_free(&text);
    return status;
}

static void test_sealed(const struct tcore_sys *sys)
{
    struct tcore_buf got = {0};
    struct tcore_key_ring *ring = NULL;
    struct tcore_error err = {0};
    tcore_sys_set(NULL); /* the key comes from a pipe */
    enum tcore_status status = make_ring(&ring, "golden-segments/sealed-v1.key", &err);
    tcore_sys_set(sys);
    load("sealed-v1");
    ok(tell(&got, NULL, true, &err) == TCORE_OK, "without a key sealed-v1 is read %s", err.text);
    if (status != TCORE_OK) {
        skip("with its key: %s", err.text);
    } else {
        tcore_buf_puts(&got, "with the key:\n");
        ok(tell(&got, ring, false, &err) == TCORE_OK, "and with its key");
        compare("sealed-v1", &got);
    }
    tcore_key_ring_free(ring);
    tcore_buf_free(&got);
}

int main(void)
{
    struct tcore_sys sys = tcore_sys_default;
    use_memory(&sys);
    tcore_sys_set(&sys);
    test_file("plain-v1");
    test_file("joint-v1");
    test_file("traces-v1");
    test_sealed(&sys);
    tcore_sys_set(NULL);
    is_int(seen.types, 0x17fe, "every type of records that is kept");
    is_int(seen.classes, 0x7ff, "every class of column");
    is_int(seen.encodings, 0x3ff, "every encoding");
    free(file.data);
    return done_testing();
}
