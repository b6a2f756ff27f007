/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which group is ours to divide: systemd says so in an extended attribute (its
 * CGROUP_DELEGATION.md), and where it does not run, a group that belongs to us without our being
 * root was given to us, as is the root of a namespace of control groups. That root owns everything
 * says nothing. Limits stay as they are, as what is below our group has its limits too.
 */
#include <config.h>

#include "record/execution/run_cgroup.h"

#include "base/sys.h"
#include "record/metric/proc_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PREFIX "tracecore-run."
#define ASIDE  ".recorder"
#define MOVES  100 /* rounds in which survivors are moved: they may fork meanwhile */

/* ---- finding ours ---- */

/* Our group's path, as /proc/self/cgroup has it, without a newline. */
static bool read_path(char path[PATH_MAX])
{
    char text[2 * PATH_MAX];
    if (proc_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof text) <= 0)
        return false;
    const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (!line)
        return false;
    line += *line == '\n' ? 4 : 3;
    size_t length = strcspn(line, "\n");
    if (length >= PATH_MAX || *line != '/')
        return false;
    memcpy(path, line, length);
    path[length] = '\0';
    return true;
}

/* Blanks and the like are escaped by three octal digits. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        bool escaped = at[0] == '\\' && at[1] && at[2] && at[3];
        *to++ = escaped ? (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')) : *at;
        at += escaped ? 3 : 0;
    }
    *to = '\0';
}

/* Whether the line is of a mount of version 2 that has our group, and where that is then. */
static bool locate(char *line, const char *path, char out[2 * PATH_MAX])
{
    char *type = strstr(line, " - cgroup2 ");
    char *root = line, *point;
    if (!type)
        return false;
    *type = '\0';
    for (int field = 0; root && field < 3; field++)
        root = strchr(root + 1, ' ');
    if (!root || !(point = strchr(++root, ' ')))
        return false;
    *point++ = '\0';
    point[strcspn(point, " ")] = '\0';
    unescape(root);
    unescape(point);
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, length) != 0 || (path[length] && path[length] != '/'))
        return false;
    return snprintf(out, 2 * PATH_MAX, "%s%s", point, path + length) < 2 * PATH_MAX;
}

static int open_folder(int at, const char *path)
{
    return tcore_sys()->openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0);
}

/* -1: there is none. */
static int open_ours(char path[PATH_MAX])
{
    char place[2 * PATH_MAX], *line = NULL;
    size_t size = 0;
    bool found = false;
    FILE *mounts = read_path(path) ? fopen("/proc/self/mountinfo", "re") : NULL;
    while (mounts && !found && getline(&line, &size, mounts) > 0)
        found = locate(line, path, place);
    free(line);
    if (mounts)
        fclose(mounts);
    return found ? open_folder(AT_FDCWD, place) : -1;
}

static bool has_attribute(int folder, const char *name)
{
    char value[4];
    return fgetxattr(folder, name, value, sizeof value) == 1 && *value == '1';
}

static bool is_delegated(int folder, const char *path)
{
    struct stat st;
    const char *name = strrchr(path, '/') + 1;
    if (faccessat(folder, "cgroup.events", F_OK, 0) < 0 || /* the root of all */
        faccessat(folder, ".", W_OK, AT_EACCESS) < 0 || fstat(folder, &st) < 0)
        return false;
    if (has_attribute(folder, "user.delegate") || has_attribute(folder, "trusted.delegate") ||
        strncmp(name, PREFIX, strlen(PREFIX)) == 0)
        return true;
    bool systemd = faccessat(AT_FDCWD, "/run/systemd/system", F_OK, 0) == 0;
    return !systemd && st.st_uid == geteuid() && (st.st_uid != 0 || !*name);
}

/* ---- changing it ---- */

static bool put(int folder, const char *name, const char *text)
{
    int fd = tcore_sys()->openat(folder, name, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    tcore_sys()->close(fd);
    return good;
}

/* Removes a group that nobody is in, and those below it. */
static void remove_group(int at, const char *name)
{
    int folder = open_folder(at, name);
    DIR *entries = folder >= 0 ? fdopendir(folder) : NULL;
    struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        if (entry->d_type == DT_DIR && *entry->d_name != '.')
            remove_group(folder, entry->d_name);
    if (entries)
        closedir(entries);
    else if (folder >= 0)
        tcore_sys()->close(folder);
    (void)unlinkat(at, name, AT_REMOVEDIR);
}

/* A recorder that was killed could not remove its group. */
static void sweep(int ours)
{
    int folder = open_folder(ours, ".");
    DIR *entries = folder >= 0 ? fdopendir(folder) : NULL;
    struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        long pid = strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0
                       ? atol(entry->d_name + strlen(PREFIX))
                       : 0;
        if (pid > 0 && (pid == getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH)))
            remove_group(ours, entry->d_name);
    }
    if (entries)
        closedir(entries);
    else if (folder >= 0)
        tcore_sys()->close(folder);
}

static bool are_alone(int ours)
{
    char text[64], self[16];
    snprintf(self, sizeof self, "%d\n", (int)getpid());
    return proc_read(ours, "cgroup.procs", text, sizeof text) > 0 && strcmp(text, self) == 0;
}

static void come_back(struct run_cgroup *c)
{
    char name[sizeof c->name + sizeof ASIDE];
    (void)put(c->ours, "cgroup.subtree_control", "-memory");
    (void)put(c->ours, "cgroup.subtree_control", "-io");
    (void)put(c->ours, "cgroup.procs", "0");
    snprintf(name, sizeof name, "%s" ASIDE, c->name);
    (void)unlinkat(c->ours, name, AT_REMOVEDIR);
    c->aside = false;
}

/* Groups below one that processes are in cannot have controllers of memory and IO. */
static void step_aside(struct run_cgroup *c)
{
    char name[sizeof c->name + sizeof ASIDE], path[sizeof name + 16], controllers[256];
    if (proc_read(c->ours, "cgroup.controllers", controllers, sizeof controllers) <= 0 ||
        !(strstr(controllers, "memory") || strstr(controllers, "io")) || !are_alone(c->ours))
        return;
    snprintf(name, sizeof name, "%s" ASIDE, c->name);
    snprintf(path, sizeof path, "%s/cgroup.procs", name);
    c->aside = mkdirat(c->ours, name, 0755) == 0;
    if (!c->aside)
        return;
    bool moved = put(c->ours, path, "0");
    bool memory = moved && put(c->ours, "cgroup.subtree_control", "+memory");
    bool io = moved && put(c->ours, "cgroup.subtree_control", "+io");
    if (!memory && !io)
        come_back(c);
}

bool run_cgroup_open(struct run_cgroup *c)
{
    char path[PATH_MAX];
    *c = (struct run_cgroup){.folder = -1, .ours = open_ours(path)};
    if (c->ours < 0 || !is_delegated(c->ours, path)) {
        run_cgroup_close(c);
        return false;
    }
    sweep(c->ours);
    snprintf(c->name, sizeof c->name, PREFIX "%d", (int)getpid());
    step_aside(c);
    if (mkdirat(c->ours, c->name, 0755) == 0)
        c->folder = open_folder(c->ours, c->name);
    if (c->folder >= 0)
        return true;
    run_cgroup_close(c);
    return false;
}

pid_t run_cgroup_fork(const struct run_cgroup *c)
{
    struct clone_args args = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)c->folder};
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void move_out(void *context, pid_t pid)
{
    const struct run_cgroup *c = context;
    char text[16];
    snprintf(text, sizeof text, "%d", (int)pid);
    (void)put(c->ours, "cgroup.procs", text);
}

static bool is_populated(int folder)
{
    char text[256];
    return proc_read(folder, "cgroup.events", text, sizeof text) > 0 &&
           strstr(text, "populated 1") != NULL;
}

void run_cgroup_close(struct run_cgroup *c)
{
    if (c->aside)
        come_back(c);
    for (int i = 0; c->folder >= 0 && i < MOVES && is_populated(c->folder); i++)
        run_cgroup_processes(c->folder, move_out, c);
    if (c->folder >= 0) {
        tcore_sys()->close(c->folder);
        remove_group(c->ours, c->name);
    }
    if (c->ours >= 0)
        tcore_sys()->close(c->ours);
    c->ours = c->folder = -1;
}

/* ---- reading ---- */

static void list_processes(int folder, void (*take)(void *context, pid_t pid), void *context)
{
    char text[4096];
    ssize_t n;
    pid_t pid = 0;
    int fd = tcore_sys()->openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    while ((n = tcore_read_some(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] != '\n') {
                pid = pid * 10 + (text[i] - '0');
                continue;
            }
            if (pid)
                take(context, pid);
            pid = 0;
        }
    tcore_sys()->close(fd);
}

void run_cgroup_processes(int folder, void (*take)(void *context, pid_t pid), void *context)
{
    int copy = open_folder(folder, ".");
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;
    list_processes(folder, take, context);
    while (entries && (entry = readdir(entries))) {
        int below = entry->d_type == DT_DIR && *entry->d_name != '.'
                        ? open_folder(folder, entry->d_name)
                        : -1;
        if (below < 0)
            continue;
        run_cgroup_processes(below, take, context);
        tcore_sys()->close(below);
    }
    if (entries)
        closedir(entries);
    else if (copy >= 0)
        tcore_sys()->close(copy);
}

/* The number behind a key that begins a line; -1: there is none. */
static int64_t number_of(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0)
            return strtoll(line + length, NULL, 10);
    }
    return -1;
}

/* The sum over all devices. */
static int64_t sum_of(const char *text, const char *key)
{
    int64_t sum = 0;
    while ((text = strstr(text, key)))
        sum += strtoll(text += strlen(key), NULL, 10);
    return sum;
}

void run_cgroup_read(int folder, struct run_cgroup_usage *usage)
{
    char text[16384];
    *usage = (struct run_cgroup_usage){-1, -1, -1, -1, -1};
    if (proc_read(folder, "cpu.stat", text, sizeof text) > 0) {
        int64_t user_us = number_of(text, "user_usec "),
                system_us = number_of(text, "system_usec ");
        usage->user_ns = user_us < 0 ? -1 : user_us * 1000;
        usage->system_ns = system_us < 0 ? -1 : system_us * 1000;
    }
    if (proc_read(folder, "memory.current", text, sizeof text) > 0)
        usage->memory_bytes = strtoll(text, NULL, 10);
    if (proc_read(folder, "io.stat", text, sizeof text) >= 0) {
        usage->read_bytes = sum_of(text, " rbytes=");
        usage->write_bytes = sum_of(text, " wbytes=");
    }
}
