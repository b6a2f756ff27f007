/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Real files, real processes, SIGKILL: a writer reports each record that was acknowledged through a
 * pipe, and is killed at a random moment, or at a named point between, in or around its system
 * calls. Then all that it reported must be there. test-log-kill [SEED [KILLS]]
 */
#include "../core/tap.h"
#include "base/sys.h"
#include "log_world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SHORT_KILLS = 40,
    LONG_KILLS = 1000,
    ROUNDS_A_DIRECTORY = 8,
    RECORDS_A_ROUND = WORLD_RECORDS / ROUNDS_A_DIRECTORY,

    LATEST_US = 20000
};

enum point { BEFORE, HALF, AFTER };

static const struct failpoint {
    const char *name;
    char call;
    enum point point;
} failpoints[] = {
    {"before a write", 'w', BEFORE},       {"in a write", 'w', HALF},
    {"after a write", 'w', AFTER},         {"before a log's sync", 'd', BEFORE},
    {"after a log's sync", 'd', AFTER},    {"before another sync", 's', BEFORE},
    {"after another sync", 's', AFTER},    {"before a name is given", 'l', BEFORE},
    {"after a name is given", 'l', AFTER}, {"before a renaming", 'r', BEFORE},
    {"after a renaming", 'r', AFTER},      {"before a removal", 'u', BEFORE},
    {"after a removal", 'u', AFTER},       {"with the lock", 'f', AFTER},
};
enum { FAILPOINTS = sizeof failpoints / sizeof *failpoints };

static const struct failpoint *armed; /* NULL: none */
static unsigned long countdown;       /* the point's passing that is the last */
static int report_fd;

static bool strikes(char call, enum point point)
{
    return armed && armed->call == call && armed->point == point && --countdown == 0;
}

static void pass(char call, enum point point)
{
    if (strikes(call, point))
        kill(getpid(), SIGKILL);
}

static ssize_t killing_write(int fd, const void *buffer, size_t bytes)
{
    pass('w', BEFORE);
    if (strikes('w', HALF)) {
        ssize_t unused = write(fd, buffer, bytes / 2);
        (void)unused;
        kill(getpid(), SIGKILL);
    }
    ssize_t result = write(fd, buffer, bytes);
    pass('w', AFTER);
    return result;
}

#define KILLING(call, letter, parameters, arguments)                                               \
    static int killing_##call parameters                                                           \
    {                                                                                              \
        pass(letter, BEFORE);                                                                      \
        int result = call arguments;                                                               \
        pass(letter, AFTER);                                                                       \
        return result;                                                                             \
    }

KILLING(fdatasync, 'd', (int fd), (fd))
KILLING(fsync, 's', (int fd), (fd))
KILLING(linkat, 'l', (int od, const char *o, int nd, const char *n, int flags),
        (od, o, nd, n, flags))
KILLING(renameat, 'r', (int od, const char *o, int nd, const char *n), (od, o, nd, n))
KILLING(unlinkat, 'u', (int dir, const char *path, int flags), (dir, path, flags))

static int killing_flock(int fd, int operation)
{
    int result = tcore_sys_default.flock(fd, operation);
    pass('f', AFTER);
    return result;
}

static void report(unsigned record)
{
    if (write(report_fd, &record, sizeof record) != sizeof record)
        _exit(1);
}

static void write_records(int directory, unsigned first, uint64_t seed)
{
    static struct tcore_sys sys;
    static struct world world;
    sys = tcore_sys_default;
    sys.write = killing_write;
    sys.fdatasync = killing_fdatasync;
    sys.fsync = killing_fsync;
    sys.linkat = killing_linkat;
    sys.renameat = killing_renameat;
    sys.unlinkat = killing_unlinkat;
    sys.flock = killing_flock;
    if (world_begin_real(&world, directory, first, seed) != 0)
        _exit(1);
    tcore_sys_set(&sys);
    world.acknowledged = report;
    while (world.records < first + RECORDS_A_ROUND - 4 && world.errors == 0)
        world_work(&world, 1);
    _exit(world.errors ? 1 : 0);
}

/* One writer, killed; acked gets what it reported. Whether it was killed; -1: it failed. */
static int kill_one(int directory, unsigned first, struct random_source *random,
                    unsigned char *acked)
{
    static unsigned turn, misses; /* by the clock, then the next point, by the clock, ... */
    int ends[2];
    bool timed = turn % 2;
    uint64_t seed = random_bits(random);
    armed = timed ? NULL : &failpoints[turn / 2 % FAILPOINTS];
    countdown = 1 + random_below(random, misses ? 2 : random_below(random, 2) ? 4 : 24);
    if (pipe(ends) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        report_fd = ends[1];
        close(ends[0]);
        write_records(directory, first, seed);
    }
    close(ends[1]);
    if (timed && child > 0) {
        struct timespec pause = {0, (long)random_below(random, LATEST_US * INT64_C(1000))};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
    }
    unsigned record;
    while (read(ends[0], &record, sizeof record) == sizeof record)
        if (record < WORLD_RECORDS)
            acked[record] = 1;
    close(ends[0]);
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    misses++;
    if (WIFEXITED(status))
        return WEXITSTATUS(status) ? -1 : 0;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        return -1;
    turn++;
    misses = 0;
    return 1;
}

struct totals {
    unsigned long kills, acknowledged, failures;
    struct world_result result;
};

static void look(int directory, const unsigned char *acked, uint64_t seed, struct totals *totals)
{
    static struct world world;
    if (world_begin_real(&world, directory, WORLD_RECORDS, seed) != 0) {
        totals->failures++;
        return;
    }
    memcpy(world.acked, acked, sizeof world.acked);
    world_check(&world, &totals->result);
    if (world_seal(&world) != 0 && !totals->failures++)
        printf("# recovery: %s\n", world.reason);
    world_check(&world, &totals->result);
    world_end(&world);
}

static void remove_tree(int dir, const char *name);

static int remove_one(void *context, const char *name)
{
    remove_tree(*(int *)context, name);
    return 0;
}

static void remove_tree(int dir, const char *name)
{
    if (unlinkat(dir, name, 0) == 0)
        return;
    int inner = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (inner >= 0) {
        tcore_sys_default.list(inner, remove_one, &inner);
        close(inner);
    }
    unlinkat(dir, name, AT_REMOVEDIR);
}

static void one_directory(struct random_source *random, unsigned long wanted, struct totals *totals)
{
    unsigned char acked[WORLD_RECORDS] = {0};
    char path[] = "log-kill-XXXXXX";
    int directory = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;
    if (directory < 0) {
        totals->failures++;
        return;
    }
    for (unsigned n = 0; n < ROUNDS_A_DIRECTORY && totals->kills < wanted; n++) {
        int killed = kill_one(directory, n * RECORDS_A_ROUND, random, acked);
        totals->kills += killed > 0;
        totals->failures += killed < 0;
        look(directory, acked, random_bits(random), totals);
    }
    for (unsigned n = 0; n < WORLD_RECORDS; n++)
        totals->acknowledged += acked[n];
    close(directory);
    remove_tree(AT_FDCWD, path);
}

int main(int argc, char **argv)
{
    const char *sized = getenv("TRACECORE_TEST_LONG");
    struct random_source random = {argc > 1 ? strtoull(argv[1], NULL, 10) : 1};
    unsigned long wanted = sized && *sized ? LONG_KILLS : SHORT_KILLS;
    struct totals totals = {0};
    if (argc > 2)
        wanted = strtoul(argv[2], NULL, 10);
    while (totals.kills < wanted && !totals.failures)
        one_directory(&random, wanted, &totals);
    printf("# %lu kills, half of them at %d points in turn, %lu records acknowledged, %lu lost, "
           "%lu wrongly accepted\n",
           totals.kills, FAILPOINTS, totals.acknowledged, totals.result.lost, totals.result.wrong);
    is_int(totals.result.lost, 0, "what was acknowledged is there");
    is_int(totals.result.wrong, 0, "nothing else is, and all of it once and in order");
    is_int(totals.failures + totals.result.unread, 0, "and recovery succeeds");
    ok(totals.acknowledged > totals.kills, "something was acknowledged");
    return done_testing();
}
