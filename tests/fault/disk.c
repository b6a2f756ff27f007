/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system calls of the disk in memory. */
#include "disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

static struct disk *installed;

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

/* Without power, or without the process that makes the calls. */
static bool is_down(const struct disk *d)
{
    return d->off || d->dead;
}

/* Counts a call; whether it is to be done. If not, errno is set. */
static bool call(enum disk_call kind)
{
    struct disk *d = installed;
    if (is_down(d))
        return fail(EIO) == 0;
    struct fault *fault = &d->faults[kind];
    d->calls[kind]++;
    if (fault->at &&
        (d->calls[kind] == fault->at || (fault->lasting && d->calls[kind] > fault->at))) {
        d->failed = true;
        if (!fault->partial)
            return fail(fault->errnum) == 0;
    }
    return true;
}

/* Counts an operation; true: it is the last one, of the disk or of the process. */
static bool operation(void)
{
    struct disk *d = installed;
    d->operations++;
    d->off = d->operations == d->power_at;
    d->dead = d->operations == d->death_at;
    return is_down(d);
}

/* The end of an operation that may have been the last one. */
static int done(bool last)
{
    return last ? fail(EIO) : 0;
}

static struct descriptor *descriptor(int fd)
{
    int n = fd - FIRST_DESCRIPTOR;
    if (n < 0 || n >= DESCRIPTORS || !installed->descriptors[n].open) {
        errno = EBADF;
        return NULL;
    }
    return &installed->descriptors[n];
}

static struct inode *inode_of(int fd)
{
    struct descriptor *open = is_down(installed) ? NULL : descriptor(fd);
    if (is_down(installed))
        errno = EIO;
    return open ? &installed->inodes[open->inode] : NULL;
}

/* Where a path leads: to directory/name, and to inode if there is one (else -1). 0 or -1. */
struct place {
    unsigned directory;
    char name[NAME_BYTES];
    int inode;
};

static int find_place(int dirfd, const char *path, struct place *place)
{
    struct disk *d = installed;
    if (is_down(d))
        return fail(EIO);
    place->directory = ROOT;
    if (dirfd != AT_FDCWD) {
        const struct descriptor *open = descriptor(dirfd);
        if (!open)
            return -1;
        place->directory = open->inode;
    }
    place->inode = (int)place->directory;
    for (const char *at = path; *at;) {
        size_t length = strcspn(at, "/");
        if (place->inode < 0)
            return fail(ENOENT);
        if (!d->inodes[place->inode].directory)
            return fail(ENOTDIR);
        if (length >= NAME_BYTES)
            return fail(ENAMETOOLONG);
        if (length && !(length == 1 && *at == '.')) {
            place->directory = (unsigned)place->inode;
            memcpy(place->name, at, length);
            place->name[length] = '\0';
            const struct entry *entry =
                disk_find(&d->inodes[place->directory].now.entries, place->name);
            place->inode = entry ? (int)entry->inode : -1;
        }
        at += length;
        at += *at == '/';
    }
    return 0;
}

static int open_inode(unsigned inode, int flags)
{
    for (int n = 0; n < DESCRIPTORS; n++) {
        if (!installed->descriptors[n].open) {
            installed->descriptors[n] =
                (struct descriptor){.open = true, .inode = inode, .flags = flags};
            installed->inodes[inode].opens++;
            return FIRST_DESCRIPTOR + n;
        }
    }
    return fail(EMFILE);
}

static int create(const struct place *place, mode_t mode, bool directory, bool named)
{
    if (!call(DISK_CREATE))
        return -1;
    bool last = operation();
    unsigned inode = disk_inode(installed, directory, mode);
    if (named) {
        struct change change = {.inode = inode, .to_directory = place->directory};
        strcpy(change.to, place->name);
        disk_change(installed, &change);
    }
    return last ? fail(EIO) : (int)inode;
}

static int disk_openat(int dirfd, const char *path, int flags, mode_t mode)
{
    struct place place;
    if (find_place(dirfd, path, &place) != 0)
        return -1;
    bool temporary = (flags & O_TMPFILE) == O_TMPFILE;
    if (temporary && installed->no_tmpfile)
        return fail(EOPNOTSUPP);
    if (!temporary && place.inode >= 0 && (flags & O_CREAT) && (flags & O_EXCL))
        return fail(EEXIST);
    if (temporary || (place.inode < 0 && (flags & O_CREAT)))
        place.inode = create(&place, mode, false, !temporary);
    else if (place.inode < 0)
        return fail(ENOENT);
    else if (!call(DISK_OPEN))
        return -1;
    if (place.inode < 0)
        return -1;
    const struct inode *inode = &installed->inodes[place.inode];
    if ((flags & O_DIRECTORY) && !temporary && !inode->directory)
        return fail(ENOTDIR);
    if (inode->directory && (flags & O_ACCMODE) != O_RDONLY)
        return fail(EISDIR);
    if ((flags & O_TRUNC) && inode->now.size) {
        if (!call(DISK_TRUNCATE))
            return -1;
        bool last = operation();
        disk_truncate(&installed->inodes[place.inode], 0);
        if (last)
            return fail(EIO);
    }
    return open_inode((unsigned)place.inode, flags);
}

static int disk_close(int fd)
{
    struct descriptor *open = descriptor(fd);
    if (!open || fd == disk_root(installed))
        return open ? 0 : -1;
    installed->inodes[open->inode].opens--;
    open->open = false;
    return 0;
}

static ssize_t read_at(struct inode *inode, void *buffer, size_t bytes, size_t offset)
{
    if (inode->directory)
        return fail(EISDIR);
    if (offset >= inode->now.size)
        return 0;
    if (bytes > inode->now.size - offset)
        bytes = inode->now.size - offset;
    memcpy(buffer, inode->now.data + offset, bytes);
    return (ssize_t)bytes;
}

static ssize_t disk_pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    struct inode *inode = inode_of(fd);
    if (!inode || !call(DISK_READ))
        return -1;
    return read_at(inode, buffer, bytes, (size_t)offset);
}

static ssize_t disk_read(int fd, void *buffer, size_t bytes)
{
    struct inode *inode = inode_of(fd);
    if (!inode || !call(DISK_READ))
        return -1;
    struct descriptor *open = descriptor(fd);
    ssize_t got = read_at(inode, buffer, bytes, open->offset);
    if (got > 0)
        open->offset += (size_t)got;
    return got;
}

/* at: where, or -1 for where the descriptor is. */
static ssize_t write_somewhere(int fd, const void *buffer, size_t bytes, off_t at)
{
    struct disk *d = installed;
    struct inode *inode = inode_of(fd);
    if (!inode)
        return -1;
    struct descriptor *open = descriptor(fd);
    if ((open->flags & O_ACCMODE) == O_RDONLY)
        return fail(EBADF);
    struct fault *fault = &d->faults[DISK_WRITE];
    if (fault->now) {
        fault->now = fault->lasting;
        return fail(fault->errnum);
    }
    if (!call(DISK_WRITE))
        return -1;
    bool last = operation();
    bool partial = fault->partial && fault->at == d->calls[DISK_WRITE];
    if (last || (partial && bytes > 1))
        bytes = random_below(&d->random, bytes + last);
    fault->now = partial && fault->errnum;
    if (partial && !bytes)
        bytes = 1;
    size_t place = open->flags & O_APPEND ? inode->now.size : at < 0 ? open->offset : (size_t)at;
    disk_write_at(inode, place, buffer, bytes);
    if (at < 0)
        open->offset = place + bytes;
    return last ? fail(EIO) : (ssize_t)bytes;
}

static ssize_t disk_write(int fd, const void *buffer, size_t bytes)
{
    return write_somewhere(fd, buffer, bytes, -1);
}

static ssize_t disk_pwrite(int fd, const void *buffer, size_t bytes, off_t offset)
{
    return write_somewhere(fd, buffer, bytes, offset);
}

static int fill_stat(unsigned number, struct stat *st)
{
    const struct inode *inode = &installed->inodes[number];
    *st = (struct stat){
        .st_dev = 1,
        .st_ino = number + 1,
        .st_mode = inode->mode | (inode->directory ? S_IFDIR : S_IFREG),
        .st_nlink = inode->names,
        .st_size = (off_t)inode->now.size,
    };
    return 0;
}

static int disk_fstat(int fd, struct stat *st)
{
    return inode_of(fd) && call(DISK_STAT) ? fill_stat(descriptor(fd)->inode, st) : -1;
}

static int disk_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
    struct place place;
    (void)flags;
    if (find_place(dirfd, path, &place) != 0 || !call(DISK_STAT))
        return -1;
    return place.inode < 0 ? fail(ENOENT) : fill_stat((unsigned)place.inode, st);
}

static int disk_ftruncate(int fd, off_t bytes)
{
    struct inode *inode = inode_of(fd);
    if (!inode || !call(DISK_TRUNCATE))
        return -1;
    bool last = operation();
    disk_truncate(inode, (size_t)bytes);
    return done(last);
}

static int disk_fsync(int fd)
{
    struct inode *inode = inode_of(fd);
    if (!inode)
        return -1;
    if (!call(DISK_SYNC)) {
        if (!is_down(installed) && !inode->directory)
            disk_sync_file(inode, true);
        return -1;
    }
    if (operation())
        return fail(EIO);
    if (inode->directory)
        disk_sync_directory(installed, descriptor(fd)->inode);
    else
        disk_sync_file(inode, false);
    return 0;
}

/* The file that is linked: by path, or by its descriptor in /proc. */
static int linked(int dirfd, const char *path, int flags, struct place *place)
{
    int fd;
    if ((flags & AT_SYMLINK_FOLLOW) && sscanf(path, "/proc/self/fd/%d", &fd) == 1) {
        if (!inode_of(fd))
            return -1;
        place->inode = (int)descriptor(fd)->inode;
        return 0;
    }
    if (find_place(dirfd, path, place) != 0)
        return -1;
    return place->inode < 0 ? fail(ENOENT) : 0;
}

static int disk_linkat(int olddir, const char *oldpath, int newdir, const char *newpath, int flags)
{
    struct place old, new;
    if (linked(olddir, oldpath, flags, &old) != 0 || find_place(newdir, newpath, &new) != 0)
        return -1;
    if (new.inode >= 0)
        return fail(EEXIST);
    if (!call(DISK_NAME))
        return -1;
    bool last = operation();
    struct change change = {.inode = (unsigned)old.inode, .to_directory = new.directory};
    strcpy(change.to, new.name);
    disk_change(installed, &change);
    return done(last);
}

static int disk_renameat(int olddir, const char *oldpath, int newdir, const char *newpath)
{
    struct place old, new;
    if (linked(olddir, oldpath, 0, &old) != 0 || find_place(newdir, newpath, &new) != 0)
        return -1;
    if (!call(DISK_NAME))
        return -1;
    bool last = operation();
    struct change change = {.inode = (unsigned)old.inode,
                            .from_directory = old.directory,
                            .to_directory = new.directory};
    strcpy(change.from, old.name);
    strcpy(change.to, new.name);
    if (new.inode != old.inode)
        disk_change(installed, &change);
    return done(last);
}

static int disk_unlinkat(int dirfd, const char *path, int flags)
{
    struct place place;
    if (linked(dirfd, path, 0, &place) != 0)
        return -1;
    const struct inode *inode = &installed->inodes[place.inode];
    if (inode->directory != ((flags & AT_REMOVEDIR) != 0))
        return fail(inode->directory ? EISDIR : ENOTDIR);
    if (inode->directory && inode->now.entries.count)
        return fail(ENOTEMPTY);
    if (!call(DISK_UNLINK))
        return -1;
    bool last = operation();
    struct change change = {.inode = (unsigned)place.inode, .from_directory = place.directory};
    strcpy(change.from, place.name);
    disk_change(installed, &change);
    return done(last);
}

static int disk_mkdirat(int dirfd, const char *path, mode_t mode)
{
    struct place place;
    if (find_place(dirfd, path, &place) != 0)
        return -1;
    if (place.inode >= 0)
        return fail(EEXIST);
    return create(&place, mode, true, true) < 0 ? -1 : 0;
}

static int disk_flock(int fd, int op)
{
    if (!inode_of(fd) || !call(DISK_LOCK))
        return -1;
    struct descriptor *mine = descriptor(fd);
    int wanted = op & (LOCK_SH | LOCK_EX);
    for (int n = 0; wanted && n < DESCRIPTORS; n++) {
        const struct descriptor *other = &installed->descriptors[n];
        if (other != mine && other->open && other->inode == mine->inode && other->lock &&
            (other->lock == LOCK_EX || wanted == LOCK_EX)) {
            if (!(op & LOCK_NB)) {
                fprintf(stderr, "disk: waiting for a lock for ever\n");
                abort();
            }
            return fail(EWOULDBLOCK);
        }
    }
    mine->lock = wanted;
    return 0;
}

static int disk_list(int dirfd, int (*each)(void *context, const char *name), void *context)
{
    struct inode *inode = inode_of(dirfd);
    if (!inode || !call(DISK_LIST))
        return -1;
    for (size_t i = 0; i < inode->now.entries.count; i++) {
        int result = each(context, inode->now.entries.list[i].name);
        if (result)
            return result;
    }
    return 0;
}

static int64_t disk_clock(void)
{
    return installed->clock += 1000;
}

static int disk_random(void *buffer, size_t bytes)
{
    if (!call(DISK_RANDOM))
        return -1;
    for (unsigned char *at = buffer; bytes; at++, bytes--)
        *at = (unsigned char)random_bits(&installed->random);
    return 0;
}

struct disk *disk_new(uint64_t seed)
{
    struct disk *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->random.state = seed;
    d->clock = INT64_C(1767225600000000000) + (int64_t)(seed % 1000000);
    d->sys = tcore_sys_default;
    d->sys.openat = disk_openat;
    d->sys.close = disk_close;
    d->sys.read = disk_read;
    d->sys.pread = disk_pread;
    d->sys.write = disk_write;
    d->sys.pwrite = disk_pwrite;
    d->sys.fstat = disk_fstat;
    d->sys.fstatat = disk_fstatat;
    d->sys.ftruncate = disk_ftruncate;
    d->sys.fsync = disk_fsync;
    d->sys.fdatasync = disk_fsync;
    d->sys.linkat = disk_linkat;
    d->sys.renameat = disk_renameat;
    d->sys.unlinkat = disk_unlinkat;
    d->sys.mkdirat = disk_mkdirat;
    d->sys.flock = disk_flock;
    d->sys.list = disk_list;
    d->sys.wall_ns = disk_clock;
    d->sys.monotonic_ns = disk_clock;
    d->sys.random = disk_random;
    unsigned root = disk_inode(d, true, 0750);
    d->inodes[root].names = 1;
    d->descriptors[0] = (struct descriptor){.open = true, .inode = ROOT};
    return d;
}

void disk_free(struct disk *d)
{
    if (!d)
        return;
    if (installed == d)
        disk_install(NULL);
    for (size_t i = 0; i < d->inode_count; i++) {
        disk_image_free(&d->inodes[i].now);
        disk_image_free(&d->inodes[i].disk);
        free(d->inodes[i].sectors);
    }
    free(d->inodes);
    free(d->changes);
    free(d);
}

void disk_install(struct disk *d)
{
    installed = d;
    tcore_sys_set(d ? &d->sys : NULL);
}

int disk_root(const struct disk *d)
{
    (void)d;
    return FIRST_DESCRIPTOR;
}

void disk_lose_power_at(struct disk *d, unsigned long n)
{
    d->power_at = n ? d->operations + n : 0;
}

void disk_die_at(struct disk *d, unsigned long n)
{
    d->death_at = n ? d->operations + n : 0;
}

bool disk_is_dead(const struct disk *d)
{
    return d->dead;
}

bool disk_is_off(const struct disk *d)
{
    return d->off;
}

void disk_fail_at(struct disk *d, enum disk_call kind, unsigned long n, int errnum, bool partial,
                  bool lasting)
{
    d->faults[kind] = (struct fault){
        .at = n ? d->calls[kind] + n : 0, .errnum = errnum, .partial = partial, .lasting = lasting};
    d->failed = false;
}

bool disk_has_failed(const struct disk *d)
{
    return d->failed;
}

unsigned long disk_operations(const struct disk *d)
{
    return d->operations;
}

unsigned long disk_calls(const struct disk *d, enum disk_call kind)
{
    return d->calls[kind];
}

void disk_refuse_tmpfile(struct disk *d)
{
    d->no_tmpfile = true;
}

void disk_kill(struct disk *d)
{
    d->dead = false;
    d->death_at = 0;
    for (int n = 1; n < DESCRIPTORS; n++) {
        if (d->descriptors[n].open) {
            d->inodes[d->descriptors[n].inode].opens--;
            d->descriptors[n].open = false;
        }
    }
}

static struct inode *by_path(const struct disk *d, const char *path)
{
    struct disk *before = installed;
    struct place place = {0};
    installed = (struct disk *)(uintptr_t)d;
    int found = find_place(AT_FDCWD, path, &place);
    installed = before;
    return found == 0 && place.inode >= 0 ? &d->inodes[place.inode] : NULL;
}

const char *disk_file(const struct disk *d, const char *path, size_t *bytes)
{
    const struct inode *inode = by_path(d, path);
    if (!inode)
        return NULL;
    *bytes = inode->now.size;
    return inode->now.size ? inode->now.data : "";
}

void disk_damage(struct disk *d, const char *path, size_t offset, unsigned char flip)
{
    struct inode *inode = by_path(d, path);
    if (!inode || offset >= inode->now.size)
        abort();
    inode->now.data[offset] = (char)(inode->now.data[offset] ^ flip);
    if (offset < inode->disk.size)
        inode->disk.data[offset] = (char)(inode->disk.data[offset] ^ flip);
}
