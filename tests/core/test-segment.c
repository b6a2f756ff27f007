/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Segments: what goes in comes out; every flipped bit and every truncation is found, and what is
 * read of a damaged one is what was written or an error; nothing leaks when memory is short.
 */
#include "tap.h"

#include "binary.h"
#include "failing.h"
#include "memory_file.h"
#include "store/segment_check.h"
#include "store/segment_read.h"
#include "store/segment_salvage.h"
#include "store/segment_write.h"

#include <errno.h>

static int64_t a_time(void)
{
    return 1790000000123456789;
}

static struct tcore_sys memory_sys(void)
{
    struct tcore_sys sys = tcore_sys_default;
    use_memory(&sys);
    sys.wall_ns = a_time;
    return sys;
}

/* Three blocks of spans and metrics. */
static void add_lines(struct tcore_buf *lines)
{
    for (unsigned block = 0; block < 3; block++)
        for (unsigned i = 0; i < 12; i++) {
            if (block == 1)
                tcore_buf_printf(lines,
                                 "{\"type\":\"metric\",\"metricName\":\"m%u\",\"value\":%u,"
                                 "\"timeUnixNano\":\"%u000000000\"}\n",
                                 i % 3, i, 1790000100 + i);
            else
                tcore_buf_printf(
                    lines,
                    "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"op%"
                    "u\""
                    ",\"startTimeUnixNano\":\"%u000000000\",\"endTimeUnixNano\":\"%u000001000\""
                    ",\"durationNano\":1000,\"service\":\"s%u\"}\n",
                    block + 1, i + 1, i % 4, 1790000000 + i + 50 * block,
                    1790000000 + i + 50 * block, i % 2);
        }
}

#define BLOCK_LINES 12

/* Of logs that are in the segment. */
static const struct tcore_log_seal seals[2] = {{"0123456789abcde\xff", 7}, {"", INT64_MAX}};

/* Makes something else of a block, whose checksums are made right again; NULL: nothing. */
static void (*forge)(char *block);

static enum tcore_status write_segment(const struct tcore_buf *lines, struct tcore_error *err)
{
    struct tcore_buf blocks = {0};
    struct tcore_binary_writer *writer = NULL;
    struct tcore_block_packer *packer = NULL;
    struct tcore_segment_writer *segment = NULL;
    file.length = 0;
    enum tcore_status status = tcore_binary_writer_new(&writer, &blocks, NULL, err);
    if (status == TCORE_OK) {
        tcore_binary_writer_for_segments(writer);
        tcore_buf_clear(&blocks);
        status = tcore_block_packer_new(&packer, err);
    }
    if (status == TCORE_OK)
        status = tcore_segment_writer_new(&segment, FILE_FD, 7, err);
    unsigned count = 0;
    for (const char *p = lines->data, *end = p + lines->length; p < end && status == TCORE_OK;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        status = tcore_binary_writer_add(writer, p, (size_t)(newline - p), err);
        if (status == TCORE_OK && ++count % BLOCK_LINES == 0)
            status = tcore_binary_writer_flush(writer, err);
        p = newline + 1;
    }
    for (size_t at = 0, bytes; at < blocks.length && status == TCORE_OK; at += bytes) {
        struct tcore_packed_block packed = {0};
        bool is_block;
        status = tcore_binary_unit(blocks.data + at, blocks.length - at, &bytes, &is_block, err);
        if (status == TCORE_OK && forge) {
            forge(blocks.data + at);
            seal_block(blocks.data + at, bytes);
        }
        if (status == TCORE_OK)
            status = tcore_pack_block(packer, blocks.data + at, bytes, &packed, err);
        if (status == TCORE_OK)
            status = tcore_segment_add(segment, &packed, err);
        tcore_packed_block_free(&packed);
    }
    for (size_t i = 0; i < 2 && status == TCORE_OK; i++)
        status = tcore_segment_seal_log(segment, &seals[i], err);
    if (status == TCORE_OK)
        status = tcore_segment_finish(segment, err);
    tcore_segment_writer_free(segment);
    tcore_block_packer_free(packer);
    tcore_binary_writer_free(writer);
    tcore_buf_free(&blocks);
    return status;
}

static enum tcore_status read_column(struct tcore_binary_columns *columns, uint32_t column,
                                     uint32_t bytes, const void **data, struct tcore_error *err)
{
    return tcore_block_reader_column((struct tcore_block_reader *)columns, column, bytes, data,
                                     err);
}

/* The lines of one block behind *lines. */
static enum tcore_status read_block(const struct tcore_segment *segment, uint32_t block,
                                    struct tcore_buf *lines, struct tcore_error *err)
{
    static const struct tcore_projection text = {.text = true};
    struct tcore_block_reader reader = {.columns = {.read = read_column}};
    struct tcore_binary_decoder *decoder = NULL;
    struct tcore_slice directory;
    struct tcore_batch batch;
    enum tcore_status status = tcore_binary_decoder_new(&decoder, &text, err);
    if (status == TCORE_OK)
        status = tcore_block_reader_open(
            &reader, segment, &tcore_segment_manifest(segment)->block[block], &directory, err);
    if (status == TCORE_OK)
        status = tcore_binary_decode(decoder, directory.data, directory.length, &reader.columns,
                                     &batch, err);
    if (status == TCORE_OK)
        append_lines(&batch, lines);
    tcore_binary_decoder_free(decoder);
    tcore_block_reader_free(&reader);
    return status;
}

static void told(void *context, const char *what)
{
    (void)what;
    ++*(unsigned *)context;
}

static bool has_name(const struct tcore_name_set *set, const char *name)
{
    return set->made && tcore_map_find(&set->map, name, strlen(name)) != TCORE_MAP_NONE;
}

static void test_round_trip(const struct tcore_buf *lines)
{
    struct tcore_error err = {0};
    struct tcore_segment *segment = NULL;
    struct tcore_buf got = {0};
    unsigned problems = 0;
    ok(write_segment(lines, &err) == TCORE_OK, "a segment is written %s", err.text);
    if (!ok(tcore_segment_open(&segment, FILE_FD, &err) == TCORE_OK, "and opened %s", err.text))
        return;
    const struct tcore_manifest *m = tcore_segment_manifest(segment);
    ok(m->block_count == 3 && m->records[TCORE_RECORD_SPAN] == 24 &&
           m->records[TCORE_RECORD_METRIC] == 12,
       "its manifest counts blocks and records");
    ok(m->seal_count == 2 && !memcmp(m->seal, seals, sizeof seals), "and has the seals of logs");
    ok(m->timed && m->all_timed && m->min_ns == 1790000000000000000 &&
           m->max_ns == 1790000111000000000,
       "its times are known");
    ok(has_name(&m->names[TCORE_NAMES_SERVICES], "s1") &&
           m->names[TCORE_NAMES_SERVICES].map.count == 2 &&
           m->names[TCORE_NAMES_OPERATIONS].map.count == 4 &&
           has_name(&m->names[TCORE_NAMES_OPERATIONS], "op3") &&
           m->names[TCORE_NAMES_METRICS].map.count == 3,
       "so are services, operations and metrics");
    for (uint32_t block = 0; block < m->block_count; block++)
        ok(read_block(segment, block, &got, &err) == TCORE_OK, "block %u is read", block);
    is_mem(got.data, got.length, lines->data, lines->length, "all records come back");
    ok(tcore_segment_check(segment, told, &problems, &err) == TCORE_OK && !problems, "it is sound");
    tcore_segment_close(segment);
    tcore_buf_free(&got);
}

/* What is left of a damaged segment. */
struct damage {
    unsigned tried, unopened, found, silent, wrong, lost_blocks_most;
};

/* Which block the text is, or -1. */
static int block_of(const struct tcore_buf *text, const struct tcore_buf *lines,
                    const size_t *line_at)
{
    for (int block = 0; block < 3; block++)
        if (text->length == line_at[block + 1] - line_at[block] &&
            !memcmp(text->data, lines->data + line_at[block], text->length))
            return block;
    return -1;
}

static void look(struct damage *d, const struct tcore_buf *lines, const size_t *line_at)
{
    struct tcore_segment *segment = NULL;
    struct tcore_error err;
    unsigned readable = 0, blocks = 0;
    d->tried++;
    if (tcore_segment_open(&segment, FILE_FD, &err) != TCORE_OK) {
        d->unopened++;
        tcore_segment_salvage(&segment, FILE_FD, &err);
    } else if (tcore_segment_check_digest(segment, &err) == TCORE_OK) {
        d->silent++;
    } else {
        d->found++;
    }
    if (segment)
        blocks = tcore_segment_manifest(segment)->block_count;
    int last = -1;
    for (uint32_t i = 0; i < blocks; i++) {
        struct tcore_buf got = {0};
        if (read_block(segment, i, &got, &err) == TCORE_OK) {
            int block = block_of(&got, lines, line_at);
            d->wrong += block <= last; /* none, or again, or out of order */
            last = block;
            readable++;
        }
        tcore_buf_free(&got);
    }
    unsigned lost = 3 - readable;
    d->lost_blocks_most = lost > d->lost_blocks_most ? lost : d->lost_blocks_most;
    tcore_segment_close(segment);
}

static void find_blocks(const struct tcore_buf *lines, size_t line_at[4])
{
    unsigned count = 0, block = 0;
    line_at[0] = 0;
    for (size_t i = 0; i < lines->length; i++)
        if (lines->data[i] == '\n' && ++count % BLOCK_LINES == 0)
            line_at[++block] = i + 1;
}

static void test_flips(const struct tcore_buf *lines)
{
    struct damage d = {0};
    struct tcore_error err;
    size_t line_at[4];
    find_blocks(lines, line_at);
    write_segment(lines, &err);
    /* every bit: all of them take half a minute under sanitizers */
    unsigned step = getenv("TRACECORE_TEST_LONG") ? 1 : 7;
    for (size_t bit = 0; bit < 8 * file.length; bit += step) {
        file.data[bit / 8] ^= (char)(1 << bit % 8);
        look(&d, lines, line_at);
        file.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    ok(d.tried > 1000 && d.unopened + d.found == d.tried && !d.silent && !d.wrong,
       "%u flipped bits: %u found when opened, %u by the digest, %u silent, %u read wrongly",
       d.tried, d.unopened, d.found, d.silent, d.wrong);
    ok(d.lost_blocks_most <= 1, "a flip loses one block at most");
}

static void test_truncations(const struct tcore_buf *lines)
{
    struct damage d = {0};
    struct tcore_error err;
    size_t line_at[4];
    find_blocks(lines, line_at);
    write_segment(lines, &err);
    size_t whole = file.length;
    for (file.length = 0; file.length < whole; file.length++)
        look(&d, lines, line_at);
    ok(d.unopened == d.tried && d.tried == whole && !d.wrong,
       "%u truncations: %u found, %u read wrongly", d.tried, d.unopened, d.wrong);
    char more[] = "x";
    file.length = whole;
    memory_write(FILE_FD, more, 1);
    struct tcore_segment *segment;
    ok(tcore_segment_open(&segment, FILE_FD, &err) == TCORE_BAD_INPUT, "a byte behind it: %s",
       err.text);
}

static void test_full_disk(const struct tcore_buf *lines)
{
    struct tcore_error err = {0};
    write_segment(lines, &err);
    size_t whole = file.length;
    unsigned tried = 0, told_so = 0;
    for (size_t limit = 0; limit < whole; limit += 13) {
        write_limit = limit;
        tried++;
        told_so += write_segment(lines, &err) == TCORE_FATAL && err.errnum == ENOSPC;
    }
    write_limit = SIZE_MAX;
    ok(tried > 100 && told_so == tried, "a full disk is told (%u of %u)", told_so, tried);
}

static void test_memory(const struct tcore_buf *lines)
{
    struct tcore_error err;
    unsigned writes = 0, reads = 0;
    static struct tcore_sys sys;
    sys = memory_sys();
    bool more = true;
    for (unsigned long n = 1; more; n++) {
        failing_begin(n);
        failing.sys.write = sys.write;
        failing.sys.pread = sys.pread;
        failing.sys.fstat = sys.fstat;
        failing.sys.close = sys.close;
        writes += write_segment(lines, &err) == TCORE_FATAL;
        more = failing_end();
    }
    ok(writes > 20 && !failing.live, "writing: %u failed allocations, nothing leaks (%ld)", writes,
       failing.live);
    tcore_sys_set(&sys);
    write_segment(lines, &err);
    more = true;
    for (unsigned long n = 1; more; n++) {
        struct tcore_segment *segment = NULL;
        unsigned problems = 0;
        failing_begin(n);
        failing.sys.write = sys.write;
        failing.sys.pread = sys.pread;
        failing.sys.fstat = sys.fstat;
        failing.sys.close = sys.close;
        enum tcore_status status = tcore_segment_open(&segment, FILE_FD, &err);
        if (status == TCORE_OK)
            status = tcore_segment_check(segment, told, &problems, &err);
        reads += status == TCORE_FATAL && !problems;
        tcore_segment_close(segment);
        more = failing_end();
    }
    ok(reads > 20 && !failing.live, "reading: %u failed allocations, nothing leaks (%ld)", reads,
       failing.live);
    tcore_sys_set(&sys);
}

/* Things that are no segment. */
static void test_foreign(void)
{
    static const char zeros[200];
    static const struct {
        const char *what, *bytes;
        size_t length;
    } cases[] = {
        {"nothing", "", 0},
        {"text",
         "hello, this is text, and not a very short one, so that there is something to "
         "look at where the footer and the seek table of a segment would be: there.",
         140},
        {"zeros", zeros, 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_segment *segment;
        struct tcore_error err = {0};
        file.length = 0;
        memory_write(FILE_FD, cases[i].bytes, cases[i].length);
        ok(tcore_segment_open(&segment, FILE_FD, &err) == TCORE_BAD_INPUT && !segment, "%s: %s",
           cases[i].what, err.text);
    }
}

/* Seals that cannot be, in a manifest and from a caller. */
static void test_seals(void)
{
    static const char *const bad[] = {
        "{}",
        "[1]",
        "[{}]",
        "[{\"id\":\"00112233445566778899aabbccddeeff\"}]",
        "[{\"id\":\"00112233445566778899aabbccddeeff\",\"sequence\":0}]",
        "[{\"id\":\"00112233445566778899aabbccddeeff\",\"sequence\":-1}]",
        "[{\"id\":\"00112233445566778899aabbccddeeff\",\"sequence\":\"1\"}]",
        "[{\"id\":\"00112233445566778899aabbccddeeff\",\"sequence\":9223372036854775808}]",
        "[{\"id\":\"00112233445566778899aabbccddeef\",\"sequence\":1}]",
        "[{\"id\":\"00112233445566778899aabbccddeefg\",\"sequence\":1}]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tcore_manifest m = {0};
        struct tcore_error err = {0};
        struct tcore_json json = {0};
        char text[128];
        snprintf(text, sizeof text, "{\"logs\":%s}", bad[i]);
        bool parsed = tcore_json_parse(&json, text, strlen(text), &err) == TCORE_OK;
        ok(parsed && tcore_manifest_read_seals(&m, &json, &err) == TCORE_BAD_INPUT,
           "no seals of logs: %s", bad[i]);
        tcore_manifest_free(&m);
        tcore_json_free(&json);
    }
    struct tcore_segment_writer *writer = NULL;
    struct tcore_error err = {0};
    struct tcore_log_seal seal = {.last_sequence = (uint64_t)INT64_MAX + 1};
    ok(tcore_segment_writer_new(&writer, FILE_FD, 7, &err) == TCORE_OK &&
           tcore_segment_seal_log(writer, &seal, &err) == TCORE_BAD_INPUT,
       "a sequence that a manifest cannot have is refused");
    tcore_segment_writer_free(writer);
}

/* Of one trace without errors there are a word of its duration, one of its spans, and nothing. */
static void forge_word(char *block, size_t from_end)
{
    size_t at = BLOCK_BYTES + binary_get32(block + BLOCK_DIRECTORY);
    for (unsigned i = 0; i < binary_get16(block + BLOCK_COLUMNS); i++) {
        const char *entry = block + BLOCK_BYTES + i * ENTRY_BYTES;
        at += binary_get32(entry + ENTRY_LENGTH);
        if (entry[ENTRY_ENCODING] == ENCODING_TRACES)
            block[at - from_end] ^= 1;
    }
}

static void forge_duration(char *block)
{
    forge_word(block, 24);
}

static void forge_count(char *block)
{
    forge_word(block, 16);
}

static void test_totals(const struct tcore_buf *lines)
{
    static void (*const forgers[])(char *block) = {NULL, forge_duration, forge_count};
    static const unsigned wanted[] = {0, 2, 2}; /* blocks of spans */
    for (size_t i = 0; i < sizeof forgers / sizeof *forgers; i++) {
        struct tcore_segment *segment = NULL;
        struct tcore_error err = {0};
        unsigned problems = 0;
        forge = forgers[i];
        enum tcore_status status = write_segment(lines, &err);
        forge = NULL;
        if (status == TCORE_OK)
            status = tcore_segment_open(&segment, FILE_FD, &err);
        if (status == TCORE_OK)
            status = tcore_segment_check(segment, told, &problems, &err);
        is_int(problems, wanted[i], "totals of other spans are told of %u blocks", wanted[i]);
        ok(status == (wanted[i] ? TCORE_BAD_INPUT : TCORE_OK), "and are damage");
        tcore_segment_close(segment);
    }
}

int main(void)
{
    struct tcore_sys sys = memory_sys();
    struct tcore_buf lines = {0};
    add_lines(&lines);
    tcore_sys_set(&sys);
    test_round_trip(&lines);
    test_flips(&lines);
    test_truncations(&lines);
    test_full_disk(&lines);
    test_memory(&lines);
    test_foreign();
    test_seals();
    test_totals(&lines);
    tcore_sys_set(NULL);
    tcore_buf_free(&lines);
    free(file.data);
    return done_testing();
}
