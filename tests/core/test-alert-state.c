/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state of trace-alert when the system lets it down: whichever call fails, the state is the old
 * one or the new one as a whole, nothing else is left in the folder, a run that says it is done has
 * saved it, and one that goes on from there comes to what it would have come to. And what is
 * remembered of records.
 */
#include <config.h>

#include "alert/engine.h"
#include "alert/seen.h"
#include "alert/verbs.h"
#include "base/sys.h"
#include "capture.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

static const struct cli_verb *const verbs[] = {&alert_run_rules, NULL};
static const struct cli_program program = {
    .name = "trace-alert", .summary = "Test.", .verbs = verbs, .default_verb = "run"};

/* --- Calls that fail */

enum call {
    OPEN,
    CLOSE,
    READ,
    WRITE,
    FSTAT,
    FSYNC,
    FDATASYNC,
    LINK,
    RENAME,
    RANDOM,
    MEMORY,
    CALLS
};

static const char *const call_names[CALLS] = {"open",   "close",  "read",      "write",
                                              "fstat",  "fsync",  "fdatasync", "link",
                                              "rename", "random", "memory"};

static struct tcore_sys sys;
static enum call failing;
static unsigned long count, nth;
static bool no_tmpfile;

/* Whether this call is the one. */
static bool fails(enum call call)
{
    if (call != failing || ++count != nth)
        return false;
    errno = call == MEMORY ? ENOMEM : EIO;
    return true;
}

static int open_at(int directory, const char *path, int flags, mode_t mode)
{
    if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return fails(OPEN) ? -1 : tcore_sys_default.openat(directory, path, flags, mode);
}

static int close_one(int fd)
{
    bool failed = fails(CLOSE);
    int result = tcore_sys_default.close(fd); /* it is closed in any case */
    if (failed)
        errno = EIO;
    return failed ? -1 : result;
}

static ssize_t read_some(int fd, void *buffer, size_t bytes)
{
    return fails(READ) ? -1 : tcore_sys_default.read(fd, buffer, bytes);
}

static ssize_t write_some(int fd, const void *buffer, size_t bytes)
{
    if (fd <= STDERR_FILENO)
        return tcore_sys_default.write(fd, buffer, bytes);
    if (failing == WRITE && count + 1 == nth && bytes > 1) /* a part, and the next one fails */
        (void)tcore_sys_default.write(fd, buffer, bytes / 2);
    return fails(WRITE) ? -1 : tcore_sys_default.write(fd, buffer, bytes);
}

static int stat_fd(int fd, struct stat *st)
{
    return fails(FSTAT) ? -1 : tcore_sys_default.fstat(fd, st);
}

static int sync_fd(int fd)
{
    return fails(FSYNC) ? -1 : tcore_sys_default.fsync(fd);
}

static int sync_data(int fd)
{
    return fails(FDATASYNC) ? -1 : tcore_sys_default.fdatasync(fd);
}

static int link_at(int from, const char *path, int to, const char *name, int flags)
{
    return fails(LINK) ? -1 : tcore_sys_default.linkat(from, path, to, name, flags);
}

static int rename_at(int from, const char *path, int to, const char *name)
{
    return fails(RENAME) ? -1 : tcore_sys_default.renameat(from, path, to, name);
}

static int get_random(void *buffer, size_t bytes)
{
    return fails(RANDOM) ? -1 : tcore_sys_default.random(buffer, bytes);
}

static void *allocate(size_t bytes)
{
    return fails(MEMORY) ? NULL : tcore_sys_default.alloc(bytes);
}

static void *resize(void *memory, size_t bytes)
{
    return fails(MEMORY) ? NULL : tcore_sys_default.resize(memory, bytes);
}

static void install(void)
{
    sys = tcore_sys_default;
    sys.openat = open_at;
    sys.close = close_one;
    sys.read = read_some;
    sys.write = write_some;
    sys.fstat = stat_fd;
    sys.fsync = sync_fd;
    sys.fdatasync = sync_data;
    sys.linkat = link_at;
    sys.renameat = rename_at;
    sys.random = get_random;
    sys.alloc = allocate;
    sys.resize = resize;
}

/* --- Files */

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file) {
        fputs(text, file);
        fclose(file);
    }
}

/* For free(); NULL: there is no such file. */
static char *take(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length;
    return fd < 0 ? NULL : capture_read(fd, &length);
}

static unsigned files_here(void)
{
    unsigned files = 0;
    DIR *folder = opendir(".");
    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        files += entry->d_name[0] != '.' || entry->d_name[1] > '.';
    if (folder)
        closedir(folder);
    return files;
}

static struct capture run(void)
{
    static const char *const args[] = {"--rules=rules", "--state=st", "-j1", "in", NULL};
    return capture(&program, args);
}

static const char rules[] =
    "version: 1\nchannels:\n  f: {type: file, path: sent, limit: 9 per 1h}\ngroups:\n- name: g\n  "
    "rules:\n"
    "  - {alert: A, when: {metric: m, greater_than: 10}, dedup: {by: [service], window: 1h}}\n"
    "  - {alert: B, when: {metric: m, stat: p50, window: 5m, greater_than: 5}}\n"
    "  - {alert: C, expr: 'anomaly[10m] >= 2', annotations: {s: '{message}'}}\n"
    "  - {alert: D, expr: 'absent(spans[1m])'}\n";

#define METRIC(service, value, at)                                                                 \
    "{\"type\":\"metric\",\"metricName\":\"m\",\"value\":" value ",\"timeUnixNano\":\"" at         \
    "000000000\",\"dimensions\":{\"service\":\"" service "\"}}\n"
#define FINDING(message, at)                                                                       \
    "{\"type\":\"finding\",\"kind\":\"anomaly\",\"message\":\"" message                            \
    "\",\"group\":{},\"timeUnixNano\":\"" at "000000000\"}\n"

#define FIRST                                                                                      \
    METRIC("a", "11", "1700000000") FINDING("x", "1700000000") METRIC("b", "3", "1700000030")
static const char grown[] =
    FIRST METRIC("a", "1", "1700000060") FINDING("y", "1700000070") METRIC("b", "12", "1700000200");

static char *old_state, *new_state;

/* What is wrong after a run in which the n-th call failed; NULL: nothing. */
static const char *problem(int status, const char *message)
{
    static char text[600];
    char *state = take("st"), *again;
    bool is_new = state && !strcmp(state, new_state), is_old = state && !strcmp(state, old_state);
    const char *wrong = NULL;
    bool waits = state && strstr(state, "\"line\":\"waiting\"") && status == 4;
    if (!is_new && !is_old && !waits) /* a message waits: that is one more new one */
        wrong = "the state is neither the old nor the new one";
    else if (status == 0 && !is_new)
        wrong = "all is said to be well, and the state is not saved";
    else if (status != 0 && status != 4)
        wrong = "the exit status";
    else if (status == 4 && !*message)
        wrong = "nothing is said";
    else if (files_here() > 4)
        wrong = "files are left behind";
    free(state);
    if (!wrong) {
        struct capture c = run();
        again = take("st");
        if (c.status != 0 || !again || strcmp(again, new_state) != 0)
            wrong = "the next run does not come to the same";
        free(again);
        capture_free(&c);
    }
    if (!wrong)
        return NULL;
    snprintf(text, sizeof text, "%lu: %s; %d: %s", nth, wrong, status, one_line(message));
    return text;
}

/* Each call of the kind fails once. */
static void test_call(enum call call)
{
    const char *wrong = NULL;
    bool more = true;
    unsigned long rounds = 0;
    failing = call;
    for (nth = 1; more && !wrong; nth++, rounds++) {
        put("st", old_state);
        put("in", grown);
        (void)unlink("sent");
        count = 0;
        tcore_sys_set(&sys);
        struct capture c = run();
        tcore_sys_set(NULL);
        more = count >= nth;
        wrong = problem(c.status, c.err);
        capture_free(&c);
    }
    is_str(wrong, NULL, "%s that fails, %lu times%s", call_names[call], rounds - 1,
           no_tmpfile ? ", without nameless files" : "");
}

static void test_faults(void)
{
    char folder[] = "/tmp/test-alert-state-XXXXXX", here[4096];
    ok(getcwd(here, sizeof here) && mkdtemp(folder) && chdir(folder) == 0, "a folder");
    put("rules", rules);
    put("in", FIRST);
    struct capture c = run();
    is_int(c.status, 0, "the first run");
    capture_free(&c);
    old_state = take("st");
    put("in", grown);
    c = run();
    is_int(c.status, 0, "the second run");
    capture_free(&c);
    new_state = take("st");
    ok(old_state && new_state && strcmp(old_state, new_state) != 0, "they have a state each");
    install();
    for (int call = 0; call < CALLS; call++)
        test_call((enum call)call);
    no_tmpfile = true;
    test_call(WRITE);
    test_call(FSYNC);
    test_call(RENAME);
    free(old_state);
    free(new_state);
    (void)unlink("st");
    (void)unlink("in");
    (void)unlink("sent");
    (void)unlink("rules");
    is_int(files_here(), 0, "nothing else is left");
    ok(chdir(here) == 0 && rmdir(folder) == 0, "the folder goes");
}

/* --- What is remembered */

static void test_seen(void)
{
    struct seen s = {.floor_ns = INT64_MIN, .before_ns = INT64_MIN};
    bool added = seen_restore(&s, 5, 1, true) && seen_restore(&s, 5, 1, true);
    ok(added && seen_before(&s, 5, 1) && seen_before(&s, 5, 1) && !seen_before(&s, 5, 1),
       "a record is found as often as it was there");
    ok(!seen_before(&s, 5, 2) && !seen_before(&s, INT64_MIN, 1), "another one is not");
    ok(seen_add(&s, 5, 1, 5) && !seen_before(&s, 5, 1), "nor one of this run");
    ok(seen_add(&s, 9, 1, 9) && s.count == 1 && s.floor_ns == 5 && s.before_ns == INT64_MIN,
       "what is old is forgotten");
    seen_free(&s);
    ok(seen_restore(&s, 5, 1, true) && seen_newest_before(&s) == 5 && seen_add(&s, 9, 1, 9) &&
           s.before_ns == 5 && seen_before(&s, 4, 7),
       "what another run has read is known to be old by then");
    seen_free(&s);
    for (int64_t n = 0; n < 10000 && added; n++)
        added = seen_add(&s, n / 7, (uint64_t)n * 40503 % 65536, 0);
    ok(added && s.count >= SEEN_RECORDS - 7 && s.count <= SEEN_RECORDS * 5 / 4 + 1,
       "as many as there may be");
    ok(s.record[0].ns == s.floor_ns + 1, "an instant is forgotten as a whole");
    for (size_t i = 1; i < s.count && added; i++)
        added = s.record[i - 1].ns <= s.record[i].ns;
    ok(added, "they are in order");
    seen_free(&s);
}

/* Series that never come to have an instance. */
static void test_keys(void)
{
    struct rules none = {0};
    struct engine e;
    struct tcore_buf out = {0};
    struct tcore_error err = {0};
    uint32_t most = 0;
    bool good = engine_open(&e, NULL, &none, NULL, false, &err) == TCORE_OK;
    for (int n = 0; n < 600000 && good; n++) {
        char labels[32];
        int length = snprintf(labels, sizeof labels, "{\"n\":\"%d\"}", n);
        good = engine_key(&e, 0, labels, (size_t)length) != TCORE_MAP_NONE &&
               engine_advance(&e, n, false, &out, &err) == TCORE_OK;
        most = e.keys.count > most ? e.keys.count : most;
    }
    ok(good && most <= 1 << 18, "keys without an instance are forgotten (%u)", most);
    engine_free(&e);
    tcore_buf_free(&out);
}

int main(void)
{
    test_faults();
    test_seen();
    test_keys();
    return done_testing();
}
