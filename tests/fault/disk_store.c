/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and directories of the disk in memory, as they are and as they are on disk. */
#include "disk_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *disk_grow(void *memory, size_t count, size_t *capacity, size_t bytes)
{
    if (count <= *capacity)
        return memory;
    size_t wanted = *capacity ? *capacity : 8;
    while (wanted < count)
        wanted *= 2;
    memory = realloc(memory, wanted * bytes);
    if (!memory)
        abort();
    memset((char *)memory + *capacity * bytes, 0, (wanted - *capacity) * bytes);
    *capacity = wanted;
    return memory;
}

unsigned disk_inode(struct disk *disk, bool directory, mode_t mode)
{
    disk->inodes =
        disk_grow(disk->inodes, disk->inode_count + 1, &disk->inode_capacity, sizeof *disk->inodes);
    disk->inodes[disk->inode_count] = (struct inode){.directory = directory, .mode = mode};
    return (unsigned)disk->inode_count++;
}

void disk_image_free(struct image *image)
{
    free(image->data);
    free(image->entries.list);
}

void disk_resize(struct image *image, size_t size)
{
    image->data = disk_grow(image->data, size, &image->capacity, 1);
    if (size < image->size)
        memset(image->data + size, 0, image->size - size);
    image->size = size;
}

static void mark(struct inode *inode, size_t from, size_t to)
{
    if (to <= from)
        return;
    inode->sectors = disk_grow(inode->sectors, (to + SECTOR - 1) / SECTOR, &inode->sector_count, 1);
    for (size_t n = from / SECTOR; n <= (to - 1) / SECTOR; n++)
        inode->sectors[n] = DIRTY;
}

void disk_write_at(struct inode *inode, size_t offset, const void *data, size_t bytes)
{
    size_t old = inode->now.size;
    if (offset + bytes > old)
        disk_resize(&inode->now, offset + bytes);
    if (bytes)
        memcpy(inode->now.data + offset, data, bytes);
    mark(inode, offset < old ? offset : old, offset + bytes);
}

void disk_truncate(struct inode *inode, size_t size)
{
    size_t old = inode->now.size;
    disk_resize(&inode->now, size);
    mark(inode, size < old ? size : old, size < old ? old : size);
}

void disk_sync_file(struct inode *inode, bool fails)
{
    struct image *now = &inode->now, *disk = &inode->disk;
    if (!fails)
        disk_resize(disk, now->size);
    for (size_t n = 0; n < inode->sector_count; n++) {
        if (inode->sectors[n] != DIRTY)
            continue;
        inode->sectors[n] = fails ? GIVEN_UP : CLEAN;
        size_t from = n * SECTOR, to = from + SECTOR < now->size ? from + SECTOR : now->size;
        if (!fails && from < to)
            memcpy(disk->data + from, now->data + from, to - from);
    }
}

struct entry *disk_find(const struct entries *entries, const char *name)
{
    for (size_t i = 0; i < entries->count; i++)
        if (!strcmp(entries->list[i].name, name))
            return &entries->list[i];
    return NULL;
}

void disk_set(struct entries *entries, const char *name, unsigned inode)
{
    struct entry *entry = disk_find(entries, name);
    if (!entry) {
        entries->list =
            disk_grow(entries->list, entries->count + 1, &entries->capacity, sizeof *entries->list);
        entry = &entries->list[entries->count++];
        snprintf(entry->name, sizeof entry->name, "%s", name);
    }
    entry->inode = inode;
}

void disk_unset(struct entries *entries, const char *name)
{
    struct entry *entry = disk_find(entries, name);
    if (entry)
        *entry = entries->list[--entries->count];
}

static void apply(struct entries *from, struct entries *to, const struct change *change)
{
    if (from) {
        const struct entry *entry = disk_find(from, change->from);
        if (entry && entry->inode == change->inode)
            disk_unset(from, change->from);
    }
    if (to)
        disk_set(to, change->to, change->inode);
}

void disk_apply(struct disk *disk, const struct change *change, bool from, bool to)
{
    apply(from && change->from[0] ? &disk->inodes[change->from_directory].disk.entries : NULL,
          to && change->to[0] ? &disk->inodes[change->to_directory].disk.entries : NULL, change);
}

void disk_change(struct disk *disk, const struct change *change)
{
    struct inode *inodes = disk->inodes;
    bool from = change->from[0], to = change->to[0];
    if (to) {
        const struct entry *replaced =
            disk_find(&inodes[change->to_directory].now.entries, change->to);
        if (replaced)
            inodes[replaced->inode].names--;
        inodes[change->inode].names++;
    }
    if (from)
        inodes[change->inode].names--;
    apply(from ? &inodes[change->from_directory].now.entries : NULL,
          to ? &inodes[change->to_directory].now.entries : NULL, change);
    disk->changes = disk_grow(disk->changes, disk->change_count + 1, &disk->change_capacity,
                              sizeof *disk->changes);
    disk->changes[disk->change_count] = *change;
    disk->changes[disk->change_count].from_safe = !from;
    disk->changes[disk->change_count++].to_safe = !to;
}

void disk_sync_directory(struct disk *disk, unsigned directory)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        struct change *change = &disk->changes[i];
        change->from_safe |= change->from_directory == directory;
        change->to_safe |= change->to_directory == directory;
        if (change->from_safe && change->to_safe)
            disk_apply(disk, change, true, true);
        else
            disk->changes[kept++] = *change;
    }
    disk->change_count = kept;
}
