/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every call of a kind fails in turn, while logs are written, rotated and sealed: that is an error
 * each time (or none, for what has to be gone on with), and what was acknowledged is there, on the
 * disk as it is and as it may be after a loss of power.
 */
#include "../core/tap.h"
#include "log_world.h"

#include <errno.h>

enum { STEPS = 40, STATES = 4, SEEDS = 2 };

static const struct {
    const char *name;
    enum disk_call call;
    int errnum;
    bool partial, lasting;
    bool silent;        /* no error comes of it */
    bool no_truncation; /* ftruncate() fails, too */
    bool no_tmpfile;
} faults[] = {
    {"EIO at a sync", DISK_SYNC, EIO, false, false, false, false, false},
    {"EIO at a sync and all after it", DISK_SYNC, EIO, false, true, false, false, false},
    {"ENOSPC at a write", DISK_WRITE, ENOSPC, false, false, false, false, false},
    {"ENOSPC at a write and all after it", DISK_WRITE, ENOSPC, false, true, false, false, false},
    {"EIO at a write", DISK_WRITE, EIO, false, false, false, false, false},
    {"ENOSPC in a write", DISK_WRITE, ENOSPC, true, false, false, false, false},
    {"EIO in a write that cannot be cut off", DISK_WRITE, EIO, true, false, false, true, false},
    {"a short write", DISK_WRITE, 0, true, false, true, false, false},
    {"EINTR at a write", DISK_WRITE, EINTR, false, false, true, false, false},
    {"EINTR in a write", DISK_WRITE, EINTR, true, false, true, false, false},
    {"ENOSPC at a creation", DISK_CREATE, ENOSPC, false, false, false, false, false},
    {"EIO at a name", DISK_NAME, EIO, false, false, false, false, false},
    {"EIO at a removal", DISK_UNLINK, EIO, false, false, false, false, false},
    {"EIO at a read", DISK_READ, EIO, false, false, false, false, false},
    {"EINTR at a read", DISK_READ, EINTR, false, false, true, false, false},
    {"ENOLCK at a lock", DISK_LOCK, ENOLCK, false, false, false, false, false},
    {"EINTR at a lock", DISK_LOCK, EINTR, false, false, true, false, false},
    {"EMFILE at an opening", DISK_OPEN, EMFILE, false, false, false, false, false},
    {"EIO at a look at a file", DISK_STAT, EIO, false, false, false, false, false},
    {"EIO at a listing", DISK_LIST, EIO, false, false, false, false, false},
    {"ENOSYS at randomness", DISK_RANDOM, ENOSYS, false, false, false, false, false},
    {"EIO at a sync, without O_TMPFILE", DISK_SYNC, EIO, false, false, false, false, true},
    {"ENOSPC in a write, without O_TMPFILE", DISK_WRITE, ENOSPC, true, false, false, false, true},
};

static struct world world, after;

struct totals {
    unsigned long calls, unheard; /* failures that came to no error, or errors without a failure */
    unsigned long unrecovered;
    struct world_result result;
};

/* What is there now, and what may be after a loss of power. */
static void look(uint64_t seed, struct totals *totals)
{
    for (unsigned n = 0; n < STATES; n++) {
        world_after_crash(&world, &after, seed + n);
        world_check(&after, &totals->result);
        totals->unrecovered += world_seal(&after) != 0;
        world_check(&after, &totals->result);
        world_end(&after);
    }
    disk_install(world.disk);
    world_check(&world, &totals->result);
    totals->unrecovered += world_seal(&world) != 0;
    world_check(&world, &totals->result);
}

/* One history in which the n-th call fails; false: there is none. */
static bool fail_one(size_t fault, unsigned long n, uint64_t seed, struct totals *totals)
{
    world_begin(&world, seed);
    if (faults[fault].no_tmpfile)
        disk_refuse_tmpfile(world.disk);
    disk_fail_at(world.disk, faults[fault].call, n, faults[fault].errnum, faults[fault].partial,
                 faults[fault].lasting);
    if (faults[fault].no_truncation)
        disk_fail_at(world.disk, DISK_TRUNCATE, 1, EIO, false, true);
    world_work(&world, STEPS);
    bool reached = disk_has_failed(world.disk);
    disk_fail_at(world.disk, faults[fault].call, 0, 0, false, false);
    disk_fail_at(world.disk, DISK_TRUNCATE, 0, 0, false, false);
    world_reopen(&world);
    if (reached) {
        totals->calls++;
        if ((world.errors == 0) != faults[fault].silent && !totals->unheard++)
            printf("# call %lu, seed %" PRIu64 ": %u errors %s\n", n, seed, world.errors,
                   world.reason);
        look(seed, totals);
    }
    world_end(&world);
    return reached;
}

int main(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct totals totals = {0};
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            for (unsigned long n = 1; fail_one(i, n, seed, &totals); n++)
                ;
        printf("# %s: %lu calls, %lu lost, %lu wrongly accepted\n", faults[i].name, totals.calls,
               totals.result.lost, totals.result.wrong);
        ok(totals.calls > 0 && totals.unheard == 0, "%s: %s each time", faults[i].name,
           faults[i].silent ? "no error" : "an error");
        ok(totals.result.lost == 0 && totals.result.wrong == 0 && totals.result.unread == 0 &&
               totals.unrecovered == 0,
           "%s: what was acknowledged is there, and nothing else", faults[i].name);
    }
    return done_testing();
}
