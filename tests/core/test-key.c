/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key pairs and their files: modes, contents, and that no secret leaves by another way. */
#include "store/key.h"

#include "failing.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "test-key.XXXXXX";
static int dirfd = -1;

static size_t slurp(const char *name, char *text, size_t size)
{
    int fd = openat(dirfd, name, O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);

    if (fd >= 0)
        close(fd);
    got = got < 0 ? 0 : got;
    text[got] = '\0';
    return (size_t)got;
}

static void put(const char *name, mode_t mode, const char *text, size_t length)
{
    unlinkat(dirfd, name, 0);
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

    if (write(fd, text, length) != (ssize_t)length || fchmod(fd, mode) != 0)
        printf("# cannot write %s\n", name);
    close(fd);
}

static void test_files(enum tcore_key_kind kind, const char *private_words,
                       const char *public_words)
{
    struct tcore_private_key *key = NULL, *back = NULL;
    struct tcore_public_key a, b, c;
    struct tcore_error err = {0};
    struct stat st;
    char text[512];

    is_int(tcore_private_key_new(&key, kind, &err), TCORE_OK, "a key is made");
    mode_t old = umask(0);
    is_int(tcore_private_key_write(key, dirfd, "key", &err), TCORE_OK, "and written");
    is_int(tcore_private_key_public(key, "anna@example", &a, &err), TCORE_OK, "its public half");
    is_int(tcore_public_key_write(&a, dirfd, "key.pub", &err), TCORE_OK, "is written");
    umask(old);
    is_int(fstatat(dirfd, "key", &st, 0), 0, "the file is there");
    is_int(st.st_mode & 07777, 0600, "of mode 0600 whatever the umask");
    size_t length = slurp("key", text, sizeof text);
    is_int(length, strlen(private_words) + 45, "one line");
    ok(strncmp(text, private_words, strlen(private_words)) == 0, "its words");
    slurp("key.pub", text, sizeof text);
    ok(strncmp(text, public_words, strlen(public_words)) == 0, "the words of its public half");
    ok(strstr(text, " anna@example "), "and its name");
    is_int(tcore_private_key_write(key, dirfd, "key", &err), TCORE_BAD_INPUT,
           "no key is written over another");
    is_int(err.errnum, EEXIST, "since it is there");
    is_int(tcore_private_key_read(&back, kind, dirfd, "key", &err), TCORE_OK, "read back");
    is_int(tcore_private_key_public(back, "anna@example", &b, &err), TCORE_OK, "its public half");
    is_int(tcore_public_key_read(&c, kind, dirfd, "key.pub", &err), TCORE_OK, "read back, too");
    ok(memcmp(&a, &b, sizeof a) == 0 && memcmp(&a, &c, sizeof a) == 0, "all are the same");
    is_int(strlen(a.fingerprint), 32, "a fingerprint of 32 digits");
    tcore_private_key_free(back);
    is_int(tcore_private_key_public(key, "a b", &b, &err), TCORE_BAD_INPUT, "a blank in a name");
    is_int(tcore_private_key_public(key, "", &b, &err), TCORE_BAD_INPUT, "no name");
    tcore_private_key_free(key);
    unlinkat(dirfd, "key", 0);
    unlinkat(dirfd, "key.pub", 0);
}

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define GOOD   "tracecore secret key 1 " SECRET

/* What private key files are refused, and why. The words of each must not hold what was read. */
static const struct refused {
    const char *text;
    mode_t mode;
    const char *why;
} refused[] = {
    {GOOD "\n", 0640, "k is open to group or others (mode 0640): chmod 600 it"},
    {GOOD "\n", 0604, "k is open to group or others (mode 0604): chmod 600 it"},
    {GOOD "\n", 0620, "k is open to group or others (mode 0620): chmod 600 it"},
    {GOOD "\n", 0601, "k is open to group or others (mode 0601): chmod 600 it"},
    {"", 0600, "k holds no secret key of tracecore"},
    {"\n", 0600, "k holds no secret key of tracecore"},
    {"tracecore secret key 1", 0600, "k holds no secret key of tracecore"},
    {"tracecore secret key 1 ", 0600, "k holds a damaged secret key"},
    {"tracecore secret key 2 " SECRET "\n", 0600, "k holds no secret key of tracecore"},
    {" " GOOD "\n", 0600, "k holds no secret key of tracecore"},
    {GOOD "\n\n", 0600, "k holds a damaged secret key"},
    {GOOD " \n", 0600, "k holds a damaged secret key"},
    {GOOD "\nmore\n", 0600, "k holds a damaged secret key"},
    {GOOD "AAAA\n", 0600, "k holds a damaged secret key"},
    {"tracecore secret key 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n", 0600,
     "k holds a damaged secret key"}, /* bits behind the end */
    {"tracecore secret key 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n", 0600,
     "k holds a damaged secret key"}, /* no padding */
    {"tracecore secret key 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGx-dHh8=\n", 0600,
     "k holds a damaged secret key"},
    {"tracecore signing key 1 " SECRET "\n", 0600,
     "k holds a signing key where a secret key is wanted"},
    {"tracecore public key 1 anna " SECRET "\n", 0600,
     "k holds a public key where a secret key is wanted"},
    {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAECAwQFBgcICQoL\n", 0600,
     "k holds no secret key of tracecore"},
};

static void test_refused(void)
{
    struct tcore_private_key *key = NULL;
    struct tcore_error err;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        put("k", refused[i].mode, refused[i].text, strlen(refused[i].text));
        is_int(tcore_private_key_read(&key, TCORE_KEY_SEALING, dirfd, "k", &err), TCORE_BAD_INPUT,
               "refused %zu", i);
        is_str(err.text, refused[i].why, "why");
        ok(!key && !strstr(err.text, "AAECAwQ"), "nothing of it is told");
    }
    char large[5000];
    memset(large, 'A', sizeof large);
    memcpy(large, GOOD, strlen(GOOD));
    put("k", 0600, large, sizeof large);
    is_int(tcore_private_key_read(&key, TCORE_KEY_SEALING, dirfd, "k", &err), TCORE_BAD_INPUT,
           "too large a file");
    is_int(tcore_private_key_read(&key, TCORE_KEY_SEALING, dirfd, "none", &err), TCORE_BAD_INPUT,
           "no file");
    is_int(err.errnum, ENOENT, "and it says so");
    put("k", 0600, GOOD "\n", strlen(GOOD "\n"));
    ok(symlinkat("k", dirfd, "link") == 0, "a link");
    is_int(tcore_private_key_read(&key, TCORE_KEY_SEALING, dirfd, "link", &err), TCORE_BAD_INPUT,
           "is not followed");
    is_str(err.text, "link is a symbolic link", "and it says so");
    is_int(tcore_private_key_read(&key, TCORE_KEY_SEALING, dirfd, ".", &err), TCORE_BAD_INPUT,
           "a directory");
    ok(mkfifoat(dirfd, "fifo", 0600) == 0, "a named pipe that nobody writes to");
    is_int(tcore_private_key_read(&key, TCORE_KEY_SEALING, dirfd, "fifo", &err), TCORE_BAD_INPUT,
           "is no file, and not waited for");
    unlinkat(dirfd, "fifo", 0);
    unlinkat(dirfd, "link", 0);
    unlinkat(dirfd, "k", 0);
}

static void test_descriptor(void)
{
    struct tcore_private_key *key = NULL;
    struct tcore_error err = {0};
    int fds[2];

    ok(pipe(fds) == 0, "a pipe");
    is_int(write(fds[1], GOOD, strlen(GOOD)), (int)strlen(GOOD), "holds a key without a newline");
    close(fds[1]);
    is_int(tcore_private_key_read_fd(&key, TCORE_KEY_SEALING, fds[0], "descriptor 3", &err),
           TCORE_OK, "read from it");
    close(fds[0]);
    tcore_private_key_free(key);
    put("k", 0644, GOOD, strlen(GOOD));
    int fd = openat(dirfd, "k", O_RDONLY);
    is_int(tcore_private_key_read_fd(&key, TCORE_KEY_SEALING, fd, "descriptor 3", &err),
           TCORE_BAD_INPUT, "an open file behind a descriptor is refused, too");
    close(fd);
    unlinkat(dirfd, "k", 0);
}

static void test_public(void)
{
    static const char *const bad[] = {
        "",
        "tracecore public key 1 anna",
        "tracecore public key 1 anna  " SECRET,
        "tracecore public key 1  " SECRET,
        "tracecore public key 1 an/na " SECRET,
        "tracecore public key 1 anna " SECRET " ",
        "tracecore public key 1 anna " SECRET "\n\n",
        "tracecore verifying key 1 anna " SECRET,
        "tracecore secret key 1 " SECRET,
    };
    struct tcore_public_key key;
    struct tcore_error err;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(tcore_public_key_parse(&key, TCORE_KEY_SEALING, bad[i], strlen(bad[i]), &err),
               TCORE_BAD_INPUT, "bad public key %zu", i);
    is_int(tcore_public_key_parse(&key, TCORE_KEY_SEALING,
                                  "tracecore public key 1 anna " SECRET "\n",
                                  strlen("tracecore public key 1 anna " SECRET "\n"), &err),
           TCORE_OK, "a good one");
    is_str(key.name, "anna", "its name");
    put("k", 0644, GOOD, strlen(GOOD));
    is_int(tcore_public_key_read(&key, TCORE_KEY_SEALING, dirfd, "k", &err), TCORE_BAD_INPUT,
           "a private key in place of a public one");
    is_str(err.text, "k holds no public key of tracecore", "is told without a word of it");
    unlinkat(dirfd, "k", 0);
}

/* --- What is left in memory */

static size_t released, told;

/* Looks for the secret of GOOD, as bytes and as text, in what is given back. */
static void watching_release(void *memory)
{
    static const unsigned char bytes[] = {16, 17, 18, 19, 20, 21, 22, 23};
    size_t size = memory ? malloc_usable_size(memory) : 0;

    released++;
    told += memory && (memmem(memory, size, bytes, sizeof bytes) ||
                       memmem(memory, size, SECRET, strlen(SECRET) / 2));
    free(memory);
}

static void test_wiped(void)
{
    struct tcore_private_key *key = NULL;
    struct tcore_error err = {0};
    struct tcore_sys sys = tcore_sys_default;

    put("k", 0600, GOOD, strlen(GOOD));
    sys.release = watching_release;
    tcore_sys_set(&sys);
    is_int(tcore_private_key_read(&key, TCORE_KEY_SEALING, dirfd, "k", &err), TCORE_OK, "read");
    tcore_private_key_write(key, dirfd, "copy", &err);
    tcore_private_key_free(key);
    tcore_sys_set(NULL);
    ok(released >= 3 && !told, "%zu blocks are given back, none with the secret in it", released);
    unlinkat(dirfd, "k", 0);
    unlinkat(dirfd, "copy", 0);
}

/* --- Failures */

static int failing_fsync(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static ssize_t failing_write(int fd, const void *buffer, size_t bytes)
{
    (void)fd;
    (void)buffer;
    (void)bytes;
    errno = ENOSPC;
    return -1;
}

static int failing_random(void *buffer, size_t bytes)
{
    (void)buffer;
    (void)bytes;
    errno = EIO;
    return -1;
}

static void test_system(void)
{
    struct tcore_private_key *key = NULL, *other = NULL;
    struct tcore_error err = {0};
    struct tcore_sys sys = tcore_sys_default;

    tcore_private_key_new(&key, TCORE_KEY_SEALING, &err);
    sys.fsync = failing_fsync;
    tcore_sys_set(&sys);
    is_int(tcore_private_key_write(key, dirfd, "k", &err), TCORE_FATAL, "a failed sync");
    is_int(err.errnum, EIO, "is told");
    ok(faccessat(dirfd, "k", F_OK, 0) != 0, "and leaves no file");
    sys.write = failing_write;
    is_int(tcore_private_key_write(key, dirfd, "k", &err), TCORE_FATAL, "so is a full disk");
    ok(faccessat(dirfd, "k", F_OK, 0) != 0, "which leaves no file, either");
    sys.random = failing_random;
    is_int(tcore_private_key_new(&other, TCORE_KEY_SEALING, &err), TCORE_FATAL, "no randomness");
    ok(!other, "no key");
    tcore_sys_set(NULL);
    tcore_private_key_free(key);
}

static void test_memory(void)
{
    bool more = true;
    unsigned long n = 0;

    while (more && n < 100) {
        struct tcore_private_key *key = NULL, *back = NULL;
        struct tcore_public_key public_key;
        struct tcore_error err = {0};

        failing_begin(++n);
        enum tcore_status status = tcore_private_key_new(&key, TCORE_KEY_SEALING, &err);
        if (status == TCORE_OK)
            status = tcore_private_key_write(key, dirfd, "k", &err);
        if (status == TCORE_OK)
            status = tcore_private_key_read(&back, TCORE_KEY_SEALING, dirfd, "k", &err);
        if (status == TCORE_OK)
            status = tcore_private_key_public(key, "a", &public_key, &err);
        if (status == TCORE_OK)
            status = tcore_public_key_write(&public_key, dirfd, "k.pub", &err);
        if (status == TCORE_OK)
            status = tcore_public_key_read(&public_key, TCORE_KEY_SEALING, dirfd, "k.pub", &err);
        tcore_private_key_free(key);
        tcore_private_key_free(back);
        more = failing_end();
        if (more ? status != TCORE_FATAL : status != TCORE_OK)
            ok(false, "allocation %lu: status %d", n, (int)status);
        unlinkat(dirfd, "k", 0);
        unlinkat(dirfd, "k.pub", 0);
    }
    ok(!more && n > 3 && failing.live == 0, "%lu failed allocations, nothing leaked", n - 1);
}

int main(void)
{
    if (!mkdtemp(directory) || (dirfd = open(directory, O_RDONLY | O_DIRECTORY)) < 0)
        return EXIT_FAILURE;
    struct tcore_private_key *key;
    struct tcore_error err = {0};
    if (tcore_private_key_new(&key, TCORE_KEY_SEALING, &err) != TCORE_OK) {
        skip("%s", err.text);
    } else {
        tcore_private_key_free(key);
        test_files(TCORE_KEY_SEALING, "tracecore secret key 1 ", "tracecore public key 1 ");
        test_files(TCORE_KEY_SIGNING, "tracecore signing key 1 ", "tracecore verifying key 1 ");
        test_refused();
        test_descriptor();
        test_public();
        test_wiped();
        test_system();
        test_memory();
    }
    close(dirfd);
    ok(rmdir(directory) == 0, "nothing is left behind");
    return done_testing();
}
