/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk's state, as disk.c (calls), disk_store.c (inodes) and disk_crash.c share it. */
#ifndef TRACECORE_TESTS_FAULT_DISK_PRIVATE_H
#define TRACECORE_TESTS_FAULT_DISK_PRIVATE_H

#include "../core/random.h"
#include "base/sys.h"
#include "disk.h"

#include <sys/types.h>

enum { SECTOR = 512, NAME_BYTES = 64, DESCRIPTORS = 64, FIRST_DESCRIPTOR = 1000, ROOT = 0 };

struct entry {
    char name[NAME_BYTES];
    unsigned inode;
};

struct entries {
    struct entry *list;
    size_t count, capacity;
};

/* What can be said of a file or directory twice: as it is, and as it is on disk. */
struct image {
    char *data;
    size_t size, capacity; /* what is between size and capacity is zero */
    struct entries entries;
};

enum sector_state { CLEAN, DIRTY, GIVEN_UP /* a sync of it has failed */ };

struct inode {
    bool directory;
    mode_t mode;
    unsigned names, opens;
    struct image now, disk;
    unsigned char *sectors; /* of now or disk, whatever is longer: enum sector_state */
    size_t sector_count;
};

/* A change of directories that is not on disk: from is "" for a new name, to for a removal. */
struct change {
    unsigned inode;
    unsigned from_directory, to_directory;
    char from[NAME_BYTES], to[NAME_BYTES];
    bool from_safe, to_safe;
};

struct descriptor {
    bool open;
    unsigned inode;
    size_t offset;
    int flags, lock;
};

struct fault {
    unsigned long at; /* number of the call, 0: none */
    int errnum;
    bool partial, lasting, now;
};

struct disk {
    struct tcore_sys sys;
    struct random_source random;
    int64_t clock;
    struct inode *inodes; /* the first is the root; none is reused */
    size_t inode_count, inode_capacity;
    struct change *changes;
    size_t change_count, change_capacity;
    struct descriptor descriptors[DESCRIPTORS];
    unsigned long operations, power_at, death_at, calls[DISK_CALLS];
    struct fault faults[DISK_CALLS];
    bool off, dead, failed, no_tmpfile;
};

/* All of these end the process without memory: it is a test. */
void *disk_grow(void *memory, size_t count, size_t *capacity, size_t bytes);
unsigned disk_inode(struct disk *disk, bool directory, mode_t mode);
void disk_image_free(struct image *image);
/* Sets the size; what is new is zero. */
void disk_resize(struct image *image, size_t size);
void disk_write_at(struct inode *inode, size_t offset, const void *data, size_t bytes);
void disk_truncate(struct inode *inode, size_t size);
void disk_sync_file(struct inode *inode, bool fails);
/* Takes the changes of a directory to disk. */
void disk_sync_directory(struct disk *disk, unsigned directory);
struct entry *disk_find(const struct entries *entries, const char *name);
void disk_set(struct entries *entries, const char *name, unsigned inode);
void disk_unset(struct entries *entries, const char *name);
/* Does a change now, and remembers it as not yet on disk. */
void disk_change(struct disk *disk, const struct change *change);
/* Applies a change to one of its directories, or to both. */
void disk_apply(struct disk *disk, const struct change *change, bool from, bool to);

#endif
