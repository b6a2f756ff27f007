/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Segments: what goes in comes out; a full disk, what is no segment and what says other totals than
 * its spans have is told; nothing leaks when memory is short.
 */
#include "tap.h"

#include "failing.h"
#include "segment_file.h"
#include "store/segment_check.h"

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

/* Of logs that are in the segment. */
static const struct tcore_log_seal seals[2] = {{"0123456789abcde\xff", 7}, {"", INT64_MAX}};

static struct segment_recipe recipe = {.block_lines = 12, .seal = seals, .seals = 2};

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
    ok(write_segment(&recipe, lines, &err) == TCORE_OK, "a segment is written %s", err.text);
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
        ok(read_block(segment, block, NULL, &got, &err) == TCORE_OK, "block %u is read", block);
    is_mem(got.data, got.length, lines->data, lines->length, "all records come back");
    ok(tcore_segment_check(segment, told, &problems, &err) == TCORE_OK && !problems, "it is sound");
    tcore_segment_close(segment);
    tcore_buf_free(&got);
}

static void test_full_disk(const struct tcore_buf *lines)
{
    struct tcore_error err = {0};
    write_segment(&recipe, lines, &err);
    size_t whole = file.length;
    unsigned tried = 0, told_so = 0;
    for (size_t limit = 0; limit < whole; limit += 13) {
        write_limit = limit;
        tried++;
        told_so += write_segment(&recipe, lines, &err) == TCORE_FATAL && err.errnum == ENOSPC;
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
        writes += write_segment(&recipe, lines, &err) == TCORE_FATAL;
        more = failing_end();
    }
    ok(writes > 20 && !failing.live, "writing: %u failed allocations, nothing leaks (%ld)", writes,
       failing.live);
    tcore_sys_set(&sys);
    write_segment(&recipe, lines, &err);
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
        recipe.forge = forgers[i];
        enum tcore_status status = write_segment(&recipe, lines, &err);
        recipe.forge = NULL;
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
