/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sampling a tree of processes, with a /proc that has more children than one read gives. */
#include "tap.h"

#include "base/sys.h"
#include "record/sample.h"

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
    return done_testing();
}
