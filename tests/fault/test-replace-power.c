/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loss of power, of the process, or of one call, while segments are replaced by others, and again
 * while that is settled: test-replace-power [SEED [STATES]]. Each record must be there once, before
 * it is settled and after; those that were to be removed once or not at all, and not once that was
 * said.
 */
#include "base/sys.h"
#include "store/replace.h"
#include "store/rewrite.h"
#include "stream/binary.h"

#include "../core/random.h"
#include "../core/tap.h"
#include "disk.h"

#include <errno.h>

enum { SHORT_STATES = 2000, LONG_STATES = 100000, STATES_A_RUN = 8, SEGMENTS = 5, RECORDS = 4 };

static struct {
    unsigned long states, lost, twice, undead, refused, losses, replaced, unreplaced;
} total;

/* A run: records of the last segment are removed, those of the others merged. */
struct history {
    bool removal_done;
};

static bool is_doomed(unsigned number)
{
    return number >= (SEGMENTS - 1) * RECORDS;
}

static void require(enum tcore_status status, const char *what)
{
    if (status == TCORE_OK)
        return;
    printf("Bail out! %s\n", what);
    exit(EXIT_FAILURE);
}

/* A segment of RECORDS records, as archiving makes it. */
static void make_segment(struct tcore_repository *r, unsigned first)
{
    struct tcore_sealing sealing;
    struct tcore_binary_writer *writer;
    struct tcore_block_packer *packer;
    struct tcore_packed_block packed = {0};
    struct tcore_buf blocks = {0};
    char text[200];
    require(tcore_sealing_begin(&sealing, r, NULL), "no segment");
    require(tcore_block_packer_new(&packer, NULL), "no packer");
    require(tcore_binary_writer_new(&writer, &blocks, NULL, NULL), "no writer");
    tcore_binary_writer_for_segments(writer);
    tcore_buf_clear(&blocks);
    for (unsigned n = first; n < first + RECORDS; n++) {
        int length =
            snprintf(text, sizeof text,
                     "{\"type\":\"log\",\"timeUnixNano\":\"%u000000000\",\"body\":\"<%u>\"}",
                     1790000000 + n * 40000, n);
        require(tcore_binary_writer_add(writer, text, (size_t)length, NULL), "no record");
    }
    require(tcore_binary_writer_flush(writer, NULL), "no block");
    require(tcore_pack_block(packer, blocks.data, blocks.length, &packed, NULL), "not packed");
    require(tcore_segment_add(sealing.writer, &packed, NULL), "not added");
    require(tcore_sealing_seal(&sealing, NULL), "not sealed");
    tcore_packed_block_free(&packed);
    tcore_binary_writer_free(writer);
    tcore_block_packer_free(packer);
    tcore_buf_free(&blocks);
}

static struct disk *make_world(uint64_t seed)
{
    struct tcore_repository *r;
    struct disk *disk = disk_new(seed);
    disk_install(disk);
    if (seed % 3 == 0)
        disk_refuse_tmpfile(disk);
    require(tcore_repository_create(".", NULL), "no repository");
    require(tcore_repository_open(&r, ".", NULL), "no repository");
    for (unsigned i = 0; i < SEGMENTS; i++)
        make_segment(r, i * RECORDS);
    tcore_repository_close(r);
    return disk;
}

/* ---- counting ---- */

struct count {
    unsigned seen[SEGMENTS * RECORDS];
};

static enum tcore_status count_rows(void *context, const struct tcore_batch *batch, uint32_t *rows,
                                    size_t *count, struct tcore_error *err)
{
    struct count *c = context;
    (void)err;
    for (size_t i = 0; i < *count; i++) {
        const struct tcore_slice *text = &batch->text[rows[i]];
        const char *at = memchr(text->data, '<', text->length);
        c->seen[strtoul(at + 1, NULL, 10) % (SEGMENTS * RECORDS)]++;
    }
    return TCORE_OK;
}

static enum tcore_status go_through(struct tcore_repository *r,
                                    const struct tcore_segment_list *list, size_t from, size_t to,
                                    tcore_row_filter *filter, void *context,
                                    struct tcore_rewriting *rewriting)
{
    struct tcore_projection projection = {.text = true};
    struct tcore_segment_reader *reader;
    enum tcore_status status = tcore_segment_reader_new(&reader, &projection, NULL, NULL);
    for (size_t i = from; i < to && status == TCORE_OK; i++) {
        struct tcore_segment *segment;
        status = tcore_repository_open_segment(r, list->path[i], &segment, NULL);
        if (status == TCORE_OK)
            status =
                tcore_segment_go_through(reader, segment, filter, context, rewriting, NULL, NULL);
        tcore_segment_close(segment);
    }
    tcore_segment_reader_free(reader);
    tcore_projection_free(&projection);
    return status;
}

/* What a reader finds. */
static void check(struct tcore_repository *r, const struct history *h, bool settled)
{
    struct tcore_segment_list list = {0};
    struct count count = {0};
    unsigned doomed = 0;
    if (tcore_repository_list(r, &list, NULL) != TCORE_OK ||
        go_through(r, &list, 0, list.count, count_rows, &count, NULL) != TCORE_OK)
        total.refused++;
    for (unsigned n = 0; n < SEGMENTS * RECORDS; n++) {
        total.lost += !is_doomed(n) && !count.seen[n];
        total.twice += count.seen[n] > 1;
        doomed += is_doomed(n) && count.seen[n];
    }
    total.undead += h->removal_done && doomed;
    total.lost += doomed % (RECORDS / 2) != 0;
    if (settled && list.count < SEGMENTS)
        total.replaced++;
    else if (settled)
        total.unreplaced++;
    tcore_segment_list_free(&list);
}

/* ---- replacing ---- */

static enum tcore_status drop_odd(void *context, const struct tcore_batch *batch, uint32_t *rows,
                                  size_t *count, struct tcore_error *err)
{
    size_t kept = 0;
    (void)context;
    (void)batch;
    (void)err;
    for (size_t i = 0; i < *count; i++)
        if (rows[i] % 2 == 0)
            rows[kept++] = rows[i];
    *count = kept;
    return TCORE_OK;
}

static enum tcore_status replace(struct tcore_repository *r, const struct tcore_segment_list *list,
                                 size_t from, size_t to, tcore_row_filter *filter)
{
    struct tcore_segment_list old = {list->path + from, to - from, to - from};
    struct tcore_rewriting *rewriting;
    struct tcore_sealing sealing;
    size_t count = 0;
    enum tcore_status status = tcore_rewriting_new(&rewriting, r, NULL, NULL);
    if (status == TCORE_OK)
        status = go_through(r, list, from, to, filter, NULL, rewriting);
    if (status == TCORE_OK)
        status = tcore_rewriting_end(rewriting, &sealing, &count, NULL);
    if (status == TCORE_OK)
        status = tcore_replace(r, &old, &sealing, count, NULL);
    tcore_rewriting_free(rewriting);
    return status;
}

/* Merges all but the last, and takes half of the records or all of them out of that. */
static void work(struct tcore_repository *r, struct history *h, bool all)
{
    struct tcore_segment_list list = {0}, last;
    size_t pending;
    int lock = -1;
    enum tcore_status status = tcore_upkeep_lock(r, false, &lock, NULL);
    if (status == TCORE_OK)
        status = tcore_replacements_settle(r, false, &pending, NULL);
    if (status == TCORE_OK)
        status = tcore_repository_list(r, &list, NULL);
    if (status == TCORE_OK && list.count == SEGMENTS)
        status = replace(r, &list, 0, SEGMENTS - 1, NULL);
    if (status == TCORE_OK && list.count == SEGMENTS && !all)
        status = replace(r, &list, SEGMENTS - 1, SEGMENTS, drop_odd);
    if (status == TCORE_OK && list.count == SEGMENTS && all) {
        last = (struct tcore_segment_list){list.path + SEGMENTS - 1, 1, 1};
        status = tcore_replace(r, &last, NULL, 0, NULL);
    }
    h->removal_done |= status == TCORE_OK && all && list.count == SEGMENTS;
    if (status == TCORE_OK)
        tcore_replacements_settle(r, false, &pending, NULL);
    tcore_segment_list_free(&list);
    if (lock >= 0)
        tcore_sys()->close(lock);
}

/* On a disk that may lose its power at an operation. */
static void work_on(struct disk *disk, struct history *h, struct random_source *random,
                    unsigned operations)
{
    struct tcore_repository *r;
    unsigned long at = 1 + random_below(random, operations);
    disk_install(disk);
    enum disk_call call = (enum disk_call)random_below(random, DISK_CALLS);
    unsigned what = (unsigned)random_below(random, 4);
    if (what == 0)
        disk_die_at(disk, at);
    else if (what == 1)
        disk_fail_at(disk, call, at, EIO, false, random_below(random, 2));
    else
        disk_lose_power_at(disk, at);
    if (tcore_repository_open(&r, ".", NULL) == TCORE_OK)
        work(r, h, random_below(random, 2));
    tcore_repository_close(r);
    total.losses += disk_is_off(disk) || disk_is_dead(disk) || disk_has_failed(disk);
    disk_fail_at(disk, call, 0, 0, false, false);
}

/* What the next process finds: all that was done, if only the process was lost. */
static struct disk *after(struct disk *disk, struct random_source *random)
{
    bool killed = disk_is_dead(disk);
    disk_die_at(disk, 0);
    if (killed)
        disk_kill(disk);
    return killed ? NULL : disk_after_crash(disk, random_bits(random));
}

static void recover(struct disk *disk, const struct history *h)
{
    struct tcore_repository *r;
    struct tcore_error err = {0};
    size_t pending;
    disk_install(disk);
    disk_lose_power_at(disk, 0);
    total.states++;
    if (tcore_repository_open(&r, ".", &err) != TCORE_OK) {
        total.refused++;
        return;
    }
    check(r, h, false);
    if (tcore_replacements_settle(r, true, &pending, &err) != TCORE_OK || pending)
        total.refused++;
    check(r, h, true);
    tcore_repository_close(r);
}

static void run(uint64_t seed)
{
    struct random_source random = {seed};
    struct history first = {0};
    struct disk *disk = make_world(random_bits(&random));
    work_on(disk, &first, &random, 60);
    bool killed = disk_is_dead(disk);
    for (unsigned n = 0; n < (killed ? 1u : STATES_A_RUN); n++) {
        struct history h = first;
        struct disk *second = after(disk, &random);
        struct disk *now = second ? second : disk;
        if (random_below(&random, 2)) {
            work_on(now, &h, &random, 30);
            struct disk *third = after(now, &random);
            if (third) {
                if (second)
                    disk_free(second);
                second = now = third;
            }
        }
        recover(now, &h);
        if (second)
            disk_free(second);
    }
    disk_free(disk);
}

int main(int argc, char **argv)
{
    const char *sized = getenv("TRACECORE_TEST_LONG");
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    unsigned long states = sized && *sized ? LONG_STATES : SHORT_STATES;
    if (argc > 2)
        states = strtoul(argv[2], NULL, 10);
    while (total.states < states) {
        run(seed++);
        if (total.lost || total.twice || total.undead || total.refused) {
            printf("# first seen with seed %" PRIu64 "\n", seed - 1);
            break;
        }
    }
    printf("# %lu states, %lu losses; %lu replaced, %lu as before; %lu records lost, %lu twice\n",
           total.states, total.losses, total.replaced, total.unreplaced, total.lost, total.twice);
    ok(total.lost == 0, "no record is lost");
    ok(total.twice == 0, "none is there twice");
    ok(total.undead == 0, "what was removed stays removed");
    ok(total.refused == 0, "everything can be read and settled");
    ok(total.losses > total.states / 20 && total.replaced && total.unreplaced,
       "both outcomes occurred");
    return done_testing();
}
