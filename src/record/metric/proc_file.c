/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/metric/proc_file.h"

#include "base/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

ssize_t proc_read(int folder, const char *path, char *buffer, size_t size)
{
    int fd = tcore_sys()->openat(folder, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    ssize_t n, length = 0;
    while ((size_t)length < size - 1 &&
           (n = tcore_read_some(fd, buffer + length, size - 1 - (size_t)length)) > 0)
        length += n;
    tcore_sys()->close(fd);
    buffer[length] = '\0';
    return length;
}

const char *proc_stat_fields(pid_t pid, char *buffer, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (proc_read(AT_FDCWD, path, buffer, size) <= 0)
        return NULL;
    const char *at = strrchr(buffer, ')');
    return at && at[1] == ' ' && at[2] != 'Z' && at[2] != 'X' ? at + 2 : NULL;
}

bool proc_started(pid_t pid, uint64_t *ticks)
{
    char text[1024];
    unsigned long long started;
    const char *at = proc_stat_fields(pid, text, sizeof(text));
    if (!at || sscanf(at,
                      "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*d "
                      "%*d %llu",
                      &started) != 1)
        return false;
    *ticks = started;
    return true;
}
