/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting, watching and ending a helper process. */
#include "base/helper.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_both(int fd[2])
{
    for (int i = 0; i < 2; i++)
        if (fd[i] >= 0)
            tcore_sys()->close(fd[i]);
}

/* The descriptor, or a copy of it above the three standard ones. -1 and errno on failure. */
static int above_standard(int fd)
{
    if (fd > STDERR_FILENO)
        return fd;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int saved = errno;
    tcore_sys()->close(fd);
    errno = saved;
    return copy;
}

/* Sockets [0] ours, [1] the helper's; pipe [0] ours, [1] the helper's standard error. */
static int make_channels(int sockets[2], int pipes[2])
{
    sockets[0] = sockets[1] = pipes[0] = pipes[1] = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0 ||
        pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if ((sockets[i] = above_standard(sockets[i])) < 0 ||
            (pipes[i] = above_standard(pipes[i])) < 0)
            return -1;
    return 0;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int bad = posix_spawnattr_setsigmask(attributes, &none);
    bad |= posix_spawnattr_setsigdefault(attributes, &all);
    bad |= posix_spawnattr_setpgroup(attributes, 0);
    bad |= posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
    return bad;
}

/* 0 or an error number. */
static int spawn(pid_t *pid, const char *path, char *const *argv, int socket, int messages)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *environment[] = {NULL};
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    if (posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO) ||
        posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO) ||
        posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO) ||
        set_attributes(&attributes))
        error = ENOMEM;
    else
        error = posix_spawn(pid, path, &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int tcore_helper_start(struct tcore_helper *h, const char *path, char *const *argv,
                       int64_t watchdog_ns)
{
    int sockets[2], pipes[2];
    *h = (struct tcore_helper){.socket = -1, .messages = -1, .watchdog_ns = watchdog_ns};
    int error = make_channels(sockets, pipes) == 0 ? 0 : errno;
    if (!error)
        error = spawn(&h->pid, path, argv, sockets[1], pipes[1]);
    if (error) {
        close_both(sockets);
        close_both(pipes);
        return error;
    }
    h->socket = sockets[0];
    h->messages = pipes[0];
    tcore_sys()->close(sockets[1]);
    tcore_sys()->close(pipes[1]);
    return 0;
}

static void await_end(struct tcore_helper *h)
{
    if (!h->pid)
        return;
    while (waitpid(h->pid, &h->wait_status, 0) < 0 && errno == EINTR)
        ;
    h->pid = 0;
}

void tcore_helper_kill(struct tcore_helper *h)
{
    if (h->pid)
        kill(h->pid, SIGKILL);
    await_end(h);
}

void tcore_helper_stop(struct tcore_helper *h)
{
    tcore_helper_kill(h);
    if (h->socket >= 0)
        tcore_sys()->close(h->socket);
    if (h->messages >= 0)
        tcore_sys()->close(h->messages);
    h->socket = h->messages = -1;
}

void tcore_helper_begin(struct tcore_helper *h)
{
    h->deadline_ns = tcore_sys()->monotonic_ns() + h->watchdog_ns;
}

/* It closed the socket. */
static enum tcore_helper_end died(struct tcore_helper *h)
{
    await_end(h);
    ssize_t got = tcore_sys()->read(h->messages, h->words, sizeof h->words - 1);
    h->words[got > 0 ? got : 0] = '\0';
    h->words[strcspn(h->words, "\r\n")] = '\0';
    for (char *at = h->words; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    return TCORE_HELPER_DIED;
}

/* Waits until the socket is ready. */
static enum tcore_helper_end await(struct tcore_helper *h, short events)
{
    for (;;) {
        int64_t left = h->deadline_ns - tcore_sys()->monotonic_ns();
        if (left <= 0) {
            tcore_helper_kill(h);
            return TCORE_HELPER_SLOW;
        }
        int64_t left_ms = left / 1000000 + 1;
        struct pollfd ready = {.fd = h->socket, .events = events};
        int n = tcore_sys()->poll(&ready, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
        if (n > 0)
            return TCORE_HELPER_WELL;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return TCORE_HELPER_BROKEN;
    }
}

enum tcore_helper_end tcore_helper_send(struct tcore_helper *h, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes) {
        ssize_t put = send(h->socket, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put >= 0) {
            at += put;
            bytes -= (size_t)put;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            enum tcore_helper_end end = await(h, POLLOUT);
            if (end != TCORE_HELPER_WELL)
                return end;
        } else if (errno != EINTR) {
            return died(h);
        }
    }
    return TCORE_HELPER_WELL;
}

enum tcore_helper_end tcore_helper_receive(struct tcore_helper *h, void *data, size_t bytes)
{
    char *at = data;
    while (bytes) {
        ssize_t got = recv(h->socket, at, bytes, MSG_DONTWAIT);
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
        } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            enum tcore_helper_end end = await(h, POLLIN);
            if (end != TCORE_HELPER_WELL)
                return end;
        } else if (got == 0 || errno != EINTR) {
            return died(h);
        }
    }
    return TCORE_HELPER_WELL;
}
