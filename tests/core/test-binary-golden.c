/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Streams of released versions, kept as text in tests/data: each must read as the records beside
 * it, for ever. And that the first of them has every class, encoding and width there is.
 */
#include "tap.h"

#include "binary.h"
#include "golden.h"

/* Records, where <z*300> is the character z 300 times. */
static void records_of(struct tcore_buf *records, const char *text)
{
    for (; *text; text++) {
        char *end;
        if (text[0] != '<' || !text[1] || text[2] != '*') {
            tcore_buf_putc(records, *text);
            continue;
        }
        unsigned long count = strtoul(text + 3, &end, 10);
        golden_run(records, text[1], count);
        text = end;
    }
}

/* Which things the columns of a stream have, as bits. */
struct seen {
    unsigned types, classes, encodings, int_widths, delta_widths, code_widths, length_widths, sums;
};

static void look_at_column(struct seen *seen, const char *entry)
{
    unsigned encoding = (unsigned char)entry[ENTRY_ENCODING];
    unsigned width = 1u << entry[ENTRY_WIDTH];
    seen->classes |= 1u << entry[ENTRY_CLASS];
    seen->encodings |= 1u << encoding;
    if (encoding == ENCODING_INTS)
        seen->int_widths |= width;
    else if (encoding == ENCODING_DELTA)
        seen->delta_widths |= width;
    else if (encoding == ENCODING_DICT)
        seen->code_widths |= width;
    if (encoding == ENCODING_DICT || encoding == ENCODING_TEXT)
        seen->length_widths |= 1u << entry[ENTRY_LENGTH_WIDTH];
    if (binary_get16(entry + ENTRY_ADD_A) != BINARY_NONE)
        seen->sums |= binary_get16(entry + ENTRY_ADD_B) != BINARY_NONE ? 2 : 1;
}

static void look_at(struct seen *seen, const struct tcore_buf *stream)
{
    bool is_block;
    for (size_t at = 0, bytes; at < stream->length; at += bytes) {
        const char *unit = stream->data + at;
        if (tcore_binary_unit(unit, stream->length - at, &bytes, &is_block, NULL) != TCORE_OK)
            return;
        if (!is_block)
            continue;
        seen->types |= 1u << unit[BLOCK_TYPE];
        for (unsigned i = 0; i < binary_get16(unit + BLOCK_COLUMNS); i++)
            look_at_column(seen, unit + BLOCK_BYTES + (size_t)i * ENTRY_BYTES);
    }
}

static void test_version_1(void)
{
    struct tcore_buf hex = {0}, stream = {0}, got = {0}, text = {0}, wanted = {0};
    struct tcore_error err = {0};
    struct seen seen = {0};
    golden_read(&hex, "stream-v1.hex");
    golden_read(&text, "stream-v1.ndjson");
    golden_bytes(&stream, hex.data);
    records_of(&wanted, text.data);
    ok(read_lines(&got, stream.data, stream.length, &err) == TCORE_OK, "version 1 is read: %s",
       err.text);
    is_mem(got.data, got.length, wanted.data, wanted.length, "its records");
    look_at(&seen, &stream);
    is_int(seen.types, 0x1fff, "every record type is in it");
    is_int(seen.classes, 0x7ff, "every class of column");
    is_int(seen.encodings, 0x1f, "every encoding");
    is_int(seen.int_widths, 0x1ff, "offsets of every width");
    ok(seen.delta_widths, "differences");
    is_int(seen.code_widths, 7, "codes of every width");
    is_int(seen.length_widths, 1 | 2 | 4 | 16, "lengths of every width");
    is_int(seen.sums, 3, "sums of two and of three columns");
    tcore_buf_free(&hex);
    tcore_buf_free(&stream);
    tcore_buf_free(&got);
    tcore_buf_free(&text);
    tcore_buf_free(&wanted);
}

int main(void)
{
    test_version_1();
    return done_testing();
}
