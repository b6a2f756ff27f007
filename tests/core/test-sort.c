/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of records: their bytes are in the order of the values. Runs: any number of records, in
 * little memory, comes out sorted, and those with equal keys as they came. */
#include "base/sys.h"
#include "failing.h"
#include "random.h"
#include "span/sort_key.h"
#include "span/sort_runs.h"
#include "tap.h"

/* --- Keys */

static struct tcore_value text(const char *s, size_t length)
{
    return tcore_value_string(s, length);
}

static struct tcore_value literal(const char *s)
{
    struct tcore_value value = tcore_value_string(s, strlen(s));
    value.kind = TCORE_NUMBER;
    return value;
}

static struct tcore_value json(const char *s)
{
    struct tcore_value value = tcore_value_string(s, strlen(s));
    value.kind = TCORE_JSON;
    return value;
}

static int compare(const struct tcore_buf *a, const struct tcore_buf *b)
{
    size_t shared = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->data, b->data, shared);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static void key_of(struct tcore_buf *key, const struct tcore_value *value, bool descending)
{
    tcore_buf_clear(key);
    sort_key_put(key, value, false, descending);
}

static void test_order(void)
{
    const struct tcore_value ascending[] = {
        {.kind = TCORE_NULL},
        tcore_value_bool(false),
        tcore_value_bool(true),
        tcore_value_of_double(-INFINITY),
        literal("-1e300"),
        tcore_value_int(INT64_MIN),
        tcore_value_int(INT64_MIN + 1),
        tcore_value_int(-9007199254740993),
        tcore_value_of_double(-9007199254740992.0),
        tcore_value_int(-1),
        tcore_value_of_double(-0.5),
        tcore_value_int(0),
        literal("1e-300"),
        tcore_value_of_double(0.5),
        tcore_value_int(1),
        tcore_value_of_double(1.5),
        tcore_value_int(2),
        tcore_value_int(10),
        tcore_value_of_double(9007199254740992.0),
        tcore_value_int(9007199254740993),
        tcore_value_int(9007199254740994),
        tcore_value_int(INT64_MAX - 1),
        tcore_value_int(INT64_MAX),
        literal("9223372036854775808"),
        literal("1e300"),
        tcore_value_of_double(INFINITY),
        text("", 0),
        text("\0", 1),
        text("\0\0", 2),
        text("\0a", 2),
        text("\1", 1),
        text("a", 1),
        text("a\0", 2),
        text("a\0b", 3),
        text("aa", 2),
        text("b", 1),
        text("\xc3\xa4", 2),
        json("[1]"),
        json("{}"),
        {.kind = TCORE_ABSENT},
    };
    struct tcore_buf a = {0}, b = {0};
    size_t count = sizeof ascending / sizeof *ascending;
    unsigned bad = 0, bad_down = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            key_of(&a, &ascending[i], false);
            key_of(&b, &ascending[j], false);
            int wanted = (i > j) - (i < j), got = compare(&a, &b);
            if ((got > 0) - (got < 0) != wanted)
                printf("# %zu and %zu: %d\n", i, j, got), bad++;
            key_of(&a, &ascending[i], true);
            key_of(&b, &ascending[j], true);
            bool absent = i == count - 1 || j == count - 1; /* last in any case */
            got = compare(&a, &b);
            bad_down += (got > 0) - (got < 0) != (absent ? wanted : -wanted);
        }
    is_int(bad, 0, "%zu values, each against each", count);
    is_int(bad_down, 0, "and the other way round");
    tcore_buf_free(&a);
    tcore_buf_free(&b);
}

static void test_equal(void)
{
    static const struct {
        struct tcore_value a, b;
        bool time;
    } cases[] = {
        {{.kind = TCORE_INT, .i = 1}, {.kind = TCORE_DOUBLE, .d = 1}, false},
        {{.kind = TCORE_INT, .i = 0}, {.kind = TCORE_DOUBLE, .d = -0.0}, false},
        {{.kind = TCORE_NUMBER, .len = 3, .s = "1e3"}, {.kind = TCORE_INT, .i = 1000}, false},
        {{.kind = TCORE_STRING, .len = 19, .s = "1790000000116641647"},
         {.kind = TCORE_INT, .i = 1790000000116641647},
         true},
        {{.kind = TCORE_STRING, .len = 1, .s = "x"},
         {.kind = TCORE_STRING, .len = 1, .s = "x"},
         true},
    };
    struct tcore_buf a = {0}, b = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tcore_buf_clear(&a);
        tcore_buf_clear(&b);
        sort_key_put(&a, &cases[i].a, cases[i].time, false);
        sort_key_put(&b, &cases[i].b, cases[i].time, false);
        is_int(compare(&a, &b), 0, "pair %zu is equal", i);
    }
    tcore_buf_clear(&a);
    tcore_buf_clear(&b);
    sort_key_put(&a, &(struct tcore_value){.kind = TCORE_STRING, .len = 1, .s = "9"}, true, false);
    sort_key_put(&b, &(struct tcore_value){.kind = TCORE_STRING, .len = 2, .s = "10"}, true, false);
    ok(compare(&a, &b) < 0, "times are numbers");
    tcore_buf_free(&a);
    tcore_buf_free(&b);
}

/* --- Runs */

struct record {
    char key[12], text[64];
    size_t key_length, text_length;
    size_t number;
};

static int compare_records(const void *left, const void *right)
{
    const struct record *a = left, *b = right;
    int order =
        memcmp(a->key, b->key, a->key_length < b->key_length ? a->key_length : b->key_length);
    if (!order && a->key_length != b->key_length)
        order = a->key_length < b->key_length ? -1 : 1;
    return order ? order : a->number < b->number ? -1 : 1;
}

static struct record *make_records(struct random_source *source, size_t count, unsigned keys)
{
    struct record *record = calloc(count, sizeof *record);
    for (size_t i = 0; i < count; i++) {
        uint64_t key = random_below(source, keys);
        record[i].key_length = 1 + key % 11;
        for (size_t k = 0; k < record[i].key_length; k++)
            record[i].key[k] = (char)(key * 37 >> 3 * k);
        record[i].number = i;
        int length =
            snprintf(record[i].text, sizeof record[i].text, "%zu %.*s", i,
                     (int)random_below(source, 40), "........................................");
        record[i].text_length = (size_t)length;
    }
    return record;
}

/* memory: 0 for what there is anyway. */
static void test_runs(size_t count, unsigned keys, size_t memory, uint32_t least_runs)
{
    struct random_source source = {count + keys + memory};
    struct record *record = make_records(&source, count, keys);
    struct sort_runs runs;
    struct tcore_error err;
    struct tcore_slice text;
    size_t got = 0, wrong = 0;
    sort_runs_open(&runs, 0);
    runs.memory_bytes = memory ? memory : runs.memory_bytes;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = sort_runs_add(&runs, (struct tcore_slice){record[i].key, record[i].key_length},
                               (struct tcore_slice){record[i].text, record[i].text_length}, &err);
    if (status == TCORE_OK)
        status = sort_runs_finish(&runs, &err);
    uint32_t run_count = runs.run_count;
    qsort(record, count, sizeof *record, compare_records);
    while (status == TCORE_OK && (status = sort_runs_next(&runs, &text, &err)) == TCORE_OK) {
        wrong += got >= count || text.length != record[got].text_length ||
                 memcmp(text.data, record[got].text, text.length) != 0;
        got++;
    }
    is_int(status, TCORE_EOF, "%zu records of %u keys in %zu bytes: the end comes", count, keys,
           runs.memory_bytes);
    ok(!wrong && got == count, "all are there, in their order");
    ok(run_count >= least_runs, "from %u runs, %u or more", run_count, least_runs);
    is_int(sort_runs_next(&runs, &text, &err), TCORE_EOF, "and it is the end for good");
    sort_runs_close(&runs);
    free(record);
}

static void test_long(void)
{
    struct sort_runs runs;
    struct tcore_error err;
    struct tcore_slice text;
    size_t length = 3 << 20;
    char *large = malloc(length);
    memset(large, 'x', length);
    sort_runs_open(&runs, 0);
    bool good = true;
    for (int i = 9; i >= 0; i--) {
        char key = (char)i;
        large[0] = (char)('0' + i);
        good &= sort_runs_add(&runs, (struct tcore_slice){&key, 1},
                              (struct tcore_slice){large, length}, &err) == TCORE_OK;
    }
    good &= sort_runs_finish(&runs, &err) == TCORE_OK;
    for (int i = 0; i < 10; i++)
        good &= sort_runs_next(&runs, &text, &err) == TCORE_OK && text.length == length &&
                text.data[0] == '0' + i;
    ok(good, "records larger than the memory");
    sort_runs_close(&runs);
    free(large);
}

#define FEW 4000

static void test_failures(void)
{
    struct random_source source = {1};
    struct record *record = make_records(&source, FEW, 50);
    bool more = true;
    unsigned bad = 0;
    for (unsigned long n = 1; more; n++) {
        struct sort_runs runs;
        struct tcore_error err;
        struct tcore_slice text;
        sort_runs_open(&runs, 0);
        runs.memory_bytes = 160 << 10;
        enum tcore_status status = TCORE_OK;
        failing_begin(n);
        for (size_t i = 0; i < FEW && status == TCORE_OK; i++)
            status =
                sort_runs_add(&runs, (struct tcore_slice){record[i].key, record[i].key_length},
                              (struct tcore_slice){record[i].text, record[i].text_length}, &err);
        if (status == TCORE_OK)
            status = sort_runs_finish(&runs, &err);
        while (status == TCORE_OK)
            status = sort_runs_next(&runs, &text, &err);
        sort_runs_close(&runs);
        more = failing_end();
        bad += status != (more ? TCORE_FATAL : TCORE_EOF);
    }
    is_int(bad, 0, "each failed allocation is reported");
    is_int(failing.live, 0, "and nothing leaks");
    setenv("TMPDIR", "/nowhere", 1);
    struct sort_runs runs;
    struct tcore_error err = {0};
    sort_runs_open(&runs, 0);
    runs.memory_bytes = 160 << 10;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < FEW && status == TCORE_OK; i++)
        status = sort_runs_add(&runs, (struct tcore_slice){record[i].key, record[i].key_length},
                               (struct tcore_slice){record[i].text, record[i].text_length}, &err);
    is_int(status, TCORE_FATAL, "without a place for a temporary file");
    ok(strstr(err.text, "temporary file") != NULL, "that is said: %s", err.text);
    sort_runs_close(&runs);
    unsetenv("TMPDIR");
    free(record);
}

int main(void)
{
    test_order();
    test_equal();
    test_runs(0, 1, 0, 0);
    test_runs(1, 1, 0, 0);
    test_runs(5000, 300, 0, 0);
    test_runs(20000, 5000, 128 << 10, 3);
    test_runs(20000, 7, 64 << 10, 2);
    test_long();
    test_failures();
    return done_testing();
}
