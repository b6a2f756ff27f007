/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The default system table and the few helpers that everything allocates and writes with. */
#define _GNU_SOURCE
#include "base/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int default_openat(int dirfd, const char *path, int flags, mode_t mode)
{
    return openat(dirfd, path, flags, mode);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t default_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

static int64_t default_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static int default_random(void *buffer, size_t bytes)
{
    unsigned char *at = buffer;
    while (bytes) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        at += got;
        bytes -= (size_t)got;
    }
    return 0;
}

static int default_list(int dirfd, int (*each)(void *context, const char *name), void *context)
{
    /* Opened anew: the stream owns its descriptor, and a copy would share the place in it. */
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int result = 0;
    const struct dirent *entry;
    while (!result) {
        errno = 0;
        entry = readdir(directory);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            result = each(context, entry->d_name);
    }
    if (!result && errno)
        result = -1;
    int reason = errno;
    closedir(directory);
    errno = reason;
    return result;
}

const struct tcore_sys tcore_sys_default = {
    .alloc = malloc,
    .resize = realloc,
    .release = free,
    .openat = default_openat,
    .close = close,
    .read = read,
    .pread = pread,
    .write = write,
    .pwrite = pwrite,
    .fstat = fstat,
    .fstatat = fstatat,
    .ftruncate = ftruncate,
    .fsync = fsync,
    .fdatasync = fdatasync,
    .linkat = linkat,
    .renameat = renameat,
    .unlinkat = unlinkat,
    .mkdirat = mkdirat,
    .flock = flock,
    .list = default_list,
    .poll = poll,
    .wall_ns = default_wall_ns,
    .monotonic_ns = default_monotonic_ns,
    .random = default_random,
};

static const struct tcore_sys *current = &tcore_sys_default;

const struct tcore_sys *tcore_sys(void)
{
    return current;
}

void tcore_sys_set(const struct tcore_sys *sys)
{
    current = sys ? sys : &tcore_sys_default;
}

void *tcore_malloc(size_t bytes)
{
    return current->alloc(bytes ? bytes : 1);
}

void *tcore_calloc(size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    void *memory = tcore_malloc(total);
    if (memory)
        memset(memory, 0, total);
    return memory;
}

void *tcore_realloc(void *memory, size_t bytes)
{
    return current->resize(memory, bytes ? bytes : 1);
}

void *tcore_reallocarray(void *memory, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    return tcore_realloc(memory, total);
}

void tcore_free(void *memory)
{
    current->release(memory);
}

char *tcore_strndup(const char *text, size_t length)
{
    char *copy = tcore_malloc(length + 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

int tcore_write_all(int fd, const void *buffer, size_t bytes)
{
    const char *at = buffer;
    while (bytes) {
        ssize_t done = current->write(fd, at, bytes);
        if (done < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EAGAIN) {
                struct pollfd ready = {.fd = fd, .events = POLLOUT};
                if (current->poll(&ready, 1, -1) < 0 && errno != EINTR)
                    return -1;
                continue;
            }
            return -1;
        }
        at += done;
        bytes -= (size_t)done;
    }
    return 0;
}

ssize_t tcore_read_some(int fd, void *buffer, size_t bytes)
{
    for (;;) {
        ssize_t got = current->read(fd, buffer, bytes);
        if (got >= 0 || (errno != EINTR && errno != EAGAIN))
            return got;
        if (errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLIN};
            if (current->poll(&ready, 1, -1) < 0 && errno != EINTR)
                return -1;
        }
    }
}

int tcore_pwrite_all(int fd, const void *buffer, size_t bytes, unsigned long long offset)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t put =
            current->pwrite(fd, (const char *)buffer + done, bytes - done, (off_t)(offset + done));
        if (put < 0 && errno != EINTR)
            return -1;
        done += put < 0 ? 0 : (size_t)put;
    }
    return 0;
}

ptrdiff_t tcore_pread_all(int fd, void *buffer, size_t bytes, unsigned long long offset)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t got =
            current->pread(fd, (char *)buffer + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (!got)
            break;
        done += (size_t)got;
    }
    return (ptrdiff_t)done;
}
