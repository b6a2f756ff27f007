/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/signals.h"

#include "base/sys.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What handlers can reach: the requests that came (bits of CLI_CATCH_...), and who is woken. */
static volatile unsigned requests;
static volatile int wake_fd, progress_fd;
static volatile bool reloads; /* HUP asks for that; else it ends the run */

static void wake(int fd)
{
    uint64_t one = 1;
    if (fd > 0 && write(fd, &one, sizeof one) < 0)
        return; /* it is readable already */
}

void cli_wake_for_stop(void)
{
    wake(wake_fd);
}

void cli_wake_for_progress(void)
{
    wake(progress_fd);
}

static void on_signal(int number)
{
    int saved = errno;
    unsigned request = number == SIGUSR1             ? CLI_CATCH_PROGRESS
                       : number == SIGHUP && reloads ? CLI_CATCH_RELOAD
                                                     : CLI_CATCH_STOP;
    unsigned before = __atomic_fetch_or(&requests, request, __ATOMIC_RELAXED);
    if (request == CLI_CATCH_STOP && before & CLI_CATCH_STOP) {
        signal(number, SIG_DFL); /* twice: at once, when this handler returns */
        raise(number);
    } else if (request == CLI_CATCH_STOP) {
        cli_wake_for_stop();
    } else if (request == CLI_CATCH_PROGRESS) {
        cli_wake_for_progress();
    }
    errno = saved;
}

static void catch_one(int number)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigfillset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(number, &action, NULL);
}

static int open_wake_fd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd > 0 ? fd : 0;
}

void cli_catch_signals(unsigned which)
{
    if (which & CLI_CATCH_STOP) {
        uint64_t wakes;
        if (!wake_fd)
            wake_fd = open_wake_fd();
        else if (!cli_stop_requested() && read(wake_fd, &wakes, sizeof wakes) < 0)
            errno = 0; /* an earlier run was not stopped either */
        catch_one(SIGINT);
        catch_one(SIGTERM);
        catch_one(SIGHUP);
    }
    if (which & CLI_CATCH_PROGRESS) {
        if (!progress_fd)
            progress_fd = open_wake_fd();
        catch_one(SIGUSR1);
    }
    if (which & CLI_CATCH_RELOAD) {
        reloads = true;
        catch_one(SIGHUP);
    }
}

bool cli_stop_requested(void)
{
    return __atomic_load_n(&requests, __ATOMIC_RELAXED) & CLI_CATCH_STOP;
}

int cli_stop_fd(void)
{
    return wake_fd;
}

bool cli_wait_until(int64_t time_ns)
{
    struct pollfd stop = {.fd = cli_stop_fd() ? cli_stop_fd() : -1, .events = POLLIN};
    while (!cli_stop_requested()) {
        int64_t left_ns = time_ns - tcore_sys()->monotonic_ns();
        if (left_ns <= 0)
            return true;
        int64_t left_ms = (left_ns + 999999) / 1000000;
        (void)tcore_sys()->poll(&stop, 1, left_ms < 60000 ? (int)left_ms : 60000);
    }
    return false;
}

int cli_progress_fd(void)
{
    return progress_fd;
}

static bool take_request(unsigned request)
{
    if (!(__atomic_load_n(&requests, __ATOMIC_RELAXED) & request))
        return false;
    return __atomic_fetch_and(&requests, ~request, __ATOMIC_RELAXED) & request;
}

bool cli_take_progress_request(void)
{
    return take_request(CLI_CATCH_PROGRESS);
}

bool cli_take_reload_request(void)
{
    return take_request(CLI_CATCH_RELOAD);
}

void cli_block_signals(sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &set, before);
}

void cli_restore_signals(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

bool cli_ignore_sigpipe(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    return sigaction(SIGPIPE, &ignore, &before) == 0 && before.sa_handler == SIG_IGN;
}

void cli_child_signals(const struct cli *cli)
{
    struct sigaction normal = {.sa_handler = SIG_DFL};
    sigset_t none;
    if (!cli->sigpipe_was_ignored)
        (void)sigaction(SIGPIPE, &normal, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}
