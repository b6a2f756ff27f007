/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ids of traces with totals, and starts by trace: they are written where they may be and nowhere
 * else, records come back, totals are those of the records, and forged ones are refused or give odd
 * numbers.
 */
#include "tap.h"

#include "binary.h"
#include "stream/binary_block.h"
#include "stream/binary_traces.h"

#include <inttypes.h>

#define AT INT64_C(1790000000000000000)

/* The lines are spans of that many traces, eight each unless said otherwise; edited by cases. */
struct spans {
    unsigned traces, each;
    int64_t at, step; /* the first start, and from one span to the next */
    int64_t lasts;
    const char *more; /* members of every third span, NULL: none */
    const char *last; /* a line behind all, NULL: none */
};

static void add_spans(struct tcore_buf *text, const struct spans *s)
{
    for (unsigned i = 0; i < s->traces * s->each; i++) {
        int64_t start = s->at + (int64_t)(i * 7 % 11) * s->step;
        tcore_buf_printf(text, "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\"",
                         i % s->traces * 77 + 1, i + 1);
        if (i >= s->traces)
            tcore_buf_printf(text, ",\"parentSpanId\":\"%016x\"", i % s->traces + 1);
        tcore_buf_printf(text,
                         ",\"name\":\"x\",\"startTimeUnixNano\":\"%" PRId64
                         "\",\"endTimeUnixNano\":\"%" PRId64 "\",\"durationNano\":%" PRId64
                         ",\"status\":\"%s\"%s}\n",
                         start, start + s->lasts, s->lasts, i % 5 ? "ok" : "error",
                         s->more && i % 3 == 0 ? s->more : "");
    }
    if (s->last)
        tcore_buf_printf(text, "%s\n", s->last);
}

/* The number of the column in the stream's first block, of that encoding; 0: there is none. */
static uint32_t find(const char *block, unsigned encoding)
{
    for (uint32_t i = 1; i < binary_get16(block + BLOCK_COLUMNS); i++)
        if (block[BLOCK_BYTES + i * ENTRY_BYTES + ENTRY_ENCODING] == (char)encoding)
            return i;
    return 0;
}

/* ---- totals by looking at spans ---- */

static const char *const names[] = {"traceId", "startTimeUnixNano", "endTimeUnixNano", "status"};

static void project(struct tcore_projection *projection)
{
    size_t column;
    for (size_t i = 0; i < 4; i++) {
        struct tcore_path_key key = {names[i], strlen(names[i])};
        tcore_projection_add_path(projection, &key, 1, &column, NULL);
    }
}

static void show(struct tcore_buf *out, const char *id, const struct tcore_trace_sum *sum)
{
    tcore_buf_printf(out, "%.32s %" PRId64 " %" PRId64 " %u %u\n", id, sum->start_ns, sum->end_ns,
                     sum->spans, sum->errors);
}

/* Of each trace in the order of the first span. */
static void look(struct tcore_buf *out, const struct tcore_batch *batch)
{
    for (size_t row = 0; row < batch->rows; row++) {
        struct tcore_trace_sum sum = {INT64_MAX, INT64_MIN, 0, 0};
        const char *id = tcore_column_get(&batch->columns[0], row).s;
        bool first = true;
        for (size_t other = 0; other < batch->rows; other++) {
            if (memcmp(tcore_column_get(&batch->columns[0], other).s, id, 32) != 0)
                continue;
            struct tcore_value status = tcore_column_get(&batch->columns[3], other);
            int64_t start = tcore_column_get(&batch->columns[1], other).i;
            int64_t end = tcore_column_get(&batch->columns[2], other).i;
            first &= other >= row;
            sum.start_ns = start < sum.start_ns ? start : sum.start_ns;
            sum.end_ns = end > sum.end_ns ? end : sum.end_ns;
            sum.spans++;
            sum.errors +=
                status.kind == TCORE_STRING && status.len == 5 && memcmp(status.s, "error", 5) == 0;
        }
        if (first)
            show(out, id, &sum);
    }
}

static void show_sums(struct tcore_buf *out, const struct tcore_trace_sums *sums)
{
    for (size_t i = 0; i < sums->count; i++) {
        char id[33] = "";
        for (int byte = 0; byte < 16; byte++)
            snprintf(id + 2 * byte, 3, "%02x", sums->ids[i][byte]);
        show(out, id, &sums->sum[i]);
    }
}

/* Totals of the block by both ways, each in its text. The status of decode_sums. */
static enum tcore_status both_ways(const char *block, size_t length, struct tcore_buf *sums,
                                   struct tcore_buf *looked, struct tcore_error *err)
{
    struct tcore_projection projection = {0};
    struct tcore_binary_decoder *decoder;
    struct tcore_batch batch;
    project(&projection);
    enum tcore_status status = tcore_binary_decoder_new(&decoder, &projection, err);
    if (status == TCORE_OK)
        status = tcore_binary_decode_sums(decoder, block, length, NULL, &batch, err);
    if (status == TCORE_OK)
        show_sums(sums, batch.sums);
    if (looked && tcore_binary_decode(decoder, block, length, NULL, &batch, err) == TCORE_OK)
        look(looked, &batch);
    tcore_binary_decoder_free(decoder);
    tcore_projection_free(&projection);
    return status;
}

/* ---- where they are written ---- */

#define SPAN_OF_1(members)                                                                         \
    "{\"type\":\"span\",\"traceId\":\"00000000000000000000000000000001\","                         \
    "\"spanId\":\"00000000000fffff\",\"name\":\"x\"," members "}"
#define TIMES(start, end) "\"startTimeUnixNano\":\"" start "\",\"endTimeUnixNano\":\"" end "\""

static const struct {
    const char *name;
    bool written;
    struct spans spans;
} cases[] = {
    {"usual spans", true, {.traces = 9, .each = 8, .at = AT, .step = 1000, .lasts = 77}},
    {"one trace", true, {.traces = 1, .each = 90, .at = AT, .step = 1000, .lasts = 5}},
    {"many traces", true, {.traces = 300, .each = 5, .at = AT, .step = 1, .lasts = 1 << 30}},
    {"traces without a duration", true, {.traces = 5, .each = 8, .at = AT}},
    {"times before 1970", true, {.traces = 5, .each = 8, .at = -AT, .step = 3, .lasts = 1}},
    {"long ones", true, {.traces = 3, .each = 8, .at = 0, .step = INT64_C(1) << 51, .lasts = 1}},
    {"too long ones", false, {.traces = 3, .each = 8, .at = 0, .step = INT64_C(1) << 53}},
    {"times near the limit",
     false,
     {.traces = 3, .each = 8, .at = TRACES_MOST_NS - 100, .step = 1, .lasts = 1}},
    {"times at the other limit",
     false,
     {.traces = 3, .each = 8, .at = -TRACES_MOST_NS, .step = 1, .lasts = 1}},
    {"few spans a trace", false, {.traces = 30, .each = 3, .at = AT, .step = 1000, .lasts = 5}},
    {"spans that end before they start",
     false,
     {.traces = 9, .each = 8, .at = AT, .step = 1000, .lasts = -1}},
    {"a span without a start",
     false,
     {9, 8, AT, 1000, 7, NULL, SPAN_OF_1("\"endTimeUnixNano\":\"1790000000000000000\"")}},
    {"a span without an end",
     false,
     {9, 8, AT, 1000, 7, NULL, SPAN_OF_1("\"startTimeUnixNano\":\"1790000000000000000\"")}},
    {"spans without a status",
     true,
     {9, 8, AT, 1000, 7, NULL, SPAN_OF_1(TIMES("1790000000000000000", "1790000000000000009"))}},
    {"a status that is no string",
     true,
     {9, 8, AT, 1000, 7, NULL,
      SPAN_OF_1(TIMES("1790000000000000000", "1790000000000000009") ",\"status\":7")}},
    {"other members of some", true, {9, 8, AT, 1000, 7, ",\"attributes\":{\"a\":1}", NULL}},
};

static bool come_back(const struct tcore_buf *text, const struct tcore_buf *stream)
{
    struct tcore_buf got = {0};
    struct tcore_error err = {0};
    bool same = read_lines(&got, stream->data, stream->length, &err) == TCORE_OK &&
                got.length == text->length && !memcmp(got.data, text->data, got.length);
    tcore_buf_free(&got);
    return same;
}

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_buf text = {0}, stream = {0}, sums = {0}, looked = {0};
        struct tcore_error err = {0};
        add_spans(&text, &cases[i].spans);
        write_lines(&stream, text.data, text.length, NULL);
        const char *block = stream.data + HEADER_BYTES;
        bool written = find(block, ENCODING_TRACES) && find(block, ENCODING_GROUPED) &&
                       find(block, ENCODING_REFERENCE);
        ok(written == cases[i].written, "%s: %s", cases[i].name,
           cases[i].written ? "totals" : "no totals");
        ok(come_back(&text, &stream), "%s: records come back", cases[i].name);
        enum tcore_status status =
            both_ways(block, stream.length - HEADER_BYTES, &sums, &looked, &err);
        ok(status == (cases[i].written ? TCORE_OK : TCORE_SKIP), "%s: status", cases[i].name);
        if (cases[i].written)
            is_mem(sums.data, sums.length, looked.data, looked.length,
                   "%s: totals are of the spans", cases[i].name);
        tcore_buf_free(&text);
        tcore_buf_free(&stream);
        tcore_buf_free(&sums);
        tcore_buf_free(&looked);
    }
}

/* Statuses of so many kinds that they have no dictionary, with errors among them. */
static void test_plain_statuses(void)
{
    struct tcore_buf text = {0}, stream = {0}, sums = {0}, looked = {0};
    struct tcore_error err = {0};
    for (unsigned i = 0; i < 1500; i++)
        tcore_buf_printf(&text,
                         "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\","
                         "\"name\":\"x\"," TIMES("%u", "%u") ",\"status\":\"%s%u\"}\n",
                         i % 9 + 1, i + 1, 100 + i, 2000 + i % 50, "s", i);
    for (unsigned i = 0; i < 20; i++)
        tcore_buf_printf(&text, SPAN_OF_1(TIMES("7", "9") ",\"status\":\"%s\"") "\n",
                         i % 2 ? "error" : "errors");
    write_lines(&stream, text.data, text.length, NULL);
    const char *block = stream.data + HEADER_BYTES;
    ok(both_ways(block, stream.length - HEADER_BYTES, &sums, &looked, &err) == TCORE_OK,
       "statuses without a dictionary");
    is_mem(sums.data, sums.length, looked.data, looked.length, "their errors are counted");
    ok(memmem(sums.data, sums.length, " 10\n", 4) != NULL, "ten of them");
    tcore_buf_free(&text);
    tcore_buf_free(&stream);
    tcore_buf_free(&sums);
    tcore_buf_free(&looked);
}

/* A pipe's blocks have none, nor have those whose columns are to be kept apart. */
static void test_others(void)
{
    struct tcore_buf text = {0}, out = {0};
    struct tcore_binary_writer *writer;
    add_spans(&text, &cases[0].spans);
    binary_for_segments = false;
    write_lines(&out, text.data, text.length, NULL);
    binary_for_segments = true;
    ok(!find(out.data + HEADER_BYTES, ENCODING_TRACES), "no totals in a pipe");
    tcore_buf_clear(&out);
    tcore_binary_writer_new(&writer, &out, NULL, NULL);
    tcore_binary_writer_for_segments(writer);
    tcore_binary_writer_keep_apart(writer, true);
    for (const char *p = text.data; p < text.data + text.length; p = strchr(p, '\n') + 1)
        tcore_binary_writer_add(writer, p, (size_t)(strchr(p, '\n') - p), NULL);
    tcore_binary_writer_flush(writer, NULL);
    tcore_binary_writer_free(writer);
    ok(!find(out.data + HEADER_BYTES, ENCODING_TRACES) &&
           !find(out.data + HEADER_BYTES, ENCODING_GROUPED),
       "no totals where spans are kept apart");
    tcore_buf_free(&text);
    tcore_buf_free(&out);
}

/* ---- damage ---- */

/* Reads a copy of exactly these bytes, so that reading behind them is seen, in every way. True: it
 * was refused one way at least. */
static bool is_refused(const char *block, size_t length)
{
    struct tcore_buf lines = {0}, sums = {0};
    struct tcore_error err = {0};
    char *copy = malloc(length);
    memcpy(copy, block, length);
    bool refused = read_lines(&lines, copy, length, &err) == TCORE_BAD_INPUT;
    refused |= both_ways(copy, length, &sums, NULL, &err) == TCORE_BAD_INPUT;
    tcore_buf_free(&lines);
    tcore_buf_free(&sums);
    free(copy);
    return refused;
}

static void test_flips(void)
{
    struct tcore_buf text = {0}, stream = {0};
    const struct spans few = {.traces = 2, .each = 5, .at = AT, .step = 1000, .lasts = 77};
    unsigned tried = 0, refused = 0;
    add_spans(&text, &few);
    write_lines(&stream, text.data, text.length, NULL);
    char *block = stream.data + HEADER_BYTES;
    size_t length = stream.length - HEADER_BYTES;
    for (size_t bit = 0; bit < length * 8; bit++) {
        block[bit / 8] ^= (char)(1 << bit % 8);
        tried++;
        refused += is_refused(block, length);
        block[bit / 8] ^= (char)(1 << bit % 8);
    }
    ok(tried == length * 8 && refused == tried, "every flip is found (%u of %u)", refused, tried);
    tcore_buf_free(&text);
    tcore_buf_free(&stream);
}

/* Every value of each field of the two entries, with checksums that are good. */
static void test_forged(void)
{
    struct tcore_buf text = {0}, stream = {0};
    unsigned tried = 0, refused = 0;
    add_spans(&text, &cases[0].spans);
    write_lines(&stream, text.data, text.length, NULL);
    char *block = stream.data + HEADER_BYTES;
    size_t length = stream.length - HEADER_BYTES;
    char *copy = malloc(length);
    memcpy(copy, block, length);
    static const struct {
        unsigned encoding, field;
    } fields[] = {
        {ENCODING_TRACES, ENTRY_CLASS},        {ENCODING_TRACES, ENTRY_WIDTH},
        {ENCODING_TRACES, ENTRY_LENGTH_WIDTH}, {ENCODING_TRACES, ENTRY_ADD_A},
        {ENCODING_TRACES, ENTRY_ADD_B},        {ENCODING_TRACES, ENTRY_VALUES},
        {ENCODING_TRACES, ENTRY_ENTRIES},      {ENCODING_TRACES, ENTRY_BASE_LENGTH},
        {ENCODING_TRACES, ENTRY_STEP},         {ENCODING_TRACES, ENTRY_STEP + 1},
        {ENCODING_TRACES, ENTRY_STEP + 2},     {ENCODING_TRACES, ENTRY_STEP + 3},
        {ENCODING_TRACES, ENTRY_STEP + 4},     {ENCODING_TRACES, ENTRY_STEP + 7},
        {ENCODING_GROUPED, ENTRY_CLASS},       {ENCODING_GROUPED, ENTRY_WIDTH},
        {ENCODING_GROUPED, ENTRY_ADD_A},       {ENCODING_GROUPED, ENTRY_ADD_B},
        {ENCODING_GROUPED, ENTRY_VALUES},
    };
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
        for (unsigned value = 0; value < 256; value++) {
            memcpy(block, copy, length);
            uint32_t column = find(block, fields[f].encoding);
            block[BLOCK_BYTES + column * ENTRY_BYTES + fields[f].field] = (char)value;
            if (!memcmp(block, copy, length))
                continue;
            seal_block(block, length);
            tried++;
            if (is_refused(block, length))
                refused++;
            else
                printf("# field %u of encoding %u may be %u\n", fields[f].field, fields[f].encoding,
                       value);
        }
    /* widths within the same word take no other room */
    ok(tried > 4500 && refused >= tried - 40, "forged entries are refused (%u of %u)", refused,
       tried);
    free(copy);
    tcore_buf_free(&text);
    tcore_buf_free(&stream);
}

/* Any bytes of data with good checksums: refused, or odd numbers within the limits. */
static void test_forged_data(void)
{
    struct tcore_buf text = {0}, stream = {0};
    uint64_t state = 7;
    unsigned refused = 0;
    add_spans(&text, &cases[0].spans);
    write_lines(&stream, text.data, text.length, NULL);
    char *block = stream.data + HEADER_BYTES;
    size_t length = stream.length - HEADER_BYTES;
    size_t first = BLOCK_BYTES + binary_get32(block + BLOCK_DIRECTORY);
    char *copy = malloc(length);
    memcpy(copy, block, length);
    for (unsigned i = 0; i < 3000; i++) {
        memcpy(block, copy, length);
        for (size_t n = 0; n <= draw_below(&state, 4); n++)
            block[first + draw_below(&state, length - first)] = (char)draw(&state);
        seal_block(block, length);
        refused += is_refused(block, length);
    }
    ok(refused > 500 && refused < 3000, "forged data: %u of 3000 are refused", refused);
    memcpy(block, copy, length);
    uint32_t column = find(block, ENCODING_TRACES);
    size_t at = first;
    for (uint32_t i = 0; i < column; i++)
        at += binary_get32(block + BLOCK_BYTES + i * ENTRY_BYTES + ENTRY_LENGTH);
    block[at + 9 * TRACES_ID_BYTES] |= 15; /* the first code, of nine */
    seal_block(block, length);
    ok(is_refused(block, length), "a code beyond its dictionary");
    free(copy);
    tcore_buf_free(&text);
    tcore_buf_free(&stream);
}

/* Bases from which ends could lie beyond the limit of times. */
static void test_forged_base(void)
{
    static const int64_t bases[] = {INT64_MIN, -TRACES_MOST_NS, TRACES_MOST_NS - 1, INT64_MAX};
    struct tcore_buf text = {0}, stream = {0};
    add_spans(&text, &cases[0].spans);
    write_lines(&stream, text.data, text.length, NULL);
    char *block = stream.data + HEADER_BYTES;
    uint32_t column = find(block, ENCODING_TRACES);
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        binary_put64(block + BLOCK_BYTES + column * ENTRY_BYTES + ENTRY_BASE, (uint64_t)bases[i]);
        seal_block(block, stream.length - HEADER_BYTES);
        ok(is_refused(block, stream.length - HEADER_BYTES), "a base of %" PRId64, bases[i]);
    }
    tcore_buf_free(&text);
    tcore_buf_free(&stream);
}

int main(void)
{
    binary_for_segments = true;
    test_cases();
    test_plain_statuses();
    test_others();
    test_flips();
    test_forged();
    test_forged_data();
    test_forged_base();
    return done_testing();
}
