/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a run is: now and then with --progress, and at once when USR1 asks. */
#include <config.h>

#include "cli/filter_private.h"
#include "cli/signals.h"

#include "base/sys.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRESS_NS INT64_C(200000000)

static void append_bytes(struct tcore_buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double amount = (double)bytes;
    size_t unit = 0;
    for (; amount >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        amount /= 1024;
    tcore_buf_printf(out, unit ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

/* Under the lock. */
static void compose(struct run *run, int64_t now_ns, bool rewrite, struct tcore_buf *line)
{
    double seconds = (double)(now_ns - run->started_ns) / 1e9;
    uint64_t done = 0, total = 0;
    uint64_t rejected = __atomic_load_n(&run->cli->rejected, __ATOMIC_RELAXED);
    if (run->current && run->current->input)
        tcore_input_position(run->current->input, &done, &total);
    tcore_buf_printf(line, "%s%s: ", rewrite ? "\r" : "", run->cli->program->name);
    tcore_buf_printf(line, "%" PRIu64 " records, ", run->done.records);
    append_bytes(line, run->done.bytes);
    if (run->source_count > 1)
        tcore_buf_printf(line, ", input %zu of %zu", run->opened, run->source_count);
    if (total)
        tcore_buf_printf(line, ", %.0f %%", 100.0 * (double)done / (double)total);
    if (seconds > 0)
        tcore_buf_printf(line, ", %.0f records/s", (double)run->done.records / seconds);
    if (rejected)
        tcore_buf_printf(line, ", %" PRIu64 " rejected", rejected);
    tcore_buf_puts(line, rewrite ? "\033[K" : "\n");
}

void write_progress(struct tcore_buf *line)
{
    if (line->length && !line->failed)
        (void)tcore_write_all(STDERR_FILENO, line->data, line->length);
    tcore_buf_free(line);
}

void add_progress(struct run *run, struct tcore_buf *line)
{
    bool asked = cli_take_progress_request();
    if (!asked && !run->cli->io.progress)
        return;
    int64_t now_ns = tcore_sys()->monotonic_ns();
    if (!asked && now_ns - run->progress_ns < PROGRESS_NS)
        return;
    run->progress_ns = now_ns;
    compose(run, now_ns, !asked && run->rewrite_progress, line);
}

void end_progress(struct run *run)
{
    struct tcore_buf line = {0};
    if (!run->cli->io.progress)
        return;
    compose(run, tcore_sys()->monotonic_ns(), run->rewrite_progress, &line);
    tcore_buf_puts(&line, run->rewrite_progress ? "\n" : "");
    write_progress(&line);
}

/* --- USR1 */

static bool wait_for_request(int fd)
{
    uint64_t wakes;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int count = tcore_sys()->poll(&ready, 1, -1);
    if (count < 0 && errno != EINTR)
        return false;
    return count <= 0 || tcore_sys()->read(fd, &wakes, sizeof wakes) >= 0 || errno == EAGAIN;
}

static void *answer_requests(void *data)
{
    struct run *run = data;
    bool more = true;
    while (more && wait_for_request(cli_progress_fd())) {
        struct tcore_buf line = {0};
        pthread_mutex_lock(&run->lock);
        more = !run->done_watching;
        if (more && cli_take_progress_request())
            compose(run, tcore_sys()->monotonic_ns(), false, &line);
        pthread_mutex_unlock(&run->lock);
        write_progress(&line);
    }
    return NULL;
}

/* Whether a read of the input may wait: it is none of a file. */
static bool may_wait(const char *name)
{
    struct stat st;
    bool known = strcmp(name, "-") == 0 ? fstat(STDIN_FILENO, &st) == 0 : stat(name, &st) == 0;
    return known && !S_ISREG(st.st_mode);
}

/* Workers look for requests whenever a chunk is done, which comes soon enough if no read waits. */
void watch_progress(struct run *run)
{
    bool any = false;
    sigset_t before;
    for (size_t i = 0; i < run->source_count; i++)
        any |= may_wait(run->sources[i].name);
    if (!any || !cli_progress_fd())
        return;
    cli_block_signals(&before);
    run->watches_progress = pthread_create(&run->progress_thread, NULL, answer_requests, run) == 0;
    cli_restore_signals(&before);
}

void end_watching(struct run *run)
{
    if (!run->watches_progress)
        return;
    pthread_mutex_lock(&run->lock);
    run->done_watching = true;
    pthread_mutex_unlock(&run->lock);
    cli_wake_for_progress();
    pthread_join(run->progress_thread, NULL);
}
