/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one door to the operating system. Files, clock, randomness and memory
 * go through the table below, so that tests can fail, cut, delay and crash
 * any of them. Programs use the default table; a test installs its own with
 * tcore_sys_set() before anything else runs (not thread-safe by itself).
 *
 * Each member behaves as the POSIX call of its name: -1 and errno on failure.
 */
#ifndef TRACECORE_BASE_SYS_H
#define TRACECORE_BASE_SYS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct tcore_sys {
    /* memory; NULL on failure */
    void *(*alloc)(size_t bytes);
    void *(*resize)(void *memory, size_t bytes);
    void (*release)(void *memory);
    /* files */
    int (*openat)(int dirfd, const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *buffer, size_t bytes);
    ssize_t (*pread)(int fd, void *buffer, size_t bytes, off_t offset);
    ssize_t (*write)(int fd, const void *buffer, size_t bytes);
    ssize_t (*pwrite)(int fd, const void *buffer, size_t bytes, off_t offset);
    int (*fstat)(int fd, struct stat *st);
    int (*fstatat)(int dirfd, const char *path, struct stat *st, int flags);
    int (*ftruncate)(int fd, off_t bytes);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*linkat)(int olddir, const char *oldpath, int newdir, const char *newpath, int flags);
    int (*renameat)(int olddir, const char *oldpath, int newdir, const char *newpath);
    int (*unlinkat)(int dirfd, const char *path, int flags);
    int (*mkdirat)(int dirfd, const char *path, mode_t mode);
    int (*flock)(int fd, int operation);
    /* Hands the names in a directory, . and .. left out, to each() in no order, until it returns
     * other than 0, and returns that; 0 at the end, or -1 and errno. */
    int (*list)(int dirfd, int (*each)(void *context, const char *name), void *context);
    int (*poll)(struct pollfd *fds, nfds_t n, int timeout_ms);
    /* time, nanoseconds: since the epoch, and monotonic since an arbitrary start */
    int64_t (*wall_ns)(void);
    int64_t (*monotonic_ns)(void);
    /* fills the buffer with unpredictable bytes; 0, or -1 and errno */
    int (*random)(void *buffer, size_t bytes);
};

extern const struct tcore_sys tcore_sys_default; /* the real system */

/* The table in force; never NULL. */
const struct tcore_sys *tcore_sys(void);
/* Installs another table (NULL: the default). The table must outlive its use. */
void tcore_sys_set(const struct tcore_sys *sys);

/* Allocation through the table. Sizes of 0 give a non-NULL block. NULL on failure or overflow. */
void *tcore_malloc(size_t bytes);
void *tcore_calloc(size_t count, size_t bytes); /* zeroed, overflow checked */
void *tcore_realloc(void *memory, size_t bytes);
void *tcore_reallocarray(void *memory, size_t count, size_t bytes);
void tcore_free(void *memory);
char *tcore_strndup(const char *text, size_t length); /* NUL-terminated copy */

/* Writes everything, going on after short writes and EINTR. 0, or -1 and errno. */
int tcore_write_all(int fd, const void *buffer, size_t bytes);
/* The same at an offset of a file. */
int tcore_pwrite_all(int fd, const void *buffer, size_t bytes, unsigned long long offset);
/* Reads once, going on after EINTR; short reads are returned as they are. */
ssize_t tcore_read_some(int fd, void *buffer, size_t bytes);
/* Reads at offset until bytes are read or the file ends; what was read, or -1 and errno. */
ptrdiff_t tcore_pread_all(int fd, void *buffer, size_t bytes, unsigned long long offset);

#endif
