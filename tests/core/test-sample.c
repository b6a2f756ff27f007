/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sampling a tree of processes, with a /proc that has more children than one read gives, and what
 * the files of a control group say. */
#include "tap.h"

#include "base/sys.h"
#include "record/execution/run_cgroup.h"
#include "record/metric/sample.h"

#include <fcntl.h>
#include <unistd.h>

enum { CHILDREN = 20000, FIRST = 1000003 };

static struct tcore_sys sys;
static char children[64];
static volatile sig_atomic_t signals;

/* The children of this process are made up; each of them is as this process is. */
static int open_made_up(int folder, const char *path, int flags, mode_t mode)
{
    int pid;
    const char *end = path + strlen(path);
    if (end - path > 9 && !strcmp(end - 9, "/children"))
        path = children;
    else if (sscanf(path, "/proc/%d/", &pid) == 1 && pid >= FIRST)
        path = strstr(path, "/stat") ? "/proc/self/stat" : "/proc/self/io";
    return tcore_sys_default.openat(folder, path, flags, mode);
}

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void write_children(void)
{
    FILE *file = fopen(children, "w");
    if (!file)
        exit(1);
    for (int i = 0; i < CHILDREN; i++)
        fprintf(file, "%d ", FIRST + i);
    fclose(file);
}

static void write_file(int folder, const char *name, const char *text)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        exit(1);
    close(fd);
}

static void test_group(void)
{
    static const char *const files[] = {"cpu.stat", "memory.current", "io.stat"};
    char folder[] = "test-sample.XXXXXX";
    struct run_cgroup_usage usage;
    if (!mkdtemp(folder))
        exit(1);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    run_cgroup_read(fd, &usage);
    ok(usage.user_ns == -1 && usage.system_ns == -1 && usage.memory_bytes == -1 &&
           usage.read_bytes == -1 && usage.write_bytes == -1,
       "without controllers nothing is known");
    write_file(fd, files[0],
               "usage_usec 30\nuser_usec 20\nsystem_usec 10\ncore_sched.force_idle_usec 0\n");
    write_file(fd, files[1], "4096\n");
    write_file(fd, files[2],
               "8:0 rbytes=100 wbytes=20 rios=1 wios=2 dbytes=7 dios=1\n"
               "254:0 rbytes=9007199254740993 wbytes=1 rios=0 wios=0 dbytes=0 dios=0\n");
    run_cgroup_read(fd, &usage);
    is_int(usage.user_ns, 20000, "its time in programs");
    is_int(usage.system_ns, 10000, "and in the kernel");
    is_int(usage.memory_bytes, 4096, "its memory");
    is_int(usage.read_bytes, 9007199254741093, "what all devices read");
    is_int(usage.write_bytes, 21, "and wrote");
    write_file(fd, files[2], "");
    run_cgroup_read(fd, &usage);
    is_int(usage.read_bytes, 0, "before any IO nothing was read");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlinkat(fd, files[i], 0);
    close(fd);
    rmdir(folder);
}

int main(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(children, sizeof children, "%s/test-sample.%ld",
             folder && strlen(folder) < 30 ? folder : "/tmp", (long)getpid());
    write_children();
    sys = tcore_sys_default;
    sys.openat = open_made_up;
    tcore_sys_set(&sys);
    struct sampler *sampler = sampler_new(getpid(), -1);
    struct sample sample;
    ok(sampler_take(sampler, &sample), "a sample is taken");
    is_int(sample.processes, 1 + CHILDREN, "of all children, however long their list");
    sampler_free(sampler);
    unlink(children);
    tcore_sys_set(NULL);
    signal(SIGTERM, count_signal);
    sampler = sampler_new(getpid(), -1);
    sampler_kill(sampler, SIGTERM);
    is_int(signals, 0, "the root gets its signal from who knows it, and only once");
    sampler_free(sampler);
    test_group();
    return done_testing();
}
