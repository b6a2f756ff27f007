/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans' parents as references: they come back whatever the parent is, take the room they should,
 * and a forged reference is refused. The same blocks with their columns elsewhere.
 */
#include "tap.h"

#include "binary.h"
#include "stream/binary_block.h"

static void add_span(struct tcore_buf *text, uint64_t trace, uint64_t span, uint64_t parent)
{
    tcore_buf_printf(text, "{\"type\":\"span\",\"traceId\":\"%032llx\",\"spanId\":\"%016llx\"",
                     (unsigned long long)trace, (unsigned long long)span);
    if (parent)
        tcore_buf_printf(text, ",\"parentSpanId\":\"%016llx\"", (unsigned long long)parent);
    tcore_buf_puts(text, ",\"name\":\"x\"}\n");
}

/* spans of traces of that many, in an order that mixes the traces; every parent is among them. */
static void add_traces(struct tcore_buf *text, unsigned traces, unsigned each)
{
    for (unsigned i = 0; i < traces * each; i++) {
        unsigned trace = i % traces, number = i / traces;
        uint64_t first = (uint64_t)(trace + 1) << 32;
        /* children before and behind their parents */
        unsigned parent = number ? (number * 7) % each : 0;
        add_span(text, trace + 1, first + number, number ? first + parent : 0);
    }
}

/* The entry of the parents' column in the stream's first block. */
static const char *parents_entry(const struct tcore_buf *stream, size_t *number)
{
    const char *block = stream->data + HEADER_BYTES;
    struct binary_block opened = {0};
    const char *entry = NULL;
    if (tcore_binary_block_open(&opened, block, stream->length - HEADER_BYTES, NULL, NULL) ==
        TCORE_OK)
        for (uint32_t i = 0; i < opened.columns; i++)
            if (opened.column[i].name_length == 12 &&
                !memcmp(opened.column[i].name, "parentSpanId", 12)) {
                entry = block + BLOCK_BYTES + i * ENTRY_BYTES;
                *number = i;
            }
    tcore_binary_block_free(&opened);
    return entry;
}

static bool comes_back(const struct tcore_buf *text, const struct tcore_buf *stream)
{
    struct tcore_buf got = {0};
    struct tcore_error err = {0};
    bool same = read_lines(&got, stream->data, stream->length, &err) == TCORE_OK &&
                got.length == text->length && !memcmp(got.data, text->data, got.length);
    tcore_buf_free(&got);
    return same;
}

static void check(const struct tcore_buf *text, unsigned encoding, unsigned own, const char *what)
{
    struct tcore_buf stream = {0};
    size_t number;
    write_lines(&stream, text->data, text->length, NULL);
    const char *entry = parents_entry(&stream, &number);
    ok(entry && (uint8_t)entry[ENTRY_ENCODING] == encoding &&
           (encoding != ENCODING_REFERENCE || binary_get32(entry + ENTRY_ENTRIES) == own),
       "%s: encoding %u, %u ids of its own", what, encoding, own);
    ok(comes_back(text, &stream), "%s: comes back", what);
    tcore_buf_free(&stream);
}

static void test_kinds(void)
{
    struct tcore_buf text = {0};
    add_traces(&text, 40, 7);
    check(&text, ENCODING_REFERENCE, 0, "parents in the block");

    add_span(&text, 1, 99, 98);                /* nowhere */
    add_span(&text, 1, 97, (uint64_t)2 << 32); /* in another trace */
    add_span(&text, 1, 96, 96);                /* itself */
    check(&text, ENCODING_REFERENCE, 2, "parents nowhere, in another trace and the span itself");

    tcore_buf_clear(&text);
    add_traces(&text, 3, 500);
    check(&text, ENCODING_REFERENCE, 0, "traces of more than 255 spans");

    tcore_buf_clear(&text);
    for (unsigned i = 1; i <= 50; i++) {
        add_span(&text, 1 + i % 5, 7, 0); /* one id many times */
        add_span(&text, 1 + i % 5, 1000 + i, 7);
    }
    check(&text, ENCODING_REFERENCE, 0, "an id that many spans of many traces have");

    tcore_buf_clear(&text);
    for (uint64_t i = 1; i <= 300; i++) /* all in one slot: multiples of 2^56 */
        add_span(&text, 1 + i % 5, i << 56 | 1, i > 5 ? (i - 5) << 56 | 1 : 0);
    {
        struct tcore_buf stream = {0};
        write_lines(&stream, text.data, text.length, NULL);
        ok(comes_back(&text, &stream), "ids that are alike");
        tcore_buf_free(&stream);
    }

    tcore_buf_clear(&text);
    for (uint64_t i = 1; i <= 300; i++)
        add_span(&text, i, i, i + 1000);
    check(&text, ENCODING_TEXT, 0, "parents that are never there");
    tcore_buf_free(&text);
}

/* Columns that come from elsewhere. */
struct apart {
    struct tcore_binary_columns columns;
    const char *block;
    void *copy[64];
    unsigned calls, fail_at;
};

static enum tcore_status read_apart(struct tcore_binary_columns *columns, uint32_t column,
                                    uint32_t bytes, const void **data, struct tcore_error *err)
{
    struct apart *a = (struct apart *)columns;
    if (++a->calls == a->fail_at)
        return tcore_error_set(err, TCORE_BAD_INPUT, "no column %u", column);
    size_t at = BLOCK_BYTES + binary_get32(a->block + BLOCK_DIRECTORY);
    for (uint32_t i = 0; i < column; i++)
        at += binary_get32(a->block + BLOCK_BYTES + i * ENTRY_BYTES + ENTRY_LENGTH);
    if (a->copy[column])
        return tcore_error_set(err, TCORE_BAD_INPUT, "asked for twice");
    a->copy[column] = calloc(1, bytes + TCORE_BATCH_PADDING);
    memcpy(a->copy[column], a->block + at, bytes);
    *data = a->copy[column];
    return TCORE_OK;
}

static enum tcore_status decode_apart(struct apart *a, const struct tcore_projection *projection,
                                      const char *block, struct tcore_buf *lines,
                                      struct tcore_error *err)
{
    struct tcore_binary_decoder *decoder;
    struct tcore_batch batch;
    *a = (struct apart){{.read = read_apart}, .block = block, .fail_at = a->fail_at};
    size_t length = BLOCK_BYTES + binary_get32(block + BLOCK_DIRECTORY);
    char *directory = malloc(length); /* so that reading behind it is seen */
    memcpy(directory, block, length);
    enum tcore_status status = tcore_binary_decoder_new(&decoder, projection, err);
    if (status == TCORE_OK)
        status = tcore_binary_decode(decoder, directory, length, &a->columns, &batch, err);
    if (status == TCORE_OK && lines)
        append_lines(&batch, lines);
    tcore_binary_decoder_free(decoder);
    free(directory);
    for (unsigned i = 0; i < 64; i++)
        free(a->copy[i]);
    return status;
}

static void test_apart(void)
{
    static const struct tcore_projection text_only = {.text = true};
    struct tcore_buf text = {0}, stream = {0}, lines = {0};
    struct tcore_error err = {0};
    struct apart a = {.fail_at = 0};
    add_traces(&text, 40, 7);
    write_lines(&stream, text.data, text.length, NULL);
    const char *block = stream.data + HEADER_BYTES;
    ok(decode_apart(&a, &text_only, block, &lines, &err) == TCORE_OK &&
           lines.length == text.length && !memcmp(lines.data, text.data, text.length),
       "columns elsewhere: all records come back%s", err.text);
    unsigned columns = a.calls;
    struct tcore_projection one = {0};
    size_t number;
    tcore_projection_add_field(&one, "traceId", &number, &err);
    a.fail_at = 0;
    ok(decode_apart(&a, &one, block, NULL, &err) == TCORE_OK && a.calls == 1,
       "one column is asked for where one is wanted (%u)", a.calls);
    tcore_projection_free(&one);
    unsigned told = 0;
    for (unsigned i = 1; i <= columns; i++) {
        a.fail_at = i;
        told += decode_apart(&a, &text_only, block, NULL, &err) == TCORE_BAD_INPUT;
    }
    ok(columns > 3 && told == columns, "a column that cannot be read is told (%u of %u)", told,
       columns);
    tcore_buf_free(&text);
    tcore_buf_free(&stream);
    tcore_buf_free(&lines);
}

/* Every value of each field of the entry that matters, and of the codes. */
static void test_forged(void)
{
    struct tcore_buf text = {0}, stream = {0}, lines = {0};
    struct tcore_error err;
    size_t number;
    unsigned tried = 0, refused = 0;
    add_traces(&text, 4, 4);
    add_span(&text, 1, 99, 98);
    write_lines(&stream, text.data, text.length, NULL);
    const char *found = parents_entry(&stream, &number);
    size_t at = (size_t)(found - stream.data), bytes = stream.length - HEADER_BYTES;
    char *block = stream.data + HEADER_BYTES, *copy = malloc(stream.length);
    memcpy(copy, stream.data, stream.length);
    static const struct {
        unsigned field, bytes;
    } fields[] = {{ENTRY_WIDTH, 1},   {ENTRY_LENGTH_WIDTH, 1}, {ENTRY_ADD_A, 2}, {ENTRY_ADD_B, 2},
                  {ENTRY_ENTRIES, 1}, {ENTRY_BASE_LENGTH, 1},  {ENTRY_CLASS, 1}, {ENTRY_VALUES, 1}};
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
        for (unsigned value = 0; value < 300; value++) {
            memcpy(stream.data, copy, stream.length);
            if (fields[f].bytes == 2)
                binary_put16(stream.data + at + fields[f].field, (uint16_t)value);
            else
                stream.data[at + fields[f].field] = (char)value;
            if (!memcmp(stream.data, copy, stream.length))
                continue;
            seal_block(block, bytes);
            tcore_buf_clear(&lines);
            tried++;
            refused += read_lines(&lines, stream.data, stream.length, &err) != TCORE_OK;
        }
    ok(tried > 1500 && refused == tried, "forged entries are refused (%u of %u)", refused, tried);
    size_t data = BLOCK_BYTES + binary_get32(block + BLOCK_DIRECTORY);
    for (size_t i = 0; i < number; i++)
        data += binary_get32(block + BLOCK_BYTES + i * ENTRY_BYTES + ENTRY_LENGTH);
    size_t first_code = data + 8; /* behind the one id of its own */
    tried = refused = 0;
    for (unsigned value = 6; value < 256; value++) { /* no trace has more than 5 spans */
        memcpy(stream.data, copy, stream.length);
        block[first_code] = (char)value;
        seal_block(block, bytes);
        tcore_buf_clear(&lines);
        tried++;
        refused += read_lines(&lines, stream.data, stream.length, &err) != TCORE_OK;
    }
    ok(refused == tried, "references to nothing are refused (%u of %u)", refused, tried);
    memcpy(stream.data, copy, stream.length);
    block[first_code] = 0;
    seal_block(block, bytes);
    ok(read_lines(&lines, stream.data, stream.length, &err) == TCORE_BAD_INPUT,
       "one id fewer than are taken: %s", err.text);
    free(copy);
    tcore_buf_free(&text);
    tcore_buf_free(&stream);
    tcore_buf_free(&lines);
}

/* The columns of the stream's first block that are the same as others. */
static unsigned count_same(const struct tcore_buf *stream)
{
    const char *block = stream->data + HEADER_BYTES;
    unsigned same = 0;
    for (unsigned i = 0; i < binary_get16(block + BLOCK_COLUMNS); i++)
        same += block[BLOCK_BYTES + i * ENTRY_BYTES + ENTRY_ENCODING] == ENCODING_SAME;
    return same;
}

static void test_same(void)
{
    struct tcore_buf text = {0}, stream = {0}, lines = {0};
    struct tcore_error err;
    for (unsigned i = 0; i < 50; i++)
        tcore_buf_printf(
            &text,
            "{\"type\":\"span\",\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"x\","
            "\"service\":\"s%u\",\"attributes\":{\"a\":%u,\"b\":%u,\"c\":\"s%u\",\"d\":\"s%u\"},"
            "\"resource\":{\"service.name\":\"s%u\"}}\n",
            i + 1, i + 1, i % 3, i, i, i % 3, i % 4, i % 3);
    write_lines(&stream, text.data, text.length, NULL);
    ok(count_same(&stream) == 3, "columns with the values of others: %u", count_same(&stream));
    ok(comes_back(&text, &stream), "they come back");
    unsigned tried = 0, refused = 0,
             columns = binary_get16(stream.data + HEADER_BYTES + BLOCK_COLUMNS);
    char *block = stream.data + HEADER_BYTES;
    for (unsigned i = 1; i < columns; i++) {
        char *entry = block + BLOCK_BYTES + i * ENTRY_BYTES;
        if (entry[ENTRY_ENCODING] != ENCODING_SAME)
            continue;
        unsigned right = binary_get16(entry + ENTRY_ADD_A);
        for (unsigned number = 0; number < columns + 3; number++) {
            binary_put16(entry + ENTRY_ADD_A, (uint16_t)number);
            seal_block(block, stream.length - HEADER_BYTES);
            tcore_buf_clear(&lines);
            bool fits = read_lines(&lines, stream.data, stream.length, &err) == TCORE_OK;
            /* of another class, itself, later ones, those without data of their own */
            if (number >= i || block[BLOCK_BYTES + number * ENTRY_BYTES] != entry[ENTRY_CLASS] ||
                block[BLOCK_BYTES + number * ENTRY_BYTES + ENTRY_ENCODING] == ENCODING_SAME) {
                tried++;
                refused += !fits;
            }
        }
        binary_put16(entry + ENTRY_ADD_A, (uint16_t)right);
    }
    ok(tried > 20 && refused == tried, "impossible references are refused (%u of %u)", refused,
       tried);
    tcore_buf_free(&text);
    tcore_buf_free(&stream);
    tcore_buf_free(&lines);
}

int main(void)
{
    binary_for_segments = true;
    test_kinds();
    test_apart();
    test_forged();
    test_same();
    return done_testing();
}
