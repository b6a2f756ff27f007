/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows laid into columns, and texts that a column remembers: the same blocks as when every value is
 * put by its key, and the same columns as without a memory.
 */
#include "tap.h"

#include "binary.h"
#include "model/number.h"
#include "stream/binary_lay.h"
#include "stream/binary_memo.h"

/* --- what a column remembers --- */

/* Appends draws from so many texts, of up to so many bytes, to two columns, one of which remembers;
 * block by block, as what is remembered must not outlive one. */
static void check_memo(unsigned texts, unsigned longest, const char *what)
{
    enum { BLOCKS = 3, VALUES = 6000 };
    struct binary_column plain, near;
    uint64_t state = texts + longest;
    bool same = true, remembers = false;
    tcore_binary_column_init(&plain, CLASS_STRING, BINARY_NONE, "k", 1);
    tcore_binary_column_init(&near, CLASS_STRING, BINARY_NONE, "k", 1);
    for (unsigned block = 0; block < BLOCKS && same; block++) {
        for (unsigned i = 0; i < VALUES && same; i++) {
            char text[128];
            uint64_t seed = draw_below(&state, texts) * 0x9e3779b97f4a7c15u + 1;
            size_t length = draw_below(&seed, longest + 1);
            for (size_t k = 0; k < sizeof text; k++) /* what is behind the text is never the same */
                text[k] = k < length ? "ab"[draw_below(&seed, 3)] : (char)draw(&state);
            same = tcore_binary_column_add_text(&plain, text, length) &&
                   binary_column_add_near(&near, text, length);
            remembers |= near.memo != NULL;
        }
        same = same && plain.values == near.values && plain.dictionary == near.dictionary &&
               plain.strings == near.strings && plain.text_bytes == near.text_bytes &&
               plain.bytes.length == near.bytes.length &&
               !memcmp(plain.bytes.data, near.bytes.data, near.bytes.length) &&
               !memcmp(plain.lengths, near.lengths, near.strings * sizeof *near.lengths) &&
               (!near.dictionary ||
                !memcmp(plain.codes, near.codes, near.values * sizeof *near.codes));
        tcore_binary_column_reset(&plain);
        tcore_binary_column_reset(&near);
    }
    ok(same && remembers, "%s: the same column with what is remembered", what);
    tcore_binary_column_free(&plain);
    tcore_binary_column_free(&near);
}

static void check_memos(void)
{
    check_memo(1, 20, "one text");
    check_memo(40, BINARY_MEMO_BYTES, "few texts");
    check_memo(4 * BINARY_MEMO_PLACES, BINARY_MEMO_BYTES, "more texts than places");
    check_memo(200, BINARY_MEMO_BYTES + 8, "texts that are too long among others");
    check_memo(300, 3, "texts that are the beginning of others");
    check_memo(100000, 30, "so many texts that the dictionary goes");
}

/* --- rows --- */

#define KEY(literal) ((struct tcore_slice){"" literal, sizeof(literal) - 1})

struct sample {
    uint8_t span[8];
    int64_t start;
    unsigned scope; /* which decides what is shared */
    bool other;     /* of another shape, and by no short way */
};

/* Text that is the same in all rows of a scope. Of an odd one there is more. */
static struct tcore_slice service(const struct sample *sample)
{
    static const char *const names[] = {"cart", "frontend", "payment", "shipping"};
    const char *name = names[sample->scope % 4];
    return (struct tcore_slice){name, strlen(name)};
}

static void put_shared(struct tcore_binary_row *row, const struct sample *sample)
{
    tcore_binary_row_text(row, KEY("service"), service(sample));
    tcore_binary_row_open(row, KEY("resource"));
    tcore_binary_row_int(row, KEY("process.pid"), sample->scope);
    if (sample->scope % 2)
        tcore_binary_row_bool(row, KEY("host.virtual"), sample->scope % 3);
    tcore_binary_row_close(row);
}

static void put(struct tcore_binary_row *row, const struct sample *sample)
{
    tcore_binary_row_id(row, KEY("spanId"), (const char *)sample->span, 8);
    if (sample->other)
        tcore_binary_row_text(row, KEY("name"), KEY("other"));
    tcore_binary_row_digits(row, KEY("startTimeUnixNano"), sample->start);
    put_shared(row, sample);
}

/* What is known of the rows of a scope. */
struct known {
    struct binary_stamp stamp;
    uint32_t node;
    struct shape_value value[5]; /* of a row: two that vary, then those that are shared */
    uint32_t values;
    size_t length; /* without the digits of the start */
};

enum { SCOPES = 6, VARY = 2 };

struct laying {
    struct tcore_binary_writer *writer;
    struct known known[SCOPES];
    unsigned laid;
};

static void learn(struct known *known, const struct tcore_binary_row *row,
                  const struct sample *sample)
{
    const struct shape_tree *tree = row->tree;
    known->stamp = binary_stamp_of(tree);
    known->node = row->node;
    known->values = tree->values;
    memcpy(known->value, tree->value, tree->values * sizeof *tree->value);
    known->value[VARY].s = service(sample).data;
    known->length = row->length - tcore_int64_length(sample->start);
}

static bool lay(struct laying *l, struct tcore_binary_row *row, const struct known *known,
                const struct sample *sample)
{
    struct tcore_error err;
    struct binary_column *column = row->tree->column;
    bool good =
        binary_column_add_text(&column[known->value[0].column], (const char *)sample->span, 8) &&
        binary_column_add_int(&column[known->value[1].column], sample->start) &&
        tcore_shape_share(row->tree, known->value + VARY, known->values - VARY);
    row->node = known->node;
    row->length = known->length + tcore_int64_length(sample->start);
    l->laid++;
    return tcore_binary_row_laid(l->writer, row, known->values, good, &err) == TCORE_OK;
}

/* A row by its keys, unless another one of the scope has shown where it goes. */
static bool add(struct laying *l, const struct sample *sample, bool short_way)
{
    struct tcore_binary_row row;
    struct tcore_error err;
    struct known *known = &l->known[sample->scope];
    if (tcore_binary_row_begin(l->writer, &row, TCORE_RECORD_SPAN, 400, &err) != TCORE_OK)
        return false;
    if (short_way && !sample->other && binary_stamp_holds(&known->stamp, row.tree))
        return lay(l, &row, known, sample);
    uint32_t block = row.tree->blocks;
    put(&row, sample);
    if (tcore_binary_row_end(l->writer, &row, &err) != TCORE_OK)
        return false;
    if (!sample->other && row.tree->blocks == block)
        learn(known, &row, sample);
    return true;
}

/* So many rows, whose scope changes once in so many, flushed once in so many. */
static void check_rows(unsigned rows, unsigned change, unsigned flush, const char *what)
{
    struct tcore_buf out[2] = {{0}, {0}};
    struct laying way[2] = {{0}, {0}};
    struct tcore_error err;
    uint64_t state = rows + change;
    struct sample sample = {.start = 99};
    bool good = true;
    for (unsigned w = 0; w < 2; w++)
        good &= tcore_binary_writer_new(&way[w].writer, &out[w], NULL, &err) == TCORE_OK;
    for (unsigned i = 0; i < rows && good; i++) {
        uint64_t span = draw(&state);
        memcpy(sample.span, &span, sizeof span);
        sample.start += (int64_t)draw_below(&state, 100000);
        sample.scope = draw_below(&state, change) ? sample.scope : draw_below(&state, SCOPES);
        sample.other = !draw_below(&state, 50);
        for (unsigned w = 0; w < 2 && good; w++) {
            good = add(&way[w], &sample, w);
            if (good && flush && i % flush == flush - 1)
                good = tcore_binary_writer_flush(way[w].writer, &err) == TCORE_OK;
        }
    }
    for (unsigned w = 0; w < 2 && good; w++)
        good = tcore_binary_writer_flush(way[w].writer, &err) == TCORE_OK;
    ok(good && out[0].length == out[1].length && !memcmp(out[0].data, out[1].data, out[0].length) &&
           way[1].laid > rows / 2,
       "%s: the same blocks", what);
    for (unsigned w = 0; w < 2; w++) {
        tcore_binary_writer_free(way[w].writer);
        tcore_buf_free(&out[w]);
    }
}

/* A writer that is given up while values wait. */
static void check_forget(void)
{
    struct tcore_buf out = {0};
    struct laying way = {0};
    struct tcore_error err;
    struct sample sample = {.start = 5};
    bool good = tcore_binary_writer_new(&way.writer, &out, NULL, &err) == TCORE_OK;
    size_t header = out.length;
    for (unsigned i = 0; i < 5; i++)
        good = good && add(&way, &sample, true);
    tcore_binary_writer_forget(way.writer);
    good = good && tcore_binary_writer_flush(way.writer, &err) == TCORE_OK && out.length == header;
    for (unsigned i = 0; i < 5; i++)
        good = good && add(&way, &sample, true);
    good = good && tcore_binary_writer_drop(way.writer, &err) == TCORE_OK &&
           tcore_binary_writer_flush(way.writer, &err) == TCORE_OK && out.length == header;
    ok(good && way.laid == 8, "a writer forgets what waits");
    tcore_binary_writer_free(way.writer);
    tcore_buf_free(&out);
}

/* --- columns that are mixed --- */

/* Whether a key whose first value is that, and whose second is other, has columns that are mixed.
 */
static void check_mixed(void (*first)(struct tcore_binary_row *),
                        void (*other)(struct tcore_binary_row *), bool mixed, const char *what)
{
    struct tcore_buf out = {0};
    struct tcore_binary_writer *writer;
    struct tcore_binary_row row;
    struct tcore_error err;
    bool good = tcore_binary_writer_new(&writer, &out, NULL, &err) == TCORE_OK;
    struct binary_stamp stamp = {0};
    for (unsigned i = 0; i < 2 && good; i++) {
        good = tcore_binary_row_begin(writer, &row, TCORE_RECORD_LOG, 100, &err) == TCORE_OK;
        if (i)
            stamp = binary_stamp_of(row.tree);
        (i ? other : first)(&row);
        good = good && tcore_binary_row_end(writer, &row, &err) == TCORE_OK;
    }
    ok(good && row.tree->column[row.tree->value[0].column].mixed == mixed &&
           binary_stamp_holds(&stamp, row.tree) == !mixed,
       "%s: %s", what, mixed ? "mixed" : "not mixed");
    tcore_binary_writer_free(writer);
    tcore_buf_free(&out);
}

static void put_word(struct tcore_binary_row *row)
{
    tcore_binary_row_text(row, KEY("body"), KEY("word"));
}

static void put_hex(struct tcore_binary_row *row)
{
    tcore_binary_row_text(row, KEY("body"), KEY("0123456789abcdef"));
}

static void put_digits(struct tcore_binary_row *row)
{
    tcore_binary_row_text(row, KEY("body"), KEY("1234567890123"));
}

static void put_int(struct tcore_binary_row *row)
{
    tcore_binary_row_int(row, KEY("body"), 5);
}

int main(void)
{
    check_memos();
    check_rows(3000, 40, 0, "scopes that last");
    check_rows(3000, 2, 0, "scopes that change");
    check_rows(3000, 100, 7, "blocks of few rows");
    check_rows(BINARY_ROW_LIMIT + 5000, 1000, 0, "a block that is full while values wait");
    check_forget();
    check_mixed(put_word, put_word, false, "words");
    check_mixed(put_hex, put_word, true, "hexadecimal, then a word");
    check_mixed(put_digits, put_hex, true, "digits, then hexadecimal");
    check_mixed(put_int, put_word, false, "an integer, then a word");
    return done_testing();
}
