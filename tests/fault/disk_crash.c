/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is left when the power was lost. */
#include "disk_private.h"

#include <stdlib.h>
#include <string.h>

static bool chance(struct random_source *random, unsigned one_in)
{
    return random_below(random, one_in) == 0;
}

/* A sector of any file that was there, as a disk has it that used the place before. */
static void stale(const struct disk *disk, struct random_source *random, char *sector)
{
    memset(sector, 0, SECTOR);
    const struct image *image = &disk->inodes[random_below(random, disk->inode_count)].now;
    size_t sectors = image->size / SECTOR;
    if (sectors)
        memcpy(sector, image->data + random_below(random, sectors) * SECTOR, SECTOR);
}

enum fate { NEW, OLD, ZEROS, GARBAGE, STALE, FATES };

/* Bytes that may be lost: those that differ, and those that are not in the file on disk. */
static void lose_sector(const struct disk *disk, const struct inode *inode, size_t from, size_t to,
                        enum fate fate, struct random_source *random, struct image *result)
{
    char other[SECTOR] = {0};
    if (fate == STALE)
        stale(disk, random, other);
    for (size_t at = from; at < to; at++) {
        bool old = at < inode->disk.size, new = at < inode->now.size;
        char was = old ? inode->disk.data[at] : 0, is = new ? inode->now.data[at] : 0;
        char *byte = &result->data[at];
        if (old && new &&was == is)
            *byte = is;
        else if (fate == NEW)
            *byte = is;
        else if (fate == OLD)
            *byte = was;
        else if (fate == GARBAGE)
            *byte = (char)random_bits(random);
        else
            *byte = other[at - from];
    }
}

static size_t any_size(const struct inode *inode, struct random_source *random)
{
    size_t a = inode->disk.size, b = inode->now.size;
    size_t low = a < b ? a : b, high = a < b ? b : a;
    switch (random_below(random, 4)) {
    case 0:
        return a;
    case 1:
        return low + random_below(random, high - low + 1);
    default:
        return b;
    }
}

static void lose_file(const struct disk *disk, const struct inode *inode,
                      struct random_source *random, struct image *result)
{
    size_t size = any_size(inode, random);
    disk_resize(result, size);
    bool same = chance(random, 3); /* all sectors fare alike */
    enum fate fate = (enum fate)random_below(random, FATES);
    for (size_t from = 0, n = 0; from < size; from += SECTOR, n++) {
        size_t to = from + SECTOR < size ? from + SECTOR : size;
        if (n >= inode->sector_count || inode->sectors[n] == CLEAN) {
            memcpy(result->data + from, inode->disk.data + from, to - from);
            continue;
        }
        if (!same)
            fate = chance(random, 2) ? NEW : (enum fate)random_below(random, FATES);
        lose_sector(disk, inode, from, to, fate, random, result);
    }
}

/* Applies those changes that are kept, to the directories as they are on disk. */
static void lose_changes(struct disk *disk, struct random_source *random)
{
    bool in_order = chance(random, 2);
    size_t kept = random_below(random, disk->change_count + 1);
    for (size_t i = 0; i < disk->change_count; i++)
        if (in_order ? i < kept : chance(random, 2))
            disk_apply(disk, &disk->changes[i], true, true);
}

static void copy_entries(struct entries *to, const struct entries *from)
{
    for (size_t i = 0; i < from->count; i++)
        disk_set(to, from->list[i].name, from->list[i].inode);
}

struct disk *disk_after_crash(const struct disk *disk, uint64_t seed)
{
    struct random_source random = {seed};
    struct disk *after = disk_new(random_bits(&random));
    after->clock = disk->clock + 1000000000;
    after->no_tmpfile = disk->no_tmpfile;
    /* Inodes keep their numbers; those that no name leads to are in nobody's way. */
    while (after->inode_count < disk->inode_count)
        disk_inode(after, false, 0);
    for (size_t i = 0; i < disk->inode_count; i++) {
        after->inodes[i].directory = disk->inodes[i].directory;
        after->inodes[i].mode = disk->inodes[i].mode;
        copy_entries(&after->inodes[i].disk.entries, &disk->inodes[i].disk.entries);
    }
    after->change_count = disk->change_count;
    after->changes =
        disk_grow(NULL, disk->change_count, &after->change_capacity, sizeof *after->changes);
    if (disk->change_count)
        memcpy(after->changes, disk->changes, disk->change_count * sizeof *disk->changes);
    lose_changes(after, &random);
    after->change_count = 0;
    for (size_t i = 0; i < after->inode_count; i++) {
        const struct entries *entries = &after->inodes[i].disk.entries;
        copy_entries(&after->inodes[i].now.entries, entries);
        for (size_t n = 0; n < entries->count; n++)
            after->inodes[entries->list[n].inode].names++;
    }
    for (size_t i = 0; i < after->inode_count; i++) {
        struct inode *inode = &after->inodes[i];
        if (inode->directory || !inode->names)
            continue;
        lose_file(disk, &disk->inodes[i], &random, &inode->now);
        disk_resize(&inode->disk, inode->now.size);
        if (inode->now.size)
            memcpy(inode->disk.data, inode->now.data, inode->now.size);
    }
    return after;
}
