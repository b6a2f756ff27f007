/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roll-ups: equal bytes in every order and partition, the answers of trace-agg, damage, limits. */
#include "failing.h"
#include "model/json.h"
#include "model/symbol.h"
#include "rollup_records.h"

#include "base/sys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <unistd.h>

enum { RECORDS = 2000, PARTS = 4, LARGE = 40000 };

static struct tcore_rollup_builder *new_builder(int64_t window_ns)
{
    struct tcore_rollup_builder *builder;
    if (tcore_rollup_builder_new(&builder, window_ns, NULL))
        abort();
    return builder;
}

static struct tcore_buf encoded(struct tcore_rollup_builder *builder)
{
    struct tcore_buf out = {0};
    if (tcore_rollup_encode(builder, &out, NULL))
        abort();
    tcore_rollup_builder_free(builder);
    return out;
}

static struct tcore_buf direct(const struct made_batch *made, int64_t window_ns)
{
    struct tcore_rollup_builder *builder = new_builder(window_ns);
    uint32_t *rows = calloc(made->batch->rows, sizeof *rows);
    for (uint32_t i = 0; i < made->batch->rows; i++)
        rows[i] = i;
    if (tcore_rollup_add(builder, &made->columns, made->batch, rows, made->batch->rows, NULL))
        abort();
    tcore_rollup_add_negative(builder, made->batch->negative_durations);
    free(rows);
    return encoded(builder);
}

static void made_text(struct tcore_buf *text, uint64_t seed, unsigned records,
                      const struct made_options *options)
{
    struct random_source source = {seed};
    for (unsigned i = 0; i < records; i++)
        made_record(text, &source, options);
}

/* The rows in another order, in several builders, joined or merged when they are encoded. */
static void check_partition(const struct made_batch *made, const struct tcore_buf *wanted,
                            uint64_t seed, bool through_bytes)
{
    struct random_source source = {seed};
    uint32_t rows = (uint32_t)made->batch->rows, *order = calloc(rows, sizeof *order);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t other = (uint32_t)random_below(&source, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    struct tcore_rollup_builder *total = new_builder(TCORE_ROLLUP_WINDOW_NS);
    for (uint32_t part = 0, at = 0; part < PARTS; part++) {
        uint32_t count =
            part == PARTS - 1 ? rows - at : (uint32_t)random_below(&source, rows - at + 1);
        struct tcore_rollup_builder *builder = new_builder(TCORE_ROLLUP_WINDOW_NS);
        for (uint32_t i = 0; i < count; i++)
            tcore_rollup_add(builder, &made->columns, made->batch, &order[at + i], 1, NULL);
        if (part == 2)
            tcore_rollup_add_negative(builder, made->batch->negative_durations);
        at += count;
        if (through_bytes) {
            struct tcore_buf bytes = encoded(builder);
            if (tcore_rollup_merge(total, bytes.data, bytes.length, NULL))
                abort();
            tcore_buf_free(&bytes);
        } else {
            if (tcore_rollup_join(total, builder, NULL))
                abort();
            tcore_rollup_builder_free(builder);
        }
    }
    struct tcore_buf got = encoded(total);
    ok(got.length == wanted->length && !memcmp(got.data, wanted->data, got.length),
       "the same %zu bytes in another order, %s, seed %d", wanted->length,
       through_bytes ? "merged" : "joined", (int)seed);
    tcore_buf_free(&got);
    free(order);
}

static void test_partitions(void)
{
    unsigned rounds = getenv("TRACECORE_TEST_LONG") ? 200 : 4;
    for (unsigned round = 0; round < rounds; round++) {
        struct tcore_buf text = {0};
        struct made_batch made;
        const struct made_options options = {.only_strings = round % 3 == 1,
                                             .untimed = round % 2 == 0};
        made_text(&text, round, RECORDS, &options);
        if (!made_decode(&made, &text))
            return;
        struct tcore_buf wanted = direct(&made, TCORE_ROLLUP_WINDOW_NS);
        check_partition(&made, &wanted, round, false);
        check_partition(&made, &wanted, round, true);
        struct tcore_rollup_builder *coarse = new_builder(4 * TCORE_ROLLUP_WINDOW_NS);
        is_int(tcore_rollup_merge(coarse, wanted.data, wanted.length, NULL), TCORE_OK, "merged");
        struct tcore_buf got = encoded(coarse),
                         coarsely = direct(&made, 4 * TCORE_ROLLUP_WINDOW_NS);
        ok(got.length == coarsely.length && !memcmp(got.data, coarsely.data, got.length),
           "and into longer windows the %zu bytes of the records", got.length);
        tcore_buf_free(&coarsely);
        tcore_buf_free(&got);
        tcore_buf_free(&wanted);
        tcore_buf_free(&text);
        made_free(&made);
    }
    printf("# %u sets of %d records, each in two other orders and partitions\n", rounds, RECORDS);
}

/* One cell a series for all time: of records, and of shorter windows. */
static void test_whole(void)
{
    const struct made_options options = {0};
    struct tcore_buf text = {0};
    struct made_batch made;
    made_text(&text, 11, RECORDS, &options);
    if (!made_decode(&made, &text))
        return;
    struct tcore_buf fine = direct(&made, TCORE_ROLLUP_WINDOW_NS),
                     wanted = direct(&made, TCORE_ROLLUP_WHOLE_NS);
    struct tcore_rollup_builder *windows = new_builder(TCORE_ROLLUP_WINDOW_NS),
                                *whole = new_builder(TCORE_ROLLUP_WHOLE_NS);
    is_int(tcore_rollup_has_windows(windows), false, "nothing is no windows");
    is_int(tcore_rollup_merge(windows, fine.data, fine.length, NULL), TCORE_OK, "merged");
    is_int(tcore_rollup_merge(whole, fine.data, fine.length, NULL), TCORE_OK, "into one");
    is_int(tcore_rollup_has_windows(windows), true, "many cells a series");
    is_int(tcore_rollup_has_windows(whole), false, "one cell a series");
    struct tcore_buf got = encoded(whole);
    is_mem(got.data, got.length, wanted.data, wanted.length, "the bytes of the records");
    ok(wanted.length < fine.length, "%zu bytes instead of %zu", wanted.length, fine.length);
    tcore_rollup_builder_free(windows);
    tcore_buf_free(&got);
    tcore_buf_free(&wanted);
    tcore_buf_free(&fine);
    tcore_buf_free(&text);
    made_free(&made);
}

static bool same_slice(struct tcore_slice a, struct tcore_slice b)
{
    return a.length == b.length && (!a.length || !memcmp(a.data, b.data, a.length));
}

/* The keys alone, and then all series as if these had not been read. */
static void test_keys(void)
{
    const struct made_options options = {0};
    struct tcore_buf text = {0};
    struct made_batch made;
    made_text(&text, 12, RECORDS, &options);
    if (!made_decode(&made, &text))
        return;
    struct tcore_buf bytes = direct(&made, TCORE_ROLLUP_WINDOW_NS);
    struct tcore_rollup_reader *reader;
    struct tcore_rollup_series *keys = NULL, series;
    size_t count = 0, same = 0;
    is_int(tcore_rollup_reader_open(&reader, bytes.data, bytes.length, true, NULL), TCORE_OK,
           "opened");
    is_int(tcore_rollup_reader_keys(reader, &keys, &count, NULL), TCORE_OK, "%zu keys", count);
    ok(count > 10, "some");
    while (same < count && !tcore_rollup_next_series(reader, &series, NULL) &&
           series.type == keys[same].type && same_slice(series.metric, keys[same].metric) &&
           same_slice(series.service, keys[same].service) &&
           same_slice(series.name, keys[same].name))
        same++;
    is_int(same, count, "are those of the series");
    is_int(tcore_rollup_next_series(reader, &series, NULL), TCORE_EOF, "and there are no others");
    tcore_free(keys);
    tcore_rollup_reader_free(reader);
    tcore_buf_free(&bytes);
    tcore_buf_free(&text);
    made_free(&made);
}

/* --- the answers of trace-agg */

struct question {
    const char *options;
    bool service, name;
    int64_t window_ns;
};

struct group {
    char *key;
    struct tcore_cell cell;
};

struct answer {
    struct group *group;
    size_t count, capacity;
    int64_t first_ns, last_ns;
};

static const struct tcore_stat asked[] = {
    {.kind = TCORE_STAT_COUNT, .name = "count"},
    {.kind = TCORE_STAT_RATE, .name = "rate"},
    {.kind = TCORE_STAT_SUM, .name = "sum"},
    {.kind = TCORE_STAT_MEAN, .name = "mean"},
    {.kind = TCORE_STAT_MIN, .name = "min"},
    {.kind = TCORE_STAT_MAX, .name = "max"},
    {.kind = TCORE_STAT_QUANTILE, .name = "p50", .quantile = 0.5},
    {.kind = TCORE_STAT_QUANTILE, .name = "p99.9", .quantile = 0.999},
    {.kind = TCORE_STAT_ERRORS, .name = "errors"},
    {.kind = TCORE_STAT_ERROR_RATE, .name = "errorRate"},
};
static const char asked_names[] = "count,rate,sum,mean,min,max,p50,p99.9,errors,errorRate";

static void put_symbol(struct tcore_buf *out, const char *name, struct tcore_slice symbol,
                       bool *first)
{
    if (!symbol.length)
        return;
    tcore_buf_printf(out, "%s\"%s\":", *first ? "" : ",", name);
    tcore_symbol_write(symbol.data, symbol.length, out);
    *first = false;
}

static char *key_of(const struct question *question, const struct tcore_rollup_series *series,
                    int64_t window)
{
    struct tcore_buf key = {0};
    bool first = false;
    tcore_buf_printf(&key, "{\"type\":\"aggregate\",\"recordType\":\"%s\"",
                     tcore_record_type_name(series->type));
    put_symbol(&key, "metricName", series->metric, &first);
    tcore_buf_puts(&key, ",\"group\":{");
    first = true;
    if (question->service)
        put_symbol(&key, "service", series->service, &first);
    if (question->name)
        put_symbol(&key, "name", series->name, &first);
    tcore_buf_putc(&key, '}');
    if (question->window_ns)
        tcore_buf_printf(&key, ",\"windowStartUnixNano\":\"%lld\",\"windowNano\":%lld",
                         (long long)(window * question->window_ns), (long long)question->window_ns);
    tcore_buf_putc(&key, '\0');
    return key.data;
}

static struct tcore_cell *group_of(struct answer *answer, char *key)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (!strcmp(answer->group[i].key, key)) {
            tcore_free(key);
            return &answer->group[i].cell;
        }
    }
    if (answer->count == answer->capacity) {
        answer->capacity = answer->capacity ? answer->capacity * 2 : 64;
        answer->group = realloc(answer->group, answer->capacity * sizeof *answer->group);
    }
    answer->group[answer->count] = (struct group){.key = key};
    return &answer->group[answer->count++].cell;
}

static bool collect(struct answer *answer, const struct question *question,
                    const struct tcore_buf *bytes)
{
    struct tcore_rollup_reader *reader;
    struct tcore_rollup_series series;
    enum tcore_status status;
    if (tcore_rollup_reader_open(&reader, bytes->data, bytes->length, true, NULL))
        return false;
    *answer = (struct answer){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
    int64_t ratio = question->window_ns / tcore_rollup_reader_window(reader);
    while (!(status = tcore_rollup_next_series(reader, &series, NULL))) {
        int64_t window;
        const struct tcore_cell *cell;
        answer->first_ns = series.first_ns < answer->first_ns ? series.first_ns : answer->first_ns;
        answer->last_ns = series.last_ns > answer->last_ns ? series.last_ns : answer->last_ns;
        while (!(status = tcore_rollup_next_cell(reader, &window, &cell, NULL))) {
            window = ratio ? (window - (window % ratio + ratio) % ratio) / ratio : 0;
            struct tcore_cell *into = group_of(answer, key_of(question, &series, window));
            if (tcore_cell_merge(into, cell, &tcore_rollup_stats))
                return false;
        }
        if (status != TCORE_EOF)
            break;
    }
    tcore_rollup_reader_free(reader);
    return status == TCORE_EOF;
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Lines in the order of their bytes; the lines are cut out of text. */
static char **sorted_lines(char *text, size_t *count)
{
    char **lines = NULL;
    *count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        lines = realloc(lines, (*count + 1) * sizeof *lines);
        lines[(*count)++] = line;
    }
    if (*count)
        qsort(lines, *count, sizeof *lines, compare_lines);
    return lines;
}

static void write_answer(struct answer *answer, const struct question *question,
                         struct tcore_buf *out)
{
    const struct tcore_stats stats = {.stat = (struct tcore_stat *)(uintptr_t)asked,
                                      .count = sizeof asked / sizeof *asked,
                                      .sum = true,
                                      .histogram = true};
    double seconds = question->window_ns
                         ? (double)question->window_ns / 1e9
                         : ((double)answer->last_ns - (double)answer->first_ns) / 1e9;
    for (size_t i = 0; i < answer->count; i++) {
        struct group *group = &answer->group[i];
        tcore_buf_puts(out, group->key);
        tcore_cell_write(&group->cell, &stats, seconds, out);
        tcore_buf_puts(out, "}\n");
        tcore_free(group->key);
        tcore_cell_free(&group->cell, &tcore_rollup_stats);
    }
    free(answer->group);
    tcore_buf_putc(out, '\0');
}

static struct tcore_buf output_of(const char *command)
{
    struct tcore_buf out = {0};
    FILE *pipe = popen(command, "r");
    for (int c; pipe && (c = fgetc(pipe)) != EOF;)
        tcore_buf_putc(&out, (char)c);
    if (pipe)
        pclose(pipe);
    tcore_buf_putc(&out, '\0');
    return out;
}

static void check_question(const struct question *question, const char *file,
                           const struct tcore_buf *bytes)
{
    const char *build = getenv("top_builddir");
    char command[4096];
    struct answer answer = {0};
    struct tcore_buf ours = {0};
    size_t our_count, their_count, same = 0;
    snprintf(command, sizeof command, "%s/src/agg/trace-agg %s --stat=%s %s 2>/dev/null",
             build ? build : ".", question->options, asked_names, file);
    if (!ok(collect(&answer, question, bytes), "the roll-up is read"))
        return;
    write_answer(&answer, question, &ours);
    struct tcore_buf theirs = output_of(command);
    char **our_lines = sorted_lines(ours.data, &our_count),
         **their_lines = sorted_lines(theirs.data, &their_count);
    while (same < our_count && same < their_count && !strcmp(our_lines[same], their_lines[same]))
        same++;
    if (!ok(our_count && same == our_count && same == their_count,
            "%zu groups as trace-agg %s has them", their_count, question->options))
        printf("#     got: %s\n#  wanted: %s\n", same < our_count ? our_lines[same] : "",
               same < their_count ? their_lines[same] : "");
    free(our_lines);
    free(their_lines);
    tcore_buf_free(&ours);
    tcore_buf_free(&theirs);
}

static void test_answers(void)
{
    static const struct question questions[] = {
        {"--by=service,name --window=10s", true, true, INT64_C(10000000000)},
        {"--by=service,name", true, true, 0},
        {"--by=service --window=30s", true, false, INT64_C(30000000000)},
        {"--by=name --window=1m", false, true, INT64_C(60000000000)},
        {"--window=20s", false, false, INT64_C(20000000000)},
        {"", false, false, 0},
    };
    const struct made_options options = {0};
    struct tcore_buf text = {0};
    struct made_batch made;
    char file[] = "/tmp/test-rollup-XXXXXX";
    int fd = mkstemp(file);
    made_text(&text, 77, RECORDS, &options);
    if (!ok(fd >= 0 && write(fd, text.data, text.length) == (ssize_t)text.length, "records"))
        return;
    close(fd);
    if (made_decode(&made, &text)) {
        struct tcore_buf bytes = direct(&made, TCORE_ROLLUP_WINDOW_NS);
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
            check_question(&questions[i], file, &bytes);
        tcore_buf_free(&bytes);
    }
    unlink(file);
    made_free(&made);
    tcore_buf_free(&text);
}

/* --- damage */

/* Reads everything there is; whether it was sound throughout. */
static bool read_all(const void *data, size_t length, bool histograms)
{
    struct tcore_rollup_reader *reader;
    struct tcore_rollup_series series;
    struct tcore_error err = {0};
    if (tcore_rollup_reader_open(&reader, data, length, histograms, &err))
        return false;
    struct tcore_rollup_series *keys;
    size_t count;
    enum tcore_status status = tcore_rollup_reader_keys(reader, &keys, &count, &err);
    if (status) {
        tcore_rollup_reader_free(reader);
        return false;
    }
    tcore_free(keys);
    while (!(status = tcore_rollup_next_series(reader, &series, &err))) {
        int64_t window;
        const struct tcore_cell *cell;
        for (unsigned cells = 0; cells < 2 && !status; cells++) /* the rest is passed over */
            status = tcore_rollup_next_cell(reader, &window, &cell, &err);
        if (status == TCORE_BAD_INPUT)
            break;
    }
    tcore_rollup_reader_free(reader);
    return status == TCORE_EOF;
}

static void set_checksum(char *data, size_t length)
{
    uint64_t checksum = XXH3_64bits(data, length - 8);
    for (int i = 0; i < 8; i++)
        data[length - 8 + (size_t)i] = (char)(checksum >> (8 * i));
}

/* A copy of exactly that size, so that reading beyond it is seen. */
static bool read_copy(const char *data, size_t length, bool merge)
{
    char *copy = malloc(length ? length : 1);
    memcpy(copy, data, length);
    bool sound = read_all(copy, length, true) && read_all(copy, length, false);
    if (merge && sound) {
        struct tcore_rollup_builder *builder = new_builder(TCORE_ROLLUP_WINDOW_NS);
        struct tcore_buf again = {0};
        if (!tcore_rollup_merge(builder, copy, length, NULL))
            sound = !tcore_rollup_encode(builder, &again, NULL) &&
                    read_all(again.data, again.length, true);
        tcore_buf_free(&again);
        tcore_rollup_builder_free(builder);
    }
    free(copy);
    return sound;
}

static void test_damage(void)
{
    const struct made_options options = {0};
    struct tcore_buf text = {0};
    struct made_batch made;
    made_text(&text, 5, 25, &options);
    if (!made_decode(&made, &text))
        return;
    struct tcore_buf bytes = direct(&made, TCORE_ROLLUP_WINDOW_NS);
    unsigned accepted = 0, sound = 0;
    ok(read_copy(bytes.data, bytes.length, true), "%zu bytes are read", bytes.length);
    for (size_t length = 0; length < bytes.length; length++)
        accepted += read_copy(bytes.data, length, false);
    is_int(accepted, 0, "of %zu truncations none is accepted", bytes.length);
    for (size_t bit = 0; bit < bytes.length * 8; bit++) {
        bytes.data[bit / 8] ^= (char)(1 << bit % 8);
        accepted += read_copy(bytes.data, bytes.length, false);
        if (bit / 8 < bytes.length - 8) {
            set_checksum(bytes.data, bytes.length);
            sound += read_copy(bytes.data, bytes.length, true);
        }
        bytes.data[bit / 8] ^= (char)(1 << bit % 8);
        set_checksum(bytes.data, bytes.length);
    }
    is_int(accepted, 0, "of %zu flipped bits none is accepted", bytes.length * 8);
    ok(sound < bytes.length * 8, "with the checksum made good %u give another roll-up", sound);
    for (size_t length = 16; length < bytes.length; length++) {
        char *copy = malloc(length);
        memcpy(copy, bytes.data, length);
        set_checksum(copy, length);
        accepted += read_copy(copy, length, true);
        free(copy);
    }
    is_int(accepted, 0, "nor is a truncation with the checksum made good");
    tcore_buf_free(&bytes);
    tcore_buf_free(&text);
    made_free(&made);
}

static void test_memory(void)
{
    const struct made_options options = {0};
    struct tcore_buf text = {0};
    struct made_batch made;
    made_text(&text, 9, 150, &options);
    if (!made_decode(&made, &text))
        return;
    uint32_t rows[150];
    for (uint32_t i = 0; i < 150; i++)
        rows[i] = i;
    bool more = true;
    unsigned long n = 0, wrong = 0;
    while (more) {
        struct tcore_rollup_builder *builder = NULL, *total = NULL;
        struct tcore_buf out = {0};
        failing_begin(++n);
        enum tcore_status status = tcore_rollup_builder_new(&builder, TCORE_ROLLUP_WINDOW_NS, NULL);
        if (!status)
            status = tcore_rollup_builder_new(&total, TCORE_ROLLUP_WINDOW_NS, NULL);
        if (!status)
            status = tcore_rollup_add(builder, &made.columns, made.batch, rows, 150, NULL);
        if (!status)
            status = tcore_rollup_join(total, builder, NULL);
        if (!status)
            status = tcore_rollup_encode(builder, &out, NULL);
        if (!status)
            status = tcore_rollup_merge(total, out.data, out.length, NULL);
        tcore_buf_free(&out);
        tcore_rollup_builder_free(builder);
        tcore_rollup_builder_free(total);
        more = failing_end();
        wrong += status != (more ? TCORE_FATAL : TCORE_OK);
    }
    is_int(wrong, 0, "each of %lu allocations fails once: out of memory", n - 1);
    is_int(failing.live, 0, "and nothing leaks");
    tcore_buf_free(&text);
    made_free(&made);
}

/* --- limits */

enum { COLUMNS = 14 }; /* of struct tcore_rollup_columns */

/* Metrics of one series at given times, each standing for as many as the rate says. */
static struct tcore_buf many(const int64_t *times, uint32_t count, double rate, uint32_t split)
{
    struct tcore_value absent = {0}, one = tcore_value_int(1), name = tcore_value_string("m", 1),
                       rate_value = tcore_value_of_double(rate);
    struct tcore_column columns[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = (struct tcore_column){.form = TCORE_COLUMN_CONSTANT, .values = &absent};
    struct tcore_rollup_columns at = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    columns[at.time] = (struct tcore_column){.form = TCORE_COLUMN_INT64, .ints = times};
    columns[at.value].values = &one;
    columns[at.metric_name].values = &name;
    columns[at.sample_rate].values = &rate_value;
    uint8_t *types = malloc(count);
    uint32_t *rows = malloc(count * sizeof *rows);
    memset(types, TCORE_RECORD_METRIC, count);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = i;
    struct tcore_batch batch = {.rows = count, .types = types, .columns = columns};
    struct tcore_rollup_builder *builder = new_builder(1000), *rest = new_builder(1000);
    tcore_rollup_add(builder, &at, &batch, rows, split, NULL);
    tcore_rollup_add(rest, &at, &batch, rows + split, count - split, NULL);
    tcore_rollup_join(builder, rest, NULL);
    tcore_rollup_builder_free(rest);
    free(types);
    free(rows);
    return encoded(builder);
}

/* Spans whose durations fill buckets next to each other, some with one of them and some with many,
 * through bytes and back. */
static void test_neighbours(void)
{
    struct tcore_value absent = {0};
    struct tcore_column columns[COLUMNS];
    static int64_t times[LARGE], durations[LARGE];
    static uint8_t types[LARGE];
    static uint32_t rows[LARGE];
    struct random_source source = {21};
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = (struct tcore_column){.form = TCORE_COLUMN_CONSTANT, .values = &absent};
    struct tcore_rollup_columns at = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    columns[at.start_time] = (struct tcore_column){.form = TCORE_COLUMN_INT64, .ints = times};
    columns[at.duration] = (struct tcore_column){.form = TCORE_COLUMN_INT64, .ints = durations};
    for (uint32_t i = 0; i < LARGE; i++) { /* densest in the middle: a sum of evenly spread ones */
        types[i] = TCORE_RECORD_SPAN;
        rows[i] = i;
        times[i] = (int64_t)(i % 20) * TCORE_ROLLUP_WINDOW_NS;
        durations[i] = 1;
        for (int k = 0; k < 8; k++)
            durations[i] += (int64_t)random_below(&source, (uint64_t)1 << (i % 20));
    }
    struct tcore_batch batch = {.rows = LARGE, .types = types, .columns = columns};
    struct tcore_rollup_builder *builder = new_builder(TCORE_ROLLUP_WINDOW_NS),
                                *again = new_builder(TCORE_ROLLUP_WINDOW_NS),
                                *whole = new_builder(TCORE_ROLLUP_WHOLE_NS),
                                *direct_whole = new_builder(TCORE_ROLLUP_WHOLE_NS);
    tcore_rollup_add(builder, &at, &batch, rows, LARGE, NULL);
    tcore_rollup_add(direct_whole, &at, &batch, rows, LARGE, NULL);
    struct tcore_buf bytes = encoded(builder), wanted = encoded(direct_whole);
    is_int(tcore_rollup_merge(again, bytes.data, bytes.length, NULL), TCORE_OK, "read");
    is_int(tcore_rollup_merge(whole, bytes.data, bytes.length, NULL), TCORE_OK, "into one window");
    struct tcore_buf same = encoded(again), one = encoded(whole);
    is_mem(same.data, same.length, bytes.data, bytes.length, "%zu bytes there and back",
           bytes.length);
    is_mem(one.data, one.length, wanted.data, wanted.length, "and what one window gives");
    tcore_buf_free(&same);
    tcore_buf_free(&one);
    tcore_buf_free(&bytes);
    tcore_buf_free(&wanted);
}

static void check_given_up(struct tcore_buf *bytes, bool given_up, uint64_t records,
                           const char *what)
{
    struct tcore_rollup_reader *reader;
    struct tcore_rollup_series series;
    if (!is_int(tcore_rollup_reader_open(&reader, bytes->data, bytes->length, true, NULL), TCORE_OK,
                "%s: read", what))
        return;
    const struct tcore_rollup_totals *totals =
        tcore_rollup_reader_totals(reader, TCORE_RECORD_METRIC);
    is_int(totals->given_up, given_up, "given up or not");
    is_int(totals->unplaced, given_up ? records : 0, "records without a place");
    is_int(totals->placed, given_up ? 0 : records, "records with one");
    is_int(tcore_rollup_next_series(reader, &series, NULL), given_up ? TCORE_EOF : TCORE_OK,
           "series");
    tcore_rollup_reader_free(reader);
    tcore_buf_free(bytes);
}

static void test_limits(void)
{
    uint32_t most = TCORE_ROLLUP_MAX_CELLS + 1;
    int64_t *times = calloc(most, sizeof *times);
    struct tcore_buf bytes = many(times, LARGE, 0x1p-32, LARGE / 3), other;
    for (uint32_t i = 0; i < LARGE; i++)
        times[i] = 1000000;
    other = many(times, LARGE, 0x1p-32, LARGE / 2);
    is_mem(bytes.data, bytes.length, other.data, other.length, "given up in any order");
    tcore_buf_free(&other);
    check_given_up(&bytes, true, LARGE, "too many values");
    bytes = many(times, LARGE, 0x1p-20, LARGE / 2);
    check_given_up(&bytes, false, LARGE, "not too many values");
    for (uint32_t i = 0; i < most; i++)
        times[i] = (int64_t)i * 1000 - 7000000;
    bytes = many(times, most - 1, 1, most / 2);
    check_given_up(&bytes, false, most - 1, "the most cells there may be");
    bytes = many(times, most, 1, most / 2);
    check_given_up(&bytes, true, most, "one more");
    times[0] = INT64_MIN;
    times[1] = INT64_MAX;
    times[2] = INT64_MIN + 1;
    bytes = many(times, 3, 1, 1);
    check_given_up(&bytes, false, 3, "the first and the last of times");
    free(times);
}

int main(void)
{
    test_partitions();
    test_whole();
    test_keys();
    test_answers();
    test_damage();
    test_memory();
    test_neighbours();
    test_limits();
    return done_testing();
}
