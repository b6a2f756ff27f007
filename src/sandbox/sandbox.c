/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sandbox: resource limits first, which every system has; then Landlock, which closes the file
 * system; then a list of the system calls that computing needs, all others failing.
 */
#include <config.h>

#include "sandbox/sandbox.h"

#include "sandbox/landlock.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define THIS_ARCHITECTURE AUDIT_ARCH_PPC64LE
#endif

static int limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit both = {.rlim_cur = value, .rlim_max = value};
    if (setrlimit(resource, &both) == 0)
        return 0;
    struct rlimit old; /* a lower hard limit is as good */
    return getrlimit(resource, &old) == 0 && old.rlim_max <= value ? 0 : -1;
}

#ifdef THIS_ARCHITECTURE
#define LOAD(member)                                                                               \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, member))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define REFUSE        RETURN(SECCOMP_RET_ERRNO | EPERM)
#define ALLOW(name)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), RETURN(SECCOMP_RET_ALLOW)
/* The call with the low half of an argument at most highest. */
#define ALLOW_UP_TO(name, number, highest)                                                         \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD(args[number]),                     \
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (highest), 1, 0), RETURN(SECCOMP_RET_ALLOW), REFUSE

static int filter_calls(void)
{
    struct sock_filter program[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0),
        REFUSE,
        LOAD(nr),
        ALLOW_UP_TO(read, 0, 0),
        ALLOW_UP_TO(write, 0, 2),
        ALLOW_UP_TO(mmap, 2, PROT_READ | PROT_WRITE), /* nothing executable */
        ALLOW_UP_TO(mprotect, 2, PROT_READ | PROT_WRITE),
        ALLOW(brk),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(madvise),
        ALLOW(futex),
        ALLOW(getrandom),
        ALLOW(clock_gettime),
        ALLOW(gettimeofday),
#ifdef SYS_time
        ALLOW(time),
#endif
        ALLOW(sysinfo),
        ALLOW(rt_sigprocmask),
        ALLOW(rt_sigreturn),
        ALLOW(restart_syscall),
        ALLOW(exit),
        ALLOW(exit_group),
        REFUSE,
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}
#else
static int filter_calls(void)
{
    return -1; /* no list for this machine; the limits and Landlock hold */
}
#endif

int sandbox_enter(unsigned long memory_bytes)
{
    static char *nothing[] = {NULL};
    environ = nothing; /* not clearenv(): libjq walks it */
#ifdef SYS_close_range
    syscall(SYS_close_range, 3u, ~0u, 0);
#endif
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
    int failed = limit(RLIMIT_CORE, 0) | limit(RLIMIT_FSIZE, 0), layers = 0;
    failed |= memory_bytes ? limit(RLIMIT_AS, memory_bytes) : 0;
    limit(RLIMIT_NPROC, 0);
    if (landlock_close_all())
        layers |= SANDBOX_FILES;
    failed |= limit(RLIMIT_NOFILE, 0); /* what is open goes on working */
    if (filter_calls() == 0)
        layers |= SANDBOX_CALLS;
    return failed ? -1 : layers;
}
