/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The processes of a tree are found through /proc/PID/task/TID/children, which costs what the tree
 * has and not what the system has. Each is remembered by its number and start time, so that one
 * whose parent ended is not lost, and a number that was given out again is not mistaken for it.
 */
#include <config.h>

#include "record/metric/sample.h"

#include "base/map.h"
#include "base/sys.h"
#include "c-ctype.h"
#include "record/execution/run_cgroup.h"
#include "record/metric/proc_file.h"
#include "record/metric/sockets.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct process {
    pid_t pid;
    uint64_t started; /* clock ticks since boot; 0: not looked at yet */
};

struct sampler {
    pid_t root;
    int group; /* -1: none */
    struct sockets *sockets;
    struct process *process;
    size_t count, capacity;
    struct tcore_map known; /* pids of process[0..count) */
    struct sample highest;  /* counters never go back */
    bool failed;
};

/* What /proc/PID/stat and io say. */
struct usage {
    uint64_t started;
    int64_t user_ticks, system_ticks, pages, threads;
    int64_t read_bytes, write_bytes;
};

static bool read_stat(pid_t pid, struct usage *usage)
{
    char text[1024];
    const char *at = proc_stat_fields(pid, text, sizeof(text));
    if (!at)
        return false;
    long long user, kernel, child_user, child_kernel, threads, pages;
    unsigned long long started;
    if (sscanf(at,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld %*d %*d %lld %*d "
               "%llu %*u %lld",
               &user, &kernel, &child_user, &child_kernel, &threads, &started, &pages) != 7)
        return false;
    usage->started = started;
    usage->user_ticks = user + child_user;
    usage->system_ticks = kernel + child_kernel;
    usage->threads = threads;
    usage->pages = pages;
    return true;
}

/* Only the owner may look: -1 then. */
static void read_io(pid_t pid, struct usage *usage)
{
    char path[64], text[1024];
    usage->read_bytes = usage->write_bytes = -1;
    snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
    if (proc_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return;
    const char *in = strstr(text, "\nread_bytes: "), *out = strstr(text, "\nwrite_bytes: ");
    if (in && out) {
        usage->read_bytes = strtoll(in + 13, NULL, 10);
        usage->write_bytes = strtoll(out + 14, NULL, 10);
    }
}

static void remember(struct sampler *s, pid_t pid)
{
    bool added;
    uint32_t number = tcore_map_intern(&s->known, &pid, sizeof(pid), &added);
    if (number == TCORE_MAP_NONE || !added) {
        s->failed |= number == TCORE_MAP_NONE;
        return;
    }
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 16;
        void *process = tcore_reallocarray(s->process, capacity, sizeof(*s->process));
        if (!process) {
            s->failed = true;
            return;
        }
        s->process = process;
        s->capacity = capacity;
    }
    s->process[s->count++] = (struct process){.pid = pid};
}

/* Reads a list of process numbers piece by piece: there may be any number of them. */
static void remember_list(struct sampler *s, const char *path)
{
    char text[4096];
    ssize_t n;
    pid_t pid = 0;
    int fd = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    while ((n = tcore_read_some(fd, text, sizeof(text))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (c_isdigit(text[i])) {
                pid = pid * 10 + (text[i] - '0');
            } else if (pid) {
                remember(s, pid);
                pid = 0;
            }
        }
    }
    if (pid)
        remember(s, pid);
    tcore_sys()->close(fd);
}

static void remember_children(struct sampler *s, pid_t pid)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    struct dirent *entry;
    while (tasks && (entry = readdir(tasks))) {
        if (!c_isdigit(entry->d_name[0]))
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%.200s/children", (int)pid, entry->d_name);
        remember_list(s, path);
    }
    if (tasks)
        closedir(tasks);
}

struct sampler *sampler_new(pid_t root, int group)
{
    struct sampler *s = tcore_calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->sockets = sockets_new();
    if (!s->sockets || tcore_map_init(&s->known) < 0) {
        sockets_free(s->sockets);
        tcore_free(s);
        return NULL;
    }
    s->root = root;
    s->group = group;
    remember(s, root);
    return s;
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    sockets_free(s->sockets);
    tcore_map_free(&s->known);
    tcore_free(s->process);
    tcore_free(s);
}

/* Forgets the processes that ended; what is left is known by its place again. */
static void keep(struct sampler *s, const struct process *alive, size_t count)
{
    tcore_map_clear(&s->known);
    for (size_t i = 0; i < count; i++) {
        s->process[i] = alive[i];
        s->failed |=
            tcore_map_intern(&s->known, &alive[i].pid, sizeof(pid_t), NULL) == TCORE_MAP_NONE;
    }
    s->count = count;
}

static void raise_to(int64_t *highest, int64_t *now)
{
    if (*now > *highest)
        *highest = *now;
    else
        *now = *highest;
}

static void add_usage(struct sample *sample, const struct usage *usage)
{
    int64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);
    sample->cpu_user_ns += usage->user_ticks * tick_ns;
    sample->cpu_system_ns += usage->system_ticks * tick_ns;
    sample->memory_bytes += usage->pages * sysconf(_SC_PAGESIZE);
    sample->threads += usage->threads;
    sample->processes++;
    if (usage->read_bytes < 0 || sample->read_bytes < 0) {
        sample->read_bytes = sample->write_bytes = -1;
    } else {
        sample->read_bytes += usage->read_bytes;
        sample->write_bytes += usage->write_bytes;
    }
}

static void remember_member(void *context, pid_t pid)
{
    remember(context, pid);
}

/* What the group says is of processes that have ended, too, whoever waited for them. */
static void ask_group(const struct sampler *s, struct sample *sample)
{
    struct run_cgroup_usage usage;
    run_cgroup_read(s->group, &usage);
    sample->cpu_of_group = usage.user_ns >= 0 && usage.system_ns >= 0;
    if (sample->cpu_of_group) {
        sample->cpu_user_ns = usage.user_ns;
        sample->cpu_system_ns = usage.system_ns;
    }
    sample->memory_of_group = usage.memory_bytes >= 0;
    if (sample->memory_of_group)
        sample->memory_bytes = usage.memory_bytes;
    sample->io_of_group = usage.read_bytes >= 0;
    if (sample->io_of_group) {
        sample->read_bytes = usage.read_bytes;
        sample->write_bytes = usage.write_bytes;
    }
}

bool sampler_take(struct sampler *s, struct sample *sample)
{
    size_t alive = 0;
    *sample =
        (struct sample){.time_ns = tcore_sys()->wall_ns(), .received_bytes = -1, .sent_bytes = -1};
    if (s->group >= 0)
        run_cgroup_processes(s->group, remember_member, s);
    for (size_t i = 0; i < s->count; i++) { /* grows while it is walked */
        struct process process = s->process[i];
        struct usage usage;
        if (!read_stat(process.pid, &usage) ||
            (process.started && process.started != usage.started))
            continue;
        process.started = usage.started;
        remember_children(s, process.pid);
        read_io(process.pid, &usage);
        sockets_add(s->sockets, process.pid);
        add_usage(sample, &usage);
        s->process[alive++] = process;
    }
    keep(s, s->process, alive);
    if (s->group >= 0)
        ask_group(s, sample);
    (void)sockets_take(s->sockets, &sample->received_bytes, &sample->sent_bytes);
    raise_to(&s->highest.cpu_user_ns, &sample->cpu_user_ns);
    raise_to(&s->highest.cpu_system_ns, &sample->cpu_system_ns);
    if (sample->read_bytes >= 0) {
        raise_to(&s->highest.read_bytes, &sample->read_bytes);
        raise_to(&s->highest.write_bytes, &sample->write_bytes);
    }
    return alive > 0 && !s->failed;
}

void sampler_kill(struct sampler *s, int signal_number)
{
    struct sample unused;
    sampler_take(s, &unused);
    for (size_t i = 0; i < s->count; i++)
        if (s->process[i].pid != s->root)
            kill(s->process[i].pid, signal_number);
}

/* --- records --- */

enum { PROC, GROUP, SOCKETS, SOURCES };

/* What points have in common, by where their values are from. */
struct sources {
    struct metric_moment by[SOURCES];
    struct tcore_buf common[SOURCES];
};

static void name_sources(struct sources *s, const struct metric_moment *moment)
{
    static const char *const names[] = {"proc", "cgroup", "sock_diag"};
    *s = (struct sources){0};
    for (int i = 0; i < SOURCES; i++) {
        tcore_buf_printf(&s->common[i], "%s,\"metadata\":{\"source\":\"%s\"}", moment->common,
                         names[i]);
        tcore_buf_putc(&s->common[i], '\0');
        s->by[i] = *moment;
        s->by[i].common = s->common[i].failed ? "" : s->common[i].data;
    }
}

/* Both directions of an IO counter. */
static void put_both(struct tcore_buf *out, const struct metric_series *series, const char *what,
                     const struct metric_moment *moment, const char *const directions[2],
                     int64_t first, int64_t second)
{
    char dimensions[64];
    for (int i = 0; i < 2; i++) {
        snprintf(dimensions, sizeof(dimensions), "\"%s.io.direction\":\"%s\"", what, directions[i]);
        metric_point_int(out, series, dimensions, moment, i ? second : first);
    }
}

void sample_put(struct tcore_buf *out, const struct sample *sample, const struct sample *before,
                const struct metric_moment *moment)
{
    static const struct metric_series utilization = {"process.cpu.utilization", "1", false},
                                      time = {"process.cpu.time", "s", true},
                                      memory = {"process.memory.usage", "By", false},
                                      io = {"process.disk.io", "By", true},
                                      network = {"process.network.io", "By", true},
                                      processes = {"process.count", "{process}", false},
                                      threads = {"process.thread.count", "{thread}", false};
    int64_t since = before ? before->time_ns : moment->start_ns;
    int64_t used = sample->cpu_user_ns + sample->cpu_system_ns -
                   (before ? before->cpu_user_ns + before->cpu_system_ns : 0);
    double elapsed = (double)(sample->time_ns - since);
    struct sources sources;
    name_sources(&sources, moment);
    const struct metric_moment *cpu = &sources.by[sample->cpu_of_group ? GROUP : PROC];
    metric_point_double(out, &utilization, "", cpu, elapsed > 0 ? (double)used / elapsed : 0);
    metric_point_double(out, &time, "\"cpu.mode\":\"user\"", cpu,
                        (double)sample->cpu_user_ns / 1e9);
    metric_point_double(out, &time, "\"cpu.mode\":\"system\"", cpu,
                        (double)sample->cpu_system_ns / 1e9);
    metric_point_int(out, &memory, "", &sources.by[sample->memory_of_group ? GROUP : PROC],
                     sample->memory_bytes);
    if (sample->read_bytes >= 0)
        put_both(out, &io, "disk", &sources.by[sample->io_of_group ? GROUP : PROC],
                 (const char *[]){"read", "write"}, sample->read_bytes, sample->write_bytes);
    if (sample->received_bytes >= 0)
        put_both(out, &network, "network", &sources.by[SOCKETS],
                 (const char *[]){"receive", "transmit"}, sample->received_bytes,
                 sample->sent_bytes);
    metric_point_int(out, &processes, "", &sources.by[PROC], sample->processes);
    metric_point_int(out, &threads, "", &sources.by[PROC], sample->threads);
    for (int i = 0; i < SOURCES; i++) {
        out->failed |= sources.common[i].failed;
        tcore_buf_free(&sources.common[i]);
    }
}
