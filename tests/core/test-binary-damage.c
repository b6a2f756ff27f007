/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Streams that are damaged, cut, or forged with good checksums; and memory that runs out. Damage is
 * always found; a forgery is refused or gives odd values, but what it gives is JSON.
 */
#include "tap.h"

#include "binary.h"
#include "failing.h"
#include "stream/binary_codec.h"

static void make_stream(struct tcore_buf *stream, uint64_t seed, size_t records)
{
    struct tcore_buf lines = {0};
    add_records(&lines, seed, records);
    write_lines(stream, lines.data, lines.length, "made for a test");
    tcore_buf_free(&lines);
}

/* Whether a unit ends at that byte. */
static bool ends_unit(const struct tcore_buf *stream, size_t cut)
{
    size_t at = 0, bytes;
    bool is_block;
    while (at < cut) {
        if (tcore_binary_unit(stream->data + at, stream->length - at, &bytes, &is_block, NULL) !=
            TCORE_OK)
            return false;
        at += bytes;
    }
    return at == cut;
}

static void test_truncation(void)
{
    struct tcore_buf stream = {0};
    size_t silent = 0, whole = 0;
    make_stream(&stream, 3, 12);
    for (size_t cut = 0; cut < stream.length; cut++) {
        struct tcore_buf lines = {0};
        char *copy = malloc(cut ? cut : 1); /* as long as it is, for the sanitizer */
        memcpy(copy, stream.data, cut);
        if (read_lines(&lines, copy, cut, NULL) == TCORE_OK) {
            whole += ends_unit(&stream, cut);
            silent += !ends_unit(&stream, cut);
        }
        free(copy);
        tcore_buf_free(&lines);
    }
    ok(silent == 0 && whole > 3, "every cut inside a unit is found (%zu bytes)", stream.length);
    tcore_buf_free(&stream);
}

static void append_values(const struct tcore_batch *batch, void *context)
{
    for (size_t row = 0; row < batch->rows; row++) {
        struct tcore_value v = tcore_column_get(&batch->columns[0], row);
        tcore_json_write_value(context, &v);
    }
}

/* A reader of one column finds what damages it, and nothing else disturbs it. */
static void test_flips_elsewhere(void)
{
    struct tcore_projection projection = {0};
    struct tcore_buf stream = {0}, wanted = {0};
    size_t column, wrong = 0, refused = 0, read = 0;
    make_stream(&stream, 4, 8);
    tcore_projection_add_field(&projection, "name", &column, NULL);
    read_stream(stream.data, stream.length, &projection, append_values, &wanted, NULL);
    for (size_t bit = 0; bit < stream.length * 8; bit += 3) {
        struct tcore_buf got = {0};
        stream.data[bit / 8] ^= (char)(1 << bit % 8);
        if (read_stream(stream.data, stream.length, &projection, append_values, &got, NULL)) {
            refused++;
        } else {
            read++;
            wrong += got.length != wanted.length || memcmp(got.data, wanted.data, got.length) != 0;
        }
        stream.data[bit / 8] ^= (char)(1 << bit % 8);
        tcore_buf_free(&got);
    }
    ok(wrong == 0 && refused > 1000 && read > 1000,
       "one column among flipped bits: %zu refused, %zu read, %zu wrong", refused, read, wrong);
    tcore_projection_free(&projection);
    tcore_buf_free(&stream);
    tcore_buf_free(&wanted);
}

static void test_flips(void)
{
    struct tcore_buf stream = {0};
    size_t silent = 0;
    make_stream(&stream, 4, 8);
    for (size_t bit = 0; bit < stream.length * 8; bit++) {
        struct tcore_buf lines = {0};
        stream.data[bit / 8] ^= (char)(1 << bit % 8);
        silent += read_lines(&lines, stream.data, stream.length, NULL) == TCORE_OK;
        stream.data[bit / 8] ^= (char)(1 << bit % 8);
        tcore_buf_free(&lines);
    }
    ok(silent == 0, "every flipped bit is found (%zu bits)", stream.length * 8);
    tcore_buf_free(&stream);
}

static void require_text(const struct tcore_batch *batch, void *context)
{
    struct tcore_json *json = context;
    for (size_t row = 0; row < batch->rows; row++)
        if (tcore_json_parse(json, batch->text[row].data, batch->text[row].length, NULL) !=
            TCORE_OK) {
            printf("# not JSON: %.*s\n", (int)batch->text[row].length, batch->text[row].data);
            exit(EXIT_FAILURE);
        }
    for (size_t i = 0; i < batch->column_count; i++)
        for (size_t row = 0; row < batch->rows; row++) {
            struct tcore_value v = tcore_column_get(&batch->columns[i], row);
            struct tcore_buf text = {0};
            tcore_json_write_value(&text, &v);
            if (tcore_json_parse(json, text.data, text.length, NULL) != TCORE_OK) {
                printf("# not JSON: %.*s\n", (int)text.length, text.data);
                exit(EXIT_FAILURE);
            }
            tcore_buf_free(&text);
        }
}

/* Changes some bytes of a block, mostly of its directory. */
static void forge(char *block, size_t length, uint64_t *state)
{
    size_t directory = binary_get32(block + BLOCK_DIRECTORY);
    size_t changes = draw_below(state, 3) + 1;
    for (size_t i = 0; i < changes; i++) {
        size_t limit = draw_below(state, 4) ? BLOCK_BYTES + directory : length;
        size_t at = BLOCK_TYPE + draw_below(state, limit - BLOCK_TYPE);
        switch (draw_below(state, 4)) {
        case 0:
            block[at] ^= (char)(1 << draw_below(state, 8));
            break;
        case 1:
            block[at] = (char)draw(state);
            break;
        case 2:
            block[at]++;
            break;
        default:
            block[at]--;
            break;
        }
    }
    seal_block(block, length);
}

static void test_forgeries(void)
{
    static const char *const names[] = {"service", "durationNano", "attributes", "http.route",
                                        "events",  "type",         "resource.a", "rare1"};
    struct tcore_projection projection = {.text = true};
    struct tcore_json json = {.depth_limit = 20000};
    struct tcore_error err = {0};
    size_t refused = 0, accepted = 0, column;
    uint64_t state = 11;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        tcore_projection_add_field(&projection, names[i], &column, NULL);
    for (int round = 0; round < 40; round++) {
        struct tcore_buf stream = {0};
        make_stream(&stream, 1000 + (uint64_t)round, 30);
        for (size_t at = 0, bytes; at < stream.length; at += bytes) {
            bool is_block;
            if (tcore_binary_unit(stream.data + at, stream.length - at, &bytes, &is_block, &err))
                binary_die("unit", &err);
            for (int n = 0; is_block && n < 25; n++) {
                char *copy = malloc(bytes);
                memcpy(copy, stream.data + at, bytes);
                forge(copy, bytes, &state);
                enum tcore_status status =
                    read_stream(copy, bytes, &projection, require_text, &json, &err);
                if (status != TCORE_OK && status != TCORE_BAD_INPUT)
                    binary_die("forgery", &err);
                *(status == TCORE_OK ? &accepted : &refused) += 1;
                free(copy);
            }
        }
        tcore_buf_free(&stream);
    }
    ok(refused > 100 && accepted > 100, "forgeries: %zu refused, %zu read as JSON", refused,
       accepted);
    tcore_projection_free(&projection);
    tcore_json_free(&json);
}

/* ---- forgeries by hand ---- */

static void count_rows(const struct tcore_batch *batch, void *context)
{
    *(size_t *)context += batch->rows;
}

/* The directory entry of the column with that name, in the block at data. */
static char *entry_of(char *block, const char *name)
{
    size_t columns = binary_get16(block + BLOCK_COLUMNS);
    char *at = block + BLOCK_BYTES + columns * ENTRY_BYTES;
    for (size_t shape = 0; shape < binary_get16(block + BLOCK_SHAPES); shape++)
        at += 2 + 2 * (size_t)binary_get16(at);
    for (size_t i = 0; i < columns; i++) {
        char *entry = block + BLOCK_BYTES + i * ENTRY_BYTES;
        size_t length = binary_get16(entry + ENTRY_NAME);
        if (length == strlen(name) && !memcmp(at, name, length))
            return entry;
        at += length;
    }
    return NULL;
}

static char *data_of(char *block, const char *wanted)
{
    char *at = block + BLOCK_BYTES + binary_get32(block + BLOCK_DIRECTORY);
    for (char *entry = block + BLOCK_BYTES; entry != wanted; entry += ENTRY_BYTES)
        at += binary_get32(entry + ENTRY_LENGTH);
    return at;
}

/* What is changed in the block of two records. */
static void lie_values(char *block)
{
    binary_put32(entry_of(block, "c") + ENTRY_VALUES, BINARY_VALUE_LIMIT + 1);
}

static void lie_entries(char *block)
{
    binary_put32(entry_of(block, "s") + ENTRY_ENTRIES, 3);
}

static void lie_base_length(char *block)
{
    binary_put32(entry_of(block, "s") + ENTRY_BASE_LENGTH, UINT32_MAX);
}

static void lie_string(char *block)
{
    *(char *)memchr(data_of(block, entry_of(block, "s")), 'b', 16) = (char)0xff;
}

static void lie_double(char *block)
{
    memset(data_of(block, entry_of(block, "d")), 0, 16);
    binary_put64(entry_of(block, "d") + ENTRY_BASE, (uint64_t)0x7ff << 52); /* infinity */
    binary_put64(entry_of(block, "d") + ENTRY_STEP, 0);
}

static void lie_literal(char *block)
{
    binary_put64(entry_of(block, "c") + ENTRY_BASE, 3);
}

static void lie_json(char *block)
{
    char *data = data_of(block, entry_of(block, "j"));
    *(char *)memchr(data, '[', 16) = '{';
}

static void lie_json_key(char *block)
{
    char *data = data_of(block, entry_of(block, "j"));
    memcpy(memchr(data, '[', 16), "\"1\":", 4);
}

static void lie_name(char *block)
{
    size_t directory = binary_get32(block + BLOCK_DIRECTORY);
    char *name = memmem(block + BLOCK_BYTES, directory, "typedcsj", 8);
    name[4] = (char)0xff;
}

static void lie_shape_twice(char *block)
{
    char *shape = block + BLOCK_BYTES + (size_t)binary_get16(block + BLOCK_COLUMNS) * ENTRY_BYTES;
    memcpy(shape + 4, shape + 6, 2);
}

static void lie_shape_number(char *block)
{
    char *shape = block + BLOCK_BYTES + (size_t)binary_get16(block + BLOCK_COLUMNS) * ENTRY_BYTES;
    binary_put16(shape + 4, BINARY_NONE - 1);
}

static void lie_shape_short(char *block)
{
    char *shape = block + BLOCK_BYTES + (size_t)binary_get16(block + BLOCK_COLUMNS) * ENTRY_BYTES;
    binary_put16(shape, UINT16_MAX);
}

static void lie_parent(char *block)
{
    binary_put16(entry_of(block, "c") + ENTRY_PARENT, 1);
}

static void lie_sum(char *block)
{
    binary_put16(entry_of(block, "d") + ENTRY_ADD_A, 1);
}

static void lie_text(char *block)
{
    binary_put32(block + BLOCK_TEXT, binary_get32(block + BLOCK_TEXT) + 1);
}

static void lie_text_limit(char *block)
{
    binary_put32(block + BLOCK_TEXT, (uint32_t)BINARY_READER_TEXT_BYTES + 1);
}

static void lie_padding(char *block)
{
    char *entry = entry_of(block, "s");
    data_of(block, entry)[binary_get32(entry + ENTRY_LENGTH) - 1] = 1;
}

static void lie_rows(char *block)
{
    binary_put32(block + BLOCK_ROWS, 3);
}

static void lie_type(char *block)
{
    block[BLOCK_TYPE] = 13;
}

static void lie_encoding(char *block)
{
    entry_of(block, "s")[ENTRY_ENCODING] = ENCODING_INTS;
}

static void test_lies(void)
{
    static const char lines[] =
        "{\"type\":\"x\",\"d\":0.5,\"c\":true,\"s\":\"abc\",\"j\":[10]}\n"
        "{\"type\":\"x\",\"d\":2.5,\"c\":true,\"s\":\"bcdef\",\"j\":[10]}\n";
    static const struct {
        const char *name;
        void (*lie)(char *block);
        const char *column; /* that shows it; NULL: the text does */
    } cases[] = {
        {"too many values", lie_values, "s"},
        {"more entries than values", lie_entries, "s"},
        {"lengths that overflow", lie_base_length, "s"},
        {"a string that is no UTF-8", lie_string, "s"},
        {"a double that is no number", lie_double, "d"},
        {"a double that is no number, as text", lie_double, NULL},
        {"a literal that is none", lie_literal, "c"},
        {"a literal that is none, as text", lie_literal, NULL},
        {"JSON that is none", lie_json, "j"},
        {"JSON that is none, looked into", lie_json_key, "j.1"},
        {"a name that is no UTF-8", lie_name, NULL},
        {"a column twice in a shape", lie_shape_twice, "s"},
        {"a shape of a column that is not there", lie_shape_number, "s"},
        {"a shape longer than the directory", lie_shape_short, "s"},
        {"a parent that is no object", lie_parent, "s"},
        {"a sum of what is no integer", lie_sum, "s"},
        {"text of another length", lie_text, NULL},
        {"more text than a block may have", lie_text_limit, "s"},
        {"padding that is not zero", lie_padding, "s"},
        {"rows without a shape", lie_rows, "s"},
        {"an unknown type", lie_type, "s"},
        {"an encoding of another class", lie_encoding, "s"},
    };
    struct tcore_buf stream = {0};
    write_lines(&stream, lines, sizeof lines - 1, NULL);
    size_t length = stream.length - HEADER_BYTES;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_path_key keys[] = {{"s", 1}, {"1", 1}};
        struct tcore_projection projection = {.text = !cases[i].column};
        struct tcore_error err = {0};
        size_t column, rows = 0;
        char *copy = malloc(length);
        memcpy(copy, stream.data + HEADER_BYTES, length);
        cases[i].lie(copy);
        seal_block(copy, length);
        if (cases[i].column) {
            keys[0].name = cases[i].column;
            tcore_projection_add_path(&projection, keys, strchr(cases[i].column, '.') ? 2 : 1,
                                      &column, NULL);
        }
        ok(read_stream(copy, length, &projection, count_rows, &rows, &err) == TCORE_BAD_INPUT,
           "refused: %s (%s)", cases[i].name, err.text);
        tcore_projection_free(&projection);
        free(copy);
    }
    tcore_buf_free(&stream);
}

/* A header whose checksums are good, with one thing wrong. */
static void test_headers(void)
{
    static const struct {
        size_t at, length;
        unsigned char byte;
        const char *name;
    } cases[] = {
        {HEADER_BYTES, 40, 'a', "nothing"},
        {HEADER_ZERO, 40, 1, "a byte that is not zero"},
        {HEADER_BYTES, 40, 0xff, "text that is no UTF-8"},
        {HEADER_BYTES, 40, 0, "text with a NUL"},
        {HEADER_LENGTH, 40, 8, "a length shorter than the prefix"},
        {HEADER_LENGTH, 40, 41, "a length that is no multiple of 8"},
        {HEADER_LENGTH + 3, 40, 0x7f, "a length beyond the limit"},
        {HEADER_LENGTH, 40, 48, "a length beyond the end"},
        {HEADER_VERSION, 40, 2, "a later version"},
        {3, 40, 'B', "the magic of a block"},
        {HEADER_BYTES, 31, 'a', "less than a prefix"},
    };
    struct tcore_buf stream = {0};
    write_lines(&stream, "", 0, "12345678");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_slice text;
        struct tcore_error err = {0};
        char header[40];
        memcpy(header, stream.data, sizeof header);
        header[cases[i].at] = (char)cases[i].byte;
        binary_put64(header + HEADER_TEXT_CHECK, tcore_binary_checksum(header + HEADER_BYTES, 8));
        binary_put64(header + HEADER_CHECK, tcore_binary_checksum(header, HEADER_CHECK));
        ok((tcore_binary_header(header, cases[i].length, &text, &err) == TCORE_OK) == (i == 0),
           "a header with %s wrong: %s", cases[i].name, err.text);
    }
    struct tcore_binary_info info;
    char prefix[BLOCK_BYTES] = {[BLOCK_TYPE] = 13};
    ok(tcore_binary_block_info(prefix, &info, NULL) == TCORE_BAD_INPUT,
       "a block of an unknown type says nothing");
    tcore_buf_free(&stream);
}

/* Hexadecimal of every length and with every byte in every place. */
static void test_hexadecimal(void)
{
    static const char digits[] = "0123456789abcdef13579bdf";
    size_t wrong = 0;
    for (size_t bytes = 0; bytes <= 12; bytes++)
        for (size_t at = 0; at < 2 * bytes; at++)
            for (int byte = 0; byte < 256; byte++) {
                char text[24], back[24];
                uint8_t out[12];
                memcpy(text, digits, sizeof text);
                text[at] = (char)byte;
                bool good = memchr(digits, byte, 16) != NULL;
                wrong += tcore_binary_hex_decode(out, text, bytes) != good;
                tcore_binary_hex_encode(back, out, bytes);
                wrong += good && memcmp(back, text, 2 * bytes) != 0;
            }
    ok(wrong == 0, "hexadecimal digits, and no others");
}

static void test_text(void)
{
    static const struct {
        const char *text;
        bool utf8, surrogates; /* whether it is text without and with them */
    } cases[] = {
        {"", true, true},
        {"plain ASCII text", true, true},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true, true},
        {"12345678\xc3\xa4", true, true},
        {"\xed\xa0\x80", false, true},
        {"\xed\xb0\x80", false, true},
        {"\xed\xb0\x80\xed\xa0\x80", false, true},
        {"\xed\xa0\x80\xed\xb0\x80", false, false},
        {"\xed\xa0\x80x\xed\xb0\x80", false, true},
        {"\x80", false, false},
        {"\xc0\x80", false, false},
        {"\xe0\x80\x80", false, false},
        {"\xf0\x80\x80\x80", false, false},
        {"\xf4\x90\x80\x80", false, false},
        {"\xc3", false, false},
        {"\xe2\x82", false, false},
        {"\xf0\x9f\x98", false, false},
        {"\xff", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].text);
        ok(tcore_binary_is_text(cases[i].text, length, false) == cases[i].utf8 &&
               tcore_binary_is_text(cases[i].text, length, true) == cases[i].surrogates,
           "what is text, case %zu", i);
    }
}

/* ---- memory ---- */

static enum tcore_status write_all(struct tcore_buf *out, const char *lines, size_t length,
                                   struct tcore_error *err)
{
    struct tcore_binary_writer *writer;
    enum tcore_status status = tcore_binary_writer_new(&writer, out, NULL, err);
    if (status != TCORE_OK)
        return status;
    if (binary_for_segments)
        tcore_binary_writer_for_segments(writer);
    for (const char *p = lines, *end = lines + length; p < end && status != TCORE_FATAL;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        status = tcore_binary_writer_add(writer, p, (size_t)(newline - p), err);
        p = newline + 1;
    }
    if (status != TCORE_FATAL)
        status = tcore_binary_writer_flush(writer, err);
    else
        tcore_binary_writer_flush(writer, err);
    tcore_binary_writer_free(writer);
    return status;
}

static void test_writer_memory(void)
{
    struct tcore_buf lines = {0}, wanted = {0};
    struct tcore_error err;
    unsigned long n = 1, fatal = 0, wrong = 0;
    add_records(&lines, 5, 40);
    write_lines(&wanted, lines.data, lines.length, NULL);
    for (bool more = true; more; n++) {
        struct tcore_buf out = {0};
        failing_begin(n);
        enum tcore_status status = write_all(&out, lines.data, lines.length, &err);
        more = failing_end();
        fatal += status == TCORE_FATAL;
        wrong +=
            status != TCORE_FATAL && more &&
            (out.length < HEADER_BYTES || read_lines(&(struct tcore_buf){0}, out.data, 0, &err));
        if (!more)
            is_mem(out.data, out.length, wanted.data, wanted.length, "without a failure");
        failing_begin(0);
        tcore_buf_free(&out);
        failing_end();
    }
    ok(fatal > 100 && wrong == 0, "writing: %lu of %lu failed allocations are reported", fatal, n);
    ok(failing.live == 0, "and nothing leaks (%ld)", failing.live);
    tcore_buf_free(&lines);
    tcore_buf_free(&wanted);
}

static void test_reader_memory(void)
{
    static const char *const names[] = {"service",    "durationNano", "attributes",
                                        "http.route", "rare7",        "name"};
    struct tcore_projection projection = {.text = true};
    struct tcore_buf stream = {0};
    struct tcore_error err;
    enum tcore_status status = TCORE_OK;
    size_t column, rows = 0;
    unsigned long n = 1, fatal = 0, other = 0;
    make_stream(&stream, 6, 120);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        tcore_projection_add_field(&projection, names[i], &column, NULL);
    failing.live = 0;
    for (bool more = true; more; n++) {
        failing_begin(n);
        status = read_stream(stream.data, stream.length, &projection, count_rows, &rows, &err);
        more = failing_end();
        fatal += status == TCORE_FATAL;
        other += status != TCORE_FATAL && status != TCORE_OK;
    }
    ok(status == TCORE_OK && rows > 100, "without a failure");
    ok(fatal > 50 && other == 0, "reading: %lu of %lu failed allocations are reported", fatal, n);
    ok(failing.live == 0, "and nothing leaks (%ld)", failing.live);
    tcore_projection_free(&projection);
    tcore_buf_free(&stream);
}

int main(void)
{
    test_truncation();
    test_flips();
    test_flips_elsewhere();
    test_forgeries();
    test_lies();
    test_headers();
    test_hexadecimal();
    test_text();
    test_writer_memory();
    test_reader_memory();
    binary_for_segments = true;
    test_truncation();
    test_flips();
    test_flips_elsewhere();
    test_forgeries();
    test_writer_memory();
    test_reader_memory();
    return done_testing();
}
