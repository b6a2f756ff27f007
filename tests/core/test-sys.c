/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and writing through the system table: short counts, interruptions, would-block, errors.
 */
#include "base/error.h"
#include "base/sys.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct {
    char written[64];
    size_t length;
    unsigned calls, polls;
    int errors[8]; /* of the first calls; 0: they succeed */
    int poll_error;
} fake;

static int next_error(void)
{
    unsigned call = fake.calls++;
    return call < 8 ? fake.errors[call] : 0;
}

/* Takes at most three bytes a call. */
static ssize_t fake_write(int fd, const void *buffer, size_t bytes)
{
    (void)fd;
    errno = next_error();
    if (errno)
        return -1;
    size_t taken = bytes < 3 ? bytes : 3;
    memcpy(fake.written + fake.length, buffer, taken);
    fake.length += taken;
    return (ssize_t)taken;
}

static ssize_t fake_read(int fd, void *buffer, size_t bytes)
{
    (void)fd;
    errno = next_error();
    if (errno)
        return -1;
    memset(buffer, 'r', bytes < 2 ? bytes : 2);
    return bytes < 2 ? (ssize_t)bytes : 2;
}

static int fake_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    (void)fds;
    (void)n;
    (void)timeout_ms;
    fake.polls++;
    errno = fake.poll_error;
    return errno ? -1 : 1;
}

static void begin(int first, int second, int poll_error)
{
    memset(&fake, 0, sizeof fake);
    fake.errors[0] = first;
    fake.errors[1] = second;
    fake.poll_error = poll_error;
}

static void test_write(void)
{
    begin(0, 0, 0);
    is_int(tcore_write_all(1, "0123456789", 10), 0, "short writes are gone on with");
    is_mem(fake.written, fake.length, "0123456789", 10, "all of it is written");
    is_int(fake.calls, 4, "in four calls");
    begin(0, 0, 0);
    is_int(tcore_write_all(1, "", 0), 0, "nothing to write");
    is_int(fake.calls, 0, "is no call");
    begin(EINTR, EAGAIN, 0);
    is_int(tcore_write_all(1, "01234", 5), 0, "interrupted, then would block");
    is_mem(fake.written, fake.length, "01234", 5, "all of it is written all the same");
    is_int(fake.polls, 1, "after a wait");
    begin(EAGAIN, 0, EINTR);
    is_int(tcore_write_all(1, "01234", 5), 0, "an interrupted wait is no failure");
    begin(EAGAIN, 0, ENOMEM);
    ok(tcore_write_all(1, "01234", 5) == -1 && errno == ENOMEM, "a failed wait is one");
    begin(0, ENOSPC, 0);
    ok(tcore_write_all(1, "01234", 5) == -1 && errno == ENOSPC, "so is a full disk");
}

static void test_read(void)
{
    char buffer[8];
    begin(0, 0, 0);
    is_int(tcore_read_some(0, buffer, sizeof buffer), 2, "a short read is given as it is");
    begin(EINTR, EAGAIN, 0);
    is_int(tcore_read_some(0, buffer, sizeof buffer), 2, "interrupted, then would block");
    is_int(fake.polls, 1, "after a wait");
    begin(EAGAIN, 0, EINTR);
    is_int(tcore_read_some(0, buffer, sizeof buffer), 2, "an interrupted wait is no failure");
    begin(EAGAIN, 0, ENOMEM);
    ok(tcore_read_some(0, buffer, sizeof buffer) == -1 && errno == ENOMEM, "a failed wait is one");
    begin(EIO, 0, 0);
    ok(tcore_read_some(0, buffer, sizeof buffer) == -1 && errno == EIO, "so is a bad disk");
}

static void test_defaults(void)
{
    const struct tcore_sys *sys = tcore_sys();
    unsigned char bytes[64] = {0}, none[64] = {0};
    ok(sys == &tcore_sys_default, "the real system is in force again");
    ok(sys->wall_ns() > 1700000000000000000, "the time of day");
    int64_t before = sys->monotonic_ns();
    ok(sys->monotonic_ns() >= before, "a clock that does not go back");
    ok(sys->random(bytes, sizeof bytes) == 0 && memcmp(bytes, none, sizeof bytes) != 0,
       "randomness");
}

static int look_for_two(void *context, const char *name)
{
    unsigned *found = context;
    ok(strcmp(name, ".") && strcmp(name, ".."), "a name in a directory");
    *found |= !strcmp(name, "one") ? 1 : !strcmp(name, "two") ? 2 : 4;
    return *found == 3 ? 7 : 0;
}

static void test_list(void)
{
    char path[] = "sys-list-XXXXXX";
    unsigned found = 0;
    ok(mkdtemp(path) != NULL, "a folder");
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    is_int(tcore_sys()->list(dir, look_for_two, &found), 0, "nothing in it");
    close(openat(dir, "one", O_CREAT | O_WRONLY, 0600));
    close(openat(dir, "two", O_CREAT | O_WRONLY, 0600));
    is_int(tcore_sys()->list(dir, look_for_two, &found), 7, "two files, and what each() says");
    is_int(found, 3, "both of them");
    struct stat st;
    is_int(tcore_sys()->fstatat(dir, "one", &st, 0), 0, "one of them");
    unlinkat(dir, "one", 0);
    unlinkat(dir, "two", 0);
    rmdir(path);
    close(dir);
    ok(tcore_sys()->list(-1, look_for_two, &found) == -1 && errno == EBADF, "no folder");
}

static void test_error(void)
{
    struct tcore_error err = {.line = 5, .byte = 6, .errnum = 7};
    char text[2 * TCORE_ERROR_TEXT_BYTES];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    is_int(tcore_error_set(&err, TCORE_SKIP, "%s %d", "bad", 1), TCORE_SKIP, "the status returns");
    is_str(err.text, "bad 1", "with the text");
    ok(err.status == TCORE_SKIP && !err.line && !err.byte && !err.errnum, "and no stale place");
    is_int(tcore_error_errno(&err, TCORE_FATAL, ENOENT, "no file"), TCORE_FATAL,
           "a system's error");
    is_int(err.errnum, ENOENT, "with its number");
    tcore_error_set(&err, TCORE_SKIP, "%s", text);
    is_int(strlen(err.text), TCORE_ERROR_TEXT_BYTES - 1, "a long text is cut");
    is_int(tcore_error_nomem(NULL), TCORE_FATAL, "no struct is needed");
    is_int(tcore_error_set(NULL, TCORE_SKIP, "x"), TCORE_SKIP, "for the others too");
    is_int(tcore_error_errno(NULL, TCORE_FATAL, 1, "x"), TCORE_FATAL, "all of them");
}

int main(void)
{
    struct tcore_sys sys = tcore_sys_default;
    sys.write = fake_write;
    sys.read = fake_read;
    sys.poll = fake_poll;
    tcore_sys_set(&sys);
    test_write();
    test_read();
    tcore_sys_set(NULL);
    test_defaults();
    test_list();
    test_error();
    return done_testing();
}
