/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A segment's file in memory for the tests of segments, and chance that is none.
 */
#ifndef TRACECORE_TESTS_CORE_MEMORY_FILE_H
#define TRACECORE_TESTS_CORE_MEMORY_FILE_H

#include "base/buf.h"
#include "base/sys.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file in memory, which descriptor 1000 is. */
#define FILE_FD 1000
static struct tcore_buf file;
static size_t write_limit = SIZE_MAX; /* bytes until the disk is full */

static ssize_t memory_write(int fd, const void *data, size_t bytes)
{
    (void)fd;
    size_t room = file.length < write_limit ? write_limit - file.length : 0;
    if (bytes && !room) {
        errno = ENOSPC;
        return -1;
    }
    bytes = bytes < room ? bytes : room;
    char *memory = realloc(file.data, file.length + bytes + 1);
    memcpy(memory + file.length, data, bytes);
    file.data = memory;
    file.length += bytes;
    return (ssize_t)bytes;
}

static ssize_t memory_pread(int fd, void *data, size_t bytes, off_t at)
{
    (void)fd;
    size_t left = (size_t)at < file.length ? file.length - (size_t)at : 0;
    bytes = bytes < left ? bytes : left;
    if (bytes)
        memcpy(data, file.data + at, bytes);
    return (ssize_t)bytes;
}

static int memory_fstat(int fd, struct stat *st)
{
    (void)fd;
    *st = (struct stat){.st_mode = S_IFREG | 0640, .st_size = (off_t)file.length};
    return 0;
}

static int memory_close(int fd)
{
    (void)fd;
    return 0;
}

/* The same every time: so are every key and the size of a segment. */
static int no_chance(void *buffer, size_t bytes)
{
    memset(buffer, 0x5a, bytes);
    return 0;
}

/* Replaces what files and chance are. */
static void use_memory(struct tcore_sys *sys)
{
    sys->random = no_chance;
    sys->write = memory_write;
    sys->pread = memory_pread;
    sys->fstat = memory_fstat;
    sys->close = memory_close;
}

#endif
