/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Appending to an audit log: its form, many writers, and that neither a crash nor a failing system
 * call loses a record that was acknowledged, or hides what was left of one that was not.
 */
#include "base/sys.h"

#include "failing.h"

#include "audit.h"

#include <errno.h>
#include <sys/wait.h>

static enum tcore_status verify(struct tcore_audit_result *result)
{
    struct tcore_error err;
    struct tcore_audit_check check = {.dirfd = audit_dir};

    return tcore_audit_verify(audit_dir, &check, result, &err);
}

/* Whether the log has no problem, so many records, and so many events of things set aside. */
static bool is_sound(uint64_t records, uint64_t set_aside)
{
    struct tcore_audit_result result;
    bool sound = verify(&result) == TCORE_OK && !result.problems && result.records == records &&
                 result.set_aside == set_aside;

    if (!sound)
        printf("# %" PRIu64 " problems, %" PRIu64 " records, %" PRIu64 " set aside\n",
               result.problems, result.records, result.set_aside);
    return sound;
}

static void begin(int records)
{
    audit_empty("quarantine");
    audit_empty(NULL);
    for (int i = 0; i < records; i++)
        audit_event("archive", "{\"segment\":\"x\"}", NULL);
}

static void test_form(void)
{
    struct tcore_audit_place first, second;
    struct stat st;
    char wanted[512];
    size_t length;

    begin(0);
    mode_t old = umask(0);
    is_int(audit_event("erase", "{ \"where\" : \"canary\" , \"records\":3 }", &first), TCORE_OK,
           "a record");
    umask(old);
    is_int(first.sequence, 1, "the first");
    fstatat(audit_dir, "audit", &st, 0);
    is_int(st.st_mode & 07777, 0640, "in a file of mode 0640 whatever the umask");
    is_int(audit_event("hold", NULL, &second), TCORE_OK, "another");
    char *text = audit_get("audit", &length), *newline = strchr(text, '\n');
    char *time = strstr(newline, "\"timeUnixNano\":\"");
    snprintf(wanted, sizeof wanted,
             "{\"sequence\":2,\"timeUnixNano\":\"%.19s\",\"actor\":{\"uid\":1000,\"user\":\"anna\"}"
             ",\"action\":\"hold\",\"details\":{},\"previous\":\"%s\",\"hash\":\"%s\"}\n",
             time + 16, first.hash, second.hash);
    is_str(newline + 1, wanted, "as it is written down");
    ok(strstr(text, "\"details\":{\"where\":\"canary\",\"records\":3}"), "details without blanks");
    free(text);
    ok(is_sound(2, 0), "both are sound");

    char large[70000];
    memset(large, 'x', sizeof large);
    memcpy(large, "{\"a\":\"", 6);
    memcpy(large + sizeof large - 3, "\"}", 3);
    is_int(audit_event("erase", large, NULL), TCORE_BAD_INPUT, "too long an event");
    is_int(audit_event("erase", "[1]", NULL), TCORE_BAD_INPUT, "details that are no object");
    is_int(audit_event("erase", "{\"a\":}", NULL), TCORE_BAD_INPUT, "or no JSON");
    is_int(audit_event("", NULL, NULL), TCORE_BAD_INPUT, "no action");
    is_int(audit_event("a b", NULL, NULL), TCORE_BAD_INPUT, "no word");
    struct tcore_audit_event event = {"erase", NULL, 1, "\x1b\"\\\n\xe2\x82\xac"};
    is_int(tcore_audit_append(audit_dir, &event, NULL, NULL), TCORE_OK, "a strange user");
    ok(is_sound(3, 0), "nothing but records was written");
}

static void test_refused(void)
{
    struct tcore_audit_result result;

    begin(0);
    ok(symlinkat("elsewhere", audit_dir, "audit") == 0, "a link in place of the log");
    is_int(audit_event("erase", NULL, NULL), TCORE_BAD_INPUT, "is not written to");
    is_int(verify(&result), TCORE_BAD_INPUT, "or read");
    ok(faccessat(audit_dir, "elsewhere", F_OK, 0) != 0, "nor what it names made");
    unlinkat(audit_dir, "audit", 0);
    ok(mkfifoat(audit_dir, "audit", 0640) == 0, "a pipe");
    is_int(audit_event("erase", NULL, NULL), TCORE_BAD_INPUT, "is refused");
    unlinkat(audit_dir, "audit", 0);
    char *junk = malloc(1 << 20);
    memset(junk, 'x', 1 << 20);
    audit_put("audit", junk, 1 << 20);
    free(junk);
    is_int(audit_event("erase", NULL, NULL), TCORE_BAD_INPUT, "a megabyte of something else");
    size_t length;
    free(audit_get("audit", &length));
    is_int(length, 1 << 20, "stays as it is");
}

/* The one file in quarantine/. */
static char *get_set_aside(size_t *length)
{
    char name[300] = "";
    int fd = openat(audit_dir, "quarantine", O_RDONLY | O_DIRECTORY);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);

    for (struct dirent *e; directory && (e = readdir(directory));)
        if (e->d_name[0] != '.')
            snprintf(name, sizeof name, "quarantine/%s", e->d_name);
    if (directory)
        closedir(directory);
    return audit_get(name, length);
}

static bool goes_on_behind(const char *text, size_t good, size_t length, int records)
{
    size_t got;
    bool fine;

    begin(0);
    audit_put("audit", text, length);
    fine = audit_event("archive", NULL, NULL) == TCORE_OK &&
           is_sound((uint64_t)records + 1 + (length > good), length > good);
    char *aside = get_set_aside(&got);
    fine = fine && got == length - good && memcmp(aside, text + good, got) == 0;
    free(aside);
    return fine;
}

static void test_torn(void)
{
    size_t length, failed = 0, tried = 0, good;
    char garbage[] = "\0\0\0\0{\"sequence\":\n\n\n\0{}\nxyz", *all;

    begin(3);
    char *text = audit_get("audit", &length);
    for (good = length - 1; text[good - 1] != '\n'; good--)
        ;
    for (size_t cut = good; cut < length; cut++, tried++)
        failed += !goes_on_behind(text, good, cut, 2);
    is_int(failed, 0, "%zu cuts of the last line: set aside, noted, gone on behind", tried);
    all = malloc(length + 70000);
    memcpy(all, text, length);
    memcpy(all + length, garbage, sizeof garbage);
    ok(goes_on_behind(all, length, length + sizeof garbage, 3), "several lines of garbage");
    memset(all + length, 0, 70000);
    ok(goes_on_behind(all, length, length + 70000, 3), "zeros");
    memset(all + good + 20, 0, 100);
    ok(goes_on_behind(all, good, length, 2), "zeros within the last line");
    ok(goes_on_behind(all, 0, 50, 0), "the only line");

    begin(0);
    char *user = strstr(text + good, "\"anna\"");
    memcpy(user, "\"anne\"", 6);
    audit_put("audit", text, length);
    is_int(audit_event("archive", NULL, NULL), TCORE_OK, "behind a last record that was edited");
    ok(is_sound(4, 1), "which is set aside, and that is noted");

    begin(0);
    memcpy(user, "\"anna\"", 6);
    memcpy(strstr(text, "\"anna\""), "\"anne\"", 6);
    audit_put("audit", text, length);
    is_int(audit_event("archive", NULL, NULL), TCORE_OK, "behind one that was edited before");
    struct tcore_audit_result result;
    verify(&result);
    ok(result.problems == 1 && !result.set_aside, "which stays, and is found");
    size_t first = (size_t)(strchr(text, '\n') - text) + 1;
    memcpy(strstr(text, "\"anne\""), "\"anna\"", 6);
    memcpy(all, text, length);
    memcpy(all + length, text, first); /* the last line is an older one */
    begin(0);
    audit_put("audit", all, length + first);
    is_int(audit_event("archive", NULL, NULL), TCORE_OK, "behind a line that was here before");
    verify(&result);
    ok(!result.problems && result.set_aside == 1, "which is set aside");
    free(all);
    free(text);
}

/* --- Failures: the n-th call fails, or the process ends in its midst */

static struct {
    long left; /* calls until then */
    bool dies;
    int errnum;
    bool happened;
} trouble;

static bool strikes(void)
{
    if (--trouble.left != 0)
        return false;
    trouble.happened = true;
    errno = trouble.errnum;
    return true;
}

static void end_here(void)
{
    if (trouble.dies)
        _exit(77);
}

static ssize_t bad_write(int fd, const void *buffer, size_t bytes)
{
    if (!strikes())
        return write(fd, buffer, bytes);
    ssize_t half = write(fd, buffer, bytes / 2);
    end_here();
    if (half > 0) { /* a short write, and then none */
        trouble.left = 1;
        return half;
    }
    errno = trouble.errnum;
    return -1;
}

static ssize_t bad_pwrite(int fd, const void *buffer, size_t bytes, off_t offset)
{
    if (!strikes())
        return pwrite(fd, buffer, bytes, offset);
    ssize_t half = pwrite(fd, buffer, bytes / 2, offset);
    end_here();
    if (half > 0) {
        trouble.left = 1;
        return half;
    }
    errno = trouble.errnum;
    return -1;
}

/* A call that, when trouble strikes, does nothing; of a process that ends, or it is done before. */
#define BAD(name, declared, called)                                                                \
    static int bad_##name declared                                                                 \
    {                                                                                              \
        if (!strikes())                                                                            \
            return name called;                                                                    \
        if (trouble.dies && name called == 0)                                                      \
            end_here();                                                                            \
        end_here();                                                                                \
        errno = trouble.errnum;                                                                    \
        return -1;                                                                                 \
    }

BAD(fsync, (int fd), (fd))
BAD(fdatasync, (int fd), (fd))
BAD(ftruncate, (int fd, off_t bytes), (fd, bytes))
BAD(fstat, (int fd, struct stat *st), (fd, st))
BAD(mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))

static int bad_openat(int fd, const char *path, int flags, mode_t mode)
{
    if (!strikes())
        return openat(fd, path, flags, mode);
    if (trouble.dies)
        openat(fd, path, flags, mode);
    end_here();
    errno = trouble.errnum;
    return -1;
}

static ssize_t bad_pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    return strikes() ? (end_here(), errno = trouble.errnum, -1) : pread(fd, buffer, bytes, offset);
}

static int bad_random(void *buffer, size_t bytes)
{
    return strikes() ? (end_here(), errno = trouble.errnum, -1)
                     : tcore_sys_default.random(buffer, bytes);
}

static void make_trouble(struct tcore_sys *sys, long nth, bool dies, int errnum)
{
    *sys = tcore_sys_default;
    sys->openat = bad_openat;
    sys->pread = bad_pread;
    sys->write = bad_write;
    sys->pwrite = bad_pwrite;
    sys->fsync = bad_fsync;
    sys->fdatasync = bad_fdatasync;
    sys->ftruncate = bad_ftruncate;
    sys->fstat = bad_fstat;
    sys->mkdirat = bad_mkdirat;
    sys->random = bad_random;
    trouble.left = nth;
    trouble.dies = dies;
    trouble.errnum = errnum;
    trouble.happened = false;
    tcore_sys_set(sys);
}

/* The three logs to begin with: none, a sound one, one that a crash left. */
static void begin_log(int which, const char *text, size_t length)
{
    begin(0);
    if (which)
        audit_put("audit", text, which == 1 ? length : length - 30);
}

/* What must be there after any trouble and a last, sound append: the records that were acknowledged
 * before it (the lost one of the torn log is not), and its own. */
static bool has_recovered(int which)
{
    struct tcore_audit_result result;
    uint64_t before = which == 0 ? 0 : which == 1 ? 3 : 2;
    size_t length;

    if (audit_event("check", "{\"after\":\"trouble\"}", NULL) != TCORE_OK)
        return false;
    char *text = audit_get("audit", &length);
    bool has = strstr(text, "\"after\":\"trouble\"") != NULL;
    free(text);
    return has && verify(&result) == TCORE_OK && !result.problems &&
           result.records - result.set_aside >= before + 1 &&
           result.records - result.set_aside <= before + 2 && (which != 2 || result.set_aside >= 1);
}

/* Whether the log is as it was. */
static bool is_log(int which, const char *text, size_t length)
{
    size_t got;
    char *now = audit_get("audit", &got);
    bool same = got == (which ? length : 0) && memcmp(now, text, got) == 0;

    free(now);
    return same;
}

static void test_failing_calls(const char *text, size_t length)
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT};
    size_t tried = 0, wrong = 0;

    for (int which = 0; which < 3; which++)
        for (size_t e = 0; e < 3; e++)
            for (long nth = 1; nth < 100; nth++) {
                struct tcore_sys sys;

                begin_log(which, text, length);
                make_trouble(&sys, nth, false, errors[e]);
                enum tcore_status status = audit_event("erase", "{\"x\":1}", NULL);
                tcore_sys_set(NULL);
                if (!trouble.happened)
                    break;
                tried++;
                bool back = which == 2 || is_log(which, text, length);
                if (status != TCORE_FATAL || !back || !has_recovered(which)) {
                    printf("# log %d, call %ld, errno %d: status %d\n", which, nth, errors[e],
                           (int)status);
                    wrong++;
                }
            }
    is_int(wrong, 0, "%zu failing calls: each told, nothing lost, gone on behind", tried);
}

static void test_killed(const char *text, size_t length)
{
    size_t tried = 0, wrong = 0;

    for (int which = 0; which < 3; which++)
        for (long nth = 1; nth < 100; nth++) {
            struct tcore_sys sys;
            int status;

            begin_log(which, text, length);
            fflush(stdout);
            pid_t child = fork();
            if (child == 0) {
                make_trouble(&sys, nth, true, EIO);
                audit_event("erase", "{\"x\":1}", NULL);
                _exit(0);
            }
            waitpid(child, &status, 0);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                break;
            tried++;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 77 || !has_recovered(which)) {
                printf("# log %d, call %ld\n", which, nth);
                wrong++;
            }
        }
    is_int(wrong, 0, "%zu kills in the midst of a call: nothing lost, gone on behind", tried);
}

/* --- Order: nothing counts before it is synced */

static struct {
    int unsynced[64]; /* writes to a descriptor since it was synced */
    int file_syncs, directory_syncs;
} order;

static ssize_t noted_write(int fd, const void *buffer, size_t bytes)
{
    order.unsynced[fd % 64]++;
    return write(fd, buffer, bytes);
}

static ssize_t noted_pwrite(int fd, const void *buffer, size_t bytes, off_t offset)
{
    order.unsynced[fd % 64]++;
    return pwrite(fd, buffer, bytes, offset);
}

static int noted_sync(int fd)
{
    struct stat st;

    fstat(fd, &st);
    order.unsynced[fd % 64] = 0;
    order.file_syncs += S_ISREG(st.st_mode);
    order.directory_syncs += S_ISDIR(st.st_mode);
    return 0;
}

/* The end of a file must be synced by who wrote it. */
static int noted_close(int fd)
{
    if (order.unsynced[fd % 64])
        printf("# a descriptor is closed with unsynced writes\n");
    return order.unsynced[fd % 64] ? -1 : close(fd);
}

static void test_order(const char *text, size_t length)
{
    static const int wanted[3][2] = {{1, 1}, {1, 0}, {3, 2}}; /* of files, of directories */
    struct tcore_sys sys = tcore_sys_default;

    sys.write = noted_write;
    sys.pwrite = noted_pwrite;
    sys.fsync = sys.fdatasync = noted_sync;
    sys.close = noted_close;
    for (int which = 0; which < 3; which++) {
        int left = 0;

        begin_log(which, text, length);
        memset(&order, 0, sizeof order);
        tcore_sys_set(&sys);
        is_int(audit_event("archive", NULL, NULL), TCORE_OK, "log %d", which);
        tcore_sys_set(NULL);
        for (size_t i = 0; i < 64; i++)
            left += order.unsynced[i];
        is_int(left, 0, "nothing is left unsynced");
        ok(order.file_syncs == wanted[which][0] && order.directory_syncs == wanted[which][1],
           "%d files and %d directories synced", order.file_syncs, order.directory_syncs);
    }
}

/* --- Many writers, little memory */

static void test_writers(int writers, int events)
{
    int failed = 0, status;

    begin(0);
    fflush(stdout);
    for (int i = 0; i < writers; i++)
        if (fork() == 0) {
            int fd = open(audit_path, O_RDONLY | O_DIRECTORY);
            struct tcore_audit_event event = {"archive", "{\"from\":\"a writer\"}", 1, "w"};
            int wrong = 0;

            for (int j = 0; j < events; j++)
                wrong += tcore_audit_append(fd, &event, NULL, NULL) != TCORE_OK;
            close(fd);
            _exit(wrong ? 1 : 0);
        }
    while (wait(&status) > 0)
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    is_int(failed, 0, "%d writers at a time", writers);
    ok(is_sound((uint64_t)(writers * events), 0), "%d records, one chain", writers * events);
}

static void test_memory(const char *text, size_t length)
{
    struct tcore_private_key *key = NULL;
    struct tcore_public_key public_key;
    struct tcore_error err = {0};
    bool more = true;
    unsigned long n = 0;

    tcore_private_key_new(&key, TCORE_KEY_SIGNING, &err);
    tcore_private_key_public(key, "auditor", &public_key, &err);
    while (more && n < 500) {
        struct tcore_audit_check check = {
            .dirfd = audit_dir, .checkpoints = "points", .keys = &public_key, .key_count = 1};
        struct tcore_audit_result result = {0};

        begin_log(2, text, length);
        failing_begin(++n);
        enum tcore_status status = audit_event("erase", "{\"x\":\"\\u00e9\"}", NULL);
        if (status == TCORE_OK)
            status = tcore_audit_checkpoint(audit_dir, audit_dir, "points", key, NULL, &err);
        if (status == TCORE_OK)
            status = tcore_audit_verify(audit_dir, &check, &result, &err);
        more = failing_end();
        if (more ? status != TCORE_FATAL : status != TCORE_OK || result.problems)
            ok(false, "allocation %lu: status %d", n, (int)status);
    }
    ok(!more && n > 15 && failing.live == 0, "%lu failed allocations, nothing leaked", n - 1);
    is_int(tcore_audit_checkpoint(audit_dir, audit_dir, "no/where", key, NULL, &err), TCORE_FATAL,
           "no place for a checkpoint");
    begin(0);
    is_int(tcore_audit_checkpoint(audit_dir, audit_dir, "points", key, NULL, &err), TCORE_BAD_INPUT,
           "nothing to sign");
    tcore_private_key_free(key);
}

int main(void)
{
    size_t length;

    if (!audit_begin())
        return EXIT_FAILURE;
    struct tcore_audit_event event = {"archive", NULL, 1, NULL};
    struct tcore_error err = {0};
    if (tcore_audit_append(audit_dir, &event, NULL, &err) != TCORE_OK) {
        skip("%s", err.text);
        return done_testing();
    }
    test_form();
    test_refused();
    test_torn();
    begin(3);
    char *text = audit_get("audit", &length);
    test_failing_calls(text, length);
    test_killed(text, length);
    test_order(text, length);
    test_memory(text, length);
    test_writers(8, 50);
    free(text);
    audit_end();
    return done_testing();
}
