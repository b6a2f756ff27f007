/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bucket store against a plain array of counts: random additions, merges and rescalings in
 * every mix of range, count size and order, and after each the walks both ways, the ranks, the
 * survey, and the promise on memory.
 */
#include "failing.h"
#include "random.h"
#include "stats/bucket_store.h"
#include "tap.h"

enum { RANGE = 140000, MIDDLE = RANGE / 2 };

struct model {
    int32_t low, end;       /* places outside are zero */
    uint64_t counts[RANGE]; /* of index at - MIDDLE */
};

static struct model *new_model(void)
{
    struct model *model = calloc(1, sizeof *model);
    if (!model)
        abort();
    return model;
}

static void note(struct model *model, int32_t index, uint64_t count)
{
    int32_t at = index + MIDDLE;
    if (model->low == model->end) {
        model->low = at;
        model->end = at;
    }
    model->low = at < model->low ? at : model->low;
    model->end = at >= model->end ? at + 1 : model->end;
    model->counts[at] += count;
}

/* Whether the store has exactly the model's counts, whichever way it is read. */
static bool agrees(const struct tcore_bucket_store *store, const struct model *model)
{
    struct tcore_bucket_cursor up = tcore_bucket_cursor_up(store);
    int32_t index, first = 0, last = 0;
    uint64_t count, sum = 0, bits = 0, any = 0;
    uint32_t buckets = 0;
    for (int32_t i = model->low; i < model->end; i++) {
        if (!model->counts[i])
            continue;
        if (!tcore_bucket_cursor_next(&up, &index, &count) || index != i - MIDDLE ||
            count != model->counts[i])
            return false;
        uint64_t low = sum + 1, high = sum + count;
        int32_t found;
        if (!tcore_bucket_store_seek(store, &low, &found) || found != index ||
            !tcore_bucket_store_seek(store, &high, &found) || found != index)
            return false;
        sum += count;
        any |= count;
        first = buckets++ ? first : index;
        last = index;
    }
    uint64_t beyond = sum + 7;
    int32_t low, high;
    if (tcore_bucket_cursor_next(&up, &index, &count) ||
        tcore_bucket_store_seek(store, &beyond, &index) || beyond != 7 ||
        tcore_bucket_store_survey(store, &bits) != buckets || bits != any ||
        tcore_bucket_store_range(store, &low, &high) != (buckets != 0) ||
        (buckets && (low != first || high != last)))
        return false;
    struct tcore_bucket_cursor down = tcore_bucket_cursor_down(store);
    for (int32_t i = model->end - 1; i >= model->low; i--)
        if (model->counts[i] && (!tcore_bucket_cursor_previous(&down, &index, &count) ||
                                 index != i - MIDDLE || count != model->counts[i]))
            return false;
    return !tcore_bucket_cursor_previous(&down, &index, &count);
}

/* A kind of data: where buckets lie and how much is added to one at a time. */
struct mix {
    const char *name;
    int32_t spread; /* indices around 0 */
    int clusters;   /* or so many places only; 0: anywhere in the spread */
    int count_bits; /* counts up to 2^bits */
    int additions;
    bool bump_first; /* as the histogram does with single records */
};

static const struct mix mixes[] = {
    {"one bucket", 1, 1, 0, 70000, true},
    {"narrow singles", 40, 0, 0, 3000, true},
    {"a typical cell", 500, 0, 0, 139, true},
    {"wide singles", 5000, 0, 0, 9000, true},
    {"the range of doubles", 130000, 0, 0, 3000, true},
    {"two places far apart", 130000, 2, 0, 5000, true},
    {"narrow, growing counts", 64, 0, 20, 2000, false},
    {"wide, small counts", 3000, 0, 6, 400, false},
    {"wide, huge counts", 60000, 0, 48, 500, false},
    {"few places, huge counts", 130000, 5, 50, 500, false},
};

static int32_t draw_index(struct random_source *source, const struct mix *mix)
{
    if (mix->clusters > 1) {
        uint64_t place = random_below(source, (uint64_t)mix->clusters);
        return (int32_t)(place * (uint64_t)mix->spread / (uint64_t)(mix->clusters - 1)) -
               mix->spread / 2;
    }
    /* denser in the middle, as data is */
    double unit = (random_unit(source) + random_unit(source) + random_unit(source)) / 3;
    return (int32_t)(unit * mix->spread) - mix->spread / 2;
}

static bool add_one(struct tcore_bucket_store *store, struct model *model,
                    struct random_source *source, const struct mix *mix)
{
    int32_t index = draw_index(source, mix);
    uint64_t count =
        1 +
        random_below(source, UINT64_C(1) << random_below(source, (uint64_t)mix->count_bits + 1));
    note(model, index, count);
    if (mix->bump_first && count == 1 && tcore_bucket_store_bump(store, index))
        return true;
    return tcore_bucket_store_add(store, index, count) == TCORE_OK;
}

/* Bytes that the promise allows: what the buckets need, with room to grow, or 8 an addition. */
static bool within_memory(const struct tcore_bucket_store *store, int additions)
{
    uint64_t bits = 0;
    uint64_t buckets = tcore_bucket_store_survey(store, &bits);
    uint64_t count_bytes = bits >> 32 ? 8 : bits >> 16 ? 4 : bits >> 8 ? 2 : 1;
    uint64_t needed = buckets * (count_bytes + 4);
    uint64_t busy = 8 * (uint64_t)additions;
    uint64_t allowed = (needed > busy ? needed : busy) * 3 / 2 + 128;
    return tcore_bucket_store_bytes(store) <= allowed;
}

static void test_additions(void)
{
    for (size_t m = 0; m < sizeof mixes / sizeof *mixes; m++) {
        const struct mix *mix = &mixes[m];
        struct random_source source = {m + 1};
        struct model *model = new_model();
        struct tcore_bucket_store store = {0};
        bool held = true, small = true;
        for (int n = 1; n <= mix->additions && held; n++) {
            held = add_one(&store, model, &source, mix);
            small &= within_memory(&store, n);
            if ((n & (n - 1)) == 0 || n % 1000 == 0)
                held &= agrees(&store, model);
        }
        ok(held && agrees(&store, model), "adding, %s", mix->name);
        ok(small, "memory, %s: %zu bytes at the end", mix->name, tcore_bucket_store_bytes(&store));
        tcore_bucket_store_free(&store);
        free(model);
    }
}

static void fill(struct tcore_bucket_store *store, struct model *model, uint64_t seed,
                 const struct mix *mix, int additions)
{
    struct random_source source = {seed};
    for (int n = 0; n < additions; n++)
        add_one(store, model, &source, mix);
}

static void test_merges(void)
{
    enum { MIXES = sizeof mixes / sizeof *mixes };
    static const unsigned shifts[] = {0, 0, 1, 5, 17};
    for (size_t a = 0; a < MIXES; a++) {
        bool held = true;
        for (size_t b = 0; b < MIXES && held; b++) {
            for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
                struct tcore_bucket_store into = {0}, from = {0};
                struct model *model = new_model(), *other = new_model();
                uint64_t multiplier = s == 1 ? 3 : 1;
                unsigned shift = shifts[s];
                fill(&into, model, 10 + s, &mixes[a], s == 2 ? 0 : 200);
                fill(&from, other, 20 + s, &mixes[b], s == 3 ? 10 : 200);
                for (int32_t i = other->low; i < other->end; i++)
                    if (other->counts[i])
                        note(model, (i - MIDDLE) >> shift, other->counts[i] * multiplier);
                held &= tcore_bucket_store_merge(&into, &from, shift, multiplier) == TCORE_OK &&
                        agrees(&into, model);
                if (!held)
                    printf("# %s, shift %u\n", mixes[b].name, shift);
                tcore_bucket_store_free(&into);
                tcore_bucket_store_free(&from);
                free(model);
                free(other);
            }
        }
        ok(held, "merging every kind into: %s", mixes[a].name);
    }
}

/* Many stores of one kind into one, which gets busy and widens on the way. */
static void test_many_merges(void)
{
    for (size_t m = 0; m < sizeof mixes / sizeof *mixes; m++) {
        struct tcore_bucket_store into = {0};
        struct model *model = new_model();
        bool held = true;
        for (uint64_t seed = 0; seed < 300 && held; seed++) {
            struct tcore_bucket_store from = {0};
            fill(&from, model, seed, &mixes[m], 60);
            held = tcore_bucket_store_merge(&into, &from, 0, 1) == TCORE_OK;
            tcore_bucket_store_free(&from);
        }
        ok(held && agrees(&into, model), "300 merges of: %s", mixes[m].name);
        tcore_bucket_store_free(&into);
        free(model);
    }
}

/* A full dense store whose counts are up to 2^bits - 1, over a few hundred slots. */
static void fill_dense(struct tcore_bucket_store *store, struct model *model,
                       struct random_source *source, unsigned bits, int32_t first, int32_t last)
{
    for (int32_t index = first; index <= last; index++) {
        /* few are large, so that some words overflow in one place only */
        uint64_t limit = random_below(source, 12) ? 2 : (UINT64_C(1) << bits) - 1;
        uint64_t count = 1 + random_below(source, limit);
        note(model, index, count);
        tcore_bucket_store_add(store, index, count);
    }
}

/* Every width into every width, ranges that overlap in each way, words that must widen or not. */
static void test_dense_merges(void)
{
    static const unsigned bits[] = {3, 4, 7, 8, 16, 31, 50};
    static const struct {
        const char *name;
        int32_t first, last;
    } ranges[] = {{"the same range", -200, 300}, {"inside", -100, 151}, {"around", -333, 404},
                  {"below", -600, -10},          {"above", 17, 900},    {"apart", 2000, 2300}};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        bool held = true;
        for (size_t a = 0; a < sizeof bits / sizeof *bits; a++) {
            for (size_t b = 0; b < sizeof bits / sizeof *bits; b++) {
                struct random_source source = {100 * a + b};
                struct tcore_bucket_store into = {0}, from = {0};
                struct model *model = new_model();
                fill_dense(&into, model, &source, bits[a], -200, 300);
                fill_dense(&from, model, &source, bits[b], ranges[r].first, ranges[r].last);
                held &= into.dense && from.dense;
                held &= tcore_bucket_store_merge(&into, &from, 0, 1) == TCORE_OK;
                held &= agrees(&into, model);
                tcore_bucket_store_free(&into);
                tcore_bucket_store_free(&from);
                free(model);
            }
        }
        ok(held, "dense stores of every two widths, %s", ranges[r].name);
    }
}

static void fill_ones(struct tcore_bucket_store *store, struct model *model, int32_t odd,
                      uint64_t count)
{
    for (int32_t index = -160; index <= 160; index++) {
        uint64_t one = index == odd ? count : 1;
        note(model, index, one);
        tcore_bucket_store_add(store, index, one);
    }
}

/* One count that overflows its width, at every place of a word: its neighbours must not see it. */
static void test_each_place(void)
{
    for (unsigned bits = 4; bits <= 32; bits *= 2) {
        uint64_t most = (UINT64_C(1) << bits) - 1, highest = UINT64_C(1) << (bits - 1);
        const uint64_t counts[][2] = {{most, most}, {highest, highest}, {most, 1}, {1, most}};
        bool held = true;
        for (int32_t index = 0; index < 16; index++) {
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                struct tcore_bucket_store into = {0}, from = {0};
                struct model *model = new_model();
                fill_ones(&into, model, index, counts[c][0]);
                fill_ones(&from, model, index, counts[c][1]);
                held &= into.dense && from.dense;
                held &= tcore_bucket_store_merge(&into, &from, 0, 1) == TCORE_OK;
                held &= agrees(&into, model);
                tcore_bucket_store_free(&into);
                tcore_bucket_store_free(&from);
                free(model);
            }
        }
        ok(held, "counts of %u bits that overflow in one place", bits);
    }
}

static void test_rescaling(void)
{
    for (size_t m = 0; m < sizeof mixes / sizeof *mixes; m++) {
        bool held = true;
        for (unsigned shift = 0; shift < 18 && held; shift += 1 + shift / 2) {
            struct tcore_bucket_store store = {0};
            struct model *model = new_model(), *scaled = new_model();
            fill(&store, model, shift, &mixes[m], 150);
            for (int32_t i = model->low; i < model->end; i++)
                if (model->counts[i])
                    note(scaled, (i - MIDDLE) >> shift, model->counts[i] * 256);
            held = tcore_bucket_store_rescale(&store, shift, 256) == TCORE_OK &&
                   agrees(&store, scaled);
            tcore_bucket_store_free(&store);
            free(model);
            free(scaled);
        }
        ok(held, "rescaling: %s", mixes[m].name);
    }
}

static void test_no_memory(void)
{
    long live = failing.live;
    bool held = true, more = true;
    for (unsigned long n = 1; more && held; n++) {
        struct tcore_bucket_store store = {0}, other = {0};
        struct random_source source = {5};
        bool failed = false;
        failing_begin(n);
        for (int i = 0; i < 400 && !failed; i++) {
            const struct mix *mix = &mixes[i % 3 ? 3 : 8];
            failed = tcore_bucket_store_add(i % 2 ? &store : &other, draw_index(&source, mix),
                                            i % 7 ? 1 : 1000) != TCORE_OK;
        }
        failed = failed || tcore_bucket_store_merge(&store, &other, 0, 1) != TCORE_OK ||
                 tcore_bucket_store_merge(&other, &store, 3, 5) != TCORE_OK ||
                 tcore_bucket_store_rescale(&store, 4, 2) != TCORE_OK;
        tcore_bucket_store_free(&store);
        tcore_bucket_store_free(&other);
        more = failing_end();
        held = failed == more;
    }
    ok(held && failing.live == live, "no memory is reported, and nothing leaks");
}

/* An addition that fails leaves the counts as they were. */
static void test_failed_addition(void)
{
    struct tcore_bucket_store store = {0};
    struct model *model = new_model();
    fill(&store, model, 3, &mixes[2], 100);
    bool held = true;
    int failures = 0;
    for (int i = 0; i < 200; i++) {
        int32_t index = 40 * i - 4000;
        failing_begin(1);
        enum tcore_status status = tcore_bucket_store_add(&store, index, 1);
        failing_end();
        failures += status == TCORE_FATAL;
        if (status == TCORE_OK)
            note(model, index, 1);
        held &= agrees(&store, model);
        if (i % 4 == 0) {
            held &= tcore_bucket_store_add(&store, index, 1) == TCORE_OK;
            note(model, index, 1);
        }
    }
    ok(held && failures > 4, "a failed addition changes nothing (%d failed)", failures);
    tcore_bucket_store_free(&store);
    free(model);
}

int main(void)
{
    test_additions();
    test_merges();
    test_many_merges();
    test_dense_merges();
    test_each_place();
    test_rescaling();
    test_no_memory();
    test_failed_addition();
    return done_testing();
}
