/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/tail.h"

#include "base/sys.h"
#include "store/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 << 10)
#define LINE_BYTES ((size_t)32 << 20)

enum tcore_status tail_open(struct tail *tail, const char *path, const char *id,
                            const struct tcore_wanted *wanted, execution_line *each, void *context,
                            struct tcore_error *err)
{
    *tail = (struct tail){.path = path,
                          .id = id,
                          .wanted = *wanted,
                          .each = each,
                          .context = context,
                          .fd = -1,
                          .repository = tcore_is_directory(path)};
    if (tcore_map_init(&tail->seen) < 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    return TCORE_OK;
}

off_t tail_end_of(const char *path)
{
    struct stat st;
    return tcore_sys()->fstatat(AT_FDCWD, path, &st, 0) == 0 && S_ISREG(st.st_mode) ? st.st_size
                                                                                    : 0;
}

void tail_skip(struct tail *tail, off_t bytes)
{
    struct stat st;
    if (tail->repository)
        return;
    tail->fd = tcore_sys()->openat(AT_FDCWD, tail->path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
    if (tail->fd >= 0 && tcore_sys()->fstat(tail->fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size >= bytes) /* else it is another one */
        (void)lseek(tail->fd, bytes, SEEK_SET);
}

void tail_close(struct tail *tail)
{
    if (tail->fd >= 0)
        tcore_sys()->close(tail->fd);
    tcore_buf_free(&tail->text);
    tcore_map_free(&tail->seen);
    tcore_free(tail->counts);
}

/* --- A file */

static enum tcore_status take_lines(struct tail *tail, struct tcore_error *err)
{
    char *text = tail->text.data;
    const char *last = tail->text.length ? memrchr(text, '\n', tail->text.length) : NULL;
    size_t whole = last ? (size_t)(last + 1 - text) : 0, at = 0;
    enum tcore_status status = TCORE_OK;
    if (tail->passing && whole) {
        at = (size_t)((char *)memchr(text, '\n', whole) + 1 - text);
        tail->passing = false;
    }
    if (!tail->passing)
        status =
            execution_lines_in(text + at, whole - at, tail->id, tail->each, tail->context, err);
    tail->passing |= tail->text.length - whole > LINE_BYTES;
    if (tail->passing)
        whole = tail->text.length;
    if (whole)
        memmove(text, text + whole, tail->text.length - whole);
    tail->text.length -= whole;
    return status;
}

/* To the end of the file as it is. */
static enum tcore_status read_file(struct tail *tail, struct tcore_error *err)
{
    for (;;) {
        char *room = tcore_buf_reserve(&tail->text, READ_BYTES);
        if (!room)
            return tcore_error_nomem(err);
        ssize_t got = tcore_read_some(tail->fd, room, READ_BYTES);
        if (got < 0)
            return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read");
        if (!got)
            return TCORE_OK;
        tail->text.length += (size_t)got;
        enum tcore_status status = take_lines(tail, err);
        if (status != TCORE_OK)
            return status;
    }
}

static void begin_anew(struct tail *tail)
{
    tcore_buf_clear(&tail->text);
    tail->passing = false;
}

/* Whether the file at the path is another one than that which is read; it may be none yet. */
static bool is_another(const struct tail *tail)
{
    struct stat here, there;
    return tcore_sys()->fstatat(AT_FDCWD, tail->path, &there, 0) == 0 &&
           tcore_sys()->fstat(tail->fd, &here) == 0 &&
           (here.st_dev != there.st_dev || here.st_ino != there.st_ino);
}

static bool is_cut_short(const struct tail *tail)
{
    struct stat st;
    off_t at = lseek(tail->fd, 0, SEEK_CUR);
    return at >= 0 && tcore_sys()->fstat(tail->fd, &st) == 0 && st.st_size < at;
}

static enum tcore_status look_at_file(struct tail *tail, struct tcore_error *err)
{
    enum tcore_status status;
    if (tail->fd >= 0) {
        bool another = is_another(tail); /* asked first: what comes until now is still read */
        if (is_cut_short(tail)) {
            (void)lseek(tail->fd, 0, SEEK_SET);
            begin_anew(tail);
        }
        status = read_file(tail, err);
        if (status != TCORE_OK || !another)
            return status;
        tcore_sys()->close(tail->fd);
        begin_anew(tail);
    }
    tail->fd = tcore_sys()->openat(AT_FDCWD, tail->path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
    return tail->fd < 0 ? TCORE_OK : read_file(tail, err);
}

/* --- A repository */

struct look {
    int folder;
    uint64_t state;
};

static int add_log(void *context, const char *name)
{
    struct look *look = context;
    struct stat st;
    static const uint64_t seed[2] = {0, 0};
    if (tcore_sys()->fstatat(look->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        const uint64_t what[] = {(uint64_t)st.st_ino, (uint64_t)st.st_size};
        look->state += tcore_siphash(seed, what, sizeof(what)); /* in any order */
    }
    return 0;
}

/* A number that changes when something is written to the logs or the catalog. */
static uint64_t state_of(const struct tail *tail)
{
    struct look look = {0};
    int folder = tcore_sys()->openat(AT_FDCWD, tail->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0)
        return 0;
    look.folder = folder;
    add_log(&look, "catalog");
    look.folder = tcore_sys()->openat(folder, "open", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (look.folder >= 0) {
        (void)tcore_sys()->list(look.folder, add_log, &look);
        tcore_sys()->close(look.folder);
    }
    tcore_sys()->close(folder);
    return look.state;
}

/* Gives a line unless it was given as often as it was found in this look. */
static enum tcore_status give_new(void *context, const char *line, size_t length,
                                  struct tcore_error *err)
{
    struct tail *tail = context;
    uint32_t number = tcore_map_intern(&tail->seen, line, length, NULL);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (number >= tail->capacity) {
        size_t capacity = tail->capacity ? 2 * tail->capacity : 64;
        void *counts = tcore_reallocarray(tail->counts, capacity, sizeof(*tail->counts));
        if (!counts)
            return tcore_error_nomem(err);
        tail->counts = counts;
        memset(tail->counts + tail->capacity, 0,
               (capacity - tail->capacity) * sizeof(*tail->counts));
        tail->capacity = capacity;
    }
    struct tail_count *count = &tail->counts[number];
    if (++count->found <= count->given)
        return TCORE_OK;
    count->given++;
    return tail->each(tail->context, line, length, err);
}

static enum tcore_status look_at_repository(struct tail *tail, struct tcore_error *err)
{
    uint64_t state = state_of(tail);
    if (state && state == tail->state)
        return TCORE_OK;
    tail->state = state;
    for (size_t i = 0; i < tail->seen.count; i++)
        tail->counts[i].found = 0;
    enum tcore_status status =
        execution_lines(tail->path, tail->id, &tail->wanted, give_new, tail, err);
    if (status != TCORE_BAD_INPUT)
        return status;
    tail->damaged = true;
    tail->damage = *err;
    tail->damage.input = tail->path;
    return TCORE_OK;
}

enum tcore_status tail_look(struct tail *tail, struct tcore_error *err)
{
    enum tcore_status status =
        tail->repository ? look_at_repository(tail, err) : look_at_file(tail, err);
    if (status == TCORE_FATAL && !err->input)
        err->input = tail->path;
    return status;
}
