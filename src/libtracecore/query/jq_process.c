/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starting, watching and ending the libjq helper. It is started by posix_spawn, which is safe in a
 * threaded program, in a process group of its own, so that a terminal's interrupt, which the
 * program answers by finishing what it has, does not hit the helper.
 */
#include "query/jq_process.h"

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

#define FRAME_LIMIT (UINT64_C(1) << 30)

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
static int spawn(pid_t *pid, const char *path, int socket, int messages)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char name[] = "tracecore-jq";
    char *argv[] = {name, NULL}, *environment[] = {NULL};
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

enum tcore_status tcore_jq_process_start(struct tcore_jq_process *p, const char *path,
                                         int64_t watchdog_ns, struct tcore_error *err)
{
    int sockets[2], pipes[2];
    *p = (struct tcore_jq_process){.socket = -1, .messages = -1, .watchdog_ns = watchdog_ns};
    int error = make_channels(sockets, pipes) == 0 ? 0 : errno;
    if (!error)
        error = spawn(&p->pid, path, sockets[1], pipes[1]);
    if (error) {
        close_both(sockets);
        close_both(pipes);
        return tcore_error_errno(err, TCORE_FATAL, error,
                                 "this expression needs libjq, but %s cannot be started", path);
    }
    p->socket = sockets[0];
    p->messages = pipes[0];
    tcore_sys()->close(sockets[1]);
    tcore_sys()->close(pipes[1]);
    return TCORE_OK;
}

/* Its wait status; kills it first if it runs on. */
static int reap(struct tcore_jq_process *p, bool kill_first)
{
    int status = 0;
    if (!p->pid)
        return 0;
    if (kill_first)
        kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    p->pid = 0;
    return status;
}

void tcore_jq_process_stop(struct tcore_jq_process *p)
{
    reap(p, true);
    if (p->socket >= 0)
        tcore_sys()->close(p->socket);
    if (p->messages >= 0)
        tcore_sys()->close(p->messages);
    p->socket = p->messages = -1;
}

/* The first line that it left on standard error. */
static void last_words(const struct tcore_jq_process *p, char *text, size_t size)
{
    ssize_t got = tcore_sys()->read(p->messages, text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
}

/* It closed the socket: says how it ended. */
static enum tcore_status ended(struct tcore_jq_process *p, struct tcore_error *err)
{
    char words[160];
    int status = reap(p, false);
    last_words(p, words, sizeof words);
    if (WIFEXITED(status) && WEXITSTATUS(status) == TCORE_JQ_EXIT_MEMORY)
        return tcore_error_set(err, TCORE_FATAL,
                               "the expression needed more than %u MiB and was stopped",
                               TCORE_JQ_MEMORY_BYTES >> 20);
    if (WIFSIGNALED(status))
        return tcore_error_set(err, TCORE_FATAL, "the expression made libjq crash (signal %d)%s%s",
                               WTERMSIG(status), *words ? ": " : "", words);
    return tcore_error_set(err, TCORE_FATAL, "the libjq helper ended with status %d%s%s",
                           WIFEXITED(status) ? WEXITSTATUS(status) : -1, *words ? ": " : "", words);
}

static enum tcore_status too_slow(struct tcore_jq_process *p, struct tcore_error *err)
{
    reap(p, true);
    return tcore_error_set(err, TCORE_FATAL,
                           "the expression ran longer than %g s on one batch and was stopped",
                           (double)p->watchdog_ns / 1e9);
}

/* Waits until the socket is ready. TCORE_FATAL: the deadline came first. */
static enum tcore_status await(struct tcore_jq_process *p, short events, struct tcore_error *err)
{
    for (;;) {
        int64_t left = p->deadline_ns - tcore_sys()->monotonic_ns();
        if (left <= 0)
            return too_slow(p, err);
        int64_t left_ms = left / 1000000 + 1;
        struct pollfd ready = {.fd = p->socket, .events = events};
        int n = tcore_sys()->poll(&ready, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
        if (n > 0)
            return TCORE_OK;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return tcore_error_errno(err, TCORE_FATAL, errno, "waiting for the libjq helper");
    }
}

static enum tcore_status send_bytes(struct tcore_jq_process *p, const void *data, size_t bytes,
                                    struct tcore_error *err)
{
    const char *at = data;
    while (bytes) {
        ssize_t put = send(p->socket, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put >= 0) {
            at += put;
            bytes -= (size_t)put;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            enum tcore_status status = await(p, POLLOUT, err);
            if (status != TCORE_OK)
                return status;
        } else if (errno != EINTR) {
            return ended(p, err);
        }
    }
    return TCORE_OK;
}

static enum tcore_status receive_bytes(struct tcore_jq_process *p, void *data, size_t bytes,
                                       struct tcore_error *err)
{
    char *at = data;
    while (bytes) {
        ssize_t got = recv(p->socket, at, bytes, MSG_DONTWAIT);
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
        } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            enum tcore_status status = await(p, POLLIN, err);
            if (status != TCORE_OK)
                return status;
        } else if (got == 0 || errno != EINTR) {
            return ended(p, err);
        }
    }
    return TCORE_OK;
}

static enum tcore_status check_alive(const struct tcore_jq_process *p, struct tcore_error *err)
{
    return p->pid ? TCORE_OK
                  : tcore_error_set(err, TCORE_FATAL, "the libjq helper was stopped before");
}

enum tcore_status tcore_jq_process_send(struct tcore_jq_process *p, struct tcore_jq_frame frame,
                                        const struct tcore_buf *first,
                                        const struct tcore_buf *second, struct tcore_error *err)
{
    enum tcore_status status = check_alive(p, err);
    frame.bytes = first->length + (second ? second->length : 0);
    p->deadline_ns = tcore_sys()->monotonic_ns() + p->watchdog_ns;
    if (status == TCORE_OK)
        status = send_bytes(p, &frame, sizeof frame, err);
    if (status == TCORE_OK)
        status = send_bytes(p, first->data, first->length, err);
    if (status == TCORE_OK && second)
        status = send_bytes(p, second->data, second->length, err);
    return status;
}

enum tcore_status tcore_jq_process_receive(struct tcore_jq_process *p, struct tcore_jq_frame *frame,
                                           struct tcore_buf *payload, struct tcore_error *err)
{
    enum tcore_status status = check_alive(p, err);
    if (status == TCORE_OK)
        status = receive_bytes(p, frame, sizeof *frame, err);
    if (status != TCORE_OK)
        return status;
    if (frame->bytes > FRAME_LIMIT) { /* it is a sandbox because we do not trust it */
        reap(p, true);
        return tcore_error_set(err, TCORE_FATAL, "the libjq helper gave a damaged answer");
    }
    tcore_buf_clear(payload);
    char *room = tcore_buf_reserve(payload, frame->bytes + 1);
    if (!room)
        return tcore_error_nomem(err);
    status = receive_bytes(p, room, frame->bytes, err);
    if (status != TCORE_OK)
        return status;
    payload->length = frame->bytes;
    room[frame->bytes] = '\0';
    return TCORE_OK;
}
