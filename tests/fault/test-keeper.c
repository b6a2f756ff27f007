/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole repository, with the segments, logs and sealing that programs use, on a disk that loses
 * its power, and whose syncs fail each in turn: what was acknowledged is read once, before and
 * after recovery, and nothing else is read. test-keeper [SEED [STATES]].
 */
#include "../core/tap.h"

#include "../core/failing.h"
#include "../core/random.h"
#include "base/sys.h"
#include "disk.h"
#include "record/repository/keeper.h"
#include "store/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_STATES = 1200, LONG_STATES = 60000, STATES_A_RUN = 4, STEPS = 30, RECORDS = 300 };
#define REPOSITORY "repo"

struct world {
    struct disk *disk; /* owned */
    struct random_source random;
    unsigned records; /* added so far, or tried */
    unsigned char acked[RECORDS], seen[RECORDS];
    struct keeper keeper; /* of a process that archives */
    bool archives;
    unsigned taken[RECORDS]; /* the records that it was given, in order */
    unsigned taken_count;
    bool unsynced;    /* some archive without syncing: segments may be damaged then */
    unsigned errors;  /* calls that failed */
    char reason[200]; /* of the last one */
};

struct result {
    unsigned long lost, wrong, unread, failures;
    bool quiet; /* it is no news that something cannot be read */
};

static struct world first, second, third;

/* ---- records ---- */

static size_t record_text(unsigned number, char text[128])
{
    return (size_t)sprintf(text,
                           "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":%u,"
                           "\"timeUnixNano\":\"%llu\"}",
                           number, 1790000000000000000 + number % 3 * 86400000000000ULL);
}

static void see(struct world *w, const struct tcore_slice *text, struct result *result)
{
    char wanted[128];
    const char *value =
        text->length < 128 ? memmem(text->data, text->length, "\"value\":", 8) : NULL;
    unsigned number = value ? (unsigned)strtoul(value + 8, NULL, 10) : RECORDS;
    if (number >= w->records || record_text(number, wanted) != text->length ||
        memcmp(wanted, text->data, text->length) != 0)
        result->wrong++;
    else /* a file that was not synced may have become a copy of another one */
        result->wrong += w->seen[number]++ && !w->unsynced;
}

/* What cannot be read is damaged, as only what was not synced may be: a segment, or entries of a
 * log that are followed by others which the disk did keep. */
static void complain(struct world *w, const struct tcore_error *err, struct result *result)
{
    bool hole = !strncmp(err->text, "open/", 5) && strstr(err->text, "damaged log");
    if (!w->unsynced && !hole && !result->unread++ && !result->quiet)
        printf("# unread: %s (%d)\n", err->text, err->errnum);
}

/* Reads the repository as every program does. */
static void check(struct world *w, struct result *result)
{
    static const struct tcore_projection projection = {.text = true};
    const struct tcore_input_options options = {.single = true};
    struct tcore_chunk_source *source;
    struct tcore_decoder *decoder = NULL;
    struct tcore_chunk chunk = {0};
    const struct tcore_batch *batch;
    struct tcore_error err;
    memset(w->seen, 0, sizeof w->seen);
    enum tcore_status status = tcore_scan_open(&source, REPOSITORY, &options, &err);
    if (status != TCORE_OK) {
        complain(w, &err, result);
        return;
    }
    status = tcore_decoder_new(&decoder, &projection, &options, &err);
    while (status == TCORE_OK && (status = source->next(source, &chunk, &err)) == TCORE_OK) {
        if (tcore_decoder_decode(decoder, TCORE_FORMAT_BINARY, &chunk, &batch, &err) != TCORE_OK)
            complain(w, &err, result);
        else
            for (size_t i = 0; i < batch->rows; i++)
                see(w, &batch->text[i], result);
    }
    if (status != TCORE_EOF)
        complain(w, &err, result);
    tcore_chunk_free(&chunk);
    tcore_decoder_free(decoder);
    source->close(source);
    for (unsigned n = 0; n < w->records; n++)
        result->lost += w->acked[n] && !w->seen[n];
}

/* ---- what processes do ---- */

static bool went_well(struct world *w, enum tcore_status status, const struct tcore_error *err)
{
    if (status == TCORE_OK)
        return true;
    w->errors++;
    snprintf(w->reason, sizeof w->reason, "%.160s (%d)", err->text, err->errnum);
    return false;
}

static void tell(void *context, bool failed, const char *text)
{
    struct world *w = context;
    if (failed)
        snprintf(w->reason, sizeof w->reason, "%.190s", text);
    w->errors += failed;
}

static int open_dir(void)
{
    return tcore_sys()->openat(AT_FDCWD, REPOSITORY "/open", O_RDONLY | O_DIRECTORY, 0);
}

static void add_shared(struct world *w)
{
    static const struct tcore_log_limits limits = {.bytes = 700};
    struct tcore_error err;
    struct tcore_log *log;
    char text[128];
    int dir = open_dir();
    if (dir < 0 || !went_well(w, tcore_log_open_shared(&log, dir, &limits, &err), &err)) {
        w->errors += dir < 0;
        return;
    }
    unsigned number = w->records++;
    size_t length = record_text(number, text);
    text[length] = '\n';
    if (went_well(w, tcore_log_append(log, TCORE_LOG_RECORDS, text, length + 1, NULL, &err),
                  &err) &&
        random_below(&w->random, 4) && went_well(w, tcore_log_sync(log, &err), &err))
        w->acked[number] = 1;
    went_well(w, tcore_log_close(log, &err), &err);
    tcore_sys()->close(dir);
}

static void end_archive(struct world *w)
{
    keeper_close(&w->keeper);
    w->archives = false;
}

/* Acknowledges what the archive would. */
static void acknowledge(struct world *w)
{
    const struct keeper *k = &w->keeper;
    uint64_t durable = k->durability == KEEPER_NONE     ? 0
                       : k->durability == KEEPER_RECORD ? k->committed
                                                        : k->durable;
    for (uint64_t i = 0; i < durable && i < w->taken_count; i++)
        w->acked[w->taken[i]] = 1;
    if (durable > w->taken_count)
        w->errors += 1000; /* acknowledged more than was given */
}

static bool begin_keeper(struct world *w, struct keeper *k)
{
    struct tcore_error err;
    bool opened = went_well(w, keeper_open(k, REPOSITORY, &err), &err);
    k->limits.records = 8;
    k->tell = tell;
    k->tell_context = w;
    return opened;
}

static void archive_batch(struct world *w)
{
    struct tcore_error err;
    struct keeper *k = &w->keeper;
    char text[4][128];
    struct tcore_slice lines[4];
    uint32_t rows[4], count = 1 + (uint32_t)random_below(&w->random, 4);
    for (uint32_t i = 0; i < count; i++) {
        w->taken[w->taken_count++] = w->records;
        lines[i] = (struct tcore_slice){text[i], record_text(w->records++, text[i])};
        rows[i] = i;
    }
    enum tcore_status status = TCORE_OK;
    if (k->durability == KEEPER_RECORD)
        status = keeper_commit(k, lines, rows, count, &err);
    acknowledge(w);
    for (uint32_t i = 0; i < count && status == TCORE_OK; i++)
        status = keeper_add(k, &lines[i], &err);
    if (status == TCORE_OK)
        status = keeper_tend(k, &err);
    acknowledge(w);
    if (!went_well(w, status, &err))
        end_archive(w);
}

static void archive(struct world *w)
{
    struct tcore_error err;
    unsigned action = (unsigned)random_below(&w->random, 8);
    if (!w->archives) {
        w->archives = true;
        w->taken_count = 0;
        bool opened = begin_keeper(w, &w->keeper);
        w->keeper.durability = random_below(&w->random, 2) ? KEEPER_RECORD : KEEPER_SEGMENT;
        if (w->unsynced && random_below(&w->random, 2))
            w->keeper.durability = KEEPER_NONE;
        if (!opened || !went_well(w, keeper_take_logs(&w->keeper, &err), &err))
            end_archive(w);
    } else if (action == 0) {
        if (went_well(w, keeper_take_logs(&w->keeper, &err), &err))
            went_well(w, keeper_finish(&w->keeper, &err), &err);
        acknowledge(w);
        end_archive(w);
    } else {
        archive_batch(w);
    }
}

/* Somebody seals what is left; all of the shared log too. */
static void seal(struct world *w)
{
    struct tcore_error err;
    struct keeper keeper;
    int dir = open_dir();
    enum tcore_status status = dir < 0 ? TCORE_FATAL : tcore_log_rotate_shared(dir, NULL, &err);
    went_well(w, status == TCORE_EOF ? TCORE_OK : status, &err);
    if (dir >= 0)
        tcore_sys()->close(dir);
    if (begin_keeper(w, &keeper) && went_well(w, keeper_take_logs(&keeper, &err), &err))
        went_well(w, keeper_finish(&keeper, &err), &err);
    keeper_close(&keeper);
}

static void kill_all(struct world *w)
{
    disk_kill(w->disk);
    if (w->archives)
        end_archive(w);
}

static void work(struct world *w, unsigned steps)
{
    while (steps-- && !disk_is_off(w->disk) && w->records + 8 < RECORDS) {
        unsigned action = (unsigned)random_below(&w->random, 16);
        if (action < 6)
            add_shared(w);
        else if (action < 13)
            archive(w);
        else if (action < 15)
            seal(w);
        else
            kill_all(w);
    }
    kill_all(w);
}

/* ---- worlds ---- */

static void begin(struct world *w, uint64_t seed)
{
    struct tcore_error err;
    memset(w, 0, sizeof *w);
    w->random.state = seed;
    w->disk = disk_new(random_bits(&w->random));
    disk_install(w->disk);
    went_well(w, tcore_repository_create(REPOSITORY, &err), &err);
    tcore_sys()->fsync(disk_root(w->disk));
}

static void after_crash(const struct world *before, struct world *after, uint64_t seed)
{
    *after = *before;
    after->random.state = seed;
    after->errors = 0;
    after->archives = false;
    after->disk = disk_after_crash(before->disk, random_bits(&after->random));
    disk_install(after->disk);
}

static int count_name(void *context, const char *name)
{
    *(unsigned long *)context += strcmp(name, "shared.log") != 0; /* it may stay if it is empty */
    return 0;
}

/* Reads, seals everything, which must succeed and leave no log, and reads again. */
static void recover(struct world *w, struct result *result)
{
    unsigned long left = 0;
    check(w, result);
    w->errors = 0;
    seal(w);
    int dir = open_dir();
    tcore_sys()->list(dir, count_name, &left);
    tcore_sys()->close(dir);
    if (w->errors + left && !result->failures)
        printf("# recovery: %lu logs are left, %s\n", left, w->errors ? w->reason : "no error");
    result->failures += w->errors + left;
    check(w, result);
}

static bool is_clean(const struct result *r)
{
    return !r->lost && !r->wrong && !r->unread && !r->failures;
}

static void lose_power(uint64_t seed, struct result *result, unsigned long *losses)
{
    struct random_source random = {seed};
    begin(&first, random_bits(&random));
    first.unsynced = random_below(&random, 4) == 0;
    disk_lose_power_at(first.disk, 1 + random_below(&random, 250));
    work(&first, STEPS);
    result->failures += first.errors >= 1000;
    *losses += disk_is_off(first.disk);
    for (unsigned n = 0; n < STATES_A_RUN; n++) {
        after_crash(&first, &second, random_bits(&random));
        if (n % 2) { /* and again, while it recovers */
            disk_lose_power_at(second.disk, 1 + random_below(&random, 40));
            seal(&second);
            work(&second, STEPS / 3);
            after_crash(&second, &third, random_bits(&random));
            recover(&third, result);
            disk_free(third.disk);
        } else {
            recover(&second, result);
        }
        disk_free(second.disk);
    }
    disk_free(first.disk);
}

/* One history whose n-th sync fails. False: it has no so many. */
static bool fail_sync(unsigned long n, uint64_t seed, unsigned long *unheard, struct result *result)
{
    begin(&first, seed);
    disk_fail_at(first.disk, DISK_SYNC, n, EIO, false, false);
    work(&first, STEPS);
    bool reached = disk_has_failed(first.disk);
    disk_fail_at(first.disk, DISK_SYNC, 0, 0, false, false);
    if (reached) {
        if (!first.errors && !(*unheard)++)
            printf("# sync %lu of history %llu\n", n, (unsigned long long)seed);
        after_crash(&first, &second, seed + n);
        recover(&second, result);
        disk_free(second.disk);
        disk_install(first.disk);
        recover(&first, result);
    }
    disk_free(first.disk);
    return reached;
}

/* The disk, with an allocation that fails. */
static void fail_allocation(unsigned long n)
{
    const struct tcore_sys sys = *tcore_sys();
    failing_begin(n);
    struct tcore_sys with_disk = sys;
    with_disk.alloc = failing.sys.alloc;
    with_disk.resize = failing.sys.resize;
    with_disk.release = failing.sys.release;
    failing.sys = with_disk;
}

/* A history in which the n-th allocation fails, or one of reading what it left. False: there are
 * not so many. */
static bool run_out_of_memory(unsigned long n, struct result *result)
{
    struct result partial = {.quiet = true};
    begin(&first, 3);
    fail_allocation(n);
    work(&first, STEPS / 2);
    bool reached = failing_end();
    disk_install(first.disk);
    recover(&first, result);
    for (unsigned i = 0; i < 3; i++)
        add_shared(&first);
    fail_allocation(n);
    check(&first, &partial);
    reached |= failing_end();
    result->wrong += partial.wrong;
    disk_install(first.disk);
    check(&first, result);
    disk_free(first.disk);
    return reached;
}

int main(int argc, char **argv)
{
    const char *sized = getenv("TRACECORE_TEST_LONG");
    bool is_long = sized && *sized;
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    unsigned long states = is_long ? LONG_STATES : SHORT_STATES, done = 0, losses = 0;
    struct result power = {0}, syncs = {0};
    if (argc > 2)
        states = strtoul(argv[2], NULL, 10);
    for (; done < states && is_clean(&power); done += STATES_A_RUN, seed++)
        lose_power(seed, &power, &losses);
    if (!is_clean(&power))
        printf("# first seen with seed %llu\n", (unsigned long long)(seed - 1));
    printf("# %lu states after a loss of power (%lu histories were cut), %lu lost, %lu wrongly "
           "accepted, %lu unread, %lu failures of recovery\n",
           done, losses, power.lost, power.wrong, power.unread, power.failures);
    ok(is_clean(&power), "what was acknowledged is there once, and nothing else");
    ok(losses > done / STATES_A_RUN / 3, "after the power was lost");

    unsigned long calls = 0, unheard = 0;
    for (uint64_t history = 1; history <= (is_long ? 40 : 1); history++)
        for (unsigned long n = 1; fail_sync(n, history, &unheard, &syncs); n++)
            calls++;
    printf("# %lu syncs failed, %lu lost, %lu wrongly accepted, %lu unread, %lu failures\n", calls,
           syncs.lost, syncs.wrong, syncs.unread, syncs.failures);
    ok(calls > 0 && unheard == 0, "a sync that fails is an error each time");
    ok(is_clean(&syncs), "and what was acknowledged is there once, and nothing else");

    struct result memory = {0};
    unsigned long rounds = 0;
    for (unsigned long n = 1; run_out_of_memory(n, &memory); n += is_long ? 1 : 1 + n / 16)
        rounds++;
    printf("# %lu times out of memory, %lu lost, %lu wrongly accepted, %lu unread, %lu failures, "
           "%ld blocks not released\n",
           rounds, memory.lost, memory.wrong, memory.unread, memory.failures, failing.live);
    ok(rounds > 40 && is_clean(&memory) && failing.live == 0,
       "without memory nothing is lost, and nothing leaks");
    return done_testing();
}
