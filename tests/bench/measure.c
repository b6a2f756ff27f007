/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a command and appends what it took to a file, one tab-separated line a run:
 *     wall seconds, user CPU seconds, system CPU seconds, peak resident KiB, exit status
 * CPU is that of the command and all its descendants that were waited for; the peak is that of the
 * largest one. A command that a signal ended has the status 128 + the signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t running; /* process group to kill when time is up */

static const char usage[] =
    "Usage: measure -a STATS [-i FILE] [-o FILE] [-e FILE] [-t SECONDS] COMMAND [ARG]...\n"
    "  -a STATS    append the figures to this file\n"
    "  -i -o -e    standard input, output and error of the command\n"
    "  -t SECONDS  kill it after this long\n";

static _Noreturn void die(const char *what, int error)
{
    fprintf(stderr, "measure: %s: %s\n", what, strerror(error));
    exit(4);
}

static void time_is_up(int signal)
{
    (void)signal;
    if (running > 0)
        kill(-running, SIGKILL);
}

static void redirect(posix_spawn_file_actions_t *actions, int fd, const char *path)
{
    int flags = fd == STDIN_FILENO ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
    int error = path ? posix_spawn_file_actions_addopen(actions, fd, path, flags, 0666) : 0;
    if (error)
        die(path, error);
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const char *stats = NULL, *redirected[3] = {NULL, NULL, NULL};
    unsigned limit_s = 0;
    int option;
    while ((option = getopt(argc, argv, "+a:i:o:e:t:")) != -1) {
        if (option == 'a')
            stats = optarg;
        else if (option == 't')
            limit_s = (unsigned)strtoul(optarg, NULL, 10);
        else if (option != '?')
            redirected[option == 'i' ? 0 : option == 'o' ? 1 : 2] = optarg;
        else
            optind = argc;
    }
    if (!stats || optind >= argc) {
        fputs(usage, stderr);
        return 2;
    }

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    for (int fd = 0; fd < 3; fd++)
        redirect(&actions, fd, redirected[fd]);
    signal(SIGALRM, time_is_up);

    pid_t child;
    extern char **environ;
    double start = now();
    int error = posix_spawnp(&child, argv[optind], &actions, &attributes, argv + optind, environ);
    if (error)
        die(argv[optind], error);
    running = child;
    alarm(limit_s);
    int status;
    struct rusage used;
    while (wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR)
            die("wait", errno);
    double wall = now() - start;
    running = 0;

    FILE *file = fopen(stats, "a");
    if (!file)
        die(stats, errno);
    fprintf(file, "%.6f\t%.6f\t%.6f\t%ld\t%d\n", wall, seconds(used.ru_utime),
            seconds(used.ru_stime), used.ru_maxrss,
            WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    if (fclose(file) != 0)
        die(stats, errno);
    return 0;
}
