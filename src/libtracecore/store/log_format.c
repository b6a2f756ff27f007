/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Headers and entries of append logs to bytes and back, and the last entry found from the end. */
#include "store/log_format.h"

#include "base/buf.h"
#include "base/sys.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void tcore_log_put_header(const struct log_header *header, unsigned char bytes[LOG_HEADER_BYTES])
{
    memset(bytes, 0, LOG_HEADER_BYTES);
    memcpy(bytes, LOG_MAGIC, LOG_MAGIC_BYTES);
    binary_put32(bytes + LOG_HEADER_LENGTH, LOG_HEADER_BYTES);
    bytes[LOG_HEADER_VERSION] = LOG_VERSION;
    memcpy(bytes + LOG_HEADER_ID, header->id, TCORE_LOG_ID_BYTES);
    binary_put64(bytes + LOG_HEADER_CREATED, (uint64_t)header->created_ns);
    binary_put64(bytes + LOG_HEADER_CHECK, XXH3_64bits(bytes, LOG_HEADER_CHECK));
}

enum tcore_status tcore_log_get_header(const unsigned char bytes[LOG_HEADER_BYTES],
                                       struct log_header *header, struct tcore_error *err)
{
    static const unsigned char zero[LOG_HEADER_CHECK - LOG_HEADER_ZERO];
    memcpy(header->id, bytes + LOG_HEADER_ID, TCORE_LOG_ID_BYTES);
    header->created_ns = (int64_t)binary_get64(bytes + LOG_HEADER_CREATED);
    if (memcmp(bytes, LOG_MAGIC, LOG_MAGIC_BYTES) != 0)
        return tcore_error_set(err, TCORE_SKIP, "no header of a log");
    if (XXH3_64bits(bytes, LOG_HEADER_CHECK) != binary_get64(bytes + LOG_HEADER_CHECK))
        return tcore_error_set(err, TCORE_SKIP, "damaged header of a log");
    if (bytes[LOG_HEADER_VERSION] != LOG_VERSION)
        return tcore_error_set(err, TCORE_BAD_INPUT, "log of version %u, this program reads %u",
                               bytes[LOG_HEADER_VERSION], LOG_VERSION);
    if (binary_get32(bytes + LOG_HEADER_LENGTH) != LOG_HEADER_BYTES ||
        memcmp(bytes + LOG_HEADER_VERSION + 1, zero, 3) != 0 ||
        memcmp(bytes + LOG_HEADER_ZERO, zero, sizeof zero) != 0)
        return tcore_error_set(err, TCORE_SKIP, "impossible header of a log");
    return TCORE_OK;
}

/* What all checksums of an entry begin with: the id of its log, and its offset. */
enum { PLACE_BYTES = TCORE_LOG_ID_BYTES + 8 };

static void put_place(const uint8_t *id, uint64_t offset, unsigned char *place)
{
    memcpy(place, id, TCORE_LOG_ID_BYTES);
    binary_put64(place + TCORE_LOG_ID_BYTES, offset);
}

/* Over the place and the first 16 bytes of an entry, without the check itself. */
static uint16_t head_check(const uint8_t *id, uint64_t offset, const char *bytes)
{
    unsigned char text[PLACE_BYTES + LOG_ENTRY_HEAD_CHECK + sizeof(uint64_t)];
    put_place(id, offset, text);
    memcpy(text + PLACE_BYTES, bytes, LOG_ENTRY_HEAD_CHECK);
    memcpy(text + PLACE_BYTES + LOG_ENTRY_HEAD_CHECK, bytes + LOG_ENTRY_SEQUENCE, sizeof(uint64_t));
    return (uint16_t)XXH3_64bits(text, sizeof text);
}

/* Over the place, the first 16 bytes of the entry, and all behind the checksum. */
static uint64_t entry_check(const uint8_t *id, uint64_t offset, const char *bytes, uint64_t length)
{
    unsigned char place[PLACE_BYTES];
    XXH3_state_t state;
    put_place(id, offset, place);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, place, sizeof place);
    XXH3_64bits_update(&state, bytes, LOG_ENTRY_CHECK);
    XXH3_64bits_update(&state, bytes + LOG_ENTRY_BYTES, length - LOG_ENTRY_BYTES);
    return XXH3_64bits_digest(&state);
}

void tcore_log_put_entry(const uint8_t *id, uint64_t offset, const struct log_head *head,
                         const void *payload, char *out)
{
    uint64_t whole = log_entry_bytes(head->length);
    memset(out + whole - LOG_ALIGN, 0, LOG_ALIGN);
    memcpy(out + LOG_ENTRY_BYTES, payload, head->length);
    binary_put32(out + LOG_ENTRY_LENGTH, head->length);
    out[LOG_ENTRY_KIND] = (char)head->kind;
    out[LOG_ENTRY_ZERO] = 0;
    binary_put64(out + LOG_ENTRY_SEQUENCE, head->sequence);
    binary_put16(out + LOG_ENTRY_HEAD_CHECK, head_check(id, offset, out));
    binary_put64(out + LOG_ENTRY_CHECK, entry_check(id, offset, out, whole));
}

bool tcore_log_get_head(const uint8_t *id, uint64_t offset, const char *bytes,
                        struct log_head *head)
{
    head->length = binary_get32(bytes + LOG_ENTRY_LENGTH);
    head->kind = (unsigned char)bytes[LOG_ENTRY_KIND];
    head->sequence = binary_get64(bytes + LOG_ENTRY_SEQUENCE);
    return head->length && head->length <= TCORE_LOG_PAYLOAD_MAX && head->kind &&
           !bytes[LOG_ENTRY_ZERO] && head->sequence &&
           binary_get16(bytes + LOG_ENTRY_HEAD_CHECK) == head_check(id, offset, bytes);
}

bool tcore_log_check_entry(const uint8_t *id, uint64_t offset, const char *bytes,
                           const struct log_head *head)
{
    return binary_get64(bytes + LOG_ENTRY_CHECK) ==
           entry_check(id, offset, bytes, log_entry_bytes(head->length));
}

/* Looks for an entry that ends where the window, which is at an offset of the file, does: at places
 * of the window from one down to 0. */
static bool find_in_window(const uint8_t *id, uint64_t offset, const char *window, size_t length,
                           size_t from, uint64_t *sequence)
{
    for (size_t at = from + LOG_ALIGN; at > 0;) {
        at -= LOG_ALIGN;
        struct log_head head;
        if (tcore_log_get_head(id, offset + at, window + at, &head) &&
            log_entry_bytes(head.length) == length - at &&
            tcore_log_check_entry(id, offset + at, window + at, &head)) {
            *sequence = head.sequence;
            return true;
        }
    }
    return false;
}

enum tcore_status tcore_log_find_tail(int fd, const uint8_t *id, uint64_t size, uint64_t *sequence,
                                      struct tcore_error *err)
{
    enum { FIRST_WINDOW = 4096, GROWTH = 8 };
    *sequence = 0;
    if (size == LOG_HEADER_BYTES)
        return TCORE_OK;
    if (size < LOG_HEADER_BYTES + LOG_ENTRY_LEAST || size % LOG_ALIGN)
        return tcore_error_set(err, TCORE_SKIP, "the log does not end with an entry");
    uint64_t most = size - LOG_HEADER_BYTES;
    if (most > LOG_ENTRY_MOST)
        most = LOG_ENTRY_MOST;
    struct tcore_buf window = {0};
    enum tcore_status status = TCORE_SKIP;
    for (size_t length = 0, next = FIRST_WINDOW; status == TCORE_SKIP && length < most;
         next *= GROWTH) {
        size_t known = length;
        length = next < most ? next : (size_t)most;
        tcore_buf_clear(&window);
        if (!tcore_buf_reserve(&window, length)) {
            status = tcore_error_nomem(err);
            break;
        }
        ptrdiff_t got = tcore_pread_all(fd, window.data, length, size - length);
        if (got != (ptrdiff_t)length) {
            status = tcore_error_errno(err, TCORE_FATAL, got < 0 ? errno : EIO,
                                       "cannot read the end of the log");
            break;
        }
        size_t from = length - (known ? known + LOG_ALIGN : LOG_ENTRY_LEAST);
        if (length >= LOG_ENTRY_LEAST && (!known || length > known) &&
            find_in_window(id, size - length, window.data, length, from, sequence))
            status = TCORE_OK;
    }
    tcore_buf_free(&window);
    if (status == TCORE_SKIP)
        tcore_error_set(err, TCORE_SKIP, "the log does not end with an entry");
    return status;
}

int tcore_log_draw_name(char name[LOG_FILE_NAME_MAX])
{
    uint64_t random;
    if (tcore_sys()->random(&random, sizeof random) != 0)
        return -1;
    time_t seconds = (time_t)(tcore_sys()->wall_ns() / 1000000000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm))
        return -1;
    snprintf(name, LOG_FILE_NAME_MAX, "%04d%02d%02dT%02d%02d%02dZ-%016llx" LOG_SUFFIX,
             (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
             tm.tm_sec, (unsigned long long)random);
    return 0;
}

int tcore_log_is_named(int dir, const char *name, int fd)
{
    struct stat mine, there;
    if (tcore_sys()->fstat(fd, &mine) != 0)
        return -1;
    if (tcore_sys()->fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -1;
    return mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}
