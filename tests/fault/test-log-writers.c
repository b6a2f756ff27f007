/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many processes with the shared log, many threads with one private log, and allocations that fail,
 * on real files: test-log-writers [PROCESSES]
 */
#include "../core/failing.h"
#include "../core/tap.h"
#include "base/sys.h"
#include "store/log_recover.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SHORT_PROCESSES = 320,
    LONG_PROCESSES = 10000,
    AT_A_TIME = 64,
    THREADS = 16,
    COMMITS = 40,
};

static struct tcore_error err;
static int dir, quarantine;

static int remove_file(void *context, const char *name)
{
    (void)context;
    unlinkat(dir, name, 0); /* the quarantine stays */
    return 0;
}

static void empty(void)
{
    tcore_sys()->list(dir, remove_file, NULL);
}

static void work(unsigned number)
{
    static const struct tcore_log_limits limits = {.bytes = 8000, .age_ns = 0};
    struct tcore_log *log;
    char text[64];
    int length = snprintf(text, sizeof text, "process %u\n", number);
    bool durable = number % 4 == 0;
    if (tcore_log_open_shared(&log, dir, &limits, &err) ||
        tcore_log_append(log, 1, text, (size_t)length, NULL, &err) ||
        (durable && tcore_log_sync(log, &err)) || tcore_log_close(log, &err))
        _exit(1);
    _exit(0);
}

/* Waits until no more than so many children are left; how many of those that ended failed. */
static unsigned wait_for(unsigned *running, unsigned most)
{
    unsigned failed = 0;
    while (*running > most) {
        int status;
        if (wait(&status) < 0)
            return failed + 1;
        --*running;
        failed += status != 0;
    }
    return failed;
}

/* How often each number is in the logs; entries that are none of them are wrong. */
static unsigned read_numbers(const char *format, unsigned char *times, unsigned count,
                             size_t *log_count)
{
    struct tcore_log_reader **readers;
    struct tcore_log_entry entry;
    unsigned wrong = 0;
    *log_count = 0;
    if (tcore_log_open_all(dir, &readers, log_count, &err) != TCORE_OK)
        return 1;
    for (size_t i = 0; i < *log_count; i++) {
        enum tcore_status status;
        while ((status = tcore_log_read(readers[i], &entry, &err)) == TCORE_OK) {
            char text[64] = {0};
            unsigned number;
            memcpy(text, entry.payload, entry.length < 63 ? entry.length : 63);
            if (sscanf(text, format, &number) == 1 && number < count)
                times[number]++;
            else
                wrong++;
        }
        const struct tcore_log_report *report = tcore_log_reader_report(readers[i]);
        wrong += status != TCORE_EOF || report->torn_bytes || report->damages || report->missing;
    }
    tcore_log_close_all(readers, *log_count);
    return wrong;
}

static unsigned not_once(const unsigned char *times, unsigned count)
{
    unsigned wrong = 0;
    for (unsigned n = 0; n < count; n++)
        wrong += times[n] != 1;
    return wrong;
}

static void test_processes(unsigned processes)
{
    unsigned running = 0, failed = 0;
    unsigned char *times = calloc(processes, 1);
    size_t logs;
    for (unsigned n = 0; n < processes; n++) {
        failed += wait_for(&running, AT_A_TIME - 1);
        pid_t child = fork();
        if (child == 0)
            work(n);
        failed += child < 0;
        running += child > 0;
    }
    failed += wait_for(&running, 0);
    is_int(failed, 0, "%u processes, %d at a time, with the shared log", processes, AT_A_TIME);
    is_int(read_numbers("process %u\n", times, processes, &logs), 0, "which is whole");
    is_int(not_once(times, processes), 0, "and has what each of them wrote, once");
    printf("# %u processes, %zu logs\n", processes, logs);
    ok(logs > processes / 500, "though it was renamed now and then");
    free(times);
    empty();
}

static struct tcore_log *log_of_all;

enum { LARGE = 100000 };

/* Entries of 100 kB, committed, written or left to whoever comes next. */
static void *add_large(void *first)
{
    unsigned number = *(unsigned *)first, failed = 0;
    char *text = calloc(1, LARGE);
    for (unsigned n = 0; n < COMMITS; n++) {
        uint64_t sequence;
        struct tcore_error error;
        snprintf(text, LARGE, "commit %u\n", number + n);
        failed += tcore_log_append(log_of_all, 1, text, LARGE, &sequence, &error) != TCORE_OK;
        if (n % 8 == 1)
            failed += tcore_log_commit(log_of_all, sequence, &error) != TCORE_OK;
        else if (n % 4 == 0)
            failed += tcore_log_flush(log_of_all, &error) != TCORE_OK;
    }
    free(text);
    *(unsigned *)first = failed;
    return NULL;
}

static atomic_uint syncs;

static int counting_fdatasync(int fd)
{
    syncs++;
    usleep(500); /* as a disk would, or nobody ever waits for it */
    return fdatasync(fd);
}

static void *commit(void *first)
{
    unsigned number = *(unsigned *)first, failed = 0;
    for (unsigned n = 0; n < COMMITS; n++) {
        char text[64];
        uint64_t sequence;
        struct tcore_error error;
        int length = snprintf(text, sizeof text, "commit %u\n", number + n);
        failed +=
            tcore_log_append(log_of_all, 1, text, (size_t)length, &sequence, &error) != TCORE_OK ||
            tcore_log_commit(log_of_all, sequence, &error) != TCORE_OK;
    }
    *(unsigned *)first = failed;
    return NULL;
}

static void run_threads(void *(*work_on)(void *first), const char *what)
{
    pthread_t threads[THREADS];
    unsigned numbers[THREADS], failed = 0;
    unsigned char times[THREADS * COMMITS] = {0};
    size_t logs;
    tcore_log_create(&log_of_all, dir, &err);
    for (unsigned n = 0; n < THREADS; n++) {
        numbers[n] = n * COMMITS;
        failed += pthread_create(&threads[n], NULL, work_on, &numbers[n]) != 0;
    }
    for (unsigned n = 0; n < THREADS; n++) {
        pthread_join(threads[n], NULL);
        failed += numbers[n];
    }
    is_int(failed, 0, "%d %s of %d threads", THREADS * COMMITS, what, THREADS);
    is_int(tcore_log_close(log_of_all, &err), TCORE_OK, "closed");
    is_int(read_numbers("commit %u\n", times, THREADS * COMMITS, &logs), 0, "the log is whole");
    is_int(not_once(times, THREADS * COMMITS), 0, "and has each of them");
    empty();
}

static void test_threads(void)
{
    static struct tcore_sys sys;
    sys = tcore_sys_default;
    sys.fdatasync = counting_fdatasync;
    tcore_sys_set(&sys);
    run_threads(commit, "commits");
    printf("# %d commits, %u syncs\n", THREADS * COMMITS, (unsigned)syncs);
    ok(syncs >= COMMITS && syncs < THREADS * COMMITS / 2, "share their syncs");
    run_threads(add_large, "large entries");
    tcore_sys_set(NULL);
}

/* Everything once; the status of the first call that failed. */
static enum tcore_status do_everything(void)
{
    static const struct tcore_log_limits limits = {.bytes = 1, .age_ns = 0};
    struct tcore_log *log = NULL;
    struct tcore_log_reader **readers;
    struct tcore_log_claim *claim;
    struct tcore_log_entry entry;
    char name[64], **names;
    size_t count;
    enum tcore_status status = tcore_log_create(&log, dir, &err);
    if (status)
        return status;
    strcpy(name, tcore_log_name(log));
    status = tcore_log_append(log, 1, "one", 3, NULL, &err);
    enum tcore_status closed = tcore_log_close(log, &err);
    if (status || closed)
        return status ? status : closed;
    for (unsigned n = 0; n < 2; n++) {
        status = tcore_log_open_shared(&log, dir, &limits, &err);
        if (status)
            return status;
        status = tcore_log_append(log, 1, "two", 3, NULL, &err);
        closed = tcore_log_close(log, &err);
        if (status || closed)
            return status ? status : closed;
    }
    status = tcore_log_open_all(dir, &readers, &count, &err);
    if (status)
        return status;
    for (size_t i = 0; i < count && (!status || status == TCORE_EOF); i++)
        status = tcore_log_read(readers[i], &entry, &err);
    tcore_log_close_all(readers, count);
    if (status)
        return status;
    status = tcore_log_rotate_shared(dir, NULL, &err);
    if (!status)
        status = tcore_log_list(dir, &names, &count, &err);
    if (status)
        return status;
    tcore_free(names);
    int fd = openat(dir, name, O_WRONLY | O_APPEND);
    ssize_t unused = write(fd, "torn", 4);
    (void)unused;
    close(fd);
    status = tcore_log_claim(&claim, dir, name, &err);
    if (status)
        return status;
    while ((status = tcore_log_recover(claim, quarantine, &entry, &err)) == TCORE_OK)
        ;
    if (status == TCORE_EOF)
        return tcore_log_discard(claim, &err);
    tcore_log_release(claim);
    return status;
}

static void test_memory(void)
{
    unsigned silent = 0;
    unsigned long n = 1;
    bool more = true;
    for (; more && n < 1000; n++) {
        failing_begin(n);
        enum tcore_status status = do_everything();
        more = failing_end();
        silent += more == (status == TCORE_OK);
        empty();
    }
    printf("# %lu allocations failed\n", n - 2);
    ok(n > 10 && n < 1000, "every allocation fails once");
    is_int(silent, 0, "which is an error each time");
    is_int(failing.live, 0, "and nothing leaks");
}

static void test_links(void)
{
    struct tcore_log *log;
    static const struct tcore_log_limits limits = {.bytes = 1000, .age_ns = 0};
    ok(symlinkat("elsewhere", dir, "shared.log") == 0, "a link as the shared log");
    is_int(tcore_log_open_shared(&log, dir, &limits, &err), TCORE_FATAL, "is not followed");
    is_int(err.errnum, ELOOP, "but said");
    empty();
    ok(mkfifoat(dir, "shared.log", 0600) == 0, "a fifo");
    is_int(tcore_log_open_shared(&log, dir, &limits, &err), TCORE_FATAL, "is not waited for");
    empty();
}

int main(int argc, char **argv)
{
    const char *sized = getenv("TRACECORE_TEST_LONG");
    unsigned processes = sized && *sized ? LONG_PROCESSES : SHORT_PROCESSES;
    char path[] = "log-writers-XXXXXX", inside[64];
    if (argc > 1)
        processes = (unsigned)strtoul(argv[1], NULL, 10);
    ok(mkdtemp(path) != NULL, "a folder");
    snprintf(inside, sizeof inside, "%s/quarantine", path);
    dir = open(path, O_RDONLY | O_DIRECTORY);
    test_processes(processes);
    test_threads();
    ok(mkdir(inside, 0750) == 0, "a quarantine");
    quarantine = open(inside, O_RDONLY | O_DIRECTORY);
    test_memory();
    test_links();
    dir = quarantine;
    empty();
    return rmdir(inside) == 0 && rmdir(path) == 0 ? done_testing() : EXIT_FAILURE;
}
