/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The child stays in our process group, so that job control and keys on the terminal reach both;
 * such signals come from the kernel and are not passed on a second time. Those that somebody sent
 * to us alone are.
 */
#include <config.h>

#include "record/execution/run_child.h"

#include "base/sys.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

static void set_or_unset(const char *name, const char *value)
{
    if (value)
        (void)setenv(name, value, 1);
    else
        (void)unsetenv(name);
}

static _Noreturn void become(struct cli *cli, char **argv, const struct child *child,
                             const struct child_context *context, int report)
{
    cli_child_signals(cli);
    if (child->ignored)
        signal(SIGCHLD, SIG_IGN);
    sigprocmask(SIG_SETMASK, &child->before, NULL);
    set_or_unset("TRACEPARENT", context->traceparent);
    set_or_unset("TRACESTATE", context->tracestate);
    set_or_unset("TRACE_TO", context->destination);
    execvp(argv[0], argv);
    int errnum = errno;
    (void)tcore_write_all(report, &errnum, sizeof(errnum));
    _exit(127);
}

static bool open_signals(struct child *child)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
        sigaddset(&set, passed_on[i]);
    /* where SIGCHLD is ignored, children leave no status */
    child->ignored = signal(SIGCHLD, SIG_DFL) == SIG_IGN;
    sigprocmask(SIG_BLOCK, &set, &child->before);
    child->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return child->signals >= 0;
}

static enum tcore_status failed(struct child *child, const char *what, struct tcore_error *err)
{
    int errnum = errno;
    child_close(child);
    return tcore_error_errno(err, TCORE_FATAL, errnum, "%s", what);
}

/* In the group from its first instruction on, or like any other. */
static pid_t start_process(struct run_cgroup *cgroup)
{
    pid_t pid = cgroup->folder >= 0 ? run_cgroup_fork(cgroup) : -1;
    if (pid >= 0)
        return pid;
    run_cgroup_close(cgroup);
    return fork();
}

enum tcore_status child_start(struct child *child, struct cli *cli, char **argv,
                              const struct child_context *context, struct run_cgroup *cgroup,
                              struct tcore_error *err)
{
    int report[2];
    *child = (struct child){.signals = -1};
    if (!open_signals(child))
        return failed(child, "cannot watch for signals", err);
    if (pipe2(report, O_CLOEXEC) < 0)
        return failed(child, "cannot make a pipe", err);
    child->pid = start_process(cgroup);
    if (child->pid == 0)
        become(cli, argv, child, context, report[1]);
    int errnum = errno;
    close(report[1]);
    if (child->pid < 0) {
        close(report[0]);
        errno = errnum;
        return failed(child, "cannot start a process", err);
    }
    if (tcore_read_some(report[0], &child->exec_errnum, sizeof(int)) != sizeof(int))
        child->exec_errnum = 0;
    close(report[0]);
    if (child->exec_errnum)
        while (wait4(child->pid, &child->wait_status, 0, &child->usage) < 0 && errno == EINTR)
            ;
    return TCORE_OK;
}

static void pass_on(const struct child *child)
{
    struct signalfd_siginfo info;
    while (read(child->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
            kill(child->pid, (int)info.ssi_signo);
}

bool child_wait(struct child *child, int64_t until_ns)
{
    for (;;) {
        pid_t pid = wait4(child->pid, &child->wait_status, WNOHANG, &child->usage);
        if (pid == child->pid)
            return true;
        if (pid < 0 && errno != EINTR) {
            child->wait_errnum = errno;
            return true;
        }
        int64_t left_ns = until_ns - tcore_sys()->monotonic_ns();
        if (left_ns <= 0)
            return false;
        struct pollfd poll_fd = {.fd = child->signals, .events = POLLIN};
        struct timespec timeout = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
        if (ppoll(&poll_fd, 1, until_ns == INT64_MAX ? NULL : &timeout, NULL) > 0)
            pass_on(child);
    }
}

/* Whether a signal has come that ends programs. */
static bool is_to_end(const struct child *child)
{
    struct signalfd_siginfo info;
    bool ends = false;
    while (read(child->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        ends |= info.ssi_signo == SIGHUP || info.ssi_signo == SIGINT || info.ssi_signo == SIGQUIT ||
                info.ssi_signo == SIGTERM;
    return ends;
}

bool child_wait_for(const struct child *child, int fd, int64_t until_ns)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = child->signals, .events = POLLIN}};
    (void)is_to_end(child); /* what the command was meant by, too */
    for (;;) {
        int64_t left_ns = until_ns - tcore_sys()->monotonic_ns();
        if (left_ns <= 0)
            return false;
        (void)tcore_sys()->poll(fds, 2, (int)(left_ns / 1000000) + 1);
        if (fds[0].revents)
            return true;
        if (fds[1].revents && is_to_end(child))
            return false;
    }
}

void child_close(struct child *child)
{
    if (child->signals >= 0)
        close(child->signals);
    sigprocmask(SIG_SETMASK, &child->before, NULL);
}
