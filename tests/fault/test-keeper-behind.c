/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Segments that are sealed in a thread while the next ones are filled: all of them are there, in
 * order, none counts before it is on disk, and a failure of any of them is told.
 */
#include <config.h>

#include "../core/tap.h"

#include "record/repository/keeper.h"

#include "base/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCKS = 40, ROWS = 30, BLOCKS_A_SEGMENT = 4 };

static unsigned long syncs, fails_at; /* atomic; 0: none */

static int failing_fsync(int fd)
{
    unsigned long number = __atomic_add_fetch(&syncs, 1, __ATOMIC_RELAXED);
    if (number == fails_at) {
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

/* A packed block of so many metrics, numbered from first on. */
static void make_block(struct tcore_packed_block *packed, unsigned first)
{
    struct tcore_binary_writer *writer;
    struct tcore_block_packer *packer;
    struct tcore_buf blocks = {0};
    struct tcore_error err;
    char line[128];
    if (tcore_binary_writer_new(&writer, &blocks, NULL, &err) ||
        tcore_block_packer_new(&packer, &err))
        exit(EXIT_FAILURE);
    tcore_binary_writer_for_segments(writer);
    tcore_buf_clear(&blocks);
    for (unsigned i = 0; i < ROWS; i++) {
        int length = snprintf(line, sizeof line,
                              "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":%u,"
                              "\"timeUnixNano\":\"%u\"}",
                              first + i, 1000 + first + i);
        tcore_binary_writer_add(writer, line, (size_t)length, &err);
    }
    *packed = (struct tcore_packed_block){0};
    if (tcore_binary_writer_flush(writer, &err) ||
        tcore_pack_block(packer, blocks.data, blocks.length, packed, &err))
        exit(EXIT_FAILURE);
    tcore_binary_writer_free(writer);
    tcore_block_packer_free(packer);
    tcore_buf_free(&blocks);
}

/* Records in sealed segments, whose times must ascend from segment to segment. */
static uint64_t count_sealed(const char *path, bool *in_order)
{
    struct tcore_repository *repository;
    struct tcore_segment_list list = {0};
    uint64_t records = 0;
    int64_t last = INT64_MIN;
    *in_order = true;
    if (tcore_repository_open(&repository, path, NULL) != TCORE_OK)
        return 0;
    tcore_repository_list(repository, &list, NULL);
    for (size_t i = 0; i < list.count; i++) {
        struct tcore_segment *segment;
        if (tcore_repository_open_segment(repository, list.path[i], &segment, NULL) != TCORE_OK)
            continue;
        const struct tcore_manifest *m = tcore_segment_manifest(segment);
        records += m->records[TCORE_RECORD_METRIC];
        *in_order &= m->min_ns > last;
        last = m->max_ns;
        tcore_segment_close(segment);
    }
    tcore_segment_list_free(&list);
    tcore_repository_close(repository);
    return records;
}

/* Keeps all blocks; returns how it ended, with what was durable then and the most that was said to
 * be so although it was not there. */
static enum tcore_status keep_all(const char *path, uint64_t *durable, bool *told_early)
{
    struct keeper k;
    bool in_order;
    *told_early = false;
    enum tcore_status status = keeper_open(&k, path, NULL);
    k.limits.records = BLOCKS_A_SEGMENT * ROWS;
    k.behind.allowed = true;
    for (unsigned i = 0; i < BLOCKS && status == TCORE_OK; i++) {
        struct tcore_packed_block packed;
        make_block(&packed, i * ROWS);
        status = keeper_add_block(&k, &packed, NULL);
        if (status == TCORE_OK)
            status = keeper_tend(&k, NULL);
        *told_early |= k.durable > count_sealed(path, &in_order);
        tcore_packed_block_free(&packed);
    }
    if (status == TCORE_OK)
        status = keeper_finish(&k, NULL);
    *durable = k.durable;
    keeper_close(&k);
    return status;
}

int main(void)
{
    static struct tcore_sys sys;
    char folder[] = "keeper-behind-XXXXXX", path[64], command[64];
    uint64_t durable;
    bool early, in_order;
    unsigned tried = 0, told = 0, more = 0;
    if (!mkdtemp(folder))
        return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/0", folder);
    ok(keep_all(path, &durable, &early) == TCORE_OK && durable == BLOCKS * ROWS,
       "all records are durable in the end");
    ok(!early, "none is said to be before it is");
    is_int((int64_t)count_sealed(path, &in_order), BLOCKS * ROWS, "all are there");
    ok(in_order, "in their order");
    sys = tcore_sys_default;
    sys.fsync = failing_fsync;
    tcore_sys_set(&sys);
    syncs = 0;
    snprintf(path, sizeof path, "%s/1", folder);
    keep_all(path, &durable, &early);
    unsigned long total = syncs;
    for (unsigned long n = 1; n <= total; n += getenv("TRACECORE_TEST_LONG") ? 1 : 3) {
        syncs = 0;
        fails_at = n;
        snprintf(path, sizeof path, "%s/f%lu", folder, n);
        tried++;
        told += keep_all(path, &durable, &early) == TCORE_FATAL;
        more += early || durable > count_sealed(path, &in_order);
    }
    ok(tried > 10 && told == tried && !more,
       "a sync that fails is told (%u of %u), and nothing counts that is not there", told, tried);
    tcore_sys_set(NULL);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ok(system(command) == 0, "cleaned up");
    return done_testing();
}
