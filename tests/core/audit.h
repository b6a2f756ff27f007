/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A repository of nothing but an audit log, in a directory of its own. */
#ifndef TRACECORE_TESTS_CORE_AUDIT_H
#define TRACECORE_TESTS_CORE_AUDIT_H

#include "store/audit.h"

#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char audit_path[] = "test-audit.XXXXXX";
static int audit_dir = -1;

static inline bool audit_begin(void)
{
    return mkdtemp(audit_path) && (audit_dir = open(audit_path, O_RDONLY | O_DIRECTORY)) >= 0;
}

/* Takes away what is in the directory of that name (NULL: in the repository). */
static inline void audit_empty(const char *name)
{
    int fd = openat(audit_dir, name ? name : ".", O_RDONLY | O_DIRECTORY);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);

    for (struct dirent *e; directory && (e = readdir(directory));)
        if (e->d_name[0] != '.')
            unlinkat(fd, e->d_name, 0);
    if (directory)
        closedir(directory);
    if (name)
        unlinkat(audit_dir, name, AT_REMOVEDIR);
}

static inline void audit_end(void)
{
    audit_empty("quarantine");
    audit_empty(NULL);
    close(audit_dir);
    ok(rmdir(audit_path) == 0, "nothing is left behind");
}

static inline void audit_put(const char *name, const char *text, size_t length)
{
    int fd = openat(audit_dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

    if (fd < 0 || write(fd, text, length) != (ssize_t)length)
        printf("# cannot write %s\n", name);
    close(fd);
}

/* The bytes of a file, NUL-terminated; to be freed. */
static inline char *audit_get(const char *name, size_t *length)
{
    int fd = openat(audit_dir, name, O_RDONLY);
    struct stat st = {0};
    char *text;

    if (fd >= 0)
        fstat(fd, &st);
    text = calloc(1, (size_t)st.st_size + 1);
    *length = 0;
    for (ssize_t got;
         fd >= 0 && (got = read(fd, text + *length, (size_t)st.st_size - *length)) > 0;)
        *length += (size_t)got;
    if (fd >= 0)
        close(fd);
    return text;
}

static inline enum tcore_status audit_event(const char *action, const char *details,
                                            struct tcore_audit_place *place)
{
    struct tcore_audit_event event = {action, details, 1000, "anna"};
    struct tcore_error err;

    return tcore_audit_append(audit_dir, &event, place, &err);
}

#endif
