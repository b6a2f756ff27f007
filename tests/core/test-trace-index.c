/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trace index: against a naive one, in every order, damaged, without memory. */
#include "failing.h"
#include "random.h"
#include "store/trace_index.h"
#include "tap.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct pair {
    uint8_t id[TCORE_TRACE_ID_BYTES];
    uint32_t block;
};

/* What a set of pairs looks like. */
struct shape {
    const char *what;
    size_t pairs;
    uint64_t traces; /* at most */
    uint32_t blocks;
    unsigned random_bytes; /* of an id, from its end: the rest is shared */
};

static const struct shape shapes[] = {
    {"nothing", 0, 1, 1, 16},
    {"one", 1, 1, 1, 16},
    {"one trace in many blocks", 3000, 1, 6000, 16},
    {"few traces", 500, 20, 40, 16},
    {"typical", 30000, 4000, 16, 16},
    {"a block each", 3000, 3000, 1, 16},
    {"ids that share much", 5000, 900, 16, 2},
    {"ids that differ in a byte", 900, 256, 300, 1},
};

static void make(const struct shape *shape, uint64_t seed, struct pair *pairs)
{
    struct random_source source = {seed};
    for (size_t i = 0; i < shape->pairs; i++) {
        struct random_source of_trace = {random_below(&source, shape->traces) + seed * 1000000};
        memset(pairs[i].id, 0xa5, sizeof pairs[i].id);
        for (unsigned k = TCORE_TRACE_ID_BYTES - shape->random_bytes; k < TCORE_TRACE_ID_BYTES; k++)
            pairs[i].id[k] = (uint8_t)random_bits(&of_trace);
        pairs[i].block = (uint32_t)random_below(&source, shape->blocks);
    }
}

static int compare(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    int order = memcmp(a->id + 8, b->id + 8, 8); /* by their keys */
    return order ? order : (a->block > b->block) - (a->block < b->block);
}

static size_t sort_distinct(struct pair *pairs, size_t count)
{
    size_t distinct = 0;
    if (count)
        qsort(pairs, count, sizeof *pairs, compare);
    for (size_t i = 0; i < count; i++)
        if (!i || compare(&pairs[distinct - 1], &pairs[i]))
            pairs[distinct++] = pairs[i];
    return distinct;
}

static struct tcore_buf encode(const struct pair *pairs, size_t count, size_t split)
{
    struct tcore_trace_index_builder a = {0}, b = {0};
    struct tcore_buf out = {0};
    for (size_t i = 0; i < count; i++)
        if (tcore_trace_index_add(i < split ? &a : &b, pairs[i].id, pairs[i].block, NULL))
            abort();
    tcore_trace_index_traces(&a); /* sorting in between does no harm */
    if (tcore_trace_index_join(&a, &b, NULL) || tcore_trace_index_encode(&a, &out, NULL))
        abort();
    tcore_trace_index_builder_free(&a);
    tcore_trace_index_builder_free(&b);
    return out;
}

/* The pairs from first on that are of one trace. */
static size_t trace_length(const struct pair *pairs, size_t count, size_t first)
{
    size_t n = 1;
    while (first + n < count && !memcmp(pairs[first].id, pairs[first + n].id, sizeof pairs->id))
        n++;
    return n;
}

static bool same_blocks(const struct pair *pairs, size_t count,
                        const struct tcore_trace_blocks *blocks)
{
    bool same = blocks->count == count;
    for (size_t i = 0; same && i < count; i++)
        same = blocks->block[i] == pairs[i].block;
    return same;
}

static void check_shape(const struct shape *shape, uint64_t seed)
{
    struct pair *pairs = calloc(shape->pairs + 1, sizeof *pairs);
    struct tcore_trace_index index;
    struct tcore_trace_blocks blocks = {0};
    struct random_source source = {seed};
    make(shape, seed, pairs);
    struct tcore_buf bytes = encode(pairs, shape->pairs, shape->pairs);
    for (size_t i = shape->pairs; i > 1; i--) {
        size_t other = random_below(&source, i);
        struct pair swapped = pairs[i - 1];
        pairs[i - 1] = pairs[other];
        pairs[other] = swapped;
    }
    struct tcore_buf again = encode(pairs, shape->pairs, shape->pairs / 3);
    ok(bytes.length == again.length && !memcmp(bytes.data, again.data, bytes.length),
       "%s: %zu bytes in any order", shape->what, bytes.length);
    size_t count = sort_distinct(pairs, shape->pairs), wrong = 0, traces = 0;
    if (!is_int(tcore_trace_index_open(&index, bytes.data, bytes.length, NULL), TCORE_OK, "opened"))
        return;
    struct tcore_trace_index_cursor cursor = {.index = &index};
    for (size_t i = 0, n; i < count; i += n, traces++) {
        n = trace_length(pairs, count, i);
        wrong += tcore_trace_index_find(&index, pairs[i].id, &blocks, NULL) ||
                 !same_blocks(&pairs[i], n, &blocks);
        wrong += tcore_trace_index_next(&cursor, &blocks, NULL) ||
                 memcmp(cursor.key, pairs[i].id + 8, sizeof cursor.key) != 0 ||
                 !same_blocks(&pairs[i], n, &blocks);
        for (int step = -1; step <= 1; step += 2) { /* ids beside it */
            struct pair near = pairs[i];
            near.id[15] = (uint8_t)(near.id[15] + step);
            size_t at = 0;
            while (at < count && memcmp(pairs[at].id + 8, near.id + 8, 8) < 0)
                at += count > 2000 ? count : 1; /* only of small sets are they looked up */
            bool there = at < count && !memcmp(pairs[at].id, near.id, sizeof near.id);
            wrong += tcore_trace_index_find(&index, near.id, &blocks, NULL) != TCORE_OK ||
                     (count <= 2000 && there != (blocks.count != 0));
        }
    }
    wrong += tcore_trace_index_next(&cursor, &blocks, NULL) != TCORE_EOF;
    is_int(wrong, 0, "%zu traces looked up, walked, and looked for beside", traces);
    is_int(index.traces, (int64_t)traces, "as many as it says");
    if (traces)
        printf("# %s: %.2f bytes a trace, %.2f blocks, %u pages\n", shape->what,
               (double)bytes.length / (double)traces, (double)count / (double)traces,
               index.page_count);
    tcore_free(blocks.block);
    tcore_buf_free(&bytes);
    tcore_buf_free(&again);
    free(pairs);
}

static void test_filter(void)
{
    struct pair pairs[500];
    struct tcore_trace_index_builder builder = {0};
    struct tcore_trace_filter filter;
    make(&shapes[3], 3, pairs);
    for (size_t i = 0; i < 500; i++)
        tcore_trace_index_add(&builder, pairs[i].id, pairs[i].block, NULL);
    uint64_t traces = tcore_trace_index_traces(&builder);
    tcore_trace_filter_init(&filter, 7, tcore_trace_filter_blocks(traces), NULL);
    tcore_trace_index_fill(&builder, &filter);
    size_t found = 0;
    for (size_t i = 0; i < 500; i++)
        found += tcore_trace_filter_has(&filter, pairs[i].id);
    ok(found == 500 && filter.keys == traces, "a filter of the %d traces", (int)traces);
    tcore_trace_filter_free(&filter);
    tcore_trace_index_builder_free(&builder);
}

/* How many of the traces are found with their blocks; *errors: look-ups that are refused. What is
 * found but differs counts as wrong. */
static void read_damaged(const char *data, size_t length, const struct pair *pairs, size_t count,
                         size_t *errors, size_t *wrong)
{
    char *copy = malloc(length ? length : 1);
    struct tcore_trace_index index;
    struct tcore_trace_blocks blocks = {0};
    memcpy(copy, data, length);
    *errors = *wrong = 0;
    if (tcore_trace_index_open(&index, copy, length, NULL)) {
        ++*errors;
        free(copy);
        return;
    }
    for (size_t i = 0, n; i < count; i += n) {
        n = trace_length(pairs, count, i);
        enum tcore_status status = tcore_trace_index_find(&index, pairs[i].id, &blocks, NULL);
        *errors += status == TCORE_BAD_INPUT;
        *wrong += !status && !same_blocks(&pairs[i], n, &blocks);
    }
    struct tcore_trace_index_cursor cursor = {.index = &index};
    for (size_t steps = 0; steps < length + 1000; steps++)
        if (tcore_trace_index_next(&cursor, &blocks, NULL) == TCORE_EOF)
            break;
    tcore_free(blocks.block);
    free(copy);
}

/* Makes all checksums good again, as far as the front can be understood. */
static void set_checksums(char *data, size_t length)
{
    uint32_t pages, bytes;
    memcpy(&pages, data + 12, 4);
    memcpy(&bytes, data + 28, 4);
    if (40 + (uint64_t)pages * 20 + bytes != length)
        return;
    char *top = data + 40, *page = top + (size_t)pages * 20;
    for (uint32_t i = 0; i < pages; i++) {
        uint32_t start, end = bytes;
        memcpy(&start, top + (size_t)i * 20 + 8, 4);
        if (i + 1 < pages)
            memcpy(&end, top + (size_t)(i + 1) * 20 + 8, 4);
        if (start > end || end > bytes)
            return;
        uint64_t checksum = XXH3_64bits_withSeed(page + start, end - start, i);
        memcpy(top + (size_t)i * 20 + 12, &checksum, 8);
    }
    uint64_t checksum = XXH3_64bits_withSeed(top, (size_t)pages * 20, XXH3_64bits(data, 32));
    memcpy(data + 32, &checksum, 8);
}

static void test_damage(void)
{
    enum { PAIRS = 700 };
    const struct shape shape = {"damaged", PAIRS, 330, 9, 16};
    struct pair pairs[PAIRS];
    size_t errors, wrong, silent = 0, accepted = 0, other = 0;
    make(&shape, 11, pairs);
    struct tcore_buf bytes = encode(pairs, PAIRS, PAIRS);
    size_t count = sort_distinct(pairs, PAIRS);
    read_damaged(bytes.data, bytes.length, pairs, count, &errors, &wrong);
    ok(!errors && !wrong, "%zu bytes are read", bytes.length);
    for (size_t length = 0; length < bytes.length; length++) {
        read_damaged(bytes.data, length, pairs, count > 3 ? 3 : count, &errors, &wrong);
        accepted += !errors;
    }
    is_int(accepted, 0, "no truncation is accepted");
    size_t step = getenv("TRACECORE_TEST_LONG") ? 1 : 97;
    for (size_t bit = 0; bit < bytes.length * 8; bit += step) {
        char *copy = malloc(bytes.length);
        memcpy(copy, bytes.data, bytes.length);
        copy[bit / 8] ^= (char)(1 << bit % 8);
        read_damaged(copy, bytes.length, pairs, count, &errors, &wrong);
        silent += wrong != 0 || !errors;
        set_checksums(copy, bytes.length);
        read_damaged(copy, bytes.length, pairs, count, &errors, &wrong);
        other += wrong != 0;
        free(copy);
    }
    is_int(silent, 0, "of %zu flipped bits each is found when its page is touched",
           bytes.length * 8 / step);
    ok(other > 0, "with checksums made good %zu give another index", other);
    tcore_buf_free(&bytes);
}

static void test_memory(void)
{
    struct pair pairs[500];
    make(&shapes[3], 5, pairs);
    bool more = true;
    unsigned long n = 0, wrong = 0;
    while (more) {
        struct tcore_trace_index_builder a = {0}, b = {0};
        struct tcore_trace_blocks blocks = {0};
        struct tcore_trace_index index;
        struct tcore_buf out = {0};
        enum tcore_status status = TCORE_OK;
        failing_begin(++n);
        for (size_t i = 0; i < 500 && !status; i++)
            status = tcore_trace_index_add(i % 3 ? &a : &b, pairs[i].id, pairs[i].block, NULL);
        if (!status)
            status = tcore_trace_index_join(&a, &b, NULL);
        if (!status)
            status = tcore_trace_index_encode(&a, &out, NULL);
        if (!status)
            status = tcore_trace_index_open(&index, out.data, out.length, NULL);
        if (!status)
            status = tcore_trace_index_find(&index, pairs[7].id, &blocks, NULL);
        tcore_free(blocks.block);
        tcore_buf_free(&out);
        tcore_trace_index_builder_free(&a);
        tcore_trace_index_builder_free(&b);
        more = failing_end();
        wrong += status != (more ? TCORE_FATAL : TCORE_OK);
    }
    is_int(wrong, 0, "each of %lu allocations fails once: out of memory", n - 1);
    is_int(failing.live, 0, "and nothing leaks");
}

int main(void)
{
    uint64_t rounds = getenv("TRACECORE_TEST_LONG") ? 50 : 2;
    for (uint64_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            check_shape(&shapes[i], round + 1);
    test_filter();
    test_damage();
    test_memory();
    return done_testing();
}
