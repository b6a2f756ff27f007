/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands that are run for an alert: argv as the rule file has it, each {label} in one argument,
 * no shell. A label of hostile data can only be text of that argument: one that would begin an
 * argument with a dash, and so be an option, is refused. The command has its time; then it and what
 * it has started are ended.
 */
#include <config.h>

#include "alert/notify.h"
#include "alert/template.h"

#include "base/sys.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS  5
#define GRACE_NS (INT64_C(1) * 1000000000) /* from TERM to KILL */

struct arguments {
    char **item; /* NULL-terminated; owned, and each of them */
    size_t count;
};

static void free_arguments(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++)
        tcore_free(arguments->item[i]);
    tcore_free(arguments->item);
}

static bool make_arguments(struct arguments *arguments, const struct cli_words *argv,
                           const struct tcore_json *alert, char *reason)
{
    struct tcore_buf text = {0};

    arguments->item = tcore_calloc(argv->count + 1, sizeof *arguments->item);
    for (size_t i = 0; i < argv->count && arguments->item; i++) {
        const char *template = argv->item[i];

        tcore_buf_clear(&text);
        if (i)
            template_expand(template, template_put_of_alert, alert, &text);
        else
            tcore_buf_puts(&text, template);
        bool is_option = *template == '{' && text.length && text.data[0] == '-';

        if (is_option || (text.length && memchr(text.data, 0, text.length))) {
            snprintf(reason, NOTIFY_REASON_BYTES,
                     is_option ? "argument %zu would begin with a dash"
                               : "argument %zu would have a NUL character",
                     i);
            tcore_buf_free(&text);
            return false;
        }
        if (text.failed)
            break;
        arguments->item[i] = tcore_strndup(text.length ? text.data : "", text.length);
        if (!arguments->item[i])
            break;
        arguments->count++;
    }
    tcore_buf_free(&text);
    if (arguments->count == argv->count)
        return true;
    snprintf(reason, NOTIFY_REASON_BYTES, "out of memory");
    return false;
}

/* In the child: only what is async-signal-safe. */
static _Noreturn void become(const struct cli *cli, char **argv, int input, int report)
{
    setpgid(0, 0);
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
        cli_child_signals(cli);
        execvp(argv[0], argv);
    }
    int errnum = errno;

    if (write(report, &errnum, sizeof errnum) < 0)
        _exit(126);
    _exit(127);
}

static void nap(void)
{
    (void)tcore_sys()->poll(NULL, 0, POLL_MS);
}

/* Waits to the end of the child, and ends it when its time is over. */
static bool wait_for(pid_t pid, int64_t timeout_ns, int feed, const char *line, size_t length,
                     char *reason)
{
    const struct tcore_sys *sys = tcore_sys();
    int64_t end = sys->monotonic_ns() + timeout_ns;
    bool timed_out = false, killed = false, lost = false;
    int status = 0;

    for (pid_t done = 0; done == 0;) {
        while (feed >= 0) {
            ssize_t put = length ? write(feed, line, length) : 0;

            if (put > 0) {
                line += put;
                length -= (size_t)put;
            }
            if (put < 0 && errno == EINTR)
                continue;
            if (put < 0 && errno == EAGAIN)
                break;
            if (put <= 0 || !length) { /* all is said, or it does not listen */
                close(feed);
                feed = -1;
            }
        }
        done = waitpid(pid, &status, WNOHANG);
        if (done < 0 && errno == EINTR)
            done = 0;
        lost = done < 0;
        if (done)
            break;
        int64_t now = sys->monotonic_ns();

        if (!timed_out && now >= end) {
            timed_out = true;
            kill(-pid, SIGTERM);
        } else if (timed_out && !killed && now >= end + GRACE_NS) {
            killed = true;
            kill(-pid, SIGKILL);
        }
        nap();
    }
    if (feed >= 0)
        close(feed);
    if (timed_out)
        kill(-pid, SIGKILL); /* what it has left behind */
    if (timed_out)
        snprintf(reason, NOTIFY_REASON_BYTES, "it took longer than its timeout");
    else if (lost)
        snprintf(reason, NOTIFY_REASON_BYTES, "how it ended is not known");
    else if (WIFSIGNALED(status))
        snprintf(reason, NOTIFY_REASON_BYTES, "it was ended by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status))
        snprintf(reason, NOTIFY_REASON_BYTES, "it exited with %d", WEXITSTATUS(status));
    return !timed_out && !lost && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool run(const struct cli *cli, char **argv, int64_t timeout_ns, const char *line,
                size_t length, char *reason)
{
    int input[2] = {-1, -1}, report[2] = {-1, -1}, errnum = 0;
    pid_t pid = -1;

    (void)signal(SIGCHLD, SIG_DFL); /* ignored, it would take from us how the command ends */
    if (pipe2(input, O_CLOEXEC) == 0 && pipe2(report, O_CLOEXEC) == 0)
        pid = fork();
    if (pid == 0)
        become(cli, argv, input[0], report[1]);
    if (pid < 0)
        snprintf(reason, NOTIFY_REASON_BYTES, "%s", strerror(errno));
    if (input[0] >= 0)
        close(input[0]);
    if (report[1] >= 0)
        close(report[1]);
    bool started = pid > 0 && tcore_read_some(report[0], &errnum, sizeof errnum) == 0;

    if (report[0] >= 0)
        close(report[0]);
    if (pid < 0 || !started) {
        if (pid > 0) {
            snprintf(reason, NOTIFY_REASON_BYTES, "%s: %s", argv[0], strerror(errnum));
            while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                continue;
        }
        if (input[1] >= 0)
            close(input[1]);
        return false;
    }
    (void)fcntl(input[1], F_SETFL, O_NONBLOCK);
    return wait_for(pid, timeout_ns, input[1], line, length, reason);
}

bool notify_exec(const struct cli *cli, const struct channel *channel,
                 const struct tcore_json *alert, const char *line, size_t length, char *reason)
{
    struct arguments arguments = {0};
    struct tcore_buf text = {0};
    bool done = make_arguments(&arguments, &channel->argv, alert, reason);

    tcore_buf_append(&text, line, length);
    tcore_buf_putc(&text, '\n');
    if (done && text.failed) {
        snprintf(reason, NOTIFY_REASON_BYTES, "out of memory");
        done = false;
    }
    if (done)
        done = run(cli, arguments.item, channel->timeout_ns, text.data, text.length, reason);
    tcore_buf_free(&text);
    free_arguments(&arguments);
    return done;
}
