/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk that is slow, full or broken, for a program that is run with this in LD_PRELOAD: files are
 * synced after a pause of DISK_PAUSE_MS, and while the file DISK_FAULT is there, with "WHAT ERRNO"
 * in it, writes or syncs of regular files fail so, messages apart.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The error number that such a call fails with now; 0: none. */
static int fault_of(const char *what, int fd)
{
    const char *path = getenv("DISK_FAULT");
    struct stat st;
    char kind[16];
    int number = 0;
    if (!path || fd <= STDERR_FILENO || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%15s %d", kind, &number) != 2 || strcmp(kind, what) != 0)
        number = 0;
    fclose(file);
    return number;
}

static int sync_after_pause(int fd, const char *name)
{
    int (*next)(int);
    void *found = dlsym(RTLD_NEXT, name);
    const char *pause = getenv("DISK_PAUSE_MS");
    memcpy(&next, &found, sizeof next);
    errno = fault_of("sync", fd);
    if (errno)
        return -1;
    if (pause)
        usleep((useconds_t)atoi(pause) * 1000);
    return next(fd);
}

int fsync(int fd)
{
    return sync_after_pause(fd, "fsync");
}

int fdatasync(int fd)
{
    return sync_after_pause(fd, "fdatasync");
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    ssize_t (*next)(int, const void *, size_t);
    void *found = dlsym(RTLD_NEXT, "write");
    memcpy(&next, &found, sizeof next);
    errno = fault_of("write", fd);
    return errno ? -1 : next(fd, data, bytes);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    ssize_t (*next)(int, const void *, size_t, off_t);
    void *found = dlsym(RTLD_NEXT, "pwrite");
    memcpy(&next, &found, sizeof next);
    errno = fault_of("write", fd);
    return errno ? -1 : next(fd, data, bytes, offset);
}
