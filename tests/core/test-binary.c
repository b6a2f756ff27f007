/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The binary stream: what goes in comes out in canonical form, in order within each type; columns
 * are what the NDJSON decoder makes of the same records; streams may be joined.
 */
#include "tap.h"

#include "binary.h"
#include "stream/input.h"

static void free_all(struct tcore_buf *bufs)
{
    for (int type = 0; type < TCORE_RECORD_TYPES; type++)
        tcore_buf_free(&bufs[type]);
}

/* Line by line, so that a failure shows one record. */
static bool same_lines(const struct tcore_buf *got, const struct tcore_buf *wanted)
{
    const char *g = got->data, *w = wanted->data;
    const char *g_end = g + got->length, *w_end = w + wanted->length;
    while (g < g_end && w < w_end) {
        size_t g_length = (size_t)((char *)memchr(g, '\n', (size_t)(g_end - g)) - g);
        size_t w_length = (size_t)((char *)memchr(w, '\n', (size_t)(w_end - w)) - w);
        if (g_length != w_length || memcmp(g, w, g_length) != 0)
            return is_mem(g, g_length, w, w_length, "a record comes back as it is");
        g += g_length + 1;
        w += w_length + 1;
    }
    return g == g_end && w == w_end;
}

/* No block of more than one record has more text than a writer may put into it. */
static bool blocks_are_small(const struct tcore_buf *stream)
{
    bool is_block, small = true;
    for (size_t at = 0, bytes; at < stream->length; at += bytes) {
        const char *unit = stream->data + at;
        if (tcore_binary_unit(unit, stream->length - at, &bytes, &is_block, NULL) != TCORE_OK)
            return false;
        if (is_block && binary_get32(unit + BLOCK_ROWS) > 1)
            small &= binary_get32(unit + BLOCK_TEXT) <=
                     (binary_for_segments ? BINARY_SEGMENT_TEXT_BYTES : BINARY_WRITER_TEXT_BYTES);
    }
    return small;
}

/* What comes back from the lines, type by type, is their canonical form. */
static bool round_trip_flushed(const char *lines, size_t length, size_t flush_every,
                               const char *what)
{
    static const struct tcore_projection text = {.text = true};
    struct tcore_buf stream = {0}, got[TCORE_RECORD_TYPES] = {{0}},
                     wanted[TCORE_RECORD_TYPES] = {{0}};
    struct tcore_error err = {0};
    write_flushed(&stream, lines, length, NULL, flush_every);
    canonical_lines(wanted, lines, length);
    enum tcore_status status =
        read_stream(stream.data, stream.length, &text, append_by_type, got, &err);
    bool same = ok(status == TCORE_OK, "%s: the stream is whole %s", what, err.text);
    for (int type = 0; same && type < TCORE_RECORD_TYPES; type++)
        same = same_lines(&got[type], &wanted[type]);
    ok(same, "%s: all records come back", what);
    ok(blocks_are_small(&stream), "%s: blocks are not too large", what);
    tcore_buf_free(&stream);
    free_all(got);
    free_all(wanted);
    return same;
}

static bool round_trip(const char *lines, size_t length, const char *what)
{
    return round_trip_flushed(lines, length, 0, what);
}

static void test_round_trips(void)
{
    static const struct {
        const char *name, *lines;
    } cases[] = {
        {"nothing", ""},
        {"one span", "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
                     "\"eee19b7ec3c1b174\",\"name\":\"GET /\"}\n"},
        {"no record", "[1]\n{\"a\":1}\n{\"type\":\"span\"}\n\n"},
        {"a record of no type", "{\"resource\":{\"a\":1}}\n{\"resource\":{\"a\":1}}\n"},
        {"unknown types", "{\"type\":\"x\",\"b\":1}\n{\"a\":{},\"type\":\"y\",\"b\":null}\n"},
        {"nothing but a type", "{\"type\":\"log\"}\n{\"type\":\"log\"}\n"},
        {"a record cut off behind a known prefix",
         "{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
         "\"eee19b7ec3c1b174\",\"name\":\"a\"}\n"
         "{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\"}\n"
         "{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
         "\"eee19b7ec3c1b174\"}\n"},
        {"known shape, values that are not canonical",
         "{\"type\":\"log\",\"timeUnixNano\":\"5\",\"severity\":\"warn\",\"traceId\":"
         "\"5b8efff798038103d269b633813fc60c\",\"flags\":1}\n"
         "{\"type\":\"log\",\"timeUnixNano\":\"05\",\"severity\":\"w\\u0061rn\",\"traceId\":"
         "\"5B8EFFF798038103D269B633813FC60C\",\"flags\":-0}\n"
         "{\"type\":\"log\",\"timeUnixNano\":\"5\",\"severity\":\"warn\",\"traceId\":"
         "\"00000000000000000000000000000000\",\"flags\":1.50}\n"
         "{\"type\":\"log\",\"timeUnixNano\":\"5\",\"severity\":\"warn\",\"traceId\":"
         "\"5b8efff798038103\",\"flags\":null}\n"
         "{\"type\":\"log\",\"timeUnixNano\":\"5\",\"severity\":null,\"traceId\":"
         "\"5b8efff798038103d269b633813fc60c\",\"flags\":1}\n"},
        {"known shape, values that are left out",
         "{\"type\":\"log\",\"body\":[1],\"spanId\":\"eee19b7ec3c1b174\"}\n"
         "{\"type\":\"log\",\"body\":[],\"spanId\":\"eee19b7ec3c1b174\"}\n"
         "{\"type\":\"log\",\"body\":true,\"spanId\":\"eee19b7ec3c1b174\"}\n"
         "{\"type\":\"log\",\"body\":null,\"spanId\":\"eee19b7ec3c1b174\"}\n"
         "{\"type\":\"log\",\"body\":false,\"spanId\":\"0000000000000000\"}\n"
         "{\"type\":\"log\",\"body\":false,\"spanId\":\"00000000000000010000000000000000\"}\n"},
        {"starts and ends in as many rows, but in others",
         "{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
         "\"eee19b7ec3c1b174\",\"name\":\"a\",\"startTimeUnixNano\":\"100\"}\n"
         "{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
         "\"eee19b7ec3c1b174\",\"name\":\"a\",\"endTimeUnixNano\":\"105\",\"durationNano\":5}\n"},
        {"a list of events that needs sorting, twice",
         "{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
         "\"eee19b7ec3c1b174\",\"name\":\"a\",\"events\":[{\"timeUnixNano\":\"1\",\"name\":\"x\"}]}"
         "\n{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":"
         "\"eee19b7ec3c1b174\",\"name\":\"a\",\"events\":[{\"name\":\"x\",\"timeUnixNano\":1}]}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        round_trip(cases[i].lines, strlen(cases[i].lines), cases[i].name);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct tcore_buf lines = {0};
        char what[40];
        add_records(&lines, seed, seed * seed * 25);
        snprintf(what, sizeof what, "random records, seed %u", (unsigned)seed);
        round_trip(lines.data, lines.length, what);
        tcore_buf_free(&lines);
    }
}

/* A copy of a line with one byte put in, left out or replaced. */
static void add_mutation(struct tcore_buf *lines, const char *line, size_t length, uint64_t *state)
{
    static const char bytes[] = "\"\\{}[]:,0129afAF-+.eEux tn\x01\x7f\xc3\xa4\xed\xff";
    size_t at = draw_below(state, length), kind = draw_below(state, 3);
    tcore_buf_append(lines, line, at);
    if (kind != 1)
        tcore_buf_putc(lines, bytes[draw_below(state, sizeof bytes - 1)]);
    if (kind == 0)
        tcore_buf_putc(lines, line[at]);
    tcore_buf_append(lines, line + at + 1, length - at - 1);
    tcore_buf_putc(lines, '\n');
}

/* Lines that nearly take a way that is known: nothing is taken for canonical that is not. */
static void test_mutations(void)
{
    uint64_t state = 21;
    for (uint64_t seed = 200; seed < 204; seed++) {
        struct tcore_buf raw = {0}, canonical[TCORE_RECORD_TYPES] = {{0}}, lines = {0};
        add_records(&raw, seed, 60);
        canonical_lines(canonical, raw.data, raw.length);
        for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
            const char *p = canonical[type].data, *end = p + canonical[type].length;
            for (size_t length; p < end; p += length + 1) {
                length = (size_t)((char *)memchr(p, '\n', (size_t)(end - p)) - p);
                tcore_buf_append(&lines, p, length + 1);
                for (int i = 0; i < 60; i++)
                    add_mutation(&lines, p, length, &state);
            }
        }
        round_trip(lines.data, lines.length, "nearly canonical records");
        tcore_buf_free(&raw);
        tcore_buf_free(&lines);
        free_all(canonical);
    }
}

/* 512 deep, of which the record itself is one. */
static void test_depth(void)
{
    struct tcore_buf line = {0};
    tcore_buf_puts(&line, "{\"type\":\"x\",\"a\":{\"b\":");
    for (int i = 0; i < 510; i++)
        tcore_buf_putc(&line, '[');
    for (int i = 0; i < 510; i++)
        tcore_buf_putc(&line, ']');
    tcore_buf_puts(&line, "}}\n");
    size_t half = line.length;
    char *copy = malloc(half);
    memcpy(copy, line.data, half);
    tcore_buf_append(&line, copy, half); /* once learnt, once predicted */
    free(copy);
    round_trip(line.data, line.length, "512 deep");
    tcore_buf_free(&line);
}

/* More keys than a block has columns, and a block whose keys all are new. */
static void test_many_keys(void)
{
    struct tcore_buf lines = {0};
    uint64_t state = 7;
    for (int row = 0; row < 4000; row++) {
        tcore_buf_puts(&lines,
                       "{\"type\":\"log\",\"severity\":\"info\",\"attributes\":{\"always\":1");
        for (int i = 0; i < 3; i++)
            tcore_buf_printf(&lines, ",\"key%d.%d\":%d,\"often%u\":true", row, i, row,
                             (unsigned)draw_below(&state, 5) * 3 + (unsigned)i);
        tcore_buf_printf(&lines, "},\"top%d\":{\"x\":\"%d\"}}\n", row, row);
    }
    tcore_buf_puts(&lines, "{\"type\":\"log\",\"attributes\":{");
    for (int i = 0; i < 20000; i++)
        tcore_buf_printf(&lines, "%s\"one%d\":%d", i ? "," : "", i, i);
    tcore_buf_puts(&lines, "}}\n{\"type\":\"log\",\"");
    for (int i = 0; i < 70000; i++)
        tcore_buf_putc(&lines, 'k');
    tcore_buf_puts(&lines, "\":1}\n");
    round_trip(lines.data, lines.length, "more keys than columns");
    tcore_buf_free(&lines);
}

/* Blocks one after the other, of which each has other columns; and keys that become common. */
static void test_many_blocks(void)
{
    struct tcore_buf lines = {0};
    add_records(&lines, 300, 3000);
    round_trip_flushed(lines.data, lines.length, 60, "many small blocks");
    tcore_buf_clear(&lines);
    for (int row = 0; row < 8000; row++) {
        tcore_buf_printf(&lines, "{\"type\":\"log\",\"body\":\"%x\",\"attributes\":{\"a\":%d",
                         row * 7919, row % 3);
        if (row < 2000)
            tcore_buf_printf(&lines, ",\"once%d\":\"x\"", row);
        else
            tcore_buf_printf(&lines, ",\"later%d\":%d", row % 5, row);
        tcore_buf_puts(&lines, "}}\n");
    }
    round_trip_flushed(lines.data, lines.length, 2000, "keys that become common");
    tcore_buf_free(&lines);
}

/* Ids that all have one hash (see hash_of): the dictionary gives up instead of searching. */
static void test_collisions(void)
{
    struct tcore_buf lines = {0};
    for (int row = 0; row < 20000; row++)
        tcore_buf_printf(&lines, "{\"type\":\"log\",\"traceId\":\"157c4a7fb979379e%016x\"}\n",
                         row % 5000 + 1);
    round_trip(lines.data, lines.length, "ids of one hash");
    tcore_buf_free(&lines);
}

/* Many rows of one shape: full blocks, dictionaries that overflow, all integer widths. */
static void test_full_blocks(void)
{
    struct tcore_buf lines = {0};
    uint64_t state = 9;
    for (int row = 0; row < 70000; row++)
        tcore_buf_printf(
            &lines,
            "{\"type\":\"x\",\"i\":%d,\"w\":%lld,\"s\":\"%u\",\"u\":\"u%d\",\"l\":\"%*d\"}\n", row,
            (long long)((int64_t)draw(&state) >> (row / 9000 * 8)),
            (unsigned)draw_below(&state, 300), row, row % 2000 ? 1 : 700, row);
    round_trip(lines.data, lines.length, "full blocks");
    tcore_buf_free(&lines);
}

static void test_large_record(void)
{
    struct tcore_buf lines = {0};
    for (int record = 0; record < 3; record++) {
        tcore_buf_printf(&lines, "{\"type\":\"log\",\"body\":\"%d", record);
        for (int i = 0; i < 9 << 20; i += 16)
            tcore_buf_puts(&lines, "0123456789 \xc3\xa4 xy");
        tcore_buf_puts(&lines, "\"}\n{\"type\":\"log\",\"body\":\"small\"}\n");
    }
    round_trip(lines.data, lines.length, "records larger than a block should be");
    tcore_buf_free(&lines);
}

/* ---- columns ---- */

static const char *const fields[] = {
    "service",       "name",       "status",       "durationNano",
    "traceId",       "spanId",     "parentSpanId", "type",
    "timeUnixNano",  "retries",    "attributes.a", "http.route",
    "resource",      "attributes", "events",       "startTimeUnixNano",
    "resource.name", "a.b",        "value",        "unknown1",
    "rare7",         "scope.name", "metadata",     "nowhere",
    "endUnixNano"};
enum { FIELDS = sizeof fields / sizeof *fields };

static void project(struct tcore_projection *projection)
{
    static const struct tcore_path_key deep[] = {{"attributes", 10}, {"a", 1}, {"b", 1}},
                                       deeper[] = {{"attributes", 10},
                                                   {"a", 1},
                                                   {"a", 1},
                                                   {"c", 1}},
                                       inside[] = {{"unknown1", 8}, {"a", 1}, {"c", 1}},
                                       time[] = {{"attributes", 10},
                                                 {"a", 1},
                                                 {"timeUnixNano", 12}},
                                       text[] = {{"attributes", 10}, {"http.route", 10}, {"b", 1}};
    size_t column;
    memset(projection, 0, sizeof *projection);
    for (int i = 0; i < FIELDS; i++)
        if (tcore_projection_add_field(projection, fields[i], &column, NULL) != TCORE_OK)
            exit(EXIT_FAILURE);
    if (tcore_projection_add_path(projection, deep, 3, &column, NULL) != TCORE_OK ||
        tcore_projection_add_path(projection, deeper, 4, &column, NULL) != TCORE_OK ||
        tcore_projection_add_path(projection, inside, 3, &column, NULL) != TCORE_OK ||
        tcore_projection_add_path(projection, time, 3, &column, NULL) != TCORE_OK ||
        tcore_projection_add_path(projection, text, 3, &column, NULL) != TCORE_OK)
        exit(EXIT_FAILURE);
    projection->text = true;
}

struct comparison {
    struct tcore_decoder *decoder; /* of NDJSON */
    const struct tcore_projection *projection;
    size_t rows, different;
    unsigned forms; /* that columns had, as bits */
};

/* The kind matters, and what it says; a NUMBER may have become the DOUBLE that it is. */
static bool same_value(struct tcore_value a, struct tcore_value b)
{
    if (a.kind != b.kind && !(tcore_value_is_number(&a) && tcore_value_is_number(&b)))
        return false;
    struct tcore_buf text[2] = {{0}};
    tcore_json_write_value(&text[0], &a);
    tcore_json_write_value(&text[1], &b);
    bool same =
        text[0].length == text[1].length && !memcmp(text[0].data, text[1].data, text[0].length);
    tcore_buf_free(&text[0]);
    tcore_buf_free(&text[1]);
    return same;
}

static void compare(const struct tcore_batch *batch, void *context)
{
    struct comparison *c = context;
    struct tcore_buf lines = {0};
    struct tcore_error err = {0};
    const struct tcore_batch *wanted;
    append_lines(batch, &lines);
    struct tcore_chunk chunk = {.length = lines.length};
    chunk.data = calloc(1, lines.length + 64);
    memcpy(chunk.data, lines.data, lines.length);
    tcore_buf_free(&lines);
    if (tcore_decoder_decode(c->decoder, TCORE_FORMAT_NDJSON, &chunk, &wanted, &err) != TCORE_OK)
        binary_die("decode", &err);
    c->different += batch->rows != wanted->rows;
    for (size_t i = 0; i < batch->column_count; i++)
        c->forms |= 1u << batch->columns[i].form;
    for (size_t row = 0; row < batch->rows && row < wanted->rows; row++, c->rows++) {
        c->different += batch->types[row] != wanted->types[row];
        for (size_t i = 0; i < batch->column_count; i++) {
            struct tcore_value got = tcore_column_get(&batch->columns[i], row),
                               want = tcore_column_get(&wanted->columns[i], row);
            if (same_value(got, want) || c->different++ > 5)
                continue;
            printf("# %s of %.*s\n", c->projection->columns[i].name, (int)batch->text[row].length,
                   batch->text[row].data);
            printf("#    got kind %d, wanted %d\n", got.kind, want.kind);
        }
    }
    free(chunk.data);
}

static void test_columns(void)
{
    struct tcore_projection projection;
    struct comparison c = {.projection = &projection};
    struct tcore_error err = {0};
    project(&projection);
    if (tcore_decoder_new(&c.decoder, &projection, NULL, &err) != TCORE_OK)
        binary_die("decoder", &err);
    for (uint64_t seed = 100; seed < 108; seed++) {
        struct tcore_buf lines = {0}, stream = {0};
        add_records(&lines, seed, 800);
        write_lines(&stream, lines.data, lines.length, NULL);
        if (read_stream(stream.data, stream.length, &projection, compare, &c, &err) != TCORE_OK)
            binary_die("read", &err);
        tcore_buf_free(&lines);
        tcore_buf_free(&stream);
    }
    ok(c.rows > 5000 && c.different == 0, "columns are those of the NDJSON decoder (%zu rows)",
       c.rows);
    ok(c.forms == 15, "every form of column was seen");
    tcore_decoder_free(c.decoder);
    tcore_projection_free(&projection);
}

static void append_first(const struct tcore_batch *batch, void *context)
{
    for (size_t row = 0; row < batch->rows; row++) {
        struct tcore_value v = tcore_column_get(&batch->columns[0], row);
        tcore_json_write_value(context, &v);
        tcore_buf_putc(context, ' ');
    }
}

/* Of several places that a name is looked for in, the first that has it counts. */
static void test_precedence(void)
{
    static const char *const cases[][2] = {
        {"{\"type\":\"x\",\"n\":1,\"attributes\":{\"n\":2}}\n{\"type\":\"x\",\"attributes\":{\"n\":"
         "3}}\n"
         "{\"type\":\"x\",\"n\":4}\n{\"type\":\"x\"}\n{\"type\":\"x\",\"n\":5,\"resource\":{\"n\":"
         "6}}\n",
         "1 3 4 null 5 "},
        {"{\"type\":\"x\",\"n\":\"a\",\"attributes\":{\"n\":\"b\"}}\n"
         "{\"type\":\"x\",\"attributes\":{\"n\":\"c\"}}\n{\"type\":\"x\"}\n",
         "\"a\" \"c\" null "},
        {"{\"type\":\"x\",\"n\":1,\"attributes\":{\"n\":\"b\"}}\n"
         "{\"type\":\"x\",\"n\":\"d\",\"attributes\":{\"n\":7}}\n"
         "{\"type\":\"x\",\"attributes\":{\"n\":null}}\n{\"type\":\"x\",\"n\":{\"a\":1}}\n",
         "1 \"d\" null {\"a\":1} "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_projection projection = {0};
        struct tcore_buf stream = {0}, got = {0};
        struct tcore_error err = {0};
        size_t column;
        tcore_projection_add_field(&projection, "n", &column, NULL);
        write_lines(&stream, cases[i][0], strlen(cases[i][0]), NULL);
        if (read_stream(stream.data, stream.length, &projection, append_first, &got, &err))
            binary_die("read", &err);
        is_mem(got.data, got.length, cases[i][1], strlen(cases[i][1]), "precedence, case %zu", i);
        tcore_projection_free(&projection);
        tcore_buf_free(&stream);
        tcore_buf_free(&got);
    }
}

static void check_durations(const struct tcore_batch *batch, void *context)
{
    int *seen = context;
    static const struct {
        enum tcore_kind kind;
        int64_t ns;
    } wanted[] = {
        {TCORE_INT, 7}, {TCORE_INT, 10}, {TCORE_ABSENT, 0}, {TCORE_ABSENT, 0}, {TCORE_STRING, 0}};
    for (size_t row = 0; row < batch->rows; row++, ++*seen) {
        struct tcore_value v = tcore_column_get(&batch->columns[0], row);
        ok(v.kind == wanted[*seen].kind && (v.kind != TCORE_INT || v.i == wanted[*seen].ns),
           "duration of span %d", *seen);
    }
}

static void test_durations(void)
{
    static const char *const rest[] = {
        ",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"15\",\"durationNano\":7}",
        ",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"15\"}",
        ",\"startTimeUnixNano\":\"15\",\"endTimeUnixNano\":\"5\"}",
        ",\"startTimeUnixNano\":\"-9223372036854775808\",\"endTimeUnixNano\":\"5\"}",
        ",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"15\",\"durationNano\":\"x\"}"};
    struct tcore_buf lines = {0}, stream = {0};
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    size_t column;
    int seen = 0;
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        tcore_buf_printf(&lines,
                         "{\"type\":\"span\",\"traceId\":\"%032d\",\"spanId\":\"%016d\"%s\n", 1, 1,
                         rest[i]);
    write_lines(&stream, lines.data, lines.length, NULL);
    tcore_projection_add_field(&projection, "durationNano", &column, NULL);
    ok(read_stream(stream.data, stream.length, &projection, check_durations, &seen, &err) ==
               TCORE_OK &&
           seen == 5,
       "durations are derived where they are absent");
    tcore_projection_free(&projection);
    tcore_buf_free(&lines);
    tcore_buf_free(&stream);
}

/* ---- units ---- */

static void test_units(void)
{
    struct tcore_buf first = {0}, second = {0}, got = {0}, wanted = {0};
    struct tcore_error err = {0};
    struct tcore_slice text;
    size_t bytes;
    bool is_block;
    add_records(&wanted, 50, 20);
    write_lines(&first, wanted.data, wanted.length, "trace-span filter \xc3\xa4");
    write_lines(&second, wanted.data, wanted.length, NULL);
    ok(tcore_binary_probe(first.data, 1) && tcore_binary_probe(first.data, first.length) &&
           !tcore_binary_probe("{\"", 2) && !tcore_binary_probe("", 0),
       "a stream is known by its first byte");
    for (size_t length = 0; length < HEADER_BYTES; length++)
        if (tcore_binary_unit(first.data, length, &bytes, &is_block, &err) != TCORE_EOF ||
            bytes <= length)
            ok(false, "%zu bytes are not enough to tell", length);
    ok(tcore_binary_unit(first.data, first.length, &bytes, &is_block, &err) == TCORE_OK &&
           !is_block && bytes == HEADER_BYTES + 24,
       "the header comes first");
    ok(tcore_binary_header(first.data, bytes, &text, &err) == TCORE_OK, "it is whole");
    is_mem(text.data, text.length, "trace-span filter \xc3\xa4", 20, "its text");
    ok(tcore_binary_unit("{\"type\":\"span\"}", 15, &bytes, &is_block, &err) == TCORE_BAD_INPUT,
       "JSON begins no unit");
    tcore_buf_clear(&wanted);
    read_lines(&wanted, first.data, first.length, &err);
    read_lines(&wanted, first.data, first.length, &err);
    tcore_buf_append(&first, second.data, second.length);
    ok(read_lines(&got, first.data, first.length, &err) == TCORE_OK, "two streams joined: %s",
       err.text);
    is_mem(got.data, got.length, wanted.data, wanted.length, "are the records of both");
    struct tcore_binary_writer *writer;
    ok(tcore_binary_writer_new(&writer, &second, "\xff", &err) == TCORE_BAD_INPUT && !writer,
       "a provenance must be UTF-8");
    tcore_buf_free(&first);
    tcore_buf_free(&second);
    tcore_buf_free(&got);
    tcore_buf_free(&wanted);
}

static void test_info(void)
{
    static const struct {
        const char *lines;
        enum tcore_record_type type;
        bool timed, all_timed;
        int64_t min_ns, max_ns;
    } cases[] = {
        {"{\"type\":\"metric\",\"value\":1,\"timeUnixNano\":\"-5\",\"startTimeUnixNano\":\"-9\"}\n"
         "{\"type\":\"metric\",\"value\":1,\"timeUnixNano\":\"7\"}\n",
         TCORE_RECORD_METRIC, true, true, -5, 7},
        {"{\"type\":\"log\",\"timeUnixNano\":\"3\"}\n{\"type\":\"log\"}\n", TCORE_RECORD_LOG, true,
         false, 3, 3},
        {"{\"type\":\"log\"}\n{\"type\":\"log\"}\n", TCORE_RECORD_LOG, false, false, 0, 0},
        {"{\"type\":\"aggregate\",\"windowStartUnixNano\":\"9\"}\n", TCORE_RECORD_AGGREGATE, true,
         true, 9, 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_buf stream = {0};
        struct tcore_binary_info info;
        struct tcore_error err = {0};
        write_lines(&stream, cases[i].lines, strlen(cases[i].lines), NULL);
        ok(tcore_binary_block_info(stream.data + HEADER_BYTES, &info, &err) == TCORE_OK &&
               info.type == cases[i].type && info.timed == cases[i].timed &&
               info.all_timed == cases[i].all_timed && info.min_ns == cases[i].min_ns &&
               info.max_ns == cases[i].max_ns && info.rows == (i == 3 ? 1 : 2),
           "what a block's prefix says, case %zu", i);
        tcore_buf_free(&stream);
    }
}

/* A flush writes types by their oldest record; a clock record comes behind all before it. */
static void test_order(void)
{
    static const char lines[] = "{\"type\":\"log\",\"body\":1}\n{\"type\":\"metric\",\"value\":1}"
                                "\n{\"type\":\"log\",\"body\":2}\n"
                                "{\"type\":\"clock\",\"timeUnixNano\":\"5\"}\n"
                                "{\"type\":\"metric\",\"value\":2}\n{\"type\":\"log\",\"body\":3}"
                                "\n{\"type\":\"metric\",\"value\":3}\n";
    static const char wanted[] = "{\"type\":\"log\",\"body\":1}\n{\"type\":\"log\",\"body\":2}\n{"
                                 "\"type\":\"metric\",\"value\":1}\n"
                                 "{\"type\":\"clock\",\"timeUnixNano\":\"5\"}\n"
                                 "{\"type\":\"metric\",\"value\":2}\n{\"type\":\"metric\","
                                 "\"value\":3}\n{\"type\":\"log\",\"body\":3}\n";
    struct tcore_buf stream = {0}, got = {0};
    struct tcore_error err = {0};
    write_lines(&stream, lines, sizeof lines - 1, NULL);
    read_lines(&got, stream.data, stream.length, &err);
    is_mem(got.data, got.length, wanted, sizeof wanted - 1, "the order of a flush");
    tcore_buf_free(&stream);
    tcore_buf_free(&got);
}

int main(void)
{
    test_round_trips();
    test_mutations();
    test_depth();
    test_many_keys();
    test_many_blocks();
    test_collisions();
    test_full_blocks();
    test_large_record();
    test_columns();
    test_precedence();
    test_durations();
    test_units();
    test_info();
    test_order();
    binary_for_segments = true;
    test_round_trips();
    test_mutations();
    test_many_keys();
    test_full_blocks();
    test_large_record();
    test_columns();
    test_durations();
    return done_testing();
}
