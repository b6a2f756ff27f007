/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk in memory behind the system table, which can lose its power at any operation, and fail at
 * any call. It knows what a real one may have kept:
 *
 * - Of a file, what fsync() or fdatasync() returned 0 for is kept. Each 512-byte sector written
 *   after that holds the new bytes, the old ones, zeros, random bytes, or what some other file has
 *   there; the size is anything between the old one and the new one. Bytes of a sector that were
 *   not written keep their value (powersafe overwrite, as SQLite calls it).
 * - Of a directory, what fsync() of it returned 0 for is kept. Later names, renamings and removals
 *   are kept up to some point in time, or each by itself. A renaming happens or does not; between
 *   two directories it is safe when both are synced. Syncing a file does not keep its name.
 * - After a sync that failed, what it should have written counts as clean: no later sync writes it,
 *   though reading gives it back (as Linux does).
 *
 * Use: disk_new(), disk_install(), a workload, which ends with errors after the power was lost;
 * disk_after_crash(), as often as wanted, each a disk with one of the states that are possible;
 * recovery on that. Descriptors are the disk's own, and die with it. One thread only.
 *
 * Operations are what changes something: an openat() that creates, write, ftruncate, fsync,
 * fdatasync, linkat, renameat, unlinkat, mkdirat. They are counted from 1.
 */
#ifndef TRACECORE_TESTS_FAULT_DISK_H
#define TRACECORE_TESTS_FAULT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

enum disk_call {
    DISK_CREATE, /* openat() that creates, mkdirat() */
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC, /* fsync(), fdatasync() */
    DISK_NAME, /* linkat(), renameat() */
    DISK_UNLINK,
    /* No operations, but they may fail: */
    DISK_READ,   /* read(), pread() */
    DISK_LOCK,   /* flock() */
    DISK_OPEN,   /* openat() of what is there */
    DISK_STAT,   /* fstat(), fstatat() */
    DISK_LIST,   /* list() */
    DISK_RANDOM, /* random() */
    DISK_CALLS
};

/* An empty disk whose root is disk_root(). The seed is of its clock, its randomness and of what
 * happens at a loss of power. Never NULL. */
struct disk *disk_new(uint64_t seed);
void disk_free(struct disk *disk);

/* Makes it the system table's disk; NULL: the real system again. Memory is the real system's. */
void disk_install(struct disk *disk);

/* A descriptor of the root directory, which is never closed. */
int disk_root(const struct disk *disk);

/* At operation number n (from now on; 0: never) the power goes: it may be done in part, fails with
 * EIO, and so does all that follows. */
void disk_lose_power_at(struct disk *disk, unsigned long n);
bool disk_is_off(const struct disk *disk);

/* At operation number n from now on (0: never) the process is killed: as with the power, but the
 * disk keeps everything, and goes on after disk_kill(). */
void disk_die_at(struct disk *disk, unsigned long n);
bool disk_is_dead(const struct disk *disk);

/* The n-th call of a kind from now on (0: none) fails with errnum. A write does a part before if
 * partial: then it returns how much, and the next write fails. errnum 0 and partial: a short
 * write. With lasting, all later calls of the kind fail too. */
void disk_fail_at(struct disk *disk, enum disk_call call, unsigned long n, int errnum, bool partial,
                  bool lasting);
bool disk_has_failed(const struct disk *disk); /* whether that call was reached */

/* How many operations and calls there have been. */
unsigned long disk_operations(const struct disk *disk);
unsigned long disk_calls(const struct disk *disk, enum disk_call call);

/* Without O_TMPFILE, as some file systems are. */
void disk_refuse_tmpfile(struct disk *disk);

/* The process has died: closes all descriptors but that of the root, and unlocks. */
void disk_kill(struct disk *disk);

/* A new disk with what may be found after the power was lost now. */
struct disk *disk_after_crash(const struct disk *disk, uint64_t seed);

/* The bytes of a file as they are read now, or NULL. They live until it is changed. */
const char *disk_file(const struct disk *disk, const char *path, size_t *bytes);
/* Flips bits of one byte, on disk and in memory. */
void disk_damage(struct disk *disk, const char *path, size_t offset, unsigned char flip);

#endif
