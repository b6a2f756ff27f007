/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests, fuzz targets and benchmark of the binary stream share: records with everything
 * odd in them from a seed, and reading a stream back as lines.
 */
#ifndef TRACECORE_TESTS_CORE_BINARY_H
#define TRACECORE_TESTS_CORE_BINARY_H

#include "model/canonical.h"
#include "stream/binary.h"
#include "stream/binary_format.h"

#include <stdio.h>
#include <stdlib.h>

/* A sequence of numbers that is the same everywhere (xorshift64*; Vigna 2016). */
static inline uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

static inline size_t draw_below(uint64_t *state, size_t limit)
{
    return (size_t)((draw(state) >> 32) % limit);
}

static inline const char *draw_word(uint64_t *state, const char *const *words, size_t count)
{
    return words[draw_below(state, count)];
}
#define DRAW_WORD(state, words) draw_word(state, words, sizeof(words) / sizeof *(words))

static inline void add_id(struct tcore_buf *text, uint64_t *state, int digits)
{
    tcore_buf_putc(text, '"');
    for (int i = 0; i < digits; i += 16)
        tcore_buf_printf(text, "%016llx", (unsigned long long)(draw(state) | 1));
    tcore_buf_putc(text, '"');
}

static const char *const odd_strings[] = {
    "\"\"",
    "\"plain\"",
    "\"eight888\"",
    "\"a longer text with some words in it\"",
    "\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\\\/\"",
    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"\\udc00x\\ud800\\ud800\\udc00\"",
    "\"\\ud83dx\"",
    "\"\\u00e9\\u20ac\"",
    "\"0123456789abcdef\"",
    "\"0123456789ABCDEF\"",
    "\"0123456789abcdef0123456789abcdef\"",
    "\"1544712660000000000\"",
    "\"01544712660000000000\"",
    "\"-9223372036854775808\"",
    "\"NaN\"",
    "\"null\"",
    "\"\xed\x9f\xbf\xee\x80\x80\x7f\"",
};

static const char *const odd_numbers[] = {"0",
                                          "-0",
                                          "1",
                                          "1.0",
                                          "-1.0",
                                          "0.0",
                                          "-0.0",
                                          "1.50",
                                          "0.1",
                                          "1e5",
                                          "1E+2",
                                          "1e-7",
                                          "1e400",
                                          "-1e400",
                                          "5e-324",
                                          "1.7976931348623157e308",
                                          "1.7976931348623157e+308",
                                          "9007199254740993",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "9223372036854775808",
                                          "123456789012345678901234567890",
                                          "0.30000000000000004",
                                          "123456.789",
                                          "255",
                                          "65536"};

static const char *const odd_containers[] = {"{}",
                                             "[]",
                                             "[1,2,3]",
                                             "[ 1 , \"\\u0041\" ]",
                                             "{\"b\":1,\"a\":{\"c\":null}}",
                                             "{\"a\":1,\"a\":2}",
                                             "{\"doubleValue\":\"NaN\"}",
                                             "{\"bytesValue\":\"AAEC\"}",
                                             "{\"b\":\"q\\\"\\n\",\"timeUnixNano\":\"77\"}",
                                             "[[],{},[{\"x\":\"\\ud800\"}]]"};

static const char *const odd_keys[] = {"http.route", "retries",    "a",       "",           "a.b",
                                       "\\u0061\\n", "\xc3\xa4",   "\\ud800", "type",       "name",
                                       "spanId",     "attributes", "\\\"",    "endUnixNano"};

static inline void add_scalar(struct tcore_buf *text, uint64_t *state)
{
    static const char *const literals[] = {"null", "true", "false"};
    switch (draw_below(state, 8)) {
    case 0:
        tcore_buf_puts(text, DRAW_WORD(state, odd_numbers));
        break;
    case 1:
        tcore_buf_printf(text, "%lld", (long long)((int64_t)draw(state) >> draw_below(state, 64)));
        break;
    case 2:
        tcore_buf_printf(text, "%.6f", (double)(draw(state) >> 40) / 1000);
        break;
    case 3:
        tcore_buf_puts(text, DRAW_WORD(state, literals));
        break;
    case 4:
        add_id(text, state, draw_below(state, 2) ? 32 : 16);
        break;
    case 5:
        tcore_buf_printf(text, "\"word%u\"", (unsigned)draw_below(state, 5000));
        break;
    default:
        tcore_buf_puts(text, DRAW_WORD(state, odd_strings));
        break;
    }
}

static inline void add_value(struct tcore_buf *text, uint64_t *state)
{
    if (draw_below(state, 6))
        add_scalar(text, state);
    else
        tcore_buf_puts(text, DRAW_WORD(state, odd_containers));
}

/* An object of up to members members; their keys may be odd, rare, or there twice. */
static inline void add_object(struct tcore_buf *text, uint64_t *state, size_t members)
{
    size_t count = draw_below(state, members + 1);
    tcore_buf_putc(text, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            tcore_buf_puts(text, draw_below(state, 30) ? "," : " ,\t");
        if (draw_below(state, 10))
            tcore_buf_printf(text, "\"%s\":", DRAW_WORD(state, odd_keys));
        else
            tcore_buf_printf(text, "\"rare%u\" : ", (unsigned)draw_below(state, 3000));
        add_value(text, state);
    }
    tcore_buf_putc(text, '}');
}

/* Any value for a known field, mostly one of its class. */
static inline void add_field_value(struct tcore_buf *text, uint64_t *state,
                                   const struct tcore_field *field)
{
    static const char *const names[] = {"\"server\"", "\"cart\"", "\"GET /cart\"", "\"ok\"",
                                        "\"error\""};
    switch ((enum tcore_field_class)field->field_class) {
    case TCORE_FIELD_TRACE_ID:
        add_id(text, state, 32);
        break;
    case TCORE_FIELD_SPAN_ID:
        add_id(text, state, 16);
        break;
    case TCORE_FIELD_TIME:
        tcore_buf_printf(text, draw_below(state, 9) ? "\"%lld\"" : "%lld",
                         (long long)(1544712660000000000 + (int64_t)draw_below(state, 1000000000)));
        break;
    case TCORE_FIELD_NUMBER:
        if (draw_below(state, 8))
            tcore_buf_printf(text, "%u", (unsigned)draw_below(state, 100000));
        else
            add_scalar(text, state);
        break;
    case TCORE_FIELD_STRING:
        tcore_buf_puts(text, draw_below(state, 8) ? DRAW_WORD(state, names)
                                                  : DRAW_WORD(state, odd_strings));
        break;
    case TCORE_FIELD_MAP:
    case TCORE_FIELD_OBJECT:
        add_object(text, state, 6);
        break;
    case TCORE_FIELD_LIST:
        tcore_buf_puts(text, "[{\"timeUnixNano\":5,\"name\":\"e\",\"attributes\":");
        add_object(text, state, 3);
        tcore_buf_puts(text, "}]");
        break;
    case TCORE_FIELD_ANY:
    case TCORE_FIELD_BOOL:
        add_value(text, state);
        break;
    }
}

/* One record (of most it is, of some it is not quite) of that type, without a newline. */
static inline void add_record(struct tcore_buf *text, uint64_t *state, enum tcore_record_type type)
{
    const struct tcore_fields *fields = tcore_record_fields(type);
    tcore_buf_putc(text, '{');
    if (type == TCORE_RECORD_OTHER)
        tcore_buf_printf(text, "\"type\":\"kind%u\"", (unsigned)draw_below(state, 3));
    else if (type != TCORE_RECORD_NONE)
        tcore_buf_printf(text, "\"type\":\"%s\"", tcore_record_type_name(type));
    else
        tcore_buf_puts(text, "\"resource\":{\"host\":1}");
    size_t skip = draw_below(state, 3) + 1; /* so that some records have nearly all their fields */
    for (size_t i = 1; i < fields->count; i++) {
        bool needed = type == TCORE_RECORD_SPAN && (i == 1 || i == 2);
        if (!needed && draw_below(state, skip + 1))
            continue;
        tcore_buf_printf(text, ",\"%s\":", fields->field[i].name);
        add_field_value(text, state, &fields->field[i]);
    }
    if (!draw_below(state, 3)) {
        tcore_buf_printf(text, ",\"unknown%u\":", (unsigned)draw_below(state, 4));
        if (draw_below(state, 3))
            add_value(text, state);
        else
            add_object(text, state, 3);
    }
    tcore_buf_putc(text, '}');
}

/* Lines, each ended by a newline, of all types but clock, mostly spans. */
static inline void add_records(struct tcore_buf *text, uint64_t seed, size_t count)
{
    uint64_t state = seed * 2 + 1;
    for (size_t i = 0; i < count; i++) {
        enum tcore_record_type type = TCORE_RECORD_SPAN;
        if (draw_below(&state, 2))
            type = (enum tcore_record_type)draw_below(&state, TCORE_RECORD_TYPES);
        if (type == TCORE_RECORD_CLOCK)
            type = TCORE_RECORD_METRIC;
        add_record(text, &state, type);
        tcore_buf_putc(text, '\n');
    }
}

static inline void binary_die(const char *what, const struct tcore_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    exit(EXIT_FAILURE);
}

/* Whether blocks are written as those of segments are. */
static bool binary_for_segments;

/* Writes the lines as a stream, flushed behind every so many (0: at the end only); how many were no
 * records. */
static inline size_t write_flushed(struct tcore_buf *out, const char *lines, size_t length,
                                   const char *provenance, size_t flush_every)
{
    struct tcore_binary_writer *writer;
    struct tcore_error err = {0};
    size_t skipped = 0, count = 0;
    if (tcore_binary_writer_new(&writer, out, provenance, &err) != TCORE_OK)
        binary_die("writer", &err);
    if (binary_for_segments)
        tcore_binary_writer_for_segments(writer);
    for (const char *p = lines, *end = lines + length; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        enum tcore_status status = tcore_binary_writer_add(writer, p, (size_t)(newline - p), &err);
        if (status == TCORE_SKIP)
            skipped++;
        else if (status != TCORE_OK)
            binary_die("add", &err);
        if (flush_every && ++count % flush_every == 0 &&
            tcore_binary_writer_flush(writer, &err) != TCORE_OK)
            binary_die("flush", &err);
        p = newline + 1;
    }
    if (tcore_binary_writer_flush(writer, &err) != TCORE_OK)
        binary_die("flush", &err);
    tcore_binary_writer_free(writer);
    return skipped;
}

static inline size_t write_lines(struct tcore_buf *out, const char *lines, size_t length,
                                 const char *provenance)
{
    return write_flushed(out, lines, length, provenance, 0);
}

/*
 * Calls use for every block of the stream with its batch. The status of the first unit that is
 * damaged, or TCORE_OK.
 */
static inline enum tcore_status
read_stream(const char *stream, size_t length, const struct tcore_projection *projection,
            void (*use)(const struct tcore_batch *batch, void *context), void *context,
            struct tcore_error *err)
{
    struct tcore_binary_decoder *decoder;
    enum tcore_status status = tcore_binary_decoder_new(&decoder, projection, err);
    for (size_t at = 0, bytes; status == TCORE_OK && at < length; at += bytes) {
        bool is_block;
        struct tcore_slice text;
        struct tcore_batch batch;
        status = tcore_binary_unit(stream + at, length - at, &bytes, &is_block, err);
        if (status == TCORE_EOF || (status == TCORE_OK && bytes > length - at))
            status = tcore_error_set(err, TCORE_BAD_INPUT, "cut short");
        if (status == TCORE_OK && !is_block)
            status = tcore_binary_header(stream + at, bytes, &text, err);
        if (status == TCORE_OK && is_block) {
            status = tcore_binary_decode(decoder, stream + at, bytes, NULL, &batch, err);
            if (status == TCORE_OK)
                use(&batch, context);
        }
    }
    tcore_binary_decoder_free(decoder);
    return status;
}

static inline void append_lines(const struct tcore_batch *batch, void *context)
{
    for (size_t i = 0; i < batch->rows; i++) {
        tcore_buf_append(context, batch->text[i].data, batch->text[i].length);
        tcore_buf_putc(context, '\n');
    }
}

/* All records of the stream as lines. */
static inline enum tcore_status read_lines(struct tcore_buf *lines, const char *stream,
                                           size_t length, struct tcore_error *err)
{
    static const struct tcore_projection text = {.text = true};
    return read_stream(stream, length, &text, append_lines, lines, err);
}

/* The canonical text of each line that is a record, by type, in order. */
static inline void canonical_lines(struct tcore_buf *by_type, const char *lines, size_t length)
{
    struct tcore_json json = {0};
    for (const char *p = lines, *end = lines + length; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        struct tcore_buf text = {0};
        enum tcore_record_type type;
        if (tcore_json_parse(&json, p, (size_t)(newline - p), NULL) == TCORE_OK &&
            tcore_record_canonical(&json, false, &text, &type, NULL) == TCORE_OK) {
            tcore_buf_append(&by_type[type], text.data, text.length);
            tcore_buf_putc(&by_type[type], '\n');
        }
        tcore_buf_free(&text);
        p = newline + 1;
    }
    tcore_json_free(&json);
}

static inline void append_by_type(const struct tcore_batch *batch, void *context)
{
    append_lines(batch, (struct tcore_buf *)context + batch->types[0]);
}

/* Makes the checksums of the block at data right again after something else was changed. */
static inline void seal_block(char *data, size_t length)
{
    size_t directory = binary_get32(data + BLOCK_DIRECTORY);
    size_t columns = binary_get16(data + BLOCK_COLUMNS);
    if (directory <= length - BLOCK_BYTES && columns * ENTRY_BYTES <= directory) {
        size_t at = BLOCK_BYTES + directory;
        for (size_t i = 0; i < columns; i++) {
            char *entry = data + BLOCK_BYTES + i * ENTRY_BYTES;
            size_t bytes = binary_get32(entry + ENTRY_LENGTH);
            if (bytes > length - at)
                break;
            binary_put64(entry + ENTRY_CHECK, tcore_binary_checksum(data + at, bytes));
            at += bytes;
        }
        binary_put64(data + BLOCK_DIRECTORY_CHECK,
                     tcore_binary_checksum(data + BLOCK_BYTES, directory));
    }
    binary_put64(data + BLOCK_CHECK, tcore_binary_checksum(data, BLOCK_CHECK));
}

#endif
