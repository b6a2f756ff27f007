/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading append logs: entry by entry, and over damage to the next one. */
#include "store/log_read.h"

#include "base/sys.h"
#include "store/log_read_private.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { WINDOW_BYTES = 256 << 10 };

static enum tcore_status unreadable(const struct tcore_log_reader *r, int errnum,
                                    struct tcore_error *err)
{
    return tcore_error_errno(err, TCORE_FATAL, errnum, "cannot read the log %s", r->name);
}

static enum tcore_status look_at_size(struct tcore_log_reader *r, struct tcore_error *err)
{
    struct stat st;
    if (tcore_sys()->fstat(r->fd, &st) != 0)
        return unreadable(r, errno, err);
    r->size = (uint64_t)st.st_size;
    r->device = st.st_dev;
    r->inode = st.st_ino;
    tcore_buf_clear(&r->window); /* what was behind the end may have been cut off and replaced */
    return TCORE_OK;
}

/* Makes so many bytes at offset, which the file has, addressable. TCORE_EOF: it has become shorter.
 */
static enum tcore_status look_at(struct tcore_log_reader *r, uint64_t offset, size_t bytes,
                                 const char **at, struct tcore_error *err)
{
    if (offset < r->window_offset || offset + bytes > r->window_offset + r->window.length) {
        size_t wanted = bytes > WINDOW_BYTES ? bytes : WINDOW_BYTES;
        if (wanted > r->size - offset)
            wanted = (size_t)(r->size - offset);
        tcore_buf_clear(&r->window);
        if (!tcore_buf_reserve(&r->window, wanted))
            return tcore_error_nomem(err);
        ptrdiff_t got = tcore_pread_all(r->fd, r->window.data, wanted, offset);
        if (got < 0)
            return unreadable(r, errno, err);
        r->window_offset = offset;
        r->window.length = (size_t)got;
        if ((size_t)got < bytes)
            return TCORE_EOF;
    }
    *at = r->window.data + (offset - r->window_offset);
    return TCORE_OK;
}

/* TCORE_OK: a whole entry that may follow the last one is at offset; TCORE_SKIP: none is;
 * TCORE_EOF: the file has become shorter; TCORE_FATAL. */
static enum tcore_status entry_at(struct tcore_log_reader *r, uint64_t offset,
                                  struct tcore_log_entry *entry, struct tcore_error *err)
{
    const char *bytes;
    struct log_head head;
    if (r->size < LOG_ENTRY_BYTES || offset > r->size - LOG_ENTRY_BYTES)
        return TCORE_SKIP;
    enum tcore_status status = look_at(r, offset, LOG_ENTRY_BYTES, &bytes, err);
    if (status)
        return status;
    if (!tcore_log_get_head(r->header.id, offset, bytes, &head) || head.sequence <= r->sequence)
        return TCORE_SKIP;
    uint64_t whole = log_entry_bytes(head.length);
    if (whole > r->size - offset)
        return TCORE_SKIP;
    status = look_at(r, offset, (size_t)whole, &bytes, err);
    if (status)
        return status;
    if (!tcore_log_check_entry(r->header.id, offset, bytes, &head))
        return TCORE_SKIP;
    *entry = (struct tcore_log_entry){head.sequence, head.kind, bytes + LOG_ENTRY_BYTES,
                                      head.length, offset};
    return TCORE_OK;
}

/* Looks for the next entry behind an offset where none is. */
static enum tcore_status search(struct tcore_log_reader *r, uint64_t offset, uint64_t *found,
                                struct tcore_error *err)
{
    struct tcore_log_entry entry;
    enum tcore_status status = TCORE_SKIP;
    while (status == TCORE_SKIP && r->size - offset >= LOG_ENTRY_LEAST + LOG_ALIGN) {
        offset += LOG_ALIGN;
        status = entry_at(r, offset, &entry, err);
    }
    *found = offset;
    return status;
}

static enum tcore_status take(struct tcore_log_reader *r, const struct tcore_log_entry *entry)
{
    r->report.entries++;
    r->report.missing += entry->sequence - r->sequence - 1;
    r->sequence = entry->sequence;
    r->offset = entry->offset + log_entry_bytes(entry->length);
    return TCORE_OK;
}

static enum tcore_status skip(struct tcore_log_reader *r, uint64_t to,
                              struct tcore_log_entry *entry, struct tcore_error *err)
{
    *entry = (struct tcore_log_entry){.offset = r->offset, .length = (size_t)(to - r->offset)};
    r->report.damages++;
    r->report.damaged_bytes += entry->length;
    r->offset = to;
    tcore_error_set(err, TCORE_SKIP, "the log %s is damaged: %zu bytes are lost", r->name,
                    entry->length);
    if (err)
        err->byte = entry->offset;
    return TCORE_SKIP;
}

static enum tcore_status end(struct tcore_log_reader *r)
{
    r->report.torn_offset = r->offset;
    r->report.torn_bytes = r->size > r->offset ? r->size - r->offset : 0;
    return TCORE_EOF;
}

enum tcore_status tcore_log_read(struct tcore_log_reader *r, struct tcore_log_entry *entry,
                                 struct tcore_error *err)
{
    enum tcore_status status = entry_at(r, r->offset, entry, err);
    if (status == TCORE_OK)
        return take(r, entry);
    if (status == TCORE_FATAL)
        return status;
    /* Either the end as it was known, or damage: with the file as it is now, which of them? */
    status = look_at_size(r, err);
    if (!status)
        status = entry_at(r, r->offset, entry, err);
    if (status == TCORE_OK)
        return take(r, entry);
    uint64_t found;
    if (status == TCORE_SKIP && r->size > r->offset) {
        status = search(r, r->offset, &found, err);
        if (!status)
            return skip(r, found, entry, err);
    }
    return status == TCORE_FATAL ? status : end(r);
}

static enum tcore_status read_header(struct tcore_log_reader *r, struct tcore_error *err)
{
    unsigned char bytes[LOG_HEADER_BYTES] = {0};
    ptrdiff_t got = tcore_pread_all(r->fd, bytes, sizeof bytes, 0);
    if (got < 0)
        return unreadable(r, errno, err);
    enum tcore_status status = tcore_log_get_header(bytes, &r->header, NULL);
    if (status == TCORE_BAD_INPUT)
        return tcore_log_get_header(bytes, &r->header, err);
    /* A damaged header is the first damage, from byte 0 on. */
    r->offset = status == TCORE_OK && got == LOG_HEADER_BYTES ? LOG_HEADER_BYTES : 0;
    return look_at_size(r, err);
}

enum tcore_status tcore_log_reader_take(struct tcore_log_reader **reader, int fd, const char *name,
                                        struct tcore_error *err)
{
    *reader = NULL;
    struct tcore_log_reader *r = tcore_calloc(1, sizeof *r);
    char *copy = tcore_strndup(name, strlen(name));
    if (!r || !copy) {
        tcore_free(r);
        tcore_free(copy);
        tcore_sys()->close(fd);
        return tcore_error_nomem(err);
    }
    r->fd = fd;
    r->name = copy;
    enum tcore_status status = read_header(r, err);
    if (status) {
        tcore_log_reader_close(r);
        return status;
    }
    *reader = r;
    return TCORE_OK;
}

enum tcore_status tcore_log_reader_open(struct tcore_log_reader **reader, int dir, const char *name,
                                        struct tcore_error *err)
{
    *reader = NULL;
    int fd = tcore_open_regular(dir, name, O_RDONLY);
    if (fd < 0 && errno == ENOENT)
        return TCORE_EOF;
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open the log %s", name);
    return tcore_log_reader_take(reader, fd, name, err);
}

void tcore_log_reader_close(struct tcore_log_reader *r)
{
    if (!r)
        return;
    tcore_sys()->close(r->fd);
    tcore_buf_free(&r->window);
    tcore_free(r->name);
    tcore_free(r);
}

const struct tcore_log_report *tcore_log_reader_report(const struct tcore_log_reader *r)
{
    return &r->report;
}

const uint8_t *tcore_log_reader_id(const struct tcore_log_reader *r)
{
    return r->header.id;
}

const char *tcore_log_reader_name(const struct tcore_log_reader *r)
{
    return r->name;
}

uint64_t tcore_log_sealed(const uint8_t *id, const struct tcore_log_seal *seals, size_t count)
{
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++)
        if (seals[i].last_sequence > last && !memcmp(seals[i].id, id, TCORE_LOG_ID_BYTES))
            last = seals[i].last_sequence;
    return last;
}
