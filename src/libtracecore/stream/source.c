/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes from a descriptor, decompressed if their first bytes say so: gzip and zstd by unpack.h, the
 * others by libarchive, which discards up to 64 KiB of what was good before damage or a cut. */
#include "stream/source.h"

#include "base/dl.h"
#include "base/sys.h"
#include "stream/unpack.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#ifndef TCORE_SONAME_ARCHIVE
#define TCORE_SONAME_ARCHIVE "libarchive.so.13"
#endif

enum {
    PEEK_BYTES = 1 << 16,
    PIPE_BYTES = 1 << 20,
    PIECE_BYTES = 1 << 16 /* what libarchive unpacks at once; a read that fails gives nothing */
};

struct archive_table {
    struct archive *(*read_new)(void);
    int (*support_format_raw)(struct archive *);
    int (*support_format_empty)(struct archive *);
    int (*append_filter)(struct archive *, int);
    int (*open)(struct archive *, void *, archive_open_callback *, archive_read_callback *,
                archive_close_callback *);
    int (*next_header)(struct archive *, struct archive_entry **);
    la_ssize_t (*read_data)(struct archive *, void *, size_t);
    const char *(*error_string)(struct archive *);
    int (*free)(struct archive *);
};

#define SYMBOL(member, name)                                                                       \
    {                                                                                              \
        "archive_" name, offsetof(struct archive_table, member)                                    \
    }

static const struct tcore_dl_symbol archive_symbols[] = {
    SYMBOL(read_new, "read_new"),
    SYMBOL(support_format_raw, "read_support_format_raw"),
    SYMBOL(support_format_empty, "read_support_format_empty"),
    SYMBOL(append_filter, "read_append_filter"),
    SYMBOL(open, "read_open"),
    SYMBOL(next_header, "read_next_header"),
    SYMBOL(read_data, "read_data"),
    SYMBOL(error_string, "error_string"),
    SYMBOL(free, "read_free"),
};

struct tcore_source {
    char *name;
    int fd;
    int stop_fd;  /* readable: stop; 0: none */
    bool stopped; /* that is why it ended */
    bool owned;   /* the descriptor is ours to close */
    bool regular; /* a read never waits */
    bool detached;
    uint64_t mark; /* where a detached one goes on */
    uint64_t done, total;
    char *peek; /* first bytes, not yet handed out */
    size_t peeked, peek_used;
    struct archive_table lib;
    struct archive *archive;
    struct tcore_unpack *unpack; /* neither: plain */
    bool empty;                  /* there is nothing in it */
    int read_errno;              /* of the descriptor under the archive */
};

/* Reads once at a position, going on after EINTR. */
static ssize_t read_some_at(struct tcore_source *s, void *buffer, size_t bytes, uint64_t offset)
{
    ssize_t got;
    do
        got = tcore_sys()->pread(s->fd, buffer, bytes, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

static ssize_t read_on(struct tcore_source *s, void *buffer, size_t bytes)
{
    if (!s->detached)
        return tcore_read_some(s->fd, buffer, bytes);
    ssize_t got = read_some_at(s, buffer, bytes, s->mark);
    if (got > 0)
        s->mark += (uint64_t)got;
    return got;
}

/* Reads once, waiting for data or for the wish to stop, whichever comes first. */
static ssize_t read_or_stop(struct tcore_source *s, void *buffer, size_t bytes)
{
    struct pollfd fds[] = {{.fd = s->stop_fd, .events = POLLIN}, {.fd = s->fd, .events = POLLIN}};
    while (s->stop_fd > 0 && !s->stopped) {
        int ready = tcore_sys()->poll(fds, s->regular ? 1 : 2, s->regular ? 0 : -1);
        if (ready < 0 && errno != EINTR)
            return -1;
        s->stopped = ready > 0 && fds[0].revents;
        if (ready >= 0)
            break;
    }
    return s->stopped ? 0 : read_on(s, buffer, bytes);
}

static ssize_t read_raw(struct tcore_source *s, const void **data, void *buffer, size_t bytes)
{
    if (s->peek_used < s->peeked) {
        size_t n = s->peeked - s->peek_used;
        const char *at = s->peek + s->peek_used;
        if (buffer) {
            if (n > bytes)
                n = bytes;
            memcpy(buffer, at, n);
        } else {
            *data = at;
        }
        s->peek_used += n;
        return (ssize_t)n;
    }
    void *into = buffer ? buffer : s->peek;
    ssize_t got = read_or_stop(s, into, buffer ? bytes : PEEK_BYTES);
    if (got > 0)
        __atomic_fetch_add(&s->done, (uint64_t)got, __ATOMIC_RELAXED);
    if (!buffer)
        *data = s->peek;
    return got;
}

static ssize_t feed(void *source, const void **data)
{
    struct tcore_source *s = source;
    ssize_t got = read_raw(s, data, NULL, 0);
    if (got < 0)
        s->read_errno = errno;
    return got;
}

static la_ssize_t feed_archive(struct archive *archive, void *source, const void **data)
{
    (void)archive;
    return feed(source, data);
}

/* libarchive's name of the compression that the bytes begin, ARCHIVE_FILTER_NONE if they begin
 * none.
 */
static int compression_of(const char *data, size_t length)
{
    static const struct {
        const char *magic;
        size_t length;
        int filter;
    } magics[] = {{"\x1f\x8b", 2, ARCHIVE_FILTER_GZIP},
                  {"\x28\xb5\x2f\xfd", 4, ARCHIVE_FILTER_ZSTD},
                  {"\xfd"
                   "7zXZ\0",
                   6, ARCHIVE_FILTER_XZ},
                  {"BZh", 3, ARCHIVE_FILTER_BZIP2},
                  {"\x04\x22\x4d\x18", 4, ARCHIVE_FILTER_LZ4}};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (length >= magics[i].length && !memcmp(data, magics[i].magic, magics[i].length))
            return magics[i].filter;
    return ARCHIVE_FILTER_NONE;
}

static enum tcore_status fail(struct tcore_source *s, enum tcore_status status, int errnum,
                              const char *text, struct tcore_error *err)
{
    tcore_error_errno(err, status, errnum, "%s", text);
    if (err)
        err->input = s->name;
    return status;
}

static enum tcore_status archive_failed(struct tcore_source *s, struct tcore_error *err)
{
    if (s->read_errno)
        return fail(s, TCORE_FATAL, s->read_errno, "cannot read", err);
    const char *reason = s->lib.error_string(s->archive);
    tcore_error_set(err, TCORE_BAD_INPUT, "cannot decompress: %s", reason ? reason : "damaged");
    if (err)
        err->input = s->name;
    return TCORE_BAD_INPUT;
}

/* libarchive takes the beginning of a bzip2 header for a whole stream of nothing, which has 14
 * bytes. */
static bool is_whole_nothing(const struct tcore_source *s, int filter)
{
    return s->done > s->peeked || filter != ARCHIVE_FILTER_BZIP2 || s->peeked >= 14;
}

static enum tcore_status open_archive(struct tcore_source *s, int filter, struct tcore_error *err)
{
    enum tcore_status status =
        tcore_dl_open(TCORE_SONAME_ARCHIVE, "libarchive13", archive_symbols,
                      sizeof archive_symbols / sizeof *archive_symbols, &s->lib, err);
    if (status)
        return status;
    struct archive *a = s->archive = s->lib.read_new();
    if (!a)
        return tcore_error_nomem(err);
    s->lib.support_format_raw(a);
    s->lib.support_format_empty(a);
    /* Exactly one filter: left to itself libarchive would look for more of them in what comes out,
     * and a file that unpacks to itself would keep it busy for hours. */
    if (s->lib.append_filter(a, filter) < ARCHIVE_WARN)
        return archive_failed(s, err);
    struct archive_entry *entry;
    /* what cannot be decompressed from its start on is opened as empty, but leaves a reason */
    if (s->lib.open(a, s, NULL, feed_archive, NULL) != ARCHIVE_OK || s->lib.error_string(a))
        return archive_failed(s, err);
    int result = s->lib.next_header(a, &entry);
    s->empty = result == ARCHIVE_EOF;
    if (s->empty && !is_whole_nothing(s, filter))
        return fail(s, TCORE_BAD_INPUT, 0, "cannot decompress: it is cut short", err);
    return s->empty || result == ARCHIVE_OK || result == ARCHIVE_WARN ? TCORE_OK
                                                                      : archive_failed(s, err);
}

static enum tcore_status open_packed(struct tcore_source *s, int filter, struct tcore_error *err)
{
    switch (filter) {
    case ARCHIVE_FILTER_NONE:
        return TCORE_OK;
    case ARCHIVE_FILTER_GZIP:
        return tcore_unpack_open(&s->unpack, TCORE_PACKING_GZIP, feed, s, err);
    case ARCHIVE_FILTER_ZSTD:
        return tcore_unpack_open(&s->unpack, TCORE_PACKING_ZSTD, feed, s, err);
    default:
        return open_archive(s, filter, err);
    }
}

static enum tcore_status look(struct tcore_source *s, struct tcore_error *err)
{
    struct stat st;
    if (tcore_sys()->fstat(s->fd, &st) != 0)
        return fail(s, TCORE_FATAL, errno, "cannot read", err);
    if (S_ISDIR(st.st_mode))
        return fail(s, TCORE_BAD_INPUT, 0, "is a directory, and no repository", err);
    s->regular = S_ISREG(st.st_mode);
    if (s->regular)
        s->total = (uint64_t)st.st_size;
#ifdef F_SETPIPE_SZ
    if (S_ISFIFO(st.st_mode))
        (void)fcntl(s->fd, F_SETPIPE_SZ, PIPE_BYTES); /* fewer, larger reads; no harm if refused */
#endif
    s->peek = tcore_malloc(PEEK_BYTES);
    if (!s->peek)
        return tcore_error_nomem(err);
    /* A pipe may give one byte at a time: six are enough to know a compression. */
    while (s->peeked < 6) {
        ssize_t got = read_or_stop(s, s->peek + s->peeked, PEEK_BYTES - s->peeked);
        if (got < 0)
            return fail(s, TCORE_FATAL, errno, "cannot read", err);
        if (got == 0)
            break;
        s->peeked += (size_t)got;
        s->done += (uint64_t)got;
        if (s->peek[0] == '{' || s->peek[0] == '\n')
            break;
    }
    return open_packed(s, compression_of(s->peek, s->peeked), err);
}

enum tcore_status tcore_source_open(struct tcore_source **source, const char *path,
                                    struct tcore_error *err)
{
    return tcore_source_open_until(source, path, 0, err);
}

enum tcore_status tcore_source_open_until(struct tcore_source **source, const char *path,
                                          int stop_fd, struct tcore_error *err)
{
    *source = NULL;
    struct tcore_source *s = tcore_calloc(1, sizeof *s);
    if (!s)
        return tcore_error_nomem(err);
    s->fd = -1;
    s->stop_fd = stop_fd;
    s->name = tcore_strndup(path, strlen(path));
    enum tcore_status status = s->name ? TCORE_OK : tcore_error_nomem(err);
    if (!status && strcmp(path, "-") != 0) {
        s->fd = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
        s->owned = s->fd >= 0;
        if (s->fd < 0)
            status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot open");
    } else if (!status) {
        s->fd = STDIN_FILENO;
    }
    if (!status)
        status = look(s, err);
    if (status) {
        if (err)
            err->input = path; /* the source's own copy of the name goes with it */
        tcore_source_close(s);
        return status;
    }
    *source = s;
    return TCORE_OK;
}

void tcore_source_close(struct tcore_source *s)
{
    if (!s)
        return;
    if (s->archive)
        s->lib.free(s->archive);
    tcore_unpack_close(s->unpack);
    if (s->owned)
        tcore_sys()->close(s->fd);
    else if (s->detached)
        (void)lseek(s->fd, (off_t)s->mark, SEEK_SET); /* as if it had been read there */
    tcore_free(s->peek);
    tcore_free(s->name);
    tcore_free(s);
}

const char *tcore_source_name(const struct tcore_source *s)
{
    return s->name;
}

static enum tcore_status read_unpacked(struct tcore_source *s, void *buffer, size_t bytes,
                                       size_t *got, struct tcore_error *err)
{
    enum tcore_status status = tcore_unpack_read(s->unpack, buffer, bytes, got, err);
    if (status == TCORE_EOF)
        return fail(s, TCORE_FATAL, s->read_errno, "cannot read", err);
    if (status && s->stopped)
        return TCORE_OK;
    if (status && err)
        err->input = s->name;
    return status;
}

enum tcore_status tcore_source_read(struct tcore_source *s, void *buffer, size_t bytes, size_t *got,
                                    struct tcore_error *err)
{
    *got = 0;
    ssize_t n;
    if (s->unpack)
        return read_unpacked(s, buffer, bytes, got, err);
    if (s->empty) {
        n = 0;
    } else if (s->archive) {
        n = s->lib.read_data(s->archive, buffer, bytes < PIECE_BYTES ? bytes : PIECE_BYTES);
        if (n < 0 && s->stopped)
            n = 0;
        if (n < 0)
            return archive_failed(s, err);
    } else {
        n = read_raw(s, NULL, buffer, bytes);
        if (n < 0)
            return fail(s, TCORE_FATAL, errno, "cannot read", err);
    }
    *got = (size_t)n;
    return TCORE_OK;
}

/* Whether there is the wish to stop. */
static bool has_to_stop(const struct tcore_source *s)
{
    struct pollfd wish = {.fd = s->stop_fd, .events = POLLIN};
    return s->stop_fd > 0 && tcore_sys()->poll(&wish, 1, 0) > 0;
}

bool tcore_source_detach(struct tcore_source *s)
{
    if (has_to_stop(s))
        return false;
    if (s->detached)
        return true;
    if (!s->regular || s->archive || s->unpack || s->empty || s->peek_used < s->peeked)
        return false;
    off_t at = lseek(s->fd, 0, SEEK_CUR);
    if (at < 0)
        return false;
    s->mark = (uint64_t)at;
    s->detached = true;
    return true;
}

uint64_t tcore_source_mark(const struct tcore_source *s)
{
    return s->mark;
}

void tcore_source_set_mark(struct tcore_source *s, uint64_t offset)
{
    __atomic_fetch_add(&s->done, offset - s->mark, __ATOMIC_RELAXED);
    s->mark = offset;
}

enum tcore_status tcore_source_read_at(struct tcore_source *s, uint64_t offset, void *buffer,
                                       size_t bytes, size_t *got, struct tcore_error *err)
{
    *got = 0;
    while (*got < bytes) {
        ssize_t n = read_some_at(s, (char *)buffer + *got, bytes - *got, offset + *got);
        if (n < 0)
            return fail(s, TCORE_FATAL, errno, "cannot read", err);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return TCORE_OK;
}

bool tcore_source_ready(struct tcore_source *s, int64_t timeout_ns)
{
    if (s->regular || s->archive || s->unpack || s->peek_used < s->peeked)
        return true;
    struct pollfd fds[] = {{.fd = s->fd, .events = POLLIN}, {.fd = s->stop_fd, .events = POLLIN}};
    int64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    return tcore_sys()->poll(fds, s->stop_fd > 0 ? 2 : 1, ms > INT32_MAX ? INT32_MAX : (int)ms) !=
           0;
}

bool tcore_source_stopped(const struct tcore_source *s)
{
    return s->stopped;
}

void tcore_source_position(const struct tcore_source *s, uint64_t *done, uint64_t *total)
{
    *done = __atomic_load_n(&s->done, __ATOMIC_RELAXED);
    *total = s->total;
}
