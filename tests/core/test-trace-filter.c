/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace filters: no false negatives, how many false positives, the joint file and its faults. */
#include "failing.h"
#include "random.h"
#include "store/trace_filters.h"
#include "tap.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { SEGMENTS = 70, IDS = 90, SEED = 0x5eed };

/* The n-th id of a set; different sets have different ids. */
static void id_of(uint64_t set, uint64_t n, uint8_t id[TCORE_TRACE_ID_BYTES])
{
    struct random_source source = {set * UINT64_C(0x100000001b3) + n};
    uint64_t words[2] = {htole64(random_bits(&source)), htole64(random_bits(&source))};
    memcpy(id, words, sizeof words);
}

static void fill(struct tcore_trace_filter *filter, uint32_t blocks, uint64_t set, uint64_t ids)
{
    uint8_t id[TCORE_TRACE_ID_BYTES];
    if (tcore_trace_filter_init(filter, SEED, blocks, NULL))
        abort();
    for (uint64_t n = 0; n < ids; n++) {
        id_of(set, n, id);
        tcore_trace_filter_add(filter, id);
    }
}

static uint64_t found(const struct tcore_trace_filter *filter, uint64_t set, uint64_t ids)
{
    uint8_t id[TCORE_TRACE_ID_BYTES];
    uint64_t count = 0;
    for (uint64_t n = 0; n < ids; n++) {
        id_of(set, n, id);
        count += tcore_trace_filter_has(filter, id);
    }
    return count;
}

static void test_sizes(void)
{
    static const struct {
        uint64_t keys;
        uint32_t blocks;
    } cases[] = {{0, 1},
                 {1, 1},
                 {16, 1},
                 {17, 2},
                 {32, 2},
                 {33, 4},
                 {1048576, 65536},
                 {1048577, 131072},
                 {UINT64_MAX, TCORE_TRACE_FILTER_MAX_BLOCKS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_int(tcore_trace_filter_blocks(cases[i].keys), cases[i].blocks, "%" PRIu64 " ids",
               cases[i].keys);
}

static void test_false_positives(void)
{
    const uint64_t keys = 65536 * 16, absent = 1000000;
    struct tcore_trace_filter filter;
    fill(&filter, tcore_trace_filter_blocks(keys), 1, keys);
    is_int(found(&filter, 1, keys), (int64_t)keys, "every id that was added is found");
    uint64_t wrong = found(&filter, 2, absent);
    ok(wrong < absent * 16 / 10000 && wrong > absent * 10 / 10000,
       "%" PRIu64 " of %" PRIu64 " absent ids are found too: %.4f %%", wrong, absent,
       (double)wrong * 100 / (double)absent);
    tcore_trace_filter_free(&filter);
}

/* Parquet's test vector of the block function: the mask of a key in an empty block. */
static void test_block(void)
{
    static const uint32_t salt[8] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                     0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
    uint8_t id[TCORE_TRACE_ID_BYTES];
    unsigned wrong = 0;
    for (uint64_t n = 0; n < 1000; n++) {
        struct tcore_trace_filter filter;
        if (tcore_trace_filter_init(&filter, SEED + n, 8, NULL))
            abort();
        id_of(3, n, id);
        tcore_trace_filter_add(&filter, id);
        uint64_t hash = tcore_trace_filter_hash(SEED + n, id);
        for (uint64_t block = 0; block < 8; block++)
            for (uint64_t word = 0; word < 8; word++)
                wrong += filter.words[block * 8 + word] !=
                         (block == hash >> 61
                              ? UINT32_C(1) << ((uint32_t)((uint32_t)hash * salt[word]) >> 27)
                              : 0);
        tcore_trace_filter_free(&filter);
    }
    is_int(wrong, 0, "a bit a word in the block of the highest bits");
}

static void test_union_and_sizes(void)
{
    struct tcore_trace_filter a, b, both;
    fill(&a, 64, 1, 500);
    fill(&b, 64, 2, 500);
    fill(&both, 64, 1, 500);
    for (uint64_t n = 0; n < 500; n++) {
        uint8_t id[TCORE_TRACE_ID_BYTES];
        id_of(2, n, id);
        tcore_trace_filter_add(&both, id);
    }
    is_int(tcore_trace_filter_unite(&a, &b, NULL), TCORE_OK, "united");
    is_mem((char *)a.words, 64 * 32, (char *)both.words, 64 * 32,
           "as if all had been added to one");
    is_int(a.keys, 1000, "and counted");
    for (uint32_t blocks = 1; blocks <= 1024; blocks *= 4) {
        uint64_t before = found(&b, 9, 2000);
        is_int(tcore_trace_filter_resize(&b, blocks, NULL), TCORE_OK, "%u blocks", blocks);
        is_int(found(&b, 2, 500), 500, "nothing is lost");
        ok(blocks < 64 || found(&b, 9, 2000) == before, "larger ones answer as before");
        struct tcore_trace_filter direct;
        fill(&direct, blocks, 2, 500);
        if (blocks <= 64 && b.blocks == blocks && blocks == 1)
            is_mem((char *)b.words, blocks * 32, (char *)direct.words, blocks * 32,
                   "halved as if made so");
        tcore_trace_filter_free(&direct);
    }
    is_int(tcore_trace_filter_unite(&a, &b, NULL), TCORE_BAD_INPUT, "sizes must be equal");
    tcore_trace_filter_resize(&b, 64, NULL);
    b.seed++;
    is_int(tcore_trace_filter_unite(&a, &b, NULL), TCORE_BAD_INPUT, "and seeds");
    tcore_trace_filter_free(&a);
    tcore_trace_filter_free(&b);
    tcore_trace_filter_free(&both);
}

static bool decodes(const char *data, size_t length)
{
    struct tcore_trace_filter filter;
    char *copy = malloc(length ? length : 1);
    memcpy(copy, data, length);
    bool sound = !tcore_trace_filter_decode(&filter, copy, length, NULL);
    tcore_trace_filter_free(&filter);
    free(copy);
    return sound;
}

static void test_bytes(void)
{
    struct tcore_trace_filter filter, back;
    struct tcore_buf bytes = {0};
    fill(&filter, 8, 1, 100);
    tcore_trace_filter_encode(&filter, &bytes);
    is_int(tcore_trace_filter_decode(&back, bytes.data, bytes.length, NULL), TCORE_OK, "decoded");
    is_mem((char *)back.words, 256, (char *)filter.words, 256, "the same words");
    ok(back.seed == SEED && back.keys == 100 && back.blocks == 8, "seed and sizes");
    unsigned accepted = 0;
    for (size_t length = 0; length < bytes.length; length++)
        accepted += decodes(bytes.data, length);
    for (size_t bit = 0; bit < bytes.length * 8; bit++) {
        bytes.data[bit / 8] ^= (char)(1 << bit % 8);
        accepted += decodes(bytes.data, bytes.length);
        bytes.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    is_int(accepted, 0, "no truncation and none of %zu flips is accepted", bytes.length * 8);
    tcore_trace_filter_free(&back);
    tcore_trace_filter_free(&filter);
    tcore_buf_free(&bytes);
}

/* --- the joint file */

static int new_file(void)
{
    char path[] = "/tmp/test-trace-filter-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        abort();
    unlink(path);
    return fd;
}

static uint64_t name_of(uint64_t segment)
{
    char name[32];
    return tcore_trace_filters_name(
        name, (size_t)snprintf(name, sizeof name, "segment-%d", (int)segment));
}

/* Segments from to last as a group of so many blocks; segment n has the ids of set n. */
static enum tcore_status append(int fd, uint64_t *end, uint64_t from, size_t count, uint32_t blocks)
{
    struct tcore_trace_filter filter[64];
    const struct tcore_trace_filter *list[64] = {NULL};
    uint64_t names[64] = {0};
    struct tcore_error err;
    for (size_t i = 0; i < count; i++) {
        fill(&filter[i], blocks, from + i, IDS);
        list[i] = &filter[i];
        names[i] = name_of(from + i);
    }
    enum tcore_status status = tcore_trace_filters_append(fd, *end, list, names, count, end, &err);
    for (size_t i = 0; i < count; i++)
        tcore_trace_filter_free(&filter[i]);
    return status;
}

static bool has_name(const uint64_t *names, size_t count, uint64_t name)
{
    for (size_t i = 0; i < count; i++)
        if (names[i] == name)
            return true;
    return false;
}

static bool lists(const struct tcore_trace_filters *filters, uint64_t segment)
{
    const uint64_t *names;
    for (size_t g = 0; g < tcore_trace_filters_groups(filters); g++) {
        size_t count = tcore_trace_filters_segments(filters, g, &names);
        if (has_name(names, count, name_of(segment)))
            return true;
    }
    return false;
}

/* How many ids of a listed segment do not have it among the candidates; *candidates: of all. */
static uint64_t missed(const struct tcore_trace_filters *filters, uint64_t segments, uint64_t step,
                       uint64_t *candidates)
{
    uint64_t misses = 0;
    for (uint64_t s = 0; s < segments; s++) {
        for (uint64_t n = 0; n < IDS && lists(filters, s); n += step) {
            struct tcore_trace_candidates out = {0};
            uint8_t id[TCORE_TRACE_ID_BYTES];
            id_of(s, n, id);
            misses += tcore_trace_filters_find(filters, id, &out, NULL) ||
                      !has_name(out.names, out.count, name_of(s));
            *candidates += out.count;
            tcore_free(out.names);
        }
    }
    return misses;
}

static void test_file(void)
{
    struct tcore_trace_filters *filters, *copied;
    uint64_t end = 0, candidates = 0;
    bool whole, keep[2] = {false, true};
    int fd = new_file(), other = new_file();
    is_int(tcore_trace_filters_open(&filters, fd, NULL), TCORE_BAD_INPUT, "an empty file is none");
    is_int(tcore_trace_filters_create(fd, SEED, NULL), TCORE_OK, "created");
    if (!is_int(tcore_trace_filters_open(&filters, fd, NULL), TCORE_OK, "opened"))
        return;
    end = tcore_trace_filters_end(filters, &whole);
    ok(whole && end == 32 && tcore_trace_filters_groups(filters) == 0, "nothing but a head");
    tcore_trace_filters_free(filters);
    is_int(append(fd, &end, 0, 64, 8), TCORE_OK, "a full group");
    is_int(append(fd, &end, 64, SEGMENTS - 64, 16), TCORE_OK, "a group of few");
    is_int(tcore_trace_filters_open(&filters, fd, NULL), TCORE_OK, "opened");
    ok(tcore_trace_filters_seed(filters) == SEED && tcore_trace_filters_groups(filters) == 2 &&
           tcore_trace_filters_end(filters, &whole) == end && whole &&
           lseek(fd, 0, SEEK_END) == (off_t)end,
       "two groups in %" PRIu64 " bytes", end);
    is_int(end, 32 + 536 + 8 * (64 * 32 + 8) + 536 + 16 * ((SEGMENTS - 64) * 32 + 8),
           "as computed");
    is_int(missed(filters, SEGMENTS, 1, &candidates), 0, "of %d ids none is missed",
           SEGMENTS * IDS);
    ok(candidates < SEGMENTS * IDS * 2, "among %.2f candidates an id",
       (double)candidates / (SEGMENTS * IDS));
    is_int(tcore_trace_filters_copy(filters, keep, other, &end, NULL), TCORE_OK,
           "a group left out");
    is_int(append(other, &end, 0, 3, 32), TCORE_OK, "and replaced");
    is_int(tcore_trace_filters_open(&copied, other, NULL), TCORE_OK, "opened");
    is_int(missed(copied, SEGMENTS, 1, &candidates), 0, "none is missed");
    ok(lists(copied, 69) && lists(copied, 2) && !lists(copied, 3), "segments as they are now");
    tcore_trace_filters_free(copied);
    tcore_trace_filters_free(filters);
    is_int(append(fd, &end, 0, 0, 8), TCORE_BAD_INPUT, "no group without a segment");
    close(fd);
    close(other);
}

/* A small file: two groups; its bytes. */
static char *small_file(size_t *length, uint64_t *first_end)
{
    int fd = new_file();
    uint64_t end = 32;
    if (tcore_trace_filters_create(fd, SEED, NULL) || append(fd, &end, 0, 2, 2))
        abort();
    *first_end = end;
    if (append(fd, &end, 2, 1, 1))
        abort();
    char *bytes = malloc(end);
    *length = (size_t)pread(fd, bytes, end, 0);
    close(fd);
    return bytes;
}

/* Whether what the file says is safe: refused, or no id of a segment that it lists is missed. */
static bool is_safe(const char *bytes, size_t length, unsigned *listed)
{
    int fd = new_file();
    struct tcore_trace_filters *filters;
    uint64_t candidates = 0;
    if (write(fd, bytes, length) != (ssize_t)length)
        abort();
    bool safe = true;
    if (!tcore_trace_filters_open(&filters, fd, NULL)) {
        safe = missed(filters, 3, 7, &candidates) == 0;
        for (uint64_t s = 0; s < 3; s++)
            *listed += lists(filters, s);
        tcore_trace_filters_free(filters);
    }
    close(fd);
    return safe;
}

static void test_file_damage(void)
{
    size_t length;
    uint64_t first_end;
    char *bytes = small_file(&length, &first_end);
    unsigned unsafe = 0, listed = 0;
    for (size_t cut = 0; cut < length; cut++)
        unsafe += !is_safe(bytes, cut, &listed);
    is_int(listed, (int64_t)(length - first_end) * 2, "a cut file has the groups that are whole");
    is_int(unsafe, 0, "and misses none of their ids");
    for (size_t bit = 0; bit < length * 8; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        unsafe += !is_safe(bytes, length, &listed);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    is_int(unsafe, 0, "with any of %zu bits flipped no id of a listed segment is missed",
           length * 8);
    free(bytes);
}

/* --- failing and interrupted calls */

static struct {
    struct tcore_sys sys;
    unsigned calls, fail_at; /* of pread, pwrite, ftruncate, fdatasync; 0: none fails */
    unsigned count;
    bool short_ones;
} fault;

static bool fails(void)
{
    return ++fault.calls == fault.fail_at && (errno = EIO);
}

static ssize_t faulty_pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    if (fails())
        return -1;
    if (fault.short_ones && ++fault.count % 2)
        return errno = EINTR, -1;
    return pread(fd, buffer, fault.short_ones && bytes > 3 ? bytes / 2 : bytes, offset);
}

static ssize_t faulty_pwrite(int fd, const void *buffer, size_t bytes, off_t offset)
{
    if (fails())
        return -1;
    if (fault.short_ones && ++fault.count % 2)
        return errno = EINTR, -1;
    return pwrite(fd, buffer, fault.short_ones && bytes > 3 ? bytes / 2 : bytes, offset);
}

static int faulty_ftruncate(int fd, off_t bytes)
{
    return fails() ? -1 : ftruncate(fd, bytes);
}

static int faulty_fdatasync(int fd)
{
    (void)fd;
    return fails() ? -1 : 0;
}

/* Everything that a file is used for. */
static enum tcore_status use_file(int fd, int other, uint64_t *misses)
{
    struct tcore_trace_filters *filters = NULL;
    struct tcore_error err;
    struct tcore_trace_candidates out = {0};
    uint64_t end = 32;
    bool keep = true;
    uint8_t id[TCORE_TRACE_ID_BYTES];
    id_of(0, 5, id);
    enum tcore_status status = tcore_trace_filters_create(fd, SEED, &err);
    if (!status)
        status = append(fd, &end, 0, 2, 2);
    if (!status)
        status = tcore_trace_filters_open(&filters, fd, &err);
    if (!status)
        status = tcore_trace_filters_find(filters, id, &out, &err);
    if (!status)
        *misses += !has_name(out.names, out.count, name_of(0));
    if (!status)
        status = tcore_trace_filters_copy(filters, &keep, other, &end, &err);
    tcore_free(out.names);
    tcore_trace_filters_free(filters);
    return status;
}

static void test_faults(void)
{
    int fd = new_file(), other = new_file();
    unsigned wrong = 0, n = 0;
    uint64_t misses = 0;
    fault.sys = tcore_sys_default;
    fault.sys.pread = faulty_pread;
    fault.sys.pwrite = faulty_pwrite;
    fault.sys.ftruncate = faulty_ftruncate;
    fault.sys.fdatasync = faulty_fdatasync;
    tcore_sys_set(&fault.sys);
    do {
        fault.calls = 0;
        fault.fail_at = ++n;
        enum tcore_status status = use_file(fd, other, &misses);
        wrong += status != (fault.calls >= n ? TCORE_FATAL : TCORE_OK);
    } while (fault.calls >= n);
    is_int(wrong, 0, "each of %u calls fails once, and is said to", n - 1);
    fault.fail_at = 0;
    fault.short_ones = true;
    is_int(use_file(fd, other, &misses), TCORE_OK, "interrupted and short calls do no harm");
    is_int(misses, 0, "the id is found");
    tcore_sys_set(NULL);
    close(fd);
    close(other);
}

static void test_memory(void)
{
    /* filters that are made for the test abort without memory, so they are made before */
    struct tcore_trace_filter filter;
    const struct tcore_trace_filter *list[] = {&filter};
    uint64_t name = name_of(1);
    uint8_t id[TCORE_TRACE_ID_BYTES];
    id_of(1, 1, id);
    fill(&filter, 4, 1, IDS);
    int fd = new_file();
    bool more = true;
    unsigned long n = 0, wrong = 0;
    while (more) {
        struct tcore_trace_filters *filters = NULL;
        struct tcore_trace_filter back = {0};
        struct tcore_trace_candidates out = {0};
        struct tcore_buf bytes = {0};
        struct tcore_error err;
        uint64_t end;
        failing_begin(++n);
        tcore_trace_filter_encode(&filter, &bytes);
        enum tcore_status status = tcore_buf_status(&bytes, &err);
        if (!status)
            status = tcore_trace_filter_decode(&back, bytes.data, bytes.length, &err);
        if (!status)
            status = tcore_trace_filter_resize(&back, 8, &err);
        if (!status)
            status = tcore_trace_filters_create(fd, SEED, &err);
        if (!status)
            status = tcore_trace_filters_append(fd, 32, list, &name, 1, &end, &err);
        if (!status)
            status = tcore_trace_filters_open(&filters, fd, &err);
        if (!status)
            status = tcore_trace_filters_find(filters, id, &out, &err);
        tcore_trace_filter_free(&back);
        tcore_trace_filters_free(filters);
        tcore_free(out.names);
        tcore_buf_free(&bytes);
        more = failing_end();
        wrong += status != (more ? TCORE_FATAL : TCORE_OK);
    }
    is_int(wrong, 0, "each of %lu allocations fails once: out of memory", n - 1);
    is_int(failing.live, 0, "and nothing leaks");
    tcore_trace_filter_free(&filter);
    close(fd);
}

int main(void)
{
    test_sizes();
    test_block();
    test_false_positives();
    test_union_and_sizes();
    test_bytes();
    test_file();
    test_file_damage();
    test_faults();
    test_memory();
    return done_testing();
}
