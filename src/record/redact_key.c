/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key of pseudonyms: a file that whoever needs it first makes. */
#include <config.h>

#include "base/sys.h"
#include "record/redact.h"
#include "store/new_file.h"
#include "stream/binary_codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FOLDER    "keys"
#define FILE_NAME "pseudonym.key"
#define DIGITS    (2 * REDACT_KEY_BYTES)

static enum tcore_status failed(struct tcore_error *err, const char *what)
{
    return tcore_error_errno(err, TCORE_FATAL, errno, "cannot %s " FOLDER "/" FILE_NAME, what);
}

/* TCORE_EOF: it is not there. */
static enum tcore_status read_key(int folder, unsigned char key[REDACT_KEY_BYTES],
                                  struct tcore_error *err)
{
    char text[DIGITS + 1];
    struct stat st;
    int fd = tcore_open_regular(folder, FILE_NAME, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? TCORE_EOF : failed(err, "open");
    ptrdiff_t got = tcore_pread_all(fd, text, sizeof text, 0);
    enum tcore_status status =
        got < 0 || tcore_sys()->fstat(fd, &st) < 0 ? failed(err, "read") : TCORE_OK;
    tcore_sys()->close(fd);
    if (status != TCORE_OK)
        return status;
    if (st.st_mode & 077 || (st.st_uid != geteuid() && st.st_uid != 0))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               FOLDER "/" FILE_NAME " must be its owner's alone (chmod 600)");
    bool whole = got == (ptrdiff_t)sizeof text && text[DIGITS] == '\n';
    whole = whole && tcore_binary_hex_decode(key, text, REDACT_KEY_BYTES);
    return whole ? TCORE_OK
                 : tcore_error_set(err, TCORE_BAD_INPUT, FOLDER "/" FILE_NAME " holds no key");
}

/* Writes a new one under another name and gives it its own, unless there is one by then. */
static enum tcore_status make_key(int folder, struct tcore_error *err)
{
    const struct tcore_sys *sys = tcore_sys();
    unsigned char key[REDACT_KEY_BYTES], number[8];
    char text[DIGITS + 2], name[40];
    if (sys->random(key, sizeof key) < 0 || sys->random(number, sizeof number) < 0)
        return failed(err, "draw");
    for (int i = 0; i < REDACT_KEY_BYTES; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", key[i]);
    text[DIGITS] = '\n';
    int length = snprintf(name, sizeof name, ".pseudonym-");
    for (size_t i = 0; i < sizeof number; i++)
        length += snprintf(name + length, sizeof name - (size_t)length, "%02x", number[i]);
    int fd = sys->openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(err, "make");
    enum tcore_status status = TCORE_OK;
    if (tcore_write_all(fd, text, DIGITS + 1) < 0 || sys->fsync(fd) < 0 ||
        (sys->linkat(folder, name, folder, FILE_NAME, 0) < 0 && errno != EEXIST))
        status = failed(err, "make");
    sys->close(fd);
    sys->unlinkat(folder, name, 0);
    return status == TCORE_OK ? tcore_sync_directory(folder, err) : status;
}

enum tcore_status redact_key(int dirfd, unsigned char key[REDACT_KEY_BYTES],
                             struct tcore_error *err)
{
    const struct tcore_sys *sys = tcore_sys();
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int folder = sys->openat(dirfd, FOLDER, flags, 0);
    if (folder < 0 && errno == ENOENT) {
        if (sys->mkdirat(dirfd, FOLDER, 0750) < 0 && errno != EEXIST)
            return failed(err, "make");
        folder = sys->openat(dirfd, FOLDER, flags, 0);
    }
    if (folder < 0)
        return failed(err, "open");
    enum tcore_status status = read_key(folder, key, err);
    if (status == TCORE_EOF) {
        status = make_key(folder, err);
        if (status == TCORE_OK)
            status = read_key(folder, key, err);
        if (status == TCORE_EOF)
            status = tcore_error_set(err, TCORE_FATAL, FOLDER "/" FILE_NAME " was taken away");
    }
    sys->close(folder);
    return status;
}
